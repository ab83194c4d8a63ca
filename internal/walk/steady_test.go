// SPDX-License-Identifier: Apache-2.0

package walk

import (
	"testing"

	"github.com/chromedp/chromedp"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/internal/browsertest"
	"github.com/sashlock/sashlock/internal/console"
	"github.com/sashlock/sashlock/internal/consoletest"
	"github.com/sashlock/sashlock/internal/signin"
)

// watched opens a page of a store as its owner.
func watched(t *testing.T, c *consoletest.Counter, path string) *browsertest.Browser {
	b := browsertest.Open(t, c.Server.URL)
	b.Cookie(console.SessionCookie, c.Secret(signin.Owner))
	b.Go(path)
	return b
}

// middle of what an expression finds in the page.
func middle(b *browsertest.Browser, of string) (x, y float64) {
	at := browsertest.Eval[[]float64](b, `(() => { const r = (`+of+`).getBoundingClientRect(); return [r.x + r.width / 2, r.y + r.height / 2] })()`)
	return at[0], at[1]
}

// What is pressed stays what it is until the click has arrived, and changes then.
func TestNothingChangesUnderAPress(t *testing.T) {
	c := consoletest.New(t)
	b := watched(t, c, "/?view=wall")
	const tile = `document.querySelector('[data-panel="case-1"]')`
	b.Until(`document.getElementById("link").dataset.state === "live"`)
	browsertest.Eval[bool](b, `(window.first = `+tile+`, addEventListener("click", (e) => (window.landed = e.target)), true)`)
	b.Until(`window.first.checkVisibility()`)
	x, y := middle(b, "window.first")
	b.Do(chromedp.MouseEvent("mouseMoved", x, y), chromedp.MouseEvent("mousePressed", x, y, chromedp.ButtonLeft, chromedp.ClickCount(1)))
	c.Must(c.World.Open("case-1")) // which is locked
	c.Must(c.World.Open("case-2"))
	const other = `document.querySelector('[data-panel="case-2"]')`
	b.Until(other + `.closest("[id^=pin-]").classList.contains("alarmed")`)
	if !browsertest.Eval[bool](b, `window.first.isConnected`) {
		t.Error("what was pressed was replaced before it was let go")
	}
	b.Do(chromedp.MouseEvent("mouseReleased", x, y, chromedp.ButtonLeft, chromedp.ClickCount(1)))
	b.Until(`window.landed && window.first.contains(window.landed)`)
	b.Until(tile + `.closest("[id^=pin-]").classList.contains("alarmed")`)
	b.Until(`document.getElementById("panel").innerText.includes("Case 1")`)
}

// A row of the activity does not move away under the pointer of whoever is about
// to press it; once the pointer rests, what happened meanwhile comes in.
func TestRowsWaitForWhoeverAims(t *testing.T) {
	c := consoletest.New(t)
	ask := func(person, opening string) {
		t.Helper()
		_, err := c.Hall.Request(t.Context(), sashlock.Request{Person: c.Person(person), Opening: c.Opening(opening)})
		c.Must(err)
	}
	ask("bob", "case-2")
	b := watched(t, c, "/activity?q=result:denied")
	const first = `document.querySelector('#rows a[href^="/decisions/"]')`
	b.Until(`document.getElementById("tail").dataset.state === "live" && !!` + first)
	browsertest.Eval[bool](b, `(window.row = `+first+`, window.aim = () => window.row.dispatchEvent(new PointerEvent("pointermove", {bubbles: true})), window.aim(), window.aiming = setInterval(window.aim, 50), true)`)
	ask("bob", "case-1")
	b.Until(`document.getElementById("tail").dataset.state === "waits" && document.getElementById("tail").innerText.endsWith("1")`)
	if !browsertest.Eval[bool](b, first+` === window.row`) {
		t.Error("another row stands where one was about to press")
	}
	browsertest.Eval[bool](b, `(clearInterval(window.aiming), true)`)
	b.Until(first + ` !== window.row && document.getElementById("tail").dataset.state === "live"`)
	b.Click(`#rows a[href^="/decisions/"]`)
	b.See("Needed")
}

// A search that cannot be understood is not followed, so no connection is lost.
func TestAWrongSearchIsNotFollowed(t *testing.T) {
	c := consoletest.New(t)
	b := watched(t, c, "/activity?q=nokey:1")
	b.See("there is no key")
	b.Until(`document.readyState === "complete" && performance.getEntriesByType("resource").some((r) => r.name.includes("activity"))`)
	if followed := browsertest.Eval[bool](b, `document.getElementById("tail").checkVisibility()`); followed {
		t.Error("it says whether it is connected, to nothing")
	}
}
