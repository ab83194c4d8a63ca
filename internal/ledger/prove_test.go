// SPDX-License-Identifier: Apache-2.0

package ledger_test

import (
	"fmt"
	"strings"
	"testing"

	"golang.org/x/mod/sumdb/tlog"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/internal/ledger"
	"github.com/sashlock/sashlock/internal/ledger/proof"
)

// TestProofsOfAllSizes makes and checks every proof of every small ledger.
func TestProofsOfAllSizes(t *testing.T) {
	const sizes = 40
	stored := oracle(t, sizes)
	for size := int64(1); size <= sizes; size++ {
		root, err := tlog.TreeHash(size, stored)
		if err != nil {
			t.Fatal(err)
		}
		c := proof.Checkpoint{Origin: origin, Size: size, Root: root}
		for seq := range size {
			p, err := ledger.InclusionProof(stored, size, seq)
			if err != nil {
				t.Fatal(err)
			}
			if err := proof.VerifyInclusion(c, seq, commitment(seq), p); err != nil {
				t.Errorf("entry %d of %d: %v", seq, size, err)
			}
			if proof.VerifyInclusion(c, seq, commitment(seq+1), p) == nil {
				t.Errorf("entry %d of %d: another commitment was accepted", seq, size)
			}
		}
		for older := range size + 1 {
			p, err := ledger.ConsistencyProof(stored, older, size)
			if err != nil {
				t.Fatal(err)
			}
			oldRoot, err := tlog.TreeHash(older, stored)
			if err != nil {
				t.Fatal(err)
			}
			o := proof.Checkpoint{Origin: origin, Size: older, Root: oldRoot}
			if err := proof.VerifyConsistency(o, c, p); err != nil {
				t.Errorf("%d to %d: %v", older, size, err)
			}
			o.Root[3] ^= 1
			if proof.VerifyConsistency(o, c, p) == nil {
				t.Errorf("%d to %d: another root was accepted", older, size)
			}
		}
	}
}

func TestProofsOutOfRange(t *testing.T) {
	stored := oracle(t, 3)
	for _, c := range [][2]int64{{3, 3}, {3, -1}, {0, 0}, {-1, 0}, {1 << 62, 0}} {
		if _, err := ledger.InclusionProof(stored, c[0], c[1]); !sashlock.IsKind(err, sashlock.NotFound) {
			t.Errorf("size %d, entry %d: got %v", c[0], c[1], err)
		}
	}
	for _, c := range [][2]int64{{2, 1}, {-1, 3}, {1, 1 << 62}} {
		if _, err := ledger.ConsistencyProof(stored, c[0], c[1]); !sashlock.IsKind(err, sashlock.Invalid) {
			t.Errorf("%d to %d: got %v", c[0], c[1], err)
		}
	}
	if _, err := ledger.ConsistencyProof(stored, 2, 9); err == nil {
		t.Error("a proof was made beyond the stored hashes")
	}
}

// TestEvidence makes a bundle, erases an entry, and makes it again.
func TestEvidence(t *testing.T) {
	signer, key := newKey(t)
	a := ledger.NewAppender()
	var statements []proof.Statement
	for seq := range int64(20) {
		s := proof.Statement{Seq: seq, Body: fmt.Appendf(nil, `{"seq":%d}`, seq), Salt: make([]byte, proof.SaltSize)}
		s.Salt[0] = byte(seq)
		s.Commitment = proof.Commit([proof.SaltSize]byte(s.Salt), s.Body)
		statements = append(statements, s)
	}
	var stored memory
	var signed []string
	for _, batch := range [][]proof.Statement{statements[:12], statements[12:]} {
		for _, s := range batch {
			a.Append(s.Commitment)
		}
		_, fresh := a.Fresh()
		stored.add(fresh)
		a.Committed()
		c, err := ledger.SignCheckpoint(signer, origin, a.Size(), a.Root())
		if err != nil {
			t.Fatal(err)
		}
		signed = append(signed, c)
	}
	statements[3].Erased, statements[3].Body, statements[3].Salt = true, nil, nil

	b, err := ledger.Evidence(stored, key, signed[1], signed[0], statements[2:5])
	if err != nil {
		t.Fatal(err)
	}
	data, err := b.Encode()
	if err != nil {
		t.Fatal(err)
	}
	if b, err = proof.DecodeBundle(data); err != nil {
		t.Fatal(err)
	}
	report, err := proof.Verify(b, key)
	if err != nil {
		t.Fatal(err)
	}
	if len(report.Entries) != 3 || !report.Entries[1].Statement.Erased || report.Older == nil || report.Older.Size != 12 {
		t.Errorf("report: %+v", report)
	}

	statements[4].Body[0] ^= 1
	_, err = ledger.Evidence(stored, key, signed[1], "", statements[2:5])
	if err == nil || !strings.Contains(err.Error(), "entry 4: the body or its salt was altered") {
		t.Errorf("evidence over an edited row: %v", err)
	}
	_, other := newKey(t)
	if _, err = ledger.Evidence(stored, other, signed[1], "", statements[:1]); err == nil {
		t.Error("evidence with another key was made")
	}
}
