// SPDX-License-Identifier: Apache-2.0

package edge

import (
	"context"
	"crypto/ed25519"
	"encoding/json"
	"errors"
	"net"
	"sync"
	"time"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/driver"
)

// Bench is the driver with a listener that can be taken away, and with sessions
// that sign what they are ordered, as a gate in front of them would have it.
type Bench struct {
	*Driver
	Key ed25519.PrivateKey

	mu   sync.Mutex
	down bool
	l    net.Listener
}

// NewBench returns a driver for a house.
func NewBench(h House, key ed25519.PrivateKey) *Bench {
	b := &Bench{}
	b.Renew(h, key)
	return b
}

// Renew makes it the driver of another house.
func (b *Bench) Renew(h House, key ed25519.PrivateKey) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.Driver, b.Key, b.down, b.l = New(h), key, false, nil
	b.listen = func(ctx context.Context, address string) (net.Listener, error) {
		b.mu.Lock()
		defer b.mu.Unlock()
		if b.down {
			return nil, errors.New("the network is away")
		}
		var err error
		b.l, err = (&net.ListenConfig{}).Listen(ctx, "tcp", address)
		return b.l, err
	}
}

// Down takes the listener away, or lets it come back.
func (b *Bench) Down(down bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.down = down
	if down && b.l != nil {
		b.l.Close()
	}
}

// Unhurried lets devices say as much as they like.
func (b *Bench) Unhurried() { b.rate = 1 << 20 }

// Open starts a session that signs.
func (b *Bench) Open(ctx context.Context, config json.RawMessage, sink driver.Sink) (driver.Session, error) {
	s, err := b.Driver.Open(ctx, config, sink)
	if err != nil {
		return nil, err
	}
	return &signing{s.(*session), b.Key}, nil
}

type signing struct {
	*session
	key ed25519.PrivateKey
}

func (s *signing) Operate(ctx context.Context, o driver.Order) error {
	if o.Signed == nil {
		o.Signed = Sign(s.key, o, time.Now(), sashlock.MaxCommandLife)
	}
	return s.session.Operate(ctx, o)
}

// Hear decodes one message of a device and tells a sink what comes of it.
func Hear(sink driver.Sink, address, sort string, payload []byte) {
	s := &session{driver: New(House{}), config: Config{Clear: true}, sink: sink, devices: map[string]*device{}, ctx: context.Background()}
	switch sort {
	case "meta":
		s.takeMeta(s.ctx, address, payload)
	case "state":
		s.takeState(s.ctx, address, payload)
	case "event":
		s.takeEvent(s.ctx, address, payload)
	case "ack":
		s.takeAck(address, payload)
	}
}

// Sign signs an order as the house would.
func Sign(key ed25519.PrivateKey, o driver.Order, issued time.Time, life time.Duration) []byte {
	return driver.SignCommand(key, sashlock.Command{
		ID: o.Command, Site: "site_1", Opening: "opn_1", Device: "dev_1", Address: o.Address, Verb: o.Verb, For: o.For,
		Epoch: 1, Issued: issued, Expires: issued.Add(life),
	})
}
