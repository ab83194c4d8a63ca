// SPDX-License-Identifier: Apache-2.0

package scenarios_test

import (
	"strings"
	"testing"
	"time"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/internal/scenario"
	"github.com/sashlock/sashlock/internal/scenarios"
	"github.com/sashlock/sashlock/internal/store"
)

const lunch = `{slug: lunch, name: Lunch, site: store, kind: peak_hour, trigger: {schedule: lunch, button: true}, actions: {hold_unlocked: [{openings: [case-1]}]}, revert: {with_schedule: true}}`

// A scenario is changed while it runs: what it no longer says is taken back,
// what it says now is given. Every version stays, and an old one can be made
// the newest.
func TestVersions(t *testing.T) {
	h := newHouse(t)
	h.save(lunch)
	h.until(day.Add(12*time.Hour + 30*time.Minute))
	h.save(strings.Replace(lunch, "case-1", "case-2", 1))
	if m := h.modes(); m["case-1"] != "normal locked 0" || m["case-2"] != "held_unlocked unlocked 1" {
		t.Errorf("changed while it runs: %v", m)
	}
	_, err := h.room.GoBack(t.Context(), "opr_1", "lunch", 1, "it was better")
	h.must(err)
	h.settle()
	if m := h.modes(); m["case-1"] != "held_unlocked unlocked 1" || m["case-2"] != "normal locked 0" {
		t.Errorf("gone back: %v", m)
	}
	h.must(h.room.Remove(t.Context(), "opr_1", "lunch"))
	h.settle()
	if m := h.modes(); m["case-1"] != "normal locked 0" {
		t.Errorf("removed: %v", m)
	}
	var all []scenarios.Version
	h.must(h.store.View(t.Context(), func(q store.Query) (err error) { all, err = scenarios.Versions(q, "lunch"); return err }))
	if len(all) != 4 || !all[0].Removed || all[1].Rev != 3 || all[1].Why != "it was better" || all[1].Operator != "opr_1" || all[3].Form.Actions.Hold[0].Openings[0] != "case-1" {
		t.Errorf("versions: %+v", all)
	}
	if k := h.save(lunch); k.Rev != 5 {
		t.Errorf("made again it is version %d", k.Rev)
	}
}

func TestWhatIsNotSaved(t *testing.T) {
	h := newHouse(t)
	h.save(lunch)
	for name, one := range map[string]struct {
		text string
		rev  int64
		kind sashlock.Kind
	}{
		"a stale revision":    {lunch, 9, sashlock.Conflict},
		"a guarded opening":   {strings.Replace(lunch, "case-1", "safe", 1), 0, sashlock.Invalid},
		"an opening too many": {strings.Replace(lunch, "case-1", "case-77", 1), 0, sashlock.Invalid},
		"one without an end":  {strings.Replace(lunch, "with_schedule: true", "", 1), 0, sashlock.Invalid},
	} {
		size := h.store.Size()
		_, err := h.room.Save(t.Context(), "", parse(t, one.text), "", one.rev)
		if !sashlock.IsKind(err, one.kind) || h.store.Size() != size {
			t.Errorf("%s: %v", name, err)
		}
	}
	h.press("lunch", scenario.StartPress)
	down := `{slug: lunch, name: Lunch, site: store, kind: lockdown, trigger: {button: true}, actions: {lock_down: [{all: true}]}}`
	if _, err := h.room.Save(t.Context(), "", parse(t, down), "", 0); !sashlock.IsKind(err, sashlock.Invalid) {
		t.Errorf("it became a lockdown while it ran: %v", err)
	}
}

func parse(t *testing.T, text string) scenario.Scenario {
	t.Helper()
	s, err := scenario.Parse([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// What the tills counted in the past is what a test goes by.
func TestBackTest(t *testing.T) {
	h := newHouse(t)
	rate := `{slug: peak, name: Peak, site: store, kind: peak_hour, trigger: {rate: {of: sales, over: 10m, rise: 30, fall: 10}}, actions: {hold_unlocked: [{openings: [case-1]}]}, revert: {with_trigger: true}}`
	var past []scenario.Bucket
	h.now = day.AddDate(0, 0, 10)
	for i := range 10 {
		for minute := range 30 {
			past = append(past, scenario.Bucket{At: day.AddDate(0, 0, i).Add(12*time.Hour + time.Duration(minute)*time.Minute), N: 5})
		}
	}
	h.must(h.room.Import(t.Context(), h.site(), scenario.Sales, past))
	plan, problems, err := h.room.Compile(t.Context(), parse(t, rate))
	if err != nil || len(problems) > 0 {
		t.Fatal(err, problems)
	}
	done := 0.0
	result, err := h.room.Test(t.Context(), plan, 30*24*time.Hour, func(d float64) bool { done = d; return true })
	h.must(err)
	if len(result.Runs) != 10 || !result.Counted || done != 1 {
		t.Errorf("%d runs, %+v, progress %f", len(result.Runs), result, done)
	}
	for field, bad := range map[string]struct {
		of scenario.Counted
		n  int
		at time.Time
	}{
		"kind": {"money", 1, h.now}, "n": {scenario.Sales, -1, h.now}, "at": {scenario.Sales, 1, h.now.AddDate(0, 0, -2)},
	} {
		if err := h.room.Add(t.Context(), h.site(), bad.of, bad.n, bad.at); !sashlock.IsKind(err, sashlock.Invalid) || !strings.Contains(err.Error(), field) {
			t.Errorf("%s: %v", field, err)
		}
	}
}

// What a scenario gets in the way of is told beforehand.
func TestPreview(t *testing.T) {
	h := newHouse(t)
	h.save(lunch)
	sale := `{slug: sale, name: Sale, site: store, kind: special_event, rank: 9, trigger: {dates: {from: "2026-11-24 11:00", until: "2026-11-24 13:00"}},
  actions: {hold_unlocked: [{openings: [case-1, safe]}], grants: [{slug: a, person: ana, area: store/floor, two_persons: true}]}, revert: {with_schedule: true}}`
	p, err := h.room.Preview(t.Context(), parse(t, sale))
	h.must(err)
	var said []string
	for _, c := range p.Conflicts {
		said = append(said, c.In("en"))
	}
	text := strings.Join(said, "\n")
	for _, want := range []string{"Lunch acts on 1 of the same openings", "2026-11-24 12:00 to 2026-11-24 13:00; Sale has its way", "grant a is wider than the grant ana-floor"} {
		if !strings.Contains(text, want) {
			t.Errorf("nothing of %q in\n%s", want, text)
		}
	}
	if len(p.Guarded) != 1 || p.Guarded[0].Opening != h.opening("safe") || len(p.Problems) != 1 || len(p.Next) != 1 {
		t.Errorf("foreseen: %+v", p)
	}
}
