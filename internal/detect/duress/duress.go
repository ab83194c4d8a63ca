// SPDX-License-Identifier: Apache-2.0

// Package duress is the rule that calls for help when somebody was forced to
// open.
//
// # What
//
// A person who is forced presents a credential that says so: the PIN whose last
// digit is one higher. The opening opens as ever, so that nobody at it can
// tell, and [Rule] finds that it did.
//
// # How it fits
//
// It implements [detect.Rule]. Package flow notes in the state of the opening
// when somebody was last let in under duress; this rule looks at nothing else.
// Whoever shows alarms keeps them away from the opening itself: no sound, no
// light, no text there.
//
// # Promises
//
// It stands for an hour after the last time, whatever is closed or locked
// meanwhile: that the door is shut again does not mean that the person is safe.
// Its sentence names nobody.
package duress

import (
	"time"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/internal/detect"
)

// Stands is for how long the alarm stands after somebody was let in under
// duress.
const Stands = time.Hour

// Rule notices that somebody was forced to open. The zero value is ready to
// use.
type Rule struct{}

var _ detect.Rule = Rule{}

// Name returns the name of the rule.
func (Rule) Name() string { return "duress" }

// Level says that somebody has to look at it now.
func (Rule) Level() sashlock.Level { return sashlock.Act }

// Look finds an opening where somebody was let in under duress.
func (Rule) Look(f detect.Facts) detect.Finding {
	at := f.State.Duress
	if at.IsZero() || !f.Now.Before(at.Add(Stands)) {
		return detect.Finding{}
	}
	return detect.Finding{
		Found:     true,
		Why:       "Somebody was let in at " + f.Clock(at) + " with a credential that says they are being forced. Nothing at the opening shows it: call for help, and do not call the opening.",
		LookAgain: at.Add(Stands),
	}
}
