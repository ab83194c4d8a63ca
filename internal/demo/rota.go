// SPDX-License-Identifier: Apache-2.0

package demo

import (
	"cmp"
	"context"
	"slices"
	"time"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/internal/flow"
	"github.com/sashlock/sashlock/internal/schedule"
	planned "github.com/sashlock/sashlock/internal/shifts"
	"github.com/sashlock/sashlock/internal/store"
)

// rotaAhead is for how many days after its start the demo has a rota.
const rotaAhead = 7

// hoursOf are when a team works, in hours and minutes; a night ends on the next
// day.
func hoursOf(role string) (from, until [2]int, works bool) {
	switch role {
	case "early-team":
		return [2]int{6, 0}, [2]int{14, 30}, true
	case "late-team":
		return [2]int{14, 0}, [2]int{22, 30}, true
	case "night-team":
		return [2]int{22, 0}, [2]int{30, 30}, true
	case "manager", "porto-team", "porto-manager":
		return [2]int{10, 0}, [2]int{18, 30}, true
	case "madrid-team", "madrid-manager":
		return [2]int{12, 30}, [2]int{21, 0}, true
	}
	return from, until, false
}

// siteOf is where a team works.
func siteOf(role string) string {
	for _, site := range []string{"porto", "madrid"} {
		if len(role) > len(site) && role[:len(site)] == site {
			return site
		}
	}
	return "lisbon"
}

// planRota gives the teams their shifts, from the beginning of the history on:
// five days of seven each. Who came and went is known of those that lie before
// the start of the demo.
func (s *shop) planRota(ctx context.Context) error {
	book, first := s.house.Hall.Book(), s.house.Now()
	start := first.AddDate(0, 0, historyDays)
	var people []sashlock.Person
	for _, p := range book.People {
		people = append(people, p)
	}
	slices.SortFunc(people, func(a, b sashlock.Person) int { return cmp.Compare(a.Slug, b.Slug) })
	_, err := s.house.Hall.Change(ctx, flow.Change{Operator: s.operator, Make: func(tx *store.Tx) (whole flow.Edit, err error) {
		for i, p := range people {
			if p.Suspended {
				continue
			}
			for _, one := range shiftsOf(book, p, i, first, start) {
				_, edit, err := planned.Save(tx, one, 0)
				if err != nil {
					return whole, err
				}
				whole.Events = append(whole.Events, edit.Events...)
				whole.Shifts = append(whole.Shifts, edit.Shifts...)
				if !one.In.IsZero() && one.Out.IsZero() {
					state := sashlock.PersonState{Person: p.ID, Site: one.Site, Since: one.In, ClockIn: true}
					s.place(p, i, &state)
					tx.SavePersonState(state)
				}
			}
		}
		return whole, nil
	}})
	return err
}

// shiftsOf are the shifts of one of the people.
func shiftsOf(book *flow.Book, p sashlock.Person, n int, first, start time.Time) (all []planned.Shift) {
	for _, id := range p.Roles {
		role := book.Roles[id].Slug
		from, until, works := hoursOf(role)
		if !works {
			continue
		}
		var site sashlock.Site
		for _, one := range book.Sites {
			if one.Slug == siteOf(role) {
				site = one
			}
		}
		zone, err := schedule.LoadZone(site.Zone)
		if err != nil {
			return nil
		}
		y, m, d := first.In(zone).Date()
		for day := range historyDays + rotaAhead + 1 {
			if off := (n*3 + day) % 7; off > 4 { // two days off, others for each
				continue
			}
			one := planned.Shift{Shift: sashlock.Shift{
				Person: p.ID, Site: site.ID,
				From: time.Date(y, m, d+day, from[0], from[1], 0, 0, zone), Until: time.Date(y, m, d+day, until[0], until[1], 0, 0, zone),
			}}
			came, went := one.From.Add(-time.Duration(2+(n+day)%9)*time.Minute), one.Until.Add(time.Duration(1+(n+2*day)%7)*time.Minute)
			if came.Before(start) && (n+day)%11 != 0 { // now and then somebody forgets to
				one.In = came.UTC()
			}
			if !one.In.IsZero() && went.Before(start) {
				one.Out = went.UTC()
			}
			all = append(all, one)
		}
		return all
	}
	return nil
}
