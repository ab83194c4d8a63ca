// SPDX-License-Identifier: Apache-2.0

package rota_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	ics "github.com/arran4/golang-ical"
	"github.com/google/go-cmp/cmp"
	"github.com/teambition/rrule-go"
	"pgregory.net/rapid"

	"github.com/sashlock/sashlock/internal/rota"
)

// calendar is one event in a calendar; its properties begin in row 3.
func calendar(event string) string {
	return "BEGIN:VCALENDAR\nBEGIN:VEVENT\n" + event + "\nEND:VEVENT\nEND:VCALENDAR\n"
}

func TestCalendars(t *testing.T) {
	early := "UID:early@x\nDTSTART;TZID=Europe/Lisbon:20261102T090000\nDTEND;TZID=Europe/Lisbon:20261102T170000\nSUMMARY:Ana Costa (early)\n"
	for name, c := range map[string]struct {
		text string
		want []string
	}{
		"once": {calendar(strings.ReplaceAll(early, "1102", "1126") + "LOCATION:Madrid\nCATEGORIES:Staff,Duty manager"), []string{"2 ana mdrole_m 11-26T09:00Z–11-26T17:00Z"}},
		"weekly, without one and with another": {
			calendar(early + "RRULE:FREQ=WEEKLY;BYDAY=MO,TH;UNTIL=20261204T000000Z\nEXDATE;TZID=Europe/Lisbon:20261126T090000\nRDATE;TZID=Europe/Lisbon:20261128T090000"),
			[]string{"2 ana lx 11-23T09:00Z–11-23T17:00Z", "2 ana lx 11-30T09:00Z–11-30T17:00Z", "2 ana lx 12-03T09:00Z–12-03T17:00Z", "2 ana lx 11-28T09:00Z–11-28T17:00Z"},
		},
		"counted from its beginning": {calendar(early + "RRULE:FREQ=WEEKLY;COUNT=4"), []string{"2 ana lx 11-23T09:00Z–11-23T17:00Z"}},
		"one changed, one cancelled": {
			strings.Replace(calendar(early+"RRULE:FREQ=WEEKLY;COUNT=6"), "END:VCALENDAR", "BEGIN:VEVENT\nUID:early@x\nRECURRENCE-ID;TZID=Europe/Lisbon:20261130T090000\nDTSTART;TZID=Europe/Lisbon:20261130T120000\nDTEND;TZID=Europe/Lisbon:20261130T180000\nSUMMARY:goncalo\nEND:VEVENT\n"+
				"BEGIN:VEVENT\nUID:early@x\nRECURRENCE-ID:20261207T090000Z\nDTSTART:20261207T090000Z\nDTEND:20261207T170000Z\nSTATUS:CANCELLED\nSUMMARY:ana\nEND:VEVENT\nEND:VCALENDAR", 1),
			[]string{"2 ana lx 11-23T09:00Z–11-23T17:00Z", "9 goncalo lx 11-30T12:00Z–11-30T18:00Z"},
		},
		"all day": {calendar("DTSTART;VALUE=DATE:20261125\nSUMMARY:ana"), []string{"2 ana lx 11-25T00:00Z–11-26T00:00Z"}},
		"folded, for everybody invited": {
			calendar("DTSTART:20261125T080000Z\nDURATION:PT8H30M\nORGANIZER:mailto:boss@shop.example\nATTENDEE;CN=\"Costa, Ana: early\";PARTSTAT=ACCEPTED:mailto:ana.costa@sh\n op.example\nATTENDEE;CN=Gonçalo Brito:mailto:gb@elsewhere.example\nATTENDEE;CUTYPE=ROOM:mailto:room@x\nATTENDEE;PARTSTAT=DECLINED:mailto:zoe@x\nBEGIN:VALARM\nTRIGGER:-PT15M\nSUMMARY:nobody\nEND:VALARM"),
			[]string{"2 ana lx 11-25T08:00Z–11-25T16:30Z", "2 goncalo lx 11-25T08:00Z–11-25T16:30Z"},
		},
		"named by a property":                 {calendar("DTSTART:20261125T080000Z\nDURATION:PT1H\nSUMMARY:Till 4\nX-EMPLOYEE-ID:1001"), []string{"2 ana lx 11-25T08:00Z–11-25T09:00Z"}},
		"a zone of Outlook":                   {calendar("DTSTART;TZID=\"Romance Standard Time\":20261125T080000\nDTEND;TZID=\"Romance Standard Time\":20261125T090000\nSUMMARY:ana"), []string{"2 ana lx 11-25T07:00Z–11-25T08:00Z"}},
		"a zone with a prefix":                {calendar("DTSTART;TZID=/mozilla.org/20050126_1/Europe/Madrid:20261125T080000\nDTEND;TZID=Europe/Madrid:20261125T090000\nSUMMARY:ana"), []string{"2 ana lx 11-25T07:00Z–11-25T08:00Z"}},
		"over long ago, of somebody who left": {calendar(early) + calendar("DTSTART:20200101T080000Z\nDURATION:PT1H\nSUMMARY:Zoe"), nil},
	} {
		t.Run(name, func(t *testing.T) {
			l := rota.Read([]byte(c.text), options("Europe/Lisbon"))
			if l.Wrong > 0 {
				t.Fatal(problems(l.Problems))
			}
			if diff := cmp.Diff(c.want, told(l)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// TestNightsThatDoNotLastEight: a shift that ends at six ends at six; one of
// eight hours lasts eight hours.
func TestNightsThatDoNotLastEight(t *testing.T) {
	for end, want := range map[string]string{
		"DTEND;TZID=Europe/Lisbon:20261002T060000": "21:00–06:00", "DURATION:PT8H": "21:00–05:00",
	} {
		opts := options("Europe/Lisbon")
		opts.Now, opts.Window = time.Date(2026, 10, 24, 20, 0, 0, 0, time.UTC), 12*time.Hour
		l := rota.Read([]byte(calendar("DTSTART;TZID=Europe/Lisbon:20261001T220000\n"+end+"\nSUMMARY:ana\nRRULE:FREQ=DAILY")), opts)
		if n := len(l.Entries); n == 0 {
			t.Fatal(problems(l.Problems))
		}
		last := l.Entries[len(l.Entries)-1]
		if got := last.From.Format("15:04") + "–" + last.Until.Format("15:04"); got != want {
			t.Errorf("%s: %s, want %s", end, got, want)
		}
	}
}

// TestReferencesStayTheSame: a file read again a day later calls the same
// shifts the same.
func TestReferencesStayTheSame(t *testing.T) {
	text := calendar("UID:" + strings.Repeat("long", 100) + "\nDTSTART:20261101T080000Z\nDURATION:PT8H\nSUMMARY:ana\nRRULE:FREQ=DAILY")
	opts := options("Europe/Lisbon")
	before := rota.Read([]byte(text), opts)
	opts.Now = opts.Now.Add(24 * time.Hour)
	after := rota.Read([]byte(text), opts)
	refs := map[string]time.Time{}
	for _, e := range before.Entries {
		refs[e.Ref] = e.From
	}
	same := 0
	for _, e := range after.Entries {
		if len(e.Ref) > 120 {
			t.Fatalf("a reference of %d letters", len(e.Ref))
		}
		if at, known := refs[e.Ref]; known && at.Equal(e.From) {
			same++
		}
	}
	if len(before.Entries) < 50 || same < len(before.Entries)-2 {
		t.Errorf("%d of %d kept their reference", same, len(before.Entries))
	}
}

// TestAgainstAnotherReader draws rules and compares with a reader of rules that
// works in quite another way: it generates.
func TestAgainstAnotherReader(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		first := time.Date(2026, 9, 1, 9, 30, 0, 0, time.UTC).AddDate(0, 0, rapid.IntRange(-800, 120).Draw(t, "first"))
		text := drawRule(t)
		option, err := rrule.StrToROption(text)
		if err != nil {
			t.Skip(err)
		}
		option.Dtstart = first
		other, err := rrule.NewRRule(*option)
		if err != nil {
			t.Skip(err)
		}
		opts := options("UTC")
		opts.Now = monday
		l := rota.Read([]byte(calendar("DTSTART:"+first.Format("20060102T150405Z")+"\nDURATION:PT1H\nSUMMARY:ana\nRRULE:"+text)), opts)
		if l.Wrong > 0 {
			t.Fatalf("%s: %s", text, problems(l.Problems))
		}
		var want, got []string
		for _, at := range other.Between(l.From.Add(-time.Hour+time.Second), l.Until.Add(-time.Second), true) {
			want = append(want, at.Format(time.RFC3339))
		}
		for _, e := range l.Entries {
			got = append(got, e.From.Format(time.RFC3339))
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Fatalf("%s from %s:\n%s", text, first, diff)
		}
	})
}

func drawRule(t *rapid.T) string {
	every := rapid.SampledFrom([]string{"DAILY", "WEEKLY", "MONTHLY", "YEARLY"}).Draw(t, "every")
	parts := []string{"FREQ=" + every}
	maybe := func(name string) bool { return rapid.Bool().Draw(t, name) }
	if maybe("interval") {
		parts = append(parts, fmt.Sprintf("INTERVAL=%d", rapid.IntRange(1, 5).Draw(t, "n")))
	}
	if maybe("count") {
		parts = append(parts, fmt.Sprintf("COUNT=%d", rapid.IntRange(1, 300).Draw(t, "count of")))
	} else if maybe("until") {
		parts = append(parts, "UNTIL="+monday.AddDate(0, 0, rapid.IntRange(-30, 60).Draw(t, "until of")).Format("20060102T150405Z"))
	}
	if maybe("week") {
		parts = append(parts, "WKST="+rapid.SampledFrom([]string{"MO", "SU", "WE"}).Draw(t, "starts"))
	}
	if maybe("weekdays") {
		var days []string
		nth := (every == "MONTHLY" || every == "YEARLY") && maybe("nth") // the other reader mixes them up
		for range rapid.IntRange(1, 3).Draw(t, "days") {
			day := rapid.SampledFrom([]string{"MO", "TU", "WE", "TH", "FR", "SA", "SU"}).Draw(t, "day")
			if nth {
				day = rapid.SampledFrom([]string{"1", "2", "-1", "-2", "3"}).Draw(t, "which") + day
			}
			days = append(days, day)
		}
		parts = append(parts, "BYDAY="+strings.Join(days, ","))
	} else if every != "WEEKLY" && maybe("days of the month") {
		parts = append(parts, "BYMONTHDAY="+rapid.SampledFrom([]string{"1", "15", "-1", "31", "28,29,30", "-5,3"}).Draw(t, "which days"))
	}
	if maybe("months") && !strings.Contains(parts[len(parts)-1], "31") { // one that never comes keeps the other reader busy
		parts = append(parts, "BYMONTH="+rapid.SampledFrom([]string{"11", "12", "1,12", "11,12,1,2"}).Draw(t, "which months"))
	}
	return strings.Join(parts, ";")
}

// TestReadsWhatAnotherWriterWrites reads a calendar that another library made.
func TestReadsWhatAnotherWriterWrites(t *testing.T) {
	c := ics.NewCalendar()
	c.SetMethod(ics.MethodPublish)
	for i := range 3 {
		e := c.AddEvent(fmt.Sprintf("shift-%d@planner.example", i))
		from := monday.AddDate(0, 0, i)
		e.SetStartAt(from)
		e.SetEndAt(from.Add(8 * time.Hour))
		e.SetSummary("Ana Costa – early; till 3, with a very long title that has to be folded because lines are seventy-five octets")
		e.AddAttendee("ana.costa@shop.example", ics.WithCN("Ana Costa"), ics.ParticipationStatusAccepted)
		e.SetDescription("one\ntwo")
	}
	l := rota.Read([]byte(c.Serialize()), options("Europe/Lisbon"))
	if l.Wrong > 0 || len(l.Entries) != 3 || l.Entries[2].Person != "prs_ana" || !l.Entries[2].Until.Equal(monday.AddDate(0, 0, 2).Add(8*time.Hour)) {
		t.Errorf("%v %s", told(l), problems(l.Problems))
	}
}

// TestBombs: what was made to take for ever takes a moment and says what is
// wrong, or is harmless.
func TestBombs(t *testing.T) {
	event := func(rule string) string {
		return "BEGIN:VEVENT\nDTSTART:19700101T080000Z\nDURATION:PT1H\nSUMMARY:ana\nRRULE:" + rule + "\nEND:VEVENT\n"
	}
	whole := func(events string) string { return "BEGIN:VCALENDAR\n" + events + "END:VCALENDAR\n" }
	for name, c := range map[string]struct{ text, want string }{
		"by the second":         {whole(event("FREQ=SECONDLY;COUNT=999999999")), "it repeats within a day"},
		"all at once":           {whole(event("FREQ=DAILY;BYSECOND=0,1,2,3")), "it repeats within a day"},
		"counted for ever":      {whole(event("FREQ=DAILY;COUNT=99999999999")), "cannot be understood"},
		"rules that never come": {whole(strings.Repeat(event("FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30"), 20_000)), ""},
		"counted from long ago": {whole(strings.Repeat(event("FREQ=YEARLY;COUNT=1000;BYMONTH=2;BYMONTHDAY=30"), 20_000)), "too many to be spelt out"},
		"every day of many":     {whole(strings.Repeat(event("FREQ=DAILY"), 20_000)), "there are more than 20000 shifts"},
		"nested":                {strings.Repeat("BEGIN:VCALENDAR\n", 400_000), "nested too deeply"},
		"one endless line":      {"BEGIN:VCALENDAR\nX:" + strings.Repeat("\n x", 2_000_000), "the line is too long"},
		"one endless event":     {whole("BEGIN:VEVENT\n" + strings.Repeat("X:1\n", 1_000_000)), "too many properties"},
		"dates without end":     {calendar("DTSTART:20261101T080000Z\nDURATION:PT1H\nSUMMARY:ana" + strings.Repeat("\nEXDATE:"+strings.TrimSuffix(strings.Repeat("20261101T080000Z,20261102T080000Z,", 400), ","), 50)), ""},
		"a million rows":        {"person,from,until\n" + strings.Repeat("a,b,c\n", 1_000_000), "there are more than 20000 shifts"},
		"commas":                {strings.Repeat(",", 5_000_000), "row 1: the row has more than 500 cells"},
	} {
		began := time.Now()
		l := rota.Read([]byte(c.text), options("Europe/Lisbon"))
		if took := time.Since(began); took > 20*time.Second {
			t.Errorf("%s: took %s", name, took)
		} else {
			t.Logf("%s: %s", name, took)
		}
		if c.want != "" && !strings.Contains(problems(l.Problems), c.want) {
			all := problems(l.Problems)
			t.Errorf("%s: %.300s, want %q", name, all, c.want)
		}
		if len(l.Problems) > 100 || len(l.Notes) > 100 {
			t.Errorf("%s: %d problems and %d notes listed", name, len(l.Problems), len(l.Notes))
		}
	}
}

func FuzzRead(f *testing.F) {
	f.Add("person,from,until\nana,2026-11-30 09:00,2026-11-30 17:00\n")
	f.Add("person;date;start;end\nana;3/4/2026;9:00;10:00\n")
	f.Add(calendar("UID:1\nDTSTART;TZID=Europe/Lisbon:20261102T090000\nDTEND;TZID=Europe/Lisbon:20261102T170000\nSUMMARY:ana\nRRULE:FREQ=MONTHLY;BYDAY=-1FR;COUNT=9\nEXDATE:20261130T090000Z"))
	opts := options("Europe/Lisbon")
	f.Fuzz(func(t *testing.T, text string) {
		l := rota.Read([]byte(text), opts)
		if l.Wrong > 0 && len(l.Entries) > 0 {
			t.Error("entries in spite of problems")
		}
		refs := map[string]bool{}
		for _, e := range l.Entries {
			if !e.From.Before(e.Until) || e.Until.Sub(e.From) > rota.MaxShift || e.Person == "" || e.Site == "" || e.Ref == "" || refs[e.Ref] {
				t.Errorf("impossible: %+v", e)
			}
			refs[e.Ref] = true
		}
	})
}

func FuzzRule(f *testing.F) {
	f.Add("FREQ=WEEKLY;BYDAY=MO,TU;INTERVAL=2")
	f.Add("FREQ=YEARLY;BYDAY=-1SU;BYMONTH=10")
	opts := options("Europe/Lisbon")
	f.Fuzz(func(t *testing.T, rule string) {
		l := rota.Read([]byte(calendar("DTSTART:20250301T090000Z\nDURATION:PT1H\nSUMMARY:ana\nRRULE:"+strings.NewReplacer("\n", "", "\r", "").Replace(rule))), opts)
		if len(l.Entries) > 60 {
			t.Errorf("%d repetitions in eight weeks", len(l.Entries))
		}
	})
}
