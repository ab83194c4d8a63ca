// SPDX-License-Identifier: Apache-2.0

package persons_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/internal/consoletest"
	"github.com/sashlock/sashlock/internal/signin"
	"github.com/sashlock/sashlock/internal/store"
)

func may(t *testing.T, c *consoletest.Counter, person, opening string) bool {
	t.Helper()
	a, err := c.Hall.Request(t.Context(), sashlock.Request{Person: c.Person(person), Opening: c.Opening(opening), Method: sashlock.ByRemote})
	c.Must(err)
	return a.Decision.Granted
}

func post(t *testing.T, c *consoletest.Counter, path string, want int, pairs ...string) (to, page string) {
	t.Helper()
	form := url.Values{}
	for i := 0; i < len(pairs); i += 2 {
		form.Add(pairs[i], pairs[i+1])
	}
	status, to, page := c.Post(path, form)
	if status != want {
		t.Fatalf("%s answers %d, not %d:\n%s", path, status, want, consoletest.Words(page))
	}
	return to, page
}

func TestListFindsPeople(t *testing.T) {
	c := consoletest.New(t)
	_, page := c.Get("/people")
	c.Sees(page, "Ana Costa Sales Valid 2 openings", "Carla Reis Suspended 0 openings", "Eva Pinto")
	for query, want := range map[string]string{"q=bob": "Bob Dias", "role=sales": "Duarte Melo", "show=suspended": "Carla Reis", "site=porto": "Eva Pinto"} {
		_, page = c.Get("/people?" + query)
		c.Sees(page, want)
		if n := strings.Count(page, `<tr data-row`); n > 2 {
			t.Errorf("%s finds %d", query, n)
		}
	}
	_, page = c.Get("/people?q=" + url.QueryEscape(`"><script>`) + strings.Repeat("x", 3000))
	c.Sees(page, "No person is like that.")
	if strings.Contains(page, "<script>x") {
		t.Error("a search is markup")
	}
	r, page := c.Send("GET", "/people", http.Header{"Accept-Language": {"es"}}, nil)
	if r.StatusCode != http.StatusOK {
		t.Fatal(r.StatusCode)
	}
	c.Sees(page, "Personas", "Suspendida", "2 aperturas")
}

func TestPersonShowsWhatTheyDidAndMayDo(t *testing.T) {
	c := consoletest.New(t)
	may(t, c, "ana", "case-1")
	may(t, c, "ana", "cage-1")
	_, page := c.Get("/people/ana")
	c.Sees(page, "Ana Costa may open Case 1 , at any time", "Everyone in Sales may open everything in Watches", "Can open now 2",
		"Ana Costa asked for Case 1: granted", "Refused in the last 14 days", "Signs in as Associate", "slug: ana")
	if !strings.Contains(page, `href="/decisions/dec_`) {
		t.Error("no way to the decision")
	}
	if !strings.Contains(page, "1 granted, 1 refused") {
		t.Error("the strip does not count them")
	}
}

func TestSuspendAndLift(t *testing.T) {
	c := consoletest.New(t)
	if !may(t, c, "ana", "case-1") {
		t.Fatal("Ana may not")
	}
	post(t, c, "/people/ana/suspend", http.StatusSeeOther, "reason", "lost")
	if may(t, c, "ana", "case-1") {
		t.Error("suspended, and lets in")
	}
	saved, err := c.Store.Events(t.Context(), store.EventQuery{Kind: string(sashlock.PersonSaved), Person: c.Person("ana"), Newest: true, Limit: 1})
	c.Must(err)
	if len(saved) != 1 || saved[0].Why != "Lost what they identify themselves with" || saved[0].Operator == "" || strings.Contains(string(saved[0].Data), "Ana") {
		t.Errorf("the ledger says %+v", saved)
	}
	post(t, c, "/people/ana/suspend", http.StatusSeeOther, "reason", "lost")
	post(t, c, "/people/ana/lift", http.StatusSeeOther)
	if !may(t, c, "ana", "case-1") {
		t.Error("lifted, and keeps out")
	}
}

func TestPersonIsAddedAndChanged(t *testing.T) {
	c := consoletest.New(t)
	to, _ := post(t, c, "/people", http.StatusSeeOther, "name", "Filipa <i>Sá</i>", "slug", "filipa", "role", "sales")
	if to != "/people/filipa" || !may(t, c, "filipa", "case-1") {
		t.Errorf("not added; to %q", to)
	}
	if _, page := c.Get("/people/filipa"); strings.Contains(page, "<i>Sá") {
		t.Error("markup in a name is markup on the page")
	}
	post(t, c, "/people", http.StatusSeeOther, "name", "Filipa <i>Sá</i>", "slug", "filipa", "role", "sales") // sent twice
	_, page := post(t, c, "/people", http.StatusUnprocessableEntity, "name", "Another", "slug", "filipa")
	c.Sees(page, "Somebody else has this short name.")
	_, page = post(t, c, "/people", http.StatusUnprocessableEntity, "name", "\u202eevil", "slug", "Bad Slug", "from", "2027-01-02T00:00", "until", "2027-01-01T00:00")
	c.Sees(page, "without marks that change the direction", "Use 1 to 40", "It would end before it starts.")
	_, page = post(t, c, "/people", http.StatusUnprocessableEntity, "name", strings.Repeat("x", 10_000), "slug", "long")
	c.Sees(page, "Give it a name of 1 to 80")

	post(t, c, "/people", http.StatusSeeOther, "was", "filipa", "rev", "1", "name", "Filipa Sá", "until", "2020-01-01T00:00")
	if may(t, c, "filipa", "case-1") {
		t.Error("no longer admitted, and lets in")
	}
	_, page = post(t, c, "/people", http.StatusConflict, "was", "filipa", "rev", "1", "name", "Mine")
	c.Sees(page, "Somebody else changed this person", "name: Filipa Sá")
	if !strings.Contains(page, `value="Mine"`) {
		t.Error("what was typed is lost")
	}
	post(t, c, "/people", http.StatusBadRequest, "name", "X", "slug", "x", "role", "role_forged")
}

func TestRevokeAll(t *testing.T) {
	c := consoletest.New(t)
	_, page := c.Get("/people/eva/revoke")
	c.Sees(page, "1 grant ends at once:", "They can no longer open 1 opening.")
	if !may(t, c, "eva", "porto-case") {
		t.Fatal("Eva may not")
	}
	post(t, c, "/people/eva/revoke", http.StatusSeeOther)
	if may(t, c, "eva", "porto-case") {
		t.Error("revoked, and lets in")
	}
	_, page = c.Get("/people/ana/revoke")
	c.Sees(page, "What they have by these roles stays", "They can no longer open 0 openings.")
}

func TestOtherStoresAreOutOfReach(t *testing.T) {
	c := consoletest.New(t)
	c.As(signin.Manager)
	_, page := c.Get("/people")
	if strings.Contains(page, "Eva") {
		t.Error("the manager of Lisbon sees who works in Porto")
	}
	c.Sees(page, "Everybody else is left out.", "Bob Dias")
	if status, _ := c.Get("/people/eva"); status != http.StatusForbidden {
		t.Errorf("somebody of Porto: %d", status)
	}
	post(t, c, "/people/eva/suspend", http.StatusForbidden, "reason", "left")

	// Sales now counts in Porto as well: its people can be suspended, not changed.
	c.As(signin.Owner)
	post(t, c, "/access/grants", http.StatusSeeOther, "as", "form", "who", "role:sales", "what", "site:porto", "slug", "sales-porto")
	c.As(signin.Manager)
	_, page = c.Get("/people/ana")
	c.Sees(page, "They have something in other stores too", "What belongs to other stores or areas is left out.")
	if strings.Contains(page, "Porto") {
		t.Error("the page tells of Porto")
	}
	post(t, c, "/people", http.StatusForbidden, "was", "ana", "rev", "1", "name", "Ana")
	post(t, c, "/people", http.StatusForbidden, "name", "New", "slug", "new", "role", "sales")
	post(t, c, "/people/ana/suspend", http.StatusSeeOther, "reason", "left")
	post(t, c, "/people/ana/lift", http.StatusForbidden)
	refused, err := c.Store.Events(t.Context(), store.EventQuery{Kind: string(sashlock.OperatorRefused)})
	c.Must(err)
	if len(refused) != 5 {
		t.Errorf("%d of 5 attempts were recorded", len(refused))
	}
	c.As(signin.Auditor)
	post(t, c, "/people/ana/suspend", http.StatusForbidden, "reason", "left")
}
