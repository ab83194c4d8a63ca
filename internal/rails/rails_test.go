// SPDX-License-Identifier: Apache-2.0

package rails_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/internal/flow"
	"github.com/sashlock/sashlock/internal/guard"
	"github.com/sashlock/sashlock/internal/people"
	"github.com/sashlock/sashlock/internal/rails"
	"github.com/sashlock/sashlock/internal/roomtest"
	"github.com/sashlock/sashlock/internal/sites"
	"github.com/sashlock/sashlock/internal/store"
	"github.com/sashlock/sashlock/policies"
)

const noCases = `
@reason("Cases stay shut today.")
@fix("Come back tomorrow.")
forbid (principal, action == Action::"open", resource) when { resource.kind == "case" };
`

// forbidden are the names of the rails in force that a request for the case
// crosses.
func forbidden(t *testing.T, r roomtest.Room) (names []string) {
	t.Helper()
	f := guard.Facts{Kind: "case", Class: "high", Action: guard.Open, Level: 4, At: time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)}
	r.View(func(q store.Query) error {
		site, err := sites.FindSite(q, "lisbon")
		f.Site, f.SiteSlug = string(site.ID), site.Slug
		return err
	})
	for _, hit := range r.Hall.Book().Rails().Look(&f) {
		if !hit.Shadow {
			names = append(names, hit.Rail)
		}
	}
	return names
}

func save(r roomtest.Room, one rails.Rail, rev int64) error {
	return r.Change(func(tx *store.Tx) (flow.Edit, error) { return rails.Save(tx, one, rev) })
}

func listed(r roomtest.Room) (all []rails.Rail) {
	r.View(func(q store.Query) (err error) { all, err = rails.List(q); return err })
	return all
}

func TestTheNextDecisionIsHeldAgainstARail(t *testing.T) {
	roomtest.OnEachEngine(t, func(t *testing.T, r roomtest.Room) {
		if all := listed(r); len(all) != len(policies.Default()) || !all[0].Shipped {
			t.Fatalf("a new store has %d rails", len(all))
		}
		if got := forbidden(t, r); got != nil {
			t.Fatalf("forbidden from the start by %v", got)
		}
		one := rails.Rail{Slug: "no-cases", Text: noCases}
		if err := save(r, one, 0); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff([]string{"no-cases"}, forbidden(t, r)); diff != "" {
			t.Error(diff)
		}
		for _, stale := range []int64{2, 99} {
			if err := save(r, one, stale); !errors.Is(err, store.ErrChanged) {
				t.Errorf("revision %d: %v", stale, err)
			}
		}
		one.Shadow = true
		if err := save(r, one, 1); err != nil {
			t.Fatal(err)
		}
		if got := forbidden(t, r); got != nil {
			t.Errorf("a rail that watches forbids: %v", got)
		}
		r.View(func(q store.Query) error {
			set, err := rails.Load(q)
			if err == nil && set == nil {
				t.Error("a house that starts has no rails")
			}
			kept, err := rails.Find(q, "no-cases")
			if err != nil || kept.Rev != 2 || !kept.Shadow || kept.Shipped || kept.Text != noCases {
				t.Errorf("kept: %+v, %v", kept, err)
			}
			return err
		})
		if err := r.Change(func(tx *store.Tx) (flow.Edit, error) { return rails.Remove(tx, "no-cases", 1) }); !errors.Is(err, store.ErrChanged) {
			t.Errorf("removing a stale one: %v", err)
		}
		if err := r.Change(func(tx *store.Tx) (flow.Edit, error) { return rails.Remove(tx, "no-cases", 2) }); err != nil {
			t.Fatal(err)
		}
		err := r.Change(func(tx *store.Tx) (flow.Edit, error) { return rails.Remove(tx, "no-cases", 0) })
		if !sashlock.IsKind(err, sashlock.NotFound) {
			t.Errorf("removing nothing: %v", err)
		}
	})
}

func TestARailHoldsAtItsSiteOnly(t *testing.T) {
	roomtest.OnEachEngine(t, func(t *testing.T, r roomtest.Room) {
		var lisbon sashlock.SiteID
		for id := range r.Hall.Book().Sites {
			lisbon = id
		}
		if err := save(r, rails.Rail{Slug: "here", Text: noCases, Site: lisbon}, 0); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff([]string{"here"}, forbidden(t, r)); diff != "" {
			t.Error(diff)
		}
		elsewhere := guard.Facts{Kind: "case", Class: "standard", Action: guard.Open, Site: "site_other", At: time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)}
		if hits := r.Hall.Book().Rails().Look(&elsewhere); len(hits) != 0 {
			t.Errorf("elsewhere: %v", hits)
		}
	})
}

func TestAWrongTextChangesNothing(t *testing.T) {
	roomtest.OnEachEngine(t, func(t *testing.T, r roomtest.Room) {
		if err := save(r, rails.Rail{Slug: "no-cases", Text: noCases}, 0); err != nil {
			t.Fatal(err)
		}
		size, before := r.Store.Size(), listed(r)
		for name, text := range map[string]string{
			"permits": `permit (principal, action, resource);`, "half a rule": `forbid (principal, action`,
			"misspelt": "@reason(\"x\")\n@fix(\"y\")\nforbid (principal, action, resource)\nwhen { resource.clas == \"high\" };",
			"too long": strings.Repeat("// x\n", 20_000), "bytes": "\xff\x00",
		} {
			err := save(r, rails.Rail{Slug: "no-cases", Text: text}, 0)
			var found guard.Problems
			if !sashlock.IsKind(err, sashlock.Invalid) || !errors.As(err, &found) || len(found) == 0 || found[0].What == "" {
				t.Errorf("%s: %v", name, err)
				continue
			}
			if name == "misspelt" && (found[0].Line != 4 || found[0].Column == 0) {
				t.Errorf("misspelt at %d:%d", found[0].Line, found[0].Column)
			}
		}
		if err := save(r, rails.Rail{Slug: "Not a slug", Text: noCases}, 0); !sashlock.IsKind(err, sashlock.Invalid) {
			t.Errorf("a bad name: %v", err)
		}
		if diff := cmp.Diff(before, listed(r)); diff != "" || r.Store.Size() != size {
			t.Errorf("something changed: %s", diff)
		}
		if diff := cmp.Diff([]string{"no-cases"}, forbidden(t, r)); diff != "" {
			t.Errorf("another set is in force: %s", diff)
		}
	})
}

func TestAShippedRailCanBeTakenAwayAndComesBack(t *testing.T) {
	roomtest.OnEachEngine(t, func(t *testing.T, r roomtest.Room) {
		shipped := policies.Default()[0]
		if err := r.Change(func(tx *store.Tx) (flow.Edit, error) { return rails.Remove(tx, shipped.Name, 0) }); err != nil {
			t.Fatal(err)
		}
		for _, one := range listed(r) {
			if one.Slug == shipped.Name {
				t.Error("it is still there")
			}
		}
		if err := save(r, rails.Rail{Slug: shipped.Name, Text: shipped.Text, Shadow: shipped.Shadow}, 0); err != nil {
			t.Fatal(err)
		}
		if all := listed(r); len(all) != len(policies.Default()) {
			t.Errorf("%d rails", len(all))
		}
	})
}

func TestReplaySaysWhatWouldHaveBeenForbidden(t *testing.T) {
	roomtest.OnEachEngine(t, func(t *testing.T, r roomtest.Room) {
		var ana sashlock.PersonID
		var opening sashlock.OpeningID
		r.View(func(q store.Query) error {
			one, err := people.Find(q, "ana")
			if err != nil {
				return err
			}
			o, err := sites.FindOpening(q, "case-1")
			ana, opening = one.ID, o.ID
			return err
		})
		_, err := r.Store.Do(t.Context(), func(tx *store.Tx) error {
			for i := range 5 {
				e := sashlock.Event{Kind: sashlock.AccessGranted, Person: ana, Opening: opening, Method: sashlock.ByCard, Decision: sashlock.DecisionID("dec_" + string(rune('a'+i)))}
				if i == 4 {
					e.Side = sashlock.Leaving
				}
				tx.Append(e)
			}
			tx.Append(sashlock.Event{Kind: sashlock.RailCrossed, Opening: opening, Rule: "no-cases"})
			tx.Append(sashlock.Event{Kind: sashlock.AccessDenied, Opening: opening, Rule: "no-cases", Reason: sashlock.GuardRail})
			tx.Append(sashlock.Event{Kind: sashlock.AccessDenied, Opening: opening, Rule: "no-cases"})
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		since, everything := r.Now().Add(-time.Hour), func(*sashlock.Event) bool { return true }
		set, err := rails.Compile([]rails.Rail{{Slug: "no-cases", Text: noCases}})
		if err != nil {
			t.Fatal(err)
		}
		past, err := rails.Replay(t.Context(), r.Store, r.Hall.Book(), set, since, everything)
		if err != nil || past.Looked != 4 || past.Forbidden != 4 || !past.Whole || len(past.Newest) != 4 || past.Newest[0].Decision != "dec_d" || past.Newest[0].Why != "Cases stay shut today." {
			t.Errorf("replayed: %+v, %v", past, err)
		}
		none, err := rails.Replay(t.Context(), r.Store, r.Hall.Book(), set, since, func(*sashlock.Event) bool { return false })
		if err != nil || none.Looked != 0 {
			t.Errorf("foreign ones count: %+v, %v", none, err)
		}
		tallies, whole, err := rails.Tallies(t.Context(), r.Store, since, everything)
		if got := tallies["no-cases"]; err != nil || !whole || got.Forbade != 1 || got.Would != 1 || got.Last.IsZero() {
			t.Errorf("counted: %+v, %v", tallies, err)
		}
	})
}
