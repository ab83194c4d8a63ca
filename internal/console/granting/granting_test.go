// SPDX-License-Identifier: Apache-2.0

package granting_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/internal/console"
	"github.com/sashlock/sashlock/internal/consoletest"
	"github.com/sashlock/sashlock/internal/signin"
	"github.com/sashlock/sashlock/internal/store"
)

// may reports whether somebody may open something now, by asking.
func may(t *testing.T, c *consoletest.Counter, person, opening string) bool {
	t.Helper()
	a, err := c.Hall.Request(t.Context(), sashlock.Request{Person: c.Person(person), Opening: c.Opening(opening), Method: sashlock.ByRemote})
	c.Must(err)
	return a.Decision.Granted
}

func post(t *testing.T, c *consoletest.Counter, path string, want int, form url.Values) (to, page string) {
	t.Helper()
	status, to, page := c.Post(path, form)
	if status != want {
		t.Fatalf("%s answers %d, not %d:\n%s", path, status, want, consoletest.Words(page))
	}
	return to, page
}

func fields(pairs ...string) url.Values {
	v := url.Values{}
	for i := 0; i < len(pairs); i += 2 {
		v.Add(pairs[i], pairs[i+1])
	}
	return v
}

func refusals(t *testing.T, c *consoletest.Counter) int {
	t.Helper()
	all, err := c.Store.Events(t.Context(), store.EventQuery{Kind: string(sashlock.OperatorRefused)})
	c.Must(err)
	return len(all)
}

func TestGrantsAreSentences(t *testing.T) {
	c := consoletest.New(t)
	_, page := c.Get("/access")
	c.Sees(page, "Everyone in Sales may open everything in Watches , at any time", "Bob Dias may open Cage 1 , Mon–Fri 09:00–17:00 by Weekdays ( Europe/Lisbon )",
		"High value, and no end", "never used", "New grant")
	_, page = c.Get("/access?q=bob+cage")
	if said := consoletest.Words(page); !strings.Contains(said, "Bob Dias") || strings.Contains(said, "Ana Costa") {
		t.Errorf("the search finds %s", said)
	}
	_, page = c.Get("/access?show=expiring")
	c.Sees(page, "No grant is like that")
	r, page := c.Send("GET", "/access?by=who", http.Header{"Accept-Language": {"es"}}, nil)
	if r.StatusCode != http.StatusOK {
		t.Fatal(r.StatusCode)
	}
	c.Sees(page, "Cualquier persona con la función Sales puede abrir todo en Watches")
	if may(t, c, "ana", "case-1"); true {
		_, page = c.Get("/access")
		c.Sees(page, "last used")
	}
}

func TestGrantIsGivenChangedAndRevoked(t *testing.T) {
	c := consoletest.New(t)
	if may(t, c, "bob", "case-1") {
		t.Fatal("Bob may already")
	}
	draft := fields("as", "form", "who", "person:bob", "what", "opening:case-1", "slug", "bob-case", "do", "look")
	_, page := post(t, c, "/access/draft", http.StatusOK, draft)
	c.Sees(page, "Bob Dias may open Case 1", "Adds 1 person to 1 opening.", "It has no end")
	if may(t, c, "bob", "case-1") {
		t.Fatal("looking at it saved it")
	}
	to, _ := post(t, c, "/access/grants", http.StatusSeeOther, draft)
	if !strings.HasPrefix(to, "/access/grants/bob-case") || !may(t, c, "bob", "case-1") {
		t.Fatalf("not given; to %s", to)
	}
	post(t, c, "/access/grants", http.StatusSeeOther, draft) // sent twice
	other := fields("as", "form", "who", "person:eva", "what", "opening:case-1", "slug", "bob-case")
	_, page = post(t, c, "/access/grants", http.StatusUnprocessableEntity, other)
	c.Sees(page, "Another grant has this short name.")

	_, page = c.Get("/access/grants/bob-case/revoke")
	c.Sees(page, "Takes 1 opening from 1 person.", "Bob Dias Case 1")
	post(t, c, "/access/grants/bob-case/revoke", http.StatusSeeOther, fields("rev", "1"))
	if may(t, c, "bob", "case-1") {
		t.Error("not revoked")
	}
	post(t, c, "/access/grants/bob-case/revoke", http.StatusSeeOther, fields("rev", "1"))
}

func TestWhatIsCoveredAlreadyChangesNothing(t *testing.T) {
	c := consoletest.New(t)
	_, page := post(t, c, "/access/draft", http.StatusOK, fields("as", "form", "who", "person:ana", "what", "opening:case-2", "slug", "again"))
	c.Sees(page, "Nothing changes: already covered by “Everyone in Sales may open everything in Watches, at any time”.", "Overlaps with")
	_, page = post(t, c, "/access/draft", http.StatusOK, fields("as", "form", "who", "person:carla", "what", "area:lisbon/watches", "slug", "x"))
	c.Sees(page, "The person is suspended", "Nothing changes: it lets nobody in")
	_, page = post(t, c, "/access/draft", http.StatusOK, fields("as", "form", "who", "role:sales", "what", "site:porto", "slug", "x"))
	c.Sees(page, "Adds 2 people to 1 opening.")
}

func TestViewsSayTheSame(t *testing.T) {
	c := consoletest.New(t)
	draft := fields("as", "form", "who", "person:bob", "what", "area:lisbon/watches", "schedule", "weekdays", "until", "2027-11-30T18:00", "slug", "bob-w", "do", "yaml")
	_, page := post(t, c, "/access/draft", http.StatusOK, draft)
	c.Sees(page, "area: lisbon/watches", "schedule: weekdays", `2027-11-30T18:00:00Z`)
	text := "grants:\n  - slug: bob-w\n    person: bob\n    area: lisbon/watches\n    schedule: weekdays\n    until: \"2027-11-30T18:00:00Z\"\n"
	_, page = post(t, c, "/access/draft", http.StatusOK, fields("as", "yaml", "text", text, "do", "sentence"))
	c.Sees(page, "until 30 Nov 2027, 18:00", "This is made from what the store decides by")
	for bad, want := range map[string]string{
		"grants:\n  - slug: x\n    persn: bob\n":                                                    "line 3",
		"roles:\n  - {slug: x, name: X}\n":                                                          "one grant and nothing else",
		"grants:\n  - {slug: x, person: nobody, opening: case-1}\n":                                 `there is no person`,
		"grants:\n  - {slug: x, person: bob, opening: case-1, until: tomorrow}\n":                   `is not an instant`,
		"grants:\n  - {slug: x, person: bob, opening: case-1}\n  - {slug: y, person: bob, site: a}": "one grant and nothing else",
		strings.Repeat("x", 10_000):                                                                 "line 1",
	} {
		_, page = post(t, c, "/access/grants", http.StatusUnprocessableEntity, fields("as", "yaml", "text", bad))
		c.Sees(page, "Not saved", want)
		if !strings.Contains(page, bad[:8]) {
			t.Error("what was typed is lost")
		}
	}
}

func TestTimesAreThoseOfTheStore(t *testing.T) {
	c := consoletest.New(t)
	base := func(from, until string) url.Values {
		return fields("as", "form", "who", "person:bob", "what", "opening:case-1", "from", from, "until", until, "slug", "x")
	}
	for _, s := range [][3]string{
		{"2027-03-28T01:30", "", "never show 01:30 that day; 02:30 is meant"},
		{"2027-10-31T01:30", "", "show 01:30 twice that day; the first time is meant"},
		{"2027-06-02T00:00", "2027-06-01T00:00", "It would end before it starts."},
		{"yesterday", "", "This is not a day and a time."},
		{"2027-06-01T09:00", "2027-06-02T00:00", "from 1 Jun 2027, 09:00, until the end of 1 Jun 2027"},
	} {
		_, page := post(t, c, "/access/draft", http.StatusOK, base(s[0], s[1]))
		c.Sees(page, s[2])
	}
}

func TestTwoOperatorsEditOneGrant(t *testing.T) {
	c := consoletest.New(t)
	mine := fields("as", "form", "was", "ana-case-1", "rev", "1", "who", "person:ana", "what", "opening:case-1", "until", "2028-01-01T00:00")
	theirs := fields("as", "form", "was", "ana-case-1", "rev", "1", "who", "person:ana", "what", "opening:case-2")
	c.As(signin.Manager)
	post(t, c, "/access/grants", http.StatusSeeOther, theirs)
	c.As(signin.Owner)
	_, page := post(t, c, "/access/grants", http.StatusConflict, mine)
	c.Sees(page, "Somebody else changed this grant", "Ana Costa may open Case 2", "Ana Costa may open Case 1 , at any time, until the end of 31 Dec 2027")
	if !strings.Contains(page, `name="rev" value="2"`) {
		t.Error("saving again would conflict again")
	}
	mine.Set("rev", "2")
	post(t, c, "/access/grants", http.StatusSeeOther, mine)
	post(t, c, "/access/grants/ana-case-1/revoke", http.StatusConflict, fields("rev", "1"))
}

func TestOtherStoresAreOutOfReach(t *testing.T) {
	c := consoletest.New(t)
	c.As(signin.Manager)
	_, page := c.Get("/access")
	if said := consoletest.Words(page); strings.Contains(said, "Eva") || strings.Contains(said, "Porto") {
		t.Errorf("the manager of Lisbon sees Porto: %s", said)
	}
	c.Sees(page, "What belongs to other stores or areas is left out.")
	_, page = c.Get("/access/new")
	if strings.Contains(page, "porto") || strings.Contains(page, "Eva Pinto") {
		t.Error("the editor offers what is elsewhere")
	}
	before := refusals(t, c)
	if status, _ := c.Get("/access/grants/eva-porto"); status != http.StatusForbidden {
		t.Errorf("a grant elsewhere: %d", status)
	}
	post(t, c, "/access/grants", http.StatusForbidden, fields("as", "form", "who", "person:bob", "what", "opening:porto-case", "slug", "x"))
	post(t, c, "/access/grants", http.StatusForbidden, fields("as", "form", "was", "eva-porto", "rev", "1", "who", "person:bob", "what", "opening:case-1"))
	post(t, c, "/access/grants/eva-porto/revoke", http.StatusForbidden, fields("rev", "1"))
	post(t, c, "/access/quick", http.StatusForbidden, fields("person", "bob", "opening", "porto-case", "minutes", "30"))
	_, page = post(t, c, "/access/draft", http.StatusForbidden, fields("as", "form", "who", "person:eva", "what", "opening:case-1", "slug", "x"))
	if strings.Contains(page, "Eva Pinto") {
		t.Error("a guess tells who works in Porto")
	}
	if n := refusals(t, c) - before; n != 6 {
		t.Errorf("%d of 6 attempts were recorded", n)
	}
	c.As(signin.Auditor)
	post(t, c, "/access/grants", http.StatusForbidden, fields("as", "form", "who", "person:bob", "what", "opening:case-1", "slug", "x"))
	if _, page := c.Get("/access"); strings.Contains(page, "/access/new") {
		t.Error("an auditor is offered to give grants")
	}
}

func TestQuickGrantCountsAtOnce(t *testing.T) {
	c := consoletest.New(t)
	if may(t, c, "eva", "case-2") {
		t.Fatal("Eva may already")
	}
	quick := fields("person", "eva", "opening", "case-2", "minutes", "30", "key", "abc", "then", "/people/eva")
	to, _ := post(t, c, "/access/quick", http.StatusSeeOther, quick)
	if to != "/people/eva" || !may(t, c, "eva", "case-2") {
		t.Errorf("no quick grant; to %q", to)
	}
	post(t, c, "/access/quick", http.StatusSeeOther, quick)
	if _, page := c.Get("/access?q=eva"); strings.Count(page, `/access/grants/quick-`) != 1 {
		t.Error("pressing twice gave two")
	}
	post(t, c, "/access/quick", http.StatusBadRequest, fields("person", "nobody", "opening", "case-2"))
	quick.Set("then", "//evil.example")
	quick.Set("key", "other")
	if to, _ := post(t, c, "/access/quick", http.StatusSeeOther, quick); !strings.HasPrefix(to, "/access/") {
		t.Errorf("led to %q", to)
	}
}

func TestRolesAndSchedules(t *testing.T) {
	c := consoletest.New(t)
	_, page := c.Get("/access/roles/sales")
	c.Sees(page, "Ana Costa", "Duarte Melo", "everything in Watches")
	post(t, c, "/access/roles", http.StatusSeeOther, fields("name", "Couriers", "slug", "couriers"))
	_, page = post(t, c, "/access/roles", http.StatusUnprocessableEntity, fields("name", "Others", "slug", "couriers"))
	c.Sees(page, "Another role has this short name.")
	_, page = post(t, c, "/access/roles", http.StatusUnprocessableEntity, fields("name", "a\u202eb", "slug", "ok"))
	c.Sees(page, "Give it a name of 1 to 80 characters")
	post(t, c, "/access/roles", http.StatusSeeOther, fields("was", "sales", "rev", "1", "name", "<b>Sellers</b>"))
	_, page = post(t, c, "/access/roles", http.StatusConflict, fields("was", "sales", "rev", "1", "name", "Mine"))
	c.Sees(page, "Somebody else named it")
	if _, page = c.Get("/access"); strings.Contains(page, "<b>Sellers") {
		t.Error("markup in a name is markup on the page")
	}
	post(t, c, "/access/roles/couriers/remove", http.StatusSeeOther, url.Values{})

	week := fields("name", "Nights", "slug", "nights", "days.0", "fri", "days.0", "sat", "from.0", "22:00", "until.0", "06:00",
		"dayname.0", "Christmas", "dayfirst.0", "2027-12-25", "dayspans.0", "10:00-14:00")
	_, page = post(t, c, "/access/schedules/draft", http.StatusOK, week)
	c.Sees(page, "Opens Fri")
	post(t, c, "/access/schedules", http.StatusSeeOther, week)
	_, page = c.Get("/access/schedules/nights?view=yaml")
	c.Sees(page, "days: [fri, sat]", "Christmas")
	week.Set("dayname.1", "Again")
	week.Set("dayfirst.1", "2027-12-25")
	week.Set("slug", "more")
	_, page = post(t, c, "/access/schedules", http.StatusUnprocessableEntity, week)
	c.Sees(page, "Not saved", "Row 2")
	_, page = post(t, c, "/access/schedules", http.StatusUnprocessableEntity, fields("as", "yaml", "text", "schedules:\n  - {slug: s, name: S, weekly: [{days: [mo], from: \"09:00\", until: \"10:00\"}]}"))
	c.Sees(page, "Not saved", "is not a day")
	post(t, c, "/access/schedules/nights/remove", http.StatusSeeOther, url.Values{})
	post(t, c, "/access/schedules/weekdays/remove", http.StatusConflict, url.Values{})
}

// A change of a schedule counts for the grants that follow it.
func TestScheduleDecides(t *testing.T) {
	c := consoletest.New(t)
	all := fields("as", "form", "was", "weekdays", "rev", "1", "name", "Weekdays", "from.0", "00:00", "until.0", "00:00")
	for _, d := range []string{"mon", "tue", "wed", "thu", "fri", "sat", "sun"} {
		all.Add("days.0", d)
	}
	post(t, c, "/access/schedules", http.StatusSeeOther, all)
	if !may(t, c, "bob", "cage-1") {
		t.Error("always is not now")
	}
	none := fields("as", "form", "was", "weekdays", "rev", "2", "name", "Weekdays", "last", "2020-01-01", "days.0", "mon", "from.0", "09:00", "until.0", "10:00")
	post(t, c, "/access/schedules", http.StatusSeeOther, none)
	if may(t, c, "bob", "cage-1") {
		t.Error("over is still now")
	}
	_, page := c.Get("/access")
	c.Sees(page, "Its schedule has no time left")
	_, page = post(t, c, "/access/schedules", http.StatusConflict, none)
	c.Sees(page, "Somebody else changed this schedule")
}

func TestForgedAddresses(t *testing.T) {
	c := consoletest.New(t)
	for _, path := range []string{"/access/grants/none", "/access/roles/none", "/access/schedules/none", "/access/grants/none/revoke", "/access/grants/" + strings.Repeat("x", 5000)} {
		if status, _ := c.Get(path); status != http.StatusNotFound {
			t.Errorf("%.40s: %d", path, status)
		}
	}
	post(t, c, "/access/grants", http.StatusTooManyRequests, fields("as", "yaml", "text", strings.Repeat("x", console.MaxForm)))
}
