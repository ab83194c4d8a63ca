// SPDX-License-Identifier: Apache-2.0

// Package schedule answers when: whether a schedule covers a moment, until
// when, and when it covers again.
//
// # What
//
// [Compile] reads a [sashlock.Schedule] in the IANA zone of a site and returns
// a [Calendar]. [Calendar.Covers] is the question every decision asks, without
// memory allocation and without the zone's rules, and [Clock] lets many calendars
// of one zone share what does not depend on the schedule; [Calendar.Window],
// [Calendar.Next] and [Calendar.Windows] are the questions people ask: until
// when, when again, what does next week look like. [Validate] refuses
// schedules that nobody can have meant, naming the field and the remedy.
//
// # How it fits
//
// Package access compiles the schedules of all grants and asks Covers; the
// site's store hours are a schedule too. Package flow stores what Validate
// accepts. This package is pure: time is an argument, nothing is kept.
//
// # Promises
//
// Covers and the windows are computed in two different ways and agree on every
// second of the years 1 to 9999, in every zone; tests compare both with a third
// way, a walk over the civil minutes. A Calendar never changes, so many
// goroutines may ask it at once.
package schedule

import (
	"time"

	"github.com/sashlock/sashlock"
)

// The rules are:
//
//  1. A schedule is a set of half-open intervals of local time: "09:00 to
//     17:00" covers 09:00:00 and no longer covers 17:00:00.
//
//  2. An interval belongs to the date it starts on. An Until that is not after
//     From reaches into the next date: "Thu 22:00 to 06:00" covers Friday 05:59
//     and belongs to Thursday. From = Until is 24 hours: "Thu 06:00 to 06:00"
//     ends on Friday at 06:00.
//
//  3. A special day replaces the weekly periods of its dates: with Friday
//     declared "10:00 to 14:00", Friday's weekly 08:00 to 20:00 is void. No
//     spans is closed.
//
//  4. Whatever began on the eve ends at the midnight that begins a special day:
//     with Friday declared closed, "Thu 22:00 to 06:00" ends on Thursday at
//     24:00. People read "closed" as nobody inside, and forgetting the night
//     shift must not leave the doors open on a holiday; whoever wants the night
//     to continue gives the special day a span "00:00 to 06:00". Its own spans
//     are not cut: neither from one date to the next within one special day,
//     nor at its end: "Fri 20:00 to 02:00" on a special Friday covers Saturday
//     01:00. Two special days that follow each other are two: the second cuts
//     the first.
//
//  5. First and Last limit the dates on which intervals start: with Last on
//     Thursday, "Thu 22:00 to 06:00" still covers Friday 05:59.
//
//  6. When the clock goes forward, a start that it skips is the first moment
//     after the gap and an end that it skips is the same moment. New York,
//     2027-03-14: "02:30 to 04:00" starts at 03:00 EDT, "01:00 to 02:30" ends
//     at 02:00 EST, which is that moment, and "02:10 to 02:50" does not happen.
//
//  7. When the clock goes back, a start that happens twice is the first and an
//     end that happens twice is the second. New York, 2027-11-07: "01:30 to
//     02:00" lasts from 01:30 EDT to 02:00 EST, an hour and a half; "00:00 to
//     01:00" ends at 01:00 EST, the second, after two hours.
//
//  8. A midnight that cuts (rule 4) is the first moment of the date: Havana,
//     2027-11-07, where 00:00 happens twice, is cut at the first.
//
//  9. Intervals that overlap or touch are one window: "08:00 to 12:00" and
//     "12:00 to 18:00" are open at noon and are shown as one.

// Calendar is a schedule read in one zone. It is immutable.
type Calendar struct {
	zone    *Clock
	first   int64        // day number of the schedule's first date, or minDay
	last    int64        // day number of its last date, or maxDay
	weekly  source       // the weekly periods
	special []specialDay // sorted by first, not overlapping

	// What the fast path reads first, without a pointer in between.
	week   weekMap                  // the map of the weekly periods
	uneven [evenCount/64 + 1]uint64 // a bit for every small stretch of time that does not follow week throughout

	stretches []stretch
	buckets   [bucketCount + 1]int32 // the stretch in force where each bucket begins
	weeks     []*weekMap
	regular   int32 // which of weeks the weekly periods have
}

// A stretch of instants for which one week map and one offset hold, up to the
// next stretch.
type stretch struct {
	from  int64 // unix seconds
	shift int32 // seconds from UTC to a local time counted from a Sunday
	week  int32 // index in Calendar.weeks
}

const (
	fastUntil   = 4_102_444_800 // 2100-01-01T00:00:00Z; the fast path starts at 1970
	bucketBits  = 24            // a bucket is 2^24 s, 194 days
	bucketCount = fastUntil>>bucketBits + 1
	evenBits    = 17 // Calendar.uneven has a bit for every 2^17 s, a day and a half
	evenCount   = fastUntil>>evenBits + 1

	daySeconds  = 86400
	dayMinutes  = 1440
	weekMinutes = 7 * dayMinutes
	weekSeconds = 7 * daySeconds
	sundayShift = 4 * daySeconds // 1970-01-01 was a Thursday
)

// Compile reads s in a zone. The error is a [sashlock.Error] of kind invalid,
// from [Validate] or because zone is nil or the machine's own, which is not a
// property of the site.
func Compile(s sashlock.Schedule, zone *time.Location) (*Calendar, error) {
	k, err := NewClock(zone)
	if err != nil {
		return nil, err
	}
	return k.Compile(s)
}

// Compile reads s by the clock. It does what the function of that name does,
// and calendars that share a clock can share the reading of an instant.
func (k *Clock) Compile(s sashlock.Schedule) (*Calendar, error) {
	if err := Validate(s); err != nil {
		return nil, err
	}
	c := &Calendar{zone: k, first: minDay, last: maxDay, weekly: readWeekly(s.Weekly)}
	if !s.First.IsZero() {
		c.first = dayNumber(s.First)
	}
	if !s.Last.IsZero() {
		c.last = dayNumber(s.Last)
	}
	c.special = readSpecial(s.Special)
	c.buildStretches()
	return c, nil
}

// Covers reports whether the schedule covers the instant, in Unix seconds. It
// allocates nothing. From 1970 to 2099 it takes a few nanoseconds; other years
// are answered by the definition. Outside the years 1 to 9999 nothing is
// covered.
func (c *Calendar) Covers(unix int64) bool { return c.CoversAt(c.zone.Read(unix)) }

// CoversAt is Covers for whoever asks many calendars about one instant: it must
// have been read from the clock that the calendar was compiled by.
func (c *Calendar) CoversAt(r Reading) bool {
	if uint64(r.unix) >= fastUntil {
		return c.coversByDefinition(r.unix)
	}
	bit := r.unix >> evenBits
	if c.uneven[bit>>6]>>(bit&63)&1 != 0 {
		return c.coversByStretch(r.unix)
	}
	return c.week.has(r.minute)
}

// coversByStretch looks for the stretch that the instant lies in.
func (c *Calendar) coversByStretch(unix int64) bool {
	bucket := unix >> bucketBits
	low, high := c.buckets[bucket], c.buckets[bucket+1]
	for low < high {
		middle := (low + high + 1) / 2
		if c.stretches[middle].from <= unix {
			low = middle
		} else {
			high = middle - 1
		}
	}
	s := &c.stretches[low]
	return c.weeks[s.week].has(minuteOfWeek(unix + int64(s.shift)))
}

// coversByDefinition looks for an interval around the instant, date by date.
func (c *Calendar) coversByDefinition(unix int64) bool {
	if !countable(unix) {
		return false
	}
	day := c.zone.day(unix)
	for d := day - reach; d <= day+reach; d++ {
		spans, end := c.spansOf(d)
		for _, p := range spans {
			if from, until := c.resolve(d, p, end); from <= unix && unix < until {
				return true
			}
		}
	}
	return false
}

// Zone returns the zone the schedule is read in.
func (c *Calendar) Zone() *time.Location { return c.zone.place }
