// SPDX-License-Identifier: Apache-2.0

package access

import "github.com/sashlock/sashlock"

// Resolved is a request whose names have been looked up.
type Resolved struct{ opening, person uint32 }

// Resolve looks up the names of a request.
func (ix *Index) Resolve(req sashlock.Request) Resolved {
	return Resolved{ix.openings.find(ix.seed, string(req.Opening)), ix.people.find(ix.seed, string(req.Person))}
}

// DecideResolved is Decide without the looking up of names, to measure what
// that takes.
func (ix *Index) DecideResolved(r Resolved, req sashlock.Request, mode sashlock.Mode) Verdict {
	q := ix.query(&req, nil)
	q.touched = ix.touch(r.opening, r.person)
	o, p := ix.openings.ifKnown(r.opening), ix.people.ifKnown(r.person)
	switch {
	case o == nil || !q.aim(o):
		return Verdict{Reason: sashlock.UnknownOpening}
	case p == nil:
		return Verdict{Reason: sashlock.UnknownPerson}
	}
	if reason := q.bar(p, mode); reason != "" {
		return Verdict{Reason: reason}
	}
	f := q.grantFor(p, r.person)
	v := q.verdict(&f)
	v.Free = ix.freeOpenings.has(r.opening) && ix.freePeople.has(r.person)
	return v
}
