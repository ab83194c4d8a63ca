// SPDX-License-Identifier: Apache-2.0

package scenario_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/internal/scenario"
)

// noon is a Monday.
var noon = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)

// world is a store with five cases, of which the last is of high value, a cage
// and a door.
func world() scenario.World {
	w := scenario.World{
		Sites: map[sashlock.SiteID]sashlock.Site{
			"site_1": {ID: "site_1", Slug: "store", Name: "Store", Zone: "Europe/Lisbon"},
			"site_2": {ID: "site_2", Slug: "other", Name: "Other", Zone: "UTC"},
		},
		Areas: map[sashlock.AreaID]sashlock.Area{
			"area_1": {ID: "area_1", Slug: "floor", Site: "site_1"},
			"area_2": {ID: "area_2", Slug: "back", Site: "site_1"},
		},
		Openings:  map[sashlock.OpeningID]sashlock.Opening{},
		Schedules: map[sashlock.ScheduleID]sashlock.Schedule{},
		Roles:     map[sashlock.RoleID]sashlock.Role{"role_1": {ID: "role_1", Slug: "associate"}},
	}
	add := func(slug string, kind sashlock.OpeningKind, class sashlock.Class, area sashlock.AreaID) {
		id := sashlock.OpeningID("opn_" + slug)
		w.Openings[id] = sashlock.Opening{ID: id, Slug: slug, Name: slug, Kind: kind, Class: class, Site: "site_1", Area: area, Egress: sashlock.EgressNone}
	}
	for i := range 4 {
		add(fmt.Sprintf("case-%d", i+1), sashlock.Case, sashlock.Standard, "area_1")
	}
	add("case-5", sashlock.Case, sashlock.High, "area_1")
	add("cage", sashlock.Cage, sashlock.Valuable, "area_2")
	add("door", sashlock.Door, sashlock.Standard, "area_2")
	hours := func(slug, from, until string) {
		f, _ := sashlock.ParseTimeOfDay(from)
		u, _ := sashlock.ParseTimeOfDay(until)
		id := sashlock.ScheduleID("sch_" + slug)
		w.Schedules[id] = sashlock.Schedule{ID: id, Slug: slug, Name: slug, Weekly: []sashlock.Period{{Days: []time.Weekday{0, 1, 2, 3, 4, 5, 6}, From: f, Until: u}}}
	}
	hours("lunch", "12:00", "14:00")
	hours("open", "09:00", "20:00")
	return w
}

// parse reads a scenario that has to be right as text.
func parse(t testing.TB, text string) scenario.Scenario {
	t.Helper()
	s, err := scenario.Parse([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// plan compiles one that has to be right.
func plan(t testing.TB, text string, others ...scenario.Scenario) *scenario.Plan {
	t.Helper()
	w := world()
	w.Others = others
	p, problems := scenario.Compile(parse(t, text), w)
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	return p
}

const peak = `slug: peak
name: Peak hour
site: store
kind: peak_hour
trigger:
  rate: {of: sales, over: 15m, rise: 40, rise_hold: 5m, fall: 20, fall_hold: 10m}
  button: true
condition: {during: open}
actions:
  hold_unlocked:
    - openings: [case-1, case-2, case-3, case-4]
      per_associate: 2
      role: associate
  threat: peak
guard: {longest: 3h}
revert: {with_trigger: true}
`
