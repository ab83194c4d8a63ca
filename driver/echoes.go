// SPDX-License-Identifier: Apache-2.0

package driver

import (
	"slices"
	"time"

	"github.com/sashlock/sashlock"
)

// Echoes are the orders of one lock that were told when the lock was read,
// before its own word came. That word may follow, even after the next order, and
// is not told a second time. The zero value holds none.
//
// It is for gateways that tell what happened in the order in which it happened:
// once something is heard, what should have come before it was lost.
type Echoes struct {
	all []echo
}

type echo struct {
	kind  sashlock.EventKind
	until time.Time
}

// Expect notes that a lock's word of this kind may follow, until some time.
func (e *Echoes) Expect(kind sashlock.EventKind, until time.Time) {
	now := time.Now()
	e.all = append(slices.DeleteFunc(e.all, func(o echo) bool { return !now.Before(o.until) }), echo{kind, until})
}

// Heard takes note of a lock's word that may be about an order, and reports
// whether it is that of one that was told already.
func (e *Echoes) Heard(kind sashlock.EventKind) bool {
	now := time.Now()
	i := slices.IndexFunc(e.all, func(o echo) bool { return o.kind == kind && now.Before(o.until) })
	if i < 0 {
		e.all = nil
		return false
	}
	e.all = e.all[i+1:]
	return true
}

// Forget drops all of them: the connection ended, or the lock spoke of something
// that no order brought about.
func (e *Echoes) Forget() { e.all = nil }
