// SPDX-License-Identifier: Apache-2.0

// Package battery says how long batteries last, from what devices reported of
// them.
//
// # What
//
// [Predict] draws a line through the levels since the battery was last changed
// and says when it comes to a level at which it has to be changed, or plainly why
// that cannot be said.
//
// # How it fits
//
// It is pure: readings in, forecast out. Package console/fleet reads them from
// the ledger and makes the list to walk along.
//
// # Promises
//
// A single wrong reading does not change the forecast much. Nothing is foretold
// from a few days, nor further ahead than a forecast deserves. What it says is
// about the level that a device reports: many locks fall steeply at the end,
// which is why a battery is due well before it is empty.
package battery

import (
	"slices"
	"time"
)

// Due is the level, in percent, at which a battery is to be changed.
const Due = 20

// The rules are:
//
//  1. A level that rises by Swap or more is a new battery: what was before does
//     not count. Cold and rest raise a level by a few percent.
//  2. The line has the median of the slopes between any two readings that are
//     Apart or more from each other (Theil and Sen), through the median of what
//     is left: up to three readings in ten may be wrong.
//  3. It takes Enough readings over Long or more, and a loss of Loss or more:
//     devices tell whole percents, and some only every fifth.
const (
	Swap   = 15                  // percent
	Enough = 4                   // readings
	Long   = 6 * 24 * time.Hour  // from the first to the last reading
	Loss   = 2                   // percent
	Apart  = 20 * time.Hour      // between readings that are compared
	Far    = 2 * 365             // days; nothing is foretold beyond
	most   = 120                 // readings that are looked at
	day    = float64(24 * 3600)  // seconds
	stale  = 30 * 24 * time.Hour // a device that has said nothing for so long foretells nothing
)

// Reading is a level that a device reported.
type Reading struct {
	At    time.Time
	Level int // percent
}

// Doubt is why nothing can be foretold.
type Doubt string

// The doubts.
const (
	None    Doubt = ""
	Silent  Doubt = "silent"  // it has said nothing for a month
	Few     Doubt = "few"     // too few readings since the battery was changed
	Steady  Doubt = "steady"  // it has hardly lost anything
	Distant Doubt = "distant" // further away than Far
)

// Forecast is what can be said of a battery.
type Forecast struct {
	Level  int       // the last that was reported; -1: none
	At     time.Time // when that was
	Since  time.Time // the first reading of this battery
	Used   int       // readings that count
	PerDay float64   // percent that it loses in a day; 0: not known
	// Days until it is due: 0 when it is due now, -1 when that cannot be said.
	Days  int
	Doubt Doubt
}

// Predict says how long a battery lasts. Readings are in the order of time.
func Predict(all []Reading, now time.Time) Forecast {
	f := Forecast{Level: -1, Days: -1, Doubt: Few}
	if len(all) == 0 {
		return f
	}
	last := all[len(all)-1]
	f.Level, f.At = last.Level, last.At
	some := thin(sinceSwap(all))
	f.Since, f.Used = some[0].At, len(some)
	if last.Level <= Due {
		f.Days, f.Doubt = 0, None
		return f
	}
	if now.Sub(last.At) > stale {
		f.Doubt = Silent
		return f
	}
	if len(some) < Enough || last.At.Sub(some[0].At) < Long {
		return f
	}
	slope, known := slopeOf(some)
	f.Doubt = Steady
	if !known || -slope*last.At.Sub(some[0].At).Seconds() < Loss {
		return f
	}
	f.PerDay = -slope * day
	level := levelAt(some, slope, now)
	days := (level - Due) / f.PerDay
	if f.Doubt = Distant; days > Far {
		return f
	}
	f.Days, f.Doubt = int(max(0, days)), None
	return f
}

// sinceSwap leaves out what is older than the last new battery.
func sinceSwap(all []Reading) []Reading {
	for i := len(all) - 1; i > 0; i-- {
		before := max(all[i-1].Level, all[max(0, i-2)].Level) // one that is too low is no old battery
		if all[i].Level-before >= Swap && stays(all[i:], before) {
			return all[i:]
		}
	}
	return all
}

// stays reports whether the level stayed up after it rose: a single reading that
// is too high is no new battery. The last reading of all is believed.
func stays(after []Reading, before int) bool {
	return len(after) < 2 || after[1].Level-before >= Swap
}

// thin leaves out readings evenly until there are few enough, never the first or
// the last.
func thin(all []Reading) []Reading {
	if len(all) <= most {
		return all
	}
	some := make([]Reading, 0, most)
	for i := range most {
		some = append(some, all[i*(len(all)-1)/(most-1)])
	}
	return some
}

// slopeOf is the median slope, in percent a second.
func slopeOf(all []Reading) (slope float64, known bool) {
	var slopes []float64
	for i, a := range all {
		for _, b := range all[i+1:] {
			if b.At.Sub(a.At) >= Apart {
				slopes = append(slopes, float64(b.Level-a.Level)/b.At.Sub(a.At).Seconds())
			}
		}
	}
	if len(slopes) == 0 {
		return 0, false
	}
	return median(slopes), true
}

// levelAt is the level that the line has at an instant.
func levelAt(all []Reading, slope float64, at time.Time) float64 {
	levels := make([]float64, len(all))
	for i, r := range all {
		levels[i] = float64(r.Level) + slope*at.Sub(r.At).Seconds()
	}
	return median(levels)
}

func median(all []float64) float64 {
	slices.Sort(all)
	n := len(all)
	return (all[(n-1)/2] + all[n/2]) / 2
}
