// SPDX-License-Identifier: Apache-2.0

package reference

import (
	"time"

	"github.com/sashlock/sashlock"
)

// The civil rules, as package schedule documents them, in terms of what the
// clock on the wall shows. Let high be the latest time the clock has shown up
// to now, and low the earliest it has yet to show; the two differ by more than
// a moment only around a clock that is put back.
//
//   - A start has passed when the clock has shown it or anything later: a start
//     in a gap is the end of the gap, a start that happens twice is the first.
//   - An end has not passed while the clock has yet to show it or something
//     earlier: an end in a gap is the gap, an end that happens twice is the
//     second.
//   - The midnight that begins a special day cuts what began on the eve, when
//     the clock shows it for the first time: it is a start.

// oneWay is longer than any clock was ever put back.
const oneWay = 50 * time.Hour

// Within reports whether a schedule, read in a zone, includes an instant. The
// schedule must be one that package schedule accepts.
func Within(s *sashlock.Schedule, zone *time.Location, at time.Time) bool {
	high, low := latestShown(zone, at), earliestToCome(zone, at)
	for date := sashlock.DateOf(low).AddDays(-1); date.Compare(sashlock.DateOf(high)) <= 0; date = date.AddDays(1) {
		if !s.First.IsZero() && date.Compare(s.First) < 0 || !s.Last.IsZero() && date.Compare(s.Last) > 0 {
			continue
		}
		today, tomorrow := specialDay(s, date), specialDay(s, date.AddDays(1))
		if tomorrow != nil && tomorrow != today && !high.Before(midnight(date.AddDays(1))) {
			continue // cut
		}
		for _, span := range spans(s, today, date) {
			from, until := span.From, span.Until
			if until <= from {
				until += 24 * 60
			}
			start := midnight(date).Add(time.Duration(from) * time.Minute)
			end := midnight(date).Add(time.Duration(until) * time.Minute)
			if !high.Before(start) && low.Before(end) {
				return true
			}
		}
	}
	return false
}

// wall is what the clock on the wall shows, written as if it hung in UTC.
func wall(zone *time.Location, at time.Time) time.Time {
	t := at.In(zone)
	return time.Date(t.Year(), t.Month(), t.Day(), t.Hour(), t.Minute(), t.Second(), t.Nanosecond(), time.UTC)
}

func midnight(d sashlock.Date) time.Time {
	return time.Date(d.Year, d.Month, d.Day, 0, 0, 0, 0, time.UTC)
}

// latestShown walks back over the changes of the clock.
func latestShown(zone *time.Location, at time.Time) time.Time {
	high := wall(zone, at)
	for t := at; ; {
		change, _ := t.In(zone).ZoneBounds()
		if change.IsZero() || at.Sub(change) > oneWay {
			return high
		}
		t = change.Add(-1) // the last instant before it
		if shown := wall(zone, t); shown.After(high) {
			high = shown
		}
	}
}

// earliestToCome walks forward over the changes of the clock. What a change
// brings is still to come, so it counts a moment less than what shows now.
func earliestToCome(zone *time.Location, at time.Time) time.Time {
	low := wall(zone, at)
	for t := at; ; {
		_, change := t.In(zone).ZoneBounds()
		if !change.IsZero() && !change.After(t) {
			// On the last day of a leap year package time names an end that has
			// passed already; the offset holds for the rest of that day.
			change = midnight(sashlock.DateOf(t.UTC())).AddDate(0, 0, 1)
		}
		if change.IsZero() || change.Sub(at) > oneWay {
			return low
		}
		t = change
		if shown := wall(zone, t).Add(-1); shown.Before(low) {
			low = shown
		}
	}
}

// specialDay returns the special day that replaces a date, or nil.
func specialDay(s *sashlock.Schedule, d sashlock.Date) *sashlock.SpecialDay {
	for i := range s.Special {
		if d.Compare(s.Special[i].First) >= 0 && d.Compare(s.Special[i].Last) <= 0 {
			return &s.Special[i]
		}
	}
	return nil
}

// spans returns what starts on a date.
func spans(s *sashlock.Schedule, special *sashlock.SpecialDay, d sashlock.Date) []sashlock.Span {
	if special != nil {
		return special.Spans
	}
	var all []sashlock.Span
	for _, p := range s.Weekly {
		for _, day := range p.Days {
			if day == d.Weekday() {
				all = append(all, sashlock.Span{From: p.From, Until: p.Until})
			}
		}
	}
	return all
}

// readable reports whether the schedule makes sense: what does not opens
// nothing.
func readable(s *sashlock.Schedule) bool {
	timesMakeSense := func(from, until sashlock.TimeOfDay) bool {
		return from >= 0 && from < 24*60 && until >= 0 && until <= 24*60
	}
	for _, p := range s.Weekly {
		if len(p.Days) == 0 || !timesMakeSense(p.From, p.Until) {
			return false
		}
	}
	for i, d := range s.Special {
		if d.First.IsZero() || d.Last.Compare(d.First) < 0 {
			return false
		}
		for _, span := range d.Spans {
			if !timesMakeSense(span.From, span.Until) {
				return false
			}
		}
		for _, other := range s.Special[:i] {
			if other.First.Compare(d.Last) <= 0 && d.First.Compare(other.Last) <= 0 {
				return false
			}
		}
	}
	return s.First.IsZero() || s.Last.IsZero() || s.Last.Compare(s.First) >= 0
}
