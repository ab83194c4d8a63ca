// SPDX-License-Identifier: Apache-2.0

// Package reach says what a grant means and what it does: in a sentence, in
// times, and in people who can open more or less because of it.
//
// # What
//
// [Facts] are what is declared, with all grants. [Facts.Sentence] puts a grant
// into words, [Facts.Ahead] lists when it lets somebody in next, [Facts.Effect]
// compares what can be opened before and after a change, [Facts.Overlaps] finds
// grants that say the same.
//
// # How it fits
//
// The pages about grants and about people show it. It asks the compiled index
// of package access, so that what it says of a draft is what would be decided.
//
// # Promises
//
// Everything here is a function of its arguments: no clock, no database. The
// effect of a change is that of the compiled index at chosen instants, and says
// so when it looked at a part only.
package reach

import (
	"cmp"
	"slices"
	"time"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/internal/estate"
	"github.com/sashlock/sashlock/internal/flow"
	"github.com/sashlock/sashlock/internal/schedule"
)

// Facts are what is declared, as last committed, with all grants. They are for
// one goroutine at a time: [New] makes them.
type Facts struct {
	*flow.Book
	Grants []sashlock.Grant

	calendars map[reading]*schedule.Calendar // compiled so far
}

// reading is a schedule in a zone.
type reading struct {
	schedule sashlock.ScheduleID
	rev      int64
	zone     string
}

// New gathers facts.
func New(book *flow.Book, grants []sashlock.Grant) Facts {
	return Facts{Book: book, Grants: grants, calendars: map[reading]*schedule.Calendar{}}
}

// calendar reads a schedule in a zone; nil where it is not known or says
// nothing.
func (f Facts) calendar(id sashlock.ScheduleID, zone *time.Location) *schedule.Calendar {
	s, known := f.Schedules[id]
	if !known {
		return nil
	}
	as := reading{id, s.Rev, zone.String()}
	c, compiled := f.calendars[as]
	if !compiled {
		c, _ = schedule.Compile(s, zone) // one that cannot be read lets nobody in
		f.calendars[as] = c
	}
	return c
}

// Spent reports whether a grant lets nobody in any more.
func (f Facts) Spent(g sashlock.Grant, now time.Time) bool {
	s, known := f.Schedules[g.Schedule]
	endless := g.Until.IsZero() && (g.Schedule == "" || known && s.Last.IsZero() && len(s.Weekly) > 0)
	return !endless && len(f.windows(g, now, 1)) == 0
}

// Place is the site and, unless it is the whole site, the area of what a grant
// is for; false where that is no longer known.
func (f Facts) Place(g sashlock.Grant) (sashlock.Site, sashlock.AreaID, bool) {
	site, area := g.Site, g.Area
	switch {
	case g.Opening != "":
		o := f.Openings[g.Opening]
		site, area = o.Site, o.Area
	case g.Area != "":
		site = f.Areas[g.Area].Site
	}
	s, known := f.Sites[site]
	return s, area, known
}

// Targets are the openings that a grant is for, in order of name.
func (f Facts) Targets(g sashlock.Grant) []sashlock.Opening {
	var all []sashlock.Opening
	if g.Opening != "" {
		if o, known := f.Openings[g.Opening]; known {
			all = append(all, o)
		}
		return all
	}
	for _, o := range f.Openings {
		if g.Area != "" && o.Area == g.Area || g.Site != "" && o.Site == g.Site {
			all = append(all, o)
		}
	}
	slices.SortFunc(all, func(a, b sashlock.Opening) int { return cmp.Or(cmp.Compare(a.Name, b.Name), cmp.Compare(a.ID, b.ID)) })
	return all
}

// Holders are the people that a grant is for, in order of name.
func (f Facts) Holders(g sashlock.Grant) []sashlock.Person {
	var all []sashlock.Person
	if p, known := f.People[g.Person]; known {
		all = append(all, p)
	}
	if g.Role != "" {
		all = f.Members(g.Role)
	}
	return all
}

// Members are the people with a role, in order of name.
func (f Facts) Members(role sashlock.RoleID) []sashlock.Person {
	var all []sashlock.Person
	for _, p := range f.People {
		if slices.Contains(p.Roles, role) {
			all = append(all, p)
		}
	}
	slices.SortFunc(all, func(a, b sashlock.Person) int { return cmp.Or(cmp.Compare(a.Name, b.Name), cmp.Compare(a.ID, b.ID)) })
	return all
}

// Of lists the grants of a person: by name first, then by role.
func (f Facts) Of(p sashlock.Person) (byName, byRole []sashlock.Grant) {
	for _, g := range f.Grants {
		switch {
		case g.Person == p.ID:
			byName = append(byName, g)
		case g.Role != "" && slices.Contains(p.Roles, g.Role):
			byRole = append(byRole, g)
		}
	}
	return byName, byRole
}

// High reports whether a grant is for an opening that protects what is worth
// most.
func (f Facts) High(g sashlock.Grant) bool {
	return slices.ContainsFunc(f.Targets(g), func(o sashlock.Opening) bool { return o.Class == sashlock.High })
}

// Overlaps lists the other grants that give some of the same people some of the
// same openings.
func (f Facts) Overlaps(g sashlock.Grant) []sashlock.Grant {
	people := map[sashlock.PersonID]bool{}
	for _, p := range f.Holders(g) {
		people[p.ID] = true
	}
	openings := map[sashlock.OpeningID]bool{}
	for _, o := range f.Targets(g) {
		openings[o.ID] = true
	}
	var all []sashlock.Grant
	for _, other := range f.Grants {
		if other.ID != g.ID && !apart(g, other) &&
			slices.ContainsFunc(f.Targets(other), func(o sashlock.Opening) bool { return openings[o.ID] }) &&
			slices.ContainsFunc(f.Holders(other), func(p sashlock.Person) bool { return people[p.ID] }) {
			all = append(all, other)
		}
	}
	return all
}

// apart reports whether one grant ends before the other begins.
func apart(a, b sashlock.Grant) bool {
	ends := func(x, y sashlock.Grant) bool { return !x.Until.IsZero() && !y.From.IsZero() && !x.Until.After(y.From) }
	return ends(a, b) || ends(b, a)
}

// zone is the time zone that the times of a grant are read in.
func (f Facts) zone(g sashlock.Grant) *time.Location {
	site, _, _ := f.Place(g)
	if zone, err := schedule.LoadZone(site.Zone); err == nil {
		return zone
	}
	return time.UTC
}

// Find finds the identifier of what a slug or an identifier names.
func (f Facts) Find(k estate.Kind, ref string) string {
	switch k {
	case estate.Schedules:
		return find(f.Schedules, ref, func(s sashlock.Schedule) string { return s.Slug })
	case estate.Sites:
		return find(f.Sites, ref, func(s sashlock.Site) string { return s.Slug })
	case estate.Areas:
		return find(f.Areas, ref, func(a sashlock.Area) string { return f.Sites[a.Site].Slug + "/" + a.Slug })
	case estate.Openings:
		return find(f.Openings, ref, func(o sashlock.Opening) string { return o.Slug })
	case estate.Roles:
		return find(f.Roles, ref, func(r sashlock.Role) string { return r.Slug })
	case estate.People:
		return find(f.People, ref, func(p sashlock.Person) string { return p.Slug })
	}
	return ""
}

func find[ID ~string, O any](all map[ID]O, ref string, slug func(O) string) string {
	if _, known := all[ID(ref)]; known {
		return ref
	}
	for id, o := range all {
		if slug(o) == ref {
			return string(id)
		}
	}
	return ""
}

// Ref is how an object is referred to: by its slug.
func (f Facts) Ref(k estate.Kind, id string) string {
	switch k {
	case estate.Schedules:
		return f.Schedules[sashlock.ScheduleID(id)].Slug
	case estate.Sites:
		return f.Sites[sashlock.SiteID(id)].Slug
	case estate.Areas:
		a := f.Areas[sashlock.AreaID(id)]
		return f.Sites[a.Site].Slug + "/" + a.Slug
	case estate.Openings:
		return f.Openings[sashlock.OpeningID(id)].Slug
	case estate.Roles:
		return f.Roles[sashlock.RoleID(id)].Slug
	case estate.People:
		return f.People[sashlock.PersonID(id)].Slug
	}
	return ""
}

// Concerns reports whether a person has something where sees says so, or nothing
// anywhere: the people whom an operator of some stores may choose from. Of
// roles and people themselves nothing says where they belong.
func (f Facts) Concerns(p sashlock.Person, sees func(sashlock.SiteID, sashlock.AreaID) bool) bool {
	byName, byRole := f.Of(p)
	for _, list := range [][]sashlock.Grant{byName, byRole} {
		for _, g := range list {
			if site, area, known := f.Place(g); known && sees(site.ID, area) {
				return true
			}
		}
	}
	return len(byName)+len(byRole) == 0
}
