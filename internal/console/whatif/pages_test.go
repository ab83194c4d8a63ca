// SPDX-License-Identifier: Apache-2.0

package whatif_test

import (
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/internal/console"
	"github.com/sashlock/sashlock/internal/consoletest"
	"github.com/sashlock/sashlock/internal/signin"
	"github.com/sashlock/sashlock/internal/store"
)

// request asks for an opening and returns the decision.
func request(t *testing.T, c *consoletest.Counter, person, opening string) sashlock.DecisionID {
	t.Helper()
	a, err := c.Hall.Request(t.Context(), sashlock.Request{Person: c.Person(person), Opening: c.Opening(opening), Method: sashlock.ByRemote})
	c.Must(err)
	return a.Decision.ID
}

// refusals counts how often somebody tried what they may not.
func refusals(t *testing.T, c *consoletest.Counter) int {
	t.Helper()
	all, err := c.Store.Events(t.Context(), store.EventQuery{Kind: string(sashlock.OperatorRefused)})
	c.Must(err)
	return len(all)
}

func see(t *testing.T, c *consoletest.Counter, path string, texts ...string) string {
	t.Helper()
	status, page := c.Get(path)
	if status != http.StatusOK {
		t.Fatalf("%s: status %d: %s", path, status, consoletest.Words(page))
	}
	c.Sees(page, texts...)
	return page
}

func TestWhySomebodyWasRefused(t *testing.T) {
	c := consoletest.New(t)
	id := request(t, c, "bob", "case-1")
	page := see(t, c.As(signin.Auditor), "/decisions/"+string(id),
		"Refused", "Bob Dias", "Case 1", "No grant covers this person at this opening.",
		"a grant to this person or one of their roles", "What would have to change", "May be done by: Owner or Store manager", "Code to quote", "Prove this")
	code := regexp.MustCompile(`<code id="quoted">([^<]+)</code>`).FindStringSubmatch(page)
	if code == nil {
		t.Fatal("the page has no code")
	}
	r, _ := c.Send(http.MethodGet, "/decisions?code="+url.QueryEscape(strings.ToLower(code[1])), nil, nil)
	if to := r.Header.Get("Location"); to != "/decisions/"+string(id) {
		t.Errorf("the code %s leads to %q", code[1], to)
	}
	see(t, c, "/decisions?code=0GK-4", "No decision has this code")
	see(t, c, "/decisions?code=000-0", "No decision has this code") // an entry, and no decision
}

func TestWhySomebodyWasSuspended(t *testing.T) {
	c := consoletest.New(t)
	see(t, c, "/decisions/"+string(request(t, c, "carla", "case-1")), "This person&#39;s access is suspended.", "Lift the suspension.")
}

func TestWhySomebodyWasGrantedAndWhatCameOfIt(t *testing.T) {
	c := consoletest.New(t)
	id := request(t, c, "ana", "case-1")
	c.Until("the lock released", func() bool {
		all, err := c.Store.Events(t.Context(), store.EventQuery{Kind: string(sashlock.CommandEnded)})
		c.Must(err)
		return len(all) > 0
	})
	page := see(t, c, "/decisions/"+string(id), "Granted", "The grant that decided: Ana Costa may open Case 1, at any time",
		"What happened then", "The lock confirmed", "Opened not yet")
	if !strings.Contains(page, `href="/access/grants/ana-case-1"`) {
		t.Error("the grant that decided has no link")
	}
	if strings.Contains(page, "Code to quote") {
		t.Error("somebody who was let in has a code to complain with")
	}
}

func TestDecisionsOfOtherStoresStayThere(t *testing.T) {
	c := consoletest.New(t)
	porto := request(t, c, "eva", "porto-case")
	for _, role := range []signin.Role{signin.Manager, signin.Auditor} {
		before := refusals(t, c)
		status, page := c.As(role).Get("/decisions/" + string(porto))
		if status != http.StatusForbidden || strings.Contains(page, "Eva") || strings.Contains(page, "Porto") {
			t.Errorf("%s: status %d: %s", role, status, consoletest.Words(page))
		}
		for _, path := range []string{"/what-if?ask=who&opening=porto-case", "/what-if?ask=can&person=eva&opening=porto-case", "/what-if?ask=what&person=eva&site=porto"} {
			if status, page := c.Get(path); status != http.StatusForbidden || strings.Contains(page, "Case in Porto") {
				t.Errorf("%s: %s: status %d", role, path, status)
			}
		}
		if got := refusals(t, c) - before; got != 4 {
			t.Errorf("%s: %d refusals were recorded, want 4", role, got)
		}
	}
	see(t, c.As(signin.Owner), "/decisions/"+string(porto), "Granted", "Eva Pinto")
	if status, _ := c.As(signin.Associate).Get("/what-if"); status != http.StatusForbidden {
		t.Errorf("an associate is shown who can open what: status %d", status)
	}
}

func TestThereIsNoSuchDecision(t *testing.T) {
	c := consoletest.New(t)
	for _, id := range []string{"dec_01kb000000000000000000000", "%00", "..%2f..", strings.Repeat("x", 5000), "<script>", "'%20OR%201=1"} {
		if status, page := c.Get("/decisions/" + id); status != http.StatusNotFound || strings.Contains(page, "<script>") {
			t.Errorf("%.30s: status %d", id, status)
		}
	}
}

func TestCanSomebodyOpenIt(t *testing.T) {
	c := consoletest.New(t)
	before := c.Store.Size()
	see(t, c, "/what-if?person=bob&opening=cage-1&at=2026-11-23T10:00", "Would be granted", "The grant that would decide: Bob Dias may open Cage 1, when “Weekdays” says so", "Mon 23 Nov 2026, 10:00 (WET)")
	see(t, c, "/what-if?person=bob&opening=cage-1&at=2026-11-22T10:00", "Would be refused", "The grant does not cover this time.", "Ask again from")
	see(t, c, "/what-if?person=bob&opening=cage-1&at=2026-03-29T01:30", "The clocks go forward that day and never show 01:30", "02:30 WEST")
	see(t, c, "/what-if?person=bob&opening=cage-1&at=2026-10-25T01:30", "show 01:30 twice", "the first time, 01:30 WEST", "Ask for the second")
	see(t, c, "/what-if?person=bob&opening=cage-1&at=2026-10-25T01:30&clock=second", "the second time, 01:30 WET")
	if after := c.Store.Size(); after != before {
		t.Errorf("asking made %d entries", after-before)
	}
}

func TestWrongQuestions(t *testing.T) {
	c := consoletest.New(t)
	hostile := url.QueryEscape(`<img src=x onerror=alert(1)>` + "\u202e" + strings.Repeat("A", 5_000))
	page := see(t, c, "/what-if?person="+hostile+"&opening=cage-1", "Nobody by that name is known here")
	if strings.Contains(page, "<img src=x") {
		t.Error("what was typed became markup")
	}
	see(t, c, "/what-if?person=bob&opening="+hostile, "There is no such opening")
	page = see(t, c, "/what-if?person=bob&opening=cage-1&at="+hostile, "This is no day and time")
	if strings.Contains(page, "<img src=x") || strings.Contains(page, "Would be") {
		t.Error("a time that is none was answered, or became markup")
	}
	see(t, c, "/what-if?ask=nonsense&area=nowhere", "Choose above and ask")
}

func TestWhoCanOpenIt(t *testing.T) {
	c := consoletest.New(t)
	page := see(t, c, "/what-if?ask=who&opening=case-1&at=2026-11-22T10:00", "2 people can open Case 1", "Ana Costa", "Duarte Melo", "Sales", "by name", "has never opened it")
	if strings.Contains(consoletest.Words(page), "Carla Reis by") {
		t.Error("somebody who is suspended can open it")
	}
	see(t, c, "/what-if?ask=who&opening=cage-1&at=2026-11-22T10:00", "Nobody", "No grant covers this opening at this time.")
	see(t, c, "/what-if?ask=who&opening=cage-1&at=2026-11-23T09:00", "1 person can open Cage 1", "Bob Dias")
}

func TestWhatSomebodyCanOpen(t *testing.T) {
	c := consoletest.New(t)
	page := see(t, c.As(signin.Manager), "/what-if?ask=what&person=bob&at=2026-11-23T10:00", "Bob Dias can open 1 of 3", "Back room 1/1", "Watches 0/2", "Cage 1: can open", "Case 1: cannot open")
	if strings.Contains(page, "Porto") {
		t.Error("the manager of Lisbon reads of Porto")
	}
	see(t, c, "/what-if?ask=what&person=bob&at=2026-11-23T17:00", "Bob Dias can open 0 of 3")
}

func TestAWholeDay(t *testing.T) {
	c := consoletest.New(t)
	see(t, c, "/what-if?ask=today&area=back&at=2026-11-23T23:00", "Back room", "Bob Dias 09:00–17:00", "4 other people can open none of these")
	see(t, c, "/what-if?ask=today&area=back&at=2026-11-22T10:00", "Nobody can open anything here on that day")
	see(t, c, "/what-if?ask=today&area=watches&at=2026-11-22T10:00", "Ana Costa ● all day", "Duarte Melo")
	see(t, c, "/what-if?ask=today&area=watches&at=2026-10-25T10:00", "Ana Costa ● all day")
}

func TestConditionsInSpanish(t *testing.T) {
	c := consoletest.New(t)
	id := request(t, c, "bob", "case-1")
	r, page := c.Send(http.MethodGet, "/decisions/"+string(id), http.Header{"Accept-Language": {"es"}}, nil)
	if r.StatusCode != http.StatusOK {
		t.Fatalf("status %d", r.StatusCode)
	}
	c.Sees(page, "una apertura conocida aquí", "conocida: “Case 1”", "Dar a esta persona o a una de sus funciones un permiso para “Case 1”.", "Puede hacerlo: Propietario")
}

// A code leads to its decision, whatever became of it, and to none of another
// store: there it is a code like any other that stands for nothing.
func TestACodeLeadsToItsDecision(t *testing.T) {
	c := consoletest.New(t)
	for _, place := range []struct{ person, opening, to string }{{"ana", "case-1", "yes"}, {"bob", "case-1", "yes"}, {"eva", "porto-case", ""}} {
		id := request(t, c, place.person, place.opening)
		e, err := c.Store.Decision(t.Context(), id)
		c.Must(err)
		r, page := c.As(signin.Manager).Send(http.MethodGet, "/decisions?code="+console.DecisionCode(e.Seq), nil, nil)
		to := ""
		if place.to != "" {
			to = "/decisions/" + string(id)
		}
		if got := r.Header.Get("Location"); got != to {
			t.Errorf("the code of %s at %s leads to %q", place.person, place.opening, got)
		}
		if to == "" {
			c.Sees(page, "No decision has this code")
		}
	}
}
