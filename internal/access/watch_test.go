// SPDX-License-Identifier: Apache-2.0

package access_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/internal/access"
)

// watched is what the tests of this file have watched: whatever is named so.
func watched() access.Watch {
	return access.Watch{
		All:     true,
		Opening: func(id sashlock.OpeningID) bool { return strings.HasPrefix(string(id), "watched") },
		Person:  func(id sashlock.PersonID) bool { return strings.HasPrefix(string(id), "watched") },
	}
}

func watchedEstate(t *testing.T) *access.Index {
	f := access.Facts{Sites: []sashlock.Site{{ID: "s", Zone: "UTC"}}}
	for i := range 100 { // more than one word of marks
		f.Openings = append(f.Openings, sashlock.Opening{ID: sashlock.OpeningID(fmt.Sprint("free-", i)), Site: "s"})
		f.People = append(f.People, sashlock.Person{ID: sashlock.PersonID(fmt.Sprint("free-", i))})
		f.Grants = append(f.Grants, sashlock.Grant{ID: sashlock.GrantID(fmt.Sprint("g", i)), Person: f.People[i].ID, Site: "s"})
	}
	f.Openings = append(f.Openings, sashlock.Opening{ID: "watched", Site: "s"})
	f.People = append(f.People, sashlock.Person{ID: "watched"})
	f.Grants = append(f.Grants, sashlock.Grant{ID: "g", Person: "watched", Site: "s"})
	ix, err := access.New(f)
	if err != nil {
		t.Fatal(err)
	}
	return ix
}

// free asks both ways and reports whether the request needs no further look.
func free(t *testing.T, ix *access.Index, person sashlock.PersonID, opening sashlock.OpeningID) bool {
	t.Helper()
	q := sashlock.Request{Person: person, Opening: opening, At: benchStart}
	v := ix.Decide(q, "", nil)
	if !v.Granted || v.Free != ix.Free(q) {
		t.Fatalf("%s at %s: %+v, Free says %v", person, opening, v, ix.Free(q))
	}
	return v.Free
}

func TestFree(t *testing.T) {
	bare := watchedEstate(t)
	if free(t, bare, "free-1", "free-1") {
		t.Error("nobody has said what is watched, and a request is free")
	}
	ix := bare.Watching(watched())
	for _, c := range []struct {
		person  sashlock.PersonID
		opening sashlock.OpeningID
		want    bool
	}{{"free-0", "free-99", true}, {"free-99", "free-64", true}, {"watched", "free-1", false}, {"free-1", "watched", false}, {"watched", "watched", false}} {
		if got := free(t, ix, c.person, c.opening); got != c.want {
			t.Errorf("%s at %s: free %v, want %v", c.person, c.opening, got, c.want)
		}
	}
	if ix.Free(sashlock.Request{Person: "nobody", Opening: "free-1"}) || ix.Free(sashlock.Request{Person: "free-1", Opening: "nothing"}) {
		t.Error("a request about what is not known is free")
	}
}

// TestFreeAfterAChange expects that what was put is watched until somebody has
// said otherwise, and that indexes do not change one another.
func TestFreeAfterAChange(t *testing.T) {
	ix := watchedEstate(t).Watching(watched())
	next, err := ix.With(access.Change{Put: access.Facts{
		Openings: []sashlock.Opening{{ID: "free-1", Site: "s"}, {ID: "new", Site: "s"}},
		People:   []sashlock.Person{{ID: "free-1"}, {ID: "new-one", Suspended: false}},
		Grants:   []sashlock.Grant{{ID: "gn", Person: "new-one", Site: "s"}},
	}})
	if err != nil {
		t.Fatal(err)
	}
	if free(t, next, "free-1", "free-2") || free(t, next, "free-2", "free-1") || free(t, next, "free-2", "new") || free(t, next, "new-one", "free-2") {
		t.Error("what was put is free before anybody looked at it")
	}
	if !free(t, next, "free-2", "free-2") || !free(t, ix, "free-1", "free-1") {
		t.Error("what was not touched is watched")
	}
	w := watched()
	w.All, w.Openings, w.People = false, []sashlock.OpeningID{"free-1", "new", "watched", "nothing"}, []sashlock.PersonID{"free-1", "new-one", "nobody"}
	last := next.Watching(w)
	if !free(t, last, "free-1", "new") || !free(t, last, "new-one", "free-1") || free(t, last, "free-1", "watched") {
		t.Error("what was looked at again is not as it was found")
	}
	if free(t, next, "free-1", "free-2") {
		t.Error("the index before has changed")
	}
}
