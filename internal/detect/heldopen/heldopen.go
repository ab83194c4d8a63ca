// SPDX-License-Identifier: Apache-2.0

// Package heldopen is the rule that notices an opening standing open for
// longer than it may.
//
// # What
//
// An opening has an open time: how long it may stand open. When it is over and
// the contact has not said closed, [Rule] finds it. That somebody stands beside
// it is no excuse; that is what sets it apart from unattended.
//
// # How it fits
//
// It implements [detect.Rule]. Package flow asks it after every report and
// again at the moment it names.
//
// # Promises
//
// It finds nothing for an opening whose open time is 0, and nothing before the
// open time is over.
package heldopen

import (
	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/internal/detect"
)

// Rule notices an opening held open. The zero value is ready to use.
type Rule struct{}

var _ detect.Rule = Rule{}

// Name returns the name of the rule.
func (Rule) Name() string { return "heldopen" }

// Level says that somebody has to look at it this shift.
func (Rule) Level() sashlock.Level { return sashlock.Look }

// Look finds an opening that has stood open for its open time.
func (Rule) Look(f detect.Facts) detect.Finding {
	if f.Opening.OpenTime <= 0 || f.State.Position != sashlock.Open {
		return detect.Finding{}
	}
	due := f.State.PositionAt.Add(f.Opening.OpenTime)
	if f.Now.Before(due) {
		return detect.Finding{LookAgain: due}
	}
	return detect.Finding{
		Found: true,
		Why:   "Open since " + f.Clock(f.State.PositionAt) + "; it was to be closed by " + f.Clock(due) + ".",
	}
}
