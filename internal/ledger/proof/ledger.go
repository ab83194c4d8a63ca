// SPDX-License-Identifier: Apache-2.0

package proof

import (
	"errors"
	"fmt"
	"iter"
	"slices"
	"time"

	"golang.org/x/mod/sumdb/tlog"
)

// Seal is what one commit of the store adds to the Merkle tree, packed into one
// row: all new stored hashes in the order of tlog.StoredHashIndex, and the
// signed checkpoint over the tree as it stands after the commit.
type Seal struct {
	Size       int64     // entries in the ledger after the commit
	FirstHash  int64     // stored-hash index of the first hash in Hashes
	Hashes     []byte    // new stored hashes, 32 bytes each
	Checkpoint string    // signed note
	At         time.Time // when the store sealed; informs only, the tree is the order
}

// Hash returns the stored hash with the given index if it is in this seal.
func (s Seal) Hash(index int64) (tlog.Hash, bool) {
	i := index - s.FirstHash
	if i < 0 || i >= int64(len(s.Hashes))/tlog.HashSize {
		return tlog.Hash{}, false
	}
	return tlog.Hash(s.Hashes[i*tlog.HashSize : (i+1)*tlog.HashSize]), true
}

// Row is one entry as the store keeps it.
type Row struct {
	Seq        int64
	Body       []byte // nil if erased
	Salt       []byte // nil if erased
	Commitment []byte // 32 bytes; a slice, so that a damaged row can be named
}

// LedgerCheck says how [VerifyLedger] works. Keys is required.
type LedgerCheck struct {
	// Keys are the store's verifier keys, past and present. Each checkpoint
	// must be signed by one of them.
	Keys []Key
	// AllSignatures checks the signature of every checkpoint (some 50 µs each).
	// Otherwise the last one, every 1,024th and any that looks wrong are
	// checked; the roots of all of them are recomputed in either case.
	AllSignatures bool
	// MaxProblems is how many problems are listed; all are counted. 0 means 100.
	MaxProblems int
	// Total is the number of entries expected, for Progress only.
	Total int64
	// Progress, if not nil, is called now and then on the caller's goroutine.
	Progress func(Progress)
	// Now, if not nil, is the clock for Progress.PerSecond.
	Now func() time.Time
}

// Progress tells how far [VerifyLedger] has come.
type Progress struct {
	Done      int64   // entries checked
	Total     int64   // as given in LedgerCheck
	PerSecond float64 // entries a second since the start; 0 without a clock
}

// LedgerReport is what [VerifyLedger] found out.
type LedgerReport struct {
	Entries    int64      // entries read
	Erased     int64      // of those, erased ones
	Seals      int64      // seals read
	Signatures int64      // checkpoint signatures checked
	Checkpoint Checkpoint // the last one whose signature and root are right
	// First is the lowest sequence number concerned by any problem, or [Whole]
	// if there is none, or none that concerns a sequence number.
	First int64
	// Problems lists problems by sequence number, up to LedgerCheck.MaxProblems;
	// Found counts all of them.
	Problems Problems
	Found    int64
}

// signatureEvery is the distance between sampled checkpoint signatures.
const signatureEvery = 1024

// progressEvery is the number of entries between calls of Progress.
const progressEvery = 1 << 16

// VerifyLedger recomputes a whole ledger: that each body and salt give the
// entry's commitment, that the commitments give the stored hashes, that the
// stored hashes give the roots, and that the roots are signed. Entries must
// come by ascending sequence number from 0, seals by ascending size.
//
// It checks damage locally: a stored hash is held against its stored children,
// so one flipped bit is reported once, by its sequence number, and not as a
// wrong tree above it. What it cannot see is an old copy of the whole ledger:
// compare the report's Checkpoint with one kept elsewhere.
//
// The slices that an iterator yields may be reused by it afterwards. The entries iterator runs on a goroutine of its own; to cancel,
// let an iterator yield an error. The error returned is that error, wrapped, or
// the report's Problems, or nil if the ledger is right.
func VerifyLedger(entries iter.Seq2[Row, error], seals iter.Seq2[Seal, error], check LedgerCheck) (LedgerReport, error) {
	if len(check.Keys) == 0 || slices.ContainsFunc(check.Keys, Key.IsZero) {
		return LedgerReport{First: Whole}, errors.New("no key to trust was given")
	}
	if check.MaxProblems <= 0 {
		check.MaxProblems = 100
	}
	w := &walk{check: check, report: LedgerReport{First: Whole}}
	for _, k := range check.Keys {
		w.signatures.verifiers = append(w.signatures.verifiers, k)
	}
	if check.Now != nil {
		w.began = check.Now()
	}
	w.rows = startRows(entries)
	defer w.rows.stop()
	defer w.signatures.stop()
	err := w.run(seals)
	w.collect(0)
	w.settle()
	if err != nil && !errors.Is(err, errGivenUp) {
		return w.report, fmt.Errorf("verifying the ledger: %w", err)
	}
	if len(w.report.Problems) > 0 {
		return w.report, w.report.Problems
	}
	return w.report, nil
}

// walk is the sequential half of VerifyLedger: it takes hashed rows in order and
// builds the tree over them, beside the stored one. It is not shared between
// goroutines.
type walk struct {
	check      LedgerCheck
	rows       *rowStream
	signatures signatureStream
	tree       tree
	report     LedgerReport
	began      time.Time
	text       []byte // scratch space for checkpoint texts

	missing    int64 // first of a run of missing entries, valid if missingRun > 0
	missingRun int64
	last       sealed // the newest seal; its signature is checked at the end
	lastAsked  bool   // or was already
	rootWrong  bool   // a root was wrong, so later ones will be too
	rootsWrong int64  // how many after the first
}

// run goes through all seals and the entries that each covers.
func (w *walk) run(seals iter.Seq2[Seal, error]) error {
	for s, err := range seals {
		if err != nil {
			return fmt.Errorf("reading the seal after entry %d: %w", w.tree.size-1, err)
		}
		if err := w.seal(s); err != nil {
			return err
		}
	}
	w.flushMissing()
	if w.last.size > 0 && !w.lastAsked {
		w.signatures.ask(w.last)
	}
	w.collect(0)
	if w.rootsWrong > 0 {
		w.add(Problem{Whole, Whole, RootWrong, fmt.Sprintf("%d later checkpoints do not match the entries either, as follows from the first mismatch", w.rootsWrong)})
	}
	return w.unsealed()
}

// unsealed drains the rows after the last seal. They are real entries that no
// checkpoint vouches for, or were added behind the store's back.
func (w *walk) unsealed() error {
	from, to := int64(Whole), int64(Whole)
	for {
		r, err := w.rows.peek()
		if err != nil {
			return err
		}
		if r == nil {
			break
		}
		w.rowFaults(r)
		w.count(r)
		if r.seq < w.tree.size {
			w.add(Problem{r.seq, r.seq, EntryRepeated, "a second entry has this sequence number, or it is out of order"})
		} else {
			if from < 0 {
				from = r.seq
			}
			to = max(to, r.seq)
		}
		w.rows.next()
	}
	if from >= 0 {
		w.add(Problem{from, to, EntryUnsealed, "no seal covers this: it was added without being sealed, or the seal was removed"})
	}
	return nil
}

// take returns the row with sequence number seq, or nil if there is none. Rows
// that come too late are reported and skipped.
func (w *walk) take(seq int64) (*row, error) {
	for {
		r, err := w.rows.peek()
		if err != nil || r == nil || r.seq > seq {
			return nil, err
		}
		w.count(r)
		w.rows.next()
		if r.seq == seq {
			return r, nil
		}
		w.add(Problem{r.seq, r.seq, EntryRepeated, "a second entry has this sequence number, or it is out of order"})
	}
}

// count counts a row and reports progress.
func (w *walk) count(r *row) {
	w.report.Entries++
	if r.erased {
		w.report.Erased++
	}
	if w.check.Progress == nil || w.report.Entries%progressEvery != 0 {
		return
	}
	p := Progress{Done: w.report.Entries, Total: w.check.Total}
	if w.check.Now != nil {
		if s := w.check.Now().Sub(w.began).Seconds(); s > 0 {
			p.PerSecond = float64(p.Done) / s
		}
	}
	w.check.Progress(p)
}

// rowFaults reports what is wrong within one row.
func (w *walk) rowFaults(r *row) {
	if r == nil || r.fault == "" {
		return
	}
	text := "the body or its salt was altered: they do not give the entry's commitment"
	switch r.fault {
	case SaltAltered:
		text = "body and salt do not stand together: one is missing, or the salt is not 32 bytes long"
	case CommitmentAltered:
		text = "the commitment is not 32 bytes long"
	}
	w.add(Problem{r.seq, r.seq, r.fault, text})
}

// noteMissing notes that entry seq is missing; runs are reported as one.
func (w *walk) noteMissing(seq int64) {
	if w.missingRun == 0 {
		w.missing = seq
	}
	w.missingRun++
}

func (w *walk) flushMissing() {
	if w.missingRun == 0 {
		return
	}
	w.add(Problem{w.missing, w.missing + w.missingRun - 1, EntryMissing, "the ledger has no such entry, though its place was sealed: it was removed"})
	w.missingRun = 0
}

// add notes a problem and returns its place in the list, or -1 past the limit.
func (w *walk) add(p Problem) int {
	w.report.Found++
	if p.Seq >= 0 && (w.report.First < 0 || p.Seq < w.report.First) {
		w.report.First = p.Seq
	}
	if len(w.report.Problems) >= w.check.MaxProblems {
		return -1
	}
	w.report.Problems = append(w.report.Problems, p)
	return len(w.report.Problems) - 1
}

// settle puts the report in its final form.
func (w *walk) settle() {
	slices.SortStableFunc(w.report.Problems, func(a, b Problem) int {
		switch {
		case a.Seq == b.Seq:
			return 0
		case a.Seq == Whole: // the whole ledger comes last: places are more useful
			return 1
		case b.Seq == Whole || a.Seq < b.Seq:
			return -1
		}
		return 1
	})
}
