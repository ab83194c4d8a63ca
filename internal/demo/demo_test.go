// SPDX-License-Identifier: Apache-2.0

package demo

import (
	"bufio"
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/internal/app"
	"github.com/sashlock/sashlock/internal/estate"
	"github.com/sashlock/sashlock/internal/ledger/proof"
	"github.com/sashlock/sashlock/internal/store"
)

// begin runs a demo and returns how to reach it, and a function that ends it
// and returns what it returned.
func begin(t *testing.T, data string) (app.Connection, string, func() error) {
	t.Helper()
	ctx, stop := context.WithCancel(t.Context())
	out, in := io.Pipe()
	ended := make(chan error, 1)
	go func() {
		err := Run(ctx, Options{Data: data, Seed: 1, Speed: 200, Out: in})
		in.Close()
		ended <- err
	}()
	var said strings.Builder
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		said.WriteString(lines.Text() + "\n")
		if strings.Contains(lines.Text(), "Ctrl+C") {
			break
		}
	}
	go io.Copy(io.Discard, out) //nolint:errcheck // the rest does not matter
	c, err := app.ReadConnection(filepath.Join(data, ConnectionFile))
	if err != nil {
		stop()
		t.Fatalf("%v: %v\n%s", err, <-ended, said.String())
	}
	return c, said.String(), func() error {
		stop()
		return <-ended
	}
}

// mostEvents is the number of events within which everything has to happen.
const mostEvents = 3000

func TestDemoTellsItsStory(t *testing.T) {
	data := filepath.Join(t.TempDir(), "demo")
	began := time.Now()
	c, said, end := begin(t, data)
	for _, want := range []string{c.URL, data, "nothing here opens a real lock", "sashlock verify", "Authorization: Bearer"} {
		if !strings.Contains(said, want) {
			t.Errorf("it does not say %q:\n%s", want, said)
		}
	}
	if info, err := os.Stat(filepath.Join(data, ConnectionFile)); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the connection file: %v, %v", info, err)
	}
	missing := map[string]func(sashlock.Event) bool{
		"a served customer":   func(e sashlock.Event) bool { return e.Kind == sashlock.AccessTaken },
		"a refused request":   func(e sashlock.Event) bool { return e.Kind == sashlock.AccessDenied },
		"an unattended case":  func(e sashlock.Event) bool { return e.Kind == sashlock.AlarmRaised && e.Rule == "unattended" },
		"a door held open":    func(e sashlock.Event) bool { return e.Kind == sashlock.AlarmRaised && e.Rule == "heldopen" },
		"a forced door":       func(e sashlock.Event) bool { return e.Kind == sashlock.AlarmRaised && e.Rule == "forced" },
		"a jammed bolt":       func(e sashlock.Event) bool { return e.Kind == sashlock.LockWasJammed },
		"a lock out of reach": func(e sashlock.Event) bool { return e.Kind == sashlock.DeviceOffline },
		"a code at a keypad":  func(e sashlock.Event) bool { return e.Method == sashlock.ByKeypad },
		"a gateway cut off": func(e sashlock.Event) bool {
			return e.Kind == sashlock.CommandEnded && e.Reason == sashlock.LockOffline
		},
		"a customer who calls":            func(e sashlock.Event) bool { return e.Kind == sashlock.CallRaised },
		"somebody who goes to a customer": func(e sashlock.Event) bool { return e.Kind == sashlock.CallTaken && e.Person != "" },
		"a call that was answered":        func(e sashlock.Event) bool { return e.Kind == sashlock.CallEnded && e.Why == "served" },
		"an incident that is resolved":    func(e sashlock.Event) bool { return e.Kind == sashlock.IncidentResolved },
		"an alarm that is over":           func(e sashlock.Event) bool { return e.Kind == sashlock.AlarmCleared },
	}
	unwanted := follow(t, c, began, missing)
	for what := range missing {
		t.Errorf("within %d events there was no %s", mostEvents, what)
	}
	for _, e := range unwanted {
		t.Errorf("what the story does not tell: %+v", e)
	}
	page(t, c)
	if err := end(); err != nil {
		t.Fatalf("ending: %v", err)
	}
	verify(t, data)

	// The folder is used again, and what is in it stays.
	c, _, end = begin(t, data)
	page(t, c)
	if err := end(); err != nil {
		t.Fatalf("ending the second time: %v", err)
	}
	verify(t, data)
}

// follow reads the events since the story began until nothing is missing, and
// returns those that no story should lead to.
func follow(t *testing.T, c app.Connection, began time.Time, missing map[string]func(sashlock.Event) bool) (unwanted []sashlock.Event) {
	t.Helper()
	ctx, stop := context.WithTimeout(t.Context(), time.Minute)
	defer stop()
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, c.URL+"/v1/events/stream?from=0", nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+c.Token)
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	lines := bufio.NewScanner(answer.Body)
	lines.Buffer(nil, 1<<20)
	for n := 0; n < mostEvents && len(missing) > 0 && lines.Scan(); {
		text, is := strings.CutPrefix(lines.Text(), "data: ")
		if !is {
			continue
		}
		var e sashlock.Event
		if err := json.Unmarshal([]byte(text), &e); err != nil {
			t.Fatal(err)
		}
		if e.Heard.Before(began) {
			continue
		}
		n++
		for what, is := range missing {
			if is(e) {
				delete(missing, what)
			}
		}
		if e.Kind == sashlock.CommandEnded && e.Reason != "" && e.Reason != sashlock.LockJammed && e.Reason != sashlock.LockOffline {
			unwanted = append(unwanted, e)
		}
	}
	return unwanted
}

// page looks at the console.
func page(t *testing.T, c app.Connection) {
	t.Helper()
	answer, err := http.Get(c.URL + "/")
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	if n := strings.Count(string(text), `"/openings/`); answer.StatusCode != http.StatusOK || n < 42 {
		t.Errorf("the page: %d with %d openings", answer.StatusCode, n)
	}
}

// verify recomputes the whole ledger of a demo that has ended.
func verify(t *testing.T, data string) {
	t.Helper()
	keys, err := app.ReadKeys(data)
	if err != nil {
		t.Fatal(err)
	}
	key, err := proof.ParseKey(keys.Verifier)
	if err != nil {
		t.Fatal(err)
	}
	s, err := store.Open(t.Context(), store.Options{
		URL: app.Config{Data: data}.DatabaseURL(), ReadOnly: true, Log: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	report, err := proof.VerifyLedger(s.Rows(t.Context()), s.Seals(t.Context()), proof.LedgerCheck{Keys: []proof.Key{key}})
	if err != nil || report.Entries < 15_000 {
		t.Errorf("the ledger with %d entries: %v", report.Entries, err)
	}
}

func TestDemoRefusesWhatIsNoDemo(t *testing.T) {
	data := t.TempDir()
	if _, err := app.Init(data); err != nil {
		t.Fatal(err)
	}
	if err := Run(t.Context(), Options{Data: data}); !sashlock.IsKind(err, sashlock.Conflict) {
		t.Errorf("a real store became a demo: %v", err)
	}
	if _, err := os.Stat(filepath.Join(data, ConnectionFile)); err == nil {
		t.Error("it left a token there")
	}
	for _, bad := range []Options{{Speed: -1}, {Port: -1}, {Port: 70000}} {
		if err := Run(t.Context(), bad); !sashlock.IsKind(err, sashlock.Invalid) {
			t.Errorf("%+v: %v", bad, err)
		}
	}
}

func TestEstate(t *testing.T) {
	f, err := estate.Parse(estateText)
	if err != nil {
		t.Fatal(err)
	}
	if problems := estate.Check(f, func(estate.Kind, string) string { return "" }); len(problems) > 0 {
		t.Error(problems)
	}
	kinds := map[string]int{}
	stores := map[string]int{}
	slugs := map[string]bool{}
	for _, o := range f.Openings {
		stores[o.Site]++
		if o.Site == "lisbon" {
			kinds[o.Kind]++
		}
		slugs[o.Slug] = true
		if len(o.Plan) != 2 {
			t.Errorf("%s is not on the plan", o.Slug)
		}
	}
	for kind, want := range map[string]int{"case": 24, "door": 6, "cage": 3, "locker": 5, "vending": 2, "kiosk": 2} {
		if kinds[kind] != want {
			t.Errorf("%d of kind %s, want %d", kinds[kind], kind, want)
		}
	}
	if stores["lisbon"] != 42 || stores["porto"] != 12 || stores["madrid"] != 9 {
		t.Errorf("openings by store: %v", stores)
	}
	flagship := 0
	for _, p := range f.People {
		if !strings.HasPrefix(p.Roles[0], "porto-") && !strings.HasPrefix(p.Roles[0], "madrid-") {
			flagship++
		}
	}
	if flagship != 31 {
		t.Errorf("%d people at the flagship, want 31", flagship)
	}
	for _, b := range beats {
		if !slugs[b.opening] {
			t.Errorf("there is no %s for a beat", b.opening)
		}
	}
	for _, m := range mishaps() {
		if !slugs[m.opening] {
			t.Errorf("there is no %s for a mishap", m.opening)
		}
	}
	for address := range weak {
		if !slugs[address] {
			t.Errorf("there is no %s with a weak battery", address)
		}
	}
	quicken(&f, 200)
	for _, o := range f.Openings {
		if o.Unattended != "" && o.Unattended != "1s" || o.ReleaseTime != "" && o.ReleaseTime != "3s" {
			t.Errorf("%s: %s and %s in a fast story", o.Slug, o.Unattended, o.ReleaseTime)
		}
	}
}
