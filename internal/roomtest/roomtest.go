// SPDX-License-Identifier: Apache-2.0

// Package roomtest tries rooms, which do nothing without a store and a hall.
//
// # What
//
// [OnEachEngine] gives a test a house with one object of each kind in it, on
// SQLite and on PostgreSQL. [Room.Keeps] and [Room.Refuses] are what every room
// that keeps declared objects has to pass.
//
// # How it fits
//
// The tests of rooms stand in their rooms' folders and use it. The program
// never links it.
//
// # Promises
//
// Nothing is left behind: data folders and databases go with the test.
package roomtest

import (
	"errors"
	"log/slog"
	"os"
	"strings"
	"testing"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/internal/api"
	"github.com/sashlock/sashlock/internal/app"
	"github.com/sashlock/sashlock/internal/estate"
	"github.com/sashlock/sashlock/internal/flow"
	"github.com/sashlock/sashlock/internal/store"
)

// Room is a house whose rooms are tried.
type Room struct {
	*app.House
	T *testing.T
}

// OnEachEngine runs a test on a house of its own with [Everything] in it, once
// on each database engine. PostgreSQL is skipped unless SASHLOCK_TEST_POSTGRES
// names one whose user may create databases.
func OnEachEngine(t *testing.T, test func(t *testing.T, r Room)) {
	t.Helper()
	t.Run("sqlite", func(t *testing.T) { test(t, newRoom(t, "")) })
	t.Run("postgres", func(t *testing.T) {
		base := os.Getenv("SASHLOCK_TEST_POSTGRES")
		if base == "" && os.Getenv("SASHLOCK_REQUIRE") != "" {
			t.Fatal("SASHLOCK_TEST_POSTGRES is not set")
		}
		if base == "" {
			t.Skip("set SASHLOCK_TEST_POSTGRES to the URL of a PostgreSQL whose user may create databases")
		}
		test(t, newRoom(t, emptyPostgres(t, base)))
	})
}

func newRoom(t *testing.T, database string) Room {
	t.Helper()
	data := t.TempDir()
	if _, err := app.Init(data); err != nil {
		t.Fatal(err)
	}
	config := app.Config{Data: data, Database: database, JournalSize: 1 << 20}
	h, err := app.New(t.Context(), config, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := h.Stop(); err != nil {
			t.Errorf("stopping: %v", err)
		}
	})
	steps := estate.Diff(estate.File{}, Everything(t), false)
	if _, err := h.Hall.Change(t.Context(), api.Apply("", steps)); err != nil {
		t.Fatal(err)
	}
	return Room{h, t}
}

// Change runs one edit.
func (r Room) Change(edit func(tx *store.Tx) (flow.Edit, error)) error {
	_, err := r.Hall.Change(r.T.Context(), flow.Change{Make: edit})
	return err
}

// View reads; an error fails the test.
func (r Room) View(read func(q store.Query) error) {
	r.T.Helper()
	if err := r.Store.View(r.T.Context(), read); err != nil {
		r.T.Fatal(err)
	}
}

// Kind is one room's handling of one kind of object.
type Kind struct {
	Name, Ref string                                                            // of the one in [Everything]
	Save      func(tx *store.Tx, rev int64) (flow.Edit, error)                  // the same again under its slug
	Remove    func(tx *store.Tx, ref string, rev int64) (flow.Edit, error)      // as the room has it
	Find      func(q store.Query, ref string) (id string, rev int64, err error) // likewise
	Listed    func(q store.Query) (int, error)                                  // how many there are
}

// Keeps tries that a room saves, finds and lists a kind of object, and that
// whoever saw another revision changes nothing.
func (r Room) Keeps(k Kind) {
	r.T.Helper()
	var id string
	r.View(func(q store.Query) (err error) {
		var rev int64
		if id, rev, err = k.Find(q, k.Ref); err != nil || rev != 1 || !strings.Contains(id, "_") {
			r.T.Errorf("%s: found %s rev %d, %v", k.Name, id, rev, err)
		}
		if byID, _, err := k.Find(q, id); byID != id || err != nil {
			r.T.Errorf("%s: by identifier found %s, %v", k.Name, byID, err)
		}
		if n, err := k.Listed(q); n != 1 || err != nil {
			r.T.Errorf("%s: listed %d, %v", k.Name, n, err)
		}
		for _, none := range []string{"", "none", "a\x00b", "\xff", "' OR 1=1 --", "%", strings.Repeat("x", 5000)} {
			if _, _, err := k.Find(q, none); !sashlock.IsKind(err, sashlock.NotFound) || len(err.Error()) > 200 {
				r.T.Errorf("%s: finding %.20q: %v", k.Name, none, err)
			}
		}
		return nil
	})
	if err := r.Change(func(tx *store.Tx) (flow.Edit, error) { return k.Save(tx, 1) }); err != nil {
		r.T.Errorf("%s: saving: %v", k.Name, err)
	}
	for _, rev := range []int64{1, 3, 99} {
		err := r.Change(func(tx *store.Tx) (flow.Edit, error) { return k.Save(tx, rev) })
		if !sashlock.IsKind(err, sashlock.Conflict) || !errors.Is(err, store.ErrChanged) {
			r.T.Errorf("%s: saving revision %d: %v", k.Name, rev, err)
		}
		err = r.Change(func(tx *store.Tx) (flow.Edit, error) { return k.Remove(tx, k.Ref, rev) })
		if !sashlock.IsKind(err, sashlock.Conflict) || !errors.Is(err, store.ErrChanged) {
			r.T.Errorf("%s: removing revision %d: %v", k.Name, rev, err)
		}
	}
	r.View(func(q store.Query) error {
		same, rev, err := k.Find(q, k.Ref)
		if same != id || rev != 2 {
			r.T.Errorf("%s: is now %s rev %d", k.Name, same, rev)
		}
		return err
	})
	err := r.Change(func(tx *store.Tx) (flow.Edit, error) { return k.Remove(tx, "none", 0) })
	if !sashlock.IsKind(err, sashlock.NotFound) {
		r.T.Errorf("%s: removing nothing: %v", k.Name, err)
	}
}

// Refuses tries that an edit is refused for a field, and leaves no trace.
func (r Room) Refuses(field string, edit func(tx *store.Tx) (flow.Edit, error)) {
	r.T.Helper()
	size := r.Store.Size()
	var e *sashlock.Error
	if err := r.Change(edit); !errors.As(err, &e) || e.Kind != sashlock.Invalid || e.Subject != field || e.Hint == "" {
		r.T.Errorf("%s: %v", field, err)
	}
	if r.Store.Size() != size {
		r.T.Errorf("%s: the ledger grew", field)
	}
}
