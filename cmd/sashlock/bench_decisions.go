// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"math/rand/v2"
	"runtime"
	"slices"
	"time"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/internal/access"
)

// The estate of the measurement.
const (
	manyPeople, manyOpenings, manySites, manyRoles, manySchedules = 10_000, 10_000, 100, 1_000, 64
	manyGrants, fewGrants                                         = 1_000_000, 100_000
)

var benchZones = [...]string{
	"America/New_York", "America/Chicago", "America/Denver", "America/Los_Angeles",
	"Europe/Lisbon", "Europe/Berlin", "Asia/Kolkata", "Australia/Sydney",
}

// decisions measures single requests, each by itself with the clock read before
// and after, which is part of the figure.
func (b *bench) decisions() error {
	count := manyGrants
	if b.command.Quick {
		count = fewGrants
	}
	r := rand.New(rand.NewPCG(1, 2)) //nolint:gosec // the same estate in every run
	facts := manyFacts(r, count)
	before := heap()
	index, err := access.New(facts)
	if err != nil {
		return err
	}
	b.note("memory a grant", float64(heap()-before)/float64(count), "bytes")
	const rounds, batch = 200_000, 4096
	requests := manyRequests(r, facts, batch)
	took := make([]time.Duration, rounds)
	granted := 0
	for i := range requests { // warm up
		index.Decide(requests[i], sashlock.Normal, nil)
	}
	for i := range took {
		q := &requests[i%batch]
		began := time.Now()
		v := index.Decide(*q, sashlock.Normal, nil)
		took[i] = time.Since(began)
		if v.Granted {
			granted++
		}
	}
	if granted == 0 || granted == rounds {
		return fmt.Errorf("the estate decides nothing: %d of %d granted", granted, rounds)
	}
	slices.Sort(took)
	b.below(fmt.Sprintf("decision, %d grants, median", count), float64(percentile(took, 0.5)), "ns", 600)
	b.below("decision, p99", float64(percentile(took, 0.99)), "ns", 2000)
	began := time.Now()
	const explained = 5000
	for i := range explained {
		index.Explain(requests[i%batch], sashlock.Normal, nil)
	}
	b.below("full explanation", float64(time.Since(began))/explained/1000, "µs", 20)
	began = time.Now()
	if _, err := index.With(access.Change{Put: access.Facts{Grants: facts.Grants[:1]}}); err != nil {
		return err
	}
	b.below("one changed grant, compiled", milliseconds(time.Since(began)), "ms", 1)
	return nil
}

func heap() int64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

// benchID makes an identifier of the length of a real one.
func benchID[T ~string](kind string, n int) T { return T(fmt.Sprintf("%s_01kc%022d", kind, n)) }

func manyFacts(r *rand.Rand, grants int) access.Facts {
	var f access.Facts
	for i := range manySchedules {
		from := sashlock.TimeOfDay(5*60 + 15*r.IntN(20))
		f.Schedules = append(f.Schedules, sashlock.Schedule{ID: benchID[sashlock.ScheduleID]("sch", i), Weekly: []sashlock.Period{
			{Days: []time.Weekday{1, 2, 3, 4, 5}, From: from, Until: from + 8*60},
			{Days: []time.Weekday{0, 6}, From: from + 60, Until: from + 5*60},
		}})
	}
	for i := range manySites {
		f.Sites = append(f.Sites, sashlock.Site{ID: benchID[sashlock.SiteID]("site", i), Zone: benchZones[i%len(benchZones)]})
		f.Areas = append(f.Areas, sashlock.Area{ID: benchID[sashlock.AreaID]("area", i), Site: f.Sites[i].ID})
	}
	for i := range manyOpenings {
		a := f.Areas[i%manySites]
		f.Openings = append(f.Openings, sashlock.Opening{ID: benchID[sashlock.OpeningID]("opn", i), Site: a.Site, Area: a.ID})
	}
	for i := range manyRoles {
		f.Roles = append(f.Roles, sashlock.Role{ID: benchID[sashlock.RoleID]("role", i)})
	}
	for i := range manyPeople {
		f.People = append(f.People, sashlock.Person{
			ID: benchID[sashlock.PersonID]("prs", i), Roles: []sashlock.RoleID{f.Roles[r.IntN(manyRoles)].ID, f.Roles[r.IntN(manyRoles)].ID},
		})
	}
	for i := range grants {
		f.Grants = append(f.Grants, oneGrant(r, &f, i))
	}
	return f
}

func oneGrant(r *rand.Rand, f *access.Facts, i int) sashlock.Grant {
	g := sashlock.Grant{ID: benchID[sashlock.GrantID]("grt", i)}
	if r.IntN(2) == 0 {
		g.Person = f.People[r.IntN(manyPeople)].ID
	} else {
		g.Role = f.Roles[r.IntN(manyRoles)].ID
	}
	switch n := r.IntN(100); {
	case n < 80:
		g.Opening = f.Openings[r.IntN(manyOpenings)].ID
	case n < 98:
		g.Area = f.Areas[r.IntN(manySites)].ID
	default:
		g.Site = f.Sites[r.IntN(manySites)].ID
	}
	if r.IntN(10) > 0 {
		g.Schedule = f.Schedules[r.IntN(manySchedules)].ID
	}
	return g
}

// manyRequests draws half of the requests from the grants, so that they reach
// something, and the other half blindly.
func manyRequests(r *rand.Rand, f access.Facts, n int) []sashlock.Request {
	monday := time.Date(2026, time.November, 23, 0, 0, 0, 0, time.UTC)
	all := make([]sashlock.Request, n)
	for i := range all {
		q := sashlock.Request{
			Person: f.People[r.IntN(manyPeople)].ID, Opening: f.Openings[r.IntN(manyOpenings)].ID,
			At: monday.Add(time.Duration(r.IntN(7*86400)) * time.Second),
		}
		if g := f.Grants[r.IntN(len(f.Grants))]; i%2 == 0 && g.Person != "" && g.Opening != "" {
			q.Person, q.Opening = g.Person, g.Opening
		}
		all[i] = q
	}
	return all
}
