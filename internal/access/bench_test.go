// SPDX-License-Identifier: Apache-2.0

package access_test

import (
	"fmt"
	"math/rand/v2"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/internal/access"
	"github.com/sashlock/sashlock/internal/guard"
)

// The estate of the benchmarks: 10,000 people with 1,000 roles at 100 sites in
// 8 zones, each with 5 areas of 20 openings, and 64 schedules.
const (
	benchPeople, benchRoles, benchSites, benchSchedules = 10_000, 1_000, 100, 64
	benchAreas, benchOpenings                           = 500, 10_000
)

var benchZones = []string{
	"America/New_York", "America/Chicago", "America/Denver", "America/Los_Angeles",
	"Europe/Lisbon", "Europe/Berlin", "Asia/Kolkata", "Australia/Sydney",
}

// benchStart is an hour before the clocks of Europe go back.
var benchStart = time.Date(2026, 10, 25, 0, 0, 0, 0, time.UTC)

// estate makes the facts. Identifiers have the length of real ones; those of
// grants ascend in time like real ones.
func estate(grants int) access.Facts { return estateWith(grants, benchSchedules) }

func estateWith(grants, schedules int) access.Facts {
	r := rand.New(rand.NewPCG(1, 2))
	var f access.Facts
	for i := range schedules {
		f.Schedules = append(f.Schedules, benchSchedule(r, i))
	}
	for i := range benchSites {
		f.Sites = append(f.Sites, sashlock.Site{ID: long[sashlock.SiteID]("site", i), Name: "Store", Zone: benchZones[i%len(benchZones)]})
	}
	for i := range benchAreas {
		f.Areas = append(f.Areas, sashlock.Area{ID: long[sashlock.AreaID]("area", i), Name: "Sales floor", Site: f.Sites[i/5].ID})
	}
	for i := range benchOpenings {
		a := f.Areas[i/20]
		f.Openings = append(f.Openings, sashlock.Opening{ID: long[sashlock.OpeningID]("opn", i), Name: "Case", Site: a.Site, Area: a.ID})
	}
	for i := range benchRoles {
		f.Roles = append(f.Roles, sashlock.Role{ID: long[sashlock.RoleID]("role", i), Name: "Associate"})
	}
	for i := range benchPeople {
		p := sashlock.Person{ID: long[sashlock.PersonID]("prs", i), Suspended: r.IntN(100) == 0}
		for range 1 + r.IntN(3) {
			p.Roles = append(p.Roles, f.Roles[r.IntN(benchRoles)].ID)
		}
		f.People = append(f.People, p)
	}
	for i := range grants {
		f.Grants = append(f.Grants, benchGrant(r, &f, i))
	}
	return f
}

func benchSchedule(r *rand.Rand, i int) sashlock.Schedule {
	from := sashlock.TimeOfDay(5*60 + 15*r.IntN(20))
	s := sashlock.Schedule{ID: long[sashlock.ScheduleID]("sch", i), Name: "Opening hours", Weekly: []sashlock.Period{
		{Days: []time.Weekday{1, 2, 3, 4, 5}, From: from, Until: from + 8*60},
		{Days: []time.Weekday{0, 6}, From: from + 60, Until: from + 5*60},
	}}
	if i%8 == 0 { // a night shift
		s.Weekly = append(s.Weekly, sashlock.Period{Days: []time.Weekday{1, 3, 5}, From: 22 * 60, Until: 6 * 60})
	}
	for n := range 10 {
		day := sashlock.Date{Year: 2026, Month: time.Month(1 + n), Day: 1 + r.IntN(28)}
		s.Special = append(s.Special, sashlock.SpecialDay{Name: "Holiday", First: day, Last: day})
	}
	return s
}

// benchGrant gives half of the grants to people and half to roles: 80 % for an
// opening, 18 % for an area, 2 % for a site; 90 % with a schedule, 30 % with an
// end.
func benchGrant(r *rand.Rand, f *access.Facts, i int) sashlock.Grant {
	g := sashlock.Grant{ID: long[sashlock.GrantID]("grt", i)}
	if r.IntN(2) == 0 {
		g.Person = f.People[r.IntN(benchPeople)].ID
	} else {
		g.Role = f.Roles[r.IntN(benchRoles)].ID
	}
	switch n := r.IntN(100); {
	case n < 80:
		g.Opening = f.Openings[r.IntN(benchOpenings)].ID
	case n < 98:
		g.Area = f.Areas[r.IntN(benchAreas)].ID
	default:
		g.Site = f.Sites[r.IntN(benchSites)].ID
	}
	if r.IntN(10) > 0 {
		g.Schedule = f.Schedules[r.IntN(len(f.Schedules))].ID
	}
	if r.IntN(10) < 3 {
		g.From = benchStart.Add(-time.Duration(r.IntN(60*24)) * time.Hour)
		g.Until = g.From.Add(time.Duration(30+r.IntN(90*24)) * time.Hour)
	}
	return g
}

// long makes an identifier of the length of a real one, 26 characters after the
// underscore.
func long[T ~string](kind string, n int) T { return T(fmt.Sprintf("%s_01kc%022d", kind, n)) }

// benchRequests draws half of the requests from the grants, so that they reach
// something, and the other half blindly. They come in the order of time, one
// every other second through a week.
func benchRequests(f *access.Facts, n int) []sashlock.Request {
	r := rand.New(rand.NewPCG(3, 4))
	withRole := map[sashlock.RoleID][]sashlock.PersonID{}
	for _, p := range f.People {
		for _, id := range p.Roles {
			withRole[id] = append(withRole[id], p.ID)
		}
	}
	all := make([]sashlock.Request, n)
	for i := range all {
		q := sashlock.Request{
			Person: f.People[r.IntN(benchPeople)].ID, Opening: f.Openings[r.IntN(benchOpenings)].ID,
			At: benchStart.Add(time.Duration(i) * 7 * 24 * time.Hour / time.Duration(n)),
		}
		if g := f.Grants[r.IntN(len(f.Grants))]; i%2 == 0 {
			if people := withRole[g.Role]; len(people) > 0 {
				q.Person = people[r.IntN(len(people))]
			} else if g.Person != "" {
				q.Person = g.Person
			}
			if g.Opening != "" {
				q.Opening = g.Opening
			}
		}
		all[i] = q
	}
	asRead(all)
	return all
}

// asRead gives the requests identifiers of their own, one after the other, like
// those of requests that have just been read from somewhere.
func asRead(all []sashlock.Request) {
	var text strings.Builder
	for _, q := range all {
		text.WriteString(string(q.Person) + string(q.Opening))
	}
	rest := text.String()
	for i, q := range all {
		n := len(q.Person)
		all[i].Person = sashlock.PersonID(rest[:n])
		all[i].Opening = sashlock.OpeningID(rest[n : n+len(q.Opening)])
		rest = rest[n+len(q.Opening):]
	}
}

func benchmarkDecide(b *testing.B, grants int) {
	f := estate(grants)
	ix, err := access.New(f)
	if err != nil {
		b.Fatal(err)
	}
	requests := benchRequests(&f, 1<<18)
	f = access.Facts{}
	runtime.GC()
	granted := 0
	b.ReportAllocs()
	b.ResetTimer()
	for i := range b.N {
		if ix.Decide(requests[i%len(requests)], "", nil).Granted {
			granted++
		}
	}
	b.StopTimer()
	b.ReportMetric(100*float64(granted)/float64(b.N), "%granted")
	reportQuantiles(b, len(requests), func(i int) { ix.Decide(requests[i], "", nil) })
}

// reportQuantiles times every call by itself and takes off what reading the
// clock costs.
func reportQuantiles(b *testing.B, n int, call func(int)) {
	clock := make([]time.Duration, n)
	for i := range clock {
		begin := time.Now()
		clock[i] = time.Since(begin)
	}
	times := make([]time.Duration, n)
	for i := range times {
		begin := time.Now()
		call(i)
		times[i] = time.Since(begin)
	}
	slices.Sort(clock)
	slices.Sort(times)
	b.ReportMetric(float64(times[n/2]-clock[n/2]), "p50-ns")
	b.ReportMetric(float64(times[n*99/100]-clock[n/2]), "p99-ns")
}

// BenchmarkDecideRailed is a decision with 10,000 schedules and 1,000 guard rails
// about openings, areas, people and roles, as a store node makes it: the index,
// and where it does not say that no rail can be about it, the rails.
func BenchmarkDecideRailed(b *testing.B) {
	f := estateWith(1_000_000, 10_000)
	ix, err := access.New(f)
	if err != nil {
		b.Fatal(err)
	}
	openings := make(map[sashlock.OpeningID]guard.Facts, len(f.Openings))
	for _, o := range f.Openings {
		openings[o.ID] = guard.Facts{Opening: o.ID, Area: string(o.Area), Site: string(o.Site), Action: guard.Open, At: benchStart}
	}
	people := make(map[sashlock.PersonID]guard.Facts, len(f.People))
	for _, p := range f.People {
		one := guard.Facts{Person: p.ID}
		for _, r := range p.Roles {
			one.Roles = append(one.Roles, string(r))
		}
		people[p.ID] = one
	}
	heads := []string{`principal, action, resource == Opening::%q`, `principal, action, resource in Area::%q`, `principal == Person::%q, action, resource`, `principal in Role::%q, action, resource`}
	var rails []guard.Rail
	for i := range 1000 {
		about := [...]string{string(f.Openings[i*7].ID), string(f.Areas[i%250].ID), string(f.People[i*9].ID), string(f.Roles[i%20].ID)}
		rails = append(rails, guard.Rail{Name: fmt.Sprintf("rail-%d", i), Text: fmt.Sprintf("forbid ("+heads[i%4]+") when { context.hour >= 22 && context.level < 3 };", about[i%4])})
	}
	set, err := guard.Compile(rails)
	if err != nil {
		b.Fatal(err)
	}
	ix = ix.Watching(access.Watch{
		All:     true,
		Opening: func(id sashlock.OpeningID) bool { o := openings[id]; return set.OfOpening(&o) },
		Person:  func(id sashlock.PersonID) bool { p := people[id]; return set.OfPerson(&p) },
	})
	requests := benchRequests(&f, 1<<18)
	f = access.Facts{}
	b.Run("free", func(b *testing.B) { benchmarkRailed(b, ix, set, openings, people, requests, true) })
	b.Run("railed", func(b *testing.B) { benchmarkRailed(b, ix, set, openings, people, requests, false) })
}

// benchmarkRailed decides the requests that rails are about, or the others.
func benchmarkRailed(b *testing.B, ix *access.Index, set *guard.Set, openings map[sashlock.OpeningID]guard.Facts, people map[sashlock.PersonID]guard.Facts, requests []sashlock.Request, free bool) {
	var mine []sashlock.Request
	for _, q := range requests {
		if ix.Free(q) == free {
			mine = append(mine, q)
		}
	}
	runtime.GC()
	call := func(i int) {
		q := &mine[i%len(mine)]
		v := ix.Decide(*q, "", nil)
		if v.Granted && !v.Free {
			f, p := openings[q.Opening], people[q.Person]
			f.Person, f.Roles = p.Person, p.Roles
			set.Look(&f)
		}
	}
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		call(i)
	}
	b.ReportMetric(float64(len(mine)), "requests")
	reportQuantiles(b, min(len(mine), 1<<17), call)
}

func BenchmarkDecide1k(b *testing.B)   { benchmarkDecide(b, 1_000) }
func BenchmarkDecide100k(b *testing.B) { benchmarkDecide(b, 100_000) }
func BenchmarkDecide1M(b *testing.B)   { benchmarkDecide(b, 1_000_000) }

// BenchmarkDecideResolved1M is BenchmarkDecide1M with names that have been
// looked up before.
func BenchmarkDecideResolved1M(b *testing.B) {
	f := estate(1_000_000)
	ix, err := access.New(f)
	if err != nil {
		b.Fatal(err)
	}
	requests := benchRequests(&f, 1<<18)
	resolved := make([]access.Resolved, len(requests))
	for i, r := range requests {
		resolved[i] = ix.Resolve(r)
		if got, want := ix.DecideResolved(resolved[i], r, ""), ix.Decide(r, "", nil); got != want {
			b.Fatalf("request %d: %v with numbers, %v with names", i, got, want)
		}
	}
	f = access.Facts{}
	runtime.GC()
	b.ReportAllocs()
	call := func(i int) { ix.DecideResolved(resolved[i], requests[i], "") }
	for i := 0; b.Loop(); i++ {
		call(i % len(requests))
	}
	reportQuantiles(b, len(requests), call)
}

// BenchmarkNames is the floor under Decide: two look-ups of names in Go's own
// maps and one bit.
func BenchmarkNames(b *testing.B) {
	f := estate(1)
	people, openings := map[sashlock.PersonID]int{}, map[sashlock.OpeningID]int{}
	for i, p := range f.People {
		people[p.ID] = i
	}
	for i, o := range f.Openings {
		openings[o.ID] = i
	}
	matrix := make([]byte, benchPeople*benchOpenings/8)
	requests := benchRequests(&f, 1<<18)
	var set byte
	call := func(i int) {
		r := &requests[i%len(requests)]
		bit := people[r.Person]*benchOpenings + openings[r.Opening]
		set |= matrix[bit/8] >> (bit % 8)
	}
	for i := 0; b.Loop(); i++ {
		call(i)
	}
	reportQuantiles(b, len(requests), call)
	if set != 0 {
		b.Fatal("a bit is set in an empty matrix")
	}
}

func BenchmarkExplain(b *testing.B) {
	f := estate(1_000_000)
	ix, err := access.New(f)
	if err != nil {
		b.Fatal(err)
	}
	requests := benchRequests(&f, 1<<14)
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		ix.Explain(requests[i%len(requests)], "", nil)
	}
	reportQuantiles(b, len(requests), func(i int) { ix.Explain(requests[i], "", nil) })
}

func BenchmarkWithOneGrant(b *testing.B) {
	f := estate(1_000_000)
	ix, err := access.New(f)
	if err != nil {
		b.Fatal(err)
	}
	r := rand.New(rand.NewPCG(5, 6))
	changes := make([]access.Change, 1<<12)
	for i := range changes {
		if i%2 == 0 {
			changes[i].Put.Grants = []sashlock.Grant{benchGrant(r, &f, 2_000_000+i)}
		} else {
			changes[i].Remove.Grants = []sashlock.GrantID{f.Grants[r.IntN(len(f.Grants))].ID}
		}
	}
	f = access.Facts{}
	runtime.GC()
	b.ReportAllocs()
	change := func(i int) {
		if ix, err = ix.With(changes[i%len(changes)]); err != nil {
			b.Fatal(err)
		}
	}
	for i := 0; b.Loop(); i++ {
		change(i)
	}
	reportQuantiles(b, len(changes), change)
}

func BenchmarkWhoCanOpen(b *testing.B) {
	f := estate(1_000_000)
	ix, err := access.New(f)
	if err != nil {
		b.Fatal(err)
	}
	found := 0
	for i := 0; b.Loop(); i++ {
		found += len(ix.WhoCanOpen(f.Openings[i%benchOpenings].ID, benchStart))
	}
	b.ReportMetric(float64(found)/float64(b.N), "holders/op")
}

// BenchmarkWhoCanOpen10k asks who can open what 3,000 of 10,000 people can, each
// by one of several roles.
func BenchmarkWhoCanOpen10k(b *testing.B) {
	f := estate(100_000)
	for i := range 150 {
		f.Grants = append(f.Grants, sashlock.Grant{ID: long[sashlock.GrantID]("all", i), Role: f.Roles[i].ID, Site: f.Sites[0].ID})
	}
	ix, err := access.New(f)
	if err != nil {
		b.Fatal(err)
	}
	found := 0
	for i := 0; b.Loop(); i++ {
		found += len(ix.WhoCanOpen(f.Openings[i%100].ID, benchStart))
	}
	b.ReportMetric(float64(found)/float64(b.N), "holders/op")
}

// BenchmarkMatrix tells when on a day each of 500 people can open each of 200
// openings of two sites.
func BenchmarkMatrix(b *testing.B) {
	f := estate(1_000_000)
	ix, err := access.New(f)
	if err != nil {
		b.Fatal(err)
	}
	var people []sashlock.PersonID
	for _, p := range f.People[:500] {
		people = append(people, p.ID)
	}
	var openings []sashlock.OpeningID
	for _, o := range f.Openings[:200] {
		openings = append(openings, o.ID)
	}
	f = access.Facts{}
	runtime.GC()
	filled := 0
	for b.Loop() {
		filled = 0
		for _, row := range ix.Matrix(openings, people, sashlock.DateOf(benchStart)).Cells {
			for _, cell := range row {
				filled += min(len(cell), 1)
			}
		}
	}
	b.ReportMetric(float64(filled), "cells")
}

// BenchmarkEffect compares 10,000 people and 10,000 openings before and after,
// on two cores: with one grant changed, where nearly everything is shared, and
// with two estates that share nothing.
func BenchmarkEffect(b *testing.B) {
	f := estate(1_000_000)
	ix, err := access.New(f)
	if err != nil {
		b.Fatal(err)
	}
	site := access.Change{Put: access.Facts{Grants: []sashlock.Grant{{ID: "grt_new", Role: f.Roles[0].ID, Site: f.Sites[0].ID}}}}
	one, err := ix.With(site)
	if err != nil {
		b.Fatal(err)
	}
	f.Grants = append(f.Grants[:len(f.Grants)*99/100], site.Put.Grants...)
	other, err := access.New(f)
	if err != nil {
		b.Fatal(err)
	}
	f = access.Facts{}
	runtime.GC()
	b.Run("one grant", func(b *testing.B) { benchmarkEffect(b, ix, one) })
	b.Run("nothing shared", func(b *testing.B) { benchmarkEffect(b, ix, other) })
}

func benchmarkEffect(b *testing.B, before, after *access.Index) {
	const parts = 2
	var pairs int
	for b.Loop() {
		c := access.Compare(before, after, []time.Time{benchStart})
		var counts [parts]int
		var group sync.WaitGroup
		for part := range parts {
			group.Go(func() {
				for _, d := range c.Part(part, parts) {
					counts[part] += d.Gain.Len() + d.Loss.Len()
				}
			})
		}
		group.Wait()
		pairs = counts[0] + counts[1]
	}
	b.ReportMetric(float64(pairs), "pairs")
}
