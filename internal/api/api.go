// SPDX-License-Identifier: Apache-2.0

// Package api is Sashlock as programs see it: HTTP with JSON, described by
// OpenAPI 3.1.
//
// # What
//
// Everything the command line and the console do goes through the routes of
// this package; routes.go lists them all. Errors follow RFC 9457, lists come in
// pages with a cursor, writes take Idempotency-Key and If-Match, and the event
// stream resumes where it was cut.
//
// # How it fits
//
// Handlers read through the store, ask the four doors of package flow and call
// the rooms. They decide nothing themselves.
//
// # Promises
//
// A route states which scope it needs or the program does not start. Bad input
// never gives a 5xx answer. Fields are added, none is renamed or removed.
package api

import (
	"context"
	"log/slog"
	"net/http"
	"reflect"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"

	"github.com/sashlock/sashlock/internal/approvals"
	"github.com/sashlock/sashlock/internal/codes"
	"github.com/sashlock/sashlock/internal/credentials"
	"github.com/sashlock/sashlock/internal/cutover"
	"github.com/sashlock/sashlock/internal/devices"
	"github.com/sashlock/sashlock/internal/estate"
	"github.com/sashlock/sashlock/internal/flow"
	"github.com/sashlock/sashlock/internal/gateways"
	"github.com/sashlock/sashlock/internal/scenarios"
	"github.com/sashlock/sashlock/internal/shopper"
	"github.com/sashlock/sashlock/internal/signin"
	"github.com/sashlock/sashlock/internal/store"
)

// Deps are what the API stands on.
type Deps struct {
	Store   *store.Store
	Hall    *flow.Hall
	Devices *devices.Room
	Signin  *signin.Room
	Now     func() time.Time
	Log     *slog.Logger
	Version string
	// VerifierKey is the ledger's public key in note format, for whoever
	// verifies checkpoints.
	VerifierKey string
	Scenarios   *scenarios.Room
	Credentials *credentials.Room
	Codes       *codes.Room
	Gateways    *gateways.Room
	Cards       cutover.Records
	Approvals   *approvals.Room
	Shopper     *shopper.Room
}

// API is the handler and its description.
type API struct {
	Deps
	huma huma.API
	mux  *http.ServeMux

	heartbeat time.Duration // how often a quiet stream shows that it is alive
}

// maxBody is the largest request body, in bytes.
const maxBody = 1 << 20

// New builds the API. It panics when a route does not state its scope: such a
// program must not start.
func New(deps Deps) *API {
	useProblems()
	mux := http.NewServeMux()
	config := huma.DefaultConfig("Sashlock", deps.Version)
	config.Info.Description = "Opens the right door, case, cage, locker or vending machine for the right person at the right time, and proves afterwards what happened."
	config.OpenAPIPath = "/v1/openapi"
	config.DocsPath = ""
	config.SchemasPath = "/v1/schemas"
	config.CreateHooks = nil // no $schema links in answers
	config.RejectUnknownQueryParameters = true
	config.Components.Schemas = huma.NewMapRegistry("#/components/schemas/", schemaName)
	config.Components.SecuritySchemes = map[string]*huma.SecurityScheme{
		"token": {Type: "http", Scheme: "bearer", Description: "A token made by sashlock token create"},
	}
	a := &API{Deps: deps, mux: mux, heartbeat: heartbeat, huma: humago.New(mux, config)}
	a.huma.UseMiddleware(a.checkScope)
	a.routes()
	mux.HandleFunc("/", a.noRoute)
	return a
}

// schemaName names a type in the description. An opening is described twice: as
// it is declared, and with how it stands.
func schemaName(t reflect.Type, hint string) string {
	if t == reflect.TypeFor[estate.Opening]() {
		return "DeclaredOpening"
	}
	return huma.DefaultSchemaNamer(t, hint)
}

// Handler serves the API.
func (a *API) Handler() http.Handler {
	return readable(a.authenticate(a.onceOnly(a.mux)))
}

// OpenAPI returns the description of the API as JSON.
func (a *API) OpenAPI() ([]byte, error) { return a.huma.OpenAPI().MarshalJSON() }

// view reads from the store within one transaction.
func (a *API) view(ctx context.Context, f func(q store.Query) error) error {
	return a.Store.View(ctx, f)
}
