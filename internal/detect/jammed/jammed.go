// SPDX-License-Identifier: Apache-2.0

// Package jammed is the rule that notices a bolt that is not where it should be.
//
// # What
//
// A bolt that jams, or stops between locked and unlocked, looks shut and is not,
// or looks free and is not. Either way somebody has to go there. [Rule] finds
// the first at once, and the second when the bolt had time to arrive.
//
// # How it fits
//
// It implements [detect.Rule]. Package opening keeps what the lock last said.
//
// # Promises
//
// It ends only when the lock says that the bolt arrived: not with time, and not
// because the lock fell silent. An opening that stands open is not found for a
// bolt half way out, which is in nobody's way there.
package jammed

import (
	"time"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/internal/detect"
)

// Arrive is how long a bolt may stand between locked and unlocked before it
// counts as stopped: a motor takes seconds.
const Arrive = 10 * time.Second

const name = "jammed"

// Rule notices a bolt that is stuck. The zero value is ready to use.
type Rule struct{}

var _ detect.Rule = Rule{}

// Name returns the name of the rule.
func (Rule) Name() string { return name }

// Level says that somebody has to look at it now.
func (Rule) Level() sashlock.Level { return sashlock.Act }

// Look finds a bolt that is jammed or has stopped half way.
func (Rule) Look(f detect.Facts) detect.Finding {
	s := f.State
	switch {
	case s.Lock == sashlock.Jammed:
		return detect.Finding{Found: true, Why: "The bolt has been jammed since " + f.Clock(s.LockAt) + "; look whether it is locked."}
	case s.Lock != sashlock.Halfway, s.Position == sashlock.Open, s.Mode == sashlock.HeldUnlocked:
		return detect.Finding{}
	}
	// A bolt that is told to lock again and stops again is stuck all the same.
	_, stuck := s.Alarms[name]
	if due := s.LockAt.Add(Arrive); !stuck && f.Now.Before(due) {
		return detect.Finding{LookAgain: due}
	}
	return detect.Finding{Found: true, Why: "The bolt has stood between locked and unlocked since " + f.Clock(s.LockAt) + "; it may open to a pull."}
}
