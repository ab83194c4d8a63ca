// SPDX-License-Identifier: Apache-2.0

package planner_test

import (
	"context"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"github.com/sashlock/sashlock/internal/console"
	"github.com/sashlock/sashlock/internal/consoletest"
	"github.com/sashlock/sashlock/internal/signin"
)

// browse starts a browser that is signed in. What it complains about fails the
// test.
func browse(t *testing.T, c *consoletest.Counter, role signin.Role) context.Context {
	t.Helper()
	if _, err := exec.LookPath("chromium"); err != nil {
		if os.Getenv("SASHLOCK_REQUIRE") != "" {
			t.Fatal(err)
		}
		t.Skip("there is no chromium on this machine")
	}
	opts := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.NoSandbox, chromedp.Flag("disable-gpu", true), chromedp.WindowSize(1400, 1200))
	ctx, stop := chromedp.NewExecAllocator(t.Context(), opts...)
	t.Cleanup(stop)
	ctx, stop = chromedp.NewContext(ctx)
	t.Cleanup(stop)
	ctx, stop = context.WithTimeout(ctx, time.Minute)
	t.Cleanup(stop)
	var mu sync.Mutex
	var said []string // guarded by mu
	c.Must(chromedp.Listen(ctx, func(ev any) {
		if e, is := ev.(*log.EventEntryAdded); is && e.Entry.Level == log.EntryLevelError && !strings.Contains(e.Entry.Text, "webmanifest") {
			mu.Lock()
			defer mu.Unlock()
			said = append(said, e.Entry.Text+" "+e.Entry.URL)
		}
	}))
	t.Cleanup(func() {
		mu.Lock()
		defer mu.Unlock()
		for _, s := range said {
			t.Error("the browser says:", s)
		}
	})
	_, err := chromedp.Call(ctx, log.Enable, cdp.Empty{})
	c.Must(err)
	_, err = chromedp.Call(ctx, network.SetCookie, network.SetCookieParams{Name: console.SessionCookie, Value: c.Secret(role), URL: c.Server.URL})
	c.Must(err)
	return ctx
}

// TestThePlanIsEditedByKeyboardAndPointer walks through the editor as somebody
// does who cannot drag, and then drags.
func TestThePlanIsEditedByKeyboardAndPointer(t *testing.T) {
	c := consoletest.New(t)
	ctx := browse(t, c, signin.Engineer)
	do := func(steps ...chromedp.Action[chromedp.Void]) { t.Helper(); c.Must(chromedp.Do(ctx, steps...)) }
	value := func(field string) string {
		t.Helper()
		got, err := chromedp.Run(ctx, chromedp.Evaluate[string](`document.getElementById("places").elements.namedItem("`+field+`").value`))
		c.Must(err)
		return got
	}
	has := func(what, field, want string) {
		t.Helper()
		if got := value(field); got != want {
			t.Errorf("%s: %s is %q, want %q", what, field, got, want)
		}
	}
	corners := func(what string, want int) {
		t.Helper()
		if got := strings.Fields(value("a.watches")); len(got) != want {
			t.Errorf("%s, the outline is %v", what, got)
		}
	}
	do(chromedp.Navigate(c.Server.URL+"/plan?site=lisbon"), chromedp.WaitVisible("#tools"),
		chromedp.Focus(`[data-pin="o.case-1"]`), chromedp.KeyEvent(kb.ArrowRight), chromedp.KeyEvent(kb.ArrowDown, chromedp.KeyModifiers(chromedp.ModifierShift)))
	has("after the arrows", "o.case-1.x", "305")
	has("after the arrows", "o.case-1.y", "425")
	do(chromedp.Click("#undo"))
	has("after one undo", "o.case-1.y", "400")
	has("after one undo", "o.case-1.x", "305")

	_, err := chromedp.Run(ctx, chromedp.Evaluate[bool](`(() => {
		const s = document.getElementById("tool-area");
		s.value = "watches";
		return s.dispatchEvent(new Event("change"));
	})()`))
	c.Must(err)
	do(chromedp.Focus(`[data-tool="rectangle"]`), chromedp.KeyEvent(kb.Enter))
	corners("after Rectangle by keyboard", 4)
	do(chromedp.KeyEvent(kb.Delete))
	corners("after Delete", 3)
	do(chromedp.Focus("#handles .between"), chromedp.KeyEvent(kb.Enter), chromedp.KeyEvent(kb.ArrowLeft))
	corners("after a point was added", 4)

	do(chromedp.Click(`[data-add="camera"]`), chromedp.KeyEvent("]"), chromedp.KeyEvent(kb.ArrowUp))
	at, err := chromedp.Run(ctx, chromedp.Evaluate[[]float64](`(() => {
		const b = document.querySelector('[data-pin="o.case-2"] .ground').getBoundingClientRect();
		return [b.x + 8, b.y + 8];
	})()`))
	c.Must(err)
	do(chromedp.DragAndDropXY(at[0], at[1], at[0]+80, at[1]+20))
	do(chromedp.Click(`.top button.main`), chromedp.WaitVisible(".notice.tone-calm"))

	book := c.Hall.Book()
	one, two := book.Openings[c.Opening("case-1")].Plan, book.Openings[c.Opening("case-2")].Plan
	if one.X != 305 || one.Y != 400 || two.X <= 440 || two.Y <= 400 {
		t.Errorf("case 1 is at %v, case 2 at %v", one, two)
	}
	p := planOf(c, t)
	if len(p.Outlines) != 1 || len(p.Outlines[0].Points) != 4 || len(p.Places) != 1 || p.Places[0].Direction != 195 || p.Places[0].Y != 475 {
		t.Errorf("the plan is %+v", p)
	}
}
