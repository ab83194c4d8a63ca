// SPDX-License-Identifier: Apache-2.0

package schedule

import (
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/sashlock/sashlock"
)

func daysOf(from, until string, days ...time.Weekday) sashlock.Period {
	f, _ := sashlock.ParseTimeOfDay(from)
	u, _ := sashlock.ParseTimeOfDay(until)
	return sashlock.Period{Days: days, From: f, Until: u}
}

func dated(t *testing.T, text string) sashlock.Date {
	d, err := sashlock.ParseDate(text)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func TestWider(t *testing.T) {
	today := dated(t, "2026-11-23")
	office := sashlock.Schedule{Weekly: []sashlock.Period{daysOf("09:00", "17:00", 1, 2, 3, 4, 5)}}
	with := func(change func(*sashlock.Schedule)) sashlock.Schedule {
		s := office
		change(&s)
		return s
	}
	closed := sashlock.SpecialDay{Name: "x", First: dated(t, "2031-05-01"), Last: dated(t, "2031-05-01")}
	for name, c := range map[string]struct {
		next, was sashlock.Schedule
		want      bool
	}{
		"the same":               {office, office, false},
		"an hour less":           {sashlock.Schedule{Weekly: []sashlock.Period{daysOf("10:00", "17:00", 1, 2, 3, 4, 5)}}, office, false},
		"a minute more":          {sashlock.Schedule{Weekly: []sashlock.Period{daysOf("09:00", "17:01", 1, 2, 3, 4, 5)}}, office, true},
		"a Sunday more":          {sashlock.Schedule{Weekly: []sashlock.Period{daysOf("09:00", "17:00", 0, 1, 2, 3, 4, 5)}}, office, true},
		"the same in two halves": {sashlock.Schedule{Weekly: []sashlock.Period{daysOf("09:00", "12:00", 1, 2, 3, 4, 5), daysOf("12:00", "17:00", 1, 2, 3, 4, 5)}}, office, false},
		"closed on a far day":    {with(func(s *sashlock.Schedule) { s.Special = []sashlock.SpecialDay{closed} }), office, false},
		"no longer closed on it": {office, with(func(s *sashlock.Schedule) { s.Special = []sashlock.SpecialDay{closed} }), true},
		"it was closed, and past": {office, with(func(s *sashlock.Schedule) {
			s.Special = []sashlock.SpecialDay{{Name: "x", First: dated(t, "2026-01-01"), Last: dated(t, "2026-01-01")}}
		}), false},
		"it ends later":         {with(func(s *sashlock.Schedule) { s.Last = dated(t, "2028-12-31") }), with(func(s *sashlock.Schedule) { s.Last = dated(t, "2028-06-30") }), true},
		"it ends now":           {with(func(s *sashlock.Schedule) { s.Last = today }), office, false},
		"it begins earlier":     {office, with(func(s *sashlock.Schedule) { s.First = dated(t, "2027-02-01") }), true},
		"one that says nothing": {office, sashlock.Schedule{}, true},
	} {
		t.Run(name, func(t *testing.T) {
			if got := Wider(c.next, c.was, today); got != c.want {
				t.Errorf("wider: %v, want %v", got, c.want)
			}
		})
	}
}

// What Wider says is what minutes say that are asked one by one.
func TestWiderAgreesWithMinutes(t *testing.T) {
	from := dated(t, "2026-11-23")
	start := time.Date(2026, 11, 23, 0, 0, 0, 0, time.UTC)
	rapid.Check(t, func(t *rapid.T) {
		draw := func(label string) sashlock.Schedule {
			var s sashlock.Schedule
			for range rapid.IntRange(0, 2).Draw(t, label+" periods") {
				s.Weekly = append(s.Weekly, sashlock.Period{
					Days:  []time.Weekday{time.Weekday(rapid.IntRange(0, 6).Draw(t, "day"))},
					From:  sashlock.TimeOfDay(rapid.IntRange(0, 3).Draw(t, "from") * 360),
					Until: sashlock.TimeOfDay(rapid.IntRange(0, 4).Draw(t, "until") * 360),
				})
			}
			if at := rapid.IntRange(0, 40).Draw(t, label+" special"); at > 0 {
				day := from.AddDays(at)
				special := sashlock.SpecialDay{Name: "x", First: day, Last: day.AddDays(rapid.IntRange(0, 9).Draw(t, "length"))}
				if rapid.Bool().Draw(t, "open") {
					special.Spans = []sashlock.Span{{From: 0, Until: 720}}
				}
				s.Special = []sashlock.SpecialDay{special}
			}
			if at := rapid.IntRange(0, 40).Draw(t, label+" last"); at > 0 {
				s.Last = from.AddDays(at)
			}
			return s
		}
		next, was := draw("next"), draw("was")
		a, err := Compile(next, time.UTC)
		b, err2 := Compile(was, time.UTC)
		if err != nil || err2 != nil {
			t.Skip("not a schedule")
		}
		want := false
		for at := start; at.Before(start.AddDate(0, 0, 80)); at = at.Add(6 * time.Hour) {
			want = want || a.Covers(at.Unix()) && !b.Covers(at.Unix())
		}
		if got := Wider(next, was, from); got != want {
			t.Fatalf("wider: %v, minutes say %v\nnext %+v\nwas  %+v", got, want, next, was)
		}
	})
}
