// SPDX-License-Identifier: Apache-2.0

package mqtt

import (
	"context"
	"errors"
	"io"
	"net"
	"os"
	"slices"
	"sync"
	"time"

	"github.com/sashlock/sashlock/internal/mqtt/packet"
)

// smallest is the buffer that every client has. What a lock says fits into it;
// for the rest there is one for the time it takes.
const smallest = 512

// mostTopics is how many topics one client may be subscribed to.
const mostTopics = 8

// Session is one client's connection.
type Session struct {
	e        *Endpoint
	conn     net.Conn
	version  packet.Version
	name     string
	id       string
	assigned bool          // the identifier is ours
	told     time.Duration // the time to keep alive that it was told; 0: its own
	quiet    time.Duration // how long it may say nothing; 0: for ever
	largest  int           // the largest packet it takes
	window   int           // how many messages may be on their way to it
	will     *Message
	ctx      context.Context //nolint:containedctx // ends with the connection
	cancel   context.CancelFunc
	done     chan struct{} // closed when the handler has been told that it is gone
	budget   budget        // of the reading goroutine
	begun    bool          // of the reading goroutine: it has read once

	from, to int // of the reading goroutine: what of the buffer is not yet decoded
	buffer   [smallest]byte

	writing chan struct{} // holds a token while a packet is written

	mu      sync.Mutex
	topics  []string // guarded by mu: what it is subscribed to
	waiting []uint16 // guarded by mu: messages that it has not acknowledged
	next    uint16   // guarded by mu: the identifier used last
	ended   End      // guarded by mu: empty while it lives
}

func newSession(e *Endpoint, conn net.Conn) *Session {
	s := &Session{e: e, conn: conn, done: make(chan struct{}), writing: make(chan struct{}, 1)}
	s.ctx, s.cancel = context.WithCancel(e.ctx)
	return s
}

// Name is what the handler called the client.
func (s *Session) Name() string { return s.name }

// ClientID is its identifier.
func (s *Session) ClientID() string { return s.id }

// key tells sessions apart. The name is part of it, so that nobody takes the
// place of another's client.
func (s *Session) key() string { return s.name + "\x00" + s.id }

// Version is the version it speaks.
func (s *Session) Version() packet.Version { return s.version }

// Done is closed when the client's connection ends.
func (s *Session) Done() <-chan struct{} { return s.ctx.Done() }

// end ends the connection from outside, for a reason that the client is told
// with a code if it can understand one. Only the first call counts.
func (s *Session) end(why End, code packet.Code) {
	s.mu.Lock()
	first := s.ended == ""
	if first {
		s.ended = why
	}
	s.mu.Unlock()
	if !first {
		return
	}
	s.cancel()
	if s.version == packet.V5 && code != packet.Success {
		s.farewell(code)
	}
	s.conn.Close() //nolint:errcheck,gosec // the reading goroutine finds out
}

// farewell tells a client why it is cut off. Whoever writes at the moment may be
// stuck, so it does not wait long.
func (s *Session) farewell(code packet.Code) {
	const patience = time.Second
	select {
	case s.writing <- struct{}{}:
		defer func() { <-s.writing }()
	case <-time.After(patience):
		return
	}
	if b, err := packet.Append(nil, s.version, &packet.Disconnect{Code: code}); err == nil {
		s.write(b, patience) //nolint:errcheck,gosec // it is told if it still listens
	}
}

// why returns why the connection ended, given the error that reading it got.
func (s *Session) why(err error) End {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ended == "" {
		switch {
		case errors.Is(err, errLeft):
			s.ended = Left
		case errors.Is(err, os.ErrDeadlineExceeded):
			s.ended = Silent
		case codeOf(err) != packet.Success:
			s.ended = TurnedOut
		default:
			s.ended = Lost
		}
	}
	return s.ended
}

// errLeft is the end of a connection that the client wanted.
var errLeft = errors.New("the client said goodbye")

// run serves the client until its connection ends.
func (s *Session) run() {
	s.e.opts.Handler.Came(s.ctx, s)
	err := s.serve()
	if code := codeOf(err); code != packet.Success {
		s.e.opts.Handler.Refused(s.name, code)
		s.end(TurnedOut, code)
	} else if errors.Is(err, os.ErrDeadlineExceeded) {
		s.end(Silent, packet.KeepAliveTimeout)
	}
	why := s.why(err)
	s.cancel()
	s.conn.Close() //nolint:errcheck,gosec // it has ended
	if s.will != nil && why != Left {
		// What is said last may not be held up by what ended.
		ctx, cancel := context.WithTimeout(s.e.ctx, s.e.opts.Patience)
		s.e.opts.Handler.Take(ctx, s, *s.will) //nolint:errcheck,gosec // nobody is left to be told
		cancel()
	}
	s.e.opts.Handler.Gone(s, why)
	s.e.leave(s)
	close(s.done)
}

func (s *Session) serve() error {
	for {
		if s.quiet > 0 {
			if err := s.conn.SetReadDeadline(time.Now().Add(s.quiet)); err != nil {
				return err
			}
		} else if !s.begun {
			if err := s.conn.SetReadDeadline(time.Time{}); err != nil {
				return err
			}
		}
		s.begun = true
		p, err := s.read()
		if err != nil {
			return err
		}
		if wait := s.budget.take(time.Now(), s.e.opts.Rate, s.e.opts.Burst); wait > 0 && !pause(s.ctx, wait) {
			return s.ctx.Err()
		}
		if err := s.answer(p); err != nil {
			return err
		}
	}
}

// read reads one packet. What it returns may refer to the buffer and is good
// until the next call.
func (s *Session) read() (packet.Packet, error) {
	for {
		size, head, err := packet.Head(s.buffer[s.from:s.to])
		switch {
		case err != nil:
			return nil, err
		case size > smallest:
			return s.readLarge(size, head)
		case size > 0 && s.to-s.from >= size:
			b := s.buffer[s.from : s.from+size]
			s.from += size
			return packet.Decode(s.version, b[0], b[head:])
		}
		if s.from > 0 {
			s.to = copy(s.buffer[:], s.buffer[s.from:s.to])
			s.from = 0
		}
		n, err := s.conn.Read(s.buffer[s.to:])
		s.to += n
		if n == 0 && err != nil {
			return nil, err
		}
	}
}

// readLarge reads a packet that does not fit into the buffer.
func (s *Session) readLarge(size, head int) (packet.Packet, error) {
	b := make([]byte, size)
	n := copy(b, s.buffer[s.from:s.to])
	s.from, s.to = 0, 0
	if _, err := io.ReadFull(s.conn, b[n:]); err != nil {
		return nil, err
	}
	return packet.Decode(s.version, b[0], b[head:])
}

// answer does what a packet asks for.
func (s *Session) answer(p packet.Packet) error {
	switch p := p.(type) {
	case *packet.Publish:
		return s.published(p)
	case *packet.Puback:
		s.acknowledged(p.ID)
		return nil
	case *packet.Subscribe:
		return s.subscribe(p)
	case *packet.Unsubscribe:
		return s.unsubscribe(p)
	case packet.Pingreq:
		return s.send(packet.Pingresp{})
	case *packet.Disconnect:
		if p.Code == packet.DisconnectWithWill {
			return io.EOF
		}
		if expiry, said := p.Properties.Number(packet.SessionExpiry); said && expiry > 0 {
			return &Refusal{packet.ProtocolError, "there is no session to keep"}
		}
		return errLeft
	default:
		return &Refusal{packet.ProtocolError, "a client does not send this"}
	}
}

// published hands a message to the handler and acknowledges it when that was
// taken.
func (s *Session) published(p *packet.Publish) error {
	switch {
	case p.Properties.Has(packet.TopicAlias):
		return &Refusal{packet.BadTopicAlias, "there are no topic aliases"}
	case p.Properties.Has(packet.SubscriptionID):
		return &Refusal{packet.ProtocolError, "a client does not send this"}
	case p.Retain && s.version == packet.V5:
		return &Refusal{packet.NoRetain, "nothing is retained"}
	}
	var err error
	if !s.e.opts.Handler.May(s.name, p.Topic, false) {
		err = &Refusal{packet.NotAuthorized, "the topic is not the client's"}
	} else {
		err = s.e.opts.Handler.Take(s.ctx, s, Message{Topic: p.Topic, Payload: p.Payload, QoS: p.QoS, Duplicate: p.Duplicate})
	}
	code := codeOf(err)
	switch {
	case err != nil && code == packet.Success:
		return err
	case code == packet.NotAuthorized && (s.version != packet.V5 || p.QoS == 0):
		return err // there is no other way to say no
	case code != packet.Success:
		s.e.opts.Handler.Refused(s.name, code)
	}
	if p.QoS == 0 {
		return nil
	}
	return s.send(&packet.Puback{ID: p.ID, Code: code})
}

func (s *Session) subscribe(p *packet.Subscribe) error {
	if p.Properties.Has(packet.SubscriptionID) {
		return &Refusal{packet.NoSubscriptionID, "there are no subscription identifiers"}
	}
	answer := &packet.Suback{ID: p.ID}
	for _, f := range p.Filters {
		code := packet.Code(min(f.QoS, 1))
		switch {
		case !s.e.opts.Handler.May(s.name, f.Topic, true):
			code = packet.NotAuthorized
		case !s.join(f.Topic):
			code = packet.QuotaExceeded
		}
		if code.Refused() {
			s.e.opts.Handler.Refused(s.name, code)
		}
		answer.Codes = append(answer.Codes, code)
	}
	return s.send(answer)
}

func (s *Session) join(topic string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case slices.Contains(s.topics, topic):
	case len(s.topics) == mostTopics:
		return false
	default:
		s.topics = append(s.topics, topic)
	}
	return true
}

func (s *Session) unsubscribe(p *packet.Unsubscribe) error {
	answer := &packet.Unsuback{ID: p.ID}
	s.mu.Lock()
	for _, topic := range p.Topics {
		code := packet.NoSubscription
		if i := slices.Index(s.topics, topic); i >= 0 {
			s.topics, code = slices.Delete(s.topics, i, i+1), packet.Success
		}
		answer.Codes = append(answer.Codes, code)
	}
	s.mu.Unlock()
	return s.send(answer)
}
