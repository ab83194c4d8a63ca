// SPDX-License-Identifier: Apache-2.0

package fleet_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/internal/approvals"
	"github.com/sashlock/sashlock/internal/consoletest"
	"github.com/sashlock/sashlock/internal/devices"
	"github.com/sashlock/sashlock/internal/signin"
	"github.com/sashlock/sashlock/internal/store"
)

// The lock of what is worth most is replaced when a second operator has
// confirmed it, and not before.
func TestALockOfHighValueIsReplacedByTwo(t *testing.T) {
	c := consoletest.New(t)
	c.Approvals.Others = nil // somebody always could confirm
	book := c.Hall.Book()
	var guarded sashlock.Opening
	for _, o := range book.Openings {
		if o.Class == sashlock.High && len(book.Fitted(o.ID)) > 0 {
			guarded = o
		}
	}
	if guarded.ID == "" {
		t.Fatal("nothing of high value has a lock")
	}
	worn := book.Fitted(guarded.ID)[0]
	var spare sashlock.Device
	c.Must(c.Store.View(c.Ctx(), func(q store.Query) error {
		all, err := devices.List(q)
		for _, d := range all {
			if d.Opening == "" {
				spare = d
			}
		}
		return err
	}))
	all := approvals.By{ID: "opr_1", May: func(string) bool { return true }, Sees: func(sashlock.SiteID, sashlock.AreaID) bool { return true }}
	_, err := c.Approvals.SaveSettings(c.Ctx(), all, approvals.Settings{Kinds: []string{approvals.GrantKind}}, "")
	c.Must(err)

	c.As(signin.Engineer)
	status, to, _ := c.Post("/devices/"+string(worn.ID)+"/replace", url.Values{"with": {string(spare.ID)}})
	if status != http.StatusSeeOther || !strings.HasPrefix(to, "/access/changes") {
		t.Fatalf("replacing it: %d, then %q", status, to)
	}
	if c.Hall.Book().Devices[worn.ID].Opening != guarded.ID {
		t.Fatal("it was replaced at once")
	}
	var waiting []approvals.Proposal
	c.Must(c.Store.View(c.Ctx(), func(q store.Query) (err error) { waiting, err = approvals.WaitingProposals(q); return err }))
	if len(waiting) != 1 || waiting[0].Site != guarded.Site {
		t.Fatalf("waiting: %+v", waiting)
	}
	c.As(signin.Owner)
	_, page := c.Get("/access/changes")
	c.Sees(page, "another device takes the place of the one at "+guarded.Name)
	status, _, page = c.Post("/access/changes/"+waiting[0].ID+"/confirm", url.Values{"rev": {"1"}})
	if status != http.StatusSeeOther {
		t.Fatalf("confirming it: %d %.300s", status, consoletest.Words(page))
	}
	after := c.Hall.Book().Devices
	if after[spare.ID].Opening != guarded.ID || after[worn.ID].Opening != "" {
		t.Errorf("the new one is at %q, the old one at %q", after[spare.ID].Opening, after[worn.ID].Opening)
	}
	// Who proposes it once more finds somebody was there meanwhile.
	c.As(signin.Engineer)
	status, _, _ = c.Post("/devices/"+string(worn.ID)+"/replace", url.Values{"with": {string(spare.ID)}})
	if status != http.StatusConflict {
		t.Errorf("replacing it again: %d", status)
	}
}
