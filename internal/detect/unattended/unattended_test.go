// SPDX-License-Identifier: Apache-2.0

package unattended

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/internal/detect"
)

var opened = time.Date(2026, 11, 20, 10, 0, 2, 0, time.UTC)

func at(d time.Duration) time.Time { return opened.Add(d) }

func TestLook(t *testing.T) {
	const limit, s = 2 * time.Minute, time.Second
	release := func(taken time.Duration) *sashlock.Release {
		return &sashlock.Release{Until: at(23 * s), Taken: at(taken)}
	}
	again := func(d time.Duration) detect.Finding { return detect.Finding{LookAgain: at(d)} }
	found := func(why string) detect.Finding { return detect.Finding{Found: true, Why: why} }
	for name, c := range map[string]struct {
		limit time.Duration
		state sashlock.OpeningState // open since ten unless it says otherwise
		after time.Duration
		want  detect.Finding
	}{
		"just opened":     {limit, sashlock.OpeningState{}, 0, again(limit)},
		"a moment before": {limit, sashlock.OpeningState{}, limit - 1, again(limit)},
		"due":             {limit, sashlock.OpeningState{}, limit, found("Open since 10:00:02; nobody seen there since it was opened, and no release was in force.")},
		"not watched":     {0, sashlock.OpeningState{}, time.Hour, detect.Finding{}},
		"closed":          {limit, sashlock.OpeningState{Position: sashlock.Closed}, time.Hour, detect.Finding{}},
		"no contact":      {limit, sashlock.OpeningState{Position: sashlock.PositionUnknown}, time.Hour, detect.Finding{}},
		"seen before":     {limit, sashlock.OpeningState{Presence: at(-time.Minute)}, 0, again(limit)},
		"seen and gone":   {limit, sashlock.OpeningState{Presence: at(30 * s)}, limit, again(limit + 30*s)},
		"gone for long":   {limit, sashlock.OpeningState{Presence: at(30 * s)}, limit + 30*s, found("Open since 10:00:02; nobody seen there since 10:00:32, and no release was in force.")},
		"there":           {limit, sashlock.OpeningState{Present: true, Presence: at(30 * s)}, 14 * time.Minute, again(Believed + 30*s)},
		"the sensor fell silent": {limit, sashlock.OpeningState{Present: true, Presence: at(30 * s)}, Believed + 30*s,
			found("Open since 10:00:02; the sensor that saw somebody has been silent since 10:00:32, and no release was in force.")},
		"believed as long as the limit": {time.Hour, sashlock.OpeningState{Present: true, Presence: at(0)}, Believed, again(time.Hour)},
		"release ended":                 {limit, sashlock.OpeningState{Release: release(0)}, limit, found("Open since 10:00:02; nobody seen there since it was opened, and the release ended at 10:00:25.")},
		"release taken later":           {limit, sashlock.OpeningState{Release: release(10 * s)}, limit, again(limit + 10*s)},
		"release not over": {10 * s, sashlock.OpeningState{Release: release(0)}, 10 * s,
			found("Open since 10:00:02; nobody seen there since it was opened.")},
	} {
		t.Run(name, func(t *testing.T) {
			if c.state.Position == "" {
				c.state.Position = sashlock.Open
			}
			c.state.PositionAt = opened
			got := Rule{}.Look(detect.Facts{Opening: sashlock.Opening{Unattended: c.limit}, State: c.state, Now: at(c.after)})
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestRule(t *testing.T) {
	if n, l := (Rule{}).Name(), (Rule{}).Level(); n != "unattended" || l != sashlock.Act {
		t.Errorf("name, level = %q, %q", n, l)
	}
}
