// SPDX-License-Identifier: Apache-2.0

package scenarios_test

import (
	"crypto/rand"
	"fmt"
	"log/slog"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"golang.org/x/mod/sumdb/note"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/internal/access"
	"github.com/sashlock/sashlock/internal/api"
	"github.com/sashlock/sashlock/internal/estate"
	"github.com/sashlock/sashlock/internal/flow"
	"github.com/sashlock/sashlock/internal/grants"
	"github.com/sashlock/sashlock/internal/guard"
	"github.com/sashlock/sashlock/internal/people"
	"github.com/sashlock/sashlock/internal/scenario"
	"github.com/sashlock/sashlock/internal/scenarios"
	"github.com/sashlock/sashlock/internal/sites"
	"github.com/sashlock/sashlock/internal/store"
)

// day is a Monday on which the store's clocks show UTC.
var day = time.Date(2026, 11, 23, 0, 0, 0, 0, time.UTC)

// house is a store node with a clock of its own, whose locks do at once what
// they are told.
type house struct {
	t      testing.TB
	dir    string
	signer note.Signer
	now    time.Time
	store  *store.Store
	hall   *flow.Hall
	room   *scenarios.Room
	rails  *guard.Set
	shifts []sashlock.Shift
	seq    int64 // up to where the room has followed

	mu   sync.Mutex
	sent []sashlock.Command // guarded by mu
}

const declared = `schedules:
  - {slug: lunch, name: Lunch, weekly: [{days: [mon, tue, wed, thu, fri, sat, sun], from: "12:00", until: "14:00"}]}
sites:
  - {slug: store, name: Store, zone: Europe/Lisbon}
areas:
  - {slug: floor, site: store, name: Shop floor}
  - {slug: back, site: store, name: Back}
openings:
  - {slug: case-1, name: Case 1, kind: case, site: store, area: floor}
  - {slug: case-2, name: Case 2, kind: case, site: store, area: floor}
  - {slug: case-3, name: Case 3, kind: case, site: store, area: floor}
  - {slug: cage, name: Cage, kind: cage, class: valuable, site: store, area: back}
  - {slug: safe, name: Safe, kind: case, class: high, site: store, area: back}
  - {slug: exit, name: Exit, kind: door, site: store, area: back, egress: hardware}
roles:
  - {slug: associate, name: Associate}
people:
  - {slug: ana, name: Ana, roles: [associate]}
  - {slug: bob, name: Bob, roles: [associate]}
grants:
  - {slug: ana-floor, person: ana, area: store/floor}
`

func newHouse(t testing.TB) *house {
	t.Helper()
	skey, _, err := note.GenerateKey(rand.Reader, "sashlock.example/test")
	if err != nil {
		t.Fatal(err)
	}
	h := &house{t: t, dir: t.TempDir(), now: day.Add(8 * time.Hour)}
	h.signer, err = note.NewSigner(skey)
	h.must(err)
	h.open()
	t.Cleanup(func() { h.must(h.store.Close()) })
	f, err := estate.Parse([]byte(declared))
	h.must(err)
	_, err = h.hall.Change(t.Context(), api.Apply("", estate.Diff(estate.File{}, f, false)))
	h.must(err)
	h.fit()
	h.settle()
	return h
}

func (h *house) must(err error) {
	h.t.Helper()
	if err != nil {
		h.t.Fatal(err)
	}
}

// open opens the store, and what is declared and kept in it.
func (h *house) open() {
	h.t.Helper()
	clock := func() time.Time { return h.now }
	var err error
	h.store, err = store.Open(h.t.Context(), store.Options{
		URL: "sqlite://" + filepath.ToSlash(filepath.Join(h.dir, "store.db")), Now: clock,
		Signer: h.signer, Journal: filepath.Join(h.dir, "journal"), JournalSize: 1 << 20,
	})
	h.must(err)
	h.hall = flow.New(flow.Options{
		Store: h.store, Now: clock, Epoch: h.now.UnixMicro(),
		Dispatch: func(c sashlock.Command) {
			h.mu.Lock()
			defer h.mu.Unlock()
			h.sent = append(h.sent, c)
		},
	}, h.book())
	h.must(h.hall.Resume(h.t.Context()))
	h.room = scenarios.New(scenarios.Options{
		Store: h.store, Hall: h.hall, Now: clock, Log: slog.New(slog.DiscardHandler),
		Granting: scenarios.Granting{List: grants.List, Find: grants.Find, Save: grants.Save, Revoke: grants.Revoke},
	})
	h.room.Pace(time.Minute)
	h.seq = h.store.Size()
}

// book is what is declared in the store.
func (h *house) book() *flow.Book {
	h.t.Helper()
	facts := roomFacts(h.t, h.store)
	b, err := flow.NewBook(facts, h.devices(facts.Openings))
	h.must(err)
	return b
}

// devices is a lock and a contact for every opening.
func (h *house) devices(all []sashlock.Opening) []sashlock.Device {
	var fitted []sashlock.Device
	for _, o := range all {
		fitted = append(fitted, sashlock.Device{
			ID: lockOf(o.ID), Driver: "test", Gateway: "test", Address: o.Slug, Opening: o.ID,
			Capabilities: []sashlock.Capability{sashlock.CanRelease, sashlock.CanUnlock, sashlock.CanLock, sashlock.TellsLock, sashlock.TellsPosition},
		})
	}
	return fitted
}

func lockOf(id sashlock.OpeningID) sashlock.DeviceID { return sashlock.DeviceID("dev_" + string(id)) }

// fit puts the devices into the book, and every opening into its usual state.
func (h *house) fit() {
	h.t.Helper()
	var all []sashlock.Opening
	for _, o := range h.hall.Book().Openings {
		all = append(all, o)
	}
	_, err := h.hall.Change(h.t.Context(), flow.Change{Make: func(tx *store.Tx) (flow.Edit, error) {
		for _, o := range all {
			tx.SaveState(sashlock.OpeningState{Opening: o.ID, Lock: sashlock.Locked, LockAt: tx.Now(), Position: sashlock.Closed, PositionAt: tx.Now(), Heard: tx.Now()})
		}
		return flow.Edit{Fitted: h.devices(all), Rails: h.rails}, nil
	}})
	h.must(err)
}

// protect puts guard rails into force.
func (h *house) protect(all ...guard.Rail) {
	h.t.Helper()
	var err error
	h.rails, err = guard.Compile(all)
	h.must(err)
	_, err = h.hall.Change(h.t.Context(), flow.Change{Make: func(*store.Tx) (flow.Edit, error) {
		return flow.Edit{Rails: h.rails, Events: []sashlock.Event{{Kind: sashlock.RailSaved}}}, nil
	}})
	h.must(err)
}

// restart ends this life of the store node and begins another.
func (h *house) restart() {
	h.t.Helper()
	h.must(h.store.Close())
	h.open()
	_, err := h.hall.Change(h.t.Context(), flow.Change{Make: func(*store.Tx) (flow.Edit, error) {
		return flow.Edit{Rails: h.rails, Shifts: h.shifts}, nil
	}})
	h.must(err)
	h.look(nil)
}

// obey lets the locks do what they were told, and says whether there was any.
func (h *house) obey() bool {
	h.t.Helper()
	h.mu.Lock()
	sent := h.sent
	h.sent = nil
	h.mu.Unlock()
	for _, c := range sent {
		kind := sashlock.LockUnlocked
		if c.Verb == sashlock.DoLock {
			kind = sashlock.LockLocked
		}
		_, err := h.hall.Report(h.t.Context(), sashlock.Report{Kind: kind, Opening: c.Opening, Device: c.Device, Command: c.ID, At: h.now})
		h.must(err)
	}
	return len(sent) > 0
}

// look has the room look at the scenarios, with the events since the last time.
func (h *house) look(events []sashlock.Event) {
	h.t.Helper()
	h.must(h.room.Advance(h.t.Context(), events))
}

// settle lets all that follows from what was done happen.
func (h *house) settle() {
	h.t.Helper()
	for range 20 {
		events, err := h.store.Events(h.t.Context(), store.EventQuery{From: h.seq, Limit: 1000})
		h.must(err)
		if len(events) > 0 {
			h.seq = events[len(events)-1].Seq + 1
			h.look(events)
		}
		_, err = h.hall.Tick(h.t.Context())
		h.must(err)
		if !h.obey() && len(events) == 0 {
			return
		}
	}
	h.t.Fatal("it never comes to rest")
}

// until lets time pass: every moment to look again comes.
func (h *house) until(at time.Time) {
	h.t.Helper()
	for range 100_000 {
		next := h.room.Next()
		if wake := h.store.NextWakeup(); !wake.IsZero() && (next.IsZero() || wake.Before(next)) {
			next = wake
		}
		if next.IsZero() || next.After(at) {
			break
		}
		if next.After(h.now) {
			h.now = next
		}
		h.look(nil)
		h.settle()
	}
	h.now = at
	h.look(nil)
	h.settle()
}

func (h *house) opening(slug string) sashlock.OpeningID {
	for id, o := range h.hall.Book().Openings {
		if o.Slug == slug {
			return id
		}
	}
	h.t.Fatalf("no opening %s", slug)
	return ""
}

func (h *house) site() sashlock.SiteID {
	for id := range h.hall.Book().Sites {
		return id
	}
	return ""
}

func (h *house) person(slug string) sashlock.PersonID {
	for id, p := range h.hall.Book().People {
		if p.Slug == slug {
			return id
		}
	}
	h.t.Fatalf("no person %s", slug)
	return ""
}

// save keeps a scenario that is right.
func (h *house) save(text string) scenarios.Kept {
	h.t.Helper()
	s, err := scenario.Parse([]byte(text))
	h.must(err)
	k, err := h.room.Save(h.t.Context(), "", s, "", 0)
	h.must(err)
	h.settle()
	return k
}

func (h *house) press(slug string, p scenario.Press) {
	h.t.Helper()
	_, err := h.room.Press(h.t.Context(), "", slug, p)
	h.must(err)
	h.settle()
}

// modes is how every opening stands: its mode and what its lock says.
func (h *house) modes() map[string]string {
	all := map[string]string{}
	for id, o := range h.hall.Book().Openings {
		s := h.store.StateNow(id)
		mode := s.Mode
		if mode == "" {
			mode = sashlock.Normal
		}
		all[o.Slug] = fmt.Sprintf("%s %s %d", mode, s.Lock, len(s.Orders))
	}
	all["threat"] = h.store.SiteState(h.site()).Threat
	return all
}

func roomFacts(t testing.TB, s *store.Store) (facts access.Facts) {
	t.Helper()
	err := s.View(t.Context(), func(q store.Query) (err error) {
		if facts.Sites, err = sites.ListSites(q); err != nil {
			return err
		}
		if facts.Areas, err = sites.ListAreas(q); err != nil {
			return err
		}
		if facts.Openings, err = sites.ListOpenings(q); err != nil {
			return err
		}
		if facts.People, err = people.List(q); err != nil {
			return err
		}
		if facts.Roles, err = people.ListRoles(q); err != nil {
			return err
		}
		if facts.Schedules, err = grants.ListSchedules(q); err != nil {
			return err
		}
		facts.Grants, err = grants.List(q)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return facts
}
