// SPDX-License-Identifier: Apache-2.0

package lint

import (
	"fmt"
	"path"
	"slices"
	"strings"
	"testing"
)

// driverSections are the headings that the README of a driver answers under.
var driverSections = []string{"What it reaches", "What works", "Set up", "How it was tested", "Limits"}

// checkDriverFolders reports drivers that do not bring what belongs to them: a
// README with the sections, in their order, and a manifest.
func checkDriverFolders(t *tree) []string {
	var bad []string
	for _, p := range t.pkgs {
		if path.Dir(p.dir) != "driver" || isSuite(p.dir) {
			continue
		}
		if !t.has(p.dir + "/manifest.yaml") {
			bad = append(bad, p.dir+" has no manifest.yaml")
		}
		last := -1
		text := t.text(p.dir + "/README.md")
		for _, title := range driverSections {
			at := strings.Index(text, "\n## "+title+"\n")
			if at < 0 || at < last {
				bad = append(bad, fmt.Sprintf("%s/README.md has no section %q, or not in its place", p.dir, title))
			}
			last = max(last, at)
		}
	}
	return bad
}

// checkRuleFolders reports detection rules without an explanation, stories or
// a runbook for whoever the alarm reaches.
func checkRuleFolders(t *tree) []string {
	var bad []string
	for _, p := range t.pkgs {
		if path.Dir(p.dir) != "internal/detect" || isSuite(p.dir) {
			continue
		}
		rule := path.Base(p.dir)
		if !t.has(p.dir + "/README.md") {
			bad = append(bad, p.dir+" has no README.md")
		}
		if !slices.ContainsFunc(t.paths, func(f string) bool { return strings.HasPrefix(f, p.dir+"/testdata/stories/") }) {
			bad = append(bad, p.dir+" has no testdata/stories")
		}
		if !t.has("docs/runbooks/" + rule + ".md") {
			bad = append(bad, fmt.Sprintf("docs/runbooks has no %s.md: what does an operator do about this alarm?", rule))
		}
	}
	return bad
}

func TestDriverFolders(t *testing.T) { check(t, checkDriverFolders) }
func TestRuleFolders(t *testing.T)   { check(t, checkRuleFolders) }
