// SPDX-License-Identifier: Apache-2.0

package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"slices"

	"github.com/sashlock/sashlock"
)

// view is a read transaction.
type view struct {
	ctx    context.Context
	tx     *sql.Tx
	engine engine
}

func (v view) Query(query string, args ...any) (*sql.Rows, error) {
	return v.tx.QueryContext(v.ctx, v.engine.rebind(query), plain(args)...)
}

func (v view) QueryRow(query string, args ...any) *sql.Row {
	return v.tx.QueryRowContext(v.ctx, v.engine.rebind(query), plain(args)...)
}

// View runs f in a transaction that sees one moment of the database and
// changes nothing. It does not wait for the writer.
func (s *Store) View(ctx context.Context, f func(q Query) error) error {
	tx, err := s.readers.Load().BeginTx(ctx, s.engine.readOptions())
	if err != nil {
		return unavailable("reading", err)
	}
	defer tx.Rollback() //nolint:errcheck // it only read
	return f(view{ctx, tx, s.engine})
}

// each calls f for every row of a query, with the function that scans it.
func each(rows *sql.Rows, err error, f func(scan func(...any) error) error) error {
	if err != nil {
		return err
	}
	for rows.Next() {
		if err := f(rows.Scan); err != nil {
			return errors.Join(err, rows.Close())
		}
	}
	return errors.Join(rows.Err(), rows.Close())
}

// States returns the states of all openings, by identifier. Together with the
// tables it may be a commit ahead or behind.
func (s *Store) States(ctx context.Context) ([]sashlock.OpeningState, error) {
	if s.opts.ReadOnly {
		if err := s.refresh(ctx); err != nil {
			return nil, err
		}
	}
	var all []sashlock.OpeningState
	s.states.all(func(_ sashlock.OpeningID, st sashlock.OpeningState) { all = append(all, cloneState(st)) })
	slices.SortFunc(all, func(a, b sashlock.OpeningState) int { return compare(a.Opening, b.Opening) })
	return all, nil
}

// State returns the state of one opening, as [Tx.State] does.
func (s *Store) State(ctx context.Context, id sashlock.OpeningID) (sashlock.OpeningState, error) {
	if s.opts.ReadOnly {
		if err := s.refresh(ctx); err != nil {
			return sashlock.OpeningState{}, err
		}
	}
	s.states.mu.RLock()
	st, ok := s.states.committed[id]
	s.states.mu.RUnlock()
	if !ok {
		return sashlock.OpeningState{Opening: id}, nil
	}
	return cloneState(st), nil
}

// StateNow returns the state of one opening as last committed, for a store that
// writes.
func (s *Store) StateNow(id sashlock.OpeningID) sashlock.OpeningState {
	st, ok := s.states.read(id)
	if !ok {
		return sashlock.OpeningState{Opening: id}
	}
	return cloneState(st)
}

// DeviceStates returns what all devices last said about themselves.
func (s *Store) DeviceStates(ctx context.Context) ([]sashlock.DeviceState, error) {
	if s.opts.ReadOnly {
		if err := s.refresh(ctx); err != nil {
			return nil, err
		}
	}
	var all []sashlock.DeviceState
	s.devices.all(func(_ sashlock.DeviceID, d sashlock.DeviceState) { all = append(all, d) })
	slices.SortFunc(all, func(a, b sashlock.DeviceState) int { return compare(a.Device, b.Device) })
	return all, nil
}

// CommandQuery says which commands to list. Empty fields match all.
type CommandQuery struct {
	Opening sashlock.OpeningID
	Device  sashlock.DeviceID
	Open    bool // only those that have not ended
	Limit   int  // 0 means 100
}

// Commands lists commands, newest first. Open ones come from memory, so they
// include those that are in the emergency journal only.
func (s *Store) Commands(ctx context.Context, q CommandQuery) ([]sashlock.CommandRecord, error) {
	if q.Limit <= 0 {
		q.Limit = 100
	}
	if q.Open && !s.opts.ReadOnly {
		return s.openCommands(q), nil
	}
	var all []sashlock.CommandRecord
	err := s.View(ctx, func(v Query) error {
		query, args := "SELECT record FROM commands WHERE 1 = 1", []any(nil)
		for _, c := range []struct{ column, value string }{{"opening", string(q.Opening)}, {"device", string(q.Device)}} {
			if c.value != "" {
				query, args = query+" AND "+c.column+" = ?", append(args, c.value)
			}
		}
		if q.Open {
			query += " AND state IN ('pending', 'accepted')"
		}
		rows, err := v.Query(query+" ORDER BY issued DESC, id DESC LIMIT ?", append(args, q.Limit)...)
		return each(rows, err, func(scan func(...any) error) error {
			c, err := scanCommand(scan)
			all = append(all, c)
			return err
		})
	})
	return all, err
}

func (s *Store) openCommands(q CommandQuery) []sashlock.CommandRecord {
	var all []sashlock.CommandRecord
	s.commands.all(func(_ sashlock.CommandID, c sashlock.CommandRecord) {
		if !c.State.Final() && (q.Opening == "" || q.Opening == c.Opening) && (q.Device == "" || q.Device == c.Device) {
			all = append(all, c)
		}
	})
	slices.SortFunc(all, func(a, b sashlock.CommandRecord) int {
		if n := b.Issued.Compare(a.Issued); n != 0 {
			return n
		}
		return compare(b.ID, a.ID)
	})
	return all[:min(len(all), q.Limit)]
}

// Command returns one command, or NotFound.
func (s *Store) Command(ctx context.Context, id sashlock.CommandID) (sashlock.CommandRecord, error) {
	s.commands.mu.RLock()
	c, ok := s.commands.committed[id]
	s.commands.mu.RUnlock()
	if ok && !s.opts.ReadOnly {
		return c, nil
	}
	err := s.View(ctx, func(v Query) (err error) {
		c, err = scanCommand(v.QueryRow("SELECT record FROM commands WHERE id = ?", id).Scan)
		return err
	})
	if errors.Is(err, sql.ErrNoRows) {
		err = &sashlock.Error{Kind: sashlock.NotFound, Op: "reading a command", Subject: string(id), Hint: "there is no such command"}
	}
	return c, err
}

func scanCommand(scan func(...any) error) (c sashlock.CommandRecord, err error) {
	var text []byte
	if err = scan(&text); err == nil {
		err = json.Unmarshal(text, &c)
	}
	return c, err
}

// selectAlarm reads alarms; add a condition.
const selectAlarm = "SELECT id, rule, level, site, opening, why, raised, cleared, acknowledged, acknowledged_by, rev FROM alarms"

// scanner is a row.
type scanner interface{ Scan(...any) error }

func scanAlarm(row scanner) (a sashlock.Alarm, err error) {
	var raised, cleared, acknowledged sql.NullInt64
	var by sql.NullString
	err = row.Scan(&a.ID, &a.Rule, &a.Level, &a.Site, &a.Opening, &a.Why, &raised, &cleared, &acknowledged, &by, &a.Rev)
	a.Raised, a.Cleared, a.Acknowledged, a.By = TimeOf(raised), TimeOf(cleared), TimeOf(acknowledged), ID[sashlock.OperatorID](by)
	return a, err
}

// Alarms lists alarms, newest first: those that still stand, or all up to limit.
func (s *Store) Alarms(ctx context.Context, standing bool, limit int) ([]sashlock.Alarm, error) {
	var all []sashlock.Alarm
	if standing && !s.opts.ReadOnly {
		s.alarms.all(func(_ sashlock.AlarmID, a sashlock.Alarm) {
			if a.Standing() {
				all = append(all, a)
			}
		})
		slices.SortFunc(all, func(a, b sashlock.Alarm) int { return b.Raised.Compare(a.Raised) })
		return all[:min(len(all), limit)], nil
	}
	query := selectAlarm
	if standing {
		query += " WHERE cleared IS NULL OR acknowledged IS NULL"
	}
	err := s.View(ctx, func(v Query) error {
		rows, err := v.Query(query+" ORDER BY raised DESC LIMIT ?", limit)
		return each(rows, err, func(func(...any) error) error {
			a, err := scanAlarm(rows)
			all = append(all, a)
			return err
		})
	})
	return all, err
}

// Cursor returns the sequence number of the first entry that a follower has
// not handled yet; 0 for a new follower.
func (s *Store) Cursor(ctx context.Context, name string) (int64, error) {
	var next int64
	err := s.View(ctx, func(q Query) error {
		return q.QueryRow("SELECT next FROM cursors WHERE name = ?", name).Scan(&next)
	})
	if errors.Is(err, sql.ErrNoRows) {
		return 0, nil
	}
	return next, err
}

// SaveCursor records how far a follower has come.
func (s *Store) SaveCursor(ctx context.Context, name string, next int64) error {
	_, err := s.Do(ctx, func(tx *Tx) error {
		_, err := tx.Exec("INSERT INTO cursors (name, next) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET next = excluded.next", name, next)
		return err
	})
	return err
}

func compare[T ~string](a, b T) int {
	switch {
	case a < b:
		return -1
	case a > b:
		return 1
	}
	return 0
}
