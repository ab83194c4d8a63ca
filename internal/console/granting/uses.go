// SPDX-License-Identifier: Apache-2.0

package granting

import (
	"context"
	"sync"
	"time"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/internal/store"
)

// lookedBack is how many granted requests are looked at to learn when a grant
// was used last. Older ones are not searched for.
const lookedBack = 2000

// uses remembers when grants were used last, as far as was looked back.
type uses struct {
	mu     sync.Mutex
	begun  bool
	next   int64     // the first entry that was not looked at
	oldest time.Time // how far back it goes; zero: to the beginning
	last   map[sashlock.GrantID]time.Time
}

// use is when a grant was used last.
type use struct {
	At    time.Time // zero: not since Since
	Since time.Time // zero: since the ledger began
}

// idle reports whether a grant was not used for a length of time, as far as is
// known.
func (u use) idle(now time.Time, d time.Duration) bool {
	if u.At.IsZero() {
		return u.Since.IsZero() || now.Sub(u.Since) >= d
	}
	return now.Sub(u.At) >= d
}

// read brings the memory up to date and returns it as it is then.
func (u *uses) read(ctx context.Context, s *store.Store) (func(sashlock.GrantID) use, error) {
	u.mu.Lock()
	defer u.mu.Unlock()
	q := store.EventQuery{Kind: string(sashlock.AccessGranted), From: u.next, Limit: lookedBack}
	q.Newest = !u.begun
	events, err := s.Events(ctx, q)
	if err != nil {
		return nil, err
	}
	if !u.begun {
		u.begun, u.last = true, map[sashlock.GrantID]time.Time{}
		if len(events) == lookedBack {
			u.oldest = events[len(events)-1].Heard
		}
	}
	for _, e := range events {
		u.next = max(u.next, e.Seq+1)
		if e.Grant != "" && e.Heard.After(u.last[e.Grant]) {
			u.last[e.Grant] = e.Heard
		}
	}
	known, oldest := make(map[sashlock.GrantID]time.Time, len(u.last)), u.oldest
	for id, at := range u.last {
		known[id] = at
	}
	return func(id sashlock.GrantID) use { return use{known[id], oldest} }, nil
}
