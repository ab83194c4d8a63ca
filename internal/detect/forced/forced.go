// SPDX-License-Identifier: Apache-2.0

// Package forced is the rule that notices an opening broken open, or one of
// its devices tampered with.
//
// # What
//
// That an opening was forced is a matter of one report and is settled by
// package opening: it opened while its lock said locked and nobody had been
// let in. That a device was tampered with is what the device itself says.
// [Rule] makes both known.
//
// # How it fits
//
// It implements [detect.Rule]. Package flow asks it after every report; it
// never needs to be asked again by itself.
//
// # Promises
//
// It finds nothing that the state of the opening does not say, and no longer
// finds what is over: an opening closed again, a cover closed again. The alarm
// stays in the list until somebody has seen it.
package forced

import (
	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/internal/detect"
)

// Rule notices force and tampering. The zero value is ready to use.
type Rule struct{}

var _ detect.Rule = Rule{}

// Name returns the name of the rule.
func (Rule) Name() string { return "forced" }

// Level says that somebody has to look at it now.
func (Rule) Level() sashlock.Level { return sashlock.Act }

// Look finds an opening that was forced or tampered with.
func (Rule) Look(f detect.Facts) detect.Finding {
	const tampered = "a device here says that it was tampered with"
	switch s := f.State; {
	case s.Forced && s.Tampered:
		return detect.Finding{Found: true, Why: opened(f) + ", and " + tampered + "."}
	case s.Forced:
		return detect.Finding{Found: true, Why: opened(f) + "."}
	case s.Tampered:
		return detect.Finding{Found: true, Why: "A" + tampered[1:] + "."}
	}
	return detect.Finding{}
}

func opened(f detect.Facts) string {
	s := f.State
	text := "Opened at " + f.Clock(s.PositionAt) + " while its lock said locked"
	if s.Lock == sashlock.Locked && !s.LockAt.After(s.PositionAt) {
		text += " (since " + f.Clock(s.LockAt) + ")"
	}
	return text + " and no release was in force"
}
