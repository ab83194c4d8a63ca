// SPDX-License-Identifier: Apache-2.0

package heldopen

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/internal/detect"
)

var opened = time.Date(2026, 11, 20, 10, 0, 2, 0, time.UTC)

func TestLook(t *testing.T) {
	lisbonSummer := time.FixedZone("WEST", 3600)
	found := detect.Finding{Found: true, Why: "Open since 10:00:02; it was to be closed by 10:02:02."}
	for name, c := range map[string]struct {
		limit    time.Duration
		position sashlock.Position
		now      time.Time
		want     detect.Finding
	}{
		"just opened":     {2 * time.Minute, sashlock.Open, opened, detect.Finding{LookAgain: opened.Add(2 * time.Minute)}},
		"a moment before": {2 * time.Minute, sashlock.Open, opened.Add(2*time.Minute - 1), detect.Finding{LookAgain: opened.Add(2 * time.Minute)}},
		"due":             {2 * time.Minute, sashlock.Open, opened.Add(2 * time.Minute), found},
		"overdue":         {2 * time.Minute, sashlock.Open, opened.Add(time.Hour), found},
		"not limited":     {0, sashlock.Open, opened.Add(time.Hour), detect.Finding{}},
		"closed":          {2 * time.Minute, sashlock.Closed, opened.Add(time.Hour), detect.Finding{}},
		"no contact":      {2 * time.Minute, "", opened.Add(time.Hour), detect.Finding{}},
		"contact fails":   {2 * time.Minute, sashlock.PositionFault, opened.Add(time.Hour), detect.Finding{}},
		"the next day": {2 * time.Minute, sashlock.Open, opened.Add(24 * time.Hour),
			detect.Finding{Found: true, Why: "Open since 20 November 2026, 10:00:02; it was to be closed by 20 November 2026, 10:02:02."}},
		"in the site's zone": {2 * time.Minute, sashlock.Open, opened.Add(time.Hour).In(lisbonSummer),
			detect.Finding{Found: true, Why: "Open since 11:00:02; it was to be closed by 11:02:02."}},
	} {
		t.Run(name, func(t *testing.T) {
			got := Rule{}.Look(detect.Facts{
				Opening: sashlock.Opening{OpenTime: c.limit},
				State:   sashlock.OpeningState{Position: c.position, PositionAt: opened},
				Now:     c.now,
			})
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestRule(t *testing.T) {
	if n, l := (Rule{}).Name(), (Rule{}).Level(); n != "heldopen" || l != sashlock.Look {
		t.Errorf("name, level = %q, %q", n, l)
	}
}
