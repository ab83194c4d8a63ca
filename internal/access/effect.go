// SPDX-License-Identifier: Apache-2.0

package access

import (
	"cmp"
	"iter"
	"math/bits"
	"slices"
	"time"

	"github.com/sashlock/sashlock"
)

// People is a set of people. The zero value is empty.
type People struct {
	ids  []sashlock.PersonID // of everybody, by number
	bits bitmap
}

// Len returns how many people are in the set.
func (p People) Len() int {
	n := 0
	for _, word := range p.bits {
		n += bits.OnesCount64(word)
	}
	return n
}

// All lists the people of the set, in no particular order.
func (p People) All() iter.Seq[sashlock.PersonID] {
	return func(yield func(sashlock.PersonID) bool) {
		for i, word := range p.bits {
			for ; word != 0; word &= word - 1 {
				if !yield(p.ids[i*64+bits.TrailingZeros64(word)]) {
					return
				}
			}
		}
	}
}

// Difference is an opening that two indexes do not open to the same people.
// Who gains it at one instant and loses it at another is in both sets.
type Difference struct {
	Opening    sashlock.OpeningID
	Gain, Loss People
}

// Comparison compares two indexes over every person and every opening at some
// instants. It decides for sets of people at a time: those whom the grants for an
// opening, its area and its site admit are one bitmap, and two bitmaps differ
// where somebody gains or loses. What the two indexes share is not looked at.
type Comparison struct {
	before, after *crowd
	ids           []sashlock.PersonID // of everybody in either, by number
	instants      []time.Time
	alike         []bool // for each instant: where grants are shared, nobody gains or loses
	openings      []pair
}

// pair is the number of an opening in both indexes; none: it is not in it.
type pair struct{ before, after uint32 }

// Compare prepares a comparison; its parts tell the differences. Openings are
// taken to be in normal mode and, as by [Index.Could], everything that depends
// on the moment counts as met: a grant whose terms become stricter is no loss.
func Compare(before, after *Index, instants []time.Time) *Comparison {
	c := &Comparison{instants: instants}
	first, second := c.count(before, after)
	c.before = newCrowd(before, first, len(c.ids))
	c.after = newCrowd(after, second, len(c.ids))
	alike := slices.EqualFunc(c.before.members, c.after.members, slices.Equal) && sameTimes(before, after)
	for _, at := range instants {
		c.alike = append(c.alike, alike && slices.Equal(c.before.admitted(at), c.after.admitted(at)))
	}
	c.pair(before, after)
	return c
}

// count gives everybody in either index a number, and returns that of every
// person of each.
func (c *Comparison) count(before, after *Index) (first, second []uint32) {
	for n := range before.people.count {
		c.ids = append(c.ids, sashlock.PersonID(before.people.at(n).id()))
		first = append(first, n)
	}
	for n := range after.people.count {
		common := counterpart(&after.people, n, before, &before.people)
		if common == none {
			common = uint32(len(c.ids))
			c.ids = append(c.ids, sashlock.PersonID(after.people.at(n).id()))
		}
		second = append(second, common)
	}
	return first, second
}

// counterpart returns the number that an entry of one book has in a book of
// another index, or none. Where one index was made from the other by With, it
// is the same.
func counterpart[T any](from *book[T], n uint32, other *Index, to *book[T]) uint32 {
	if e := &from.at(n).label; n < to.count && e.sameAs(&to.at(n).label) {
		return n
	}
	return to.find(other.seed, from.at(n).id())
}

func (l *label) sameAs(other *label) bool {
	if l.long != nil || other.long != nil {
		return l.id() == other.id()
	}
	return l.length == other.length && l.text == other.text
}

// pair finds the openings of both indexes and orders them by site and area, so
// that what the openings of an area have in common is found once.
func (c *Comparison) pair(before, after *Index) {
	for n := range before.openings.count {
		if before.openings.at(n).known {
			c.openings = append(c.openings, pair{n, counterpart(&before.openings, n, after, &after.openings)})
		}
	}
	for n := range after.openings.count {
		if !after.openings.at(n).known {
			continue
		}
		if was := counterpart(&after.openings, n, before, &before.openings); was == none || !before.openings.at(was).known {
			c.openings = append(c.openings, pair{none, n})
		}
	}
	slices.SortStableFunc(c.openings, func(x, y pair) int {
		return cmp.Or(comparePlaces(before, x.before, y.before), comparePlaces(after, x.after, y.after))
	})
}

func comparePlaces(ix *Index, x, y uint32) int {
	if x == none || y == none {
		return cmp.Compare(x, y)
	}
	a, b := &ix.openings.at(x).is, &ix.openings.at(y).is
	return cmp.Or(cmp.Compare(a.site, b.site), cmp.Compare(a.area, b.area))
}

// sameTimes reports whether every schedule of one index is that of the other,
// in every zone.
func sameTimes(before, after *Index) bool {
	if before.schedules.count != after.schedules.count || !slices.Equal(before.zones, after.zones) {
		return false
	}
	for n := range before.schedules.count {
		if x, y := before.schedules.at(n), after.schedules.at(n); x != y && !x.is.pattern.Is(&y.is.pattern) {
			return false
		}
	}
	return true
}

// Part compares the given part of all openings, counted from 0, and lists those
// that differ. Parts may be asked for by as many goroutines at once; all of them
// together are the whole comparison.
func (c *Comparison) Part(part, parts int) []Difference {
	all := c.openings[len(c.openings)*part/parts : len(c.openings)*(part+1)/parts]
	found := make([]Difference, len(all))
	for i, at := range c.instants {
		before, after := newSweep(c.before, at), newSweep(c.after, at)
		for n, o := range all {
			if !c.alike[i] || !c.shared(o) {
				c.note(&found[n], before.who(o.before), after.who(o.after))
			}
		}
	}
	var differ []Difference
	for n, d := range found {
		if len(d.Gain.bits)+len(d.Loss.bits) == 0 {
			continue
		}
		d.Opening = c.openingID(all[n])
		differ = append(differ, d)
	}
	return differ
}

func (c *Comparison) openingID(o pair) sashlock.OpeningID {
	if o.before != none {
		return sashlock.OpeningID(c.before.openings.at(o.before).id())
	}
	return sashlock.OpeningID(c.after.openings.at(o.after).id())
}

// note adds who gains and who loses.
func (c *Comparison) note(d *Difference, before, after bitmap) {
	for i := range before {
		if gain := after[i] &^ before[i]; gain != 0 {
			d.Gain = People{c.ids, d.Gain.bits.with(i, gain, len(before))}
		}
		if loss := before[i] &^ after[i]; loss != 0 {
			d.Loss = People{c.ids, d.Loss.bits.with(i, loss, len(before))}
		}
	}
}

// shared reports whether an opening lies where it lay, and all grants for it
// are those that there were.
func (c *Comparison) shared(o pair) bool {
	if o.before != o.after { // also where it is in one of them only
		return false
	}
	b, a := c.before.openings.at(o.before), c.after.openings.at(o.after)
	if !b.known || !a.known || b.is.site != a.is.site || b.is.area != a.is.area || b.is.site == none {
		return false
	}
	at, to := c.before.sites.at(b.is.site), c.after.sites.at(a.is.site)
	if at.known != to.known || at.is.zone != to.is.zone || !at.is.grants.shares(&to.is.grants) || !b.is.grants.shares(&a.is.grants) {
		return false
	}
	if b.is.area == none {
		return true
	}
	from, into := c.before.areas.at(b.is.area), c.after.areas.at(a.is.area)
	return from.known == into.known && from.is.grants.shares(&into.is.grants)
}

// shares reports whether two runs are one in memory.
func (r *run) shares(other *run) bool {
	if r.many != nil || other.many != nil {
		return r.many == other.many
	}
	a, b := r.one.terms, other.one.terms
	return len(a) == len(b) && (len(a) == 0 || &a[0] == &b[0])
}

// bitmap is a set of people by number.
type bitmap []uint64

func (b bitmap) add(n uint32) { b[n/64] |= 1 << (n % 64) }

func (b bitmap) merge(other bitmap) {
	for i, word := range other {
		b[i] |= word
	}
}

// with adds to one word of a bitmap that is made when it is first needed.
func (b bitmap) with(i int, word uint64, words int) bitmap {
	if b == nil {
		b = make(bitmap, words)
	}
	b[i] |= word
	return b
}
