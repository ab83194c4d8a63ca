// SPDX-License-Identifier: Apache-2.0

package api

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"

	"github.com/danielgtaylor/huma/v2"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/internal/access"
	"github.com/sashlock/sashlock/internal/approvals"
	"github.com/sashlock/sashlock/internal/estate"
	"github.com/sashlock/sashlock/internal/files"
	"github.com/sashlock/sashlock/internal/flow"
	"github.com/sashlock/sashlock/internal/grants"
	"github.com/sashlock/sashlock/internal/lang"
	"github.com/sashlock/sashlock/internal/people"
	"github.com/sashlock/sashlock/internal/signin"
	"github.com/sashlock/sashlock/internal/sites"
	"github.com/sashlock/sashlock/internal/store"
)

type estateAnswer struct{ Body estate.File }

type applyInput struct {
	DryRun bool   `query:"dry_run" doc:"Only tell what would be done"`
	Prune  bool   `query:"prune" doc:"Also remove what the file does not name"`
	File   string `query:"file" maxLength:"200" doc:"Name of the file: what it declares belongs to it, and what is changed by other ways is shown as drifted" example:"store.yaml"`
	Body   estate.File
}

// Applied tells what an apply did, or would do.
type Applied struct {
	Steps   []AppliedStep `json:"steps"`
	Receipt *Receipt      `json:"receipt,omitempty"`
}

// AppliedStep is one difference.
type AppliedStep struct {
	estate.Step
	Line     string `json:"line" doc:"The step for people"`
	Proposal string `json:"proposal,omitempty" doc:"It is not made yet, and waits under this identifier for an operator to confirm it in the console"`
}

type applyAnswer struct{ Body Applied }

func (a *API) estateRoutes() {
	tags := []string{"estate"}
	register(a, signin.Read, huma.Operation{
		Method: http.MethodGet, Path: "/v1/estate", OperationID: "get-estate", Tags: tags,
		Summary: "Everything that is declared, as a file would say it",
	}, func(ctx context.Context, _ *struct{}) (*estateAnswer, error) {
		f, err := a.Estate(ctx)
		return &estateAnswer{f}, err
	})
	register(a, signin.Setup, huma.Operation{
		Method: http.MethodPut, Path: "/v1/estate", OperationID: "apply-estate", Tags: tags,
		Summary:      "Make it so: all of a file in one transaction, or nothing",
		Description:  "Changing people, roles, schedules or grants also needs the scope `access`.",
		MaxBodyBytes: estate.MaxFile,
	}, a.apply)
}

// Estate returns everything that is declared.
func (a *API) Estate(ctx context.Context) (f estate.File, err error) {
	err = a.view(ctx, func(q store.Query) (err error) { f, err = declaredNow(q); return err })
	return f, err
}

// declaredNow reads everything that is declared. References are named from what
// was read, so that it is one moment's truth within a transaction too.
func declaredNow(q store.Query) (f estate.File, err error) {
	read := func(step func() error) {
		if err == nil {
			err = step()
		}
	}
	var have access.Facts
	read(func() (err error) { have.Schedules, err = grants.ListSchedules(q); return err })
	read(func() (err error) { have.Sites, err = sites.ListSites(q); return err })
	read(func() (err error) { have.Areas, err = sites.ListAreas(q); return err })
	read(func() (err error) { have.Openings, err = sites.ListOpenings(q); return err })
	read(func() (err error) { have.Roles, err = people.ListRoles(q); return err })
	read(func() (err error) { have.People, err = people.List(q); return err })
	read(func() (err error) { have.Grants, err = grants.List(q); return err })
	if err != nil {
		return f, err
	}
	guests := map[sashlock.PersonID]bool{} // customers come and go; nobody declares them
	for _, p := range have.People {
		guests[p.ID] = p.IsGuest()
	}
	have.People = slices.DeleteFunc(have.People, sashlock.Person.IsGuest)
	have.Grants = slices.DeleteFunc(have.Grants, func(g sashlock.Grant) bool { return guests[g.Person] })
	name := namingOf(have)
	f.Schedules = each(have.Schedules, func(s sashlock.Schedule) estate.Schedule { return estate.FromSchedule(s) })
	f.Sites = each(have.Sites, func(s sashlock.Site) estate.Site { return estate.FromSite(s, name) })
	f.Areas = each(have.Areas, func(r sashlock.Area) estate.Area { return estate.FromArea(r, name) })
	f.Openings = each(have.Openings, func(o sashlock.Opening) estate.Opening { return estate.FromOpening(o, name) })
	f.Roles = each(have.Roles, estate.FromRole)
	f.People = each(have.People, func(p sashlock.Person) estate.Person { return estate.FromPerson(p, name) })
	f.Grants = each(have.Grants, func(g sashlock.Grant) estate.Grant { return estate.FromGrant(g, name) })
	return f, nil
}

func each[T, D any](list []T, from func(T) D) []D {
	var out []D
	for _, o := range list {
		out = append(out, from(o))
	}
	return out
}

// namingOf says how objects are referred to, from a list of all of them.
func namingOf(f access.Facts) estate.Naming {
	slugs := map[string]string{} // identifiers of different kinds never agree
	for _, s := range f.Schedules {
		slugs[string(s.ID)] = s.Slug
	}
	for _, s := range f.Sites {
		slugs[string(s.ID)] = s.Slug
	}
	for _, r := range f.Areas {
		slugs[string(r.ID)] = slugs[string(r.Site)] + "/" + r.Slug
	}
	for _, o := range f.Openings {
		slugs[string(o.ID)] = o.Slug
	}
	for _, r := range f.Roles {
		slugs[string(r.ID)] = r.Slug
	}
	for _, p := range f.People {
		slugs[string(p.ID)] = p.Slug
	}
	return func(_ estate.Kind, id string) string { return slugs[id] }
}

func (a *API) apply(ctx context.Context, in *applyInput) (*applyAnswer, error) {
	p := plan{want: in.Body, file: in.File, prune: in.Prune, by: caller(ctx), api: a}
	var receipt *Receipt
	var err error
	if in.DryRun {
		err = a.view(ctx, func(q store.Query) error { return p.make(q) })
	} else {
		receipt, err = p.carryOut(ctx, a.Hall)
	}
	if err != nil {
		return nil, err
	}
	waits, err := p.propose(ctx)
	if err != nil {
		return nil, err
	}
	out := &applyAnswer{Body: Applied{Steps: []AppliedStep{}, Receipt: receipt}}
	for _, s := range p.steps {
		out.Body.Steps = append(out.Body.Steps, AppliedStep{Step: s, Line: s.String()})
	}
	out.Body.Steps = append(out.Body.Steps, waits...)
	return out, nil
}

// plan is what has to be done to have what a file wants.
type plan struct {
	want  estate.File
	file  string // its name; empty: it is nobody's
	prune bool
	by    signin.Token
	api   *API
	steps []estate.Step
	waits []waiting // those that a second operator has to confirm
}

// holdBack sets aside what a second operator has to confirm.
func (p *plan) holdBack(tx *store.Tx) error {
	var now []estate.Step
	p.waits = nil
	for _, s := range p.steps {
		kind, err := p.waitsAs(tx, s)
		if err != nil {
			return err
		}
		if kind != "" {
			p.waits = append(p.waits, waiting{s, kind})
		} else {
			now = append(now, s)
		}
	}
	p.steps = now
	return nil
}

// waitsAs is the kind of proposal that a step becomes; empty: it does not wait.
func (p *plan) waitsAs(tx *store.Tx, s estate.Step) (kind string, err error) {
	d, isGrant := s.Object.(estate.Grant)
	if !isGrant {
		return p.api.Approvals.EditWaitsIn(tx, approvals.By{ID: p.by.ID}, only(s).Edit(p.api.Hall.Book()), tx.Now())
	}
	var failed error
	g, problems := d.Resolve(lookup(tx, &failed))
	if failed != nil || len(problems) > 0 {
		return "", failed
	}
	old, err := grants.Find(tx, d.Slug)
	if err != nil && !sashlock.IsKind(err, sashlock.NotFound) {
		return "", err
	}
	if waits, err := p.api.Approvals.GrantWaitsIn(tx, approvals.By{ID: p.by.ID}, g, old); err != nil || !waits {
		return "", err
	}
	return approvals.GrantKind, nil
}

// only is the change that a step makes.
func only(s estate.Step) (f approvals.Change) {
	switch o := s.Object.(type) {
	case estate.Site:
		f.Sites = []estate.Site{o}
	case estate.Area:
		f.Areas = []estate.Area{o}
	case estate.Opening:
		f.Openings = []estate.Opening{o}
	case estate.Person:
		f.People = []estate.Person{o}
	case estate.Schedule:
		f.Schedules = []estate.Schedule{o}
	}
	if s.Object == nil && s.Kind == estate.Openings {
		f.Gone = []string{s.Ref}
	}
	return f
}

// waiting is a step that was set aside, and the kind of its proposal.
type waiting struct {
	estate.Step
	kind string
}

// propose lets what was set aside wait: each grant by itself, all else of a kind
// together.
func (p *plan) propose(ctx context.Context) (all []AppliedStep, err error) {
	ids := map[string]string{}
	for _, kind := range []string{approvals.AccessKind, approvals.PlaceKind} {
		var c approvals.Change
		for _, w := range p.waits {
			if w.kind == kind {
				c = together(c, only(w.Step))
			}
		}
		if c.Empty() {
			continue
		}
		if ids[kind], err = p.api.propose(ctx, kind, c, 0); err != nil {
			return nil, err
		}
	}
	for _, w := range p.waits {
		id := ids[w.kind]
		if w.kind == approvals.GrantKind {
			if id, err = p.api.propose(ctx, w.kind, w.Object, 0); err != nil {
				return nil, err
			}
		}
		all = append(all, AppliedStep{Step: w.Step, Line: w.String() + " (waits for a second operator to confirm it)", Proposal: id})
	}
	return all, nil
}

// together is a change that makes two.
func together(a, b approvals.Change) approvals.Change {
	a.Sites, a.Areas = append(a.Sites, b.Sites...), append(a.Areas, b.Areas...)
	a.Openings, a.People = append(a.Openings, b.Openings...), append(a.People, b.People...)
	a.Schedules, a.Gone = append(a.Schedules, b.Schedules...), append(a.Gone, b.Gone...)
	return a
}

// make checks the file against what is declared, as q sees it, and finds the
// steps.
func (p *plan) make(q store.Query) error {
	have, err := declaredNow(q)
	if err != nil {
		return err
	}
	var failed error
	find := lookup(q, &failed)
	known := find
	if p.prune { // what the file does not name will not be there
		known = func(estate.Kind, string) string { return "" }
	}
	p.want = p.want.Spelled(spelling(have))
	want := p.want
	problems := estate.Check(want, known)
	if failed != nil {
		return failed
	}
	if err := estate.Problems("checking estate", problems); err != nil {
		return err
	}
	if p.file != "" {
		if err := files.Check(q, p.file, want); err != nil {
			return err
		}
	}
	p.steps = estate.Diff(have, want, p.prune)
	if !p.by.May(signin.Access) && slices.ContainsFunc(p.steps, aboutAccess) {
		return &sashlock.Error{Kind: sashlock.Denied, Op: "applying estate", Hint: "this token lacks the scope access, which people, roles, schedules and grants need"}
	}
	return nil
}

// carryOut makes the plan and carries it out in one transaction, so that nobody
// changes anything between the two.
func (p *plan) carryOut(ctx context.Context, h *flow.Hall) (*Receipt, error) {
	r, err := h.Change(ctx, flow.Change{Operator: p.by.ID, Make: func(tx *store.Tx) (flow.Edit, error) {
		if err := p.make(tx); err != nil {
			return flow.Edit{}, err
		}
		if err := p.holdBack(tx); err != nil {
			return flow.Edit{}, err
		}
		edit, err := carryOut(tx, p.steps)
		if err != nil || p.file == "" {
			return edit, err
		}
		kept, err := files.Keep(tx, p.file, p.by.ID, p.want)
		edit.Events = append(edit.Events, kept...)
		return edit, err
	}})
	return receipt(r), err
}

// spelling writes references by identifier as the slugs that a file has.
func spelling(have estate.File) func(string) string {
	slugs := map[string]string{}
	note := func(k estate.Kept, ref string) { slugs[k.ID] = ref }
	for _, o := range have.Schedules {
		note(o.Kept, o.Ref())
	}
	for _, o := range have.Sites {
		note(o.Kept, o.Ref())
	}
	for _, o := range have.Areas {
		note(o.Kept, o.Ref())
	}
	for _, o := range have.Openings {
		note(o.Kept, o.Ref())
	}
	for _, o := range have.Roles {
		note(o.Kept, o.Ref())
	}
	for _, o := range have.People {
		note(o.Kept, o.Ref())
	}
	return func(ref string) string {
		if slug, is := slugs[ref]; is {
			return slug
		}
		return ref
	}
}

func aboutAccess(s estate.Step) bool {
	return s.Kind == estate.Roles || s.Kind == estate.People || s.Kind == estate.Schedules || s.Kind == estate.Grants
}

// Apply is the change that carries out steps, all or none.
func Apply(by sashlock.OperatorID, steps []estate.Step) flow.Change {
	return flow.Change{Operator: by, Make: func(tx *store.Tx) (flow.Edit, error) { return carryOut(tx, steps) }}
}

func carryOut(tx *store.Tx, steps []estate.Step) (flow.Edit, error) {
	var all flow.Edit
	var failed error
	find := lookup(tx, &failed)
	for _, s := range steps {
		e, err := carryOutStep(tx, s, find)
		if failed != nil {
			err = failed
		}
		if err != nil {
			return flow.Edit{}, inStep(s, err)
		}
		all.Events = append(all.Events, e.Events...)
		all.Access = joined(all.Access, e.Access)
		all.Danger = append(all.Danger, e.Danger...)
	}
	return all, nil
}

// inStep says which object of a file an error is about.
func inStep(s estate.Step, err error) error {
	var e *sashlock.Error
	if !errors.As(err, &e) || e.Kind != sashlock.Invalid {
		return err
	}
	list := estate.ListOf(err)
	if len(list) == 0 {
		list = []estate.Problem{{Field: e.Subject, Detail: lang.Say("it cannot be accepted"), Fix: lang.Say(e.Hint)}}
	}
	for i := range list {
		list[i].Field = fmt.Sprintf("%s %s: %s", s.Kind, s.Ref, list[i].Field)
	}
	return estate.Problems("applying estate", list)
}

func carryOutStep(tx *store.Tx, s estate.Step, find estate.Lookup) (flow.Edit, error) {
	switch o := s.Object.(type) {
	case estate.Site:
		return sites.SaveSite(tx, o, find, 0)
	case estate.Area:
		return sites.SaveArea(tx, o, find, 0)
	case estate.Opening:
		return sites.SaveOpening(tx, o, find, 0)
	case estate.Role:
		return people.SaveRole(tx, o, find, 0)
	case estate.Person:
		return people.Save(tx, o, find, 0)
	case estate.Schedule:
		return grants.SaveSchedule(tx, o, find, 0)
	case estate.Grant:
		return grants.Save(tx, o, find, 0)
	}
	remove := map[estate.Kind]func(*store.Tx, string, int64) (flow.Edit, error){
		estate.Sites: sites.RemoveSite, estate.Areas: sites.RemoveArea, estate.Openings: sites.RemoveOpening,
		estate.Roles: people.RemoveRole, estate.People: people.Remove,
		estate.Schedules: grants.RemoveSchedule, estate.Grants: grants.Revoke,
	}
	return remove[s.Kind](tx, s.Ref, 0)
}

func joined(a, b access.Change) access.Change {
	p, q := &a.Put, b.Put
	p.Sites, p.Areas, p.Openings = append(p.Sites, q.Sites...), append(p.Areas, q.Areas...), append(p.Openings, q.Openings...)
	p.People, p.Roles = append(p.People, q.People...), append(p.Roles, q.Roles...)
	p.Schedules, p.Grants = append(p.Schedules, q.Schedules...), append(p.Grants, q.Grants...)
	r, s := &a.Remove, b.Remove
	r.Sites, r.Areas, r.Openings = append(r.Sites, s.Sites...), append(r.Areas, s.Areas...), append(r.Openings, s.Openings...)
	r.People, r.Roles = append(r.People, s.People...), append(r.Roles, s.Roles...)
	r.Schedules, r.Grants = append(r.Schedules, s.Schedules...), append(r.Grants, s.Grants...)
	return a
}
