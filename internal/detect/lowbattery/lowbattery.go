// SPDX-License-Identifier: Apache-2.0

// Package lowbattery is the rule that notices a battery that is nearly empty.
//
// # What
//
// A lock without power does not open for anybody who asks, and says nothing more.
// [Rule] has somebody change its battery before that.
//
// # How it fits
//
// It implements [detect.Rule]. Package opening keeps which devices of an opening
// have such a battery. That a battery will be empty in two weeks is foretold by
// package battery, and is no alarm.
//
// # Promises
//
// One alarm for an opening, however many of its batteries are low, and however
// often they say so.
package lowbattery

import (
	"fmt"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/internal/detect"
)

// Rule notices a battery that is nearly empty. The zero value is ready to use.
type Rule struct{}

var _ detect.Rule = Rule{}

// Name returns the name of the rule.
func (Rule) Name() string { return "lowbattery" }

// Level says that somebody has to look at it this shift.
func (Rule) Level() sashlock.Level { return sashlock.Look }

// Look finds that a device of an opening has a battery that is nearly empty.
func (Rule) Look(f detect.Facts) detect.Finding {
	lowest := 100
	for _, level := range f.State.LowBattery {
		lowest = min(lowest, level)
	}
	switch n := len(f.State.LowBattery); n {
	case 0:
		return detect.Finding{}
	case 1:
		return detect.Finding{Found: true, Why: fmt.Sprintf("The battery of a device here is down to %d %%; change it before the device stops.", lowest)}
	default:
		return detect.Finding{Found: true, Why: fmt.Sprintf("The batteries of %d devices here are nearly empty, the lowest at %d %%; change them before the devices stop.", n, lowest)}
	}
}
