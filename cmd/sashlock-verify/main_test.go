// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"sashlock-verify": main})
}

// TestScripts runs testdata/script. Each script finds the kept bundle of package
// proof as bundle.json and the key of its store as store.key.
func TestScripts(t *testing.T) {
	kept := filepath.Join("..", "..", "internal", "ledger", "proof", "testdata")
	testscript.Run(t, testscript.Params{
		Dir: "testdata/script",
		Setup: func(env *testscript.Env) error {
			return errors.Join(
				copyFile(filepath.Join(kept, "evidence-1.json"), filepath.Join(env.WorkDir, "bundle.json")),
				copyFile(filepath.Join(kept, "store-12.key"), filepath.Join(env.WorkDir, "store.key")),
			)
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){"replace": replace},
	})
}

func copyFile(from, to string) error {
	data, err := os.ReadFile(from)
	if err != nil {
		return err
	}
	return os.WriteFile(to, data, 0o644)
}

// replace is the script command "replace FILE OLD NEW": it changes the first
// occurrence of OLD, which must be there.
func replace(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 3 {
		ts.Fatalf("usage: replace FILE OLD NEW")
	}
	text := ts.ReadFile(args[0])
	if !strings.Contains(text, args[1]) {
		ts.Fatalf("%s does not contain %q", args[0], args[1])
	}
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), []byte(strings.Replace(text, args[1], args[2], 1)), 0o644))
}

// TestLinksNothingElse keeps the command small enough to be read by an auditor.
func TestLinksNothingElse(t *testing.T) {
	out, err := exec.Command("go", "list", "-deps", ".").Output()
	if err != nil {
		t.Fatal(err)
	}
	const ours = "github.com/sashlock/sashlock/"
	seen := false
	for line := range strings.Lines(string(out)) {
		path := strings.TrimSpace(line)
		switch {
		case path == ours+"internal/ledger/proof":
			seen = true
		case path == ours+"cmd/sashlock-verify":
		case strings.HasPrefix(path+"/", ours), strings.HasPrefix(path, "github.com/"):
			t.Errorf("links %s", path)
		}
	}
	if !seen {
		t.Error("does not link the proof package; the test looks in the wrong place")
	}
}

// TestHostileText prints a body that tries to rewrite the reader's screen.
func TestHostileText(t *testing.T) {
	f := factsOf([]byte("{\"kind\":\"a\\u001b[2Jb\\u202ec\\nd\",\"heard\":7,\"opening\":\"" + strings.Repeat("ö", 99) + "\"}"))
	if got, want := cell(f.kind), "a·[2Jb·c·d"; got != want {
		t.Errorf("kind is printed as %q, want %q", got, want)
	}
	if got := cell(f.heard); got != "–" {
		t.Errorf("a time that is not text is printed as %q", got)
	}
	if got, want := cell(f.opening), strings.Repeat("ö", maxCell)+"…"; got != want {
		t.Errorf("opening is printed as %q", got)
	}
	if f := factsOf([]byte("[1]")); f != (facts{}) {
		t.Errorf("a body that is no object gives %+v", f)
	}
}

func TestReadAtMost(t *testing.T) {
	if data, err := readAtMost(bytes.NewReader(make([]byte, 10)), 10); err != nil || len(data) != 10 {
		t.Errorf("10 of 10 bytes: %d, %v", len(data), err)
	}
	if _, err := readAtMost(bytes.NewReader(make([]byte, 11)), 10); err == nil {
		t.Error("11 of 10 bytes were read")
	}
}
