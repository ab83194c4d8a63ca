// SPDX-License-Identifier: Apache-2.0

package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"maps"
	"slices"
	"time"

	"github.com/sashlock/sashlock"
)

// Query reads from the database. Arguments are written "?" for both engines;
// string types of the vocabulary and truth values may be given as they are.
type Query interface {
	// Query runs a query that returns rows. Close them before the next query.
	Query(query string, args ...any) (*sql.Rows, error)
	// QueryRow runs a query that returns one row at most.
	QueryRow(query string, args ...any) *sql.Row
}

// Tx is what a job works with. It belongs to the writer and is valid until the
// job returns.
//
// What the buffered half was told, the SQL half does not see until the batch is
// flushed, which is after the job.
type Tx struct {
	w        *writer
	now      time.Time
	first    int // entries of the batch that came before this job's
	arena    int // bytes of the batch that came before this job's
	firstSeq int64

	onCommit   []func()
	onRollback []func()
	saved      bool  // a savepoint is set
	broke      error // the connection failed under the SQL half
	invalid    error // an event that cannot be written
}

// Now returns the time of this job in microseconds precision, UTC. It is read
// once a job and is never before that of an earlier job, not even one of an
// earlier process.
func (tx *Tx) Now() time.Time { return tx.now }

// Append records an event and returns its sequence number. Heard becomes the
// job's time if it is zero, after it, or before that of an earlier entry:
// along the ledger it never decreases. An event whose Data is no JSON fails
// the job.
func (tx *Tx) Append(e sashlock.Event) int64 {
	w := tx.w
	e.Seq = w.next
	heard := e.Heard.UnixMicro()
	if e.Heard.IsZero() || e.Heard.After(tx.now) || heard < w.heard {
		heard = tx.now.UnixMicro()
	}
	e.Heard = time.UnixMicro(heard).UTC()
	b := &w.b
	start := len(b.arena)
	arena, err := AppendEvent(b.arena, &e)
	if err != nil {
		tx.invalid = &sashlock.Error{Kind: sashlock.Internal, Op: "recording " + string(e.Kind), Err: err}
		return e.Seq
	}
	b.arena = arena
	b.entries = append(b.entries, entry{
		seq: e.Seq, heard: heard, kind: string(e.Kind), opening: string(e.Opening), person: string(e.Person),
		device: string(e.Device), decision: string(e.Decision), start: start, end: len(arena),
	})
	w.heard = heard
	w.next++
	return e.Seq
}

// State returns the state of an opening; for one never heard of, a state with
// nothing but its identifier. The caller may change what it gets.
func (tx *Tx) State(id sashlock.OpeningID) (sashlock.OpeningState, error) {
	s, ok := tx.w.s.states.get(id)
	if !ok {
		return sashlock.OpeningState{Opening: id}, nil
	}
	return cloneState(s), nil
}

// cloneState copies what a state refers to, so that nobody changes the cache.
func cloneState(s sashlock.OpeningState) sashlock.OpeningState {
	s.Alarms, s.Numbers = maps.Clone(s.Alarms), maps.Clone(s.Numbers)
	if s.Release != nil {
		r := *s.Release
		s.Release = &r
	}
	if s.Waiting != nil {
		w := *s.Waiting
		s.Waiting = &w
	}
	s.Orders = slices.Clone(s.Orders)
	return s
}

// SaveState records the state of an opening. The store owns it from now on.
func (tx *Tx) SaveState(s sashlock.OpeningState) {
	tx.w.s.states.set(s.Opening, change[sashlock.OpeningState]{value: s})
}

// DeviceState returns what a device last said about itself; for one that never
// said anything, a state with its identifier and an unknown battery.
func (tx *Tx) DeviceState(id sashlock.DeviceID) (sashlock.DeviceState, error) {
	s, ok := tx.w.s.devices.get(id)
	if !ok {
		return sashlock.DeviceState{Device: id, Battery: -1}, nil
	}
	return s, nil
}

// SaveDeviceState records what a device said about itself.
func (tx *Tx) SaveDeviceState(s sashlock.DeviceState) {
	tx.w.s.devices.set(s.Device, change[sashlock.DeviceState]{value: s})
}

// Wake sets when to look again at a subject ("opening:opn_…"). There is one
// wake-up for each subject; the zero time removes it.
func (tx *Tx) Wake(subject string, due time.Time) {
	at, ok := tx.w.s.wakes.get(subject)
	due = due.Truncate(time.Microsecond).UTC()
	if ok == !due.IsZero() && at.Equal(due) {
		return
	}
	tx.w.s.wakes.set(subject, change[time.Time]{value: due, gone: due.IsZero()})
}

// Command returns a command and whether there is such a one.
func (tx *Tx) Command(id sashlock.CommandID) (sashlock.CommandRecord, bool, error) {
	if c, ok := tx.w.s.commands.get(id); ok {
		return c, true, nil
	}
	var text string
	err := tx.QueryRow("SELECT record FROM commands WHERE id = ?", id).Scan(&text)
	if errors.Is(err, sql.ErrNoRows) {
		return sashlock.CommandRecord{}, false, nil
	}
	var c sashlock.CommandRecord
	if err == nil {
		err = json.Unmarshal([]byte(text), &c)
	}
	if err != nil {
		return sashlock.CommandRecord{}, false, unavailable("reading a command", err)
	}
	return c, true, nil
}

// SaveCommand records a command and how far it got.
func (tx *Tx) SaveCommand(c sashlock.CommandRecord) {
	tx.w.s.commands.set(c.ID, change[sashlock.CommandRecord]{value: c})
	if !slices.Contains(tx.w.openBy[c.Opening], c.ID) {
		tx.w.openBy[c.Opening] = append(tx.w.openBy[c.Opening], c.ID)
	}
}

// OpenCommands returns the commands to an opening that have not ended, oldest
// first.
func (tx *Tx) OpenCommands(opening sashlock.OpeningID) ([]sashlock.CommandRecord, error) {
	var open []sashlock.CommandRecord
	for _, id := range tx.w.openBy[opening] {
		if c, ok := tx.w.s.commands.get(id); ok && !c.State.Final() {
			open = append(open, c)
		}
	}
	return open, nil
}

// Alarm returns an alarm, or NotFound.
func (tx *Tx) Alarm(id sashlock.AlarmID) (sashlock.Alarm, error) {
	if a, ok := tx.w.s.alarms.get(id); ok {
		return a, nil
	}
	a, err := scanAlarm(tx.QueryRow(selectAlarm+" WHERE id = ?", id))
	if errors.Is(err, sql.ErrNoRows) {
		return a, &sashlock.Error{Kind: sashlock.NotFound, Op: "reading an alarm", Subject: string(id), Hint: "there is no such alarm"}
	}
	if err != nil {
		return a, unavailable("reading an alarm", err)
	}
	return a, nil
}

// SaveAlarm records an alarm as it stands.
func (tx *Tx) SaveAlarm(a sashlock.Alarm) {
	tx.w.s.alarms.set(a.ID, change[sashlock.Alarm]{value: a})
}

// OnCommit has f run in the writer's goroutine once the job is durable, before
// its caller is told. f must not block and must not queue jobs and wait for them.
func (tx *Tx) OnCommit(f func()) { tx.onCommit = append(tx.onCommit, f) }

// OnRollback has f run in the writer's goroutine if the job comes to nothing,
// by its own fault or its batch's; the newest first.
func (tx *Tx) OnRollback(f func()) { tx.onRollback = append(tx.onRollback, f) }

// Exec runs a statement that returns no rows. The first use in a job sets a
// savepoint to which a failing job is rolled back.
func (tx *Tx) Exec(query string, args ...any) (sql.Result, error) {
	if tx.w.b.journal {
		return nil, tx.w.refusal("changing tables")
	}
	if err := tx.savepoint(); err != nil {
		return nil, err
	}
	tx.w.b.touched = true
	res, err := tx.w.conn.ExecContext(context.Background(), tx.w.s.engine.rebind(query), plain(args)...)
	return res, tx.note(err)
}

// Query runs a query that returns rows; close them before the next one.
func (tx *Tx) Query(query string, args ...any) (*sql.Rows, error) {
	ctx, bound := context.Background(), tx.w.s.engine.rebind(query)
	if tx.w.b.journal {
		return tx.w.s.readers.Load().QueryContext(ctx, bound, plain(args)...)
	}
	if err := tx.savepoint(); err != nil {
		return nil, err
	}
	rows, err := tx.w.conn.QueryContext(ctx, bound, plain(args)...)
	return rows, tx.note(err)
}

// QueryRow runs a query that returns one row at most.
func (tx *Tx) QueryRow(query string, args ...any) *sql.Row {
	ctx, bound := context.Background(), tx.w.s.engine.rebind(query)
	if tx.w.b.journal {
		return tx.w.s.readers.Load().QueryRowContext(ctx, bound, plain(args)...)
	}
	_ = tx.savepoint() // if it failed, so will the query, and that says so
	return tx.w.conn.QueryRowContext(ctx, bound, plain(args)...)
}

// savepoint sets the job's savepoint, once, in the batch's transaction.
func (tx *Tx) savepoint() error {
	if tx.saved {
		return nil
	}
	if err := tx.w.begin(); err != nil {
		tx.broke = err // whatever it is, without a transaction nothing can go on
		return err
	}
	if err := tx.w.exec("SAVEPOINT job"); err != nil {
		return tx.note(err)
	}
	tx.saved = true
	return nil
}

// note remembers an error that concerns the whole batch.
func (tx *Tx) note(err error) error {
	if err != nil && tx.broke == nil && tx.w.s.engine.unwritable(err) {
		tx.broke = err
	}
	return err
}
