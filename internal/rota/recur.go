// SPDX-License-Identifier: Apache-2.0

package rota

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/internal/lang"
)

// The rules of repetition (RFC 5545, section 3.3.10) are:
//
//   - Shifts repeat by days, weeks, months or years. What repeats within a day
//     is no rota.
//   - A day is asked whether the rule names it; nothing is generated. So a rule
//     that never comes costs as much as any other.
//   - Only a rule with a COUNT has to be looked at from its beginning.
//   - BYSETPOS, BYWEEKNO and BYYEARDAY are refused: no planning program is
//     known that writes them for shifts.

type frequency int

const (
	daily frequency = iota
	weekly
	monthly
	yearly
)

// weekdayAt is a weekday, or the n-th one of a month or year, from its end
// where n is negative.
type weekdayAt struct {
	day time.Weekday
	nth int // 0: every
}

// rule is a repetition.
type rule struct {
	every    frequency
	interval int
	count    int  // 0: no limit
	until    wall // last wall time at which it may begin, where hasUntil
	utc      time.Time
	hasUntil bool
	start    time.Weekday // on which weeks begin
	weekdays []weekdayAt
	days     []int // of the month, negative from its end
	months   [13]bool
	anyMonth bool
}

// parseRule understands a rule. The phrase says what is wrong with it.
func parseRule(text string, first wall) (r rule, wrong lang.Phrase) {
	r = rule{every: -1, interval: 1, start: time.Monday, anyMonth: true}
	if len(text) > 500 {
		return r, lang.Say("its rule of repetition is too long")
	}
	for part := range strings.SplitSeq(strings.ToUpper(text), ";") {
		if part == "" {
			continue
		}
		name, value, _ := strings.Cut(part, "=")
		if wrong := r.set(name, value, first); wrong.Text != "" {
			return r, wrong
		}
	}
	switch {
	case r.every < 0:
		return r, lang.Say("its rule of repetition does not say how often")
	case r.every == weekly && len(r.days) > 0:
		return r, lang.Say("a week has no days of the month (BYMONTHDAY)")
	case r.every < monthly && slices.ContainsFunc(r.weekdays, func(w weekdayAt) bool { return w.nth != 0 }):
		return r, lang.Say("only months and years have a first and a last weekday")
	}
	r.fill(first)
	return r, lang.Phrase{}
}

func (r *rule) set(name, value string, first wall) lang.Phrase {
	unclear := lang.Say("the part %s of its rule of repetition cannot be understood", strconv.Quote(sashlock.Clip(name+"="+value)))
	number := func(to *int, most int) lang.Phrase {
		n, err := strconv.Atoi(value)
		if err != nil || n < 1 || n > most {
			return unclear
		}
		*to = n
		return lang.Phrase{}
	}
	switch name {
	case "FREQ":
		r.every = frequency(slices.Index([]string{"DAILY", "WEEKLY", "MONTHLY", "YEARLY"}, value))
		if r.every < 0 {
			return lang.Say("it repeats within a day (%s)", sashlock.Clip(value))
		}
	case "INTERVAL":
		return number(&r.interval, 10_000)
	case "COUNT":
		return number(&r.count, 1_000_000)
	case "UNTIL":
		return r.setUntil(value, unclear)
	case "WKST":
		day, ok := weekdayOf(value)
		if r.start = day; !ok {
			return unclear
		}
	case "BYDAY":
		return r.setWeekdays(value, unclear)
	case "BYMONTHDAY":
		days, ok := numbers(value, -31, 31)
		if r.days = days; !ok {
			return unclear
		}
	case "BYMONTH":
		months, ok := numbers(value, 1, 12)
		if r.anyMonth = false; !ok {
			return unclear
		}
		for _, m := range months {
			r.months[m] = true
		}
	case "BYHOUR", "BYMINUTE", "BYSECOND": // some write those of the beginning
		at := map[string]int{"BYHOUR": first.second() / 3600, "BYMINUTE": first.second() / 60 % 60, "BYSECOND": first.second() % 60}
		if n, err := strconv.Atoi(value); err != nil || n != at[name] {
			return lang.Say("it repeats within a day (%s)", sashlock.Clip(name))
		}
	default:
		return lang.Say("repetition by %s is not understood", sashlock.Clip(name))
	}
	return lang.Phrase{}
}

func (r *rule) setUntil(value string, unclear lang.Phrase) lang.Phrase {
	r.hasUntil = true
	if t, err := time.Parse("20060102T150405Z", value); err == nil {
		r.utc = t
		return lang.Phrase{}
	}
	if t, err := time.Parse("20060102T150405", value); err == nil {
		r.until = wallOf(t)
		return lang.Phrase{}
	}
	t, err := time.Parse("20060102", value)
	if err != nil {
		return unclear
	}
	r.until = on(wallOf(t).day(), daySeconds-1)
	return lang.Phrase{}
}

func (r *rule) setWeekdays(value string, unclear lang.Phrase) lang.Phrase {
	for one := range strings.SplitSeq(value, ",") {
		if len(one) < 2 || len(r.weekdays) > 400 {
			return unclear
		}
		day, ok := weekdayOf(one[len(one)-2:])
		w := weekdayAt{day: day}
		if n := one[:len(one)-2]; n != "" && ok {
			nth, err := strconv.Atoi(n)
			if w.nth = nth; err != nil || nth == 0 || nth < -53 || nth > 53 {
				ok = false
			}
		}
		if !ok {
			return unclear
		}
		r.weekdays = append(r.weekdays, w)
	}
	return lang.Phrase{}
}

func weekdayOf(text string) (time.Weekday, bool) {
	i := slices.Index([]string{"SU", "MO", "TU", "WE", "TH", "FR", "SA"}, text)
	return time.Weekday(max(i, 0)), i >= 0
}

func numbers(value string, low, high int) (list []int, ok bool) {
	for one := range strings.SplitSeq(value, ",") {
		n, err := strconv.Atoi(one)
		if err != nil || n < low || n > high || n == 0 || len(list) > 100 {
			return nil, false
		}
		list = append(list, n)
	}
	return list, true
}

// fill makes explicit what a rule takes from its first time.
func (r *rule) fill(first wall) {
	d := dateOf(first.day())
	switch {
	case len(r.weekdays)+len(r.days) > 0 || r.every == daily:
	case r.every == weekly:
		r.weekdays = []weekdayAt{{day: d.weekday}}
	case r.every == monthly:
		r.days = []int{d.day}
	case r.every == yearly:
		r.days = []int{d.day}
		if r.anyMonth {
			r.anyMonth, r.months[d.month] = false, true
		}
	}
}

// date is a day of the calendar, taken apart.
type date struct {
	number           int
	year, month, day int
	yearDay          int // from 1
	last, yearLast   int // of the month and of the year
	weekday          time.Weekday
}

func dateOf(number int) date {
	t := time.Unix(int64(number)*daySeconds, 0).UTC()
	y, m, d := t.Date()
	out := date{number: number, year: y, month: int(m), day: d, weekday: t.Weekday(), yearDay: t.YearDay(), last: 31, yearLast: 365}
	leap := y%4 == 0 && (y%100 != 0 || y%400 == 0)
	if leap {
		out.yearLast = 366
	}
	switch m {
	case time.April, time.June, time.September, time.November:
		out.last = 30
	case time.February:
		if out.last = 28; leap {
			out.last = 29
		}
	}
	return out
}

// names reports whether a rule that began on a day names another.
func (r *rule) names(began, d date) bool {
	if d.number < began.number || !r.inPhase(began, d) || !r.anyMonth && !r.months[d.month] {
		return false
	}
	if len(r.days) > 0 && !slices.Contains(r.days, d.day) && !slices.Contains(r.days, d.day-d.last-1) {
		return false
	}
	return len(r.weekdays) == 0 || slices.ContainsFunc(r.weekdays, func(w weekdayAt) bool { return r.isNth(w, d) })
}

// inPhase reports whether a day lies in a period that the interval does not
// leave out.
func (r *rule) inPhase(began, d date) bool {
	switch r.every {
	case daily:
		return (d.number-began.number)%r.interval == 0
	case weekly:
		return (r.week(d)-r.week(began))%r.interval == 0
	case monthly:
		return (d.year*12+d.month-began.year*12-began.month)%r.interval == 0
	}
	return (d.year-began.year)%r.interval == 0
}

// week is the number of the week in which a day lies.
func (r *rule) week(d date) int {
	return (d.number - (int(d.weekday)-int(r.start)+7)%7 + 7_000_000) / 7
}

// isNth reports whether a day is that weekday. In a year, months that are named
// are what is counted in.
func (r *rule) isNth(w weekdayAt, d date) bool {
	if w.day != d.weekday || w.nth == 0 {
		return w.day == d.weekday
	}
	at, last := d.day, d.last
	if r.every == yearly && r.anyMonth {
		at, last = d.yearDay, d.yearLast
	}
	if w.nth > 0 {
		return (at-1)/7+1 == w.nth
	}
	return (last-at)/7+1 == -w.nth
}

// between calls each for the days from low to high that a rule names, in order,
// and returns how many days it looked at.
func (r *rule) between(first wall, zone *time.Location, low, high int, each func(day int)) (looked int) {
	began := dateOf(first.day())
	from := max(low, began.number)
	if r.count > 0 {
		from = began.number
	}
	n := 0
	for day := from; day <= high; day++ {
		looked++
		if !r.names(began, dateOf(day)) {
			continue
		}
		w := on(day, first.second())
		if r.hasUntil && (r.utc.IsZero() && w > r.until || !r.utc.IsZero() && begin(w, zone).After(r.utc)) {
			return looked
		}
		if n++; r.count > 0 && n > r.count {
			return looked
		}
		if day >= low {
			each(day)
		}
	}
	return looked
}
