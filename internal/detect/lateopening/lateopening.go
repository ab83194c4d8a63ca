// SPDX-License-Identifier: Apache-2.0

// Package lateopening is the rule that notices a store which nobody opened in
// time.
//
// # What
//
// A site can say by which schedule somebody is to have come in. [Rule] finds
// that nobody had been let in when the time and its tolerance were over.
//
// # How it fits
//
// It implements [detect.Rule]. Package flow knows when somebody was let in and
// when the next time comes; it shows both at one opening of the site, where the
// alarm stands.
//
// # Promises
//
// A day on which the schedule says nothing raises nothing. Whoever is let in
// anywhere at the site clears it; nothing else does while the store is to be
// open. A store node that was off at the time raises it when it is back, as long
// as the store is still to be open.
package lateopening

import (
	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/internal/detect"
)

// Rule notices that nobody opened a store. The zero value is ready to use.
type Rule struct{}

var _ detect.Rule = Rule{}

// name is the name of the rule.
const name = "lateopening"

// Name returns the name of the rule.
func (Rule) Name() string { return name }

// Level says that somebody has to look at it now.
func (Rule) Level() sashlock.Level { return sashlock.Act }

// Look finds that nobody came in by the time they were to. An alarm that stands
// outlasts the day: the store was not opened at all then.
func (Rule) Look(f detect.Facts) detect.Finding {
	c := f.Coming
	if c == nil {
		return detect.Finding{}
	}
	_, stands := f.State.Alarms[name]
	if c.By.IsZero() || c.Came || !stands && !f.Now.Before(c.End) {
		return detect.Finding{LookAgain: c.Next}
	}
	return detect.Finding{
		Found: true, LookAgain: c.Next,
		Why: "Nobody had come in by " + f.Clock(c.By) + "; the store was to open at " + f.Clock(c.Start) + ".",
	}
}
