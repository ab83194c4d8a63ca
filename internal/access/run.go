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
	// chunkSize is about how many grants a chunk is made for, and growChunks
	// how many times as many its chunks may hold on average before a run is
	// laid out anew. Together they are what is copied when a grant changes.
	chunkSize  = 64
	growChunks = 4
	// loneChunk is how many grants a run has at most when it is made without
	// many chunks.
	loneChunk = 112
	// maxID is the longest identifier of a grant in bytes.
	maxID = 127
	// anytime is the schedule of a grant that has none.
	anytime = none
)

// forever are the limits of a grant that has none.
var forever = limits{math.MinInt64, math.MaxInt64, 0}

// limits is a half-open stretch of time in nanoseconds since 1970, UTC, and
// what else a grant asks for.
type limits struct {
	from, until int64
	terms       uint32 // place in Index.terms counted from 1; 0: nothing
}

// term is what a chunk keeps of one grant: four of them fill a cache line.
type term struct {
	key      uint32
	schedule uint32 // number of its schedule, or anytime
	limits   uint32 // place in chunk.limits counted from 1; 0: forever
	text     uint32 // where its identifier begins in chunk.ids
}

// chunk is some of the grants for one target, sorted by key and then by
// identifier. It is never changed. It fills two cache lines, and a search
// reads the second only where the first says that it may find a key.
type chunk struct {
	filter [filterWords]uint64 // see may
	terms  []term
	limits []limits
	ids    string // the identifiers one after the other
}

// filterWords is the size of a filter: a cache line. With chunkSize grants in
// the chunk, about one in thirty of the keys that are not there looks as if it
// were.
const filterWords = 8

// run is all grants for one target. Where there are few of them they are in a
// chunk that is part of the run, and of whatever the run is part of, so that no
// pointer leads to its filter. Otherwise the key alone says in which of many
// chunks a grant is, so that all grants to one subject are in the same.
type run struct {
	many *[]chunk // nil, or what at chooses from
	one  chunk    // unless there are many
}

// at returns the chunk of a key, and how far into it, in units of 1/2^32, the
// key should be.
func (r *run) at(key uint32) (c *chunk, fraction uint32) {
	if r.many == nil {
		return &r.one, key
	}
	many := *r.many
	place := uint64(key) * uint64(len(many))
	return &many[place>>32], uint32(place)
}

// chunks returns all chunks of the run.
func (r *run) chunks() []chunk {
	if r.many == nil {
		return []chunk{r.one}
	}
	return *r.many
}

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
	return item{key: c.terms[i].key, schedule: c.terms[i].schedule, limits: c.limitsAt(i), id: c.id(i)}
}

// may returns 0 if the chunk does not have the key, and 1 if it may have it.
// Most keys that are looked for are not there, and this tells so from one
// cache line. It takes no branch, so that the processor need not wait for the
// answer before it asks the next chunk.
func (c *chunk) may(key uint32) uint32 {
	x, y, z := filterBits(key)
	f := &c.filter
	return uint32(f[x/64%filterWords]>>(x%64)&(f[y/64%filterWords]>>(y%64))&(f[z/64%filterWords]>>(z%64))) & 1
}

// filterBits returns the three bits that stand for a key in a filter.
func filterBits(key uint32) (x, y, z uint32) {
	h := key * 0x85EBCA6B
	return h >> 23, h >> 14, h >> 5
}

// guess returns where in the chunk a key should be, at most some places off.
func (c *chunk) guess(fraction uint32) uint32 {
	return uint32(uint64(fraction) * uint64(len(c.terms)) >> 32)
}

// seek returns the place of the first key that is not below the given one.
func (c *chunk) seek(key, fraction uint32) int {
	terms := c.terms
	i := int(c.guess(fraction))
	for i < len(terms) && terms[i].key < key {
		i++
	}
	for i > 0 && terms[i-1].key >= key {
		i--
	}
	return i
}

// ground is where the parts of chunks are laid. A shared ground keeps like
// parts together, so that a search touches few pages of memory; a nil one makes
// each part by itself.
type ground struct {
	chunks plot[chunk]
	terms  plot[term]
	limits plot[limits]
}

// newGround measures how much ground the items take, grouped up to each of
// ends.
func newGround(items []item, ends []int) *ground {
	var g ground
	g.terms.wanted = len(items)
	for i := range items {
		if items[i].limits != forever {
			g.limits.wanted++
		}
	}
	begin := 0
	for _, end := range ends {
		g.chunks.wanted += chunksFor(end - begin)
		begin = end
	}
	return &g
}

// chunksFor returns how many chunks a run with items is made of; 0: it needs
// only the one that is part of it.
func chunksFor(items int) int {
	if items <= loneChunk {
		return 0
	}
	return (items + chunkSize - 1) / chunkSize
}

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
	if g == nil {
		return chunk{terms: make([]term, n), limits: make([]limits, limited)}
	}
	return chunk{terms: g.terms.take(n), limits: g.limits.take(limited)}
}

// chunkRow makes room for n chunks.
func (g *ground) chunkRow(n int) []chunk {
	if g == nil {
		return make([]chunk, n)
	}
	return g.chunks.take(n)
}

// pack makes the run of sorted items.
func (g *ground) pack(items []item) run {
	count := chunksFor(len(items))
	if count == 0 {
		return run{one: g.packChunk(items)}
	}
	many := g.chunkRow(count)
	for i := range many {
		n := 0
		for n < len(items) && uint64(items[n].key)*uint64(count)>>32 == uint64(i) {
			n++
		}
		many[i] = g.packChunk(items[:n])
		items = items[n:]
	}
	return run{many: &many}
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
	limited = 0
	for i, it := range items {
		x, y, z := filterBits(it.key)
		c.filter[x/64%filterWords] |= 1 << (x % 64)
		c.filter[y/64%filterWords] |= 1 << (y % 64)
		c.filter[z/64%filterWords] |= 1 << (z % 64)
		c.terms[i] = term{key: it.key, schedule: it.schedule, text: uint32(text.Len())}
		if it.limits != forever {
			c.limits[limited] = it.limits
			limited++
			c.terms[i].limits = uint32(limited)
		}
		text.WriteString(it.id)
	}
	c.ids = text.String()
	return c
}

// place returns where in its chunk a grant is or should be.
func (c *chunk) place(key, fraction uint32, id string) (i int, found bool) {
	i = c.seek(key, fraction)
	for i < len(c.terms) && c.terms[i].key == key && c.id(i) < id {
		i++
	}
	return i, i < len(c.terms) && c.terms[i].key == key && c.id(i) == id
}

// has reports whether the run holds the grant.
func (r *run) has(key uint32, id string) bool {
	c, fraction := r.at(key)
	_, found := c.place(key, fraction, id)
	return found
}

// with returns the run with one grant more; one chunk is copied, or rarely all
// of them.
func (r *run) with(it item) run {
	var alone *ground
	c, fraction := r.at(it.key)
	i, _ := c.place(it.key, fraction, it.id)
	more := r.replacing(it.key, alone.packChunk(slices.Insert(c.items(), i, it)))
	if all := more.chunks(); more.count() > growChunks*chunkSize*len(all) {
		var items []item
		for i := range all {
			items = append(items, all[i].items()...)
		}
		return alone.pack(items)
	}
	return more
}

// without returns the run with one grant less; one chunk is copied.
func (r *run) without(key uint32, id string) run {
	var alone *ground
	c, fraction := r.at(key)
	i, found := c.place(key, fraction, id)
	if !found {
		return *r
	}
	return r.replacing(key, alone.packChunk(slices.Delete(c.items(), i, i+1)))
}

// replacing returns the run with another chunk for a key.
func (r *run) replacing(key uint32, c chunk) run {
	if r.many == nil {
		return run{one: c}
	}
	many := slices.Clone(*r.many)
	changed := run{many: &many}
	old, _ := changed.at(key)
	*old = c
	return changed
}

// count returns how many grants the run has.
func (r *run) count() int {
	n := 0
	for _, c := range r.chunks() {
		n += len(c.terms)
	}
	return n
}

// items unpacks a chunk, with room for one more.
func (c *chunk) items() []item {
	all := make([]item, len(c.terms), len(c.terms)+1)
	for i := range all {
		all[i] = c.item(i)
	}
	return all
}
