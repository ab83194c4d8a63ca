// SPDX-License-Identifier: Apache-2.0

package flow

import (
	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/internal/store"
)

// The rules of whereabouts are:
//
//   - Somebody is where they were last let in. Where a contact tells, it is the
//     opening of the opening that counts, otherwise the grant.
//   - One walks through a door or into a cage, and reaches into everything
//     else: only the first two move a person into the area behind.
//   - Who leaves by a reader is where the opening leads out to: at the site, in
//     no area.
//   - A use of a grant counts when it is granted, and is given back when nobody
//     opened.

// noteGrant keeps what a granted decision makes of its grant, of the first
// person of the day and, where no contact will tell, of the whereabouts. On
// trial without a contact nobody learns whether the other system opened, so that
// no use is counted.
func (h *Hall) noteGrant(tx *store.Tx, q sashlock.Request, d sashlock.Decision, o sashlock.Opening) {
	now := tx.Now()
	known := h.working.tellsPosition(o.ID) // and a use that nobody makes will be given back
	if t := h.working.Index.TermsOf(d.Grant); (t.Uses > 0 || t.Lasts > 0) && (known || !o.Trial) {
		g := tx.GrantState(d.Grant)
		if g.Uses == 0 {
			g.First = now
		}
		g.Uses, g.Last = g.Uses+1, now
		tx.SaveGrantState(g)
	}
	if first := h.noteFirstIn(tx, q.Person, o.Site); q.Side != sashlock.Leaving {
		h.noteIn(tx, o.Site, first)
	}
	if !known {
		h.passed(tx, o, q.Person, q.Side)
		return
	}
	p := tx.PersonState(q.Person)
	if p.Site != o.Site {
		p = sashlock.PersonState{Person: q.Person, Site: o.Site, Since: now, ClockIn: p.ClockIn && p.Site == o.Site}
	}
	p.Opening, p.Last = o.ID, now
	tx.SavePersonState(p)
}

// passed moves a person through an opening.
func (h *Hall) passed(tx *store.Tx, o sashlock.Opening, person sashlock.PersonID, side sashlock.Side) {
	if person == "" {
		return
	}
	now, p := tx.Now(), tx.PersonState(person)
	if p.Site != o.Site {
		p = sashlock.PersonState{Person: person, Site: o.Site, Since: now}
	}
	p.Opening, p.Last = o.ID, now
	walks := o.Kind == sashlock.Door || o.Kind == sashlock.Cage
	switch {
	case walks && side == sashlock.Leaving:
		p.Area, p.Since = "", now
		tx.Append(sashlock.Event{Kind: sashlock.PersonLeft, Site: o.Site, Opening: o.ID, Person: person, Side: side})
	case walks && p.Area != o.Area:
		p.Area, p.Since = o.Area, now
	}
	tx.SavePersonState(p)
}

// noteFirstIn remembers the day on which the roles that open up came first, and
// reports whether this is one.
func (h *Hall) noteFirstIn(tx *store.Tx, person sashlock.PersonID, site sashlock.SiteID) (changed bool) {
	if len(h.working.openers) == 0 {
		return false
	}
	today := sashlock.DateOf(h.working.Clock(site, tx.Now())).String()
	s := tx.SiteState(site)
	for _, role := range h.working.person(person).Roles {
		if !h.working.openers[role] || s.FirstIn[role] == today {
			continue
		}
		if s.FirstIn == nil {
			s.FirstIn = make(map[sashlock.RoleID]string)
		}
		s.FirstIn[role], changed = today, true
	}
	if changed {
		tx.SaveSiteState(s)
	}
	return changed
}

// noteTaken keeps what the opening of an opening, or its staying shut, makes of
// whereabouts and uses.
func (h *Hall) noteTaken(tx *store.Tx, o sashlock.Opening, before sashlock.OpeningState, events []sashlock.Event) {
	for i := range events {
		switch e := &events[i]; {
		case e.Kind == sashlock.AccessTaken && before.Release != nil:
			h.passed(tx, o, e.Person, before.Release.Side)
		case e.Kind == sashlock.AccessNotTaken && before.Release != nil:
			giveBack(tx, before.Release.Grant)
		}
	}
}

// giveBack takes back a use of a grant that nobody made use of.
func giveBack(tx *store.Tx, grant sashlock.GrantID) {
	if g := tx.GrantState(grant); grant != "" && g.Uses > 0 {
		g.Uses--
		tx.SaveGrantState(g)
	}
}

// Forgive sets a person's whereabouts right: they count as being nowhere, so
// that anti-passback lets them in again.
func Forgive(tx *store.Tx, person sashlock.PersonID) Edit {
	p := tx.PersonState(person)
	tx.SavePersonState(sashlock.PersonState{Person: person, Site: p.Site, Last: p.Last, ClockIn: p.ClockIn})
	return Edit{Events: []sashlock.Event{{Kind: sashlock.AccessForgiven, Person: person, Site: p.Site}}}
}
