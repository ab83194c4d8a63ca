// SPDX-License-Identifier: Apache-2.0

package access_test

import (
	"maps"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/internal/access"
)

// couple is somebody and an opening.
type couple struct {
	person  sashlock.PersonID
	opening sashlock.OpeningID
}

// slowEffect asks both indexes about everybody and every opening.
func slowEffect(before, after *access.Index, instants []time.Time) (gain, loss map[couple]bool) {
	gain, loss = map[couple]bool{}, map[couple]bool{}
	for p := range somePeople {
		for o := range someOpenings {
			c := couple{id[sashlock.PersonID]("prs", p), id[sashlock.OpeningID]("opn", o)}
			for _, at := range instants {
				req := sashlock.Request{Person: c.person, Opening: c.opening, At: at}
				was, is := before.Could(req, "").Granted, after.Could(req, "").Granted
				if is && !was {
					gain[c] = true
				}
				if was && !is {
					loss[c] = true
				}
			}
		}
	}
	return gain, loss
}

func fastEffect(before, after *access.Index, instants []time.Time, parts int) (gain, loss map[couple]bool, counted int) {
	gain, loss = map[couple]bool{}, map[couple]bool{}
	c := access.Compare(before, after, instants)
	for part := range parts {
		for _, d := range c.Part(part, parts) {
			for p := range d.Gain.All() {
				gain[couple{p, d.Opening}] = true
			}
			for p := range d.Loss.All() {
				loss[couple{p, d.Opening}] = true
			}
			counted += d.Gain.Len() + d.Loss.Len()
		}
	}
	return gain, loss, counted
}

// TestEffectAgreesWithPairs compares two indexes in sets and one by one: made
// from one another, so that they share what did not change, and each for itself.
func TestEffectAgreesWithPairs(t *testing.T) {
	differed, same := 0, 0
	rapid.Check(t, func(t *rapid.T) {
		w, before, _ := drawn(t)
		after := before
		for range rapid.IntRange(0, 4).Draw(t, "changes") {
			after = changed(t, after, w.change())
		}
		fresh, err := access.New(w.facts)
		if err != nil {
			t.Fatal(err)
		}
		instants := []time.Time{w.instant(), w.instant(), w.instant()}[:rapid.IntRange(1, 3).Draw(t, "instants")]
		wantGain, wantLoss := slowEffect(before, after, instants)
		for _, after := range []*access.Index{after, fresh} {
			gain, loss, counted := fastEffect(before, after, instants, rapid.IntRange(1, 5).Draw(t, "parts"))
			if diff := cmp.Diff(wantGain, gain, cmp.AllowUnexported(couple{})); diff != "" {
				t.Fatalf("who gains (-one by one, +in sets):\n%s", diff)
			}
			if diff := cmp.Diff(wantLoss, loss, cmp.AllowUnexported(couple{})); diff != "" {
				t.Fatalf("who loses (-one by one, +in sets):\n%s", diff)
			}
			if counted != len(gain)+len(loss) {
				t.Fatalf("sets have %d people by their length and %d when listed", counted, len(gain)+len(loss))
			}
		}
		if len(wantGain)+len(wantLoss) > 0 {
			differed++
		} else {
			same++
		}
	})
	if differed == 0 || same == 0 {
		t.Errorf("of the changes %d had an effect and %d none: the test needs both", differed, same)
	}
}

// TestEffectWithVeryManyMembers has roles so large that they are kept as masks,
// and asks for the parts at once.
func TestEffectWithVeryManyMembers(t *testing.T) {
	f := shop()
	role := sashlock.Role{ID: "role_all", Name: "Everybody"}
	f.Roles = append(f.Roles, role)
	const many = 500
	want := map[sashlock.PersonID]bool{}
	for i := range many {
		p := sashlock.Person{ID: id[sashlock.PersonID]("new", i), Roles: []sashlock.RoleID{role.ID}, Suspended: i%7 == 0}
		f.People = append(f.People, p)
		if !p.Suspended {
			want[p.ID] = true
		}
	}
	before := mustNew(t, f)
	after, err := before.With(access.Change{Put: access.Facts{Grants: []sashlock.Grant{{ID: "grt_all", Role: role.ID, Opening: "opn_case"}}}})
	if err != nil {
		t.Fatal(err)
	}
	c := access.Compare(before, after, []time.Time{benchStart})
	var lock sync.Mutex
	got := map[sashlock.PersonID]bool{}
	var group sync.WaitGroup
	for part := range 4 {
		group.Go(func() {
			for _, d := range c.Part(part, 4) {
				lock.Lock()
				maps.Copy(got, maps.Collect(func(yield func(sashlock.PersonID, bool) bool) {
					for p := range d.Gain.All() {
						if !yield(p, true) {
							return
						}
					}
				}))
				lock.Unlock()
			}
		})
	}
	group.Wait()
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("who gains (-want +got):\n%s", diff)
	}
}

func TestNothingChangedIsNoEffect(t *testing.T) {
	f := shop()
	f.Grants = append(f.Grants, sashlock.Grant{ID: "grt_any", Person: f.People[0].ID, Opening: "opn_case"})
	ix := mustNew(t, f)
	for _, pair := range [][2]*access.Index{{ix, ix}, {{}, {}}} {
		if found := access.Compare(pair[0], pair[1], []time.Time{benchStart}).Part(0, 1); len(found) != 0 {
			t.Errorf("an index differs from itself: %v", found)
		}
	}
	empty := &access.Index{}
	all := access.Compare(empty, ix, []time.Time{benchStart}).Part(0, 1)
	none := access.Compare(ix, empty, []time.Time{benchStart}).Part(0, 1)
	lists := func(list []access.Difference, people func(access.Difference) access.People) (all []couple) {
		for _, d := range list {
			for p := range people(d).All() {
				all = append(all, couple{p, d.Opening})
			}
		}
		return all
	}
	gain := lists(all, func(d access.Difference) access.People { return d.Gain })
	loss := lists(none, func(d access.Difference) access.People { return d.Loss })
	if len(gain) == 0 || !slices.Equal(gain, loss) {
		t.Errorf("from nothing to a shop %v is gained, and back %v is lost", gain, loss)
	}
}
