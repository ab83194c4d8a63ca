// SPDX-License-Identifier: Apache-2.0

package phone_test

import (
	"errors"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"sync"
	"testing"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/internal/assistance"
	"github.com/sashlock/sashlock/internal/console"
	"github.com/sashlock/sashlock/internal/consoletest"
	"github.com/sashlock/sashlock/internal/flow"
	"github.com/sashlock/sashlock/internal/signin"
	"github.com/sashlock/sashlock/internal/store"
	"github.com/sashlock/sashlock/internal/tags"
)

// issue gives an opening a tag.
func issue(t *testing.T, c *consoletest.Counter, slug string) string {
	t.Helper()
	var tag string
	_, err := c.Hall.Change(t.Context(), flow.Change{Make: func(tx *store.Tx) (edit flow.Edit, err error) {
		tag, edit, err = tags.Issue(tx, c.Hall.Book().Openings[c.Opening(slug)])
		return edit, err
	}})
	c.Must(err)
	return tag
}

// post sends a form and follows where it leads.
func post(t *testing.T, c *consoletest.Counter, path string, form url.Values) string {
	t.Helper()
	status, to, page := c.Post(path, form)
	if status != http.StatusSeeOther {
		t.Fatalf("POST %s: %d\n%s", path, status, consoletest.Words(page))
	}
	return to
}

// latest is the last call at an opening.
func latest(t *testing.T, c *consoletest.Counter, slug string) (call assistance.Call) {
	t.Helper()
	c.Must(c.Store.View(t.Context(), func(q store.Query) (err error) {
		call, _, err = assistance.LatestAt(q, c.Opening(slug))
		return err
	}))
	return call
}

func TestACaseIsUnlockedOpenedAndSecuredByItsTag(t *testing.T) {
	c := consoletest.New(t).As(signin.Associate)
	tag, id := issue(t, c, "case-1"), c.Opening("case-1")
	status, page := c.Get("/c/" + tag)
	if status != http.StatusOK {
		t.Fatal(status, consoletest.Words(page))
	}
	c.Sees(page, "Case 1", "Watches · Lisbon flagship", "Secured", "Unlock")
	to := post(t, c, "/c/"+tag+"/release", url.Values{})
	c.Until("the lock says that it is unlocked", func() bool { return c.State(id).Lock == sashlock.Unlocked })
	_, page = c.Get(to)
	c.Sees(page, "Unlocked, open it now", "until it locks")
	if strings.Contains(page, "/release") {
		t.Error("the page of an unlocked case offers to unlock it")
	}
	c.Must(c.World.Open("case-1"))
	c.Until("it is open", func() bool { return c.State(id).Position == sashlock.Open })
	_, page = c.Get(to)
	c.Sees(page, "It is open", "Close it when you are done.")
	if said := consoletest.Words(page); strings.Contains(said, "Secured") {
		t.Error("an open case is called secured:", said)
	}
	c.Must(c.World.Close("case-1"))
	c.Until("it is secured", func() bool { s := c.State(id); return s.Position == sashlock.Closed && s.Lock == sashlock.Locked })
	_, page = c.Get(to)
	c.Sees(page, "Secured ✓", "Unlock again")
}

func TestNothingIsUnlockedBeforeTheLockSaysSo(t *testing.T) {
	c := consoletest.New(t).As(signin.Associate)
	c.Must(c.World.LoseNext("case-1", 1)) // the word that it unlocked
	to := post(t, c, "/c/case-1/release", url.Values{})
	_, page := c.Get(to)
	c.Sees(page, "Asking the lock…", "Wait until the lock itself says")
	if strings.Contains(page, "open it now") {
		t.Error("the page says unlocked without the lock's word")
	}
}

func TestARefusalSaysWhyWhatToQuoteAndWhomToAsk(t *testing.T) {
	c := consoletest.New(t).As(signin.Associate)
	_, page := c.Get("/c/case-1")
	if strings.Contains(page, "As it stands you would be refused") {
		t.Error("somebody with a grant is told that they would be refused")
	}
	_, page = c.Get("/c/cage-1")
	c.Sees(page, "As it stands you would be refused.", "No grant covers this person at this opening.")
	to := post(t, c, "/c/cage-1/release", url.Values{"confirm": {"yes"}})
	_, page = c.Get(to)
	e, err := c.Store.Decision(t.Context(), sashlock.DecisionID(to[strings.LastIndex(to, "=")+1:]))
	c.Must(err)
	code := console.DecisionCode(e.Seq) // which “Why was somebody refused?” reads
	c.Sees(page, "Not unlocked", "No grant covers this person at this opening.", code, "The manager", "Why exactly?")
	if !strings.Contains(page, "/access/ask?opening=cage-1&amp;words=Refused") {
		t.Error("the page does not lead to where access is asked for")
	}
	if strings.Contains(page, "/decisions/") {
		t.Error("an associate is sent to a page that they may not see")
	}
	if s := c.State(c.Opening("cage-1")); s.Lock != sashlock.Locked {
		t.Error("a refused cage is", s.Lock)
	}
}

func TestADoorOrACageAsksOnceMore(t *testing.T) {
	c := consoletest.New(t).As(signin.Associate)
	to := post(t, c, "/c/cage-1/release", url.Values{})
	if to != "/c/cage-1?confirm=yes" {
		t.Fatal("sent to", to)
	}
	_, page := c.Get(to)
	c.Sees(page, "Unlock Cage 1?", "Yes, unlock", "No, leave it locked")
	if strings.Contains(page, "http-equiv") {
		t.Error("the question is taken away by a reload")
	}
	events, err := c.Store.Events(t.Context(), store.EventQuery{Kind: "access."})
	c.Must(err)
	if len(events) != 0 {
		t.Error("it was asked for before the answer:", events)
	}
}

func TestStrangersForeignersAndNobodies(t *testing.T) {
	c := consoletest.New(t)
	tag := issue(t, c, "case-1")
	c.As("")
	if r, _ := c.Send(http.MethodGet, "/c/"+tag, nil, nil); r.Header.Get("Location") != "/signin?then="+url.QueryEscape("/c/"+tag) {
		t.Error("a stranger is sent to", r.Header.Get("Location"))
	}
	c.As(signin.Associate)
	for _, path := range []string{"/c/porto-case", "/c/porto-case/live", "/c/porto-case/photo"} {
		if status, page := c.Get(path); status != http.StatusForbidden || strings.Contains(page, "Case in Porto") {
			t.Errorf("%s of another store: %d", path, status)
		}
	}
	if status, _, _ := c.Post("/c/porto-case/release", url.Values{}); status != http.StatusForbidden {
		t.Error("unlocking in another store:", status)
	}
	if status, _ := c.As(signin.Auditor).Get("/c/" + tag); status != http.StatusForbidden {
		t.Error("an auditor gets", status)
	}
	c.As(signin.Manager) // who is nobody among the people
	_, page := c.Get("/c/" + tag)
	c.Sees(page, "You are signed in, but not as anybody who works here.", "Settings")
	if strings.Contains(page, "/release") {
		t.Error("an operator who is nobody is offered to unlock")
	}
	if to := post(t, c, "/c/"+tag+"/release", url.Values{}); to != "/c/"+tag {
		t.Error("sent to", to)
	}
	events, err := c.Store.Events(t.Context(), store.EventQuery{Kind: "access."})
	c.Must(err)
	if len(events) != 0 {
		t.Error("somebody asked:", events)
	}
}

func TestAHostileTagIsAFriendlyPage(t *testing.T) {
	c := consoletest.New(t).As(signin.Associate)
	for _, tag := range []string{"ZZZZ", "%3Cscript%3Ealert(1)%3C%2Fscript%3E", "%E2%80%AE7Q4F", "%00", "%FF%FE", strings.Repeat("x", 9000), "'%20OR%201=1--"} {
		for _, page := range []string{"/c/", "/help/"} {
			status, text := c.Get(page + tag)
			if status != http.StatusNotFound {
				t.Errorf("%s%.20s: %d", page, tag, status)
			}
			if strings.Contains(text, "<script>alert") || strings.Contains(text, "\u202e") || len(text) > 30_000 {
				t.Errorf("%s%.20s is shown as it came", page, tag)
			}
		}
		if status, _, _ := c.Post("/c/"+tag+"/release", url.Values{}); status != http.StatusNotFound {
			t.Errorf("unlocking %.20s: %d", tag, status)
		}
	}
	_, page := c.Get("/c/ZZZZ")
	c.Sees(page, "This tag is not in use", "ZZZZ", "Find the case")
}

func TestADecisionOfSomebodyElseIsNotShown(t *testing.T) {
	c := consoletest.New(t).As(signin.Associate)
	a, err := c.Hall.Request(t.Context(), sashlock.Request{Person: c.Person("bob"), Opening: c.Opening("case-1")})
	c.Must(err)
	for _, id := range []string{string(a.Decision.ID), "dec_none", "<b>"} {
		_, page := c.Get("/c/case-1?decision=" + url.QueryEscape(id))
		if strings.Contains(page, "Not unlocked") {
			t.Errorf("the page shows the decision %q", id)
		}
		c.Sees(page, "Secured", "Unlock")
	}
}

func TestACustomerCallsAndIsServed(t *testing.T) {
	c := consoletest.New(t).As("")
	tag := issue(t, c, "case-1")
	_, page := c.Get("/help/" + tag)
	c.Sees(page, "Case 1", "Call somebody", "A call keeps nothing about you.")
	for _, secret := range []string{"Secured", "Locked", "Ana", "<script type=\"module\" src=\"/static/phone"} {
		if strings.Contains(page, secret) {
			t.Errorf("the customer's page has %q", secret)
		}
	}
	post(t, c, "/help/"+tag, url.Values{})
	post(t, c, "/help/"+tag, url.Values{}) // twice is once
	r, page := c.Send(http.MethodGet, "/help/"+tag, nil, nil)
	c.Sees(page, "Somebody was called")
	if r.Header.Get("Refresh") == "" {
		t.Error("the page does not come again by itself")
	}
	c.As(signin.Associate)
	_, page = c.Get("/serve")
	c.Sees(page, "Customers waiting", "Case 1 Watches", "I&#39;m going")
	call := latest(t, c, "case-1")
	post(t, c, "/serve/calls/"+call.ID+"/take", url.Values{})
	_, page = c.Get("/serve")
	c.Sees(page, "You are going.", "To the case", "Served", "Gone")
	_, page = c.As("").Get("/help/" + tag)
	c.Sees(page, "Somebody is on the way")
	c.As(signin.Associate)
	post(t, c, "/c/"+tag+"/release", url.Values{})
	c.Until("the lock says that it is unlocked", func() bool { return c.State(c.Opening("case-1")).Lock == sashlock.Unlocked })
	c.Must(c.World.Open("case-1"))
	c.Until("the call has ended", func() bool { return !latest(t, c, "case-1").Ended.IsZero() })
	if call = latest(t, c, "case-1"); call.Outcome != assistance.Served || call.Served.IsZero() {
		t.Errorf("the call ended as %+v", call)
	}
	_, page = c.Get("/serve")
	c.Sees(page, "Nobody waits", "1 case opened")
	events, err := c.Store.Events(t.Context(), store.EventQuery{Kind: "call."})
	c.Must(err)
	var kinds []sashlock.EventKind
	for _, e := range events {
		kinds = append(kinds, e.Kind)
	}
	if len(kinds) != 3 || kinds[0] != sashlock.CallRaised || kinds[1] != sashlock.CallTaken || kinds[2] != sashlock.CallEnded {
		t.Errorf("the ledger has %v", kinds)
	}
	c.Must(c.Store.View(t.Context(), func(q store.Query) error {
		waits, err := assistance.Waits(q, c.Site("lisbon"), call.Asked)
		if len(waits) != 1 || waits[0] <= 0 || waits[0] > 60 {
			t.Errorf("waited %v", waits)
		}
		return err
	}))
}

func TestOnlyWhoCalledCancels(t *testing.T) {
	c := consoletest.New(t).As("")
	tag := issue(t, c, "case-1")
	r, _ := c.Send(http.MethodPost, "/help/"+tag, nil, url.Values{})
	cookie := r.Header.Get("Set-Cookie")
	post(t, c, "/help/"+tag+"/cancel", url.Values{})
	if !latest(t, c, "case-1").Ended.IsZero() {
		t.Fatal("anybody cancels")
	}
	value, _, _ := strings.Cut(cookie, ";")
	_, page := c.Send(http.MethodGet, "/help/"+tag, http.Header{"Cookie": {value}}, nil)
	c.Sees(page, "I need nobody any more")
	c.Send(http.MethodPost, "/help/"+tag+"/cancel", http.Header{"Cookie": {value}}, url.Values{})
	if call := latest(t, c, "case-1"); call.Outcome != assistance.Cancelled {
		t.Errorf("the call is %+v", call)
	}
}

func TestCallsForFunAreTurnedDown(t *testing.T) {
	c := consoletest.New(t).As("")
	tag := issue(t, c, "case-1")
	var last int
	for range 8 {
		last, _, _ = c.Post("/help/"+tag, url.Values{})
	}
	if last != http.StatusTooManyRequests {
		t.Error("the eighth call in a row gets", last)
	}
	if status, _ := c.Get("/help/" + tag); status != http.StatusOK {
		t.Error("looking is limited too:", status)
	}
}

func TestOfTwoWhoTakeACallTheSecondIsToldWhoGoes(t *testing.T) {
	c := consoletest.New(t).As(signin.Associate)
	call, _, err := c.Assistance.Raise(t.Context(), c.Hall.Book().Openings[c.Opening("case-1")])
	c.Must(err)
	people := []string{"ana", "duarte"}
	errs := make([]error, len(people))
	var both sync.WaitGroup
	for i, slug := range people {
		both.Go(func() { _, errs[i] = c.Assistance.Take(t.Context(), "", c.Person(slug), call.ID) })
	}
	both.Wait()
	if (errs[0] == nil) == (errs[1] == nil) {
		t.Fatal("both or neither go:", errs)
	}
	if !errors.Is(errors.Join(errs...), assistance.ErrTaken) {
		t.Fatal(errs)
	}
	call, _, err = c.Assistance.Raise(t.Context(), c.Hall.Book().Openings[c.Opening("case-2")])
	c.Must(err)
	_, err = c.Assistance.Take(t.Context(), "", c.Person("duarte"), call.ID)
	c.Must(err)
	to := post(t, c, "/serve/calls/"+call.ID+"/take", url.Values{})
	_, page := c.Get(to)
	c.Sees(page, "Duarte Melo is going to Case 2 already.")
}

func TestCallsOfAnotherStoreAreNoneOfOurs(t *testing.T) {
	c := consoletest.New(t).As(signin.Associate)
	call, _, err := c.Assistance.Raise(t.Context(), c.Hall.Book().Openings[c.Opening("porto-case")])
	c.Must(err)
	_, page := c.Get("/serve")
	c.Sees(page, "Nobody waits")
	for _, what := range []string{"take", "served", "gone"} {
		if status, _, _ := c.Post("/serve/calls/"+call.ID+"/"+what, url.Values{}); status != http.StatusForbidden {
			t.Errorf("%s: %d", what, status)
		}
	}
	if status, _, _ := c.Post("/serve/calls/call_none/take", url.Values{}); status != http.StatusNotFound {
		t.Error("taking nothing:", status)
	}
	_, page = c.Get("/serve?second=" + call.ID)
	if strings.Contains(page, "Case in Porto") {
		t.Error("the notice names a case of another store")
	}
}

func TestServeFindsCasesByNumberAndTag(t *testing.T) {
	c := consoletest.New(t).As(signin.Associate)
	tag := issue(t, c, "case-2")
	for _, q := range []string{"2", "case 2", tag, strings.ToLower(tag)} {
		_, page := c.Get("/serve?q=" + url.QueryEscape(q))
		c.Sees(page, "Case 2")
		if strings.Contains(page, "row-case-1") {
			t.Errorf("%q finds Case 1 too", q)
		}
	}
	_, page := c.Get("/serve?q=" + url.QueryEscape("<b>none"))
	c.Sees(page, "No case of yours is called so")
	_, page = c.Get("/serve")
	if !strings.Contains(page, "/c/"+tag) || strings.Contains(page, "row-cage-1") || strings.Contains(page, "porto") {
		t.Error("the list is not what Ana can open")
	}
}

func TestTheInstalledAppKeepsNoData(t *testing.T) {
	c := consoletest.New(t).As("")
	r, text := c.Send(http.MethodGet, "/sw.js", nil, nil)
	if r.Header.Get("Service-Worker-Allowed") != "/" || !strings.HasPrefix(r.Header.Get("Content-Type"), "text/javascript") {
		t.Errorf("the worker comes with %v", r.Header)
	}
	list, _, _ := strings.Cut(text, "\n")
	for _, quoted := range regexp.MustCompile(`"[^"]*"`).FindAllString(list, -1) {
		path := strings.Trim(quoted, `"`)
		if !strings.HasPrefix(path, "/static/") && !strings.HasPrefix(path, "/offline?") {
			t.Errorf("the app keeps %s", path)
		}
		if status, page := c.Get(path); status != http.StatusOK || strings.Contains(page, "Case 1") || strings.Contains(page, "The associate") {
			t.Errorf("%s: %d", path, status)
		}
	}
	_, page := c.Get("/offline?language=es")
	c.Sees(page, "Sin conexión con la tienda", "Nada se puede desbloquear desde aquí")
	_, page = c.Get("/offline?language=en")
	c.Sees(page, "Nothing can be unlocked from here until it is back.")
	r, text = c.Send(http.MethodGet, "/app.webmanifest", nil, nil)
	if r.Header.Get("Content-Type") != "application/manifest+json" || !strings.Contains(text, `"start_url":"/serve"`) || !strings.Contains(text, "512x512") {
		t.Error("the manifest is", text)
	}
}

func TestASubscriptionIsTheOperatorsOwn(t *testing.T) {
	c := consoletest.New(t).As(signin.Associate)
	status, _, page := c.Post("/serve/push", url.Values{"endpoint": {"http://127.0.0.1/x"}, "auth": {"x"}, "p256dh": {"y"}})
	if status != http.StatusBadRequest {
		t.Error("an address of our own network:", status, consoletest.Words(page))
	}
	_, page = c.Get("/serve")
	c.Sees(page, "Messages on your phone", "A message names nobody and no case.")
	if !regexp.MustCompile(`data-key="[A-Za-z0-9_-]{87}"`).MatchString(page) {
		t.Error("the page has no key to subscribe with")
	}
}
