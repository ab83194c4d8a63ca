// SPDX-License-Identifier: Apache-2.0

package scenarios_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/internal/consoletest"
	"github.com/sashlock/sashlock/internal/scenario"
	room "github.com/sashlock/sashlock/internal/scenarios"
	"github.com/sashlock/sashlock/internal/signin"
	"github.com/sashlock/sashlock/internal/store"
)

const lockdown = "slug: lockdown\nname: Lockdown\nsite: lisbon\nkind: lockdown\ntrigger: {button: true}\nactions: {lock_down: [{areas: [lisbon/watches]}]}\n"

const peak = "slug: peak\nname: Peak hour\nsite: lisbon\nkind: peak_hour\ntrigger: {button: true}\nactions: {hold_unlocked: [{openings: [case-1]}]}\nrevert: {after: 2h}\n"

// text is a form that saves a scenario as text.
func text(s string) url.Values { return url.Values{"as": {"text"}, "text": {s}} }

func find(c *consoletest.Counter, slug string) (k room.Kept, err error) {
	err = c.Store.View(c.Ctx(), func(q store.Query) error { k, err = room.Find(q, slug); return err })
	return k, err
}

func TestLockdownInTwoTaps(t *testing.T) {
	c := consoletest.New(t)
	if status, to, page := c.Post("/scenarios", text(lockdown)); status != http.StatusSeeOther || to != "/scenarios/lockdown?saved" {
		t.Fatalf("saved with %d %s\n%s", status, to, consoletest.Words(page))
	}
	c.As(signin.Manager)
	_, page := c.Get("/scenarios?site=lisbon")
	c.Sees(page, "Lockdown", "Lock down…", "Yes, lock down now", "Ways out stay open from the inside")
	if status, to, _ := c.Post("/scenarios/lockdown/start", url.Values{}); status != http.StatusSeeOther || !strings.HasPrefix(to, "/scenarios") {
		t.Fatalf("started with %d %s", status, to)
	}
	for slug, want := range map[string]sashlock.Mode{"case-1": sashlock.LockedDown, "case-2": sashlock.LockedDown, "cage-1": "", "porto-case": ""} {
		if got := c.State(c.Opening(slug)).Mode; got != want {
			t.Errorf("%s stands at %q", slug, got)
		}
	}
	_, page = c.Get("/scenarios?site=lisbon")
	c.Sees(page, "In force for", "2 openings locked down", "End it", "began", "The manager")
	c.Proved(signin.Manager, 2*signin.FreshFor)
	if _, to, _ := c.Post("/scenarios/lockdown/stop", url.Values{}); !strings.HasPrefix(to, "/signin/again") {
		t.Errorf("with a stale proof of presence it ends: %s", to)
	}
	c.As(signin.Owner).Post("/scenarios/lockdown/stop", url.Values{})
	if got := c.State(c.Opening("case-1")).Mode; got != sashlock.Normal {
		t.Errorf("afterwards case 1 stands at %q", got)
	}
}

func TestGuardedOpeningIsNamedAndNotSaved(t *testing.T) {
	c := consoletest.New(t)
	status, _, page := c.Post("/scenarios", text(strings.Replace(peak, "case-1", "case-1, cage-1", 1)))
	if status != http.StatusUnprocessableEntity {
		t.Errorf("answered with %d", status)
	}
	c.Sees(page, "It cannot be saved like this", "Line 6:", "cage-1", "high-value", "guarded: it is of high value", "Cage 1")
	if _, err := find(c, "peak"); !sashlock.IsKind(err, sashlock.NotFound) {
		t.Errorf("it was saved: %v", err)
	}
	status, _, page = c.Post("/scenarios", text("slug: peak\nname: <script>alert(1)</script>\nwho: knows\n"))
	if status != http.StatusUnprocessableEntity || strings.Contains(page, "<script>alert") {
		t.Errorf("hostile text gives %d", status)
	}
	c.Sees(page, "line 3", "there is no key of this name", "who: knows")
}

// The form and the text are two views of one thing: what the form has no field
// for stays.
func TestFormAndText(t *testing.T) {
	c := consoletest.New(t)
	with := strings.Replace(peak, "revert:", "note: why\nrevert:", 1)
	with = strings.Replace(with, "[case-1]}]}", "[case-1]}], grants: [{slug: g, role: sales, opening: case-2}]}", 1)
	c.Post("/scenarios", text(with))
	k, err := find(c, "peak")
	c.Must(err)
	written, err := scenario.Marshal(k.Scenario)
	c.Must(err)
	form := url.Values{
		"as": {"form"}, "was": {"peak"}, "slug": {"peak"}, "rev": {"1"}, "base": {string(written)}, "name": {"Busy"}, "site": {"lisbon"}, "kind": {"peak_hour"}, "note": {"why"},
		"trigger": {"rate"}, "trigger.rate.of": {"sales"}, "trigger.rate.over": {"15m"}, "trigger.rate.rise": {"40"}, "trigger.rate.fall": {"20"}, "trigger.button": {"1"},
		"actions.hold_unlocked[0].areas": {"lisbon/watches"}, "actions.hold_unlocked[0].most": {"1"}, "actions.threat": {"peak"},
		"revert.with_trigger": {"1"}, "why": {"more cases"},
	}
	_, _, page := c.Post("/scenarios/draft", with2(form, "do", "text"))
	c.Sees(page, "name: Busy", "rise: 40", "areas:", "slug: g")
	_, _, page = c.Post("/scenarios/draft", with2(form, "do", "test"))
	c.Sees(page, "It would have begun 0 times", "Nobody told this store", "May hold unlocked 2")
	if status, to, page := c.Post("/scenarios", form); status != http.StatusSeeOther {
		t.Fatalf("saved with %d %s\n%s", status, to, consoletest.Words(page))
	}
	k, err = find(c, "peak")
	c.Must(err)
	if k.Name != "Busy" || k.Rev != 2 || len(k.Actions.Grants) != 1 || k.Actions.Hold[0].Most != 1 || k.Trigger.Rate == nil || k.Note != "why" {
		t.Errorf("saved as %+v", k)
	}
	_, page = c.Get("/scenarios/peak")
	c.Sees(page, "Versions", "more cases", "Back to this", "counts now")
	status, _, page := c.Post("/scenarios", form) // somebody else had seen version 1
	if status != http.StatusConflict {
		t.Errorf("a stale revision gives %d", status)
	}
	c.Sees(page, "Somebody else changed this scenario while you did", "name: Busy")
	if status, _, _ = c.Post("/scenarios/peak/back", url.Values{"rev": {"1"}}); status != http.StatusSeeOther {
		t.Errorf("back with %d", status)
	}
	if k, err = find(c, "peak"); err != nil || k.Name != "Peak hour" || k.Rev != 3 {
		t.Errorf("back to %+v, %v", k, err)
	}
}

func with2(form url.Values, key, value string) url.Values {
	next := url.Values{key: {value}}
	for k, v := range form {
		next[k] = v
	}
	return next
}

// Nobody sees or presses what belongs to another store, or what their role does
// not allow.
func TestScenariosOfOthers(t *testing.T) {
	c := consoletest.New(t)
	c.Post("/scenarios", text(strings.NewReplacer("lisbon/watches", "porto/floor", "lisbon", "porto").Replace(lockdown)))
	c.Post("/scenarios", text(peak))
	c.As(signin.Manager)
	for _, path := range []string{"/scenarios/lockdown", "/scenarios?site=porto", "/scenarios/new?copy=lockdown"} {
		if status, _ := c.Get(path); status != http.StatusForbidden {
			t.Errorf("%s gives %d", path, status)
		}
	}
	for _, act := range []string{"start", "drill", "stop", "back", "remove"} {
		if status, _, _ := c.Post("/scenarios/lockdown/"+act, url.Values{"rev": {"1"}}); status != http.StatusForbidden {
			t.Errorf("%s gives %d", act, status)
		}
	}
	if status, _, _ := c.Post("/scenarios", text(strings.Replace(peak, "lisbon", "porto", 1))); status != http.StatusForbidden {
		t.Errorf("saving for another store gives %d", status)
	}
	c.As(signin.Auditor)
	_, page := c.Get("/scenarios")
	c.Sees(page, "Peak hour")
	if strings.Contains(page, "/scenarios/peak/start") || strings.Contains(page, "/scenarios/new") {
		t.Error("an auditor is offered buttons")
	}
	for _, path := range []string{"/scenarios/peak/start", "/scenarios", "/scenarios/draft"} {
		if status, _, _ := c.Post(path, url.Values{}); status != http.StatusForbidden {
			t.Errorf("an auditor's %s gives %d", path, status)
		}
	}
	c.As(signin.Protection)
	if status, _, _ := c.Post("/scenarios", text(peak)); status != http.StatusForbidden {
		t.Error("loss prevention changes scenarios")
	}
	c.Post("/scenarios/peak/start", url.Values{})
	if k, err := find(c, "peak"); err != nil || !k.State.Running || len(k.State.Held) != 1 {
		t.Errorf("loss prevention cannot begin one: %+v %v", k.State, err)
	}
}

func TestEmptyAndHostile(t *testing.T) {
	c := consoletest.New(t)
	_, page := c.Get("/scenarios?site=porto")
	c.Sees(page, "No lockdown is prepared for this store", "Nothing else is prepared", "New scenario")
	for _, kind := range append(scenario.Kinds(), "", "nonsense") {
		if status, page := c.Get("/scenarios/new?site=lisbon&like=" + string(kind)); status != http.StatusOK || !strings.Contains(page, "<form") {
			t.Errorf("new %s gives %d", kind, status)
		}
	}
	for _, slug := range []string{"none", "%00", "..", strings.Repeat("x", 3000), "%22%3E%3Cscript%3E"} {
		if status, _ := c.Get("/scenarios/" + slug); status >= 500 || status == http.StatusOK {
			t.Errorf("%.20s gives %d", slug, status)
		}
	}
	form := url.Values{"as": {"form"}, "name": {strings.Repeat("\u202e<b>", 5000)}, "site": {"lisbon"}, "trigger.rate.rise": {"-1"}, "trigger": {"rate"}, "actions.hold_unlocked[0].areas": {"' OR 1=1"}}
	if status, _, page := c.Post("/scenarios", form); status != http.StatusUnprocessableEntity || strings.Contains(page, "<b>") {
		t.Errorf("hostile fields give %d", status)
	}
}

// Why a scenario runs is said to whoever looks; what a rule that stays silent
// found, only to those who handle alarms.
func TestWhatStaysSilentIsNotSaid(t *testing.T) {
	c := consoletest.New(t)
	hushed := "slug: hushed\nname: Hushed\nsite: lisbon\nkind: other\ntrigger: {event: {kind: access.duress}}\nactions: {threat: heightened}\nrevert: {after: 1h}\n"
	if status, _, page := c.Post("/scenarios", text(hushed)); status != http.StatusSeeOther {
		t.Fatalf("saved with %d\n%s", status, consoletest.Words(page))
	}
	_, err := c.Hall.Request(t.Context(), sashlock.Request{Person: c.Person("ana"), Opening: c.Opening("case-1"), Duress: true})
	c.Must(err)
	c.Until("it runs", func() bool { k, err := find(c, "hushed"); return err == nil && k.State.Running })
	_, page := c.As(signin.Manager).Get("/scenarios?site=lisbon")
	c.Sees(page, "somebody is being forced")
	_, page = c.As(signin.Auditor).Get("/scenarios?site=lisbon")
	c.Sees(page, "a rule that stays silent found something")
	running := page[strings.Index(page, `id="running"`):]
	running = running[:strings.Index(running, "</section>")]
	if strings.Contains(running, "forced") || strings.Contains(running, "duress") {
		t.Errorf("the auditor reads %s", consoletest.Words(running))
	}
	began, err := c.Store.Events(t.Context(), store.EventQuery{Kind: string(sashlock.ScenarioBegan)})
	c.Must(err)
	if len(began) != 1 || strings.Contains(began[0].Why, "duress") {
		t.Errorf("the ledger says %+v", began)
	}
}
