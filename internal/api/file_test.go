// SPDX-License-Identifier: Apache-2.0

package api_test

import (
	"net/http"
	"testing"

	"github.com/sashlock/sashlock/internal/api"
	"github.com/sashlock/sashlock/internal/estate"
)

// TestWhatAFileDeclaresBelongsToIt: another file is refused, what is changed by
// other ways is drift, and applying the file again puts it back.
func TestWhatAFileDeclaresBelongsToIt(t *testing.T) {
	onEachEngine(t, func(t *testing.T, h *house) {
		mine := estate.File{Roles: []estate.Role{{Slug: "sales", Name: "Sales"}, {Slug: "temp", Name: "Temporary"}}}
		h.want(h.call("PUT", "/v1/estate?file=store.yaml&dry_run=true", mine), http.StatusOK)
		if n := len(drift(h)); n != 0 {
			t.Errorf("a try kept %d files", n)
		}
		h.want(h.call("PUT", "/v1/estate?file=store.yaml", mine), http.StatusOK)
		h.want(h.call("PUT", "/v1/estate?file=store.yaml", mine), http.StatusOK)
		if n := h.count("file.applied"); n != 1 {
			t.Errorf("the ledger has %d entries of a file that was applied twice without a difference", n)
		}

		for _, dry := range []string{"", "&dry_run=true"} {
			h.wantProblem(h.call("PUT", "/v1/estate?file=other.yaml"+dry, estate.File{Roles: []estate.Role{{Slug: "temp", Name: "Mine"}}}), http.StatusConflict, "conflict")
		}
		h.wantProblem(h.call("PUT", "/v1/estate?file=a%20b", mine), http.StatusUnprocessableEntity, "invalid")

		h.want(h.call("PUT", "/v1/roles/sales", map[string]string{"slug": "sales", "name": "Sales floor"}), http.StatusOK)
		h.want(h.call("DELETE", "/v1/roles/temp", nil), http.StatusNoContent)
		all := drift(h)
		if len(all) != 1 || all[0].Objects != 2 || len(all[0].Drift) != 2 ||
			all[0].Drift[0].Line != "~ role sales  name: Sales floor → Sales" || all[0].Drift[1].Line != "+ role temp" {
			t.Errorf("drifted: %+v", all)
		}
		h.want(h.call("PUT", "/v1/estate?file=store.yaml", mine), http.StatusOK)
		if all := drift(h); len(all[0].Drift) != 0 {
			t.Errorf("applied again, and still: %+v", all[0].Drift)
		}

		h.want(h.call("DELETE", "/v1/estate/files/store.yaml", nil), http.StatusNoContent)
		h.want(h.call("DELETE", "/v1/estate/files/store.yaml", nil), http.StatusNotFound)
		h.want(h.call("PUT", "/v1/estate?file=other.yaml", mine), http.StatusOK)
	})
}

func drift(h *house) []api.AppliedFile {
	return read[api.Page[api.AppliedFile]](h, h.want(h.call("GET", "/v1/estate/files", nil), http.StatusOK)).Data
}
