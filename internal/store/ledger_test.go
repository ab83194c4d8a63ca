// SPDX-License-Identifier: Apache-2.0

package store

import (
	"context"
	"net/http"
	"net/http/httptest"
	"testing"

	"golang.org/x/mod/sumdb/tlog"

	"github.com/sashlock/sashlock/internal/ledger"
	"github.com/sashlock/sashlock/internal/ledger/proof"
)

// TestProofsFromTheDatabase makes and checks proofs for every entry and many
// sizes, from hashes read back out of the seals.
func TestProofsFromTheDatabase(t *testing.T) {
	onEachEngine(t, func(t *testing.T, s *suite) {
		st := s.open(t)
		ctx := context.Background()
		var checkpoints []string
		for n := range 40 {
			r := do(t, st, func(tx *Tx) {
				for range n%5 + 1 {
					tx.Append(opened(n))
				}
			})
			checkpoints = append(checkpoints, r.Checkpoint)
		}
		signed, size, err := st.Checkpoint(ctx)
		if err != nil || size != st.Size() || signed != checkpoints[len(checkpoints)-1] {
			t.Fatalf("checkpoint of %d entries, %v", size, err)
		}
		newest, err := proof.OpenCheckpoint(signed, s.key)
		if err != nil {
			t.Fatal(err)
		}
		reader := st.HashReader(ctx)
		for seq := range size {
			e, err := st.Entry(ctx, seq)
			if err != nil {
				t.Fatal(err)
			}
			p, err := ledger.InclusionProof(reader, size, seq)
			if err != nil {
				t.Fatal(err)
			}
			if err := proof.VerifyInclusion(newest, seq, e.Commitment, p); err != nil {
				t.Errorf("entry %d: %v", seq, err)
			}
		}
		for _, older := range checkpoints {
			c, err := proof.OpenCheckpoint(older, s.key)
			if err != nil {
				t.Fatal(err)
			}
			p, err := ledger.ConsistencyProof(reader, c.Size, size)
			if err != nil {
				t.Fatal(err)
			}
			if err := proof.VerifyConsistency(c, newest, p); err != nil {
				t.Errorf("size %d: %v", c.Size, err)
			}
		}
		list, err := st.Commitments(ctx, 3, 7)
		if err != nil || len(list) != 7 {
			t.Fatalf("%d commitments, %v", len(list), err)
		}
		if e, err := st.Entry(ctx, 5); err != nil || e.Commitment != list[2] {
			t.Errorf("commitment of entry 5 differs, %v", err)
		}
		if _, err := st.ReadHashes(ctx, []int64{tlog.StoredHashCount(size)}); err == nil {
			t.Error("a hash beyond the ledger was read")
		}
	})
}

func TestTilesAreServed(t *testing.T) {
	onEachEngine(t, func(t *testing.T, s *suite) {
		st := s.open(t)
		handler := ledger.TileHandler(st)
		get := func(path string) *httptest.ResponseRecorder {
			w := httptest.NewRecorder()
			handler.ServeHTTP(w, httptest.NewRequest(http.MethodGet, path, nil))
			return w
		}
		if w := get("/checkpoint"); w.Code != http.StatusNotFound {
			t.Errorf("checkpoint of an empty ledger: %d", w.Code)
		}
		do(t, st, func(tx *Tx) {
			for i := range 300 {
				tx.Append(opened(i))
			}
		})
		for path, length := range map[string]int{"/tile/0/000": 256 * 32, "/tile/0/001.p/44": 44 * 32, "/tile/1/000.p/1": 32, "/tile/entries/001.p/44": 44 * 34} {
			if w := get(path); w.Code != http.StatusOK || w.Body.Len() != length {
				t.Errorf("%s: %d with %d bytes", path, w.Code, w.Body.Len())
			}
		}
	})
}

// BenchmarkVerify reads and checks a whole ledger out of SQLite.
func BenchmarkVerify(b *testing.B) {
	s := newSuite(b, "sqlite://"+b.TempDir()+"/store.db")
	st := s.open(b)
	const entries, each = 200_000, 400
	for n := int64(0); n < entries; n += each {
		do(b, st, func(tx *Tx) {
			for i := range int64(each) {
				tx.Append(benchEvent(benchIDs[(n+i)%benchOpenings], tx.Now(), n+i))
			}
		})
	}
	for b.Loop() {
		report, err := proof.VerifyLedger(st.Rows(context.Background()), st.Seals(context.Background()), proof.LedgerCheck{Keys: []proof.Key{s.key}})
		if err != nil || report.Entries != entries {
			b.Fatal(report.Entries, err)
		}
	}
	b.ReportMetric(float64(entries)*float64(b.N)/b.Elapsed().Seconds(), "entries/s")
}
