// SPDX-License-Identifier: Apache-2.0

package access

import (
	"slices"

	"github.com/sashlock/sashlock"
)

// The rules of watching are:
//
//   - Whoever decides further than the grants, by guard rails, can say once for
//     which openings and for which people there may be anything to decide. A
//     request that concerns neither is free: nobody needs to look further.
//   - What nobody has spoken of yet is watched, and so is what was put since.

// Watch says which openings and which people are watched.
type Watch struct {
	Opening func(sashlock.OpeningID) bool
	Person  func(sashlock.PersonID) bool

	// All asks about everything; otherwise only about what is named here.
	All      bool
	Openings []sashlock.OpeningID
	People   []sashlock.PersonID
}

// Watching returns an index with the same facts in which the openings and
// people that w names are watched or not, as it says.
func (ix *Index) Watching(w Watch) *Index {
	next := *ix
	if w.All {
		next.freeOpenings, next.freePeople = make(marks, markWords(ix.openings.count)), make(marks, markWords(ix.people.count))
		for n := range ix.openings.count {
			next.freeOpenings.put(n, !w.Opening(sashlock.OpeningID(ix.openings.at(n).id())))
		}
		for n := range ix.people.count {
			next.freePeople.put(n, !w.Person(sashlock.PersonID(ix.people.at(n).id())))
		}
		return &next
	}
	if len(w.Openings) > 0 {
		next.freeOpenings = ix.freeOpenings.grown(ix.openings.count)
	}
	for _, id := range w.Openings {
		if n := ix.openings.find(ix.seed, string(id)); n != none {
			next.freeOpenings.put(n, !w.Opening(id))
		}
	}
	if len(w.People) > 0 {
		next.freePeople = ix.freePeople.grown(ix.people.count)
	}
	for _, id := range w.People {
		if n := ix.people.find(ix.seed, string(id)); n != none {
			next.freePeople.put(n, !w.Person(id))
		}
	}
	return &next
}

// Free reports whether neither the opening nor the person of a request is
// watched.
func (ix *Index) Free(req sashlock.Request) bool {
	return ix.freeOpenings.has(ix.openings.find(ix.seed, string(req.Opening))) && ix.freePeople.has(ix.people.find(ix.seed, string(req.Person)))
}

// watchPut has everything watched that was put and not spoken of yet.
func (d *draft) watchPut(put Facts) {
	if len(put.Openings) > 0 && len(d.freeOpenings) > 0 {
		d.freeOpenings = slices.Clone(d.freeOpenings)
		for i := range put.Openings {
			d.freeOpenings.put(d.openings.find(d.seed, string(put.Openings[i].ID)), false)
		}
	}
	if len(put.People) > 0 && len(d.freePeople) > 0 {
		d.freePeople = slices.Clone(d.freePeople)
		for i := range put.People {
			d.freePeople.put(d.people.find(d.seed, string(put.People[i].ID)), false)
		}
	}
}

// marks are a truth for each number; false for those beyond.
type marks []uint64

func markWords(count uint32) int { return int(count+63) / 64 }

func (b marks) has(n uint32) bool {
	return int(n/64) < len(b) && b[n/64]>>(n%64)&1 != 0
}

// put sets the bit of a number, if there is room for it.
func (b marks) put(n uint32, to bool) {
	if int(n/64) >= len(b) {
		return
	}
	b[n/64] &^= 1 << (n % 64)
	if to {
		b[n/64] |= 1 << (n % 64)
	}
}

// grown returns a copy with room for a count of numbers.
func (b marks) grown(count uint32) marks {
	next := make(marks, max(len(b), markWords(count)))
	copy(next, b)
	return next
}
