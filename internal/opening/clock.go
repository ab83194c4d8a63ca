// SPDX-License-Identifier: Apache-2.0

package opening

import (
	"time"

	"github.com/sashlock/sashlock"
)

// when settles the moment a report is about: the device's claim (timed), or
// the time of hearing and, if the claim is beyond belief, the reason. It is
// never later than the time of hearing.
func when(claim, heard time.Time) (at time.Time, timed bool, reason sashlock.Reason) {
	switch {
	case claim.IsZero():
		return heard, false, ""
	case claim.Before(heard.Add(-MaxBehind)), claim.After(heard.Add(MaxAhead)):
		return heard, false, sashlock.ClockWrong
	case claim.After(heard):
		return heard, false, ""
	}
	return claim, true, ""
}

// writable returns a claim in UTC, or zero for one outside the years that
// RFC 3339 can write and JSON therefore cannot carry.
func writable(claim time.Time) time.Time {
	if claim.IsZero() {
		return time.Time{}
	}
	u := claim.UTC()
	if y := u.Year(); y < 0 || y > 9999 {
		return time.Time{}
	}
	return u
}
