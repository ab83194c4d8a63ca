// SPDX-License-Identifier: Apache-2.0

package access

import (
	"time"

	"github.com/sashlock/sashlock"
)

// Situation is what stands at the moment of a request and is declared nowhere:
// what was made of a grant, who is where, who is on shift. It is asked only
// where a grant's terms, an opening or an area depend on it, and must not
// change while it is asked.
type Situation interface {
	// Grant returns what has been made of a grant.
	Grant(sashlock.GrantID) sashlock.GrantState
	// Person returns where a person is.
	Person(sashlock.PersonID) sashlock.PersonState
	// Here calls f for everybody who may be at a site, until it returns false.
	Here(site sashlock.SiteID, f func(sashlock.PersonState) bool)
	// OnShift reports whether a person is on shift at a site.
	OnShift(sashlock.PersonID, sashlock.SiteID, time.Time) bool
	// Opening returns how an opening stands.
	Opening(sashlock.OpeningID) sashlock.OpeningState
	// FirstIn returns the last local day, "2026-11-22", on which somebody with a
	// role was let in at a site, or "".
	FirstIn(sashlock.SiteID, sashlock.RoleID) string
}

// unknown is the situation when nobody knows it: nothing has been used and
// nobody is anywhere. What depends on somebody being there is refused.
type unknown struct{}

func (unknown) Grant(sashlock.GrantID) sashlock.GrantState                 { return sashlock.GrantState{} }
func (unknown) Person(sashlock.PersonID) sashlock.PersonState              { return sashlock.PersonState{} }
func (unknown) Here(sashlock.SiteID, func(sashlock.PersonState) bool)      {}
func (unknown) OnShift(sashlock.PersonID, sashlock.SiteID, time.Time) bool { return false }
func (unknown) Opening(sashlock.OpeningID) sashlock.OpeningState           { return sashlock.OpeningState{} }
func (unknown) FirstIn(sashlock.SiteID, sashlock.RoleID) string            { return "" }

// demands are what an opening or an area asks of everybody. Few have any.
type demands struct {
	needs       sashlock.Needs
	interlock   string            // of an opening
	passback    sashlock.Passback // of an area, as what follows
	passbackFor time.Duration
	occupancy   int
}

// demandsOf returns what an opening asks, or nil for nothing.
func demandsOf(o *sashlock.Opening) *demands {
	if o.Needs.IsZero() && o.Interlock == "" {
		return nil
	}
	return &demands{needs: o.Needs, interlock: o.Interlock}
}

func areaDemands(a *sashlock.Area) *demands {
	if a.Needs.IsZero() && a.Passback == "" && a.Occupancy == 0 {
		return nil
	}
	return &demands{needs: a.Needs, passback: a.Passback, passbackFor: a.PassbackFor, occupancy: a.Occupancy}
}

// passesInto reports whether somebody who is let in by a kind of opening is
// then behind it: one walks through a door, but only reaches into a case.
func passesInto(k sashlock.OpeningKind) bool { return k == sashlock.Door || k == sashlock.Cage }

// interlocked lists the openings of one interlock.
type interlock struct {
	site uint32
	word string
}

// settleInterlocks finds the openings of every interlock anew.
func (d *draft) settleInterlocks() {
	var found map[interlock][]uint32
	for n := range d.openings.count {
		e := d.openings.at(n)
		if !e.known || e.is.more == nil || e.is.more.demands == nil || e.is.more.demands.interlock == "" {
			continue
		}
		if found == nil {
			found = make(map[interlock][]uint32)
		}
		key := interlock{e.is.site, e.is.more.demands.interlock}
		found[key] = append(found[key], n)
	}
	d.interlocks = found
}

// termsNumber returns the number of terms, counted from 1, and 0 for none.
func (d *draft) termsNumber(t sashlock.Terms) uint32 {
	if t == (sashlock.Terms{}) {
		return 0
	}
	for i := range d.terms {
		if d.terms[i] == t {
			return uint32(i + 1)
		}
	}
	if d.fresh {
		d.terms = append(d.terms, t)
	} else {
		d.terms = append(d.terms[:len(d.terms):len(d.terms)], t)
	}
	return uint32(len(d.terms))
}

// spent reports whether a grant with terms has been used up, and whether it was
// the number of uses or the time from the first.
func (q *query) spent(t *sashlock.Terms, grant string) (rank, bool) {
	if t.Uses == 0 && t.Lasts == 0 || q.lenient {
		return covers, false
	}
	s := q.sit.Grant(sashlock.GrantID(grant))
	if t.Lasts > 0 && s.Uses > 0 && !q.req.At.Before(s.First.Add(t.Lasts)) {
		return ended, true
	}
	if t.Uses > 0 && s.Uses >= t.Uses {
		return usedUp, true
	}
	return covers, false
}

// meets says how near a grant that counts now comes to its terms being met.
func (q *query) meets(t *sashlock.Terms) rank {
	if q.lenient {
		return covers
	}
	switch {
	case t.OnShift && !q.sit.OnShift(q.req.Person, q.siteID(), q.req.At):
		return offShift
	case t.With != "" && !q.accompaniedBy(t.With):
		return alone
	case t.Escort != "" && !q.sit.Person(t.Escort).At(q.siteID(), q.req.At):
		return alone
	case q.req.Level < t.Level:
		return stepUp
	case t.Two && q.req.Side != sashlock.Leaving && !q.seconded():
		return second
	}
	return covers
}

func (q *query) siteID() sashlock.SiteID { return sashlock.SiteID(q.ix.sites.at(q.o.site).id()) }

// accompaniedBy reports whether somebody else with a role is at the site.
func (q *query) accompaniedBy(role sashlock.RoleID) bool {
	return q.ix.anybodyHere(q.sit, q.siteID(), role, q.req.Person, q.req.At)
}

func (ix *Index) anybodyHere(sit Situation, site sashlock.SiteID, role sashlock.RoleID, but sashlock.PersonID, at time.Time) bool {
	number := ix.roles.find(ix.seed, string(role))
	found := false
	sit.Here(site, func(s sashlock.PersonState) bool {
		if s.Person != but && s.At(site, at) && ix.hasRole(s.Person, number) {
			found = true
		}
		return !found
	})
	return found
}

// hasRole reports whether somebody admitted has a role, by its number.
func (ix *Index) hasRole(id sashlock.PersonID, role uint32) bool {
	p, _ := ix.people.known(ix.seed, string(id))
	if p == nil || p.suspended || role == none || !ix.roles.at(role).known {
		return false
	}
	first, more := p.roles()
	for _, n := range first {
		if n == role {
			return true
		}
	}
	for _, n := range more {
		if n == role {
			return true
		}
	}
	return false
}

// seconded reports whether somebody else has asked and waits for a second.
func (q *query) seconded() bool {
	w := q.sit.Opening(q.req.Opening).Waiting
	return w != nil && w.Person != q.req.Person && q.req.At.Before(w.Until)
}

// lacks returns what the opening and its area ask of everybody and the request
// does not meet, or "". Whoever leaves is asked for nothing.
func (q *query) lacks() sashlock.Reason {
	if q.lenient || q.o.more == nil && q.area == nil || q.req.Side == sashlock.Leaving {
		return ""
	}
	var own *demands
	if q.o.more != nil {
		own = q.o.more.demands
	}
	for _, d := range [2]*demands{own, q.area} {
		if d == nil {
			continue
		}
		if r := q.lacksFor(d); r != "" {
			return r
		}
	}
	for _, d := range [2]*demands{own, q.area} {
		if d != nil && d.needs.Two && !q.seconded() {
			return sashlock.SecondPersonNeeded
		}
	}
	return ""
}

func (q *query) lacksFor(d *demands) sashlock.Reason {
	switch {
	case q.req.Level < d.needs.Level:
		return sashlock.NeedsStepUp
	case d.needs.FirstIn != "" && !q.firstIn(d.needs.FirstIn):
		return sashlock.FirstPersonMissing
	case d.interlock != "" && q.interlocked(d.interlock):
		return sashlock.Interlocked
	case !q.walksIn():
		return ""
	case d.passback == sashlock.PassbackHard && q.insideSince() >= 0:
		return sashlock.AntiPassback
	case d.passback == sashlock.PassbackTimed && q.insideSince() >= 0 && q.insideSince() < d.passbackFor:
		return sashlock.AntiPassback
	case d.occupancy > 0 && q.othersInside() >= d.occupancy:
		return sashlock.AreaFull
	}
	return ""
}

// passedBack reports whether the area takes note of people who enter twice and
// this one does.
func (q *query) passedBack() bool {
	return !q.lenient && q.area != nil && q.area.passback == sashlock.PassbackSoft && q.req.Side != sashlock.Leaving && q.walksIn() && q.insideSince() >= 0
}

func (q *query) walksIn() bool { return q.o.more != nil && passesInto(q.o.more.kind) }

// insideSince returns how long the person has been in the area behind the
// opening, as far as is known, or -1 if they are not. What was known yesterday
// is forgotten: a new day begins outside.
func (q *query) insideSince() time.Duration {
	s := q.sit.Person(q.req.Person)
	if s.Area == "" || s.Area != q.areaID() || q.day(s.Since) != q.day(q.req.At) || s.Since.After(q.req.At) {
		return -1
	}
	return q.req.At.Sub(s.Since)
}

func (q *query) areaID() sashlock.AreaID {
	if q.o.area == none {
		return ""
	}
	return sashlock.AreaID(q.ix.areas.at(q.o.area).id())
}

// day is the local day of an instant.
func (q *query) day(at time.Time) sashlock.Date {
	if place := q.zone.location(); place != nil {
		return sashlock.DateOf(at.In(place))
	}
	return sashlock.DateOf(at.UTC())
}

// othersInside counts who else is in the area behind the opening.
func (q *query) othersInside() int {
	return countInside(q.sit, q.siteID(), q.areaID(), q.req.Person, q.req.At)
}

func countInside(sit Situation, site sashlock.SiteID, area sashlock.AreaID, but sashlock.PersonID, at time.Time) int {
	n := 0
	sit.Here(site, func(s sashlock.PersonState) bool {
		if s.Area == area && s.Person != but && s.At(site, at) {
			n++
		}
		return true
	})
	return n
}

// firstIn reports whether somebody with a role, or this very person, is in
// today.
func (q *query) firstIn(role sashlock.RoleID) bool {
	if q.ix.hasRole(q.req.Person, q.ix.roles.find(q.ix.seed, string(role))) {
		return true
	}
	return q.sit.FirstIn(q.siteID(), role) == q.day(q.req.At).String()
}

// interlocked reports whether another opening of the interlock stands open, or
// is about to.
func (q *query) interlocked(word string) bool {
	for _, n := range q.ix.interlocks[interlock{q.o.site, word}] {
		id := sashlock.OpeningID(q.ix.openings.at(n).id())
		if id != q.req.Opening && standsOpen(q.sit.Opening(id), q.req.At) {
			return true
		}
	}
	return false
}

func standsOpen(s sashlock.OpeningState, at time.Time) bool {
	return s.Position == sashlock.Open || s.Position == sashlock.PositionFault || s.Mode == sashlock.HeldUnlocked ||
		s.Release != nil && s.Release.Taken.IsZero() && at.Before(s.Release.Until)
}
