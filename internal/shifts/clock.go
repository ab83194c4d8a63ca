// SPDX-License-Identifier: Apache-2.0

package shifts

import (
	"context"
	"time"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/internal/flow"
	"github.com/sashlock/sashlock/internal/lang"
	"github.com/sashlock/sashlock/internal/store"
)

// The rules of the clock are:
//
//   - People clock in to a shift of theirs that runs, or is about to; nobody
//     clocks in to no shift.
//   - Doing it twice changes nothing.
//   - Who clocks out is no longer on shift and no longer counts as being there.
//   - A shift that nobody clocks out of is closed some hours after its end, as
//     if they had gone at its end, with an entry that says so.

// current finds the shift that somebody can clock in to or out of: the one they
// are in, or else the first that runs or is about to. Not found is an error that
// says so.
func current(q store.Query, person sashlock.PersonID, site sashlock.Site, now time.Time) (Shift, error) {
	early := max(EarlyBy, site.ShiftGrace)
	all, err := List(q, Filter{Person: person, Site: site.ID, From: now.Add(-LateAfter - site.ShiftGrace), Until: now.Add(early)})
	if err != nil {
		return Shift{}, err
	}
	var next Shift
	for _, s := range all {
		switch {
		case !s.In.IsZero() && s.Out.IsZero():
			return s, nil
		case s.In.IsZero() && next.ID == "" && s.Until.Add(site.ShiftGrace).After(now):
			next = s
		}
	}
	if next.ID == "" {
		return next, &sashlock.Error{Kind: sashlock.Conflict, Op: "clocking in", Subject: "shift", Hint: lang.Mark("there is no shift now or soon: plan one, or let a supervisor allow it")}
	}
	return next, nil
}

// Current returns the shift that somebody can clock in to, or is clocked in to;
// false: there is none.
func Current(q store.Query, person sashlock.PersonID, site sashlock.Site, now time.Time) (Shift, bool, error) {
	s, err := current(q, person, site, now)
	if sashlock.IsKind(err, sashlock.Conflict) {
		return s, false, nil
	}
	return s, err == nil, err
}

// ClockIn records that somebody has come to work.
func ClockIn(tx *store.Tx, person sashlock.PersonID, site sashlock.Site) (Shift, flow.Edit, error) {
	s, err := current(tx, person, site, tx.Now())
	if err != nil || !s.In.IsZero() {
		return s, flow.Edit{}, err
	}
	return s.come(tx)
}

// ClockInTo is [ClockIn] for one shift.
func ClockInTo(tx *store.Tx, id sashlock.ShiftID, site sashlock.Site) (Shift, flow.Edit, error) {
	s, err := found(tx, id, 0)
	if err != nil || !s.In.IsZero() && s.Out.IsZero() {
		return s, flow.Edit{}, err
	}
	now, early := tx.Now(), max(EarlyBy, site.ShiftGrace)
	hint := ""
	switch {
	case !s.Out.IsZero() || !s.Until.Add(site.ShiftGrace).After(now):
		hint = lang.Mark("this shift is over")
	case s.From.Add(-early).After(now):
		hint = lang.Mark("this shift is not yet about to begin")
	}
	if hint != "" {
		return s, flow.Edit{}, &sashlock.Error{Kind: sashlock.Conflict, Op: "clocking in", Subject: string(id), Hint: hint}
	}
	return s.come(tx)
}

func (s Shift) come(tx *store.Tx) (Shift, flow.Edit, error) {
	s.In = tx.Now()
	s.Rev++
	present(tx, s.Person, s.Site)
	return s, flow.Edit{
		Events: []sashlock.Event{{Kind: sashlock.PersonClockedIn, Person: s.Person, Site: s.Site, Subject: string(s.ID)}},
		Shifts: []sashlock.Shift{s.Shift},
	}, s.write(tx)
}

// present makes somebody count as being at a site until they clock out.
func present(tx *store.Tx, person sashlock.PersonID, site sashlock.SiteID) {
	p := tx.PersonState(person)
	if p.Site != site {
		p = sashlock.PersonState{Person: person, Site: site, Since: tx.Now()}
	}
	p.ClockIn = true
	tx.SavePersonState(p)
}

// absent makes somebody no longer count as being at a site. The area they were
// last let in to stays known: clocking out is no way through a door.
func absent(tx *store.Tx, person sashlock.PersonID, site sashlock.SiteID) {
	if p := tx.PersonState(person); p.Site == site && p.ClockIn {
		p.ClockIn, p.Last = false, time.Time{}
		tx.SavePersonState(p)
	}
}

// ClockOut records that somebody has gone.
func ClockOut(tx *store.Tx, person sashlock.PersonID, site sashlock.Site) (Shift, flow.Edit, error) {
	s, err := current(tx, person, site, tx.Now())
	if err == nil && s.In.IsZero() {
		err = &sashlock.Error{Kind: sashlock.Conflict, Op: "clocking out", Subject: "shift", Hint: lang.Mark("they are not clocked in")}
	}
	if err != nil {
		return s, flow.Edit{}, err
	}
	return s.leave(tx, tx.Now(), "")
}

// ClockOutOf is [ClockOut] for one shift.
func ClockOutOf(tx *store.Tx, id sashlock.ShiftID) (Shift, flow.Edit, error) {
	s, err := found(tx, id, 0)
	if err != nil || !s.Out.IsZero() { // a second time
		return s, flow.Edit{}, err
	}
	if s.In.IsZero() {
		return s, flow.Edit{}, &sashlock.Error{Kind: sashlock.Conflict, Op: "clocking out", Subject: string(id), Hint: lang.Mark("they are not clocked in")}
	}
	return s.leave(tx, tx.Now(), "")
}

func (s Shift) leave(tx *store.Tx, at time.Time, why string) (Shift, flow.Edit, error) {
	s.Out = at
	s.Rev++
	if err := s.write(tx); err != nil {
		return s, flow.Edit{}, err
	}
	still, err := store.Rows(tx, scan, `SELECT `+columns+` FROM shifts WHERE person = ? AND site = ? AND came IS NOT NULL AND went IS NULL AND cancelled IS NULL LIMIT 1`, s.Person, s.Site)
	if err == nil && len(still) == 0 {
		absent(tx, s.Person, s.Site)
	}
	return s, flow.Edit{
		Events: []sashlock.Event{{Kind: sashlock.PersonClockedOut, Person: s.Person, Site: s.Site, Subject: string(s.ID), Why: why}},
		Shifts: []sashlock.Shift{s.Shift},
	}, err
}

// forgotten is why a shift was closed that nobody clocked out of.
const forgotten = "forgotten"

// Tidy closes the shifts that nobody clocked out of, and takes from the book
// what no decision depends on any more.
func Tidy(ctx context.Context, s *store.Store, h *flow.Hall, now time.Time) error {
	var late []Shift
	err := s.View(ctx, func(q store.Query) (err error) { late, err = unfinished(q, now); return err })
	if err != nil {
		return err
	}
	var old []sashlock.Shift
	for _, mine := range h.Book().Shifts {
		for _, one := range mine {
			if !one.Until.After(now.Add(-KeptFor - time.Hour)) {
				old = append(old, one)
			}
		}
	}
	if len(late)+len(old) == 0 {
		return nil
	}
	_, err = h.Change(ctx, flow.Change{Make: func(tx *store.Tx) (flow.Edit, error) {
		edit := flow.Edit{ShiftsGone: old}
		late, err := unfinished(tx, tx.Now())
		if err != nil {
			return edit, err
		}
		for _, one := range late {
			one.Forgot = true
			_, more, err := one.leave(tx, one.Until, forgotten)
			if err != nil {
				return edit, err
			}
			join(&edit, more)
		}
		return edit, nil
	}})
	return err
}

func unfinished(q store.Query, now time.Time) ([]Shift, error) {
	return store.Rows(q, scan, `SELECT `+columns+` FROM shifts WHERE came IS NOT NULL AND went IS NULL AND cancelled IS NULL AND ends <= ? ORDER BY ends LIMIT 500`, store.Micros(now.Add(-LateAfter)))
}

// lookEvery is how often [Run] looks.
const lookEvery = 20 * time.Second

// Run calls [Tidy] until the context ends. The clock is read each time, because
// the machine's may be set. What goes wrong is reported and tried again.
func Run(ctx context.Context, s *store.Store, h *flow.Hall, now func() time.Time, report func(error)) {
	look := time.NewTicker(lookEvery)
	defer look.Stop()
	for ctx.Err() == nil {
		if err := Tidy(ctx, s, h, now()); err != nil && ctx.Err() == nil {
			report(err)
		}
		select {
		case <-ctx.Done():
		case <-look.C:
		}
	}
}
