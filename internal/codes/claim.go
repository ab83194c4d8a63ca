// SPDX-License-Identifier: Apache-2.0

package codes

import (
	"context"
	"maps"
	"slices"
	"strconv"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/internal/store"
)

// Claims say whose the codes are that were found in slots of a lock.
type Claims map[int]sashlock.PersonID

// Fault is why one claim cannot be.
type Fault struct {
	Slot int
	Why  string // in English, marked for other languages
}

// Faults lists the claims that cannot be, in the order of the slots: no code was
// found in the slot, or the person may not open the opening of the lock now with
// a PIN alone.
func (r *Room) Faults(ctx context.Context, d sashlock.Device, claims Claims) (faults []Fault, err error) {
	var l Lock
	if err := r.Store.View(ctx, func(q store.Query) (err error) { l, err = Find(q, d.ID); return err }); err != nil {
		return nil, err
	}
	for _, slot := range slices.Sorted(maps.Keys(claims)) {
		if s, there := l.slot(slot); !there || s.Ours {
			faults = append(faults, Fault{slot, markNoCode})
		} else if _, may := mayNow(r.Hall.Book(), Holding{Person: claims[slot]}, d.Opening, r.Now()); !may {
			faults = append(faults, Fault{slot, markNoGrant})
		}
	}
	return faults, nil
}

// Adopt makes codes that were found in a lock somebody's, all of them or none:
// from then on each is kept there as long as they may open the lock, and removed
// when that ends. The error is of kind conflict when one of the claims cannot be.
func (r *Room) Adopt(ctx context.Context, by sashlock.OperatorID, d sashlock.Device, claims Claims) error {
	faults, err := r.Faults(ctx, d, claims)
	if err != nil {
		return err
	}
	if len(faults) > 0 {
		return &sashlock.Error{Kind: sashlock.Conflict, Op: "adopting code", Subject: "slot " + strconv.Itoa(faults[0].Slot), Hint: faults[0].Why}
	}
	if err := r.Credentials.Held(ctx, by, d.ID, claims); err != nil {
		return err
	}
	r.stir(d.ID, false)
	return nil
}
