// SPDX-License-Identifier: Apache-2.0

package flow_test

import (
	"testing"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/internal/access"
)

// When nothing can be recorded, only an opening whose owner declared it is
// released, and only to whom a grant allows it.
func TestOnFault(t *testing.T) {
	h := newHouse(t, nil)
	facts := access.Facts{
		Sites:  []sashlock.Site{{ID: "site_1", Slug: "store", Zone: "UTC"}},
		People: []sashlock.Person{{ID: "prs_anna", Slug: "anna"}, {ID: "prs_ben", Slug: "ben"}},
	}
	var devices []sashlock.Device
	for id, onFault := range map[sashlock.OpeningID]sashlock.OnFault{"opn_held": sashlock.HoldOnFault, "opn_released": sashlock.ReleaseOnFault} {
		facts.Openings = append(facts.Openings, sashlock.Opening{ID: id, Slug: string(id[4:]), Site: "site_1", Kind: sashlock.Case, OnFault: onFault, ReleaseTime: 10e9})
		facts.Grants = append(facts.Grants, sashlock.Grant{ID: sashlock.GrantID("grt_" + id), Person: "prs_anna", Opening: id})
		devices = append(devices, sashlock.Device{ID: deviceAt(id, "lock"), Opening: id, Capabilities: []sashlock.Capability{sashlock.CanRelease}})
	}
	h.start(facts, devices)
	h.must(h.store.Close())

	ask := func(person sashlock.PersonID, opening sashlock.OpeningID, by sashlock.OperatorID) (bool, error) {
		a, err := h.hall.Request(t.Context(), sashlock.Request{Person: person, Opening: opening, Operator: by})
		return a.Decision.Granted, err
	}
	for _, c := range []struct {
		person  sashlock.PersonID
		opening sashlock.OpeningID
		by      sashlock.OperatorID
		granted bool
	}{
		{"prs_anna", "opn_held", "", false},
		{"prs_ben", "opn_released", "", false},
		{"prs_anna", "opn_released", "opr_1", false},
		{"prs_anna", "opn_released", "", true},
	} {
		granted, err := ask(c.person, c.opening, c.by)
		if granted != c.granted || granted == (err != nil) || err != nil && !sashlock.IsKind(err, sashlock.Unavailable) {
			t.Errorf("%s at %s by %q: granted %v, error %v", c.person, c.opening, c.by, granted, err)
		}
	}
	sent := h.commands()
	if len(sent) != 1 || sent[0].Opening != "opn_released" || sent[0].Verb != sashlock.DoRelease {
		t.Fatalf("sent %+v, want one release of the opening that may be released", sent)
	}
	if _, err := h.hall.Tick(t.Context()); err == nil {
		t.Error("a tick that cannot record what is owed says nothing")
	}
	if got := h.hall.Owed(); got != 1 {
		t.Errorf("%d records are owed, want 1", got)
	}
	h.store = nil
}
