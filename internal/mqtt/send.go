// SPDX-License-Identifier: Apache-2.0

package mqtt

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/sashlock/sashlock/internal/mqtt/packet"
)

// The errors of [Session.Publish].
var (
	// ErrNotSubscribed is that the client does not listen to the topic.
	ErrNotSubscribed = errors.New("the client is not subscribed to the topic")
	// ErrExpired is that the time to send it was over.
	ErrExpired = errors.New("there was no time left")
	// ErrBusy is that the client has not acknowledged what it was sent before.
	ErrBusy = errors.New("the client does not keep up")
	// ErrGone is that the connection has ended.
	ErrGone = errors.New("the client is gone")
)

// Publish sends a message of QoS 1 to the client. The context's deadline is how
// long the message lives: the client is told if it speaks version 5, and after
// it nothing is sent. It returns when the message was written, which says
// nothing about whether it was read.
func (s *Session) Publish(ctx context.Context, topic string, payload []byte) error {
	if ctx.Err() != nil {
		return ErrExpired
	}
	id, err := s.reserve(topic)
	if err != nil {
		return err
	}
	p := &packet.Publish{Topic: topic, Payload: payload, QoS: 1, ID: id}
	patience := s.e.opts.Patience
	deadline, limited := ctx.Deadline()
	s.writing <- struct{}{}
	defer func() { <-s.writing }()
	if limited {
		left := time.Until(deadline) // seen now: the line was waited for
		if left <= 0 || ctx.Err() != nil {
			s.acknowledged(id)
			return ErrExpired
		}
		patience = min(patience, left)
		p.Properties = packet.Properties{{ID: packet.MessageExpiry, Number: uint32(max(left/time.Second, 1))}} //nolint:gosec // seconds
	}
	b, err := packet.Append(make([]byte, 0, 64+len(topic)+len(payload)), s.version, p)
	if err != nil {
		s.acknowledged(id)
		return err
	}
	if len(b) > s.largest {
		s.acknowledged(id)
		return ErrBusy
	}
	return s.write(b, patience)
}

// reserve finds an identifier for a message.
func (s *Session) reserve(topic string) (uint16, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.ended != "":
		return 0, ErrGone
	case !slices.Contains(s.topics, topic):
		return 0, ErrNotSubscribed
	case len(s.waiting) >= min(s.window, 64):
		return 0, ErrBusy
	}
	for {
		s.next++
		if s.next != 0 && !slices.Contains(s.waiting, s.next) {
			s.waiting = append(s.waiting, s.next)
			return s.next, nil
		}
	}
}

func (s *Session) acknowledged(id uint16) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if i := slices.Index(s.waiting, id); i >= 0 {
		s.waiting = slices.Delete(s.waiting, i, i+1)
	}
}

// send writes a packet of ours.
func (s *Session) send(p packet.Packet) error {
	var room [64]byte
	b, err := packet.Append(room[:0], s.version, p)
	if err != nil {
		return err
	}
	s.writing <- struct{}{}
	defer func() { <-s.writing }()
	return s.write(b, s.e.opts.Patience)
}

// write writes a whole packet, or ends the connection: half a packet cannot be
// taken back. The caller holds the token of writing.
func (s *Session) write(b []byte, patience time.Duration) error {
	err := s.conn.SetWriteDeadline(time.Now().Add(patience))
	if err == nil {
		_, err = s.conn.Write(b)
	}
	if err != nil {
		s.cancel()
		s.conn.Close() //nolint:errcheck,gosec // the reading goroutine finds out
		return errors.Join(ErrGone, err)
	}
	return nil
}
