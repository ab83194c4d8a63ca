// SPDX-License-Identifier: Apache-2.0

package lock

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"net"
	"time"

	"github.com/eclipse/paho.golang/packets"
	"github.com/eclipse/paho.golang/paho"

	"github.com/sashlock/sashlock/driver/edge"
)

const (
	soonest  = 50 * time.Millisecond // before it connects again
	latest   = 2 * time.Second
	patience = 10 * time.Second // with the house's answers
)

// Run keeps the lock connected until the context ends.
func (l *Lock) Run(ctx context.Context) {
	wait := soonest
	for l.powered(ctx) {
		began := time.Now()
		err := l.connect(ctx)
		if ctx.Err() != nil {
			return
		}
		if err != nil {
			l.opts.Say("not connected: " + err.Error())
		}
		if time.Since(began) > latest {
			wait = soonest
		}
		select {
		case <-time.After(wait):
		case <-ctx.Done():
		}
		wait = min(2*wait, latest)
	}
}

// powered waits until the lock is switched on. It returns false when the
// context ends.
func (l *Lock) powered(ctx context.Context) bool {
	l.mu.Lock()
	off, on := l.off, l.on
	l.mu.Unlock()
	if off {
		select {
		case <-on:
		case <-ctx.Done():
		}
	}
	return ctx.Err() == nil
}

// connect connects once and serves the connection until it ends.
func (l *Lock) connect(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	l.mu.Lock()
	off := l.off
	l.drop = cancel
	l.mu.Unlock()
	if off {
		return nil
	}
	asked := make(chan struct{}, 1)
	ctx, client, err := dial(ctx, l.opts.Endpoint, l.opts.TLS, func(p *paho.Publish) {
		switch p.Topic {
		case l.topic("cmd"):
			l.command(p.Payload)
		case l.topic("ask"):
			select {
			case asked <- struct{}{}:
			default: // one answer is as good as two
			}
		}
	})
	if err != nil {
		return err
	}
	defer client.Disconnect(&paho.Disconnect{}) //nolint:errcheck // it may be broken
	if err := l.greet(ctx, client); err != nil {
		return err
	}
	l.opts.Say("connected")
	return l.talk(ctx, client, asked)
}

func (l *Lock) topic(sort string) string { return edge.Topic(l.opts.Site, l.opts.Address, sort) }

// dial connects to an endpoint without saying hello yet. When the connection is
// lost, the context that is returned ends: the library's own calls may wait for
// an answer a while longer.
func dial(ctx context.Context, endpoint string, how *tls.Config, took func(*paho.Publish)) (context.Context, *paho.Client, error) {
	var d net.Dialer
	greeting, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	conn, err := d.DialContext(greeting, "tcp", endpoint)
	if err != nil {
		return nil, nil, err
	}
	if how != nil {
		encrypted := tls.Client(conn, how)
		if err := encrypted.HandshakeContext(greeting); err != nil {
			return nil, nil, errors.Join(err, conn.Close())
		}
		conn = packets.NewThreadSafeConn(encrypted)
	}
	linked, lost := context.WithCancel(ctx)
	context.AfterFunc(linked, func() { conn.Close() }) //nolint:errcheck,gosec // however it ends
	return linked, paho.NewClient(paho.ClientConfig{
		Conn: conn, PacketTimeout: 6 * patience,
		OnClientError:      func(error) { lost() },
		OnServerDisconnect: func(*paho.Disconnect) { lost() },
		OnPublishReceived: []func(paho.PublishReceived) (bool, error){func(p paho.PublishReceived) (bool, error) {
			took(p.Packet)
			return true, nil
		}},
	}), nil
}

// greet says hello, listens, says what the lock is, what it has not been able
// to tell, and how it stands.
func (l *Lock) greet(ctx context.Context, client *paho.Client) error {
	ctx, cancel := context.WithTimeout(ctx, 6*patience)
	defer cancel()
	_, err := client.Connect(ctx, &paho.Connect{
		ClientID: l.opts.Address, CleanStart: true, KeepAlive: uint16(l.opts.KeepAlive / time.Second), //nolint:gosec // seconds
		WillMessage: &paho.WillMessage{Topic: l.topic("lwt"), Payload: []byte("gone"), QoS: 1},
	})
	if err != nil {
		return err
	}
	_, err = client.Subscribe(ctx, &paho.Subscribe{Subscriptions: []paho.SubscribeOptions{
		{Topic: l.topic("cmd"), QoS: 1}, {Topic: l.topic("ask"), QoS: 1},
	}})
	if err != nil {
		return err
	}
	meta, err := json.Marshal(edge.Meta{
		Name: l.opts.Name, Maker: "Sashlock", Model: "example lock", Firmware: "1", Capabilities: l.opts.Senses,
	})
	if err != nil {
		return err
	}
	if err := l.publish(ctx, client, "meta", meta); err != nil {
		return err
	}
	l.mu.Lock()
	l.say(message{sort: "state"})
	l.mu.Unlock()
	return nil
}

// publish says something and waits until it was acknowledged.
func (l *Lock) publish(ctx context.Context, client *paho.Client, sort string, payload []byte) error {
	answer, err := client.Publish(ctx, &paho.Publish{Topic: l.topic(sort), QoS: 1, Payload: payload})
	if answer != nil && answer.ReasonCode >= 0x80 {
		l.opts.Say("the house did not take it: " + sort)
		return nil // the same would be refused again
	}
	return err
}

// talk says what there is to be said, in order, until the connection ends.
func (l *Lock) talk(ctx context.Context, client *paho.Client, asked <-chan struct{}) error {
	for {
		m, some := l.first()
		if !some {
			select {
			case <-l.news:
			case <-asked:
				l.mu.Lock()
				l.say(message{sort: "state"})
				l.mu.Unlock()
			case <-client.Done():
				return errors.New("the connection was lost")
			case <-ctx.Done():
				return errors.New("the connection was lost")
			}
			continue
		}
		payload := m.payload
		if m.sort == "state" {
			var err error
			if payload, err = json.Marshal(l.state()); err != nil {
				return err
			}
		}
		if m.expires.IsZero() || l.opts.Now().Before(m.expires) {
			if err := l.publish(ctx, client, m.sort, payload); err != nil {
				return err
			}
		}
		l.told()
	}
}

// first returns what is to be said next.
func (l *Lock) first() (message, bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.outbox) == 0 {
		return message{}, false
	}
	return l.outbox[0], true
}

// told forgets what was acknowledged.
func (l *Lock) told() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.outbox) > 0 { // it was switched off meanwhile
		l.outbox = l.outbox[1:]
	}
}
