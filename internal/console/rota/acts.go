// SPDX-License-Identifier: Apache-2.0

package rota

import (
	"cmp"
	"context"
	"errors"
	"net/http"
	"slices"
	"strconv"
	"time"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/internal/console"
	"github.com/sashlock/sashlock/internal/flow"
	"github.com/sashlock/sashlock/internal/lang"
	"github.com/sashlock/sashlock/internal/reach"
	"github.com/sashlock/sashlock/internal/shifts"
	"github.com/sashlock/sashlock/internal/signin"
	"github.com/sashlock/sashlock/internal/store"
)

// taker is somebody who could take a shift.
type taker struct {
	Person sashlock.Person
	Mine   *shifts.Shift // theirs that would be given back for it; nil: they are free
	When   string        // of Mine
	Gets   []sashlock.Opening
}

// sheet is one shift.
type sheet struct {
	shifts.Shift
	Of          sashlock.Person
	RoleName    string
	Planned     sashlock.Person
	Store       sashlock.Site
	Local       [2]time.Time
	Span        string
	State       state
	Opens       []sashlock.Opening
	Takers      []taker
	Change      bool
	Movable     bool
	Week        string
	From, Until string // as typed
	Wrong       string
	Outrun      bool
}

func (p pages) shift(w http.ResponseWriter, r *http.Request) error {
	s, site, err := p.one(r)
	if err != nil {
		return err
	}
	return p.showShift(w, r, s, site, nil)
}

func (p pages) showShift(w http.ResponseWriter, r *http.Request, s shifts.Shift, site sashlock.Site, wrong error) error {
	ctx, book, now := r.Context(), p.Hall.Book(), p.Now()
	v := &sheet{
		Shift: s, Of: book.People[s.Person], Planned: book.People[s.Planned], RoleName: book.Roles[s.Role].Name, Store: site, Span: span(site, s.Shift), State: standing(ctx, s, site, now),
		Local: [2]time.Time{console.LocalTime(site, s.From), console.LocalTime(site, s.Until)},
		Opens: opens(book, s.Person, site.ID, middle(s.Shift)), Change: console.May(ctx, signin.Access),
		Movable: s.Standing() && s.In.IsZero() && s.Until.After(now),
	}
	v.Week = (&overview{Site: site}).address(mondayOf(v.Local[0]))
	v.From, v.Until = v.Local[0].Format("2006-01-02T15:04"), v.Local[1].Format("2006-01-02T15:04")
	h := p.head(ctx, lang.T(ctx, "Shift of %s", v.Of.Name), site)
	if wrong != nil {
		v.Wrong, v.Outrun = lang.T(ctx, console.Sentence(wrong)), sashlock.IsKind(wrong, sashlock.Conflict)
		if h.Status = console.Refused; v.Outrun {
			h.Status = console.Outrun
		}
		if t := r.PostFormValue("from"); t != "" {
			v.From, v.Until = console.Clip(t, 40), console.Clip(r.PostFormValue("until"), 40)
		}
	}
	var err error
	if v.Change && v.Movable {
		v.Takers, err = p.takers(ctx, s, site)
	}
	if err != nil {
		return err
	}
	return p.Show(w, r, h, shiftPage(v))
}

// mostTakers is how many people the page of a shift names.
const mostTakers = 60

// takers finds who could take a shift: people of the store who do not work at
// that time, or who could give one of theirs of the days around for it.
func (p pages) takers(ctx context.Context, s shifts.Shift, site sashlock.Site) (all []taker, err error) {
	book, now := p.Hall.Book(), p.Now()
	around, err := p.list(ctx, shifts.Filter{From: s.From.AddDate(0, 0, -1), Until: s.Until.AddDate(0, 0, 1)})
	if err != nil {
		return nil, err
	}
	people, err := p.planned(ctx, site.ID)
	if err != nil {
		return nil, err
	}
	for _, one := range people {
		if one.ID == s.Person {
			continue
		}
		t := taker{Person: one, Gets: opens(book, one.ID, site.ID, middle(s.Shift))}
		busy := false
		for i, other := range around {
			if other.Person != one.ID || !other.Out.IsZero() {
				continue
			}
			overlaps := other.From.Before(s.Until) && s.From.Before(other.Until)
			giveable := other.Site == s.Site && other.In.IsZero() && other.Until.After(now)
			busy = busy || overlaps && !giveable
			if giveable && (t.Mine == nil || overlaps) {
				t.Mine = &around[i]
				t.When = console.Day(ctx, console.LocalTime(site, other.From)) + " " + span(site, other.Shift)
			}
		}
		if !busy {
			all = append(all, t)
		}
	}
	slices.SortStableFunc(all, func(a, b taker) int { return cmp.Compare(min(1, len(b.Gets)), min(1, len(a.Gets))) })
	return all[:min(len(all), mostTakers)], nil
}

// swap gives a shift to somebody, or exchanges it for one of theirs.
func (p pages) swap(w http.ResponseWriter, r *http.Request) error {
	return p.act(w, r, func(tx *store.Tx, s shifts.Shift, _ sashlock.Site) (flow.Edit, error) {
		rev := number(r.PostFormValue("rev"))
		if with := r.PostFormValue("with"); with != "" {
			_, _, edit, err := shifts.Exchange(tx, s.ID, sashlock.ShiftID(with), rev, number(r.PostFormValue("with_rev")))
			return edit, err
		}
		to, known := personOf(p.Hall.Book(), r.PostFormValue("to"))
		if !known {
			return flow.Edit{}, noPerson(r.Context(), "to")
		}
		_, edit, err := shifts.Give(tx, s.ID, to.ID, rev)
		return edit, err
	})
}

func (p pages) cancel(w http.ResponseWriter, r *http.Request) error {
	return p.act(w, r, func(tx *store.Tx, s shifts.Shift, _ sashlock.Site) (flow.Edit, error) {
		if !s.Standing() { // sent twice
			return flow.Edit{}, nil
		}
		_, edit, err := shifts.Cancel(tx, s.ID, number(r.PostFormValue("rev")))
		return edit, err
	})
}

func (p pages) clockIn(w http.ResponseWriter, r *http.Request) error {
	return p.act(w, r, func(tx *store.Tx, s shifts.Shift, site sashlock.Site) (flow.Edit, error) {
		_, edit, err := shifts.ClockInTo(tx, s.ID, site)
		return edit, err
	})
}

func (p pages) clockOut(w http.ResponseWriter, r *http.Request) error {
	return p.act(w, r, func(tx *store.Tx, s shifts.Shift, _ sashlock.Site) (flow.Edit, error) {
		_, edit, err := shifts.ClockOutOf(tx, s.ID)
		return edit, err
	})
}

// times moves a shift.
func (p pages) times(w http.ResponseWriter, r *http.Request) error {
	return p.act(w, r, func(tx *store.Tx, s shifts.Shift, site sashlock.Site) (flow.Edit, error) {
		from, err := instant(r, "from", site)
		if err != nil {
			return flow.Edit{}, err
		}
		until, err := instant(r, "until", site)
		if err != nil {
			return flow.Edit{}, err
		}
		s.From, s.Until = from, until
		_, edit, err := shifts.Save(tx, s, number(r.PostFormValue("rev")))
		return edit, err
	})
}

// act does something with the shift of an address and shows it again. What can
// be mended is said on its page.
func (p pages) act(w http.ResponseWriter, r *http.Request, do func(*store.Tx, shifts.Shift, sashlock.Site) (flow.Edit, error)) error {
	if err := p.Form(w, r); err != nil {
		return err
	}
	s, site, err := p.one(r)
	if err != nil {
		return err
	}
	err = p.change(r.Context(), func(tx *store.Tx) (flow.Edit, error) { return do(tx, s, site) })
	if sashlock.IsKind(err, sashlock.Conflict) || sashlock.IsKind(err, sashlock.Invalid) {
		if now, _, again := p.one(r); again == nil {
			s = now
		}
		return p.showShift(w, r, s, site, err)
	}
	if err != nil {
		return err
	}
	to := "/rota/shifts/" + string(s.ID)
	if then := r.PostFormValue("then"); then != "" {
		to = console.Local(then)
	}
	return console.Back(w, r, to)
}

func number(text string) int64 {
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil || n < 0 {
		return 0
	}
	return n
}

// personOf finds a person by their identifier.
func personOf(b *flow.Book, id string) (sashlock.Person, bool) {
	one, known := b.People[sashlock.PersonID(id)]
	return one, known
}

func noPerson(ctx context.Context, field string) error {
	return &sashlock.Error{Kind: sashlock.Invalid, Op: "planning shift", Subject: field, Hint: lang.T(ctx, "choose somebody from the list")}
}

// instant understands a time of a form, by the clocks of the store.
func instant(r *http.Request, field string, site sashlock.Site) (time.Time, error) {
	at, _, _, err := reach.Read(r.PostFormValue(field), console.Zone(site))
	if err != nil {
		return at, &sashlock.Error{Kind: sashlock.Invalid, Op: "planning shift", Subject: field, Hint: lang.T(r.Context(), "This is not a day and a time.")}
	}
	return at, nil
}

// planning is the form to plan a shift, allowing the one to let somebody work
// beyond the rota; both as they were typed.
type planning struct{ Person, From, Until, Wrong string }

type allowing struct{ Person, Until, Reason, Wrong string }

// add plans a shift by hand.
func (p pages) add(w http.ResponseWriter, r *http.Request) error {
	if err := p.Form(w, r); err != nil {
		return err
	}
	ctx := r.Context()
	site, err := p.Site(r)
	if err != nil {
		return err
	}
	n := &planning{Person: r.PostFormValue("person"), From: console.Clip(r.PostFormValue("from"), 40), Until: console.Clip(r.PostFormValue("until"), 40)}
	s := shifts.Shift{Shift: sashlock.Shift{Site: site.ID}}
	who, known := personOf(p.Hall.Book(), n.Person)
	if s.Person = who.ID; !known {
		err = noPerson(ctx, "person")
	}
	if err == nil {
		s.From, err = instant(r, "from", site)
	}
	if err == nil {
		s.Until, err = instant(r, "until", site)
	}
	if err == nil {
		err = p.change(ctx, func(tx *store.Tx) (edit flow.Edit, err error) {
			_, edit, err = shifts.Save(tx, s, 0)
			return edit, err
		})
	}
	if sashlock.IsKind(err, sashlock.Invalid) || sashlock.IsKind(err, sashlock.Conflict) {
		n.Wrong = sentence(ctx, err)
		return p.showWeek(w, r, nil, n)
	}
	if err != nil {
		return err
	}
	return console.Back(w, r, (&overview{Site: site}).address(mondayOf(console.LocalTime(site, s.From))))
}

// allow lets somebody work beyond the rota, from now on.
func (p pages) allow(w http.ResponseWriter, r *http.Request) error {
	if err := p.Form(w, r); err != nil {
		return err
	}
	ctx := r.Context()
	site, err := p.Site(r)
	if err != nil {
		return err
	}
	a := &allowing{Person: r.PostFormValue("person"), Until: console.Clip(r.PostFormValue("until"), 40), Reason: console.Clip(r.PostFormValue("reason"), 80)}
	permit := shifts.Permit{Site: site, Reason: a.Reason}
	who, known := personOf(p.Hall.Book(), a.Person)
	if permit.Person = who.ID; !known {
		err = noPerson(ctx, "person")
	}
	if err == nil {
		permit.Until, err = instant(r, "until", site)
	}
	if err == nil {
		err = p.change(ctx, func(tx *store.Tx) (edit flow.Edit, err error) {
			_, edit, err = shifts.Allow(tx, permit)
			return edit, err
		})
	}
	if sashlock.IsKind(err, sashlock.Invalid) || sashlock.IsKind(err, sashlock.Conflict) {
		a.Wrong = sentence(ctx, err)
		return p.showWeek(w, r, a, nil)
	}
	if err != nil {
		return err
	}
	return console.Back(w, r, "/rota?site="+site.Slug)
}

// sentence is what is to be done about an error, in the reader's language.
func sentence(ctx context.Context, err error) string {
	var e *sashlock.Error
	if errors.As(err, &e) && e.Hint != "" {
		return lang.T(ctx, e.Hint)
	}
	return err.Error()
}
