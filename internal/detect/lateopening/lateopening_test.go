// SPDX-License-Identifier: Apache-2.0

package lateopening

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/internal/detect"
)

func TestLook(t *testing.T) {
	at := func(hour, minute int) time.Time { return time.Date(2026, 11, 23, hour, minute, 0, 0, time.UTC) }
	next := at(33, 15)
	due := detect.Coming{By: at(9, 15), Start: at(9, 0), End: at(21, 0), Next: next}
	came := due
	came.Came = true
	stands := sashlock.OpeningState{Alarms: map[string]sashlock.AlarmID{name: "alm_1"}}
	late := detect.Finding{Found: true, LookAgain: next, Why: "Nobody had come in by 09:15:00; the store was to open at 09:00:00."}
	for what, c := range map[string]struct {
		now    time.Time
		coming *detect.Coming
		state  sashlock.OpeningState
		want   detect.Finding
	}{
		"nobody is waited for":      {at(9, 15), nil, sashlock.OpeningState{}, detect.Finding{}},
		"no time was over yet":      {at(8, 0), &detect.Coming{Next: next}, sashlock.OpeningState{}, detect.Finding{LookAgain: next}},
		"nobody came":               {at(9, 15), &due, sashlock.OpeningState{}, late},
		"somebody came":             {at(9, 15), &came, sashlock.OpeningState{}, detect.Finding{LookAgain: next}},
		"somebody came late":        {at(9, 30), &came, stands, detect.Finding{LookAgain: next}},
		"seen after a long pause":   {at(20, 59), &due, sashlock.OpeningState{}, late},
		"too late to be of any use": {at(21, 0), &due, sashlock.OpeningState{}, detect.Finding{LookAgain: next}},
		"nobody came all day":       {at(21, 0), &due, stands, late},
	} {
		t.Run(what, func(t *testing.T) {
			got := Rule{}.Look(detect.Facts{State: c.state, Now: c.now, Coming: c.coming})
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestRule(t *testing.T) {
	if n, l := (Rule{}).Name(), (Rule{}).Level(); n != "lateopening" || l != sashlock.Act {
		t.Errorf("name, level = %q, %q", n, l)
	}
}
