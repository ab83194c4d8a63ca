// SPDX-License-Identifier: Apache-2.0

package schedule_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/internal/schedule"
)

func at(t testing.TB, s string) sashlock.TimeOfDay {
	t.Helper()
	parsed, err := sashlock.ParseTimeOfDay(s)
	if err != nil {
		t.Fatal(err)
	}
	return parsed
}

func date(t testing.TB, s string) sashlock.Date {
	t.Helper()
	parsed, err := sashlock.ParseDate(s)
	if err != nil {
		t.Fatal(err)
	}
	return parsed
}

// span reads "09:00-17:00".
func span(t testing.TB, s string) sashlock.Span {
	t.Helper()
	return sashlock.Span{From: at(t, s[:5]), Until: at(t, s[6:])}
}

func weekly(t testing.TB, times string, days ...time.Weekday) sashlock.Period {
	t.Helper()
	p := span(t, times)
	return sashlock.Period{Days: days, From: p.From, Until: p.Until}
}

func special(t testing.TB, name, first, last string, spans ...string) sashlock.SpecialDay {
	t.Helper()
	d := sashlock.SpecialDay{Name: name, First: date(t, first), Last: date(t, last)}
	for _, s := range spans {
		d.Spans = append(d.Spans, span(t, s))
	}
	return d
}

// between lists the windows that touch the days from first until before last,
// with their true ends.
func between(t testing.TB, c *schedule.Calendar, first, last string) []string {
	t.Helper()
	f, l := date(t, first), date(t, last)
	low := time.Date(f.Year, f.Month, f.Day, 0, 0, 0, 0, c.Zone())
	high := time.Date(l.Year, l.Month, l.Day, 0, 0, 0, 0, c.Zone())
	var shown []string
	for _, w := range c.Windows(low, high) {
		start, end, ok := c.Window(w.Start)
		if !ok {
			t.Errorf("no window at %v", w.Start)
		}
		shown = append(shown, start.Format("Mon 15:04 MST")+" - "+end.Format("Mon 15:04 MST"))
	}
	return shown
}

// TestClockChanges holds the cases in which recurrence libraries open an hour
// early, skip the day or fire twice.
func TestClockChanges(t *testing.T) {
	for _, c := range []struct {
		name, zone, day, next string
		times                 string
		want                  []string
	}{
		{"New York, start in the gap", "America/New_York", "2027-03-14", "2027-03-15", "02:30-04:00", []string{"Sun 03:00 EDT - Sun 04:00 EDT"}},
		{"New York, end in the gap", "America/New_York", "2027-03-14", "2027-03-15", "01:00-02:30", []string{"Sun 01:00 EST - Sun 03:00 EDT"}},
		{"New York, all in the gap", "America/New_York", "2027-03-14", "2027-03-15", "02:10-02:50", nil},
		{"Berlin, start in the gap", "Europe/Berlin", "2027-03-28", "2027-03-29", "02:30-05:00", []string{"Sun 03:00 CEST - Sun 05:00 CEST"}},
		{"Berlin, end in the gap", "Europe/Berlin", "2027-03-28", "2027-03-29", "00:30-02:30", []string{"Sun 00:30 CET - Sun 03:00 CEST"}},
		{"New York, start happens twice", "America/New_York", "2027-11-07", "2027-11-08", "01:30-02:00", []string{"Sun 01:30 EDT - Sun 02:00 EST"}},
		{"New York, end happens twice", "America/New_York", "2027-11-07", "2027-11-08", "00:15-01:30", []string{"Sun 00:15 EDT - Sun 01:30 EST"}},
		{"New York, end is the repeated hour's begin", "America/New_York", "2027-11-07", "2027-11-08", "00:00-01:00", []string{"Sun 00:00 EDT - Sun 01:00 EST"}},
		{"New York, both happen twice", "America/New_York", "2027-11-07", "2027-11-08", "01:20-01:40", []string{"Sun 01:20 EDT - Sun 01:40 EST"}},
		{"Lord Howe, half an hour skipped", "Australia/Lord_Howe", "2027-10-03", "2027-10-04", "02:15-03:00", []string{"Sun 02:30 +11 - Sun 03:00 +11"}},
		{"Lord Howe, half an hour twice", "Australia/Lord_Howe", "2027-04-04", "2027-04-05", "01:45-02:15", []string{"Sun 01:45 +11 - Sun 02:15 +1030"}},
		{"Beirut, midnight skipped", "Asia/Beirut", "2027-03-28", "2027-03-29", "00:00-06:00", []string{"Sun 01:00 EEST - Sun 06:00 EEST"}},
		{"Samoa, the whole day skipped", "Pacific/Apia", "2011-12-30", "2011-12-31", "09:00-17:00", nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			d := date(t, c.day)
			calendar := compile(t, sashlock.Schedule{
				Weekly: []sashlock.Period{weekly(t, c.times, d.Weekday())}, First: d, Last: d,
			}, load(t, c.zone))
			if diff := cmp.Diff(c.want, between(t, calendar, c.day, c.next)); diff != "" {
				t.Errorf("windows (-want +got):\n%s", diff)
			}
		})
	}
}

// TestRules shows the rules at the head of the package, each with its example.
func TestRules(t *testing.T) {
	night := weekly(t, "22:00-06:00", time.Thursday)
	friday := weekly(t, "08:00-20:00", time.Friday)
	// 2027-05-06 is a Thursday; the days from Thursday to Saturday are shown.
	for _, c := range []struct {
		name     string
		schedule sashlock.Schedule
		want     []string
	}{
		{"half open, from Thursday into Friday", sashlock.Schedule{Weekly: []sashlock.Period{night, friday}},
			[]string{"Thu 22:00 WEST - Fri 06:00 WEST", "Fri 08:00 WEST - Fri 20:00 WEST"}},
		{"from = until is 24 hours", sashlock.Schedule{Weekly: []sashlock.Period{weekly(t, "06:00-06:00", time.Thursday)}},
			[]string{"Thu 06:00 WEST - Fri 06:00 WEST"}},
		{"a special day replaces", sashlock.Schedule{Weekly: []sashlock.Period{friday}, Special: []sashlock.SpecialDay{special(t, "Fair", "2027-05-07", "2027-05-07", "10:00-14:00")}},
			[]string{"Fri 10:00 WEST - Fri 14:00 WEST"}},
		{"closed cuts the night shift", sashlock.Schedule{Weekly: []sashlock.Period{night, friday}, Special: []sashlock.SpecialDay{special(t, "Holiday", "2027-05-07", "2027-05-07")}},
			[]string{"Thu 22:00 WEST - Fri 00:00 WEST"}},
		{"a span keeps it", sashlock.Schedule{Weekly: []sashlock.Period{night, friday}, Special: []sashlock.SpecialDay{special(t, "Holiday", "2027-05-07", "2027-05-07", "00:00-06:00")}},
			[]string{"Thu 22:00 WEST - Fri 06:00 WEST"}},
		{"a special night is not cut at its end", sashlock.Schedule{Special: []sashlock.SpecialDay{special(t, "Sale", "2027-05-07", "2027-05-07", "20:00-02:00")}},
			[]string{"Fri 20:00 WEST - Sat 02:00 WEST"}},
		{"nor within one special day", sashlock.Schedule{Special: []sashlock.SpecialDay{special(t, "Sale", "2027-05-06", "2027-05-07", "20:00-02:00")}},
			[]string{"Thu 20:00 WEST - Fri 02:00 WEST", "Fri 20:00 WEST - Sat 02:00 WEST"}},
		{"but by another special day", sashlock.Schedule{Special: []sashlock.SpecialDay{special(t, "Sale", "2027-05-06", "2027-05-06", "20:00-02:00"), special(t, "Holiday", "2027-05-07", "2027-05-07")}},
			[]string{"Thu 20:00 WEST - Fri 00:00 WEST"}},
		{"the last date keeps its night", sashlock.Schedule{Weekly: []sashlock.Period{night, friday}, Last: date(t, "2027-05-06")},
			[]string{"Thu 22:00 WEST - Fri 06:00 WEST"}},
		{"before the first date nothing starts", sashlock.Schedule{Weekly: []sashlock.Period{night, friday}, First: date(t, "2027-05-07")},
			[]string{"Fri 08:00 WEST - Fri 20:00 WEST"}},
		{"touching intervals are one window", sashlock.Schedule{Weekly: []sashlock.Period{weekly(t, "08:00-12:00", time.Friday), weekly(t, "12:00-18:00", time.Friday)}},
			[]string{"Fri 08:00 WEST - Fri 18:00 WEST"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			calendar := compile(t, c.schedule, load(t, "Europe/Lisbon"))
			if diff := cmp.Diff(c.want, between(t, calendar, "2027-05-06", "2027-05-09")); diff != "" {
				t.Errorf("windows (-want +got):\n%s", diff)
			}
		})
	}
}

// TestHavanaMidnightTwice holds rule 8: a midnight that happens twice cuts at
// the first.
func TestHavanaMidnightTwice(t *testing.T) {
	s := sashlock.Schedule{
		Weekly:  []sashlock.Period{weekly(t, "20:00-00:00", time.Saturday)},
		Special: []sashlock.SpecialDay{special(t, "Closed", "2027-11-07", "2027-11-07")},
	}
	calendar := compile(t, s, load(t, "America/Havana"))
	if diff := cmp.Diff([]string{"Sat 20:00 CDT - Sun 00:00 CDT"}, between(t, calendar, "2027-11-06", "2027-11-08")); diff != "" {
		t.Errorf("cut (-want +got):\n%s", diff)
	}
	s.Special = nil
	calendar = compile(t, s, load(t, "America/Havana"))
	if diff := cmp.Diff([]string{"Sat 20:00 CDT - Sun 00:00 CST"}, between(t, calendar, "2027-11-06", "2027-11-08")); diff != "" {
		t.Errorf("not cut (-want +got):\n%s", diff)
	}
	// The special day's own night reaches into the first of the two midnights
	// of a date that otherwise has nothing near.
	s = sashlock.Schedule{Special: []sashlock.SpecialDay{special(t, "Sale", "2027-11-06", "2027-11-06", "20:00-00:00")}}
	w := newWalk(load(t, "America/Havana"), time.Date(2027, 11, 7, 5, 0, 0, 0, time.UTC).Unix(), 60)
	compare(t, compile(t, s, load(t, "America/Havana")), s, w)
}

func TestNextAndHorizon(t *testing.T) {
	lisbon := load(t, "Europe/Lisbon")
	now := time.Date(2026, 11, 22, 12, 0, 0, 0, lisbon)
	always := weekly(t, "06:00-06:00", everyDay...)
	closedFor := special(t, "Rebuilding", "2026-11-01", "2033-10-31")
	for _, c := range []struct {
		name       string
		schedule   sashlock.Schedule
		start, end string // of the next window, "" for none
	}{
		{"nothing", sashlock.Schedule{}, "", ""},
		{"always, so nothing starts", sashlock.Schedule{Weekly: []sashlock.Period{always}}, "", ""},
		{"always from a date", sashlock.Schedule{Weekly: []sashlock.Period{always}, First: date(t, "2027-01-01")}, "2027-01-01T06:00", "2032-01-05T06:00"},
		{"always from a date to a date", sashlock.Schedule{Weekly: []sashlock.Period{always}, First: date(t, "2027-01-01"), Last: date(t, "2030-06-30")}, "2027-01-01T06:00", "2030-07-01T06:00"},
		{"closed for years, always afterwards", sashlock.Schedule{Weekly: []sashlock.Period{always}, Special: []sashlock.SpecialDay{closedFor}}, "", ""},
		{"over", sashlock.Schedule{Weekly: []sashlock.Period{always}, Last: date(t, "2026-01-01")}, "", ""},
		{"in four years", sashlock.Schedule{Special: []sashlock.SpecialDay{special(t, "Leap", "2028-02-29", "2028-02-29", "09:00-10:00")}}, "2028-02-29T09:00", "2028-02-29T10:00"},
		{"in six years", sashlock.Schedule{Special: []sashlock.SpecialDay{special(t, "Leap", "2032-02-29", "2032-02-29", "09:00-10:00")}}, "", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			start, end, ok := compile(t, c.schedule, lisbon).Next(now)
			if ok != (c.start != "") {
				t.Fatalf("Next = %v, %v, %v", start, end, ok)
			}
			if ok && (start.Format("2006-01-02T15:04") != c.start || end.Format("2006-01-02T15:04") != c.end) {
				t.Errorf("Next = %v, %v, want %s, %s", start, end, c.start, c.end)
			}
		})
	}
	start, end, ok := compile(t, sashlock.Schedule{Weekly: []sashlock.Period{always}}, lisbon).Window(now)
	if !ok || now.Sub(start) != schedule.Horizon || end.Sub(now) != schedule.Horizon {
		t.Errorf("Window of always = %v, %v, %v; want the horizon on both sides", start, end, ok)
	}
	long := sashlock.Schedule{Weekly: []sashlock.Period{always}, First: date(t, "2024-02-29")}
	start, _, ok = compile(t, long, lisbon).Window(now)
	if want := time.Date(2024, 2, 29, 6, 0, 0, 0, lisbon); !ok || !start.Equal(want) {
		t.Errorf("Window began %v, %v; want %v", start, ok, want)
	}
}

// TestLastDayOfALeapYear: package time says that the offset of that day ended
// before it began, when it extrapolates.
func TestLastDayOfALeapYear(t *testing.T) {
	c := compile(t, sashlock.Schedule{Weekly: []sashlock.Period{weekly(t, "09:00-17:00", everyDay...)}}, load(t, "Europe/Berlin"))
	for _, year := range []int{2028, 2040, 2104, 2400} {
		noon := time.Date(year, 12, 31, 12, 0, 0, 0, c.Zone())
		start, end, ok := c.Window(noon)
		if !ok || start.Hour() != 9 || end.Hour() != 17 || !c.Covers(noon.Unix()) {
			t.Errorf("Window(%v) = %v, %v, %v; Covers %v", noon, start, end, ok, c.Covers(noon.Unix()))
		}
	}
}

func TestExtremes(t *testing.T) {
	c := compile(t, sashlock.Schedule{Weekly: []sashlock.Period{weekly(t, "00:00-24:00", everyDay...)}}, load(t, "Asia/Kathmandu"))
	for _, unix := range []int64{-1 << 63, 1<<63 - 1, -62_135_596_801, 253_402_300_800} {
		if c.Covers(unix) {
			t.Errorf("Covers(%d), outside the years 1 to 9999", unix)
		}
	}
	for _, unix := range []int64{-62_135_596_800, -1, 0, 1, 4_102_444_799, 4_102_444_800, 253_402_300_799} {
		if !c.Covers(unix) {
			t.Errorf("Covers(%d) = false although it always covers", unix)
		}
		if _, _, ok := c.Window(time.Unix(unix, 0)); !ok {
			t.Errorf("no Window at %d", unix)
		}
	}
	from := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	if got := c.Windows(from, from.AddDate(100, 0, 0)); len(got) != 1 || got[0].End.Sub(from) != schedule.Horizon {
		t.Errorf("Windows of a century = %v", got)
	}
	if got := c.Windows(from, from.AddDate(-1, 0, 0)); got != nil {
		t.Errorf("Windows backwards = %v", got)
	}
	var minutes sashlock.Schedule
	for i := range schedule.MaxPeriods {
		minutes.Weekly = append(minutes.Weekly, sashlock.Period{Days: everyDay, From: sashlock.TimeOfDay(i * 7), Until: sashlock.TimeOfDay(i*7 + 1)})
	}
	if got := compile(t, minutes, time.UTC).Windows(from, from.AddDate(1, 0, 0)); len(got) != schedule.MaxWindows {
		t.Errorf("%d windows, want the most", len(got))
	}
}

func TestCoversAllocatesNothing(t *testing.T) {
	c := compile(t, storeHours(t), load(t, "America/New_York"))
	unix := time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC).Unix()
	if n := testing.AllocsPerRun(100, func() { c.Covers(unix); unix += 3601 }); n != 0 {
		t.Errorf("Covers allocates %v times", n)
	}
}

// storeHours are those of an ordinary shop, with a night shift and ten holidays
// a year for three years.
func storeHours(t testing.TB) sashlock.Schedule {
	t.Helper()
	s := sashlock.Schedule{Weekly: []sashlock.Period{
		weekly(t, "08:00-20:00", 1, 2, 3, 4, 5), weekly(t, "09:00-18:00", 6), weekly(t, "22:00-06:00", 1, 2, 3, 4),
	}}
	for year := 2026; year < 2029; year++ {
		for month := time.January; month <= time.October; month++ {
			d := sashlock.Date{Year: year, Month: month, Day: 17}
			s.Special = append(s.Special, sashlock.SpecialDay{Name: "Holiday", First: d, Last: d})
		}
	}
	return s
}

func BenchmarkCovers(b *testing.B) {
	c := compile(b, storeHours(b), load(b, "America/New_York"))
	now := time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC).Unix()
	b.Run("now", func(b *testing.B) {
		for b.Loop() {
			c.Covers(now)
		}
	})
	b.Run("spread over years", func(b *testing.B) {
		unix := now
		for b.Loop() {
			unix = (unix*6364136223846793005 + 1442695040888963407) & (1<<31 - 1) // 1970 to 2038
			c.Covers(unix)
		}
	})
	b.Run("by definition", func(b *testing.B) {
		far := time.Date(2150, 11, 22, 12, 0, 0, 0, time.UTC).Unix()
		for b.Loop() {
			c.Covers(far)
		}
	})
}

func BenchmarkCompile(b *testing.B) {
	s, zone := storeHours(b), load(b, "America/New_York")
	b.ReportAllocs()
	for b.Loop() {
		if _, err := schedule.Compile(s, zone); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkWindowAndNext(b *testing.B) {
	c := compile(b, storeHours(b), load(b, "America/New_York"))
	noon := time.Date(2026, 11, 23, 12, 0, 0, 0, c.Zone())
	for b.Loop() {
		c.Window(noon)
		c.Next(noon)
	}
}
