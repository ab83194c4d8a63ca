// SPDX-License-Identifier: Apache-2.0

// Package browsertest drives a real browser, headless Chromium, for tests that
// use the console as people do, and for the pictures of the guides.
//
// # How it fits
//
// [Open] starts a browser, [Browser.Go] opens a page, and the other methods
// look at it, press and type. What a page may not do fails the test by itself:
// errors on its console, and anything that its security policy stopped.
//
// axe-core (axe/, Mozilla Public License 2.0) is there for tests only; nothing
// of it is in the product.
package browsertest

import (
	"context"
	_ "embed" // for axe-core
	"fmt"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
)

//go:embed axe/axe.min.js
var axe string

// patience is how long a test waits for something to appear. It is an end, not
// a pause: what is waited for comes much earlier.
const patience = 20 * time.Second

// Browser is a browser with one tab.
type Browser struct {
	Base string // what paths are relative to, "http://127.0.0.1:7117"
	Ctx  context.Context

	t testing.TB

	mu       sync.Mutex
	troubles []string // guarded by mu: what pages complained of
	pages    int      // guarded by mu: how many were shown
}

// Open starts a browser. Without Chromium the test is skipped, unless the
// environment says that nothing may be.
func Open(t testing.TB, base string) *Browser {
	t.Helper()
	program := find()
	if program == "" {
		if os.Getenv("SASHLOCK_REQUIRE") != "" {
			t.Fatal("there is no Chromium: install the package chromium")
		}
		t.Skip("there is no Chromium: install the package chromium")
	}
	opts := append([]chromedp.ExecAllocatorOption{}, chromedp.DefaultExecAllocatorOptions[:]...)
	opts = append(opts, chromedp.ExecPath(program), chromedp.NoSandbox, chromedp.UserDataDir(t.TempDir()))
	for _, flag := range []string{"disable-gpu", "disable-quic", "no-first-run", "disable-background-networking", "disable-component-update", "disable-sync", "hide-scrollbars"} {
		opts = append(opts, chromedp.Flag(flag, true))
	}
	allocator, stop := chromedp.NewExecAllocator(context.Background(), opts...)
	ctx, end := chromedp.NewContext(allocator)
	t.Cleanup(func() { end(); stop() })
	b := &Browser{Base: base, Ctx: ctx, t: t}
	b.must(chromedp.Do(ctx, chromedp.EmulateViewport(1440, 1000))) // not by Do: the first call starts the browser, which must outlive it
	b.listen()
	t.Cleanup(b.settle)
	return b
}

func find() string {
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome"} {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	return ""
}

// For makes a part of the test the one that fails from now on; when the part
// ends it is the whole again.
func (b *Browser) For(part testing.TB) {
	whole := b.t
	b.t = part
	part.Cleanup(func() {
		b.settle()
		b.Forgive()
		b.t = whole
	})
}

// listen collects what pages complain of.
func (b *Browser) listen() {
	b.t.Helper()
	for _, enable := range []func() error{
		func() error { _, err := chromedp.Call(b.Ctx, log.Enable, cdp.Empty{}); return err },
		func() error { _, err := chromedp.Call(b.Ctx, runtime.Enable, cdp.Empty{}); return err },
		func() error { _, err := chromedp.Call(b.Ctx, page.Enable, page.EnableParams{}); return err },
	} {
		b.must(enable())
	}
	b.must(chromedp.Listen(b.Ctx, func(ev any) {
		switch ev := ev.(type) {
		case *log.EventEntryAdded:
			if ev.Entry.Level == log.EntryLevelError && !strings.Contains(ev.Entry.Text, "favicon") {
				b.complain(ev.Entry.Text + " " + ev.Entry.URL)
			}
		case *runtime.EventExceptionThrown:
			b.complain(ev.ExceptionDetails.Text)
		case *page.EventFrameNavigated:
			if ev.Frame.ParentID == "" {
				b.mu.Lock()
				defer b.mu.Unlock()
				b.pages++
			}
		}
	}))
}

func (b *Browser) complain(what string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.troubles = append(b.troubles, what)
}

// Forgive forgets what pages complained of so far: a test has provoked it.
func (b *Browser) Forgive() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.troubles = nil
}

// Pages is how many pages were shown so far. What a script changes within a
// page is no other page.
func (b *Browser) Pages() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.pages
}

func (b *Browser) settle() {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, what := range b.troubles {
		b.t.Errorf("a page complained: %s", what)
	}
}

func (b *Browser) must(err error) {
	b.t.Helper()
	if err != nil {
		b.t.Fatalf("driving the browser: %v", err)
	}
}

// Do runs actions.
func (b *Browser) Do(actions ...chromedp.Action[chromedp.Void]) {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.Ctx, patience)
	defer cancel()
	b.must(chromedp.Do(ctx, actions...))
}

// Go opens a page.
func (b *Browser) Go(path string) {
	b.t.Helper()
	b.Do(chromedp.Navigate(b.Base + path))
}

// Cookie gives the browser a cookie, as a session has one.
func (b *Browser) Cookie(name, value string) {
	b.t.Helper()
	_, err := chromedp.Call(b.Ctx, network.SetCookie, network.SetCookieParams{Name: name, Value: value, URL: b.Base, Path: "/", HTTPOnly: new(true)})
	b.must(err)
}

// Size makes the window another size, in CSS pixels.
func (b *Browser) Size(width, height int64) {
	b.t.Helper()
	if width < 600 {
		b.Do(chromedp.EmulateViewport(width, height, chromedp.EmulateMobile, chromedp.EmulateScale(2)))
		return
	}
	b.Do(chromedp.EmulateViewport(width, height))
}

// Dark chooses the dark or the light look.
func (b *Browser) Dark(dark bool) {
	b.t.Helper()
	value := "light"
	if dark {
		value = "dark"
	}
	_, err := chromedp.Call(b.Ctx, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
		Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: value}},
	})
	b.must(err)
}

// Script lets pages run scripts, or not.
func (b *Browser) Script(on bool) {
	b.t.Helper()
	_, err := chromedp.Call(b.Ctx, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: !on})
	b.must(err)
}

// Eval evaluates an expression in the page.
func Eval[T any](b *Browser, expression string) T {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.Ctx, patience)
	defer cancel()
	v, err := chromedp.Run(ctx, chromedp.Evaluate[T](expression))
	b.must(err)
	return v
}

// Until waits until an expression is true in the page.
func (b *Browser) Until(expression string) {
	b.t.Helper()
	b.wait(expression, func(ctx context.Context) bool {
		is, err := chromedp.Run(ctx, chromedp.Evaluate[bool]("!!("+expression+")"))
		return err == nil && is
	})
}

// wait asks until something is so. While one page goes and the next comes there
// is nothing to ask, so it asks again.
func (b *Browser) wait(what string, so func(context.Context) bool) {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.Ctx, patience)
	defer cancel()
	again := time.NewTicker(40 * time.Millisecond)
	defer again.Stop()
	for !so(ctx) {
		select {
		case <-again.C:
		case <-ctx.Done():
			b.t.Fatalf("never: %s\nat %s the page says:\n%.4000s", what, b.Path(), b.Text())
		}
	}
}

// See waits until the page says each of some texts.
func (b *Browser) See(texts ...string) {
	b.t.Helper()
	for _, s := range texts {
		b.Until(fmt.Sprintf("(document.body?.innerText ?? '').replace(/\\s+/g, ' ').includes(%q)", s))
	}
}

// Text is what the page says.
func (b *Browser) Text() string {
	b.t.Helper()
	return Eval[string](b, "document.body.innerText")
}

// point tells where the middle of the first element of a selector is, once it
// is in the window and nothing lies over it; before that it is empty.
const point = `(() => {
	const e = document.querySelector(%q)
	if (!e || !e.checkVisibility()) return ""
	e.scrollIntoViewIfNeeded()
	const box = e.getBoundingClientRect(), x = box.x + box.width / 2, y = box.y + box.height / 2
	const there = document.elementFromPoint(x, y)
	return there && (e.contains(there) || there.contains(e)) ? x + " " + y : ""
})()`

// Click points at the first element of a CSS selector and presses it, once it
// can be seen and stands still: pages replace their live parts and unfold others
// meanwhile.
func (b *Browser) Click(selector string) {
	b.t.Helper()
	var x, y float64
	before := ""
	b.wait("seen and standing still: "+selector, func(ctx context.Context) bool {
		now, err := chromedp.Run(ctx, chromedp.Evaluate[string](fmt.Sprintf(point, selector)))
		steady := err == nil && now != "" && now == before
		before = now
		if err == nil && now != "" {
			if _, err = fmt.Sscan(now, &x, &y); err == nil {
				_, err = chromedp.Run(ctx, chromedp.MouseEvent("mouseMoved", x, y))
			}
		}
		return steady && err == nil
	})
	b.Do(chromedp.MouseClickXY(x, y))
}

// Press presses the first button or link that says a text.
func (b *Browser) Press(text string) {
	b.t.Helper()
	find := fmt.Sprintf(`[...document.querySelectorAll("button, a, summary, input[type=submit]")].find((e) => (e.innerText || e.value || e.ariaLabel || "").trim().includes(%q) && e.checkVisibility())`, text)
	b.Until("!!" + find)
	Eval[bool](b, "("+find+".click(), true)")
}

// Type types a text into the first element of a CSS selector.
func (b *Browser) Type(selector, text string) {
	b.t.Helper()
	b.Do(chromedp.SendKeys(chromedp.CSS(selector), text))
}

// Keys types on the keyboard, wherever the focus is.
func (b *Browser) Keys(keys string) {
	b.t.Helper()
	b.Do(chromedp.KeyEvent(keys))
}

// Path is where the browser is.
func (b *Browser) Path() string {
	b.t.Helper()
	return Eval[string](b, "location.pathname + location.search")
}

// Picture takes a picture of what the window shows, as PNG.
func (b *Browser) Picture() []byte {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.Ctx, patience)
	defer cancel()
	png, err := chromedp.Run(ctx, chromedp.CaptureScreenshot())
	b.must(err)
	return png
}

// finding is what axe-core found.
type finding struct {
	ID     string   `json:"id"`
	Impact string   `json:"impact"`
	Help   string   `json:"help"`
	Where  []string `json:"where"`
}

// Accessible fails the test for every serious fault that axe-core finds in the
// page: for those of all its rules, or of some.
func (b *Browser) Accessible(rules ...string) {
	b.t.Helper()
	Eval[bool](b, axe+";true")
	ctx, cancel := context.WithTimeout(b.Ctx, patience)
	defer cancel()
	only := ""
	if len(rules) > 0 {
		only = fmt.Sprintf(`, runOnly: {type: "rule", values: ["%s"]}`, strings.Join(rules, `", "`))
	}
	found, err := chromedp.Run(ctx, chromedp.Evaluate[[]finding](`axe.run(document, {resultTypes: ["violations"]`+only+`}).then((r) => r.violations.map((v) => ({
		id: v.id, impact: v.impact, help: v.help, where: v.nodes.slice(0, 4).map((n) => n.target.join(" ") + ": " + n.html.slice(0, 160) + " " + (n.any[0]?.message || "")),
	})))`, chromedp.EvalAwaitPromise))
	b.must(err)
	for _, f := range found {
		if f.Impact == "serious" || f.Impact == "critical" {
			b.t.Errorf("%s: %s (%s)\n\t%s", b.Path(), f.Help, f.ID, strings.Join(f.Where, "\n\t"))
		}
	}
}

// Fits fails the test when the page is wider than the window.
func (b *Browser) Fits() {
	b.t.Helper()
	if wide := Eval[int](b, "document.documentElement.scrollWidth - innerWidth"); wide > 0 {
		b.t.Errorf("%s is %d pixels wider than the window", b.Path(), wide)
	}
}
