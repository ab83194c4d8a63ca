// SPDX-License-Identifier: Apache-2.0

package api_test

import (
	"net/http"
	"testing"

	"github.com/sashlock/sashlock/internal/api"
)

func TestAskingByProgram(t *testing.T) {
	onEachEngine(t, func(t *testing.T, h *house) {
		h.furnish()
		file := map[string]string{"person": "bob", "opening": "case-2", "length": "24h", "reason": "stocktaking"}
		h.want(h.call("POST", "/v1/asks", file), http.StatusCreated)
		h.want(h.call("POST", "/v1/asks", file), http.StatusConflict)
		for field, bad := range map[string]string{"person": "nobody", "opening": "nothing", "area": "lisbon/watches", "length": "1m", "reason": "x"} {
			other := map[string]string{"person": "bob", "opening": "case-3", "length": "24h", "reason": "stocktaking"}
			other[field] = bad
			h.want(h.call("POST", "/v1/asks", other), http.StatusUnprocessableEntity)
		}
		all := page[api.Ask](h, "/v1/asks").Data
		if len(all) != 1 || all[0].Person != "bob" || all[0].Opening != "case-2" || all[0].Length != "24h0m0s" || all[0].Needs != 1 {
			t.Fatalf("listed %+v", all)
		}
		// The token that filed it does not answer it.
		h.want(h.call("POST", "/v1/asks/"+all[0].ID+"/approve", map[string]int64{"rev": all[0].Rev}), http.StatusForbidden)
		h.want(h.call("POST", "/v1/asks/ask_forged/approve", map[string]int64{"rev": 1}), http.StatusNotFound)
		if list := page[api.Review](h, "/v1/reviews").Data; len(list) != 0 {
			t.Errorf("reviews: %+v", list)
		}
		h.want(h.call("GET", "/v1/reviews/rvw_forged", nil), http.StatusNotFound)
	})
}
