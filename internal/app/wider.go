// SPDX-License-Identifier: Apache-2.0

package app

import (
	"context"
	"encoding/json"
	"slices"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/internal/approvals"
	"github.com/sashlock/sashlock/internal/estate"
	"github.com/sashlock/sashlock/internal/flow"
	"github.com/sashlock/sashlock/internal/grants"
	"github.com/sashlock/sashlock/internal/people"
	"github.com/sashlock/sashlock/internal/reach"
	"github.com/sashlock/sashlock/internal/signin"
	"github.com/sashlock/sashlock/internal/sites"
	"github.com/sashlock/sashlock/internal/store"
)

// widerExecutor carries out what gives more of what is worth most by another way
// than a grant, and was held back.
func (h *House) widerExecutor(scope signin.Scope) approvals.Executor {
	read := func(form json.RawMessage) (c approvals.Change, err error) {
		if err = json.Unmarshal(form, &c); err != nil {
			err = badForm(err)
		}
		return c, err
	}
	return approvals.Executor{
		Scopes: []string{string(scope)},
		Place: func(form json.RawMessage) (sashlock.SiteID, sashlock.AreaID, error) {
			c, err := read(form)
			if err != nil {
				return "", "", err
			}
			b := h.Hall.Book()
			wider, err := b.Widens(c.Edit(b), h.Now())
			site, area := onePlace(wider)
			return site, area, err
		},
		Run: func(tx *store.Tx, form json.RawMessage, rev int64) (flow.Edit, error) {
			c, err := read(form)
			if err != nil {
				return flow.Edit{}, err
			}
			return h.widen(tx, c, rev)
		},
	}
}

// onePlace is where all of it is; no area: several or none, no site: several.
func onePlace(all []flow.Wider) (site sashlock.SiteID, area sashlock.AreaID) {
	for i, w := range all {
		if i == 0 {
			site, area = w.Site, w.Area
		}
		if w.Site != site {
			return "", ""
		}
		if w.Area != area {
			area = ""
		}
	}
	return site, area
}

// widen saves what a change says. A revision other than 0 is that of its one
// object.
func (h *House) widen(tx *store.Tx, c approvals.Change, rev int64) (all flow.Edit, err error) {
	find := reach.New(h.Hall.Book(), nil).Find
	add := func(e flow.Edit, failed error) {
		if err = failed; err != nil {
			return
		}
		all.Events = append(all.Events, e.Events...)
		put, more := &all.Access.Put, e.Access.Put
		put.Sites, put.Areas = append(put.Sites, more.Sites...), append(put.Areas, more.Areas...)
		put.Openings, put.People = append(put.Openings, more.Openings...), append(put.People, more.People...)
		put.Schedules = append(put.Schedules, more.Schedules...)
		all.Access.Remove.Openings = append(all.Access.Remove.Openings, e.Access.Remove.Openings...)
		all.Fitted = append(all.Fitted, e.Fitted...)
	}
	for _, save := range append(savings(tx, c, find, rev), h.moves(tx, c, find, rev)...) {
		if add(save()); err != nil {
			return flow.Edit{}, err
		}
	}
	for _, j := range c.Joins {
		p, joined, failed := joining(tx, j, find)
		if failed != nil {
			return flow.Edit{}, failed
		}
		if !joined {
			continue
		}
		if add(people.Save(tx, estate.FromPerson(p, reach.New(h.Hall.Book(), nil).Ref), find, p.Rev)); err != nil {
			return flow.Edit{}, err
		}
	}
	return all, nil
}

// savings are the steps that save the objects of a change, in the order in
// which they refer to each other.
func savings(tx *store.Tx, c approvals.Change, find estate.Lookup, rev int64) (all []func() (flow.Edit, error)) {
	for _, d := range c.Schedules {
		all = append(all, func() (flow.Edit, error) { return grants.SaveSchedule(tx, d, find, rev) })
	}
	for _, d := range c.Sites {
		all = append(all, func() (flow.Edit, error) { return sites.SaveSite(tx, d, find, rev) })
	}
	for _, d := range c.Areas {
		all = append(all, func() (flow.Edit, error) { return sites.SaveArea(tx, d, find, rev) })
	}
	for _, d := range c.Openings {
		all = append(all, func() (flow.Edit, error) { return sites.SaveOpening(tx, d, find, rev) })
	}
	for _, d := range c.People {
		all = append(all, func() (flow.Edit, error) { return people.Save(tx, d, find, rev) })
	}
	return all
}

// moves are the steps that take openings away and fit devices.
func (h *House) moves(tx *store.Tx, c approvals.Change, find estate.Lookup, rev int64) (all []func() (flow.Edit, error)) {
	for _, slug := range c.Gone {
		all = append(all, func() (flow.Edit, error) { return sites.RemoveOpening(tx, slug, rev) })
	}
	for _, f := range c.Fits {
		all = append(all, func() (flow.Edit, error) {
			from, to := sashlock.OpeningID(find(estate.Openings, f.From)), sashlock.OpeningID(find(estate.Openings, f.To))
			if f.To != "" && to == "" {
				return flow.Edit{}, &sashlock.Error{Kind: sashlock.NotFound, Op: "fitting device", Subject: f.To}
			}
			return h.Devices.FitIn(tx, string(f.Device), from, to)
		})
	}
	return all
}

// joining is a person with the roles that they are to have besides. False: they
// are no longer there, or have them all.
func joining(tx *store.Tx, j approvals.Join, find estate.Lookup) (p sashlock.Person, joined bool, err error) {
	p, err = people.Find(tx, j.Person)
	if sashlock.IsKind(err, sashlock.NotFound) {
		return p, false, nil
	}
	for _, ref := range j.Roles {
		if r := sashlock.RoleID(find(estate.Roles, ref)); r != "" && !slices.Contains(p.Roles, r) {
			p.Roles, joined = append(p.Roles, r), true
		}
	}
	return p, joined, err
}

// proposeJoins lets the roles wait that a personnel system gives and that open
// what is worth most. Whoever may say who works here may ask for it.
func (h *House) proposeJoins(ctx context.Context, by sashlock.OperatorID, joins []people.Joining) error {
	form, err := json.Marshal(approvals.Change{Joins: joinsOf(joins)})
	if err != nil {
		return badForm(err)
	}
	_, err = h.Approvals.Propose(ctx, approvals.By{
		ID: by, Program: true, May: func(string) bool { return true }, Sees: func(sashlock.SiteID, sashlock.AreaID) bool { return true },
	}, approvals.AccessKind, form, 0, "the personnel system says so")
	return err
}

func joinsOf(joins []people.Joining) []approvals.Join {
	all := make([]approvals.Join, len(joins))
	for i, j := range joins {
		all[i] = approvals.Join{Person: j.Slug, Roles: j.Roles}
	}
	return all
}
