// SPDX-License-Identifier: Apache-2.0

package store

import (
	"context"
	"crypto/rand"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/mod/sumdb/note"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/internal/ledger/proof"
)

// testOrigin names the ledger of every test.
const testOrigin = "store.example/test"

// suite is one engine with a fresh database.
type suite struct {
	opts    Options
	key     proof.Key
	signing string // the private key, for a child process
}

// onEachEngine runs a test on SQLite and on PostgreSQL, each with an empty
// database of its own.
func onEachEngine(t *testing.T, test func(t *testing.T, s *suite)) {
	t.Helper()
	t.Run("sqlite", func(t *testing.T) {
		test(t, newSuite(t, "sqlite://"+filepath.Join(t.TempDir(), "store.db")))
	})
	t.Run("postgres", func(t *testing.T) {
		base := os.Getenv("SASHLOCK_TEST_POSTGRES")
		if base == "" && os.Getenv("SASHLOCK_REQUIRE") != "" {
			t.Fatal("SASHLOCK_TEST_POSTGRES is not set")
		}
		if base == "" {
			t.Skip("set SASHLOCK_TEST_POSTGRES to the URL of a PostgreSQL whose user may create databases")
		}
		test(t, newSuite(t, freshPostgres(t, base)))
	})
}

// freshPostgres creates a database for one test and returns its URL.
func freshPostgres(t *testing.T, base string) string {
	t.Helper()
	name := "sashlock_" + strings.ToLower(rand.Text())[:12]
	admin, err := sql.Open("pgx", base)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { admin.Close() })
	if _, err := admin.Exec("CREATE DATABASE " + name); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if _, err := admin.Exec("DROP DATABASE " + name + " WITH (FORCE)"); err != nil {
			t.Errorf("dropping the test's database: %v", err)
		}
	})
	before, query, _ := strings.Cut(base, "?")
	if query != "" {
		query = "?" + query
	}
	return before[:strings.LastIndex(before, "/")+1] + name + query
}

func newSuite(t testing.TB, url string) *suite {
	t.Helper()
	signing, verifying, err := note.GenerateKey(nil, testOrigin)
	if err != nil {
		t.Fatal(err)
	}
	signer, err := note.NewSigner(signing)
	if err != nil {
		t.Fatal(err)
	}
	key, err := proof.ParseKey(verifying)
	if err != nil {
		t.Fatal(err)
	}
	return &suite{opts: Options{URL: url, Origin: testOrigin, Signer: signer, Version: "test"}, key: key, signing: signing}
}

// open opens the store and closes it at the end of the test.
func (s *suite) open(t testing.TB) *Store {
	t.Helper()
	st, err := Open(context.Background(), s.opts)
	if err != nil {
		t.Fatalf("opening the store: %v", err)
	}
	t.Cleanup(func() {
		if err := st.Close(); err != nil {
			t.Errorf("closing the store: %v", err)
		}
	})
	return st
}

// raw opens the database behind the store's back.
func (s *suite) raw(t *testing.T) *sql.DB {
	t.Helper()
	e, err := newEngine(s.opts.URL)
	if err != nil {
		t.Fatal(err)
	}
	db, err := e.openWriter()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	return db
}

// do runs a job that must succeed.
func do(t testing.TB, s *Store, job func(tx *Tx)) Receipt {
	t.Helper()
	r, err := s.Do(context.Background(), func(tx *Tx) error { job(tx); return nil })
	if err != nil {
		t.Fatalf("running a job: %v", err)
	}
	return r
}

// verify checks the whole ledger.
func (s *suite) verify(t testing.TB, st *Store) proof.LedgerReport {
	t.Helper()
	report, err := proof.VerifyLedger(st.Rows(context.Background()), st.Seals(context.Background()), proof.LedgerCheck{Keys: []proof.Key{s.key}, AllSignatures: true})
	if err != nil {
		t.Fatalf("verifying the ledger: %v", err)
	}
	return report
}

func opened(n int) sashlock.Event {
	return sashlock.Event{Kind: sashlock.OpeningOpened, Opening: sashlock.OpeningID(fmt.Sprintf("opn_%d", n)), Device: "dev_1"}
}

func events(t testing.TB, s *Store, q EventQuery) []sashlock.Event {
	t.Helper()
	list, err := s.Events(context.Background(), q)
	if err != nil {
		t.Fatalf("listing events: %v", err)
	}
	return list
}

func seqs(list []sashlock.Event) []int64 {
	out := []int64{}
	for _, e := range list {
		out = append(out, e.Seq)
	}
	return out
}

func TestReceiptCoversTheJob(t *testing.T) {
	onEachEngine(t, func(t *testing.T, s *suite) {
		st := s.open(t)
		do(t, st, func(tx *Tx) { tx.Append(opened(1)) })
		r := do(t, st, func(tx *Tx) {
			if got := tx.Append(opened(2)); got != 1 {
				t.Errorf("Append returned %d, want 1", got)
			}
			tx.Append(opened(3))
		})
		if r.First != 1 || r.Last != 2 {
			t.Errorf("receipt covers %d to %d, want 1 to 2", r.First, r.Last)
		}
		c, err := proof.OpenCheckpoint(r.Checkpoint, s.key)
		if err != nil || c.Size != 3 || c.Origin != testOrigin {
			t.Errorf("checkpoint of the receipt: %+v, %v", c, err)
		}
		if r := do(t, st, func(*Tx) {}); r.Last >= r.First || r.Checkpoint == "" {
			t.Errorf("receipt of a job without entries: %+v", r)
		}
		if got := s.verify(t, st).Entries; got != 3 {
			t.Errorf("verified %d entries, want 3", got)
		}
	})
}

// TestOrderOfManyWriters has many callers append at once: every receipt must
// name exactly the caller's entries, and each caller's own must be in order.
func TestOrderOfManyWriters(t *testing.T) {
	const writers, each = 32, 25
	onEachEngine(t, func(t *testing.T, s *suite) {
		st := s.open(t)
		var wg sync.WaitGroup
		for w := range writers {
			wg.Go(func() {
				last := int64(-1)
				for i := range each {
					r, err := st.Do(context.Background(), func(tx *Tx) error {
						tx.Append(sashlock.Event{Kind: sashlock.PresenceSeen, Opening: sashlock.OpeningID(fmt.Sprintf("opn_%d", w)), Slot: i + 1})
						return nil
					})
					if err != nil || r.First != r.Last || r.First <= last {
						t.Errorf("writer %d, job %d: receipt %+v after %d, %v", w, i, r, last, err)
						return
					}
					last = r.First
				}
			})
		}
		wg.Wait()
		all := events(t, st, EventQuery{Limit: writers * each})
		if len(all) != writers*each {
			t.Fatalf("%d events, want %d", len(all), writers*each)
		}
		next := map[sashlock.OpeningID]int{}
		for i, e := range all {
			if e.Seq != int64(i) || e.Slot != next[e.Opening]+1 {
				t.Fatalf("event %d is number %d with %d after %d of %s", i, e.Seq, e.Slot, next[e.Opening], e.Opening)
			}
			next[e.Opening] = e.Slot
		}
		s.verify(t, st)
	})
}

// TestFailingJobsLoseOnlyTheirOwnWork mixes jobs that fail in every way with
// jobs that succeed, in the same batches.
func TestFailingJobsLoseOnlyTheirOwnWork(t *testing.T) {
	onEachEngine(t, func(t *testing.T, s *suite) {
		st := s.open(t)
		var undone atomic.Int64
		var wg sync.WaitGroup
		const jobs = 40
		for n := range jobs {
			wg.Go(func() {
				if _, err := st.Do(context.Background(), failing(t, n, &undone)); err == nil || n%4 == 0 && !errors.Is(err, errChanged) {
					t.Errorf("failing job %d returned %v", n, err)
				}
			})
			wg.Go(func() {
				_, err := st.Do(context.Background(), func(tx *Tx) error {
					if state, _ := tx.State("opn_1"); state.Offline {
						t.Error("the state of a failed job is seen")
					}
					tx.Append(opened(1000 + n))
					_, err := tx.Exec("INSERT INTO roles (id, slug, name, rev) VALUES (?, ?, ?, 1)", fmt.Sprintf("role_ok%d", n), fmt.Sprintf("ok%d", n), "x")
					return err
				})
				if err != nil {
					t.Errorf("good job %d: %v", n, err)
				}
			})
		}
		wg.Wait()
		if undone.Load() != jobs {
			t.Errorf("OnRollback ran %d times, want %d", undone.Load(), jobs)
		}
		all := events(t, st, EventQuery{Limit: 1000})
		if len(all) != jobs {
			t.Errorf("%d events, want %d", len(all), jobs)
		}
		var roles, bad int
		err := st.View(context.Background(), func(q Query) error {
			return q.QueryRow("SELECT COUNT(*), COUNT(CASE WHEN slug LIKE 'r%' THEN 1 END) FROM roles").Scan(&roles, &bad)
		})
		if err != nil || roles != jobs || bad != 0 {
			t.Errorf("%d roles of which %d by failed jobs, %v; want %d and none", roles, bad, err, jobs)
		}
		if !st.NextWakeup().IsZero() {
			t.Error("the wake-up of a failed job is there")
		}
		s.verify(t, st)
	})
}

var errChanged = errors.New("changed my mind")

// failing is a job that uses both halves and fails in one of four ways.
func failing(t *testing.T, n int, undone *atomic.Int64) func(tx *Tx) error {
	return func(tx *Tx) error {
		state, _ := tx.State("opn_1")
		state.Offline = true
		tx.SaveState(state)
		tx.Wake("opening:opn_1", time.Unix(5, 0))
		tx.Append(opened(n))
		tx.OnRollback(func() { undone.Add(1) })
		tx.OnCommit(func() { t.Error("OnCommit of a failed job was run") })
		if _, err := tx.Exec("INSERT INTO roles (id, slug, name, rev) VALUES (?, ?, ?, 1)", fmt.Sprintf("role_%d", n), fmt.Sprintf("r%d", n), "x"); err != nil {
			return err
		}
		switch n % 4 {
		case 0:
			return errChanged
		case 1:
			panic("oh")
		case 2:
			tx.Append(sashlock.Event{Kind: sashlock.RoleSaved, Data: []byte("{")})
		case 3:
			_, err := tx.Exec("INSERT INTO person_roles (person, role) VALUES ('nobody', 'nothing')")
			if err == nil {
				t.Error("a foreign key that leads nowhere was accepted")
			}
			return err
		}
		return nil
	}
}

// TestBatchFailure fails the flush and the commit of batches: everybody gets
// Unavailable, nothing is left, and the next batch works.
func TestBatchFailure(t *testing.T) {
	rejected := errors.New("the database did not like it")
	onEachEngine(t, func(t *testing.T, s *suite) {
		for _, step := range []string{"flush", "commit"} {
			st, err := newStore(s.opts)
			if err != nil {
				t.Fatal(err)
			}
			var armed atomic.Bool
			st.fault = func(at string) error {
				if at == step && armed.Load() {
					return rejected
				}
				return nil
			}
			if err := st.open(context.Background()); err != nil {
				t.Fatal(err)
			}
			go st.run()
			size := st.Size()
			do(t, st, func(tx *Tx) { tx.SaveState(sashlock.OpeningState{Opening: "opn_1", Lock: sashlock.Locked}) })
			armed.Store(true)
			rolledBack := false
			r, err := st.Do(context.Background(), func(tx *Tx) error {
				tx.Append(opened(1))
				tx.SaveState(sashlock.OpeningState{Opening: "opn_1", Lock: sashlock.Jammed})
				tx.OnRollback(func() { rolledBack = true })
				_, err := tx.Exec("INSERT INTO roles (id, slug, name, rev) VALUES ('role_1', 'r', 'x', 1)")
				return err
			})
			if !sashlock.IsKind(err, sashlock.Unavailable) || !errors.Is(err, rejected) || r.Last >= r.First || !rolledBack {
				t.Errorf("%s: %+v, %v, rolled back %v", step, r, err, rolledBack)
			}
			armed.Store(false)
			r = do(t, st, func(tx *Tx) {
				if state, _ := tx.State("opn_1"); state.Lock != sashlock.Locked {
					t.Errorf("%s: state after the failure is %q", step, state.Lock)
				}
				tx.Append(opened(2))
			})
			if r.First != size {
				t.Errorf("%s: the entry after the failure has number %d, want %d", step, r.First, size)
			}
			s.verify(t, st)
			if err := st.Close(); err != nil {
				t.Error(err)
			}
		}
	})
}

// TestLostConnection closes the writer's connection under it: the batch fails,
// the store opens the database again by itself and goes on.
func TestLostConnection(t *testing.T) {
	onEachEngine(t, func(t *testing.T, s *suite) {
		st := s.open(t)
		do(t, st, func(tx *Tx) { tx.Append(opened(1)) })
		_, err := st.Do(context.Background(), func(tx *Tx) error {
			tx.Append(opened(2))
			return tx.w.conn.Close()
		})
		if !sashlock.IsKind(err, sashlock.Unavailable) {
			t.Fatalf("the batch without a connection returned %v", err)
		}
		waitWritable(t, st)
		if r := do(t, st, func(tx *Tx) { tx.Append(opened(3)) }); r.First != 1 {
			t.Errorf("the entry after it has number %d, want 1", r.First)
		}
		s.verify(t, st)
	})
}

// waitWritable waits until the store accepts changes again.
func waitWritable(t *testing.T, st *Store) {
	t.Helper()
	deadline := time.After(15 * time.Second)
	look := time.NewTicker(5 * time.Millisecond)
	defer look.Stop()
	for !st.Health().Writable {
		select {
		case <-deadline:
			t.Fatalf("the store did not recover: %+v", st.Health())
		case <-look.C:
		}
	}
}
