// SPDX-License-Identifier: Apache-2.0

package ledger_test

import (
	"testing"
	"time"

	"golang.org/x/mod/sumdb/tlog"
	"pgregory.net/rapid"

	"github.com/sashlock/sashlock/internal/ledger"
	"github.com/sashlock/sashlock/internal/ledger/proof"
)

// TestAppenderEqualsTlog holds every size from 0 to 3,000 against package tlog.
func TestAppenderEqualsTlog(t *testing.T) {
	const sizes = 3000
	want := oracle(t, sizes)
	a := ledger.NewAppender()
	for size := int64(0); ; size++ {
		first, fresh := a.Fresh()
		if first != 0 || int64(len(fresh)) != tlog.StoredHashCount(size)*tlog.HashSize {
			t.Fatalf("size %d: first %d, %d bytes of hashes", size, first, len(fresh))
		}
		root, err := tlog.TreeHash(size, want)
		if err != nil {
			t.Fatal(err)
		}
		if a.Size() != size || a.Root() != root {
			t.Fatalf("size %d: got size %d, root %v, want root %v", size, a.Size(), a.Root(), root)
		}
		if size == sizes {
			break
		}
		a.Append(commitment(size))
	}
	var got memory
	_, fresh := a.Fresh()
	got.add(fresh)
	for i := range want {
		if got[i] != want[i] {
			t.Fatalf("stored hash %d differs", i)
		}
	}
}

// TestAppenderInBatches splits a ledger into random commits, some of which fail
// or are followed by a restart, and holds every seal against package tlog.
func TestAppenderInBatches(t *testing.T) {
	const sizes = 3000
	want := oracle(t, sizes)
	signer, key := newKey(t)
	rapid.Check(t, func(t *rapid.T) {
		var stored memory
		a := ledger.NewAppender()
		limit := rapid.Int64Range(1, sizes).Draw(t, "size")
		for a.Size() < limit {
			if rapid.IntRange(0, 4).Draw(t, "restart") == 0 {
				var err error
				if a, err = ledger.RestoreAppender(a.Size(), stored); err != nil {
					t.Fatal(err)
				}
			}
			mark := a.Snapshot()
			from := a.Size()
			to := min(limit, from+rapid.Int64Range(1, 400).Draw(t, "batch"))
			if rapid.IntRange(0, 3).Draw(t, "fail") == 0 {
				a.Append(commitments(7000, 7000+to-from)...) // a commit that fails
				if err := a.Restore(mark); err != nil {
					t.Fatal(err)
				}
			}
			a.Append(commitments(from, to)...)
			seal, err := a.Seal(signer, time.Time{})
			if err != nil {
				t.Fatal(err)
			}
			checkSeal(t, seal, key, from, to, want)
			stored.add(seal.Hashes)
			a.Committed()
			if err := a.Restore(mark); err == nil {
				t.Fatal("a mark from before the commit was accepted")
			}
		}
	})
}

func checkSeal(t *rapid.T, seal ledger.Seal, key proof.Key, from, to int64, want memory) {
	t.Helper()
	if seal.Size != to || seal.FirstHash != tlog.StoredHashCount(from) {
		t.Fatalf("seal of %d to %d: size %d, first hash %d", from, to, seal.Size, seal.FirstHash)
	}
	for i := seal.FirstHash; i < tlog.StoredHashCount(to); i++ {
		if h, ok := seal.Hash(i); !ok || h != want[i] {
			t.Fatalf("seal of %d to %d: stored hash %d differs or is absent", from, to, i)
		}
	}
	if _, ok := seal.Hash(tlog.StoredHashCount(to)); ok {
		t.Fatal("the seal has more hashes than its entries need")
	}
	c, err := ledger.OpenCheckpoint(seal.Checkpoint, key)
	if err != nil {
		t.Fatal(err)
	}
	root, err := tlog.TreeHash(to, want)
	if err != nil || c.Size != to || c.Root != root {
		t.Fatalf("checkpoint of size %d, want %d; root right: %v", c.Size, to, c.Root == root)
	}
}

func TestAppenderMarksNest(t *testing.T) {
	a := ledger.NewAppender()
	a.Append(commitments(0, 5)...)
	outer := a.Snapshot()
	a.Append(commitments(5, 9)...)
	inner, innerRoot := a.Snapshot(), a.Root()
	a.Append(commitments(9, 40)...)
	if err := a.Restore(inner); err != nil || a.Root() != innerRoot || a.Size() != 9 {
		t.Fatalf("after restoring the inner mark: %v, size %d", err, a.Size())
	}
	if err := a.Restore(outer); err != nil || a.Size() != 5 {
		t.Fatalf("after restoring the outer mark: %v, size %d", err, a.Size())
	}
	if err := a.Restore(inner); err == nil {
		t.Fatal("a void mark was accepted")
	}
}

func TestRestoreAppenderRefuses(t *testing.T) {
	for _, size := range []int64{-1, proof.MaxTreeSize + 1, 1 << 62} {
		if _, err := ledger.RestoreAppender(size, memory{}); err == nil {
			t.Errorf("size %d was accepted", size)
		}
	}
	if _, err := ledger.RestoreAppender(3, memory{}); err == nil {
		t.Error("missing stored hashes were accepted")
	}
	short := tlog.HashReaderFunc(func([]int64) ([]tlog.Hash, error) { return nil, nil })
	if _, err := ledger.RestoreAppender(3, short); err == nil {
		t.Error("a short answer was accepted")
	}
}

// TestAppendDoesNotAllocate keeps the hot path lean once the buffer has grown.
func TestAppendDoesNotAllocate(t *testing.T) {
	a := ledger.NewAppender()
	batch := commitments(0, 256)
	a.Append(batch...)
	a.Append(batch...)
	a.Committed()
	if n := testing.AllocsPerRun(50, func() {
		a.Append(batch...)
		a.Committed()
	}); n != 0 {
		t.Errorf("256 appends allocate %v times", n)
	}
}

func BenchmarkAppend(b *testing.B) {
	a := ledger.NewAppender()
	batch := commitments(0, 64)
	b.ReportAllocs()
	for n := 0; n < b.N; n += len(batch) {
		mark := a.Snapshot()
		a.Append(batch...)
		if err := a.Restore(mark); err != nil {
			b.Fatal(err)
		}
		a.Append(batch...)
		a.Committed()
	}
	b.ReportMetric(2*float64(b.N)/b.Elapsed().Seconds(), "appends/s")
}

func BenchmarkSeal(b *testing.B) {
	signer, _ := newKey(b)
	a := ledger.NewAppender()
	a.Append(commitments(0, 1000)...)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := a.Seal(signer, time.Time{}); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkProveAndVerify(b *testing.B) {
	signer, key := newKey(b)
	const size = 100_000
	s := newSource(b, signer, size)
	c, err := ledger.OpenCheckpoint(s.signed, key)
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	seq := int64(0)
	for b.Loop() {
		p, err := ledger.InclusionProof(s.hashes, size, seq)
		if err != nil {
			b.Fatal(err)
		}
		if err := proof.VerifyInclusion(c, seq, commitment(seq), p); err != nil {
			b.Fatal(err)
		}
		seq = (seq + 7919) % size
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "proofs/s")
}
