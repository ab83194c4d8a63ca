// SPDX-License-Identifier: Apache-2.0

package access

import (
	"time"

	"github.com/sashlock/sashlock"
)

// crowd is the people of an index as sets.
type crowd struct {
	*Index
	number  []uint32   // of each person, in the numbers that both sides of a comparison use
	members [][]uint32 // of each known role: the known people who have it
	masks   []bitmap   // of each role that very many people have: the same
	words   int        // of a bitmap
}

func newCrowd(ix *Index, number []uint32, people int) *crowd {
	c := &crowd{Index: ix, number: number, words: (people + 63) / 64}
	c.members, c.masks = make([][]uint32, ix.roles.count), make([]bitmap, ix.roles.count)
	for n := range ix.people.count {
		if e := ix.people.at(n); e.known {
			first, more := e.is.roles()
			c.join(first, number[n])
			c.join(more, number[n])
		}
	}
	for role, members := range c.members {
		if len(members) <= c.words {
			continue // adding them one by one takes no longer
		}
		mask := make(bitmap, c.words)
		for _, n := range members {
			mask.add(n)
		}
		c.masks[role] = mask
	}
	return c
}

func (c *crowd) join(roles []uint32, person uint32) {
	for _, role := range roles {
		if c.roles.at(role).known {
			c.members[role] = append(c.members[role], person)
		}
	}
}

// admitted is everybody who is known, not suspended and admitted at an instant.
func (c *crowd) admitted(at time.Time) bitmap {
	q := c.query(&sashlock.Request{At: at}, nil)
	all := make(bitmap, c.words)
	for n := range c.people.count {
		if e := c.people.at(n); e.known && q.bar(&e.is, sashlock.Normal) == "" {
			all.add(c.number[n])
		}
	}
	return all
}

// sweep finds who can open what at one instant, for one opening after the other.
// Openings of an area that come after each other share what is for all of them.
type sweep struct {
	*crowd
	q                   query
	here                bitmap // everybody who is admitted at the instant
	begun               bool
	site, area          uint32 // what the following are for
	bySite, byArea, own bitmap // who can by a grant for the site; or also by one for the area; or also for the opening
}

func newSweep(c *crowd, at time.Time) *sweep {
	s := &sweep{crowd: c, q: c.query(&sashlock.Request{At: at}, nil), here: c.admitted(at)}
	s.q.lenient = true
	s.bySite, s.byArea, s.own = make(bitmap, c.words), make(bitmap, c.words), make(bitmap, c.words)
	return s
}

// who returns everybody who can open an opening, until it is called again. An
// opening that is not known opens for nobody.
func (s *sweep) who(n uint32) bitmap {
	o := s.openings.ifKnown(n)
	if o == nil || !s.q.aim(o) {
		clear(s.own)
		return s.own
	}
	moved := !s.begun || s.site != o.site
	if moved {
		clear(s.bySite)
		s.admit(s.bySite, s.q.runs[2])
	}
	if moved || s.area != o.area { // an area's grants are read in the zone of the opening's site
		copy(s.byArea, s.bySite)
		s.admit(s.byArea, s.q.runs[1])
	}
	s.begun, s.site, s.area = true, o.site, o.area
	copy(s.own, s.byArea)
	s.admit(s.own, s.q.runs[0])
	for i := range s.own {
		s.own[i] &= s.here[i]
	}
	return s.own
}

// admit adds everybody to whom a grant of a run counts now.
func (s *sweep) admit(all bitmap, r *run) {
	for _, c := range r.chunks() {
		for i := range c.terms {
			if s.q.weigh(&c, i) != covers {
				continue
			}
			subject := subjectOf(c.terms[i].key)
			role := subject &^ roleBit
			switch {
			case subject&roleBit == 0:
				all.add(s.number[subject])
			case s.masks[role] != nil:
				all.merge(s.masks[role])
			default:
				for _, n := range s.members[role] {
					all.add(n)
				}
			}
		}
	}
}

// subjectOf turns a key back into its subject: its factor is the inverse of the
// one in keyOf.
func subjectOf(key uint32) uint32 { return key * 0x0E8B2F51 }
