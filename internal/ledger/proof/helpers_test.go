// SPDX-License-Identifier: Apache-2.0

package proof_test

import (
	"bytes"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"iter"
	"slices"
	"testing"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"

	"github.com/sashlock/sashlock/internal/ledger/proof"
)

const origin = "sashlock.example/store-12"

// fixedKey returns the key pair that belongs to a seed, always the same one, so
// that test data can be kept in files.
func fixedKey(t testing.TB, name string, seed byte) (note.Signer, proof.Key) {
	t.Helper()
	private := ed25519.NewKeyFromSeed(bytes.Repeat([]byte{seed}, ed25519.SeedSize))
	public := append([]byte{1}, private.Public().(ed25519.PublicKey)...)
	sum := sha256.Sum256(append([]byte(name+"\n"), public...))
	id := fmt.Sprintf("%s+%08x+", name, binary.BigEndian.Uint32(sum[:]))
	signer, err := note.NewSigner("PRIVATE+KEY+" + id + base64.StdEncoding.EncodeToString(append([]byte{1}, private.Seed()...)))
	if err != nil {
		t.Fatal(err)
	}
	key, err := proof.ParseKey(id + base64.StdEncoding.EncodeToString(public))
	if err != nil {
		t.Fatal(err)
	}
	return signer, key
}

// testLedger is a whole ledger in memory, built with package tlog only.
type testLedger struct {
	signer note.Signer
	key    proof.Key
	rows   []proof.Row
	seals  []proof.Seal
	hashes []tlog.Hash
}

func (l *testLedger) ReadHashes(indexes []int64) ([]tlog.Hash, error) {
	list := make([]tlog.Hash, 0, len(indexes))
	for _, i := range indexes {
		list = append(list, l.hashes[i])
	}
	return list, nil
}

// newLedger builds a ledger whose commits end at the given sizes.
func newLedger(t testing.TB, sizes ...int64) *testLedger {
	t.Helper()
	l := &testLedger{}
	l.signer, l.key = fixedKey(t, origin, 7)
	for _, size := range sizes {
		first := len(l.hashes)
		for seq := int64(len(l.rows)); seq < size; seq++ {
			l.addRow(t, seq)
		}
		l.seals = append(l.seals, l.seal(t, size, int64(first)))
	}
	return l
}

func (l *testLedger) addRow(t testing.TB, seq int64) {
	t.Helper()
	salt := sha256.Sum256(fmt.Appendf(nil, "salt %d", seq))
	body := fmt.Appendf(nil, `{"heard":"2026-11-20T10:%02d:%02d.000Z","kind":"opening.opened","opening":"case-%d"}`, seq/60%60, seq%60, seq%9)
	c := proof.Commit(salt, body)
	l.rows = append(l.rows, proof.Row{Seq: seq, Body: body, Salt: salt[:], Commitment: c[:]})
	hashes, err := tlog.StoredHashes(seq, c[:], l)
	if err != nil {
		t.Fatal(err)
	}
	l.hashes = append(l.hashes, hashes...)
}

func (l *testLedger) seal(t testing.TB, size, first int64) proof.Seal {
	t.Helper()
	root, err := tlog.TreeHash(size, l)
	if err != nil {
		t.Fatal(err)
	}
	s := proof.Seal{Size: size, FirstHash: first, Checkpoint: l.sign(t, size, root)}
	for _, h := range l.hashes[first:] {
		s.Hashes = append(s.Hashes, h[:]...)
	}
	return s
}

func (l *testLedger) sign(t testing.TB, size int64, root tlog.Hash) string {
	t.Helper()
	signed, err := note.Sign(&note.Note{Text: proof.Checkpoint{Origin: origin, Size: size, Root: root}.Text()}, l.signer)
	if err != nil {
		t.Fatal(err)
	}
	return string(signed)
}

// copy returns a ledger that can be altered without touching l.
func (l *testLedger) copy() *testLedger {
	c := *l
	c.rows = slices.Clone(l.rows)
	for i, r := range c.rows {
		c.rows[i] = proof.Row{Seq: r.Seq, Body: bytes.Clone(r.Body), Salt: bytes.Clone(r.Salt), Commitment: bytes.Clone(r.Commitment)}
	}
	c.seals = slices.Clone(l.seals)
	for i := range c.seals {
		c.seals[i].Hashes = bytes.Clone(c.seals[i].Hashes)
	}
	c.hashes = slices.Clone(l.hashes)
	return &c
}

// stored returns the place of a stored hash within the seals.
func (l *testLedger) stored(level int, n int64) []byte {
	index := tlog.StoredHashIndex(level, n)
	for _, s := range l.seals {
		if at := (index - s.FirstHash) * tlog.HashSize; at >= 0 && at < int64(len(s.Hashes)) {
			return s.Hashes[at : at+tlog.HashSize]
		}
	}
	return nil
}

// erase removes body and salt of an entry.
func (l *testLedger) erase(seq int64) { l.rows[seq].Body, l.rows[seq].Salt = nil, nil }

// replace puts another body in an entry, with a commitment that fits.
func (l *testLedger) replace(seq int64) proof.Commitment {
	r := &l.rows[seq]
	r.Body = []byte(`{"kind":"forged"}`)
	c := proof.Commit([proof.SaltSize]byte(r.Salt), r.Body)
	r.Commitment = c[:]
	return c
}

// rebuild recomputes stored hashes over the present commitments, as somebody
// would who rewrites history without having the key.
func (l *testLedger) rebuild(t testing.TB) {
	t.Helper()
	l.hashes = nil
	for _, r := range l.rows {
		hashes, err := tlog.StoredHashes(r.Seq, r.Commitment, l)
		if err != nil {
			t.Fatal(err)
		}
		l.hashes = append(l.hashes, hashes...)
	}
	for i := range l.seals {
		s := &l.seals[i]
		for j := range len(s.Hashes) / tlog.HashSize {
			copy(s.Hashes[j*tlog.HashSize:], l.hashes[s.FirstHash+int64(j)][:])
		}
	}
}

// entries yields all rows through one buffer, which is overwritten each time as
// a database driver would.
func (l *testLedger) entries() iter.Seq2[proof.Row, error] {
	return func(yield func(proof.Row, error) bool) {
		var buf []byte
		reuse := func(b []byte) []byte {
			if b == nil {
				return nil
			}
			at := len(buf)
			buf = append(buf, b...)
			return buf[at:len(buf):len(buf)]
		}
		for _, r := range l.rows {
			buf = slices.Grow(buf[:0], 4096)
			r.Body, r.Salt, r.Commitment = reuse(r.Body), reuse(r.Salt), reuse(r.Commitment)
			if !yield(r, nil) {
				return
			}
		}
	}
}

func (l *testLedger) sealed() iter.Seq2[proof.Seal, error] {
	return func(yield func(proof.Seal, error) bool) {
		for _, s := range l.seals {
			if !yield(s, nil) {
				return
			}
		}
	}
}

// verify runs VerifyLedger with all signatures checked.
func (l *testLedger) verify() (proof.LedgerReport, error) {
	return proof.VerifyLedger(l.entries(), l.sealed(), proof.LedgerCheck{Keys: []proof.Key{l.key}, AllSignatures: true})
}

// bundle makes an evidence bundle over the last seal.
func (l *testLedger) bundle(t testing.TB, seqs ...int64) *proof.Bundle {
	t.Helper()
	size := int64(len(l.rows))
	b := &proof.Bundle{Origin: origin, Checkpoint: l.seals[len(l.seals)-1].Checkpoint, VerifierKey: l.key.String()}
	for _, seq := range seqs {
		p, err := tlog.ProveRecord(size, seq, l)
		if err != nil {
			t.Fatal(err)
		}
		r := l.rows[seq]
		b.Entries = append(b.Entries, proof.Statement{
			Seq: seq, Erased: r.Body == nil, Body: r.Body, Salt: r.Salt,
			Commitment: proof.Commitment(r.Commitment), Proof: p,
		})
	}
	if len(l.seals) > 1 {
		p, err := tlog.ProveTree(size, l.seals[0].Size, l)
		if err != nil {
			t.Fatal(err)
		}
		b.Consistency = &proof.Consistency{Checkpoint: l.seals[0].Checkpoint, Proof: p}
	}
	return b
}
