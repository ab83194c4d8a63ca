// SPDX-License-Identifier: Apache-2.0

package enter_test

import (
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"testing"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/internal/approvals"
	"github.com/sashlock/sashlock/internal/consoletest"
	"github.com/sashlock/sashlock/internal/signin"
	"github.com/sashlock/sashlock/internal/store"
)

// Where owners are made by two, the page of an operator proposes it, and nobody
// is an owner until a second one agrees.
func TestAnOwnerIsMadeByTwo(t *testing.T) {
	c := consoletest.New(t)
	c.As(signin.Owner)
	c.Approvals.Others = func(store.Query, []sashlock.OperatorID, []string, sashlock.SiteID, sashlock.AreaID) (bool, error) {
		return true, nil // somebody else could confirm it
	}
	all := approvals.By{ID: "opr_desk", May: func(string) bool { return true }, Sees: func(sashlock.SiteID, sashlock.AreaID) bool { return true }}
	_, err := c.Approvals.SaveSettings(c.Ctx(), all, approvals.Settings{Kinds: []string{approvals.OwnerKind}}, "")
	c.Must(err)
	second, err := c.Signin.SaveOperator(c.Ctx(), "", signin.Operator{Name: "Second", Role: signin.Auditor})
	c.Must(err)
	status, to, page := c.Post("/operators/"+string(second.ID), url.Values{
		"name": {"Second"}, "role": {string(signin.Owner)}, "rev": {strconv.FormatInt(second.Rev, 10)},
	})
	if status != http.StatusSeeOther || !strings.HasPrefix(to, "/access/changes?proposed") {
		t.Fatalf("proposing: %d to %q\n%s", status, to, consoletest.Words(page))
	}
	role := func() (is signin.Role) {
		c.Must(c.Store.View(c.Ctx(), func(q store.Query) error {
			o, err := signin.FindOperator(q, second.ID)
			is = o.Role
			return err
		}))
		return is
	}
	if is := role(); is != signin.Auditor {
		t.Errorf("before anybody agreed: %s", is)
	}
	var waiting []approvals.Proposal
	c.Must(c.Store.View(c.Ctx(), func(q store.Query) (err error) { waiting, err = approvals.WaitingProposals(q); return err }))
	if len(waiting) != 1 || waiting[0].Kind != approvals.OwnerKind {
		t.Fatalf("waiting: %+v", waiting)
	}
	_, err = c.Approvals.Confirm(c.Ctx(), all, waiting[0].ID, waiting[0].Rev)
	c.Must(err)
	if is := role(); is != signin.Owner {
		t.Errorf("after a second owner agreed: %s", is)
	}
}
