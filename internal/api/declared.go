// SPDX-License-Identifier: Apache-2.0

package api

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"

	"github.com/danielgtaylor/huma/v2"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/internal/approvals"
	"github.com/sashlock/sashlock/internal/estate"
	"github.com/sashlock/sashlock/internal/flow"
	"github.com/sashlock/sashlock/internal/signin"
	"github.com/sashlock/sashlock/internal/store"
)

// declared is one kind of declared object and how its room keeps it.
type declared[D interface{ Ref() string }] struct {
	kind   estate.Kind
	path   string // "/v1/grants"
	scope  signin.Scope
	list   func(store.Query, estate.Naming) ([]D, error)
	find   func(store.Query, string, estate.Naming) (D, error)
	save   func(*store.Tx, D, estate.Lookup, int64) (flow.Edit, error)
	remove func(*store.Tx, string, int64) (flow.Edit, error)
	kept   func(D) estate.Kept
	held   string      // the kind of proposal that a change becomes that waits for a second operator; empty: none waits
	form   func(D) any // the declared form of that proposal; nil: the object itself

	gone func(ref string) any // the same of a removal; nil: no removal waits
}

type refInput struct {
	Ref string `path:"ref" maxLength:"100" doc:"Slug or identifier"`
}

type declaredAnswer[D any] struct {
	ETag     string `header:"ETag"`
	Location string `header:"Location"`
	Proposal string `header:"Sashlock-Proposal" doc:"With 202: it is not made yet, and waits under this identifier for an operator to confirm it in the console"`
	Status   int
	Body     D
}

type putInput[D any] struct {
	Ref     string `path:"ref" maxLength:"100" doc:"Slug"`
	IfMatch string `header:"If-Match" doc:"The ETag last seen: refuse if somebody changed it since"`
	Body    D
}

type postInput[D any] struct {
	Key  string `header:"Idempotency-Key" maxLength:"255" doc:"Repeat with the same key to be sure it is done once"`
	Body D
}

type removeInput struct {
	Ref     string `path:"ref" maxLength:"100" doc:"Slug or identifier"`
	IfMatch string `header:"If-Match" doc:"The ETag last seen"`
}

// declare adds the routes of a kind: list, find, create, save and remove.
func declare[D interface{ Ref() string }](a *API, d declared[D]) {
	k := string(d.kind)
	tags := []string{d.path[len("/v1/"):]}
	op := func(method, path, id, summary string) huma.Operation {
		return huma.Operation{Method: method, Path: path, OperationID: id, Summary: summary, Tags: tags}
	}
	register(a, signin.Read, op(http.MethodGet, d.path, "list-"+k, "List every "+k), func(ctx context.Context, in *Paging) (*pageAnswer[D], error) {
		var all []D
		err := a.view(ctx, func(q store.Query) (err error) {
			all, err = d.list(q, a.namingIn(q))
			return err
		})
		if err != nil {
			return nil, err
		}
		return paged(*in, ascending, all, D.Ref)
	})
	register(a, signin.Read, op(http.MethodGet, d.path+"/{ref}", "get-"+k, "Show one "+k), func(ctx context.Context, in *refInput) (*declaredAnswer[D], error) {
		return d.answer(ctx, a, in.Ref, http.StatusOK)
	})
	create := op(http.MethodPost, d.path, "create-"+k, "Create a "+k)
	create.DefaultStatus = http.StatusCreated
	register(a, d.scope, create, func(ctx context.Context, in *postInput[D]) (*declaredAnswer[D], error) {
		id, err := a.change(ctx, func(tx *store.Tx, find estate.Lookup) (flow.Edit, error) {
			if find(d.kind, in.Body.Ref()) != "" {
				return flow.Edit{}, &sashlock.Error{Kind: sashlock.Conflict, Op: "creating " + k, Subject: "slug", Hint: "there is one with this slug already: change it with PUT, or choose another slug"}
			}
			return d.save(tx, in.Body, find, 0)
		})
		if errors.Is(err, approvals.ErrHeld) {
			return d.propose(ctx, a, in.Body, 0)
		}
		if err != nil {
			return nil, err
		}
		return d.answer(ctx, a, id, http.StatusCreated)
	})
	register(a, d.scope, op(http.MethodPut, d.path+"/{ref}", "save-"+k, "Create or change a "+k), func(ctx context.Context, in *putInput[D]) (*declaredAnswer[D], error) {
		if in.Body.Ref() != in.Ref {
			return nil, &sashlock.Error{Kind: sashlock.Invalid, Op: "saving " + k, Subject: "slug", Hint: "the slug in the body must be the one in the path: a slug is not changed, the object is made anew"}
		}
		rev, err := ifMatch(in.IfMatch)
		if err != nil {
			return nil, err
		}
		id, err := a.change(ctx, func(tx *store.Tx, find estate.Lookup) (flow.Edit, error) {
			if rev == anyRev && find(d.kind, in.Ref) == "" {
				return flow.Edit{}, &sashlock.Error{Kind: sashlock.Conflict, Op: "saving " + k, Subject: in.Ref, Hint: "there is none that could be changed", Err: store.ErrChanged}
			}
			return d.save(tx, in.Body, find, max(rev, 0))
		})
		if errors.Is(err, approvals.ErrHeld) {
			return d.propose(ctx, a, in.Body, max(rev, 0))
		}
		if err != nil {
			return nil, precondition(err)
		}
		return d.answer(ctx, a, id, http.StatusOK)
	})
	remove := op(http.MethodDelete, d.path+"/{ref}", "remove-"+k, "Remove a "+k)
	remove.DefaultStatus = http.StatusNoContent
	register(a, d.scope, remove, func(ctx context.Context, in *removeInput) (*removedAnswer, error) {
		rev, err := ifMatch(in.IfMatch)
		if err != nil {
			return nil, err
		}
		_, err = a.change(ctx, func(tx *store.Tx, _ estate.Lookup) (flow.Edit, error) {
			return d.remove(tx, in.Ref, max(rev, 0))
		})
		if errors.Is(err, approvals.ErrHeld) && d.gone != nil {
			id, err := a.propose(ctx, d.held, d.gone(in.Ref), max(rev, 0))
			return &removedAnswer{http.StatusAccepted, id}, err
		}
		return &removedAnswer{Status: http.StatusNoContent}, precondition(err)
	})
}

// propose lets a change wait for a second operator.
func (d declared[D]) propose(ctx context.Context, a *API, body D, rev int64) (*declaredAnswer[D], error) {
	var form any = body
	if d.form != nil {
		form = d.form(body)
	}
	id, err := a.propose(ctx, d.held, form, rev)
	return &declaredAnswer[D]{Status: http.StatusAccepted, Proposal: id, Body: body}, err
}

// propose lets a change that a program wants wait for a second operator, and
// returns the identifier of the proposal.
func (a *API) propose(ctx context.Context, kind string, form any, rev int64) (string, error) {
	text, err := json.Marshal(form)
	if err != nil {
		return "", &sashlock.Error{Kind: sashlock.Internal, Op: "proposing", Err: err}
	}
	p, err := a.Approvals.Propose(ctx, program(ctx), kind, text, rev, "by the token "+caller(ctx).Name)
	return p.ID, err
}

func (d declared[D]) answer(ctx context.Context, a *API, ref string, status int) (*declaredAnswer[D], error) {
	out := &declaredAnswer[D]{Status: status}
	err := a.view(ctx, func(q store.Query) (err error) {
		out.Body, err = d.find(q, ref, a.namingIn(q))
		return err
	})
	if err != nil {
		return nil, err
	}
	out.ETag = etag(d.kept(out.Body).Rev)
	if status == http.StatusCreated {
		out.Location = d.path + "/" + url.PathEscape(out.Body.Ref())
	}
	return out, nil
}

// change runs an edit on behalf of the caller and returns the identifier of what
// was edited.
func (a *API) change(ctx context.Context, edit func(*store.Tx, estate.Lookup) (flow.Edit, error)) (id string, err error) {
	_, err = a.Hall.Change(ctx, flow.Change{Operator: caller(ctx).ID, Make: func(tx *store.Tx) (flow.Edit, error) {
		var failed error
		e, err := edit(tx, lookup(tx, &failed))
		if failed != nil {
			err = failed
		}
		for _, event := range e.Events {
			id = event.Subject // the object's own event comes last
		}
		return e, err
	}})
	return id, err
}

// precondition makes a conflict over the revision that the caller saw a 412.
func precondition(err error) error {
	var e *sashlock.Error
	if !errors.Is(err, store.ErrChanged) || !errors.As(err, &e) {
		return err
	}
	p := newProblem(sashlock.Conflict, sentence(e))
	p.Status = http.StatusPreconditionFailed
	return p
}
