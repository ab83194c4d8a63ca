// SPDX-License-Identifier: Apache-2.0

package phone_test

import (
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/internal/browsertest"
	"github.com/sashlock/sashlock/internal/console"
	"github.com/sashlock/sashlock/internal/consoletest"
	"github.com/sashlock/sashlock/internal/signin"
)

// hand is a phone in the hand of an associate.
func hand(t *testing.T) (*consoletest.Counter, *browsertest.Browser) {
	t.Helper()
	c := consoletest.New(t).As(signin.Associate)
	b := browsertest.Open(t, c.Server.URL)
	b.Cookie(console.SessionCookie, c.Secret(signin.Associate))
	b.Size(390, 780)
	return c, b
}

// see waits until the page says a text, whatever is being loaded meanwhile.
func see(t *testing.T, b *browsertest.Browser, text string) {
	t.Helper()
	look := time.NewTicker(50 * time.Millisecond)
	defer look.Stop()
	limit := time.After(20 * time.Second)
	for {
		said, err := chromedp.Run(b.Ctx, chromedp.Evaluate[string](`document.body ? document.body.innerText.replace(/\s+/g, " ") : ""`))
		if err == nil && strings.Contains(said, text) {
			return
		}
		select {
		case <-look.C:
		case <-limit:
			t.Fatalf("the page never says %q: %s %v", text, said, err)
		}
	}
}

// walk unlocks, opens and closes a case, as its page tells it.
func walk(t *testing.T, c *consoletest.Counter, b *browsertest.Browser, says func(string)) {
	t.Helper()
	b.Go("/c/" + issue(t, c, "case-1"))
	says("Secured")
	b.Click(".deed button")
	says("Unlocked, open it now")
	c.Must(c.World.Open("case-1"))
	says("It is open")
	c.Must(c.World.Close("case-1"))
	says("Secured ✓")
}

func TestOnAPhone(t *testing.T) {
	c, b := hand(t)
	walk(t, c, b, func(text string) {
		see(t, b, text)
		b.Fits()
	})
	b.Accessible()
	if small := browsertest.Eval[int](b, `[...document.querySelectorAll("main button, main .button")].filter((e) => e.checkVisibility() && e.getBoundingClientRect().height < 56).length`); small > 0 {
		t.Error("there are buttons too small for a thumb:", small)
	}
	_, _, err := c.Assistance.Raise(t.Context(), c.Hall.Book().Openings[c.Opening("case-2")])
	c.Must(err)
	b.Go("/serve")
	see(t, b, "Customers waiting")
	see(t, b, "Case 2")
	b.Accessible()
	b.Fits()
	_, _, err = c.Assistance.Raise(t.Context(), c.Hall.Book().Openings[c.Opening("case-1")])
	c.Must(err)
	b.Until(`document.querySelectorAll(".wait").length === 2`) // by itself
	b.Press("I'm going")
	see(t, b, "You are going.")
	see(t, b, "To the case")
}

func TestOnAPhoneWithoutScripts(t *testing.T) {
	c, b := hand(t)
	b.Script(false)
	opened := ""
	walk(t, c, b, func(text string) {
		if opened != "" { // what a reader without scripts waits for, at most five seconds
			b.Go(opened)
		}
		see(t, b, text)
		if text == "Unlocked, open it now" {
			opened = b.Path()
		}
	})
	b.Go("/c/cage-1")
	b.Click(".deed button")
	see(t, b, "Unlock Cage 1?")
}

func TestACageUnlocksWhenItsButtonWasHeld(t *testing.T) {
	c, b := hand(t)
	b.Go("/c/cage-1")
	b.Press("Unlock") // which is no key press and no holding
	see(t, b, "Unlock Cage 1?")
	b.Go("/c/cage-1")
	browsertest.Eval[bool](b, `(document.querySelector("[data-hold]").dispatchEvent(new PointerEvent("pointerdown", {bubbles: true})), true)`)
	see(t, b, "Not unlocked") // Ana may not, but she was heard
	if s := c.State(c.Opening("cage-1")); s.Lock != sashlock.Locked {
		t.Error("the cage is", s.Lock)
	}
}

func TestTheInstalledAppWithoutAConnection(t *testing.T) {
	c, b := hand(t)
	b.Go("/serve")
	see(t, b, "Nobody waits")
	b.Until(`navigator.serviceWorker.controller !== null`)
	b.Go("/c/case-1")
	see(t, b, "Secured")
	browsertest.Eval[bool](b, `(caches.keys().then((all) => Promise.all(all.map((one) => caches.open(one).then((cache) => cache.keys())))).then((all) => (window.kept = all.flat().map((r) => new URL(r.url).pathname))), true)`)
	b.Until(`!!window.kept`)
	kept := browsertest.Eval[[]string](b, `window.kept`)
	for _, path := range kept {
		if path != "/offline" && path != "/language" && !strings.HasPrefix(path, "/static/") {
			t.Errorf("the app keeps %s", path)
		}
	}
	if len(kept) < 8 {
		t.Errorf("the app keeps only %v", kept)
	}
	c.Server.CloseClientConnections()
	c.Server.Close()
	b.Go("/serve")
	see(t, b, "No connection to the store")
	see(t, b, "Nothing can be unlocked from here until it is back.")
	b.Forgive()
}
