// SPDX-License-Identifier: Apache-2.0

package schedule

import (
	"cmp"
	"slices"
)

// How the fast path is made.
//
// Far from special days and from repeated hours, an instant is covered exactly
// when the minute its local clock shows is marked in the week map; a gap needs
// no care, because the skipped minutes are never shown. So the years are cut
// into stretches with one offset and one map. Around a repeated hour, and on
// dates that follow no map, the windows themselves become stretches of the two
// maps "never" and "always".

// The first two week maps.
const (
	neverMap  = 0
	alwaysMap = 1
)

const (
	exact = -1 // an era whose windows become stretches

	// A special day with at least so many dates gets a map; shorter ones are
	// cheaper as stretches.
	mapWorthDates = 10

	nearby = 3 * daySeconds // clock changes this close to each other are treated together
)

// An era is a row of dates that follow one week map, up to the next era.
type era struct {
	from int64 // unix seconds
	week int32
}

func (c *Calendar) buildStretches() {
	full := new(weekMap)
	full.set(0, weekMinutes)
	c.weeks = []*weekMap{neverMap: new(weekMap), alwaysMap: full}

	eras := c.eras()
	ranges := joinRanges(append(exactEras(eras), c.repeats(eras)...))
	c.cut(eras, ranges)

	at := 0
	for b := range c.buckets {
		for at+1 < len(c.stretches) && c.stretches[at+1].from <= int64(b)<<bucketBits {
			at++
		}
		c.buckets[b] = int32(at)
	}
	c.markUneven()
}

// markUneven finds where the map of the weekly periods, read at the offset that
// the zone has at the instant, is not the whole truth. A stretch that follows
// that map has the offset of the zone, because [Calendar.cut] cuts at every
// change of it.
func (c *Calendar) markUneven() {
	c.week = *c.weeks[c.regular]
	for i, s := range c.stretches {
		if s.week == c.regular {
			continue
		}
		end := int64(fastUntil)
		if i+1 < len(c.stretches) {
			end = min(end, c.stretches[i+1].from)
		}
		for bit := max(s.from, 0) >> evenBits; bit<<evenBits < end; bit++ {
			c.uneven[bit>>6] |= 1 << (bit & 63)
		}
	}
}

// eras lists the maps that the dates of the fast path follow.
func (c *Calendar) eras() []era {
	var eras []era
	add := func(day int64, week int32) {
		from := c.zone.start(day * daySeconds)
		if n := len(eras); n > 0 && eras[n-1].from == from {
			eras = eras[:n-1] // a date that the zone skipped
		}
		if n := len(eras); n == 0 || eras[n-1].week != week {
			eras = append(eras, era{from, week})
		}
	}
	weekly := c.mapOf(&c.weekly)
	c.regular = weekly
	day, last := int64(-10), int64(fastUntil/daySeconds+10)
	for day <= last {
		r := c.runAt(day)
		week := weekly
		switch {
		case r.source == nothing:
			week = neverMap
		case r.special && r.last-r.first+1 >= mapWorthDates || r.source.state == closed:
			week = c.mapOf(r.source)
		case r.special:
			week = exact
		}
		if day == r.first && c.tail(day) != r.source.tail(day) {
			add(day, exact)
			day++
		}
		if day <= r.last {
			add(day, week)
		}
		day = r.last + 1
	}
	return eras
}

// tail is how many minutes of the date its eve really reaches into.
func (c *Calendar) tail(day int64) int32 {
	today := c.specialOn(day)
	if day-1 < c.first || day-1 > c.last || today >= 0 && today != c.specialOn(day-1) {
		return 0
	}
	return c.runAt(day - 1).source.tail(day)
}

// mapOf returns the index of a source's week map.
func (c *Calendar) mapOf(s *source) int32 {
	switch s.state {
	case closed:
		return neverMap
	case always:
		return alwaysMap
	}
	c.weeks = append(c.weeks, &s.week)
	return int32(len(c.weeks) - 1)
}

// exactEras returns where no map holds.
func exactEras(eras []era) []instants {
	var ranges []instants
	for i, e := range eras {
		if e.week != exact {
			continue
		}
		w := instants{e.from, fastUntil + tableMargin}
		if i+1 < len(eras) {
			w.until = eras[i+1].from
		}
		ranges = append(ranges, w)
	}
	return ranges
}

// repeats returns the instants around the hours that happen twice, except where
// the schedule is covered, or not, throughout.
func (c *Calendar) repeats(eras []era) []instants {
	var ranges []instants
	changes := c.zone.changes
	for i := 1; i < len(changes); i++ {
		before, after := changes[i-1].offset, changes[i].offset
		if after > before {
			continue
		}
		at, size := changes[i].from, c.zone.turmoil(i)
		w := instants{at - size, at + size}
		// An interval that ends as the repeated hour begins lasts until it begins
		// again (rule 7): its last minute is looked at as well.
		start, end := eraAt(eras, w.from-60), eraAt(eras, w.until+60)
		low, high := min(w.from+before, at+after), max(at+before, w.until+after)
		if start == end && start.week != exact && c.weeks[start.week].uniform(low-60, high+60) {
			continue
		}
		ranges = append(ranges, w)
	}
	return ranges
}

// turmoil is by how many seconds the clock was moved around a change, to and
// fro.
func (k *Clock) turmoil(i int) int64 {
	var sum int64
	add := func(j int) {
		moved := k.changes[j].offset - k.changes[j-1].offset
		sum += max(moved, -moved)
	}
	for j := i; j > 0 && k.changes[j].from >= k.changes[i].from-nearby; j-- {
		add(j)
	}
	for j := i + 1; j < len(k.changes) && k.changes[j].from <= k.changes[i].from+nearby; j++ {
		add(j)
	}
	return sum
}

func eraAt(eras []era, unix int64) era {
	i, found := slices.BinarySearchFunc(eras, unix, func(e era, t int64) int { return cmp.Compare(e.from, t) })
	if !found {
		i--
	}
	return eras[max(i, 0)]
}

func joinRanges(ranges []instants) []instants {
	slices.SortFunc(ranges, func(a, b instants) int { return cmp.Compare(a.from, b.from) })
	var joined []instants
	for _, w := range ranges {
		if n := len(joined); n > 0 && w.from <= joined[n-1].until {
			joined[n-1].until = max(joined[n-1].until, w.until)
			continue
		}
		joined = append(joined, w)
	}
	return joined
}

// cut makes the stretches: a plain one from every border on, except within the
// ranges, which are filled with their windows.
func (c *Calendar) cut(eras []era, ranges []instants) {
	var borders []int64
	for _, e := range eras {
		borders = append(borders, e.from)
	}
	for _, change := range c.zone.changes {
		borders = append(borders, change.from)
	}
	for _, r := range ranges {
		borders = append(borders, r.from, r.until)
	}
	slices.Sort(borders)
	for _, at := range slices.Compact(borders) {
		for len(ranges) > 0 && ranges[0].until <= at {
			ranges = ranges[1:]
		}
		switch {
		case len(ranges) > 0 && ranges[0].from == at:
			c.fill(ranges[0])
		case len(ranges) > 0 && ranges[0].from < at:
			// within a range that is filled already
		case at < fastUntil:
			_, _, offset := c.zone.at(at)
			c.add(stretch{from: at, shift: int32(offset + sundayShift), week: eraAt(eras, at).week})
		}
	}
}

func (c *Calendar) fill(r instants) {
	c.add(stretch{from: r.from, week: neverMap})
	c.merged(c.zone.day(r.from)-reach, c.zone.day(r.until)+reach, func(w instants) bool {
		if w.from >= r.until {
			return false
		}
		if w = w.clip(r.from, r.until); w.from < w.until {
			c.add(stretch{from: w.from, week: alwaysMap})
			c.add(stretch{from: w.until, week: neverMap})
		}
		return true
	})
}

// add appends a stretch, unless the last one says the same.
func (c *Calendar) add(s stretch) {
	if s.week <= alwaysMap {
		s.shift = sundayShift // any will do
	}
	if n := len(c.stretches); n > 0 && c.stretches[n-1].from == s.from {
		c.stretches = c.stretches[:n-1]
	}
	if n := len(c.stretches); n > 0 && c.stretches[n-1].week == s.week && c.stretches[n-1].shift == s.shift {
		return
	}
	c.stretches = append(c.stretches, s)
}
