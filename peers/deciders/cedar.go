// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"iter"
	"strings"

	"github.com/cedar-policy/cedar-go"
	"github.com/cedar-policy/cedar-go/types"

	"github.com/sashlock/sashlock"
)

// cedarDecider has a policy for each grant and each guard rail. It would look at
// all of them for every request; we look up the few that are about it.
type cedarDecider struct {
	w        *workload
	entities types.EntityMap
	grants   map[[2]types.EntityUID][]*cedar.Policy // by whom and what
	rails    map[types.EntityUID][]*cedar.Policy    // by area
}

func newCedar(w *workload) (decider, error) {
	d := &cedarDecider{w: w, entities: types.EntityMap{}, grants: map[[2]types.EntityUID][]*cedar.Policy{}, rails: map[types.EntityUID][]*cedar.Policy{}}
	put := func(e types.EntityUID, attributes types.Record, parents ...types.EntityUID) {
		d.entities[e] = types.Entity{UID: e, Parents: types.NewEntityUIDSet(parents...), Attributes: attributes}
	}
	for _, a := range w.facts.Areas {
		put(uid("Area", a.ID), types.Record{}, uid("Site", a.Site))
	}
	for _, o := range w.facts.Openings {
		put(uid("Opening", o.ID), types.NewRecord(types.RecordMap{"class": types.String(o.Class)}), uid("Area", o.Area))
	}
	for _, p := range w.facts.People {
		var all []types.EntityUID
		for _, r := range p.Roles {
			all = append(all, uid("Role", r))
		}
		put(uid("Person", p.ID), types.Record{}, all...)
	}
	for _, g := range w.facts.Grants {
		if err := d.permit(g); err != nil {
			return nil, err
		}
	}
	for i, owner := range w.owner {
		area := w.facts.Areas[i].ID
		for _, text := range railTexts(string(area), string(owner)) {
			p, err := policy(text)
			if err != nil {
				return nil, err
			}
			d.rails[uid("Area", area)] = append(d.rails[uid("Area", area)], p)
		}
	}
	return d, nil
}

func uid[T ~string](kind types.EntityType, id T) types.EntityUID {
	return types.NewEntityUID(kind, types.String(id))
}

func policy(text string) (*cedar.Policy, error) {
	var p cedar.Policy
	if err := p.UnmarshalCedar([]byte(text)); err != nil {
		return nil, fmt.Errorf("reading %s: %w", text, err)
	}
	return &p, nil
}

// permit makes a policy of a grant.
func (d *cedarDecider) permit(g sashlock.Grant) error {
	who, what := uid("Role", g.Role), uid("Opening", g.Opening)
	head := fmt.Sprintf("principal in %s", who)
	if g.Person != "" {
		who = uid("Person", g.Person)
		head = fmt.Sprintf("principal == %s", who)
	}
	switch {
	case g.Opening != "":
		head += fmt.Sprintf(", action, resource == %s", what)
	case g.Area != "":
		what = uid("Area", g.Area)
		head += fmt.Sprintf(", action, resource in %s", what)
	default:
		what = uid("Site", g.Site)
		head += fmt.Sprintf(", action, resource in %s", what)
	}
	var when []string
	if g.Schedule != "" {
		for _, s := range d.w.windows(g.Schedule) {
			days := strings.Join(strings.Fields(fmt.Sprint(s.days)), ", ")
			when = append(when, fmt.Sprintf("%s.contains(context.day) && context.minute >= %d && context.minute < %d", days, s.from, s.until))
		}
	}
	text := "permit (" + head + ")"
	if len(when) > 0 {
		text += " when { " + strings.Join(when, " || ") + " }"
	}
	p, err := policy(text + ";")
	key := [2]types.EntityUID{who, what}
	d.grants[key] = append(d.grants[key], p)
	return err
}

// slice is the policies that are about a request.
type slice []*cedar.Policy

func (s slice) All() iter.Seq2[cedar.PolicyID, *cedar.Policy] {
	return func(yield func(cedar.PolicyID, *cedar.Policy) bool) {
		for _, p := range s {
			if !yield("", p) {
				return
			}
		}
	}
}

func (d *cedarDecider) decide(a *ask) (bool, error) {
	place := d.w.place[a.opening]
	o := &d.w.facts.Openings[place]
	person, area := uid("Person", a.person), uid("Area", o.Area)
	targets := [3]types.EntityUID{uid("Opening", o.ID), area, uid("Site", o.Site)}
	var room [16]*cedar.Policy
	about := slice(room[:0])
	for _, t := range targets {
		about = append(about, d.grants[[2]types.EntityUID{person, t}]...)
		for _, r := range d.w.facts.People[d.w.person[a.person]].Roles {
			about = append(about, d.grants[[2]types.EntityUID{uid("Role", r), t}]...)
		}
	}
	about = append(about, d.rails[area]...)
	day, minute := d.w.local(place, a.at)
	answer, said := cedar.Authorize(about, d.entities, cedar.Request{
		Principal: person, Action: types.NewEntityUID("Action", "open"), Resource: targets[0],
		Context: types.NewRecord(types.RecordMap{
			"day": types.Long(day), "minute": types.Long(minute), "hour": types.Long(minute / 60), "level": types.Long(a.level),
			"threat": types.String(a.threat), "automatic": types.Boolean(a.automatic),
		}),
	})
	if len(said.Errors) > 0 {
		return false, fmt.Errorf("a policy failed: %s", said.Errors[0].Message)
	}
	return answer == cedar.Allow, nil
}
