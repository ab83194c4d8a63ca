// SPDX-License-Identifier: Apache-2.0

package schedule

import (
	"slices"
	"time"

	"github.com/sashlock/sashlock"
)

// Wider reports whether a schedule covers, on a date from one on, any time of
// the civil calendar that another one does not. One that cannot be compiled
// covers nothing.
//
// Between two dates on which one of them changes its manner both repeat week by
// week, so it is enough to look at the days around each such date.
func Wider(next, was sashlock.Schedule, from sashlock.Date) bool {
	more, err := Compile(next, time.UTC)
	if err != nil {
		return false
	}
	less, err := Compile(was, time.UTC)
	if err != nil {
		less, _ = Compile(sashlock.Schedule{}, time.UTC) // nothing: it always can be
	}
	for _, day := range turns(from, next, was) {
		start := time.Date(day.Year, day.Month, day.Day-2, 0, 0, 0, 0, time.UTC)
		first := time.Date(from.Year, from.Month, from.Day, 0, 0, 0, 0, time.UTC)
		if start.Before(first) {
			start = first
		}
		end := start.AddDate(0, 0, 12) // a whole week after the day, its nights included
		if !within(more.Windows(start, end), less.Windows(start, end)) {
			return true
		}
	}
	return false
}

// turns are the dates from one on at which schedules may change their manner.
func turns(from sashlock.Date, all ...sashlock.Schedule) []sashlock.Date {
	days := []sashlock.Date{from}
	add := func(d sashlock.Date) {
		if !d.IsZero() && d.Compare(from) > 0 {
			days = append(days, d)
		}
	}
	for _, s := range all {
		add(s.First)
		if !s.Last.IsZero() {
			add(s.Last.AddDays(1))
		}
		for _, special := range s.Special {
			add(special.First)
			add(special.Last.AddDays(1))
		}
	}
	slices.SortFunc(days, sashlock.Date.Compare)
	return slices.Compact(days)
}

// within reports whether each window lies in one of others. Both are in order,
// and neither overlap nor touch.
func within(all, others []Window) bool {
	i := 0
	for _, w := range all {
		for i < len(others) && !others[i].End.After(w.Start) {
			i++
		}
		if i == len(others) || others[i].Start.After(w.Start) || others[i].End.Before(w.End) {
			return false
		}
	}
	return true
}
