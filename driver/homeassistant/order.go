// SPDX-License-Identifier: Apache-2.0

package homeassistant

import (
	"context"
	"time"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/driver"
)

// Operate publishes an order. It returns when the lock has confirmed it, or
// after a moment; what the lock says later still counts until the order's time
// is over.
//
// Orders are published with quality of service 0 and never retained, whatever
// the announcement asks for: a broker must not keep one and deliver it late.
func (s *session) Operate(ctx context.Context, o driver.Order) error {
	b, topic, payload, p, err := s.expect(ctx, o)
	if err != nil {
		return err
	}
	if err := b.Publish(ctx, topic, 0, []byte(payload)); err != nil {
		s.abandon(o.Address, p)
		return err
	}
	taken := time.NewTimer(s.pace.taken)
	defer taken.Stop()
	select {
	case <-p.ended:
	case <-taken.C:
	case <-ctx.Done():
	}
	return nil
}

// expect says what to publish for an order, and notes that the lock's next
// words may be about it.
func (s *session) expect(ctx context.Context, o driver.Order) (b broker, topic, payload string, p *pending, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	d := s.devices[o.Address]
	kind, hint := sashlock.Unavailable, ""
	switch {
	case s.closed:
		hint = "the session is closed"
	case d == nil:
		kind, hint = sashlock.NotFound, "nothing announces itself under this address"
	case s.broker == nil:
		hint = "the broker cannot be reached"
	case !d.reachable():
		hint = "it has not said that it can be reached"
	case ctx.Err() != nil:
		hint = "its time is over"
	}
	if hint == "" {
		can := sashlock.Device{Capabilities: d.found.Capabilities}
		topic = d.entity.Command
		switch {
		case o.Verb == sashlock.DoUnlock && can.Has(sashlock.CanUnlock):
			payload, p = d.entity.Words.DoUnlock, &pending{kind: sashlock.LockUnlocked}
		case o.Verb == sashlock.DoLock && can.Has(sashlock.CanLock):
			payload, p = d.entity.Words.DoLock, &pending{kind: sashlock.LockLocked}
		default:
			kind, hint = sashlock.Denied, "this device cannot "+string(o.Verb)
		}
	}
	if hint != "" {
		return nil, "", "", nil, &sashlock.Error{Kind: kind, Op: "operating lock", Subject: o.Address, Hint: hint, Err: ctx.Err()}
	}
	p.command, p.until, p.ended = o.Command, time.Now().Add(s.pace.confirm), make(chan struct{})
	if deadline, ok := ctx.Deadline(); ok && deadline.Before(p.until) {
		p.until = deadline
	}
	d.fail() // another order came before the lock answered
	d.order = p
	return s.broker, topic, payload, p, nil
}

func (s *session) abandon(address string, p *pending) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if d := s.devices[address]; d != nil && d.order == p {
		d.order = nil
	}
}
