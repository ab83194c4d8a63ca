// SPDX-License-Identifier: Apache-2.0

package access

import (
	"cmp"
	"slices"
	"time"

	"github.com/sashlock/sashlock"
)

// Holder is somebody who can open an opening, and by what.
type Holder struct {
	Person sashlock.PersonID
	Grant  sashlock.GrantID
	Role   sashlock.RoleID // the role the grant is to; empty: it is to the person
	Reason sashlock.Reason // always permitted
	Terms  sashlock.Terms  // what the grant asks for beyond the right time
}

// Reach is an opening that somebody can open, and by what.
type Reach struct {
	Opening sashlock.OpeningID
	Grant   sashlock.GrantID
	Role    sashlock.RoleID // the role the grant is to; empty: it is to the person
	Reason  sashlock.Reason // always permitted
	Terms   sashlock.Terms  // what the grant asks for beyond the right time
}

// WhoCanOpen lists everybody who can open an opening at an instant while it is
// in normal mode, ordered by person. What depends on the moment, such as terms
// and what the opening asks of everybody, counts as met.
func (ix *Index) WhoCanOpen(id sashlock.OpeningID, at time.Time) []Holder {
	o, _ := ix.openings.known(ix.seed, string(id))
	if o == nil {
		return nil
	}
	q := ix.query(&sashlock.Request{Opening: id, At: at}, nil)
	q.lenient = true
	if !q.aim(o) {
		return nil
	}
	by := q.coverings()
	var all []Holder
	for i := range ix.people.count {
		e := ix.people.at(i)
		f := by.of(&e.is, i)
		if f != nil && e.known && q.bar(&e.is, sashlock.Normal) == "" {
			all = append(all, Holder{sashlock.PersonID(e.id()), f.verdict().Grant, ix.roleID(f.via), sashlock.Permitted, ix.termsOf(f)})
		}
	}
	slices.SortFunc(all, func(a, b Holder) int { return cmp.Compare(a.Person, b.Person) })
	return all
}

// coverings are the grants that decide for whoever has a grant that covers a
// request.
type coverings struct {
	found         []finding
	people, roles []uint32 // by number: place in found counted from 1; 0: none
}

// coverings walks over all grants for the opening the query is aimed at. That is
// less than asking for every person where more people are known than have a
// grant, and much less where many of them have many roles.
func (q *query) coverings() *coverings {
	c := &coverings{people: make([]uint32, q.ix.people.count), roles: make([]uint32, q.ix.roles.count)}
	for target, r := range q.runs {
		all := r.chunks()
		for k := range all {
			c.walk(q, &all[k], target)
		}
	}
	return c
}

// walk keeps the first grant of each subject that covers the request: that for
// the nearest target and there the one with the lowest identifier.
func (c *coverings) walk(q *query, part *chunk, target int) {
	for i := range part.terms {
		subject, via, list := subjectOf(part.terms[i].key), none, c.people
		if subject&roleBit != 0 {
			subject &^= roleBit
			via, list = subject, c.roles
			if !q.ix.roles.at(subject).known {
				continue
			}
		}
		if list[subject] == 0 && q.weigh(part, i) == covers {
			c.found = append(c.found, finding{covers, via, target, part, i})
			list[subject] = uint32(len(c.found))
		}
	}
}

// of returns what decides for a person: first what is to them, then what is to
// their roles in order; nil: nothing.
func (c *coverings) of(p *person, number uint32) *finding {
	if n := c.people[number]; n > 0 {
		return &c.found[n-1]
	}
	first, more := p.roles()
	for _, roles := range [2][]uint32{first, more} {
		for _, role := range roles {
			if n := c.roles[role]; n > 0 {
				return &c.found[n-1]
			}
		}
	}
	return nil
}

// WhatCanOpen lists every opening that a person can open at an instant while
// it is in normal mode, ordered by opening. It decides once for every known
// opening.
func (ix *Index) WhatCanOpen(id sashlock.PersonID, at time.Time) []Reach {
	p, n := ix.people.known(ix.seed, string(id))
	if p == nil {
		return nil
	}
	q := ix.query(&sashlock.Request{Person: id, At: at}, nil)
	q.lenient = true
	if q.bar(p, sashlock.Normal) != "" {
		return nil
	}
	var all []Reach
	for i := range ix.openings.count {
		e := ix.openings.at(i)
		if !e.known || !q.aim(&e.is) {
			continue
		}
		if f := q.grantFor(p, n); f.rank == covers {
			all = append(all, Reach{sashlock.OpeningID(e.id()), f.verdict().Grant, ix.roleID(f.via), sashlock.Permitted, ix.termsOf(&f)})
		}
	}
	slices.SortFunc(all, func(a, b Reach) int { return cmp.Compare(a.Opening, b.Opening) })
	return all
}

func (ix *Index) roleID(via uint32) sashlock.RoleID {
	if via == none {
		return ""
	}
	return sashlock.RoleID(ix.roles.at(via).id())
}

// termsOf returns the terms of the grant that was found.
func (ix *Index) termsOf(f *finding) sashlock.Terms {
	if n := f.chunk.limitsAt(f.i).terms; n > 0 {
		return ix.terms[n-1]
	}
	return sashlock.Terms{}
}
