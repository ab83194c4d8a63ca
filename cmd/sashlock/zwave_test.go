// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/sashlock/sashlock/internal/app"
)

// TestZWave goes the whole way with the real Z-Wave JS server: a lock is found,
// adopted, opened with a grant and refused without one, by command line and
// API, left open until it raises an alarm, and all of it is proved offline.
func TestZWave(t *testing.T) {
	if _, err := exec.LookPath("node"); err != nil || os.Getenv("SASHLOCK_PEERS") != "1" {
		if os.Getenv("SASHLOCK_REQUIRE") != "" {
			t.Fatal("the real Z-Wave JS needs Node 20 or newer, and SASHLOCK_PEERS=1")
		}
		t.Skip("the real Z-Wave JS needs Node 20 or newer, and SASHLOCK_PEERS=1: make test sees to both")
	}
	programs := t.TempDir()
	build := exec.Command("go", "build", "-o", programs, "../sashlock-verify")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("building sashlock-verify: %v\n%s", err, out)
	}
	ws, control := startZWave(t)
	testscript.Run(t, testscript.Params{
		Dir: "testdata/peers",
		Setup: func(env *testscript.Env) error {
			env.Setenv("SASHLOCK_DATA", "data")
			env.Setenv("HOME", env.WorkDir)
			env.Setenv("PATH", programs+string(os.PathListSeparator)+env.Getenv("PATH"))
			env.Setenv("WS", ws)
			env.Setenv("CONTROL", control)
			return nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"await": await, "exits": exits, "world": world, "until": until, "fill": fill, "call": callAPI,
		},
	})
}

// startZWave starts the peer on free ports and waits until it is ready.
func startZWave(t *testing.T) (ws, control string) {
	t.Helper()
	peer := exec.Command("sh", "../../peers/zwave/run.sh")
	peer.Env = append(os.Environ(), "ZWAVE_WS_PORT=0", "ZWAVE_CTL_PORT=0", "TMPDIR="+t.TempDir())
	peer.Stderr = os.Stderr
	out, err := peer.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := peer.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := peer.Process.Signal(syscall.SIGTERM); err == nil {
			_ = peer.Wait() // it ends by the signal
		}
	})
	timer := time.AfterFunc(3*time.Minute, func() { _ = peer.Process.Kill() }) // it may have to install itself first
	defer timer.Stop()
	for lines := bufio.NewScanner(out); lines.Scan(); {
		if n, _ := fmt.Sscanf(lines.Text(), "ready ws=%s control=%s", &ws, &control); n == 2 {
			go func() { _, _ = io.Copy(io.Discard, out) }()
			return ws, control
		}
	}
	t.Fatal("the Z-Wave peer ended before it was ready")
	return "", ""
}

// world is the script command "world ACT": somebody does something at a lock.
func world(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: world ACT")
	}
	answer, err := http.Get(ts.Getenv("CONTROL") + "/" + args[0])
	ts.Check(err)
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		ts.Fatalf("%s: %s", args[0], answer.Status)
	}
}

// until is the script command "until PATTERN PROGRAM ARGS": it runs the program
// until what it prints matches.
func until(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: until PATTERN PROGRAM ARGS")
	}
	pattern := regexp.MustCompile(`(?m)` + args[0])
	over := time.Now().Add(60 * time.Second)
	look := time.NewTicker(100 * time.Millisecond)
	defer look.Stop()
	for {
		if err := ts.Exec(args[1], args[2:]...); err == nil && pattern.MatchString(ts.ReadFile("stdout")) {
			return
		}
		if time.Now().After(over) {
			ts.Fatalf("it never printed %q; last:\n%s", args[0], ts.ReadFile("stdout"))
		}
		<-look.C
	}
}

// fill is the script command "fill FILE": it puts the values of the environment
// into a file.
func fill(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: fill FILE")
	}
	text := os.Expand(ts.ReadFile(args[0]), ts.Getenv)
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), []byte(text), 0o600))
}

// callAPI is the script command "call STATUS METHOD PATH [BODY]": a call of the
// API with the token of the data folder. The answer is written to answer.json.
func callAPI(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 3 {
		ts.Fatalf("usage: call STATUS METHOD PATH [BODY]")
	}
	c, err := app.ReadConnection(filepath.Join(ts.MkAbs("data"), app.ConnectionFile))
	ts.Check(err)
	body := ""
	if len(args) > 3 {
		body = args[3]
	}
	request, err := http.NewRequestWithContext(context.Background(), args[1], c.URL+args[2], strings.NewReader(body))
	ts.Check(err)
	request.Header.Set("Authorization", "Bearer "+c.Token)
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("Prefer", "wait=10")
	answer, err := http.DefaultClient.Do(request)
	ts.Check(err)
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	ts.Check(err)
	ts.Check(os.WriteFile(filepath.Join(ts.MkAbs("."), "answer.json"), text, 0o600))
	if got := fmt.Sprint(answer.StatusCode); got != args[0] {
		ts.Fatalf("status %s, want %s\n%s", got, args[0], text)
	}
}
