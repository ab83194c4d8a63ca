// SPDX-License-Identifier: Apache-2.0

package schedule_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/internal/schedule"
)

func TestValidateNamesTheField(t *testing.T) {
	good := func() sashlock.Schedule {
		return sashlock.Schedule{
			Weekly:  []sashlock.Period{weekly(t, "08:00-20:00", 1, 2), weekly(t, "10:00-24:00", 2)},
			Special: []sashlock.SpecialDay{special(t, "Stocktake", "2027-12-20", "2027-12-25", "09:00-12:00"), special(t, "New Year", "2028-01-01", "2028-01-01")},
		}
	}
	if err := schedule.Validate(good()); err != nil {
		t.Fatalf("refused a good schedule: %v", err)
	}
	if err := schedule.Validate(sashlock.Schedule{}); err != nil {
		t.Fatalf("refused the schedule that never covers: %v", err)
	}
	for _, c := range []struct {
		name    string
		change  func(*sashlock.Schedule)
		subject string
		hint    string // a part of it
	}{
		{"no days", func(s *sashlock.Schedule) { s.Weekly[1].Days = nil }, "weekly[1].days", "at least one day"},
		{"eighth day", func(s *sashlock.Schedule) { s.Weekly[1].Days = []time.Weekday{1, 7} }, "weekly[1].days[1]", "day of the week"},
		{"negative day", func(s *sashlock.Schedule) { s.Weekly[0].Days = []time.Weekday{-1} }, "weekly[0].days[0]", "day of the week"},
		{"day twice", func(s *sashlock.Schedule) { s.Weekly[0].Days = []time.Weekday{1, 3, 1} }, "weekly[0].days[2]", "name Monday once"},
		{"starts at 24:00", func(s *sashlock.Schedule) { s.Weekly[0].From = 1440 }, "weekly[0].from", `"00:00" of the next day`},
		{"negative time", func(s *sashlock.Schedule) { s.Weekly[0].From = -1 }, "weekly[0].from", "time of day"},
		{"time too late", func(s *sashlock.Schedule) { s.Weekly[0].Until = 1441 }, "weekly[0].until", "time of day"},
		{"span's time", func(s *sashlock.Schedule) { s.Special[0].Spans[0].Until = 2000 }, "special[0].spans[0].until", "time of day"},
		{"overlap at the start", func(s *sashlock.Schedule) { s.Special[1].First = date(t, "2027-12-25") }, "special[1].first", "Stocktake (special[0]) and New Year (special[1]) both hold on 2027-12-25"},
		{"overlap at the end", func(s *sashlock.Schedule) {
			s.Special[1].First, s.Special[1].Last = date(t, "2027-12-01"), date(t, "2027-12-20")
		}, "special[1].last", "Stocktake (special[0]) and New Year (special[1]) both hold on 2027-12-20"},
		{"overlap without names", func(s *sashlock.Schedule) { s.Special[1] = s.Special[0]; s.Special[1].Name = "" }, "special[1].first", "the special day (special[1])"},
		{"no first", func(s *sashlock.Schedule) { s.Special[1].First = sashlock.Date{} }, "special[1].first", "day of the calendar"},
		{"no last", func(s *sashlock.Schedule) { s.Special[1].Last = sashlock.Date{} }, "special[1].last", "2028-01-01 again"},
		{"29 February", func(s *sashlock.Schedule) { s.Special[1].Last = sashlock.Date{Year: 2029, Month: 2, Day: 29} }, "special[1].last", "day of the calendar"},
		{"year 10000", func(s *sashlock.Schedule) { s.Special[1].Last = sashlock.Date{Year: 10000, Month: 1, Day: 1} }, "special[1].last", "day of the calendar"},
		{"backwards", func(s *sashlock.Schedule) { s.Special[1].Last = date(t, "2027-12-31") }, "special[1].last", "on or after the first, 2028-01-01"},
		{"eleven years", func(s *sashlock.Schedule) { s.Special[1].Last = date(t, "2039-01-01") }, "special[1].last", "ten years"},
		{"name with a reversal", func(s *sashlock.Schedule) { s.Special[1].Name = "a\u202eb" }, "special[1].name", "direction"},
		{"range backwards", func(s *sashlock.Schedule) { s.First, s.Last = date(t, "2027-02-01"), date(t, "2027-01-01") }, "last", "on or after the first"},
		{"range from no day", func(s *sashlock.Schedule) { s.First = sashlock.Date{Year: 2027, Month: 13, Day: 1} }, "first", "day of the calendar"},
		{"range to no day", func(s *sashlock.Schedule) { s.Last = sashlock.Date{Year: 2027, Month: 4, Day: 31} }, "last", "day of the calendar"},
		{"too many periods", func(s *sashlock.Schedule) { s.Weekly = make([]sashlock.Period, 201) }, "weekly", "200"},
		{"too many special days", func(s *sashlock.Schedule) { s.Special = make([]sashlock.SpecialDay, 401) }, "special", "400"},
		{"too many spans", func(s *sashlock.Schedule) { s.Special[0].Spans = make([]sashlock.Span, 25) }, "special[0].spans", "24"},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := good()
			c.change(&s)
			checkInvalid(t, schedule.Validate(s), c.subject, c.hint)
			_, err := schedule.Compile(s, time.UTC)
			checkInvalid(t, err, c.subject, c.hint)
		})
	}
}

func checkInvalid(t *testing.T, err error, subject, hint string) {
	t.Helper()
	var e *sashlock.Error
	if !errors.As(err, &e) {
		t.Fatalf("got %v, want a refusal", err)
	}
	if e.Kind != sashlock.Invalid || e.Subject != subject || !strings.Contains(e.Hint, hint) {
		t.Errorf("got kind %s, subject %q, hint %q; want invalid, %q, …%s…", e.Kind, e.Subject, e.Hint, subject, hint)
	}
}

func TestCompileWantsTheSitesZone(t *testing.T) {
	for _, zone := range []*time.Location{nil, time.Local} {
		_, err := schedule.Compile(sashlock.Schedule{}, zone)
		checkInvalid(t, err, "zone", "IANA")
	}
}

func TestLoadZone(t *testing.T) {
	for name, hint := range map[string]string{
		"":                        "IANA",
		"Local":                   "IANA",
		"local":                   "IANA",
		"Europe/Atlantis":         "IANA",
		"../../etc/passwd":        "IANA",
		"right/Europe/Berlin":     "Europe/Berlin",
		"europe/lisbon":           `"Europe/Lisbon"`,
		"America/New York":        `"America/New_York"`,
		"america/port of spain":   `"America/Port_of_Spain"`,
		"lisbon":                  `"Europe/Lisbon"`,
		"Asia/Berlin":             `"Europe/Berlin"`,
		"utc":                     `"UTC"`,
		"Europe/Lisbon\x00":       "IANA",
		strings.Repeat("A", 5000): "IANA",
	} {
		_, err := schedule.LoadZone(name)
		checkInvalid(t, err, "zone", hint)
	}
	for _, name := range []string{"UTC", "Europe/Lisbon", "America/Argentina/Buenos_Aires", "Etc/GMT+5"} {
		if zone, err := schedule.LoadZone(name); err != nil || zone.String() != name {
			t.Errorf("LoadZone(%q) = %v, %v", name, zone, err)
		}
	}
}
