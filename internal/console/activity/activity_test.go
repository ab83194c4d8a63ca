// SPDX-License-Identifier: Apache-2.0

package activity_test

import (
	"bufio"
	"context"
	"encoding/csv"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"testing"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/internal/console"
	"github.com/sashlock/sashlock/internal/consoletest"
	"github.com/sashlock/sashlock/internal/signin"
	"github.com/sashlock/sashlock/internal/store"
)

// ask makes somebody ask for an opening, which the ledger tells.
func ask(t *testing.T, c *consoletest.Counter, person, opening string) {
	t.Helper()
	if _, err := c.Hall.Request(t.Context(), sashlock.Request{Person: c.Person(person), Opening: c.Opening(opening)}); err != nil {
		t.Fatal(err)
	}
}

func TestSearchFindsAndExplains(t *testing.T) {
	c := consoletest.New(t)
	ask(t, c, "ana", "case-1")
	ask(t, c, "bob", "case-2")
	for search, want := range map[string][2]string{
		"":                                   {"Bob Dias asked for Case 2: refused", "nothing of this kind"},
		"result:denied":                      {"Bob Dias asked for Case 2", "Ana Costa asked for Case 1"},
		"person:ana":                         {"Ana Costa asked for Case 1: granted", "Bob Dias asked"},
		"opening:case-2 since:1h":            {"Bob Dias asked for Case 2", "Ana Costa asked"},
		"area:back":                          {"Cage 1", "Bob Dias asked for Case 2"},
		"opening:nowhere":                    {"Nothing found", "Bob Dias asked"},
		"persn:ana":                          {`did you mean "person"`, "Bob Dias asked"},
		`"<script>alert(1)</script>"`:        {"Nothing found", "Bob Dias asked"},
		strings.Repeat("x", 2000):            {"at most 1000 characters", "Bob Dias asked"},
		`since:"sometime"`:                   {"write a time as", "Bob Dias asked"},
		`until:"sometime"`:                   {"All events", "Bob Dias asked"},
		"-person:bob kind:access.* since:1d": {"Ana Costa asked", "Bob Dias asked"},
	} {
		status, page := c.Get("/activity?q=" + url.QueryEscape(search))
		if status != http.StatusOK {
			t.Errorf("%q: %d", search, status)
		}
		c.Sees(page, strings.ReplaceAll(want[0], `"`, "&#34;"))
		if strings.Contains(consoletest.Words(page), want[1]) {
			t.Errorf("%.40q shows %q", search, want[1])
		}
		if strings.Contains(page, "Nothing was searched") == strings.Contains(page, "/activity.csv") {
			t.Errorf("%.40q: a file is offered of what was not searched, or none of what was", search)
		}
		if strings.Contains(page, "<script>alert") {
			t.Errorf("%q got into the page as markup", search)
		}
	}
}

func TestOperatorsSeeTheirOwnSitesAlone(t *testing.T) {
	c := consoletest.New(t)
	ask(t, c, "eva", "porto-case")
	ask(t, c, "ana", "case-1")
	for _, path := range []string{"/activity", "/activity?all=1", "/activity?q=site:porto", "/activity.csv", "/activity.csv?all=1"} {
		status, page := c.As(signin.Manager).Get(path)
		if status != http.StatusOK || strings.Contains(page, "Porto") || strings.Contains(page, "porto") && !strings.Contains(path, "porto") || strings.Contains(page, "Eva") {
			t.Errorf("%s shows the manager of Lisbon something of Porto (%d)", path, status)
		}
	}
	if _, page := c.As(signin.Owner).Get("/activity"); !strings.Contains(page, "Eva Pinto") {
		t.Error("the owner does not see Porto")
	}
	if status, _ := c.As(signin.Associate).Get("/activity"); status != http.StatusForbidden {
		t.Errorf("an associate gets %d", status)
	}
}

func TestTableForSpreadsheets(t *testing.T) {
	c := consoletest.New(t)
	ask(t, c, "ana", "case-1")
	_, text := c.Get("/activity.csv?q=person:ana")
	rows, err := csv.NewReader(strings.NewReader(text)).ReadAll()
	if err != nil || len(rows) < 2 || rows[0][3] != "kind" || rows[1][4] != "case-1" {
		t.Fatalf("%v, %v", rows, err)
	}
	exported, err := c.Store.Events(t.Context(), store.EventQuery{Kind: string(sashlock.EvidenceExported)})
	if err != nil || len(exported) != 1 || exported[0].Operator == "" {
		t.Errorf("taking the table was recorded as %v, %v", exported, err)
	}
}

func TestKeptSearches(t *testing.T) {
	c := consoletest.New(t)
	if status, to, _ := c.Post("/activity/views", url.Values{"name": {"Refused"}, "q": {"result:denied"}}); status != http.StatusSeeOther || to != "/activity?q=result%3Adenied" {
		t.Fatalf("%d to %s", status, to)
	}
	_, page := c.Get("/activity")
	c.Sees(page, "Refused")
	_, page = c.As(signin.Manager).Get("/activity")
	if strings.Contains(consoletest.Words(page), "Kept searches Refused") {
		t.Error("somebody else's search is shown")
	}
	id := ""
	_, page = c.As(signin.Owner).Get("/activity")
	if _, after, found := strings.Cut(page, "/activity/views/"); found {
		id, _, _ = strings.Cut(after, "/")
	}
	if status, _, _ := c.As(signin.Manager).Post("/activity/views/"+id+"/remove", nil); status != http.StatusNotFound {
		t.Errorf("somebody else removes it: %d", status)
	}
	if status, _, _ := c.As(signin.Owner).Post("/activity/views/"+id+"/remove", nil); status != http.StatusSeeOther {
		t.Errorf("removing it: %d", status)
	}
	for name, form := range map[string]url.Values{"no name": {"q": {"person:ana"}}, "a bad search": {"name": {"x"}, "q": {"nokey:1"}}} {
		if status, _, _ := c.Post("/activity/views", form); status != http.StatusBadRequest {
			t.Errorf("%s: %d", name, status)
		}
	}
}

// TestTailGoesOnBehindTheLast cuts the stream and resumes it.
func TestTailGoesOnBehindTheLast(t *testing.T) {
	c := consoletest.New(t)
	after := c.Store.Size()
	listen := func(header http.Header) *bufio.Scanner {
		ctx, cancel := context.WithCancel(t.Context())
		t.Cleanup(cancel)
		r, err := http.NewRequestWithContext(ctx, http.MethodGet, c.Server.URL+"/activity/live?q=kind:access.denied&after="+strconv.FormatInt(after, 10), nil)
		c.Must(err)
		r.Header = header
		r.AddCookie(&http.Cookie{Name: console.SessionCookie, Value: c.Secret(signin.Owner)})
		answer, err := http.DefaultClient.Do(r)
		c.Must(err)
		t.Cleanup(func() { answer.Body.Close() })
		return bufio.NewScanner(answer.Body)
	}
	id := func(lines *bufio.Scanner) string {
		for lines.Scan() {
			if v, is := strings.CutPrefix(lines.Text(), "id: "); is {
				return v
			}
		}
		t.Fatal("the stream ended")
		return ""
	}
	ask(t, c, "bob", "case-1")
	ask(t, c, "ana", "case-1")
	first := id(listen(http.Header{}))
	ask(t, c, "bob", "case-2")
	again := listen(http.Header{"Last-Event-Id": {first}})
	if second := id(again); second <= first && len(second) <= len(first) {
		t.Errorf("after %s came %s", first, second)
	}
}
