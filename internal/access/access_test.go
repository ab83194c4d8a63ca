// SPDX-License-Identifier: Apache-2.0

package access_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/internal/access"
)

// shop is a small store in Lisbon: Ana is an associate with a grant of her own,
// Rui has two roles, Eva is suspended. A case lies in an area of the site.
func shop() access.Facts {
	weekdays := []time.Weekday{1, 2, 3, 4, 5}
	return access.Facts{
		Sites:    []sashlock.Site{{ID: "site_1", Name: "Chiado", Zone: "Europe/Lisbon"}, {ID: "site_2", Name: "Lost", Zone: "Atlantis/Poseidonis"}},
		Areas:    []sashlock.Area{{ID: "area_floor", Name: "Sales floor", Site: "site_1"}},
		Openings: []sashlock.Opening{{ID: "opn_case", Name: "Case 3", Site: "site_1", Area: "area_floor"}, {ID: "opn_lost", Site: "site_2"}, {ID: "opn_nowhere", Site: "site_9"}},
		Roles:    []sashlock.Role{{ID: "role_associate", Name: "Associate"}, {ID: "role_manager", Name: "Manager"}},
		People: []sashlock.Person{
			{ID: "prs_ana", Name: "Ana Lopes", Roles: []sashlock.RoleID{"role_associate"}},
			{ID: "prs_rui", Roles: []sashlock.RoleID{"role_manager", "role_associate"}},
			{ID: "prs_eva", Suspended: true},
			{ID: "prs_leo", From: lisbon("2026-11-20 08:00"), Until: lisbon("2026-11-27 18:00")},
		},
		Schedules: []sashlock.Schedule{
			{ID: "sch_day", Name: "Store hours", Weekly: []sashlock.Period{{Days: weekdays, From: 9 * 60, Until: 17 * 60}}},
			{ID: "sch_bad", Name: "Broken", Weekly: []sashlock.Period{{From: 9 * 60, Until: 17 * 60}}},
			{ID: "sch_never", Name: "Never"},
		},
	}
}

func lisbon(s string) time.Time {
	place, err := time.LoadLocation("Europe/Lisbon")
	if err != nil {
		panic(err)
	}
	t, err := time.ParseInLocation("2006-01-02 15:04", s, place)
	if err != nil {
		panic(err)
	}
	return t
}

func mustNew(t testing.TB, f access.Facts) *access.Index {
	t.Helper()
	ix, err := access.New(f)
	if err != nil {
		t.Fatal(err)
	}
	return ix
}

func ask(person, opening, at string) sashlock.Request {
	return sashlock.Request{Person: sashlock.PersonID(person), Opening: sashlock.OpeningID(opening), At: lisbon(at)}
}

// TestReasons has a case for every reason, and for every doubt that must
// refuse.
func TestReasons(t *testing.T) {
	const monday, sunday = "2026-11-23 10:00", "2026-11-22 10:00"
	open := sashlock.Grant{ID: "grt_1", Person: "prs_ana", Opening: "opn_case", Schedule: "sch_day"}
	with := func(change func(*sashlock.Grant)) []sashlock.Grant {
		g := open
		change(&g)
		return []sashlock.Grant{g}
	}
	same := func(*sashlock.Grant) {}
	for _, c := range []struct {
		name   string
		grants []sashlock.Grant
		req    sashlock.Request
		mode   sashlock.Mode
		want   access.Verdict
	}{
		{"within the schedule", with(same), ask("prs_ana", "opn_case", monday), "", access.Verdict{Granted: true, Reason: sashlock.Permitted, Grant: "grt_1"}},
		{"held unlocked decides like normal", with(same), ask("prs_ana", "opn_case", monday), sashlock.HeldUnlocked, access.Verdict{Granted: true, Reason: sashlock.Permitted, Grant: "grt_1"}},
		{"first minute", with(same), ask("prs_ana", "opn_case", "2026-11-23 09:00"), "", access.Verdict{Granted: true, Reason: sashlock.Permitted, Grant: "grt_1"}},
		{"last minute is over", with(same), ask("prs_ana", "opn_case", "2026-11-23 17:00"), "", access.Verdict{Reason: sashlock.NotPermittedAtThisTime, Grant: "grt_1"}},
		{"Sunday", with(same), ask("prs_ana", "opn_case", sunday), "", access.Verdict{Reason: sashlock.NotPermittedAtThisTime, Grant: "grt_1"}},
		{"unknown opening", with(same), ask("prs_ana", "opn_9", monday), "", access.Verdict{Reason: sashlock.UnknownOpening}},
		{"opening at an unknown site", with(func(g *sashlock.Grant) { g.Opening, g.Schedule = "opn_nowhere", "" }), ask("prs_ana", "opn_nowhere", monday), "", access.Verdict{Reason: sashlock.UnknownOpening}},
		{"unknown person", with(same), ask("prs_9", "opn_case", monday), "", access.Verdict{Reason: sashlock.UnknownPerson}},
		{"suspended", with(func(g *sashlock.Grant) { g.Person = "prs_eva" }), ask("prs_eva", "opn_case", monday), "", access.Verdict{Reason: sashlock.PersonSuspended}},
		{"suspension comes before lockdown", nil, ask("prs_eva", "opn_case", monday), sashlock.LockedDown, access.Verdict{Reason: sashlock.PersonSuspended}},
		{"person before their time", nil, ask("prs_leo", "opn_case", "2026-11-20 07:59"), "", access.Verdict{Reason: sashlock.PersonNotYetValid}},
		{"person at their end", nil, ask("prs_leo", "opn_case", "2026-11-27 18:00"), "", access.Verdict{Reason: sashlock.PersonExpired}},
		{"locked down", with(same), ask("prs_ana", "opn_case", monday), sashlock.LockedDown, access.Verdict{Reason: sashlock.OpeningLockedDown}},
		{"blocked", with(same), ask("prs_ana", "opn_case", monday), sashlock.Blocked, access.Verdict{Reason: sashlock.OpeningBlocked}},
		{"a mode from the future", with(same), ask("prs_ana", "opn_case", monday), "sealed", access.Verdict{Reason: sashlock.OpeningBlocked}},
		{"no grant", nil, ask("prs_ana", "opn_case", monday), "", access.Verdict{Reason: sashlock.Unauthorized}},
		{"somebody else's grant", with(func(g *sashlock.Grant) { g.Person = "prs_rui" }), ask("prs_ana", "opn_case", monday), "", access.Verdict{Reason: sashlock.Unauthorized}},
		{"not begun", with(func(g *sashlock.Grant) { g.From = lisbon("2026-11-23 10:01") }), ask("prs_ana", "opn_case", monday), "", access.Verdict{Reason: sashlock.GrantNotYetValid, Grant: "grt_1"}},
		{"ended", with(func(g *sashlock.Grant) { g.Until = lisbon(monday) }), ask("prs_ana", "opn_case", monday), "", access.Verdict{Reason: sashlock.GrantExpired, Grant: "grt_1"}},
		{"missing schedule", with(func(g *sashlock.Grant) { g.Schedule = "sch_9" }), ask("prs_ana", "opn_case", monday), "", access.Verdict{Reason: sashlock.NotPermittedAtThisTime, Grant: "grt_1"}},
		{"unreadable schedule", with(func(g *sashlock.Grant) { g.Schedule = "sch_bad" }), ask("prs_ana", "opn_case", monday), "", access.Verdict{Reason: sashlock.NotPermittedAtThisTime, Grant: "grt_1"}},
		{"empty schedule", with(func(g *sashlock.Grant) { g.Schedule = "sch_never" }), ask("prs_ana", "opn_case", monday), "", access.Verdict{Reason: sashlock.NotPermittedAtThisTime, Grant: "grt_1"}},
		{"unknown zone", with(func(g *sashlock.Grant) { g.Opening = "opn_lost" }), ask("prs_ana", "opn_lost", monday), "", access.Verdict{Reason: sashlock.NotPermittedAtThisTime, Grant: "grt_1"}},
		{"unknown zone, no schedule", with(func(g *sashlock.Grant) { g.Opening, g.Schedule = "opn_lost", "" }), ask("prs_ana", "opn_lost", monday), "", access.Verdict{Granted: true, Reason: sashlock.Permitted, Grant: "grt_1"}},
		{"unknown role", with(func(g *sashlock.Grant) { g.Person, g.Role = "", "role_9" }), ask("prs_ana", "opn_case", monday), "", access.Verdict{Reason: sashlock.Unauthorized}},
		{"until the year 9999", with(func(g *sashlock.Grant) { g.Until = time.Date(9999, 12, 31, 0, 0, 0, 0, time.UTC) }), ask("prs_ana", "opn_case", monday), "", access.Verdict{Granted: true, Reason: sashlock.Permitted, Grant: "grt_1"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			f := shop()
			f.Grants = c.grants
			ix := mustNew(t, f)
			if got := ix.Decide(c.req, c.mode, nil); got != c.want {
				t.Errorf("got %+v, want %+v", got, c.want)
			}
			checkTable(t, ix, c.req, c.mode)
		})
	}
}

// TestWhichGrant gives Rui more and more grants, each of which must take the
// decision from those before.
func TestWhichGrant(t *testing.T) {
	rising := []sashlock.Grant{
		{ID: "grt_90", Role: "role_associate", Site: "site_1", Until: lisbon("2026-11-01 00:00")},
		{ID: "grt_80", Role: "role_associate", Site: "site_1", From: lisbon("2027-01-01 00:00")},
		{ID: "grt_70", Role: "role_associate", Site: "site_1", Schedule: "sch_never"},
		{ID: "grt_60", Role: "role_manager", Site: "site_1", Schedule: "sch_never"},
		{ID: "grt_61", Role: "role_manager", Area: "area_floor", Schedule: "sch_never"},
		{ID: "grt_62", Role: "role_manager", Opening: "opn_case", Schedule: "sch_never"},
		{ID: "grt_63", Person: "prs_rui", Site: "site_1", Schedule: "sch_never"},
		{ID: "grt_51", Role: "role_associate", Site: "site_1"},
		{ID: "grt_50", Role: "role_associate", Site: "site_1"},
		{ID: "grt_52", Role: "role_associate", Area: "area_floor"},
		{ID: "grt_53", Role: "role_manager", Site: "site_1"},
		{ID: "grt_54", Person: "prs_rui", Site: "site_1"},
		{ID: "grt_55", Person: "prs_rui", Opening: "opn_case", Schedule: "sch_day"},
	}
	ix := mustNew(t, shop())
	req := ask("prs_rui", "opn_case", "2026-11-23 10:00")
	for _, g := range rising {
		var err error
		if ix, err = ix.With(access.Change{Put: access.Facts{Grants: []sashlock.Grant{g}}}); err != nil {
			t.Fatal(err)
		}
		if got := ix.Decide(req, "", nil).Grant; got != g.ID {
			t.Errorf("with %s the decision names %s", g.ID, got)
		}
	}
}

func TestNewRefuses(t *testing.T) {
	good := sashlock.Grant{ID: "grt_1", Person: "prs_ana", Opening: "opn_case"}
	grant := func(change func(*sashlock.Grant)) func(*access.Facts) {
		return func(f *access.Facts) {
			g := good
			change(&g)
			f.Grants = append(f.Grants, g)
		}
	}
	for _, c := range []struct {
		name   string
		spoil  func(*access.Facts)
		inWith bool // With refuses it too
	}{
		{"no identifier", grant(func(g *sashlock.Grant) { g.ID = "" }), true},
		{"too long an identifier", grant(func(g *sashlock.Grant) { g.ID = sashlock.GrantID(strings.Repeat("x", 128)) }), true},
		{"two subjects", grant(func(g *sashlock.Grant) { g.Role = "role_manager" }), true},
		{"no subject", grant(func(g *sashlock.Grant) { g.Person = "" }), true},
		{"no target", grant(func(g *sashlock.Grant) { g.Opening = "" }), true},
		{"two targets", grant(func(g *sashlock.Grant) { g.Site = "site_1" }), true},
		{"person without identifier", func(f *access.Facts) { f.People = append(f.People, sashlock.Person{}) }, true},
		{"schedule without identifier", func(f *access.Facts) { f.Schedules = append(f.Schedules, sashlock.Schedule{}) }, true},
		{"grant twice", func(f *access.Facts) { f.Grants = append(f.Grants, good, good) }, false},
		{"opening twice", func(f *access.Facts) { f.Openings = append(f.Openings, f.Openings[0]) }, false},
		{"site twice", func(f *access.Facts) { f.Sites = append(f.Sites, f.Sites[0]) }, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			f := shop()
			c.spoil(&f)
			if _, err := access.New(f); !sashlock.IsKind(err, sashlock.Invalid) {
				t.Errorf("New: got error %v, want one of kind invalid", err)
			}
			if _, err := mustNew(t, shop()).With(access.Change{Put: f}); (err != nil) != c.inWith {
				t.Errorf("With: got error %v, want one: %v", err, c.inWith)
			}
		})
	}
}

// TestZeroIndex checks that an index without facts refuses and can be changed.
func TestZeroIndex(t *testing.T) {
	empty := new(access.Index)
	req := ask("prs_ana", "opn_case", "2026-11-23 10:00")
	if got := empty.Decide(req, "", nil); got.Granted || got.Reason != sashlock.UnknownOpening {
		t.Errorf("an empty index says %+v", got)
	}
	if empty.WhoCanOpen("opn_case", req.At) != nil || empty.WhatCanOpen("prs_ana", req.At) != nil {
		t.Error("an empty index knows somebody who can open something")
	}
	f := shop()
	f.Grants = []sashlock.Grant{{ID: "grt_1", Person: "prs_ana", Site: "site_1"}}
	ix, err := empty.With(access.Change{Put: f})
	if err != nil {
		t.Fatal(err)
	}
	if got := ix.Decide(req, "", nil); !got.Granted {
		t.Errorf("after a change the index says %+v", got)
	}
}

// TestSchedulesAreCopied changes a schedule after it was compiled and adds a
// site in another zone, which compiles it again.
func TestSchedulesAreCopied(t *testing.T) {
	f := shop()
	f.Grants = []sashlock.Grant{{ID: "grt_1", Person: "prs_ana", Opening: "opn_sydney", Schedule: "sch_day"}}
	ix := mustNew(t, f)
	f.Schedules[0].Weekly[0].From = 0
	f.Schedules[0].Weekly[0].Days[0] = time.Sunday
	ix, err := ix.With(access.Change{Put: access.Facts{
		Sites:    []sashlock.Site{{ID: "site_3", Zone: "Australia/Sydney"}},
		Openings: []sashlock.Opening{{ID: "opn_sydney", Site: "site_3"}},
	}})
	if err != nil {
		t.Fatal(err)
	}
	sydney, err := time.LoadLocation("Australia/Sydney")
	if err != nil {
		t.Fatal(err)
	}
	req := sashlock.Request{Person: "prs_ana", Opening: "opn_sydney", At: time.Date(2026, 11, 23, 9, 30, 0, 0, sydney)}
	if got := ix.Decide(req, "", nil); !got.Granted {
		t.Errorf("on Monday at 9:30 in Sydney: %+v", got)
	}
	req.At = time.Date(2026, 11, 23, 8, 30, 0, 0, sydney)
	if got := ix.Decide(req, "", nil); got.Granted {
		t.Errorf("on Monday at 8:30 in Sydney: %+v", got)
	}
}

func TestWho(t *testing.T) {
	f := shop()
	f.Grants = []sashlock.Grant{
		{ID: "grt_1", Role: "role_associate", Area: "area_floor", Schedule: "sch_day"},
		{ID: "grt_2", Person: "prs_rui", Opening: "opn_case"},
		{ID: "grt_3", Person: "prs_eva", Site: "site_1"}, // suspended
		{ID: "grt_4", Person: "prs_leo", Site: "site_1", Until: lisbon("2026-11-21 00:00")},
	}
	ix := mustNew(t, f)
	monday, sunday := lisbon("2026-11-23 10:00"), lisbon("2026-11-22 10:00")
	ana := access.Holder{Person: "prs_ana", Grant: "grt_1", Role: "role_associate", Reason: sashlock.Permitted}
	rui := access.Holder{Person: "prs_rui", Grant: "grt_2", Reason: sashlock.Permitted}
	if diff := cmp.Diff([]access.Holder{ana, rui}, ix.WhoCanOpen("opn_case", monday)); diff != "" {
		t.Errorf("on Monday (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]access.Holder{rui}, ix.WhoCanOpen("opn_case", sunday)); diff != "" {
		t.Errorf("on Sunday (-want +got):\n%s", diff)
	}
	want := []access.Reach{{Opening: "opn_case", Grant: "grt_1", Role: "role_associate", Reason: sashlock.Permitted}}
	if diff := cmp.Diff(want, ix.WhatCanOpen("prs_ana", monday)); diff != "" {
		t.Errorf("Ana on Monday (-want +got):\n%s", diff)
	}
	if got := ix.WhatCanOpen("prs_eva", monday); got != nil {
		t.Errorf("somebody suspended can open %v", got)
	}
}

// TestDecideAllocatesNothing tries what is granted, refused with a grant and
// refused without.
func TestDecideAllocatesNothing(t *testing.T) {
	f := shop()
	f.Grants = []sashlock.Grant{{ID: "grt_1", Role: "role_associate", Area: "area_floor", Schedule: "sch_day"}}
	ix := mustNew(t, f)
	for i, req := range []sashlock.Request{
		ask("prs_ana", "opn_case", "2026-11-23 10:00"), ask("prs_ana", "opn_case", "2026-11-22 10:00"),
		ask("prs_leo", "opn_case", "2026-11-23 10:00"), ask("prs_9", "opn_case", "2026-11-23 10:00"),
	} {
		if n := testing.AllocsPerRun(100, func() { ix.Decide(req, "", nil) }); n != 0 {
			t.Errorf("request %d allocates %v times", i, n)
		}
	}
}

// TestLongRuns puts very many grants on one opening, so that its run has many
// chunks, and takes most of them off again, one by one.
func TestLongRuns(t *testing.T) {
	f := shop()
	const many = 5_000
	for i := range many {
		g := sashlock.Grant{ID: sashlock.GrantID(fmt.Sprintf("grt_%05d", i*7919%many)), Person: "prs_leo", Opening: "opn_case"}
		if i%2 == 0 {
			g.Person, g.Role = "", sashlock.RoleID(fmt.Sprintf("role_%d", i%100))
		}
		f.Grants = append(f.Grants, g)
	}
	ix, err := mustNew(t, shop()).With(access.Change{Put: access.Facts{Grants: f.Grants}})
	if err != nil {
		t.Fatal(err)
	}
	req := ask("prs_leo", "opn_case", "2026-11-23 10:00")
	if fresh := mustNew(t, f); fresh.Decide(req, "", nil) != ix.Decide(req, "", nil) || ix.GrantCount() != many {
		t.Fatalf("one by one %v with %d grants, at once %v", ix.Decide(req, "", nil), ix.GrantCount(), fresh.Decide(req, "", nil))
	}
	for i := range many {
		gid := sashlock.GrantID(fmt.Sprintf("grt_%05d", i))
		before := ix.Decide(req, "", nil).Grant
		if before == "" || before < gid {
			t.Fatalf("with the grants below %s gone, %q decides", gid, before)
		}
		if ix, err = ix.With(access.Change{Remove: access.Removal{Grants: []sashlock.GrantID{gid}}}); err != nil {
			t.Fatal(err)
		}
		if before == gid && ix.Decide(req, "", nil).Grant == gid {
			t.Fatalf("%s still decides after it is gone", gid)
		}
		if ix.GrantCount() == 1 {
			break
		}
	}
}

// TestLongIdentifiers decides for people and openings whose identifiers differ
// in nothing but their length or their last byte.
func TestLongIdentifiers(t *testing.T) {
	f := shop()
	f.Grants = nil
	site := f.Sites[0].ID
	var names []string
	for n := 28; n <= 40; n++ {
		name := strings.Repeat("x", n)
		names = append(names, name, name[1:]+"y")
	}
	for i, name := range names {
		f.People = append(f.People, sashlock.Person{ID: sashlock.PersonID("p" + name)})
		f.Openings = append(f.Openings, sashlock.Opening{ID: sashlock.OpeningID("o" + name), Site: site})
		f.Grants = append(f.Grants, sashlock.Grant{
			ID: sashlock.GrantID(fmt.Sprintf("grt_%d", i)), Person: sashlock.PersonID("p" + name), Opening: sashlock.OpeningID("o" + name),
		})
	}
	ix := mustNew(t, f)
	for i, p := range names {
		for j, o := range names {
			req := ask("p"+p, "o"+o, "2026-11-23 10:00")
			want := access.Verdict{Reason: sashlock.Unauthorized}
			if i == j {
				want = access.Verdict{Granted: true, Reason: sashlock.Permitted, Grant: sashlock.GrantID(fmt.Sprintf("grt_%d", i))}
			}
			if got := ix.Decide(req, "", nil); got != want {
				t.Fatalf("%s at %s: %v, want %v", req.Person, req.Opening, got, want)
			}
		}
		if got := ix.Decide(ask("p"+p+"z", "o"+p, "2026-11-23 10:00"), "", nil); got.Reason != sashlock.UnknownPerson {
			t.Fatalf("%sz: %v, want unknown_person", p, got)
		}
	}
}
