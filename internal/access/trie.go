// SPDX-License-Identifier: Apache-2.0

package access

import "slices"

// The trie finds numbers by the hash of an identifier. It is persistent: a
// changed trie shares all but one path with the one before. The rules are:
//
//   - a node has either kids or slots;
//   - five bits of the hash choose the kid, the lowest first;
//   - a leaf with more than leafSlots slots is split, but never below
//     maxDepth, where the bits run out;
//   - hashes may collide: the caller compares the identifiers.
const (
	trieBits  = 5
	trieFan   = 1 << trieBits
	maxDepth  = 6
	leafSlots = 48
)

// slot is what is known under one hash: for identifiers of objects their
// number in a, for grants the subject in a and the key in b.
type slot struct {
	hash, a, b uint32
}

type node struct {
	kids  *[trieFan]node
	slots []slot
}

// leaf returns the slots among which those with the hash are.
func (n *node) leaf(hash uint32) []slot {
	for h := hash; n.kids != nil; h >>= trieBits {
		n = &n.kids[h%trieFan]
	}
	return n.slots
}

// with returns the node with one more slot. A fresh node is shared with no
// other trie and is changed in place.
func (n node) with(s slot, depth uint, fresh bool) node {
	if n.kids != nil {
		kids := n.kids
		if !fresh {
			copied := *kids
			kids = &copied
		}
		i := s.hash >> (trieBits * depth) % trieFan
		kids[i] = kids[i].with(s, depth+1, fresh)
		return node{kids: kids}
	}
	if len(n.slots) < leafSlots || depth >= maxDepth {
		if fresh {
			return node{slots: append(n.slots, s)}
		}
		return node{slots: append(slices.Clone(n.slots), s)}
	}
	split := node{kids: new([trieFan]node)}
	for _, old := range n.slots {
		split = split.with(old, depth, true)
	}
	return split.with(s, depth, true)
}

// without returns the node with the slot gone; the old node stays as it was.
func (n node) without(s slot, depth uint) node {
	if n.kids != nil {
		kids := *n.kids
		i := s.hash >> (trieBits * depth) % trieFan
		kids[i] = kids[i].without(s, depth+1)
		return node{kids: &kids}
	}
	i := slices.Index(n.slots, s)
	if i < 0 {
		return n
	}
	return node{slots: slices.Concat(n.slots[:i], n.slots[i+1:])}
}

// trim gives back the spare room that growing in place has left.
func (n *node) trim() {
	if n.kids == nil {
		n.slots = slices.Concat(n.slots)
		return
	}
	for i := range n.kids {
		n.kids[i].trim()
	}
}
