// SPDX-License-Identifier: Apache-2.0

package schedule

import (
	"math"
	"time"
)

// Horizon is how far [Calendar.Window], [Calendar.Next] and [Calendar.Windows]
// look: five years of 366 days. A window that reaches further is cut there, so
// a length of at least Horizon means "no end in sight".
const Horizon = 5 * 366 * 24 * time.Hour

// MaxWindows is the most windows [Calendar.Windows] returns.
const MaxWindows = 10_000

const (
	horizonSeconds = int64(Horizon / time.Second)
	horizonDays    = horizonSeconds / daySeconds

	// reach is how many dates away from an instant an interval around it may
	// have started, generously: one for the night, one for the longest repetition
	// of a day (Alaska and Kwajalein moved the date line) and one to spare.
	reach = 3

	minDay = math.MinInt64 / 4
	maxDay = math.MaxInt64 / 4

	yearOne = -62_135_596_800 // 0001-01-01T00:00:00Z
	yearEnd = 253_402_300_800 // 10000-01-01T00:00:00Z
)

func countable(unix int64) bool { return unix >= yearOne && unix < yearEnd }

// Window is a stretch of time that a schedule covers, from Start until before
// End, both in the calendar's zone.
type Window struct {
	Start time.Time
	End   time.Time
}

// Window returns the window around t, and false when t is not covered. It is
// the whole uncovered-to-uncovered window, across midnights, cut at [Horizon]
// on either side of t.
func (c *Calendar) Window(t time.Time) (start, end time.Time, ok bool) {
	unix := t.Unix()
	if !countable(unix) {
		return time.Time{}, time.Time{}, false
	}
	day := c.zone.day(unix)
	for back := int64(8); ; back *= 8 {
		back = min(back, horizonDays+reach)
		var around instants
		c.merged(day-back, day+horizonDays+reach, func(w instants) bool {
			if w.until <= unix {
				return true
			}
			around, ok = w, w.from <= unix
			return false
		})
		if !ok {
			return time.Time{}, time.Time{}, false
		}
		// A window that begins where the search began may have begun before.
		if c.zone.day(around.from) > day-back+reach || back > horizonDays {
			w := around.clip(unix-horizonSeconds, unix+horizonSeconds)
			return c.time(w.from), c.time(w.until), true
		}
	}
}

// Next returns the first window that starts after t. It says false when none
// starts within [Horizon]; a window without end in sight is cut at [Horizon]
// after its start.
func (c *Calendar) Next(t time.Time) (start, end time.Time, ok bool) {
	unix := t.Unix()
	if !countable(unix) {
		return time.Time{}, time.Time{}, false
	}
	day := c.zone.day(unix)
	var next instants
	c.merged(day-reach, day+2*horizonDays+reach, func(w instants) bool {
		if w.from <= unix {
			return true
		}
		next, ok = w.clip(unix, w.from+horizonSeconds), w.from <= unix+horizonSeconds
		return false
	})
	if !ok {
		return time.Time{}, time.Time{}, false
	}
	return c.time(next.from), c.time(next.until), true
}

// Windows returns what is covered between from and until, in order, cut at
// both. It looks no further than [Horizon] after from and returns no more than
// [MaxWindows].
func (c *Calendar) Windows(from, until time.Time) []Window {
	low, high := from.Unix(), until.Unix()
	if until.Nanosecond() > 0 {
		high++
	}
	if !countable(low) {
		return nil
	}
	high = min(high, low+horizonSeconds)
	var found []Window
	c.merged(c.zone.day(low)-reach, c.zone.day(high)+reach, func(w instants) bool {
		if w.from >= high || len(found) == MaxWindows {
			return false
		}
		if w = w.clip(low, high); w.from < w.until {
			found = append(found, Window{Start: c.time(w.from), End: c.time(w.until)})
		}
		return true
	})
	return found
}

func (c *Calendar) time(unix int64) time.Time { return time.Unix(unix, 0).In(c.zone.place) }

// instants are half-open, in Unix seconds.
type instants struct{ from, until int64 }

func (w instants) clip(low, high int64) instants {
	return instants{max(w.from, low), min(w.until, high)}
}

// merged walks the windows whose intervals start on the dates from day to last,
// in order, until yield says stop.
func (c *Calendar) merged(day, last int64, yield func(instants) bool) {
	var now instants
	open := false
	more := c.intervals(day, last, func(w instants) bool {
		switch {
		case !open:
			now, open = w, true
		case w.from <= now.until:
			now.until = max(now.until, w.until)
		default:
			past := now
			now = w
			return yield(past)
		}
		return true
	})
	if more && open {
		yield(now)
	}
}

// intervals walks the intervals that start on the dates from day to last, in
// order of their start. It steps over years of "closed" and gives years of
// "always" as one, so that both cost no more than a day.
func (c *Calendar) intervals(day, last int64, yield func(instants) bool) bool {
	for day <= last {
		r := c.runAt(day)
		if r.source.state == closed {
			day = r.last + 1
			continue
		}
		spans, end := c.spansOf(day), c.limit(day)
		if r.source.state == always && r.first < day && day < r.last {
			// Only the first date of the row lacks what its eve would bring.
			final := min(r.last, last)
			w := instants{from: c.zone.start(day*daySeconds + int64(spans[0].from)*60)}
			spans, end = c.spansOf(final), c.limit(final)
			_, w.until = c.resolve(final, spans[len(spans)-1], end)
			if !yield(w) {
				return false
			}
			day = final + 1
			continue
		}
		for _, p := range spans {
			if from, until := c.resolve(day, p, end); from < until && !yield(instants{from, until}) {
				return false
			}
		}
		day++
	}
	return true
}

// resolve finds the instants of a span of a date (rules 6 and 7), cut at limit
// (rule 4). It may come out empty.
func (c *Calendar) resolve(day int64, p span, limit int64) (from, until int64) {
	midnight := day * daySeconds
	from = c.zone.start(midnight + int64(p.from)*60)
	until = c.zone.end(midnight + int64(p.until)*60)
	return from, min(until, limit)
}

// limit is the instant at which what starts on a date ends at the latest (rule
// 4).
func (c *Calendar) limit(day int64) int64 {
	if c.cutAfter(day) {
		return c.zone.start((day + 1) * daySeconds)
	}
	return math.MaxInt64
}
