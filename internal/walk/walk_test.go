// SPDX-License-Identifier: Apache-2.0

// Package walk goes through the whole console in a real browser, as the people
// do whom it is for: every page at every width, and each persona's first
// minutes. It also takes the pictures of the guides. It holds only tests.
//
//	go test ./internal/walk                            # walk
//	go test ./internal/walk -run Pictures -pictures    # take the pictures anew
//	go test ./internal/walk -run '^$' -bench .         # how soon pages paint
package walk

import (
	"context"
	"io"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/sashlock/sashlock/internal/app"
	"github.com/sashlock/sashlock/internal/browsertest"
	"github.com/sashlock/sashlock/internal/demo"
)

// store is a demo that runs, and where it is.
type store struct {
	url, data string
}

// open starts a demo with a seed, so that its history is always the same.
func open(t testing.TB, speed float64) store {
	t.Helper()
	s := store{data: filepath.Join(t.TempDir(), "demo")}
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	out := &waiter{ready: make(chan struct{})}
	go func() {
		ended <- demo.Run(ctx, demo.Options{Data: s.data, Seed: 1, Speed: speed, Out: out})
	}()
	t.Cleanup(func() {
		stop()
		if err := <-ended; err != nil {
			t.Errorf("the demo: %v", err)
		}
	})
	select {
	case <-out.ready:
	case err := <-ended:
		ended <- err
		t.Fatalf("the demo ended: %v", err)
	case <-time.After(60 * time.Second):
		t.Fatal("the demo does not start")
	}
	c, err := app.ReadConnection(filepath.Join(s.data, demo.ConnectionFile))
	if err != nil {
		t.Fatal(err)
	}
	s.url = c.URL
	return s
}

// waiter is told how to look at the demo once it can be looked at.
type waiter struct {
	ready chan struct{}
	told  bool
}

func (w *waiter) Write(text []byte) (int, error) {
	if !w.told && strings.Contains(string(text), "http://") {
		w.told = true
		close(w.ready)
	}
	return io.Discard.Write(text)
}

// pages are the addresses that everybody comes by, with a text that each says.
var pages = []struct{ path, says string }{
	{"/", "Openings"},
	{"/?view=list", "Openings"},
	{"/?view=wall", "Openings"},
	{"/openings/watches-6", "Watches 6"},
	{"/alarms", "Alarms"},
	{"/activity", "Activity"},
	{"/activity?q=result:denied", "result:denied"},
	{"/access", "Access"},
	{"/access/new", "Access"},
	{"/people", "People"},
	{"/people/ana", "Ana"},
	{"/devices", "Devices"},
	{"/devices/labels", "Labels"},
	{"/plan", "Floor plan"},
	{"/proof", "Proof"},
	{"/proof/entries/100", "100"},
	{"/what-if", "What if"},
	{"/serve", "Customers"},
	{"/reports", "Reports"},
	{"/reports/review", "Access review"},
	{"/developers", "Developers"},
	{"/developers/tokens", "Tokens"},
	{"/developers/events", "Events"},
	{"/settings", "Settings"},
	{"/me", "Passkeys"},
	{"/operators", "Operators"},
	{"/docs", "Guides"},
	{"/docs/runbooks/forced", "Forced"},
	{"/nowhere", "There is nothing here"},
}

// looks are the ways in which pages are looked at.
var looks = []struct {
	name  string
	width int64
	dark  bool
}{
	{"desktop", 1440, false}, {"dark", 1440, true}, {"phone", 390, false},
}

func TestEveryPageIsAccessibleAndFits(t *testing.T) {
	s := open(t, 1)
	for _, look := range looks {
		t.Run(look.name, func(t *testing.T) {
			b := browsertest.Open(t, s.url)
			b.Size(look.width, 900)
			b.Dark(look.dark)
			for _, page := range pages {
				b.Go(page.path)
				b.See(page.says)
				b.Accessible()
				b.Fits()
				if strings.Contains(page.path, "nowhere") {
					b.Forgive() // the browser complains of the status 404
				}
			}
		})
	}
}
