// SPDX-License-Identifier: Apache-2.0

package now_test

import (
	"bufio"
	"context"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/internal/console"
	"github.com/sashlock/sashlock/internal/consoletest"
	"github.com/sashlock/sashlock/internal/signin"
	"github.com/sashlock/sashlock/internal/store"
)

func TestUnlockFollowsTheActionToTheLock(t *testing.T) {
	c := consoletest.New(t)
	_, page := c.Get("/openings/case-1")
	c.Sees(page, "Case 1", "Secured", "Who can open it now 2", "Ana Costa by name", "Duarte Melo as Sales", "Nobody has asked for it yet", "slug: case-1", "last heard from its devices")
	for _, to := range []string{`href="/access/grants/ana-case-1"`, `href="/what-if?opening=case-1"`, `href="/devices/dev_`, `href="/people/ana"`} {
		if !strings.Contains(page, to) {
			t.Errorf("the page does not lead to %s", to)
		}
	}
	id := c.Opening("case-1")
	_, to, _ := c.Post("/openings/case-1/release", url.Values{"person": {"ana"}})
	if !strings.Contains(to, "decision=dec_") {
		t.Fatalf("sent to %q", to)
	}
	asked, err := c.Store.Events(t.Context(), store.EventQuery{Kind: string(sashlock.AccessGranted)})
	if err != nil || len(asked) != 1 || asked[0].Operator == "" || asked[0].Method != sashlock.ByRemote {
		t.Errorf("the ledger does not say that an operator asked: %+v, %v", asked, err)
	}
	c.Until("unlocked", func() bool { return c.State(id).Lock == sashlock.Unlocked })
	c.Must(c.World.Open("case-1"))
	c.Until("opened", func() bool { return c.State(id).Position == sashlock.Open })
	_, page = c.Get(to)
	c.Sees(page, "Granted Ana Costa", "The lock confirmed", "Ana Costa opened Case 1", "Entry")
	if n := strings.Count(page, `<li class="done">`); n != 4 {
		t.Errorf("%d steps are done, want 4:\n%s", n, consoletest.Words(page))
	}
	if !strings.Contains(page, `href="/decisions/`+string(asked[0].Decision)+`"`) {
		t.Error("the request does not lead to its decision")
	}
	_, page = c.Get("/")
	c.Sees(page, "Open now 1", "Lisbon flagship", "Ana Costa opened Case 1")
	_, page = c.Get("/openings/case-1/panel")
	c.Sees(page, "Case 1", "Open", "Ana Costa opened Case 1", "All about this opening")
	if strings.Contains(page, "<html") {
		t.Error("the panel is a whole page")
	}
}

func TestRefusalShowsItsConditions(t *testing.T) {
	c := consoletest.New(t)
	_, to, _ := c.Post("/openings/case-1/release", url.Values{"person": {"bob"}})
	_, page := c.Get(to)
	c.Sees(page, "Refused Bob Dias", "No grant covers this person at this opening.", "Why?")
	if s := c.State(c.Opening("case-1")); s.Lock != sashlock.Locked || s.Release != nil {
		t.Errorf("a refused request moved something: %+v", s)
	}
	_, page = c.Get("/")
	c.Sees(page, "Refused today 1")
	for _, bad := range []url.Values{{}, {"person": {"nobody"}}, {"person": {strings.Repeat("x", 9000)}}} {
		if status, _, page := c.Post("/openings/case-1/release", bad); status != http.StatusBadRequest {
			t.Errorf("a form without anybody: %d\n%s", status, consoletest.Words(page))
		}
	}
}

func TestAlarmIsAcknowledged(t *testing.T) {
	c := consoletest.New(t)
	c.Must(c.World.Open("case-1"))
	id := c.Opening("case-1")
	c.Until("forced", func() bool { return c.State(id).Alarms["forced"] != "" })
	_, page := c.Get("/?view=list")
	c.Sees(page, "Alarms unseen 1", "Case 1 Forced", "while its lock said locked", "Acknowledge", "1 stands")
	path := "/alarms/" + string(c.State(id).Alarms["forced"]) + "/acknowledge"
	if status, _ := c.Get(path); status == http.StatusSeeOther {
		t.Error("following a link acknowledges an alarm")
	}
	if status, _, _ := c.As(signin.Auditor).Post(path, url.Values{}); status != http.StatusForbidden {
		t.Errorf("an auditor acknowledges: %d", status)
	}
	if status, _, _ := c.As(signin.Owner).Post(path, url.Values{}); status != http.StatusSeeOther {
		t.Errorf("acknowledging: %d", status)
	}
	_, page = c.Get("/")
	c.Sees(page, "acknowledged", "Alarms unseen 0", "An operator has seen the alarm at Case 1")
	if status, _, _ := c.Post("/alarms/alm_none/acknowledge", url.Values{}); status != http.StatusNotFound {
		t.Errorf("an alarm that is none: %d", status)
	}
}

func TestPageStreamShowsTheOpeningOpen(t *testing.T) {
	c := consoletest.New(t)
	_, page := c.Get("/?view=plan")
	at := regexp.MustCompile(`data-at="([^"]+)"`).FindStringSubmatch(page)
	live := regexp.MustCompile(`data-live="([^"]+)"`).FindStringSubmatch(page)
	if at == nil || live == nil {
		t.Fatal("the page does not say what it shows")
	}
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, c.Server.URL+strings.ReplaceAll(live[1], "&amp;", "&")+"&at="+at[1], nil)
	c.Must(err)
	r.AddCookie(&http.Cookie{Name: console.SessionCookie, Value: c.Secret(signin.Owner)})
	answer, err := http.DefaultClient.Do(r)
	c.Must(err)
	defer answer.Body.Close()
	c.Must(c.World.Open("case-1"))
	seen := map[string]bool{}
	lines := bufio.NewScanner(answer.Body)
	for len(seen) < 4 && lines.Scan() {
		for _, want := range []string{`id="pin-case-1"`, `id="figures"`, `id="alarms"`, `id="events"`} {
			if strings.HasPrefix(lines.Text(), "data: ") && strings.Contains(lines.Text(), want) {
				seen[want] = true
			}
		}
		if strings.Contains(lines.Text(), `class="plan"`) {
			t.Error("the whole plan was sent for one opening")
		}
	}
	if len(seen) < 4 {
		t.Errorf("only %v came: %v", seen, lines.Err())
	}
}

func TestViewsShowTheSameAndAreRemembered(t *testing.T) {
	c := consoletest.New(t)
	for as, class := range map[string]string{"plan": `class="plan"`, "wall": `class="wall"`, "list": `class="list card"`} {
		answer, page := c.Send("GET", "/?view="+as, nil, nil)
		if !strings.Contains(page, class) || !strings.Contains(answer.Header.Get("Set-Cookie"), "sashlock_view="+as) {
			t.Errorf("%s is not shown, or not remembered: %q", as, answer.Header.Get("Set-Cookie"))
		}
		c.Sees(page, "Case 1", "Case 2", "Cage 1")
	}
	session := console.SessionCookie + "=" + c.Secret(signin.Owner)
	if _, page := c.Send("GET", "/", http.Header{"Cookie": {session + "; sashlock_view=wall"}}, nil); !strings.Contains(page, `class="wall"`) {
		t.Error("the wall was forgotten")
	}
	_, page := c.Get("/?area=back&view=list")
	if c.Sees(page, "Cage 1"); strings.Contains(page, `id="pin-case-1"`) {
		t.Error("an area shows the openings of another")
	}
	_, page = c.Get("/?view=wall&bare=1")
	if c.Sees(page, "Cage 1"); strings.Contains(page, `class="around"`) || strings.Contains(page, `id="events"`) {
		t.Error("the display on the wall has more than the openings")
	}
	_, page = c.Get("/?only=open&view=list")
	c.Sees(page, "Nothing is open")
	_, page = c.Send("GET", "/openings/case-1", http.Header{"Accept-Language": {"es"}}, nil)
	c.Sees(page, "Asegurada", "Quién puede abrirla ahora", "Las últimas 24 horas")
}

func TestNothingOfAnotherStore(t *testing.T) {
	c := consoletest.New(t).As(signin.Manager) // of Lisbon
	for _, path := range []string{"/?site=porto", "/live?site=porto", "/openings/porto-case", "/openings/porto-case/panel", "/openings/porto-case/live"} {
		if status, page := c.Get(path); status != http.StatusForbidden || strings.Contains(page, "Case in Porto") {
			t.Errorf("%s: %d\n%s", path, status, consoletest.Words(page))
		}
	}
	if status, _, _ := c.Post("/openings/porto-case/release", url.Values{"person": {"eva"}}); status != http.StatusForbidden {
		t.Errorf("unlocking in Porto: %d", status)
	}
	id := c.Opening("porto-case")
	c.Must(c.World.Open("porto-case"))
	c.Until("forced", func() bool { return c.State(id).Alarms["forced"] != "" })
	if status, _, _ := c.Post("/alarms/"+string(c.State(id).Alarms["forced"])+"/acknowledge", url.Values{}); status != http.StatusForbidden {
		t.Errorf("acknowledging in Porto: %d", status)
	}
	for _, view := range []string{"plan", "wall", "list"} {
		if _, page := c.Get("/?view=" + view); strings.Contains(page, "Case in Porto") {
			t.Errorf("the %s of Lisbon shows Porto", view)
		}
	}
	refused, err := c.Store.Events(t.Context(), store.EventQuery{Kind: string(sashlock.OperatorRefused)})
	if err != nil || len(refused) != 7 {
		t.Errorf("%d of 7 attempts were recorded: %v", len(refused), err)
	}
	_, page := c.As(signin.Auditor).Get("/openings/case-1")
	if strings.Contains(page, "/release") {
		t.Error("an auditor is offered to unlock")
	}
	if status, _, _ := c.Post("/openings/case-1/release", url.Values{"person": {"ana"}}); status != http.StatusForbidden {
		t.Errorf("an auditor unlocks: %d", status)
	}
}

func TestWithoutSignInNothingIsShown(t *testing.T) {
	c := consoletest.New(t).As("")
	for path, want := range map[string]int{"/": http.StatusSeeOther, "/live": http.StatusForbidden, "/openings/case-1": http.StatusSeeOther, "/openings/case-1/panel": http.StatusSeeOther} {
		if status, page := c.Get(path); status != want || strings.Contains(page, "Case 1") {
			t.Errorf("%s: %d\n%s", path, status, consoletest.Words(page))
		}
	}
	c.As(signin.Owner)
	for _, path := range []string{"/openings/none", "/openings/none/live", "/openings/none/panel", "/?site=none", "/?area=none"} {
		if status, page := c.Get(path); status != http.StatusNotFound {
			t.Errorf("%s: %d\n%s", path, status, consoletest.Words(page))
		}
	}
}
