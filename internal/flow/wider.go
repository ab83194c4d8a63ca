// SPDX-License-Identifier: Apache-2.0

package flow

import (
	"cmp"
	"slices"
	"time"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/internal/access"
	"github.com/sashlock/sashlock/internal/guard"
	"github.com/sashlock/sashlock/internal/schedule"
)

// The rules of what lets somebody open what is worth most by another way than a
// grant are:
//
//   - What an edit says is compared with what is declared, so that it does not
//     matter which page, route or list it came by.
//   - Somebody joins a role to which such an opening is given, or leaves one
//     that a guard rail is about; a schedule that one of its grants goes by
//     covers a time that it did not.
//   - The opening is guarded less by itself or by its area, its site or its
//     devices; weaker.go says what that is.
//   - Who comes back, and whose stay is made longer, joins nothing. A plan of
//     shifts gives nothing that a grant does not.
//   - What is new is not compared: an opening is declared together with its
//     class, and a schedule that no grant goes by opens nothing.
//
// A test goes through every field of what can be declared, and every kind of
// entry: one that is new has to be put on one side or the other.

// Wider is a place that protects what is worth most and that an edit lets more
// people open, or for longer, or with less.
type Wider struct {
	Kind string // AccessWidened or PlaceWeakened
	Site sashlock.SiteID
	Area sashlock.AreaID // empty: none, or the whole site
}

// Widens finds the places that protect what is worth most and that an edit lets
// somebody open who could not, or for longer, or with less.
func (b *Book) Widens(e Edit, now time.Time) ([]Wider, error) {
	put, next := e.Access.Put, b
	was := func(o sashlock.Opening) bool { return b.Openings[o.ID].Class == sashlock.High }
	if slices.ContainsFunc(put.Openings, was) || len(b.weakened(put.Areas))+len(b.loosened(put.Sites)) > 0 {
		places := access.Facts{Sites: put.Sites, Areas: put.Areas, Openings: put.Openings} // making a book of people takes long
		after, err := b.With(Edit{Access: access.Change{Put: places}})
		if err != nil {
			return nil, err
		}
		next = after
	}
	return widens(b, next, e, now), nil
}

// widens compares what an edit says with what was there.
func widens(before, after *Book, e Edit, now time.Time) []Wider {
	put := e.Access.Put
	all := given(before, after, put, now)
	all = append(all, before.places(after, put, now)...)
	all = append(all, before.goes(e.Access.Remove.Openings)...)
	all = append(all, before.unlinked(put.Openings, e.Access.Remove.Openings)...)
	all = append(all, before.refitted(e.Fitted)...)
	slices.SortFunc(all, func(x, y Wider) int {
		return cmp.Or(cmp.Compare(x.Kind, y.Kind), cmp.Compare(x.Site, y.Site), cmp.Compare(x.Area, y.Area))
	})
	return slices.Compact(all)
}

// given finds what is worth most and is given to more people, or for longer.
func given(before, after *Book, put access.Facts, now time.Time) (all []Wider) {
	joined, longer, freed := joins(before, put.People), before.longer(put.Schedules, now), before.freed(after, put)
	if len(joined)+len(longer)+len(freed) == 0 {
		return nil
	}
	for id, o := range after.Openings {
		if o.Class != sashlock.High {
			continue
		}
		role := func(r sashlock.RoleID) bool { return after.Index.GivenTo(id, r, now) }
		if slices.ContainsFunc(joined, role) ||
			slices.ContainsFunc(longer, func(s sashlock.ScheduleID) bool { return after.Index.Follows(id, s, now) }) ||
			slices.ContainsFunc(freed, func(p sashlock.Person) bool {
				return slices.ContainsFunc(p.Roles, role) || after.Index.GivenToPerson(id, p.ID, now)
			}) {
			all = append(all, Wider{AccessWidened, o.Site, o.Area})
		}
	}
	return all
}

// joins lists the roles that somebody gets who did not have them.
func joins(before *Book, people []sashlock.Person) (roles []sashlock.RoleID) {
	for i := range people {
		had := before.person(people[i].ID).Roles
		for _, r := range people[i].Roles {
			if !slices.Contains(had, r) && !slices.Contains(roles, r) {
				roles = append(roles, r)
			}
		}
	}
	return roles
}

// freed lists the people who leave a role that an enforced guard rail is about:
// what it forbids them they may from then on, where a grant lets them.
func (b *Book) freed(after *Book, put access.Facts) (free []sashlock.Person) {
	for _, p := range put.People {
		left := func(r sashlock.RoleID) bool { return !slices.Contains(p.Roles, r) }
		if !slices.ContainsFunc(b.person(p.ID).Roles, left) {
			continue
		}
		was, is := guard.Facts{Person: p.ID}, guard.Facts{Person: p.ID, PersonSlug: p.Slug}
		b.guardPerson(&was, p.ID)
		for _, r := range p.Roles {
			is.Roles = append(is.Roles, after.Roles[r].Slug)
		}
		if lacks(b.rails.RulesOf(&is), b.rails.RulesOf(&was)) {
			free = append(free, p)
		}
	}
	return free
}

// longer lists the schedules that cover a time they did not. The day before
// today may still last somewhere.
func (b *Book) longer(all []sashlock.Schedule, now time.Time) (wider []sashlock.ScheduleID) {
	yesterday := sashlock.DateOf(now.UTC()).AddDays(-1)
	for _, s := range all {
		if was, known := b.Schedules[s.ID]; known && schedule.Wider(s, was, yesterday) {
			wider = append(wider, s.ID)
		}
	}
	return wider
}

// lacks reports whether anything of a list is missing from another.
func lacks[T comparable](is, was []T) bool {
	return slices.ContainsFunc(was, func(one T) bool { return !slices.Contains(is, one) })
}
