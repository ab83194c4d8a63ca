// SPDX-License-Identifier: Apache-2.0

package store

import (
	"context"
	"runtime"
	"sync"
	"sync/atomic"

	"github.com/sashlock/sashlock"
)

// The states of a request.
const (
	waiting   = iota // in the queue
	taken            // the writer has it: only the writer ends it
	abandoned        // its caller gave up while it was waiting
)

// request is a job on its way through the writer.
type request struct {
	job   func(*Tx) error
	vital bool
	state atomic.Int32
	done  chan struct{}

	// Set by the writer before it signals done.
	receipt Receipt
	err     error
}

// requests are used again: at full load there are as many each second as there
// are events.
var requests = sync.Pool{New: func() any { return &request{done: make(chan struct{}, 1)} }}

// queue is the line before the writer.
type queue struct {
	mu     sync.Mutex
	line   []*request
	closed bool
	ready  chan struct{} // holds a token while there may be something in line
}

// push puts r in line and reports false if the store is closing.
func (q *queue) push(r *request) bool {
	q.mu.Lock()
	if q.closed {
		q.mu.Unlock()
		return false
	}
	q.line = append(q.line, r)
	first := len(q.line) == 1
	q.mu.Unlock()
	if first {
		q.wake()
	}
	return true
}

func (q *queue) wake() {
	select {
	case q.ready <- struct{}{}:
	default:
	}
}

// take moves up to limit requests from the line to into.
func (q *queue) take(into []*request, limit int) []*request {
	q.mu.Lock()
	n := min(limit, len(q.line))
	into = append(into, q.line[:n]...)
	rest := copy(q.line, q.line[n:])
	clear(q.line[rest:])
	q.line = q.line[:rest]
	q.mu.Unlock()
	if rest > 0 {
		q.wake()
	}
	return into
}

// patience is how often gather looks in vain before it gives up.
const patience = 16

// gather lets those who were just told come back, so that they share the next
// commit with those who are in line already: otherwise the callers would split
// into two halves that take turns, with half the entries in each commit. It
// returns when all have come, or when no more do.
func (q *queue) gather(told int) {
	have := q.waiting()
	want := have + told
	for vain := 0; have < want && vain < patience; vain++ {
		runtime.Gosched()
		if now := q.waiting(); now > have {
			have, vain = now, 0
		}
	}
}

// waiting returns how many are in line.
func (q *queue) waiting() int {
	q.mu.Lock()
	defer q.mu.Unlock()
	return len(q.line)
}

// close refuses whatever comes later.
func (q *queue) close() {
	q.mu.Lock()
	q.closed = true
	q.mu.Unlock()
}

// Do queues job for the one writer and returns when what it did is durable and
// sealed. The job runs in the writer's goroutine: it must be quick and must not
// wait for another job. If it returns an error, nothing of it remains and Do
// returns that error.
//
// The context bounds the waiting in line only; once the job runs, Do waits for
// its end. An Unavailable error after that means that the job was not
// acknowledged; if the connection was lost in the very commit, it may have been
// recorded all the same.
func (s *Store) Do(ctx context.Context, job func(*Tx) error) (Receipt, error) {
	return s.submit(ctx, job, false)
}

// DoVital is [Store.Do] for what must be recorded even when the database cannot
// be written: the emergency journal stands in, and then the SQL half of the Tx
// can read but not write. The job may be run a second time after a failed
// commit, so it must not keep anything of the first.
func (s *Store) DoVital(ctx context.Context, job func(*Tx) error) (Receipt, error) {
	return s.submit(ctx, job, true)
}

func (s *Store) submit(ctx context.Context, job func(*Tx) error, vital bool) (Receipt, error) {
	if s.opts.ReadOnly {
		return Receipt{Last: -1}, &sashlock.Error{Kind: sashlock.Denied, Op: "writing", Hint: "the store was opened for reading"}
	}
	r := requests.Get().(*request)
	r.job, r.vital = job, vital
	r.state.Store(waiting)
	if !s.queue.push(r) {
		return Receipt{Last: -1}, &sashlock.Error{Kind: sashlock.Unavailable, Op: "writing", Hint: "sashlock is shutting down"}
	}
	select {
	case <-r.done:
	case <-ctx.Done():
		if r.state.CompareAndSwap(waiting, abandoned) {
			// The writer still holds r and drops it, so it is not used again.
			return Receipt{Last: -1}, &sashlock.Error{Kind: sashlock.Unavailable, Op: "waiting for the writer", Hint: "the caller gave up before it was this job's turn; nothing was done", Err: context.Cause(ctx)}
		}
		<-r.done
	}
	receipt, err := r.receipt, r.err
	*r = request{done: r.done}
	requests.Put(r)
	return receipt, err
}

// end hands the outcome to the caller.
func (r *request) end(receipt Receipt, err error) {
	r.receipt, r.err = receipt, err
	if err != nil {
		r.receipt = Receipt{Last: -1}
	}
	r.done <- struct{}{}
}
