// SPDX-License-Identifier: Apache-2.0

package partner

import (
	"context"
	"errors"
	"math"
	"net/http"
	"time"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/driver"
)

// orderBody is an order as the contract has it.
type orderBody struct {
	Order   sashlock.CommandID `json:"order"`
	Do      sashlock.Verb      `json:"do"`
	Seconds int                `json:"seconds,omitempty"` // how long a release lasts
	Expires time.Time          `json:"expires"`
	Within  int64              `json:"within_ms"`
}

// Operate hands an order to the adapter, once, and returns when the adapter took
// it. Then the lock is read until it stands as ordered, unless its event says so
// first, until the order's time is over.
//
// Where it is not known whether the adapter took the order, because the answer was
// lost, it is not sent again: the lock is read as well.
func (s *session) Operate(ctx context.Context, o driver.Order) error {
	const op = "operating lock"
	at, l, err := s.lookup(op, o.Address)
	if err != nil {
		return err
	}
	over := &sashlock.Error{Kind: sashlock.Unavailable, Op: op, Subject: o.Address, Hint: "its time is over, or the lock is busy"}
	if ctx.Err() != nil {
		return over
	}
	select {
	case l.turn <- struct{}{}:
		defer func() { <-l.turn }()
	case <-ctx.Done():
		return over
	}
	p, err := s.expect(ctx, at, l, o)
	if err != nil {
		return err
	}
	body := orderBody{Order: o.Command, Do: o.Verb, Expires: p.until.UTC().Truncate(time.Millisecond), Within: max(time.Until(p.until).Milliseconds(), 1)}
	if o.Verb == sashlock.DoRelease {
		body.Seconds = int(math.Ceil(o.For.Seconds()))
	}
	limit, cancel := context.WithDeadline(ctx, p.until)
	defer cancel()
	_, err = s.client.ask(limit, http.MethodPost, "/v1/locks/"+l.id+"/orders", body)
	var f *failure
	if err != nil && !(errors.As(err, &f) && f.unsure) {
		s.abandon(l, p)
		return wrong(op, o.Address, err)
	}
	s.follow(at, l, p)
	return nil
}

// expect notes that the lock's next words may be about an order.
func (s *session) expect(ctx context.Context, at *link, l *lock, o driver.Order) (*pending, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	can := sashlock.Device{Capabilities: l.found.Capabilities}
	kind := sashlock.LockUnlocked
	switch {
	case s.link != at:
		return nil, &sashlock.Error{Kind: sashlock.Unavailable, Op: "operating lock", Subject: o.Address, Hint: "the adapter cannot be reached"}
	case o.Verb == sashlock.DoLock && can.Has(sashlock.CanLock):
		kind = sashlock.LockLocked
	case o.Verb == sashlock.DoUnlock && can.Has(sashlock.CanUnlock), o.Verb == sashlock.DoRelease && o.For > 0 && can.Has(sashlock.CanRelease):
	default:
		return nil, &sashlock.Error{Kind: sashlock.Denied, Op: "operating lock", Subject: o.Address, Hint: "this lock cannot " + string(o.Verb)}
	}
	until := time.Now().Add(s.pace.confirm)
	if deadline, ok := ctx.Deadline(); ok && deadline.Before(until) {
		until = deadline
	}
	l.order = &pending{command: o.Command, kind: kind, until: until}
	return l.order, nil
}

func (s *session) abandon(l *lock, p *pending) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if l.order == p {
		l.order = nil
	}
}

// follow reads a lock until it has confirmed the order, or the order's time is
// over.
func (s *session) follow(at *link, l *lock, p *pending) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.link != at || l.order != p {
		return
	}
	s.group.Go(func() {
		defer s.abandon(l, p)
		ctx, cancel := context.WithDeadline(at.ctx, p.until)
		defer cancel()
		for pause := s.pace.reread; ; pause *= 2 {
			wait := time.NewTimer(pause)
			select {
			case <-wait.C:
			case <-ctx.Done():
				wait.Stop()
				return
			}
			s.mu.Lock()
			done, heard := l.order != p, l.heard
			s.mu.Unlock()
			if done {
				return
			}
			now, asked, err := s.state(ctx, l)
			if err != nil || !asked {
				continue // until the time is over
			}
			_ = at.posts.Send(ctx, at.ctx, func() (told []news) {
				if l.heard != heard {
					return nil // it is read again
				}
				told, done = l.confirmed(now, p)
				return told
			})
			if done {
				return
			}
		}
	})
}

// state asks how a lock stands, and whether the lock itself was asked.
func (s *session) state(ctx context.Context, l *lock) (standing, bool, error) {
	ctx, cancel := context.WithTimeout(ctx, s.pace.call)
	defer cancel()
	body, err := s.client.ask(ctx, http.MethodGet, "/v1/locks/"+l.id+"/state", nil)
	if err != nil {
		return standing{}, false, err
	}
	return decodeState(body)
}

// look reads a lock and tells how it stands. The caller holds mu.
func (s *session) look(at *link, l *lock) {
	s.group.Go(func() {
		_ = s.read(at.ctx, at, l) // what cannot be read now is when it is there again
	})
}

// read asks how a lock stands and tells it as statements. Where something was
// heard of the lock meanwhile the answer may be older than that: it is asked
// again.
func (s *session) read(ctx context.Context, at *link, l *lock) error {
	for {
		s.mu.Lock()
		heard := l.heard
		s.mu.Unlock()
		now, _, err := s.state(ctx, l)
		if err != nil {
			return err
		}
		late := false
		err = at.posts.Send(ctx, at.ctx, func() []news {
			if late = l.heard != heard; late {
				return nil
			}
			return l.stands(now)
		})
		if err != nil || !late {
			return err
		}
	}
}

// Read asks how a lock stands and tells it as statements. Where the adapter cannot
// ask the lock itself it is what the lock last said.
func (s *session) Read(ctx context.Context, address string) error {
	const op = "reading lock"
	at, l, err := s.lookup(op, address)
	if err != nil {
		return err
	}
	if err := s.read(ctx, at, l); err != nil {
		return wrong(op, address, err)
	}
	return nil
}
