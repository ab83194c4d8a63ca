// SPDX-License-Identifier: Apache-2.0

// Package afterhours is the rule that notices an opening open or unlocked
// while nobody is at work.
//
// # What
//
// Outside store hours an opening is to be shut. [Rule] finds one that stands
// open, or stays unlocked, and that nobody was let in to: opened with a key or
// a code in the lock, or left so when the store closed.
//
// # How it fits
//
// It implements [detect.Rule]. Package flow asks it after every report and
// again at the moment it names, and says whether the store is staffed.
//
// # Promises
//
// A site without store hours is never out of hours. A granted release is
// obeyed: the cleaner with a grant for the night raises nothing.
package afterhours

import (
	"time"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/internal/detect"
)

const (
	// Relock is how long an opening may be unlocked before it counts as left
	// so: after a visit the lock needs a moment to lock.
	Relock = time.Minute

	// every is how often to look whether store hours have begun or ended
	// meanwhile; the facts do not say when they will.
	every = 5 * time.Minute
)

// Rule notices an opening open after hours. The zero value is ready to use.
type Rule struct{}

var _ detect.Rule = Rule{}

// Name returns the name of the rule.
func (Rule) Name() string { return "afterhours" }

// Level says that somebody has to look at it now.
func (Rule) Level() sashlock.Level { return sashlock.Act }

// Look finds an opening that is open or unlocked out of hours without a
// release or a standing order.
func (Rule) Look(f detect.Facts) detect.Finding {
	s := f.State
	open := s.Position == sashlock.Open
	unlocked := s.Lock == sashlock.Unlocked || s.Lock == sashlock.Unlatched
	expected := s.Release != nil || s.Mode == sashlock.HeldUnlocked
	switch {
	case f.Staffed == detect.HoursUnknown, expected, !open && !unlocked:
		return detect.Finding{}
	case f.Staffed == detect.InHours:
		return detect.Finding{LookAgain: f.Now.Add(every)}
	case open:
		return found(f, "Open since "+f.Clock(s.PositionAt))
	}
	if due := settled(s).Add(Relock); f.Now.Before(due) {
		return detect.Finding{LookAgain: due}
	}
	return found(f, "Unlocked since "+f.Clock(s.LockAt))
}

// settled is when the opening last moved in any way.
func settled(s sashlock.OpeningState) time.Time {
	if s.PositionAt.After(s.LockAt) {
		return s.PositionAt
	}
	return s.LockAt
}

func found(f detect.Facts, what string) detect.Finding {
	return detect.Finding{
		Found:     true,
		Why:       what + ", outside store hours, with no release in force.",
		LookAgain: f.Now.Add(every),
	}
}
