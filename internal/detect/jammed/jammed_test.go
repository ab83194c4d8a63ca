// SPDX-License-Identifier: Apache-2.0

package jammed

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/internal/detect"
)

func TestLook(t *testing.T) {
	since := time.Date(2026, 11, 23, 10, 0, 0, 0, time.UTC)
	halfway := detect.Finding{Found: true, Why: "The bolt has stood between locked and unlocked since 10:00:00; it may open to a pull."}
	for what, c := range map[string]struct {
		state sashlock.OpeningState
		after time.Duration
		want  detect.Finding
	}{
		"locked":                    {sashlock.OpeningState{Lock: sashlock.Locked}, time.Hour, detect.Finding{}},
		"no lock":                   {sashlock.OpeningState{}, time.Hour, detect.Finding{}},
		"jammed":                    {sashlock.OpeningState{Lock: sashlock.Jammed}, 0, detect.Finding{Found: true, Why: "The bolt has been jammed since 10:00:00; look whether it is locked."}},
		"jammed and open":           {sashlock.OpeningState{Lock: sashlock.Jammed, Position: sashlock.Open}, 0, detect.Finding{Found: true, Why: "The bolt has been jammed since 10:00:00; look whether it is locked."}},
		"on its way":                {sashlock.OpeningState{Lock: sashlock.Halfway}, Arrive - time.Nanosecond, detect.Finding{LookAgain: since.Add(Arrive)}},
		"stopped again":             {sashlock.OpeningState{Lock: sashlock.Halfway, Alarms: map[string]sashlock.AlarmID{"jammed": "alm_1"}}, 0, halfway},
		"stopped":                   {sashlock.OpeningState{Lock: sashlock.Halfway}, Arrive, halfway},
		"stopped and shut":          {sashlock.OpeningState{Lock: sashlock.Halfway, Position: sashlock.Closed}, Arrive, halfway},
		"stopped while it is open":  {sashlock.OpeningState{Lock: sashlock.Halfway, Position: sashlock.Open}, time.Hour, detect.Finding{}},
		"stopped where it may pass": {sashlock.OpeningState{Lock: sashlock.Halfway, Mode: sashlock.HeldUnlocked}, time.Hour, detect.Finding{}},
	} {
		t.Run(what, func(t *testing.T) {
			c.state.LockAt = since
			if diff := cmp.Diff(c.want, Rule{}.Look(detect.Facts{State: c.state, Now: since.Add(c.after)})); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestRule(t *testing.T) {
	if n, l := (Rule{}).Name(), (Rule{}).Level(); n != "jammed" || l != sashlock.Act {
		t.Errorf("name, level = %q, %q", n, l)
	}
}
