// SPDX-License-Identifier: Apache-2.0

// Package unattended is the rule that notices an opening standing open with
// nobody there.
//
// # What
//
// A served customer is a person at an open case; an open case with nobody at
// it is a loss about to happen. [Rule] finds an opening that stands open and
// where nobody has been seen for the time set for it.
//
// # How it fits
//
// It implements [detect.Rule]. Package flow asks it after every report and
// again at the moment it names: that nobody came is the absence of a report.
//
// # Promises
//
// It finds nothing for an opening whose unattended time is 0. Opening it
// counts as being there, so it never finds one earlier than that time after
// it was opened. A presence sensor that fell silent is not believed for ever.
package unattended

import (
	"time"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/internal/detect"
)

// Believed is how long a sensor that saw somebody, and has not said since
// whether they are still there, is taken at its word. A sensor whose last
// report was lost would otherwise keep the rule silent for ever.
const Believed = 15 * time.Minute

// Rule notices an opening left open. The zero value is ready to use.
type Rule struct{}

var _ detect.Rule = Rule{}

// Name returns the name of the rule.
func (Rule) Name() string { return "unattended" }

// Level says that somebody has to look at it now.
func (Rule) Level() sashlock.Level { return sashlock.Act }

// Look finds an opening that stands open with nobody there.
func (Rule) Look(f detect.Facts) detect.Finding {
	if f.Opening.Unattended <= 0 || f.State.Position != sashlock.Open {
		return detect.Finding{}
	}
	due := attended(f.State).Add(f.Opening.Unattended)
	if f.State.Present {
		due = f.State.Presence.Add(max(Believed, f.Opening.Unattended))
	}
	if f.Now.Before(due) {
		return detect.Finding{LookAgain: due}
	}
	return detect.Finding{Found: true, Why: why(f)}
}

// attended is the last moment at which somebody was there for certain: when it
// was opened, when the release was taken, or when a sensor saw somebody.
func attended(s sashlock.OpeningState) time.Time {
	last := s.PositionAt
	if s.Presence.After(last) {
		last = s.Presence
	}
	if s.Release != nil && s.Release.Taken.After(last) {
		last = s.Release.Taken
	}
	return last
}

// why says what makes the rule believe that nobody is there.
func why(f detect.Facts) string {
	s := f.State
	text := "Open since " + f.Clock(s.PositionAt)
	switch {
	case s.Present:
		text += "; the sensor that saw somebody has been silent since " + f.Clock(s.Presence)
	case s.Presence.After(s.PositionAt):
		text += "; nobody seen there since " + f.Clock(s.Presence)
	default:
		text += "; nobody seen there since it was opened"
	}
	switch {
	case s.Release == nil:
		text += ", and no release was in force"
	case f.Now.After(s.Release.Until):
		text += ", and the release ended at " + f.Clock(s.Release.Until)
	}
	return text + "."
}
