// SPDX-License-Identifier: Apache-2.0

package store

import (
	"context"
	"errors"
	"math"
	"path/filepath"
	"testing"

	"github.com/sashlock/sashlock/internal/ledger/proof"
)

// fillLedger appends n events, each events to a commit.
func fillLedger(t testing.TB, st *Store, n, each int64) {
	t.Helper()
	for from := int64(0); from < n; from += each {
		do(t, st, func(tx *Tx) {
			for i := range min(each, n-from) {
				tx.Append(benchEvent(benchIDs[(from+i)%benchOpenings], tx.Now(), from+i))
			}
		})
	}
}

// TestRowsInOrder reads several runs, with gaps that only damage can leave.
func TestRowsInOrder(t *testing.T) {
	onEachEngine(t, func(t *testing.T, s *suite) {
		st := s.open(t)
		const n = 3*runEntries + 5
		fillLedger(t, st, n, 1000)
		s.verify(t, st)
		db := s.raw(t)
		mustExec(t, db, "DELETE FROM entries WHERE seq = 7")
		mustExec(t, db, "INSERT INTO entries (seq, body, binding) SELECT -3, body, binding FROM entries WHERE seq = 1")
		mustExec(t, db, "INSERT INTO entries (seq, body, binding) SELECT 9223372036854775807, body, binding FROM entries WHERE seq = 1")
		want := []int64{-3}
		for seq := range int64(n) {
			if seq != 7 {
				want = append(want, seq)
			}
		}
		want = append(want, math.MaxInt64)
		at := 0
		for r, err := range st.Rows(context.Background()) {
			if err != nil {
				t.Fatal(err)
			}
			if at >= len(want) || r.Seq != want[at] {
				t.Fatalf("row %d has the number %d", at, r.Seq)
			}
			if len(r.Body) < 100 || len(r.Salt) != proof.SaltSize || len(r.Commitment) != 32 {
				t.Fatalf("entry %d: %d, %d and %d bytes", r.Seq, len(r.Body), len(r.Salt), len(r.Commitment))
			}
			at++
		}
		if at != len(want) {
			t.Errorf("got %d rows, want %d", at, len(want))
		}
	})
}

// TestRowsEnd leaves the loop early, and cancels it.
func TestRowsEnd(t *testing.T) {
	onEachEngine(t, func(t *testing.T, s *suite) {
		st := s.open(t)
		const n = 40 * runEntries / 4 // more than is read ahead
		fillLedger(t, st, n, 2000)
		read := 0
		for range st.Rows(context.Background()) {
			if read++; read == 3 {
				break
			}
		}
		ctx, cancel := context.WithCancel(context.Background())
		defer cancel()
		read, failed := 0, error(nil)
		for _, err := range st.Rows(ctx) {
			if failed = err; err != nil {
				break
			}
			if read++; read == 3 {
				cancel()
			}
		}
		if failed == nil || read >= n {
			t.Errorf("after it was cancelled, %d of %d rows came, and the error %v", read, n, failed)
		}
		s.verify(t, st) // every connection is back in the pool
	})
}

// TestRowsCancelledBefore gives an error, not an empty ledger.
func TestRowsCancelledBefore(t *testing.T) {
	st := newSuite(t, "sqlite://"+filepath.Join(t.TempDir(), "store.db")).open(t)
	fillLedger(t, st, 3, 3)
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	var failed error
	for _, err := range st.Rows(ctx) {
		failed = err
	}
	if !errors.Is(failed, context.Canceled) {
		t.Errorf("got the error %v", failed)
	}
}

// TestHelperIsLeftAlone asks a core that was late less and less often.
func TestHelperIsLeftAlone(t *testing.T) {
	var h helper
	for _, want := range []int{1, 3, 7, 15, 31, 63, 127, 255, maxAlone, maxAlone} {
		if h.note(false); h.alone != want {
			t.Fatalf("signs %d alone, want %d", h.alone, want)
		}
	}
	h.alone = 0
	if h.note(true); h.alone != 0 {
		t.Errorf("signs %d alone after help came in time", h.alone)
	}
	if h.note(false); h.alone != 1 {
		t.Errorf("signs %d alone, want 1", h.alone)
	}
}
