// SPDX-License-Identifier: Apache-2.0

package access_test

import (
	"time"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/internal/access/reference"
)

// supposed is a situation made up for a test.
type supposed struct{ now reference.Now }

func (s supposed) Grant(id sashlock.GrantID) sashlock.GrantState    { return s.now.Grants[id] }
func (s supposed) Person(id sashlock.PersonID) sashlock.PersonState { return s.now.People[id] }
func (s supposed) Here(site sashlock.SiteID, f func(sashlock.PersonState) bool) {
	for _, p := range s.now.People {
		if p.Site == site && !f(p) {
			return
		}
	}
}

func (s supposed) OnShift(p sashlock.PersonID, site sashlock.SiteID, _ time.Time) bool {
	return s.now.Shifts[p] == site
}

func (s supposed) Opening(id sashlock.OpeningID) sashlock.OpeningState { return s.now.Openings[id] }

func (s supposed) FirstIn(site sashlock.SiteID, role sashlock.RoleID) string {
	return s.now.FirstIn[site][role]
}

// terms makes a grant ask for something.
func (w *world) terms() sashlock.Terms {
	var t sashlock.Terms
	if w.chance(30) {
		t.Uses = 1 + w.IntN(3)
	}
	if w.chance(20) {
		t.Lasts = time.Duration(1+w.IntN(60)) * time.Minute
	}
	t.OnShift, t.Two = w.chance(25), w.chance(20)
	if w.chance(20) {
		t.With = id[sashlock.RoleID]("role", w.IntN(someRoles))
	}
	if w.chance(15) {
		t.Escort = id[sashlock.PersonID]("prs", w.IntN(somePeople))
	}
	if w.chance(30) {
		t.Level = sashlock.Assurance(w.IntN(5))
	}
	return t
}

// needs makes an opening or an area ask for something of everybody.
func (w *world) needs() sashlock.Needs {
	n := sashlock.Needs{Two: w.chance(25)}
	if w.chance(40) {
		n.Level = sashlock.Assurance(w.IntN(5))
	}
	if w.chance(30) {
		n.FirstIn = id[sashlock.RoleID]("role", w.IntN(someRoles))
	}
	return n
}

// situation makes up who is where around an instant, and what was used.
func (w *world) situation(at time.Time) supposed {
	s := reference.Now{
		Grants: map[sashlock.GrantID]sashlock.GrantState{}, People: map[sashlock.PersonID]sashlock.PersonState{},
		Openings: map[sashlock.OpeningID]sashlock.OpeningState{}, Shifts: map[sashlock.PersonID]sashlock.SiteID{},
		FirstIn: map[sashlock.SiteID]map[sashlock.RoleID]string{},
	}
	ago := func(most time.Duration) time.Time { return at.Add(-time.Duration(w.Int64N(int64(most)))) }
	for _, g := range w.facts.Grants {
		if w.chance(50) {
			s.Grants[g.ID] = sashlock.GrantState{Grant: g.ID, Uses: w.IntN(4), First: ago(time.Hour)}
		}
	}
	for i := range somePeople {
		p := sashlock.PersonState{Person: id[sashlock.PersonID]("prs", i)}
		if w.chance(60) {
			p.Site, p.Last, p.ClockIn = id[sashlock.SiteID]("site", w.IntN(someSites)), ago(3*time.Hour), w.chance(20)
		}
		if w.chance(60) {
			p.Area, p.Since = id[sashlock.AreaID]("area", w.IntN(someAreas)), ago(30*time.Hour)
		}
		if w.chance(20) {
			p.Since = at.Add(-time.Duration(1+w.IntN(60)) * time.Minute)
		}
		s.People[p.Person] = p
		if w.chance(50) {
			s.Shifts[p.Person] = id[sashlock.SiteID]("site", w.IntN(someSites))
		}
	}
	for i := range someOpenings {
		s.Openings[id[sashlock.OpeningID]("opn", i)] = w.state(i, at)
	}
	for i := range someSites {
		days := map[sashlock.RoleID]string{}
		for r := range someRoles {
			days[id[sashlock.RoleID]("role", r)] = at.AddDate(0, 0, -w.IntN(2)).UTC().Format(time.DateOnly)
		}
		s.FirstIn[id[sashlock.SiteID]("site", i)] = days
	}
	return supposed{s}
}

func (w *world) state(i int, at time.Time) sashlock.OpeningState {
	o := sashlock.OpeningState{Opening: id[sashlock.OpeningID]("opn", i)}
	positions := []sashlock.Position{"", sashlock.Open, sashlock.Closed, sashlock.PositionUnknown, sashlock.PositionFault}
	if w.chance(40) {
		o.Position = positions[w.IntN(len(positions))]
	}
	if w.chance(10) {
		o.Mode = sashlock.HeldUnlocked
	}
	if w.chance(20) {
		o.Release = &sashlock.Release{Until: at.Add(time.Duration(w.IntN(21)-10) * time.Second)}
		if w.chance(50) {
			o.Release.Taken = at.Add(-time.Second)
		}
	}
	if w.chance(50) {
		o.Waiting = &sashlock.Waiting{Person: id[sashlock.PersonID]("prs", w.IntN(somePeople)), Until: at.Add(time.Duration(w.IntN(61)-20) * time.Second)}
	}
	return o
}
