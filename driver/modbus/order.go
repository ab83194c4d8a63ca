// SPDX-License-Identifier: Apache-2.0

package modbus

import (
	"context"
	"errors"
	"time"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/driver"
)

// lookup finds an opening that takes orders, and the line to it.
func (s *session) lookup(op, address string) (*door, *line, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	no := func(kind sashlock.Kind, hint string) (*door, *line, error) {
		return nil, nil, &sashlock.Error{Kind: kind, Op: op, Subject: address, Hint: hint}
	}
	if s.life.Err() != nil {
		return no(sashlock.Unavailable, "the session is closed")
	}
	for _, d := range s.doors {
		switch {
		case d.config.Address != address:
		case s.line == nil || !d.ready:
			return no(sashlock.Unavailable, "the board cannot be reached")
		default:
			return d, s.line, nil
		}
	}
	return no(sashlock.NotFound, "there is nothing with this address on the boards")
}

// Operate switches a relay. It returns when the board has taken the order; how
// the relay or the bolt stands is told as a report.
func (s *session) Operate(ctx context.Context, o driver.Order) error {
	const op = "operating relay"
	d, l, err := s.lookup(op, o.Address)
	if err != nil {
		return err
	}
	kind := sashlock.LockUnlocked
	if o.Verb == sashlock.DoLock {
		kind = sashlock.LockLocked
	}
	body, ok := d.config.order(o)
	if !ok {
		return &sashlock.Error{Kind: sashlock.Denied, Op: op, Subject: o.Address, Hint: "this board cannot " + string(o.Verb) + " it"}
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(s.life, cancel)()
	if ctx.Err() == nil {
		s.expect(ctx, d, pending{command: o.Command, kind: kind})
		_, err = l.ask(ctx, byte(d.config.Unit), body, 1)
		s.nudge(d)
	} else {
		err = ctx.Err()
	}
	if _, is := errors.AsType[refused](err); is {
		s.expect(ctx, d, pending{})
		return &sashlock.Error{Kind: sashlock.Denied, Op: op, Subject: o.Address, Hint: "the board refused: see whether it has this relay", Err: err}
	}
	if err != nil {
		return &sashlock.Error{Kind: sashlock.Unavailable, Op: op, Subject: o.Address, Hint: "the board did not confirm it", Err: err}
	}
	return nil
}

// order is what a board is told for an order; false: it cannot.
func (o Opening) order(what driver.Order) ([]byte, bool) {
	if o.Relay == nil {
		return nil, false
	}
	coil := uint16(*o.Relay)
	to := func(unlocked bool) []byte {
		if unlocked != o.Inverted {
			return question(writeCoil, coil, coilOn)
		}
		return question(writeCoil, coil, 0)
	}
	switch {
	case what.Verb == sashlock.DoUnlock:
		return to(true), true
	case what.Verb == sashlock.DoLock:
		return to(false), true
	case what.Verb != sashlock.DoRelease || what.For <= 0 || !o.pulses():
		return nil, false
	case o.FixedMS > 0:
		return to(true), true
	}
	unit := time.Duration(o.UnitMS) * time.Millisecond
	ticks := uint16(min((what.For+unit-1)/unit, 0x7fff))
	if o.Flash > 0 {
		return question(writeCoil, coil+uint16(o.Flash), ticks), true
	}
	return question(writeWord, uint16(o.Register), ticks), true
}

// expect notes that what a relay does next may be an order's doing.
func (s *session) expect(ctx context.Context, d *door, p pending) {
	p.until = time.Now().Add(10 * time.Second)
	if deadline, ok := ctx.Deadline(); ok {
		p.until = deadline
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	d.pending = p
}

// nudge has an opening looked at at once.
func (s *session) nudge(d *door) {
	select {
	case s.poke <- d:
	default: // others are looked at; it is its turn soon
	}
}

// Read looks at an opening and tells how it stands.
func (s *session) Read(ctx context.Context, address string) error {
	const op = "reading board"
	d, _, err := s.lookup(op, address)
	if err != nil {
		return err
	}
	a := asking{d, make(chan error, 1)}
	select {
	case s.asked <- a:
		select {
		case err = <-a.done:
		case <-s.life.Done():
			err = s.life.Err()
		}
	case <-ctx.Done():
		err = ctx.Err()
	case <-s.life.Done():
		err = s.life.Err()
	}
	if err != nil {
		return &sashlock.Error{Kind: sashlock.Unavailable, Op: op, Subject: address, Hint: "the board did not answer", Err: err}
	}
	return nil
}
