// SPDX-License-Identifier: Apache-2.0

package mqtt

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"time"

	"github.com/sashlock/sashlock/internal/mqtt/packet"
)

// greet encrypts a connection and lets the client introduce itself. It returns
// the session, or nil when the connection was closed instead.
func (e *Endpoint) greet(conn net.Conn) *Session {
	ctx, cancel := context.WithTimeout(e.ctx, e.opts.Greeting)
	defer cancel()
	deadline, _ := ctx.Deadline()
	s, err := e.introduce(ctx, conn, deadline)
	if err != nil {
		if !errors.Is(err, errSilent) {
			e.turnAway(conn, s, err)
		}
		conn.Close() //nolint:errcheck,gosec // it was turned away
		return nil
	}
	return s
}

// errSilent is the error of connections that end before a word was said.
var errSilent = errors.New("nothing was said")

func (e *Endpoint) introduce(ctx context.Context, conn net.Conn, deadline time.Time) (*Session, error) {
	hello := Hello{Remote: conn.RemoteAddr()}
	if encrypted, is := conn.(*tls.Conn); is {
		if err := encrypted.HandshakeContext(ctx); err != nil {
			if e.ctx.Err() == nil && !errors.Is(err, io.EOF) && !errors.Is(err, net.ErrClosed) {
				e.opts.Handler.Refused("", packet.NotAuthorized)
			}
			return nil, errSilent
		}
		if chain := encrypted.ConnectionState().PeerCertificates; len(chain) > 0 {
			hello.Certificate = chain[0]
		}
	}
	if err := conn.SetReadDeadline(deadline); err != nil {
		return nil, errSilent
	}
	s := newSession(e, conn)
	p, err := s.read()
	if err != nil {
		return s, err
	}
	c, is := p.(*packet.Connect)
	if !is {
		return s, errSilent // the standard: close without an answer
	}
	s.version = c.Version
	hello.Version, hello.ClientID, hello.Username, hello.Password = c.Version, c.ClientID, c.Username, c.Password
	if err := s.meet(c, hello); err != nil {
		return s, err
	}
	return s, e.take(ctx, s)
}

// meet checks what a client says of itself and what it asks for.
func (s *Session) meet(c *packet.Connect, hello Hello) error {
	if c.Properties.Has(packet.AuthMethod) {
		return &Refusal{packet.BadAuthMethod, "extended authentication is not supported"}
	}
	name, err := s.e.opts.Handler.Admit(hello)
	if err != nil {
		return err
	}
	s.name, s.id = name, c.ClientID
	if s.id == "" {
		if c.Version == packet.V311 && !c.Clean {
			return &Refusal{packet.BadClientID, "a client without an identifier keeps no session"}
		}
		s.id, s.assigned = name, true
	}
	if w := c.Will; w != nil {
		switch {
		case !s.e.opts.Handler.May(name, w.Topic, false):
			return &Refusal{packet.NotAuthorized, "the will is for another topic"}
		case w.Retain && c.Version == packet.V5:
			return &Refusal{packet.NoRetain, "nothing is retained"}
		}
		s.will = &Message{Topic: w.Topic, Payload: append([]byte(nil), w.Payload...), QoS: w.QoS, Will: true}
	}
	s.silence(c)
	s.largest = packet.MaxSize
	if most, said := c.Properties.Number(packet.MaximumPacketSize); said && most < packet.MaxSize {
		s.largest = int(most)
	}
	s.window = 1<<16 - 1
	if most, said := c.Properties.Number(packet.ReceiveMaximum); said {
		s.window = int(most)
	}
	return nil
}

// silence settles how long a client may say nothing: one and a half times what
// it asks for. Clients of 3.1.1 cannot be told another time than theirs.
func (s *Session) silence(c *packet.Connect) {
	asked, longest := time.Duration(c.KeepAlive)*time.Second, s.e.opts.KeepAlive
	if c.Version == packet.V5 && (asked == 0 || asked > longest) {
		asked, s.told = longest, longest
	}
	s.quiet = asked * 3 / 2 // 0: a client of 3.1.1 that asked for none
}

// take makes a session that has been met the one of its identifier, waits until
// the one it replaces has ended, and answers.
func (e *Endpoint) take(ctx context.Context, s *Session) error {
	old, err := e.enter(s)
	if err != nil {
		return err
	}
	if old != nil {
		old.end(Replaced, packet.SessionTakenOver)
		select {
		case <-old.done:
		case <-ctx.Done():
			e.leave(s)
			return errSilent
		}
	}
	if err := s.send(&packet.Connack{Properties: s.terms()}); err != nil {
		e.leave(s)
		return errSilent
	}
	return nil
}

// terms is what a client of version 5 is told: what there is not, mostly.
func (s *Session) terms() packet.Properties {
	p := packet.Properties{
		{ID: packet.MaximumQoS, Number: 1},
		{ID: packet.RetainAvailable}, {ID: packet.WildcardAvailable},
		{ID: packet.SubscriptionIDs}, {ID: packet.SharedSubscriptionsOK},
		{ID: packet.SessionExpiry},
		{ID: packet.ReceiveMaximum, Number: 16},
		{ID: packet.MaximumPacketSize, Number: packet.MaxSize},
	}
	if s.assigned {
		p = append(p, packet.Property{ID: packet.AssignedClientID, Text: s.id})
	}
	if s.told > 0 {
		p = append(p, packet.Property{ID: packet.ServerKeepAlive, Number: uint32(s.told / time.Second)}) //nolint:gosec // minutes
	}
	return p
}

// turnAway tells a client why it is not served, as far as its version allows.
func (e *Endpoint) turnAway(conn net.Conn, s *Session, err error) {
	code := codeOf(err)
	if code == packet.Success {
		return // the connection broke
	}
	name := ""
	if s != nil {
		name = s.name
	}
	e.opts.Handler.Refused(name, code)
	if s == nil {
		return
	}
	if s.version == 0 {
		s.version = packet.V311 // it never got to say which
		if code != packet.UnsupportedVersion {
			return
		}
	}
	b, err := packet.Append(nil, s.version, &packet.Connack{Code: code})
	if err != nil {
		b, err = packet.Append(nil, s.version, &packet.Connack{Code: packet.Unspecified})
	}
	if err == nil && conn.SetWriteDeadline(time.Now().Add(time.Second)) == nil {
		conn.Write(b) //nolint:errcheck,gosec // it is told if it still listens
	}
}

// codeOf returns the code of a refusal or of a malformed packet; Success for
// any other error.
func codeOf(err error) packet.Code {
	var r *Refusal
	var p *packet.Error
	switch {
	case errors.As(err, &r):
		return r.Code
	case errors.As(err, &p):
		return p.Code
	}
	return packet.Success
}
