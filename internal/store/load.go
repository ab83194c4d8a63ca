// SPDX-License-Identifier: Apache-2.0

package store

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"golang.org/x/mod/sumdb/tlog"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/internal/ledger"
	"github.com/sashlock/sashlock/internal/ledger/proof"
)

// connect opens the writing connection and takes what keeps other writers out.
func (w *writer) connect(ctx context.Context) error {
	db, err := w.s.engine.openWriter()
	if err != nil {
		return unavailable("opening the store", err)
	}
	conn, err := db.Conn(ctx)
	if err != nil {
		return errors.Join(unavailable("opening the store", err), db.Close())
	}
	w.db, w.conn, w.stmts = db, conn, make(map[string]driver.Stmt)
	if err := w.keepOthersOut(ctx); err != nil {
		return errors.Join(err, w.disconnect())
	}
	return nil
}

// fenceTries is how often the fence is tried, a tenth of a second apart: the
// server takes a moment to notice that the writer before us has died.
const fenceTries = 15

// keepOthersOut takes the fence, where the engine has one.
func (w *writer) keepOthersOut(ctx context.Context) error {
	fence := w.s.engine.fence()
	if fence == "" {
		return nil
	}
	for try := 1; ; try++ {
		var alone bool
		if err := w.conn.QueryRowContext(ctx, fence).Scan(&alone); err != nil {
			return unavailable("opening the store", err)
		}
		if alone {
			return nil
		}
		if try == fenceTries {
			return lockedByOther("", nil)
		}
		select {
		case <-ctx.Done():
			return unavailable("opening the store", context.Cause(ctx))
		case <-time.After(100 * time.Millisecond):
		}
	}
}

// lockedByOther says that somebody else writes this database.
func lockedByOther(subject string, err error) error {
	return &sashlock.Error{Kind: sashlock.Unavailable, Op: "opening the store", Subject: subject, Hint: "database locked by another sashlock; stop that one first", Err: err}
}

// disconnect closes the writing connection.
func (w *writer) disconnect() error {
	if w.db == nil {
		return nil
	}
	for _, st := range w.stmts {
		_ = st.Close() // before the connection, which SQLite would keep for them
	}
	if unfence := w.s.engine.unfence(); unfence != "" {
		_ = w.exec(unfence) // so does the server, but later
	}
	err := errors.Join(w.conn.Close(), w.db.Close())
	w.db, w.conn, w.stmts = nil, nil, nil
	return err
}

// load reads into memory what the database holds and checks the end of the
// ledger against its last checkpoint.
func (w *writer) load(ctx context.Context) error {
	w.s.hashes.clear()
	return w.s.View(ctx, func(q Query) error {
		steps := []func(Query) error{w.loadLedger, w.loadClock, w.loadStates, w.loadCommands, w.loadRecent}
		if w.s.opts.Damaged {
			steps = []func(Query) error{w.loadSize}
		}
		for _, step := range steps {
			if err := step(q); err != nil {
				return err
			}
		}
		return nil
	})
}

// refresh reads the present again, for a store that is open for reading.
func (s *Store) refresh(ctx context.Context) error {
	s.refreshing.Lock()
	defer s.refreshing.Unlock()
	return s.View(ctx, s.w.loadStates)
}

// loadSize reads how many entries there are, whatever state they are in.
func (w *writer) loadSize(q Query) error {
	var size int64
	if err := q.QueryRow("SELECT COALESCE(MAX(seq) + 1, 0) FROM entries").Scan(&size); err != nil {
		return unavailable("reading the ledger", err)
	}
	if size > 0 {
		w.s.seal.Store(&sealed{size: size})
	}
	return nil
}

// loadLedger restores the right edge of the tree and compares its root with
// the last checkpoint.
func (w *writer) loadLedger(q Query) error {
	var last int64
	if err := q.QueryRow("SELECT COALESCE(MAX(seq), -1) FROM entries").Scan(&last); err != nil {
		return unavailable("reading the ledger", err)
	}
	seal, err := scanSeal(q.QueryRow(selectSeals + " ORDER BY first_hash DESC LIMIT 1"))
	if errors.Is(err, sql.ErrNoRows) {
		seal, err = proof.Seal{}, nil
	}
	if err != nil {
		return unavailable("reading the ledger", err)
	}
	if last+1 != seal.Size {
		return damaged(fmt.Sprintf("it has entries up to %d and its last seal covers %d", last, seal.Size), nil)
	}
	tree, err := ledger.RestoreAppender(seal.Size, tlog.HashReaderFunc(func(indexes []int64) ([]tlog.Hash, error) {
		return w.s.readHashes(q, indexes)
	}))
	if err != nil {
		return damaged("its last hashes cannot be read", err)
	}
	w.tree = tree
	if seal.Size == 0 {
		w.s.seal.Store(nil)
	} else {
		origin, _, _ := strings.Cut(seal.Checkpoint, "\n")
		want := proof.Checkpoint{Origin: origin, Size: seal.Size, Root: w.tree.Root()}
		if !strings.HasPrefix(seal.Checkpoint, want.Text()+"\n") {
			return damaged("its stored hashes do not give the root of its last checkpoint", nil)
		}
		if mine := w.s.opts.Origin; mine != "" && mine != origin {
			return &sashlock.Error{Kind: sashlock.Conflict, Op: "opening the store", Subject: mine, Hint: "the database holds the ledger of " + origin}
		}
		w.s.seal.Store(&sealed{size: seal.Size, checkpoint: seal.Checkpoint})
	}
	w.next = seal.Size
	w.clock = max(w.clock, seal.At.UnixMicro())
	return nil
}

// damaged says that the end of the ledger is not what was sealed.
func damaged(how string, err error) error {
	return &sashlock.Error{Kind: sashlock.Internal, Op: "checking the ledger's end", Hint: "the ledger is damaged: " + how + "; run sashlock verify, and restore a backup", Err: err}
}

// loadClock restores the times that later ones must not come before.
func (w *writer) loadClock(q Query) error {
	w.heard = 0
	if w.next > 0 {
		e, err := scanEvent(q.QueryRow(selectEvents+" WHERE e.seq = ?", w.next-1).Scan)
		if err != nil {
			return unavailable("reading the ledger", err)
		}
		w.heard = e.Heard.UnixMicro()
	}
	var text string
	err := q.QueryRow("SELECT value FROM meta WHERE name = 'clock'").Scan(&text)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return unavailable("reading the clock", err)
	}
	noted, _ := strconv.ParseInt(text, 10, 64) // no text: no note
	w.clock = max(w.clock, w.heard, noted)
	return nil
}

// loadStates reads the states of openings and devices, and the wake-ups: the
// tables, and on top of them the changes that are not in the tables yet.
func (w *writer) loadStates(q Query) error {
	var p present
	var err error
	if p.states, err = loadJSON[sashlock.OpeningID, sashlock.OpeningState](q, "SELECT opening, state FROM opening_states"); err != nil {
		return unavailable("reading the states of openings", err)
	}
	if p.devices, err = loadJSON[sashlock.DeviceID, sashlock.DeviceState](q, "SELECT device, state FROM device_states"); err != nil {
		return unavailable("reading the states of devices", err)
	}
	if p.standings, err = loadJSON[string, standing](q, "SELECT subject, body FROM standings"); err != nil {
		return unavailable("reading what stands", err)
	}
	p.wakes = make(map[string]time.Time)
	rows, err := q.Query("SELECT subject, due FROM wakeups")
	err = each(rows, err, func(scan func(...any) error) error {
		var subject string
		var due int64
		if err := scan(&subject, &due); err != nil {
			return err
		}
		p.wakes[subject] = time.UnixMicro(due).UTC()
		return nil
	})
	if err != nil {
		return unavailable("reading the wake-ups", err)
	}
	var log changeLog
	if err := log.load(q, &p); err != nil {
		return unavailable("reading the latest changes", err)
	}
	w.changes = log
	w.s.states.replace(p.states)
	w.s.devices.replace(p.devices)
	w.s.standings.replace(p.standings)
	w.s.due.replace(p.wakes)
	w.s.wakes.replace(p.wakes)
	return nil
}

// loadJSON reads a table of keys and JSON.
func loadJSON[K ~string, V any](q Query, query string) (map[K]V, error) {
	all := make(map[K]V)
	rows, err := q.Query(query)
	return all, each(rows, err, func(scan func(...any) error) error {
		var key string
		var text []byte
		if err := scan(&key, &text); err != nil {
			return err
		}
		var v V
		if err := json.Unmarshal(text, &v); err != nil {
			return fmt.Errorf("reading %s: %w", key, err)
		}
		all[K(key)] = v
		return nil
	})
}

// loadCommands reads the commands that have not ended and the standing alarms.
func (w *writer) loadCommands(q Query) error {
	open, err := loadJSON[sashlock.CommandID, sashlock.CommandRecord](q, "SELECT id, record FROM commands WHERE state IN ('pending', 'accepted')")
	if err != nil {
		return unavailable("reading the open commands", err)
	}
	w.openBy = make(map[sashlock.OpeningID][]sashlock.CommandID)
	for id, c := range open {
		w.openBy[c.Opening] = append(w.openBy[c.Opening], id)
	}
	for _, ids := range w.openBy {
		slices.SortFunc(ids, func(a, b sashlock.CommandID) int {
			if n := open[a].Issued.Compare(open[b].Issued); n != 0 {
				return n
			}
			return compare(a, b)
		})
	}
	w.s.commands.replace(open)

	standing := make(map[sashlock.AlarmID]sashlock.Alarm)
	rows, err := q.Query(selectAlarm + " WHERE cleared IS NULL OR acknowledged IS NULL")
	err = each(rows, err, func(func(...any) error) error {
		a, err := scanAlarm(rows)
		standing[a.ID] = a
		return err
	})
	if err != nil {
		return unavailable("reading the standing alarms", err)
	}
	w.s.alarms.replace(standing)
	return nil
}

// loadRecent builds the part of the index that is not written yet.
func (w *writer) loadRecent(q Query) error {
	var page int64
	if err := q.QueryRow("SELECT COALESCE(MAX(page) + 1, 0) FROM entry_pages").Scan(&page); err != nil {
		return unavailable("reading the index", err)
	}
	var entries []entry
	rows, err := q.Query(selectEvents+" WHERE e.seq >= ? ORDER BY e.seq", page*pageSize)
	err = each(rows, err, func(scan func(...any) error) error {
		e, err := scanEvent(scan)
		entries = append(entries, entry{seq: e.Seq, kind: string(e.Kind), opening: string(e.Opening), person: string(e.Person), device: string(e.Device)})
		return err
	})
	if err != nil {
		return unavailable("reading the index", err)
	}
	w.s.recent.reset(page)
	w.s.recent.add(entries)
	return nil
}
