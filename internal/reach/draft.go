// SPDX-License-Identifier: Apache-2.0

package reach

import (
	"slices"
	"time"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/internal/access"
	"github.com/sashlock/sashlock/internal/estate"
	"github.com/sashlock/sashlock/internal/flow"
)

// Draft is what would be declared if a file were carried out. Nothing of it is
// stored.
type Draft struct {
	Book  *flow.Book    // as it would be; what is new in it has identifiers that nothing else has
	Steps []estate.Step // what would be done

	// Moments are when something begins or has just not ended yet that the file
	// puts there: besides the turns of schedules, what the draft does shows there.
	Moments []time.Time
}

// File returns everything that is declared, as a file says it.
func (f Facts) File() estate.File {
	var out estate.File
	name := func(k estate.Kind, id string) string { return f.Ref(k, id) }
	for _, s := range f.Schedules {
		out.Schedules = append(out.Schedules, estate.FromSchedule(s))
	}
	for _, s := range f.Sites {
		out.Sites = append(out.Sites, estate.FromSite(s, name))
	}
	for _, a := range f.Areas {
		out.Areas = append(out.Areas, estate.FromArea(a, name))
	}
	for _, o := range f.Openings {
		out.Openings = append(out.Openings, estate.FromOpening(o, name))
	}
	for _, r := range f.Roles {
		out.Roles = append(out.Roles, estate.FromRole(r))
	}
	for _, p := range f.People {
		out.People = append(out.People, estate.FromPerson(p, name))
	}
	for _, g := range f.Grants {
		out.Grants = append(out.Grants, estate.FromGrant(g, name))
	}
	return out
}

// Draft works out what a file would make of what is declared. What the file does
// not name stays, unless it is pruned. The error is of kind invalid and lists
// what is wrong with the file, see [estate.ListOf].
func (f Facts) Draft(want estate.File, prune bool) (*Draft, error) {
	have := f.File()
	refs := refsOf(have)
	want = want.Spelled(refs.spell)
	known := refs.find
	if prune { // what the file does not name will not be there
		known = func(estate.Kind, string) string { return "" }
	}
	if err := estate.Problems("reading draft", estate.Check(want, known)); err != nil {
		return nil, err
	}
	d := &Draft{Steps: estate.Diff(have, want, prune)}
	var c access.Change
	var problems []estate.Problem
	for _, s := range d.Steps {
		problems = append(problems, refs.take(&c, s)...)
	}
	if err := estate.Problems("reading draft", problems); err != nil {
		return nil, err
	}
	next, err := f.With(flow.Edit{Access: c})
	if err != nil {
		return nil, err
	}
	d.Book = next
	for _, g := range c.Put.Grants {
		d.turn(g.From, g.Until)
	}
	for _, p := range c.Put.People {
		d.turn(p.From, p.Until)
	}
	return d, nil
}

func (d *Draft) turn(from, until time.Time) {
	if !from.IsZero() {
		d.Moments = append(d.Moments, from)
	}
	if !until.IsZero() {
		d.Moments = append(d.Moments, until.Add(-time.Second), until)
	}
}

// FromFile makes facts of a file that stands for itself, with no store behind
// it. The error is of kind invalid and lists what is wrong
// with the file.
func FromFile(file estate.File) (Facts, error) {
	nothing, err := flow.NewBook(access.Facts{}, nil)
	if err != nil {
		return Facts{}, err
	}
	d, err := New(nothing, nil).Draft(file, false)
	if err != nil {
		return Facts{}, err
	}
	return New(d.Book, nil), nil
}

// refs finds objects by slug and by identifier.
type refs struct {
	ids   map[estate.Kind]map[string]string
	slugs map[string]string // of each identifier; those of different kinds never agree
}

func refsOf(f estate.File) refs {
	r := refs{map[estate.Kind]map[string]string{}, map[string]string{}}
	note(r, estate.Schedules, f.Schedules, func(s estate.Schedule) string { return s.ID })
	note(r, estate.Roles, f.Roles, func(s estate.Role) string { return s.ID })
	note(r, estate.Sites, f.Sites, func(s estate.Site) string { return s.ID })
	note(r, estate.Areas, f.Areas, func(s estate.Area) string { return s.ID })
	note(r, estate.Openings, f.Openings, func(s estate.Opening) string { return s.ID })
	note(r, estate.People, f.People, func(s estate.Person) string { return s.ID })
	note(r, estate.Grants, f.Grants, func(s estate.Grant) string { return s.ID })
	return r
}

func note[T interface{ Ref() string }](r refs, k estate.Kind, list []T, id func(T) string) {
	r.ids[k] = make(map[string]string, 2*len(list))
	for _, o := range list {
		r.ids[k][o.Ref()], r.ids[k][id(o)] = id(o), id(o)
		r.slugs[id(o)] = o.Ref()
	}
}

func (r refs) find(k estate.Kind, ref string) string { return r.ids[k][ref] }

func (r refs) spell(ref string) string {
	if slug, known := r.slugs[ref]; known {
		return slug
	}
	return ref
}

// id returns the identifier of an object of a draft, and gives it one where it is
// new. No identifier that Sashlock makes has a colon in it.
func (r refs) id(s estate.Step) string {
	if r.ids[s.Kind][s.Ref] == "" {
		r.ids[s.Kind][s.Ref] = "draft:" + string(s.Kind) + ":" + s.Ref
	}
	return r.ids[s.Kind][s.Ref]
}

// take adds one step to a change.
func (r refs) take(c *access.Change, s estate.Step) []estate.Problem {
	id := r.id(s)
	var problems []estate.Problem
	switch o := s.Object.(type) {
	case estate.Site:
		out, p := o.Resolve(r.find)
		out.ID, problems = sashlock.SiteID(id), p
		c.Put.Sites = append(c.Put.Sites, out)
	case estate.Area:
		out, p := o.Resolve(r.find)
		out.ID, problems = sashlock.AreaID(id), p
		c.Put.Areas = append(c.Put.Areas, out)
	case estate.Opening:
		out, p := o.Resolve(r.find)
		out.ID, problems = sashlock.OpeningID(id), p
		c.Put.Openings = append(c.Put.Openings, out)
	case estate.Role:
		out, p := o.Resolve(r.find)
		out.ID, problems = sashlock.RoleID(id), p
		c.Put.Roles = append(c.Put.Roles, out)
	case estate.Person:
		out, p := o.Resolve(r.find)
		out.ID, problems = sashlock.PersonID(id), p
		c.Put.People = append(c.Put.People, out)
	case estate.Schedule:
		out, p := o.Resolve(r.find)
		out.ID, problems = sashlock.ScheduleID(id), p
		c.Put.Schedules = append(c.Put.Schedules, out)
	case estate.Grant:
		out, p := o.Resolve(r.find)
		out.ID, problems = sashlock.GrantID(id), p
		c.Put.Grants = append(c.Put.Grants, out)
	default:
		r.drop(&c.Remove, s.Kind, id)
		delete(r.ids[s.Kind], s.Ref)
	}
	return slices.Clip(problems)
}

func (refs) drop(c *access.Removal, k estate.Kind, id string) {
	switch k {
	case estate.Sites:
		c.Sites = append(c.Sites, sashlock.SiteID(id))
	case estate.Areas:
		c.Areas = append(c.Areas, sashlock.AreaID(id))
	case estate.Openings:
		c.Openings = append(c.Openings, sashlock.OpeningID(id))
	case estate.Roles:
		c.Roles = append(c.Roles, sashlock.RoleID(id))
	case estate.People:
		c.People = append(c.People, sashlock.PersonID(id))
	case estate.Schedules:
		c.Schedules = append(c.Schedules, sashlock.ScheduleID(id))
	case estate.Grants:
		c.Grants = append(c.Grants, sashlock.GrantID(id))
	}
}
