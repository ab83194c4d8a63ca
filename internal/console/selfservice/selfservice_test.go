// SPDX-License-Identifier: Apache-2.0

package selfservice_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/sashlock/sashlock/internal/api"
	"github.com/sashlock/sashlock/internal/consoletest"
	"github.com/sashlock/sashlock/internal/estate"
	"github.com/sashlock/sashlock/internal/shopper"
	"github.com/sashlock/sashlock/internal/signin"
	"github.com/sashlock/sashlock/internal/store"
)

const page = "/settings/self-service"

func on(t *testing.T, c *consoletest.Counter, slug string) bool {
	t.Helper()
	var all map[string]bool
	c.Must(c.Store.View(t.Context(), func(q store.Query) error {
		some, err := shopper.Switched(q)
		all = map[string]bool{}
		for id := range some {
			all[c.Hall.Book().Openings[id].Slug] = true
		}
		return err
	}))
	return all[slug]
}

func TestSwitchingOn(t *testing.T) {
	c := consoletest.New(t)
	_, text := c.Get(page + "?site=lisbon")
	c.Sees(text, "Nobody has said when this store is open", "Never: nobody has said how long it may stand open")
	have, err := c.API.Estate(t.Context())
	c.Must(err)
	want, err := c.API.Estate(t.Context())
	c.Must(err)
	for i := range want.Sites {
		want.Sites[i].Hours = "weekdays"
	}
	for i := range want.Openings {
		want.Openings[i].OpenTime = "2m"
	}
	_, err = c.Hall.Change(t.Context(), api.Apply("", estate.Diff(have, want, false)))
	c.Must(err)
	_, text = c.Get(page + "?site=lisbon")
	c.Sees(text, "Customers open cases only at: Weekdays.", "Case 1", "Staff only")
	if strings.Contains(text, "Case in Porto") || strings.Contains(text, "Cage 1") {
		t.Error("the list has what is not for it")
	}
	status, to, _ := c.Post(page+"/openings/case-1", url.Values{"on": {"yes"}})
	if status != http.StatusSeeOther || !strings.Contains(to, "saved") || !on(t, c, "case-1") {
		t.Errorf("switching on: %d %s", status, to)
	}
	status, _, text = c.Post(page+"/openings/cage-1", url.Values{"on": {"yes"}})
	if status != http.StatusConflict || on(t, c, "cage-1") {
		t.Error("a cage of the highest value is answered with", status)
	}
	c.Sees(text, "Cage 1: it is of the highest value: only staff open it", "1 case opens for customers")
	form := url.Values{"rev": {"0"}, "openings": {"2"}, "minutes": {"30"}, "at_case": {"6"}, "at_site": {"30"}, "keep": {"12"}}
	status, _, text = c.Post(page+"?site=lisbon", form)
	if status != http.StatusUnprocessableEntity {
		t.Error("nothing to show is answered with", status)
	}
	c.Sees(text, "customers have to show something: choose codes, passkeys or both")
	form.Set("passkeys", "yes")
	if status, to, _ = c.Post(page+"?site=lisbon", form); status != http.StatusSeeOther {
		t.Errorf("saving: %d %s", status, to)
	}
	if status, _, text = c.Post(page+"?site=lisbon", form); status != http.StatusConflict {
		t.Error("a stale form is answered with", status)
	}
	c.Sees(text, "Somebody else changed this meanwhile")
}

func TestWhoMaySwitch(t *testing.T) {
	c := consoletest.New(t)
	for role, want := range map[signin.Role]int{signin.Associate: http.StatusForbidden, signin.Auditor: http.StatusForbidden, signin.Protection: http.StatusForbidden} {
		if status, _, _ := c.As(role).Post(page+"/openings/case-1", url.Values{"on": {"yes"}}); status != want {
			t.Errorf("%s is answered with %d", role, status)
		}
	}
	c.As(signin.Manager)
	if status, _, _ := c.Post(page+"/openings/porto-case", url.Values{"on": {"yes"}}); status != http.StatusForbidden {
		t.Error("a manager of Lisbon who switches in Porto is answered with", status)
	}
	if status, _, _ := c.Post(page+"?site=porto", url.Values{}); status != http.StatusForbidden {
		t.Error("a manager of Lisbon who sets the rules of Porto is answered with", status)
	}
}
