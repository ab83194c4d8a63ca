// SPDX-License-Identifier: Apache-2.0

package enter

import (
	"context"
	"net/http"
	"slices"
	"strconv"
	"time"

	"github.com/a-h/templ"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/internal/console"
	"github.com/sashlock/sashlock/internal/lang"
	"github.com/sashlock/sashlock/internal/signin"
	"github.com/sashlock/sashlock/internal/store"
)

func (p *pages) mountElevation() {
	asking := to("/me/elevation")
	p.signed("GET /me/elevation", p.fresh(asking, p.elevationPage))
	p.signed("POST /me/elevation", p.fresh(asking, p.askElevation))
	p.signed("GET /elevations", p.elevationsPage)
	p.signed("GET /elevations/{id}", p.oneElevation)
	back := to("/elevations")
	p.signed("POST /elevations/{id}/agree", p.fresh(back, p.agree))
	p.signed("POST /elevations/{id}/turn-down", p.turnDown)
	p.signed("POST /elevations/{id}/end", p.endElevation)
	p.Extend(elevated)
}

// elevated is the line at the end of every page that says that somebody has a
// higher role, until when, and ends it.
func elevated(r *http.Request) templ.Component {
	who := console.Who(r.Context())
	if who.Elevation.ID == "" {
		return templ.NopComponent
	}
	return elevatedBar(who)
}

// asked is the form for a higher role, with what was typed.
type asked struct {
	Who     signin.Session
	Roles   []signin.Role
	Role    signin.Role
	Minutes int
	Glass   bool
	Reason  string
	Field   string
	Wrong   string
	Passkey bool // they just used one
}

// minutes are the lengths on offer; those of a broken glass end at an hour.
func minutes() []int { return []int{15, 30, 60, 120, 240} }

func (p *pages) elevationPage(w http.ResponseWriter, r *http.Request) error {
	return p.showElevation(w, r, asked{Minutes: 30})
}

func (p *pages) showElevation(w http.ResponseWriter, r *http.Request, a asked) error {
	a.Who = console.Who(r.Context())
	a.Passkey = a.Who.By == byPasskey || a.Who.By == byLink
	have := a.Who.Operator.Role.Scopes()
	for _, role := range signin.Roles() {
		if slices.ContainsFunc(role.Scopes(), func(s signin.Scope) bool { return !slices.Contains(have, s) }) {
			a.Roles = append(a.Roles, role)
		}
	}
	if a.Role == "" && len(a.Roles) > 0 {
		a.Role = a.Roles[len(a.Roles)-1]
	}
	ctx := r.Context()
	head := p.head(lang.T(ctx, "A higher role for a while"), lang.T(ctx, "For what you cannot do yourself and that cannot wait. A second operator has to agree, it ends by itself, and everything done meanwhile is listed in the ledger."))
	if a.Wrong != "" {
		head.Status = console.Refused
	}
	return p.Show(w, r, head, elevationPage(a))
}

func (p *pages) askElevation(w http.ResponseWriter, r *http.Request) error {
	if err := p.Form(w, r); err != nil {
		return err
	}
	a := asked{Role: signin.Role(r.PostFormValue("role")), Reason: r.PostFormValue("reason"), Glass: r.PostFormValue("glass") == "yes"}
	if n, err := strconv.Atoi(r.PostFormValue("minutes")); err == nil && slices.Contains(minutes(), n) {
		a.Minutes = n
	}
	e, err := p.Signin.AskElevation(r.Context(), console.Who(r.Context()), a.Role, time.Duration(a.Minutes)*time.Minute, a.Reason, a.Glass)
	if field, words, mend := wrongWith(r, err); mend {
		a.Field, a.Wrong = field, words
		return p.showElevation(w, r, a)
	}
	if err != nil {
		return err
	}
	return console.Back(w, r, "/elevations/"+e.ID)
}

// lent is a higher role as pages show it.
type lent struct {
	signin.Elevation
	Name    string // who asked
	ByName  string // who agreed
	Mine    bool
	Answers bool // whoever reads may answer
	Now     time.Time
	Zone    *time.Location
}

// Open reports whether it still waits for an answer.
func (l lent) Open() bool {
	return l.State == signin.Asked && l.Now.Sub(l.At) < signin.AskLife
}

// Stands reports whether it counts now.
func (l lent) Stands() bool { return l.State == signin.Standing && l.Now.Before(l.Ends) }

// lents lists what whoever is signed in may know of: what they asked for, what
// they may answer, and everything for those who see every site.
func (p *pages) lents(r *http.Request, limit int) (all []lent, err error) {
	if _, err := p.Signin.Settle(r.Context()); err != nil {
		return nil, err
	}
	who := console.Who(r.Context()).Operator
	err = p.Store.View(r.Context(), func(q store.Query) error {
		operators, err := signin.Operators(q)
		if err != nil {
			return err
		}
		byID := map[sashlock.OperatorID]signin.Operator{}
		for _, o := range operators {
			byID[o.ID] = o
		}
		found, err := signin.Elevations(q, limit)
		for _, e := range found {
			l := lent{Elevation: e, Name: byID[e.Operator].Name, ByName: byID[e.By].Name, Mine: e.Operator == who.ID, Now: p.Now(), Zone: p.zone(r)}
			l.Answers = e.MayAnswer(who, byID[e.Operator]) == nil
			if l.Mine || l.Answers || who.May(signin.Read) && len(who.Sites)+len(who.Areas) == 0 {
				all = append(all, l)
			}
		}
		return err
	})
	return all, err
}

func (p *pages) elevationsPage(w http.ResponseWriter, r *http.Request) error {
	all, err := p.lents(r, 100)
	if err != nil {
		return err
	}
	ctx := r.Context()
	return p.Show(w, r, p.inAdmit(lang.T(ctx, "Higher roles for a while"), lang.T(ctx, "Who asked to do for a while what their role does not allow, who agreed, and what was done meanwhile.")), elevationsPage(all))
}

// lent finds the one of an address.
func (p *pages) lent(r *http.Request) (lent, error) {
	all, err := p.lents(r, 1000)
	if err != nil {
		return lent{}, err
	}
	for _, l := range all {
		if l.ID == r.PathValue("id") {
			return l, nil
		}
	}
	err = p.Store.View(r.Context(), func(q store.Query) error { _, err := signin.FindElevation(q, r.PathValue("id")); return err })
	if err == nil {
		err = p.Refuse(r.Context(), "higher role "+r.PathValue("id"))
	}
	return lent{}, err
}

func (p *pages) oneElevation(w http.ResponseWriter, r *http.Request) error {
	l, err := p.lent(r)
	if err != nil {
		return err
	}
	acts, err := p.Signin.Acts(r.Context(), l.Elevation)
	if err != nil {
		return err
	}
	return p.Show(w, r, p.inAdmit(lang.T(r.Context(), "A higher role for %s", l.Name), ""), oneElevationPage(l, acts))
}

func (p *pages) agree(w http.ResponseWriter, r *http.Request) error {
	l, err := p.lent(r)
	if err != nil {
		return err
	}
	if _, err := p.Signin.Agree(r.Context(), console.Who(r.Context()), l.ID); err != nil {
		if sashlock.IsKind(err, sashlock.Denied) && !l.Answers {
			return p.Refuse(r.Context(), "agreeing to a higher role")
		}
		return p.said(r, err)
	}
	return console.Back(w, r, "/elevations/"+l.ID)
}

func (p *pages) turnDown(w http.ResponseWriter, r *http.Request) error {
	return p.answer(w, r, p.Signin.TurnDown)
}

func (p *pages) endElevation(w http.ResponseWriter, r *http.Request) error {
	return p.answer(w, r, p.Signin.EndElevation)
}

// answer carries out what whoever is signed in decides about a higher role.
func (p *pages) answer(w http.ResponseWriter, r *http.Request, do func(context.Context, signin.Operator, string) error) error {
	l, err := p.lent(r)
	if err != nil {
		return err
	}
	if err := do(r.Context(), console.Who(r.Context()).Operator, l.ID); err != nil {
		if sashlock.IsKind(err, sashlock.Denied) {
			return p.Refuse(r.Context(), "answering about a higher role")
		}
		return p.said(r, err)
	}
	return console.Back(w, r, "/elevations/"+l.ID)
}
