// SPDX-License-Identifier: Apache-2.0

package mqttlink

import (
	"context"
	"crypto/rand"
	"net"
	"slices"
	"time"
)

// Pace is how quick a broker is.
type Pace struct {
	Network time.Duration // to connect to its port: what the network takes for one round trip
	Trip    time.Duration // from publishing a message to having it back, in the middle of several
	Slow    time.Duration // the same, of which 99 in 100 take no longer
}

// Held reports whether the broker holds small packets back: it does not set
// TCP_NODELAY, so the second of two waits for the acknowledgement of the first,
// which this machine puts off for some 40 ms (RFC 1122, section 4.2.3.2, and RFC
// 896).
func (p Pace) Held() bool { return p.Trip-2*p.Network > 30*time.Millisecond }

// Measure publishes some messages to itself, one after the other, under a topic of chance that
// nobody else listens to, and tells how long they took. Nothing is left at the
// broker. The error is of kind unavailable when it cannot be reached, or does
// not let us publish there.
func Measure(ctx context.Context, c Config, trips int) (Pace, error) {
	c.ClientID, c.Clean = "sashlock-pace-"+rand.Text()[:12], true
	network, err := knock(ctx, c.address().Host)
	if err != nil {
		return Pace{}, err
	}
	l, err := Dial(ctx, c, nil)
	if err != nil {
		return Pace{}, err
	}
	defer l.Close()
	topic := "sashlock/pace/" + rand.Text()[:12]
	if err := l.Subscribe(ctx, topic); err != nil {
		return Pace{}, err
	}
	var took []time.Duration
	for range trips {
		began := time.Now()
		// Its acknowledgement and its copy are the two small packets.
		if err := l.Publish(ctx, topic, 1, []byte("ping")); err != nil {
			return Pace{}, err
		}
		if err := l.back(ctx); err != nil {
			return Pace{}, err
		}
		took = append(took, time.Since(began))
	}
	slices.Sort(took)
	return Pace{Network: network, Trip: took[trips/2], Slow: took[trips*99/100]}, nil
}

// knock tells how long a connection takes to be made.
func knock(ctx context.Context, host string) (time.Duration, error) {
	began := time.Now()
	conn, err := (&net.Dialer{Timeout: 10 * time.Second}).DialContext(ctx, "tcp", host)
	if err != nil {
		return 0, err
	}
	took := time.Since(began)
	return took, conn.Close()
}

// back waits for the next message.
func (l *Link) back(ctx context.Context) error {
	for {
		if m, ok := l.Next(); ok {
			m.Done()
			return nil
		}
		select {
		case <-l.Ready():
		case <-l.Done():
			return l.fail("measuring", l.Why())
		case <-ctx.Done():
			return l.fail("measuring", ctx.Err())
		}
	}
}
