// SPDX-License-Identifier: Apache-2.0

package flow

import (
	"context"
	"time"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/internal/store"
)

// Follower reads the ledger by its numbers, at its own pace, after the commit.
type Follower struct {
	// Name is the name of the cursor under which its place is kept.
	Name string
	// Handle works on events in order. Events come again after a failure or a
	// crash, so it must bear seeing one twice.
	Handle func(ctx context.Context, events []sashlock.Event) error
}

// followBatch is the most events a follower is shown at once.
const followBatch = 500

// Follow feeds the ledger to a follower until the context ends, keeping its
// place in the database. After an error it waits a little and shows the same
// events again.
func Follow(ctx context.Context, s *store.Store, f Follower) error {
	next, err := s.Cursor(ctx, f.Name)
	if err != nil {
		return err
	}
	news, stop := s.Subscribe()
	defer stop()
	for {
		events, err := s.Events(ctx, store.EventQuery{From: next, Limit: followBatch})
		if err == nil && len(events) > 0 {
			if err = f.Handle(ctx, events); err == nil {
				next = events[len(events)-1].Seq + 1
				err = s.SaveCursor(context.WithoutCancel(ctx), f.Name, next) // handled is handled, also when we are stopping
			}
		}
		if err == nil && len(events) == followBatch {
			continue
		}
		if !await(ctx, news, err) {
			return context.Cause(ctx)
		}
	}
}

// await waits for news, or after a failure for a second; false when the context
// has ended.
func await(ctx context.Context, news <-chan struct{}, failure error) bool {
	var retry <-chan time.Time
	if failure != nil {
		timer := time.NewTimer(time.Second)
		defer timer.Stop()
		retry, news = timer.C, nil
	}
	select {
	case <-ctx.Done():
		return false
	case <-news:
		return true
	case <-retry:
		return true
	}
}

// RunTicks looks again at openings whenever their moment comes, until the
// context ends. It reads the clock again at least once a second, because the
// machine's clock may be set.
func (h *Hall) RunTicks(ctx context.Context, report func(error)) {
	news, stop := h.store.Subscribe()
	defer stop()
	for ctx.Err() == nil {
		next, err := h.Tick(ctx)
		if err != nil && ctx.Err() == nil {
			report(err)
		}
		wait := time.Second
		if !next.IsZero() {
			wait = min(wait, max(next.Sub(h.now()), time.Millisecond))
		}
		timer := time.NewTimer(wait)
		select {
		case <-ctx.Done():
		case <-timer.C:
		case <-news:
		}
		timer.Stop()
	}
}
