// SPDX-License-Identifier: Apache-2.0

package flow_test

import (
	"testing"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/internal/access"
	"github.com/sashlock/sashlock/internal/flow"
	"github.com/sashlock/sashlock/internal/guard"
	"github.com/sashlock/sashlock/internal/store"
)

// TestAWaitingOrderIsAskedAboutAgain lets an order that holds unlocked wait
// behind a lockdown, forbids it meanwhile, and ends the lockdown.
func TestAWaitingOrderIsAskedAboutAgain(t *testing.T) {
	for _, c := range []struct {
		name string
		rail string
		want sashlock.Mode
	}{
		{"allowed still", `forbid (principal, action == Action::"open", resource);`, sashlock.HeldUnlocked},
		{"forbidden by now", `forbid (principal, action == Action::"hold_unlocked", resource == Opening::"case");`, sashlock.Normal},
	} {
		t.Run(c.name, func(t *testing.T) {
			h := newHouse(t, nil)
			h.start(access.Facts{
				Sites:    []sashlock.Site{{ID: "site_1", Slug: "store", Zone: "UTC"}},
				Openings: []sashlock.Opening{{ID: "opn_1", Slug: "case", Site: "site_1", Kind: sashlock.Case, Egress: sashlock.EgressNone}},
			}, []sashlock.Device{{ID: "dev_1", Opening: "opn_1", Driver: "story", Gateway: "story", Address: "1", Capabilities: []sashlock.Capability{sashlock.CanUnlock, sashlock.CanLock}}})
			order := func(source string, rank int, mode sashlock.Mode) {
				t.Helper()
				out, err := h.hall.Direct(t.Context(), flow.Directive{Order: sashlock.Order{Source: source, Rank: rank, Mode: mode}, Openings: []sashlock.OpeningID{"opn_1"}})
				h.must(err)
				if len(out.Ordered) != 1 {
					t.Fatalf("%s is held back: %+v", source, out.HeldBack)
				}
				h.now = h.now.Add(1e9)
			}
			order("operator", flow.RankOperator, sashlock.HeldUnlocked)
			order("lockdown", flow.RankLockdown, sashlock.LockedDown)
			rails, err := guard.Compile([]guard.Rail{{Name: "later", Text: c.rail}})
			h.must(err)
			_, err = h.hall.Change(t.Context(), flow.Change{Make: func(*store.Tx) (flow.Edit, error) { return flow.Edit{Rails: rails}, nil }})
			h.must(err)
			h.must(h.hall.Withdraw(t.Context(), "lockdown", nil, "opr_1"))
			if got := h.store.StateNow("opn_1"); got.Mode != c.want || (len(got.Orders) > 0) != (c.want == sashlock.HeldUnlocked) {
				t.Errorf("it is %q, with the orders %v", got.Mode, got.Orders)
			}
			held, err := h.store.Events(t.Context(), store.EventQuery{Kind: string(sashlock.ModeHeldBack), Limit: 5})
			h.must(err)
			if (len(held) == 1 && held[0].Rule == "later") != (c.want == sashlock.Normal) {
				t.Errorf("the ledger says %+v", held)
			}
		})
	}
}

// Somebody at the door asks twice to hold it: one command unlocks it, and its
// outcome is that of the request. Where a guard rail forbids holding it, they are
// let in once more, and the ledger says what was kept from them.
func TestHoldingAtTheDoorTakesOneCommand(t *testing.T) {
	for _, c := range []struct {
		name, rail string
		held       bool
	}{
		{"allowed", `forbid (principal, action == Action::"hold_unlocked", resource == Opening::"another");`, true},
		{"forbidden", `forbid (principal, action == Action::"hold_unlocked", resource == Opening::"dock");`, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			h := newHouse(t, nil)
			h.start(access.Facts{
				Sites:    []sashlock.Site{{ID: "site_1", Slug: "store", Zone: "UTC"}},
				Openings: []sashlock.Opening{{ID: "opn_1", Slug: "dock", Site: "site_1", Kind: sashlock.Door, Egress: sashlock.EgressNone, ReleaseTime: 10e9}},
				People:   []sashlock.Person{{ID: "prs_1", Slug: "ana"}},
				Grants:   []sashlock.Grant{{ID: "grt_1", Slug: "g", Person: "prs_1", Opening: "opn_1", Terms: sashlock.Terms{Hold: 600e9}}},
			}, []sashlock.Device{{ID: "dev_1", Opening: "opn_1", Driver: "story", Gateway: "story", Address: "1", Capabilities: []sashlock.Capability{sashlock.CanRelease, sashlock.CanUnlock, sashlock.CanLock}}})
			rails, err := guard.Compile([]guard.Rail{{Name: "never", Text: c.rail}})
			h.must(err)
			_, err = h.hall.Change(t.Context(), flow.Change{Make: func(*store.Tx) (flow.Edit, error) { return flow.Edit{Rails: rails}, nil }})
			h.must(err)
			ask := func() flow.Answer {
				a, err := h.hall.Request(t.Context(), sashlock.Request{Person: "prs_1", Opening: "opn_1"})
				h.must(err)
				h.now = h.now.Add(2e9)
				return a
			}
			ask()
			before := len(h.commands())
			second := ask()
			sent := h.commands()[before:]
			if len(sent) != 1 || sent[0].ID != second.Command || sent[0].Decision != second.Decision.ID {
				t.Errorf("commands %+v, the request follows %s of %s", sent, second.Command, second.Decision.ID)
			}
			if mode := h.store.StateNow("opn_1").Mode; (mode == sashlock.HeldUnlocked) != c.held {
				t.Errorf("it is %q", mode)
			}
			events, err := h.store.Events(t.Context(), store.EventQuery{Kind: string(sashlock.ModeHeldBack), Limit: 5})
			h.must(err)
			if (len(events) == 1 && events[0].Person == "prs_1" && events[0].Rule == "never") != !c.held {
				t.Errorf("the ledger says %+v", events)
			}
		})
	}
}
