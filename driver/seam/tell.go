// SPDX-License-Identifier: Apache-2.0

package seam

import (
	"context"
	"time"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/driver"
)

// news is one thing to tell the sink.
type news struct {
	gateway *gateway
	device  *driver.Discovery
	report  *driver.Report
}

// gateway is whether the cloud can be reached. Up with a reason means that less
// works than usual.
type gateway struct {
	up  bool
	why string
}

// post runs work under mu and tells the sink what it returns, before anything
// that is posted later. It returns nil when the sink has taken all of it.
func (s *session) post(ctx context.Context, work func() []news) error {
	const op = "telling of an answer"
	select {
	case s.mouth <- struct{}{}:
		defer func() { <-s.mouth }()
	case <-ctx.Done():
		return &sashlock.Error{Kind: sashlock.Unavailable, Op: op, Hint: "its time is over", Err: ctx.Err()}
	case <-s.life.Done():
	}
	if s.life.Err() == nil {
		s.mu.Lock()
		told := work()
		s.mu.Unlock()
		s.tell(told)
	}
	if s.life.Err() != nil {
		return &sashlock.Error{Kind: sashlock.Unavailable, Op: op, Hint: "the session is closed"}
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
	case n.gateway != nil:
		s.sink.Gateway(s.life, n.gateway.up, n.gateway.why)
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

// now tells that the cloud can be reached, or why not, if that is news. The
// caller holds mu.
func (s *session) now(g gateway) []news {
	if s.told != nil && *s.told == g {
		return nil
	}
	s.told = &g
	return []news{{gateway: &g}}
}
