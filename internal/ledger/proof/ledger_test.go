// SPDX-License-Identifier: Apache-2.0

package proof_test

import (
	"errors"
	"fmt"
	"iter"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"

	"github.com/sashlock/sashlock/internal/ledger/proof"
)

func TestVerifyLedgerAcceptsWholeLedgers(t *testing.T) {
	for _, sizes := range [][]int64{nil, {1}, {2}, {1, 2, 3, 4, 5}, {7, 8}, {1000}, {3, 1023, 1024, 1025, 5000}} {
		l := newLedger(t, sizes...)
		if len(l.rows) > 6 {
			l.erase(0)
			l.erase(6)
		}
		report, err := l.verify()
		if err != nil {
			t.Errorf("%v: %v", sizes, err)
			continue
		}
		if report.Entries != int64(len(l.rows)) || report.Seals != int64(len(sizes)) || report.First != proof.Whole || report.Found != 0 {
			t.Errorf("%v: report %+v", sizes, report)
		}
		if len(sizes) > 0 && report.Checkpoint.Size != sizes[len(sizes)-1] {
			t.Errorf("%v: the report's checkpoint has size %d", sizes, report.Checkpoint.Size)
		}
		if len(l.rows) > 6 && report.Erased != 2 {
			t.Errorf("%v: %d erased", sizes, report.Erased)
		}
	}
}

// ledgerFault is one way to alter a ledger, and what VerifyLedger must say.
type ledgerFault struct {
	name  string
	alter func(l *testLedger)
	want  []string // the problems in full, or their beginnings
}

// checkFaults alters a ledger in one way at a time.
func checkFaults(t *testing.T, faults []ledgerFault) {
	t.Helper()
	whole := newLedger(t, 1, 5, 100, 101, 256, 300)
	for _, c := range faults {
		t.Run(c.name, func(t *testing.T) {
			l := whole.copy()
			c.alter(l)
			report, err := l.verify()
			var problems proof.Problems
			if !errors.As(err, &problems) || int(report.Found) != len(problems) {
				t.Fatalf("got error %v, found %d", err, report.Found)
			}
			checkProblems(t, problems, c.want)
			if report.First != problems[0].Seq {
				t.Errorf("the first wrong entry is given as %d", report.First)
			}
		})
	}
}

func TestVerifyLedgerNamesAlteredEntries(t *testing.T) {
	checkFaults(t, []ledgerFault{
		{"a body bit", func(l *testLedger) { l.rows[17].Body[4] ^= 2 },
			[]string{"entry 17: the body or its salt was altered"}},
		{"a salt bit", func(l *testLedger) { l.rows[0].Salt[31] ^= 128 },
			[]string{"entry 0: the body or its salt was altered"}},
		{"a short salt", func(l *testLedger) { l.rows[9].Salt = l.rows[9].Salt[:31] },
			[]string{"entry 9: body and salt do not stand together"}},
		{"a body erased without its salt", func(l *testLedger) { l.rows[9].Body = nil },
			[]string{"entry 9: body and salt do not stand together"}},
		{"a commitment bit", func(l *testLedger) { l.rows[200].Commitment[0] ^= 1 },
			[]string{"entry 200: its commitment column was altered; body and salt are what was sealed"}},
		{"a cut commitment", func(l *testLedger) { l.rows[200].Commitment = l.rows[200].Commitment[:30] },
			[]string{"entry 200: the commitment is not 32 bytes long"}},
		{"a cut commitment of an erased entry", func(l *testLedger) { l.erase(200); l.rows[200].Commitment = nil },
			[]string{"entry 200: the commitment is not 32 bytes long"}},
		{"the commitment of an erased entry", func(l *testLedger) { l.erase(200); l.rows[200].Commitment[9] ^= 1 },
			[]string{"entry 200: it is not what was sealed"}},
		{"a row replaced with a fitting commitment", func(l *testLedger) { l.replace(42) },
			[]string{"entry 42: it is not what was sealed: the entry was altered or replaced"}},
		{"the last row replaced", func(l *testLedger) { l.replace(299) },
			[]string{"entry 299: it is not what was sealed"}},
		{"the only row of the first seal replaced", func(l *testLedger) { l.replace(0) },
			[]string{"entry 0: it is not what was sealed"}},
		{"a row and its leaf hash replaced", func(l *testLedger) {
			leaf := l.replace(42).Leaf()
			copy(l.stored(0, 42), leaf[:])
		}, []string{"entries 42 to 43: at least one of these entries was altered together with its stored hash"}},
	})
}

func TestVerifyLedgerNamesDamagedHashes(t *testing.T) {
	checkFaults(t, []ledgerFault{
		{"a leaf hash bit", func(l *testLedger) { l.stored(0, 77)[5] ^= 64 },
			[]string{"entry 77: its stored leaf hash was altered or damaged; the entry itself is what was sealed"}},
		{"a node hash bit", func(l *testLedger) { l.stored(3, 2)[5] ^= 64 },
			[]string{"entries 16 to 23: the stored hash over these entries was altered or damaged"}},
		{"the top node", func(l *testLedger) { l.stored(8, 0)[0] ^= 1 },
			[]string{"entries 0 to 255: the stored hash over these entries was altered or damaged"}},
		{"two far apart", func(l *testLedger) { l.rows[250].Body[0] ^= 1; l.replace(3) },
			[]string{"entry 3: it is not what was sealed", "entry 250: the body"}},
	})
}

func TestVerifyLedgerNamesMissingEntries(t *testing.T) {
	checkFaults(t, []ledgerFault{
		{"a row removed", func(l *testLedger) { l.rows = slices.Delete(l.rows, 50, 51) },
			[]string{"entry 50: the ledger has no such entry, though its place was sealed"}},
		{"rows removed over a seal's border", func(l *testLedger) { l.rows = slices.Delete(l.rows, 98, 103) },
			[]string{"entries 98 to 99: the ledger has no such", "entry 100: the ledger", "entries 101 to 102: the ledger"}},
		{"the first row removed", func(l *testLedger) { l.rows = l.rows[1:] },
			[]string{"entry 0: the ledger has no such entry"}},
		{"the last rows removed", func(l *testLedger) { l.rows = l.rows[:290] },
			[]string{"entries 290 to 299: the ledger has no such entry"}},
		{"a row twice", func(l *testLedger) { l.rows = slices.Insert(l.rows, 60, l.rows[59]) },
			[]string{"entry 59: a second entry has this sequence number"}},
		{"two rows swapped", func(l *testLedger) {
			a, b := &l.rows[10], &l.rows[11]
			a.Seq, b.Seq = b.Seq, a.Seq
			l.rows[10], l.rows[11] = *b, *a
		}, []string{"entry 10: it is not what was sealed", "entry 11: it is not what was sealed"}},
		{"a row added at the end", func(l *testLedger) { r := l.rows[0]; r.Seq = 300; l.rows = append(l.rows, r) },
			[]string{"entry 300: no seal covers this"}},
	})
}

func TestVerifyLedgerNamesWrongSeals(t *testing.T) {
	checkFaults(t, []ledgerFault{
		{"the last seal removed", func(l *testLedger) { l.seals = l.seals[:5] },
			[]string{"entries 256 to 299: no seal covers this"}},
		{"a seal removed", func(l *testLedger) { l.seals = slices.Delete(l.seals, 2, 3) },
			[]string{"entries 5 to 100: a seal before the one of size 101 is missing"}},
		{"a seal twice", func(l *testLedger) { l.seals = slices.Insert(l.seals, 3, l.seals[2]) },
			[]string{"entry 99: the seal of size 100 is repeated"}},
		{"a seal's size", func(l *testLedger) { l.seals[4].Size = 1 << 39 },
			[]string{"entries 101 to 255: the seal of size 256 has an altered size (549755813888)"}},
		{"a seal's place", func(l *testLedger) { l.seals[4].FirstHash++ },
			[]string{"entries 101 to 255: the seal of size 256 has an altered size (256) or an altered place"}},
		{"a seal's hashes cut", func(l *testLedger) { l.seals[4].Hashes = l.seals[4].Hashes[:64] },
			[]string{"entries 101 to 255: the stored hashes of the seal of size 256 are not as many as its entries need"}},
		{"a signature bit", func(l *testLedger) { l.seals[1].Checkpoint = flipSignature(l.seals[1].Checkpoint) },
			[]string{"entries 1 to 4: their seal (size 5): the signature of " + origin + " on the checkpoint is wrong"}},
		{"the last signature bit", func(l *testLedger) { l.seals[5].Checkpoint = flipSignature(l.seals[5].Checkpoint) },
			[]string{"entries 256 to 299: their seal (size 300): the signature"}},
		{"an unreadable checkpoint", func(l *testLedger) { l.seals[1].Checkpoint = "gone" },
			[]string{"entries 1 to 4: their seal (size 5): the checkpoint carries no signature"}},
		{"a checkpoint of another seal", func(l *testLedger) { l.seals[1].Checkpoint = l.seals[2].Checkpoint },
			[]string{"entries 1 to 4: the checkpoint of the seal of size 5 states another size, 100"}},
		{"history rewritten without the key", func(l *testLedger) { l.replace(150); l.rebuild(t) },
			[]string{"entries 101 to 255: the checkpoint of size 256 is genuine and has another root", "1 later checkpoints do not match"}},
	})
}

func checkProblems(t *testing.T, got proof.Problems, want []string) {
	t.Helper()
	ok := len(got) == len(want)
	for i := 0; ok && i < len(got); i++ {
		ok = strings.HasPrefix(got[i].String(), want[i])
	}
	if !ok {
		for _, p := range got {
			t.Logf("got:  %s [%s]", p, p.Kind)
		}
		for _, s := range want {
			t.Logf("want: %s", s)
		}
		t.Error("the problems differ")
	}
}

func flipSignature(signed string) string {
	b := []byte(signed)
	at := len(b) - 20
	if b[at] == 'A' {
		b[at] = 'B'
	} else {
		b[at] = 'A'
	}
	return string(b)
}

// TestVerifyLedgerFindsAnyFlip flips random bits all over a ledger; each must
// be found, and named near enough.
func TestVerifyLedgerFindsAnyFlip(t *testing.T) {
	whole := newLedger(t, 1, 5, 64, 65, 130)
	random := rand.New(rand.NewPCG(1, 2))
	for range 400 {
		l := whole.copy()
		var place string
		var low, high int64
		flip := func(b []byte) { b[random.IntN(len(b))] ^= 1 << random.IntN(8) }
		seq := random.Int64N(130)
		low, high = seq, seq
		switch random.IntN(4) {
		case 0:
			place = "body"
			flip(l.rows[seq].Body)
		case 1:
			place = "salt"
			flip(l.rows[seq].Salt)
		case 2:
			place = "commitment"
			flip(l.rows[seq].Commitment)
		case 3:
			place = "stored hash"
			index := random.Int64N(tlog.StoredHashCount(130))
			level, n := tlog.SplitStoredHashIndex(index)
			low, high = n<<level, (n+1)<<level-1
			flip(l.stored(level, n))
		}
		report, err := l.verify()
		if err == nil || report.Found != 1 || report.First != low || report.Problems[0].Last != high {
			t.Errorf("%s of entries %d to %d: %v, %d problems", place, low, high, err, report.Found)
		}
	}
}

func TestVerifyLedgerSamplesSignatures(t *testing.T) {
	sizes := make([]int64, 2100)
	for i := range sizes {
		sizes[i] = int64(i + 1)
	}
	l := newLedger(t, sizes...)
	check := proof.LedgerCheck{Keys: []proof.Key{l.key}}
	report, err := proof.VerifyLedger(l.entries(), l.sealed(), check)
	if err != nil || report.Signatures != 3 { // the 1,024th, the 2,048th and the last
		t.Errorf("sampling: %v, %d signatures", err, report.Signatures)
	}
	if report, err = l.verify(); err != nil || report.Signatures != 2100 {
		t.Errorf("all: %v, %d signatures", err, report.Signatures)
	}
	whole := l.seals[2099]
	l.seals[2099].Checkpoint = flipSignature(l.seals[2099].Checkpoint)
	if _, err = proof.VerifyLedger(l.entries(), l.sealed(), check); err == nil {
		t.Error("a wrong last signature was not noticed when sampling")
	}
	// A checkpoint of another ledger is conspicuous, so it is checked as well.
	l.seals[2099] = whole
	l.seals[500].Checkpoint = strings.Replace(l.seals[500].Checkpoint, "store-12\n", "store-13\n", 1)
	if report, err = proof.VerifyLedger(l.entries(), l.sealed(), check); err == nil || report.First != 500 {
		t.Errorf("a checkpoint with another origin: %v, first %d", err, report.First)
	}
}

func TestVerifyLedgerLimitsAndProgress(t *testing.T) {
	l := newLedger(t, 300, 140_000)
	for i := range l.rows[:250] {
		l.rows[i+20].Body[0] ^= 1
	}
	now := time.Unix(0, 0)
	var steps []proof.Progress
	report, err := proof.VerifyLedger(l.entries(), l.sealed(), proof.LedgerCheck{
		Keys: []proof.Key{l.key}, MaxProblems: 7, Total: 140_000,
		Now:      func() time.Time { now = now.Add(time.Second); return now },
		Progress: func(p proof.Progress) { steps = append(steps, p) },
	})
	if err == nil || len(report.Problems) != 7 || report.Found != 250 || report.First != 20 {
		t.Errorf("%d problems listed, %d found, first %d, %v", len(report.Problems), report.Found, report.First, err)
	}
	want := []proof.Progress{{Done: 65536, Total: 140_000, PerSecond: 65536}, {Done: 131072, Total: 140_000, PerSecond: 65536}}
	if !slices.Equal(steps, want) {
		t.Errorf("progress: %v, want %v", steps, want)
	}
}

func TestVerifyLedgerKeys(t *testing.T) {
	l := newLedger(t, 10, 20)
	if _, err := proof.VerifyLedger(l.entries(), l.sealed(), proof.LedgerCheck{}); err == nil {
		t.Error("a check without a key passed")
	}
	_, other := fixedKey(t, origin, 8)
	_, err := proof.VerifyLedger(l.entries(), l.sealed(), proof.LedgerCheck{Keys: []proof.Key{other}})
	if err == nil || !strings.Contains(err.Error(), "not signed by this key") {
		t.Errorf("with another key: %v", err)
	}
	// A store that changed its key is checked with both.
	l.signer, _ = fixedKey(t, origin, 8)
	l.seals[1].Checkpoint = l.sign(t, 20, mustRoot(t, l, 20))
	_, err = proof.VerifyLedger(l.entries(), l.sealed(), proof.LedgerCheck{Keys: []proof.Key{l.key, other}, AllSignatures: true})
	if err != nil {
		t.Errorf("with both keys: %v", err)
	}
}

func mustRoot(t *testing.T, l *testLedger, size int64) tlog.Hash {
	t.Helper()
	root, err := tlog.TreeHash(size, l)
	if err != nil {
		t.Fatal(err)
	}
	return root
}

// TestVerifyLedgerStops ends on errors of either iterator, with all goroutines.
func TestVerifyLedgerStops(t *testing.T) {
	l := newLedger(t, 100, 30_000)
	disk := errors.New("disk on fire")
	check := proof.LedgerCheck{Keys: []proof.Key{l.key}}
	failing := func(after int) iter.Seq2[proof.Row, error] {
		return func(yield func(proof.Row, error) bool) {
			for _, r := range l.rows[:after] {
				if !yield(r, nil) {
					return
				}
			}
			yield(proof.Row{}, disk)
		}
	}
	for _, after := range []int{0, 1, 99, 100, 1024, 29_999, 30_000} {
		if _, err := proof.VerifyLedger(failing(after), l.sealed(), check); !errors.Is(err, disk) {
			t.Errorf("entries failing after %d: %v", after, err)
		}
	}
	noSeals := func(yield func(proof.Seal, error) bool) { yield(proof.Seal{}, disk) }
	if _, err := proof.VerifyLedger(l.entries(), noSeals, check); !errors.Is(err, disk) {
		t.Errorf("seals failing: %v", err)
	}
	// Nothing left to compute with: entry and stored hashes are gone.
	l.rows = slices.Delete(l.rows, 500, 600)
	l.seals[1].Hashes = nil
	report, err := proof.VerifyLedger(l.entries(), l.sealed(), check)
	var problems proof.Problems
	if !errors.As(err, &problems) || report.First != 500 || problems[0].Last != 599 {
		t.Errorf("entries and hashes gone: %v, %+v", err, report.Problems)
	}
}

// FuzzVerifyLedger feeds damaged seals; nothing damaged may pass, nothing may panic.
func FuzzVerifyLedger(f *testing.F) {
	l := newLedger(f, 3, 20, 33)
	s := l.seals[1]
	f.Add(s.Size, s.FirstHash, s.Hashes, s.Checkpoint)
	f.Add(int64(-1), int64(1<<62), []byte{}, "")
	f.Add(int64(1<<62), s.FirstHash, s.Hashes[32:], s.Checkpoint)
	f.Add(s.Size, s.FirstHash, s.Hashes, origin+"\n1099511627776\nAAAA\n\n— x y\n")
	f.Fuzz(func(t *testing.T, size, first int64, hashes []byte, checkpoint string) {
		d := l.copy()
		d.seals[1] = proof.Seal{Size: size, FirstHash: first, Hashes: hashes, Checkpoint: checkpoint}
		_, err := d.verify()
		same := size == s.Size && first == s.FirstHash && string(hashes) == string(s.Hashes)
		if err == nil && !same {
			t.Error("a damaged seal was accepted")
		}
		if c, openErr := proof.OpenCheckpoint(checkpoint, l.key); err == nil && (openErr != nil || c.Size != 20) {
			t.Errorf("a damaged checkpoint was accepted: %v", openErr)
		}
	})
}

// bigLedger has bodies of the size of real events (about 275 bytes) and one
// seal for every perSeal entries. It builds its tree quickly, for the benchmark only.
func bigLedger(b *testing.B, n, perSeal int64) *testLedger {
	b.Helper()
	l := &testLedger{}
	l.signer, l.key = fixedKey(b, origin, 7)
	pad := strings.Repeat("x", 180)
	for seq := range n {
		var salt [proof.SaltSize]byte
		salt[0], salt[1], salt[2] = byte(seq), byte(seq>>8), byte(seq>>16)
		body := fmt.Appendf(nil, `{"seq":%012d,"kind":"opening.opened","opening":"case-7","note":"%s"}`, seq, pad)
		c := proof.Commit(salt, body)
		l.rows = append(l.rows, proof.Row{Seq: seq, Body: body, Salt: salt[:], Commitment: c[:]})
		hashes, err := tlog.StoredHashes(seq, c[:], l)
		if err != nil {
			b.Fatal(err)
		}
		first := len(l.hashes)
		l.hashes = append(l.hashes, hashes...)
		if seq%perSeal == 0 {
			l.seals = append(l.seals, proof.Seal{FirstHash: int64(first)})
		}
		s := &l.seals[len(l.seals)-1]
		for _, h := range hashes {
			s.Hashes = append(s.Hashes, h[:]...)
		}
		s.Size = seq + 1
	}
	for i := range l.seals {
		root, err := tlog.TreeHash(l.seals[i].Size, l)
		if err != nil {
			b.Fatal(err)
		}
		signed, err := note.Sign(&note.Note{Text: proof.Checkpoint{Origin: origin, Size: l.seals[i].Size, Root: root}.Text()}, l.signer)
		if err != nil {
			b.Fatal(err)
		}
		l.seals[i].Checkpoint = string(signed)
	}
	return l
}

func BenchmarkVerifyLedger(b *testing.B) {
	const n = 100_000
	for _, perSeal := range []int64{1, 30, 500} {
		l := bigLedger(b, n, perSeal)
		for _, all := range []bool{false, true} {
			b.Run(fmt.Sprintf("perSeal=%d/allSignatures=%v", perSeal, all), func(b *testing.B) {
				b.ReportAllocs()
				for b.Loop() {
					check := proof.LedgerCheck{Keys: []proof.Key{l.key}, AllSignatures: all}
					if _, err := proof.VerifyLedger(l.entries(), l.sealed(), check); err != nil {
						b.Fatal(err)
					}
				}
				b.ReportMetric(float64(n*b.N)/b.Elapsed().Seconds(), "entries/s")
			})
		}
	}
}
