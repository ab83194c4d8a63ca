// SPDX-License-Identifier: Apache-2.0

package access

import (
	"cmp"
	"math"
	"slices"
	"sort"
	"strings"
)

// A key is what a grant is for, in 32 bits: the kind of target above, its
// number below. Openings come last because most grants are for one.
const (
	siteKey    = 0 << 30
	areaKey    = 1 << 30
	openingKey = 2 << 30
	numberMask = 1<<30 - 1
)

const (
	// maxChunk is the most grants in a chunk: what is copied when one changes.
	maxChunk = 256
	// maxID is the longest identifier of a grant in bytes. The texts of a full
	// chunk must stay within the 16 bits of term.text.
	maxID = 255
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

// chunk is up to maxChunk grants of one subject, sorted by key and then by
// identifier. It is never changed.
type chunk struct {
	keys     []uint32
	terms    []term
	limits   []limits
	ids      string // the identifiers one after the other
	last     uint32 // the highest key
	areas    uint16 // place of the first key that is not a site's
	openings uint16 // place of the first key that is an opening's
}

// run is all grants of one subject in ascending chunks, none of them empty.
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

// seek returns the place of the first key that is not below the given one.
func (c *chunk) seek(key uint32) int {
	low, high := 0, int(c.areas)
	switch key >> 30 {
	case areaKey >> 30:
		low, high = int(c.areas), int(c.openings)
	case openingKey >> 30:
		low, high = int(c.openings), len(c.keys)
	}
	keys := c.keys
	for low < high {
		middle := int(uint(low+high) / 2)
		if keys[middle] < key {
			low = middle + 1
		} else {
			high = middle
		}
	}
	return low
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

// pack makes the chunks of sorted items.
func pack(items []item) run {
	n := (len(items) + maxChunk - 1) / maxChunk
	r := make(run, 0, n)
	for i := range n {
		r = append(r, packChunk(items[i*len(items)/n:(i+1)*len(items)/n]))
	}
	return r
}

func packChunk(items []item) chunk {
	c := chunk{keys: make([]uint32, len(items)), terms: make([]term, len(items)), last: items[len(items)-1].key}
	var text strings.Builder
	length, limited := 0, 0
	for _, it := range items {
		length += len(it.id)
		if it.limits != forever {
			limited++
		}
	}
	text.Grow(length)
	if limited > 0 {
		c.limits = make([]limits, 0, limited)
	}
	for i, it := range items {
		c.keys[i] = it.key
		c.terms[i] = term{schedule: it.schedule, text: uint16(text.Len())}
		if it.limits != forever {
			c.limits = append(c.limits, it.limits)
			c.terms[i].limits = uint16(len(c.limits))
		}
		text.WriteString(it.id)
	}
	c.ids = text.String()
	c.areas = uint16(sort.Search(len(c.keys), func(i int) bool { return c.keys[i] >= areaKey }))
	c.openings = uint16(sort.Search(len(c.keys), func(i int) bool { return c.keys[i] >= openingKey }))
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
	if len(r) == 0 {
		return pack([]item{it})
	}
	at, i, _ := r.place(it.key, it.id)
	items := r[at].items()
	return slices.Concat(r[:at], pack(slices.Insert(items, i, it)), r[at+1:])
}

// without returns the run with one grant less; one chunk is copied.
func (r run) without(key uint32, id string) run {
	at, i, found := r.place(key, id)
	if !found {
		return r
	}
	items := r[at].items()
	return slices.Concat(r[:at], pack(slices.Delete(items, i, i+1)), r[at+1:])
}

// items unpacks a chunk, with room for one more.
func (c *chunk) items() []item {
	all := make([]item, len(c.keys), len(c.keys)+1)
	for i := range all {
		all[i] = c.item(i)
	}
	return all
}
