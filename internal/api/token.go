// SPDX-License-Identifier: Apache-2.0

package api

import (
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/internal/signin"
	"github.com/sashlock/sashlock/internal/store"
)

type issueInput struct {
	Key  string `header:"Idempotency-Key" maxLength:"255" doc:"Not kept for this route: an answer with a secret is never stored"`
	Body struct {
		Name   string         `json:"name" minLength:"1" maxLength:"80" doc:"What it is for"`
		Scopes []signin.Scope `json:"scopes" minItems:"1" maxItems:"7" doc:"What it may do: read, release, access, setup, alarms, tokens, directory"`
		Life   string         `json:"life" doc:"How long it is valid, at most 8784h" example:"24h"`
	}
}

// IssuedToken is a token with its secret, shown this once.
type IssuedToken struct {
	signin.Token
	Secret string `json:"token" doc:"The token itself. It is shown now and never again"`
}

type issueAnswer struct{ Body IssuedToken }

func (a *API) tokenRoutes() {
	tags := []string{"tokens"}
	register(a, signin.Tokens, huma.Operation{
		Method: http.MethodGet, Path: "/v1/tokens", OperationID: "list-token", Tags: tags, Summary: "List tokens, without their secrets",
	}, func(ctx context.Context, in *Paging) (*pageAnswer[signin.Token], error) {
		var all []signin.Token
		err := a.view(ctx, func(q store.Query) (err error) { all, err = a.Signin.List(q); return err })
		if err != nil {
			return nil, err
		}
		return paged(*in, descending, all, func(t signin.Token) string { return string(t.ID) })
	})
	issue := huma.Operation{
		Method: http.MethodPost, Path: tokensPath, OperationID: "issue-token", Tags: tags, Summary: "Issue a token",
		Description: "A token cannot give more than its own scopes.", DefaultStatus: http.StatusCreated,
	}
	register(a, signin.Tokens, issue, a.issueToken)
	register(a, signin.Tokens, huma.Operation{
		Method: http.MethodDelete, Path: "/v1/tokens/{ref}", OperationID: "revoke-token", Tags: tags, Summary: "Revoke a token now",
		DefaultStatus: http.StatusNoContent,
	}, func(ctx context.Context, in *refInput) (*struct{}, error) {
		return nil, a.Signin.Revoke(ctx, caller(ctx).ID, sashlock.OperatorID(in.Ref))
	})
}

const tokensPath = "/v1/tokens"

func (a *API) issueToken(ctx context.Context, in *issueInput) (*issueAnswer, error) {
	life, err := time.ParseDuration(in.Body.Life)
	if err != nil {
		return nil, &sashlock.Error{Kind: sashlock.Invalid, Op: "issuing token", Subject: "life", Hint: `write a length of time like "24h"`, Err: err}
	}
	for _, s := range in.Body.Scopes {
		if !caller(ctx).May(s) {
			return nil, &sashlock.Error{Kind: sashlock.Denied, Op: "issuing token", Subject: "scopes", Hint: "a token cannot give the scope " + string(s) + ", which it does not have itself"}
		}
	}
	t, secret, err := a.Signin.Issue(ctx, caller(ctx).ID, in.Body.Name, in.Body.Scopes, life)
	return &issueAnswer{IssuedToken{t, secret}}, err
}
