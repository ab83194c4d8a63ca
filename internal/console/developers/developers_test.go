// SPDX-License-Identifier: Apache-2.0

package developers_test

import (
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"github.com/sashlock/sashlock/internal/consoletest"
	"github.com/sashlock/sashlock/internal/signin"
)

func TestEveryCallIsExplained(t *testing.T) {
	c := consoletest.New(t)
	_, page := c.Get("/developers")
	c.Sees(page, "/v1/openings", "/v1/openings/{ref}/actions", "curl -s -X POST", c.Server.URL+"/v1/events")
}

var secret = regexp.MustCompile(`sash_[A-Za-z0-9_-]{43}`)

func TestTokenIsShownOnce(t *testing.T) {
	c := consoletest.New(t)
	status, _, page := c.Post("/developers/tokens", url.Values{"name": {"till"}, "scope": {"read"}, "days": {"3"}})
	token := secret.FindString(page)
	if status != http.StatusOK || token == "" {
		t.Fatalf("%d\n%s", status, consoletest.Words(page))
	}
	if answer, _ := c.Send(http.MethodGet, "/v1/openings", http.Header{"Authorization": {"Bearer " + token}}, nil); answer.StatusCode != http.StatusOK {
		t.Errorf("the token gets %d", answer.StatusCode)
	}
	_, page = c.Get("/developers/tokens")
	c.Sees(page, "till", "read")
	if strings.Contains(page, token) {
		t.Error("the token is shown again")
	}
	id := regexp.MustCompile(`/developers/tokens/(opr_[a-z0-9]+)/revoke`).FindStringSubmatch(page)
	if status, _, _ := c.Post("/developers/tokens/"+id[1]+"/revoke", nil); status != http.StatusSeeOther {
		t.Errorf("revoking: %d", status)
	}
	if answer, _ := c.Send(http.MethodGet, "/v1/openings", http.Header{"Authorization": {"Bearer " + token}}, nil); answer.StatusCode != http.StatusUnauthorized {
		t.Errorf("the revoked token gets %d", answer.StatusCode)
	}
}

func TestTokensGiveNoMoreThanOneHas(t *testing.T) {
	c := consoletest.New(t)
	for name, f := range map[string]url.Values{
		"no name": {"scope": {"read"}, "days": {"3"}}, "no scope": {"name": {"x"}, "days": {"3"}}, "no end": {"name": {"x"}, "scope": {"read"}, "days": {"0"}}, "too long": {"name": {"x"}, "scope": {"read"}, "days": {"4000"}},
	} {
		if _, _, page := c.Post("/developers/tokens", f); !strings.Contains(page, `role="alert"`) || secret.MatchString(page) {
			t.Errorf("%s is not refused", name)
		}
	}
	c.As(signin.Engineer)
	for _, scope := range []string{"access", "read"} { // more than an engineer may; and a token is for all sites
		if status, _, page := c.Post("/developers/tokens", url.Values{"name": {"x"}, "scope": {scope}, "days": {"3"}}); status != http.StatusForbidden || secret.MatchString(page) {
			t.Errorf("the engineer of Lisbon gets a token for %s: %d", scope, status)
		}
	}
	if status, _ := c.As(signin.Auditor).Get("/developers/tokens"); status != http.StatusForbidden {
		t.Errorf("an auditor sees the tokens: %d", status)
	}
}

func TestEventsKeepToTheirSite(t *testing.T) {
	c := consoletest.New(t)
	_, page := c.As(signin.Engineer).Get("/developers/events")
	if strings.Contains(page, string(c.Site("porto"))) {
		t.Error("the engineer of Lisbon sees events of Porto")
	}
	_, page = c.As(signin.Owner).Get("/developers/events")
	c.Sees(page, "operator.signed_in")
}
