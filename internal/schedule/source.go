// SPDX-License-Identifier: Apache-2.0

package schedule

import (
	"cmp"
	"math/bits"
	"slices"
	"sort"
	"time"

	"github.com/sashlock/sashlock"
)

// span is what starts on one date: minutes after the date's midnight, until at
// most 2879 (23:59 of the next date).
type span struct{ from, until int32 }

// source is where the spans of a date come from: the weekly periods or one
// special day. Spans of one weekday are sorted and neither overlap nor touch;
// joining them changes nothing, because a start is never later than an end at
// the same local time (rules 6 and 7).
type source struct {
	byWeekday [7][]span
	week      weekMap // which minutes of a week it covers far from any edge
	state     state
}

// state says that a source covers nothing or everything.
type state int8

const (
	mixed state = iota
	closed
	always
)

// specialDay is a source that holds for some dates only, both included.
type specialDay struct {
	*source
	first, last int64
}

// run is a row of dates with the same source.
type run struct {
	source      *source
	first, last int64
	special     bool
}

// nothing is the source of dates that are closed or out of range. It is never
// written to.
var nothing = &source{state: closed}

func (s *source) periods(day int64) []span { return s.byWeekday[weekday(day)] }

// tail is how many minutes of the date its own eve reaches into.
func (s *source) tail(day int64) int32 {
	eve := s.periods(day - 1)
	if len(eve) == 0 {
		return 0
	}
	return max(0, eve[len(eve)-1].until-dayMinutes)
}

func weekday(day int64) int64 { return ((day+4)%7 + 7) % 7 }

func dayNumber(d sashlock.Date) int64 {
	return time.Date(d.Year, d.Month, d.Day, 0, 0, 0, 0, time.UTC).Unix() / daySeconds
}

func readWeekly(periods []sashlock.Period) source {
	var s source
	for _, p := range periods {
		for _, d := range p.Days {
			s.byWeekday[d] = append(s.byWeekday[d], readSpan(p.From, p.Until))
		}
	}
	s.finish()
	return s
}

func readSpecial(days []sashlock.SpecialDay) []specialDay {
	var all []specialDay
	for _, d := range days {
		if len(d.Spans) == 0 {
			all = append(all, specialDay{source: nothing, first: dayNumber(d.First), last: dayNumber(d.Last)})
			continue
		}
		s := new(source)
		for _, p := range d.Spans {
			for wd := range s.byWeekday {
				s.byWeekday[wd] = append(s.byWeekday[wd], readSpan(p.From, p.Until))
			}
		}
		s.finish()
		all = append(all, specialDay{source: s, first: dayNumber(d.First), last: dayNumber(d.Last)})
	}
	slices.SortFunc(all, func(a, b specialDay) int { return cmp.Compare(a.first, b.first) })
	return all
}

func readSpan(from, until sashlock.TimeOfDay) span {
	s := span{int32(from), int32(until)}
	if s.until <= s.from {
		s.until += dayMinutes
	}
	return s
}

// finish sorts and joins the spans and draws the week map.
func (s *source) finish() {
	for wd, spans := range s.byWeekday {
		s.byWeekday[wd] = join(spans)
		for _, p := range s.byWeekday[wd] {
			s.week.set(wd*dayMinutes+int(p.from), wd*dayMinutes+int(p.until))
		}
	}
	switch s.week.count() {
	case 0:
		s.state = closed
	case weekMinutes:
		s.state = always
	}
}

func join(spans []span) []span {
	slices.SortFunc(spans, func(a, b span) int { return cmp.Compare(a.from, b.from) })
	var joined []span
	for _, p := range spans {
		if n := len(joined); n > 0 && p.from <= joined[n-1].until {
			joined[n-1].until = max(joined[n-1].until, p.until)
			continue
		}
		joined = append(joined, p)
	}
	return joined
}

// specialOn returns the index of the special day that a date belongs to, or -1.
func (c *Calendar) specialOn(day int64) int {
	i := sort.Search(len(c.special), func(i int) bool { return c.special[i].first > day }) - 1
	if i < 0 || c.special[i].last < day {
		return -1
	}
	return i
}

// runAt returns the row of dates around day that have the same source.
func (c *Calendar) runAt(day int64) run {
	switch {
	case day < c.first:
		return run{source: nothing, first: minDay, last: c.first - 1}
	case day > c.last:
		return run{source: nothing, first: c.last + 1, last: maxDay}
	}
	r := run{source: &c.weekly, first: c.first, last: c.last}
	next := sort.Search(len(c.special), func(i int) bool { return c.special[i].first > day })
	if next < len(c.special) {
		r.last = min(r.last, c.special[next].first-1)
	}
	if next == 0 {
		return r
	}
	s := c.special[next-1]
	if s.last < day {
		r.first = max(r.first, s.last+1)
		return r
	}
	return run{source: s.source, first: max(c.first, s.first), last: min(c.last, s.last), special: true}
}

// weekMap has a bit for every minute of a week that begins on Sunday.
type weekMap [(weekMinutes + 63) / 64]uint64

// set marks the minutes from until before, around the end of the week.
func (m *weekMap) set(from, until int) {
	for i := from; i < until; i++ {
		minute := i % weekMinutes
		m[minute>>6] |= 1 << (minute & 63)
	}
}

// has reports whether a minute counted from the beginning of the week is
// marked.
func (m *weekMap) has(minute uint32) bool { return m[minute>>6]>>(minute&63)&1 != 0 }

func (m *weekMap) count() int {
	n := 0
	for _, word := range m {
		n += bits.OnesCount64(word)
	}
	return n
}

// uniform reports whether all minutes that overlap the local times, in seconds,
// are alike.
func (m *weekMap) uniform(from, until int64) bool {
	var seen [2]bool
	for local := floorDiv(from, 60) * 60; local < until; local += 60 {
		minute := (((local+sundayShift)%weekSeconds + weekSeconds) % weekSeconds) / 60
		seen[m[minute>>6]>>(minute&63)&1] = true
	}
	return !seen[0] || !seen[1]
}
