// SPDX-License-Identifier: Apache-2.0

package api_test

import (
	"testing"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/internal/api"
	"github.com/sashlock/sashlock/internal/estate"
)

func TestOnTrialNothingSucceeds(t *testing.T) { onEachEngine(t, onTrialNothingSucceeds) }

// A program that releases an opening on trial is told that it is, and its lock
// hears nothing; once in force it does.
func onTrialNothingSucceeds(t *testing.T, h *house) {
	h.furnish()
	tried := estate.Opening{Slug: "case-1", Name: "Case 1", Kind: "case", Class: "standard", Site: "lisbon", Area: "watches", Trial: true}
	h.want(h.call("PUT", "/v1/openings/case-1", tried), 200)
	if o := get[api.Opening](h, "/v1/openings/case-1"); !o.Trial {
		t.Errorf("it is not shown to be on trial: %+v", o)
	}
	a := read[api.Action](h, h.want(h.release("case-1", "ana", "Prefer", "wait=5"), 200))
	if a.State != sashlock.CommandRefused || a.Reason != sashlock.OnTrial || a.ID != "" || a.Decision == "" || a.Receipt == nil {
		t.Errorf("answered %+v", a)
	}
	if d := get[api.Decision](h, "/v1/decisions/"+a.Decision); !d.Granted || d.Reason != sashlock.Permitted {
		t.Errorf("decision %+v", d)
	}
	h.wantProblem(h.release("case-1", "bob"), 403, string(sashlock.Unauthorized))
	if n := h.count(sashlock.CommandQueued); n != 0 {
		t.Errorf("%d commands were made", n)
	}
	tried.Trial = false
	h.want(h.call("PUT", "/v1/openings/case-1", tried), 200)
	if a := read[api.Action](h, h.want(h.release("case-1", "ana", "Prefer", "wait=10"), 200)); a.State != sashlock.CommandSucceeded {
		t.Errorf("in force: %+v", a)
	}
}

// A log is compared, and cards are brought over with the plan that was seen.
func TestLogsAndCardsOverTheAPI(t *testing.T) { onEachEngine(t, logsAndCardsOverTheAPI) }

func logsAndCardsOverTheAPI(t *testing.T, h *house) {
	h.furnish()
	csv := []string{"Content-Type", "text/csv"}
	seen := read[api.Brought](h, h.want(h.call("POST", "/v1/people/cards?format=26", "slug,name,card\nana,Ana,12:100\nrui,Rui Alves,12:101\n", csv...), 200))
	if seen.Done || seen.People != 1 || seen.Cards != 2 || len(seen.Steps) != 3 {
		t.Fatalf("it would do %+v", seen)
	}
	h.wantProblem(h.call("POST", "/v1/people/cards?format=26&plan=another", "slug,name,card\nana,Ana,12:100\nrui,Rui Alves,12:101\n", csv...), 409, "conflict")
	done := read[api.Brought](h, h.want(h.call("POST", "/v1/people/cards?format=26&plan="+seen.Plan, "slug,name,card\nana,Ana,12:100\nrui,Rui Alves,12:101\n", csv...), 200))
	if !done.Done {
		t.Errorf("it was not done: %+v", done)
	}
	wrong := read[api.Brought](h, h.want(h.call("POST", "/v1/people/cards?format=26", "slug,name,card\nbob,Bob,12:100\n", csv...), 200))
	if wrong.Wrong != 1 || wrong.Problems[0].Pointer != "row 2, column card" {
		t.Errorf("somebody else's card: %+v", wrong)
	}
	log := "time,card,door,result\n2026-11-20 10:00,12:100,Door A,granted\n2026-11-20 10:01,12:101,Door A,granted\n2026-11-20 10:02,12:101,Door B,granted\n"
	got := read[api.Compared](h, h.want(h.call("POST", "/v1/cutover/compare?site=lisbon&door=Door%20A%3Dcase-1", log, csv...), 200))
	if got.Lines != 2 || got.Agree != 1 || got.Stricter != 1 || got.NotCompared != 1 || len(got.Differ) != 1 || got.Differ[0].Person != "rui" || got.Differ[0].Row != 3 {
		t.Errorf("compared: %+v", got)
	}
	bad := read[api.Compared](h, h.want(h.call("POST", "/v1/cutover/compare", "card,door,result\n", csv...), 200))
	if bad.Wrong != 1 || len(bad.Problems) != 1 {
		t.Errorf("a log without times: %+v", bad)
	}
	h.wantProblem(h.call("POST", "/v1/cutover/compare?door=nonsense", log, csv...), 422, "invalid")
}
