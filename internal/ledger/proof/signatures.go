// SPDX-License-Identifier: Apache-2.0

package proof

import (
	"runtime"
	"sync"

	"golang.org/x/mod/sumdb/note"
)

// signatureAhead is how many signatures may be under way. It bounds memory.
const signatureAhead = 256

// signatureStream checks checkpoint signatures on all cores and hands the
// results back in the order in which they were asked for. Only the walk calls
// its methods.
type signatureStream struct {
	verifiers []note.Verifier
	work      chan *signatureCheck
	queue     []*signatureCheck // in order, oldest first
	running   sync.WaitGroup
}

// signatureCheck is one checkpoint on its way. The worker that takes it owns
// result and err until it closes done.
type signatureCheck struct {
	sealed sealed
	done   chan struct{}
	result Checkpoint
	err    error
}

// ask has the checkpoint of m checked. Workers are started on first use, for
// most walks check three signatures.
func (s *signatureStream) ask(m sealed) {
	if s.work == nil {
		s.work = make(chan *signatureCheck, signatureAhead)
		for range min(runtime.GOMAXPROCS(0), maxWorkers) {
			s.running.Go(func() {
				for c := range s.work {
					c.result, c.err = OpenCheckpoint(c.sealed.checkpoint, s.verifiers...)
					close(c.done)
				}
			})
		}
	}
	c := &signatureCheck{sealed: m, done: make(chan struct{})}
	s.queue = append(s.queue, c)
	s.work <- c // never blocks for long: the walk keeps the queue short
}

// next waits for the oldest result and returns it; nil if there is none, or if
// there are no more than keep.
func (s *signatureStream) next(keep int) *signatureCheck {
	if len(s.queue) <= keep {
		return nil
	}
	c := s.queue[0]
	s.queue = s.queue[1:]
	<-c.done
	return c
}

// stop ends the workers and waits for them.
func (s *signatureStream) stop() {
	if s.work != nil {
		close(s.work)
		s.running.Wait()
	}
}
