// SPDX-License-Identifier: Apache-2.0

package console

import (
	"context"
	"regexp"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/internal/detect"
	"github.com/sashlock/sashlock/internal/detect/afterhours"
	"github.com/sashlock/sashlock/internal/detect/downgraded"
	"github.com/sashlock/sashlock/internal/detect/duress"
	"github.com/sashlock/sashlock/internal/detect/forced"
	"github.com/sashlock/sashlock/internal/detect/heldopen"
	"github.com/sashlock/sashlock/internal/detect/jammed"
	"github.com/sashlock/sashlock/internal/detect/lateopening"
	"github.com/sashlock/sashlock/internal/detect/lowbattery"
	"github.com/sashlock/sashlock/internal/detect/revocation"
	"github.com/sashlock/sashlock/internal/detect/unattended"
	"github.com/sashlock/sashlock/internal/lang"
)

// TestEveryFindingIsTranslated lets the rules look at all kinds of openings:
// whatever they find can be said in Spanish, with the same times.
func TestEveryFindingIsTranslated(t *testing.T) {
	spanish := lang.With(context.Background(), "es")
	english := regexp.MustCompile(`(?i)\b(open|since|and|the|was|nobody|release)\b`)
	clock := regexp.MustCompile(`\d\d:\d\d:\d\d`)
	found := 0
	rapid.Check(t, func(t *rapid.T) {
		now := time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)
		at := func(label string) time.Time {
			return now.Add(-time.Duration(rapid.IntRange(0, 200_000).Draw(t, label)) * time.Second)
		}
		s := sashlock.OpeningState{
			Position: rapid.SampledFrom([]sashlock.Position{sashlock.Open, sashlock.Closed}).Draw(t, "position"), PositionAt: at("moved"),
			Lock: rapid.SampledFrom([]sashlock.LockState{sashlock.Locked, sashlock.Unlocked, sashlock.Jammed, sashlock.Halfway}).Draw(t, "lock"), LockAt: at("locked"),
			Duress: at("duress"), Forced: rapid.Bool().Draw(t, "forced"), Tampered: rapid.Bool().Draw(t, "tampered"), Present: rapid.Bool().Draw(t, "present"), Presence: at("seen"),
		}
		if rapid.Bool().Draw(t, "released") {
			s.Release = &sashlock.Release{Until: at("until")}
		}
		s.Downgraded = rapid.MapOfN(rapid.SampledFrom([]sashlock.DeviceID{"dev_1", "dev_2"}), rapid.Just(at("doubted")), 0, 2).Draw(t, "not believed")
		s.LowBattery = rapid.MapOfN(rapid.SampledFrom([]sashlock.DeviceID{"dev_1", "dev_2"}), rapid.IntRange(0, 10), 0, 2).Draw(t, "low")
		if rapid.Bool().Draw(t, "revoking") {
			s.Revoking = at("since")
		}
		facts := detect.Facts{Opening: sashlock.Opening{OpenTime: time.Second, Unattended: time.Second}, State: s, Now: now, Staffed: detect.OutOfHours,
			Coming: &detect.Coming{By: at("by"), Start: at("start"), End: now.Add(time.Hour)}}
		for _, rule := range []detect.Rule{forced.Rule{}, heldopen.Rule{}, unattended.Rule{}, afterhours.Rule{}, duress.Rule{}, jammed.Rule{}, lowbattery.Rule{}, downgraded.Rule{}, revocation.Rule{}, lateopening.Rule{}} {
			why := rule.Look(facts).Why
			if why == "" {
				continue
			}
			found++
			said := Why(spanish, why)
			if said == why || english.MatchString(said) || strings.Contains(said, "%!") {
				t.Fatalf("%s: %q is said as %q", rule.Name(), why, said)
			}
			if before, after := clock.FindAllString(why, -1), clock.FindAllString(said, -1); strings.Join(before, " ") != strings.Join(after, " ") {
				t.Fatalf("%s: the times of %q are not those of %q", rule.Name(), why, said)
			}
		}
	})
	if found < 50 {
		t.Errorf("the rules found only %d things", found)
	}
}

func TestWhatNobodyKnowsStaysAsItWasRecorded(t *testing.T) {
	spanish := lang.With(context.Background(), "es")
	for _, text := range []string{"", "Open since yesterday.", "Open since 10:00:00; and something else.", "<b>Open</b>", "%s"} {
		if got := Why(spanish, text); got != text {
			t.Errorf("%q became %q", text, got)
		}
	}
	if got := Why(context.Background(), "Open since 10:00:00."); got != "Open since 10:00:00." {
		t.Errorf("in English it became %q", got)
	}
}
