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
	"fmt"
	"io"
	"path/filepath"
	"slices"
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
// Where link is set the page is the first that is linked from the address with
// that beginning.
var pages = []struct{ path, says, link string }{
	{"/", "Openings", ""},
	{"/?view=list", "Openings", ""},
	{"/?view=wall", "Openings", ""},
	{"/openings/watches-6", "Watches 6", ""},
	{"/alarms", "Alarms", ""},
	{"/activity", "Activity", ""},
	{"/activity?q=result:denied", "result:denied", ""},
	{"/access", "Access", ""},
	{"/access/new", "Access", ""},
	{"/access/grants/filipe-cage-1", "Filipe", ""},
	{"/access/grants/filipe-cage-1/revoke", "Filipe", ""},
	{"/access/quick", "Quick", ""},
	{"/access/ask", "access", ""},
	{"/access/requests", "Waiting for an answer", ""},
	{"/access/changes", "Waiting for a second operator", ""},
	{"/access/reviews", "Unused for 90 days", ""},
	{"/access/reviews", "Unused for 90 days", "/access/reviews/rvw_"},
	{"/access/stale", "Stale grants", ""},
	{"/decisions", "Find a decision", ""},
	{"/access/roles", "Roles", ""},
	{"/access/roles/new", "role", ""},
	{"/access/roles/early-team", "Early team", ""},
	{"/access/schedules", "Schedules", ""},
	{"/access/schedules/new", "schedule", ""},
	{"/access/schedules/early", "Early shift", ""},
	{"/access/rails", "Guard rails", ""},
	{"/access/rails/new", "rail", ""},
	{"/access/rails/high-value-at-night", "high-value-at-night", ""},
	{"/people", "People", ""},
	{"/people/ana", "Ana", ""},
	{"/people/ana/edit", "Change a person", ""},
	{"/people/ana/revoke", "Ana", ""},
	{"/people/goncalo/credentials", "Staff card", ""},
	{"/people/new", "person", ""},
	{"/people/import", "Import", ""},
	{"/people/cards", "Cards of an older system", ""},
	{"/devices/cutover", "Moving over", ""},
	{"/credentials", "PIN", ""},
	{"/keys", "Overdue", ""},
	{"/inside", "Who is inside", ""},
	{"/rota", "Rota", ""},
	{"/rota", "Rota", "/rota/shifts/"},
	{"/rota/import", "rota", ""},
	{"/rota/mine", "shifts", ""},
	{"/scenarios", "Whisky evening", ""},
	{"/scenarios/new", "scenario", ""},
	{"/scenarios/peak-hour", "Peak hour", ""},
	{"/devices", "Devices", ""},
	{"/devices", "Devices", "/devices/dev_"},
	{"/devices/labels", "Labels", ""},
	{"/devices/models?q=yale", "Most locks of Yale", ""},
	{"/plan", "Floor plan", ""},
	{"/proof", "Proof", ""},
	{"/proof/entries/100", "100", ""},
	{"/activity?q=result:denied", "Refused", "/decisions/dec_"},
	{"/what-if", "What if", ""},
	{"/what-if/draft", "draft", ""},
	{"/serve", "Customers", ""},
	{"/reports", "Reports", ""},
	{"/reports/review", "Access review", ""},
	{"/developers", "Developers", ""},
	{"/developers/tokens", "Tokens", ""},
	{"/developers/events", "Events", ""},
	{"/settings", "Settings", ""},
	{"/settings/sites/lisbon", "Lisbon", ""},
	{"/settings/openings/cage-3", "Cage 3", ""},
	{"/settings/areas/lisbon/office", "Back office", ""},
	{"/settings/files", "Declared by files", ""},
	{"/settings/sign-in", "How operators sign in", ""},
	{"/me", "Passkeys", ""},
	{"/elevations", "Nadia Brandt", ""},
	{"/operators", "Operators", ""},
	{"/operators", "What they may do, and where", "/operators/opr_"},
	{"/operators/invite", "Invite", ""},
	{"/me/elevation", "role", ""},
	{"/docs", "Guides", ""},
	{"/docs/runbooks/forced", "Forced", ""},
	{"/nowhere", "There is nothing here", ""},
}

// looks are the ways in which pages are looked at. What a page is made of is the
// same in all of them, so that the whole of it is looked at in one, and in the
// others what they change.
var looks = []struct {
	name    string
	width   int64
	dark    bool
	spanish bool
	rules   []string // of accessibility; empty: all; "none": none
}{
	{"desktop", 1440, false, false, nil},
	{"dark", 1440, true, false, []string{"color-contrast"}},
	{"phone", 390, false, false, []string{"target-size", "color-contrast", "scrollable-region-focusable"}},
	{"in Spanish", 390, false, true, []string{"none"}},
}

func TestEveryPageIsAccessibleAndFits(t *testing.T) {
	s := open(t, 1)
	for _, look := range looks {
		t.Run(look.name, func(t *testing.T) {
			t.Parallel() // a browser does not keep two processors busy
			b := browsertest.Open(t, s.url)
			b.Size(look.width, 900)
			b.Dark(look.dark)
			if look.spanish {
				b.Cookie("sashlock_language", "es")
			}
			for _, page := range pages {
				b.Go(page.path)
				if page.link != "" {
					find := fmt.Sprintf(`document.querySelector('main a[href^=%q]')`, page.link)
					b.Until(find)
					b.Go(browsertest.Eval[string](b, find+`.getAttribute("href")`))
				}
				if text := b.Text(); !look.spanish && !strings.Contains(text, page.says) {
					t.Errorf("%s does not say %q:\n%.600s", b.Path(), page.says, text)
				}
				if !slices.Contains(look.rules, "none") {
					b.Accessible(look.rules...)
				}
				b.Fits()
				if strings.Contains(page.path, "nowhere") {
					b.Forgive() // the browser complains of the status 404
				}
			}
		})
	}
}
