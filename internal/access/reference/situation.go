// SPDX-License-Identifier: Apache-2.0

package reference

import (
	"slices"
	"time"

	"github.com/sashlock/sashlock"
)

// Now is what stands at the moment of a request. Missing entries stand for
// nothing: not used, nowhere, not on shift.
type Now struct {
	Grants   map[sashlock.GrantID]sashlock.GrantState
	People   map[sashlock.PersonID]sashlock.PersonState
	Openings map[sashlock.OpeningID]sashlock.OpeningState
	Shifts   map[sashlock.PersonID]sashlock.SiteID          // where somebody is on shift
	FirstIn  map[sashlock.SiteID]map[sashlock.RoleID]string // the last local day
}

// terms says what the terms of a grant that counts now make of a request.
func (f *Facts) terms(t *sashlock.Terms, opening *sashlock.Opening, req *sashlock.Request) sashlock.Reason {
	switch {
	case t.OnShift && f.Now.Shifts[req.Person] != opening.Site:
		return sashlock.NotOnShift
	case t.With != "" && !f.somebodyElse(t.With, opening.Site, req):
		return sashlock.NotAccompanied
	case t.Escort != "" && !at(f.Now.People[t.Escort], opening.Site, req.At):
		return sashlock.NotAccompanied
	case req.Level < t.Level:
		return sashlock.NeedsStepUp
	case t.Two && req.Side != sashlock.Leaving && !f.seconded(req):
		return sashlock.SecondPersonNeeded
	}
	return sashlock.Permitted
}

// at reports whether somebody is at a site: clocked in, or let in lately.
func at(p sashlock.PersonState, site sashlock.SiteID, now time.Time) bool {
	return p.Site == site && (p.ClockIn || now.Sub(p.Last) < 2*time.Hour)
}

func (f *Facts) somebodyElse(role sashlock.RoleID, site sashlock.SiteID, req *sashlock.Request) bool {
	for id, state := range f.Now.People {
		if id != req.Person && at(state, site, req.At) && f.holds(id, role) {
			return true
		}
	}
	return false
}

// holds reports whether somebody who is known and not suspended has a known role.
func (f *Facts) holds(id sashlock.PersonID, role sashlock.RoleID) bool {
	p := f.person(id)
	return p != nil && !p.Suspended && f.role(role) != nil && slices.Contains(p.Roles, role)
}

func (f *Facts) seconded(req *sashlock.Request) bool {
	w := f.Now.Openings[req.Opening].Waiting
	return w != nil && w.Person != req.Person && req.At.Before(w.Until)
}

// lacking says what the opening and its area ask of everybody and do not get.
func (f *Facts) lacking(opening *sashlock.Opening, req *sashlock.Request) sashlock.Reason {
	if req.Side == sashlock.Leaving {
		return ""
	}
	area := f.area(opening.Area)
	if area == nil {
		area = &sashlock.Area{}
	}
	walks := opening.Kind == sashlock.Door || opening.Kind == sashlock.Cage
	inside, since := f.inside(opening, req)
	switch {
	case req.Level < opening.Needs.Level:
		return sashlock.NeedsStepUp
	case !f.opened(opening.Needs.FirstIn, opening, req):
		return sashlock.FirstPersonMissing
	case f.interlocked(opening, req.At):
		return sashlock.Interlocked
	case req.Level < area.Needs.Level:
		return sashlock.NeedsStepUp
	case !f.opened(area.Needs.FirstIn, opening, req):
		return sashlock.FirstPersonMissing
	case walks && inside && area.Passback == sashlock.PassbackHard:
		return sashlock.AntiPassback
	case walks && inside && area.Passback == sashlock.PassbackTimed && since < area.PassbackFor:
		return sashlock.AntiPassback
	case walks && area.Occupancy > 0 && f.othersIn(opening, req) >= area.Occupancy:
		return sashlock.AreaFull
	case (opening.Needs.Two || area.Needs.Two) && !f.seconded(req):
		return sashlock.SecondPersonNeeded
	}
	return ""
}

// opened reports whether the role that opens up is in today, or asks itself.
func (f *Facts) opened(role sashlock.RoleID, opening *sashlock.Opening, req *sashlock.Request) bool {
	return role == "" || f.holds(req.Person, role) || f.Now.FirstIn[opening.Site][role] == f.today(opening, req.At)
}

// today is the day on the calendar of the opening's site, in UTC if its zone is
// not known.
func (f *Facts) today(opening *sashlock.Opening, at time.Time) string {
	zone := f.zone(opening)
	if zone == nil {
		zone = time.UTC
	}
	return at.In(zone).Format(time.DateOnly)
}

// inside reports whether the person came into the area behind the opening
// earlier on the same day, and how long ago.
func (f *Facts) inside(opening *sashlock.Opening, req *sashlock.Request) (bool, time.Duration) {
	p := f.Now.People[req.Person]
	is := p.Area != "" && p.Area == opening.Area && !p.Since.After(req.At) && f.today(opening, p.Since) == f.today(opening, req.At)
	return is, req.At.Sub(p.Since)
}

func (f *Facts) othersIn(opening *sashlock.Opening, req *sashlock.Request) (n int) {
	for id, p := range f.Now.People {
		if id != req.Person && p.Area == opening.Area && at(p, opening.Site, req.At) {
			n++
		}
	}
	return n
}

func (f *Facts) interlocked(opening *sashlock.Opening, now time.Time) bool {
	for i := range f.Openings {
		other := &f.Openings[i]
		if opening.Interlock == "" || other.ID == opening.ID || other.Interlock != opening.Interlock || other.Site != opening.Site {
			continue
		}
		s := f.Now.Openings[other.ID]
		released := s.Release != nil && s.Release.Taken.IsZero() && now.Before(s.Release.Until)
		if s.Position == sashlock.Open || s.Position == sashlock.PositionFault || s.Mode == sashlock.HeldUnlocked || released {
			return true
		}
	}
	return false
}
