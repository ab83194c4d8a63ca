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

// Pattern is a schedule as any local clock sees it: one serves all zones. It is
// immutable. The zero value covers nothing.
type Pattern struct {
	// What a decision reads, without a pointer in between. Neither read waits for
	// the other.
	week   weekMap // what the weekly periods cover, if nothing else is said of the date
	uneven dayMap  // the dates of which something else may be said

	*dates // nil: of the zero value
}

// dates says what holds on which date.
type dates struct {
	first   int64        // day number of the schedule's first date, or minDay
	last    int64        // day number of its last date, or maxDay
	weekly  source       // the weekly periods
	special []specialDay // sorted by first, not overlapping
}

// Calendar is a schedule read in one zone. It is immutable.
type Calendar struct {
	zone *Clock
	*Pattern
}

const (
	fastUntil   = 4_102_444_800 // 2100-01-01T00:00:00Z; the fast path starts at 1970
	bucketBits  = 24            // a bucket is 2^24 s, 194 days
	bucketCount = fastUntil>>bucketBits + 1

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
	p, err := NewPattern(s)
	if err != nil {
		return nil, err
	}
	return p.In(k), nil
}

// NewPattern reads s for all zones. The error is a [sashlock.Error] of kind
// invalid, from [Validate].
func NewPattern(s sashlock.Schedule) (*Pattern, error) {
	if err := Validate(s); err != nil {
		return nil, err
	}
	d := &dates{first: minDay, last: maxDay, weekly: readWeekly(s.Weekly), special: readSpecial(s.Special)}
	if !s.First.IsZero() {
		d.first = dayNumber(s.First)
	}
	if !s.Last.IsZero() {
		d.last = dayNumber(s.Last)
	}
	p := &Pattern{week: d.weekly.week(), dates: d}
	p.markUneven()
	return p, nil
}

// markUneven notes the dates on which the weekly periods are not the whole
// truth: special days and those after them, which their nights reach into.
func (p *Pattern) markUneven() {
	if p.first != minDay || p.last != maxDay {
		p.uneven.set(0, dayMapSize)
	}
	for _, s := range p.special {
		p.uneven.set(s.first, s.last+2)
	}
}

// In returns the pattern as the clock of a zone shows it.
func (p *Pattern) In(k *Clock) *Calendar { return &Calendar{zone: k, Pattern: p} }

// Is reports whether both were made by the same call of [NewPattern].
func (p *Pattern) Is(other *Pattern) bool { return p.dates == other.dates }

// Readable reports whether the pattern was made by [NewPattern].
func (p *Pattern) Readable() bool { return p.dates != nil }

// Covers reports whether the schedule covers the instant, in Unix seconds. It
// allocates nothing. From 1970 to 2099 it takes a few nanoseconds, unless the
// clock shows an hour twice; that and other years are answered by the
// definition. Outside the years 1 to 9999 nothing is covered.
func (c *Calendar) Covers(unix int64) bool { return c.CoversAt(c.zone.Read(unix)) }

// CoversAt is Covers for whoever asks about many schedules at one instant, which
// was read from the clock of the zone.
func (p *Pattern) CoversAt(r Reading) bool {
	if r.plain && !p.uneven.has(r.day) {
		return p.week.has(r.minute)
	}
	return p.coversRarely(r)
}

// coversRarely is CoversAt where the weekly periods alone do not answer.
func (p *Pattern) coversRarely(r Reading) bool {
	switch {
	case p.dates == nil || r.clock == nil:
		return false
	case r.plain:
		return p.coversDate(int64(r.day), int32(r.minute%dayMinutes))
	default:
		return p.In(r.clock).coversByDefinition(r.unix)
	}
}

// coversDate reports whether a minute of a date is covered that its clock shows
// once, by what starts on the date or on its eve.
func (d *dates) coversDate(day int64, minute int32) bool {
	if contains(d.spansOf(day), minute) {
		return true
	}
	return !d.cutAfter(day-1) && contains(d.spansOf(day-1), minute+dayMinutes)
}

func contains(spans []span, minute int32) bool {
	for _, p := range spans {
		if p.from <= minute && minute < p.until {
			return true
		}
	}
	return false
}

// coversByDefinition looks for an interval around the instant, date by date.
func (c *Calendar) coversByDefinition(unix int64) bool {
	if !countable(unix) {
		return false
	}
	day := c.zone.day(unix)
	for d := day - reach; d <= day+reach; d++ {
		end := c.limit(d)
		for _, p := range c.spansOf(d) {
			if from, until := c.resolve(d, p, end); from <= unix && unix < until {
				return true
			}
		}
	}
	return false
}

// Zone returns the zone the schedule is read in.
func (c *Calendar) Zone() *time.Location { return c.zone.place }
