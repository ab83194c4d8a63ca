// SPDX-License-Identifier: Apache-2.0

package opening

import (
	"maps"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/sashlock/sashlock"
)

// TestLowBatteries holds the set of low batteries to what was said last, with
// its two levels, and the state before to what it was.
func TestLowBatteries(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		o := sashlock.Opening{ID: "opn_1"}
		var s sashlock.OpeningState
		want := map[sashlock.DeviceID]int{}
		for range rapid.IntRange(1, 30).Draw(t, "reports") {
			r := sashlock.Report{
				Opening: o.ID, Kind: sashlock.BatteryReported, State: rapid.Bool().Draw(t, "statement"),
				Device: rapid.SampledFrom([]sashlock.DeviceID{"dev_1", "dev_2"}).Draw(t, "device"), Level: rapid.IntRange(0, 30).Draw(t, "level"),
			}
			_, weak := want[r.Device]
			switch {
			case r.Level >= 15:
				delete(want, r.Device)
			case r.Level <= 10 || weak:
				want[r.Device] = r.Level
			}
			before := maps.Clone(s.LowBattery)
			out := Apply(o, s, r, start)
			if diff := cmp.Diff(before, s.LowBattery); diff != "" {
				t.Fatalf("the state before was changed: %s", diff)
			}
			if _, now := want[r.Device]; out.News != (now != weak || !r.State) {
				t.Fatalf("%+v with %v: news %t", r, before, out.News)
			}
			if !maps.Equal(want, out.State.LowBattery) {
				t.Fatalf("%+v: %v, want %v", r, out.State.LowBattery, want)
			}
			s = out.State
		}
	})
}

// TestOvertakenBatteryReport is an old level that is heard after a new one: the
// more worrying side counts.
func TestOvertakenBatteryReport(t *testing.T) {
	o := sashlock.Opening{ID: "opn_1"}
	r := sashlock.Report{Opening: o.ID, Device: "dev_1", Kind: sashlock.BatteryReported, Boot: 1, Number: 9, Level: 100}
	out := Apply(o, sashlock.OpeningState{}, r, start)
	r.Number, r.Level = 8, 3
	if out = Apply(o, out.State, r, start); out.Late || out.State.LowBattery["dev_1"] != 3 {
		t.Errorf("%+v", out)
	}
	r.Number, r.Level = 7, 90
	if out = Apply(o, out.State, r, start); !out.Late || out.State.LowBattery["dev_1"] != 3 {
		t.Errorf("%+v", out)
	}
}
