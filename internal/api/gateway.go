// SPDX-License-Identifier: Apache-2.0

package api

import (
	"cmp"
	"context"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/internal/gateways"
	"github.com/sashlock/sashlock/internal/signin"
	"github.com/sashlock/sashlock/internal/store"
)

// GatewaySettings are what a gateway is set up from.
type GatewaySettings struct {
	Driver string         `json:"driver" minLength:"1" maxLength:"40" doc:"Which driver speaks to it" example:"zwavejs"`
	Config map[string]any `json:"config,omitempty" doc:"The driver's settings by key. No secret stands here: a setting names a file in the folder of secrets, or a variable"`
}

// Gateway is one connection: to a radio, a broker, a bus or a cloud.
type Gateway struct {
	Name string `json:"name" doc:"By which devices are known" example:"upstairs"`
	GatewaySettings
	Kept  string    `json:"kept" enum:"store,file,program" doc:"Where it was set up: in the store, which this API and the console change; in config.yaml; or by the program itself"`
	Up    bool      `json:"up"`
	Why   string    `json:"why,omitempty" doc:"Why it is not reached"`
	Since time.Time `json:"since,omitzero" doc:"Since when it is up or down"`
	Rev   int64     `json:"rev,omitempty" doc:"Grows with every change; of those kept in the store"`
}

// TriedGateway is what came of trying settings.
type TriedGateway struct {
	Up      bool         `json:"up" doc:"The gateway was reached"`
	Why     string       `json:"why,omitempty" doc:"Why not"`
	Took    int64        `json:"took_ms"`
	Devices []TriedFound `json:"devices" doc:"What was found behind it"`
}

// TriedFound is a device that was found while settings were tried.
type TriedFound struct {
	Address      string                `json:"address"`
	Name         string                `json:"name,omitempty"`
	Maker        string                `json:"maker,omitempty"`
	Model        string                `json:"model,omitempty"`
	Security     string                `json:"security,omitempty" doc:"How the link is protected"`
	Capabilities []sashlock.Capability `json:"capabilities"`
}

type (
	// GatewayRef is the address of a gateway.
	GatewayRef struct {
		Name string `path:"name" maxLength:"40" doc:"Its name"`
	}
	gatewayAnswer struct {
		ETag string `header:"ETag"`
		Body Gateway
	}
	saveGatewayInput struct {
		GatewayRef
		IfMatch string `header:"If-Match" doc:"The ETag last seen: refuse if somebody changed it since"`
		Body    GatewaySettings
	}
	removeGatewayInput struct {
		GatewayRef
		IfMatch string `header:"If-Match" doc:"The ETag last seen"`
	}
	tryGatewayInput  struct{ Body GatewaySettings }
	tryGatewayAnswer struct{ Body TriedGateway }
)

func (a *API) gatewayRoutes() {
	tags := []string{"gateways"}
	register(a, signin.Setup, huma.Operation{
		Method: http.MethodGet, Path: "/v1/gateways", OperationID: "list-gateway", Tags: tags, Summary: "List gateways, with how each stands",
	}, a.listGateways)
	register(a, signin.Setup, huma.Operation{
		Method: http.MethodGet, Path: "/v1/gateways/{name}", OperationID: "get-gateway", Tags: tags, Summary: "Show one gateway",
	}, func(ctx context.Context, in *GatewayRef) (*gatewayAnswer, error) { return a.gateway(ctx, in.Name) })
	register(a, signin.Setup, huma.Operation{
		Method: http.MethodPut, Path: "/v1/gateways/{name}", OperationID: "save-gateway", Tags: tags, Summary: "Set a gateway up, or change it",
		Description: "Its session starts anew; devices behind it appear by themselves. Settings that the driver does not take change nothing and are named.",
	}, a.saveGateway)
	register(a, signin.Setup, huma.Operation{
		Method: http.MethodDelete, Path: "/v1/gateways/{name}", OperationID: "remove-gateway", Tags: tags, Summary: "Remove a gateway",
		Description: "Its devices stay in the list, out of reach.", DefaultStatus: http.StatusNoContent,
	}, a.removeGateway)
	register(a, signin.Setup, huma.Operation{
		Method: http.MethodPost, Path: "/v1/gateways/try", OperationID: "try-gateway", Tags: tags, Summary: "Try a gateway without setting it up",
		Description: "It is opened, listened to for some seconds and closed again. Nothing is stored and no device is told anything.",
	}, a.tryGateway)
}

func (a *API) listGateways(ctx context.Context, in *Paging) (*pageAnswer[Gateway], error) {
	all, err := a.gateways(ctx)
	if err != nil {
		return nil, err
	}
	return paged(*in, ascending, all, func(g Gateway) string { return g.Name })
}

// gateways lists every gateway with how it stands.
func (a *API) gateways(ctx context.Context) ([]Gateway, error) {
	var kept []gateways.Gateway
	if err := a.view(ctx, func(q store.Query) (err error) { kept, err = gateways.List(q); return err }); err != nil {
		return nil, err
	}
	trouble := a.Gateways.Trouble()
	all := make([]Gateway, 0, len(kept))
	for _, g := range kept {
		all = append(all, Gateway{
			Name: g.Name, GatewaySettings: GatewaySettings{g.Driver, g.Config}, Kept: "store", Why: trouble[g.Name], Rev: g.Rev,
		})
	}
	for _, s := range a.Devices.Gateways() {
		i := slices.IndexFunc(all, func(g Gateway) bool { return g.Name == s.Name })
		if i < 0 {
			i, all = len(all), append(all, Gateway{Name: s.Name, GatewaySettings: GatewaySettings{Driver: s.Driver}, Kept: "program"})
			if slices.Contains(a.Gateways.OfFile, s.Name) {
				all[i].Kept = "file"
			}
		}
		all[i].Up, all[i].Why, all[i].Since = s.Up, cmp.Or(s.Why, all[i].Why), s.Since
	}
	return all, nil
}

func (a *API) gateway(ctx context.Context, name string) (*gatewayAnswer, error) {
	all, err := a.gateways(ctx)
	if err != nil {
		return nil, err
	}
	i := slices.IndexFunc(all, func(g Gateway) bool { return g.Name == name })
	if i < 0 {
		return nil, &sashlock.Error{Kind: sashlock.NotFound, Op: "finding gateway", Subject: name, Hint: "list gateways to see their names"}
	}
	return &gatewayAnswer{etag(all[i].Rev), all[i]}, nil
}

// keptRev is the revision to change: the one that the caller saw, or else the
// one that there is; 0 where there is none.
func (a *API) keptRev(ctx context.Context, name, seen string) (int64, error) {
	rev, err := ifMatch(seen)
	if err != nil || rev > 0 {
		return rev, err
	}
	var g gateways.Gateway
	err = a.view(ctx, func(q store.Query) (err error) { g, err = gateways.Find(q, name); return err })
	if rev == 0 && sashlock.IsKind(err, sashlock.NotFound) {
		return 0, nil
	}
	return g.Rev, err
}

func (a *API) saveGateway(ctx context.Context, in *saveGatewayInput) (*gatewayAnswer, error) {
	rev, err := a.keptRev(ctx, in.Name, in.IfMatch)
	if err != nil {
		return nil, err
	}
	if err := a.knownDriver(in.Body.Driver); err != nil {
		return nil, err
	}
	if err := a.Gateways.Save(ctx, caller(ctx).ID, gatewayOf(in.Name, in.Body), rev); err != nil {
		return nil, precondition(err)
	}
	return a.gateway(ctx, in.Name)
}

func gatewayOf(name string, s GatewaySettings) gateways.Gateway {
	if s.Config == nil {
		s.Config = map[string]any{}
	}
	return gateways.Gateway{Name: name, Driver: s.Driver, Config: s.Config}
}

// knownDriver names the field when there is no such driver: the address itself
// is right.
func (a *API) knownDriver(name string) error {
	var known []string
	for _, m := range a.Gateways.Described() {
		if m.Name == name {
			return nil
		}
		known = append(known, m.Name)
	}
	slices.Sort(known)
	return &sashlock.Error{Kind: sashlock.Invalid, Op: "reading request", Subject: "driver", Hint: "there is no such driver: choose one of " + strings.Join(known, ", ")}
}

func (a *API) removeGateway(ctx context.Context, in *removeGatewayInput) (*struct{}, error) {
	rev, err := a.keptRev(ctx, in.Name, in.IfMatch)
	if err != nil {
		return nil, err
	}
	if rev == 0 {
		one, err := a.gateway(ctx, in.Name)
		if err != nil {
			return nil, err
		}
		return nil, &sashlock.Error{Kind: sashlock.Conflict, Op: "removing gateway", Subject: in.Name, Hint: "it was not set up here: it is kept by the " + one.Body.Kept}
	}
	return nil, precondition(a.Gateways.Remove(ctx, caller(ctx).ID, in.Name, rev))
}

func (a *API) tryGateway(ctx context.Context, in *tryGatewayInput) (*tryGatewayAnswer, error) {
	if err := a.knownDriver(in.Body.Driver); err != nil {
		return nil, err
	}
	tried, err := a.Gateways.Try(ctx, gatewayOf("", in.Body))
	if err != nil {
		return nil, err
	}
	out := TriedGateway{Up: tried.Up, Why: tried.Why, Took: tried.Took.Milliseconds(), Devices: []TriedFound{}}
	for _, d := range tried.Devices {
		out.Devices = append(out.Devices, TriedFound{d.Address, d.Name, d.Maker, d.Model, d.Security, d.Capabilities})
	}
	return &tryGatewayAnswer{out}, nil
}
