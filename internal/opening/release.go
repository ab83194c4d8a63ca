// SPDX-License-Identifier: Apache-2.0

package opening

import (
	"time"

	"github.com/sashlock/sashlock"
)

// Release notes that an opening was released for somebody. It is to be called
// when the release is granted, before the lock answers: an open within it is
// never forced. A release that nobody took before the next one was granted is
// recorded as not taken.
func Release(o sashlock.Opening, s sashlock.OpeningState, rel sashlock.Release, now time.Time) Outcome {
	out := Outcome{State: s}
	if s.Opening == "" {
		out.State.Opening = o.ID
	}
	if untaken(s) {
		out.Events = []sashlock.Event{notTaken(&o, s.Release, now)}
		out.News = true
	}
	out.State.Release = &rel
	out.LookAgain = lapseAt(out.State)
	return out
}

// Lapse says what becomes of a release with time: once it is over and the
// opening closed, it is gone, and recorded as not taken if it never opened. It
// is to be asked at the LookAgain of an earlier outcome; asking it sooner or
// more often does no harm.
func Lapse(o sashlock.Opening, s sashlock.OpeningState, now time.Time) Outcome {
	out := Outcome{State: s, LookAgain: lapseAt(s)}
	over := s.Release != nil && !now.Before(s.Release.Until.Add(Grace))
	if !over || s.Position == sashlock.Open {
		return out
	}
	if untaken(s) {
		out.Events = []sashlock.Event{notTaken(&o, s.Release, now)}
		out.News = true
	}
	out.State.Release = nil
	out.LookAgain = time.Time{}
	return out
}

// lapseAt is when Lapse has something to say if nothing is heard before.
func lapseAt(s sashlock.OpeningState) time.Time {
	if s.Release == nil || !s.Release.Taken.IsZero() || s.Position == sashlock.Open {
		return time.Time{} // there is none, or closing ends it
	}
	return s.Release.Until.Add(Grace)
}

// untaken reports whether a release is known not to have been used. An opening
// without a contact, or one that stood open all along, cannot tell.
func untaken(s sashlock.OpeningState) bool {
	return s.Release != nil && s.Release.Taken.IsZero() && s.Position == sashlock.Closed
}

func notTaken(o *sashlock.Opening, rel *sashlock.Release, now time.Time) sashlock.Event {
	e := base(o, sashlock.AccessNotTaken, now)
	credit(&e, rel)
	return e
}
