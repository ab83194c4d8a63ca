// SPDX-License-Identifier: Apache-2.0

package settings_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/sashlock/sashlock/internal/consoletest"
	"github.com/sashlock/sashlock/internal/estate"
	"github.com/sashlock/sashlock/internal/signin"
)

func form(c *consoletest.Counter, rev string) url.Values {
	return url.Values{"name": {"Lisbon <b>flagship</b>"}, "zone": {"Atlantic/Azores"}, "hours": {"weekdays"}, "rev": {rev}}
}

func TestSiteIsChangedOnce(t *testing.T) {
	c := consoletest.New(t)
	if status, to, page := c.Post("/settings/sites/lisbon", form(c, "1")); status != http.StatusSeeOther {
		t.Fatalf("%d to %q: %s", status, to, consoletest.Words(page))
	}
	s := c.Hall.Book().Sites[c.Site("lisbon")]
	if s.Zone != "Atlantic/Azores" || s.Hours == "" || s.Rev != 2 {
		t.Errorf("%+v", s)
	}
	status, _, page := c.Post("/settings/sites/lisbon", form(c, "1"))
	if status != http.StatusConflict || !strings.Contains(page, "Somebody else changed this site meanwhile") || strings.Contains(page, "<b>flagship") {
		t.Errorf("a stale form: %d\n%s", status, consoletest.Words(page))
	}
}

func TestWrongSitesAreRefused(t *testing.T) {
	c := consoletest.New(t)
	for field, value := range map[string]string{"zone": "Mars/Olympus", "name": "", "hours": "never"} {
		f := form(c, "1")
		f.Set(field, value)
		_, _, page := c.Post("/settings/sites/lisbon", f)
		if !strings.Contains(page, `class="wrong"`) && !strings.Contains(page, `role="alert"`) {
			t.Errorf("%s %q is not refused:\n%s", field, value, consoletest.Words(page))
		}
	}
	if s := c.Hall.Book().Sites[c.Site("lisbon")]; s.Rev != 1 {
		t.Errorf("something was saved: %+v", s)
	}
}

func TestSettingsKeepToTheirOperators(t *testing.T) {
	c := consoletest.New(t)
	for role, want := range map[signin.Role]int{signin.Auditor: http.StatusForbidden, signin.Manager: http.StatusForbidden} {
		if status, _, _ := c.As(role).Post("/settings/sites/lisbon", form(c, "1")); status != want {
			t.Errorf("%s changes a site: %d", role, status)
		}
	}
	if status, _, _ := c.As(signin.Engineer).Post("/settings/sites/porto", form(c, "1")); status != http.StatusForbidden {
		t.Errorf("the engineer of Lisbon changes Porto: %d", status)
	}
	if status, _ := c.As(signin.Engineer).Get("/settings/estate.yaml"); status != http.StatusForbidden {
		t.Errorf("the engineer of Lisbon takes everything: %d", status)
	}
	status, text := c.As(signin.Owner).Get("/settings/estate.yaml")
	f, err := estate.Parse([]byte(text))
	if status != http.StatusOK || err != nil || len(f.Sites) != 2 || len(f.Openings) != 4 {
		t.Errorf("%d, %v: %d sites", status, err, len(f.Sites))
	}
	_, page := c.Get("/settings")
	c.Sees(page, "Lisbon flagship", "3 openings", "can be written")
}
