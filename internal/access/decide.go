// SPDX-License-Identifier: Apache-2.0

package access

import (
	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/internal/schedule"
)

// Decide answers a request while the opening is in the given mode; the empty
// mode is normal. It looks at nothing but the person, the opening and the
// instant of the request, and allocates nothing. The package comment says in
// which order conditions are looked at and which grant is named.
func (ix *Index) Decide(req sashlock.Request, mode sashlock.Mode) Verdict {
	o, n := ix.openings.known(ix.seed, string(req.Opening))
	if o == nil {
		return Verdict{Reason: sashlock.UnknownOpening}
	}
	q := query{ix: ix, moment: momentOf(req.At), second: req.At.Unix()}
	if !q.aim(o, n) {
		return Verdict{Reason: sashlock.UnknownOpening}
	}
	p, _ := ix.people.known(ix.seed, string(req.Person))
	if p == nil {
		return Verdict{Reason: sashlock.UnknownPerson}
	}
	if r := q.bar(p, mode); r != "" {
		return Verdict{Reason: r}
	}
	f := q.grantFor(p)
	return f.verdict()
}

// query is a request aimed at one opening at one instant.
type query struct {
	ix        *Index
	keys      [3]uint32 // what grants may be for: the opening, its area, its site
	reach     int       // how many of keys count: an opening may have no area
	zone      *zone
	calendars []*schedule.Calendar
	moment    int64 // nanoseconds, see momentOf
	second    int64 // the same in whole seconds, rounded down
}

// aim points the query at an opening and reports whether its site is known.
func (q *query) aim(o *opening, number uint32) bool {
	if o.site == none {
		return false
	}
	s := q.ix.sites.at(o.site)
	if !s.known {
		return false
	}
	q.keys[0], q.reach = keyOf(openingTarget|number), 1
	if o.area != none && q.ix.areas.at(o.area).known {
		q.keys[1], q.reach = keyOf(areaTarget|o.area), 2
	}
	q.keys[q.reach] = keyOf(siteTarget | o.site)
	q.reach++
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
	rank  rank
	via   uint32 // number of the role it is given to; none: to the person
	chunk *chunk
	i     int
}

func (f *finding) verdict() Verdict {
	v := Verdict{Granted: f.rank == covers, Reason: f.rank.reason()}
	if f.chunk != nil {
		v.Grant = sashlock.GrantID(f.chunk.id(f.i))
	}
	return v
}

// grantFor returns the grant that decides for a person.
func (q *query) grantFor(p *person) finding {
	best := finding{rank: nowhere, via: none}
	if q.search(p.grants, none, &best) {
		return best
	}
	for _, n := range p.roles {
		if r := q.ix.roles.at(n); r.known && q.search(r.is.grants, n, &best) {
			return best
		}
	}
	return best
}

// search looks through one run from the most specific key to the least. It
// reports whether a grant covers the request; until then best is the nearest
// miss.
func (q *query) search(r run, via uint32, best *finding) bool {
	if len(r) == 0 {
		return false
	}
	for _, key := range q.keys[:q.reach] {
		at := 0
		if len(r) > 1 {
			at = r.chunkOf(key)
		}
		for ; at < len(r); at++ {
			c := &r[at]
			i := c.seek(key)
			for ; i < len(c.keys) && c.keys[i] == key; i++ {
				if found := q.weigh(c, i); found < best.rank {
					*best = finding{found, via, c, i}
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
