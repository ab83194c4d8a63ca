// SPDX-License-Identifier: Apache-2.0

package homeassistant

import (
	"context"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/driver"
)

// news is one thing to tell the sink.
type news = driver.News

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
func (s *session) tell(told []news) { driver.Tell(s.life, s.sink, told) }

// now tells that the broker can be reached, or why not, if that is news. The
// caller holds mu.
func (s *session) now(g driver.Gateway) []news {
	if s.told != nil && *s.told == g {
		return nil
	}
	s.told = &g
	return []news{{Gateway: &g}}
}
