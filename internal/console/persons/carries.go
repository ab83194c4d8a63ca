// SPDX-License-Identifier: Apache-2.0

package persons

import (
	"context"
	"time"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/internal/console"
	"github.com/sashlock/sashlock/internal/credentials"
	"github.com/sashlock/sashlock/internal/shifts"
	"github.com/sashlock/sashlock/internal/store"
)

const (
	shiftDays   = 28 // for how many days shifts are looked for
	shownShifts = 4
)

// carries is what somebody presents and when they work, in short.
type carries struct {
	Good    int    // credentials that are good now
	Pending []held // in locks that still hold what is no longer good
	Keys    int    // mechanical ones that were handed out to them
	Shifts  []shift
}

// held is a slot of a lock.
type held struct {
	Name string // of the opening
	Slot int
}

// shift is when they work.
type shift struct {
	ID, Span string
	From     time.Time
	Runs     bool
}

// carry looks up what somebody presents and when they work, as far as it
// concerns whoever is signed in.
func (p pages) carry(ctx context.Context, one sashlock.Person) (c carries, err error) {
	book, who, now := p.Hall.Book(), console.Who(ctx).Operator, p.Now()
	err = p.Store.View(ctx, func(q store.Query) error {
		all, err := credentials.List(q, one.ID)
		if err != nil {
			return err
		}
		for _, each := range all {
			standing := each.Standing(now)
			if standing == sashlock.Permitted && !one.Suspended {
				c.Good++
			}
			at := book.Openings[book.Devices[each.Device].Opening]
			over := one.Suspended || standing == sashlock.CredentialLost || standing == sashlock.CredentialExpired
			if each.Device != "" && over && who.Sees(at.Site, at.Area) {
				c.Pending = append(c.Pending, held{at.Name, each.Slot})
			}
		}
		if c.Keys, err = credentials.Holds(q, one.ID); err != nil {
			return err
		}
		ahead, err := shifts.List(q, shifts.Filter{Person: one.ID, From: now, Until: now.AddDate(0, 0, shiftDays)})
		for _, s := range ahead {
			if who.At(s.Site) && len(c.Shifts) < shownShifts {
				from, until := console.LocalTime(book.Sites[s.Site], s.From), console.LocalTime(book.Sites[s.Site], s.Until)
				c.Shifts = append(c.Shifts, shift{string(s.ID), from.Format("15:04") + "–" + until.Format("15:04"), from, !s.From.After(now)})
			}
		}
		return err
	})
	return c, err
}
