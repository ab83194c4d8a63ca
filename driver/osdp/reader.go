// SPDX-License-Identifier: Apache-2.0

package osdp

import (
	"context"
	"crypto/rand"
	"errors"
	"time"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/driver"
	"github.com/sashlock/sashlock/internal/osdp"
)

// peer is one reader as the bus's goroutine knows it. What is not said to be
// guarded is that goroutine's own.
type peer struct {
	config Reader

	channel *osdp.Channel // nil: in clear
	next    byte          // the sequence number of the next order; 0 begins anew
	up      bool          // it is spoken with
	heard   time.Time     // when it last said something that is believed
	due     time.Time     // when it is asked next
	polled  time.Time     // when it was last asked for what it has to say
	empty   bool          // and had nothing to say
	look    time.Time     // when its inputs and outputs are looked at next

	identity osdp.Identity
	can      map[byte]osdp.Capability
	told     driver.Discovery
	found    bool
	online   sashlock.EventKind // what the sink was last told; empty: nothing
	doubted  time.Time          // when it was last recorded that it is not believed
	state    state
	pending  pending

	ready bool              // guarded by session.mu: orders are taken
	shows []osdp.Frame      // guarded by session.mu: what its lights are to show
	shown chan driver.Shown // to who waits for decisions about it
	keys  chan []byte       // likewise: keys that were pressed
}

// state is what a reader last said of its inputs and outputs; unknown before it
// did.
type state struct {
	tampered, relay, open, bolted trit
}

// trit is a yes, a no or neither.
type trit int

const (
	unknown trit = iota
	no
	yes
)

func tritOf(b bool) trit {
	if b {
		return yes
	}
	return no
}

// pending is an order that the reader has taken and the lock not confirmed.
type pending struct {
	command sashlock.CommandID
	kind    sashlock.EventKind
	until   time.Time
}

// call gives a reader an order and returns what it answers, in clear and
// believed.
func (s *session) call(ctx context.Context, b *bus, p *peer, f osdp.Frame, repeats int) (osdp.Frame, error) {
	f.Address, f.Checksum, f.Sequence = p.config.wire(), p.config.Checksum, p.next
	if p.channel != nil {
		var err error
		if f, err = p.channel.Seal(f); err != nil {
			return osdp.Frame{}, errLost
		}
	}
	p.next = p.next%3 + 1
	answer, err := b.ask(ctx, f, repeats)
	if err != nil {
		return osdp.Frame{}, err
	}
	return p.believe(answer)
}

// believe opens an answer, or says why it is not believed.
func (p *peer) believe(answer osdp.Frame) (osdp.Frame, error) {
	why := byte(0)
	if answer.Code == osdp.NAK && len(answer.Data) > 0 {
		why = answer.Data[0]
	}
	switch {
	case p.channel != nil && answer.Signed():
		open, err := p.channel.Open(answer)
		if err != nil {
			return osdp.Frame{}, errInsecure
		}
		answer = open
		if answer.Code == osdp.NAK {
			return osdp.Frame{}, nak(why)
		}
	case p.channel != nil && answer.Code == osdp.NAK:
		return osdp.Frame{}, errLost // it was restarted; nothing but a new handshake comes of it
	case p.channel != nil:
		return osdp.Frame{}, errInsecure
	case answer.Signed():
		return osdp.Frame{}, errLost
	case answer.Code == osdp.NAK && why == osdp.NakSequence:
		return osdp.Frame{}, errLost
	case answer.Code == osdp.NAK:
		return osdp.Frame{}, nak(why)
	}
	p.heard = time.Now()
	return answer, nil
}

// forget ends the connection to a reader; the next word to it begins anew.
func (p *peer) forget() { p.channel, p.next = nil, 0 }

// greet makes the connection to a reader: who it is, what it can do, and the
// protection that it has to have.
func (s *session) greet(ctx context.Context, b *bus, p *peer) error {
	p.forget()
	answer, err := s.call(ctx, b, p, osdp.Frame{Code: osdp.ID, Data: []byte{0}}, 0)
	if err != nil {
		return err
	}
	id, ok := osdp.ReadIdentity(answer.Data)
	if answer.Code != osdp.PDID || !ok {
		return errLost
	}
	if answer, err = s.call(ctx, b, p, osdp.Frame{Code: osdp.CAP, Data: []byte{0}}, s.pace.repeats); err != nil {
		return err
	}
	can, ok := osdp.ReadCapabilities(answer.Data)
	if answer.Code != osdp.PDCAP || !ok {
		return errLost
	}
	p.identity, p.can = id, can
	link, err := s.protect(ctx, b, p)
	if errors.Is(err, errInsecure) && !p.found {
		s.find(p, refused) // so that an installer sees that it is there
	}
	if err != nil {
		return err
	}
	s.find(p, link)
	return nil
}

// protect sets up the protection that a reader has to have. A reader that has a
// key, and says that it has no secure channel, is not what it was.
func (s *session) protect(ctx context.Context, b *bus, p *peer) (protection, error) {
	can := p.can[osdp.CanSecure].Level&1 != 0
	keys, settled, err := s.vault.keys(p.config.wire())
	if err != nil {
		return refused, errInsecure // an unreadable key is none, and is not replaced
	}
	if len(keys) == 0 && p.config.ClearText {
		return inClear, nil
	}
	if !can {
		return refused, errInsecure
	}
	for i, k := range keys {
		err = s.agree(ctx, b, p, k, false)
		if err == nil {
			if i == len(keys)-1 && !settled || i > 0 {
				err = s.vault.settle(p.config.wire())
			}
			return sealed, err
		}
		if !errors.Is(err, errInsecure) {
			return refused, err
		}
	}
	if settled || time.Now().After(s.installs(p)) {
		return refused, errInsecure
	}
	return s.install(ctx, b, p)
}

// installs is until when a reader may be given a key.
func (s *session) installs(p *peer) time.Time {
	if latest := s.began.Add(s.pace.install); p.config.installUntil.After(latest) {
		return latest
	}
	return p.config.installUntil
}

// install gives a reader that is as it left the factory a key of its own, and
// begins anew with it. This is the only time the factory's key is used.
func (s *session) install(ctx context.Context, b *bus, p *peer) (protection, error) {
	if err := s.agree(ctx, b, p, osdp.DefaultKey(), true); err != nil {
		return refused, err
	}
	key, err := s.vault.propose(p.config.wire())
	if err != nil {
		return refused, errInsecure
	}
	answer, err := s.call(ctx, b, p, osdp.Frame{Code: osdp.KEYSET, Data: osdp.NewKey(key)}, s.pace.repeats)
	if err != nil {
		return refused, err
	}
	if answer.Code != osdp.ACK {
		return refused, errInsecure
	}
	if err := s.agree(ctx, b, p, key, false); err != nil {
		return refused, err
	}
	return sealed, s.vault.settle(p.config.wire())
}

// agree shakes hands with a reader over a key.
func (s *session) agree(ctx context.Context, b *bus, p *peer, key osdp.Key, factory bool) error {
	p.forget()
	var random [8]byte
	_, _ = rand.Read(random[:]) // it never fails
	h := osdp.NewHandshake(key, factory, random)
	answer, err := s.call(ctx, b, p, h.Challenge(), s.pace.repeats)
	if err != nil {
		return distrusted(err)
	}
	proof, err := h.Prove(answer)
	if err != nil {
		return errInsecure
	}
	if answer, err = s.call(ctx, b, p, proof, s.pace.repeats); err != nil {
		return distrusted(err)
	}
	channel, err := h.Finish(answer)
	if err != nil {
		return errInsecure
	}
	p.channel = channel
	return nil
}

// distrusted makes a refusal in a handshake what it means: the reader has
// another key, or none.
func distrusted(err error) error {
	if _, is := errors.AsType[nak](err); is {
		return errInsecure
	}
	return err
}
