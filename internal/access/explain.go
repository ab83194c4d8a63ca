// SPDX-License-Identifier: Apache-2.0

package access

import (
	"errors"
	"fmt"
	"iter"
	"slices"
	"time"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/internal/schedule"
)

// shownGrants is how many grants an explanation describes one by one.
const shownGrants = 8

// Explain answers a request like [Index.Decide] and tells every condition that
// was looked at, in order, each with the nearest change that would satisfy it.
// It goes on after the first condition that failed as far as there is anything
// to look at, so that whoever mends one sees the next. Times are written in the
// zone of the opening's site. It names no person, because explanations are
// kept in the ledger.
//
// The decision has no ID yet, and says nothing about the lock: the caller adds
// both.
func (ix *Index) Explain(req sashlock.Request, mode sashlock.Mode, now Situation) sashlock.Decision {
	v := ix.Decide(req, mode, now)
	t := table{at: req.At}
	o, _ := ix.openings.known(ix.seed, string(req.Opening))
	q := ix.query(&req, now)
	aimed := o != nil && q.aim(o)
	if aimed {
		t.place, t.zone = q.zone.location(), q.zone.name
	}
	t.opening(o, aimed)
	p, n := ix.people.known(ix.seed, string(req.Person))
	t.person(p, &q)
	if aimed {
		t.mode(mode)
	}
	d := sashlock.Decision{
		Granted: v.Granted, Reason: v.Reason, Grant: v.Grant, PassedBack: v.PassedBack,
		Person: req.Person, Opening: req.Opening, At: req.At,
	}
	if aimed && p != nil {
		t.grants(&q, p, n, o)
		t.demands(&q)
		if w := q.sit.Opening(req.Opening).Waiting; v.Granted && w != nil && q.needsTwo(v.Grant) {
			d.Second = w.Person
		}
		if v.Reason == sashlock.NeedsStepUp {
			d.Level = q.levelNeeded(v.Grant)
		}
	}
	d.Checks = t.checks
	return d
}

// table gathers the conditions of one explanation.
type table struct {
	checks []sashlock.Check
	at     time.Time
	place  *time.Location // nil: unknown, times are in UTC
	zone   string
}

func (t *table) add(c sashlock.Check) { t.checks = append(t.checks, c) }

// when writes an instant as the clocks of the site show it.
func (t *table) when(at time.Time) string {
	const layout = "Mon 2 Jan 2006 15:04 MST"
	if t.place == nil {
		return at.UTC().Format(layout)
	}
	return at.In(t.place).Format(layout) + " (" + t.zone + ")"
}

// instant writes nanoseconds since 1970 like when.
func (t *table) instant(n int64) string { return t.when(time.Unix(0, n)) }

func (t *table) opening(o *opening, aimed bool) {
	c := sashlock.Check{What: "opening", OK: aimed, Needed: "an opening that is known here"}
	switch {
	case aimed:
		c.Actual = "known: " + called(o.called(), "an opening without a name")
	case o == nil:
		c.Actual, c.Fix = "no such opening", "Check the name, or add the opening."
	default:
		c.Actual, c.Fix = "the opening belongs to a site that is not known", "Put the opening into a known site."
	}
	t.add(c)
}

func (t *table) person(p *person, q *query) {
	if p == nil {
		t.add(sashlock.Check{What: "person", Needed: "a person who is known here", Actual: "nobody by that name", Fix: "Check the name, or add the person."})
		return
	}
	t.add(sashlock.Check{What: "person", OK: true, Needed: "a person who is known here", Actual: "known"})
	if p.suspended {
		t.add(sashlock.Check{What: "person", Needed: "access that is not suspended", Actual: "suspended", Fix: "Lift the suspension."})
	} else {
		t.add(sashlock.Check{What: "person", OK: true, Needed: "access that is not suspended", Actual: "not suspended"})
	}
	if l := p.limits(); l != forever {
		c := t.within(l, q.moment)
		c.What = "person"
		switch {
		case q.moment < l.from:
			c.Fix = "Let this person's access begin earlier."
		case q.moment >= l.until:
			c.Fix = "Extend this person's access."
		}
		t.add(c)
	}
}

// within says how an instant lies to limits.
func (t *table) within(l limits, moment int64) sashlock.Check {
	c := sashlock.Check{OK: moment >= l.from && moment < l.until, Actual: t.when(t.at)}
	switch {
	case l.until == forever.until:
		c.Needed = "from " + t.instant(l.from)
	case l.from == forever.from:
		c.Needed = "before " + t.instant(l.until)
	default:
		c.Needed = "from " + t.instant(l.from) + ", before " + t.instant(l.until)
	}
	return c
}

func (t *table) mode(m sashlock.Mode) {
	c := sashlock.Check{What: "mode", Needed: "neither blocked nor locked down", Actual: modeWords(m)}
	switch m {
	case "", sashlock.Normal, sashlock.HeldUnlocked:
		c.OK = true
	case sashlock.LockedDown:
		c.Fix = "End the lockdown."
	default:
		c.Fix = "Put the opening back into normal mode."
	}
	t.add(c)
}

func modeWords(m sashlock.Mode) string {
	switch m {
	case "", sashlock.Normal:
		return "normal"
	case sashlock.HeldUnlocked:
		return "held unlocked"
	case sashlock.LockedDown:
		return "locked down"
	case sashlock.Blocked:
		return "blocked"
	default:
		return "a mode this version does not know, which counts as blocked"
	}
}

// grants tells of every grant that was looked at: the misses, up to the one
// that covers the request if there is one.
func (t *table) grants(q *query, p *person, number uint32, o *opening) {
	all, nearest := q.reaching(p, number)
	if len(all) == 0 {
		t.add(sashlock.Check{
			What:   "grant",
			Needed: "a grant to this person or one of their roles, for this opening, its area or its site",
			Actual: "none", Fix: "Give this person or one of their roles a grant for " + called(o.called(), "the opening") + ".",
		})
		return
	}
	shown := all[:min(len(all), shownGrants)]
	if nearest >= len(shown) {
		shown = append(slices.Clone(shown[:shownGrants-1]), all[nearest])
	}
	for i := range shown {
		t.grant(q, o, &shown[i])
	}
	if rest := len(all) - len(shown); rest > 0 {
		t.add(sashlock.Check{What: "grant", Needed: "a grant that covers this time", Actual: fmt.Sprintf("%d more grants reach this opening and do not cover it now either", rest)})
	}
}

// reaching returns the grants in the order in which Decide looks at them, the
// last one looked at included, and which of them is the nearest.
func (q *query) reaching(p *person, number uint32) (all []finding, nearest int) {
	subjects := []uint32{number}
	first, more := p.roles()
	for _, n := range slices.Concat(first, more) {
		if q.ix.roles.at(n).known {
			subjects = append(subjects, n|roleBit)
		}
	}
	for _, s := range subjects {
		via := none
		if s&roleBit != 0 {
			via = s &^ roleBit
		}
		for target, r := range q.runs {
			for f := range r.under(keyOf(s)) {
				f.rank, f.via, f.target = q.weigh(f.chunk, f.i), via, target
				all = append(all, f)
				if f.rank < all[nearest].rank {
					nearest = len(all) - 1
				}
				if f.rank == covers {
					return all, nearest
				}
			}
		}
	}
	return all, nearest
}

// under walks the grants of a run that have the key.
func (r *run) under(key uint32) iter.Seq[finding] {
	return func(yield func(finding) bool) {
		c, fraction := r.at(key)
		for i := c.seek(key, fraction); i < len(c.terms) && c.terms[i].key == key; i++ {
			if !yield(finding{chunk: c, i: i}) {
				return
			}
		}
	}
}

func (t *table) grant(q *query, o *opening, f *finding) {
	it := f.chunk.item(f.i)
	id := sashlock.GrantID(it.id)
	t.add(sashlock.Check{
		What: "grant", OK: true, Grant: id,
		Needed: "a grant to this person or one of their roles, for this opening, its area or its site",
		Actual: q.subjectWords(f.via) + ", " + q.targetWords(f.target, o),
	})
	if it.limits.from != forever.from || it.limits.until != forever.until {
		c := t.within(it.limits, q.moment)
		c.What, c.Grant = "validity", id
		switch {
		case q.moment < it.limits.from:
			c.Fix = "Wait until then, or let the grant begin earlier."
		case q.moment >= it.limits.until:
			c.Fix = "Extend the grant."
		}
		t.add(c)
	}
	if it.schedule != anytime {
		c := t.schedule(q, it)
		c.What, c.Grant = "schedule", id
		t.add(c)
	}
	if it.limits.terms > 0 {
		t.terms(q, id, &q.ix.terms[it.limits.terms-1])
	}
}

func (q *query) subjectWords(via uint32) string {
	if via == none {
		return "to this person"
	}
	return "to the role " + called(q.ix.roles.at(via).is.name, "that has no name")
}

func (q *query) targetWords(target int, o *opening) string {
	switch target {
	case 0:
		return "for the opening " + called(o.called(), "that has no name")
	case 1:
		return "for the area " + called(q.ix.areas.at(o.area).is.name, "that has no name")
	default:
		return "for the site " + called(q.ix.sites.at(o.site).is.name, "that has no name")
	}
}

// schedule says how the instant lies to the schedule of a grant, and when it
// allows next.
func (t *table) schedule(q *query, it item) sashlock.Check {
	e := q.ix.schedules.at(it.schedule)
	c := sashlock.Check{Needed: "a time within " + called(e.is.name, "the grant's schedule"), Actual: t.when(t.at)}
	cal := q.calendar(it.schedule)
	switch {
	case !e.known:
		c.Actual, c.Fix = "the schedule does not exist", "Give the grant a schedule that exists."
		return c
	case t.place == nil:
		c.Actual, c.Fix = "the site's time zone is not known: "+called(t.zone, "none is set"), "Set the site's time zone, like Europe/Lisbon."
		return c
	case cal == nil:
		c.Actual, c.Fix = "the schedule cannot be read", "Correct the schedule."
		var wrong *sashlock.Error
		if errors.As(schedule.Validate(e.is.source), &wrong) {
			c.Fix = "Correct " + wrong.Subject + " of the schedule: " + wrong.Hint + "."
		}
		return c
	case cal.CoversAt(q.reading):
		c.OK = true
		return c
	}
	start, end, ok := cal.Next(t.at)
	switch {
	case !ok:
		c.Fix = "The schedule allows no later time: change it."
	case nanoseconds(start) >= it.limits.until:
		c.Fix = "The grant ends before the schedule next allows, " + t.when(start) + ": extend the grant or change the schedule."
	case nanoseconds(start) < it.limits.from:
		c.Fix = "Ask again once the grant has begun, at a time the schedule allows."
	default:
		c.Fix = "Ask again from " + t.when(start) + " until " + t.when(end) + ", or change the schedule."
	}
	return c
}

// called puts a name into quotation marks, or returns what to say without one.
func called(name, without string) string {
	if name == "" {
		return without
	}
	return "“" + name + "”"
}
