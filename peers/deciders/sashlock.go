// SPDX-License-Identifier: Apache-2.0

package main

import (
	"time"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/internal/access"
	"github.com/sashlock/sashlock/internal/guard"
)

// sashlockDecider is the index of grants, and then, for what they grant, the set
// of guard rails, as a store node asks them.
type sashlockDecider struct {
	index *access.Index
	rails *guard.Set
	// What a store node has at hand for the rails.
	people   map[sashlock.PersonID][]string // roles
	openings map[sashlock.OpeningID]about
}

// about is what rails can ask of an opening.
type about struct {
	kind, class, area, site string
	zone                    *time.Location
}

func newSashlock(w *workload) (decider, error) {
	d := &sashlockDecider{people: map[sashlock.PersonID][]string{}, openings: map[sashlock.OpeningID]about{}}
	var err error
	if d.index, err = access.New(w.facts); err != nil {
		return nil, err
	}
	if d.rails, err = guard.Compile(w.rails()); err != nil {
		return nil, err
	}
	for _, p := range w.facts.People {
		var roles []string
		for _, r := range p.Roles {
			roles = append(roles, string(r))
		}
		d.people[p.ID] = roles
	}
	for i, o := range w.facts.Openings {
		d.openings[o.ID] = about{string(o.Kind), string(o.Class), string(o.Area), string(o.Site), w.zones[i*sites/openings]}
	}
	d.index = d.index.Watching(access.Watch{All: true, Opening: d.railedOpening, Person: d.railedPerson})
	return d, nil
}

// railedOpening and railedPerson tell the index for what there are guard rails,
// as a store node does when it starts and after every change.
func (d *sashlockDecider) railedOpening(id sashlock.OpeningID) bool {
	o := d.openings[id]
	return d.rails.OfOpening(&guard.Facts{Opening: id, Kind: o.kind, Class: o.class, Area: o.area, Site: o.site})
}

func (d *sashlockDecider) railedPerson(id sashlock.PersonID) bool {
	return d.rails.OfPerson(&guard.Facts{Person: id, Roles: d.people[id]})
}

func (d *sashlockDecider) decide(a *ask) (bool, error) {
	verdict := d.index.Decide(sashlock.Request{Person: a.person, Opening: a.opening, At: a.at, Level: sashlock.Assurance(a.level)}, sashlock.Normal, nil)
	if !verdict.Granted || verdict.Free {
		return verdict.Granted, nil
	}
	o := d.openings[a.opening]
	hits := d.rails.Look(&guard.Facts{
		Person: a.person, Roles: d.people[a.person], Opening: a.opening, Kind: o.kind, Class: o.class, Area: o.area, Site: o.site,
		Action: guard.Open, Automatic: a.automatic, Level: a.level, Threat: a.threat, At: a.at.In(o.zone),
	})
	return len(hits) == 0, nil
}
