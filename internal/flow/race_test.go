// SPDX-License-Identifier: Apache-2.0

package flow_test

import (
	"flag"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/internal/access"
	"github.com/sashlock/sashlock/internal/flow"
	"github.com/sashlock/sashlock/internal/store"
)

var pairs = flag.Int("pairs", 10_000, "how often a revocation races a request; 100000 takes a minute or two on two idle cores")

// TestNothingOpensAfterARevocation lets revocations race requests. A request
// under way while its grant is revoked may go either way; one made after the
// revocation was acknowledged is refused.
func TestNothingOpensAfterARevocation(t *testing.T) {
	const workers = 32
	h := newHouse(t, nil)
	facts := access.Facts{Sites: []sashlock.Site{{ID: "site_1", Slug: "store", Name: "Store", Zone: "UTC"}}}
	var devices []sashlock.Device
	for n := range workers {
		o := sashlock.OpeningID(fmt.Sprintf("opn_%d", n))
		facts.Openings = append(facts.Openings, sashlock.Opening{
			ID: o, Slug: fmt.Sprintf("case-%d", n), Name: "Case", Site: "site_1", Kind: sashlock.Case, Egress: sashlock.EgressNone, ReleaseTime: 3e9,
		})
		devices = append(devices, sashlock.Device{ID: deviceAt(o, "lock"), Opening: o, Capabilities: []sashlock.Capability{sashlock.CanRelease}})
		facts.People = append(facts.People, sashlock.Person{ID: sashlock.PersonID(fmt.Sprintf("prs_%d", n)), Slug: fmt.Sprintf("p-%d", n), Name: "Somebody"})
	}
	h.start(facts, devices)
	var left, during atomic.Int64
	left.Store(int64(*pairs))
	var done sync.WaitGroup
	for n := range workers {
		done.Go(func() {
			for left.Add(-1) >= 0 && !t.Failed() {
				if raceOnce(t, h, n) {
					during.Add(1)
				}
			}
		})
	}
	done.Wait()
	t.Logf("%d revocations raced a request; %d of these requests came first", *pairs, during.Load())
	if during.Load() == 0 || during.Load() == int64(*pairs) {
		t.Error("nothing raced: every request came on the same side of its revocation")
	}
}

// raceOnce gives somebody a grant, revokes it while they ask, and has them ask
// again. It reports whether the first request was granted.
func raceOnce(t *testing.T, h *house, n int) bool {
	grant := sashlock.Grant{
		ID: sashlock.GrantID(fmt.Sprintf("grt_%d", n)), Person: sashlock.PersonID(fmt.Sprintf("prs_%d", n)), Opening: sashlock.OpeningID(fmt.Sprintf("opn_%d", n)),
	}
	change := func(c access.Change) {
		_, err := h.hall.Change(t.Context(), flow.Change{Make: func(*store.Tx) (flow.Edit, error) { return flow.Edit{Access: c}, nil }})
		if err != nil {
			t.Error(err)
		}
	}
	ask := func() bool {
		a, err := h.hall.Request(t.Context(), sashlock.Request{Person: grant.Person, Opening: grant.Opening})
		if err != nil {
			t.Error(err)
		}
		return a.Decision.Granted
	}
	change(access.Change{Put: access.Facts{Grants: []sashlock.Grant{grant}}})
	var racing sync.WaitGroup
	var first bool
	revoked := make(chan struct{})
	revoke := func() {
		change(access.Change{Remove: access.Removal{Grants: []sashlock.GrantID{grant.ID}}})
		close(revoked)
	}
	if n%2 == 0 { // who is started first mostly comes first
		racing.Go(func() { first = ask() })
		racing.Go(revoke)
	} else {
		racing.Go(revoke)
		racing.Go(func() { first = ask() })
	}
	<-revoked
	if ask() {
		t.Errorf("person %d was let in after the revocation had been acknowledged", n)
	}
	racing.Wait()
	return first
}
