// SPDX-License-Identifier: Apache-2.0

package api

import (
	"cmp"
	"context"
	"errors"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/internal/approvals"
	"github.com/sashlock/sashlock/internal/estate"
	"github.com/sashlock/sashlock/internal/flow"
	"github.com/sashlock/sashlock/internal/guard"
	"github.com/sashlock/sashlock/internal/lang"
	"github.com/sashlock/sashlock/internal/rails"
	"github.com/sashlock/sashlock/internal/signin"
	"github.com/sashlock/sashlock/internal/sites"
	"github.com/sashlock/sashlock/internal/store"
)

// Rail is one guard rail: what no grant and no scenario can beat.
type Rail struct {
	Slug    string `json:"slug" readOnly:"true" doc:"Short name" example:"cage-in-pairs"`
	Text    string `json:"text" maxLength:"65536" doc:"The rule, in Cedar: one or several forbid rules"`
	Site    string `json:"site,omitempty" maxLength:"100" doc:"Slug of the site where it holds; everywhere when not given"`
	Shadow  bool   `json:"shadow,omitempty" doc:"It only watches: what it would forbid is recorded and not forbidden"`
	Shipped bool   `json:"shipped,omitempty" readOnly:"true" doc:"It came with Sashlock and nobody edited it here"`
	Rev     int64  `json:"rev" readOnly:"true" doc:"Grows with every change"`
}

type railAnswer struct {
	ETag     string `header:"ETag"`
	Proposal string `header:"Sashlock-Proposal" doc:"With 202: it is not made yet, and waits under this identifier for an operator to confirm it in the console"`
	Status   int
	Body     Rail
}

type saveRailInput struct {
	Ref     string `path:"ref" maxLength:"40" doc:"Short name"`
	IfMatch string `header:"If-Match" doc:"The ETag last seen: refuse if somebody changed it since"`
	Preview bool   `query:"dry_run" doc:"Only say whether it could be saved"`
	Body    Rail
}

type removeRailInput struct {
	Ref     string `path:"ref" maxLength:"40" doc:"Short name"`
	IfMatch string `header:"If-Match" doc:"The ETag last seen"`
}

func (a *API) railRoutes() {
	tags := []string{"rails"}
	register(a, signin.Read, huma.Operation{
		Method: http.MethodGet, Path: "/v1/rails", OperationID: "list-rail", Tags: tags, Summary: "List guard rails",
	}, a.listRails)
	register(a, signin.Read, huma.Operation{
		Method: http.MethodGet, Path: "/v1/rails/{ref}", OperationID: "get-rail", Tags: tags, Summary: "Show one guard rail",
	}, func(ctx context.Context, in *refInput) (*railAnswer, error) { return a.rail(ctx, in.Ref) })
	register(a, signin.Access, huma.Operation{
		Method: http.MethodPut, Path: "/v1/rails/{ref}", OperationID: "save-rail", Tags: tags, Summary: "Save a guard rail",
		Description: "The next request is held against it. A text that is wrong changes nothing and is answered with line and column.",
	}, a.saveRail)
	register(a, signin.Access, huma.Operation{
		Method: http.MethodDelete, Path: "/v1/rails/{ref}", OperationID: "remove-rail", Tags: tags, Summary: "Remove a guard rail",
		DefaultStatus: http.StatusNoContent,
	}, a.removeRail)
}

// declaredRail is a rail as programs see it.
func (a *API) declaredRail(r rails.Rail) Rail {
	return Rail{Slug: r.Slug, Text: r.Text, Site: a.Hall.Book().Sites[r.Site].Slug, Shadow: r.Shadow, Shipped: r.Shipped, Rev: r.Rev}
}

func (a *API) listRails(ctx context.Context, in *Paging) (*pageAnswer[Rail], error) {
	var out []Rail
	err := a.view(ctx, func(q store.Query) error {
		all, err := rails.List(q)
		for _, r := range all {
			out = append(out, a.declaredRail(r))
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	return paged(*in, ascending, out, func(r Rail) string { return r.Slug })
}

func (a *API) rail(ctx context.Context, slug string) (*railAnswer, error) {
	var r rails.Rail
	err := a.view(ctx, func(q store.Query) (err error) { r, err = rails.Find(q, slug); return err })
	return &railAnswer{ETag: etag(r.Rev), Status: http.StatusOK, Body: a.declaredRail(r)}, err
}

func (a *API) saveRail(ctx context.Context, in *saveRailInput) (*railAnswer, error) {
	if in.Body.Slug != "" && in.Body.Slug != in.Ref {
		return nil, &sashlock.Error{Kind: sashlock.Invalid, Op: "saving guard rail", Subject: "slug", Hint: "write the same short name in the address and in the body, or leave it out of the body"}
	}
	rev, err := ifMatch(in.IfMatch)
	if err != nil {
		return nil, err
	}
	r := rails.Rail{Slug: in.Ref, Text: in.Body.Text, Shadow: in.Body.Shadow}
	if in.Body.Site != "" {
		var site sashlock.Site
		if err := a.view(ctx, func(q store.Query) (err error) { site, err = sites.FindSite(q, in.Body.Site); return err }); err != nil {
			return nil, err
		}
		r.Site = site.ID
	}
	if in.Preview {
		_, err := rails.Compile([]rails.Rail{r})
		return &railAnswer{Status: http.StatusOK, Body: a.declaredRail(r)}, placed(err)
	}
	_, err = a.Hall.Change(ctx, flow.Change{Operator: caller(ctx).ID, Make: func(tx *store.Tx) (flow.Edit, error) {
		if _, missing := rails.Find(tx, in.Ref); rev == anyRev && missing != nil {
			return flow.Edit{}, &sashlock.Error{Kind: sashlock.Conflict, Op: "saving guard rail", Subject: in.Ref, Hint: "there is none that could be changed", Err: store.ErrChanged}
		}
		return rails.Save(tx, r, max(rev, 0))
	}})
	if errors.Is(err, approvals.ErrHeld) {
		id, err := a.propose(ctx, approvals.RailKind, rails.Proposed{Rail: r}, max(rev, 0))
		return &railAnswer{Status: http.StatusAccepted, Proposal: id, Body: a.declaredRail(r)}, err
	}
	if err != nil {
		return nil, precondition(placed(err))
	}
	return a.rail(ctx, in.Ref)
}

// removedAnswer has the status 202 where the removal waits.
type removedAnswer struct {
	Status   int
	Proposal string `header:"Sashlock-Proposal" doc:"With 202: it is not gone yet, and waits under this identifier for an operator to confirm it in the console"`
}

func (a *API) removeRail(ctx context.Context, in *removeRailInput) (*removedAnswer, error) {
	rev, err := ifMatch(in.IfMatch)
	if err != nil {
		return nil, err
	}
	_, err = a.Hall.Change(ctx, flow.Change{Operator: caller(ctx).ID, Make: func(tx *store.Tx) (flow.Edit, error) { return rails.Remove(tx, in.Ref, max(rev, 0)) }})
	if errors.Is(err, approvals.ErrHeld) {
		var r rails.Rail
		if err := a.view(ctx, func(q store.Query) (err error) { r, err = rails.Find(q, in.Ref); return err }); err != nil {
			return nil, err
		}
		id, err := a.propose(ctx, approvals.RailKind, rails.Proposed{Rail: rails.Rail{Slug: r.Slug, Site: r.Site}, Remove: true}, max(rev, 0))
		return &removedAnswer{http.StatusAccepted, id}, err
	}
	return &removedAnswer{Status: http.StatusNoContent}, precondition(err)
}

// placed lists what is wrong with a rail's text, each with its line and column.
func placed(err error) error {
	var found guard.Problems
	if !errors.As(err, &found) {
		return err
	}
	var all []estate.Problem
	for _, p := range found {
		one := estate.Problem{Field: "text", Detail: lang.Say(p.What), Fix: lang.Say(cmp.Or(p.Fix, lang.Mark("see the schema of guard rails")))}
		if p.Line > 0 {
			one.Detail = lang.Say("line %d, column %d: %s", p.Line, p.Column, p.What)
		}
		all = append(all, one)
	}
	return estate.Problems("saving guard rail", all)
}
