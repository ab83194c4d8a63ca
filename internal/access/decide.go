// SPDX-License-Identifier: Apache-2.0

package access

import (
	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/internal/schedule"
)

// Decide answers a request while the opening is in the given mode; the empty
// mode is normal. The situation is asked only by grants, openings and areas
// that depend on it; nil: nothing is known of it. Decide itself allocates
// nothing. The package comment says in which order conditions are looked at and
// which grant is named.
func (ix *Index) Decide(req sashlock.Request, mode sashlock.Mode, now Situation) Verdict {
	var q query
	q.begin(ix, &req, now)
	return q.decide(mode)
}

// Could is Decide for somebody who asks what may come rather than to be let in:
// everything that depends on the moment counts as met, such as who else is
// there and what was presented. The grant's terms are those of [Index.TermsOf].
func (ix *Index) Could(req sashlock.Request, mode sashlock.Mode) Verdict {
	var q query
	q.begin(ix, &req, nil)
	q.lenient = true
	return q.decide(mode)
}

func (q *query) decide(mode sashlock.Mode) Verdict {
	ix, req := q.ix, &q.req
	if ix.openings.count == 0 {
		return Verdict{Reason: sashlock.UnknownOpening}
	}
	atOpening, atPerson := hash(ix.seed, string(req.Opening)), hash(ix.seed, string(req.Person))
	q.touched = ix.touch(ix.openings.probably(atOpening), ix.people.probably(atPerson))
	opening := ix.openings.findHash(atOpening, string(req.Opening))
	o := ix.openings.ifKnown(opening)
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
	v := q.verdict(&f)
	v.Free = ix.freeOpenings.has(opening) && ix.freePeople.has(person)
	return v
}

// query begins a query for a request.
func (ix *Index) query(req *sashlock.Request, now Situation) (q query) {
	q.begin(ix, req, now)
	return q
}

// begin begins a query that is all zero, where it is: a query is large, and
// copying it takes as long as an access to memory.
func (q *query) begin(ix *Index, req *sashlock.Request, now Situation) {
	if now == nil {
		now = unknown{}
	}
	q.ix, q.req, q.sit, q.moment, q.second = ix, *req, now, momentOf(req.At), req.At.Unix()
}

// verdict makes the answer of the grant that came nearest and of what the
// opening asks of everybody.
func (q *query) verdict(f *finding) Verdict {
	v := f.verdict()
	if !v.Granted && f.rank != second {
		return v
	}
	if r := q.lacks(); r != "" {
		v.Granted, v.Reason = false, r
	}
	v.PassedBack = v.Granted && q.passedBack()
	return v
}

// touch reads what the decision for an opening and a person begins with, so
// that the processor fetches all of it at once. What it returns means nothing.
func (ix *Index) touch(opening, person uint32) uint32 {
	sum := uint32(0)
	if opening != none {
		e := ix.openings.at(opening)
		g := &e.is.grants.one
		sum += e.is.site + uint32(g.filter[0]) + uint32(len(g.terms))
	}
	if person != none {
		sum += ix.people.at(person).is.first[0]
	}
	return sum
}

// noGrants is the run of an area that is not there.
var noGrants run

// query is a request aimed at one opening at one instant.
type query struct {
	ix      *Index
	req     sashlock.Request
	sit     Situation
	lenient bool // what depends on the moment counts as met: who could, if all were as it should be
	o       *opening
	area    *demands // of the opening's area; nil: none
	runs    [3]*run  // grants for the opening, for its area, for its site
	zone    *zone
	moment  int64            // nanoseconds, see momentOf
	second  int64            // the same in whole seconds, rounded down
	reading schedule.Reading // the same on the clocks of the opening's zone
	touched uint32           // what was read only so that the processor has it at hand
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
	q.o, q.area = o, nil
	q.runs = [3]*run{&o.grants, &noGrants, &s.is.grants}
	if o.area != none {
		if a := q.ix.areas.at(o.area); a.known {
			q.runs[1], q.area = &a.is.grants, a.is.demands
		}
	}
	q.zone, q.reading = &q.ix.zones[s.is.zone], schedule.Reading{}
	if q.zone.clock != nil {
		q.reading = q.zone.clock.Read(q.second)
	}
	return true
}

// bar returns why the person or the mode forbids it whatever the grants say,
// or "".
func (q *query) bar(p *person, mode sashlock.Mode) sashlock.Reason {
	if p.suspended {
		return sashlock.PersonSuspended
	}
	switch l := p.limits(); {
	case q.moment < l.from:
		return sashlock.PersonNotYetValid
	case q.moment >= l.until:
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
	second
	stepUp
	alone
	offShift
	wrongTime
	notYet
	usedUp
	ended
	nowhere // no grant reaches the request
)

func (r rank) reason() sashlock.Reason {
	switch r {
	case covers:
		return sashlock.Permitted
	case second:
		return sashlock.SecondPersonNeeded
	case stepUp:
		return sashlock.NeedsStepUp
	case alone:
		return sashlock.NotAccompanied
	case offShift:
		return sashlock.NotOnShift
	case wrongTime:
		return sashlock.NotPermittedAtThisTime
	case notYet:
		return sashlock.GrantNotYetValid
	case usedUp:
		return sashlock.GrantUsedUp
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

// grantFor returns the grant that decides for a person.
func (q *query) grantFor(p *person, number uint32) finding {
	best := finding{rank: nowhere, via: none}
	subjects := [batch]uint32{number}
	first, more := p.roles()
	for i, n := range first {
		subjects[1+i] = n | roleBit
	}
	if q.search(subjects[:1+len(first)], &best) {
		return best
	}
	for len(more) > 0 {
		n := min(len(more), batch)
		for i, role := range more[:n] {
			subjects[i] = role | roleBit
		}
		if q.search(subjects[:n], &best) {
			return best
		}
		more = more[n:]
	}
	return best
}

// batch is for how many subjects search looks at a time: a person and the
// roles in person.first.
const batch = 4

// hint is a place where there may be a grant.
type hint struct {
	chunk    *chunk
	subject  uint32
	fraction uint32 // as of run.at
	target   int    // place in query.runs
}

// search looks for the grants to some subjects in their order, for each from
// the most specific target to the least. It reports whether one covers the
// request; until then best is the nearest miss.
//
// It works in three rounds: it asks all filters, reads all the places they
// point to, and only then looks at what it has read. Nothing within a round
// depends on anything else in it, so that the processor fetches from memory
// side by side instead of waiting for each.
func (q *query) search(subjects []uint32, best *finding) bool {
	var hints [batch * 3]hint
	n := 0
	for _, s := range subjects {
		key := keyOf(s)
		for target := range q.runs {
			if n < len(hints) { // always
				c, fraction := q.runs[target].at(key)
				hints[n] = hint{c, s, fraction, target}
				n += int(c.may(key))
			}
		}
	}
	for i := range hints[:n] {
		h := &hints[i]
		q.touched += h.chunk.terms[h.chunk.guess(h.fraction)].schedule
	}
	for i := range hints[:n] {
		if q.follow(&hints[i], best) {
			return true
		}
	}
	return false
}

// follow looks at the grants a hint points to.
func (q *query) follow(h *hint, best *finding) bool {
	c, key := h.chunk, keyOf(h.subject)
	via := none
	for i := c.seek(key, h.fraction); i < len(c.terms) && c.terms[i].key == key; i++ {
		if h.subject&roleBit != 0 {
			if via = h.subject &^ roleBit; !q.ix.roles.at(via).known {
				return false
			}
		}
		if found := q.weigh(c, i); found < best.rank {
			*best = finding{found, via, h.target, c, i}
			if found == covers {
				return true
			}
		}
	}
	return false
}

// weigh says how near one grant that reaches the request comes to covering it.
func (q *query) weigh(c *chunk, i int) rank {
	t := &c.terms[i]
	if t.limits > 0 {
		l := &c.limits[t.limits-1]
		if q.moment < l.from {
			return notYet
		}
		if q.moment >= l.until {
			return ended
		}
		if l.terms > 0 {
			return q.weighTerms(c, i, &q.ix.terms[l.terms-1])
		}
	}
	return q.weighTime(t)
}

// weighTime says whether the schedule of a grant includes the instant.
func (q *query) weighTime(t *term) rank {
	if t.schedule == anytime {
		return covers
	}
	if q.ix.schedules.at(t.schedule).is.pattern.CoversAt(q.reading) {
		return covers
	}
	return wrongTime
}

// weighTerms is weigh for a grant within its limits that has terms.
func (q *query) weighTerms(c *chunk, i int, terms *sashlock.Terms) rank {
	if r, spent := q.spent(terms, c.id(i)); spent {
		return r
	}
	if r := q.weighTime(&c.terms[i]); r != covers {
		return r
	}
	return q.meets(terms)
}

// calendar returns a schedule as the opening's zone shows it, or nil if schedule
// or zone is unknown or the schedule cannot be read.
func (q *query) calendar(n uint32) *schedule.Calendar {
	p := &q.ix.schedules.at(n).is.pattern
	if q.zone.clock == nil || !p.Readable() {
		return nil
	}
	return p.In(q.zone.clock)
}
