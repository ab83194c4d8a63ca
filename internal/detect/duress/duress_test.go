// SPDX-License-Identifier: Apache-2.0

package duress

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/internal/detect"
)

func TestLook(t *testing.T) {
	ten := time.Date(2026, 11, 20, 10, 0, 0, 0, time.UTC)
	said := "Somebody was let in at 10:00:00 with a credential that says they are being forced. Nothing at the opening shows it: call for help, and do not call the opening."
	for name, c := range map[string]struct {
		at  time.Time
		now time.Time
		why string
	}{
		"never":              {time.Time{}, ten, ""},
		"now":                {ten, ten, said},
		"just within":        {ten, ten.Add(time.Hour - 1), said},
		"an hour ago":        {ten, ten.Add(time.Hour), ""},
		"the clock ran back": {ten, ten.Add(-time.Minute), said},
	} {
		t.Run(name, func(t *testing.T) {
			want := detect.Finding{Found: c.why != "", Why: c.why}
			if want.Found {
				want.LookAgain = ten.Add(time.Hour)
			}
			// What else is the case at the opening makes no difference.
			for _, s := range []sashlock.OpeningState{
				{Lock: sashlock.Locked, Position: sashlock.Closed}, {Lock: sashlock.Unlocked, Position: sashlock.Open, Forced: true},
			} {
				s.Duress = c.at
				if diff := cmp.Diff(want, Rule{}.Look(detect.Facts{State: s, Now: c.now})); diff != "" {
					t.Error(diff)
				}
			}
		})
	}
}

func TestRule(t *testing.T) {
	if n, l := (Rule{}).Name(), (Rule{}).Level(); n != "duress" || l != sashlock.Act {
		t.Errorf("name, level = %q, %q", n, l)
	}
}
