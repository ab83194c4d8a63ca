// SPDX-License-Identifier: Apache-2.0

package afterhours

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/internal/detect"
)

func TestLook(t *testing.T) {
	ten := time.Date(2026, 11, 20, 22, 0, 0, 0, time.UTC)
	now := ten.Add(Relock)
	later := now.Add(5 * time.Minute)
	open := sashlock.OpeningState{Lock: sashlock.Unlocked, LockAt: ten.Add(-time.Second), Position: sashlock.Open, PositionAt: ten}
	unlocked := sashlock.OpeningState{Lock: sashlock.Unlocked, LockAt: ten, Position: sashlock.Closed, PositionAt: ten.Add(-time.Hour)}
	with := func(s sashlock.OpeningState, change func(*sashlock.OpeningState)) sashlock.OpeningState {
		change(&s)
		return s
	}
	openFound := detect.Finding{Found: true, Why: "Open since 22:00:00, outside store hours, with no release in force.", LookAgain: later}
	unlockedFound := detect.Finding{Found: true, Why: "Unlocked since 22:00:00, outside store hours, with no release in force.", LookAgain: later}
	type state = *sashlock.OpeningState
	for name, c := range map[string]struct {
		staffed detect.Staffed
		state   sashlock.OpeningState
		want    detect.Finding
	}{
		"open":                        {detect.OutOfHours, open, openFound},
		"open and locked":             {detect.OutOfHours, with(open, func(s state) { s.Lock = sashlock.Locked }), openFound},
		"unlocked":                    {detect.OutOfHours, unlocked, unlockedFound},
		"unlatched":                   {detect.OutOfHours, with(unlocked, func(s state) { s.Lock = sashlock.Unlatched }), unlockedFound},
		"no contact":                  {detect.OutOfHours, with(unlocked, func(s state) { s.Position, s.PositionAt = "", time.Time{} }), unlockedFound},
		"just unlocked":               {detect.OutOfHours, with(unlocked, func(s state) { s.LockAt = now.Add(-time.Second) }), detect.Finding{LookAgain: now.Add(Relock - time.Second)}},
		"just closed":                 {detect.OutOfHours, with(unlocked, func(s state) { s.PositionAt = now.Add(-time.Second) }), detect.Finding{LookAgain: now.Add(Relock - time.Second)}},
		"shut":                        {detect.OutOfHours, with(unlocked, func(s state) { s.Lock = sashlock.Locked }), detect.Finding{}},
		"open, let in":                {detect.OutOfHours, with(open, func(s state) { s.Release = &sashlock.Release{} }), detect.Finding{}},
		"unlocked, let in":            {detect.OutOfHours, with(unlocked, func(s state) { s.Release = &sashlock.Release{} }), detect.Finding{}},
		"by standing order":           {detect.OutOfHours, with(unlocked, func(s state) { s.Mode = sashlock.HeldUnlocked }), detect.Finding{}},
		"locked down but open":        {detect.OutOfHours, with(open, func(s state) { s.Mode = sashlock.LockedDown }), openFound},
		"open in hours":               {detect.InHours, open, detect.Finding{LookAgain: later}},
		"unlocked in hours":           {detect.InHours, unlocked, detect.Finding{LookAgain: later}},
		"shut in hours":               {detect.InHours, with(unlocked, func(s state) { s.Lock = sashlock.Locked }), detect.Finding{}},
		"nobody said when":            {detect.HoursUnknown, open, detect.Finding{}},
		"nobody said when it is shut": {detect.HoursUnknown, unlocked, detect.Finding{}},
	} {
		t.Run(name, func(t *testing.T) {
			got := Rule{}.Look(detect.Facts{State: c.state, Now: now, Staffed: c.staffed})
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestRule(t *testing.T) {
	if n, l := (Rule{}).Name(), (Rule{}).Level(); n != "afterhours" || l != sashlock.Act {
		t.Errorf("name, level = %q, %q", n, l)
	}
}
