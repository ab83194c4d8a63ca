// SPDX-License-Identifier: Apache-2.0

package ledger

import (
	"fmt"

	"golang.org/x/mod/sumdb/tlog"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/internal/ledger/proof"
)

// InclusionProof returns the proof that the entry with sequence number index is
// in the tree of the given size (RFC 6962, section 2.1.1). The reader needs the
// stored hashes of that size; it is called once, for some 40 hashes at most. An
// entry outside the tree is an error of kind not found.
func InclusionProof(reader tlog.HashReader, size, index int64) (tlog.RecordProof, error) {
	if size < 1 || size > proof.MaxTreeSize || index < 0 || index >= size {
		return nil, &sashlock.Error{
			Kind: sashlock.NotFound, Op: "proving", Subject: fmt.Sprintf("entry %d", index),
			Hint: fmt.Sprintf("this checkpoint covers %d entries, numbered from 0", size),
		}
	}
	p, err := tlog.ProveRecord(size, index, reader)
	if err != nil {
		return nil, fmt.Errorf("proving entry %d of %d: %w", index, size, err)
	}
	return p, nil
}

// ConsistencyProof returns the proof that the tree of size newer begins with the
// tree of size older (RFC 6962, section 2.1.2). For an empty older tree the
// proof is empty: every ledger continues the empty one. Sizes out of order are
// an error of kind invalid.
func ConsistencyProof(reader tlog.HashReader, older, newer int64) (tlog.TreeProof, error) {
	if older < 0 || newer > proof.MaxTreeSize || older > newer {
		return nil, &sashlock.Error{
			Kind: sashlock.Invalid, Op: "proving consistency", Subject: fmt.Sprintf("size %d to %d", older, newer),
			Hint: "the older size must not exceed the newer one, and neither may exceed the ledger's",
		}
	}
	if older == 0 {
		return tlog.TreeProof{}, nil
	}
	p, err := tlog.ProveTree(newer, older, reader)
	if err != nil {
		return nil, fmt.Errorf("proving that size %d continues size %d: %w", newer, older, err)
	}
	return p, nil
}

// Evidence makes an evidence bundle. The statements come without proofs and
// with their commitments; Evidence adds the proofs that lead to the signed
// checkpoint. Older, if not empty, is an older signed checkpoint that the bundle
// shall continue. The key is the store's own: the bundle names it, and both
// checkpoints are checked against it, so that no bundle leaves that would not
// be accepted.
func Evidence(reader tlog.HashReader, key proof.Key, signed, older string, statements []proof.Statement) (*proof.Bundle, error) {
	c, err := proof.OpenCheckpoint(signed, key)
	if err != nil {
		return nil, fmt.Errorf("making evidence: %w", err)
	}
	b := &proof.Bundle{Origin: c.Origin, Checkpoint: signed, VerifierKey: key.String()}
	for _, s := range statements {
		if s.Proof, err = InclusionProof(reader, c.Size, s.Seq); err != nil {
			return nil, fmt.Errorf("making evidence: %w", err)
		}
		b.Entries = append(b.Entries, s)
	}
	if older != "" {
		if b.Consistency, err = continues(reader, key, c, older); err != nil {
			return nil, fmt.Errorf("making evidence: %w", err)
		}
	}
	if _, err := proof.Verify(b, key); err != nil {
		return nil, fmt.Errorf("making evidence: the ledger does not prove it: %w", err)
	}
	return b, nil
}

// continues proves that checkpoint c continues the older signed checkpoint.
func continues(reader tlog.HashReader, key proof.Key, c proof.Checkpoint, older string) (*proof.Consistency, error) {
	o, err := proof.OpenCheckpoint(older, key)
	if err != nil {
		return nil, fmt.Errorf("older checkpoint: %w", err)
	}
	p, err := ConsistencyProof(reader, o.Size, c.Size)
	if err != nil {
		return nil, err
	}
	return &proof.Consistency{Checkpoint: older, Proof: p}, nil
}
