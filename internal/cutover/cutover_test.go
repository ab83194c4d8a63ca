// SPDX-License-Identifier: Apache-2.0

package cutover_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/internal/access"
	"github.com/sashlock/sashlock/internal/cutover"
	"github.com/sashlock/sashlock/internal/flow"
	"github.com/sashlock/sashlock/internal/store"
	"github.com/sashlock/sashlock/internal/wiegand"
)

var noon = time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)

// Logs of several systems say the same.
func TestLogsOfSeveralSystems(t *testing.T) {
	for name, text := range map[string]string{
		"our own words":   "time,card,person,door,result\n2026-11-20 12:00:00,12:34567,Ana Costa,Vault,granted\n2026-11-20T12:05:00Z,,Ben,Vault,refused\n",
		"semicolons":      "Event Time;Card Number;Cardholder Name;Reader Name;Event Type\n20.11.2026 12:00:00;12:34567;Ana Costa;Vault;Access Granted\n20.11.2026 12:05:00;;Ben;Vault;Access Denied: Unknown\n",
		"day and clock":   "Fecha;Hora;Tarjeta;Nombre;Puerta;Resultado\n20/11/2026;12:00:00;12:34567;Ana Costa;Vault;Concedido\n20/11/2026;12:05:00;;Ben;Vault;Denegado\n",
		"month first":     "Date,Time,Badge,Name,Door,Access\n11/20/2026,12:00:00 PM,12:34567,Ana Costa,Vault,Yes\n11/20/2026,12:05:00 PM,,Ben,Vault,No\n",
		"among others":    "timestamp,card,user,door,event\n2026-11-20 12:00:00,12:34567,Ana Costa,Vault,Valid card - access granted\n2026-11-20 12:01:00,,,Vault,Door held open\n2026-11-20 12:05:00,,Ben,Vault,Access not granted\n",
		"UTF-16":          utf16("time\tcard\tperson\tdoor\tresult\r\n2026-11-20 12:00:00\t12:34567\tAna Costa\tVault\t1\r\n2026-11-20 12:05:00\t\tBen\tVault\t0\r\n"),
		"numbers as text": "time,card,person,door,result\n2026-11-20 12:00:00,'12:34567,Ana Costa,Vault,granted\n2026-11-20 12:05:00,,Ben,Vault,denied\n",
	} {
		t.Run(name, func(t *testing.T) {
			got := cutover.Read([]byte(text), time.UTC)
			if got.Wrong > 0 || len(got.Lines) != 2 {
				t.Fatalf("%d lines, problems %v", len(got.Lines), got.Problems)
			}
			for i := range got.Lines {
				got.Lines[i].Row = 0
			}
			want := []cutover.Line{{At: noon, Card: "12:34567", Person: "Ana Costa", Door: "Vault", Granted: true}, {At: noon.Add(5 * time.Minute), Person: "Ben", Door: "Vault"}}
			if diff := cmp.Diff(want, got.Lines); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func utf16(s string) string {
	out := "\xff\xfe"
	for _, c := range []byte(s) {
		out += string([]byte{c, 0})
	}
	return out
}

// What cannot be read says where and why, and nothing of the file is compared.
func TestLogsThatCannotBeRead(t *testing.T) {
	const head = "time,card,door,result\n"
	for name, c := range map[string]struct{ text, where, what string }{
		"nothing":       {"", "", "empty"},
		"a workbook":    {"PK\x03\x04\x00\x00", "row 1", "no text"},
		"no who":        {"time,door,result\n", "row 1", "who it was"},
		"no where":      {"time,card,result\n", "row 1", "where it was"},
		"no outcome":    {"time,card,door\n", "row 1", "whether it opened"},
		"no time":       {"card,door,result\n", "row 1", "when it was"},
		"a wrong time":  {head + "yesterday,1,V,granted\n", "row 2, column time", "not a time"},
		"a wrong year":  {head + "0026-11-20 12:00,1,V,granted\n", "row 2, column time", "not a time"},
		"two ways":      {head + "3/4/2026 12:00,1,V,granted\n", "row 2", "two ways"},
		"no door":       {head + "2026-11-20 12:00,1,,granted\n", "row 2, column door", "empty"},
		"a cell short":  {head + "2026-11-20 12:00,1\n", "row 2", "2 cells"},
		"a lost quote":  {head + "2026-11-20 12:00,\"1,V,granted\n", "row 2", "quotation mark"},
		"a million":     {head + strings.Repeat("x,1,V,granted\n", 1_000_000), "the file", "more than 100000 rows"},
		"too large":     {head + strings.Repeat("x", cutover.MaxLog), "the file", "more than 32 MB"},
		"mixed slashes": {head + "20/11/2026 12:00,1,V,granted\n11/20/2026 12:00,1,V,granted\n", "row 2", "two ways"},
	} {
		t.Run(name, func(t *testing.T) {
			got := cutover.Read([]byte(c.text), time.UTC)
			if got.Wrong == 0 || len(got.Lines) > 0 {
				t.Fatalf("it was read: %d lines", len(got.Lines))
			}
			if p := got.Problems[0].String(); !strings.Contains(p, c.where) || !strings.Contains(p, c.what) {
				t.Errorf("it says %q, want %q and %q", p, c.where, c.what)
			}
		})
	}
}

// entries is a ledger with some decisions.
type entries []sashlock.Event

func (all entries) Events(_ context.Context, q store.EventQuery) (some []sashlock.Event, _ error) {
	for _, e := range all {
		if e.Seq >= q.From && e.Opening == q.Opening && !e.Heard.Before(q.Since) && e.Heard.Before(q.Until) && len(some) < q.Limit {
			some = append(some, e)
		}
	}
	return some, nil
}

// aBook is a store with two openings, and three people, of whom ana may open the
// vault in the mornings.
func aBook(t *testing.T) *flow.Book {
	t.Helper()
	from, _ := sashlock.ParseTimeOfDay("06:00")
	until, _ := sashlock.ParseTimeOfDay("12:30")
	book, err := flow.NewBook(access.Facts{
		Sites: []sashlock.Site{{ID: "site_1", Slug: "store", Zone: "UTC"}},
		Openings: []sashlock.Opening{
			{ID: "opn_vault", Slug: "vault", Name: "Vault", Site: "site_1", Trial: true}, {ID: "opn_till", Slug: "till-1", Name: "Till", Site: "site_1"},
			{ID: "opn_a", Slug: "a", Name: "Twin", Site: "site_1"}, {ID: "opn_b", Slug: "b", Name: "Twin", Site: "site_1"},
		},
		People: []sashlock.Person{{ID: "prs_ana", Slug: "ana", Name: "Ana Costa"}, {ID: "prs_ben", Slug: "ben", Name: "Ben"}, {ID: "prs_ben2", Slug: "ben-2", Name: "Ben"}},
		Schedules: []sashlock.Schedule{{ID: "sch_1", Slug: "am", Weekly: []sashlock.Period{{
			Days: []time.Weekday{0, 1, 2, 3, 4, 5, 6}, From: from, Until: until,
		}}}},
		Grants: []sashlock.Grant{{ID: "grt_1", Slug: "g", Person: "prs_ana", Site: "site_1", Schedule: "sch_1"}},
	}, nil)
	if err != nil {
		t.Fatal(err)
	}
	return book
}

func TestCompare(t *testing.T) {
	book := aBook(t)
	card, err := wiegand.Formats()[0].Encode(12, 34567)
	if err != nil {
		t.Fatal(err)
	}
	line := func(row int, after time.Duration, card, person, door string, granted bool) cutover.Line {
		return cutover.Line{Row: row, At: noon.Add(after), Card: card, Person: person, Door: door, Granted: granted}
	}
	lines := []cutover.Line{
		line(2, 0, "12:34567", "", "Vault", true),                // agree, by the card
		line(3, time.Minute, "1234567", "", "VAULT", true),       // as a controller writes it
		line(4, time.Hour, "12:34567", "", "Vault", true),        // stricter: out of hours
		line(5, 0, "99:1", "", "Vault", true),                    // stricter: nobody's card
		line(6, 0, "99:1", "", "Vault", false),                   // agree: nobody's card
		line(7, 10*time.Minute, "", "Ana Costa", "Tür 7", false), // looser, at a door with a name of its own
		line(8, 0, "", "Ben", "Vault", true),                     // stricter: two are called so
		line(9, 2*time.Minute, "", "ana", "Vault", true),         // stricter: it was refused here at that moment
		line(10, 2*time.Minute, "", "ana", "Vault", true),        // agree: that decision counts once
		line(11, 0, "", "ana", "Twin", true),                     // not known: two are called so
		line(12, 0, "", "ana", "Loading dock", true),             // not known
		line(13, 0, "", "ana", "Loading dock", false),            // not known
	}
	ledger := entries{
		{Seq: 1, Kind: sashlock.AccessDenied, Opening: "opn_vault", Person: "prs_ana", Heard: noon.Add(2*time.Minute + 10*time.Second), Reason: sashlock.GuardRail, Rule: "night", Decision: "dec_1"},
		{Seq: 2, Kind: sashlock.AccessDenied, Opening: "opn_vault", Person: "prs_ana", Heard: noon.Add(5 * time.Minute), Reason: sashlock.GuardRail, Decision: "dec_2"},
	}
	got, err := cutover.Compare(t.Context(), ledger, book, lines, cutover.Options{
		Doors: map[string]string{"Tür 7": "till-1"},
		Whose: func(_ context.Context, b wiegand.Bits) (sashlock.PersonID, bool, error) {
			return "prs_ana", b == card, nil
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	var differ []string
	for _, d := range got.Differ {
		differ = append(differ, fmt.Sprint(d.Row, " ", d.Person, " ", d.Granted, " ", d.Reason, " ", d.Decision))
	}
	if diff := cmp.Diff([]string{
		"4 prs_ana true not_permitted_at_this_time ", "5  true unknown_credential ", "7 prs_ana false permitted ", "8  true unknown_person ", "9 prs_ana true guard_rail dec_1",
	}, differ); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(cutover.Tally{Lines: 9, Recorded: 1, Agree: 4, Stricter: 4, Looser: 1}, got.Tally); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]cutover.Door{{"Loading dock", 2}, {"Twin", 1}}, got.Doors); diff != "" || got.NotCompared != 3 {
		t.Error(diff, got.NotCompared)
	}
	if got.Openings[0].Opening != "opn_vault" || got.Openings[0].Stricter != 4 || got.Openings[1].Looser != 1 {
		t.Errorf("by opening: %+v", got.Openings)
	}
	if !got.From.Equal(noon) || !got.Until.Equal(noon.Add(time.Hour)) {
		t.Errorf("from %s until %s", got.From, got.Until)
	}
}

// Nobody is told of openings that they may not see.
func TestCompareShowsNothingOfOthers(t *testing.T) {
	got, err := cutover.Compare(t.Context(), entries{}, aBook(t), []cutover.Line{{Row: 2, At: noon, Person: "ana", Door: "vault", Granted: true}, {Row: 3, At: noon, Person: "ana", Door: "Other", Granted: true}},
		cutover.Options{Doors: map[string]string{"Other": "vault"}, Sees: func(sashlock.SiteID, sashlock.AreaID) bool { return false }})
	if err != nil || got.Lines != 0 || len(got.Differ) > 0 || got.NotCompared != 2 {
		t.Errorf("%+v, %v", got, err)
	}
}

func TestReadDoors(t *testing.T) {
	doors, wrong := cutover.ReadDoors("Front door = door-1\r\n\n Tür=till\nnothing\n=x\n")
	if diff := cmp.Diff(map[string]string{"Front door": "door-1", "Tür": "till"}, doors); diff != "" || len(wrong) != 2 {
		t.Error(diff, wrong)
	}
}

func FuzzRead(f *testing.F) {
	f.Add("time,card,door,result\n2026-11-20 12:00,1,V,granted\n")
	f.Add("Date;Time;Card;Door;Event\n3/4/2026;1:00 PM;=1+1;V;denied\n")
	f.Add("\xff\xfet\x00i\x00")
	f.Fuzz(func(t *testing.T, text string) {
		got := cutover.Read([]byte(text), time.UTC)
		if got.Wrong > 0 && len(got.Lines) > 0 {
			t.Error("with problems there are no lines")
		}
		for _, l := range got.Lines {
			if l.At.IsZero() || l.Door == "" || l.Card+l.Person == "" {
				t.Errorf("half a line: %+v", l)
			}
		}
	})
}
