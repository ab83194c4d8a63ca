// SPDX-License-Identifier: Apache-2.0

package driver

import (
	"context"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/sashlock/sashlock"
)

// What most sessions do the same way: try their gateway again, tell the sink
// what they know, and keep what is told in the order in which it was heard. A
// session is free to do it otherwise.

// Patience is how long a session waits before it tries its gateway again.
type Patience struct {
	Min    time.Duration // before the second attempt; doubles
	Max    time.Duration
	Steady time.Duration // a connection that held so long starts the pauses anew
}

// Keep serves a gateway again and again, with growing pauses, until the context
// ends. serve works on one connection until it ends and says why; up is whether
// the gateway was said to be there. lost is called for the first connection
// that fails and for each that was up.
func Keep(ctx context.Context, p Patience, serve func() (up bool, err error), lost func(error)) {
	pause, said := p.Min, false
	for {
		began := time.Now()
		up, err := serve()
		if ctx.Err() != nil {
			return
		}
		if up || !said {
			lost(err)
			said = true
		}
		if up && time.Since(began) > p.Steady {
			pause = p.Min
		}
		// Anything between half the pause and the whole, so that many stores
		// do not come back in step.
		if !Rest(ctx, pause/2+rand.N(pause/2+1)) {
			return
		}
		pause = min(2*pause, p.Max)
	}
}

// Rest waits, and returns false when the context ends first.
func Rest(ctx context.Context, d time.Duration) bool {
	wait := time.NewTimer(d)
	defer wait.Stop()
	select {
	case <-wait.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// News is one thing to tell a [Sink]. One field is set.
type News struct {
	Device  *Discovery
	Report  *Report
	Gateway *Gateway
	// Done is called once all before it was told, such as to acknowledge the
	// message it came from.
	Done func()
}

// Gateway is whether a gateway can be reached. Up with a reason means that less
// works than usual.
type Gateway struct {
	Up  bool
	Why string
}

// Tell gives a sink its news, one after the other, each until it is taken or
// final, or the context ends.
func Tell(ctx context.Context, sink Sink, told []News) {
	for _, n := range told {
		pause := 50 * time.Millisecond
		for ctx.Err() == nil {
			err := n.tell(ctx, sink)
			if err == nil || isFinal(err) {
				break
			}
			Rest(ctx, pause)
			pause = min(2*pause, 5*time.Second)
		}
	}
}

func (n News) tell(ctx context.Context, sink Sink) error {
	switch {
	case n.Device != nil:
		return sink.Found(ctx, *n.Device)
	case n.Report != nil:
		return sink.Heard(ctx, *n.Report)
	case n.Gateway != nil:
		sink.Gateway(ctx, n.Gateway.Up, n.Gateway.Why)
	case n.Done != nil:
		n.Done()
	}
	return nil
}

// isFinal reports whether a sink will answer the same however often it is told.
func isFinal(err error) bool {
	switch sashlock.KindOf(err) {
	case sashlock.Invalid, sashlock.Denied, sashlock.NotFound, sashlock.Conflict:
		return true
	}
	return false
}

// Errands brings work to the one goroutine of a session that tells the sink.
type Errands chan Errand

// Errand is work that finds news. Whoever takes it from [Errands] has to run it.
type Errand struct {
	work func() []News
	done chan struct{} // closed when the sink has taken the news
}

// Send hands work over and waits until the sink has taken what came of it. It
// gives up when ctx ends, or when link ends before the work was taken.
func (e Errands) Send(ctx, link context.Context, work func() []News) error {
	const op = "telling of an answer"
	one := Errand{work: work, done: make(chan struct{})}
	select {
	case e <- one:
	case <-link.Done():
		return &sashlock.Error{Kind: sashlock.Unavailable, Op: op, Hint: "the connection has ended", Err: link.Err()}
	case <-ctx.Done():
		return &sashlock.Error{Kind: sashlock.Unavailable, Op: op, Hint: "its time is over", Err: ctx.Err()}
	}
	select {
	case <-one.done:
		return nil
	case <-ctx.Done():
		return &sashlock.Error{Kind: sashlock.Unavailable, Op: op, Hint: "its time is over", Err: ctx.Err()}
	}
}

// Run does the work while it holds the lock, and tells the news without.
func (e Errand) Run(lock sync.Locker, tell func([]News)) {
	lock.Lock()
	told := e.work()
	lock.Unlock()
	tell(told)
	close(e.done)
}
