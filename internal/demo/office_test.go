// SPDX-License-Identifier: Apache-2.0

package demo

import (
	"slices"
	"testing"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/internal/approvals"
	"github.com/sashlock/sashlock/internal/credentials"
	"github.com/sashlock/sashlock/internal/grants"
	"github.com/sashlock/sashlock/internal/signin"
	"github.com/sashlock/sashlock/internal/store"
)

// officeWorks looks at what waits for somebody, and at what was answered, as the
// pages do.
func officeWorks(t *testing.T, s *shop) {
	t.Helper()
	visitor, manager := s.by(signin.Owner), s.by(signin.Manager)
	must(t, s.house.Store.View(t.Context(), func(q store.Query) error {
		asks, err := approvals.Asks(q, 100)
		must(t, err)
		states := map[approvals.State]int{} // what waits has lapsed since that Sunday
		for _, a := range asks {
			states[a.State]++
			if (a.State == approvals.Asked || a.State == approvals.Lapsed) && a.MayAnswer(visitor, approvals.Rule{}, s.house.Hall.Book()) != nil {
				t.Errorf("the visitor cannot answer %+v", a)
			}
		}
		if states[approvals.Asked]+states[approvals.Lapsed] < 2 || states[approvals.Approved] != 1 || states[approvals.Denied] != 1 {
			t.Errorf("requests: %v", states)
		}
		waiting, err := approvals.Proposals(q, 10)
		must(t, err)
		if len(waiting) != 2 {
			t.Errorf("%d changes wait", len(waiting))
		}
		for _, p := range waiting {
			if _, err := s.house.Approvals.MayConfirm(q, visitor, p); err != nil || !p.Ends().After(aSunday) {
				t.Errorf("the visitor cannot confirm a change of kind %s until %s: %v", p.Kind, p.Ends(), err)
			}
		}
		reviews, err := approvals.Reviews(q, 10)
		must(t, err)
		if len(reviews) != 2 || reviews[0].State != approvals.Running || reviews[0].Counts.Kept != 2 || reviews[0].Counts.Open() < 5 || reviews[1].Counts.Open() != 0 {
			t.Errorf("reviews: %+v", reviews)
		}
		if err := reviews[0].MayReview(manager); err != nil {
			t.Error(err)
		}
		lent, err := signin.Elevations(q, 10)
		must(t, err)
		if len(lent) != 2 || lent[0].State != signin.Asked || lent[1].State != signin.Over {
			t.Errorf("higher roles: %+v", lent)
		}
		return findsLeftovers(t, s, q)
	}))
}

// findsLeftovers looks for grants that nobody needs.
func findsLeftovers(t *testing.T, s *shop, q store.Query) error {
	t.Helper()
	must(t, s.house.Approvals.Count(t.Context()))
	uses, err := approvals.Uses(q)
	must(t, err)
	all, err := grants.List(q)
	must(t, err)
	found := map[approvals.Finding]int{}
	for _, g := range approvals.Stale(s.house.Hall.Book(), all, approvals.Look{Now: aSunday, Idle: approvals.IdleAfter, Long: approvals.LongAhead, Uses: uses}) {
		for _, f := range g.Findings {
			found[f]++
		}
	}
	for _, want := range []approvals.Finding{approvals.Over, approvals.Away, approvals.Duplicate, approvals.Unused, approvals.Endless, approvals.Long} {
		if found[want] == 0 {
			t.Errorf("no grant is %s: %v", want, found)
		}
	}
	if found[approvals.Unused] > len(all)/2 {
		t.Errorf("%d of %d grants are unused", found[approvals.Unused], len(all))
	}
	return nil
}

// peopleCarry looks at credentials and keys, and tries the PINs.
func peopleCarry(t *testing.T, s *shop) {
	t.Helper()
	kinds := map[sashlock.CredentialKind]int{}
	must(t, s.house.Store.View(t.Context(), func(q store.Query) error {
		all, err := credentials.List(q, "")
		must(t, err)
		for _, c := range all {
			kinds[c.Kind]++
		}
		if due := credentials.DueOf(all, aSunday); len(due) != 2 {
			t.Errorf("to be replaced: %+v", due)
		}
		out, err := credentials.OutNow(q)
		must(t, err)
		if len(out) != 2 || !out[0].Overdue(aSunday) || out[1].Overdue(aSunday) {
			t.Errorf("keys that are out: %+v", out)
		}
		return nil
	}))
	if kinds[sashlock.PIN] != len(pinsMade) || kinds[sashlock.Card] != len(cardHolders)+1 || kinds[sashlock.QR] != 1 || kinds[sashlock.Finger] != 1 {
		t.Errorf("credentials: %v", kinds)
	}
	with := len(events(t, s, func(e sashlock.Event) bool { return e.Kind == sashlock.AccessGranted && e.Credential != "" }))
	if with < 500 {
		t.Errorf("only %d openings were with a card of somebody's", with)
	}
	if n := len(s.pins); n != len(pinsMade) {
		t.Fatalf("%d PINs are written down", n)
	}
	carla := s.pins[slices.IndexFunc(s.pins, func(p knownPIN) bool { return p.Person == "carla" })]
	for _, one := range []struct {
		pin  string
		want bool
	}{{carla.PIN, false}, {carla.Forced, true}} { // in this order: an alarm stays
		pin, want := one.pin, one.want
		out, err := s.house.Credentials.Present(t.Context(), credentials.Presented{
			Opening: s.openingCalled("staff-entrance").ID, Shown: []credentials.Shown{{Kind: sashlock.PIN, PIN: pin}},
		})
		if err != nil || !out.Decision.Granted || out.Decision.Person != s.person("carla") {
			t.Errorf("%+v, %v", out, err)
		}
		if state, err := s.house.Store.State(t.Context(), s.openingCalled("staff-entrance").ID); err != nil || (state.Alarms["duress"] != "") != want {
			t.Errorf("with duress %v: alarms %v, %v", want, state.Alarms, err)
		}
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
