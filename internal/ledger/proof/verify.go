// SPDX-License-Identifier: Apache-2.0

package proof

import (
	"errors"
	"fmt"
)

// Report is what [Verify] found out about an evidence bundle.
type Report struct {
	// Checkpoint is what every proof leads to. It is zero if the signed
	// checkpoint could not be trusted; then nothing in the bundle is proved.
	Checkpoint Checkpoint
	// Older is the older checkpoint that Checkpoint provably continues, or nil.
	Older *Checkpoint
	// Entries has one finding for each statement, in the bundle's order.
	Entries []Finding
	// Problems has all that is wrong. The bundle is proved only if it is empty.
	Problems Problems
}

// Finding is the verdict on one statement of a bundle.
type Finding struct {
	Statement Statement
	Proved    bool
	Problem   Problem // what is wrong, if not Proved
}

// Verify checks every statement of a bundle against the key that the caller
// trusts, which must have come to the caller by another way than the bundle.
// The report is always complete. The error is nil if everything is proved, and
// otherwise the report's Problems.
func Verify(b *Bundle, trusted Key) (Report, error) {
	var r Report
	c, err := openForBundle(b, b.Checkpoint, trusted)
	if err != nil {
		r.refuseAll(b, err)
		return r, r.Problems
	}
	r.Checkpoint = c
	for _, s := range b.Entries {
		f := Finding{Statement: s, Proved: true}
		if p, wrong := checkStatement(c, s); wrong {
			f.Proved, f.Problem = false, p
			r.Problems = append(r.Problems, p)
		}
		r.Entries = append(r.Entries, f)
	}
	if b.Consistency != nil {
		older, err := checkConsistency(b, c, trusted)
		if err != nil {
			r.Problems = append(r.Problems, Problem{Whole, Whole, ConsistencyWrong, err.Error()})
		} else {
			r.Older = &older
		}
	}
	if len(r.Problems) > 0 {
		return r, r.Problems
	}
	return r, nil
}

// refuseAll notes that the checkpoint is worth nothing, and so is every proof.
func (r *Report) refuseAll(b *Bundle, cause error) {
	r.Problems = append(r.Problems, Problem{Whole, Whole, CheckpointWrong, cause.Error()})
	for _, s := range b.Entries {
		p := Problem{s.Seq, s.Seq, CheckpointWrong, "it is not proved, because the checkpoint it rests on is not to be trusted"}
		r.Entries = append(r.Entries, Finding{Statement: s, Problem: p})
		r.Problems = append(r.Problems, p)
	}
}

// openForBundle opens one of the bundle's checkpoints and checks its origin.
func openForBundle(b *Bundle, signed string, trusted Key) (Checkpoint, error) {
	if trusted.IsZero() {
		return Checkpoint{}, errors.New("no key to trust was given")
	}
	if b.Origin != trusted.Name() {
		return Checkpoint{}, fmt.Errorf("the bundle is said to be of %q, but the trusted key is of %q", clip(b.Origin), trusted.Name())
	}
	return OpenCheckpoint(signed, trusted)
}

// checkStatement checks one statement against a trusted checkpoint.
func checkStatement(c Checkpoint, s Statement) (Problem, bool) {
	wrong := func(k Kind, text string) (Problem, bool) {
		return Problem{s.Seq, s.Seq, k, text}, true
	}
	if err := checkShape(s); err != nil {
		return wrong(SaltAltered, err.Error())
	}
	stated := s.Commitment
	if s.Erased {
		if err := VerifyInclusion(c, s.Seq, stated, s.Proof); err != nil {
			return wrong(ProofWrong, err.Error()+": the commitment, the sequence number or the proof was altered")
		}
		return Problem{}, false
	}
	computed := Commit([SaltSize]byte(s.Salt), s.Body)
	err := VerifyInclusion(c, s.Seq, computed, s.Proof)
	none := stated == Commitment{}
	switch {
	case err == nil && (none || stated == computed):
		return Problem{}, false
	case err == nil:
		return wrong(CommitmentAltered, "the commitment stated beside it was altered; body, salt and proof are right")
	case !none && stated != computed && VerifyInclusion(c, s.Seq, stated, s.Proof) == nil:
		return wrong(BodyAltered, "the body or its salt was altered: they do not give the commitment that was sealed")
	case !none && stated == computed:
		return wrong(ProofWrong, err.Error()+": the sequence number or the proof was altered, or the entry never was in the ledger")
	}
	return wrong(ProofWrong, err.Error()+": body, salt, sequence number or proof was altered, or the entry never was in the ledger")
}

// checkConsistency checks the bundle's older checkpoint against its newer one.
func checkConsistency(b *Bundle, newer Checkpoint, trusted Key) (Checkpoint, error) {
	older, err := openForBundle(b, b.Consistency.Checkpoint, trusted)
	if err != nil {
		return Checkpoint{}, fmt.Errorf("older checkpoint: %w", err)
	}
	if err := VerifyConsistency(older, newer, b.Consistency.Proof); err != nil {
		return Checkpoint{}, fmt.Errorf("older checkpoint: %w", err)
	}
	return older, nil
}
