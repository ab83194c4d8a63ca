// SPDX-License-Identifier: Apache-2.0

package matter

import (
	"context"
	"errors"
	"math"
	"time"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/driver"
)

// maxRelock is the longest time a release is given: a day.
const maxRelock = 24 * 60 * 60

// Operate has the server give an order to a lock and returns when the lock has
// answered that it took it. How the bolt then stands is told by what the lock
// reports; should it say nothing it is read, again and again, until the order's
// time is over.
func (s *session) Operate(ctx context.Context, o driver.Order) error {
	const op = "operating lock"
	l, n, d, err := s.lookup(op, o.Address)
	if err != nil {
		return err
	}
	w, err := s.wayTo(n, d, o)
	if err != nil {
		return err
	}
	select {
	case d.turn <- struct{}{}:
		defer func() { <-d.turn }()
	case <-ctx.Done():
		return &sashlock.Error{Kind: sashlock.Unavailable, Op: op, Subject: o.Address, Hint: "the lock is busy with other orders", Err: ctx.Err()}
	}
	if err := s.prepare(ctx, l, n, d, w); err != nil {
		return err
	}
	p, err := s.expect(ctx, l, d, o, w.kind)
	if err != nil {
		return err
	}
	limit, cancel := context.WithDeadline(ctx, p.until)
	defer cancel()
	began := time.Now()
	if _, err := l.client.do(limit, lockCommand(d, w.command, w.payload, left(limit))); err != nil {
		s.abandon(d, p)
		return s.judge(l, n, d, err, time.Since(began))
	}
	s.follow(l, n, d, p)
	return nil
}

// way is how an order is carried out.
type way struct {
	command string
	payload any
	relock  int                // seconds the lock is set to lock again after, before the command; 0: as it is
	kind    sashlock.EventKind // what the lock will say
}

// wayTo returns how a lock carries out an order, or that it cannot.
func (s *session) wayTo(n *node, d *device, o driver.Order) (way, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	can := sashlock.Device{Capabilities: d.found.Capabilities}
	seconds := min(int(math.Ceil(o.For.Seconds())), maxRelock)
	switch {
	case o.Verb == sashlock.DoUnlock && can.Has(sashlock.CanUnlock):
		return way{command: "UnlockDoor", payload: noFields{}, kind: sashlock.LockUnlocked}, nil
	case o.Verb == sashlock.DoLock && can.Has(sashlock.CanLock):
		return way{command: "LockDoor", payload: noFields{}, kind: sashlock.LockLocked}, nil
	case o.Verb != sashlock.DoRelease || !can.Has(sashlock.CanRelease) || seconds <= 0:
	case n.state.relocksByTimeout(d.endpoint):
		return way{command: "UnlockWithTimeout", payload: timeoutField{seconds}, kind: sashlock.LockUnlocked}, nil
	default:
		w := way{command: "UnlockDoor", payload: noFields{}, kind: sashlock.LockUnlocked}
		if now, _ := n.state.number(d.endpoint, clusterDoorLock, attrRelock); now != seconds {
			w.relock = seconds
		}
		return w, nil
	}
	return way{}, &sashlock.Error{Kind: sashlock.Denied, Op: "operating lock", Subject: o.Address, Hint: "this lock cannot " + string(o.Verb)}
}

// prepare sees that an order can be carried out now or not at all. A server
// that is not punctual keeps an order for a lock that is away, and an unlock
// delivered late is a break-in: so the lock has to answer first.
func (s *session) prepare(ctx context.Context, l *link, n *node, d *device, w way) error {
	if w.relock > 0 {
		if _, err := l.client.do(ctx, writeAttribute(d.node, path{d.endpoint, clusterDoorLock, attrRelock}, w.relock)); err != nil {
			return err
		}
	}
	if l.client.punctual() {
		return nil
	}
	probe, cancel := context.WithTimeout(ctx, s.pace.probe)
	defer cancel()
	_, err := s.ask(probe, l, n, []path{d.lockState()})
	return err
}

// expect notes that the lock's next words may be about this order.
func (s *session) expect(ctx context.Context, l *link, d *device, o driver.Order, kind sashlock.EventKind) (*pending, error) {
	until := time.Now().Add(s.pace.confirm)
	if deadline, ok := ctx.Deadline(); ok && deadline.Before(until) {
		until = deadline
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case ctx.Err() != nil:
		return nil, &sashlock.Error{Kind: sashlock.Unavailable, Op: "operating lock", Subject: o.Address, Hint: "the order's time is over", Err: ctx.Err()}
	case s.link != l:
		return nil, &sashlock.Error{Kind: sashlock.Unavailable, Op: "operating lock", Subject: o.Address, Hint: "the Matter server cannot be reached"}
	}
	d.order = &pending{command: o.Command, kind: kind, until: until}
	return d.order, nil
}

func (s *session) abandon(d *device, p *pending) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if d.order == p {
		d.order = nil
	}
}

// judge says what a failed order means. What the server calls a failure differs
// from server to server, so the lock is asked: one that answers has refused.
func (s *session) judge(l *link, n *node, d *device, failed error, took time.Duration) error {
	var said *serverError
	if !errors.As(failed, &said) {
		if took >= s.pace.probe {
			s.muted(l, n) // the server said nothing in time: the lock did not answer it
		}
		return failed
	}
	if said.Code == failNotReady || said.Code == failNotResolving || said.Code == failNotThere {
		return failed
	}
	ctx, cancel := context.WithTimeout(l.ctx, s.pace.probe)
	defer cancel()
	if _, err := s.ask(ctx, l, n, []path{d.lockState()}); err != nil {
		return failed
	}
	return &sashlock.Error{
		Kind: sashlock.Denied, Op: "operating lock", Subject: d.found.Address,
		Hint: "the lock answered that it did not do it: look at the bolt", Err: said,
	}
}

// follow reads the lock until it has confirmed the order or the order's time is
// over. What it reports by itself ends this as well.
func (s *session) follow(l *link, n *node, d *device, p *pending) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.link != l || d.order != p {
		return
	}
	s.group.Go(func() {
		defer s.abandon(d, p)
		ctx, cancel := context.WithDeadline(l.ctx, p.until)
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
			done, words := d.order != p, d.words
			s.mu.Unlock()
			if done {
				return
			}
			said, err := s.ask(ctx, l, n, []path{d.lockState()})
			if err != nil {
				continue // until the time is over
			}
			_ = s.post(ctx, l, func() (told []news) {
				if words != d.words {
					return nil
				}
				told, done = d.settled(boltOf(said[d.lockState()]), p)
				return told
			})
		}
	})
}

// settle tells a state of the bolt unless an event explains it first. The
// caller holds mu.
func (s *session) settle(l *link, d *device) {
	kind, pause := d.doubt, s.pace.settle
	if kind == sashlock.LockHalfway {
		pause = s.pace.settleJam // half way, it may arrive yet
	}
	s.group.Go(func() {
		wait := time.NewTimer(pause)
		defer wait.Stop()
		select {
		case <-wait.C:
			_ = s.post(l.ctx, l, func() []news { return d.settle(kind) })
		case <-l.ctx.Done():
		}
	})
}
