// SPDX-License-Identifier: Apache-2.0

package main

import (
	"slices"

	"github.com/sashlock/sashlock"
)

// plainly decides a request by going through everything: the answer that all
// deciders are held to. It shares no code with any of them.
func (w *workload) plainly(a *ask) bool {
	place := w.place[a.opening]
	o, p := w.facts.Openings[place], w.facts.People[w.person[a.person]]
	day, minute := w.local(place, a.at)
	granted := slices.ContainsFunc(w.facts.Grants, func(g sashlock.Grant) bool {
		return (g.Person == p.ID || slices.Contains(p.Roles, g.Role)) &&
			(g.Opening == o.ID || g.Area == o.Area || g.Site == o.Site) &&
			slices.ContainsFunc(w.windows(g.Schedule), func(s span) bool {
				return slices.Contains(s.days, day) && minute >= s.from && minute < s.until
			})
	})
	return granted && !w.railed(a, place, p, minute/60)
}

func (w *workload) railed(a *ask, place int, p sashlock.Person, hour int) bool {
	area := place / inArea
	if area >= guarded {
		return false
	}
	owner := slices.Contains(p.Roles, w.owner[area])
	return a.level < 2 && (hour >= 20 || hour < 7) ||
		a.threat == "lockdown" && a.automatic ||
		w.facts.Openings[place].Class == sashlock.High && !owner && a.level < 3
}

// span is a window of a schedule, in minutes of local days.
type span struct {
	days        []int
	from, until int
}

// windows are the windows of a schedule; none means always.
func (w *workload) windows(schedule sashlock.ScheduleID) []span {
	var all []span
	for _, s := range w.facts.Schedules {
		if s.ID != schedule {
			continue
		}
		for _, p := range s.Weekly {
			one := span{from: int(p.From), until: int(p.Until)}
			for _, d := range p.Days {
				one.days = append(one.days, int(d))
			}
			all = append(all, one)
		}
	}
	if schedule == "" {
		all = append(all, span{days: []int{0, 1, 2, 3, 4, 5, 6}, until: 24 * 60})
	}
	return all
}
