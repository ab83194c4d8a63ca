// SPDX-License-Identifier: Apache-2.0

package api

import (
	"context"
	"errors"
	"net/http"
	"reflect"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/internal/signin"
)

type callerKey struct{}

// caller returns the token of whoever is calling. Every route but the public
// ones has one.
func caller(ctx context.Context) signin.Token {
	t, _ := ctx.Value(callerKey{}).(signin.Token)
	return t
}

// authenticate finds out who is calling. Without a token the call goes on as
// nobody, which only the public routes accept.
func (a *API) authenticate(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		scheme, clear, _ := strings.Cut(r.Header.Get("Authorization"), " ")
		if !strings.EqualFold(scheme, "Bearer") {
			next.ServeHTTP(w, r)
			return
		}
		t, err := a.Signin.Check(r.Context(), strings.TrimSpace(clear))
		if err != nil {
			p := a.unauthorized(err)
			if p.Status == http.StatusUnauthorized {
				w.Header().Set("WWW-Authenticate", challenge+`, error="invalid_token"`)
			}
			writeProblem(w, p)
			return
		}
		next.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), callerKey{}, t)))
	})
}

// challenge says how to present a token.
const challenge = `Bearer realm="sashlock"`

func (a *API) unauthorized(err error) *Problem {
	var p *Problem
	if !errors.As(a.problem(err), &p) {
		p = newProblem(sashlock.Internal, "")
	}
	if p.Status == http.StatusForbidden {
		p.Status = http.StatusUnauthorized
	}
	return p
}

// scopeKey is where an operation keeps the scope it needs.
const scopeKey = "scope"

// public marks operations that need no token.
const public signin.Scope = "public"

// checkScope lets a call through when its token has the scope of the route.
func (a *API) checkScope(ctx huma.Context, next func(huma.Context)) {
	need, stated := ctx.Operation().Metadata[scopeKey].(signin.Scope)
	if stated && need == public {
		next(ctx)
		return
	}
	t := caller(ctx.Context())
	switch {
	case t.ID == "":
		ctx.SetHeader("WWW-Authenticate", challenge)
		a.refuse(ctx, http.StatusUnauthorized, "Present a token: Authorization: Bearer sash_…, made by sashlock token create.")
	case !stated || !t.May(need):
		ctx.SetHeader("WWW-Authenticate", challenge+`, error="insufficient_scope", scope="`+string(need)+`"`)
		a.refuse(ctx, http.StatusForbidden, "This token lacks the scope "+string(need)+".")
	default:
		next(ctx)
	}
}

func (a *API) refuse(ctx huma.Context, status int, detail string) {
	p := newProblem(sashlock.Denied, detail)
	p.Status = status
	ctx.SetHeader("Content-Type", "application/problem+json") // before the status, which sends the head
	ctx.SetStatus(status)
	if err := a.huma.Marshal(ctx.BodyWriter(), "application/json", p); err != nil {
		a.Log.Debug("refusal not delivered")
	}
}

// register adds a route. The scope is not optional.
func register[I, O any](a *API, scope signin.Scope, op huma.Operation, handle func(context.Context, *I) (*O, error)) {
	if scope == "" {
		panic("api: route without a scope: " + op.OperationID)
	}
	for f := range reflect.TypeFor[I]().Fields() {
		if f.Anonymous && !f.IsExported() { // its parameters would be left out without a word
			panic("api: " + op.OperationID + " takes a type with the unexported " + f.Name)
		}
	}
	op.Metadata = map[string]any{scopeKey: scope}
	if scope != public {
		op.Security = []map[string][]string{{"token": {}}}
		op.Description = strings.TrimSpace(op.Description + "\n\nNeeds a token with the scope `" + string(scope) + "`.")
	}
	if op.MaxBodyBytes == 0 {
		op.MaxBodyBytes = maxBody
	}
	huma.Register(a.huma, op, func(ctx context.Context, in *I) (*O, error) {
		out, err := handle(ctx, in)
		if err != nil {
			return nil, a.problem(err)
		}
		return out, nil
	})
}
