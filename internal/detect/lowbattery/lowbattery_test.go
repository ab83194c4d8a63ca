// SPDX-License-Identifier: Apache-2.0

package lowbattery

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/internal/detect"
)

func TestLook(t *testing.T) {
	for what, c := range map[string]struct {
		low  map[sashlock.DeviceID]int
		want detect.Finding
	}{
		"all are full": {nil, detect.Finding{}},
		"one is not": {
			map[sashlock.DeviceID]int{"dev_1": 7},
			detect.Finding{Found: true, Why: "The battery of a device here is down to 7 %; change it before the device stops."},
		},
		"two are not": {
			map[sashlock.DeviceID]int{"dev_1": 7, "dev_2": 0},
			detect.Finding{Found: true, Why: "The batteries of 2 devices here are nearly empty, the lowest at 0 %; change them before the devices stop."},
		},
	} {
		t.Run(what, func(t *testing.T) {
			if diff := cmp.Diff(c.want, Rule{}.Look(detect.Facts{State: sashlock.OpeningState{LowBattery: c.low}})); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestRule(t *testing.T) {
	if n, l := (Rule{}).Name(), (Rule{}).Level(); n != "lowbattery" || l != sashlock.Look {
		t.Errorf("name, level = %q, %q", n, l)
	}
}
