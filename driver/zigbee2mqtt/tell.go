// SPDX-License-Identifier: Apache-2.0

package zigbee2mqtt

import (
	"context"
	"reflect"
	"time"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/driver"
)

// post hands work to the session's goroutine and waits until the sink has
// taken what came of it.
func (s *session) post(ctx context.Context, l *link, work func() []news) error {
	p := post{work: work, done: make(chan struct{})}
	for _, step := range []func() bool{
		func() bool {
			select {
			case l.posts <- p:
				return true
			case <-l.ctx.Done():
			case <-ctx.Done():
			}
			return false
		},
		func() bool {
			select {
			case <-p.done:
				return true
			case <-ctx.Done():
			}
			return false
		},
	} {
		if !step() {
			return &sashlock.Error{Kind: sashlock.Unavailable, Op: "telling of an answer", Hint: "the connection ended, or the time"}
		}
	}
	return nil
}

// tell gives the sink its news, one after the other, each until it is taken.
func (s *session) tell(told []news) {
	for _, n := range told {
		pause := 50 * time.Millisecond
		for s.life.Err() == nil {
			err := s.tellOne(n)
			if err == nil || isFinal(err) {
				break
			}
			wait := time.NewTimer(pause)
			select {
			case <-wait.C:
			case <-s.life.Done():
				wait.Stop()
			}
			pause = min(2*pause, 5*time.Second)
		}
	}
}

func (s *session) tellOne(n news) error {
	switch {
	case n.device != nil:
		return s.sink.Found(s.life, *n.device)
	case n.report != nil:
		return s.sink.Heard(s.life, *n.report)
	case n.done != nil:
		n.done()
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

func same(a, b driver.Discovery) bool { return reflect.DeepEqual(a, b) }
