// SPDX-License-Identifier: Apache-2.0

package walk

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/internal/consoletest"
	"github.com/sashlock/sashlock/internal/signin"
	ledger "github.com/sashlock/sashlock/internal/store"
)

// TestAnotherStoreIsOutOfReach tries, as the operators of one store, the pages
// and acts of another. None shows or changes anything, and what names the other
// store is recorded.
func TestAnotherStoreIsOutOfReach(t *testing.T) {
	c := consoletest.New(t)
	porto := c.Opening("porto-case")
	answer, err := c.Hall.Request(t.Context(), sashlock.Request{Person: c.Person("eva"), Opening: porto})
	c.Must(err)
	var device string
	for id, d := range c.Hall.Book().Devices {
		if d.Opening == porto {
			device = string(id)
		}
	}
	pages := []string{
		"/?site=porto", "/live?site=porto", "/openings/porto-case", "/openings/porto-case/live", "/openings/porto-case/panel", "/openings/porto-case/photo",
		"/decisions/" + string(answer.Decision.ID), "/what-if?site=porto", "/devices/" + device, "/devices/labels?site=porto", "/plan?site=porto",
		"/reports?site=porto", "/reports/review?site=porto", "/reports/days.csv?site=porto", "/settings/sites/porto", "/access/grants/eva-porto",
		"/activity?site=porto", "/activity.csv?site=porto", "/proof?site=porto", "/c/porto-case",
	}
	acts := []string{
		"/openings/porto-case/release", "/c/porto-case/release", "/settings/sites/porto", "/access/grants/eva-porto", "/access/grants/eva-porto/revoke",
		"/devices/" + device + "/test", "/devices/" + device + "/remove", "/plan?site=porto",
	}
	before := len(refusals(c))
	for _, role := range []signin.Role{signin.Manager, signin.Protection, signin.Engineer, signin.Auditor, signin.Associate} {
		c.As(role)
		for _, page := range pages {
			status, text := c.Get(page)
			if status == http.StatusOK && (strings.Contains(text, "Eva Pinto") || strings.Contains(text, "Case in Porto")) {
				t.Errorf("%s sees %s", role, page)
			}
			if status >= http.StatusInternalServerError {
				t.Errorf("%s: %s is answered with %d", role, page, status)
			}
		}
		for _, act := range acts {
			status, to, _ := c.Post(act, url.Values{"person": {"eva"}, "rev": {"1"}, "name": {"Mine now"}, "zone": {"Europe/Lisbon"}})
			if status != http.StatusForbidden && status != http.StatusNotFound && status != http.StatusMethodNotAllowed {
				t.Errorf("%s does %s: %d to %s", role, act, status, to)
			}
		}
	}
	if n := len(refusals(c)) - before; n < 5*8 {
		t.Errorf("only %d attempts were recorded", n)
	}
	if s := c.State(porto); s.Release != nil && s.Release.Person != c.Person("eva") {
		t.Errorf("the case in Porto was released: %+v", s.Release)
	}
	if site := c.Hall.Book().Sites[c.Site("porto")]; site.Name != "Porto" {
		t.Errorf("Porto is called %q", site.Name)
	}
}

// refusals lists what the ledger says of operators who were turned away.
func refusals(c *consoletest.Counter) []sashlock.Event {
	all, err := c.Store.Events(c.Ctx(), ledger.EventQuery{Kind: string(sashlock.OperatorRefused), Limit: 5000})
	c.Must(err)
	return all
}
