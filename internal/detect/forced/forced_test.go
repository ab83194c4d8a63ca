// SPDX-License-Identifier: Apache-2.0

package forced

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/internal/detect"
)

func TestLook(t *testing.T) {
	ten := time.Date(2026, 11, 20, 10, 0, 0, 0, time.UTC)
	nine := ten.Add(-time.Hour)
	state := func(lock sashlock.LockState, lockAt time.Time, forced, tampered bool) sashlock.OpeningState {
		return sashlock.OpeningState{Lock: lock, LockAt: lockAt, Position: sashlock.Open, PositionAt: ten, Forced: forced, Tampered: tampered}
	}
	for name, c := range map[string]struct {
		state sashlock.OpeningState
		why   string
	}{
		"neither":               {state(sashlock.Locked, nine, false, false), ""},
		"forced":                {state(sashlock.Locked, nine, true, false), "Opened at 10:00:00 while its lock said locked (since 09:00:00) and no release was in force."},
		"forced and unlocked":   {state(sashlock.Unlocked, ten.Add(time.Minute), true, false), "Opened at 10:00:00 while its lock said locked and no release was in force."},
		"forced, locked again":  {state(sashlock.Locked, ten.Add(time.Minute), true, false), "Opened at 10:00:00 while its lock said locked and no release was in force."},
		"locked since last day": {state(sashlock.Locked, ten.AddDate(0, 0, -1), true, false), "Opened at 10:00:00 while its lock said locked (since 19 November 2026, 10:00:00) and no release was in force."},
		"tampered with":         {state(sashlock.Locked, nine, false, true), "A device here says that it was tampered with."},
		"both":                  {state(sashlock.Locked, nine, true, true), "Opened at 10:00:00 while its lock said locked (since 09:00:00) and no release was in force, and a device here says that it was tampered with."},
	} {
		t.Run(name, func(t *testing.T) {
			got := Rule{}.Look(detect.Facts{State: c.state, Now: ten.Add(time.Minute)})
			if diff := cmp.Diff(detect.Finding{Found: c.why != "", Why: c.why}, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestRule(t *testing.T) {
	if n, l := (Rule{}).Name(), (Rule{}).Level(); n != "forced" || l != sashlock.Act {
		t.Errorf("name, level = %q, %q", n, l)
	}
}
