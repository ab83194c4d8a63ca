// SPDX-License-Identifier: Apache-2.0

package flow_test

import (
	"maps"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/internal/access"
	"github.com/sashlock/sashlock/internal/flow"
	"github.com/sashlock/sashlock/internal/guard"
)

// TestPeopleOfALongList puts people in parts: decisions and guard rails go by
// each part at once, what is shown by the last.
func TestPeopleOfALongList(t *testing.T) {
	book, err := flow.NewBook(access.Facts{
		Sites:    []sashlock.Site{{ID: "site_1", Slug: "store", Zone: "UTC"}},
		Roles:    []sashlock.Role{{ID: "role_1", Slug: "sales"}},
		Openings: []sashlock.Opening{{ID: "opn_1", Slug: "case", Site: "site_1", Kind: sashlock.Case}},
		People:   []sashlock.Person{{ID: "prs_1", Slug: "ana"}, {ID: "prs_2", Slug: "bob", Suspended: true}},
		Grants:   []sashlock.Grant{{ID: "grt_1", Role: "role_1", Site: "site_1"}},
	}, []sashlock.Device{{ID: "dev_1", Opening: "opn_1", Capabilities: []sashlock.Capability{sashlock.CanRelease}}})
	if err != nil {
		t.Fatal(err)
	}
	rails, err := guard.Compile([]guard.Rail{{Name: "nobody of sales", Text: `forbid (principal in Role::"sales", action, resource);`}})
	if err != nil {
		t.Fatal(err)
	}
	change := func(more bool, remove []sashlock.PersonID, put ...sashlock.Person) {
		t.Helper()
		e := flow.Edit{More: more}
		e.Access.Put.People, e.Access.Remove.People = put, remove
		if book, err = book.With(e); err != nil {
			t.Fatal(err)
		}
	}
	seller := func(id sashlock.PersonID, slug string) sashlock.Person {
		return sashlock.Person{ID: id, Slug: slug, Roles: []sashlock.RoleID{"role_1"}}
	}
	asks := func(b *flow.Book, who sashlock.PersonID) sashlock.Reason {
		return b.Decide(sashlock.Request{Person: who, Opening: "opn_1", At: time.Now()}, sashlock.OpeningState{}, nil).Reason
	}
	change(true, nil, seller("prs_3", "eva"), seller("prs_1", "ana"))
	change(true, nil, seller("prs_3", "eve"))
	for _, who := range []sashlock.PersonID{"prs_1", "prs_3"} {
		if got := asks(book, who); got != sashlock.Permitted {
			t.Errorf("%s, of a part of the list, is answered %s", who, got)
		}
		if got := asks(book.Guarded(rails), who); got != sashlock.GuardRail {
			t.Errorf("%s, of a part of the list, is not seen by a guard rail: %s", who, got)
		}
	}
	if len(book.People) != 2 {
		t.Errorf("%d people are shown before the list is done", len(book.People))
	}
	before := book
	change(false, []sashlock.PersonID{"prs_2"}, seller("prs_4", "kim"))
	if diff := cmp.Diff([]sashlock.PersonID{"prs_1", "prs_3", "prs_4"}, slices.Sorted(maps.Keys(book.People))); diff != "" || book.People["prs_3"].Slug != "eve" || len(book.People["prs_1"].Roles) != 1 {
		t.Errorf("the people are %v: %s", book.People, diff)
	}
	if len(before.People) != 2 {
		t.Error("the book before has changed")
	}
}
