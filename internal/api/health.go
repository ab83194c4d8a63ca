// SPDX-License-Identifier: Apache-2.0

package api

import (
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"
)

// Health is whether the store node can do its work.
type Health struct {
	OK       bool            `json:"ok"`
	Version  string          `json:"version"`
	Ledger   LedgerHealth    `json:"ledger"`
	Gateways []GatewayHealth `json:"gateways,omitempty"`
}

// LedgerHealth is whether anything can be recorded.
type LedgerHealth struct {
	Writable bool      `json:"writable"`
	Since    time.Time `json:"since,omitzero" doc:"Since when it is not"`
	Why      string    `json:"why,omitempty"`
	Size     int64     `json:"size" doc:"How many entries it has"`
	Journal  int64     `json:"journal_bytes,omitempty" doc:"How much of the emergency journal is in use"`
}

// GatewayHealth is whether a gateway can be reached.
type GatewayHealth struct {
	Name   string    `json:"name"`
	Driver string    `json:"driver"`
	Up     bool      `json:"up"`
	Why    string    `json:"why,omitempty"`
	Since  time.Time `json:"since"`
}

type healthAnswer struct {
	Status int
	Body   Health
}

func (a *API) healthRoutes() {
	register(a, public, huma.Operation{
		Method: http.MethodGet, Path: "/healthz", OperationID: "health", Tags: []string{"health"},
		Summary: "Can the store node do its work", Description: "200 when it can, 503 when nothing can be recorded.",
	}, func(context.Context, *struct{}) (*healthAnswer, error) {
		h := a.Health()
		out := &healthAnswer{Status: http.StatusOK, Body: h}
		if !h.OK {
			out.Status = http.StatusServiceUnavailable
		}
		return out, nil
	})
}

// Health tells whether the store node can do its work. A gateway that is away
// does not make it unhealthy: everything else goes on.
func (a *API) Health() Health {
	s := a.Store.Health()
	h := Health{
		OK: s.Writable, Version: a.Version,
		Ledger: LedgerHealth{Writable: s.Writable, Since: s.Since, Why: s.Why, Size: a.Store.Size(), Journal: s.JournalUsed},
	}
	for _, g := range a.Devices.Gateways() {
		h.Gateways = append(h.Gateways, GatewayHealth(g))
		if g.Up {
			h.Gateways[len(h.Gateways)-1].Why = ""
		}
	}
	return h
}
