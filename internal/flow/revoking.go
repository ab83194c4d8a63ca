// SPDX-License-Identifier: Apache-2.0

package flow

import (
	"time"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/internal/store"
)

// Revoking notes since when a lock of an opening holds a code that it was to
// forget, and lets the rules look at it; zero: none does.
func (h *Hall) Revoking(tx *store.Tx, id sashlock.OpeningID, since time.Time) error {
	o, known := h.working.Openings[id]
	if !known {
		return nil
	}
	s, err := tx.State(id)
	if err != nil || s.Revoking.Equal(since) {
		return err
	}
	s.Revoking = since
	return h.settle(tx, o, s)
}
