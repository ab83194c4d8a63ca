// SPDX-License-Identifier: Apache-2.0

package whatif_test

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

const bobsDraft = "grants:\n  - {slug: bob-case-1, person: bob, opening: case-1}\n"

// draft sends a draft and returns the page.
func draft(t *testing.T, c *consoletest.Counter, form url.Values) string {
	t.Helper()
	status, _, page := c.Post("/what-if/draft", form)
	if status != http.StatusOK {
		t.Fatalf("status %d: %s", status, consoletest.Words(page))
	}
	return page
}

func TestDraftSaysWhoGainsAndWhatWouldHaveComeOutOtherwise(t *testing.T) {
	c := consoletest.New(t)
	request(t, c, "bob", "case-1")
	request(t, c, "ana", "case-1")
	size := c.Store.Size()
	c = c.As(signin.Owner)
	see(t, c, "/what-if/draft", "What a draft would change", "Nothing is changed.")
	page := draft(t, c, url.Values{"text": {bobsDraft}})
	c.Sees(page, "1 difference", "+ grant bob-case-1", "1 gained", "Bob Dias", "Nobody could open less.",
		"2 decisions were decided again", "Granted instead")
	if strings.Contains(page, `id="further"`) {
		t.Error("everything was replayed, and the page wants to go on")
	}
	if _, known := c.Hall.Book().People["draft:person:bob"]; known || c.Hall.Book().Index.Could(sashlock.Request{Person: c.Person("bob"), Opening: c.Opening("case-1")}, "").Granted {
		t.Error("the draft is in force")
	}
	later, err := c.Store.Events(c.Ctx(), store.EventQuery{From: size, Limit: 100})
	c.Must(err)
	for _, e := range later { // locks go on reporting what was released before
		if e.Operator != "" || strings.HasPrefix(string(e.Kind), "grant.") || strings.HasPrefix(string(e.Kind), "access.granted") {
			t.Errorf("asking was recorded: %s", e.Kind)
		}
	}
}

func TestDraftThatIsWrongKeepsWhatWasTyped(t *testing.T) {
	c := consoletest.New(t).As(signin.Owner)
	for text, says := range map[string]string{
		"grants:\n  - {slug: x, person: nobody-at-all, opening: case-1}\n": "grants[0]",
		"grunts: []\n":       "grunts",
		"\x00\u202e<script>": "line",
		"":                   "Paste a draft first.",
		"sites: [" + strings.Repeat("{slug: a},", 2000) + "]": "sites[",
	} {
		page := draft(t, c, url.Values{"text": {text}})
		if !strings.Contains(consoletest.Words(page), says) || strings.Contains(page, "<script>") && !strings.Contains(page, "<script type") {
			t.Errorf("%.40q: the page does not say %q: %s", text, says, consoletest.Words(page))
		}
		if strings.Contains(text, "nobody") && !strings.Contains(page, "nobody-at-all, opening") {
			t.Errorf("%.40q: what was typed is gone", text)
		}
	}
}

// TestDraftGoesOnWhereItStopped sends what the form of a further part sends, and
// nonsense in its place.
func TestDraftGoesOnWhereItStopped(t *testing.T) {
	c := consoletest.New(t)
	request(t, c, "bob", "case-1")
	c = c.As(signin.Owner)
	found := string(c.Person("ana")) + " " + string(c.Opening("case-1")) + " 3 4 2026-11-20T10:00:00Z 1 permitted \n"
	since := c.Now().AddDate(0, 0, -30).UTC().Format("2006-01-02T15:04:05Z")
	page := draft(t, c, url.Values{"text": {bobsDraft}, "since": {since}, "decisions": {"40"}, "found": {found}})
	c.Sees(page, "41 decisions were decided again", "Ana Costa", "Bob Dias")
	page = draft(t, c, url.Values{"text": {bobsDraft}, "since": {"never"}, "from": {"-7"}, "decisions": {"x"}, "found": {"<b> 1\n\n x y z"}})
	c.Sees(page, "1 decision was decided again")
}

func TestDraftIsForThoseWhoSeeEverything(t *testing.T) {
	c := consoletest.New(t)
	for _, role := range []signin.Role{signin.Manager, signin.Associate} {
		if status, _ := c.As(role).Get("/what-if/draft"); status != http.StatusForbidden {
			t.Errorf("%s: status %d", role, status)
		}
		if status, _, _ := c.As(role).Post("/what-if/draft", url.Values{"text": {bobsDraft}}); status != http.StatusForbidden {
			t.Errorf("%s: status %d for sending", role, status)
		}
	}
}
