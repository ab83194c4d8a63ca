// SPDX-License-Identifier: Apache-2.0

package codes_test

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/driver"
	"github.com/sashlock/sashlock/driver/sim"
	"github.com/sashlock/sashlock/internal/codes"
	"github.com/sashlock/sashlock/internal/credentials"
	"github.com/sashlock/sashlock/internal/devices"
	"github.com/sashlock/sashlock/internal/estate"
	"github.com/sashlock/sashlock/internal/flow"
	"github.com/sashlock/sashlock/internal/grants"
	"github.com/sashlock/sashlock/internal/roomtest"
	"github.com/sashlock/sashlock/internal/store"
)

// moment is when a process is killed.
type moment int

const (
	never      moment = iota
	beforeLock        // what is to be done is noted, and the lock is not told
	afterLock         // the lock did it, and nobody heard
)

// mortal are locks behind a process that is killed once, and that may be unable
// to say what is in their slots.
type mortal struct {
	codes.Locks
	blind bool
	end   chan struct{} // closed at the end of the test

	mu   sync.Mutex
	kill moment        // guarded by mu
	dead chan struct{} // closed when the process is killed
}

func (m *mortal) Codes(ctx context.Context, d sashlock.Device) ([]driver.Code, error) {
	if m.blind {
		return nil, &sashlock.Error{Kind: sashlock.Denied, Op: "listing codes", Hint: "this lock cannot be asked"}
	}
	return m.Locks.Codes(ctx, d)
}

func (m *mortal) SetCode(ctx context.Context, d sashlock.Device, c driver.CodeSetting) (set driver.CodeSet, err error) {
	m.die(beforeLock)
	set, err = m.Locks.SetCode(ctx, d, c)
	m.die(afterLock)
	return set, err
}

func (m *mortal) ClearCode(ctx context.Context, d sashlock.Device, slot int) error {
	m.die(beforeLock)
	err := m.Locks.ClearCode(ctx, d, slot)
	m.die(afterLock)
	return err
}

// die stops for ever, if this is the moment: nothing of the process goes on.
func (m *mortal) die(at moment) {
	m.mu.Lock()
	now := m.kill == at
	if now {
		m.kill = never
		close(m.dead)
	}
	m.mu.Unlock()
	if now {
		<-m.end
	}
}

// ward is a house whose room of codes is started, killed and started again.
type ward struct {
	roomtest.Room
	t     *testing.T
	world *sim.World
	lock  sashlock.Device
	bob   sashlock.PersonID
	blind bool
	end   chan struct{}
	rooms sync.WaitGroup
}

func newWard(t *testing.T, r roomtest.Room, blind bool) *ward {
	t.Helper()
	w := &ward{Room: r, t: t, blind: blind, end: make(chan struct{})}
	t.Cleanup(func() { close(w.end); w.rooms.Wait() })
	config := json.RawMessage(`{"store": "ward-` + fmt.Sprint(blind) + t.Name() + `", "latency_ms": 1, "devices": [{"address": "lock", "name": "Lock", "kind": "lock"}]}`)
	d := sim.New(nil)
	var err error
	w.world, err = d.World(config)
	w.must(err)
	w.must(w.Devices.Open(t.Context(), "ward", d, config))
	w.wait("the lock is found", func() bool {
		r.View(func(q store.Query) error {
			all, err := devices.List(q)
			for _, one := range all {
				if one.Gateway == "ward" {
					w.lock = one
				}
			}
			return err
		})
		return w.lock.ID != ""
	})
	var opening sashlock.OpeningID
	for id := range r.Hall.Book().Openings {
		opening = id
	}
	_, err = w.Devices.Adopt(t.Context(), "", string(w.lock.ID), opening)
	w.must(err)
	for _, one := range r.Hall.Book().Devices {
		if one.ID == w.lock.ID {
			w.lock = one
		}
	}
	book := r.Hall.Book()
	for id, p := range book.People {
		w.bob = id
		w.must(r.Change(func(tx *store.Tx) (flow.Edit, error) {
			return grants.Save(tx, estate.Grant{Slug: "always", Person: p.Slug, Opening: book.Openings[opening].Slug}, roomtest.Lookup(tx), 0)
		}))
		break
	}
	return w
}

func (w *ward) must(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}

func (w *ward) wait(what string, is func() bool) {
	w.t.Helper()
	deadline := time.After(15 * time.Second)
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for !is() {
		select {
		case <-tick.C:
		case <-deadline:
			w.t.Fatalf("never came: %s\n%+v", what, w.state())
		}
	}
}

func (w *ward) state() (l codes.Lock) {
	w.t.Helper()
	w.View(func(q store.Query) (err error) { l, err = codes.Find(q, w.lock.ID); return err })
	return l
}

// run starts the room as a process of its own, which is killed at a moment.
func (w *ward) run(kill moment) *mortal {
	o := w.House.Codes.Options
	m := &mortal{Locks: o.Locks, blind: w.blind, end: w.end, kill: kill, dead: make(chan struct{})}
	o.Locks = m
	o.Pace.Look, o.Pace.Between, o.Pace.RetryMin = 10*time.Millisecond, time.Millisecond, 10*time.Millisecond
	ctx, cancel := context.WithCancel(w.t.Context())
	w.rooms.Go(func() { codes.New(o).Run(ctx) })
	w.rooms.Go(func() {
		select {
		case <-m.dead:
		case <-w.end:
		}
		cancel()
	})
	return m
}

// holds lists the slots of the lock itself that are in use.
func (w *ward) holds() (all []int) {
	w.t.Helper()
	list, err := w.Devices.Codes(w.t.Context(), w.lock)
	w.must(err)
	for _, c := range list {
		if c.InUse {
			all = append(all, c.Slot)
		}
	}
	return all
}

func (w *ward) told() (all []string) {
	w.t.Helper()
	events, err := w.Store.Events(w.t.Context(), store.EventQuery{Kind: "code.", Limit: 1000})
	w.must(err)
	for _, e := range events {
		all = append(all, fmt.Sprint(e.Kind, " ", e.Slot))
	}
	return all
}

func (w *ward) settled(c sashlock.CredentialID) bool {
	l := w.state()
	return len(l.Waits) == 0 && len(l.Slots) == 1 && l.Slots[0].Code == c && l.Slots[0].Sure
}

// TestKilled kills the process between what it notes, what the lock does and what
// it hears of that. No code is there twice afterwards and none is forgotten, also
// in a lock that cannot say what is in its slots.
func TestKilled(t *testing.T) {
	for _, blind := range []bool{false, true} {
		for writing, name := range map[moment]string{beforeLock: "before it was written", afterLock: "after it was written"} {
			for clearing, and := range map[moment]string{beforeLock: "before it was cleared", afterLock: "after it was cleared"} {
				t.Run(fmt.Sprintf("blind %t, %s, %s", blind, name, and), func(t *testing.T) {
					roomtest.OnEachEngine(t, func(t *testing.T, r roomtest.Room) { killed(t, newWard(t, r, blind), writing, clearing) })
				})
			}
		}
	}
}

func killed(t *testing.T, w *ward, writing, clearing moment) {
	made, err := w.Credentials.Make(t.Context(), "", credentials.Making{
		Person: w.bob, Kind: sashlock.PIN, Label: "Door", Openings: []sashlock.OpeningID{w.lock.Opening}, Digits: 6, InLocks: true,
	})
	w.must(err)
	<-w.run(writing).dead
	if n := len(w.holds()); n != int(writing-beforeLock) {
		t.Fatalf("the lock holds %d codes when the process is killed", n)
	}
	if l := w.state(); len(l.Slots) != 1 || !l.Slots[0].Ours || l.Slots[0].Sure {
		t.Errorf("what is known of it then: %+v", l.Slots)
	}
	second := w.run(never)
	w.wait("the code stands", func() bool { return w.settled(made.ID) })
	if diff := cmp.Diff([]int{1}, w.holds()); diff != "" {
		t.Errorf("the lock (-want +got):\n%s", diff)
	}
	second.mu.Lock()
	second.kill = clearing
	second.mu.Unlock()
	_, err = w.Credentials.Lose(t.Context(), "", credentials.Loss{Person: w.bob, Cause: credentials.WasLost})
	w.must(err)
	<-second.dead
	if since, n := w.state().Revoking(); n != 1 || since.IsZero() {
		t.Errorf("the code that has to go is forgotten: %+v", w.state().Slots)
	}
	w.run(never)
	w.wait("it is gone", func() bool { return len(w.state().Slots) == 0 })
	if held := w.holds(); len(held) > 0 {
		t.Errorf("the lock still holds %v", held)
	}
	if diff := cmp.Diff([]string{"code.written 1", "code.revoked 1", "code.cleared 1"}, w.told()); diff != "" {
		t.Errorf("the ledger (-want +got):\n%s", diff)
	}
	if w.state().Blind != w.blind {
		t.Errorf("blind: %t", w.state().Blind)
	}
}

// TestBlind: a lock that cannot be asked keeps what somebody else put into it.
func TestBlind(t *testing.T) {
	roomtest.OnEachEngine(t, func(t *testing.T, r roomtest.Room) {
		w := newWard(t, r, true)
		w.must(w.world.SetCode("lock", 1, "83920174"))
		w.run(never)
		made, err := w.Credentials.Make(t.Context(), "", credentials.Making{
			Person: w.bob, Kind: sashlock.PIN, Label: "Door", Openings: []sashlock.OpeningID{w.lock.Opening}, Digits: 6, InLocks: true,
		})
		w.must(err)
		w.wait("the code stands beside it", func() bool {
			return slices.ContainsFunc(w.state().Slots, func(s codes.Slot) bool { return s.Code == made.ID && s.Sure && s.Number == 2 })
		})
		if diff := cmp.Diff([]int{1, 2}, w.holds()); diff != "" || !w.state().Blind {
			t.Errorf("blind %t; the lock (-want +got):\n%s", w.state().Blind, diff)
		}
		_, err = w.Credentials.Lose(t.Context(), "", credentials.Loss{Person: w.bob, Cause: credentials.WasLost})
		w.must(err)
		w.wait("it is gone", func() bool { return slices.Equal(w.holds(), []int{1}) })
	})
}
