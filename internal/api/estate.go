// SPDX-License-Identifier: Apache-2.0

package api

import (
	"context"
	"net/http"
	"slices"

	"github.com/danielgtaylor/huma/v2"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/internal/access"
	"github.com/sashlock/sashlock/internal/estate"
	"github.com/sashlock/sashlock/internal/flow"
	"github.com/sashlock/sashlock/internal/grants"
	"github.com/sashlock/sashlock/internal/people"
	"github.com/sashlock/sashlock/internal/signin"
	"github.com/sashlock/sashlock/internal/sites"
	"github.com/sashlock/sashlock/internal/store"
)

type estateAnswer struct{ Body estate.File }

type applyInput struct {
	DryRun bool `query:"dry_run" doc:"Only tell what would be done"`
	Prune  bool `query:"prune" doc:"Also remove what the file does not name"`
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
	Line string `json:"line" doc:"The step for people"`
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
func (a *API) Estate(ctx context.Context) (estate.File, error) {
	var f estate.File
	err := a.view(ctx, func(q store.Query) (err error) {
		f, err = declaredNow(q, naming(a.Hall.Book()))
		return err
	})
	return f, err
}

// declaredNow reads everything that is declared.
func declaredNow(q store.Query, name estate.Naming) (f estate.File, err error) {
	read := func(step func() error) {
		if err == nil {
			err = step()
		}
	}
	read(func() (err error) {
		f.Schedules, err = listing(grants.ListSchedules, unnamed(estate.FromSchedule))(q, name)
		return
	})
	read(func() (err error) { f.Sites, err = listing(sites.ListSites, estate.FromSite)(q, name); return })
	read(func() (err error) { f.Areas, err = listing(sites.ListAreas, estate.FromArea)(q, name); return })
	read(func() (err error) { f.Openings, err = listing(sites.ListOpenings, estate.FromOpening)(q, name); return })
	read(func() (err error) {
		f.Roles, err = listing(people.ListRoles, unnamed(estate.FromRole))(q, name)
		return
	})
	read(func() (err error) { f.People, err = listing(people.List, estate.FromPerson)(q, name); return })
	read(func() (err error) { f.Grants, err = listing(grants.List, estate.FromGrant)(q, name); return })
	return f, err
}

func (a *API) apply(ctx context.Context, in *applyInput) (*applyAnswer, error) {
	have, err := a.Estate(ctx)
	if err != nil {
		return nil, err
	}
	var failed error
	err = a.view(ctx, func(q store.Query) error {
		return estate.Problems("checking estate", estate.Check(in.Body, lookup(q, &failed)))
	})
	if err == nil {
		err = failed
	}
	if err != nil {
		return nil, err
	}
	steps := estate.Diff(have, in.Body, in.Prune)
	if t := caller(ctx); !t.May(signin.Access) && slices.ContainsFunc(steps, aboutAccess) {
		return nil, &sashlock.Error{Kind: sashlock.Denied, Op: "applying estate", Hint: "this token lacks the scope access"}
	}
	out := &applyAnswer{Body: Applied{Steps: []AppliedStep{}}}
	for _, s := range steps {
		out.Body.Steps = append(out.Body.Steps, AppliedStep{Step: s, Line: s.String()})
	}
	if in.DryRun || len(steps) == 0 {
		return out, nil
	}
	r, err := a.Hall.Change(ctx, Apply(caller(ctx).ID, steps))
	out.Body.Receipt = receipt(r)
	return out, err
}

func aboutAccess(s estate.Step) bool {
	return s.Kind == estate.Roles || s.Kind == estate.People || s.Kind == estate.Schedules || s.Kind == estate.Grants
}

// Apply is the change that carries out steps, all or none.
func Apply(by sashlock.OperatorID, steps []estate.Step) flow.Change {
	return flow.Change{Operator: by, Make: func(tx *store.Tx) (flow.Edit, error) {
		var all flow.Edit
		var failed error
		find := lookup(tx, &failed)
		for _, s := range steps {
			e, err := carryOut(tx, s, find)
			if err == nil {
				err = failed
			}
			if err != nil {
				return flow.Edit{}, err
			}
			all.Events = append(all.Events, e.Events...)
			all.Access = joined(all.Access, e.Access)
		}
		return all, nil
	}}
}

func carryOut(tx *store.Tx, s estate.Step, find estate.Lookup) (flow.Edit, error) {
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
