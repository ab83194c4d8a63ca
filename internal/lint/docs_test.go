// SPDX-License-Identifier: Apache-2.0

package lint

import (
	"fmt"
	"go/ast"
	"path"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode"

	"golang.org/x/mod/modfile"
)

var (
	link    = regexp.MustCompile(`\]\(([^)\s]+)(?:\s+"[^"]*")?\)`)
	heading = regexp.MustCompile(`(?m)^#{1,6} +(.+)$`)
	fence   = regexp.MustCompile("(?ms)^```.*?^```")
	code    = regexp.MustCompile("`[^`\n]*`")
)

// documents returns the Markdown files that are ours to keep true.
func (t *tree) documents() []string {
	var all []string
	for _, name := range t.paths {
		if path.Ext(name) == ".md" && !strings.Contains(name, "testdata/") {
			all = append(all, name)
		}
	}
	return all
}

// checkLinks reports links to files and headings that are not there.
func checkLinks(t *tree) []string {
	var bad []string
	for _, doc := range t.documents() {
		prose := code.ReplaceAllString(fence.ReplaceAllString(t.text(doc), ""), "")
		for _, m := range link.FindAllStringSubmatch(prose, -1) {
			target, anchor, _ := strings.Cut(m[1], "#")
			if strings.Contains(target, "://") || strings.HasPrefix(target, "mailto:") {
				continue
			}
			file := doc
			if target != "" {
				file = path.Join(path.Dir(doc), target)
			}
			switch {
			case !t.has(file):
				bad = append(bad, fmt.Sprintf("%s links to %s, which is not there", doc, m[1]))
			case anchor != "" && path.Ext(file) == ".md" && !slices.Contains(t.anchors(file), anchor):
				bad = append(bad, fmt.Sprintf("%s links to %s: no such heading", doc, m[1]))
			}
		}
	}
	return bad
}

// anchors returns the names under which a document's headings are linked: lower
// case, spaces as hyphens, punctuation dropped.
func (t *tree) anchors(doc string) []string {
	var all []string
	for _, m := range heading.FindAllStringSubmatch(fence.ReplaceAllString(t.text(doc), ""), -1) {
		all = append(all, strings.Map(func(r rune) rune {
			switch {
			case r == ' ':
				return '-'
			case r == '-' || r == '_' || unicode.IsLetter(r) || unicode.IsDigit(r):
				return r
			}
			return -1
		}, strings.ToLower(strings.TrimSpace(m[1]))))
	}
	return all
}

// leaks are strings that belong to one machine and not to the project. They are
// written in two halves so that this file does not contain them.
var leaks = []string{
	"/wo" + "rk/", "/tmp/" + "prep", "/ro" + "ot/", "/ho" + "me/",
	"registry." + "npmjs.org", "registry." + "yarnpkg.com", "proxy." + "golang.org", "deb." + "debian.org",
}

// checkLeaks reports traces of the machine somebody worked on.
func checkLeaks(t *tree) []string {
	texts := []string{".go", ".md", ".templ", ".js", ".mjs", ".cjs", ".json", ".yaml", ".yml", ".sh", ".sql", ".txt", ".css", ".html", ".mod", ""}
	var bad []string
	for _, name := range t.paths {
		if !slices.Contains(texts, path.Ext(name)) {
			continue
		}
		for n, line := range strings.Split(t.text(name), "\n") {
			for _, leak := range leaks {
				if strings.Contains(line, leak) {
					bad = append(bad, fmt.Sprintf("%s:%d contains %s, which is a matter of one machine", name, n+1, leak))
				}
			}
		}
	}
	return bad
}

// claims are the documents that say which test holds what.
var claims = []string{"docs/testing.md", "docs/capabilities.md"}

// testName is a test set as code.
var testName = regexp.MustCompile("`((?:Test|Fuzz|Benchmark)[A-Z][A-Za-z0-9_]*)`")

// checkClaims reports claims that name a test which is not there.
func checkClaims(t *tree) []string {
	have := map[string]bool{}
	for _, p := range t.pkgs {
		for _, s := range p.files {
			for _, d := range s.syntax.Decls {
				if f, is := d.(*ast.FuncDecl); is && s.test {
					have[f.Name.Name] = true
				}
			}
		}
	}
	var bad []string
	for _, name := range claims {
		for _, m := range testName.FindAllStringSubmatch(t.text(name), -1) {
			if !have[m[1]] {
				bad = append(bad, fmt.Sprintf("%s names %s: there is no such test", name, m[1]))
			}
		}
	}
	return bad
}

const dependencies = "docs/decisions/deps.md"

// depRow is a row of the table of dependencies: module and reason.
var depRow = regexp.MustCompile("(?m)^\\| `([^`]+)` \\| *([^|\n]*?) *\\|")

// checkDependencies compares what go.mod requires directly, as a library or as
// a tool, with what deps.md gives a reason for.
func checkDependencies(t *tree) []string {
	mod, err := modfile.Parse("go.mod", []byte(t.text("go.mod")), nil)
	if err != nil {
		return []string{err.Error()}
	}
	var want, have, bad []string
	for _, r := range mod.Require {
		if !r.Indirect || slices.ContainsFunc(mod.Tool, func(u *modfile.Tool) bool { return strings.HasPrefix(u.Path, r.Mod.Path+"/") }) {
			want = append(want, r.Mod.Path)
		}
	}
	for _, m := range depRow.FindAllStringSubmatch(t.text(dependencies), -1) {
		have = append(have, m[1])
		if !slices.Contains(want, m[1]) || m[2] == "" {
			bad = append(bad, fmt.Sprintf("%s lists %s, which go.mod does not require directly or which has no reason", dependencies, m[1]))
		}
	}
	for _, w := range want {
		if !slices.Contains(have, w) {
			bad = append(bad, fmt.Sprintf("go.mod requires %s: give the reason in %s", w, dependencies))
		}
	}
	return bad
}

func TestLinks(t *testing.T)        { check(t, checkLinks) }
func TestLeaks(t *testing.T)        { check(t, checkLeaks) }
func TestClaims(t *testing.T)       { check(t, checkClaims) }
func TestDependencies(t *testing.T) { check(t, checkDependencies) }
