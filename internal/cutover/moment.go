// SPDX-License-Identifier: Apache-2.0

package cutover

import (
	"strings"
	"time"
)

// plainMoments are the ways to write a moment that can be read in one way only.
var plainMoments = []string{
	"2006-01-02 15:04:05", "2006-01-02T15:04:05", "2006-01-02 15:04", "2006-01-02T15:04", "2006/01/02 15:04:05", "2006/1/2 15:04",
	"2.1.2006 15:04:05", "2.1.2006 15:04", "20060102 150405", "20060102150405", "2 Jan 2006 15:04:05", "2-Jan-2006 15:04:05", "Jan 2 2006 15:04:05",
	"2006-01-02 3:04:05 PM", "2006-01-02 3:04 PM",
}

// The ways to write one with slashes, the day first or the month first.
var (
	dayFirst   = []string{"2/1/2006 15:04:05", "2/1/2006 15:04", "2/1/2006 3:04:05 PM", "2/1/2006 3:04 PM", "2-1-2006 15:04:05", "2-1-2006 15:04"}
	monthFirst = []string{"1/2/2006 15:04:05", "1/2/2006 15:04", "1/2/2006 3:04:05 PM", "1/2/2006 3:04 PM", "1-2-2006 15:04:05", "1-2-2006 15:04"}
)

// The ways to write a day.
var (
	plainDays      = []string{"2006-01-02", "2006-1-2", "2.1.2006", "20060102", "2006/1/2", "2 Jan 2006", "2-Jan-2006"}
	dayFirstDays   = []string{"2/1/2006", "2-1-2006"}
	monthFirstDays = []string{"1/2/2006", "1-2-2006"}
)

// readDay understands a day, or a moment. Of a day that is the last one, all of
// it counts.
func readDay(text string, zone *time.Location, last bool) moment {
	m := moment{first(plainDays, text, zone), first(dayFirstDays, text, zone), first(monthFirstDays, text, zone)}
	if !m.known() {
		return readMoment(text, zone)
	}
	if !last {
		return m
	}
	for _, at := range []*time.Time{&m.sure, &m.day, &m.month} {
		if !at.IsZero() {
			*at = at.In(zone).AddDate(0, 0, 1).UTC()
		}
	}
	return m
}

// moment is when a line says that it was: surely, or in either of two ways.
type moment struct {
	sure, day, month time.Time
}

func (m moment) known() bool { return !m.sure.IsZero() || !m.day.IsZero() || !m.month.IsZero() }

// readMoment understands a moment. Fractions of seconds are left out, unless the
// whole is an instant of RFC 3339.
func readMoment(text string, zone *time.Location) (m moment) {
	text = strings.Join(strings.Fields(text), " ")
	if at, err := time.Parse(time.RFC3339Nano, text); err == nil {
		return moment{sure: within(at)}
	}
	upper := strings.NewReplacer("A.M.", "AM", "P.M.", "PM", "a.m.", "AM", "p.m.", "PM", "am", "AM", "pm", "PM", ",", "").Replace(text)
	if m.sure = first(plainMoments, upper, zone); m.sure.IsZero() {
		m.day, m.month = first(dayFirst, upper, zone), first(monthFirst, upper, zone)
	}
	return m
}

func first(layouts []string, text string, zone *time.Location) time.Time {
	for _, l := range layouts {
		if at, err := time.ParseInLocation(l, text, zone); err == nil {
			return within(at.Truncate(time.Second))
		}
	}
	return time.Time{}
}

// within is a moment that can have been; the zero time is none.
func within(at time.Time) time.Time {
	if at.Year() < 1990 || at.Year() > 2100 {
		return time.Time{}
	}
	return at.UTC()
}

// settle decides what the dates with slashes of a log mean: one day after the
// twelfth says it for all of them. False: they can be read in two ways, or in
// none.
func settle(all []moment) (sure []time.Time, ok bool) {
	days, months := true, true
	for _, m := range all {
		if m.sure.IsZero() {
			days, months = days && !m.day.IsZero(), months && !m.month.IsZero()
		}
	}
	sure = make([]time.Time, len(all))
	same := true
	for i, m := range all {
		switch {
		case !m.sure.IsZero():
			sure[i] = m.sure
		case days:
			sure[i] = m.day
			same = same && m.day.Equal(m.month)
		default:
			sure[i] = m.month
		}
	}
	return sure, days != months || days && same
}
