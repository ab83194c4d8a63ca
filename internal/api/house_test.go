// SPDX-License-Identifier: Apache-2.0

package api_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"database/sql"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/driver/sim"
	"github.com/sashlock/sashlock/internal/api"
	"github.com/sashlock/sashlock/internal/app"
	"github.com/sashlock/sashlock/internal/estate"
	"github.com/sashlock/sashlock/internal/signin"
)

// house is a whole store node with simulated locks behind an HTTP server.
type house struct {
	*app.House
	t      *testing.T
	server *httptest.Server
	world  *sim.World
	ahead  atomic.Int64 // how far the house's clock is ahead of the machine's, ns
	token  string       // with every scope
}

// shop is what every house starts with.
const shop = `
sites:
  - {slug: lisbon, name: Lisbon flagship, zone: Europe/Lisbon}
areas:
  - {slug: watches, site: lisbon, name: Watches}
openings:
  - {slug: case-1, name: Case 1, kind: case, site: lisbon, area: watches}
  - {slug: case-2, name: Case 2, kind: case, site: lisbon}
  - {slug: case-3, name: Case 3, kind: case, site: lisbon}
roles:
  - {slug: associate, name: Associate}
people:
  - {slug: ana, name: Ana Costa, roles: [associate]}
  - {slug: bob, name: Bob Dias}
schedules:
  - {slug: always, name: Always, weekly: [{days: [mon, tue, wed, thu, fri, sat, sun], from: "00:00", until: "00:00"}]}
grants:
  - {slug: all-cases, role: associate, site: lisbon, schedule: always}
`

const simulated = `{"store": "test", "latency_ms": 5, "devices": [
	{"address": "1", "name": "Lock 1", "kind": "lock+contact"},
	{"address": "2", "name": "Lock 2", "kind": "lock+contact", "codes": [{"slot": 1, "pin": "1234"}]},
	{"address": "3", "name": "Lock 3", "kind": "lock+contact"},
	{"address": "9", "name": "Spare", "kind": "contact"}]}`

func newHouse(t *testing.T) *house {
	t.Helper()
	return newHouseOn(t, "")
}

func newHouseOn(t *testing.T, database string) *house {
	t.Helper()
	data := t.TempDir()
	if _, err := app.Init(data); err != nil {
		t.Fatal(err)
	}
	return openHouse(t, data, database)
}

// onEachEngine runs a test in a house on SQLite and in one on PostgreSQL.
func onEachEngine(t *testing.T, test func(t *testing.T, h *house)) {
	t.Helper()
	t.Run("sqlite", func(t *testing.T) { test(t, newHouse(t)) })
	t.Run("postgres", func(t *testing.T) {
		base := os.Getenv("SASHLOCK_TEST_POSTGRES")
		if base == "" && os.Getenv("SASHLOCK_REQUIRE") != "" {
			t.Fatal("SASHLOCK_TEST_POSTGRES is not set")
		}
		if base == "" {
			t.Skip("set SASHLOCK_TEST_POSTGRES to the URL of a PostgreSQL whose user may create databases")
		}
		test(t, newHouseOn(t, freshPostgres(t, base)))
	})
}

// freshPostgres creates a database for one test and returns its URL.
func freshPostgres(t *testing.T, base string) string {
	t.Helper()
	name := "sashlock_" + strings.ToLower(rand.Text())[:12]
	admin, err := sql.Open("pgx", base)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { admin.Close() })
	if _, err := admin.Exec("CREATE DATABASE " + name); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if _, err := admin.Exec("DROP DATABASE " + name + " WITH (FORCE)"); err != nil {
			t.Errorf("dropping the test's database: %v", err)
		}
	})
	u, err := url.Parse(base)
	if err != nil {
		t.Fatal(err)
	}
	u.Path = "/" + name
	return u.String()
}

// openHouse starts a house over a data folder and, if one is given, a database
// elsewhere.
func openHouse(t *testing.T, data, database string) *house {
	t.Helper()
	h := &house{t: t}
	ctx := t.Context()
	now := func() time.Time { return time.Now().Add(time.Duration(h.ahead.Load())) }
	var err error
	h.House, err = app.NewWithClock(ctx, app.Config{Data: data, Database: database, JournalSize: 1 << 20}, slog.New(slog.DiscardHandler), now)
	if err != nil {
		t.Fatal(err)
	}
	if err := h.Start(ctx); err != nil {
		t.Fatal(err)
	}
	h.server = httptest.NewServer(h.API.Handler())
	t.Cleanup(h.close)
	_, h.token, err = h.Signin.Issue(ctx, "", "test", signin.Scopes(), time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	return h
}

func (h *house) close() {
	if h.server == nil {
		return
	}
	h.server.CloseClientConnections()
	h.server.Close()
	h.server = nil
	if err := h.Stop(); err != nil {
		h.t.Errorf("stopping: %v", err)
	}
}

// furnish declares the shop and fits its locks.
func (h *house) furnish() *house {
	h.t.Helper()
	f, err := estate.Parse([]byte(shop))
	if err != nil {
		h.t.Fatal(err)
	}
	h.want(h.call("PUT", "/v1/estate", f), 200)
	d := sim.New(nil)
	if h.world, err = d.World([]byte(simulated)); err != nil {
		h.t.Fatal(err)
	}
	if err := h.Devices.Open(context.Background(), "sim-1", d, []byte(simulated)); err != nil {
		h.t.Fatal(err)
	}
	h.eventually("four devices are found", func() bool { return len(page[api.Device](h, "/v1/devices").Data) == 4 })
	for _, n := range []string{"1", "2", "3"} {
		h.want(h.call("PUT", "/v1/devices/sim-1%2F"+n+"/adoption", map[string]string{"opening": "case-" + n}), 200)
	}
	h.eventually("locks told how they are", func() bool {
		for _, n := range []string{"1", "2", "3"} {
			if get[api.Opening](h, "/v1/openings/case-"+n).State.Lock != sashlock.Locked {
				return false
			}
		}
		return true
	})
	return h
}

// eventually waits for something that others bring about.
func (h *house) eventually(what string, is func() bool) {
	h.t.Helper()
	news, stop := h.Store.Subscribe()
	defer stop()
	over := time.After(20 * time.Second)
	for !is() {
		select {
		case <-news:
		case <-over:
			h.t.Fatalf("waited in vain: %s", what)
		}
	}
}

// answer is what came back.
type answer struct {
	status int
	header http.Header
	body   []byte
	call   string
}

func (a answer) problem(t *testing.T) api.Problem {
	t.Helper()
	var p api.Problem
	if err := json.Unmarshal(a.body, &p); err != nil {
		t.Fatalf("%s: not a problem: %v: %s", a.call, err, a.body)
	}
	return p
}

// call sends a request with the full token. A body is sent as JSON, or as it is
// when it is a string.
func (h *house) call(method, path string, body any, headers ...string) answer {
	h.t.Helper()
	return h.send(method, path, body, append([]string{"Authorization", "Bearer " + h.token}, headers...)...)
}

// send sends a request with the headers given, in pairs.
func (h *house) send(method, path string, body any, headers ...string) answer {
	h.t.Helper()
	a, err := h.try(method, path, body, headers...)
	if err != nil {
		h.t.Fatalf("%s %s: %v", method, path, err)
	}
	return a
}

// try is send for goroutines, which must not end the test.
func (h *house) try(method, path string, body any, headers ...string) (answer, error) {
	var reader io.Reader
	switch b := body.(type) {
	case nil:
	case string:
		reader = strings.NewReader(b)
	case []byte:
		reader = bytes.NewReader(b)
	default:
		text, err := json.Marshal(b)
		if err != nil {
			return answer{}, err
		}
		reader = bytes.NewReader(text)
	}
	r, err := http.NewRequest(method, h.server.URL+path, reader)
	if err != nil {
		return answer{}, err
	}
	if reader != nil {
		r.Header.Set("Content-Type", "application/json")
	}
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	resp, err := h.server.Client().Do(r)
	if err != nil {
		return answer{}, err
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	return answer{resp.StatusCode, resp.Header, text, method + " " + path}, err
}

// want fails the test when an answer has another status.
func (h *house) want(a answer, status int) answer {
	h.t.Helper()
	if a.status != status {
		h.t.Fatalf("%s: status %d, want %d: %s", a.call, a.status, status, a.body)
	}
	return a
}

// wantProblem checks an error answer from head to foot.
func (h *house) wantProblem(a answer, status int, code string) api.Problem {
	h.t.Helper()
	h.want(a, status)
	p := a.problem(h.t)
	if got := a.header.Get("Content-Type"); got != "application/problem+json" {
		h.t.Errorf("%s: content type %q", a.call, got)
	}
	if p.Code != code || p.Status != status || p.Title == "" || p.Type == "" || p.Detail == "" {
		h.t.Errorf("%s: problem %s, want code %q", a.call, a.body, code)
	}
	return p
}

func get[T any](h *house, path string) T {
	h.t.Helper()
	return read[T](h, h.want(h.call("GET", path, nil), 200))
}

func read[T any](h *house, a answer) T {
	h.t.Helper()
	var v T
	if err := json.Unmarshal(a.body, &v); err != nil {
		h.t.Fatalf("%s: %v: %s", a.call, err, a.body)
	}
	return v
}

func page[T any](h *house, path string) api.Page[T] {
	h.t.Helper()
	return get[api.Page[T]](h, path)
}

// tokenFor issues a token with some scopes.
func (h *house) tokenFor(scopes ...signin.Scope) string {
	h.t.Helper()
	_, secret, err := h.Signin.Issue(context.Background(), "", "some scopes", scopes, time.Hour)
	if err != nil {
		h.t.Fatal(err)
	}
	return secret
}

// release asks for an opening for somebody and waits for the lock.
func (h *house) release(opening, person string, headers ...string) answer {
	h.t.Helper()
	return h.call("POST", "/v1/openings/"+url.PathEscape(opening)+"/actions", map[string]string{"type": "release", "person": person}, headers...)
}

// count counts events of a kind.
func (h *house) count(kind sashlock.EventKind) int {
	h.t.Helper()
	return len(page[api.Event](h, fmt.Sprintf("/v1/events?kind=%s&limit=200", kind)).Data)
}

func mustJSON(v any) []byte {
	text, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return text
}

// acts counts what people and programs brought about: everything in the ledger
// but what devices report by themselves.
func (h *house) acts() (n int) {
	h.t.Helper()
	for _, kind := range []string{"access.", "command.", "grant.", "person.", "role.", "schedule.", "site.", "area.", "opening.saved", "opening.removed", "token.", "device.adopted", "device.removed"} {
		n += h.count(sashlock.EventKind(kind))
	}
	return n
}
