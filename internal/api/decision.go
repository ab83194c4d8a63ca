// SPDX-License-Identifier: Apache-2.0

package api

import (
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/internal/estate"
	"github.com/sashlock/sashlock/internal/signin"
	"github.com/sashlock/sashlock/internal/sites"
	"github.com/sashlock/sashlock/internal/store"
)

// Decision is the answer to a request with everything that was looked at.
type Decision struct {
	ID      string           `json:"id,omitempty" doc:"Empty when the question was only asked, not requested"`
	Granted bool             `json:"granted"`
	Reason  sashlock.Reason  `json:"reason"`
	Words   string           `json:"words" doc:"The reason as a sentence"`
	Person  string           `json:"person"`
	Opening string           `json:"opening"`
	Grant   string           `json:"grant,omitempty" doc:"The grant that decided, or came nearest"`
	At      time.Time        `json:"at"`
	Checks  []sashlock.Check `json:"checks" doc:"Every condition, in order"`
	Seq     *int64           `json:"seq,omitempty" doc:"Its entry in the ledger"`
}

type decisionAnswer struct{ Body Decision }

func (a *API) decisionRoutes() {
	tags := []string{"decisions"}
	register(a, signin.Read, huma.Operation{
		Method: http.MethodGet, Path: "/v1/decisions/{ref}", OperationID: "get-decision", Tags: tags,
		Summary: "Why a request was granted or refused",
	}, a.decision)
	register(a, signin.Read, huma.Operation{
		Method: http.MethodGet, Path: "/v1/explain", OperationID: "explain", Tags: tags,
		Summary: "Could this person open this, at any instant, and why", Description: "Nothing is recorded and nothing opens.",
	}, a.explain)
}

func (a *API) decision(ctx context.Context, in *refInput) (*decisionAnswer, error) {
	e, err := a.Store.Decision(ctx, sashlock.DecisionID(in.Ref))
	if err != nil {
		return nil, err
	}
	d := sashlock.Decision{
		ID: e.Decision, Granted: e.Kind == sashlock.AccessGranted, Reason: e.Reason, Person: e.Person,
		Opening: e.Opening, Grant: e.Grant, At: e.Heard, Checks: e.Checks,
	}
	out := a.decisionView(d)
	out.Seq = &e.Seq
	return &decisionAnswer{out}, nil
}

type explainInput struct {
	Person  string    `query:"person" required:"true" maxLength:"100" doc:"Slug or identifier"`
	Opening string    `query:"opening" required:"true" maxLength:"100" doc:"Slug or identifier"`
	At      time.Time `query:"at" doc:"Instant in question (RFC 3339); now when not given"`
}

func (a *API) explain(ctx context.Context, in *explainInput) (*decisionAnswer, error) {
	q := sashlock.Request{At: a.at(in.At)}
	err := a.view(ctx, func(v store.Query) error {
		o, err := sites.FindOpening(v, in.Opening)
		q.Opening = o.ID
		return err
	})
	if err != nil {
		return nil, err
	}
	if q.Person, err = a.personID(ctx, in.Person); err != nil {
		return nil, err
	}
	s, err := a.Store.State(ctx, q.Opening)
	if err != nil {
		return nil, err
	}
	return &decisionAnswer{a.decisionView(a.Hall.Decide(q, s))}, nil
}

func (a *API) decisionView(d sashlock.Decision) Decision {
	name := naming(a.Hall.Book())
	return Decision{
		ID: string(d.ID), Granted: d.Granted, Reason: d.Reason, Words: d.Reason.Words(),
		Person: name(estate.People, string(d.Person)), Opening: name(estate.Openings, string(d.Opening)),
		Grant: string(d.Grant), At: d.At, Checks: d.Checks,
	}
}
