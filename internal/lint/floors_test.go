// SPDX-License-Identifier: Apache-2.0

package lint

import (
	"fmt"
	"path"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const architecture = "docs/architecture.md"

// floors is the plan of who may import whom: a list of folder patterns for
// each floor, ground floor first.
type floors [][]string

// parseFloors reads the block fenced as "floors" in the architecture document:
// lines of number, name, folders; a line without a number continues the last.
func parseFloors(text string) (floors, error) {
	_, rest, found := strings.Cut(text, "```floors\n")
	block, _, closed := strings.Cut(rest, "\n```")
	if !found || !closed {
		return nil, fmt.Errorf("%s has no block fenced as floors", architecture)
	}
	var plan floors
	for line := range strings.Lines(block) {
		words := strings.Fields(line)
		if len(words) == 0 {
			continue
		}
		if n, err := strconv.Atoi(words[0]); err == nil {
			if n != len(plan) || len(words) < 3 {
				return nil, fmt.Errorf("%s: floor %d is out of order or empty", architecture, n)
			}
			plan = append(plan, nil)
			words = words[2:]
		}
		if len(plan) == 0 {
			return nil, fmt.Errorf("%s: the first floor needs a number", architecture)
		}
		last := len(plan) - 1
		plan[last] = append(plan[last], words...)
	}
	return plan, nil
}

// of returns the floor of a folder; -1 when it stands on none. An exact name
// beats a pattern: internal/access/reference is not one of internal/access/*.
func (f floors) of(dir string) int {
	for n, patterns := range f {
		if slices.Contains(patterns, dir) {
			return n
		}
	}
	for n, patterns := range f {
		for _, p := range patterns {
			if ok, err := path.Match(p, dir); ok && err == nil && p != "." {
				return n
			}
		}
	}
	return -1
}

// checkFloors reports packages that stand on no floor and imports that do not
// lead strictly downwards. Tests may look upwards: a rule's stories run through
// package flow.
func checkFloors(t *tree) []string {
	plan, err := parseFloors(t.text(architecture))
	if err != nil {
		return []string{err.Error()}
	}
	var bad []string
	for _, p := range t.pkgs {
		if p.dir == "internal/lint" || inPeers(p.dir) {
			continue
		}
		from := plan.of(p.dir)
		if from < 0 {
			bad = append(bad, fmt.Sprintf("%s stands on no floor: give it one in %s", p.dir, architecture))
			continue
		}
		for _, s := range p.files {
			bad = append(bad, upward(plan, s, p.dir, from)...)
		}
	}
	return bad
}

func upward(plan floors, s *source, dir string, from int) []string {
	if s.test {
		return nil
	}
	var bad []string
	for _, name := range s.imports() {
		if to, is := ours(name); is && plan.of(to) >= from {
			bad = append(bad, fmt.Sprintf("%s: %s (floor %d) imports %s (floor %d): imports lead strictly downwards", s.path, dir, from, to, plan.of(to)))
		}
	}
	return bad
}

// inPeers reports whether a folder belongs to the third-party programs we test
// against.
func inPeers(dir string) bool { return dir == "peers" || strings.HasPrefix(dir, "peers/") }

// contracts are the plug-in folders and what of ours a plug-in may import.
var contracts = []struct {
	folder, contract string
}{
	{"driver", "driver"},
	{"integration", "integration"},
	{"internal/detect", "internal/detect"},
}

// protocols are what a plug-in may use besides its contract: they know nothing
// of stores and people.
var protocols = []string{"internal/mqtt", "internal/mqtt/packet", "internal/devicekeys", "internal/mqttlink", "internal/wslink", "internal/osdp", "internal/wiegand"}

// checkPlugins reports plug-ins that know more of us than their contract. The
// suites for plug-ins are none: their own tests try them on a plug-in.
func checkPlugins(t *tree) []string {
	var bad []string
	for _, p := range t.pkgs {
		for _, c := range contracts {
			if path.Dir(p.dir) == c.folder && !isSuite(p.dir) {
				bad = append(bad, strangers(p, c.contract)...)
			}
		}
	}
	return bad
}

// strangers lists the imports of a plug-in that are neither the vocabulary nor
// its contract; its tests may also use the contract's test suites and what
// stands in the plug-in's own folder.
func strangers(p *pkg, contract string) []string {
	var bad []string
	for _, s := range p.files {
		for _, name := range s.imports() {
			dir, is := ours(name)
			fine := !is || dir == "." || dir == contract || dir == p.dir || slices.Contains(protocols, dir) ||
				s.test && (path.Dir(dir) == contract && isSuite(dir) || path.Dir(dir) == p.dir)
			if !fine {
				bad = append(bad, fmt.Sprintf("%s imports %s: a plug-in knows the vocabulary and %s only", s.path, dir, contract))
			}
		}
	}
	return bad
}

// checkVerifier reports packages of ours that the offline verifier links
// besides the proofs: an auditor has to read all of it.
func checkVerifier(t *tree) []string {
	allowed := []string{"cmd/sashlock-verify", "internal/ledger/proof"}
	var bad []string
	seen := map[string]bool{}
	var walk func(dir, by string)
	walk = func(dir, by string) {
		if seen[dir] {
			return
		}
		seen[dir] = true
		if !slices.Contains(allowed, dir) {
			bad = append(bad, fmt.Sprintf("cmd/sashlock-verify links %s (through %s): it may link only internal/ledger/proof", dir, by))
			return
		}
		p := t.find(dir)
		if p == nil {
			return
		}
		for _, s := range p.files {
			if s.test {
				continue
			}
			for _, name := range s.imports() {
				if to, is := ours(name); is {
					walk(to, s.path)
				}
			}
		}
	}
	walk("cmd/sashlock-verify", "")
	return bad
}

// checkLintItself reports files here that could be linked.
func checkLintItself(t *tree) []string {
	var bad []string
	if p := t.find("internal/lint"); p != nil {
		for _, s := range p.files {
			if !s.test {
				bad = append(bad, s.path+": internal/lint holds only tests")
			}
		}
	}
	return bad
}

func TestFloors(t *testing.T)   { check(t, checkFloors) }
func TestPlugins(t *testing.T)  { check(t, checkPlugins) }
func TestVerifier(t *testing.T) { check(t, checkVerifier) }
func TestOnlyTests(t *testing.T) {
	check(t, checkLintItself)
}
