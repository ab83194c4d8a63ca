// SPDX-License-Identifier: Apache-2.0

package devices

import (
	"context"
	"crypto/ed25519"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"golang.org/x/mod/sumdb/note"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/driver"
	"github.com/sashlock/sashlock/internal/access"
	"github.com/sashlock/sashlock/internal/estate"
	"github.com/sashlock/sashlock/internal/flow"
	"github.com/sashlock/sashlock/internal/store"
)

// scripted is a driver whose session does what a test says.
type scripted struct {
	mu      sync.Mutex
	sink    driver.Sink
	orders  []driver.Order
	refuse  error
	opening chan struct{} // if set, Open waits for it
	closed  int
}

func (d *scripted) Name() string                  { return "scripted" }
func (d *scripted) Check(c json.RawMessage) error { return nil }

func (d *scripted) Open(_ context.Context, _ json.RawMessage, sink driver.Sink) (driver.Session, error) {
	if d.opening != nil {
		<-d.opening
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.sink = sink
	return d, nil
}

func (d *scripted) Close() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.closed++
	return nil
}

func (d *scripted) Operate(_ context.Context, o driver.Order) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.orders = append(d.orders, o)
	return d.refuse
}

// bench is a room over a real store, with one site and two openings.
type bench struct {
	*Room
	t     *testing.T
	store *store.Store
	hall  *flow.Hall
	d     *scripted
	one   sashlock.OpeningID
	two   sashlock.OpeningID
}

func newBench(t *testing.T) *bench {
	t.Helper()
	secret, _, err := note.GenerateKey(nil, "store.example/test")
	if err != nil {
		t.Fatal(err)
	}
	signer, err := note.NewSigner(secret)
	if err != nil {
		t.Fatal(err)
	}
	s, err := store.Open(t.Context(), store.Options{URL: "sqlite://" + filepath.Join(t.TempDir(), "store.db"), Signer: signer})
	if err != nil {
		t.Fatal(err)
	}
	b := &bench{t: t, store: s, d: &scripted{}, one: "opn_1", two: "opn_2"}
	facts := access.Facts{Sites: []sashlock.Site{{ID: "site_1", Slug: "s", Name: "S", Zone: "UTC", Rev: 1}}, People: []sashlock.Person{{ID: "prs_1", Slug: "p", Name: "P"}}}
	for _, id := range []sashlock.OpeningID{b.one, b.two} {
		facts.Openings = append(facts.Openings, sashlock.Opening{ID: id, Slug: string(id[4:]), Name: "O", Kind: sashlock.Case, Class: sashlock.Standard, Site: "site_1", Egress: sashlock.EgressNone, OnFault: sashlock.HoldOnFault, ReleaseTime: estate.DefaultReleaseTime, Rev: 1})
	}
	facts.Grants = []sashlock.Grant{{ID: "grt_1", Slug: "g", Person: "prs_1", Site: "site_1"}}
	if _, err := s.Do(t.Context(), func(tx *store.Tx) error {
		_, err := tx.Exec(`INSERT INTO sites (id, slug, name, zone, rev) VALUES ('site_1', 's', 'S', 'UTC', 1)`)
		for _, o := range facts.Openings {
			if err == nil {
				_, err = tx.Exec(`INSERT INTO openings (id, slug, name, kind, class, site, egress, on_fault, release_ms, open_ms, unattended_ms, rev) VALUES (?, ?, 'O', 'case', 'standard', 'site_1', 'none', 'hold', 10000, 0, 0, 1)`, o.ID, o.Slug)
			}
		}
		return err
	}); err != nil {
		t.Fatal(err)
	}
	book, err := flow.NewBook(facts, nil)
	if err != nil {
		t.Fatal(err)
	}
	b.hall = flow.New(flow.Options{Store: s, Now: time.Now, Epoch: 1, Dispatch: func(c sashlock.Command) { b.Dispatch(c) }}, book)
	_, key, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	if b.Room, err = New(t.Context(), Options{Store: s, Hall: b.hall, Key: key, Epoch: 1, Now: time.Now, Log: slog.New(slog.DiscardHandler)}); err != nil {
		t.Fatal(err)
	}
	if err := b.Open(t.Context(), "g-1", b.d, nil); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := errors.Join(b.Close(), s.Close()); err != nil {
			t.Error(err)
		}
	})
	return b
}

func lock(address, firmware string) driver.Discovery {
	return driver.Discovery{Address: address, Name: "L", Firmware: firmware, Capabilities: []sashlock.Capability{sashlock.CanRelease, sashlock.CanUnlock, sashlock.TellsLock}}
}

// kept is the device as the database has it.
func (b *bench) kept(address string) (d sashlock.Device) {
	b.t.Helper()
	if err := b.store.View(context.Background(), func(q store.Query) (err error) { d, err = findAt(q, "g-1", address); return err }); err != nil {
		b.t.Fatal(err)
	}
	return d
}

func (b *bench) count(kind sashlock.EventKind) int {
	b.t.Helper()
	list, err := b.store.Events(context.Background(), store.EventQuery{Kind: string(kind), Limit: 10_000})
	if err != nil {
		b.t.Fatal(err)
	}
	return len(list)
}

func TestFoundTwiceAtOnceIsOneDevice(t *testing.T) {
	b := newBench(t)
	var group sync.WaitGroup
	for range 16 {
		group.Go(func() {
			if err := b.d.sink.Found(t.Context(), lock("1", "a")); err != nil {
				t.Error(err)
			}
		})
	}
	group.Wait()
	if d := b.kept("1"); d.Rev != 1 || b.count(sashlock.DeviceDiscovered) != 1 {
		t.Errorf("kept %+v, discovered %d times", d, b.count(sashlock.DeviceDiscovered))
	}
}

// A device that is adopted while its driver tells news of it stays adopted, in
// the database, in the book and where reports look it up.
func TestNewsOfADeviceDoNotUndoItsAdoption(t *testing.T) {
	b := newBench(t)
	for i := range 40 {
		address := fmt.Sprint(i)
		if err := b.d.sink.Found(t.Context(), lock(address, "0")); err != nil {
			t.Fatal(err)
		}
		id := b.kept(address).ID
		var group sync.WaitGroup
		group.Go(func() {
			if err := b.d.sink.Found(t.Context(), lock(address, "1")); err != nil {
				t.Error(err)
			}
		})
		group.Go(func() {
			if _, err := b.Adopt(t.Context(), "", string(id), b.one); err != nil {
				t.Error(err)
			}
		})
		group.Wait()
		d := b.kept(address)
		seen, _ := b.at(place{"g-1", address})
		if d.Opening != b.one || d.Firmware != "1" || seen.Opening != b.one || seen.Rev != d.Rev || b.hall.Book().Devices[id].Firmware != "1" {
			t.Fatalf("kept %+v, seen %+v, book %+v", d, seen, b.hall.Book().Devices[id])
		}
	}
}

func TestStrangersAreRefusedAndDoNotFloodTheLedger(t *testing.T) {
	b := newBench(t)
	if err := b.d.sink.Found(t.Context(), lock("known", "1")); err != nil {
		t.Fatal(err)
	}
	for range 50 {
		for _, address := range []string{"known", "never seen"} {
			if err := b.d.sink.Heard(t.Context(), driver.Report{Address: address, Kind: sashlock.LockUnlocked}); err != nil {
				t.Fatal(err)
			}
		}
	}
	if n := b.count(sashlock.ReportRefused); n != 2 {
		t.Errorf("%d refusals, want one for each", n)
	}
	for i := range mostStrangers + 100 {
		b.refusalRecorded(place{"g-1", fmt.Sprint(i)})
		if i >= mostStrangers && b.mayRecordRefusal(place{"g-1", "another"}) {
			t.Fatal("invented addresses are recorded without end")
		}
	}
}

func TestOneDeviceOneOpening(t *testing.T) {
	b := newBench(t)
	if err := b.d.sink.Found(t.Context(), lock("1", "1")); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if d, err := b.Adopt(t.Context(), "", "g-1/1", b.one); err != nil || d.Opening != b.one || d.Rev != 2 {
			t.Errorf("adopted %+v, %v", d, err)
		}
	}
	if _, err := b.Adopt(t.Context(), "", "g-1/1", b.two); !sashlock.IsKind(err, sashlock.Conflict) {
		t.Errorf("adopted for another: %v", err)
	}
	for _, ref := range []string{"", "dev_none", "g-1/2", "\x00"} {
		if _, err := b.Adopt(t.Context(), "", ref, b.one); !sashlock.IsKind(err, sashlock.NotFound) {
			t.Errorf("adopting %q: %v", ref, err)
		}
	}
	if _, err := b.Remove(t.Context(), "", "g-1/1"); err != nil {
		t.Fatal(err)
	}
	if _, err := b.Adopt(t.Context(), "", "g-1/1", "opn_none"); !sashlock.IsKind(err, sashlock.Conflict) {
		t.Errorf("adopting for nothing: %v", err)
	}
	if len(b.hall.Book().Fitted("opn_none")) != 0 || b.kept("1").Opening != "" {
		t.Error("a failed adoption left something")
	}
}

// ask has the person ask for opening one and waits for the command's end.
func (b *bench) ask() sashlock.CommandRecord {
	b.t.Helper()
	news, stop := b.store.Subscribe()
	defer stop()
	a, err := b.hall.Request(b.t.Context(), sashlock.Request{Person: "prs_1", Opening: b.one})
	if err != nil || !a.Decision.Granted {
		b.t.Fatalf("asked: %+v, %v", a, err)
	}
	over := time.After(10 * time.Second)
	for {
		c, err := b.store.Command(b.t.Context(), a.Command)
		if err != nil {
			b.t.Fatal(err)
		}
		if c.State != sashlock.CommandPending {
			return c
		}
		select {
		case <-news:
		case <-over:
			b.t.Fatalf("nothing was said of %+v", c)
		}
	}
}

func TestWhatBecameOfACommandIsRecorded(t *testing.T) {
	b := newBench(t)
	if err := b.d.sink.Found(t.Context(), lock("1", "1")); err != nil {
		t.Fatal(err)
	}
	if _, err := b.Adopt(t.Context(), "", "g-1/1", b.one); err != nil {
		t.Fatal(err)
	}
	if c := b.ask(); c.State != sashlock.CommandSent || len(b.d.orders) != 1 || b.d.orders[0].Address != "1" || b.d.orders[0].Command != c.ID {
		t.Errorf("command %+v, orders %+v", c, b.d.orders)
	}
	for want, err := range map[sashlock.Reason]error{
		sashlock.DeviceRefused: &sashlock.Error{Kind: sashlock.Denied, Op: "operating", Hint: "no"},
		sashlock.LockOffline:   &sashlock.Error{Kind: sashlock.Unavailable, Op: "operating", Hint: "away"},
	} {
		b.d.mu.Lock()
		b.d.refuse = err
		b.d.mu.Unlock()
		if c := b.ask(); c.State != sashlock.CommandFailed || c.Reason != want {
			t.Errorf("want %s: %+v", want, c)
		}
	}
	b.mu.Lock()
	g := b.gateways["g-1"]
	delete(b.gateways, "g-1")
	b.mu.Unlock()
	if c := b.ask(); c.State != sashlock.CommandFailed || c.Reason != sashlock.LockOffline {
		t.Errorf("without its gateway: %+v", c)
	}
	b.mu.Lock()
	b.gateways["g-1"] = g
	b.mu.Unlock()
}

func TestClosedRoomOpensAndSendsNothing(t *testing.T) {
	b := newBench(t)
	slow := &scripted{opening: make(chan struct{})}
	opened := make(chan error, 1)
	go func() { opened <- b.Open(t.Context(), "g-2", slow, nil) }()
	news := time.After(10 * time.Second)
	for waiting := true; waiting; {
		select {
		case <-news:
			t.Fatal("the second gateway never began to open")
		default:
			waiting = len(b.Gateways()) < 2
		}
	}
	if err := b.Close(); err != nil {
		t.Fatal(err)
	}
	close(slow.opening)
	if err := <-opened; err != nil || slow.closed != 1 {
		t.Errorf("opened late: %v, closed %d times", err, slow.closed)
	}
	if err := b.Open(t.Context(), "g-3", &scripted{}, nil); !sashlock.IsKind(err, sashlock.Conflict) {
		t.Errorf("opened after the end: %v", err)
	}
	b.Dispatch(sashlock.Command{ID: "act_1", Device: "dev_1"})
	if b.d.closed != 1 || len(b.d.orders) != 0 {
		t.Errorf("closed %d times, orders %v", b.d.closed, b.d.orders)
	}
}

func TestGatewaysHaveNamesOfTheirOwn(t *testing.T) {
	b := newBench(t)
	if err := b.Open(t.Context(), "g-1", &scripted{}, nil); !sashlock.IsKind(err, sashlock.Conflict) {
		t.Errorf("the same name: %v", err)
	}
	b.d.sink.Gateway(t.Context(), true, "")
	if g := b.Gateways(); len(g) != 1 || !g[0].Up || g[0].Driver != "scripted" {
		t.Errorf("gateways %+v", g)
	}
	b.d.sink.Gateway(t.Context(), false, "unplugged")
	if g := b.Gateways(); g[0].Up || g[0].Why != "unplugged" {
		t.Errorf("gateways %+v", g)
	}
}

// A gateway that is taken away while the store works leaves nothing standing
// that nobody knows any more.
func TestDevicesOfAGatewayThatIsShutAreOffline(t *testing.T) {
	b := newBench(t)
	for i, opening := range []sashlock.OpeningID{b.one, ""} {
		address := fmt.Sprint(i)
		if err := b.d.sink.Found(t.Context(), lock(address, "1")); err != nil {
			t.Fatal(err)
		}
		if opening == "" {
			continue
		}
		if _, err := b.Adopt(t.Context(), "", string(b.kept(address).ID), opening); err != nil {
			t.Fatal(err)
		}
		if err := b.d.sink.Heard(t.Context(), driver.Report{Address: address, Kind: sashlock.LockLocked, State: true}); err != nil {
			t.Fatal(err)
		}
	}
	for range 2 {
		if err := b.Shut(t.Context(), "g-1"); err != nil {
			t.Fatal(err)
		}
	}
	states, err := b.store.DeviceStates(t.Context())
	if err != nil || len(states) != 1 || states[0].Online {
		t.Errorf("states: %+v, %v", states, err)
	}
	if n := b.count(sashlock.DeviceOffline); n != 1 || b.d.closed != 1 || len(b.Gateways()) != 0 || b.Has("g-1") {
		t.Errorf("offline %d times, closed %d times, gateways %v", n, b.d.closed, b.Gateways())
	}
	if err := b.Open(t.Context(), "g-1", b.d, nil); err != nil || !b.Has("g-1") {
		t.Errorf("opened again: %v", err)
	}
}
