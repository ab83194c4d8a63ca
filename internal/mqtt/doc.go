// SPDX-License-Identifier: Apache-2.0

// Package mqtt is an endpoint for devices that speak MQTT 3.1.1 or 5.
//
// # What
//
// An [Endpoint] takes connections from a listener, finds out by its [Handler]
// who a client is and what it may say, and hands over what it says. It sends to
// one client at a time. It is no broker: nothing that one client says reaches
// another, nothing is retained, no session outlives its connection, topics are
// compared and never matched.
//
// # How it fits
//
// The driver for our own devices stands on it. Package packet has the bytes.
//
// # Promises
//
//   - A message of QoS 1 is acknowledged after the handler has taken it, and
//     never otherwise. What a 3.1.1 client may not say ends its connection,
//     because 3.1.1 has no other way to say no.
//   - A client is read only as fast as its budget and the handler allow; one
//     that floods is slowed by itself and slows nobody else.
//   - A message that is sent with a time to live is not sent after it, and says
//     how long it has left. Nothing is ever sent again.
//   - A client has one goroutine and, while it is silent, no buffer but the one
//     in its session.
//   - After [Endpoint.Close] returns, the handler is not called again.
package mqtt

import (
	"context"
	"crypto/x509"
	"fmt"
	"net"
	"time"

	"github.com/sashlock/sashlock/internal/mqtt/packet"
)

// Handler decides about clients and takes what they say. Its methods are called
// from many goroutines, for one client from one at a time.
type Handler interface {
	// Admit tells whose client it is that says hello. The name is what all
	// else is decided by. A [*Refusal] turns it away.
	Admit(h Hello) (name string, err error)
	// May reports whether the client of a name may publish to a topic or, if
	// reads is set, subscribe to it. There are no wildcards.
	May(name, topic string, reads bool) bool
	// Came tells that a client is there and answered.
	Came(ctx context.Context, s *Session)
	// Take takes a message; it may block. The context ends when the client
	// goes. A [*Refusal] is told to clients of version 5; for 3.1.1 a message
	// that is refused for what it says is acknowledged, since the same would
	// come again. After any other error the connection ends and nothing is
	// acknowledged.
	Take(ctx context.Context, s *Session, m Message) error
	// Gone tells that a client went. What it takes is waited for.
	Gone(s *Session, why End)
	// Refused tells that something was refused: the client's name, empty if it
	// was not admitted, and why.
	Refused(name string, code packet.Code)
}

// Hello is how a client introduces itself.
type Hello struct {
	Version     packet.Version
	ClientID    string
	Username    string
	Password    []byte
	Certificate *x509.Certificate // checked against the listener's authorities; nil: it showed none
	Remote      net.Addr
}

// Message is what a client says. The payload may be used during the call only.
type Message struct {
	Topic     string
	Payload   []byte
	QoS       byte
	Duplicate bool
	Will      bool // its last will: it went without a word
}

// Refusal is a no that the client is told.
type Refusal struct {
	Code packet.Code
	Why  string
}

// Error returns it in one line.
func (r *Refusal) Error() string {
	return fmt.Sprintf("%s (MQTT reason 0x%02x)", r.Why, byte(r.Code))
}

// End is why a client went.
type End string

// Why clients go.
const (
	Left      End = "it said goodbye"
	Lost      End = "the connection was lost"
	Silent    End = "it was silent for too long"
	Replaced  End = "it connected again"
	TurnedOut End = "it broke the protocol or its rights"
	Stopping  End = "the endpoint stops"
)

// Options are what an endpoint is made of. Zero values of the limits mean the
// defaults.
type Options struct {
	Handler Handler // required
	// Greeting is how long a client has to encrypt and introduce itself; 10 s.
	Greeting time.Duration
	// Greeters is how many may do so at once; others wait; 256.
	Greeters int
	// Clients is how many there may be; 20,000.
	Clients int
	// Rate is how many packets of one client are read in a second, on average,
	// and Burst how many at once; 100 and 200.
	Rate, Burst int
	// KeepAlive is the longest time a client may be silent, whatever it asks
	// for; 5 minutes.
	KeepAlive time.Duration
	// Patience is how long a client may take to read what it is sent; 5 s.
	Patience time.Duration
}

func (o Options) filled() Options {
	fill := func(v *int, normal int) {
		if *v <= 0 {
			*v = normal
		}
	}
	last := func(v *time.Duration, normal time.Duration) {
		if *v <= 0 {
			*v = normal
		}
	}
	last(&o.Greeting, 10*time.Second)
	last(&o.KeepAlive, 5*time.Minute)
	last(&o.Patience, 5*time.Second)
	fill(&o.Greeters, 256)
	fill(&o.Clients, 20_000)
	fill(&o.Rate, 100)
	fill(&o.Burst, 200)
	return o
}
