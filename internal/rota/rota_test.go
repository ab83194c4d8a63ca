// SPDX-License-Identifier: Apache-2.0

package rota_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/unicode"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/internal/lang"
	"github.com/sashlock/sashlock/internal/rota"
)

var monday = time.Date(2026, 11, 23, 9, 0, 0, 0, time.UTC)

func staff() rota.Directory {
	return rota.Directory{
		People: []rota.Somebody{
			{ID: "prs_ana", Slug: "ana", Name: "Ana Costa", External: "1001", User: "ana.costa@shop.example"},
			{ID: "prs_goncalo", Slug: "goncalo", Name: "Gonçalo Brito"},
			{ID: "prs_rui1", Slug: "rui-1", Name: "Rui Lima"},
			{ID: "prs_rui2", Slug: "rui-2", Name: "Rui Lima"},
		},
		Sites: []sashlock.Site{
			{ID: "site_lx", Slug: "lisbon", Name: "Lisbon", Zone: "Europe/Lisbon"},
			{ID: "site_md", Slug: "madrid", Name: "Madrid", Zone: "Europe/Madrid"},
		},
		Roles: []sashlock.Role{{ID: "role_m", Slug: "manager", Name: "Duty manager"}},
	}
}

func options(zone string) rota.Options {
	z, err := time.LoadLocation(zone)
	if err != nil {
		panic(err)
	}
	return rota.Options{Directory: staff(), Site: "site_lx", Zone: z, Now: monday}
}

// told writes entries as a test can read them.
func told(l rota.List) []string {
	var all []string
	for _, e := range l.Entries {
		all = append(all, fmt.Sprintf("%d %s %s%s %s–%s", e.Row, e.Person[4:], e.Site[5:], e.Role, e.From.Format("01-02T15:04Z"), e.Until.Format("01-02T15:04Z")))
	}
	return all
}

func problems(list []rota.Problem) string {
	var all []string
	for _, p := range list {
		all = append(all, p.String())
	}
	return strings.Join(all, "\n")
}

func TestLists(t *testing.T) {
	for name, c := range map[string]struct {
		text string
		want []string
	}{
		"instants": {"person,from,until\nana,2026-11-30 09:00,2026-11-30 17:00\n", []string{"2 ana lx 11-30T09:00Z–11-30T17:00Z"}},
		"day and times, with semicolons": {
			"Fecha;Empleado;Hora inicio;Hora fin;Tienda\n30.11.2026;Gonçalo Brito;22:00;06:00;Madrid\n\n",
			[]string{"2 goncalo md 11-30T21:00Z–12-01T05:00Z"},
		},
		"by number, address and turned name": {
			"employee,date,start,end,role\n1001,2026-12-01,9:00 AM,5:30PM,duty manager\nana.costa@shop.example,2026-12-02,0900,24:00,\n\"Brito, Goncalo\",2026-12-03,9.00,12.30,\n",
			[]string{"2 ana lxrole_m 12-01T09:00Z–12-01T17:30Z", "3 ana lx 12-02T09:00Z–12-03T00:00Z", "4 goncalo lx 12-03T09:00Z–12-03T12:30Z"},
		},
		"dates that another row explains": {
			"person,date,start,end\nana,3/4/2027,10:00,11:00\nana,25/4/2027,10:00,11:00\n",
			[]string{"2 ana lx 04-03T09:00Z–04-03T10:00Z", "3 ana lx 04-25T09:00Z–04-25T10:00Z"},
		},
		"far from UTC": {"person,from,until\nana,2026-11-30T09:00:00+09:00,2026-11-30T12:00:00Z\n", []string{"2 ana lx 11-30T00:00Z–11-30T12:00Z"}},
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

func TestWhateverItIsWrittenIn(t *testing.T) {
	text := "person,from,until\nGonçalo Brito,2026-11-30 09:00,2026-11-30 17:00\n"
	latin, err := charmap.Windows1252.NewEncoder().String(text)
	if err != nil {
		t.Fatal(err)
	}
	wide, err := unicode.UTF16(unicode.LittleEndian, unicode.UseBOM).NewEncoder().String(text)
	if err != nil {
		t.Fatal(err)
	}
	for name, content := range map[string]string{
		"UTF-8": text, "with a mark": "\xef\xbb\xbf" + text, "Windows-1252": latin, "UTF-16": wide,
		"Windows line ends": strings.ReplaceAll(text, "\n", "\r\n"), "old Macs": strings.ReplaceAll(text, "\n", "\r"), "with a hint": "sep=,\n" + text,
	} {
		l := rota.Read([]byte(content), options("Europe/Lisbon"))
		if len(l.Entries) != 1 || l.Entries[0].Person != "prs_goncalo" {
			t.Errorf("%s: %v %s", name, l.Entries, problems(l.Problems))
		}
	}
}

func TestProblemsNameRowAndFix(t *testing.T) {
	head := "person,from,until,ref\n"
	for text, want := range map[string]string{
		"":                              "the file: the file is empty",
		"who,when\n1,2\n":               "row 1: no column says who works; add a column called person",
		"person,date\nana,2026-01-01\n": "row 1: the columns do not say when a shift begins and ends",
		"person,name,from,until\n":      `row 1, column name: two columns are about the same`,
		head:                            "the file: there are headings and no shifts",
		head + "bea,2026-11-30 09:00,2026-11-30 17:00,\n":                                                                 `row 2, column person: nobody here is called "bea"`,
		head + "Rui Lima,2026-11-30 09:00,2026-11-30 17:00,\n":                                                            `row 2, column person: "Rui Lima" means several; write the short name instead`,
		head + ",2026-11-30 09:00,2026-11-30 17:00,\n":                                                                    "row 2, column person: it does not say who works",
		head + "ana,yesterday,2026-11-30 17:00,\n":                                                                        `row 2, column from: "yesterday" is not a day and a time`,
		head + "ana,2026-11-30 17:00,2026-11-30 09:00,\n":                                                                 "row 2, column ref: it ends before it begins",
		head + "ana,2026-11-30 17:00,2026-12-30 09:00,\n":                                                                 "the shift is longer than 36 hours",
		head + "ana,2026-11-30 9:00,2026-11-30 10:00,x\nana,2026-12-01 9:00,2026-12-01 10:00,x\n":                         "row 3, column ref: it is the same shift as in row 2",
		head + "\"ana,2026-11-30 9:00,2026-11-30 10:00,x\n":                                                               "a quotation mark is missing",
		"person,date,start,end\nana,3/4/2026,9:00,10:00\n":                                                                `row 2, column date: "3/4/2026" can be read in two ways`,
		"person,date,start,end\nana,30/2/2026,9:00,10:00\n":                                                               `row 2, column date: "30/2/2026" is not a day`,
		"person,date,start,end\nana,2026-11-30,9,10:00\n":                                                                 `row 2, column start: "9" is not a time of day; write a time like 14:30`,
		"person,site,from,until\nana,berlin,2026-11-30 9:00,2026-11-30 10:00\n":                                           `row 2, column site: no store of yours is called "berlin"`,
		"person,role,from,until\nana,pilot,2026-11-30 9:00,2026-11-30 10:00\n":                                            `row 2, column role: there is no role "pilot"`,
		"PK\x03\x04\x00\x00zip":                                                                                           "row 1: this is no text",
		"BEGIN:VCALENDAR\nEND:VCALENDAR\n":                                                                                "the calendar has no events",
		"BEGIN:VCALENDAR\nBEGIN:VEVENT\n":                                                                                 "the calendar ends in the middle",
		"BEGIN:VCALENDAR\nnonsense\nEND:VCALENDAR\n":                                                                      "row 2: this line is no property of a calendar",
		"BEGIN:VCALENDAR\nEND:VEVENT\n":                                                                                   "row 2: END:VEVENT has no beginning",
		calendar("UID:1\nSUMMARY:ana\nDTEND:20261130T100000Z"):                                                            "row 2, column DTSTART: the event does not say when it begins",
		calendar("DTSTART:20261130T100000Z\nSUMMARY:ana"):                                                                 "row 2, column DTEND: the event does not say when it ends",
		calendar("DTSTART;TZID=Moon/Base:20261130T100000\nDTEND:20261130T120000Z\nSUMMARY:ana"):                           `row 3, column DTSTART: nobody knows the time zone "Moon/Base"`,
		calendar("DTSTART:20261130T100000Z\nDTEND:20261130T120000Z\nSUMMARY:Delivery"):                                    `row 5, column SUMMARY: nobody here is called "Delivery"`,
		calendar("DTSTART:20261130T100000Z\nDTEND:20261130T120000Z\nATTENDEE;CN=Zoe:mailto:zoe@shop.example"):             `row 5, column ATTENDEE: nobody here is called "Zoe"`,
		calendar("DTSTART:20261130T100000Z\nDTEND:20261130T120000Z\nSUMMARY:ana\nRRULE:FREQ=SECONDLY"):                    "row 6, column RRULE: it repeats within a day (SECONDLY); repeat it by days",
		calendar("DTSTART:20261130T100000Z\nDTEND:20261130T120000Z\nSUMMARY:ana\nRRULE:FREQ=DAILY;BYHOUR=1,2,3"):          "it repeats within a day (BYHOUR)",
		calendar("DTSTART:20261130T100000Z\nDTEND:20261130T120000Z\nSUMMARY:ana\nRRULE:FREQ=MONTHLY;BYSETPOS=1;BYDAY=MO"): "repetition by BYSETPOS is not understood",
		calendar("DTSTART:20261130T100000Z\nDTEND:20261130T120000Z\nSUMMARY:ana\nRRULE:FREQ=DAILY;INTERVAL=0"):            "INTERVAL=0",
		calendar("DTSTART:20261130T100000Z\nDURATION:P\nSUMMARY:ana"):                                                     `"P" is no length of time`,
		strings.Repeat("BEGIN:VCALENDAR\n", 9):                                                                            "row 7: components are nested too deeply",
		strings.Repeat("x", rota.MaxFile+1):                                                                               "the file is too large: 8 MB at most",
	} {
		l := rota.Read([]byte(text), options("Europe/Lisbon"))
		if l.Wrong == 0 || len(l.Entries) > 0 || !strings.Contains(problems(l.Problems), want) {
			t.Errorf("%.80q: got %q, want %q", text, problems(l.Problems), want)
		}
	}
}

func TestEveryTextIsTranslated(t *testing.T) {
	l := rota.Read([]byte("person,from,until\nbea,x,y\n"), options("Europe/Lisbon"))
	if l.Wrong == 0 {
		t.Fatal("no problem")
	}
	for _, p := range l.Problems {
		if said := p.Detail.In(lang.Spanish); said == p.Detail.In(lang.English) {
			t.Errorf("%q is said in English", said)
		}
	}
}

func TestFormulasAreText(t *testing.T) {
	d := staff()
	d.People = append(d.People, rota.Somebody{ID: "prs_x", Slug: "x", Name: "X", External: "=1+1"})
	opts := options("Europe/Lisbon")
	opts.Directory = d
	l := rota.Read([]byte("person,from,until,ref\n=1+1,2026-11-30 09:00,2026-11-30 17:00,\"=HYPERLINK(\"\"http://x\"\")\"\n"), opts)
	if l.Wrong > 0 || len(l.Entries) != 1 || l.Noted != 2 || !strings.Contains(problems(l.Notes), "looks like a formula and was taken as text") {
		t.Errorf("%v %s %s", l.Entries, problems(l.Problems), problems(l.Notes))
	}
}

// TestClockChanges goes through both nights of several zones: a shift from 22:00
// to 06:00 begins and ends by the clocks, and one that begins or ends in the
// hour that is left out or shown twice is as long as can be meant.
func TestClockChanges(t *testing.T) {
	for _, c := range []struct {
		zone, date, start, end string
		from, until            string
	}{
		{"Europe/Lisbon", "2026-10-24", "22:00", "06:00", "2026-10-24T21:00:00Z", "2026-10-25T06:00:00Z"}, // nine hours
		{"Europe/Lisbon", "2027-03-27", "22:00", "06:00", "2027-03-27T22:00:00Z", "2027-03-28T05:00:00Z"}, // seven
		{"Europe/Lisbon", "2026-10-25", "01:30", "06:00", "2026-10-25T00:30:00Z", "2026-10-25T06:00:00Z"}, // the first 01:30
		{"Europe/Lisbon", "2026-10-24", "20:00", "01:30", "2026-10-24T19:00:00Z", "2026-10-25T01:30:00Z"}, // the last 01:30
		{"Europe/Lisbon", "2027-03-28", "01:30", "06:00", "2027-03-28T01:00:00Z", "2027-03-28T05:00:00Z"}, // no 01:30: at the jump
		{"Europe/Madrid", "2026-10-24", "22:00", "06:00", "2026-10-24T20:00:00Z", "2026-10-25T05:00:00Z"},
		{"America/New_York", "2026-10-31", "22:00", "06:00", "2026-11-01T02:00:00Z", "2026-11-01T11:00:00Z"},
		{"America/New_York", "2027-03-13", "22:00", "06:00", "2027-03-14T03:00:00Z", "2027-03-14T10:00:00Z"},
		{"America/New_York", "2027-03-14", "02:30", "06:00", "2027-03-14T07:00:00Z", "2027-03-14T10:00:00Z"},
		{"Australia/Lord_Howe", "2026-10-03", "22:00", "06:00", "2026-10-03T11:30:00Z", "2026-10-03T19:00:00Z"}, // half an hour
		{"Australia/Lord_Howe", "2027-04-03", "22:00", "06:00", "2027-04-03T11:00:00Z", "2027-04-03T19:30:00Z"},
		{"America/Santiago", "2026-09-06", "00:15", "06:00", "2026-09-06T04:00:00Z", "2026-09-06T09:00:00Z"}, // no midnight
		{"Asia/Kolkata", "2026-10-25", "22:00", "06:00", "2026-10-25T16:30:00Z", "2026-10-26T00:30:00Z"},
	} {
		opts := options(c.zone)
		opts.Directory.Sites[0].Zone = c.zone
		l := rota.Read([]byte("person,date,start,end\nana,"+c.date+","+c.start+","+c.end+"\n"), opts)
		if len(l.Entries) != 1 {
			t.Fatalf("%+v: %s", c, problems(l.Problems))
		}
		e := l.Entries[0]
		if from, until := e.From.Format(time.RFC3339), e.Until.Format(time.RFC3339); from != c.from || until != c.until {
			t.Errorf("%s %s %s–%s: %s–%s, want %s–%s", c.zone, c.date, c.start, c.end, from, until, c.from, c.until)
		}
		// The same night out of a weekly calendar.
		day := strings.ReplaceAll(c.date, "-", "")
		first, _ := time.Parse("20060102", day)
		first = first.AddDate(0, 0, -14)
		last := first
		if c.end <= c.start {
			last = last.AddDate(0, 0, 1)
		}
		opts.Now = e.From.Add(-time.Hour)
		opts.Window = 24 * time.Hour
		text := calendar(fmt.Sprintf("UID:1\nSUMMARY:ana\nRRULE:FREQ=WEEKLY\nDTSTART;TZID=%s:%sT%s00\nDTEND;TZID=%s:%sT%s00", c.zone,
			first.Format("20060102"), strings.ReplaceAll(c.start, ":", ""), c.zone, last.Format("20060102"), strings.ReplaceAll(c.end, ":", "")))
		got := rota.Read([]byte(text), opts)
		if len(got.Entries) != 1 || !got.Entries[0].From.Equal(e.From) {
			t.Errorf("%s %s weekly: %v %s, want %s", c.zone, c.date, told(got), problems(got.Problems), c.from)
		} else if hm := got.Entries[0].Until; !hm.Equal(e.Until) && c.start != "01:30" && c.start != "02:30" && c.start != "00:15" {
			t.Errorf("%s %s weekly ends %s, want %s", c.zone, c.date, hm.Format(time.RFC3339), c.until)
		}
	}
}

func TestListSpeaksForItsDays(t *testing.T) {
	l := rota.Read([]byte("person,date,start,end\nana,2026-11-30,9:00,10:00\nana,2026-12-02,9:00,10:00\n"), options("Europe/Madrid"))
	if got := l.From.Format(time.RFC3339) + " " + l.Until.Format(time.RFC3339); got != "2026-11-29T23:00:00Z 2026-12-02T23:00:00Z" {
		t.Error(got)
	}
}

func TestOverlapsAreNoted(t *testing.T) {
	l := rota.Read([]byte("person,date,start,end\nana,2026-11-30,9:00,14:00\nana,2026-11-30,13:00,17:00\ngoncalo,2026-11-30,13:00,17:00\n"), options("Europe/Lisbon"))
	if l.Wrong > 0 || l.Noted != 1 || l.Notes[0].Row != 3 {
		t.Errorf("%s %s", problems(l.Problems), problems(l.Notes))
	}
}
