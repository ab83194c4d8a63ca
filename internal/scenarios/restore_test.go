// SPDX-License-Identifier: Apache-2.0

package scenarios_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/internal/flow"
	"github.com/sashlock/sashlock/internal/guard"
	"github.com/sashlock/sashlock/internal/scenario"
	"github.com/sashlock/sashlock/internal/store"
	"github.com/sashlock/sashlock/policies"
)

// four are scenarios that get in each other's way.
var four = []string{
	`{slug: peak, name: Peak, site: store, kind: peak_hour, rank: 10, trigger: {button: true}, actions: {hold_unlocked: [{areas: [store/floor]}], threat: peak}, revert: {after: 40m}}`,
	`{slug: sale, name: Sale, site: store, kind: special_event, rank: 20, trigger: {button: true}, actions: {hold_unlocked: [{openings: [case-2, cage]}], lock_down: [{openings: [case-1]}], threat: event, grants: [{slug: g, role: associate, opening: cage}]}, revert: {after: 2h}}`,
	`{slug: floor-down, name: Floor down, site: store, kind: lockdown, trigger: {button: true}, actions: {lock_down: [{areas: [store/floor]}]}}`,
	`{slug: all-down, name: All down, site: store, kind: lockdown, rank: 5, trigger: {button: true}, actions: {lock_down: [{all: true}], threat: lockdown}}`,
}

var fourSlugs = []string{"peak", "sale", "floor-down", "all-down"}

// Whatever scenarios, lockdowns, operators and restarts do, and in whatever
// order: once all is taken back everything stands as it did. At no moment is
// what is of high value held unlocked, or a way out locked.
func TestEverythingIsRestored(t *testing.T) {
	h := newHouse(t)
	h.room.Pace(24 * time.Hour) // nothing counts here
	var rails []guard.Rail
	for _, p := range policies.Default() {
		rails = append(rails, guard.Rail{Name: p.Name, Text: p.Text, Shadow: p.Shadow})
	}
	for _, text := range four {
		h.save(text)
	}
	rapid.Check(t, func(r *rapid.T) {
		h.protect(rails[:rapid.SampledFrom([]int{0, len(rails)}).Draw(r, "rails")]...)
		h.settle()
		before := h.modes()
		sent := h.store.Size()
		for range rapid.IntRange(1, 8).Draw(r, "steps") {
			h.randomly(r)
			if m := h.store.StateNow(h.opening("safe")).Mode; m == sashlock.HeldUnlocked {
				r.Fatal("the safe is held unlocked")
			}
		}
		for _, slug := range fourSlugs {
			h.press(slug, scenario.StopPress)
		}
		h.must(h.hall.Withdraw(h.t.Context(), "operator", nil, ""))
		h.settle()
		if diff := cmp.Diff(before, h.modes()); diff != "" {
			r.Fatalf("not as it was (-before +after):\n%s\n%s", diff, h.told(sent))
		}
		if grants := h.grants(); grants != 1 {
			r.Fatalf("%d grants are left", grants)
		}
		events, err := h.store.Events(h.t.Context(), store.EventQuery{From: sent, Opening: h.opening("exit"), Kind: string(sashlock.CommandQueued), Limit: 1000})
		h.must(err)
		for _, e := range events {
			if e.Why == string(sashlock.DoLock) {
				r.Fatal("a way out was told to lock")
			}
		}
	})
}

// randomly does one thing.
func (h *house) randomly(r *rapid.T) {
	slug := rapid.SampledFrom(fourSlugs).Draw(r, "scenario")
	switch rapid.IntRange(0, 6).Draw(r, "what") {
	case 0, 1:
		h.press(slug, scenario.StartPress)
	case 2:
		h.press(slug, scenario.StopPress)
	case 3:
		mode := rapid.SampledFrom([]sashlock.Mode{sashlock.HeldUnlocked, sashlock.LockedDown, sashlock.Blocked}).Draw(r, "mode")
		some := []sashlock.OpeningID{h.opening(fmt.Sprintf("case-%d", rapid.IntRange(1, 3).Draw(r, "case"))), h.opening("cage")}
		_, err := h.hall.Direct(h.t.Context(), flow.Directive{Order: sashlock.Order{Source: "operator", Rank: flow.RankOperator, Mode: mode}, Openings: some, Operator: "opr_1"})
		h.must(err)
		h.settle()
	case 4:
		h.must(h.hall.Withdraw(h.t.Context(), "operator", nil, "opr_1"))
		h.settle()
	case 5:
		h.until(h.now.Add(time.Duration(rapid.IntRange(1, 90).Draw(r, "minutes")) * time.Minute))
	case 6:
		if rapid.IntRange(0, 3).Draw(r, "restart") == 0 {
			h.restart()
			h.room.Pace(24 * time.Hour)
			h.settle()
		}
	}
}

func (h *house) grants() int { return len(roomFacts(h.t, h.store).Grants) }
