// SPDX-License-Identifier: Apache-2.0

package downgraded

import (
	"strings"
	"testing"
	"time"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/internal/detect"
)

func TestLook(t *testing.T) {
	at := func(minute int) time.Time { return time.Date(2026, 11, 23, 10, minute, 0, 0, time.UTC) }
	for what, c := range map[string]struct {
		doubted map[sashlock.DeviceID]time.Time
		want    string // how what is found begins; "": nothing
	}{
		"all are protected": {nil, ""},
		"one is not":        {map[sashlock.DeviceID]time.Time{"dev_1": at(2)}, "A reader or device here has answered without the protection that it has to have since 10:02:00, "},
		"two are not":       {map[sashlock.DeviceID]time.Time{"dev_1": at(2), "dev_2": at(1)}, "2 readers or devices here have answered without the protection that they have to have since 10:01:00, "},
	} {
		t.Run(what, func(t *testing.T) {
			got := Rule{}.Look(detect.Facts{State: sashlock.OpeningState{Downgraded: c.doubted}, Now: at(30)})
			if got.Found != (c.want != "") || !strings.HasPrefix(got.Why, c.want) || !got.LookAgain.IsZero() {
				t.Errorf("%+v", got)
			}
		})
	}
}

func TestRule(t *testing.T) {
	if n, l := (Rule{}).Name(), (Rule{}).Level(); n != "downgraded" || l != sashlock.Act {
		t.Errorf("name, level = %q, %q", n, l)
	}
}
