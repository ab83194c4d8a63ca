// SPDX-License-Identifier: Apache-2.0

package enter_test

import (
	"context"
	"errors"
	"net/url"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/webauthn"
	"github.com/chromedp/chromedp"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/internal/consoletest"
	"github.com/sashlock/sashlock/internal/signin"
	"github.com/sashlock/sashlock/internal/store"
)

// browser is a tab of Chromium with an authenticator of its own, as one person
// has it.
type browser struct {
	t    *testing.T
	ctx  context.Context
	home string // the address of the console, by name

	looks int // how many pages were looked at
}

// chromium starts a browser, with a profile that no other has.
func chromium(t *testing.T, c *consoletest.Counter) *browser {
	t.Helper()
	path, err := exec.LookPath("chromium")
	if err != nil {
		if os.Getenv("SASHLOCK_REQUIRE") != "" {
			t.Fatal("SASHLOCK_REQUIRE is set and there is no chromium")
		}
		t.Skip("there is no chromium")
	}
	options := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.ExecPath(path), chromedp.NoSandbox, chromedp.DisableGPU,
		chromedp.Flag("disable-quic", true), chromedp.Flag("disable-component-update", true))
	ctx, cancel := context.WithTimeout(t.Context(), 60*time.Second)
	t.Cleanup(cancel)
	ctx, stop := chromedp.NewExecAllocator(ctx, options...)
	t.Cleanup(stop)
	ctx, shut := chromedp.NewContext(ctx)
	t.Cleanup(shut)
	b := &browser{t: t, ctx: ctx, home: strings.Replace(c.Server.URL, "127.0.0.1", "localhost", 1)}
	_, err = chromedp.Call(ctx, webauthn.Enable, webauthn.EnableParams{})
	b.must("enabling passkeys", err)
	_, err = chromedp.Call(ctx, webauthn.AddVirtualAuthenticator, webauthn.AddVirtualAuthenticatorParams{Options: &webauthn.VirtualAuthenticatorOptions{
		Protocol: webauthn.AuthenticatorProtocolCtap2, Transport: webauthn.AuthenticatorTransportInternal,
		HasResidentKey: true, HasUserVerification: true, IsUserVerified: true, AutomaticPresenceSimulation: true,
	}})
	b.must("adding an authenticator", err)
	return b
}

func (b *browser) must(what string, err error) {
	b.t.Helper()
	if err != nil {
		where, _ := chromedp.Run(b.ctx, chromedp.Location())
		page, _ := chromedp.Run(b.ctx, chromedp.Evaluate[string]("document.body.innerText"))
		b.t.Fatalf("%s: %v\nat %s:\n%s", what, err, where, page)
	}
}

func (b *browser) do(what string, steps ...chromedp.Action[chromedp.Void]) {
	b.t.Helper()
	b.must(what, chromedp.Do(b.ctx, steps...))
}

func (b *browser) open(path string) {
	b.t.Helper()
	b.do("opening "+path, chromedp.Navigate(b.home+path))
}

// press clicks and waits until something is there.
func (b *browser) press(button, then string) {
	b.t.Helper()
	b.do("pressing "+button+" until "+then, chromedp.WaitEnabled(chromedp.CSS(button)), chromedp.Click(chromedp.CSS(button)), chromedp.WaitVisible(chromedp.CSS(then)))
}

// sees waits for a text on the page.
func (b *browser) sees(text string) {
	b.t.Helper()
	b.until("seeing "+text, "!!document.body && document.body.innerText.includes("+strconv.Quote(text)+")")
}

// until waits for an expression to hold, on whichever page is open by then.
func (b *browser) until(what, holds string) {
	b.t.Helper()
	again := time.NewTicker(20 * time.Millisecond)
	defer again.Stop()
	for end := time.After(15 * time.Second); ; {
		if ok, err := chromedp.Run(b.ctx, chromedp.Evaluate[bool](holds)); err == nil && ok {
			return
		}
		select {
		case <-again.C:
		case <-end:
			b.must(what, errors.New("never"))
		}
	}
}

func (b *browser) text(selector string) string {
	b.t.Helper()
	text, err := chromedp.Run(b.ctx, chromedp.Text(chromedp.CSS(selector)))
	b.must("reading "+selector, err)
	return text
}

func (b *browser) at(path string) {
	b.t.Helper()
	b.until("being at "+path, "document.readyState === 'complete' && location.pathname === "+strconv.Quote(path))
}

// TestFromClaimToEndedSession walks the whole way with real passkeys: a new
// store is claimed, its owner signs out and in and proves to be there, invites
// a manager for one site, and ends their session.
func TestFromClaimToEndedSession(t *testing.T) {
	c := consoletest.New(t)
	owner := chromium(t, c)
	_, secret, err := c.Signin.NewClaim(t.Context())
	c.Must(err)

	// By number, as the terminal may print it; the page leads to the name.
	owner.do("opening the claim", chromedp.Navigate(c.Server.URL+"/claim/"+secret))
	owner.sees("Make this store yours")
	owner.do("writing the name", chromedp.SendKeys(chromedp.ID("name"), "Olga Owner"))
	owner.press("button.main", "#codes")
	codes := strings.Fields(owner.text("#codes"))
	if len(codes) != signin.Codes {
		t.Errorf("codes: %v", codes)
	}
	owner.open("/")
	owner.sees("Olga Owner")

	// Out, and in again by the passkey, to where one wanted to go.
	owner.open("/me")
	owner.press(`.things form[action="/signout"] button`, ".door")
	owner.open("/operators")
	owner.at("/signin")
	owner.do("signing in", chromedp.WaitEnabled(chromedp.CSS("button.main")), chromedp.Click(chromedp.CSS("button.main")))
	owner.at("/operators")
	owner.sees("The manager")

	// Once more, because it matters.
	before := proved(t, c, "Olga Owner")
	owner.open("/signin/again?then=/operators/invite")
	owner.do("proving", chromedp.WaitEnabled(chromedp.CSS("button.main")), chromedp.Click(chromedp.CSS("button.main")))
	owner.at("/operators/invite")
	if after := proved(t, c, "Olga Owner"); !after.After(before) {
		t.Errorf("presence was proved at %v, before at %v", after, before)
	}

	// A manager for one of the two sites, in a browser of their own.
	owner.do("inviting", chromedp.SendKeys(chromedp.ID("name"), "Mia Manager"),
		chromedp.Click(chromedp.CSS(`input[value="manager"]`)), chromedp.Click(chromedp.CSS(`input[value="`+string(c.Site("lisbon"))+`"]`)))
	owner.press("form.fields button.main", "#link")
	link, err := url.Parse(strings.TrimSpace(owner.text("#link")))
	c.Must(err)
	manager := chromium(t, c)
	manager.open(link.Path)
	manager.sees("Welcome, Mia Manager")
	manager.sees("for Lisbon flagship")
	manager.press("button.main", "#codes")
	manager.open("/")
	manager.sees("Case 1")
	manager.open("/?site=porto")
	manager.sees("This is not for you")
	manager.open("/me")
	manager.sees("this one")

	// The owner ends it: the next page asks to sign in.
	owner.open("/operators")
	owner.do("choosing Mia", chromedp.Click(chromedp.Search(`//a[text()="Mia Manager"]`)))
	owner.sees("What they may do, and where")
	owner.press(`form[action$="/sessions"] button`, ".facts")
	owner.sees("may sign in")
	manager.open("/")
	manager.at("/signin")
	manager.sees("Sign in to Sashlock")

	// The link was used, and says so.
	manager.open(link.Path)
	manager.sees("used already")
	events, err := c.Store.Events(t.Context(), store.EventQuery{Kind: string(sashlock.OperatorSignedUp)})
	c.Must(err)
	if len(events) != 2 {
		t.Errorf("%d entries tell of somebody coming in, not 2", len(events))
	}
}

// proved is when the newest session of an operator was last proved.
func proved(t *testing.T, c *consoletest.Counter, name string) (at time.Time) {
	t.Helper()
	c.Must(c.Store.View(t.Context(), func(q store.Query) error {
		all, err := signin.Operators(q)
		if err != nil {
			return err
		}
		for _, o := range all {
			if o.Name != name {
				continue
			}
			sessions, err := c.Signin.Sessions(q, o.ID)
			if err != nil {
				return err
			}
			at = sessions[0].Proved
		}
		return nil
	}))
	return at
}

// TestPagesAreForEverybody looks at each page with the rules of axe-core: at
// one on a desk in the light, at the next on a phone in the dark.
func TestPagesAreForEverybody(t *testing.T) {
	c := consoletest.New(t)
	b := chromium(t, c)
	axe, err := os.ReadFile("../../browsertest/axe/axe.min.js")
	c.Must(err)
	look := func(path string) {
		t.Helper()
		b.open(path)
		b.look(string(axe), path)
	}
	look("/signin")
	look("/signin?wrong=code")
	_, secret, err := c.Signin.NewClaim(t.Context())
	c.Must(err)
	look("/claim/" + secret)
	b.do("writing the name", chromedp.SendKeys(chromedp.ID("name"), "Olga Owner"))
	b.press("button.main", "#codes")
	b.look(string(axe), "the codes")
	for _, path := range []string{"/signin/again?then=/me", "/me", "/me/codes", "/me/passkeys/new", "/operators", "/operators/invite"} {
		look(path)
	}
	b.open("/operators")
	b.do("choosing the manager", chromedp.EmulateViewport(1280, 860), chromedp.Click(chromedp.Search(`//a[text()="The manager"]`)))
	b.sees("What they may do, and where")
	b.look(string(axe), "an operator")
}

// look checks the part of the page that is ours.
func (b *browser) look(axe, page string) {
	b.t.Helper()
	width, scheme := int64(1280), "light"
	if b.looks++; b.looks%2 == 0 {
		width, scheme = 390, "dark"
	}
	_, err := chromedp.Call(b.ctx, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}}})
	b.must("choosing the look", err)
	b.do("choosing the size", chromedp.EmulateViewport(width, 860))
	found, err := chromedp.Run(b.ctx, chromedp.Evaluate[[]string](axe+`;axe.run("main", {resultTypes: ["violations"]}).then((r) => r.violations
		.filter((v) => v.impact === "serious" || v.impact === "critical").map((v) => v.id + ": " + v.help + ": " + v.nodes.map((n) => n.html.slice(0, 120)).join(", ")))`, chromedp.EvalAwaitPromise))
	b.must("checking "+page, err)
	for _, f := range found {
		b.t.Errorf("%s, %d wide, %s: %s", page, width, scheme, f)
	}
	if wide, err := chromedp.Run(b.ctx, chromedp.Evaluate[int]("document.documentElement.scrollWidth - innerWidth")); err != nil || wide > 0 {
		b.t.Errorf("%s is %d pixels wider than %d: %v", page, wide, width, err)
	}
}
