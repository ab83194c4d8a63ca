// SPDX-License-Identifier: Apache-2.0

package asks_test

import (
	"context"
	"net/http"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/internal/approvals"
	"github.com/sashlock/sashlock/internal/consoletest"
	"github.com/sashlock/sashlock/internal/signin"
	"github.com/sashlock/sashlock/internal/store"
)

func values(pairs ...string) url.Values {
	v := url.Values{}
	for i := 0; i < len(pairs); i += 2 {
		v.Add(pairs[i], pairs[i+1])
	}
	return v
}

// posted fails the test unless a form leads on.
func posted(t *testing.T, c *consoletest.Counter, path string, form url.Values) string {
	t.Helper()
	code, to, page := c.Post(path, form)
	if code != http.StatusSeeOther {
		t.Fatalf("%s: %d %s", path, code, consoletest.Words(page))
	}
	return to
}

// standing is the one request that waits.
func standing(t *testing.T, c *consoletest.Counter) approvals.Ask {
	t.Helper()
	var all []approvals.Ask
	c.Must(c.Store.View(t.Context(), func(q store.Query) (err error) { all, err = approvals.Standing(q); return err }))
	if len(all) != 1 {
		t.Fatalf("%d requests wait", len(all))
	}
	return all[0]
}

func rev(n int64) string { return strconv.FormatInt(n, 10) }

func TestARequestFromTheFloorToTheGrant(t *testing.T) {
	c := consoletest.New(t)
	c.As(signin.Associate)
	_, page := c.Get("/access/ask?opening=case-2")
	c.Sees(page, "Ask for access", "Case 2", "30 days")
	if !strings.Contains(page, `value="opening/case-2" selected`) || strings.Contains(page, "Case in Porto") || strings.Contains(page, "For whom") {
		t.Error("the form is not about the opening, or shows what is not theirs")
	}
	code, _, page := c.Post("/access/ask", values("place", "opening/case-2", "length", "24", "reason", "x"))
	if code != http.StatusUnprocessableEntity || !strings.Contains(page, `value="x"`) {
		t.Errorf("a bad reason: %d, or what was typed is lost", code)
	}
	c.Sees(page, "say why in 3 to 300 characters")
	evil := `<script>alert(1)</script> & more`
	posted(t, c, "/access/ask", values("place", "opening/case-2", "length", "24", "reason", evil))
	if code, _, _ := c.Post("/access/ask", values("place", "opening/case-2", "length", "24", "reason", "again")); code != http.StatusConflict {
		t.Errorf("asked twice: %d", code)
	}
	if code, _, _ := c.Post("/access/ask", values("place", "opening/porto-case", "length", "24", "reason", "elsewhere")); code != http.StatusForbidden {
		t.Errorf("asked for another store: %d", code)
	}
	if code, _, _ := c.Post("/access/ask", values("place", "opening/case-1", "person", "bob", "length", "24", "reason", "for bob")); code != http.StatusForbidden {
		t.Errorf("asked for somebody else: %d", code)
	}
	a := standing(t, c)
	if code, _, _ := c.Post("/access/requests/"+a.ID+"/approve", values("rev", "1")); code != http.StatusForbidden {
		t.Errorf("an associate approves: %d", code)
	}
	c.As(signin.Manager)
	_, page = c.Get("/access/requests")
	c.Sees(page, "Ana Costa", "Case 2", "asked by The associate")
	if strings.Contains(page, "<script>alert") {
		t.Error("markup was not escaped")
	}
	if code, _, _ := c.Post("/access/requests/"+a.ID+"/approve", values("rev", rev(a.Rev+1))); code != http.StatusConflict {
		t.Errorf("a stale revision: %d", code)
	}
	code, _, _ = c.Post("/access/requests/"+a.ID+"/deny", values("rev", rev(a.Rev), "why", ""))
	if code != http.StatusUnprocessableEntity {
		t.Errorf("turned down without a word: %d", code)
	}
	posted(t, c, "/access/requests/"+a.ID+"/approve", values("rev", rev(a.Rev)))
	_, page = c.As(signin.Associate).Get("/access/ask")
	c.Sees(page, "Approved")
	d, err := c.Hall.Decide(sashlock.Request{Person: a.Person, Opening: a.Opening, At: time.Now()}, c.State(a.Opening)), error(nil)
	if err != nil || !d.Granted {
		t.Errorf("still refused: %v", d.Reason)
	}
}

func TestNobodyAnswersForAnotherStore(t *testing.T) {
	c := consoletest.New(t)
	posted(t, c, "/access/ask", values("place", "opening/porto-case", "person", "bob", "length", "24", "reason", "the owner asks"))
	a := standing(t, c)
	c.As(signin.Manager) // of Lisbon
	if _, page := c.Get("/access/requests"); strings.Contains(page, "Porto") {
		t.Error("a request of another store is shown")
	}
	for _, act := range []string{"approve", "deny"} {
		if code, _, _ := c.Post("/access/requests/"+a.ID+"/"+act, values("rev", rev(a.Rev), "why", "because")); code != http.StatusForbidden {
			t.Errorf("%s: %d", act, code)
		}
	}
	if code, _, _ := c.As(signin.Owner).Post("/access/requests/"+a.ID+"/approve", values("rev", rev(a.Rev))); code != http.StatusForbidden {
		t.Errorf("the owner approves what they asked for: %d", code)
	}
	for _, none := range []string{"ask_forged", "%00", strings.Repeat("x", 9000)} {
		if code, _, _ := c.Post("/access/requests/"+none+"/approve", values("rev", "1")); code != http.StatusNotFound {
			t.Errorf("%.20s: %d", none, code)
		}
	}
	if code, _, _ := c.As(signin.Auditor).Post("/access/requests/rule", values("site", string(c.Site("lisbon")))); code != http.StatusForbidden {
		t.Errorf("an auditor saves the rule: %d", code)
	}
}

// whoever is an operator of a role, as the room asks for them.
func whoever(t *testing.T, c *consoletest.Counter, role signin.Role) approvals.By {
	t.Helper()
	by := approvals.By{May: func(string) bool { return true }, Sees: func(sashlock.SiteID, sashlock.AreaID) bool { return true }}
	c.Must(c.Store.View(t.Context(), func(q store.Query) error {
		all, err := signin.Operators(q)
		for _, o := range all {
			if o.Role == role {
				by.ID = o.ID
			}
		}
		return err
	}))
	return by
}

// Whoever may not give access to what is worth most alone does not get there by
// a schedule, a role or by what an opening asks of everybody.
func TestOtherWaysWaitAsWell(t *testing.T) {
	c := consoletest.New(t)
	posted(t, c, "/access/changes/settings", values("kind", "grant"))
	cage := func() string { return rev(c.Hall.Book().Openings[c.Opening("cage-1")].Rev) }
	posted(t, c, "/settings/openings/cage-1", values("rev", cage(), "level", "3"))
	if got := c.Hall.Book().Openings[c.Opening("cage-1")].Needs.Level; got != 3 {
		t.Fatalf("asking for more was not saved: %d", got)
	}
	to := posted(t, c, "/settings/openings/cage-1", values("rev", cage(), "level", "1"))
	if !strings.HasPrefix(to, "/access/changes?proposed") {
		t.Fatalf("made at once: %s", to)
	}
	if got := c.Hall.Book().Openings[c.Opening("cage-1")].Needs.Level; got != 3 {
		t.Errorf("it asks for %d already", got)
	}
	_, page := c.Get("/access/changes")
	c.Sees(page, "What is of high value is guarded less", "an opening: Cage 1", "a second person has to confirm what you proposed")
}

func TestAChangeWaitsForASecondOperator(t *testing.T) {
	c := consoletest.New(t)
	_, page := c.Get("/access/changes")
	c.Sees(page, "No change waits", "A grant for what is of high value")
	posted(t, c, "/access/changes/settings", values("kind", "grant"))
	form := `{"slug":"eva-cage","person":"eva","opening":"cage-1","until":"2030-01-01T00:00:00Z"}`
	p, err := c.Approvals.Propose(context.Background(), whoever(t, c, signin.Manager), approvals.GrantKind, []byte(form), 0, "stands in for Bob")
	c.Must(err)
	_, page = c.As(signin.Manager).Get("/access/changes")
	c.Sees(page, "Eva Pinto", "Cage 1", "a second person has to confirm what you proposed", "Take back")
	if code, _, _ := c.Post("/access/changes/"+p.ID+"/confirm", values("rev", rev(p.Rev))); code != http.StatusForbidden {
		t.Errorf("confirmed by the proposer: %d", code)
	}
	if code, _, _ := c.As(signin.Auditor).Post("/access/changes/"+p.ID+"/confirm", values("rev", rev(p.Rev))); code != http.StatusForbidden {
		t.Errorf("confirmed by an auditor: %d", code)
	}
	c.As(signin.Owner).Proved(signin.Owner, time.Hour)
	if to := posted(t, c, "/access/changes/"+p.ID+"/confirm", values("rev", rev(p.Rev))); !strings.HasPrefix(to, "/signin/again") {
		t.Errorf("confirmed without a proof of presence: %s", to)
	}
	c.Proved(signin.Owner, 0)
	posted(t, c, "/access/changes/"+p.ID+"/confirm", values("rev", rev(p.Rev)))
	if _, page = c.Get("/access/grants/eva-cage"); !strings.Contains(page, "Eva Pinto") {
		t.Error("the change was not made")
	}
	// Switched off it waits itself.
	if code, _, page := c.Post("/access/changes/settings", values("rev", "1")); code != http.StatusUnprocessableEntity {
		t.Errorf("switched off without a reason: %d %s", code, consoletest.Words(page))
	}
	posted(t, c, "/access/changes/settings", values("rev", "1", "why", "too slow for us"))
	_, page = c.Get("/access/changes")
	c.Sees(page, "Which changes wait for a second operator")
}

var review = regexp.MustCompile(`^/access/reviews/(rvw_\w+)$`)

func TestAReviewIsAnsweredAndEnds(t *testing.T) {
	c := consoletest.New(t)
	manager := string(whoever(t, c, signin.Manager).ID)
	due := time.Now().AddDate(0, 0, 10).Format(time.DateOnly)
	code, _, page := c.Post("/access/reviews", values("name", "Autumn", "reviewer", manager, "due", "2020-01-01"))
	if code != http.StatusUnprocessableEntity || !strings.Contains(page, `value="Autumn"`) {
		t.Errorf("a day that is over: %d", code)
	}
	to := posted(t, c, "/access/reviews", values("name", "Autumn", "reviewer", manager, "due", due))
	if !review.MatchString(to) {
		t.Fatalf("leads to %s", to)
	}
	c.As(signin.Manager) // of Lisbon: Porto is left out
	_, page = c.Get(to)
	c.Sees(page, "Ana Costa", "Bob Dias", "What belongs to other stores or areas is left out.", "End the review")
	if strings.Contains(page, "Eva Pinto") {
		t.Error("a grant of another store is shown")
	}
	line := func(text string) string {
		t.Helper()
		for _, row := range strings.Split(page, `name="line" value="`)[1:] {
			if strings.Contains(row, text) {
				return row[:strings.Index(row, `"`)]
			}
		}
		t.Fatalf("no line about %s", text)
		return ""
	}
	bob, ana := line("Bob Dias"), line("Ana Costa")
	if to := posted(t, c, to+"/lines", values("remove", bob, "why", "moved on")); !strings.HasSuffix(to, "#next") {
		t.Errorf("the next line is not shown: %s", to)
	}
	posted(t, c, to+"/lines", values("line", ana, "answer", "keep"))
	if code, _, _ := c.Post(to+"/lines", values("answer", "keep")); code != http.StatusUnprocessableEntity {
		t.Errorf("nothing chosen: %d", code)
	}
	all := make([]string, 0, 8)
	for n := range 4 {
		all = append(all, "line", strconv.Itoa(n+1))
	}
	if code, _, _ := c.Post(to+"/lines", values(append(all, "answer", "remove")...)); code != http.StatusForbidden {
		t.Errorf("lines of another store: %d", code)
	}
	if code, _ := c.Get("/access/grants/bob-cage"); code != http.StatusNotFound {
		t.Errorf("the grant is still there: %d", code)
	}
	if code, _, _ := c.As(signin.Protection).Post(to+"/end", values()); code != http.StatusForbidden {
		t.Errorf("ended by somebody else: %d", code)
	}
	posted(t, c.As(signin.Manager), to+"/end", values())
	_, page = c.Get(to)
	c.Sees(page, "1 kept, 1 removed", "moved on", "Removed", "Kept", "Ended")
	events, err := c.Store.Events(t.Context(), store.EventQuery{Kind: string(sashlock.ReviewEnded)})
	if err != nil || len(events) != 1 || !strings.Contains(string(events[0].Data), `"removed":1`) {
		t.Errorf("%v %v", events, err)
	}
	for _, e := range events {
		if strings.Contains(string(e.Data)+e.Why, "moved on") {
			t.Error("a reason is in the ledger")
		}
	}
}

func TestStaleGrantsAreTidied(t *testing.T) {
	c := consoletest.New(t)
	_, page := c.Get("/access/stale")
	c.Sees(page, "It has no end", "Ana Costa", "Another grant gives the same", "End in 30 days", "Keep, because…")
	if code, _, _ := c.Post("/access/stale/bob-cage", values("act", "keep", "rev", "1", "found", "endless", "why", "")); code != http.StatusUnprocessableEntity {
		t.Errorf("kept without a reason: %d", code)
	}
	posted(t, c, "/access/stale/bob-cage", values("act", "keep", "rev", "1", "found", "endless", "why", "keeper of the cage"))
	if _, page = c.Get("/access/stale"); strings.Contains(page, "grant-bob-cage") {
		t.Error("shown although it is kept")
	}
	c.Sees(page, "1 grant is kept for a reason")
	posted(t, c, "/access/stale/eva-porto", values("act", "shorten", "rev", "1"))
	if code, _, _ := c.Post("/access/stale/eva-porto", values("act", "end", "rev", "1")); code != http.StatusConflict {
		t.Errorf("a stale revision: %d", code)
	}
	c.As(signin.Manager)
	if code, _, _ := c.Post("/access/stale/eva-porto", values("act", "end", "rev", "2")); code != http.StatusForbidden {
		t.Errorf("of another store: %d", code)
	}
	posted(t, c, "/access/stale/ana-case-1", values("act", "end", "rev", "1"))
	if _, page = c.Get("/access/stale"); strings.Contains(page, "grant-ana-case-1") {
		t.Error("still there")
	}
	if _, page = c.As(signin.Auditor).Get("/access/stale"); strings.Contains(page, "End now") {
		t.Error("an auditor is offered to end grants")
	}
}
