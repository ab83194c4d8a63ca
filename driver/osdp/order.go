// SPDX-License-Identifier: Apache-2.0

package osdp

import (
	"context"
	"errors"
	"time"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/driver"
	"github.com/sashlock/sashlock/internal/osdp"
)

// lookup finds a reader that takes orders.
func (s *session) lookup(op, address string) (*peer, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	no := func(kind sashlock.Kind, hint string) (*peer, error) {
		return nil, &sashlock.Error{Kind: kind, Op: op, Subject: address, Hint: hint}
	}
	if s.life.Err() != nil {
		return no(sashlock.Unavailable, "the session is closed")
	}
	for _, p := range s.peers {
		switch {
		case p.config.address() != address:
		case !s.up:
			return no(sashlock.Unavailable, "the bus cannot be reached")
		case !p.ready:
			return no(sashlock.Unavailable, "the reader cannot be reached")
		default:
			return p, nil
		}
	}
	return no(sashlock.NotFound, "there is no such reader on the bus")
}

// do has the bus's goroutine do something and waits for what came of it.
func (s *session) do(ctx context.Context, p *peer, work func(context.Context, *bus, *peer) error) error {
	j := job{ctx: ctx, peer: p, work: work, done: make(chan error, 1)}
	late := &sashlock.Error{Kind: sashlock.Unavailable, Op: "operating reader", Subject: p.config.address(), Hint: "its time was over before the bus was free"}
	if ctx.Err() != nil {
		return late
	}
	select {
	case s.jobs <- j:
	case <-ctx.Done():
		return late
	case <-s.life.Done():
		return unreachable(p)
	}
	select {
	case err := <-j.done:
		return err
	case <-s.life.Done():
		return unreachable(p)
	}
}

// Operate switches the relay of a reader. It returns when the reader has taken
// the order; how its relay or bolt stands is told as a report. For a release the
// reader itself switches the relay off again.
func (s *session) Operate(ctx context.Context, o driver.Order) error {
	const op = "operating reader"
	p, err := s.lookup(op, o.Address)
	if err != nil {
		return err
	}
	how, kind := osdp.OnFor, sashlock.LockUnlocked
	switch {
	case p.config.Relay == nil:
		return &sashlock.Error{Kind: sashlock.Denied, Op: op, Subject: o.Address, Hint: "this reader has no relay: name it in the configuration"}
	case o.Verb == sashlock.DoUnlock:
		how = osdp.On
	case o.Verb == sashlock.DoLock:
		how, kind = osdp.Off, sashlock.LockLocked
	case o.Verb != sashlock.DoRelease || o.For <= 0:
		return &sashlock.Error{Kind: sashlock.Denied, Op: op, Subject: o.Address, Hint: "a reader cannot " + string(o.Verb)}
	}
	return s.do(ctx, p, func(ctx context.Context, b *bus, p *peer) error {
		if !p.up {
			return errSilent
		}
		until := time.Now().Add(s.pace.watch * 8)
		if deadline, ok := ctx.Deadline(); ok {
			until = deadline
		}
		p.pending = pending{o.Command, kind, until}
		answer, err := s.call(ctx, b, p, osdp.Frame{Code: osdp.OUT, Data: osdp.Switch(byte(*p.config.Relay), how, o.For)}, s.pace.repeats)
		if err != nil {
			p.pending = pending{}
			return err
		}
		p.look, p.due = time.Time{}, time.Time{} // at once
		if answer.Code != osdp.ACK {
			s.take(p, answer, false)
		}
		return nil
	})
}

// Read asks a reader how it stands, and returns when the sink has taken the
// answer.
func (s *session) Read(ctx context.Context, address string) error {
	p, err := s.lookup("reading reader", address)
	if err != nil {
		return err
	}
	err = s.do(ctx, p, func(ctx context.Context, b *bus, p *peer) error {
		if !p.up {
			return errSilent
		}
		return s.lookAt(ctx, b, p, true)
	})
	if err != nil {
		return err
	}
	return s.teller.flush(ctx)
}

// lookAt asks a reader for its inputs and outputs. anew tells all of it as a
// statement; otherwise only what has changed is told.
func (s *session) lookAt(ctx context.Context, b *bus, p *peer, anew bool) error {
	p.look = time.Now().Add(s.pace.look)
	orders := []byte{osdp.LSTAT}
	if p.config.Contact != nil || p.config.Bolt != nil {
		orders = append(orders, osdp.ISTAT)
	}
	if p.config.Relay != nil {
		orders = append(orders, osdp.OSTAT)
	}
	var answers []osdp.Frame
	for _, code := range orders {
		answer, err := s.call(ctx, b, p, osdp.Frame{Code: code}, s.pace.repeats)
		if _, is := errors.AsType[nak](err); is {
			continue // it has none, or does not tell
		}
		if err != nil {
			return err
		}
		answers = append(answers, answer)
	}
	if anew {
		s.isHere(p)
	}
	for _, answer := range answers {
		s.take(p, answer, anew)
	}
	if p.state.relay == yes || !p.pending.until.IsZero() {
		p.look = time.Now().Add(s.pace.watch)
	}
	if time.Now().After(p.pending.until) {
		p.pending = pending{}
	}
	return nil
}

// isHere tells that a reader has come, where that is news, and lets orders to it.
func (s *session) isHere(p *peer) {
	s.setReady(p, true)
	if p.online != sashlock.DeviceOnline {
		s.teller.tell(news{report: &driver.Report{Address: p.config.address(), Kind: sashlock.DeviceOnline, State: p.online == ""}})
		p.online = sashlock.DeviceOnline
	}
}

// take tells what a reader said.
func (s *session) take(p *peer, f osdp.Frame, anew bool) {
	switch f.Code {
	case osdp.LSTATR:
		if tampered, _, ok := osdp.ReadStatus(f.Data); ok {
			s.note(p, &p.state.tampered, tampered, anew, sashlock.DeviceTampered, sashlock.TamperCleared)
		}
	case osdp.ISTATR:
		s.takeInputs(p, f.Data, anew)
	case osdp.OSTATR:
		on, ok := at(f.Data, p.config.Relay)
		if ok && p.config.Bolt == nil {
			s.noteLock(p, &p.state.relay, on, anew)
		} else if ok {
			p.state.relay = tritOf(on)
		}
	case osdp.RAW:
		s.takeCard(p, f.Data)
	case osdp.KEYPAD:
		s.takeKeys(p, f.Data)
	}
}

func (s *session) takeInputs(p *peer, inputs []byte, anew bool) {
	if active, ok := at(inputs, p.config.Contact); ok {
		s.note(p, &p.state.open, active != p.config.ContactInverted, anew, sashlock.OpeningOpened, sashlock.OpeningClosed)
	}
	if bolted, ok := at(inputs, p.config.Bolt); ok {
		s.noteLock(p, &p.state.bolted, !bolted, anew)
	}
}

// at reads one of a row of inputs or outputs.
func at(row []byte, n *int) (active, ok bool) {
	if n == nil || *n >= len(row) {
		return false, false
	}
	return row[*n] != 0, true
}

// noteLock tells how the lock stands, where that is news or answers an order.
func (s *session) noteLock(p *peer, was *trit, unlocked, anew bool) {
	kind := sashlock.LockLocked
	if unlocked {
		kind = sashlock.LockUnlocked
	}
	if p.pending.kind == kind {
		*was = tritOf(unlocked)
		s.teller.tell(news{report: &driver.Report{Address: p.config.address(), Kind: kind, Method: sashlock.ByRemote, Command: p.pending.command}})
		p.pending = pending{}
		return
	}
	s.note(p, was, unlocked, anew, sashlock.LockUnlocked, sashlock.LockLocked)
}

// note tells of something that is so or not, where that is news.
func (s *session) note(p *peer, was *trit, is, anew bool, so, not sashlock.EventKind) {
	now := tritOf(is)
	if *was == now && !anew {
		return
	}
	first := *was == unknown || *was == now
	*was = now
	kind := not
	if is {
		kind = so
	}
	s.teller.tell(news{report: &driver.Report{Address: p.config.address(), Kind: kind, State: anew || first}})
}
