// SPDX-License-Identifier: Apache-2.0

package mqttlink

import (
	"context"
	"errors"
	"fmt"
	"net"
	"sync"
	"time"

	mqtt "github.com/eclipse/paho.mqtt.golang"

	"github.com/sashlock/sashlock"
)

// The most that waits to be read before the connection is given up.
const (
	maxWaiting      = 20_000
	maxWaitingBytes = 32 << 20
)

// MaxPayload is the longest payload that is handed out; a longer one ends the
// connection.
const MaxPayload = 8 << 20

// Message is one message from the broker.
type Message struct {
	Topic    string
	Payload  []byte
	Retained bool // the broker kept it: it is about the past
	ack      func()
}

// Done acknowledges the message: what it said is durable, or is of no use.
func (m Message) Done() {
	if m.ack != nil {
		m.ack()
	}
}

// Will is what the broker says for us when the connection breaks.
type Will struct {
	Topic   string
	Payload string
	// Retained makes that the broker keeps it for those who come later.
	Retained bool
}

// Link is a connection at work. Make one with [Dial].
type Link struct {
	client mqtt.Client

	ready chan struct{} // holds one when messages wait
	done  chan struct{} // closed when the connection is over

	mu      sync.Mutex
	waiting []Message // guarded by mu: not read yet, oldest first
	bytes   int       // guarded by mu: in waiting
	why     error     // guarded by mu: set once, before done is closed
}

// Keep is how often a sign of life is asked for when nothing else is said.
const Keep = 10 * time.Second

// Dial connects to the broker and signs in. The context bounds the dialling. It
// returns a sashlock.Error of kind unavailable when the broker cannot be
// reached or does not want us. will may be nil.
func Dial(ctx context.Context, c Config, will *Will) (*Link, error) {
	const op = "connecting to the broker"
	word, err := c.password()
	if err != nil {
		return nil, err
	}
	trust, err := c.trust()
	if err != nil {
		return nil, err
	}
	l := &Link{ready: make(chan struct{}, 1), done: make(chan struct{})}
	limit := 10 * time.Second
	if deadline, ok := ctx.Deadline(); ok {
		limit = max(time.Until(deadline), time.Millisecond)
	}
	o := mqtt.NewClientOptions().AddBroker(c.address().String()).SetClientID(c.ClientID).
		SetUsername(c.User).SetPassword(word).SetTLSConfig(trust).SetProtocolVersion(4).
		SetCleanSession(c.Clean).SetAutoReconnect(false).SetConnectRetry(false).
		SetOrderMatters(true).SetAutoAckDisabled(true).
		SetKeepAlive(Keep).SetPingTimeout(Keep / 2).SetConnectTimeout(limit).SetWriteTimeout(Keep).
		// A dialler of the standard library sets TCP_NODELAY; without it each
		// order would wait for the acknowledgement of the one before.
		SetDialer(&net.Dialer{Timeout: limit}).
		SetDefaultPublishHandler(func(_ mqtt.Client, m mqtt.Message) { l.take(m) }).
		SetConnectionLostHandler(func(_ mqtt.Client, err error) { l.end(err) })
	if will != nil {
		o.SetWill(will.Topic, will.Payload, 1, will.Retained)
	}
	l.client = mqtt.NewClient(o)
	if err := wait(ctx, l.client.Connect()); err != nil {
		// Ending it also ends an attempt that is still under way.
		l.client.Disconnect(0)
		return nil, &sashlock.Error{Kind: sashlock.Unavailable, Op: op, Subject: c.address().Host, Err: err}
	}
	return l, nil
}

// wait waits for what was asked of the broker.
func wait(ctx context.Context, t mqtt.Token) error {
	select {
	case <-t.Done():
		return t.Error()
	case <-ctx.Done():
		return ctx.Err()
	}
}

// take puts a message where it can be read. It never waits: the library would
// hear no acknowledgement meanwhile.
func (l *Link) take(m mqtt.Message) {
	l.mu.Lock()
	over := len(l.waiting) >= maxWaiting || l.bytes+len(m.Payload()) > maxWaitingBytes || len(m.Payload()) > MaxPayload
	if !over {
		l.waiting = append(l.waiting, Message{Topic: m.Topic(), Payload: m.Payload(), Retained: m.Retained(), ack: m.Ack})
		l.bytes += len(m.Payload())
	}
	l.mu.Unlock()
	if over {
		l.end(errors.New("the broker sends more than can be taken"))
		return
	}
	select {
	case l.ready <- struct{}{}:
	default:
	}
}

// Ready returns a channel that yields when there may be something to read.
func (l *Link) Ready() <-chan struct{} { return l.ready }

// Next returns the oldest message not read yet; ok is false when there is none.
func (l *Link) Next() (m Message, ok bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.waiting) == 0 {
		return Message{}, false
	}
	m = l.waiting[0]
	l.waiting[0] = Message{}
	l.waiting = l.waiting[1:]
	l.bytes -= len(m.Payload)
	if len(l.waiting) > 0 {
		select {
		case l.ready <- struct{}{}:
		default:
		}
	}
	return m, true
}

// end notes why the connection is over, once.
func (l *Link) end(why error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.why == nil {
		l.why = why
		close(l.done)
	}
}

// Done returns a channel that is closed when the connection is over.
func (l *Link) Done() <-chan struct{} { return l.done }

// Why returns why the connection is over, or nil while it is not.
func (l *Link) Why() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.why
}

// Subscribe asks for topics with quality of service 1, which is what brings
// back messages that were not acknowledged. What is retained under them comes
// at once.
func (l *Link) Subscribe(ctx context.Context, topics ...string) error {
	const batch = 64
	for len(topics) > 0 {
		n := min(batch, len(topics))
		ask := make(map[string]byte, n)
		for _, topic := range topics[:n] {
			ask[topic] = 1
		}
		t := l.client.SubscribeMultiple(ask, nil)
		if err := wait(ctx, t); err != nil {
			return l.fail("subscribing", err)
		}
		if s, ok := t.(*mqtt.SubscribeToken); ok {
			for topic, code := range s.Result() {
				if code > 2 {
					return l.fail("subscribing", fmt.Errorf("the broker refuses %q", topic))
				}
			}
		}
		topics = topics[n:]
	}
	return nil
}

// Unsubscribe gives topics up.
func (l *Link) Unsubscribe(ctx context.Context, topics ...string) error {
	if len(topics) == 0 {
		return nil
	}
	if err := wait(ctx, l.client.Unsubscribe(topics...)); err != nil {
		return l.fail("unsubscribing", err)
	}
	return nil
}

// Publish sends a message with the quality of service given and, for 1, waits
// until the broker has it. Once the context has ended nothing is sent any more.
func (l *Link) Publish(ctx context.Context, topic string, qos byte, payload []byte) error {
	return l.publish(ctx, topic, qos, false, payload)
}

// Keep publishes a message that the broker keeps for those who come later, and
// waits until it has it. Without a payload what it keeps is taken back.
func (l *Link) Keep(ctx context.Context, topic string, payload []byte) error {
	return l.publish(ctx, topic, 1, true, payload)
}

func (l *Link) publish(ctx context.Context, topic string, qos byte, keep bool, payload []byte) error {
	if err := ctx.Err(); err != nil {
		return l.fail("publishing", err)
	}
	if err := wait(ctx, l.client.Publish(topic, qos, keep, payload)); err != nil {
		return l.fail("publishing", err)
	}
	return nil
}

func (l *Link) fail(op string, err error) error {
	return &sashlock.Error{Kind: sashlock.Unavailable, Op: op, Hint: "the broker did not take it", Err: err}
}

// Close ends the connection. What was not acknowledged comes again next time.
func (l *Link) Close() {
	l.end(errors.New("it was closed here"))
	l.client.Disconnect(50)
}
