// SPDX-License-Identifier: Apache-2.0

package walk

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/cdproto/webauthn"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/internal/browsertest"
	"github.com/sashlock/sashlock/internal/console"
	"github.com/sashlock/sashlock/internal/consoletest"
	"github.com/sashlock/sashlock/internal/signin"
	ledger "github.com/sashlock/sashlock/internal/store"
)

// hands are somebody who has a keyboard and no pointer.
type hands struct {
	*browsertest.Browser
	*consoletest.Counter
	t *testing.T
}

// keyboard opens a browser in front of a small store, signed in as the operator
// of a role; as nobody with "".
func keyboard(t *testing.T, role signin.Role) *hands {
	t.Helper()
	c := consoletest.New(t)
	h := &hands{browsertest.Open(t, strings.Replace(c.Server.URL, "127.0.0.1", "localhost", 1)), c, t}
	if role != "" {
		h.Cookie(console.SessionCookie, c.Secret(role))
	}
	return h
}

// focused describes what has the focus: what it is called, and what is wrong
// with how it shows that.
const focused = `(() => {
	const e = document.activeElement;
	if (!e || e === document.body) return "";
	const labels = e.labels ? [...e.labels].map((l) => l.innerText).join(" ") : "";
	const by = (e.getAttribute("aria-labelledby") || "").split(" ").map((id) => document.getElementById(id)?.innerText || "").join(" ");
	const called = [labels, by, e.ariaLabel, e.innerText, e.tagName === "INPUT" && e.type === "submit" ? e.value : "", e.title].filter(Boolean).join(" ").replace(/\s+/g, " ").trim();
	const s = getComputedStyle(e), box = e.getBoundingClientRect(), around = labels ? getComputedStyle(e.labels[0]) : s;
	const shown = [s, around].some((s) => s.outlineStyle !== "none" && parseFloat(s.outlineWidth) > 0 || s.boxShadow !== "none") || e.closest("svg")
		|| e.type === "datetime-local"; // its button shows the focus, in a part that only the browser sees
	const inside = box.bottom > 0 && box.right > 0 && box.top < innerHeight && box.left < innerWidth;
	return e.tagName.toLowerCase() + "|" + called + "|" + (shown ? "" : "its focus is not shown ") + (inside || e.closest("svg") ? "" : "it is out of sight");
})()`

// to presses Tab until something is focused whose name has a text, and says
// what it passed when there is no such thing.
func (h *hands) to(kind, text string) {
	h.t.Helper()
	var passed []string
	for ends, stops := 0, 0; ends < 2 && stops < 300; stops++ {
		h.Keys(kb.Tab)
		tag, called, _ := strings.Cut(browsertest.Eval[string](h.Browser, focused), "|")
		name, wrong, _ := strings.Cut(called, "|")
		if tag == "" {
			ends++ // once around at least
			continue
		}
		if wrong != "" {
			h.t.Errorf("%s: the focus is on %s %q and %s", h.Path(), tag, name, wrong)
		}
		if name == "" {
			h.t.Errorf("%s: a %s has the focus and no name", h.Path(), tag)
		}
		if tag == kind && strings.Contains(name, text) {
			return
		}
		if one := fmt.Sprintf("%s %.40q", tag, name); !slices.Contains(passed, one) {
			passed = append(passed, one)
		}
	}
	h.t.Fatalf("%s: the keyboard never comes to the %s %q, but to\n\t%s", h.Path(), kind, text, strings.Join(passed, "\n\t"))
}

// follow goes to a link and opens it.
func (h *hands) follow(text, path string) {
	h.t.Helper()
	h.to("a", text)
	h.Keys(kb.Enter)
	h.at(path)
}

// press goes to a button and presses it.
func (h *hands) press(text string) {
	h.t.Helper()
	h.to("button", text)
	h.Keys(kb.Enter)
}

// choose goes to a list and takes the entry that begins with a text.
func (h *hands) choose(list, text string) {
	h.t.Helper()
	h.to("select", list)
	h.Keys(text)
	if got := browsertest.Eval[string](h.Browser, "document.activeElement.selectedOptions[0].text"); !strings.HasPrefix(got, text) {
		h.t.Fatalf("typing %q into %s chose %q", text, list, got)
	}
}

// letters types two keys, "g" and where to.
func (h *hands) letters(keys, path string) {
	h.t.Helper()
	for _, k := range keys {
		h.Keys(string(k))
	}
	h.at(path)
}

// key types one letter as a keyboard does: a page that takes the key for itself
// keeps it out of the field that then has the focus.
func (h *hands) key(letter string) {
	h.t.Helper()
	for _, what := range []input.DispatchKeyEventType{input.DispatchKeyEventTypeKeyDown, input.DispatchKeyEventTypeKeyUp} {
		_, err := chromedp.Call(h.Browser.Ctx, input.DispatchKeyEvent, input.DispatchKeyEventParams{Type: what, Key: letter, Text: letter})
		h.Must(err)
	}
}

// at waits until the browser is somewhere and the page is whole.
func (h *hands) at(path string) {
	h.t.Helper()
	h.Browser.Until(fmt.Sprintf("document.readyState === 'complete' && location.pathname.startsWith(%q)", path))
}

func TestGrantingByKeyboard(t *testing.T) {
	h := keyboard(t, signin.Owner)
	may := func() bool {
		a, err := h.Hall.Request(t.Context(), sashlock.Request{Person: h.Person("bob"), Opening: h.Opening("case-2")})
		h.Must(err)
		return a.Decision.Granted
	}
	if may() {
		t.Fatal("Bob may open case 2 before anybody let him")
	}
	h.Go("/")
	h.letters("gc", "/access")
	h.follow("New grant", "/access/new")
	h.choose("Who", "Bob Dias")
	h.choose("May open", "Case 2")
	h.See("Bob Dias may open Case 2")
	h.press("Save")
	h.See("Saved.")
	if !may() {
		t.Error("Bob may not open case 2")
	}
}

func TestAdoptingByKeyboard(t *testing.T) {
	h := keyboard(t, signin.Engineer)
	var spare, old sashlock.DeviceID
	for id, d := range h.Hall.Book().Devices {
		if d.Opening == h.Opening("case-2") {
			old = id
		}
	}
	_, err := h.Devices.Remove(t.Context(), "", string(old))
	h.Must(err)
	h.Go("/")
	h.letters("gd", "/devices")
	h.follow("Spare lock", "/devices/")
	h.choose("Fit to the opening", "Case 2")
	h.press("Adopt")
	h.See("Case 2")
	h.Counter.Until("the spare lock is fitted", func() bool {
		for id, d := range h.Hall.Book().Devices {
			if d.Opening == h.Opening("case-2") {
				spare = id
			}
		}
		return spare != ""
	})
	if spare == old {
		t.Error("the old lock was fitted again")
	}
}

func TestClaimingByKeyboard(t *testing.T) {
	h := keyboard(t, "")
	_, err := chromedp.Call(h.Browser.Ctx, webauthn.Enable, webauthn.EnableParams{})
	h.Must(err)
	_, err = chromedp.Call(h.Browser.Ctx, webauthn.AddVirtualAuthenticator, webauthn.AddVirtualAuthenticatorParams{Options: &webauthn.VirtualAuthenticatorOptions{
		Protocol: webauthn.AuthenticatorProtocolCtap2, Transport: webauthn.AuthenticatorTransportInternal,
		HasResidentKey: true, HasUserVerification: true, IsUserVerified: true, AutomaticPresenceSimulation: true,
	}})
	h.Must(err)
	_, secret, err := h.Signin.NewClaim(t.Context())
	h.Must(err)
	h.Go("/claim/" + secret)
	h.See("Make this store yours")
	h.to("input", "name")
	h.Keys("Olga Owner")
	h.press("passkey")
	h.Browser.Until(`!!document.getElementById("codes")`)
	h.follow("I have kept them", "/")
	h.Go("/me")
	h.See("Olga Owner")
	h.press("Sign out")
	h.at("/signin")
	h.press("passkey")
	h.at("/")
	h.See("Olga Owner")
}

func TestSearchAndProofByKeyboard(t *testing.T) {
	h := keyboard(t, signin.Auditor)
	h.Go("/")
	h.letters("ga", "/activity")
	h.key("/")
	h.Keys("opening:case-1")
	h.Keys(kb.Enter)
	h.Browser.Until(`location.search.includes("case-1") && document.readyState === "complete"`)
	h.See("Case 1 closed")
	h.Browser.Until(`(document.activeElement.blur(), document.activeElement === document.body)`)
	h.Keys("j")
	if got := browsertest.Eval[string](h.Browser, focused); !strings.Contains(got, "Case 1") && !strings.Contains(got, ":") {
		t.Errorf("j goes to %q", got)
	}
	h.to("a", "entry")
	h.Keys(kb.Enter)
	h.at("/proof/entries/")
	h.press("Check in this browser")
	h.See("Proved")
}

func TestInvitingByKeyboard(t *testing.T) {
	h := keyboard(t, signin.Owner)
	h.Go("/")
	h.letters("gt", "/settings")
	h.follow("Operators", "/operators")
	h.follow("Invite", "/operators/invite")
	h.to("input", "Name")
	h.Keys("Mia Manager")
	h.to("input", "Associate") // a group of radio buttons has one stop: the arrows choose
	for range len(signin.Roles()) {
		if strings.Contains(browsertest.Eval[string](h.Browser, focused), "Store manager") {
			break
		}
		h.Keys(kb.ArrowDown)
	}
	h.to("input", "Lisbon")
	h.Keys(" ")
	h.press("Make the link")
	h.Browser.Until(`!!document.getElementById("link")`)
	var invited signin.Operator
	h.Must(h.Store.View(t.Context(), func(q ledger.Query) error {
		all, err := signin.Operators(q)
		for _, o := range all {
			if o.Name == "Mia Manager" {
				invited = o
			}
		}
		return err
	}))
	if invited.Role != signin.Manager || len(invited.Sites) != 1 || invited.Sites[0] != h.Site("lisbon") {
		t.Errorf("%+v was invited", invited)
	}
}
