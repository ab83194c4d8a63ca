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
// and what the opening asks of everybody, counts as met. It decides once for every known person.
func (ix *Index) WhoCanOpen(id sashlock.OpeningID, at time.Time) []Holder {
	o, _ := ix.openings.known(ix.seed, string(id))
	if o == nil {
		return nil
	}
	q := ix.query(sashlock.Request{Opening: id, At: at}, nil)
	q.lenient = true
	if !q.aim(o) {
		return nil
	}
	var all []Holder
	for i := range ix.people.count {
		e := ix.people.at(i)
		if !e.known || q.bar(&e.is, sashlock.Normal) != "" {
			continue
		}
		if f := q.grantFor(&e.is, i); f.rank == covers {
			all = append(all, Holder{sashlock.PersonID(e.id()), f.verdict().Grant, ix.roleID(f.via), sashlock.Permitted, ix.termsOf(&f)})
		}
	}
	slices.SortFunc(all, func(a, b Holder) int { return cmp.Compare(a.Person, b.Person) })
	return all
}

// WhatCanOpen lists every opening that a person can open at an instant while
// it is in normal mode, ordered by opening. It decides once for every known
// opening.
func (ix *Index) WhatCanOpen(id sashlock.PersonID, at time.Time) []Reach {
	p, n := ix.people.known(ix.seed, string(id))
	if p == nil {
		return nil
	}
	q := ix.query(sashlock.Request{Person: id, At: at}, nil)
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
