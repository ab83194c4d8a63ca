// SPDX-License-Identifier: Apache-2.0

package shifts

import (
	"time"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/internal/flow"
	"github.com/sashlock/sashlock/internal/lang"
	"github.com/sashlock/sashlock/internal/store"
)

// The rules of swapping are:
//
//   - Two shifts exchange their people, or one is given to somebody.
//   - Both lie ahead, or run and nobody has clocked in; both are of one store.
//   - Nobody gets a shift at a time at which they work already, and nobody who
//     is suspended gets any.
//   - A shift that came from a rota remembers whom the rota has for it, so that
//     the same rota read again changes nothing.

// Give gives a shift to somebody else. A rev other than 0 is the revision the
// caller saw.
func Give(tx *store.Tx, id sashlock.ShiftID, to sashlock.PersonID, rev int64) (Shift, flow.Edit, error) {
	s, err := found(tx, id, rev)
	if err != nil {
		return s, flow.Edit{}, err
	}
	if s.Person == to { // sent twice
		return s, flow.Edit{}, nil
	}
	if err := swappable(tx, s); err != nil {
		return s, flow.Edit{}, err
	}
	if err := mayWork(tx, to); err != nil {
		return s, flow.Edit{}, err
	}
	if err := free(tx, to, s, ""); err != nil {
		return s, flow.Edit{}, err
	}
	s.hand(to)
	edit, err := s.put(tx)
	return s, edit, err
}

// Exchange has two shifts exchange their people.
func Exchange(tx *store.Tx, one, other sashlock.ShiftID, rev, otherRev int64) (a, b Shift, edit flow.Edit, err error) {
	if a, err = found(tx, one, rev); err != nil {
		return a, b, edit, err
	}
	if b, err = found(tx, other, otherRev); err != nil {
		return a, b, edit, err
	}
	if a.Site != b.Site || a.Person == b.Person {
		return a, b, edit, &sashlock.Error{Kind: sashlock.Invalid, Op: "swapping shifts", Subject: "with", Hint: lang.Mark("choose a shift of somebody else in the same store")}
	}
	for _, step := range []func() error{
		func() error { return swappable(tx, a) }, func() error { return swappable(tx, b) },
		func() error { return mayWork(tx, a.Person) }, func() error { return mayWork(tx, b.Person) },
		func() error { return free(tx, b.Person, a, b.ID) }, func() error { return free(tx, a.Person, b, a.ID) },
	} {
		if err := step(); err != nil {
			return a, b, edit, err
		}
	}
	first, second := a.Person, b.Person
	a.hand(second)
	b.hand(first)
	edit, err = a.put(tx)
	if err == nil {
		var more flow.Edit
		more, err = b.put(tx)
		join(&edit, more)
	}
	return a, b, edit, err
}

// hand makes a shift somebody else's.
func (s *Shift) hand(to sashlock.PersonID) {
	if s.Ref != "" && s.Planned == "" {
		s.Planned = s.Person
	}
	if s.Planned == to {
		s.Planned = "" // it is as the rota has it again
	}
	s.Person = to
}

func swappable(tx *store.Tx, s Shift) error {
	if s.In.IsZero() && s.Until.After(tx.Now()) {
		return nil
	}
	return &sashlock.Error{Kind: sashlock.Conflict, Op: "swapping shifts", Subject: string(s.ID), Hint: lang.Mark("this shift is over, or they have clocked in")}
}

// mayWork refuses people who are not there or not admitted.
func mayWork(tx *store.Tx, id sashlock.PersonID) error {
	suspended, err := store.One(tx, func(scan store.Scan) (is bool, err error) {
		err = scan(&is)
		return is, err
	}, "person", string(id), `SELECT suspended FROM people WHERE id = ?`, id)
	if err == nil && suspended {
		err = &sashlock.Error{Kind: sashlock.Conflict, Op: "planning shift", Subject: string(id), Hint: lang.Mark("this person is suspended")}
	}
	return err
}

// The reasons of a supervisor. They are few because they stay in the ledger:
// what is typed there might be about a human being for ever.
func reasons() []string {
	return []string{lang.Mark("Covers for a colleague"), lang.Mark("Stays longer"), lang.Mark("Stock-take or delivery"), lang.Mark("Training"), lang.Mark("Another reason")}
}

// Reasons lists why a supervisor may let somebody work beyond the rota, marked
// for translation.
func Reasons() []string { return reasons() }

// Permit is that a supervisor lets somebody work beyond the rota, from now on.
type Permit struct {
	Person sashlock.PersonID
	Site   sashlock.Site
	Until  time.Time
	Reason string // one of [Reasons]
}

// Allow makes a shift of a permit. It begins now and counts as clocked in: the
// supervisor says that they are there.
func Allow(tx *store.Tx, p Permit) (Shift, flow.Edit, error) {
	now := tx.Now()
	invalid := func(field, hint string) (Shift, flow.Edit, error) {
		return Shift{}, flow.Edit{}, &sashlock.Error{Kind: sashlock.Invalid, Op: "allowing shift", Subject: field, Hint: hint}
	}
	known := false
	for _, r := range reasons() {
		known = known || r == p.Reason
	}
	switch {
	case !known:
		return invalid("reason", lang.Mark("choose why"))
	case !p.Until.After(now):
		return invalid("until", lang.Mark("choose a time that is still to come"))
	case p.Until.Sub(now) > MaxAllowed:
		return invalid("until", lang.Mark("sixteen hours at most; plan a shift instead"))
	}
	if err := mayWork(tx, p.Person); err != nil {
		return Shift{}, flow.Edit{}, err
	}
	all, err := List(tx, Filter{Person: p.Person, Site: p.Site.ID, From: now, Until: now.Add(time.Microsecond)})
	if err != nil {
		return Shift{}, flow.Edit{}, err
	}
	s := Shift{Shift: sashlock.Shift{Person: p.Person, Site: p.Site.ID, From: now, In: now, Source: Allowed}}
	for _, one := range all {
		if one.Source == Allowed && one.Out.IsZero() { // allowed already: it ends at another time
			s = one
		}
	}
	s.Until, s.Reason = p.Until.Truncate(time.Microsecond).UTC(), p.Reason
	if err := check(s); err != nil {
		return s, flow.Edit{}, err
	}
	edit, err := s.put(tx)
	if err == nil && s.Rev == 1 {
		edit.Events = append(edit.Events, sashlock.Event{Kind: sashlock.PersonClockedIn, Person: s.Person, Site: s.Site, Subject: string(s.ID)})
		present(tx, s.Person, s.Site)
	}
	return s, edit, err
}
