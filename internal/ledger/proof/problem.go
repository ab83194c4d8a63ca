// SPDX-License-Identifier: Apache-2.0

package proof

import "fmt"

// Kind says what sort of thing is wrong, for programs. Its text is stable.
type Kind string

// The kinds of problem that [Verify] and [VerifyLedger] report.
const (
	BodyAltered       Kind = "body_altered"       // body and salt do not give the entry's commitment
	SaltAltered       Kind = "salt_altered"       // the salt is missing or not 32 bytes long
	CommitmentAltered Kind = "commitment_altered" // the stated commitment is not the sealed one
	ProofWrong        Kind = "proof_wrong"        // an inclusion proof does not lead to the root
	ConsistencyWrong  Kind = "consistency_wrong"  // an older checkpoint is not continued
	CheckpointWrong   Kind = "checkpoint_wrong"   // signature, form or origin of a checkpoint
	RootWrong         Kind = "root_wrong"         // the recomputed root is not the signed one
	EntryMissing      Kind = "entry_missing"      // a sequence number has no entry
	EntryRepeated     Kind = "entry_repeated"     // a sequence number has a second entry or is out of order
	EntryUnsealed     Kind = "entry_unsealed"     // an entry that no seal covers
	EntryAltered      Kind = "entry_altered"      // an entry does not match its sealed leaf hash
	HashDamaged       Kind = "hash_damaged"       // a stored hash is wrong while the entries are right
	TreeAltered       Kind = "tree_altered"       // stored hashes contradict each other
	SealWrong         Kind = "seal_wrong"         // a seal is missing, repeated or malformed
)

// Whole is the sequence number of a problem that concerns a bundle or a ledger
// as a whole.
const Whole = -1

// Problem is one thing that is wrong, at one sequence number or a range of them.
type Problem struct {
	Seq  int64  // first sequence number concerned, or [Whole]
	Last int64  // last sequence number concerned; equals Seq for a single entry
	Kind Kind   // what sort of problem it is, for programs
	Text string // what is wrong, in plain words, for people
}

// String returns the problem as one sentence that begins with its place.
func (p Problem) String() string {
	switch {
	case p.Seq < 0:
		return p.Text
	case p.Last > p.Seq:
		return fmt.Sprintf("entries %d to %d: %s", p.Seq, p.Last, p.Text)
	}
	return fmt.Sprintf("entry %d: %s", p.Seq, p.Text)
}

// Problems is the error that [Verify] and [VerifyLedger] return when they found
// something wrong. It is never empty.
type Problems []Problem

// Error names the first problem and counts the others.
func (p Problems) Error() string {
	switch len(p) {
	case 0:
		return "no problem"
	case 1:
		return p[0].String()
	}
	return fmt.Sprintf("%s (and %d more)", p[0], len(p)-1)
}
