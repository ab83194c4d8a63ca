// SPDX-License-Identifier: Apache-2.0

package uhppote

import (
	"context"
	"slices"
	"time"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/driver"
	"github.com/sashlock/sashlock/internal/wiegand"
)

// The rules are:
//
//  1. The controller itself remembers the number of the last event that was
//     taken over. It is moved on after the sink has taken the event, so that
//     none is lost; for a card that is to be decided about, before, so that none
//     is decided about twice.
//  2. What a controller recorded before it was first met is history of the
//     system before us and stays there.
//  3. A card is decided about only while somebody can be waiting at the reader.

// catchUp finds the first event that was not taken over.
func (s *session) catchUp(c *controller, last uint32) error {
	m, err := s.ask(s.life, c, ask(getIndex, c.serial), s.pace.tries)
	if err != nil {
		return err
	}
	switch taken := m.u32(8); {
	case taken == 0: // nobody has ever taken any over
		c.next = last + 1
		return s.mark(c, last)
	case taken > last: // its record was emptied
		c.next = 1
	default:
		c.next = taken + 1
	}
	return nil
}

// mark has the controller remember the last event that was taken over.
func (s *session) mark(c *controller, number uint32) error {
	_, err := s.ask(s.life, c, ask(setIndex, c.serial).put32(8, number).put32(12, magic), s.pace.tries)
	return err
}

// takeEvents takes over the events that are new.
func (s *session) takeEvents(c *controller, now status) error {
	if now.last+1 < c.next {
		c.next = 1 // its record was emptied
	}
	const batch = 16
	for marked := c.next; c.next <= now.last; {
		if err := s.life.Err(); err != nil {
			return err
		}
		m, err := s.ask(s.life, c, ask(getEvent, c.serial).put32(8, c.next), s.pace.tries)
		if err != nil {
			return err
		}
		e := m.event(s.config.zone)
		if e.number == c.next && e.kind != isGone {
			if err := s.takeEvent(c, e, now.clock); err != nil {
				return err
			}
		}
		c.next++
		if c.next-marked >= batch || c.next > now.last {
			if err := s.mark(c, c.next-1); err != nil {
				return err
			}
			marked = c.next
		}
	}
	return nil
}

// takeEvent tells of one event.
func (s *session) takeEvent(c *controller, e event, clock time.Time) error {
	i := int(e.door) - 1
	if i < 0 || i >= c.count() {
		return nil
	}
	r := driver.Report{Address: address(c.serial, i+1), Kind: sashlock.LockUnlocked}
	if !e.at.IsZero() {
		r.At = e.at.Add(c.clockOff)
	}
	switch {
	case e.kind == ofCard && e.granted:
		r.Method = sashlock.ByCard
	case e.kind == ofCard:
		shown, may := s.mayDecide(e, clock)
		if may {
			if err := s.mark(c, e.number); err != nil {
				return err
			}
			s.present(c, e, shown)
			return nil
		}
		r.Kind, r.Method = sashlock.CodeRefused, sashlock.ByCard
	case e.reason == byButton && e.granted:
		r.Method = sashlock.ByHand
	case e.reason == byOverride:
		r.Method = sashlock.ByKeypad
	case e.reason == byNetwork || e.reason == byUSB:
		s.mu.Lock()
		ours := c.pending[i].kind != ""
		s.mu.Unlock()
		if ours || c.state[i].unlocked == yes {
			return nil // how the relay stands tells it, with the order
		}
		r.Method = sashlock.ByRemote
	case e.reason == doorOpened || e.reason == wasForced || e.reason == doorClosed:
		open := e.reason != doorClosed
		if !slices.Contains(c.contacts, i+1) || c.state[i].open == tritOf(open) {
			return nil
		}
		at := r.At
		r = position(c, i+1, open, false)
		r.At = at
		c.state[i].open = tritOf(open)
	default:
		return nil
	}
	if r.Kind == sashlock.LockUnlocked {
		c.state[i].unlocked = yes
	}
	s.report(r)
	return nil
}

// mayDecide reads the card of an event that the controller refused, where the
// store node is to decide about it and somebody can still be waiting.
func (s *session) mayDecide(e event, clock time.Time) (driver.Hidden, bool) {
	age := clock.Sub(e.at)
	if s.judge == nil || s.config.Cards == "" || e.at.IsZero() || clock.IsZero() || age < -time.Second || age > s.pace.fresh {
		return driver.Hidden{}, false
	}
	return bits(s.config.Cards, e.card)
}

// bits are a card as its reader sent it. A controller keeps a card of 26 bits as
// facility code and number side by side, in decimal, and one of 34 as one number.
func bits(format string, card uint32) (driver.Hidden, bool) {
	name, facility, number := "H10301", uint64(card/100_000), uint64(card%100_000)
	if format == "wiegand34" {
		name, facility, number = "H10306", uint64(card>>16), uint64(card&0xffff)
	}
	f, known := wiegand.Find(name)
	row, err := f.Encode(facility, number)
	return driver.Hide(row.String()), known && err == nil
}

// present has it decided about a card, one at a time.
func (s *session) present(c *controller, e event, card driver.Hidden) {
	select {
	case c.judging <- struct{}{}:
	default:
		return // somebody holds up card after card
	}
	p := driver.Presentation{Address: address(c.serial, int(e.door)), Shown: []driver.Shown{{Kind: sashlock.Card, Secret: card}}}
	if e.out {
		p.Side = sashlock.Leaving
	}
	s.group.Go(func() {
		defer func() { <-c.judging }()
		ctx, cancel := context.WithTimeout(s.life, s.pace.decide)
		defer cancel()
		// These readers can show nothing; what is released comes as an order.
		_, _ = s.judge.Presented(ctx, p)
	})
}
