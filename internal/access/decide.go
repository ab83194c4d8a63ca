// SPDX-License-Identifier: Apache-2.0

package access

import (
	"math/bits"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/internal/schedule"
)

// Decide answers a request while the opening is in the given mode; the empty
// mode is normal. It looks at nothing but the person, the opening and the
// instant of the request, and allocates nothing. The package comment says in
// which order conditions are looked at and which grant is named.
func (ix *Index) Decide(req sashlock.Request, mode sashlock.Mode) Verdict {
	if ix.openings.count == 0 {
		return Verdict{Reason: sashlock.UnknownOpening}
	}
	atOpening, atPerson := hash(ix.seed, string(req.Opening)), hash(ix.seed, string(req.Person))
	q := query{ix: ix, moment: momentOf(req.At), second: req.At.Unix()}
	q.touched = ix.openings.touch(atOpening) + ix.people.touch(atPerson)
	o := ix.openings.ifKnown(ix.openings.findHash(atOpening, string(req.Opening)))
	if o == nil || !q.aim(o) {
		return Verdict{Reason: sashlock.UnknownOpening}
	}
	person := ix.people.findHash(atPerson, string(req.Person))
	p := ix.people.ifKnown(person)
	if p == nil {
		return Verdict{Reason: sashlock.UnknownPerson}
	}
	if r := q.bar(p, mode); r != "" {
		return Verdict{Reason: r}
	}
	f := q.grantFor(p, person)
	return f.verdict()
}

// query is a request aimed at one opening at one instant.
type query struct {
	ix        *Index
	runs      [3]run // grants for the opening, for its area, for its site
	zone      *zone
	calendars []*schedule.Calendar
	moment    int64  // nanoseconds, see momentOf
	second    int64  // the same in whole seconds, rounded down
	touched   uint32 // by book.touch
}

// aim points the query at an opening and reports whether its site is known.
func (q *query) aim(o *opening) bool {
	if o.site == none {
		return false
	}
	s := q.ix.sites.at(o.site)
	if !s.known {
		return false
	}
	q.runs = [3]run{o.grants, nil, s.is.grants}
	if o.area != none {
		if a := q.ix.areas.at(o.area); a.known {
			q.runs[1] = a.is.grants
		}
	}
	q.zone = &q.ix.zones[s.is.zone]
	q.calendars = q.zone.calendars
	return true
}

// bar returns why the person or the mode forbids it whatever the grants say,
// or "".
func (q *query) bar(p *person, mode sashlock.Mode) sashlock.Reason {
	switch {
	case p.suspended:
		return sashlock.PersonSuspended
	case q.moment < p.limits.from:
		return sashlock.PersonNotYetValid
	case q.moment >= p.limits.until:
		return sashlock.PersonExpired
	}
	switch mode {
	case "", sashlock.Normal, sashlock.HeldUnlocked:
		return ""
	case sashlock.LockedDown:
		return sashlock.OpeningLockedDown
	default:
		return sashlock.OpeningBlocked
	}
}

// rank says how near a grant comes to covering a request; less is nearer.
type rank uint8

const (
	covers rank = iota
	wrongTime
	notYet
	ended
	nowhere // no grant reaches the request
)

func (r rank) reason() sashlock.Reason {
	switch r {
	case covers:
		return sashlock.Permitted
	case wrongTime:
		return sashlock.NotPermittedAtThisTime
	case notYet:
		return sashlock.GrantNotYetValid
	case ended:
		return sashlock.GrantExpired
	default:
		return sashlock.Unauthorized
	}
}

// finding is the grant that came nearest so far.
type finding struct {
	rank   rank
	via    uint32 // number of the role it is given to; none: to the person
	target int    // what it is for: place in query.runs
	chunk  *chunk
	i      int
}

func (f *finding) verdict() Verdict {
	v := Verdict{Granted: f.rank == covers, Reason: f.rank.reason()}
	if f.chunk != nil {
		v.Grant = sashlock.GrantID(f.chunk.id(f.i))
	}
	return v
}

// grantFor returns the grant that decides for a person. It reads the filters
// for the person and the first roles together, so that the processor fetches
// them side by side instead of waiting for each.
func (q *query) grantFor(p *person, number uint32) finding {
	best := finding{rank: nowhere, via: none}
	first, more := p.roles()
	var maybe [len(p.first)]uint8
	for i, n := range first {
		maybe[i] = q.may(keyOf(n | roleBit))
	}
	if key := keyOf(number); q.search(key, q.may(key), none, &best) {
		return best
	}
	for i, n := range first {
		if q.searchRole(n, maybe[i], &best) {
			return best
		}
	}
	for _, n := range more {
		if q.searchRole(n, q.may(keyOf(n|roleBit)), &best) {
			return best
		}
	}
	return best
}

// searchRole searches for the grants to a role, if the role is known.
func (q *query) searchRole(n uint32, targets uint8, best *finding) bool {
	return targets != 0 && q.ix.roles.at(n).known && q.search(keyOf(n|roleBit), targets, n, best)
}

// may returns in which of the runs there may be a grant with the key, one bit
// for each.
func (q *query) may(key uint32) uint8 {
	var targets uint8
	for i := range q.runs {
		r := q.runs[i]
		if len(r) == 1 {
			targets |= r[0].may(key) << i
			continue
		}
		if at := r.chunkOf(key); at < len(r) {
			targets |= r[at].may(key) << i
		}
	}
	return targets
}

// search looks for the grants to one subject, from the most specific target to
// the least. It reports whether one covers the request; until then best is the
// nearest miss.
func (q *query) search(key uint32, targets uint8, via uint32, best *finding) bool {
	for ; targets != 0; targets &= targets - 1 {
		target := bits.TrailingZeros8(targets)
		r := q.runs[target]
		for at := r.chunkOf(key); at < len(r); at++ {
			c := &r[at]
			i := c.seek(key)
			for ; i < len(c.keys) && c.keys[i] == key; i++ {
				if found := q.weigh(c, i); found < best.rank {
					*best = finding{found, via, target, c, i}
					if found == covers {
						return true
					}
				}
			}
			if i < len(c.keys) {
				break
			}
		}
	}
	return false
}

// weigh says how near one grant that reaches the request comes to covering it.
func (q *query) weigh(c *chunk, i int) rank {
	t := c.terms[i]
	if t.limits > 0 {
		l := &c.limits[t.limits-1]
		if q.moment < l.from {
			return notYet
		}
		if q.moment >= l.until {
			return ended
		}
	}
	if t.schedule == anytime {
		return covers
	}
	if cal := q.calendar(t.schedule); cal != nil && cal.Covers(q.second) {
		return covers
	}
	return wrongTime
}

// calendar returns a schedule compiled for the opening's zone, or nil.
func (q *query) calendar(n uint32) *schedule.Calendar {
	if int(n) < len(q.calendars) {
		return q.calendars[n]
	}
	return nil
}
