// SPDX-License-Identifier: Apache-2.0

package fleet

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sashlock/sashlock"
)

// The way round goes to the nearest opening that is left, and what has no place
// on the plan comes last, by name.
func TestTheWayRound(t *testing.T) {
	at := func(name string, x, y int) cell {
		var c cell
		c.Device.ID = sashlock.DeviceID(name)
		c.At = sashlock.Opening{Name: name, Plan: sashlock.Place{X: x, Y: y}}
		return c
	}
	var names []string
	for _, c := range walk([]cell{at("Locker 10", 0, 0), at("far", 900, 900), at("near", 100, 50), at("beyond", 990, 990), at("Locker 2", 0, 0), at("next", 300, 60)}) {
		names = append(names, c.At.Name)
	}
	if diff := cmp.Diff([]string{"near", "next", "far", "beyond", "Locker 2", "Locker 10"}, names); diff != "" {
		t.Error(diff)
	}
}
