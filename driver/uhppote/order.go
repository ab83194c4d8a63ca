// SPDX-License-Identifier: Apache-2.0

package uhppote

import (
	"context"
	"errors"
	"time"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/driver"
)

const (
	mostDelay = 255    // seconds that a controller can keep a door unlocked
	mostCards = 20_000 // that are listed
)

// lookup finds a door that takes orders.
func (s *session) lookup(op, at string) (*controller, int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	no := func(kind sashlock.Kind, hint string) (*controller, int, error) {
		return nil, 0, &sashlock.Error{Kind: kind, Op: op, Subject: at, Hint: hint}
	}
	if s.life.Err() != nil {
		return no(sashlock.Unavailable, "the session is closed")
	}
	for _, c := range s.controllers {
		for i := range c.count() {
			switch {
			case address(c.serial, i+1) != at:
			case !c.ready:
				return no(sashlock.Unavailable, "the controller cannot be reached")
			default:
				return c, i, nil
			}
		}
	}
	return no(sashlock.NotFound, "there is no such door")
}

// enter waits for the controller's turn.
func (c *controller) enter(ctx context.Context, op string) error {
	if ctx.Err() == nil {
		select {
		case c.turn <- struct{}{}:
			return nil
		case <-ctx.Done():
		}
	}
	return &sashlock.Error{Kind: sashlock.Unavailable, Op: op, Subject: address(c.serial, 0), Hint: "its time is over, or the controller is busy", Err: ctx.Err()}
}

// Operate opens a door for a time, sets it to stay unlocked, or back. It returns
// when the controller has taken the order; the relay's state is told as a report.
// The order to open is sent once: what became of it is seen, not tried again.
func (s *session) Operate(ctx context.Context, o driver.Order) error {
	const op = "operating door"
	c, i, err := s.lookup(op, o.Address)
	if err != nil {
		return err
	}
	if err := c.enter(ctx, op); err != nil {
		return err
	}
	defer func() { <-c.turn }()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(s.life, cancel)()
	m, err := s.ask(ctx, c, ask(getDoor, c.serial).put(8, byte(i+1)), 1)
	if err != nil {
		return s.told(c, i, o.Address, err)
	}
	have := door{m[9], m[10]}
	set, kind := have, sashlock.LockUnlocked
	switch {
	case o.Verb == sashlock.DoUnlock:
		set.mode = staysOpen
	case o.Verb == sashlock.DoLock:
		set.mode, kind = controlled, sashlock.LockLocked
	case o.Verb == sashlock.DoRelease && o.For > 0 && set.mode != staysLocked:
		set.delay = byte(min((o.For+time.Second-1)/time.Second, mostDelay))
	default:
		return &sashlock.Error{Kind: sashlock.Denied, Op: op, Subject: o.Address, Hint: "the controller is set to keep this door locked, or cannot " + string(o.Verb)}
	}
	defer c.nudge()
	s.expect(ctx, c, i, pending{command: o.Command, kind: kind})
	if set != have {
		err = s.set(ctx, c, i, set)
	}
	if err == nil && o.Verb == sashlock.DoRelease {
		if m, err = s.ask(ctx, c, ask(openDoor, c.serial).put(8, byte(i+1)), 1); err == nil && !m.yes(8) {
			err = errWouldNot
		}
	}
	return s.told(c, i, o.Address, err)
}

var errWouldNot = errors.New("the controller would not")

// told is what a caller is told of an error. An order that the controller would
// not carry out is expected no more; one that it did not answer may have been.
func (s *session) told(c *controller, i int, at string, err error) error {
	const op = "operating door"
	switch {
	case err == nil:
		return nil
	case errors.Is(err, errWouldNot):
		s.mu.Lock()
		c.pending[i] = pending{}
		s.mu.Unlock()
		return &sashlock.Error{Kind: sashlock.Denied, Op: op, Subject: at, Hint: "the controller refused"}
	}
	return &sashlock.Error{Kind: sashlock.Unavailable, Op: op, Subject: at, Hint: "the controller did not confirm it", Err: err}
}

// expect notes that what a door does next may be an order's doing.
func (s *session) expect(ctx context.Context, c *controller, i int, p pending) {
	p.until = time.Now().Add(10 * time.Second)
	if deadline, ok := ctx.Deadline(); ok {
		p.until = deadline
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	c.pending[i] = p
}

// set has a door set otherwise than it is.
func (s *session) set(ctx context.Context, c *controller, i int, want door) error {
	m, err := s.ask(ctx, c, ask(setDoor, c.serial).put(8, byte(i+1), want.mode, want.delay), 1)
	if err != nil {
		return err
	}
	if m[8] != byte(i+1) || m[9] != want.mode || m[10] != want.delay {
		return errWouldNot
	}
	return nil
}

// Read looks at a controller and tells how its doors stand.
func (s *session) Read(ctx context.Context, at string) error {
	c, _, err := s.lookup("reading door", at)
	if err != nil {
		return err
	}
	done := make(chan error, 1)
	silent := func(err error) error {
		return &sashlock.Error{Kind: sashlock.Unavailable, Op: "reading door", Subject: at, Hint: "the controller did not answer", Err: err}
	}
	select {
	case c.asked <- done:
	case <-ctx.Done():
		return silent(ctx.Err())
	case <-s.life.Done():
		return silent(nil)
	}
	select {
	case err = <-done:
	case <-ctx.Done():
		err = ctx.Err()
	case <-s.life.Done():
		err = s.life.Err()
	}
	if err != nil {
		return silent(err)
	}
	return nil
}

// Codes lists the entries of a controller's table of cards that are good for a
// door, by their place in the table. Card numbers and PINs are not taken over.
func (s *session) Codes(ctx context.Context, at string) ([]driver.Code, error) {
	const op = "listing cards"
	c, i, err := s.lookup(op, at)
	if err != nil {
		return nil, err
	}
	if err := c.enter(ctx, op); err != nil {
		return nil, err
	}
	defer func() { <-c.turn }()
	silent := func(err error) ([]driver.Code, error) {
		return nil, &sashlock.Error{Kind: sashlock.Unavailable, Op: op, Subject: at, Hint: "the controller did not answer", Err: err}
	}
	m, err := s.ask(ctx, c, ask(countCards, c.serial), s.pace.tries)
	if err != nil {
		return silent(err)
	}
	var codes []driver.Code
	today := time.Now().In(s.config.zone)
	for slot, left := uint32(1), m.u32(8); left > 0 && slot <= mostCards; slot++ {
		m, err := s.ask(ctx, c, ask(getCard, c.serial).put32(8, slot), s.pace.tries)
		if err != nil {
			return silent(err)
		}
		entry := m.cardEntry(s.config.zone)
		if m.u32(8) == 0 {
			break // the table ends here
		}
		if !entry.used {
			continue // it was deleted
		}
		left--
		if entry.doors[i] {
			codes = append(codes, driver.Code{Slot: int(slot), InUse: true, Enabled: entry.good(today)})
		}
	}
	return codes, nil
}

// good reports whether a card is taken on a day.
func (e cardEntry) good(now time.Time) bool {
	return !now.Before(e.from) && (e.until.IsZero() || now.Before(e.until.AddDate(0, 0, 1)))
}
