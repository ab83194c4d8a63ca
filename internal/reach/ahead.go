// SPDX-License-Identifier: Apache-2.0

package reach

import (
	"time"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/internal/schedule"
)

// Stretch is a time from Start until before End, in the zone of the site.
type Stretch struct {
	Start, End time.Time // no end in sight: zero
	Clocks     bool      // the clocks change on the day it starts or ends
}

// Ahead lists the next stretches of time in which a grant counts, and those in
// which it does not, from now on and n of each at most.
func (f Facts) Ahead(g sashlock.Grant, now time.Time, n int) (allowed, refused []Stretch) {
	zone := f.zone(g)
	now = now.In(zone).Truncate(time.Second)
	at := now // up to here everything is told
	add := func(list *[]Stretch, start, end time.Time) {
		if len(*list) < n && (end.IsZero() || end.After(start)) {
			*list = append(*list, Stretch{start, end, changes(start) || changes(end)})
		}
	}
	for _, w := range f.windows(g, now, n+1) {
		if w.Start.After(at) {
			add(&refused, at, w.Start)
		}
		add(&allowed, w.Start, w.End)
		if at = w.End; at.IsZero() {
			return allowed, refused
		}
	}
	if len(allowed) <= n { // it is over, or never was
		add(&refused, at, time.Time{})
	}
	return allowed, refused
}

// windows are the next stretches in which a grant counts: more than n may
// follow. An end that is not in sight is zero.
func (f Facts) windows(g sashlock.Grant, now time.Time, n int) []schedule.Window {
	zone := f.zone(g)
	from, until := now.In(zone), g.Until.In(zone)
	if g.From.After(from) {
		from = g.From.In(zone)
	}
	if !g.Until.IsZero() && !g.Until.After(from) {
		return nil
	}
	if g.Schedule == "" {
		if g.Until.IsZero() {
			until = time.Time{}
		}
		return []schedule.Window{{Start: from, End: until}}
	}
	c := f.calendar(g.Schedule, zone)
	if c == nil {
		return nil
	}
	return cut(c, from, g.Until, n)
}

// cut takes the windows of a calendar between two instants.
func cut(c *schedule.Calendar, from, until time.Time, n int) []schedule.Window {
	var all []schedule.Window
	start := from // within a window, what is left of it
	_, end, ok := c.Window(from)
	if !ok {
		start, end, ok = c.Next(from)
	}
	for ok && len(all) < n && (until.IsZero() || start.Before(until)) {
		switch {
		case !until.IsZero() && end.After(until):
			end = until.In(start.Location())
		case end.Sub(start) >= schedule.Horizon/2: // nobody plans that far
			return append(all, schedule.Window{Start: start})
		}
		all = append(all, schedule.Window{Start: start, End: end})
		start, end, ok = c.Next(end.Add(-time.Second))
	}
	return all
}

// changes reports whether clocks are changed on the day of an instant.
func changes(at time.Time) bool {
	if at.IsZero() {
		return false
	}
	y, m, d := at.Date()
	_, morning := time.Date(y, m, d, 0, 0, 0, 0, at.Location()).Zone()
	_, evening := time.Date(y, m, d+1, 0, 0, 0, 0, at.Location()).Zone()
	return morning != evening
}

// Read turns what a field of a page says, "2026-11-30T18:00", into the instant
// that the clocks of a zone show like that. Gap: they never do, and the instant
// is the one at which they are put forward past it. Twice: they do it twice, and
// the first is meant.
func Read(text string, zone *time.Location) (at time.Time, gap, again bool, err error) {
	const minutes, seconds = "2006-01-02T15:04", "2006-01-02T15:04:05"
	layout := minutes
	if len(text) > len(minutes) {
		layout = seconds
	}
	at, err = time.ParseInLocation(layout, text, zone)
	if err != nil || at.Year() < 1970 || at.Year() > 2200 {
		return time.Time{}, false, false, &sashlock.Error{Kind: sashlock.Invalid, Op: "reading time", Hint: `write a day and a time like "2026-11-30T18:00"`}
	}
	if at.Format(layout) != text {
		return at, true, false, nil
	}
	if twice(at) {
		if o := other(at); o.Before(at) {
			at = o
		}
		return at, false, true, nil
	}
	return at, false, false, nil
}
