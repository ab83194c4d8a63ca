// SPDX-License-Identifier: Apache-2.0

package seam

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sashlock/sashlock"
)

// TestBudget: over ten minutes no more calls are made than were allowed, and a
// burst of looking leaves room for orders.
func TestBudget(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const perMinute, minutes = 30, 10
		b := newBudget(perMinute)
		ctx, cancel := context.WithTimeout(t.Context(), minutes*time.Minute)
		defer cancel()
		calls := 0
		for b.take(ctx, forNews) == nil {
			calls++
			if calls%20 == 0 {
				began := time.Now()
				if err := b.take(ctx, forOrder); err != nil {
					break
				}
				if waited := time.Since(began); waited != 0 {
					t.Errorf("an order waited %v behind the looking", waited)
				}
				calls++
			}
		}
		if most := perMinute*minutes + perMinute/4; calls > most || calls < most*9/10 {
			t.Errorf("%d calls in %d minutes, want up to %d", calls, minutes, most)
		}
	})
}

// TestBudgetOfOrders: orders use it up to the last call, and one that could only
// be made too late fails at once.
func TestBudgetOfOrders(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBudget(6)
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
		defer cancel()
		began := time.Now()
		n := 0
		var err error
		for ; err == nil; n++ {
			err = b.take(ctx, forOrder)
		}
		if n != 7 || !sashlock.IsKind(err, sashlock.Unavailable) || time.Since(began) != 0 {
			t.Errorf("call %d ended with %v after %v, want the seventh, at once", n, err, time.Since(began))
		}
	})
}

// TestBudgetHolds: what Seam said about questions does not stop orders.
func TestBudgetHolds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBudget(60)
		b.hold(forNews, time.Minute)
		b.hold(forNews, time.Second) // a shorter one takes nothing back
		began := time.Now()
		if err := b.take(t.Context(), forOrder); err != nil || time.Since(began) != 0 {
			t.Errorf("an order: %v after %v", err, time.Since(began))
		}
		if err := b.take(t.Context(), forNews); err != nil || time.Since(began) != time.Minute {
			t.Errorf("a question: %v after %v, want a minute", err, time.Since(began))
		}
		b.hold(forNews, time.Hour)
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if err := b.take(ctx, forNews); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("it ended with %v", err)
		}
	})
}

func TestRetryAfter(t *testing.T) {
	now := time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)
	for text, want := range map[string]time.Duration{
		"30": 30 * time.Second, "": usualRetry, "soon": usualRetry, "0": time.Second, "-5": time.Second,
		"99999999": maxRetry, "99999999999999999999": usualRetry,
		"Sun, 22 Nov 2026 12:01:00 GMT": time.Minute,
		"Sun, 22 Nov 2026 11:01:00 GMT": time.Second,
		"Sun, 22 Nov 2099 11:01:00 GMT": maxRetry,
	} {
		if got := retryAfter(text, now); got != want {
			t.Errorf("%q: %v, want %v", text, got, want)
		}
	}
}
