// SPDX-License-Identifier: Apache-2.0

package console

import (
	"bytes"
	"go/format"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/a-h/templ/generator"
	"github.com/a-h/templ/parser/v2"
)

// TestGeneratedCodeIsFresh makes every page's code anew and compares it with
// what is there.
func TestGeneratedCodeIsFresh(t *testing.T) {
	var sources []string
	for _, pattern := range []string{"*.templ", "*/*.templ"} {
		found, err := filepath.Glob(pattern)
		if err != nil {
			t.Fatal(err)
		}
		sources = append(sources, found...)
	}
	if len(sources) < 3 {
		t.Fatalf("only %v were found", sources)
	}
	for _, name := range sources {
		file, err := parser.Parse(name)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		var made bytes.Buffer
		if _, err := generator.Generate(file, &made, generator.WithFileName(filepath.ToSlash(name))); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		want, err := format.Source(made.Bytes())
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		have, err := os.ReadFile(strings.TrimSuffix(name, ".templ") + "_templ.go")
		if err != nil {
			t.Fatal(err)
		}
		if got := withoutVersion(string(have)); got != withoutVersion(string(want)) {
			t.Errorf("%s has changed: run go tool templ generate -path internal/console", name)
		}
	}
}

// withoutVersion leaves out the line that names templ's version, which only the
// command writes.
func withoutVersion(code string) string {
	var out strings.Builder
	for line := range strings.Lines(code) {
		if !strings.HasPrefix(line, "// templ: version") {
			out.WriteString(line)
		}
	}
	return out.String()
}
