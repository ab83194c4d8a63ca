// SPDX-License-Identifier: Apache-2.0

package reach_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/internal/access"
	"github.com/sashlock/sashlock/internal/estate"
	"github.com/sashlock/sashlock/internal/flow"
	"github.com/sashlock/sashlock/internal/lang"
	"github.com/sashlock/sashlock/internal/reach"
)

var now = time.Date(2026, 11, 22, 10, 0, 0, 0, time.UTC) // a Sunday

func world(t interface{ Fatal(...any) }, grants ...sashlock.Grant) reach.Facts {
	weekdays := []time.Weekday{1, 2, 3, 4, 5}
	book, err := flow.NewBook(access.Facts{
		Sites: []sashlock.Site{{ID: "site_1", Slug: "lisbon", Name: "Lisbon", Zone: "Europe/Lisbon"}},
		Areas: []sashlock.Area{{ID: "area_1", Slug: "watches", Name: "Watches", Site: "site_1"}},
		Openings: []sashlock.Opening{
			{ID: "opn_1", Slug: "case-1", Name: "Case 1", Kind: sashlock.Case, Site: "site_1", Area: "area_1"},
			{ID: "opn_2", Slug: "cage", Name: "Cage", Kind: sashlock.Cage, Site: "site_1", Class: sashlock.High},
		},
		People: []sashlock.Person{
			{ID: "prs_1", Slug: "ana", Name: "Ana", Roles: []sashlock.RoleID{"role_1"}},
			{ID: "prs_2", Slug: "bob", Name: "Bob"},
		},
		Roles: []sashlock.Role{{ID: "role_1", Slug: "sales", Name: "Sales"}},
		Schedules: []sashlock.Schedule{
			{ID: "sch_1", Slug: "shift", Name: "Shift", Weekly: []sashlock.Period{{Days: weekdays, From: 540, Until: 1020}}},
			{ID: "sch_2", Slug: "night", Name: "Night", Weekly: []sashlock.Period{{Days: []time.Weekday{6}, From: 1320, Until: 360}}},
		},
		Grants: grants,
	}, nil)
	if err != nil {
		t.Fatal(err)
	}
	return reach.New(book, grants)
}

func say(f reach.Facts, g sashlock.Grant) string { return f.Sentence(g).In(lang.English) }

func TestSentences(t *testing.T) {
	f := world(t)
	for _, c := range []struct {
		g    sashlock.Grant
		want string
	}{
		{sashlock.Grant{Role: "role_1", Area: "area_1", Schedule: "sch_1", Until: time.Date(2026, 12, 1, 0, 0, 0, 0, time.UTC)},
			"Everyone in Sales may open everything in Watches, Mon–Fri 09:00–17:00 by Shift (Europe/Lisbon), until the end of 30 Nov 2026"},
		{sashlock.Grant{Person: "prs_1", Opening: "opn_1", From: time.Date(2026, 7, 1, 8, 30, 0, 0, time.UTC)}, "Ana may open Case 1, at any time, from 1 Jul 2026, 09:30"},
		{sashlock.Grant{Person: "prs_9", Site: "site_9", Schedule: "sch_9"}, "Nobody may open nothing, never"},
		{sashlock.Grant{Person: "prs_1", Site: "site_1", Until: time.Date(2026, 10, 25, 1, 30, 0, 0, time.UTC)},
			"Ana may open everything at Lisbon, at any time, until 25 Oct 2026, 01:30, when clocks show it for the second time"},
	} {
		if got := say(f, c.g); got != c.want {
			t.Errorf("%s\nwant %s", got, c.want)
		}
	}
}

// The names of a sentence are told from its words, whatever they are.
func TestNamesAreNotWords(t *testing.T) {
	f := world(t)
	p := f.People["prs_1"]
	p.Name = "may open %s \U000F0001"
	f.People["prs_1"] = p
	var links []string
	for _, one := range f.Sentence(sashlock.Grant{Person: "prs_1", Opening: "opn_1"}).Pieces(lang.Spanish) {
		if one.Of.Kind != "" {
			links = append(links, one.Of.Ref+" "+one.Text)
		}
	}
	if want := []string{"ana " + p.Name, "case-1 Case 1"}; !cmp.Equal(links, want) {
		t.Errorf("%q", links)
	}
}

func drawn(t *rapid.T) sashlock.Grant {
	g := sashlock.Grant{Slug: "g"}
	pick := func(label string, n int) int { return rapid.IntRange(0, n).Draw(t, label) }
	if pick("who", 1) == 0 {
		g.Person = sashlock.PersonID([]string{"prs_1", "prs_2"}[pick("person", 1)])
	} else {
		g.Role = "role_1"
	}
	switch pick("what", 2) {
	case 0:
		g.Opening = sashlock.OpeningID([]string{"opn_1", "opn_2"}[pick("opening", 1)])
	case 1:
		g.Area = "area_1"
	default:
		g.Site = "site_1"
	}
	g.Schedule = sashlock.ScheduleID([]string{"", "sch_1", "sch_2"}[pick("schedule", 2)])
	at := func(label string) time.Time {
		return time.Unix(int64(rapid.IntRange(1_700_000_000, 1_900_000_000).Draw(t, label)), 0).UTC()
	}
	if pick("starts", 1) == 1 {
		g.From = at("from")
	}
	if pick("ends", 1) == 1 {
		g.Until = at("until")
		if !g.From.IsZero() && !g.From.Before(g.Until) {
			g.Until = g.From.Add(time.Second)
		}
	}
	return g
}

// A grant that is written as YAML and read again says the same sentence, and two
// grants say the same only if their YAML is the same.
func TestSentenceAndYAMLAgree(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		f := world(t)
		write := func(g sashlock.Grant) string {
			text, err := estate.Marshal(estate.File{Grants: []estate.Grant{estate.FromGrant(g, f.Ref)}})
			if err != nil {
				t.Fatal(err)
			}
			return string(text)
		}
		a, b := drawn(t), drawn(t)
		file, err := estate.Parse([]byte(write(a)))
		if err != nil {
			t.Fatal(err)
		}
		again, problems := file.Grants[0].Resolve(f.Find)
		if len(problems) > 0 || say(f, again) != say(f, a) {
			t.Fatalf("%q became %q, %v", say(f, a), say(f, again), problems)
		}
		if (write(a) == write(b)) != (say(f, a) == say(f, b)) {
			t.Fatalf("%s%s: %q, %q", write(a), write(b), say(f, a), say(f, b))
		}
	})
}

// What the preview says is what the index decides.
func TestAheadIsWhatIsDecided(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		g := drawn(t)
		g.ID = "grt_1"
		f := world(t, g)
		at := time.Unix(int64(rapid.IntRange(1_700_000_000, 1_900_000_000).Draw(t, "now")), 0)
		allowed, refused := f.Ahead(g, at, 3)
		if len(allowed)+len(refused) == 0 {
			t.Fatal("nothing is said")
		}
		holder, target := f.Holders(g)[0].ID, f.Targets(g)[0].ID
		check := func(list []reach.Stretch, want bool) {
			for _, s := range list {
				end := s.End
				if end.IsZero() {
					end = s.Start.Add(1000 * time.Hour)
					if want && g.Schedule != "" {
						continue
					}
				}
				for _, when := range []time.Time{s.Start, s.Start.Add(end.Sub(s.Start) / 2).Truncate(time.Second), end.Add(-time.Second)} {
					if got := f.Index.Could(sashlock.Request{Person: holder, Opening: target, At: when}, sashlock.Normal).Granted; got != want {
						t.Fatalf("%s: at %v it says %v, decided %v", say(f, g), when, want, got)
					}
				}
			}
		}
		check(allowed, true)
		check(refused, false)
	})
}

func TestEffect(t *testing.T) {
	standing := sashlock.Grant{ID: "grt_1", Slug: "ana", Person: "prs_1", Opening: "opn_1"}
	f := world(t, standing)
	e, err := f.Effect([]sashlock.Grant{{ID: "grt_2", Role: "role_1", Site: "site_1", Schedule: "sch_1"}}, nil, now)
	if err != nil || len(e.Loss) != 0 || !cmp.Equal(e.Gain, []reach.Pair{{Person: "prs_1", Opening: "opn_2"}}) || e.Fresh != 0 {
		t.Errorf("%+v, %v", e, err)
	}
	e, err = f.Effect([]sashlock.Grant{{ID: "grt_2", Role: "role_1", Area: "area_1"}}, nil, now)
	if err != nil || !e.Nothing() || !cmp.Equal(e.Covered, []sashlock.GrantID{"grt_1"}) {
		t.Errorf("%+v, %v", e, err)
	}
	e, err = f.Effect([]sashlock.Grant{{ID: "grt_1", Person: "prs_2", Opening: "opn_1"}}, nil, now)
	if err != nil || len(e.Loss) != 1 || len(e.Gain) != 1 || e.Fresh != 1 {
		t.Errorf("%+v, %v", e, err)
	}
	e, err = f.Effect(nil, []sashlock.Grant{standing}, now)
	if err != nil || len(e.Loss) != 1 || len(e.Gain) != 0 {
		t.Errorf("%+v, %v", e, err)
	}
	if over := f.Overlaps(sashlock.Grant{ID: "grt_9", Role: "role_1", Site: "site_1"}); len(over) != 1 || !f.High(sashlock.Grant{Site: "site_1"}) || f.High(standing) {
		t.Errorf("overlaps %v", over)
	}
}

func TestClocksThatChange(t *testing.T) {
	zone, err := time.LoadLocation("Europe/Lisbon")
	if err != nil {
		t.Fatal(err)
	}
	if _, gap, again, err := reach.Read("2027-03-28T01:30", zone); !gap || again || err != nil {
		t.Error("a gap is not seen")
	}
	at, gap, again, err := reach.Read("2027-10-31T01:30", zone)
	if gap || !again || err != nil || at.UTC().Hour() != 0 {
		t.Errorf("a time that comes twice: %v", at)
	}
	for _, bad := range []string{"", "x", "2027-02-30T01:00", strings.Repeat("9", 400)} {
		if _, _, _, err := reach.Read(bad, zone); err == nil {
			t.Errorf("%.20q is read", bad)
		}
	}
	f := world(t)
	saturday := time.Date(2027, 3, 27, 12, 0, 0, 0, time.UTC) // clocks change that night
	allowed, _ := f.Ahead(sashlock.Grant{Person: "prs_1", Site: "site_1", Schedule: "sch_2"}, saturday, 2)
	if len(allowed) != 2 || !allowed[0].Clocks || allowed[1].Clocks {
		t.Errorf("%+v", allowed)
	}
}
