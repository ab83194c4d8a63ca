// SPDX-License-Identifier: Apache-2.0

package store

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"log/slog"
	"runtime/debug"
	"time"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/internal/ledger"
)

// The rules of the writer are:
//   - one goroutine runs all jobs, one after another, and owns everything in
//     the type writer
//   - it takes whatever is in line, without waiting for more, runs the jobs,
//     flushes what they left in memory, and commits; all in one transaction,
//     which begins when the database is first needed
//   - nobody is told of success before the commit returned without an error
//   - no context ever interrupts a transaction
//   - after a failure the memory is what the database is, or nothing is
//     acknowledged until it is

// writer is the one goroutine that writes.
type writer struct {
	s     *Store
	db    *sql.DB
	conn  *sql.Conn
	stmts map[string]driver.Stmt // prepared on conn

	tree    *ledger.Appender
	next    int64 // sequence number of the next entry
	heard   int64 // Heard of the newest entry, µs
	clock   int64 // latest time given to a job, µs
	openBy  map[sashlock.OpeningID][]sashlock.CommandID
	changes changeLog
	signing *signing // of the running batch, if any
	text    []byte   // of the changes, kept for its memory
	helper  helper   // that signs
	before  mark     // next and heard when the batch began

	// Of the entries, kept for their memory; both engines copy what they are
	// given before a statement returns.
	rows     arguments
	bindings []byte

	b       batch
	tx      Tx
	journal journal
	trouble trouble
}

// mark is what undo goes back to.
type mark struct {
	next, heard int64
	tree        ledger.Mark
}

// entry is an event on its way into the table.
type entry struct {
	seq, heard                              int64
	kind, opening, person, device, decision string
	start, end                              int // its JSON in the batch's arena
}

// batch is what the jobs of one commit have left in memory, besides the caches.
type batch struct {
	entries    []entry
	arena      []byte
	outcomes   []outcome
	onCommit   []func()
	onRollback []func()
	touched    bool // the SQL half was used
	journal    bool // it goes to the emergency journal
	begun      bool // BEGIN was answered
	committing bool // COMMIT was sent
	checkpoint string
}

// outcome is what became of one job, to be told after the commit.
type outcome struct {
	r           *request
	first, last int64
	err         error
}

// probeEvery is how often an unwritable database is tried again.
const probeEvery = time.Second

// run is the writer's goroutine.
func (s *Store) run() {
	defer close(s.done)
	w := &s.w
	probe := time.NewTicker(probeEvery)
	defer probe.Stop()
	line := make([]*request, 0, s.opts.MaxBatch)
	for {
		select {
		case <-s.queue.ready:
		case <-probe.C:
			if w.trouble.cause != nil {
				w.probe()
			}
			continue
		case <-s.quit:
			for {
				if line = s.queue.take(line[:0], s.opts.MaxBatch); len(line) == 0 {
					return
				}
				w.serve(claim(line))
			}
		}
		line = s.queue.take(line[:0], s.opts.MaxBatch)
		w.serve(claim(line))
		if len(line) > 1 {
			s.queue.gather(len(line))
		}
		clear(line)
	}
}

// claim drops the requests whose callers gave up.
func claim(line []*request) []*request {
	kept := line[:0]
	for _, r := range line {
		if r.state.CompareAndSwap(waiting, taken) {
			kept = append(kept, r)
		}
	}
	return kept
}

// serve sees every request of the line to its end.
func (w *writer) serve(line []*request) {
	if len(line) == 0 {
		return
	}
	if w.trouble.cause == nil {
		err := w.commit(line)
		if err == nil {
			return
		}
		inDoubt := w.b.committing && w.s.engine.doubtful(err)
		w.stumble(err)
		if inDoubt || !w.s.engine.unwritable(err) {
			w.endAll(line, notCommitted(inDoubt, err))
			return
		}
	}
	vital := line[:0]
	for _, r := range line {
		if r.vital {
			vital = append(vital, r)
		} else {
			r.end(Receipt{}, w.refusal("writing"))
		}
	}
	if len(vital) > 0 {
		w.serveVital(vital)
	}
}

// serveVital records what must be recorded after the database refused it: in
// the database if that is well again, otherwise in the emergency journal.
func (w *writer) serveVital(vital []*request) {
	if w.trouble.cause == nil {
		err := w.commit(vital)
		if err == nil {
			return
		}
		inDoubt := w.b.committing && w.s.engine.doubtful(err)
		w.stumble(err)
		if inDoubt || !w.s.engine.unwritable(err) {
			w.endAll(vital, notCommitted(inDoubt, err))
			return
		}
	}
	if !w.trouble.known || !w.journal.usable() {
		w.endAll(vital, w.refusal("writing"))
		return
	}
	if err := w.note(vital); err != nil {
		w.endAll(vital, &sashlock.Error{Kind: sashlock.Unavailable, Op: "writing to the emergency journal", Hint: "neither the database nor the emergency journal can be written", Err: err})
	}
}

// notCommitted is the error for a batch that is lost, or may be.
func notCommitted(inDoubt bool, err error) error {
	hint := "nothing of this was recorded; try again"
	if inDoubt {
		hint = "it is not known whether this was recorded; look before you try again"
	}
	return &sashlock.Error{Kind: sashlock.Unavailable, Op: "committing", Hint: hint, Err: err}
}

func (w *writer) endAll(line []*request, err error) {
	for _, r := range line {
		r.end(Receipt{}, err)
	}
}

// commit runs the line's jobs in one transaction of the database. On an error
// the jobs are undone and nobody was told anything.
func (w *writer) commit(line []*request) (err error) {
	w.start(false)
	defer func() {
		if err != nil {
			w.undo()
		}
	}()
	for _, r := range line {
		if err := w.runJob(r); err != nil {
			return err
		}
	}
	if err := w.flush(); err != nil {
		return err
	}
	if err := w.failpoint("commit"); err != nil {
		return err
	}
	if w.b.begun {
		w.b.committing = true
		if err := w.prepared("COMMIT", nil); err != nil {
			return err
		}
	}
	if err := w.failpoint("committed"); err != nil {
		return err
	}
	w.tree.Committed()
	w.changes.committed()
	if len(w.b.entries) > 0 {
		w.s.seal.Store(&sealed{size: w.tree.Size(), checkpoint: w.b.checkpoint})
	}
	w.s.recent.add(w.b.entries) // without entries too: the commit may have written a full page
	w.keep(w.b.checkpoint)
	return nil
}

// begin begins the batch's transaction, unless it has begun.
func (w *writer) begin() error {
	if w.b.begun {
		return nil
	}
	err := w.prepared(w.s.engine.begin(), nil)
	w.b.begun = err == nil
	return err
}

// start empties the batch.
func (w *writer) start(journal bool) {
	b := &w.b
	clear(b.entries)
	clear(b.outcomes)
	clear(b.onCommit)
	clear(b.onRollback)
	*b = batch{
		entries: b.entries[:0], arena: b.arena[:0], outcomes: b.outcomes[:0],
		onCommit: b.onCommit[:0], onRollback: b.onRollback[:0], journal: journal,
	}
	w.before = mark{w.next, w.heard, w.tree.Snapshot()}
}

// keep makes the batch's work everybody's and tells the callers.
func (w *writer) keep(checkpoint string) {
	b := &w.b
	final := !b.journal // what has ended can be read from the database
	w.s.lastClock.Store(w.clock)
	w.s.due.learn(w.s.wakes.batch)
	w.forgetEnded(final)
	w.s.states.keepBatch(nil)
	w.s.devices.keepBatch(nil)
	w.s.wakes.keepBatch(nil)
	w.s.standings.keepBatch(nil)
	w.s.commands.keepBatch(func(c sashlock.CommandRecord) bool { return !final || !c.State.Final() })
	w.s.alarms.keepBatch(func(a sashlock.Alarm) bool { return !final || a.Standing() })
	for _, f := range b.onCommit {
		f()
	}
	w.s.subscribers.wake()
	for _, o := range b.outcomes {
		o.r.end(Receipt{First: o.first, Last: o.last, Checkpoint: checkpoint}, o.err)
	}
}

// forgetEnded tidies the list of commands by opening.
func (w *writer) forgetEnded(final bool) {
	if !final {
		return
	}
	for id, ch := range w.s.commands.batch {
		if !ch.value.State.Final() {
			continue
		}
		left := w.openBy[ch.value.Opening][:0]
		for _, other := range w.openBy[ch.value.Opening] {
			if other != id {
				left = append(left, other)
			}
		}
		if w.openBy[ch.value.Opening] = left; len(left) == 0 {
			delete(w.openBy, ch.value.Opening)
		}
	}
}

// undo takes the batch back, in memory and in the database.
func (w *writer) undo() {
	b := &w.b
	for i := len(b.onRollback) - 1; i >= 0; i-- {
		b.onRollback[i]()
	}
	w.s.states.dropBatch()
	w.s.devices.dropBatch()
	w.s.wakes.dropBatch()
	w.s.standings.dropBatch()
	w.s.commands.dropBatch()
	w.s.alarms.dropBatch()
	w.next, w.heard = w.before.next, w.before.heard
	if b.journal {
		return
	}
	w.dropSigning()
	if err := w.tree.Restore(w.before.tree); err != nil {
		panic(err) // the mark was taken when the batch began
	}
	if w.conn != nil {
		_ = w.exec("ROLLBACK") // if it fails there is no transaction left to roll back
	}
}

// runJob runs one job. The error returned concerns the whole batch; the job's
// own goes into its outcome.
func (w *writer) runJob(r *request) error {
	tx := &w.tx
	at := max(w.s.opts.Now().UnixMicro(), w.clock)
	w.clock = at
	*tx = Tx{
		w: w, now: time.UnixMicro(at).UTC(), first: len(w.b.entries), arena: len(w.b.arena), firstSeq: w.next,
		onCommit: tx.onCommit[:0], onRollback: tx.onRollback[:0],
	}
	heard := w.heard
	err := w.call(r.job, tx)
	if err == nil {
		err = tx.invalid
	}
	if broke := w.endSavepoint(&err); broke != nil {
		w.b.onRollback = append(w.b.onRollback, tx.onRollback...)
		return broke
	}
	if err != nil {
		w.dropJob(tx, heard)
		w.b.outcomes = append(w.b.outcomes, outcome{r: r, last: -1, err: err})
		return nil
	}
	w.keepJob(tx)
	w.b.outcomes = append(w.b.outcomes, outcome{r: r, first: tx.firstSeq, last: w.next - 1})
	return nil
}

// call runs the job and turns a panic into an error: one mistake in one job
// must not stop every door of the house.
func (w *writer) call(job func(*Tx) error, tx *Tx) (err error) {
	defer func() {
		if p := recover(); p != nil {
			w.s.log.Error("job panicked", slog.Any("panic", p), slog.String("stack", string(debug.Stack())))
			err = &sashlock.Error{Kind: sashlock.Internal, Op: "running a job", Err: fmt.Errorf("panic: %v", p)}
		}
	}()
	return job(tx)
}

// endSavepoint keeps or undoes the SQL half of a job. A savepoint that cannot
// be released makes the job fail; one that cannot be rolled back, the batch.
func (w *writer) endSavepoint(err *error) error {
	tx := &w.tx
	if tx.broke != nil {
		return tx.broke
	}
	if !tx.saved {
		return nil
	}
	if *err == nil {
		released := w.exec("RELEASE SAVEPOINT job")
		if released == nil || w.s.engine.unwritable(released) {
			return released
		}
		*err = unavailable("ending a job", released)
	}
	if undone := w.exec("ROLLBACK TO SAVEPOINT job"); undone != nil {
		return errors.Join(undone, *err)
	}
	return w.exec("RELEASE SAVEPOINT job")
}

func (w *writer) keepJob(tx *Tx) {
	w.s.states.keepJob()
	w.s.devices.keepJob()
	w.s.wakes.keepJob()
	w.s.standings.keepJob()
	w.s.commands.keepJob()
	w.s.alarms.keepJob()
	w.b.onCommit = append(w.b.onCommit, tx.onCommit...)
	w.b.onRollback = append(w.b.onRollback, tx.onRollback...)
}

func (w *writer) dropJob(tx *Tx, heard int64) {
	for i := len(tx.onRollback) - 1; i >= 0; i-- {
		tx.onRollback[i]()
	}
	w.s.states.dropJob()
	w.s.devices.dropJob()
	w.s.wakes.dropJob()
	w.s.standings.dropJob()
	w.s.commands.dropJob()
	w.s.alarms.dropJob()
	w.b.entries = w.b.entries[:tx.first]
	w.b.arena = w.b.arena[:tx.arena]
	w.next, w.heard = tx.firstSeq, heard
}

// exec runs a statement without arguments on the writing connection.
func (w *writer) exec(statement string) error {
	_, err := w.conn.ExecContext(context.Background(), statement)
	return err
}

// prepared runs a statement that is used again and again. It goes past
// database/sql, whose bookkeeping for each argument costs as much as SQLite.
func (w *writer) prepared(query string, args []driver.NamedValue) error {
	return w.conn.Raw(func(conn any) error {
		st := w.stmts[query]
		if st == nil {
			made, err := conn.(driver.ConnPrepareContext).PrepareContext(context.Background(), w.s.engine.rebind(query))
			if err != nil {
				return err
			}
			st = made
			w.stmts[query] = st
		}
		_, err := st.(driver.StmtExecContext).ExecContext(context.Background(), args)
		return err
	})
}

// failpoint lets a test fail a step.
func (w *writer) failpoint(step string) error {
	if w.s.fault == nil {
		return nil
	}
	return w.s.fault(step)
}
