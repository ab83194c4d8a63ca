// SPDX-License-Identifier: Apache-2.0

package ledger_test

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"testing"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"

	"github.com/sashlock/sashlock/internal/ledger"
	"github.com/sashlock/sashlock/internal/ledger/proof"
)

const origin = "sashlock.example/store-12"

// newKey returns a fresh key pair of the test ledger.
func newKey(t testing.TB) (note.Signer, proof.Key) {
	t.Helper()
	skey, vkey, err := note.GenerateKey(nil, origin)
	if err != nil {
		t.Fatal(err)
	}
	signer, err := note.NewSigner(skey)
	if err != nil {
		t.Fatal(err)
	}
	key, err := proof.ParseKey(vkey)
	if err != nil {
		t.Fatal(err)
	}
	return signer, key
}

// commitment returns a made-up commitment that is different for every n.
func commitment(n int64) proof.Commitment {
	return sha256.Sum256(binary.BigEndian.AppendUint64(nil, uint64(n)))
}

func commitments(from, to int64) []proof.Commitment {
	list := make([]proof.Commitment, 0, to-from)
	for n := from; n < to; n++ {
		list = append(list, commitment(n))
	}
	return list
}

// memory keeps stored hashes in a slice.
type memory []tlog.Hash

func (m memory) ReadHashes(indexes []int64) ([]tlog.Hash, error) {
	list := make([]tlog.Hash, 0, len(indexes))
	for _, i := range indexes {
		if i < 0 || i >= int64(len(m)) {
			return nil, fmt.Errorf("no stored hash %d", i)
		}
		list = append(list, m[i])
	}
	return list, nil
}

// add appends packed hashes.
func (m *memory) add(packed []byte) {
	for ; len(packed) > 0; packed = packed[tlog.HashSize:] {
		*m = append(*m, tlog.Hash(packed[:tlog.HashSize]))
	}
}

// oracle returns all stored hashes of a ledger of commitments 0 to n-1 as
// package tlog computes them, independently of Appender.
func oracle(t testing.TB, n int64) memory {
	t.Helper()
	var m memory
	for i := range n {
		c := commitment(i)
		hashes, err := tlog.StoredHashes(i, c[:], m)
		if err != nil {
			t.Fatal(err)
		}
		m = append(m, hashes...)
	}
	return m
}

// source is a TileSource over memory.
type source struct {
	signed string
	size   int64
	hashes memory
	broken bool
}

var errBroken = errors.New("disk on fire")

func (s *source) Checkpoint(context.Context) (string, int64, error) {
	if s.broken {
		return "", 0, errBroken
	}
	return s.signed, s.size, nil
}

func (s *source) ReadHashes(_ context.Context, indexes []int64) ([]tlog.Hash, error) {
	if s.broken {
		return nil, errBroken
	}
	return s.hashes.ReadHashes(indexes)
}

func (s *source) Commitments(_ context.Context, from int64, n int) ([]proof.Commitment, error) {
	if s.broken || from < 0 || from+int64(n) > s.size {
		return nil, errBroken
	}
	return commitments(from, from+int64(n)), nil
}

// newSource returns a sealed ledger of the given size.
func newSource(t testing.TB, signer note.Signer, size int64) *source {
	t.Helper()
	a := ledger.NewAppender()
	a.Append(commitments(0, size)...)
	s := &source{size: size}
	_, fresh := a.Fresh()
	s.hashes.add(fresh)
	var err error
	if s.signed, err = ledger.SignCheckpoint(signer, origin, size, a.Root()); err != nil {
		t.Fatal(err)
	}
	return s
}
