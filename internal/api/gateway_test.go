// SPDX-License-Identifier: Apache-2.0

package api_test

import (
	"encoding/json"
	"net/http"
	"slices"
	"testing"

	"github.com/sashlock/sashlock/internal/api"
	"github.com/sashlock/sashlock/internal/signin"
)

func TestGatewaysAreSetUp(t *testing.T) {
	onEachEngine(t, func(t *testing.T, h *house) {
		h.furnish()
		const path = "/v1/gateways/upstairs"
		away := map[string]any{"driver": "zwavejs", "config": map[string]any{"url": "ws://127.0.0.1:1"}}
		a := h.want(h.call("PUT", path, away), http.StatusOK)
		first := a.header.Get("ETag")
		if g := read[api.Gateway](h, a); g.Kept != "store" || g.Rev != 1 || g.Up || g.Config["url"] != "ws://127.0.0.1:1" {
			t.Errorf("set up as %+v", g)
		}
		all := read[api.Page[api.Gateway]](h, h.want(h.call("GET", "/v1/gateways", nil), http.StatusOK))
		names := []string{}
		for _, g := range all.Data {
			names = append(names, g.Name+" "+g.Kept)
		}
		if !slices.Equal(names, []string{"sim-1 program", "upstairs store"}) {
			t.Errorf("listed: %q", names)
		}

		moved := map[string]any{"driver": "zwavejs", "config": map[string]any{"url": "ws://127.0.0.1:2"}}
		h.want(h.call("PUT", path, moved, "If-Match", first), http.StatusOK)
		h.want(h.call("PUT", path, away, "If-Match", first), http.StatusPreconditionFailed)
		h.want(h.call("PUT", "/v1/gateways/never", away, "If-Match", "*"), http.StatusNotFound)
		h.want(h.call("DELETE", path, nil, "If-Match", first), http.StatusPreconditionFailed)
		h.want(h.call("DELETE", path, nil), http.StatusNoContent)
		h.want(h.call("GET", path, nil), http.StatusNotFound)
		h.want(h.call("DELETE", path, nil), http.StatusNotFound)
		h.wantProblem(h.call("DELETE", "/v1/gateways/sim-1", nil), http.StatusConflict, "conflict")
		if saved, removed := h.count("gateway.saved"), h.count("gateway.removed"); saved != 2 || removed != 1 {
			t.Errorf("the ledger has %d saved and %d removed, want 2 and 1", saved, removed)
		}
	})
}

// TestBadGatewaysChangeNothing: each is refused, by the field that is wrong.
func TestBadGatewaysChangeNothing(t *testing.T) {
	h := newHouse(t)
	for _, bad := range []struct{ path, body, field string }{
		{"/v1/gateways/new", `{"driver": "nope"}`, "driver"},
		{"/v1/gateways/new", `{"driver": "zwavejs"}`, "url"},
		{"/v1/gateways/new", `{"driver": "zwavejs", "config": {"url": "ws://127.0.0.1:1", "port": 3}}`, "port"},
		{"/v1/gateways/new", `{"driver": "seam", "config": {"key_file": "../keys/x"}}`, "key_file"},
		{"/v1/gateways/NEW!", `{"driver": "zwavejs", "config": {"url": "ws://127.0.0.1:1"}}`, "name"},
	} {
		p := h.wantProblem(h.call("PUT", bad.path, json.RawMessage(bad.body)), http.StatusUnprocessableEntity, "invalid")
		if len(p.Errors) != 1 || p.Errors[0].Pointer != bad.field {
			t.Errorf("%s: %+v, want the field %q", bad.body, p.Errors, bad.field)
		}
	}
	if n := h.count("gateway.saved"); n != 0 {
		t.Errorf("%d were saved", n)
	}
	reader := []string{"Authorization", "Bearer " + h.tokenFor(signin.Access)}
	h.wantProblem(h.send("PUT", "/v1/gateways/new", `{"driver": "zwavejs", "config": {"url": "ws://127.0.0.1:1"}}`, reader...), http.StatusForbidden, "denied")
}

func TestGatewayIsTriedAndNotKept(t *testing.T) {
	h := newHouse(t)
	away := map[string]any{"driver": "zwavejs", "config": map[string]any{"url": "ws://127.0.0.1:1"}}
	tried := read[api.TriedGateway](h, h.want(h.call("POST", "/v1/gateways/try", away), http.StatusOK))
	if tried.Up || tried.Why == "" || len(tried.Devices) != 0 {
		t.Errorf("tried: %+v", tried)
	}
	if n := h.count("gateway.saved"); n != 0 {
		t.Errorf("%d were saved", n)
	}
}
