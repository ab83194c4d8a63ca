// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"crypto/rand"
	"database/sql"
	"errors"
	"fmt"
	mathrand "math/rand/v2"
	"net/url"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/internal/ledger"
	"github.com/sashlock/sashlock/internal/ledger/proof"
	"github.com/sashlock/sashlock/internal/store"
)

// ratioGoals are what of the plain writer's speed is to be left, by writers.
var ratioGoals = map[int]float64{1: 0.85, 64: 0.55, 512: 0.45}

// reports measures durable, sealed reports against plain inserts, and then the
// ledger that came of it.
func (b *bench) reports() error {
	skey, vkey, err := note.GenerateKey(rand.Reader, "sashlock.local/bench")
	if err != nil {
		return err
	}
	signer, err := note.NewSigner(skey)
	if err != nil {
		return err
	}
	key, err := proof.ParseKey(vkey)
	if err != nil {
		return err
	}
	ctx := b.desk.ctx
	s, err := store.Open(ctx, store.Options{URL: "sqlite://" + filepath.ToSlash(filepath.Join(b.dir, "sealed.db")), Signer: signer})
	if err != nil {
		return err
	}
	plain, err := newPlainWriter(filepath.Join(b.dir, "plain.db"))
	if err != nil {
		return errors.Join(err, s.Close())
	}
	for _, n := range b.command.Writers {
		if err = b.turns(s, plain, n); err != nil {
			break
		}
	}
	if err == nil && b.command.wants("ledger") {
		err = b.ledger(s, key)
	}
	return errors.Join(err, plain.close(), s.Close())
}

// turns lets both writers take turns until the time is up.
func (b *bench) turns(s *store.Store, plain *plainWriter, writers int) error {
	ctx := b.desk.ctx
	var number atomic.Int64
	sealed := func() error {
		_, err := s.Do(ctx, oneReport(number.Add(1)))
		return err
	}
	turn := max(20, writers*20)
	var ours, theirs time.Duration
	var done int
	for end := time.Now().Add(b.command.For); time.Now().Before(end) || done == 0; done += turn {
		for _, side := range []struct {
			call func() error
			took *time.Duration
		}{{sealed, &ours}, {plain.insert, &theirs}} {
			took, err := inParallel(writers, turn, side.call)
			if err != nil {
				return err
			}
			if done > 0 { // the first turn warms up
				*side.took += took
			}
		}
	}
	measured := float64(max(done-turn, 0))
	if measured == 0 {
		return nil
	}
	b.note(fmt.Sprintf("sealed reports, %d writers", writers), measured/ours.Seconds(), "a second")
	b.note(fmt.Sprintf("plain inserts, %d writers", writers), measured/theirs.Seconds(), "a second")
	what, ratio := fmt.Sprintf("ratio, %d writers", writers), theirs.Seconds()/ours.Seconds()
	if goal, set := ratioGoals[writers]; set {
		b.above(what, ratio, "", goal)
	} else {
		b.note(what, ratio, "")
	}
	return nil
}

// inParallel makes n calls from a number of goroutines and returns the time.
func inParallel(goroutines, n int, call func() error) (time.Duration, error) {
	var next atomic.Int64
	var wg sync.WaitGroup
	failures := make(chan error, goroutines)
	began := time.Now()
	for range goroutines {
		wg.Go(func() {
			for next.Add(1) <= int64(n) {
				if err := call(); err != nil {
					failures <- err
					return
				}
			}
		})
	}
	wg.Wait()
	took := time.Since(began)
	close(failures)
	return took, <-failures
}

// oneReport is what one report does to the store: it loads a state, appends an
// event and saves the state.
func oneReport(n int64) func(tx *store.Tx) error {
	id := benchID[sashlock.OpeningID]("opn", int(n%200))
	device := benchID[sashlock.DeviceID]("dev", int(n%200))
	return func(tx *store.Tx) error {
		s, err := tx.State(id)
		if err != nil {
			return err
		}
		s.Lock, s.LockAt, s.Heard = sashlock.Locked, tx.Now(), tx.Now()
		s.Numbers = map[sashlock.DeviceID]sashlock.Numbers{device: {Boot: 1, High: uint64(n)}}
		tx.Append(sashlock.Event{
			Kind: sashlock.LockLocked, At: tx.Now(), Site: "site_01kc0000000000000000000001", Opening: id,
			Device: device, Method: sashlock.ByHand, Boot: 1, Number: uint64(n),
		})
		tx.SaveState(s)
		return nil
	}
}

// plainWriter is what is measured against: group commit of single rows of the
// same size into SQLite with synchronous=FULL, and nothing else.
type plainWriter struct {
	db    *sql.DB
	conn  *sql.Conn
	queue chan chan error
	done  chan struct{}
}

func newPlainWriter(path string) (*plainWriter, error) {
	db, err := sql.Open("sqlite", "file:"+(&url.URL{Path: path}).EscapedPath()+"?_pragma=journal_mode(WAL)&_pragma=synchronous(FULL)")
	if err != nil {
		return nil, err
	}
	ctx := context.Background()
	conn, err := db.Conn(ctx)
	if err != nil {
		return nil, errors.Join(err, db.Close())
	}
	if _, err := conn.ExecContext(ctx, "CREATE TABLE plain (seq INTEGER PRIMARY KEY, body BLOB NOT NULL) STRICT"); err != nil {
		return nil, errors.Join(err, conn.Close(), db.Close())
	}
	insert, err := conn.PrepareContext(ctx, "INSERT INTO plain (body) VALUES (?)")
	if err != nil {
		return nil, errors.Join(err, conn.Close(), db.Close())
	}
	w := &plainWriter{db: db, conn: conn, queue: make(chan chan error, store.DefaultMaxBatch), done: make(chan struct{})}
	go w.run(insert)
	return w, nil
}

// insert waits until one row is on disk.
func (w *plainWriter) insert() error {
	done := make(chan error, 1)
	w.queue <- done
	return <-done
}

func (w *plainWriter) close() error {
	close(w.queue)
	<-w.done
	return errors.Join(w.conn.Close(), w.db.Close())
}

// run commits what waits, all of it at once.
func (w *plainWriter) run(insert *sql.Stmt) {
	defer close(w.done)
	defer insert.Close() //nolint:errcheck // closed with its connection in any case
	ctx := context.Background()
	body := make([]byte, 275)
	var waiting []chan error
	for first := range w.queue {
		waiting = append(waiting[:0], first)
		for more := true; more && len(waiting) < store.DefaultMaxBatch; {
			select {
			case next, open := <-w.queue:
				if more = open; open {
					waiting = append(waiting, next)
				}
			default:
				more = false
			}
		}
		_, err := w.conn.ExecContext(ctx, "BEGIN IMMEDIATE")
		for range waiting {
			if err == nil {
				_, err = insert.ExecContext(ctx, body)
			}
		}
		if err == nil {
			_, err = w.conn.ExecContext(ctx, "COMMIT")
		}
		for _, done := range waiting {
			done <- err
		}
	}
}

// ledger measures the verification of everything that was written, and proofs.
func (b *bench) ledger(s *store.Store, key proof.Key) error {
	b.desk.progress("measuring ledger")
	ctx := b.desk.ctx
	began := time.Now()
	report, err := proof.VerifyLedger(s.Rows(ctx), s.Seals(ctx), proof.LedgerCheck{Keys: []proof.Key{key}})
	if err != nil {
		return err
	}
	took := time.Since(began)
	b.note("entries verified", float64(report.Entries), "")
	b.above("verification", float64(report.Entries)/took.Seconds(), "entries a second", 500_000)
	c := report.Checkpoint
	reader := s.HashReader(ctx)
	r := mathrand.New(mathrand.NewPCG(5, 6)) //nolint:gosec // which entries does not matter
	made := 0
	began = time.Now()
	for ; time.Since(began) < min(b.command.For, 2*time.Second) && c.Size > 0; made++ {
		seq := r.Int64N(c.Size)
		e, err := s.Entry(ctx, seq)
		if err != nil {
			return err
		}
		p, err := ledger.InclusionProof(reader, c.Size, seq)
		if err != nil {
			return err
		}
		if err := tlog.CheckRecord(p, c.Size, c.Root, seq, e.Commitment.Leaf()); err != nil {
			return err
		}
	}
	b.above("inclusion proofs made and checked", float64(made)/time.Since(began).Seconds(), "a second", 5000)
	return nil
}
