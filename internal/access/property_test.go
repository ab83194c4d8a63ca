// SPDX-License-Identifier: Apache-2.0

package access_test

import (
	"testing"

	"pgregory.net/rapid"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/internal/access"
)

// drawn is a random world, its index and some requests.
func drawn(t *rapid.T) (*world, *access.Index, []sashlock.Request) {
	w := newWorld(rapid.Uint64().Draw(t, "world"), loadedZones)
	ix, err := access.New(w.facts)
	if err != nil {
		t.Fatal(err)
	}
	requests := make([]sashlock.Request, 60)
	for i := range requests {
		requests[i], _ = w.request()
	}
	return w, ix, requests
}

var loadedZones = loadZones() // read only

func changed(t *rapid.T, ix *access.Index, c access.Change) *access.Index {
	next, err := ix.With(c)
	if err != nil {
		t.Fatal(err)
	}
	return next
}

// neverOpens checks that no request is granted afterwards that was not before.
func neverOpens(t *rapid.T, before, after *access.Index, requests []sashlock.Request) {
	neverOpensBy(t, requests, func(req sashlock.Request) (was, is bool) {
		return before.Decide(req, "", nil).Granted, after.Decide(req, "", nil).Granted
	})
}

func neverOpensBy(t *rapid.T, requests []sashlock.Request, decide func(sashlock.Request) (before, after bool)) {
	for _, req := range requests {
		if before, after := decide(req); after && !before {
			t.Fatalf("%v is granted now, and was not before", req)
		}
	}
}

func TestRemovingNeverOpens(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w, ix, requests := drawn(t)
		f := w.facts
		var c access.Removal
		switch rapid.IntRange(0, 6).Draw(t, "kind") {
		case 0:
			c.Grants = []sashlock.GrantID{rapid.SampledFrom(f.Grants).Draw(t, "grant").ID}
		case 1:
			c.People = []sashlock.PersonID{rapid.SampledFrom(f.People).Draw(t, "person").ID}
		case 2:
			c.Roles = []sashlock.RoleID{rapid.SampledFrom(f.Roles).Draw(t, "role").ID}
		case 3:
			c.Schedules = []sashlock.ScheduleID{rapid.SampledFrom(f.Schedules).Draw(t, "schedule").ID}
		case 4:
			c.Areas = []sashlock.AreaID{rapid.SampledFrom(f.Areas).Draw(t, "area").ID}
		case 5:
			c.Sites = []sashlock.SiteID{rapid.SampledFrom(f.Sites).Draw(t, "site").ID}
		default:
			c.Openings = []sashlock.OpeningID{rapid.SampledFrom(f.Openings).Draw(t, "opening").ID}
		}
		after := changed(t, ix, access.Change{Remove: c})
		if len(c.Areas) > 0 { // what it asked of everybody goes with it
			neverOpensBy(t, requests, func(req sashlock.Request) (before, now bool) {
				return ix.Could(req, "").Granted, after.Could(req, "").Granted
			})
			return
		}
		neverOpens(t, ix, after, requests)
	})
}

func TestSuspendingNeverOpens(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w, ix, requests := drawn(t)
		p := rapid.SampledFrom(w.facts.People).Draw(t, "person")
		p.Suspended = true
		after := changed(t, ix, access.Change{Put: access.Facts{People: []sashlock.Person{p}}})
		neverOpens(t, ix, after, requests)
		for _, req := range requests {
			if req.Person == p.ID && after.Decide(req, "", nil).Granted {
				t.Fatalf("somebody suspended is let in: %v", req)
			}
		}
	})
}

func TestTimeNeverRevivesAnEndedGrant(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w, _, requests := drawn(t)
		g := rapid.SampledFrom(w.facts.Grants).Draw(t, "grant")
		if g.Until.IsZero() {
			g.Until = w.instant()
		}
		f := w.facts
		f.Grants = []sashlock.Grant{g} // alone, so that it must be this one that opens
		ix, err := access.New(f)
		if err != nil {
			t.Fatal(err)
		}
		for _, req := range requests {
			if req.At.Before(g.Until) {
				continue
			}
			if v := ix.Decide(req, "", nil); v.Granted {
				t.Fatalf("%v is granted by a grant that ended on %v", req, g.Until)
			}
		}
	})
}

func TestPutAndRemoveIsAsBefore(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w, ix, requests := drawn(t)
		g := w.grant(w.freshGrant())
		for rapid.Bool().Draw(t, "more") {
			g = w.grant(w.freshGrant())
		}
		more := changed(t, ix, access.Change{Put: access.Facts{Grants: []sashlock.Grant{g}}})
		less := changed(t, more, access.Change{Remove: access.Removal{Grants: []sashlock.GrantID{g.ID}}})
		if more.GrantCount() != ix.GrantCount()+1 || less.GrantCount() != ix.GrantCount() {
			t.Fatalf("counts are %d, %d, %d", ix.GrantCount(), more.GrantCount(), less.GrantCount())
		}
		for _, req := range requests {
			if before, after := ix.Decide(req, "", nil), less.Decide(req, "", nil); before != after {
				t.Fatalf("%v: before %+v, after %+v", req, before, after)
			}
		}
	})
}

// TestChangesLeaveTheOldIndexAlone checks that an index says the same after a
// row of changes was made from it.
func TestChangesLeaveTheOldIndexAlone(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w, ix, requests := drawn(t)
		var before []access.Verdict
		for _, req := range requests {
			before = append(before, ix.Decide(req, "", nil))
		}
		next := changed(t, ix, w.change())
		for range rapid.IntRange(0, 6).Draw(t, "changes") {
			next = changed(t, next, w.change())
			changed(t, ix, w.change()) // a second line from the same index
		}
		for i, req := range requests {
			if now := ix.Decide(req, "", nil); now != before[i] {
				t.Fatalf("%v: before %+v, now %+v", req, before[i], now)
			}
		}
	})
}

// TestWhoAgreesWithCould checks both lists against single decisions.
func TestWhoAgreesWithCould(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w, ix, _ := drawn(t)
		at := w.instant()
		who := map[sashlock.OpeningID]map[sashlock.PersonID]sashlock.GrantID{}
		for _, o := range w.facts.Openings {
			who[o.ID] = map[sashlock.PersonID]sashlock.GrantID{}
			for _, h := range ix.WhoCanOpen(o.ID, at) {
				who[o.ID][h.Person] = h.Grant
			}
		}
		for _, p := range w.facts.People {
			what := map[sashlock.OpeningID]sashlock.GrantID{}
			for _, r := range ix.WhatCanOpen(p.ID, at) {
				what[r.Opening] = r.Grant
			}
			for _, o := range w.facts.Openings {
				v := ix.Could(sashlock.Request{Person: p.ID, Opening: o.ID, At: at}, "")
				byWho, isWho := who[o.ID][p.ID]
				byWhat, isWhat := what[o.ID]
				if isWho != v.Granted || isWhat != v.Granted || v.Granted && (byWho != v.Grant || byWhat != v.Grant) {
					t.Fatalf("%s at %s: decided %+v, who %v %s, what %v %s", p.ID, o.ID, v, isWho, byWho, isWhat, byWhat)
				}
			}
		}
	})
}

// TestTwoLinesOfChanges makes two different indexes from one that is large
// enough for tables of several levels; neither may see the other's changes.
func TestTwoLinesOfChanges(t *testing.T) {
	const many = 3_000
	f := shop()
	var people access.Facts
	for i := range many {
		f.Grants = append(f.Grants, sashlock.Grant{ID: id[sashlock.GrantID]("grt", i), Person: id[sashlock.PersonID]("prs", i), Opening: "opn_case"})
		people.People = append(people.People, sashlock.Person{ID: id[sashlock.PersonID]("new", i)})
	}
	with := func(ix *access.Index, c access.Change) *access.Index {
		next, err := ix.With(c)
		if err != nil {
			t.Fatal(err)
		}
		return next
	}
	base := with(mustNew(t, f), access.Change{Put: people})
	for i := range 40 {
		var gone access.Change
		gone.Remove.Grants = []sashlock.GrantID{id[sashlock.GrantID]("grt", i*many/40)}
		first, second := with(base, gone), with(base, gone)
		if first.GrantCount() != many-1 || second.GrantCount() != many-1 || with(first, gone).GrantCount() != many-1 {
			t.Fatalf("the grant is removed once, twice, once: %d, %d, %d of %d are left", first.GrantCount(), second.GrantCount(), with(first, gone).GrantCount(), many)
		}
		var mine, yours access.Change
		for n := range 100 {
			mine.Put.People = append(mine.Put.People, sashlock.Person{ID: id[sashlock.PersonID]("mine", n)})
			yours.Put.People = append(yours.Put.People, sashlock.Person{ID: id[sashlock.PersonID]("yours", n)})
		}
		first, second = with(base, mine), with(base, yours)
		for _, p := range mine.Put.People {
			req := sashlock.Request{Person: p.ID, Opening: "opn_case"}
			for ix, want := range map[*access.Index]sashlock.Reason{base: sashlock.UnknownPerson, first: sashlock.Unauthorized, second: sashlock.UnknownPerson} {
				if got := ix.Decide(req, "", nil).Reason; got != want {
					t.Fatalf("%s is put into one of two lines: got %s, want %s", p.ID, got, want)
				}
			}
		}
	}
}
