// SPDX-License-Identifier: Apache-2.0

// Package reference decides who may open what a second time: slowly, plainly
// and with nothing of the real decider's code.
//
// # What
//
// [Decide] goes through the facts from top to bottom for every request. It is
// written from the documentation of the packages access and schedule, not from
// their code, so that a slip in one of them is a disagreement in a test.
//
// # How it fits
//
// Only tests use it. Package access compares its index with it over more than a
// million random requests, across time zones and clock changes.
//
// # Promises
//
// It imports the vocabulary and the standard library's time, and nothing else
// of the project. Whoever changes the documented rules changes this package
// first.
package reference

import (
	"slices"
	"time"

	"github.com/sashlock/sashlock"
)

// Facts are what there is to know. Zones holds the time zones that exist, by
// name; a site whose zone is not among them has none.
type Facts struct {
	Sites     []sashlock.Site
	Areas     []sashlock.Area
	Openings  []sashlock.Opening
	People    []sashlock.Person
	Roles     []sashlock.Role
	Schedules []sashlock.Schedule
	Grants    []sashlock.Grant
	Zones     map[string]*time.Location
	Now       Now
}

// Decide says whether a request is granted, why, and by which grant it is, or
// which grant came nearest.
func Decide(f *Facts, req sashlock.Request, mode sashlock.Mode) (granted bool, reason sashlock.Reason, grant sashlock.GrantID) {
	opening := f.opening(req.Opening)
	if opening == nil || f.site(opening.Site) == nil {
		return false, sashlock.UnknownOpening, ""
	}
	person := f.person(req.Person)
	if person == nil {
		return false, sashlock.UnknownPerson, ""
	}
	if person.Suspended {
		return false, sashlock.PersonSuspended, ""
	}
	if !person.From.IsZero() && req.At.Before(person.From) {
		return false, sashlock.PersonNotYetValid, ""
	}
	if !person.Until.IsZero() && !req.At.Before(person.Until) {
		return false, sashlock.PersonExpired, ""
	}
	if mode == sashlock.LockedDown {
		return false, sashlock.OpeningLockedDown, ""
	}
	if mode != "" && mode != sashlock.Normal && mode != sashlock.HeldUnlocked {
		return false, sashlock.OpeningBlocked, ""
	}
	granted, reason, grant = f.byGrants(person, opening, &req)
	if !granted && reason != sashlock.SecondPersonNeeded {
		return granted, reason, grant
	}
	if lacking := f.lacking(opening, &req); lacking != "" {
		return false, lacking, grant
	}
	return granted, reason, grant
}

// nearness orders the outcomes of single grants from the best to the worst.
var nearness = [...]sashlock.Reason{
	sashlock.Permitted, sashlock.SecondPersonNeeded, sashlock.NeedsStepUp, sashlock.NotAccompanied, sashlock.NotOnShift,
	sashlock.NotPermittedAtThisTime, sashlock.GrantNotYetValid, sashlock.GrantUsedUp, sashlock.GrantExpired,
}

// byGrants looks at every grant and keeps the best: by outcome, then by how
// specific it is, then by identifier.
func (f *Facts) byGrants(person *sashlock.Person, opening *sashlock.Opening, req *sashlock.Request) (bool, sashlock.Reason, sashlock.GrantID) {
	var best *sashlock.Grant
	var bestOrder [3]int
	for i := range f.Grants {
		g := &f.Grants[i]
		subject, forSubject := f.subject(g, person)
		target, forTarget := f.target(g, opening)
		if !forSubject || !forTarget {
			continue
		}
		order := [3]int{slices.Index(nearness[:], f.outcome(g, opening, req)), subject, target}
		if best == nil || less(order, bestOrder) || order == bestOrder && g.ID < best.ID {
			best, bestOrder = g, order
		}
	}
	if best == nil {
		return false, sashlock.Unauthorized, ""
	}
	return bestOrder[0] == 0, nearness[bestOrder[0]], best.ID
}

func less(a, b [3]int) bool {
	for i := range a {
		if a[i] != b[i] {
			return a[i] < b[i]
		}
	}
	return false
}

// subject says whether the grant is to the person (0) or to which role of
// theirs (1 for the first).
func (f *Facts) subject(g *sashlock.Grant, person *sashlock.Person) (order int, ok bool) {
	if g.Person != "" {
		return 0, g.Person == person.ID
	}
	for i, r := range person.Roles {
		if r == g.Role && f.role(r) != nil {
			return 1 + i, true
		}
	}
	return 0, false
}

// target says whether the grant is for the opening (0), its area (1) or its
// site (2).
func (f *Facts) target(g *sashlock.Grant, opening *sashlock.Opening) (order int, ok bool) {
	switch {
	case g.Opening != "":
		return 0, g.Opening == opening.ID
	case g.Area != "":
		return 1, g.Area == opening.Area && f.area(g.Area) != nil
	default:
		return 2, g.Site == opening.Site
	}
}

// outcome says what the grant makes of a request that it reaches.
func (f *Facts) outcome(g *sashlock.Grant, opening *sashlock.Opening, req *sashlock.Request) sashlock.Reason {
	used := f.Now.Grants[g.ID]
	switch {
	case !g.From.IsZero() && req.At.Before(g.From):
		return sashlock.GrantNotYetValid
	case !g.Until.IsZero() && !req.At.Before(g.Until):
		return sashlock.GrantExpired
	case g.Terms.Lasts > 0 && used.Uses > 0 && !req.At.Before(used.First.Add(g.Terms.Lasts)):
		return sashlock.GrantExpired
	case g.Terms.Uses > 0 && used.Uses >= g.Terms.Uses:
		return sashlock.GrantUsedUp
	case g.Schedule != "" && !f.inTime(g.Schedule, opening, req.At):
		return sashlock.NotPermittedAtThisTime
	}
	return f.terms(&g.Terms, opening, req)
}

func (f *Facts) inTime(id sashlock.ScheduleID, opening *sashlock.Opening, at time.Time) bool {
	schedule, zone := f.schedule(id), f.zone(opening)
	return schedule != nil && zone != nil && readable(schedule) && Within(schedule, zone, at)
}

// zone returns the zone of an opening's site, or nil.
func (f *Facts) zone(opening *sashlock.Opening) *time.Location {
	return f.Zones[f.site(opening.Site).Zone]
}

// find returns the first that is meant, or nil.
func find[T any](all []T, meant func(*T) bool) *T {
	for i := range all {
		if meant(&all[i]) {
			return &all[i]
		}
	}
	return nil
}

func (f *Facts) opening(id sashlock.OpeningID) *sashlock.Opening {
	return find(f.Openings, func(o *sashlock.Opening) bool { return o.ID == id })
}

func (f *Facts) person(id sashlock.PersonID) *sashlock.Person {
	return find(f.People, func(p *sashlock.Person) bool { return p.ID == id })
}

func (f *Facts) site(id sashlock.SiteID) *sashlock.Site {
	return find(f.Sites, func(s *sashlock.Site) bool { return s.ID == id })
}

func (f *Facts) schedule(id sashlock.ScheduleID) *sashlock.Schedule {
	return find(f.Schedules, func(s *sashlock.Schedule) bool { return s.ID == id })
}

func (f *Facts) area(id sashlock.AreaID) *sashlock.Area {
	return find(f.Areas, func(a *sashlock.Area) bool { return a.ID == id })
}

func (f *Facts) role(id sashlock.RoleID) *sashlock.Role {
	return find(f.Roles, func(r *sashlock.Role) bool { return r.ID == id })
}
