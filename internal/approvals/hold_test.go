// SPDX-License-Identifier: Apache-2.0

package approvals_test

import (
	"errors"
	"slices"
	"testing"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/internal/approvals"
	"github.com/sashlock/sashlock/internal/estate"
	"github.com/sashlock/sashlock/internal/flow"
	"github.com/sashlock/sashlock/internal/grants"
	"github.com/sashlock/sashlock/internal/rails"
	"github.com/sashlock/sashlock/internal/roomtest"
	"github.com/sashlock/sashlock/internal/store"
)

func TestTheHallHoldsDangerousChangesBack(t *testing.T) {
	roomtest.OnEachEngine(t, func(t *testing.T, r roomtest.Room) {
		s := open(r)
		save := func(d estate.Grant) error {
			return s.Change(func(tx *store.Tx) (flow.Edit, error) { return grants.Save(tx, d, roomtest.Lookup(tx), 0) })
		}
		d := estate.Grant{Slug: "bob-case", Person: "bob", Opening: "case-1", Until: "2027-02-01T00:00:00Z"}
		s.must(save(d)) // nothing waits yet
		_, err := s.Approvals.SaveSettings(t.Context(), as("opr_1"), approvals.Settings{Kinds: []string{approvals.GrantKind, approvals.RailKind}}, "")
		s.must(err)
		d.Until = "2027-03-01T00:00:00Z"
		if err := save(d); !errors.Is(err, approvals.ErrHeld) {
			t.Errorf("a longer grant: %v", err)
		}
		d.Until = "2027-01-15T00:00:00Z"
		s.must(save(d)) // less never waits
		s.must(save(estate.Grant{Slug: "bob-door", Person: "bob", Opening: "door"}))
		remove := func(tx *store.Tx) (flow.Edit, error) { return rails.Remove(tx, "lockdown-stays", 0) }
		if err := s.Change(remove); !errors.Is(err, approvals.ErrHeld) {
			t.Errorf("removing a guard rail: %v", err)
		}
		s.must(s.Change(func(tx *store.Tx) (flow.Edit, error) { return grants.Revoke(tx, "bob-case", 0) }))
		// Where nobody else could confirm it, it is made and said so.
		s.Approvals.Others = func(store.Query, []sashlock.OperatorID, []string, sashlock.SiteID, sashlock.AreaID) (bool, error) {
			return false, nil
		}
		s.must(s.Change(remove))
		if all := s.kinds(1); !slices.Contains(all, "change.made_alone rail") {
			t.Errorf("the ledger does not say that one operator did it alone: %v", all)
		}
	})
}
