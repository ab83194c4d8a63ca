// SPDX-License-Identifier: Apache-2.0

package proof

import (
	"errors"
	"fmt"

	"golang.org/x/mod/sumdb/tlog"
)

// maxProofHashes bounds the length of a proof: a tree of [MaxTreeSize] entries
// is 40 levels high, and a consistency proof holds at most one hash more.
const maxProofHashes = 64

// errWrongProof is what a proof earns that does not compute to the root.
var errWrongProof = errors.New("the proof does not lead to the root of the checkpoint")

// VerifyInclusion checks that the entry with sequence number seq and the given
// commitment is in the ledger that checkpoint c describes (RFC 6962, section
// 2.1.1). The caller has opened c with [OpenCheckpoint].
func VerifyInclusion(c Checkpoint, seq int64, commitment Commitment, proof tlog.RecordProof) error {
	if c.Size < 0 || c.Size > MaxTreeSize {
		return fmt.Errorf("the checkpoint's size %d is out of range", c.Size)
	}
	if seq < 0 || seq >= c.Size {
		return fmt.Errorf("the checkpoint covers %d entries and this sequence number is not among them", c.Size)
	}
	if len(proof) > maxProofHashes {
		return fmt.Errorf("the proof has %d hashes, more than any real one", len(proof))
	}
	if tlog.CheckRecord(proof, c.Size, c.Root, seq, commitment.Leaf()) != nil {
		return errWrongProof
	}
	return nil
}

// VerifyConsistency checks that the ledger described by newer is a continuation
// of the one described by older: nothing that older covered was changed,
// removed or moved (RFC 6962, section 2.1.2). The caller has opened both with
// [OpenCheckpoint].
func VerifyConsistency(older, newer Checkpoint, proof tlog.TreeProof) error {
	switch {
	case older.Origin != newer.Origin:
		return fmt.Errorf("the two checkpoints are of different ledgers, %q and %q", clip(older.Origin), clip(newer.Origin))
	case older.Size < 0 || newer.Size > MaxTreeSize:
		return errors.New("a checkpoint's size is out of range")
	case older.Size > newer.Size:
		return fmt.Errorf("the older checkpoint covers %d entries, the newer only %d", older.Size, newer.Size)
	case len(proof) > maxProofHashes:
		return fmt.Errorf("the proof has %d hashes, more than any real one", len(proof))
	case older.Size == 0:
		// Every ledger continues the empty one, and RFC 6962 defines no proof.
		empty, _ := tlog.TreeHash(0, nil)
		if len(proof) != 0 || older.Root != empty {
			return errors.New("the older checkpoint is of an empty ledger, but its root or the proof is not empty")
		}
		return nil
	}
	if tlog.CheckTree(proof, newer.Size, newer.Root, older.Size, older.Root) != nil {
		return errors.New("the newer checkpoint does not continue the older one: entries were changed or removed between them, or the proof was altered")
	}
	return nil
}
