// SPDX-License-Identifier: Apache-2.0

package opening

import "github.com/sashlock/sashlock"

// Replay rebuilds how an opening stands from its events, in the order of the
// ledger: lock and position with their times, tampered and forced. It is how
// the state in the tables is checked against the ledger; the rest of the state
// (presence, reach, releases, numbers) is not rebuilt. Events of other
// openings and late reports change nothing.
func Replay(id sashlock.OpeningID, events []sashlock.Event) sashlock.OpeningState {
	s := sashlock.OpeningState{Opening: id}
	for i := range events {
		e := &events[i]
		if e.Opening != id || e.Reason == sashlock.ReportLate {
			continue
		}
		replay(&s, e)
	}
	return s
}

func replay(s *sashlock.OpeningState, e *sashlock.Event) {
	at, _, _ := when(e.At, e.Heard)
	switch e.Kind {
	case sashlock.LockLocked:
		setLock(s, sashlock.Locked, at)
	case sashlock.LockUnlocked:
		setLock(s, sashlock.Unlocked, at)
	case sashlock.LockUnlatched:
		setLock(s, sashlock.Unlatched, at)
	case sashlock.LockWasJammed:
		setLock(s, sashlock.Jammed, at)
	case sashlock.LockHalfway:
		setLock(s, sashlock.Halfway, at)
	case sashlock.OpeningOpened:
		s.Position, s.PositionAt = sashlock.Open, at
	case sashlock.OpeningForced:
		s.Forced = true
	case sashlock.OpeningClosed:
		setClosed(s, at)
	case sashlock.DeviceTampered:
		s.Tampered = true
	case sashlock.TamperCleared:
		s.Tampered = false
	}
}
