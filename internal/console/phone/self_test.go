// SPDX-License-Identifier: Apache-2.0

package phone_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/webauthn"
	"github.com/chromedp/chromedp"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/internal/api"
	"github.com/sashlock/sashlock/internal/assistance"
	"github.com/sashlock/sashlock/internal/browsertest"
	"github.com/sashlock/sashlock/internal/consoletest"
	"github.com/sashlock/sashlock/internal/estate"
	"github.com/sashlock/sashlock/internal/shopper"
	"github.com/sashlock/sashlock/internal/signin"
	"github.com/sashlock/sashlock/internal/store"
)

// alone is a store in which customers open case 1 themselves.
func alone(t *testing.T) (c *consoletest.Counter, tag string) {
	t.Helper()
	c = consoletest.New(t)
	have, err := c.API.Estate(t.Context())
	c.Must(err)
	want, err := c.API.Estate(t.Context())
	c.Must(err)
	want.Schedules = append(want.Schedules, estate.Schedule{
		Slug: "always", Name: "Always", Weekly: []estate.Period{{Days: []string{"mon", "tue", "wed", "thu", "fri", "sat", "sun"}, From: "00:00", Until: "00:00"}},
	})
	for i := range want.Sites {
		want.Sites[i].Hours = "always"
	}
	for i := range want.Openings {
		want.Openings[i].OpenTime = "2m"
	}
	_, err = c.Hall.Change(t.Context(), api.Apply("", estate.Diff(have, want, false)))
	c.Must(err)
	rules := shopper.Usual(c.Site("lisbon"))
	rules.OnShift, rules.Passkeys = false, true
	c.Must(c.Shopper.SaveRules(t.Context(), "", rules))
	c.Must(c.Shopper.Switch(t.Context(), "", c.Hall.Book().Openings[c.Opening("case-1")], true))
	return c, issue(t, c, "case-1")
}

// code is a one-time code from the till.
func code(t *testing.T, c *consoletest.Counter) string {
	t.Helper()
	one, _, err := c.Shopper.MakeCode(t.Context(), "", c.Site("lisbon"), 5*time.Minute)
	c.Must(err)
	return one.String()
}

func TestACustomerOpensACaseAlone(t *testing.T) {
	c, tag := alone(t)
	c.As("")
	self := "/help/" + tag + "/self"
	_, page := c.Get("/help/" + tag)
	c.Sees(page, "Open it myself", "Call somebody")
	_, page = c.Get(self)
	c.Sees(page, "Your code", "forget it after 24 hours", "Call somebody")
	r, page := c.Send(http.MethodPost, self+"/code", nil, url.Values{"code": {"0000-0000"}})
	if r.StatusCode != http.StatusUnprocessableEntity {
		t.Error("a wrong code is answered with", r.StatusCode)
	}
	c.Sees(page, "this code is wrong")
	if !strings.Contains(page, `value="0000-0000"`) {
		t.Error("what was typed is not kept")
	}
	good := code(t, c)
	r, _ = c.Send(http.MethodPost, self+"/code", nil, url.Values{"code": {strings.ToLower(good)}})
	cookie := r.Header.Get("Set-Cookie")
	if r.StatusCode != http.StatusSeeOther || !strings.Contains(cookie, "HttpOnly") || !strings.Contains(cookie, "Path=/help/") {
		t.Fatal("a good code is answered with", r.StatusCode, cookie)
	}
	mine := http.Header{"Cookie": {strings.Split(cookie, ";")[0]}}
	c.Send(http.MethodPost, self+"/code", mine, url.Values{"code": {good}}) // pressed twice
	c.Until("the lock says that it is unlocked", func() bool { return c.State(c.Opening("case-1")).Lock == sashlock.Unlocked })
	_, page = c.Send(http.MethodGet, self, mine, nil)
	c.Sees(page, "Unlocked, open it now", "until it locks")
	_, stranger := c.Get(self)
	if strings.Contains(stranger, "Unlocked") {
		t.Error("somebody else sees the visit")
	}
	c.Must(c.World.Open("case-1"))
	c.Until("it was taken", func() bool { s := c.State(c.Opening("case-1")); return s.Release != nil && !s.Release.Taken.IsZero() })
	_, page = c.Send(http.MethodGet, self, mine, nil)
	c.Sees(page, "It is open", "Close it when you are done")
	c.Must(c.World.Close("case-1"))
	c.Until("it is locked", func() bool {
		s := c.State(c.Opening("case-1"))
		return s.Position == sashlock.Closed && s.Lock == sashlock.Locked
	})
	_, page = c.Send(http.MethodGet, self, mine, nil)
	c.Sees(page, "Closed. Thank you!", "Open it again")
	c.As(signin.Manager)
	_, page = c.Get("/people")
	if strings.Contains(page, "Customer ") {
		t.Error("customers are among the people of the store")
	}
	_, page = c.Get("/activity")
	c.Sees(page, "Customer", "Case 1")
}

func TestACustomersCallIsOverWhenTheyOpenIt(t *testing.T) {
	c, tag := alone(t)
	c.As("")
	post(t, c, "/help/"+tag, url.Values{})
	c.Send(http.MethodPost, "/help/"+tag+"/self/code", nil, url.Values{"code": {code(t, c)}})
	c.Until("the lock says that it is unlocked", func() bool { return c.State(c.Opening("case-1")).Lock == sashlock.Unlocked })
	c.Must(c.World.Open("case-1"))
	c.Until("the call has ended", func() bool { return latest(t, c, "case-1").Outcome == assistance.Served })
	c.Must(c.World.Close("case-1"))
}

func TestNothingIsOfferedWhereItIsOff(t *testing.T) {
	c, _ := alone(t)
	tag := issue(t, c, "case-2")
	c.As("")
	_, page := c.Get("/help/" + tag)
	if strings.Contains(page, "Open it myself") {
		t.Error("it is offered")
	}
	for _, path := range []string{"/self/code", "/self/open", "/self/key", "/self/key/begin"} {
		r, _ := c.Send(http.MethodPost, "/help/"+tag+path, nil, url.Values{"code": {code(t, c)}, "credential": {"{}"}})
		if r.StatusCode != http.StatusSeeOther || r.Header.Get("Set-Cookie") != "" || !strings.HasSuffix(r.Header.Get("Location"), "/help/"+tag) {
			t.Error(path, "is answered with", r.StatusCode, r.Header)
		}
	}
	for _, hostile := range []string{"<script>", strings.Repeat("A", 10_000), "\x00\xff", "' OR 1=1 --"} {
		r, page := c.Send(http.MethodPost, "/help/"+issue(t, c, "case-1")+"/self/code", nil, url.Values{"code": {hostile}})
		if r.StatusCode != http.StatusUnprocessableEntity || strings.Contains(page, "<script>alert") || strings.Contains(page, strings.Repeat("A", 100)) {
			t.Errorf("%.20q is answered with %d", hostile, r.StatusCode)
		}
	}
}

// TestACustomerWithAPasskey walks it in a browser, with a phone that has a
// passkey of its own.
func TestACustomerWithAPasskey(t *testing.T) {
	c, tag := alone(t)
	b := browsertest.Open(t, strings.Replace(c.Server.URL, "127.0.0.1", "localhost", 1))
	b.Size(390, 780)
	_, err := chromedp.Call(b.Ctx, webauthn.Enable, webauthn.EnableParams{})
	c.Must(err)
	_, err = chromedp.Call(b.Ctx, webauthn.AddVirtualAuthenticator, webauthn.AddVirtualAuthenticatorParams{Options: &webauthn.VirtualAuthenticatorOptions{
		Protocol: webauthn.AuthenticatorProtocolCtap2, Transport: webauthn.AuthenticatorTransportInternal,
		HasResidentKey: true, HasUserVerification: true, IsUserVerified: true, AutomaticPresenceSimulation: true,
	}})
	c.Must(err)
	b.Go("/help/" + tag + "/self")
	see(t, b, "Open it with a passkey on this phone")
	b.Fits()
	b.Accessible()
	b.Until(`!document.querySelector("form[data-passkey] button").disabled`)
	b.Click("form[data-passkey] button")
	see(t, b, "Unlocked, open it now")
	c.Must(c.World.Open("case-1"))
	see(t, b, "It is open")
	b.Accessible()
	c.Must(c.World.Close("case-1"))
	see(t, b, "Closed. Thank you!")
	b.Fits()
	var keys int
	c.Must(c.Store.View(t.Context(), func(q store.Query) error {
		return q.QueryRow(`SELECT COUNT(*) FROM guests WHERE body LIKE '%"handle"%'`).Scan(&keys)
	}))
	if keys != 1 {
		t.Errorf("%d guests with a passkey are kept", keys)
	}
}
