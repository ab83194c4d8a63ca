// SPDX-License-Identifier: Apache-2.0

package consoletest_test

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/sashlock/sashlock/internal/consoletest"
	"github.com/sashlock/sashlock/internal/signin"
	"github.com/sashlock/sashlock/internal/store"
)

// calm are the acts that nobody has to prove their presence for, by what makes
// them harmless. Whatever is not here asks for it: a new act does until
// somebody has thought about it and written it down.
func calm() []string {
	return slices.Concat(
		// They come before a session or end it, or are the proof itself.
		[]string{
			"/language", "/signin", "/signin/begin", "/signin/code", "/signin/link", "/signout", "/signin/again", "/signin/again/begin", "/signin/again/code",
			"/claim/{secret}", "/claim/{secret}/begin", "/invite/{secret}", "/invite/{secret}/begin", "/invite/{secret}/password",
			"/signin/password", "/signin/again/password", "/signin/sso/logout",
		},
		// They are about nobody's access: searches, notes, messages, pictures,
		// one's own language, checks that only read.
		[]string{
			"/activity/views", "/activity/views/{id}/remove", "/proof/verify", "/proof/check", "/proof/entries/{seq}/evidence", "/incidents/{id}/evidence",
			"/devices/assessment", "/plan", "/plan/picture", "/plan/picture/remove", "/openings/{slug}/photo", "/openings/{slug}/photo/remove", "/devices/labels",
			"/me/passkeys/{id}/name", "/me/language", "/serve/push", "/serve/push/remove", "/serve/push/test",
			"/access/draft", "/access/schedules/draft", "/access/rails/draft", "/scenarios/draft", "/what-if/draft", "/people/import", "/people/cards", "/devices/cutover/compare", "/rota/import",
			"/access/ask", "/keys", "/keys/{slug}/out", "/keys/loans/{id}/back", "/access/reviews",
		},
		// Somebody waits for them, and they open nothing.
		[]string{
			"/alarms/{id}/acknowledge", "/alarms/{id}/shelve", "/incidents/{id}/acknowledge", "/incidents/{id}/take", "/incidents/{id}/note",
			"/incidents/{id}/opinion", "/incidents/{id}/shelve", "/incidents/{id}/resolve", "/incidents/{id}/reopen",
			"/scenarios/{slug}/start", "/scenarios/{slug}/drill", "/scenarios/{slug}/stop",
			"/serve/calls/{id}/take", "/serve/calls/{id}/served", "/serve/calls/{id}/gone", "/help/{tag}", "/help/{tag}/cancel",
		},
		// They are a customer's, who shows a code or a passkey instead.
		[]string{
			"/help/{tag}/self/code", "/help/{tag}/self/key/begin", "/help/{tag}/self/key", "/help/{tag}/self/open",
		},
		// Access follows a shift only where a grant says so, and that was given
		// with a proof.
		[]string{
			"/rota/shifts", "/rota/shifts/{id}/swap", "/rota/shifts/{id}/times", "/rota/shifts/{id}/cancel",
			"/rota/shifts/{id}/clock-in", "/rota/shifts/{id}/clock-out", "/rota/mine/clock-in", "/rota/mine/clock-out",
		},
		// They only take away, or name.
		[]string{
			"/access/requests/{id}/deny", "/access/changes/{id}/decline", "/access/reviews/{id}/lines", "/access/reviews/{id}/end", "/access/stale/{slug}",
			"/people/{slug}/credentials/lost", "/people/{slug}/credentials/{id}/remove", "/people/{slug}/credentials/{id}/ask-lock", "/keys/{slug}/retire", "/keys/loans/{id}/lost",
			"/elevations/{id}/turn-down", "/elevations/{id}/end",
			"/people/{slug}/suspend", "/access/grants/{slug}/end", "/me/sessions/{id}/end", "/me/sessions/end",
			"/access/roles", "/access/roles/{slug}/remove", "/access/schedules/{slug}/remove",
		},
		// It takes a lock out of our hands, at once where something is wrong.
		[]string{"/devices/cutover/{slug}/trial"},
		// What was found is fitted where somebody stands beside it.
		[]string{"/devices/{id}/adopt"},
		// A lock is asked what it holds.
		[]string{"/devices/{id}/codes/look"},
	)
}

// dangerous is how an act is tried where it is dangerous: with what in the
// place of its address, and with which form.
type dangerous struct {
	path string
	form url.Values
	as   signin.Role // empty: the owner
}

func dangers(c *consoletest.Counter) map[string]dangerous {
	device := ""
	for id, d := range c.Hall.Book().Devices {
		if d.Opening == c.Opening("case-1") {
			device = string(id)
		}
	}
	manager := ""
	c.Must(c.Store.View(c.Ctx(), func(q store.Query) error {
		all, err := signin.Operators(q)
		for _, o := range all {
			if o.Role == signin.Manager {
				manager = string(o.ID)
			}
		}
		return err
	}))
	f := func(pairs ...string) url.Values {
		form := url.Values{}
		for i := 0; i < len(pairs); i += 2 {
			form.Add(pairs[i], pairs[i+1])
		}
		return form
	}
	gateway := f("driver", "edge", "name", "till", "rev", "0", "set.listen", "127.0.0.1:0", "set.clear", "yes")
	return map[string]dangerous{
		"/gateways/save":                 {path: "/gateways/save", form: gateway},
		"/gateways/try":                  {path: "/gateways/try", form: gateway},
		"/devices/cutover/{slug}/force":  {path: "/devices/cutover/case-1/force"},
		"/openings/{slug}/release":       {path: "/openings/case-1/release", form: f("person", "ana")},
		"/c/{tag}/release":               {path: "/c/cage-1/release", form: f("confirm", "yes"), as: signin.Associate},
		"/people/{slug}/lift":            {path: "/people/bob/lift"},
		"/people/{slug}/revoke":          {path: "/people/bob/revoke"},
		"/people":                        {path: "/people", form: f("was", "bob", "rev", "1", "name", "Robert")},
		"/access/grants":                 {path: "/access/grants", form: f("as", "form", "who", "person:ana", "what", "opening:cage-1", "slug", "new")},
		"/access/grants/{slug}/extend":   {path: "/access/grants/bob-cage/extend", form: f("rev", "1")},
		"/access/grants/{slug}/revoke":   {path: "/access/grants/bob-cage/revoke", form: f("rev", "1")},
		"/access/quick":                  {path: "/access/quick", form: f("person", "ana", "opening", "cage-1")},
		"/access/schedules":              {path: "/access/schedules", form: f("as", "form", "was", "weekdays", "rev", "1", "name", "W", "days.0", "sun", "from.0", "00:00", "until.0", "00:00")},
		"/settings/files/forget":         {path: "/settings/files/forget", form: f("name", "store.yaml")},
		"/settings/sites/{slug}":         {path: "/settings/sites/lisbon", form: f("rev", "1", "name", "L", "zone", "Europe/Lisbon")},
		"/devices/{id}/test":             {path: "/devices/" + device + "/test"},
		"/devices/{id}/remove":           {path: "/devices/" + device + "/remove"},
		"/devices/{id}/replace":          {path: "/devices/" + device + "/replace", form: f("with", device)},
		"/developers/tokens":             {path: "/developers/tokens", form: f("name", "x", "days", "1", "scope", "read")},
		"/developers/tokens/{id}/revoke": {path: "/developers/tokens/none/revoke"},
		"/operators/{id}":                {path: "/operators/" + manager, form: f("name", "M", "role", "owner")},
		"/operators/{id}/suspend":        {path: "/operators/" + manager + "/suspend", form: f("suspended", "yes")},
		"/operators/{id}/sessions":       {path: "/operators/" + manager + "/sessions"},
		"/operators/{id}/link":           {path: "/operators/" + manager + "/link"},
		"/me/passkeys/{id}/remove":       {path: "/me/passkeys/none/remove"},
	}
}

// asks reports whether an answer is the request to prove who one is.
func asks(status int, to, page string) bool {
	return status == http.StatusSeeOther && strings.HasPrefix(to, "/signin/again?then=") ||
		status == http.StatusForbidden && (strings.Contains(page, "/signin/again") || strings.Contains(page, "Show once more that it is you"))
}

// TestDangerousActsAskForPresence tries every act that the console has, with a
// session whose proof of presence is too old: what is not known to be harmless
// asks for a new one, and does nothing. With a new one it does not ask.
func TestDangerousActsAskForPresence(t *testing.T) {
	c := consoletest.New(t)
	acts, harmless, how := c.Acts(), calm(), dangers(c)
	for _, act := range harmless {
		if !slices.Contains(acts, act) {
			t.Errorf("%s is said to be harmless, and there is no such act", act)
		}
	}
	if len(acts)-len(harmless) < 20 {
		t.Fatalf("only %d acts, %d of them harmless", len(acts), len(harmless))
	}
	newest := func() int64 {
		all, err := c.Store.Events(c.Ctx(), store.EventQuery{Newest: true, Limit: 1})
		c.Must(err)
		return all[0].Seq
	}
	for _, ago := range []struct {
		name string
		asks bool
	}{{"stale", true}, {"fresh", false}} {
		for _, act := range acts {
			if slices.Contains(harmless, act) {
				continue
			}
			try, known := how[act]
			if !known {
				try = dangerous{path: act} // it is asked before anything is looked up
			}
			if try.as == "" {
				try.as = signin.Owner
			}
			c.Proved(try.as, 0)
			if ago.asks {
				c.Proved(try.as, signin.FreshFor)
			}
			before := newest()
			status, to, page := c.As(try.as).Post(try.path, try.form)
			if asks(status, to, page) != ago.asks {
				t.Errorf("%s: a %s session is answered with %d %s\n%.1000s", act, ago.name, status, to, consoletest.Words(page))
			}
			if now := newest(); ago.asks && now != before {
				all, err := c.Store.Events(c.Ctx(), store.EventQuery{From: before + 1, Limit: 5})
				c.Must(err)
				t.Errorf("%s did something: %+v", act, all)
			}
		}
	}
}
