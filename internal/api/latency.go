// SPDX-License-Identifier: Apache-2.0

package api

import (
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/internal/devices"
	"github.com/sashlock/sashlock/internal/latency"
	"github.com/sashlock/sashlock/internal/signin"
	"github.com/sashlock/sashlock/internal/store"
)

// Latency is how quick one sort of lock is.
type Latency struct {
	Driver    string `json:"driver"`
	Maker     string `json:"maker,omitempty"`
	Model     string `json:"model,omitempty"`
	Firmware  string `json:"firmware,omitempty"`
	Orders    int    `json:"orders" doc:"Orders that came to an end"`
	Failed    int    `json:"failed" doc:"Of them, those that came to nothing"`
	Sent      Times  `json:"sent" doc:"From the decision until the gateway had taken the order"`
	Sensed    Times  `json:"sensed" doc:"Until the lock itself said that its bolt had moved"`
	Confirmed Times  `json:"confirmed" doc:"Until the order came to a good end"`
}

// Times are the middle and the slow end of how long a thing took.
type Times struct {
	Count int     `json:"count" doc:"How often it was measured"`
	P50   float64 `json:"p50_ms" doc:"Half took no longer, in milliseconds"`
	P99   float64 `json:"p99_ms" doc:"99 of 100 took no longer, in milliseconds"`
}

func timesOf(t latency.Times) Times {
	ms := func(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }
	return Times{Count: t.N, P50: ms(t.P50), P99: ms(t.P99)}
}

func (a *API) latencyRoutes() {
	register(a, signin.Read, huma.Operation{
		Method: http.MethodGet, Path: "/v1/devices/latency", OperationID: "list-latency", Tags: []string{"devices"},
		Summary: "How quick each sort of lock is", Description: "From the latest orders of the last 30 days, as the ledger has them.",
	}, a.latency)
}

func (a *API) latency(ctx context.Context, in *Paging) (*pageAnswer[Latency], error) {
	var all []sashlock.Device
	if err := a.view(ctx, func(q store.Query) (err error) { all, err = devices.List(q); return err }); err != nil {
		return nil, err
	}
	lines, err := latency.Read(ctx, a.Store, all, a.Now().Add(-latency.LookBack))
	if err != nil {
		return nil, err
	}
	out := make([]Latency, len(lines))
	for i, l := range lines {
		out[i] = Latency{
			Driver: l.Driver, Maker: l.Maker, Model: l.Model, Firmware: l.Firmware, Orders: l.Orders, Failed: l.Failed,
			Sent: timesOf(l.Sent), Sensed: timesOf(l.Sensed), Confirmed: timesOf(l.Confirmed),
		}
	}
	return paged(*in, ascending, out, func(l Latency) string { return l.Driver + "/" + l.Maker + "/" + l.Model + "/" + l.Firmware })
}
