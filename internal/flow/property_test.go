// SPDX-License-Identifier: Apache-2.0

package flow_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/internal/access"
	"github.com/sashlock/sashlock/internal/flow"
	"github.com/sashlock/sashlock/internal/guard"
)

// railScopes and railConditions are what guard rails are put together from.
var (
	railScopes = []string{
		"principal, action, resource",
		`principal in Role::"sales", action, resource`,
		`principal, action == Action::"open", resource`,
		`principal, action == Action::"open", resource in Area::"store/floor"`,
		`principal, action, resource in Site::"store"`,
		`principal, action, resource == Opening::"case-1"`,
	}
	railConditions = []string{
		"", "when { context.level < 3 }", `when { resource.class == "high" }`, "unless { context has second }",
		`when { context.mode == "held_unlocked" }`, "unless { context.on_shift }",
	}
)

func drawRails(t *rapid.T, label string) []guard.Rail {
	var rails []guard.Rail
	for i := range rapid.IntRange(0, 4).Draw(t, label) {
		r := guard.Rail{Name: fmt.Sprintf("%s %d", label, i), Shadow: rapid.IntRange(0, 3).Draw(t, "shadow") == 0}
		r.Text = strings.TrimSpace(fmt.Sprintf("@id(\"r\")\n@reason(\"No.\")\nforbid (%s)\n%s", rapid.SampledFrom(railScopes).Draw(t, "scope"), rapid.SampledFrom(railConditions).Draw(t, "condition"))) + ";"
		if rapid.IntRange(0, 2).Draw(t, "somewhere") == 0 {
			r.Site = "site_1"
		}
		rails = append(rails, r)
	}
	return rails
}

func compiled(t *rapid.T, rails []guard.Rail) *guard.Set {
	set, err := guard.Compile(rails)
	if err != nil {
		t.Fatalf("compiling %v: %v", rails, err)
	}
	return set
}

// guardedHouse is two openings, three people and grants of several kinds.
func guardedHouse(t *rapid.T) *flow.Book {
	facts := access.Facts{
		Sites: []sashlock.Site{{ID: "site_1", Slug: "store", Zone: "UTC"}},
		Areas: []sashlock.Area{{ID: "area_1", Slug: "floor", Site: "site_1"}},
		Roles: []sashlock.Role{{ID: "role_1", Slug: "sales"}},
		People: []sashlock.Person{
			{ID: "prs_1", Slug: "ana", Roles: []sashlock.RoleID{"role_1"}}, {ID: "prs_2", Slug: "bob"}, {ID: "prs_3", Slug: "eva", Suspended: true},
		},
		Openings: []sashlock.Opening{
			{ID: "opn_1", Slug: "case-1", Site: "site_1", Area: "area_1", Kind: sashlock.Case, Class: sashlock.High},
			{ID: "opn_2", Slug: "door", Site: "site_1", Kind: sashlock.Door, Needs: sashlock.Needs{Level: sashlock.Assurance(rapid.IntRange(0, 2).Draw(t, "needed"))}},
		},
	}
	grant := sashlock.Grant{Site: "site_1"}
	for i, to := range []sashlock.Grant{{Role: "role_1"}, {Person: "prs_2", Terms: sashlock.Terms{Two: true}}, {Person: "prs_3"}} {
		grant.ID, grant.Person, grant.Role, grant.Terms = sashlock.GrantID(fmt.Sprint("grt_", i)), to.Person, to.Role, to.Terms
		facts.Grants = append(facts.Grants, grant)
	}
	book, err := flow.NewBook(facts, []sashlock.Device{
		{ID: "dev_1", Opening: "opn_1", Capabilities: []sashlock.Capability{sashlock.CanRelease}},
		{ID: "dev_2", Opening: "opn_2", Capabilities: []sashlock.Capability{sashlock.CanUnlock}},
	})
	if err != nil {
		t.Fatal(err)
	}
	return book
}

// TestMoreRailsNeverOpen decides by some guard rails and by more of them.
func TestMoreRailsNeverOpen(t *testing.T) {
	granted, forbidden := 0, 0
	rapid.Check(t, func(t *rapid.T) {
		book := guardedHouse(t)
		few := drawRails(t, "few")
		less, more := book.Guarded(compiled(t, few)), book.Guarded(compiled(t, append(few, drawRails(t, "more")...)))
		for range 30 {
			q := sashlock.Request{
				Person:  rapid.SampledFrom([]sashlock.PersonID{"prs_1", "prs_2", "prs_3", "prs_9"}).Draw(t, "person"),
				Opening: rapid.SampledFrom([]sashlock.OpeningID{"opn_1", "opn_2"}).Draw(t, "opening"),
				Level:   sashlock.Assurance(rapid.IntRange(0, 4).Draw(t, "level")),
				At:      time.Date(2026, 11, 22, 10, 0, 0, 0, time.UTC),
			}
			s := sashlock.OpeningState{Opening: q.Opening, Mode: rapid.SampledFrom([]sashlock.Mode{"", sashlock.HeldUnlocked, sashlock.LockedDown}).Draw(t, "mode")}
			before, after := less.Decide(q, s, nil), more.Decide(q, s, nil)
			if after.Granted && !before.Granted {
				t.Fatalf("%+v is granted with more guard rails: %+v, and not with fewer: %+v", q, after, before)
			}
			if after.Reason == sashlock.SecondPersonNeeded && !before.Granted && before.Reason != sashlock.SecondPersonNeeded {
				t.Fatalf("%+v waits for a second person with more guard rails, and is refused with fewer: %+v", q, before)
			}
			if after.Granted {
				granted++
			} else if after.Reason == sashlock.GuardRail {
				forbidden++
			}
		}
	})
	if granted == 0 || forbidden == 0 {
		t.Errorf("%d granted and %d forbidden: the test needs both", granted, forbidden)
	}
}

// drawEdit changes something that guard rails go by, or the rails.
func drawEdit(t *rapid.T) flow.Edit {
	var e flow.Edit
	put := &e.Access.Put
	called := func(slug string) string { return rapid.SampledFrom([]string{slug, "other"}).Draw(t, "slug") }
	switch rapid.IntRange(0, 6).Draw(t, "edit") {
	case 0:
		put.Openings = []sashlock.Opening{{ID: "opn_2", Slug: called("case-1"), Site: "site_1", Area: "area_1", Class: sashlock.High}}
	case 1:
		put.Areas = []sashlock.Area{{ID: "area_1", Slug: called("floor"), Site: "site_1"}}
	case 2:
		put.Roles = []sashlock.Role{{ID: "role_1", Slug: called("sales")}}
	case 3:
		put.Sites = []sashlock.Site{{ID: "site_1", Slug: called("store"), Zone: "UTC"}}
	case 4:
		put.People = []sashlock.Person{{ID: "prs_2", Slug: "bob", Roles: []sashlock.RoleID{"role_1"}}}
	case 5:
		e.Access.Remove.People = []sashlock.PersonID{"prs_1"}
	case 6:
		e.Rails = compiled(t, drawRails(t, "later"))
	}
	return e
}

// TestRailsAreNeverPassedOver edits what guard rails go by and expects that no
// request that one of them forbids counts as free of them.
func TestRailsAreNeverPassedOver(t *testing.T) {
	free, hit := 0, 0
	rapid.Check(t, func(t *rapid.T) {
		book := guardedHouse(t)
		before := rapid.IntRange(0, 4).Draw(t, "edits before the rails")
		for i := range before + 8 {
			if i == before {
				book = book.Guarded(compiled(t, drawRails(t, "rails")))
			}
			next, err := book.With(drawEdit(t))
			if err != nil {
				t.Fatal(err)
			}
			book = next
			for _, person := range []sashlock.PersonID{"prs_1", "prs_2", "prs_3"} {
				for _, opening := range []sashlock.OpeningID{"opn_1", "opn_2"} {
					q := sashlock.Request{Person: person, Opening: opening, At: time.Date(2026, 11, 22, 10, 0, 0, 0, time.UTC)}
					facts := book.GuardFacts(book.Openings[opening], q)
					switch hits := book.Rails().Look(&facts); {
					case len(hits) > 0 && book.Index.Free(q):
						t.Fatalf("%v forbids %+v, which counts as free of guard rails", hits, q)
					case len(hits) > 0:
						hit++
					case book.Index.Free(q):
						free++
					}
				}
			}
		}
	})
	if free == 0 || hit == 0 {
		t.Errorf("%d free and %d forbidden: the test needs both", free, hit)
	}
}
