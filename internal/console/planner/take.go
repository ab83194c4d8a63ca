// SPDX-License-Identifier: Apache-2.0

package planner

import (
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strconv"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/internal/estate"
	"github.com/sashlock/sashlock/internal/flow"
	"github.com/sashlock/sashlock/internal/lang"
	"github.com/sashlock/sashlock/internal/plans"
	"github.com/sashlock/sashlock/internal/sites"
	"github.com/sashlock/sashlock/internal/store"
)

// errKept ends a save of which nothing was kept. What is wrong, or what two
// people changed, is in the editor.
var errKept = errors.New("the form is shown again")

// take saves a form over what is stored, which the editor was just read from.
// The editor then shows what the form had.
func (e *editor) take(tx *store.Tx, form url.Values) (whole flow.Edit, err error) {
	stored := *e
	stored.Areas, stored.Openings = slices.Clone(e.Areas), slices.Clone(e.Openings)
	stored.Places = slices.Clone(e.Places)
	e.fillIn(form)
	m := newMerge(e, stored, form)
	m.outlines()
	m.places()
	moved := m.openings()
	e.draw()
	plan := e.plan()
	if len(e.Wrong) > 0 || len(e.Both) > 0 {
		return flow.Edit{}, errKept
	}
	for _, o := range moved {
		edit, err := moveOpening(tx, e.Site, o)
		if err != nil {
			return flow.Edit{}, err
		}
		whole.Events = append(whole.Events, edit.Events...)
		whole.Access.Put.Openings = append(whole.Access.Put.Openings, edit.Access.Put.Openings...)
	}
	edit, err := plans.Save(tx, plan, stored.Rev)
	var p *sashlock.Error
	if errors.As(err, &p) && p.Kind == sashlock.Invalid {
		e.Wrong["places"] = p.Hint
	}
	whole.Events = append(whole.Events, edit.Events...)
	return whole, err
}

// fillIn puts what a form has in place of what is stored.
func (e *editor) fillIn(form url.Values) {
	for i := range e.Areas {
		a := &e.Areas[i]
		if form.Has("a." + a.Slug) {
			a.Points = first(form, "a."+a.Slug)
		}
	}
	for i := range e.Openings {
		o := &e.Openings[i]
		if form.Has("o." + o.Slug + ".x") {
			o.X, o.Y, o.Was = first(form, "o."+o.Slug+".x"), first(form, "o."+o.Slug+".y"), first(form, "o."+o.Slug+".was")
		}
	}
	e.Places = nil
	column := func(name string, i int) string {
		if i < len(form[name]) {
			return form[name][i]
		}
		return ""
	}
	for i := range min(len(form["p.name"]), plans.MaxPlaces+1) {
		row := placeRow{column("p.id", i), column("p.kind", i), column("p.name", i), column("p.x", i), column("p.y", i), column("p.direction", i)}
		if row.Name != "" {
			e.Places = append(e.Places, row.tidy())
		}
	}
}

// plan reads outlines and places, and notes what is wrong with them.
func (e *editor) plan() plans.Plan {
	plan := plans.Plan{Site: e.Site.ID}
	for _, a := range e.Areas {
		points, ok := parsePoints(a.Points)
		if !ok {
			e.Wrong["a."+a.Slug] = lang.Mark("write points as x,y with spaces between them: at least three, each from 0 to 1000")
		} else if len(points) > 0 {
			plan.Outlines = append(plan.Outlines, plans.Outline{Area: sashlock.AreaID(a.ID), Points: points})
		}
	}
	for i, row := range e.Places {
		x, y, ok := numbers(row.X, row.Y)
		direction, err := strconv.Atoi(row.Direction)
		if row.Direction == "" {
			direction, err = 0, nil
		}
		fix := sashlock.CheckName(row.Name)
		switch {
		case !ok:
			e.Wrong[fmt.Sprintf("p.%d", i)] = lang.Mark("a place is two numbers from 0 to 1000")
		case err != nil || direction < 0 || direction > 359:
			e.Wrong[fmt.Sprintf("p.%d", i)] = lang.Mark("a direction is a number of degrees from 0 to 359")
		case fix != "":
			e.Wrong[fmt.Sprintf("p.%d", i)] = fix
		}
		plan.Places = append(plan.Places, plans.Place{ID: row.ID, Kind: plans.PlaceKind(row.Kind), Name: row.Name, X: x, Y: y, Direction: direction})
	}
	slices.SortFunc(plan.Outlines, func(a, b plans.Outline) int { return cmpText(string(a.Area), string(b.Area)) })
	slices.SortFunc(plan.Places, func(a, b plans.Place) int { return cmpText(a.ID, b.ID) })
	return plan
}

func cmpText(a, b string) int {
	switch {
	case a < b:
		return -1
	case a > b:
		return 1
	}
	return 0
}

// moveOpening changes where an opening is, and nothing else about it.
func moveOpening(tx *store.Tx, site sashlock.Site, row openingRow) (flow.Edit, error) {
	o, err := sites.FindOpening(tx, row.Slug)
	if err != nil {
		return flow.Edit{}, err
	}
	names := map[sashlock.AreaID]sashlock.Area{}
	if o.Area != "" {
		if names[o.Area], err = sites.FindArea(tx, string(o.Area)); err != nil {
			return flow.Edit{}, err
		}
	}
	d := estate.FromOpening(o, naming(site, names))
	d.Plan = nil
	if x, y, _ := numbers(row.X, row.Y); x != 0 || y != 0 {
		d.Plan = []int{x, y}
	}
	find := func(k estate.Kind, _ string) string { // it refers to nothing else than it did
		if k == estate.Sites {
			return string(o.Site)
		}
		return string(o.Area)
	}
	return sites.SaveOpening(tx, d, find, o.Rev)
}
