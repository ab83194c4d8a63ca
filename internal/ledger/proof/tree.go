// SPDX-License-Identifier: Apache-2.0

package proof

import (
	"bytes"
	"math/bits"

	"golang.org/x/mod/sumdb/tlog"
)

// maxLevels is the number of levels a tree of [MaxTreeSize] entries can have.
const maxLevels = 42

// node is a complete subtree at the right edge of the tree. Where the stored
// hash and the recomputed one differ, it keeps both until the hash above tells
// which of them the tree was built on.
type node struct {
	hash     tlog.Hash // the stored hash; the recomputed one if none is stored
	computed tlog.Hash // the recomputed hash, if twofold
	twofold  bool
	problem  int // place of its problem in the report, -1 if beyond the limit
}

// tree is the recomputed tree: its size and its right edge, one node for each
// bit that is set in size.
type tree struct {
	size int64
	edge [maxLevels]node
}

// hashNode is tlog.NodeHash; it is here by name so that the walk reads well.
func hashNode(left, right tlog.Hash) tlog.Hash { return tlog.NodeHash(left, right) }

// newHashes returns how many stored hashes the entry with sequence number seq
// adds: its leaf and every subtree that it completes.
func newHashes(seq int64) int {
	return 1 + bits.TrailingZeros64(uint64(seq)+1)
}

// pushClean adds a leaf if everything about it agrees with the stored hashes,
// which is nearly always. Otherwise it changes nothing and returns false.
func (t *tree) pushClean(leaf tlog.Hash, stored []byte) bool {
	h := leaf
	if len(stored) == 0 || !bytes.Equal(h[:], stored[:tlog.HashSize]) {
		return false
	}
	level := 0
	for ; t.size>>level&1 == 1; level++ {
		left := &t.edge[level]
		if left.twofold {
			return false
		}
		h = hashNode(left.hash, h)
		stored = stored[tlog.HashSize:]
		if !bytes.Equal(h[:], stored[:tlog.HashSize]) {
			return false
		}
	}
	t.edge[level] = node{hash: h}
	t.size++
	return true
}

// push adds a leaf the slow way: n is the leaf, stored are the hashes the store
// has for it and for the subtrees it completes, or nil if it has none.
func (w *walk) push(n node, stored []byte) {
	t := &w.tree
	seq, level := t.size, 0
	for ; t.size>>level&1 == 1; level++ {
		var above *tlog.Hash
		if stored != nil {
			at := (level + 1) * tlog.HashSize
			h := tlog.Hash(stored[at : at+tlog.HashSize])
			above = &h
		}
		n = w.join(t.edge[level], n, above, span{seq >> (level + 1) << (level + 1), seq, level + 1})
	}
	t.edge[level] = n
	t.size++
}

// span is the range of entries below a node.
type span struct {
	first, last int64
	level       int
}

// join computes the node above left and right and holds it against the stored
// hash above, if there is one.
func (w *walk) join(left, right node, above *tlog.Hash, s span) node {
	best := hashNode(left.best(), right.best())
	if above == nil {
		return node{hash: best}
	}
	for _, l := range left.choices() {
		for _, r := range right.choices() {
			if hashNode(l, r) == *above {
				w.resolve(left, l)
				w.resolve(right, r)
				return node{hash: *above}
			}
		}
	}
	at := w.add(Problem{s.first, s.last, TreeAltered, "the stored hash over these entries is not the hash of what lies below it"})
	return node{hash: *above, computed: best, twofold: true, problem: at}
}

// best returns the hash to go on with where nothing stored decides: the one
// that follows from the entries.
func (n node) best() tlog.Hash {
	if n.twofold {
		return n.computed
	}
	return n.hash
}

// choices returns the hashes the tree above may have been built on.
func (n node) choices() []tlog.Hash {
	if n.twofold {
		return []tlog.Hash{n.hash, n.computed}
	}
	return []tlog.Hash{n.hash}
}

// resolve sharpens the problem of a twofold node once it is known on which of
// its hashes the tree above was built.
func (w *walk) resolve(n node, chosen tlog.Hash) {
	if !n.twofold || n.problem < 0 {
		return
	}
	p := &w.report.Problems[n.problem]
	single := p.Kind == EntryAltered
	switch {
	case chosen == n.computed && single:
		p.Kind, p.Text = HashDamaged, "its stored leaf hash was altered or damaged; the entry itself is what was sealed"
	case chosen == n.computed:
		p.Kind, p.Text = HashDamaged, "the stored hash over these entries was altered or damaged; the entries themselves are what was sealed"
	case single:
		p.Text = "it is not what was sealed: the entry was altered or replaced, and the sealed hashes are whole"
	default:
		p.Text = "at least one of these entries was altered together with its stored hash; the sealed hash over them is whole"
	}
}

// doubtful reports whether any node of the right edge is twofold.
func (t *tree) doubtful() bool {
	for level := 0; t.size>>level > 0; level++ {
		if t.size>>level&1 == 1 && t.edge[level].twofold {
			return true
		}
	}
	return false
}

// root returns the root over the tree's right edge, choosing a hash for each
// node of the edge.
func (t *tree) root(choose func(node) tlog.Hash) tlog.Hash {
	if t.size == 0 {
		empty, _ := tlog.TreeHash(0, nil)
		return empty
	}
	var h tlog.Hash
	begun := false
	for level := 0; t.size>>level > 0; level++ {
		if t.size>>level&1 == 0 {
			continue
		}
		if n := choose(t.edge[level]); begun {
			h = hashNode(n, h)
		} else {
			h, begun = n, true
		}
	}
	return h
}
