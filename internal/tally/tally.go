// SPDX-License-Identifier: Apache-2.0

// Package tally counts what happens on each day of a site: openings opened, by
// the hour, requests granted and refused, with the reasons, and alarms raised.
//
// # What
//
// A [Day] is the counts of one day of a site, of one opening or of several. A
// day is what the calendar on the wall of the site says, so it has 23 to 25
// hours when the clocks change.
//
// # How it fits
//
// [Run] follows the ledger and keeps a row for each opening and day, and one for
// the site as a whole. [Days] and [Openings] read these rows and add what was
// recorded since, so what they say is never late. Reports and the first page
// show it.
//
// # Promises
//
// The counts are those of the ledger: rows are committed together with the place
// up to which they count, and are made anew when they are missing or when a site
// has moved to another time zone. Nothing here is a fact of its own; all of it
// may be removed.
package tally

import (
	"slices"
	"time"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/internal/flow"
)

// Day is what was counted on one day.
type Day struct {
	Opens   [24]int                 `json:"o"` // how often openings opened, by the hour on the clock of the site
	Granted int                     `json:"g,omitempty"`
	Refused int                     `json:"r,omitempty"`
	Alarms  int                     `json:"a,omitempty"`   // raised
	Reasons map[sashlock.Reason]int `json:"why,omitempty"` // why requests were refused
}

// Opened is how often openings opened on the whole day.
func (d Day) Opened() (n int) {
	for _, hour := range d.Opens {
		n += hour
	}
	return n
}

// Add adds the counts of another day.
func (d *Day) Add(other Day) {
	for hour, n := range other.Opens {
		d.Opens[hour] += n
	}
	d.Granted += other.Granted
	d.Refused += other.Refused
	d.Alarms += other.Alarms
	for why, n := range other.Reasons {
		if d.Reasons == nil {
			d.Reasons = map[sashlock.Reason]int{}
		}
		d.Reasons[why] += n
	}
}

// Date is the day of an instant, in the time zone that the instant is in.
// Dates sort by time.
func Date(at time.Time) string { return at.Format(time.DateOnly) }

// whole stands for all openings of a site.
const whole sashlock.OpeningID = "*"

// key is what one row counts.
type key struct {
	site    sashlock.SiteID
	opening sashlock.OpeningID
	date    string
}

// kinds are the kinds of events that are counted.
func kinds() []sashlock.EventKind {
	return []sashlock.EventKind{sashlock.AccessGranted, sashlock.AccessDenied, sashlock.OpeningOpened, sashlock.AlarmRaised}
}

func counted(kind sashlock.EventKind) bool { return slices.Contains(kinds(), kind) }

// count takes an event into a day, at an hour on the clock.
func (d *Day) count(e *sashlock.Event, hour int) {
	switch e.Kind {
	case sashlock.OpeningOpened:
		d.Opens[hour]++
	case sashlock.AccessGranted:
		d.Granted++
	case sashlock.AccessDenied:
		d.Refused++
		if d.Reasons == nil {
			d.Reasons = map[sashlock.Reason]int{}
		}
		d.Reasons[e.Reason]++
	case sashlock.AlarmRaised:
		d.Alarms++
	default: // it is not counted
	}
}

// counts are days by what they count.
type counts map[key]*Day

// of returns the day of a key.
func (c counts) of(k key) *Day {
	d := c[k]
	if d == nil {
		d = new(Day)
		c[k] = d
	}
	return d
}

// take counts an event for its opening and for its site, where that is wanted.
// Of an erased entry the site is no longer known: then it is that of the opening.
func (c counts) take(b *flow.Book, e *sashlock.Event, wanted func(key) bool) {
	if !counted(e.Kind) {
		return
	}
	site := e.Site
	if site == "" {
		site = b.Openings[e.Opening].Site
	}
	at := b.Clock(site, e.Heard)
	for _, opening := range [...]sashlock.OpeningID{e.Opening, whole} {
		if k := (key{site, opening, Date(at)}); wanted == nil || wanted(k) {
			c.of(k).count(e, at.Hour())
		}
	}
}
