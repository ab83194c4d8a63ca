// SPDX-License-Identifier: Apache-2.0

// Package revocation is the rule that notices a lock which does not forget.
//
// # What
//
// A lock that holds PINs opens with them by itself. When one is to be gone, the
// lock has to say that it forgot it. [Rule] finds that it has not, for longer than
// the site allows.
//
// # How it fits
//
// It implements [detect.Rule]. Room codes tells the locks, and notes at the opening
// since when the oldest such code is still there.
//
// # Promises
//
// Sent is not gone: only the lock's own word ends it. The time counts from when
// the code was to be gone, also over a restart and while the lock is offline.
package revocation

import (
	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/internal/detect"
)

// Rule notices a lock that does not forget a code. The zero value is ready to use.
type Rule struct{}

var _ detect.Rule = Rule{}

// Name returns the name of the rule.
func (Rule) Name() string { return "revocation" }

// Level says that somebody has to look at it now.
func (Rule) Level() sashlock.Level { return sashlock.Act }

// Look finds that a lock holds a code for too long that it was to forget.
func (Rule) Look(f detect.Facts) detect.Finding {
	since := f.State.Revoking
	if since.IsZero() {
		return detect.Finding{}
	}
	within := f.Within
	if within == 0 {
		within = sashlock.RevokeWithin
	}
	due := since.Add(within)
	if f.Now.Before(due) {
		return detect.Finding{LookAgain: due}
	}
	return detect.Finding{
		Found: true,
		Why:   "A lock here was to forget a code at " + f.Clock(since) + " and has not confirmed it; it was to be gone by " + f.Clock(due) + ".",
	}
}
