// SPDX-License-Identifier: Apache-2.0

package signin

import (
	"time"

	"github.com/sashlock/sashlock"
)

// Assurance is how surely a request made in the session comes from the person
// who signed in: a passkey used moments ago is the person's own device unlocked
// by them; a session that began with one is their device, like a card they
// hold; everything else is something known.
func (s Session) Assurance(now time.Time) sashlock.Assurance {
	strong := func(means string) bool { return means == ByPasskey || means == BySSOStrong || means == ByDemo }
	switch {
	case strong(s.By) && s.Fresh(now):
		return sashlock.AssurancePasskey
	case strong(s.By) || strong(s.Means):
		return sashlock.AssuranceCard
	default:
		return sashlock.AssuranceCode
	}
}
