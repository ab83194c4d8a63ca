// SPDX-License-Identifier: Apache-2.0

package sashlock

import (
	"cmp"
	"fmt"
	"time"
)

// TimeOfDay is minutes after local midnight, 0 to 1440; 1440 is the midnight
// that ends the day.
type TimeOfDay int16

// String returns the time as "09:30"; the end of the day is "24:00".
func (t TimeOfDay) String() string { return fmt.Sprintf("%02d:%02d", int(t)/60, int(t)%60) }

// ParseTimeOfDay reads "09:30"; it accepts "00:00" to "24:00" with two digits
// on both sides of the colon.
func ParseTimeOfDay(s string) (TimeOfDay, error) {
	bad := &Error{Kind: Invalid, Op: "reading time of day", Subject: s, Hint: `write hours and minutes like "09:30", "24:00" for the end of the day`}
	if len(s) != 5 || s[2] != ':' {
		return 0, bad
	}
	digits := [4]byte{s[0], s[1], s[3], s[4]}
	for _, d := range digits {
		if d < '0' || d > '9' {
			return 0, bad
		}
	}
	h, m := int(digits[0]-'0')*10+int(digits[1]-'0'), int(digits[2]-'0')*10+int(digits[3]-'0')
	if m > 59 || h > 24 || h == 24 && m > 0 {
		return 0, bad
	}
	return TimeOfDay(h*60 + m), nil
}

// Date is a day of the civil calendar, without a zone.
type Date struct {
	Year  int
	Month time.Month
	Day   int
}

// String returns the date as "2026-11-22".
func (d Date) String() string { return fmt.Sprintf("%04d-%02d-%02d", d.Year, int(d.Month), d.Day) }

// IsZero reports whether d is not set.
func (d Date) IsZero() bool { return d == Date{} }

// Compare returns -1, 0 or +1 as d is before, the same day as, or after other.
func (d Date) Compare(other Date) int {
	return cmp.Compare(d.number(), other.number())
}

func (d Date) number() int {
	return int(time.Date(d.Year, d.Month, d.Day, 0, 0, 0, 0, time.UTC).Unix() / 86400)
}

// AddDays returns the date n days later.
func (d Date) AddDays(n int) Date {
	return DateOf(time.Date(d.Year, d.Month, d.Day+n, 0, 0, 0, 0, time.UTC))
}

// Weekday returns the day of the week.
func (d Date) Weekday() time.Weekday {
	return time.Date(d.Year, d.Month, d.Day, 0, 0, 0, 0, time.UTC).Weekday()
}

// DateOf returns the civil date of t in t's own zone.
func DateOf(t time.Time) Date {
	y, m, d := t.Date()
	return Date{y, m, d}
}

// ParseDate reads "2026-11-22" and refuses days that do not exist.
func ParseDate(s string) (Date, error) {
	t, err := time.Parse(time.DateOnly, s)
	if err != nil {
		return Date{}, &Error{Kind: Invalid, Op: "reading date", Subject: s, Hint: `write a day of the calendar like "2026-11-22"`}
	}
	return DateOf(t), nil
}

// Period is one stretch of the week: on each of the days, from From until
// before Until, in local time. An Until that is not after From reaches into
// the next day ("22:00 to 06:00"); From = Until is the whole 24 hours.
type Period struct {
	Days  []time.Weekday
	From  TimeOfDay
	Until TimeOfDay
}

// Span is one stretch of a special day, read like a [Period].
type Span struct {
	From  TimeOfDay
	Until TimeOfDay
}

// SpecialDay replaces the weekly periods on every date from First to Last,
// both included. No spans means closed all day.
type SpecialDay struct {
	Name  string
	First Date
	Last  Date
	Spans []Span
}

// Schedule says when: weekly periods, overridden on special days, within an
// optional range of dates. It is read in the zone of the site it is used at.
type Schedule struct {
	ID      ScheduleID
	Slug    string
	Name    string
	Weekly  []Period
	Special []SpecialDay
	First   Date // the first date on which its periods start; zero: no limit
	Last    Date // the last one, whose night still reaches into the next date; zero: no limit
	Rev     int64
}
