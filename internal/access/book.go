// SPDX-License-Identifier: Apache-2.0

package access

import (
	"hash/maphash"
	"slices"
	"strings"
)

// pageSize is how many entries are copied when one of them changes.
const pageSize = 64

// none is the number of nothing.
const none = ^uint32(0)

// entry is one object under its identifier. An entry is made as soon as
// anything refers to the identifier and stays for the life of the index; the
// object counts only while it is known.
type entry[T any] struct {
	label
	is T
}

// label is an identifier that lies in the entry itself if it is short enough,
// as those that Sashlock makes for people and openings are, so that comparing
// it takes no further look into memory.
type label struct {
	text   [30]byte
	length uint8   // of text in use
	known  bool    // see entry
	long   *string // an identifier that is too long for text; else nil
}

func labelOf(id string) label {
	var l label
	if len(id) > len(l.text) {
		long := strings.Clone(id)
		l.long = &long
		return l
	}
	l.length = uint8(copy(l.text[:], id))
	return l
}

// id returns the identifier.
func (l *label) id() string {
	if l.long != nil {
		return *l.long
	}
	return string(l.text[:l.length])
}

// has reports whether the identifier is the given one.
func (l *label) has(id string) bool {
	if l.long != nil {
		return *l.long == id
	}
	return string(l.text[:l.length&31]) == id
}

// book numbers the objects of one kind from 0 and finds them by number and by
// identifier. Like the trie it is persistent.
type book[T any] struct {
	pages [][]entry[T]
	count uint32
	flat  []uint32 // open table of the identifiers that were there from the start, see tag; half of it is empty
	names node     // those that came later
}

// tag is what the flat table keeps of one identifier: the number plus one in
// the bits that choose a place in the table, and above them those of the hash.
func tag(h, number, size uint32) uint32 { return h&^(size-1) | (number + 1) }

func hash(seed maphash.Seed, id string) uint32 { return uint32(maphash.String(seed, id)) }

// find returns the number of an identifier, or none.
func (b *book[T]) find(seed maphash.Seed, id string) uint32 {
	if b.count == 0 {
		return none // and the seed may not be set
	}
	return b.findHash(hash(seed, id), id)
}

// findHash is find for whoever knows the hash already.
func (b *book[T]) findHash(h uint32, id string) uint32 {
	if n := uint32(len(b.flat)); n > 0 {
		mask := n - 1
		for i := h & mask; b.flat[i]&mask > 0; i = (i + 1) & mask {
			if number := b.flat[i]&mask - 1; (b.flat[i]^h)&^mask == 0 && b.at(number).has(id) {
				return number
			}
		}
	}
	leaf := b.names.leaf(h)
	for i := range leaf {
		if leaf[i].hash == h && b.at(leaf[i].a).has(id) {
			return leaf[i].a
		}
	}
	return none
}

// probably returns the number that findHash will probably return, so that the
// processor can fetch what belongs to it while it does other things, or none.
func (b *book[T]) probably(h uint32) uint32 {
	n := uint32(len(b.flat))
	if n == 0 {
		return none
	}
	return b.flat[h&(n-1)]&(n-1) - 1
}

// settle lays entries side by side and moves all names into the flat table,
// which is faster to search but can only be copied as a whole.
func (b *book[T]) settle(seed maphash.Seed) {
	entries := slices.Concat(b.pages...)
	size := uint32(2)
	for size < 2*b.count {
		size *= 2
	}
	b.flat, b.names = make([]uint32, size), node{}
	for n := range entries {
		h := hash(seed, entries[n].id())
		i := h & (size - 1)
		for b.flat[i] > 0 {
			i = (i + 1) & (size - 1)
		}
		b.flat[i] = tag(h, uint32(n), size)
	}
	b.pages = slices.Collect(slices.Chunk(entries, pageSize))
}

// known returns the object of an identifier and its number, or nil if there is
// none.
func (b *book[T]) known(seed maphash.Seed, id string) (*T, uint32) {
	i := b.find(seed, id)
	return b.ifKnown(i), i
}

// ifKnown returns the object with a number, or nil if there is none.
func (b *book[T]) ifKnown(i uint32) *T {
	if i == none {
		return nil
	}
	if e := b.at(i); e.known {
		return &e.is
	}
	return nil
}

// at returns the entry with a number, for reading only.
func (b *book[T]) at(i uint32) *entry[T] { return &b.pages[i/pageSize][i%pageSize] }

// edit returns the entry with a number for writing, after copying what other
// indexes share.
func (b *book[T]) edit(i uint32, fresh bool) *entry[T] {
	if !fresh {
		b.pages = slices.Clone(b.pages)
		b.pages[i/pageSize] = slices.Clone(b.pages[i/pageSize])
	}
	return b.at(i)
}

// intern returns the number of an identifier and makes an entry for it if
// there is none yet. The empty identifier has the number none.
func (b *book[T]) intern(seed maphash.Seed, id string, fresh bool) uint32 {
	if id == "" {
		return none
	}
	if i := b.find(seed, id); i != none {
		return i
	}
	i := b.count
	e := entry[T]{label: labelOf(id)}
	switch {
	case i%pageSize == 0:
		page := make([]entry[T], 0, pageSize)
		b.pages = append(slices.Clip(b.pages), append(page, e))
	case fresh:
		last := &b.pages[len(b.pages)-1]
		*last = append(*last, e)
	default:
		b.pages = slices.Clone(b.pages)
		last := &b.pages[len(b.pages)-1]
		*last = append(slices.Clone(*last), e)
	}
	b.names = b.names.with(slot{hash: hash(seed, id), a: i}, 0, fresh)
	b.count++
	return i
}
