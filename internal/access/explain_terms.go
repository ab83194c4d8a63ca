// SPDX-License-Identifier: Apache-2.0

package access

import (
	"fmt"
	"strings"
	"time"

	"github.com/sashlock/sashlock"
)

// terms tells of everything that a grant asks for beyond the right time.
func (t *table) terms(q *query, id sashlock.GrantID, terms *sashlock.Terms) {
	add := func(c sashlock.Check) {
		c.Grant = id
		t.add(c)
	}
	state := q.sit.Grant(id)
	if terms.Uses > 0 {
		c := sashlock.Check{
			What: "uses", OK: state.Uses < terms.Uses,
			Needed: "at most " + times(terms.Uses), Actual: "used " + times(state.Uses),
		}
		if !c.OK {
			c.Fix = "Give another grant, or allow more uses."
		}
		add(c)
	}
	if terms.Lasts > 0 {
		add(t.lasting(terms.Lasts, state))
	}
	if terms.OnShift {
		c := sashlock.Check{What: "shift", OK: q.sit.OnShift(q.req.Person, q.siteID(), q.req.At), Needed: "a shift at this site, at this time"}
		c.Actual = either(c.OK, "on shift", "not on shift")
		if !c.OK {
			c.Fix = "Plan a shift for this time, clock in, or let a supervisor extend the shift."
		}
		add(c)
	}
	if terms.With != "" {
		add(t.company(q, terms.With))
	}
	if terms.Escort != "" {
		c := sashlock.Check{What: "company", OK: q.sit.Person(terms.Escort).At(q.siteID(), q.req.At), Needed: "the host at the site"}
		c.Actual = either(c.OK, "the host is there", "the host is not there")
		if !c.OK {
			c.Fix = "Let the host come, or choose another host."
		}
		add(c)
	}
	if terms.Level > 0 {
		add(levelCheck(q, terms.Level, "the grant"))
	}
	if terms.Two && q.req.Side != sashlock.Leaving {
		add(secondCheck(q))
	}
}

// times counts as people do.
func times(n int) string {
	if n == 1 {
		return "once"
	}
	return fmt.Sprintf("%d times", n)
}

// plain leaves out the parts of a length of time that are zero.
var plain = strings.NewReplacer("h0m0s", "h", "m0s", "m")

// lasting tells how long a grant still counts after its first use.
func (t *table) lasting(lasts time.Duration, state sashlock.GrantState) sashlock.Check {
	c := sashlock.Check{What: "validity", OK: true, Needed: "within " + plain.Replace(lasts.String()) + " of the first use", Actual: "not used yet"}
	if state.Uses == 0 {
		return c
	}
	end := state.First.Add(lasts)
	c.Actual = "first used " + t.when(state.First)
	if c.OK = t.at.Before(end); !c.OK {
		c.Fix = "Give another grant: this one ended " + t.when(end) + "."
	}
	return c
}

func (t *table) company(q *query, role sashlock.RoleID) sashlock.Check {
	name := "a role that is not known"
	if r, _ := q.ix.roles.known(q.ix.seed, string(role)); r != nil {
		name = called(r.name, "a role without a name")
	}
	c := sashlock.Check{What: "company", OK: q.accompaniedBy(role), Needed: "somebody else with the role " + name + " at the site"}
	c.Actual = either(c.OK, "somebody is there", "nobody is there")
	if !c.OK {
		c.Fix = "Ask somebody with the role " + name + " to come, and to clock in or open anything here."
	}
	return c
}

// demands tells of everything that the opening and its area ask of everybody.
func (t *table) demands(q *query) {
	if q.req.Side == sashlock.Leaving {
		return
	}
	var own *demands
	if q.o.more != nil {
		own = q.o.more.demands
	}
	for i, d := range [2]*demands{own, q.area} {
		if d != nil {
			t.demandsOf(q, d, [2]string{"the opening", "the area"}[i])
		}
	}
}

func (t *table) demandsOf(q *query, d *demands, whose string) {
	if d.needs.Level > 0 {
		t.add(levelCheck(q, d.needs.Level, whose))
	}
	if d.needs.FirstIn != "" {
		c := sashlock.Check{What: "first_in", OK: q.firstIn(d.needs.FirstIn), Needed: "somebody with the role that opens up, let in here today"}
		if r, _ := q.ix.roles.known(q.ix.seed, string(d.needs.FirstIn)); r != nil {
			c.Needed = "somebody with the role " + called(r.name, "that opens up") + ", let in here today"
		}
		c.Actual = either(c.OK, "they are in", "nobody of them has come yet")
		if !c.OK {
			c.Fix = "Wait for them."
		}
		t.add(c)
	}
	if d.interlock != "" {
		c := sashlock.Check{What: "interlock", OK: !q.interlocked(d.interlock), Needed: "no other opening of the interlock “" + d.interlock + "” open"}
		c.Actual = either(c.OK, "all are closed", "another one is open, or about to be opened")
		if !c.OK {
			c.Fix = "Close the other one first."
		}
		t.add(c)
	}
	if q.walksIn() {
		t.inside(q, d)
	}
	if d.needs.Two {
		t.add(secondCheck(q))
	}
}

// inside tells of what an area asks of those who walk into it.
func (t *table) inside(q *query, d *demands) {
	if d.passback == sashlock.PassbackHard || d.passback == sashlock.PassbackTimed {
		since := q.insideSince()
		c := sashlock.Check{What: "passback", OK: since < 0 || d.passback == sashlock.PassbackTimed && since >= d.passbackFor, Needed: "somebody who is not inside already"}
		if d.passback == sashlock.PassbackTimed {
			c.Needed = "somebody who did not come in less than " + d.passbackFor.String() + " ago"
		}
		c.Actual = "not inside, as far as is known"
		if since >= 0 {
			c.Actual = "came in " + t.when(t.at.Add(-since))
		}
		if !c.OK {
			c.Fix = "Leave by a reader first, or let a manager set it right."
		}
		t.add(c)
	}
	if d.occupancy > 0 {
		n := q.othersInside()
		c := sashlock.Check{What: "occupancy", OK: n < d.occupancy, Needed: fmt.Sprintf("at most %d in the area, this person with them", d.occupancy), Actual: fmt.Sprintf("%d in it already", n)}
		if !c.OK {
			c.Fix = "Wait until somebody leaves."
		}
		t.add(c)
	}
}

func levelCheck(q *query, need sashlock.Assurance, whose string) sashlock.Check {
	c := sashlock.Check{What: "level", OK: q.req.Level >= need, Needed: whose + " asks for " + need.Words() + ", or better", Actual: q.req.Level.Words()}
	if !c.OK {
		c.Fix = "Present " + need.Words() + "."
	}
	return c
}

func secondCheck(q *query) sashlock.Check {
	c := sashlock.Check{What: "second_person", OK: q.seconded(), Needed: "two persons who may open it, one shortly after the other"}
	c.Actual = either(c.OK, "somebody else has just asked", "nobody else has just asked")
	if !c.OK {
		c.Fix = "Let a second person who may open it ask within the next moments."
	}
	return c
}

func either(ok bool, yes, no string) string {
	if ok {
		return yes
	}
	return no
}

// needsTwo reports whether a request under a grant needs two persons.
func (q *query) needsTwo(grant sashlock.GrantID) bool {
	if q.req.Side == sashlock.Leaving {
		return false
	}
	if t := q.ix.TermsOf(grant); t.Two {
		return true
	}
	return q.o.more != nil && q.o.more.demands != nil && q.o.more.demands.needs.Two || q.area != nil && q.area.needs.Two
}

// levelNeeded returns the highest level that a request under a grant needs.
func (q *query) levelNeeded(grant sashlock.GrantID) sashlock.Assurance {
	need := q.ix.TermsOf(grant).Level
	if q.o.more != nil && q.o.more.demands != nil {
		need = max(need, q.o.more.demands.needs.Level)
	}
	if q.area != nil {
		need = max(need, q.area.needs.Level)
	}
	return need
}

// TermsOf returns the terms of a grant; none for one that is not known.
func (ix *Index) TermsOf(id sashlock.GrantID) sashlock.Terms {
	s, found := ix.findGrant(string(id))
	if !found {
		return sashlock.Terms{}
	}
	c, fraction := ix.grantsFor(s.a).at(s.b)
	i, found := c.place(s.b, fraction, string(id))
	if !found {
		return sashlock.Terms{}
	}
	return ix.termsOf(&finding{chunk: c, i: i})
}
