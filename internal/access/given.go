// SPDX-License-Identifier: Apache-2.0

package access

import (
	"time"

	"github.com/sashlock/sashlock"
)

// What grants say of an opening apart from any request: it serves to tell what
// a change of something else than a grant gives.

// GivenTo reports whether a grant that has not ended lets those with a role open
// an opening, at whatever time and on whatever terms.
func (ix *Index) GivenTo(id sashlock.OpeningID, role sashlock.RoleID, now time.Time) bool {
	n := ix.roles.find(ix.seed, string(role))
	return n != none && ix.given(id, keyOf(n|roleBit), now)
}

// GivenToPerson reports whether a grant to a person, not to a role of theirs,
// that has not ended lets them open an opening, at whatever time and on whatever
// terms.
func (ix *Index) GivenToPerson(id sashlock.OpeningID, person sashlock.PersonID, now time.Time) bool {
	n := ix.people.find(ix.seed, string(person))
	return n != none && ix.given(id, keyOf(n), now)
}

func (ix *Index) given(id sashlock.OpeningID, key uint32, now time.Time) bool {
	for _, r := range ix.runsOf(id) {
		c, fraction := r.at(key)
		if c.may(key) == 0 {
			continue
		}
		for i := c.seek(key, fraction); i < len(c.terms) && c.terms[i].key == key; i++ {
			if momentOf(now) < c.limitsAt(i).until {
				return true
			}
		}
	}
	return false
}

// Follows reports whether a grant that has not ended and lets somebody open an
// opening goes by a schedule.
func (ix *Index) Follows(id sashlock.OpeningID, schedule sashlock.ScheduleID, now time.Time) bool {
	n := ix.schedules.find(ix.seed, string(schedule))
	if n == none {
		return false
	}
	for _, r := range ix.runsOf(id) {
		if r.any(now, func(t *term) bool { return t.schedule == n }) {
			return true
		}
	}
	return false
}

// Stands reports whether a grant is there and has not ended. One that has not
// begun stands.
func (ix *Index) Stands(id sashlock.GrantID, now time.Time) bool {
	s, found := ix.findGrant(string(id))
	if !found {
		return false
	}
	c, fraction := ix.grantsFor(s.a).at(s.b)
	i, found := c.place(s.b, fraction, string(id))
	return found && momentOf(now) < c.limitsAt(i).until
}

// EndOf returns when a grant ends; zero for one that does not, or is not known.
func (ix *Index) EndOf(id sashlock.GrantID) time.Time {
	s, found := ix.findGrant(string(id))
	if !found {
		return time.Time{}
	}
	c, fraction := ix.grantsFor(s.a).at(s.b)
	i, found := c.place(s.b, fraction, string(id))
	if !found || c.limitsAt(i).until == forever.until {
		return time.Time{}
	}
	return time.Unix(0, c.limitsAt(i).until).UTC()
}

// GivenAsWhole reports whether a grant that has not ended is for the whole of an
// area or, without one, of a site.
func (ix *Index) GivenAsWhole(area sashlock.AreaID, site sashlock.SiteID, now time.Time) bool {
	every := func(*term) bool { return true }
	if area != "" {
		a, _ := ix.areas.known(ix.seed, string(area))
		return a != nil && a.grants.any(now, every)
	}
	s, _ := ix.sites.known(ix.seed, string(site))
	return s != nil && s.grants.any(now, every)
}

// runsOf are the grants for an opening, for its area and for its site.
func (ix *Index) runsOf(id sashlock.OpeningID) []*run {
	o, _ := ix.openings.known(ix.seed, string(id))
	var q query
	q.ix = ix
	if o == nil || !q.aim(o) {
		return nil
	}
	return q.runs[:]
}

// any reports whether what is asked holds for a grant that has not ended.
func (r *run) any(now time.Time, is func(*term) bool) bool {
	all := r.chunks()
	for k := range all {
		for i := range all[k].terms {
			if is(&all[k].terms[i]) && momentOf(now) < all[k].limitsAt(i).until {
				return true
			}
		}
	}
	return false
}
