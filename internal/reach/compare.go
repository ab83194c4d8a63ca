// SPDX-License-Identifier: Apache-2.0

package reach

import (
	"cmp"
	"slices"
	"sync"
	"time"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/internal/access"
	"github.com/sashlock/sashlock/internal/flow"
	"github.com/sashlock/sashlock/internal/schedule"
)

// Compared is who could open more, or less, at some instant that was looked at.
// Who gains at one and loses at another is among both.
type Compared struct {
	Gained, Lost int    // pairs in all
	Gain, Loss   []Pair // the first of them, ordered by person and opening
	Instants     int    // looked at
}

// Compare compares two books over everybody and every opening that is seen; nil:
// all are. It keeps the first pairs of each kind, and counts all.
func Compare(before, after *flow.Book, instants []time.Time, sees func(sashlock.OpeningID) bool, keep int) Compared {
	const parts = 2
	c := access.Compare(before.Index, after.Index, instants)
	var found [parts][]access.Difference
	var group sync.WaitGroup
	for part := range parts {
		group.Go(func() { found[part] = c.Part(part, parts) })
	}
	group.Wait()
	out := Compared{Instants: len(instants)}
	for _, d := range slices.Concat(found[:]...) {
		if sees != nil && !sees(d.Opening) {
			continue
		}
		out.Gained += d.Gain.Len()
		out.Lost += d.Loss.Len()
		out.Gain, out.Loss = pairs(out.Gain, d.Opening, d.Gain), pairs(out.Loss, d.Opening, d.Loss)
	}
	out.Gain, out.Loss = first(out.Gain, keep), first(out.Loss, keep)
	return out
}

func pairs(list []Pair, o sashlock.OpeningID, people access.People) []Pair {
	for p := range people.All() {
		list = append(list, Pair{p, o})
	}
	return list
}

func first(list []Pair, keep int) []Pair {
	slices.SortFunc(list, func(a, b Pair) int {
		return cmp.Or(cmp.Compare(a.Person, b.Person), cmp.Compare(a.Opening, b.Opening))
	})
	return slices.Clip(list[:min(keep, len(list))])
}

// The instants at which a draft is compared.
const (
	comparedDays = 7
	comparedMost = 700              // turns of schedules that are looked at
	comparedStep = 30 * time.Minute // where there are more: instants so far apart
	manyGrants   = 50_000           // from so many grants on
	manyStep     = 3 * time.Hour    // instants so far apart
)

// Instants are when two books have to be compared to see what differs within a
// week: now, at the moments given, and whenever a schedule of either begins or
// ends a stretch, in every zone. Where that is very often, or there are very many
// grants, they are spread evenly over the week instead.
func Instants(before, after *flow.Book, moments []time.Time, now time.Time) []time.Time {
	list := []time.Time{now}
	for _, at := range moments {
		if at.After(now) {
			list = append(list, at)
		}
	}
	end, step := now.AddDate(0, 0, comparedDays), comparedStep
	turns := turnsOf(before, after, now, end)
	if before.Index.GrantCount() > manyGrants || after.Index.GrantCount() > manyGrants {
		turns, step = nil, manyStep
	}
	if len(turns) > 0 && len(turns) <= comparedMost {
		list = append(list, turns...)
	} else {
		for at := now.Truncate(step).Add(step); at.Before(end); at = at.Add(step) {
			list = append(list, at)
		}
	}
	slices.SortFunc(list, time.Time.Compare)
	list = slices.CompactFunc(list, time.Time.Equal)
	return list[:min(len(list), 2*comparedMost)]
}

// turnsOf are the instants within a stretch of days at which the schedules of two
// books may begin or end.
func turnsOf(before, after *flow.Book, now, end time.Time) []time.Time {
	clock := map[sashlock.TimeOfDay]bool{0: true}
	zones := map[string]*time.Location{}
	for _, b := range []*flow.Book{before, after} {
		for _, s := range b.Schedules {
			for _, p := range s.Weekly {
				clock[p.From], clock[p.Until] = true, true
			}
			for _, d := range s.Special {
				for _, span := range d.Spans {
					clock[span.From], clock[span.Until] = true, true
				}
			}
		}
		for _, s := range b.Sites {
			if zone, err := schedule.LoadZone(s.Zone); err == nil {
				zones[s.Zone] = zone
			}
		}
	}
	if len(clock)*len(zones)*comparedDays > comparedMost {
		return nil
	}
	var all []time.Time
	for _, zone := range zones {
		y, m, d := now.In(zone).Date()
		for day := range comparedDays + 2 {
			for t := range clock {
				at := time.Date(y, m, d+day, int(t)/60, int(t)%60, 0, 0, zone)
				if at.After(now) && at.Before(end) {
					all = append(all, at)
				}
			}
		}
	}
	return all
}
