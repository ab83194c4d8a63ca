// SPDX-License-Identifier: Apache-2.0

package flow

import (
	"slices"
	"time"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/internal/lang"
	"github.com/sashlock/sashlock/internal/store"
)

// The rules of an opening on trial are:
//
//   - Another system has its lock. Whatever is decided here is recorded with all
//     that goes with it, and no command is made: that is held in one place,
//     [Hall.queue], and once more by the gate in front of every driver.
//   - A granted request counts as a release for the record. Whether somebody
//     then passes shows what the other system did.
//   - It cannot be held unlocked from here. What else orders say is decided by.
//   - It begins when no command is under way, and nothing stays owed: a lock
//     that was to be told to lock again is the other system's from then on.
//   - When it ends nothing moves: the next request is the first that may.

// cutOver records which openings an edit puts on trial or into force, and has
// what was owed to their locks come to an end.
func (h *Hall) cutOver(tx *store.Tx, before *Book, by sashlock.OperatorID, e Edit) error {
	for _, o := range e.Access.Put.Openings {
		was, known := before.Openings[o.ID]
		if known && was.Trial == o.Trial || !known && !o.Trial {
			continue
		}
		kind := sashlock.TrialEnded
		if o.Trial {
			kind = sashlock.TrialBegan
			if err := h.letGo(tx, was); err != nil {
				return err
			}
		}
		tx.Append(sashlock.Event{Kind: kind, Site: o.Site, Opening: o.ID, Subject: string(o.ID), Operator: by})
	}
	return nil
}

// letGo ends what is owed to the lock of an opening that comes to be on trial.
func (h *Hall) letGo(tx *store.Tx, o sashlock.Opening) error {
	if o.ID == "" {
		return nil // it is declared together with its trial
	}
	moving, err := tx.OpenCommands(o.ID)
	if err != nil {
		return err
	}
	if len(moving) > 0 {
		return &sashlock.Error{Kind: sashlock.Conflict, Op: "putting opening on trial", Subject: o.Slug, Hint: lang.Mark("its lock is moving: try again in ten seconds")}
	}
	s, err := tx.State(o.ID)
	if err != nil {
		return err
	}
	s.Orders = slices.DeleteFunc(s.Orders, func(order sashlock.Order) bool {
		held := order.Mode == sashlock.HeldUnlocked
		if held {
			tx.Append(sashlock.Event{Kind: sashlock.ModeWithdrawn, Site: o.Site, Opening: o.ID, Subject: order.Source, Why: "it is on trial: nothing is sent to its lock"})
		}
		return held
	})
	s = h.rank(tx, o, s)
	s = owed(s, time.Time{})
	return h.settle(tx, h.working.Openings[o.ID], s)
}
