// SPDX-License-Identifier: Apache-2.0

package rota

import (
	"net/http"
	"time"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/internal/console"
	"github.com/sashlock/sashlock/internal/flow"
	"github.com/sashlock/sashlock/internal/lang"
	"github.com/sashlock/sashlock/internal/shifts"
	"github.com/sashlock/sashlock/internal/store"
)

// aheadDays is for how many days people see their own shifts.
const aheadDays = 28

// own is one's own rota.
type own struct {
	Site   sashlock.Site
	Me     sashlock.Person
	Known  bool // the operator is somebody here
	Now    shifts.Shift
	HasNow bool // there is a shift to clock in to, or out of
	State  state
	Span   string
	Opens  []sashlock.Opening
	Ahead  []ownShift
	Wrong  string
}

// ownShift is one of them that is still to come.
type ownShift struct {
	shifts.Shift
	Local time.Time
	Span  string
}

func (p pages) mine(w http.ResponseWriter, r *http.Request) error { return p.showMine(w, r, nil) }

func (p pages) showMine(w http.ResponseWriter, r *http.Request, wrong error) error {
	ctx, book, now := r.Context(), p.Hall.Book(), p.Now()
	site, err := p.Site(r)
	if err != nil {
		return err
	}
	v := &own{Site: site}
	h := p.head(ctx, lang.T(ctx, "My shifts"), site)
	h.Section = console.InMe
	if wrong != nil {
		v.Wrong, h.Status = sentence(ctx, wrong), console.Outrun
	}
	if v.Me, v.Known = book.People[console.Who(ctx).Operator.Person]; !v.Known || site.ID == "" {
		v.Known = false
		return p.Show(w, r, h, minePage(v))
	}
	err = p.Store.View(ctx, func(q store.Query) (err error) {
		if v.Now, v.HasNow, err = shifts.Current(q, v.Me.ID, site, now); err != nil {
			return err
		}
		all, err := shifts.List(q, shifts.Filter{Person: v.Me.ID, Site: site.ID, From: now, Until: now.AddDate(0, 0, aheadDays)})
		for _, s := range all {
			if s.ID != v.Now.ID && !s.Over(now) {
				v.Ahead = append(v.Ahead, ownShift{s, console.LocalTime(site, s.From), span(site, s.Shift)})
			}
		}
		return err
	})
	if err != nil {
		return err
	}
	if v.HasNow {
		v.State, v.Span, v.Opens = standing(ctx, v.Now, site, now), span(site, v.Now.Shift), opens(book, v.Me.ID, site.ID, now)
	}
	return p.Show(w, r, h, minePage(v))
}

func (p pages) come(w http.ResponseWriter, r *http.Request) error {
	return p.clock(w, r, shifts.ClockIn)
}

func (p pages) leave(w http.ResponseWriter, r *http.Request) error {
	return p.clock(w, r, shifts.ClockOut)
}

// clock clocks the person in or out who the operator is.
func (p pages) clock(w http.ResponseWriter, r *http.Request, do func(*store.Tx, sashlock.PersonID, sashlock.Site) (shifts.Shift, flow.Edit, error)) error {
	ctx := r.Context()
	if err := p.Form(w, r); err != nil {
		return err
	}
	site, err := p.Site(r)
	if err != nil {
		return err
	}
	me, known := p.Hall.Book().People[console.Who(ctx).Operator.Person]
	if !known {
		return &sashlock.Error{Kind: sashlock.Conflict, Op: "clocking in", Hint: lang.T(ctx, "you are nobody among the people of this store: ask the owner to link you")}
	}
	err = p.change(ctx, func(tx *store.Tx) (flow.Edit, error) {
		_, edit, err := do(tx, me.ID, site)
		return edit, err
	})
	if sashlock.IsKind(err, sashlock.Conflict) {
		return p.showMine(w, r, err)
	}
	if err != nil {
		return err
	}
	if r.FormValue("then") == "/serve" {
		return console.Back(w, r, "/serve")
	}
	return console.Back(w, r, "/rota/mine")
}
