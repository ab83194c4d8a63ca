// SPDX-License-Identifier: Apache-2.0

package flow

import (
	"cmp"
	"slices"
	"time"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/internal/access"
	"github.com/sashlock/sashlock/internal/schedule"
)

// The rules of what lets somebody open what is worth most by another way than a
// grant are:
//
//   - What an edit says is compared with what is declared, so that it does not
//     matter which page, route or list it came by.
//   - Somebody joins a role to which such an opening is given; a schedule that
//     one of its grants goes by covers a time that it did not; the opening is no
//     longer of the highest class, comes to an area or site that is given as a
//     whole, is no longer on trial, or asks for less; its area asks for less; the clocks or the shifts
//     of its site are read more generously.
//   - Who comes back, and whose stay is made longer, joins nothing. A plan of
//     shifts gives nothing that a grant does not.
//   - What is new is not compared: an opening is declared together with its
//     class, and a schedule that no grant goes by opens nothing.

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
	return widens(b, next, put, now), nil
}

// widens compares what is put with what was there.
func widens(before, after *Book, put access.Facts, now time.Time) []Wider {
	joined, longer := joins(before, put.People), before.longer(put.Schedules, now)
	areas, sites := before.weakened(put.Areas), before.loosened(put.Sites)
	var all []Wider
	if len(joined)+len(longer)+len(areas)+len(sites) > 0 {
		for id, o := range after.Openings {
			if o.Class != sashlock.High {
				continue
			}
			gives := slices.ContainsFunc(joined, func(r sashlock.RoleID) bool { return after.Index.GivenTo(id, r, now) }) ||
				slices.ContainsFunc(longer, func(s sashlock.ScheduleID) bool { return after.Index.Follows(id, s, now) })
			if gives {
				all = append(all, Wider{AccessWidened, o.Site, o.Area})
			}
			if slices.Contains(sites, o.Site) || o.Area != "" && slices.Contains(areas, o.Area) {
				all = append(all, Wider{PlaceWeakened, o.Site, o.Area})
			}
		}
	}
	for i := range put.Openings {
		o := &put.Openings[i]
		if old := before.Openings[o.ID]; old.Class == sashlock.High && lessGuarded(before, after, old, *o, now) {
			all = append(all, Wider{PlaceWeakened, old.Site, old.Area})
		}
	}
	slices.SortFunc(all, func(x, y Wider) int {
		return cmp.Or(cmp.Compare(x.Kind, y.Kind), cmp.Compare(x.Site, y.Site), cmp.Compare(x.Area, y.Area))
	})
	return slices.Compact(all)
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

// weakened lists the areas that ask for less than they did.
func (b *Book) weakened(all []sashlock.Area) (less []sashlock.AreaID) {
	for _, a := range all {
		was, known := b.Areas[a.ID]
		if known && (asksLess(a.Needs, was.Needs) || was.Passback != "" && a.Passback == "") {
			less = append(less, a.ID)
		}
	}
	return less
}

// loosened lists the sites whose clocks show another time than they did, or
// where a shift counts for longer.
func (b *Book) loosened(all []sashlock.Site) (less []sashlock.SiteID) {
	for _, s := range all {
		was, known := b.Sites[s.ID]
		if known && (s.Zone != was.Zone || s.ShiftGrace > was.ShiftGrace || was.ClockIn && !s.ClockIn) {
			less = append(less, s.ID)
		}
	}
	return less
}

// lessGuarded reports whether an opening that was of the highest class is opened
// by more people than before, or with less.
func lessGuarded(before, after *Book, was, is sashlock.Opening, now time.Time) bool {
	if is.Class != sashlock.High || was.Trial && !is.Trial {
		return true
	}
	if is.Area != was.Area && is.Area != "" && after.Index.GivenAsWhole(is.Area, "", now) {
		return true
	}
	if is.Site != was.Site && after.Index.GivenAsWhole("", is.Site, now) {
		return true
	}
	asks, then := after.asked(is), before.asked(was)
	return asks.level < then.level || then.two && !asks.two ||
		slices.ContainsFunc(then.firsts, func(r sashlock.RoleID) bool { return !slices.Contains(asks.firsts, r) })
}

// asked is what an opening and its area ask of everybody together.
type asked struct {
	level  sashlock.Assurance
	two    bool
	firsts []sashlock.RoleID // who has to be the first in
}

func (b *Book) asked(o sashlock.Opening) asked {
	area := b.Areas[o.Area].Needs
	all := asked{level: max(o.Needs.Level, area.Level), two: o.Needs.Two || area.Two}
	for _, first := range []sashlock.RoleID{o.Needs.FirstIn, area.FirstIn} {
		if first != "" {
			all.firsts = append(all.firsts, first)
		}
	}
	return all
}

// asksLess reports whether needs ask for less than others in any respect.
func asksLess(is, was sashlock.Needs) bool {
	return is.Level < was.Level || was.Two && !is.Two || was.FirstIn != "" && is.FirstIn != was.FirstIn
}
