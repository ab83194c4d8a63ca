// SPDX-License-Identifier: Apache-2.0

package manual_test

import (
	"net/http"
	"regexp"
	"strings"
	"testing"

	"github.com/sashlock/sashlock/internal/consoletest"
)

var links = regexp.MustCompile(`href="(/docs[^"#]*)`)

// TestEveryDocumentIsShown follows every link between documents.
func TestEveryDocumentIsShown(t *testing.T) {
	c := consoletest.New(t)
	c.As("") // documents are for everybody
	seen, next := map[string]bool{}, []string{"/docs"}
	for len(next) > 0 {
		path := next[0]
		next = next[1:]
		if seen[path] {
			continue
		}
		seen[path] = true
		status, page := c.Get(path)
		if status != http.StatusOK {
			t.Errorf("%s: %d", path, status)
		}
		if strings.Contains(page, "<!-- raw HTML") && strings.Contains(path, "/guide") {
			t.Errorf("%s has markup in it that is not shown", path)
		}
		for _, m := range links.FindAllStringSubmatch(page, -1) {
			next = append(next, m[1])
		}
	}
	if len(seen) < 10 {
		t.Errorf("only %d documents were found", len(seen))
	}
}

func TestNothingElseIsShown(t *testing.T) {
	c := consoletest.New(t)
	for _, path := range []string{"/docs/nowhere", "/docs/../go.mod", "/docs/%2e%2e/go.mod", "/docs/docs.go", "/docs/guide/../../go.mod"} {
		if status, page := c.Get(path); status == http.StatusOK || strings.Contains(page, "module github.com") {
			t.Errorf("%s: %d", path, status)
		}
	}
}
