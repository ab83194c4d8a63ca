// SPDX-License-Identifier: Apache-2.0

// Package downgraded is the rule that notices a device whose protection is gone.
//
// # What
//
// A reader that has a key and answers in clear, with another key, or with the key
// that every reader leaves the factory with, is not believed by its driver. That
// may be a reader somebody set back, and it may be somebody on its cable. [Rule]
// has people look.
//
// # How it fits
//
// It implements [detect.Rule]. Package opening keeps which devices of an opening
// are not believed, and since when.
//
// # Promises
//
// One alarm for as long as it lasts, however often the driver says so. It ends
// only when the device is protected again as it has to be, or is no longer there.
package downgraded

import (
	"fmt"
	"time"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/internal/detect"
)

// Rule notices devices that are not believed. The zero value is ready to use.
type Rule struct{}

var _ detect.Rule = Rule{}

// Name returns the name of the rule.
func (Rule) Name() string { return "downgraded" }

// Level says that somebody has to look at it now.
func (Rule) Level() sashlock.Level { return sashlock.Act }

// Look finds that a device of an opening is not believed.
func (Rule) Look(f detect.Facts) detect.Finding {
	var since time.Time
	for _, at := range f.State.Downgraded {
		if since.IsZero() || at.Before(since) {
			since = at
		}
	}
	who := "A reader or device here has answered without the protection that it has to have"
	switch n := len(f.State.Downgraded); {
	case n == 0:
		return detect.Finding{}
	case n > 1:
		who = fmt.Sprintf("%d readers or devices here have answered without the protection that they have to have", n)
	}
	return detect.Finding{Found: true, Why: who + " since " + f.Clock(since) +
		", and nothing from there is believed. Look whether somebody was at the device or its cable before it is given a key again."}
}
