// SPDX-License-Identifier: Apache-2.0

package guard_test

import (
	"fmt"
	"iter"
	"math/rand/v2"
	"testing"

	"github.com/cedar-policy/cedar-go"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/internal/guard"
)

// alone is a rule as a set for cedar.Authorize.
type alone struct{ *cedar.Policy }

func (a alone) All() iter.Seq2[cedar.PolicyID, *cedar.Policy] {
	return func(yield func(cedar.PolicyID, *cedar.Policy) bool) { yield("", a.Policy) }
}

// forbids asks cedar-go whether a rule forbids: it does, or it cannot be worked
// out.
func forbids(p *cedar.Policy, s *scene) bool {
	_, said := cedar.Authorize(alone{p}, s.entities, s.request)
	return len(said.Reasons) > 0 || len(said.Errors) > 0
}

// world is a random set of rules in both forms.
type world struct {
	set   *guard.Set
	rails []guard.Rail
	rules []both
	cedar []*cedar.Policy
}

func newWorld(t testing.TB, w writer, rules int) world {
	t.Helper()
	var made world
	var rails []guard.Rail
	for range rules {
		r := w.rule()
		var p cedar.Policy
		if err := p.UnmarshalCedar([]byte(r.cedar)); err != nil {
			t.Fatalf("%s: %v", r.cedar, err)
		}
		rail := guard.Rail{Name: fmt.Sprintf("rail-%04d", len(rails)), Text: r.ours}
		if w.IntN(8) == 0 {
			rail.Site = sashlock.SiteID(w.one("site_0", "site_1"))
		}
		rails = append(rails, rail)
		made.rules, made.cedar = append(made.rules, r), append(made.cedar, &p)
	}
	set, err := guard.Compile(rails)
	if err != nil {
		t.Fatal(err)
	}
	made.set, made.rails = set, rails
	return made
}

// compareWith asks both sides about a scene and returns how many rules forbade
// it.
func (m *world) compareWith(t testing.TB, s *scene) (forbade int) {
	t.Helper()
	hits := map[string]bool{}
	for _, h := range m.set.Look(&s.facts) {
		hits[h.Rail] = true
	}
	for i, p := range m.cedar {
		here := m.rails[i].Site
		want := (here == "" || string(here) == s.facts.Site) && forbids(p, s)
		if want {
			forbade++
		}
		if got := hits[fmt.Sprintf("rail-%04d", i)]; got != want {
			t.Fatalf("forbids: %v, cedar-go says %v\n%s\n%+v", got, want, m.rules[i].ours, s.facts)
		}
	}
	if len(hits) > 0 && !m.set.InScope(&s.facts) {
		t.Fatalf("a rail forbids, but none is in scope: %+v", s.facts)
	}
	if len(hits) > 0 && !m.set.OfOpening(&s.facts) && !m.set.OfPerson(&s.facts) {
		t.Fatalf("a rail forbids, but none is about the opening or the person: %+v", s.facts)
	}
	return forbade
}

// TestSameAsCedar compares our evaluator and index with cedar-go over a million
// pairs of rule and request.
func TestSameAsCedar(t *testing.T) {
	const worlds, rules, scenes = 40, 125, 205
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	asked, forbade := 0, 0
	for n := range worlds {
		w := writer{rand.New(rand.NewPCG(seed, uint64(n)))}
		m := newWorld(t, w, rules)
		for range scenes {
			s := w.scene()
			forbade += m.compareWith(t, &s)
			asked += len(m.cedar)
		}
	}
	t.Logf("%d asked, %d forbidden", asked, forbade)
	if asked < 1_000_000 || forbade < asked/50 {
		t.Errorf("%d asked, %d forbidden: this does not try enough", asked, forbade)
	}
}

// FuzzSameAsCedar does the same for one world at a time.
func FuzzSameAsCedar(f *testing.F) {
	f.Add(uint64(1), uint64(2))
	f.Fuzz(func(t *testing.T, a, b uint64) {
		w := writer{rand.New(rand.NewPCG(a, b))}
		m := newWorld(t, w, 8)
		for range 32 {
			s := w.scene()
			m.compareWith(t, &s)
		}
	})
}
