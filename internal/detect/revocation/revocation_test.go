// SPDX-License-Identifier: Apache-2.0

package revocation

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/internal/detect"
)

func TestLook(t *testing.T) {
	at := func(hour, minute int) time.Time { return time.Date(2026, 11, 23, hour, minute, 0, 0, time.UTC) }
	late := detect.Finding{Found: true, Why: "A lock here was to forget a code at 13:40:00 and has not confirmed it; it was to be gone by 13:55:00."}
	for what, c := range map[string]struct {
		now    time.Time
		since  time.Time
		within time.Duration
		want   detect.Finding
	}{
		"nothing has to go":   {at(14, 0), time.Time{}, 0, detect.Finding{}},
		"there is time":       {at(13, 54), at(13, 40), 0, detect.Finding{LookAgain: at(13, 55)}},
		"the time is over":    {at(13, 55), at(13, 40), 0, late},
		"long over":           {at(18, 0), at(13, 40), 0, late},
		"the site allows two": {at(13, 55), at(13, 40), 2 * time.Hour, detect.Finding{LookAgain: at(15, 40)}},
	} {
		t.Run(what, func(t *testing.T) {
			got := Rule{}.Look(detect.Facts{State: sashlock.OpeningState{Revoking: c.since}, Now: c.now, Within: c.within})
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestRule(t *testing.T) {
	if n, l := (Rule{}).Name(), (Rule{}).Level(); n != "revocation" || l != sashlock.Act {
		t.Errorf("name, level = %q, %q", n, l)
	}
}
