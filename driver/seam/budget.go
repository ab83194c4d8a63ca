// SPDX-License-Identifier: Apache-2.0

package seam

import (
	"context"
	"sync"
	"time"

	"github.com/sashlock/sashlock"
)

// The rules of the budget are:
//
//  1. It fills evenly, to at most a quarter of a minute's calls.
//  2. Half of what it can hold is for orders: looking for news waits while less
//     is left, an order takes the last one.
//  3. When the cloud says how long to wait, what it said that about waits so
//     long: an order that was turned away does not stop the looking, nor the
//     other way round.

// purpose is what a call is for.
type purpose int

const (
	forNews  purpose = iota // looking how things stand
	forOrder                // somebody waits at a door
)

// budget spreads calls. It is safe for concurrent use.
type budget struct {
	rate    float64 // calls a second
	most    float64
	reserve float64

	mu    sync.Mutex
	left  float64      // guarded by mu
	at    time.Time    // guarded by mu: when left was so
	until [2]time.Time // guarded by mu: by purpose, told to wait until
}

func newBudget(perMinute int) *budget {
	most := max(float64(perMinute)/4, 6)
	return &budget{rate: float64(perMinute) / 60, most: most, reserve: most / 2, left: most, at: time.Now()}
}

// take waits until a call may be made, or until the context ends. An order that
// could only be made after its time fails at once.
func (b *budget) take(ctx context.Context, p purpose) error {
	for {
		wait := b.try(p, time.Now())
		if wait <= 0 {
			return ctx.Err()
		}
		if deadline, ok := ctx.Deadline(); ok && p == forOrder && time.Until(deadline) < wait {
			return &sashlock.Error{
				Kind: sashlock.Unavailable, Op: "calling Seam",
				Hint: "the calls of this minute are used up: raise calls_per_minute, or wait",
			}
		}
		timer := time.NewTimer(wait)
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
			return ctx.Err()
		}
	}
}

// try takes a call, or returns how long to wait before trying again.
func (b *budget) try(p purpose, now time.Time) time.Duration {
	b.mu.Lock()
	defer b.mu.Unlock()
	if passed := now.Sub(b.at).Seconds(); passed > 0 {
		b.left, b.at = min(b.left+passed*b.rate, b.most), now
	}
	if wait := b.until[p].Sub(now); wait > 0 {
		return wait
	}
	need := 1.0
	if p == forNews {
		need += b.reserve
	}
	if b.left < need {
		return time.Duration((need-b.left)/b.rate*float64(time.Second)) + time.Millisecond
	}
	b.left--
	return 0
}

// hold makes further calls of a purpose wait.
func (b *budget) hold(p purpose, wait time.Duration) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if until := time.Now().Add(wait); until.After(b.until[p]) {
		b.until[p] = until
	}
}
