// SPDX-License-Identifier: Apache-2.0

package api_test

import (
	"net/http"
	"testing"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/internal/api"
	"github.com/sashlock/sashlock/internal/estate"
	"github.com/sashlock/sashlock/internal/signin"
)

func TestSimulateTellsAndChangesNothing(t *testing.T) {
	h := newHouse(t).furnish()
	h.release("case-1", "bob")
	h.release("case-1", "ana")
	decided := func() (n int) { // locks still answer what was released before
		for _, kind := range []sashlock.EventKind{"access.granted", "access.denied", "grant.", "person.", "role.", "schedule."} {
			n += h.count(kind)
		}
		return n
	}
	acts := decided()
	body := estate.File{Grants: []estate.Grant{{Slug: "bob-case", Person: "bob", Opening: "case-1"}}}
	s := read[api.Simulation](h, h.want(h.call(http.MethodPost, "/v1/simulate", body), 200))
	if s.Gained != 1 || s.Lost != 0 || len(s.Gain) != 1 || s.Gain[0] != (api.SimulatedPair{Person: "bob", Opening: "case-1"}) || len(s.Steps) != 1 {
		t.Errorf("bob gains one case: %+v", s)
	}
	if r := s.Replay; r.Decisions != 2 || !r.Done || len(r.Flips) != 1 || r.Flips[0].Opened != 1 || r.Flips[0].Person != "bob" {
		t.Errorf("bob's request would have been granted: %+v", r)
	}
	if again := read[api.Simulation](h, h.want(h.call(http.MethodPost, "/v1/simulate?from=1000000", body), 200)); again.Replay.Decisions != 0 || !again.Replay.Done || again.Gained != 0 {
		t.Errorf("after the end of the ledger: %+v", again)
	}
	if got := decided(); got != acts {
		t.Errorf("asking brought about %d acts", got-acts)
	}
	wrong := estate.File{Grants: []estate.Grant{{Slug: "x", Person: "nobody", Opening: "case-1"}}}
	if p := h.wantProblem(h.call(http.MethodPost, "/v1/simulate", wrong), 422, "invalid"); len(p.Errors) != 1 {
		t.Errorf("the problem names %d fields", len(p.Errors))
	}
	only := "Bearer " + h.tokenFor(signin.Release)
	h.want(h.call(http.MethodPost, "/v1/simulate", body, "Authorization", only), 403)
}
