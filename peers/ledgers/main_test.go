// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"encoding/json"
	"io"
	"os"
	"strings"
	"testing"
	"time"
)

// TestEveryPeerKeepsWhatWasAppended runs the whole comparison, briefly: a turn
// fails unless the peer holds as many entries as were appended.
func TestEveryPeerKeepsWhatWasAppended(t *testing.T) {
	dir := t.TempDir()
	var out bytes.Buffer
	args := []string{"--dir", dir, "--for", "50ms", "--rounds", "1", "--writers", "1,40", "-o", "json"}
	if err := run(t.Context(), args, &out, io.Discard); err != nil {
		t.Fatal(err)
	}
	var r result
	if err := json.Unmarshal(out.Bytes(), &r); err != nil {
		t.Fatal(err)
	}
	if want := 2 * len(peers); len(r.Rows) != want {
		t.Fatalf("%d rows, want %d", len(r.Rows), want)
	}
	for _, f := range r.Rows {
		if len(f.Turns) != 1 || f.Turns[0].Rate <= 0 || f.Turns[0].P50 <= 0 || f.Turns[0].P99 < f.Turns[0].P50 || f.Turns[0].Bytes < float64(r.Body)/2 {
			t.Errorf("%s with %d writers: %+v", f.Peer, f.Writers, f.Turns)
		}
		if base := f.Peer == ours || f.Peer == oursReport; base == (f.Append != nil) {
			t.Errorf("%s has the ratio %v", f.Peer, f.Append)
		}
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) > 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}

// forgetful loses every tenth entry.
type forgetful struct{ kept, asked int64 }

func (l *forgetful) append(n int64, _ []byte) error {
	l.asked++
	if n%10 != 0 {
		l.kept++
	}
	return nil
}
func (l *forgetful) size() (int64, error) { return l.kept, nil }
func (l *forgetful) close() error         { return nil }

func TestATurnFailsWhenEntriesAreMissing(t *testing.T) {
	p := peer{name: "forgetful", open: func(string, int) (ledger, error) { return &forgetful{}, nil }}
	text, err := newBodies()
	if err != nil {
		t.Fatal(err)
	}
	_, err = takeTurn(t.TempDir()+"/turn", p, 1, time.Millisecond, text)
	if err == nil || !strings.Contains(err.Error(), "entries were appended") {
		t.Errorf("got %v", err)
	}
}

func TestBodiesDifferInTheirNumberOnly(t *testing.T) {
	b, err := newBodies()
	if err != nil {
		t.Fatal(err)
	}
	first, second := b.body(1), b.body(123_456)
	if len(first) != len(second) || len(first) < 236 || len(first) > 275 {
		t.Errorf("%d and %d bytes, want 236 to 275", len(first), len(second))
	}
	if !bytes.Contains(first, []byte(`"number":100000001`)) || !bytes.Contains(second, []byte(`"number":100123456`)) {
		t.Errorf("got %s and %s", first, second)
	}
	if !json.Valid(second) || bytes.Equal(first, b.text) {
		t.Errorf("got %s", second)
	}
}

func TestRatiosAreTakenWithinARound(t *testing.T) {
	r := newResult(settings{peers: peers[:3], writers: []int{1}}, 270)
	for _, rates := range [][2]float64{{100, 10}, {50, 10}, {30, 10}} {
		r.add(ours, 1, turn{Rate: rates[0]})
		r.add("sqlite", 1, turn{Rate: rates[1]})
	}
	if got := *r.figure("sqlite", 1).Append; got != (ratio{Median: 5, Min: 3, Max: 10}) {
		t.Errorf("got %+v", got)
	}
	if got := r.figure("sqlite", 1).Report; got != nil {
		t.Errorf("a ratio to a peer without turns: %+v", got)
	}
}

func TestBadFlagsAreRefused(t *testing.T) {
	for _, args := range []string{"--writers 0", "--writers x", "--rounds 0", "--for 0s", "--only nobody", "-o xml", "more"} {
		if _, err := parse(strings.Fields(args), io.Discard); err == nil {
			t.Errorf("%s was taken", args)
		}
	}
}
