// SPDX-License-Identifier: Apache-2.0

package credentials

import (
	"slices"
	"time"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/internal/store"
)

// MaxAge is how old a credential of a kind may become before it is to be
// replaced; 0: as old as it likes. A PIN is seen by whoever stands behind, so it
// lasts for a quarter of a year; what is held lasts until it is worn.
func MaxAge(k sashlock.CredentialKind) time.Duration {
	const day = 24 * time.Hour
	switch k {
	case sashlock.PIN:
		return 90 * day
	case sashlock.QR:
		return 30 * day
	case sashlock.Card:
		return 3 * 365 * day
	}
	return 0
}

// SoonBefore is how long before its day a replacement is announced.
const SoonBefore = 14 * 24 * time.Hour

// Rotation is a credential that is to be replaced.
type Rotation struct {
	Credential
	Due time.Time
}

// Overdue reports whether its day has passed.
func (r Rotation) Overdue(now time.Time) bool { return !now.Before(r.Due) }

// Rotations lists the credentials whose day has passed or is near, the most
// overdue first. What is lost or has ended needs no replacement.
func Rotations(q store.Query, now time.Time) ([]Rotation, error) {
	all, err := List(q, "")
	if err != nil {
		return nil, err
	}
	return DueOf(all, now), nil
}

// DueOf are those of some credentials that [Rotations] lists.
func DueOf(all []Credential, now time.Time) (due []Rotation) {
	for _, c := range all {
		age := MaxAge(c.Kind)
		standing := c.Standing(now)
		if age == 0 || standing != sashlock.Permitted && standing != sashlock.CredentialNotYetValid {
			continue
		}
		if at := c.Made.Add(age); now.After(at.Add(-SoonBefore)) && (c.Until.IsZero() || c.Until.After(at)) {
			due = append(due, Rotation{c, at})
		}
	}
	slices.SortStableFunc(due, func(a, b Rotation) int { return a.Due.Compare(b.Due) })
	return due
}
