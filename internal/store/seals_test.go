// SPDX-License-Identifier: Apache-2.0

package store

import (
	"context"
	"slices"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/mod/sumdb/tlog"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/internal/ledger"
	"github.com/sashlock/sashlock/internal/ledger/proof"
)

// report records one event of an opening and its state, as most commits do.
func report(t testing.TB, st *Store, n int) Receipt {
	t.Helper()
	return do(t, st, func(tx *Tx) {
		id := benchIDs[n%benchOpenings]
		tx.Append(benchEvent(id, tx.Now(), int64(n)))
		tx.SaveState(sashlock.OpeningState{Opening: id, Lock: sashlock.Locked, LockAt: tx.Now(), Heard: tx.Now()})
	})
}

// count returns the number that a query gives.
func count(t testing.TB, st *Store, query string) (n int) {
	t.Helper()
	if err := st.View(context.Background(), func(q Query) error { return q.QueryRow(query).Scan(&n) }); err != nil {
		t.Fatal(err)
	}
	return n
}

const (
	besideChanges = "SELECT COUNT(*) FROM changes WHERE first_hash IS NOT NULL"
	inTheirTable  = "SELECT COUNT(*) FROM seals"
)

// provable checks the last entry and every checkpoint against the newest one.
func provable(t *testing.T, s *suite, st *Store, checkpoints []string) {
	t.Helper()
	signed, size, err := st.Checkpoint(context.Background())
	if err != nil || signed != checkpoints[len(checkpoints)-1] {
		t.Fatalf("the newest checkpoint is %q, %v", signed, err)
	}
	newest, err := proof.OpenCheckpoint(signed, s.key)
	if err != nil {
		t.Fatal(err)
	}
	reader := st.HashReader(context.Background())
	for _, older := range checkpoints {
		c, err := proof.OpenCheckpoint(older, s.key)
		if err != nil {
			t.Fatal(err)
		}
		var p tlog.TreeProof
		if p, err = ledger.ConsistencyProof(reader, c.Size, size); err == nil {
			err = proof.VerifyConsistency(c, newest, p)
		}
		if err != nil {
			t.Fatalf("from size %d to %d: %v", c.Size, size, err)
		}
	}
}

// TestSealsAreCarriedOver follows seals from the table of the latest changes
// into their own, with large commits and commits without a state in between.
func TestSealsAreCarriedOver(t *testing.T) {
	onEachEngine(t, func(t *testing.T, s *suite) {
		st := s.open(t)
		var checkpoints []string
		commits := 0
		keep := func(r Receipt) {
			checkpoints = append(checkpoints, r.Checkpoint)
			commits++
		}
		for n := range maxChangeRows - 2 {
			keep(report(t, st, n))
		}
		keep(do(t, st, func(tx *Tx) { tx.Append(opened(1)) }))
		keep(do(t, st, func(tx *Tx) {
			for n := range int64(100) {
				if err := reportJob(n)(tx); err != nil {
					t.Error(err)
				}
			}
		}))
		if got := count(t, st, besideChanges); got != maxChangeRows-2 {
			t.Errorf("%d seals stand beside changes, want %d", got, maxChangeRows-2)
		}
		if got := count(t, st, inTheirTable); got != 2 {
			t.Errorf("%d seals stand in their table, want the one without a state and the large one", got)
		}
		provable(t, s, st, checkpoints)
		for n := range 10 {
			keep(report(t, st, n))
		}
		if got := count(t, st, inTheirTable); got < maxChangeRows {
			t.Errorf("%d seals were carried over, want %d at least", got, maxChangeRows)
		}
		if got := count(t, st, "SELECT COUNT(*) FROM changes") + count(t, st, inTheirTable) - commits; got != 0 {
			t.Errorf("%d seals too many", got)
		}
		st.hashes.clear()
		provable(t, s, st, checkpoints)
		beside := *s
		beside.opts.ReadOnly = true
		provable(t, s, beside.open(t), checkpoints)
		want := everything(t, st)
		if err := st.Close(); err != nil {
			t.Fatal(err)
		}
		st = s.open(t)
		if got := s.verify(t, st); got.Seals != int64(commits) {
			t.Errorf("%d seals were verified, want %d", got.Seals, commits)
		}
		if diff := cmp.Diff(want, everything(t, st)); diff != "" {
			t.Errorf("after opening again (-before +after):\n%s", diff)
		}
	})
}

// TestOldChangesAreKept brings a database of before the seals moved up to date.
func TestOldChangesAreKept(t *testing.T) {
	onEachEngine(t, func(t *testing.T, s *suite) {
		st := s.open(t)
		var checkpoints []string
		for n := range 20 {
			checkpoints = append(checkpoints, report(t, st, n).Checkpoint)
		}
		want := everything(t, st)
		if err := st.Close(); err != nil {
			t.Fatal(err)
		}
		db := s.raw(t)
		mustExec(t, db, carrySeals)
		for _, column := range []string{"first_hash", "size", "hashes", "checkpoint", "at"} {
			mustExec(t, db, "ALTER TABLE changes DROP COLUMN "+column)
		}
		mustExec(t, db, st.engine.schema(migrationNamed(t, "recent_seals")))
		st = s.open(t)
		if diff := cmp.Diff(want, everything(t, st)); diff != "" {
			t.Errorf("after opening again (-before +after):\n%s", diff)
		}
		provable(t, s, st, checkpoints)
		checkpoints = append(checkpoints, report(t, st, 20).Checkpoint)
		provable(t, s, st, checkpoints)
		s.verify(t, st)
	})
}

// migrationNamed returns the text of a migration.
func migrationNamed(t *testing.T, name string) string {
	t.Helper()
	all, err := migrations()
	if err != nil {
		t.Fatal(err)
	}
	i := slices.IndexFunc(all, func(m migration) bool { return m.name == name })
	if i < 0 {
		t.Fatalf("there is no migration %s", name)
	}
	return all[i].text
}

// TestGather does not wait for ever, and waits for whoever comes back.
func TestGather(t *testing.T) {
	q := queue{ready: make(chan struct{}, 1)}
	q.gather(1)
	var coming sync.WaitGroup
	for range 3 {
		coming.Go(func() { q.push(&request{}) })
	}
	coming.Wait()
	q.gather(3)
	q.gather(4)
	if n := len(q.take(nil, 10)); n != 3 {
		t.Errorf("%d are in line, want 3", n)
	}
}
