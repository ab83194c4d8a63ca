// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
)

// consoleBlock is what a guide shows of a terminal.
var consoleBlock = regexp.MustCompile("(?s)```console\n(.*?)```")

// TestGuides types what the guides show into a terminal beside a demo, and
// compares the answers. In the guides "…" stands for anything.
func TestGuides(t *testing.T) {
	guides, err := filepath.Glob(filepath.Join("..", "..", "docs", "guide", "*.md"))
	if err != nil || len(guides) < 5 {
		t.Fatalf("%v, %v", guides, err)
	}
	folder, blocks := t.TempDir(), 0
	for _, guide := range guides {
		text, err := os.ReadFile(guide)
		if err != nil {
			t.Fatal(err)
		}
		var script strings.Builder
		script.WriteString("exec sashlock demo --port 0 --data data --no-browser --seed 1 &demo&\nawait data/demo.json\n" +
			"exec sashlock export -o yaml\ncp stdout store.yaml\n")
		found := consoleBlock.FindAllStringSubmatch(string(text), -1)
		for _, block := range found {
			script.WriteString(typed(block[1]))
		}
		if len(found) == 0 {
			continue
		}
		blocks += len(found)
		script.WriteString("kill -INT demo\nwait demo\n")
		name := strings.TrimSuffix(filepath.Base(guide), ".md") + ".txtar"
		if err := os.WriteFile(filepath.Join(folder, name), []byte(script.String()), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if blocks < 3 {
		t.Fatalf("only %d blocks were found", blocks)
	}
	testscript.Run(t, testscript.Params{
		Dir: folder,
		Setup: func(env *testscript.Env) error {
			env.Setenv("SASHLOCK_DATA", "data")
			env.Setenv("HOME", env.WorkDir)
			return nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){"await": await},
	})
}

// typed makes a script of a block: lines that begin with "$ " are typed, the
// lines behind one are its answer.
func typed(block string) string {
	var script strings.Builder
	for line := range strings.Lines(block) {
		line = strings.TrimRight(line, "\n")
		if command, is := strings.CutPrefix(line, "$ "); is {
			fmt.Fprintf(&script, "exec sh -c '%s'\n", strings.ReplaceAll(command, "'", "''"))
			continue
		}
		if answer := strings.Trim(line, "… "); answer != "" {
			want := regexp.QuoteMeta(line)
			fmt.Fprintf(&script, "stdout '%s'\n", strings.ReplaceAll(strings.ReplaceAll(want, "…", ".*"), "'", "''"))
		}
	}
	return script.String()
}
