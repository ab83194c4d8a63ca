// SPDX-License-Identifier: Apache-2.0

package flow_test

import (
	"math/rand/v2"
	"testing"
	"time"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/internal/access"
	"github.com/sashlock/sashlock/internal/flow"
	"github.com/sashlock/sashlock/internal/store"
)

// onTrial is a store with one case that anna may open, and hold.
func onTrial(trial bool) (access.Facts, []sashlock.Device) {
	return access.Facts{
		Sites:    []sashlock.Site{{ID: "site_1", Slug: "store", Zone: "UTC"}},
		Openings: []sashlock.Opening{{ID: "opn_1", Slug: "case", Site: "site_1", Kind: sashlock.Case, Egress: sashlock.EgressNone, OnFault: sashlock.ReleaseOnFault, ReleaseTime: 10e9, Trial: trial}},
		People:   []sashlock.Person{{ID: "prs_1", Slug: "anna"}, {ID: "prs_2", Slug: "ben"}},
		Grants:   []sashlock.Grant{{ID: "grt_1", Slug: "g", Person: "prs_1", Opening: "opn_1", Terms: sashlock.Terms{Hold: 600e9}}},
	}, []sashlock.Device{{ID: "dev_1", Opening: "opn_1", Driver: "story", Gateway: "story", Address: "1", Capabilities: []sashlock.Capability{sashlock.CanUnlock, sashlock.CanLock, sashlock.TellsLock, sashlock.TellsPosition}}}
}

// try does one thing out of all that may move a bolt.
func (h *house) try(dice *rand.Rand) {
	h.t.Helper()
	coin := func() bool { return dice.IntN(2) == 0 }
	switch dice.IntN(7) {
	case 0, 1:
		q := sashlock.Request{Person: []sashlock.PersonID{"prs_1", "prs_2"}[dice.IntN(2)], Opening: "opn_1", Duress: coin()}
		if coin() {
			q.Operator = "opr_1"
		}
		a, err := h.hall.Request(h.t.Context(), q)
		h.must(err)
		if trial := h.hall.Book().Openings["opn_1"].Trial; a.Decision.Trial != trial || trial && a.Command != "" {
			h.t.Fatalf("on trial: %v; answered %+v", trial, a)
		}
	case 2, 3:
		source := []string{"scenario:peak", "lockdown:area", "operator"}[dice.IntN(3)]
		mode := []sashlock.Mode{sashlock.HeldUnlocked, sashlock.HeldUnlocked, sashlock.LockedDown, sashlock.Blocked}[dice.IntN(4)]
		_, err := h.hall.Direct(h.t.Context(), flow.Directive{Order: sashlock.Order{Source: source, Rank: 100, Mode: mode, Until: h.now.Add(time.Minute)}, Openings: []sashlock.OpeningID{"opn_1"}})
		h.must(err)
	case 4:
		h.must(h.hall.Withdraw(h.t.Context(), "operator", nil, "opr_1"))
	default:
		kinds := []sashlock.EventKind{sashlock.LockUnlocked, sashlock.LockLocked, sashlock.OpeningOpened, sashlock.OpeningClosed}
		_, err := h.hall.Report(h.t.Context(), sashlock.Report{Kind: kinds[dice.IntN(4)], Device: "dev_1", Opening: "opn_1", At: h.now})
		h.must(err)
	}
	h.until(h.now.Add(time.Duration(dice.IntN(90)) * time.Second))
}

// Nothing is ever sent to the lock of an opening on trial, whatever happens; and
// the same things do move one that is in force, so that this says something.
func TestNothingIsSentOnTrial(t *testing.T) {
	const days, steps = 8, 60
	moved := 0
	for day := range uint64(days) {
		dice, trial := rand.New(rand.NewPCG(day, 23)), day%2 == 0
		h := newHouse(t, nil)
		h.start(onTrial(trial))
		for range steps {
			h.try(dice)
		}
		if trial && len(h.commands()) > 0 {
			t.Fatalf("day %d: %d commands for an opening on trial: %+v", day, len(h.commands()), h.commands())
		}
		moved += len(h.commands())
		h.must(h.store.Close())
		h.store = nil
		if _, err := h.hall.Request(t.Context(), sashlock.Request{Person: "prs_1", Opening: "opn_1"}); trial && (err == nil || len(h.commands()) > 0) {
			t.Fatalf("day %d: released on trial while nothing could be recorded: %v, %+v", day, err, h.commands())
		}
	}
	if moved < days {
		t.Errorf("only %d commands in force: this shows nothing", moved)
	}
}

// An opening goes on trial with nothing owed to its lock, and comes back without
// anything moving; both are in the ledger, with who did it.
func TestOnTrialAndBack(t *testing.T) {
	h := newHouse(t, nil)
	facts, devices := onTrial(false)
	h.start(facts, devices)
	set := func(trial bool) error {
		o := facts.Openings[0]
		o.Trial = trial
		_, err := h.hall.Change(t.Context(), flow.Change{Operator: "opr_1", Make: func(*store.Tx) (flow.Edit, error) {
			return flow.Edit{Access: access.Change{Put: access.Facts{Openings: []sashlock.Opening{o}}}}, nil
		}})
		return err
	}
	_, err := h.hall.Direct(t.Context(), flow.Directive{Order: sashlock.Order{Source: "operator", Rank: flow.RankOperator, Mode: sashlock.HeldUnlocked}, Openings: []sashlock.OpeningID{"opn_1"}})
	h.must(err)
	if err := set(true); !sashlock.IsKind(err, sashlock.Conflict) {
		t.Fatalf("put on trial while its lock was moving: %v", err)
	}
	_, err = h.hall.Report(t.Context(), sashlock.Report{Kind: sashlock.LockUnlocked, Device: "dev_1", Opening: "opn_1", At: h.now})
	h.must(err)
	before := len(h.commands())
	h.must(set(true))
	h.until(h.now.Add(time.Hour))
	if s := h.store.StateNow("opn_1"); s.Mode != sashlock.Normal || len(s.Orders) > 0 || !s.Relock.IsZero() || s.Lock != sashlock.Unlocked {
		t.Errorf("on trial it stands as %+v", s)
	}
	h.must(set(false))
	h.until(h.now.Add(time.Hour))
	if got := len(h.commands()); got != before {
		t.Errorf("%d commands were sent by going on trial and back", got-before)
	}
	for _, kind := range []sashlock.EventKind{sashlock.TrialBegan, sashlock.TrialEnded} {
		events, err := h.store.Events(t.Context(), store.EventQuery{Kind: string(kind), Limit: 5})
		h.must(err)
		if len(events) != 1 || events[0].Operator != "opr_1" || events[0].Opening != "opn_1" {
			t.Errorf("%s: %+v", kind, events)
		}
	}
}

// A use of a grant counts on trial where a contact showed that somebody passed.
// Where none can, nothing is counted: nobody knows what the other system did.
func TestUsesOnTrial(t *testing.T) {
	for name, c := range map[string]struct {
		contact, passed bool
		uses            int
	}{
		"passed": {contact: true, passed: true, uses: 1}, "stayed shut": {contact: true}, "no contact": {},
	} {
		t.Run(name, func(t *testing.T) {
			h := newHouse(t, nil)
			facts, devices := onTrial(true)
			facts.Grants[0].Terms = sashlock.Terms{Uses: 1, Lasts: 20 * time.Minute}
			if !c.contact {
				devices[0].Capabilities = []sashlock.Capability{sashlock.CanRelease, sashlock.TellsLock}
			}
			h.start(facts, devices)
			report := func(kind sashlock.EventKind) {
				_, err := h.hall.Report(t.Context(), sashlock.Report{Kind: kind, Device: "dev_1", Opening: "opn_1", At: h.now})
				h.must(err)
			}
			if c.contact {
				report(sashlock.OpeningClosed)
			}
			a, err := h.hall.Request(t.Context(), sashlock.Request{Person: "prs_1", Opening: "opn_1"})
			h.must(err)
			if !a.Decision.Granted || !a.Decision.Trial {
				t.Fatalf("%+v", a.Decision)
			}
			if c.passed {
				report(sashlock.OpeningOpened)
			}
			h.until(h.now.Add(time.Hour))
			if got := h.store.GrantState("grt_1").Uses; got != c.uses {
				t.Errorf("%d uses were counted, not %d", got, c.uses)
			}
		})
	}
}
