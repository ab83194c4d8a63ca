// SPDX-License-Identifier: Apache-2.0

package api_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/sashlock/sashlock/internal/api"
	"github.com/sashlock/sashlock/internal/signin"
)

func TestATillMakesCodesForCustomers(t *testing.T) {
	onEachEngine(t, func(t *testing.T, h *house) {
		h.furnish()
		till := []string{"Authorization", "Bearer " + h.tokenFor(signin.Serve)}
		const path = "/v1/sites/lisbon/guest-codes"
		h.wantProblem(h.send("POST", path, `{}`, till...), http.StatusConflict, "conflict")

		letCustomersOpen(t, h, "case-1")
		before := time.Now()
		made := read[api.GuestCode](h, h.want(h.send("POST", path, `{"minutes": 3}`, till...), http.StatusCreated))
		if len(made.Code) != 9 || made.Site != "lisbon" {
			t.Errorf("made %+v", made)
		}
		if life := made.Until.Sub(before); life < 2*time.Minute || life > 4*time.Minute {
			t.Errorf("a code of three minutes lives %v", life)
		}
		usual := read[api.GuestCode](h, h.want(h.send("POST", path, `{}`, till...), http.StatusCreated))
		if usual.Code == made.Code || usual.Until.Sub(before) < 9*time.Minute {
			t.Errorf("without minutes: %+v after %+v", usual, made)
		}

		for _, bad := range []string{`{"minutes": -1}`, `{"minutes": 61}`, `{"minutes": "x"}`, `{"minuten": 5}`, `{`, `[]`} {
			if a := h.send("POST", path, bad, till...); a.status != http.StatusUnprocessableEntity && a.status != http.StatusBadRequest {
				t.Errorf("%s: status %d: %s", bad, a.status, a.body)
			}
		}
		h.want(h.send("POST", "/v1/sites/nowhere/guest-codes", `{}`, till...), http.StatusNotFound)
		h.wantProblem(h.send("POST", path, `{}`, "Authorization", "Bearer "+h.tokenFor(signin.Release)), http.StatusForbidden, "denied")
		if n := h.count("guest.code_made"); n != 2 {
			t.Errorf("%d codes in the ledger, want 2", n)
		}
	})
}

// letCustomersOpen switches a case on. It has to say how long it may stand open.
func letCustomersOpen(t *testing.T, h *house, slug string) {
	t.Helper()
	have, err := h.API.Estate(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for i := range have.Openings {
		have.Openings[i].OpenTime = "2m"
	}
	have.Sites[0].Hours = "always"
	h.want(h.call("PUT", "/v1/estate", have), http.StatusOK)
	for _, at := range h.Hall.Book().Openings {
		if at.Slug == slug {
			if err := h.Shopper.Switch(t.Context(), "", at, true); err != nil {
				t.Fatal(err)
			}
		}
	}
}
