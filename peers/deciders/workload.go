// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"time"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/internal/access"
	"github.com/sashlock/sashlock/internal/guard"
)

// The estate: 10,000 people with 1,000 roles at 100 sites in 8 zones, each with
// 5 areas of 20 openings, and 64 schedules. The first guarded areas have three
// guard rails each.
const (
	people, roles, sites, schedules = 10_000, 1_000, 100, 64
	areas, openings                 = 500, 10_000
	guarded                         = 333
	inArea                          = openings / areas
)

var zones = []string{
	"America/New_York", "America/Chicago", "America/Denver", "America/Los_Angeles",
	"Europe/Lisbon", "Europe/Berlin", "Asia/Kolkata", "Australia/Sydney",
}

// start is a Monday.
var start = time.Date(2026, 11, 23, 0, 0, 0, 0, time.UTC)

// ask is a request.
type ask struct {
	person    sashlock.PersonID
	opening   sashlock.OpeningID
	at        time.Time
	level     int
	threat    string
	automatic bool
}

// workload is what all deciders get.
type workload struct {
	facts  access.Facts
	owner  []sashlock.RoleID // of each guarded area: the role that may open what is of high value there
	zones  []*time.Location  // of each site
	place  map[sashlock.OpeningID]int
	person map[sashlock.PersonID]int
	free   []ask // requests with no guard rail in scope
	bound  []ask // requests with three in scope
}

func newWorkload(grants, requests int) (*workload, error) {
	r := rand.New(rand.NewPCG(1, 2))
	w := &workload{place: map[sashlock.OpeningID]int{}, person: map[sashlock.PersonID]int{}}
	f := &w.facts
	for i := range schedules {
		f.Schedules = append(f.Schedules, weekly(r, i))
	}
	for i := range sites {
		zone, err := time.LoadLocation(zones[i%len(zones)])
		if err != nil {
			return nil, err
		}
		w.zones = append(w.zones, zone)
		f.Sites = append(f.Sites, sashlock.Site{ID: id[sashlock.SiteID]("site", i), Name: "Store", Zone: zones[i%len(zones)]})
	}
	for i := range areas {
		f.Areas = append(f.Areas, sashlock.Area{ID: id[sashlock.AreaID]("area", i), Name: "Sales floor", Site: f.Sites[i*sites/areas].ID})
	}
	for i := range openings {
		a, class := f.Areas[i/inArea], sashlock.Standard
		if r.IntN(10) == 0 {
			class = sashlock.High
		}
		f.Openings = append(f.Openings, sashlock.Opening{ID: id[sashlock.OpeningID]("opn", i), Name: "Case", Kind: sashlock.Case, Class: class, Site: a.Site, Area: a.ID})
		w.place[f.Openings[i].ID] = i
	}
	for i := range roles {
		f.Roles = append(f.Roles, sashlock.Role{ID: id[sashlock.RoleID]("role", i), Name: "Associate"})
	}
	for i := range people {
		p := sashlock.Person{ID: id[sashlock.PersonID]("prs", i), Name: "Somebody"}
		for range 1 + r.IntN(3) {
			p.Roles = append(p.Roles, f.Roles[r.IntN(roles)].ID)
		}
		f.People = append(f.People, p)
		w.person[p.ID] = i
	}
	for i := range grants {
		f.Grants = append(f.Grants, grant(r, f, i))
	}
	for range guarded {
		w.owner = append(w.owner, f.Roles[r.IntN(roles)].ID)
	}
	w.draw(r, requests)
	return w, nil
}

// weekly makes a schedule. No window runs over midnight or touches the hours in
// which clocks change, so that everybody can read them as minutes of local days.
func weekly(r *rand.Rand, i int) sashlock.Schedule {
	from := sashlock.TimeOfDay(5*60 + 15*r.IntN(20))
	return sashlock.Schedule{ID: id[sashlock.ScheduleID]("sch", i), Name: "Opening hours", Weekly: []sashlock.Period{
		{Days: []time.Weekday{1, 2, 3, 4, 5}, From: from, Until: from + 12*60},
		{Days: []time.Weekday{0, 6}, From: from + 60, Until: from + 8*60},
	}}
}

// grant gives half of the grants to people and half to roles: 80 % for an
// opening, 18 % for an area, 2 % for a site; 90 % with a schedule.
func grant(r *rand.Rand, f *access.Facts, i int) sashlock.Grant {
	g := sashlock.Grant{ID: id[sashlock.GrantID]("grt", i)}
	if r.IntN(2) == 0 {
		g.Person = f.People[r.IntN(people)].ID
	} else {
		g.Role = f.Roles[r.IntN(roles)].ID
	}
	switch n := r.IntN(100); {
	case n < 80:
		g.Opening = f.Openings[r.IntN(openings)].ID
	case n < 98:
		g.Area = f.Areas[r.IntN(areas)].ID
	default:
		g.Site = f.Sites[r.IntN(sites)].ID
	}
	if r.IntN(10) > 0 {
		g.Schedule = f.Schedules[r.IntN(schedules)].ID
	}
	return g
}

func id[T ~string](kind string, n int) T { return T(fmt.Sprintf("%s_01kc%022d", kind, n)) }

// draw fills both lists of requests, through a week. Nine in ten come from a
// grant: somebody who has it, at an opening that it covers.
func (w *workload) draw(r *rand.Rand, n int) {
	f := &w.facts
	with := map[sashlock.RoleID][]sashlock.PersonID{}
	for _, p := range f.People {
		for _, role := range p.Roles {
			with[role] = append(with[role], p.ID)
		}
	}
	for len(w.free) < n || len(w.bound) < n {
		a := ask{
			person: f.People[r.IntN(people)].ID, at: start.Add(time.Duration(r.IntN(7*24*60)) * time.Minute),
			level: 1 + r.IntN(4), automatic: r.IntN(10) == 0,
		}
		o := r.IntN(openings)
		if g := f.Grants[r.IntN(len(f.Grants))]; r.IntN(10) > 0 {
			a.person, o = w.holder(r, g, with[g.Role], a.person), w.covered(r, g, o)
		}
		a.opening = f.Openings[o].ID
		if r.IntN(20) == 0 {
			a.threat = "lockdown"
		}
		list := &w.free
		if o/inArea < guarded {
			list = &w.bound
		}
		if len(*list) < n {
			*list = append(*list, fresh(a))
		}
	}
}

// holder returns somebody who has a grant.
func (w *workload) holder(r *rand.Rand, g sashlock.Grant, with []sashlock.PersonID, other sashlock.PersonID) sashlock.PersonID {
	switch {
	case g.Person != "":
		return g.Person
	case len(with) > 0:
		return with[r.IntN(len(with))]
	}
	return other
}

// covered returns an opening that a grant is for.
func (w *workload) covered(r *rand.Rand, g sashlock.Grant, other int) int {
	for try := range openings {
		o := (other + try) % openings
		if g.Opening != "" {
			return w.place[g.Opening]
		}
		if w.facts.Openings[o].Area == g.Area || w.facts.Openings[o].Site == g.Site {
			return o
		}
	}
	return other
}

// fresh gives a request strings of its own, like those of one that has just been
// read from somewhere.
func fresh(a ask) ask {
	a.person, a.opening = sashlock.PersonID(strings.Clone(string(a.person))), sashlock.OpeningID(strings.Clone(string(a.opening)))
	return a
}

// local returns the time on the clock of a site: weekday and minute of the day.
func (w *workload) local(opening int, at time.Time) (day, minute int) {
	at = at.In(w.zones[opening*sites/openings])
	return int(at.Weekday()), at.Hour()*60 + at.Minute()
}

// rails writes the guard rails: three for each guarded area, and one more to
// make a thousand.
func (w *workload) rails() []guard.Rail {
	rails := []guard.Rail{{Name: "nowhere", Text: `forbid (principal, action, resource == Opening::"nowhere");`}}
	for i, owner := range w.owner {
		for n, text := range railTexts(string(w.facts.Areas[i].ID), string(owner)) {
			rails = append(rails, guard.Rail{Name: fmt.Sprintf("%s-%d", w.facts.Areas[i].ID, n), Text: text})
		}
	}
	return rails
}

// railTexts are the three guard rails of an area.
func railTexts(area, owner string) []string {
	return []string{
		fmt.Sprintf(`forbid (principal, action == Action::"open", resource in Area::%q)
			when { context.level < 2 && (context.hour >= 20 || context.hour < 7) };`, area),
		fmt.Sprintf(`forbid (principal, action, resource in Area::%q)
			when { context.threat == "lockdown" && context.automatic };`, area),
		fmt.Sprintf(`forbid (principal, action == Action::"open", resource in Area::%q)
			when { resource.class == "high" } unless { principal in Role::%q || context.level >= 3 };`, area, owner),
	}
}
