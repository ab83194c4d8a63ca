// SPDX-License-Identifier: Apache-2.0

package enter

import (
	"cmp"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/internal/approvals"
	"github.com/sashlock/sashlock/internal/console"
	"github.com/sashlock/sashlock/internal/lang"
	"github.com/sashlock/sashlock/internal/signin"
	"github.com/sashlock/sashlock/internal/store"
)

func (p *pages) mountOperators() {
	itself := func(r *http.Request) string { return "/operators/" + url.PathEscape(r.PathValue("id")) }
	p.Handle("GET /operators", signin.Admit, p.operatorsPage)
	p.Handle("GET /operators/invite", signin.Admit, p.fresh(to("/operators/invite"), p.invitePage))
	p.Handle("POST /operators/invite", signin.Admit, p.fresh(to("/operators/invite"), p.invite))
	p.Handle("GET /operators/{id}", signin.Admit, p.operatorPage)
	p.Handle("POST /operators/{id}", signin.Admit, p.fresh(itself, p.change))
	p.Handle("POST /operators/{id}/suspend", signin.Admit, p.fresh(itself, p.suspend))
	p.Handle("POST /operators/{id}/sessions", signin.Admit, p.fresh(itself, p.endTheirs))
	p.Handle("POST /operators/{id}/link", signin.Admit, p.fresh(itself, p.letBack))
}

// member is an operator in the list.
type member struct {
	signin.Operator
	Where  []string
	Areas  []string
	Last   time.Time // when they last signed in
	Comes  bool      // they have something to sign in with
	Open   int       // sessions
	Mine   bool      // whoever reads may change them
	Itself bool      // it is who reads
	Link   time.Time // until when a link for them works
}

func (p *pages) inAdmit(title, about string) console.Head {
	return console.Head{Title: title, Section: console.InSettings, About: about, Styles: []string{"enter.css"}}
}

// members lists the operators whom whoever is signed in may know of: those
// they could have let in, and themselves.
func (p *pages) members(r *http.Request) ([]member, error) {
	who := console.Who(r.Context()).Operator
	var all []member
	err := p.Store.View(r.Context(), func(q store.Query) error {
		operators, err := signin.Operators(q)
		if err != nil {
			return err
		}
		last, err := signin.LastSignIns(q)
		if err != nil {
			return err
		}
		for _, o := range operators {
			m := member{Operator: o, Where: p.where(o), Areas: p.areaNames(o), Last: last[o.ID], Mine: who.Covers(o) == nil, Itself: o.ID == who.ID}
			if !m.Mine && !m.Itself {
				continue
			}
			if m.Comes, err = signin.CanSignIn(q, o.ID); err != nil {
				return err
			}
			sessions, err := p.Signin.Sessions(q, o.ID)
			if err != nil {
				return err
			}
			m.Open = len(sessions)
			all = append(all, m)
		}
		return nil
	})
	return all, err
}

func (p *pages) areaNames(o signin.Operator) (names []string) {
	for _, a := range p.Hall.Book().Areas {
		if slices.Contains(o.Areas, a.ID) {
			names = append(names, a.Name)
		}
	}
	slices.Sort(names)
	return names
}

// member finds the operator of an address. One that whoever is signed in may
// not know of is refused.
func (p *pages) member(r *http.Request) (member, error) {
	all, err := p.members(r)
	if err != nil {
		return member{}, err
	}
	id := sashlock.OperatorID(r.PathValue("id"))
	for _, m := range all {
		if m.ID == id {
			return m, nil
		}
	}
	err = p.Store.View(r.Context(), func(q store.Query) error { _, err := signin.FindOperator(q, id); return err })
	if err == nil {
		err = p.Refuse(r.Context(), "operator "+string(id))
	}
	return member{}, err
}

func (p *pages) operatorsPage(w http.ResponseWriter, r *http.Request) error {
	all, err := p.members(r)
	if err != nil {
		return err
	}
	ctx := r.Context()
	here, gone := p.parted(all)
	return p.Show(w, r, p.inAdmit(lang.T(ctx, "Operators"), lang.T(ctx, "Who may sign in to this console, for what and where. Operators are invited by a link and enrol a passkey of their own; nobody knows anybody else's.")), operatorsPage(here, gone, p.zone(r)))
}

// parted tells operators from guests whose grant has ended: these no longer sign
// in, and there are more of them every day.
func (p *pages) parted(all []member) (here, gone []member) {
	index, now := p.Hall.Book().Index, p.Now()
	for _, m := range all {
		if m.Grant != "" && !index.Stands(m.Grant, now) {
			gone = append(gone, m)
		} else {
			here = append(here, m)
		}
	}
	return here, gone
}

func (p *pages) zone(r *http.Request) *time.Location {
	if site, err := p.Site(r); err == nil {
		return console.Zone(site)
	}
	return time.UTC
}

// draft is the form about an operator, with what was typed and what was wrong.
type draft struct {
	signin.Operator
	Field    string // the field that is wrong
	Wrong    string
	Roles    []signin.Role
	AllSites []sashlock.Site
	AllAreas []sashlock.Area
	People   []sashlock.Person
	Member   member // whom it changes; empty: somebody new
	Zone     *time.Location
}

// choices fills in what whoever is signed in may choose from.
func (p *pages) choices(r *http.Request, d draft) draft {
	who := console.Who(r.Context()).Operator
	for _, role := range signin.Roles() {
		if who.Covers(signin.Operator{Role: role, Sites: who.Sites, Areas: who.Areas}) == nil {
			d.Roles = append(d.Roles, role)
		}
	}
	d.AllSites, d.Zone = p.Frame.Sites(r.Context()), p.zone(r)
	book := p.Hall.Book()
	for _, a := range book.Areas {
		if who.Sees(a.Site, a.ID) {
			d.AllAreas = append(d.AllAreas, a)
		}
	}
	slices.SortFunc(d.AllAreas, func(a, b sashlock.Area) int {
		return cmp.Or(cmp.Compare(a.Site, b.Site), cmp.Compare(a.Name, b.Name))
	})
	for _, one := range book.People {
		d.People = append(d.People, one)
	}
	slices.SortFunc(d.People, func(a, b sashlock.Person) int { return cmp.Or(cmp.Compare(a.Name, b.Name), cmp.Compare(a.ID, b.ID)) })
	return d
}

func (p *pages) invitePage(w http.ResponseWriter, r *http.Request) error {
	return p.showInvite(w, r, draft{Operator: signin.Operator{Role: signin.Associate}})
}

func (p *pages) showInvite(w http.ResponseWriter, r *http.Request, d draft) error {
	ctx := r.Context()
	return p.Show(w, r, p.inAdmit(lang.T(ctx, "Invite an operator"), lang.T(ctx, "You get a link that works once, within three days. Give it to them in person or by a way you trust: whoever opens it first is in.")), invitePage(p.choices(r, d)))
}

// typed reads the form about an operator. What it refers to has to exist.
func (p *pages) typed(r *http.Request, o signin.Operator) signin.Operator {
	book := p.Hall.Book()
	o.Name, o.Role = strings.TrimSpace(r.PostFormValue("name")), signin.Role(r.PostFormValue("role"))
	o.Sites, o.Areas, o.Person = nil, nil, sashlock.PersonID(r.PostFormValue("person"))
	for _, id := range r.PostForm["site"] {
		if _, known := book.Sites[sashlock.SiteID(id)]; known && !slices.Contains(o.Sites, sashlock.SiteID(id)) {
			o.Sites = append(o.Sites, sashlock.SiteID(id))
		}
	}
	for _, a := range book.Areas {
		if slices.Contains(r.PostForm["area"], string(a.ID)) {
			o.Areas = append(o.Areas, a.ID)
		}
	}
	slices.Sort(o.Areas)
	return o
}

// misplaced says what is wrong with where somebody is to be let in: an area
// lies at a site that was not chosen, or a person does not exist.
func (p *pages) misplaced(r *http.Request, o signin.Operator) error {
	book, ctx := p.Hall.Book(), r.Context()
	bad := func(field, hint string) error {
		return &sashlock.Error{Kind: sashlock.Invalid, Op: "saving operator", Subject: field, Hint: hint}
	}
	for _, id := range o.Areas {
		if len(o.Sites) > 0 && !slices.Contains(o.Sites, book.Areas[id].Site) {
			return bad("areas", lang.T(ctx, "%s is at a site that is not chosen", book.Areas[id].Name))
		}
	}
	if _, known := book.People[o.Person]; o.Person != "" && !known {
		return bad("person", lang.T(ctx, "choose one from the list"))
	}
	if len(r.PostForm["site"]) != len(o.Sites) || len(r.PostForm["area"]) != len(o.Areas) {
		return bad("sites", lang.T(ctx, "choose from the list"))
	}
	return nil
}

// wrongWith is the field and the words of an error that whoever typed can
// mend; false: it is another kind of error.
func wrongWith(r *http.Request, err error) (field, words string, mend bool) {
	var said *sashlock.Error
	if !errors.As(err, &said) || said.Kind != sashlock.Invalid && said.Kind != sashlock.Conflict && said.Kind != sashlock.Denied {
		return "", "", false
	}
	return said.Subject, lang.T(r.Context(), said.Hint), true
}

func (p *pages) invite(w http.ResponseWriter, r *http.Request) error {
	if err := p.Form(w, r); err != nil {
		return err
	}
	o := p.typed(r, signin.Operator{})
	who := console.Who(r.Context()).Operator
	err := p.misplaced(r, o)
	var secret string
	if err == nil {
		if denied := who.Covers(o); slices.Contains(signin.Roles(), o.Role) && denied != nil {
			return p.Refuse(r.Context(), "inviting beyond what one may")
		}
		var made signin.Operator
		if made, secret, err = p.Signin.Invite(r.Context(), who, o); err == nil {
			o = made
		}
	}
	if field, words, mend := wrongWith(r, err); mend {
		return p.showInvite(w, r, draft{Operator: o, Field: field, Wrong: words})
	}
	if err != nil {
		return err
	}
	return p.showLink(w, r, o, secret)
}

// showLink shows a one-time link, for the only time.
func (p *pages) showLink(w http.ResponseWriter, r *http.Request, o signin.Operator, secret string) error {
	until := p.Now().Add(signin.InviteLife).In(p.zone(r))
	return p.Show(w, r, p.inAdmit(lang.T(r.Context(), "The link for %s", o.Name), ""), linkPage(o, p.Address(r)+"/invite/"+secret, until))
}

func (p *pages) operatorPage(w http.ResponseWriter, r *http.Request) error {
	m, err := p.member(r)
	if err != nil {
		return err
	}
	return p.showOperator(w, r, draft{Operator: m.Operator, Member: m})
}

func (p *pages) showOperator(w http.ResponseWriter, r *http.Request, d draft) error {
	return p.Show(w, r, p.inAdmit(d.Member.Name, ""), operatorPage(p.choices(r, d)))
}

func (p *pages) change(w http.ResponseWriter, r *http.Request) error {
	if err := p.Form(w, r); err != nil {
		return err
	}
	m, err := p.member(r)
	if err != nil {
		return err
	}
	o := p.typed(r, m.Operator)
	if rev, err := strconv.ParseInt(r.PostFormValue("rev"), 10, 64); err == nil {
		o.Rev = rev
	}
	return p.apply(w, r, m, o, p.misplaced(r, o))
}

// apply changes an operator unless something is wrong already, and shows what
// is wrong beside what was typed.
func (p *pages) apply(w http.ResponseWriter, r *http.Request, m member, o signin.Operator, err error) error {
	if err == nil {
		_, err = p.Signin.Change(r.Context(), console.Who(r.Context()).Operator, o)
	}
	if errors.Is(err, approvals.ErrHeld) {
		return p.crown(w, r, o)
	}
	if sashlock.IsKind(err, sashlock.Denied) {
		return p.Refuse(r.Context(), "changing operator "+string(m.ID))
	}
	if field, words, mend := wrongWith(r, err); mend {
		return p.showOperator(w, r, draft{Operator: o, Member: m, Field: field, Wrong: words})
	}
	if err != nil {
		return err
	}
	return console.Back(w, r, "/operators/"+string(m.ID))
}

// crown lets the making of an owner wait for a second one.
func (p *pages) crown(w http.ResponseWriter, r *http.Request, o signin.Operator) error {
	form := struct {
		Operator sashlock.OperatorID `json:"operator"`
	}{o.ID}
	path, err := p.Propose(r.Context(), approvals.OwnerKind, form, o.Rev, lang.T(r.Context(), "Another owner of the store"))
	if err != nil {
		return err
	}
	return console.Back(w, r, path)
}

func (p *pages) suspend(w http.ResponseWriter, r *http.Request) error {
	if err := p.Form(w, r); err != nil {
		return err
	}
	m, err := p.member(r)
	if err != nil {
		return err
	}
	o := m.Operator
	o.Suspended = r.PostFormValue("suspended") == "yes"
	if m.Itself {
		err = &sashlock.Error{Kind: sashlock.Conflict, Op: "suspending", Hint: lang.T(r.Context(), "nobody can suspend themselves")}
	}
	return p.apply(w, r, m, o, err)
}

func (p *pages) endTheirs(w http.ResponseWriter, r *http.Request) error {
	m, err := p.member(r)
	if err != nil {
		return err
	}
	if err := p.Signin.EndAll(r.Context(), console.Who(r.Context()).Operator.ID, m.ID, ""); err != nil {
		return err
	}
	return console.Back(w, r, "/operators/"+string(m.ID))
}

func (p *pages) letBack(w http.ResponseWriter, r *http.Request) error {
	m, err := p.member(r)
	if err != nil {
		return err
	}
	if !m.Mine {
		return p.Refuse(r.Context(), "a way back for operator "+string(m.ID))
	}
	secret, err := p.Signin.Return(r.Context(), console.Who(r.Context()).Operator, m.ID)
	if err != nil {
		return err
	}
	return p.showLink(w, r, m.Operator, secret)
}
