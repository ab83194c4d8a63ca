// SPDX-License-Identifier: Apache-2.0

package sim

import (
	"context"
	"sync"
	"time"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/driver"
)

const (
	// maxQueue is how many messages wait for a slow sink. Beyond it the
	// session behaves as a radio does whose memory is full: it starts afresh
	// and tells how everything stands.
	maxQueue = 10_000
	// firstRetry and lastRetry are the pauses before a message that the sink
	// refused is offered again.
	firstRetry = 5 * time.Millisecond
	lastRetry  = time.Second
)

// session is one driver session on a world. Its queue is filled under the
// world's lock, so that all sessions hear the same things in the same order.
type session struct {
	world *World
	sink  driver.Sink
	ctx   context.Context // ends at Close
	end   context.CancelFunc
	done  chan struct{} // closed when the sink is called no more

	mu    sync.Mutex
	queue []message     // guarded by mu
	wake  chan struct{} // holds one token while the queue has news
}

// message is one call of the sink.
type message struct {
	found   *driver.Discovery
	report  *driver.Report
	gateway bool // a word about the gateway
	up      bool
	why     string
}

func newSession(w *World, sink driver.Sink) *session {
	ctx, end := context.WithCancel(context.Background())
	return &session{
		world: w, sink: sink, ctx: ctx, end: end,
		done: make(chan struct{}), wake: make(chan struct{}, 1),
	}
}

// Close ends the session and the call of the sink that is under way.
func (s *session) Close() error {
	s.world.detach(s)
	s.end()
	<-s.done
	return nil
}

// push queues messages and reports whether there was room for them. There
// always is in an empty queue.
func (s *session) push(messages ...message) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.queue) > 0 && len(s.queue)+len(messages) > maxQueue {
		return false
	}
	s.queue = append(s.queue, messages...)
	select {
	case s.wake <- struct{}{}:
	default:
	}
	return true
}

// clear drops what waits.
func (s *session) clear() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.queue = nil
}

// pop returns the oldest message.
func (s *session) pop() (message, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.queue) == 0 {
		return message{}, false
	}
	m := s.queue[0]
	s.queue = s.queue[1:]
	return m, true
}

// run hands the queue to the sink until the session is closed.
func (s *session) run() {
	defer close(s.done)
	for {
		m, ok := s.pop()
		if !ok {
			select {
			case <-s.wake:
				continue
			case <-s.ctx.Done():
				return
			}
		}
		if !s.deliver(m) {
			return
		}
	}
}

// deliver hands one message to the sink, again and again until it is taken. It
// returns false when the session was closed.
func (s *session) deliver(m message) bool {
	for pause := firstRetry; ; pause = min(2*pause, lastRetry) {
		if s.ctx.Err() != nil {
			return false
		}
		if s.call(m) == nil {
			return true
		}
		select {
		case <-time.After(pause):
		case <-s.ctx.Done():
			return false
		}
	}
}

func (s *session) call(m message) error {
	switch {
	case m.found != nil:
		return s.sink.Found(s.ctx, *m.found)
	case m.report != nil:
		return s.sink.Heard(s.ctx, *m.report)
	default:
		s.sink.Gateway(s.ctx, m.up, m.why)
		return nil
	}
}

// Operate carries out an order: see [driver.Operator].
func (s *session) Operate(ctx context.Context, order driver.Order) error {
	if err := s.ended(ctx, "operating", order.Address); err != nil {
		return err
	}
	return s.world.operate(order)
}

// Read asks a device how it stands: see [driver.Reader].
func (s *session) Read(ctx context.Context, address string) error {
	if err := s.ended(ctx, "reading", address); err != nil {
		return err
	}
	return s.world.read(s, address)
}

// ended returns an error when the session was closed or the caller's time is
// over.
func (s *session) ended(ctx context.Context, op, address string) error {
	if s.ctx.Err() != nil {
		return refuse(sashlock.Unavailable, op, address, "the session is closed", nil)
	}
	if err := ctx.Err(); err != nil {
		return refuse(sashlock.Unavailable, op, address, "there was no time left", err)
	}
	return nil
}

func refuse(kind sashlock.Kind, op, address, hint string, cause error) error {
	return &sashlock.Error{Kind: kind, Op: op, Subject: address, Hint: hint, Err: cause}
}
