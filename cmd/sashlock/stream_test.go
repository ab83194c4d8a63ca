// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// TestStreamResumes cuts a stream after every event: none may be lost or shown
// twice.
func TestStreamResumes(t *testing.T) {
	var asked []string
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked = append(asked, r.Header.Get("Last-Event-ID"))
		var last int
		fmt.Sscan(r.Header.Get("Last-Event-ID"), &last)
		for _, seq := range []int{last, last + 1} { // a server that repeats one
			fmt.Fprintf(w, ": hello\n\nid: %d\nevent: grant.saved\ndata: {\"seq\":%d,\ndata: \"kind\":\"grant.saved\"}\n\n", seq, seq)
		}
	}))
	defer server.Close()
	c, err := newClient(server.URL, "sash_x")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	var out bytes.Buffer
	d := &desk{ctx: ctx, out: &out, err: &bytes.Buffer{}, getenv: func(string) string { return "" }, globals: globals{Output: formatName}}
	s := stream{desk: d, client: c, next: 5, left: 3}
	if err := s.run(); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff("5\n6\n7\n", out.String()); diff != "" {
		t.Errorf("shown (-want +have):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"4", "5", "6"}, asked); diff != "" {
		t.Errorf("Last-Event-ID (-want +have):\n%s", diff)
	}
}

// TestStreamEndsWhenRefused does not try again what is refused for good.
func TestStreamEndsWhenRefused(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusUnauthorized)
		fmt.Fprint(w, `{"title":"This is not allowed","status":401,"detail":"present a token"}`)
	}))
	defer server.Close()
	c, err := newClient(server.URL, "sash_x")
	if err != nil {
		t.Fatal(err)
	}
	var out, complaints bytes.Buffer
	d := &desk{ctx: t.Context(), out: &out, err: &complaints, getenv: func(string) string { return "" }}
	s := stream{desk: d, client: c}
	if code := d.fail(s.run()); code != exitInput {
		t.Errorf("exit status %d, want %d", code, exitInput)
	}
	if !strings.Contains(complaints.String(), "hint: name a valid one with --token") {
		t.Errorf("no hint in %q", complaints.String())
	}
}

// FuzzEachEvent feeds what a server might send.
func FuzzEachEvent(f *testing.F) {
	f.Add("id: 1\ndata: {}\n\n")
	f.Add(": comment\n\ndata: a\ndata:b\n\ndata")
	f.Fuzz(func(t *testing.T, text string) {
		lines := strings.Count(text, "\n")
		events := 0
		err := eachEvent(strings.NewReader(text), func() {}, func(string) error { events++; return nil })
		if err == nil && 2*events > lines+1 {
			t.Errorf("%d events in %d lines", events, lines)
		}
	})
}

// TestPlain keeps text from moving the cursor or turning the line around.
func TestPlain(t *testing.T) {
	if have, want := plain("a\x1b[2J\u202eb\tö✓\n"), "a·[2J·b\tö✓·"; have != want {
		t.Errorf("plain gives %q, want %q", have, want)
	}
}

// TestTable lines columns up and paints only at a terminal.
func TestTable(t *testing.T) {
	s := sheet{head: []string{"A", "B"}, rows: [][]string{{markYes, "x"}, {"län", "y"}}}
	for _, c := range []struct {
		tty  bool
		env  string
		want string
	}{
		{false, "", "✓\tx\nlän\ty\n"},
		{true, "1", "A    B\n✓    x\nlän  y\n"},
		{true, "", "\x1b[2mA\x1b[0m    \x1b[2mB\x1b[0m\n\x1b[32m✓\x1b[0m    x\nlän  y\n"},
	} {
		var out bytes.Buffer
		d := &desk{out: &out, err: &bytes.Buffer{}, outTTY: c.tty, getenv: func(string) string { return c.env }}
		if err := d.show(s); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(c.want, out.String()); diff != "" {
			t.Errorf("tty %v, NO_COLOR %q (-want +have):\n%s", c.tty, c.env, diff)
		}
	}
}

// TestCompletion names every command and is shell that can be read.
func TestCompletion(t *testing.T) {
	all := completions(model(t).Node)
	for _, text := range []string{bashCompletion(all), fishCompletion(all)} {
		for _, word := range []string{"release", "adopt", "--checkpoint"} {
			if !strings.Contains(text, strings.TrimPrefix(word, "--")) {
				t.Errorf("the completion does not know %s", word)
			}
		}
	}
}
