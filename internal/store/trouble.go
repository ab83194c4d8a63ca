// SPDX-License-Identifier: Apache-2.0

package store

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/sashlock/sashlock"
)

// The rules for a database that cannot be written are:
//   - a full disk and a lock leave the database as it was: the batch is taken
//     back and nothing else is done
//   - after any other failure below the database what is on disk is in doubt:
//     all connections are closed, the database is opened again, checked against
//     its last checkpoint and read into memory
//   - as long as its end is not known, not even the emergency journal is used
//   - once a second the writer tries again, by what has to be written anyway

// trouble is why the database cannot be written. The writer owns it.
type trouble struct {
	cause     error // nil: it can be written
	known     bool  // memory and database agree, and the journal can continue it
	unsettled bool  // what was written before the failure may not be durable yet
}

// stumble reacts to a batch that failed with err and has been undone.
func (w *writer) stumble(err error) {
	if !w.s.engine.unwritable(err) {
		w.s.log.Error("batch refused by the database", slog.Any("error", err))
		return
	}
	w.trouble = trouble{cause: err, known: true}
	w.s.health.set(err, w.s.opts.Now())
	w.s.log.Error("database not writable", slog.Any("error", err))
	if w.s.engine.doubtful(err) {
		w.trouble.known, w.trouble.unsettled = !w.b.committing, true
		w.probe()
	}
}

// reopen closes every connection and reads everything afresh. If it gets no
// connection, what was known of the database's end stays known.
func (w *writer) reopen() {
	ctx := context.Background()
	_ = w.disconnect() // it failed already
	if db := w.s.readers.Load(); db != nil {
		_ = db.Close() // SQLite checks its log only when the last one has gone
	}
	err := w.failpoint("reopen")
	if err == nil {
		err = w.connect(ctx)
	}
	if err == nil {
		err = w.s.openReaders(ctx)
	}
	if err != nil {
		w.s.log.Warn("database not reopened", slog.Any("error", err))
		return
	}
	w.trouble.known = false
	if err = w.load(ctx); err == nil {
		err = w.rejoin()
	}
	if err != nil {
		w.s.log.Error("database not read again", slog.Any("error", err))
		return
	}
	w.trouble.known = true
	w.settle()
}

// settle makes durable what was written before the failure.
func (w *writer) settle() {
	statement := w.s.engine.settle()
	if statement != "" {
		if err := w.exec(statement); err != nil {
			w.s.log.Warn("database log not settled", slog.Any("error", err))
			return
		}
	}
	w.trouble.unsettled = false
}

// probe tries whether the database can be written again.
func (w *writer) probe() {
	if !w.trouble.known || w.trouble.unsettled {
		w.reopen()
	}
	if !w.trouble.known || w.trouble.unsettled {
		return
	}
	err := w.replay()
	if err == nil {
		w.trouble = trouble{}
		w.s.health.clear()
		w.s.log.Info("database writable again")
		return
	}
	w.trouble.cause = err
	w.s.health.set(err, w.s.opts.Now())
	if !w.s.engine.doubtful(err) {
		return
	}
	w.trouble.unsettled = true
	if w.b.committing {
		w.trouble.known = false
		w.reopen() // whether it went through decides what the journal continues
	}
}

// refusal is the error for what cannot be done while the database cannot be
// written.
func (w *writer) refusal(op string) error {
	hint := "the database cannot be written at the moment; reports and decisions at openings go on in the emergency journal, changes have to wait"
	if !w.journal.usable() || !w.trouble.known {
		hint = "the database cannot be written at the moment"
	}
	return &sashlock.Error{Kind: sashlock.Unavailable, Op: op, Hint: hint, Err: w.trouble.cause}
}

// Health is how the store is doing.
type Health struct {
	Writable    bool
	Since       time.Time // when it stopped being writable
	Why         string    // the cause in the database's words
	JournalUsed int64     // bytes of the emergency journal in use
	JournalSize int64     // bytes of it in all; 0: there is none
	DiskFree    int64     // bytes free for us where the database is; -1: unknown
	ClockBehind time.Duration
}

// healthState is what the writer tells about itself.
type healthState struct {
	mu    sync.Mutex
	since time.Time
	why   string
	used  int64
	size  int64
}

func (h *healthState) set(err error, now time.Time) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.why == "" {
		h.since = now
	}
	h.why = err.Error()
}

func (h *healthState) clear() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.why, h.since = "", time.Time{}
}

func (h *healthState) journal(used, size int64) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.used, h.size = used, size
}

// Health reports how the store is doing. ClockBehind is by how much the
// machine's clock is behind the time last given to a job; new entries carry
// that time until the clock has caught up.
func (s *Store) Health() Health {
	h := &s.health
	h.mu.Lock()
	defer h.mu.Unlock()
	free := int64(-1)
	if path := s.engine.file(); path != "" {
		free = freeBytes(path)
	}
	out := Health{
		Writable: h.why == "" && !s.opts.ReadOnly, Since: h.since, Why: h.why,
		JournalUsed: h.used, JournalSize: h.size, DiskFree: free,
	}
	if behind := time.UnixMicro(s.lastClock.Load()).Sub(s.opts.Now()); behind > time.Second {
		out.ClockBehind = behind
	}
	return out
}
