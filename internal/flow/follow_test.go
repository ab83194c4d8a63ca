// SPDX-License-Identifier: Apache-2.0

package flow_test

import (
	"context"
	"errors"
	"testing"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/internal/access"
	"github.com/sashlock/sashlock/internal/flow"
	"github.com/sashlock/sashlock/internal/store"
)

// What a follower has handled stays handled over a restart, and what it failed
// at comes again.
func TestEventsAfterRestartComeFromTheCursor(t *testing.T) {
	h := newHouse(t, nil)
	h.start(access.Facts{}, nil)
	h.do(func(tx *store.Tx) error {
		tx.Append(sashlock.Event{Kind: sashlock.SystemStarted})
		tx.Append(sashlock.Event{Kind: sashlock.SystemStarted})
		return nil
	})
	first := follow(h, 2, 1) // fails once at the first batch
	if len(first) != 2 || first[0] != 0 || first[1] != 1 {
		t.Fatalf("followed %v, want 0 and 1", first)
	}
	h.restart(access.Facts{}, nil)
	h.do(func(tx *store.Tx) error { tx.Append(sashlock.Event{Kind: sashlock.SystemStarted}); return nil })
	if again := follow(h, 1, 0); len(again) != 1 || again[0] != 2 {
		t.Errorf("after the restart it was shown %v, want 2 only", again)
	}
}

// follow runs a follower until it has handled n events, failing the first few
// times, and returns the numbers it handled.
func follow(h *house, n, failures int) []int64 {
	h.t.Helper()
	ctx, stop := context.WithCancel(h.t.Context())
	defer stop()
	var seen []int64
	err := flow.Follow(ctx, h.store, flow.Follower{Name: "test", Handle: func(_ context.Context, events []sashlock.Event) error {
		if failures > 0 {
			failures--
			return errors.New("not now")
		}
		for _, e := range events {
			seen = append(seen, e.Seq)
		}
		if len(seen) >= n {
			stop()
		}
		return nil
	}})
	if !errors.Is(err, context.Canceled) {
		h.t.Fatalf("following ended with %v", err)
	}
	return seen
}
