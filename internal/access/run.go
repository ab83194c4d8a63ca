// SPDX-License-Identifier: Apache-2.0

package access

import (
	"cmp"
	"math"
	"slices"
	"strings"
)

// A target is what a grant is for, in 32 bits: its kind above, its number
// below.
const (
	siteTarget    = 0 << 30
	areaTarget    = 1 << 30
	openingTarget = 2 << 30
	numberMask    = 1<<30 - 1
)

// A subject is whom a grant is to, in 32 bits: the number of a person, or that
// of a role with roleBit.
const roleBit = 1 << 31

// keyOf turns a subject into a key: shuffled, so that the keys of a run are
// spread evenly and the place of a key follows from its size, within a cache
// line or two. Multiplication by an odd number maps no two subjects to one key.
func keyOf(subject uint32) uint32 { return subject * 0x9E3779B1 }

const (
	// maxChunk is the most grants in a chunk: what is copied when one changes.
	maxChunk = 512
	// maxID is the longest identifier of a grant in bytes. The texts of a full
	// chunk must stay within the 16 bits of term.text.
	maxID = 127
	// anytime is the schedule of a grant that has none.
	anytime = none
)

// forever are the limits of a grant that has none.
var forever = limits{math.MinInt64, math.MaxInt64}

// limits is a half-open stretch of time in nanoseconds since 1970, UTC.
type limits struct {
	from, until int64
}

// term is what a chunk keeps of one grant besides its key.
type term struct {
	schedule uint32 // number of its schedule, or anytime
	limits   uint16 // place in chunk.limits counted from 1; 0: forever
	text     uint16 // where its identifier begins in chunk.ids
}

// chunk is up to maxChunk grants for one target, sorted by key and then by
// identifier. It is never changed. It fills two cache lines, and a search
// reads the second only where it finds a key.
type chunk struct {
	filter      []uint64 // see may
	keys        []uint32
	first, last uint32 // the lowest and the highest key
	scale       uint64 // places for each step of a key, in units of 1/2^32
	terms       []term // place by place with keys
	limits      []limits
	ids         string // the identifiers one after the other
}

// filterBits is how many bits of filter there are for a grant: of the keys that
// are not there, about one in filterBits looks as if it were.
const filterBits = 8

// run is all grants for one target in ascending chunks, none of them empty.
type run []chunk

// item is one grant, unpacked.
type item struct {
	key      uint32
	schedule uint32
	limits   limits
	id       string
}

func compareItems(a, b item) int {
	if c := cmp.Compare(a.key, b.key); c != 0 {
		return c
	}
	return strings.Compare(a.id, b.id)
}

// id returns the identifier of the grant at place i, without copying it.
func (c *chunk) id(i int) string {
	if i+1 < len(c.terms) {
		return c.ids[c.terms[i].text:c.terms[i+1].text]
	}
	return c.ids[c.terms[i].text:]
}

// limitsAt returns the limits of the grant at place i.
func (c *chunk) limitsAt(i int) limits {
	if n := c.terms[i].limits; n > 0 {
		return c.limits[n-1]
	}
	return forever
}

// item unpacks the grant at place i.
func (c *chunk) item(i int) item {
	return item{key: c.keys[i], schedule: c.terms[i].schedule, limits: c.limitsAt(i), id: c.id(i)}
}

// may returns 0 if the chunk does not have the key, and 1 if it may have it.
// Most keys that are looked for are not there; this tells so from an eighth of
// the memory, which the processor can keep at hand.
func (c *chunk) may(key uint32) uint8 {
	word, bit := c.filterBit(key)
	return uint8(c.filter[word] >> bit & 1)
}

func (c *chunk) filterBit(key uint32) (word, bit uint64) {
	i := uint64(key*0x85EBCA6B) * uint64(len(c.filter)) * 64 >> 32
	return i / 64, i % 64
}

// seek returns the place of the first key that is not below the given one.
func (c *chunk) seek(key uint32) int {
	if key <= c.first {
		return 0
	}
	keys := c.keys
	if key > c.last {
		return len(keys)
	}
	i := int(uint64(key-c.first) * c.scale >> 32) // a guess, at most some places off
	for i < len(keys) && keys[i] < key {
		i++
	}
	for i > 0 && i <= len(keys) && keys[i-1] >= key {
		i--
	}
	return i
}

// chunkOf returns the place of the first chunk that can hold the key.
func (r run) chunkOf(key uint32) int {
	low, high := 0, len(r)
	for low < high {
		middle := int(uint(low+high) / 2)
		if r[middle].last < key {
			low = middle + 1
		} else {
			high = middle
		}
	}
	return low
}

// ground is where the parts of chunks are laid. A shared ground keeps like
// parts together, so that a search touches few pages of memory; a nil one makes
// each part by itself.
type ground struct {
	chunks plot[chunk]
	filter plot[uint64]
	keys   plot[uint32]
	terms  plot[term]
	limits plot[limits]
}

// newGround measures how much ground the items take, grouped up to each of
// ends.
func newGround(items []item, ends []int) *ground {
	var g ground
	g.keys.wanted, g.terms.wanted = len(items), len(items)
	for i := range items {
		if items[i].limits != forever {
			g.limits.wanted++
		}
	}
	begin := 0
	for _, end := range ends {
		g.chunks.wanted += chunksFor(end - begin)
		g.filter.wanted += filterWords(end - begin)
		begin = end
	}
	return &g
}

func chunksFor(items int) int { return (items + maxChunk - 1) / maxChunk }

func filterWords(items int) int { return (items*filterBits + 63) / 64 }

// plot is stretches of memory that are given away bit by bit.
type plot[T any] struct {
	free   []T
	wanted int // how much is still to be made
}

// plotSize is how many parts share one stretch. It is freed when none of them
// is in use any more.
const plotSize = 1 << 16

func (p *plot[T]) take(n int) []T {
	if n > len(p.free) {
		p.free = make([]T, max(n, min(p.wanted, plotSize)))
		p.wanted -= len(p.free)
	}
	taken := p.free[:n:n]
	p.free = p.free[n:]
	return taken
}

// chunk makes room for n grants, limited of them with limits.
func (g *ground) chunk(n, limited int) chunk {
	words := filterWords(n)
	if g == nil {
		return chunk{filter: make([]uint64, words), keys: make([]uint32, n), terms: make([]term, n), limits: make([]limits, limited)}
	}
	return chunk{filter: g.filter.take(words), keys: g.keys.take(n), terms: g.terms.take(n), limits: g.limits.take(limited)}
}

// run makes room for n chunks.
func (g *ground) run(n int) run {
	if g == nil {
		return make(run, n)
	}
	return g.chunks.take(n)
}

// pack makes the chunks of sorted items.
func (g *ground) pack(items []item) run {
	n := chunksFor(len(items))
	r := g.run(n)
	for i := range r {
		r[i] = g.packChunk(items[i*len(items)/n : (i+1)*len(items)/n])
	}
	return r
}

func (g *ground) packChunk(items []item) chunk {
	var text strings.Builder
	length, limited := 0, 0
	for _, it := range items {
		length += len(it.id)
		if it.limits != forever {
			limited++
		}
	}
	text.Grow(length)
	c := g.chunk(len(items), limited)
	c.first, c.last = items[0].key, items[len(items)-1].key
	limited = 0
	for i, it := range items {
		c.keys[i] = it.key
		word, bit := c.filterBit(it.key)
		c.filter[word] |= 1 << bit
		c.terms[i] = term{schedule: it.schedule, text: uint16(text.Len())}
		if it.limits != forever {
			c.limits[limited] = it.limits
			limited++
			c.terms[i].limits = uint16(limited)
		}
		text.WriteString(it.id)
	}
	c.ids = text.String()
	c.scale = uint64(len(items)) << 32 / (uint64(c.last-c.first) + 1)
	return c
}

// place returns the chunk that holds, or should hold, the grant, and where in
// it. The run must not be empty.
func (r run) place(key uint32, id string) (at, i int, found bool) {
	at = min(r.chunkOf(key), len(r)-1)
	for {
		c := &r[at]
		i = c.seek(key)
		for i < len(c.keys) && c.keys[i] == key && c.id(i) < id {
			i++
		}
		if i < len(c.keys) {
			return at, i, c.keys[i] == key && c.id(i) == id
		}
		if at+1 == len(r) {
			return at, i, false
		}
		at++
	}
}

// has reports whether the run holds the grant.
func (r run) has(key uint32, id string) bool {
	if len(r) == 0 {
		return false
	}
	_, _, found := r.place(key, id)
	return found
}

// with returns the run with one grant more; one chunk is copied.
func (r run) with(it item) run {
	var alone *ground
	if len(r) == 0 {
		return alone.pack([]item{it})
	}
	at, i, _ := r.place(it.key, it.id)
	items := r[at].items()
	return slices.Concat(r[:at], alone.pack(slices.Insert(items, i, it)), r[at+1:])
}

// without returns the run with one grant less; one chunk is copied.
func (r run) without(key uint32, id string) run {
	var alone *ground
	at, i, found := r.place(key, id)
	if !found {
		return r
	}
	items := r[at].items()
	return slices.Concat(r[:at], alone.pack(slices.Delete(items, i, i+1)), r[at+1:])
}

// items unpacks a chunk, with room for one more.
func (c *chunk) items() []item {
	all := make([]item, len(c.keys), len(c.keys)+1)
	for i := range all {
		all[i] = c.item(i)
	}
	return all
}
