// SPDX-License-Identifier: Apache-2.0

package opening

import (
	"math"
	"testing"

	"github.com/sashlock/sashlock"
	"pgregory.net/rapid"
)

func TestPlaceOf(t *testing.T) {
	type seen = map[sashlock.DeviceID]sashlock.Numbers
	at := func(boot, number uint64) sashlock.Report {
		return sashlock.Report{Device: lockDevice, Boot: boot, Number: number}
	}
	some := seen{lockDevice: {Boot: 2, High: 1000, Window: [4]uint64{0b10, 0, 0, 1 << 63}}}
	for name, c := range map[string]struct {
		seen seen
		r    sashlock.Report
		want place
	}{
		"first ever":           {nil, at(1, 1), next},
		"not numbered":         {some, at(2, 0), next},
		"another device":       {some, sashlock.Report{Device: contactDevice, Number: 1}, next},
		"next":                 {some, at(2, 1001), next},
		"far ahead":            {some, at(2, math.MaxUint64), next},
		"the highest again":    {some, at(2, 1000), repeated},
		"just below, new":      {some, at(2, 999), overtaken},
		"seen below":           {some, at(2, 998), repeated},
		"last of the window":   {some, at(2, 744), repeated},
		"last but one, unseen": {some, at(2, 745), overtaken},
		"below the window":     {some, at(2, 743), tooOld},
		"number one":           {some, at(2, 1), tooOld},
		"restarted":            {some, at(3, 1), next},
		"before the restart":   {some, at(1, 5000), tooOld},
	} {
		if got := placeOf(c.seen, c.r); got != c.want {
			t.Errorf("%s: place %v, want %v", name, got, c.want)
		}
	}
}

// TestNumbersAgainstASet checks the window against the obvious way: keeping
// every number that was ever seen.
func TestNumbersAgainstASet(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var seen map[sashlock.DeviceID]sashlock.Numbers
		all := map[uint64]bool{}
		var high uint64
		for range rapid.IntRange(1, 200).Draw(t, "reports") {
			step := rapid.SampledFrom([]int64{1, 1, 1, 2, 63, 64, 65, 255, 256, 257, -1, -2, -63, -64, -65, -128, -255, -256, -257}).Draw(t, "step")
			n := max(int64(high)+step, 1)
			r := sashlock.Report{Device: lockDevice, Boot: 1, Number: uint64(n)}
			want := next
			switch {
			case r.Number > high:
			case high-r.Number > windowWidth:
				want = tooOld
			case all[r.Number]:
				want = repeated
			default:
				want = overtaken
			}
			got := placeOf(seen, r)
			if got != want {
				t.Fatalf("number %d with highest %d: place %v, want %v", n, high, got, want)
			}
			if got == next || got == overtaken {
				seen = noted(seen, r)
				all[r.Number] = true
				high = max(high, r.Number)
			}
		}
	})
}
