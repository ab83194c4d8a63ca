// SPDX-License-Identifier: Apache-2.0

package example

import (
	"context"
	"net"
	"time"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/driver"
)

// Operate carries out an order. The box answers that it takes it; what the bolt
// does is told when it does it.
func (s *session) Operate(ctx context.Context, o driver.Order) error {
	if o.Verb != sashlock.DoUnlock && o.Verb != sashlock.DoLock {
		return refuse(sashlock.Invalid, "operating lock", o.Address, "these locks unlock and lock, and do not lock again by themselves", nil)
	}
	conn, err := s.link(ctx, "operating lock", o.Address)
	if err != nil {
		return err
	}
	number, order := s.begin(o.Command)
	if err := s.send(conn, encodeOrder(number, o.Verb, o.Address)); err != nil {
		return refuse(sashlock.Unavailable, "operating lock", o.Address, "the box cannot be reached", err)
	}
	select {
	case took := <-order.answer:
		if !took {
			s.done(number)
			return refuse(sashlock.Denied, "operating lock", o.Address, "the box would not", nil)
		}
		return nil
	case <-ctx.Done():
	case <-s.ctx.Done():
	}
	// Nobody knows where the order is. With the connection go the bytes of it
	// that have not left yet, and a box that has not read it does not read on.
	s.done(number)
	s.cut(conn)
	return refuse(sashlock.Unavailable, "operating lock", o.Address, "the box did not answer in time", context.Cause(ctx))
}

// Read asks a lock how it stands.
func (s *session) Read(ctx context.Context, address string) error {
	conn, err := s.link(ctx, "reading lock", address)
	if err != nil {
		return err
	}
	if err := s.send(conn, encodeAsk(address)); err != nil {
		return refuse(sashlock.Unavailable, "reading lock", address, "the box cannot be reached", err)
	}
	return nil
}

// link returns the connection to a lock, or why there is none.
func (s *session) link(ctx context.Context, op, address string) (*net.TCPConn, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	within, known := s.locks[address]
	switch {
	case s.ctx.Err() != nil:
		return nil, refuse(sashlock.Unavailable, op, address, "the session is closed", nil)
	case ctx.Err() != nil:
		return nil, refuse(sashlock.Unavailable, op, address, "there was no time left", ctx.Err())
	case !known:
		return nil, refuse(sashlock.NotFound, op, address, "the box has no such lock", nil)
	case s.conn == nil:
		return nil, refuse(sashlock.Unavailable, op, address, "the box cannot be reached", nil)
	case !within:
		return nil, refuse(sashlock.Unavailable, op, address, "the box cannot reach this lock", nil)
	}
	return s.conn, nil
}

// begin gives an order a number.
func (s *session) begin(command sashlock.CommandID) (int, *pending) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.last++
	order := &pending{command: command, answer: make(chan bool, 1)}
	s.orders[s.last] = order
	return s.last, order
}

// answer hands on what the box answers to an order.
func (s *session) answer(number int, took bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if order := s.orders[number]; order != nil {
		select {
		case order.answer <- took:
		default: // it has answered before
		}
	}
}

// done ends an order and returns whose it was; none for 0.
func (s *session) done(number int) sashlock.CommandID {
	s.mu.Lock()
	defer s.mu.Unlock()
	order := s.orders[number]
	delete(s.orders, number)
	if order == nil {
		return ""
	}
	return order.command
}

// send writes a line.
func (s *session) send(conn *net.TCPConn, line string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := conn.SetWriteDeadline(time.Now().Add(writeFor)); err != nil {
		return err
	}
	_, err := conn.Write([]byte(line))
	return err
}

// cut ends a connection at once, with what is still to be sent on it.
func (s *session) cut(conn *net.TCPConn) {
	_ = conn.SetLinger(0) //nolint:errcheck // it may have ended already
	_ = conn.Close()      //nolint:errcheck // as above
}

func refuse(kind sashlock.Kind, op, address, hint string, cause error) error {
	return &sashlock.Error{Kind: kind, Op: op, Subject: address, Hint: hint, Err: cause}
}
