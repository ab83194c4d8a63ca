// SPDX-License-Identifier: Apache-2.0

package now_test

import (
	"bufio"
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/driver/sim"
	"github.com/sashlock/sashlock/internal/api"
	"github.com/sashlock/sashlock/internal/app"
	"github.com/sashlock/sashlock/internal/devices"
	"github.com/sashlock/sashlock/internal/estate"
	"github.com/sashlock/sashlock/internal/store"
)

const shopText = `
sites:
  - {slug: lisbon, name: Lisbon flagship, zone: Europe/Lisbon}
areas:
  - {slug: watches, site: lisbon, name: Watches}
openings:
  - {slug: case-1, name: Case 1, kind: case, site: lisbon, area: watches, plan: [400, 400]}
people:
  - {slug: ana, name: Ana Costa}
  - {slug: bob, name: Bob Dias}
grants:
  - {slug: ana-case, person: ana, opening: case-1}
`

const simulated = `{"store": "pages", "latency_ms": 5, "devices": [{"address": "1", "name": "Lock 1", "kind": "lock+contact"}]}`

// counter is a house with a case, and a browser in front of it.
type counter struct {
	*app.House
	t      *testing.T
	world  *sim.World
	server *httptest.Server
}

func newCounter(t *testing.T, demo bool) *counter {
	t.Helper()
	c := &counter{t: t}
	data := t.TempDir()
	_, err := app.Init(data)
	c.must(err)
	c.House, err = app.New(t.Context(), app.Config{Data: data, JournalSize: 1 << 20}, slog.New(slog.DiscardHandler))
	c.must(err)
	c.must(c.Start(t.Context()))
	if demo {
		_, err = c.OpenDemoConsole(t.Context())
		c.must(err)
	}
	c.server = httptest.NewServer(c.Handler())
	t.Cleanup(func() {
		c.server.CloseClientConnections()
		c.server.Close()
		c.must(c.Stop())
	})
	c.furnish()
	return c
}

func (c *counter) must(err error) {
	c.t.Helper()
	if err != nil {
		c.t.Fatal(err)
	}
}

func (c *counter) furnish() {
	c.t.Helper()
	f, err := estate.Parse([]byte(shopText))
	c.must(err)
	_, err = c.Hall.Change(c.t.Context(), api.Apply("", estate.Diff(estate.File{}, f, false)))
	c.must(err)
	d := sim.New(nil)
	c.world, err = d.World(json.RawMessage(simulated))
	c.must(err)
	c.must(c.Devices.Open(c.t.Context(), "sim", d, json.RawMessage(simulated)))
	var lock []sashlock.Device
	c.until("the lock is found", func() bool {
		c.must(c.Store.View(c.t.Context(), func(q store.Query) (err error) { lock, err = devices.List(q); return err }))
		return len(lock) == 1
	})
	_, err = c.Devices.Adopt(c.t.Context(), "", string(lock[0].ID), c.opening())
	c.must(err)
	c.until("the lock said how it stands", func() bool { return c.state().Lock == sashlock.Locked && c.state().Position == sashlock.Closed })
}

func (c *counter) opening() sashlock.OpeningID {
	for id := range c.Hall.Book().Openings {
		return id
	}
	return ""
}

func (c *counter) state() sashlock.OpeningState {
	s, err := c.Store.State(c.t.Context(), c.opening())
	c.must(err)
	return s
}

// until waits for a condition, looking again after every commit.
func (c *counter) until(what string, holds func() bool) {
	c.t.Helper()
	news, stop := c.Store.Subscribe()
	defer stop()
	for !holds() {
		select {
		case <-news:
		case <-c.t.Context().Done():
			c.t.Fatal("never: " + what)
		}
	}
}

// call sends a request as a browser would that does not follow redirections.
func (c *counter) call(method, path string, header http.Header, form url.Values) (*http.Response, string) {
	c.t.Helper()
	r, err := http.NewRequestWithContext(c.t.Context(), method, c.server.URL+path, strings.NewReader(form.Encode()))
	c.must(err)
	for k, v := range header {
		r.Header[k] = v
	}
	if host := header.Get("Host"); host != "" {
		r.Host = host
	}
	if form != nil {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	client := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	answer, err := client.Do(r)
	c.must(err)
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	c.must(err)
	return answer, string(text)
}

var tags = regexp.MustCompile(`<[^>]*>|\s+`)

// words is the text of a page without its markup.
func words(page string) string {
	return strings.Join(strings.Fields(tags.ReplaceAllString(page, " ")), " ")
}

func (c *counter) sees(page string, all ...string) {
	c.t.Helper()
	for _, s := range all {
		if !strings.Contains(words(page), s) {
			c.t.Errorf("the page does not say %q:\n%s", s, words(page))
		}
	}
}

func TestUnlockFollowsTheActionToTheLock(t *testing.T) {
	c := newCounter(t, true)
	_, page := c.call("GET", "/openings/case-1", nil, nil)
	c.sees(page, "Case 1", "Secured", "Who can open it now 1", "Ana Costa by name", "simulated lock with contact")

	answer, _ := c.call("POST", "/openings/case-1/release", nil, url.Values{"person": {"ana"}})
	to := answer.Header.Get("Location")
	if answer.StatusCode != http.StatusSeeOther || !strings.Contains(to, "decision=dec_") {
		t.Fatalf("%d, to %q", answer.StatusCode, to)
	}
	asked, err := c.Store.Events(t.Context(), store.EventQuery{Kind: string(sashlock.AccessGranted)})
	if err != nil || len(asked) != 1 || asked[0].Operator == "" || asked[0].Method != sashlock.ByRemote {
		t.Errorf("the ledger does not say that an operator asked: %+v, %v", asked, err)
	}
	c.until("unlocked", func() bool { return c.state().Lock == sashlock.Unlocked })
	c.must(c.world.Open("1"))
	c.until("opened", func() bool { return c.state().Position == sashlock.Open })
	_, page = c.call("GET", to, nil, nil)
	c.sees(page, "✓ Granted Ana Costa", "The lock confirmed", "Ana Costa opened Case 1", "Entry")
	if n := strings.Count(page, `<li class="done">`); n != 4 {
		t.Errorf("%d steps are done, want 4:\n%s", n, words(page))
	}
	_, page = c.call("GET", "/", nil, nil)
	c.sees(page, "Open now 1", "Lisbon flagship", "nothing here opens a real lock", "Ana Costa opened Case 1")
}

func TestRefusalShowsItsConditions(t *testing.T) {
	c := newCounter(t, true)
	answer, _ := c.call("POST", "/openings/case-1/release", nil, url.Values{"person": {"bob"}})
	_, page := c.call("GET", answer.Header.Get("Location"), nil, nil)
	c.sees(page, "✗ Refused Bob Dias", "No grant covers this person at this opening.", "Give this person or one of their roles a grant")
	if s := c.state(); s.Lock != sashlock.Locked || s.Release != nil {
		t.Errorf("a refused request moved something: %+v", s)
	}
	_, page = c.call("GET", "/", nil, nil)
	c.sees(page, "Refused today 1")
	for _, bad := range []url.Values{{}, {"person": {"nobody"}}, {"person": {strings.Repeat("x", 9000)}}} {
		if answer, page := c.call("POST", "/openings/case-1/release", nil, bad); answer.StatusCode != http.StatusBadRequest {
			t.Errorf("a form without anybody: %d\n%s", answer.StatusCode, words(page))
		}
	}
}

func TestAlarmIsAcknowledged(t *testing.T) {
	c := newCounter(t, true)
	c.must(c.world.Open("1"))
	c.until("forced", func() bool { return c.state().Alarms["forced"] != "" })
	_, page := c.call("GET", "/?view=list", nil, nil)
	c.sees(page, "Alarms 1", "Case 1 Forced", "while its lock said locked", "Acknowledge", "1 stand · 1 unseen")
	path := "/alarms/" + string(c.state().Alarms["forced"]) + "/acknowledge"
	if answer, _ := c.call("GET", path, nil, nil); answer.StatusCode == http.StatusSeeOther {
		t.Error("following a link acknowledges an alarm")
	}
	if answer, _ := c.call("POST", path, nil, url.Values{}); answer.StatusCode != http.StatusSeeOther {
		t.Errorf("acknowledging: %d", answer.StatusCode)
	}
	_, page = c.call("GET", "/", nil, nil)
	c.sees(page, "✓ acknowledged", "1 stand · 0 unseen", "An operator has seen the alarm at Case 1")
	if answer, _ := c.call("POST", "/alarms/alm_none/acknowledge", nil, url.Values{}); answer.StatusCode != http.StatusNotFound {
		t.Errorf("an alarm that is none: %d", answer.StatusCode)
	}
}

func TestPageStreamShowsTheOpeningOpen(t *testing.T) {
	c := newCounter(t, true)
	_, page := c.call("GET", "/", nil, nil)
	at := regexp.MustCompile(`data-at="([^"]+)"`).FindStringSubmatch(page)
	if at == nil {
		t.Fatal("the page does not say what it shows")
	}
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, c.server.URL+"/live?at="+at[1], nil)
	c.must(err)
	answer, err := http.DefaultClient.Do(r)
	c.must(err)
	defer answer.Body.Close()
	c.must(c.world.Open("1"))
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

func TestOnlyThisMachineAndThisPage(t *testing.T) {
	c := newCounter(t, true)
	form := url.Values{"person": {"ana"}}
	for name, header := range map[string]http.Header{
		"another site":      {"Origin": {"https://evil.example"}},
		"a cross-site form": {"Sec-Fetch-Site": {"cross-site"}},
		"another name":      {"Host": {"evil.example"}},
	} {
		answer, _ := c.call("POST", "/openings/case-1/release", header, form)
		if answer.StatusCode != http.StatusForbidden && answer.StatusCode != http.StatusMisdirectedRequest {
			t.Errorf("%s may unlock: %d", name, answer.StatusCode)
		}
	}
	if s := c.state(); s.Release != nil {
		t.Error("something was released")
	}
	answer, _ := c.call("GET", "/", nil, nil)
	if p := answer.Header.Get("Content-Security-Policy"); !strings.Contains(p, "frame-ancestors 'none'") || strings.Contains(p, "unsafe") {
		t.Errorf("policy for content: %q", p)
	}
}

func TestRealStoreShowsNothing(t *testing.T) {
	c := newCounter(t, false)
	for path, want := range map[string]int{"/": http.StatusSeeOther, "/live": http.StatusForbidden, "/openings/case-1": http.StatusSeeOther, "/?view=list": http.StatusSeeOther} {
		answer, page := c.call("GET", path, nil, nil)
		if answer.StatusCode != want || strings.Contains(page, "Case 1") || strings.Contains(page, "Lisbon") {
			t.Errorf("%s: %d\n%s", path, answer.StatusCode, words(page))
		}
	}
	if answer, _ := c.call("POST", "/openings/case-1/release", nil, url.Values{"person": {"ana"}}); answer.StatusCode != http.StatusForbidden {
		t.Errorf("unlocking without sign-in: %d", answer.StatusCode)
	}
	if s := c.state(); s.Release != nil {
		t.Error("something was released")
	}
	if answer, _ := c.call("GET", "/healthz", nil, nil); answer.StatusCode != http.StatusOK {
		t.Errorf("health: %d", answer.StatusCode)
	}
	if answer, _ := c.call("GET", "/v1/openings", nil, nil); answer.StatusCode != http.StatusUnauthorized || answer.Header.Get("Content-Type") != "application/problem+json" {
		t.Errorf("the API answers %d %s", answer.StatusCode, answer.Header.Get("Content-Type"))
	}
}

func TestWhatDoesNotExist(t *testing.T) {
	c := newCounter(t, true)
	for _, path := range []string{"/openings/none", "/openings/none/live", "/?site=none"} {
		if answer, page := c.call("GET", path, nil, nil); answer.StatusCode != http.StatusNotFound {
			t.Errorf("%s: %d\n%s", path, answer.StatusCode, words(page))
		}
	}
}
