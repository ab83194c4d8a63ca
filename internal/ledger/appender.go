// SPDX-License-Identifier: Apache-2.0

package ledger

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"math/bits"
	"time"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"

	"github.com/sashlock/sashlock/internal/ledger/proof"
)

// Seal is what one commit adds to the tree; see [proof.Seal].
type Seal = proof.Seal

// maxLevels is the number of levels a tree of proof.MaxTreeSize entries can have.
const maxLevels = 42

// Appender extends the Merkle tree. It keeps only the tree's right edge (one
// hash for each bit of the size) and the hashes that are new since the last
// commit. It is not safe for concurrent use: the store's one writer owns it.
//
// One commit goes: [Appender.Append] as often as needed, [Appender.Seal], write
// the seal, and then [Appender.Committed]. If anything fails on the way,
// [Appender.Restore] puts the Appender back to a [Mark].
type Appender struct {
	edge  edge
	fresh []byte // stored hashes since the last commit, in stored-hash order
	base  int64  // tree size at the last commit
	epoch uint64 // number of commits, so that stale marks are noticed
}

// edge is the right edge of a tree: for each bit set in size, the root of the
// complete subtree of that many entries. hash[l] is stale where the bit is 0.
type edge struct {
	size int64
	hash [maxLevels]tlog.Hash
}

// Mark is a state that an Appender can be put back to. It is valid until the
// next commit.
type Mark struct {
	edge  edge
	fresh int
	epoch uint64
}

// NewAppender returns an Appender for an empty ledger.
func NewAppender() *Appender { return &Appender{} }

// RestoreAppender returns an Appender for a ledger of the given size whose
// stored hashes stored can read. It reads at most 41 of them, in one call. The
// caller compares [Appender.Root] with the last checkpoint before going on.
func RestoreAppender(size int64, stored tlog.HashReader) (*Appender, error) {
	if size < 0 || size > proof.MaxTreeSize {
		return nil, fmt.Errorf("restoring the ledger's edge: the size %d is out of range", size)
	}
	var indexes []int64
	var levels []int
	below := int64(0) // entries to the left of the subtree
	for level := bits.Len64(uint64(size)) - 1; level >= 0; level-- {
		if size>>level&1 == 1 {
			indexes = append(indexes, tlog.StoredHashIndex(level, below>>level))
			levels = append(levels, level)
			below += 1 << level
		}
	}
	a := &Appender{base: size}
	a.edge.size = size
	if size == 0 {
		return a, nil
	}
	hashes, err := stored.ReadHashes(indexes)
	if err != nil {
		return nil, fmt.Errorf("restoring the ledger's edge at size %d: %w", size, err)
	}
	if len(hashes) != len(indexes) {
		return nil, fmt.Errorf("restoring the ledger's edge at size %d: got %d hashes for %d", size, len(hashes), len(indexes))
	}
	for i, level := range levels {
		a.edge.hash[level] = hashes[i]
	}
	return a, nil
}

// Size returns the number of entries in the tree, including those appended
// since the last commit. It is the sequence number of the next entry.
func (a *Appender) Size() int64 { return a.edge.size }

// Append adds entries by their commitments. The first gets the sequence number
// that [Appender.Size] returned before.
func (a *Appender) Append(commitments ...proof.Commitment) {
	for i := range commitments {
		a.push(commitments[i].Leaf())
	}
}

// push adds one leaf and every subtree that it completes.
func (a *Appender) push(h tlog.Hash) {
	e := &a.edge
	a.fresh = append(a.fresh, h[:]...)
	level := 0
	for ; e.size>>level&1 == 1; level++ {
		h = nodeHash(e.hash[level], h)
		a.fresh = append(a.fresh, h[:]...)
	}
	e.hash[level] = h
	e.size++
}

// nodeHash is tlog.NodeHash in a quarter of the time: it hashes one array on the
// stack instead of feeding a hash piece by piece.
func nodeHash(left, right tlog.Hash) tlog.Hash {
	var buf [1 + 2*tlog.HashSize]byte
	buf[0] = 0x01 // "this is a node": RFC 6962, section 2.1
	copy(buf[1:], left[:])
	copy(buf[1+tlog.HashSize:], right[:])
	return sha256.Sum256(buf[:])
}

// Root returns the Merkle root over all entries.
func (a *Appender) Root() tlog.Hash {
	e := &a.edge
	if e.size == 0 {
		empty, _ := tlog.TreeHash(0, nil)
		return empty
	}
	level := bits.TrailingZeros64(uint64(e.size))
	h := e.hash[level]
	for level++; e.size>>level > 0; level++ {
		if e.size>>level&1 == 1 {
			h = nodeHash(e.hash[level], h)
		}
	}
	return h
}

// Fresh returns the stored hashes added since the last commit, 32 bytes each,
// and the stored-hash index of the first. The slice is the Appender's own: it
// is valid until the next call of any method that changes the Appender.
func (a *Appender) Fresh() (first int64, hashes []byte) {
	return tlog.StoredHashCount(a.base), a.fresh
}

// Seal signs the tree as it stands and returns the seal to be written. Its
// Hashes are valid until the next call of Append, Restore or Committed. Sealing
// changes nothing: it may be repeated, and is undone by [Appender.Restore] like
// the appends before it.
func (a *Appender) Seal(signer note.Signer, at time.Time) (Seal, error) {
	if signer == nil {
		return Seal{}, errors.New("sealing: no signing key was given")
	}
	signed, err := SignCheckpoint(signer, signer.Name(), a.edge.size, a.Root())
	if err != nil {
		return Seal{}, fmt.Errorf("sealing at size %d: %w", a.edge.size, err)
	}
	first, hashes := a.Fresh()
	return Seal{Size: a.edge.size, FirstHash: first, Hashes: hashes, Checkpoint: signed, At: at}, nil
}

// Snapshot returns a mark of the present state.
func (a *Appender) Snapshot() Mark {
	return Mark{edge: a.edge, fresh: len(a.fresh), epoch: a.epoch}
}

// Restore puts the Appender back to a mark taken since the last commit. Marks
// nest: restoring one makes those taken after it void. A mark from before the
// last commit is refused, and then nothing changes.
func (a *Appender) Restore(m Mark) error {
	if m.epoch != a.epoch || m.fresh > len(a.fresh) {
		return errors.New("restoring the ledger's edge: the mark is void, because of a commit or an earlier restore")
	}
	a.edge = m.edge
	a.fresh = a.fresh[:m.fresh]
	return nil
}

// Committed tells the Appender that the hashes of [Appender.Fresh] are stored
// for good. It keeps the buffer for the next commit.
func (a *Appender) Committed() {
	a.base = a.edge.size
	a.fresh = a.fresh[:0]
	a.epoch++
}
