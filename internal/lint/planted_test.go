// SPDX-License-Identifier: Apache-2.0

package lint

import (
	"slices"
	"strings"
	"testing"
	"testing/fstest"
)

const (
	licence    = "// SPDX-License-Identifier: Apache-2.0\n\n"
	smallHouse = "# Architecture\n\n```floors\n0 words . internal/ledger/proof\n1 contracts driver internal/schedule\n2 hands driver/* internal/store\n3 commands cmd/*\n```\n"
	readme     = "# X\n\n## What it reaches\n\n## What works\n\n## Set up\n\n## How it was tested\n\n## Limits\n"
)

// sound is a small tree without a fault.
func sound() map[string]string {
	return map[string]string{
		"docs/architecture.md":          smallHouse,
		"docs/glossary.md":              "| Word | Meaning | Not |\n|---|---|---|\n| **Alarm** | wants an operator | `snooze`, warning |\n",
		"docs/decisions/deps.md":        "| Module | Why |\n|---|---|\n| `example.org/clock` | tells the time |\n",
		"go.mod":                        "module " + module + "\n\ngo 1.26.0\n\nrequire example.org/clock v1.0.0\n",
		"sashlock.go":                   licence + "// Package sashlock is words.\npackage sashlock\n",
		"driver/driver.go":              licence + "// Package driver is a contract.\npackage driver\n\nimport _ \"" + module + "\"\n",
		"driver/x/x.go":                 licence + "// Package x is a driver.\npackage x\n\nimport _ \"" + module + "/driver\"\n",
		"driver/x/README.md":            readme,
		"driver/x/manifest.yaml":        "name: x\n",
		"internal/ledger/proof/doc.go":  licence + "// Package proof proves.\npackage proof\n",
		"internal/schedule/schedule.go": licence + "// Package schedule says when.\npackage schedule\n\nimport \"time\"\n\n// At is a moment.\nvar At time.Time\n",
		"cmd/sashlock-verify/main.go":   licence + "// Command sashlock-verify verifies.\npackage main\n\nimport _ \"" + module + "/internal/ledger/proof\"\n\nfunc main() {}\n",
	}
}

var checks = []func(*tree) []string{
	checkFloors, checkPlugins, checkVerifier, checkLintItself, checkPure, checkHabits, checkSkips,
	checkHeaders, checkPackageDocs, checkExportedDocs, checkSizes, checkNames, checkDriverFolders, checkRuleFolders,
	checkLinks, checkLeaks, checkClaims, checkDependencies, checkWords, checkReasons,
}

func complaints(t *testing.T, files map[string]string) []string {
	t.Helper()
	fsys := fstest.MapFS{}
	for name, text := range files {
		fsys[name] = &fstest.MapFile{Data: []byte(text)}
	}
	tree, err := read(fsys)
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	for _, look := range checks {
		all = append(all, look(tree)...)
	}
	return all
}

// TestPlantedFaults shows that each check can fail.
func TestPlantedFaults(t *testing.T) {
	if found := complaints(t, sound()); len(found) > 0 {
		t.Fatalf("the sound tree gives complaints:\n%s", strings.Join(found, "\n"))
	}
	pkg := func(doc, rest string) string { return licence + "// Package " + doc + ".\npackage " + rest }
	for _, fault := range []struct{ name, file, text, complaint string }{
		{"upward import", "internal/schedule/up.go", pkg("schedule x", "schedule\n\nimport _ \""+module+"/internal/store\"\n"), "imports lead strictly downwards"},
		{"sideways import", "internal/store/store.go", pkg("store x", "store\n\nimport _ \""+module+"/driver/x\"\n"), "imports lead strictly downwards"},
		{"no floor", "internal/cellar/cellar.go", pkg("cellar x", "cellar\n"), "stands on no floor"},
		{"no block", "docs/architecture.md", "# Architecture\n", "no block fenced as floors"},
		{"curious plug-in", "driver/x/more.go", pkg("x y", "x\n\nimport _ \""+module+"/internal/schedule\"\n"), "a plug-in knows the vocabulary"},
		{"heavy verifier", "cmd/sashlock-verify/more.go", pkg("main x", "main\n\nimport _ \""+module+"/driver\"\n"), "cmd/sashlock-verify links driver"},
		{"linked lint", "internal/lint/lint.go", pkg("lint x", "lint\n"), "holds only tests"},
		{"clock", "internal/schedule/now.go", pkg("schedule x", "schedule\n\nimport t \"time\"\n\nvar now = t.Now\n"), "is told the time"},
		{"goroutine", "internal/schedule/go.go", pkg("schedule x", "schedule\n\nfunc f() { go f() }\n"), "starts a goroutine"},
		{"worldly", "internal/schedule/os.go", pkg("schedule x", "schedule\n\nimport _ \"os\"\n"), "is pure"},
		{"registration", "driver/init.go", pkg("driver x", "driver\n\nfunc init() {}\n"), "declares init()"},
		{"sleep", "driver/sleep_test.go", pkg("driver x", "driver\n\nimport \"time\"\n\nfunc f() { time.Sleep(1) }\n"), "calls time.Sleep"},
		{"exit", "driver/exit.go", pkg("driver x", "driver\n\nimport \"os\"\n\nfunc f() { os.Exit(1) }\n"), "only commands end the process"},
		{"testing", "driver/testing.go", pkg("driver x", "driver\n\nimport _ \"testing\"\n"), "imports testing"},
		{"quiet skip", "driver/skip_test.go", pkg("driver x", "driver\n\nimport \"testing\"\n\nfunc TestX(t *testing.T) { t.Skip() }\n"), "skips without looking at"},
		{"no licence", "driver/bare.go", "package driver\n", "SPDX"},
		{"no package comment", "cmd/y/y.go", licence + "package main\n", "no file has a package comment"},
		{"no comments", "internal/schedule/bare.go", licence + "package schedule\n\nfunc A() {}\nfunc B() {}\n", "exported names have a comment"},
		{"long file", "driver/long.go", licence + "package driver\n" + strings.Repeat("\n", 600), "more than 500"},
		{"vague name", "internal/util/util.go", pkg("util x", "util\n"), "the name says nothing"},
		{"lost note", "driver/todo.go", pkg("driver x", "driver\n\n// TODO: later\n"), "without a number"},
		{"driver without README", "driver/x/README.md", "# X\n\n## Limits\n", `no section "What it reaches"`},
		{"rule without story", "internal/detect/y/y.go", pkg("y x", "y\n"), "has no testdata/stories"},
		{"dead link", "docs/x.md", "[x](gone.md)\n", "which is not there"},
		{"dead anchor", "docs/x.md", "[x](architecture.md#cellar)\n", "no such heading"},
		{"empty claim", "docs/testing.md", "Held by `TestNothing`.\n", "no such test"},
		{"leak", "docs/x.md", "see " + leaks[0] + "main\n", "a matter of one machine"},
		{"no reason", "go.mod", "module " + module + "\n\nrequire (\n\texample.org/clock v1.0.0\n\texample.org/other v1.0.0\n)\n", "requires example.org/other"},
		{"gone dependency", "go.mod", "module " + module + "\n", "lists example.org/clock"},
		{"banned word in a document", "docs/x.md", "Do not snooze.\n", `our word is "Alarm"`},
		{"banned word in help", "driver/help.go", licence + "package driver\n\ntype t struct {\n\tA int `help:\"Snooze it.\"`\n}\n", `our word is "Alarm"`},
		{"banned word on a page", "internal/x.templ", "<p>snooze</p>\n", `our word is "Alarm"`},
		{"no sentence", "reason.go", licence + "package sashlock\n\ntype Reason string\n\nconst A Reason = \"a\"\n", "has no sentence"},
	} {
		t.Run(fault.name, func(t *testing.T) {
			files := sound()
			files[fault.file] = fault.text
			found := complaints(t, files)
			if !slices.ContainsFunc(found, func(c string) bool { return strings.Contains(c, fault.complaint) }) {
				t.Errorf("no complaint says %q; found:\n%s", fault.complaint, strings.Join(found, "\n"))
			}
		})
	}
}

// TestWordsSpareCode shows what is not a banned word: code, quotations, markup.
func TestWordsSpareCode(t *testing.T) {
	files := sound()
	files["docs/x.md"] = "The flag `snooze` and Prometheus's \"snooze\".\n\n```\nsnooze\n```\n"
	files["internal/x.templ"] = "<p class=\"snooze\">{ snooze }</p>\n"
	if found := complaints(t, files); len(found) > 0 {
		t.Errorf("complaints:\n%s", strings.Join(found, "\n"))
	}
}
