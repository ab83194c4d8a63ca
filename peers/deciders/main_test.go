// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"encoding/json"
	"io"
	"strings"
	"testing"
)

// TestEverybodyAnswersRight runs the whole comparison, briefly: it fails unless
// every answer is right.
func TestEverybodyAnswersRight(t *testing.T) {
	var out bytes.Buffer
	args := []string{"--grants", "1500", "--requests", "300", "--for", "20ms", "--check", "1s", "--rounds", "1", "-o", "json"}
	if err := run(t.Context(), args, &out, io.Discard); err != nil {
		t.Fatal(err)
	}
	var r result
	if err := json.Unmarshal(out.Bytes(), &r); err != nil {
		t.Fatal(err)
	}
	if want := 2 * len(all()); len(r.Rows) != want {
		t.Fatalf("%d rows, want %d", len(r.Rows), want)
	}
	for _, f := range r.Rows {
		if f.Checked == 0 || len(f.Turns) != 1 || f.Turns[0].Nanoseconds <= 0 {
			t.Errorf("%s, %s: %+v", f.Peer, f.Kind, f)
		}
		if f.Checked >= 100 && (f.Allowed == 0 || f.Allowed == f.Checked) {
			t.Errorf("%s, %s: %d of %d allowed", f.Peer, f.Kind, f.Allowed, f.Checked)
		}
	}
	out.Reset()
	if err := r.print(&out); err != nil || !strings.Contains(out.String(), "times as fast") {
		t.Errorf("printed %q, %v", out.String(), err)
	}
}

// lenient allows everything.
type lenient struct{}

func (lenient) decide(*ask) (bool, error) { return true, nil }

func TestAWrongAnswerIsFound(t *testing.T) {
	w, err := newWorkload(1500, 300)
	if err != nil {
		t.Fatal(err)
	}
	for _, k := range w.kinds() {
		if _, _, err := w.check(lenient{}, k.asks, 1e9); err == nil {
			t.Errorf("with %s a decider that allows everything passes", k.name)
		}
	}
}

// TestRailsInScope holds what the two kinds of request promise.
func TestRailsInScope(t *testing.T) {
	w, err := newWorkload(1500, 300)
	if err != nil {
		t.Fatal(err)
	}
	if n := len(w.rails()); n != 1000 {
		t.Errorf("%d rails, want 1,000", n)
	}
	for i := range w.free {
		if w.place[w.free[i].opening]/inArea < guarded {
			t.Fatal("a request without rails is for a guarded area")
		}
		if w.place[w.bound[i].opening]/inArea >= guarded {
			t.Fatal("a request with rails is for no guarded area")
		}
	}
}

func TestFlags(t *testing.T) {
	for _, args := range [][]string{{"--grants", "0"}, {"--only", "sashlock,nobody"}, {"-o", "xml"}, {"more"}} {
		if _, err := parse(args, io.Discard); err == nil {
			t.Errorf("%v is taken", args)
		}
	}
}
