// SPDX-License-Identifier: Apache-2.0

package conformance

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/driver/sim"
)

// named makes a check of a function.
func named(name string, run func(b *bench)) Check {
	return Check{check{name: name, run: run}}
}

func TestRunTellsHowEachCheckCameOut(t *testing.T) {
	var order []string
	checks := []Check{
		named("passes", func(b *bench) {
			b.Cleanup(func() { order = append(order, "first") })
			b.Cleanup(func() { order = append(order, "second") })
		}),
		named("fails and goes on", func(b *bench) { b.Error("one"); b.Errorf("two %d", 2) }),
		named("gives up", func(b *bench) { b.Fatal("enough"); order = append(order, "never") }),
		named("skips", func(b *bench) { b.Skip("no lock") }),
		named("skips after it failed", func(b *bench) { b.Error("bad"); b.Skip("then no lock") }),
		named("panics", func(*bench) { panic("boom") }),
		named("fails at the end", func(b *bench) { b.Cleanup(func() { b.Error("left behind") }) }),
		named("says no", func(b *bench) { b.must(ErrNotDone) }),
	}
	stage := func(T) Stage { return Stage{Lock: "a", Expected: []Expected{{Address: "a"}}} }
	told := 0
	var got []string
	for _, r := range Run(t.Context(), Suite{Driver: sim.New(nil)}, checks, stage, func(Result) { told++ }) {
		why, _, _ := strings.Cut(r.Why, "\n\n")
		if r.Check == "panics" {
			why, _, _ = strings.Cut(r.Why, "\n")
		}
		got = append(got, r.Check+": "+string(r.Outcome)+" "+why)
	}
	want := []string{
		"passes: passed ", "fails and goes on: failed one\ntwo 2", "gives up: failed enough", "skips: skipped no lock",
		"skips after it failed: failed bad", "panics: failed panic: boom", "fails at the end: failed left behind", "says no: skipped it was not done",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]string{"second", "first"}, order); diff != "" || told != len(checks) {
		t.Errorf("told %d times; %s", told, diff)
	}
}

func TestRunStopsWithItsContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	checks := []Check{named("one", func(*bench) { cancel() }), named("two", func(*bench) { t.Error("begun") })}
	stage := func(T) Stage { return Stage{Lock: "a", Expected: []Expected{{Address: "a"}}} }
	if all := Run(ctx, Suite{Driver: sim.New(nil)}, checks, stage, func(Result) {}); len(all) != 1 {
		t.Errorf("%+v", all)
	}
}

const unlocked = `{"store":"scout","latency_ms":2,"devices":[{"address":"b","kind":"lock"},{"address":"a","kind":"motion"}]}`

func TestScoutFindsDevicesAndLockLocks(t *testing.T) {
	d := sim.New(nil)
	s := Suite{Driver: d}
	found, err := Scout(t.Context(), s, []byte(unlocked))
	if err != nil || len(found) != 2 || found[0].Address != "a" || found[1].Address != "b" {
		t.Fatalf("%+v, %v", found, err)
	}
	w, err := d.World([]byte(unlocked))
	if err != nil {
		t.Fatal(err)
	}
	if err := w.OperateByHand("b", sashlock.DoUnlock); err != nil {
		t.Fatal(err)
	}
	Lock(t, s, Stage{Config: []byte(unlocked), Lock: "b", Expected: []Expected{{"b", []sashlock.Capability{sashlock.CanLock, sashlock.TellsLock}}}})
	if stands, err := w.State("b"); err != nil || stands.Unlocked {
		t.Errorf("%+v, %v", stands, err)
	}
	w.CutGateway()
	if _, err := Scout(t.Context(), Suite{Driver: d, Patience: 200 * time.Millisecond}, []byte(unlocked)); !sashlock.IsKind(err, sashlock.Unavailable) || !strings.Contains(err.Error(), "cannot be reached") {
		t.Errorf("a gateway that is away: %v", err)
	}
}
