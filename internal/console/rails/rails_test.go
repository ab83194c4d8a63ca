// SPDX-License-Identifier: Apache-2.0

package rails_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/internal/consoletest"
	"github.com/sashlock/sashlock/internal/signin"
)

const noCases = "@reason(\"Cases stay shut today.\")\n@fix(\"Come back tomorrow.\")\nforbid (principal, action == Action::\"open\", resource) when { resource.kind == \"case\" };\n"

func form(pairs ...string) url.Values {
	v := url.Values{}
	for i := 0; i < len(pairs); i += 2 {
		v.Add(pairs[i], pairs[i+1])
	}
	return v
}

func ask(t *testing.T, c *consoletest.Counter) sashlock.Decision {
	t.Helper()
	a, err := c.Hall.Request(t.Context(), sashlock.Request{Person: c.Person("ana"), Opening: c.Opening("case-1"), Method: sashlock.ByCard})
	c.Must(err)
	return a.Decision
}

func TestARailIsTriedSavedAndRemoved(t *testing.T) {
	c := consoletest.New(t)
	_, page := c.Get("/access/rails")
	c.Sees(page, "high-value-at-night", "watching", "enforced", "comes with Sashlock", "Nothing in the last 30 days")
	if d := ask(t, c); !d.Granted {
		t.Fatalf("Ana is refused before: %s", d.Reason)
	}
	status, _, page := c.Post("/access/rails/draft", form("slug", "no-cases", "text", noCases, "shadow", "no", "do", "past"))
	if status != http.StatusOK {
		t.Fatal(status)
	}
	c.Sees(page, "It would have forbidden 1 request of 1 that were granted.", "Ana Costa", "Case 1", "Nothing has been saved yet.")
	if status, to, page := c.Post("/access/rails", form("slug", "no-cases", "text", noCases, "shadow", "no")); status != http.StatusSeeOther || !strings.HasPrefix(to, "/access/rails/no-cases") {
		t.Fatalf("saving: %d %s %s", status, to, consoletest.Words(page))
	}
	if d := ask(t, c); d.Granted || d.Rail != "no-cases" {
		t.Errorf("the next request is answered with %v %s", d.Granted, d.Reason)
	}
	_, page = c.Get("/access/rails")
	c.Sees(page, "no-cases", "Cases stay shut today.", "forbade 1 request in the last 30 days")
	_, page = c.Get("/access/rails/high-value-at-night")
	c.Sees(page, "Stories it was tried with", "At half past ten at night, with a card.", "What a guard rail can speak of")
	if status, _, _ := c.Post("/access/rails/no-cases/remove", form("rev", "1")); status != http.StatusSeeOther {
		t.Errorf("removing: %d", status)
	}
}

func TestWhatIsWrongStandsAtItsLine(t *testing.T) {
	c := consoletest.New(t)
	wrong := strings.Replace(noCases, "resource.kind", "resource.kin", 1)
	status, _, page := c.Post("/access/rails", form("slug", "no-cases", "text", wrong, "shadow", "no"))
	if status != http.StatusUnprocessableEntity || !strings.Contains(page, "resource.kin ==") {
		t.Fatalf("%d, or what was typed is lost", status)
	}
	c.Sees(page, "1 mistake: it is marked below.", "3:")
	for _, bad := range []string{"", "permit (principal, action, resource);", "<script>alert(1)</script>", strings.Repeat("(", 9000)} {
		status, _, page := c.Post("/access/rails", form("slug", "x", "text", bad))
		if status != http.StatusUnprocessableEntity || strings.Contains(page, "<script>alert") {
			t.Errorf("%.20q: %d", bad, status)
		}
	}
	c.Proved(signin.Owner, signin.FreshFor)
	status, _, page = c.Post("/access/rails", form("slug", "no-cases", "text", noCases))
	if status != http.StatusForbidden || !strings.Contains(page, "Cases stay shut today.") {
		t.Errorf("without a proof: %d, or what was typed is lost", status)
	}
}

func TestWhoIsForOneStoreChangesNothingEverywhere(t *testing.T) {
	c := consoletest.New(t)
	c.As(signin.Manager)
	if status, _, page := c.Post("/access/rails", form("slug", "no-cases", "text", noCases)); status != http.StatusUnprocessableEntity {
		t.Errorf("everywhere: %d %s", status, consoletest.Words(page))
	}
	if status, _, _ := c.Post("/access/rails", form("slug", "no-cases", "text", noCases, "site", "porto")); status != http.StatusForbidden {
		t.Errorf("elsewhere: %d", status)
	}
	if status, _, page := c.Post("/access/rails", form("slug", "no-cases", "text", noCases, "site", "lisbon", "shadow", "no")); status != http.StatusSeeOther {
		t.Errorf("here: %d %s", status, consoletest.Words(page))
	}
	if status, _, _ := c.Post("/access/rails/high-value-at-night/remove", form("rev", "1")); status != http.StatusForbidden {
		t.Errorf("removing what holds everywhere: %d", status)
	}
}
