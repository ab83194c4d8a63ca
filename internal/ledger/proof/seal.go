// SPDX-License-Identifier: Apache-2.0

package proof

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"golang.org/x/mod/sumdb/tlog"
)

// seal checks one seal: its place in the chain, the entries it covers, the
// stored hashes it adds, and the root and signature of its checkpoint.
func (w *walk) seal(s Seal) error {
	w.report.Seals++
	from := w.tree.size
	size, stored, fault := sealShape(from, s)
	if size <= from {
		w.add(Problem{max(s.Size-1, Whole), max(s.Size-1, Whole), SealWrong, fault})
		return nil
	}
	complete, err := w.cover(size, stored)
	if err != nil {
		return err
	}
	w.flushMissing()
	if fault != "" {
		w.add(Problem{from, size - 1, SealWrong, fault})
	}
	if !complete {
		return nil
	}
	w.last = w.holdAgainst(s, from, size)
	w.lastAsked = !w.last.rootRight || w.check.AllSignatures || w.report.Seals%signatureEvery == 0
	if w.lastAsked {
		w.signatures.ask(w.last)
	}
	w.collect(signatureAhead / 2)
	return nil
}

// sealed is a seal after its entries were gone through.
type sealed struct {
	checkpoint string
	from, size int64     // the entries it sealed
	root       tlog.Hash // the recomputed root
	rootRight  bool      // the checkpoint states it
	rootWrong  bool      // the checkpoint states another one
}

// holdAgainst compares a seal's checkpoint with the recomputed tree.
func (w *walk) holdAgainst(s Seal, from, size int64) sealed {
	m := sealed{checkpoint: s.Checkpoint, from: from, size: size}
	if !w.tree.doubtful() {
		// The usual case, without parsing: the text must begin as ours would.
		m.root = w.tree.root(node.best)
		w.text = Checkpoint{Origin: w.check.Keys[0].Name(), Size: size, Root: m.root}.appendText(w.text[:0])
		w.text = append(w.text, '\n')
		if m.rootRight = strings.HasPrefix(s.Checkpoint, string(w.text)); m.rootRight {
			return m
		}
	}
	claimed, readable := unverifiedCheckpoint(s.Checkpoint)
	m.root = w.settleRoot(claimed.Root)
	switch {
	case !readable: // checking its signature will report it
	case claimed.Size != size:
		w.add(Problem{from, size - 1, SealWrong, fmt.Sprintf("the checkpoint of the seal of size %d states another size, %d", size, claimed.Size)})
	default:
		ours := slices.ContainsFunc(w.check.Keys, func(k Key) bool { return k.Name() == claimed.Origin })
		m.rootRight = claimed.Root == m.root && ours
		m.rootWrong = claimed.Root != m.root
	}
	return m
}

// collect deals with the results of signature checks until at most keep are
// under way. If a signature is good, its checkpoint is either remembered, or
// its root is reported as not being that of the entries.
func (w *walk) collect(keep int) {
	for c := w.signatures.next(keep); c != nil; c = w.signatures.next(keep) {
		m := c.sealed
		w.report.Signatures++
		switch {
		case c.err != nil && w.check.AllSignatures:
			w.add(Problem{m.from, m.size - 1, CheckpointWrong, fmt.Sprintf("their seal (size %d): %v", m.size, c.err)})
		case c.err != nil:
			w.add(Problem{m.from, m.size - 1, CheckpointWrong, fmt.Sprintf("their seal (size %d): %v; check all signatures to find the first bad one", m.size, c.err)})
		case m.rootRight:
			w.report.Checkpoint = c.result
		case m.rootWrong && w.rootWrong:
			w.rootsWrong++ // follows from the first, so it is only counted
		case m.rootWrong:
			w.rootWrong = true
			w.add(Problem{m.from, m.size - 1, RootWrong, fmt.Sprintf("the checkpoint of size %d is genuine and has another root than these and the earlier entries lead to: entries and stored hashes were rewritten together", m.size)})
		}
	}
}

// settleRoot returns the recomputed root. Where nodes of the right edge are
// twofold, the wanted root may tell which of their hashes is right.
func (w *walk) settleRoot(want tlog.Hash) tlog.Hash {
	byEntries := w.tree.root(node.best)
	if !w.tree.doubtful() {
		return byEntries
	}
	byStore := w.tree.root(func(n node) tlog.Hash { return n.hash })
	chosen := node.best
	if byStore == want {
		chosen = func(n node) tlog.Hash { return n.hash }
	} else if byEntries != want {
		return byEntries
	}
	for level := range w.tree.edge {
		if w.tree.size>>level&1 == 1 {
			n := &w.tree.edge[level]
			w.resolve(*n, chosen(*n))
			*n = node{hash: chosen(*n)}
		}
	}
	return want
}

// cover goes through the entries up to size. It returns false if it had to give
// up because neither entries nor stored hashes are left.
func (w *walk) cover(size int64, stored []byte) (bool, error) {
	for seq := w.tree.size; seq < size; seq++ {
		r, err := w.take(seq)
		if err != nil {
			return false, err
		}
		var own []byte
		if stored != nil {
			n := newHashes(seq) * tlog.HashSize
			own, stored = stored[:n], stored[n:]
		}
		leaf, known := rowLeaf(r)
		if known && w.missingRun == 0 && w.tree.pushClean(leaf, own) {
			w.rowFaults(r)
			continue
		}
		if r != nil {
			w.flushMissing()
		}
		if !known && own == nil {
			return false, w.giveUp(seq, size)
		}
		if r == nil {
			w.noteMissing(seq)
		}
		w.push(w.leafNode(r, leaf, known, own), own)
	}
	return true, nil
}

// errGivenUp ends a walk whose report says why it cannot go on.
var errGivenUp = errors.New("the tree cannot be recomputed")

// giveUp handles entry seq being missing together with all stored hashes. The
// tree cannot be continued, because what it was built on is gone.
func (w *walk) giveUp(seq, size int64) error {
	w.flushMissing()
	next, err := w.rows.peek()
	if err != nil {
		return err
	}
	last := size - 1
	if next != nil {
		last = min(last, next.seq-1)
	}
	w.add(Problem{seq, last, EntryMissing, "there is neither a usable entry nor a stored hash of it, so the tree cannot be recomputed from here on"})
	return errGivenUp
}

// rowLeaf returns the leaf hash a row leads to, if it leads to any.
func rowLeaf(r *row) (tlog.Hash, bool) {
	switch {
	case r == nil:
		return tlog.Hash{}, false
	case r.hasLeaf:
		return r.leaf, true
	case r.end > r.start:
		return r.bodyLeaf, true
	}
	return tlog.Hash{}, false
}

// leafNode holds a row's leaf hash against the stored one and reports what is
// wrong with the row.
func (w *walk) leafNode(r *row, leaf tlog.Hash, known bool, own []byte) node {
	if own == nil {
		w.rowFaults(r)
		return node{hash: leaf}
	}
	stored := tlog.Hash(own[:tlog.HashSize])
	if r == nil {
		return node{hash: stored}
	}
	if known && leaf != stored && r.end > r.start && r.bodyLeaf == stored {
		// Body and salt are what was sealed; only the column beside them is not.
		w.add(Problem{r.seq, r.seq, CommitmentAltered, "its commitment column was altered; body and salt are what was sealed"})
		return node{hash: stored}
	}
	w.rowFaults(r)
	if !known || leaf == stored {
		return node{hash: stored}
	}
	at := w.add(Problem{r.seq, r.seq, EntryAltered, "its commitment does not give the stored leaf hash: the entry or the hash was altered"})
	return node{hash: stored, computed: leaf, twofold: true, problem: at}
}

// sealShape decides how far a seal reaches and which of its hashes can be used.
// Size, checkpoint and number of hashes all tell the size; any may be altered,
// so two that agree outvote the third. It returns the size, the stored hashes or
// nil, and what is wrong in plain words.
func sealShape(from int64, s Seal) (int64, []byte, string) {
	count := tlog.StoredHashCount(from)
	packed, whole := sizeOfHashes(from, s.Hashes)
	if whole && s.FirstHash == count && packed == s.Size {
		return s.Size, s.Hashes, ""
	}
	claimed, readable := unverifiedCheckpoint(s.Checkpoint)
	switch {
	case whole && readable && packed == claimed.Size:
		return packed, s.Hashes, fmt.Sprintf("the seal of size %d has an altered size (%d) or an altered place", packed, s.Size)
	case s.Size <= from:
		return from, nil, fmt.Sprintf("the seal of size %d is repeated, out of order or altered: entry %d was already sealed", s.Size, from-1)
	case s.Size > MaxTreeSize || !readable || claimed.Size != s.Size:
		return from, nil, fmt.Sprintf("the seal of size %d was altered: its size, its checkpoint and its stored hashes contradict each other", s.Size)
	case s.FirstHash > count:
		return s.Size, nil, fmt.Sprintf("a seal before the one of size %d is missing", s.Size)
	}
	return s.Size, nil, fmt.Sprintf("the stored hashes of the seal of size %d are not as many as its entries need", s.Size)
}

// sizeOfHashes returns the tree size that a tree of size from reaches with the
// given stored hashes, and whether they end with a complete entry.
func sizeOfHashes(from int64, hashes []byte) (int64, bool) {
	if len(hashes) == 0 || len(hashes)%tlog.HashSize != 0 {
		return from, false
	}
	left := len(hashes) / tlog.HashSize
	for left > 0 {
		left -= newHashes(from)
		from++
	}
	return from, left == 0
}

// unverifiedCheckpoint reads what a checkpoint states, without its signature.
func unverifiedCheckpoint(signed string) (Checkpoint, bool) {
	body, _, found := cutLast(signed, "\n\n")
	if !found || len(signed) > MaxCheckpointBytes {
		return Checkpoint{}, false
	}
	c, err := parseCheckpoint(body + "\n")
	return c, err == nil
}
