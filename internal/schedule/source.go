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

// finish sorts and joins the spans.
func (s *source) finish() {
	for wd, spans := range s.byWeekday {
		s.byWeekday[wd] = join(spans)
	}
	week := s.week()
	switch week.count() {
	case 0:
		s.state = closed
	case weekMinutes:
		s.state = always
	}
}

// week draws the minutes of a week that the source covers far from any edge.
func (s *source) week() weekMap {
	var m weekMap
	for wd, spans := range s.byWeekday {
		for _, p := range spans {
			m.set(wd*dayMinutes+int(p.from), wd*dayMinutes+int(p.until))
		}
	}
	return m
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
func (d *dates) specialOn(day int64) int {
	i := sort.Search(len(d.special), func(i int) bool { return d.special[i].first > day }) - 1
	if i < 0 || d.special[i].last < day {
		return -1
	}
	return i
}

// spansOf returns the spans that start on a date.
func (d *dates) spansOf(day int64) []span {
	if day < d.first || day > d.last {
		return nil
	}
	if today := d.specialOn(day); today >= 0 {
		return d.special[today].periods(day)
	}
	return d.weekly.periods(day)
}

// cutAfter reports whether what starts on a date ends with it at the latest,
// because a special day follows (rule 4).
func (d *dates) cutAfter(day int64) bool {
	next := d.specialOn(day + 1)
	return next >= 0 && next != d.specialOn(day)
}

// runAt returns the row of dates around day that have the same source.
func (d *dates) runAt(day int64) run {
	switch {
	case day < d.first:
		return run{source: nothing, first: minDay, last: d.first - 1}
	case day > d.last:
		return run{source: nothing, first: d.last + 1, last: maxDay}
	}
	r := run{source: &d.weekly, first: d.first, last: d.last}
	next := sort.Search(len(d.special), func(i int) bool { return d.special[i].first > day })
	if next < len(d.special) {
		r.last = min(r.last, d.special[next].first-1)
	}
	if next == 0 {
		return r
	}
	s := d.special[next-1]
	if s.last < day {
		r.first = max(r.first, s.last+1)
		return r
	}
	return run{source: s.source, first: max(d.first, s.first), last: min(d.last, s.last), special: true}
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

// dayMap has a bit for every date of some years; later and earlier years use the
// same bits again, so that a bit says what may be.
type dayMap [dayMapSize / 64]uint64

// dayMapSize is how many dates have a bit of their own: those of five and a half
// years.
const dayMapSize = 2048

// set marks the dates from until before.
func (m *dayMap) set(from, until int64) {
	for day := from; day < min(until, from+dayMapSize); day++ {
		m[uint32(day)%dayMapSize>>6] |= 1 << (uint32(day) & 63)
	}
}

// has reports whether a date may be marked.
func (m *dayMap) has(day int32) bool { return m[uint32(day)%dayMapSize>>6]>>(uint32(day)&63)&1 != 0 }
