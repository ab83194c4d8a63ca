// SPDX-License-Identifier: Apache-2.0

package onvif

import (
	"context"
	"math"
	"time"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/driver"
)

// maxRelease is the longest a release is given: a day.
const maxRelease = 24 * time.Hour

// lookup finds a door and the controller it is at.
func (s *session) lookup(op, address string) (*link, *door, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	d := s.doors[address]
	wrong := func(kind sashlock.Kind, hint string) error {
		return &sashlock.Error{Kind: kind, Op: op, Subject: address, Hint: hint}
	}
	switch {
	case s.life.Err() != nil:
		return nil, nil, wrong(sashlock.Unavailable, "the session is closed")
	case d == nil:
		return nil, nil, wrong(sashlock.NotFound, "the controller has no door with this token")
	case s.link == nil:
		return nil, nil, wrong(sashlock.Unavailable, "the access controller cannot be reached")
	}
	return s.link, d, nil
}

// Operate has the controller carry out an order and returns when it has taken
// it. How the bolt then stands is told by its monitor; should that say nothing
// it is read, again and again, until the order's time is over.
func (s *session) Operate(ctx context.Context, o driver.Order) error {
	const op = "operating door"
	l, d, err := s.lookup(op, o.Address)
	if err != nil {
		return err
	}
	q, kind, err := s.callFor(l, d, o)
	if err != nil {
		return err
	}
	select {
	case d.turn <- struct{}{}:
		defer func() { <-d.turn }()
	case <-ctx.Done():
		return &sashlock.Error{Kind: sashlock.Unavailable, Op: op, Subject: o.Address, Hint: "the door is busy with other orders", Err: ctx.Err()}
	}
	p, err := s.expect(ctx, l, d, o, kind)
	if err != nil {
		return err
	}
	limit, cancel := context.WithDeadline(ctx, p.until)
	defer cancel()
	if _, err := l.caller.do(limit, q); err != nil {
		s.abandon(d, p)
		return err
	}
	s.follow(l, d, p)
	return nil
}

// callFor returns the call that carries out an order, and what the bolt's
// monitor will say.
func (s *session) callFor(l *link, d *door, o driver.Order) (call, sashlock.EventKind, error) {
	s.mu.Lock()
	can := d.info.Can
	s.mu.Unlock()
	q := call{to: l.doorAt, space: nsDoor, fields: "<p:Token>" + escape(d.token) + "</p:Token>"}
	switch {
	case o.Verb == sashlock.DoRelease && can.Access && o.For > 0:
		q.name = "AccessDoor"
		if can.AccessTime {
			seconds := math.Ceil(min(o.For, maxRelease).Seconds())
			q.fields += "<p:AccessTime>" + duration(time.Duration(seconds)*time.Second) + "</p:AccessTime>"
		}
		return q, sashlock.LockUnlocked, nil
	case o.Verb == sashlock.DoUnlock && can.Unlock:
		q.name = "UnlockDoor"
		return q, sashlock.LockUnlocked, nil
	case o.Verb == sashlock.DoLock && can.Lock:
		q.name = "LockDoor"
		return q, sashlock.LockLocked, nil
	}
	return call{}, "", &sashlock.Error{Kind: sashlock.Denied, Op: "operating door", Subject: o.Address, Hint: "this door cannot " + string(o.Verb)}
}

// expect notes that the bolt's next word may be about this order.
func (s *session) expect(ctx context.Context, l *link, d *door, o driver.Order, kind sashlock.EventKind) (*pending, error) {
	until := time.Now().Add(s.pace.confirm)
	if deadline, ok := ctx.Deadline(); ok && deadline.Before(until) {
		until = deadline
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case ctx.Err() != nil:
		return nil, &sashlock.Error{Kind: sashlock.Unavailable, Op: "operating door", Subject: o.Address, Hint: "the order's time is over", Err: ctx.Err()}
	case s.link != l:
		return nil, &sashlock.Error{Kind: sashlock.Unavailable, Op: "operating door", Subject: o.Address, Hint: "the access controller cannot be reached"}
	}
	d.order = &pending{command: o.Command, kind: kind, until: until}
	return d.order, nil
}

func (s *session) abandon(d *door, p *pending) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if d.order == p {
		d.order = nil
	}
}

// follow reads the door until its bolt has confirmed the order or the order's
// time is over. An event that confirms it ends this as well.
func (s *session) follow(l *link, d *door, p *pending) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.link != l || d.order != p || !d.info.Can.LockMonitor {
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
			done := d.order != p
			s.mu.Unlock()
			if done {
				return
			}
			_ = s.read(ctx, l, d, false) // one that fails is made again until the time is over
		}
	})
}

// Read asks the controller how a door stands and tells it as a statement.
func (s *session) Read(ctx context.Context, address string) error {
	l, d, err := s.lookup("reading door", address)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, s.pace.call)
	defer cancel()
	return s.read(ctx, l, d, true)
}
