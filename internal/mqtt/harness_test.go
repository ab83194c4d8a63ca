// SPDX-License-Identifier: Apache-2.0

package mqtt

import (
	"context"
	"errors"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sashlock/sashlock/internal/mqtt/packet"
)

// hall is a handler that keeps what it is told. A client may publish below
// "<its name>/" and subscribe to "<its name>/cmd".
type hall struct {
	mu      sync.Mutex
	took    []string // guarded by mu: topic=payload, with "will:" before a last will
	moves   []string // guarded by mu: who came and went
	refused map[packet.Code]int
	there   map[string]*Session // guarded by mu
	hold    chan struct{}       // guarded by mu: what is taken waits until it is closed
	fail    error               // guarded by mu: what taking returns
	changed chan struct{}       // guarded by mu
	ended   bool                // guarded by mu
	late    int                 // guarded by mu: calls after the end
}

func newHall() *hall {
	return &hall{refused: map[packet.Code]int{}, there: map[string]*Session{}, changed: make(chan struct{})}
}

func (h *hall) change(do func()) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.ended {
		h.late++
	}
	do()
	close(h.changed)
	h.changed = make(chan struct{})
}

// await waits until something holds of the hall.
func (h *hall) await(t *testing.T, what string, holds func() bool) {
	t.Helper()
	limit := time.After(10 * time.Second)
	for {
		h.mu.Lock()
		ok, changed := holds(), h.changed
		h.mu.Unlock()
		if ok {
			return
		}
		select {
		case <-changed:
		case <-limit:
			h.mu.Lock()
			defer h.mu.Unlock()
			t.Fatalf("not within 10 s: %s; took %q, moves %q, refused %v", what, h.took, h.moves, h.refused)
		}
	}
}

func (h *hall) Admit(hello Hello) (string, error) {
	switch {
	case hello.Username == "stranger":
		return "", &Refusal{packet.NotAuthorized, "not known"}
	case hello.ClientID == "":
		return hello.Username, nil
	}
	return hello.ClientID, nil
}

func (h *hall) May(name, topic string, reads bool) bool {
	if reads {
		return topic == name+"/cmd"
	}
	return strings.HasPrefix(topic, name+"/") && topic != name+"/cmd"
}

func (h *hall) Came(_ context.Context, s *Session) {
	h.change(func() { h.there[s.Name()] = s; h.moves = append(h.moves, "+"+s.Name()) })
}

func (h *hall) Take(ctx context.Context, _ *Session, m Message) error {
	text := m.Topic + "=" + string(m.Payload)
	if m.Will {
		text = "will:" + text
	}
	h.mu.Lock()
	hold := h.hold
	h.mu.Unlock()
	if hold != nil {
		select {
		case <-hold:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	var err error
	h.change(func() {
		if err = h.fail; err == nil {
			h.took = append(h.took, text)
		}
	})
	return err
}

func (h *hall) Gone(s *Session, why End) {
	h.change(func() { h.moves = append(h.moves, "-"+s.Name()+": "+string(why)) })
}

func (h *hall) Refused(_ string, code packet.Code) { h.change(func() { h.refused[code]++ }) }

// serve starts an endpoint on this machine and returns its address.
func serve(t testing.TB, h Handler, opts Options) (*Endpoint, string) {
	t.Helper()
	opts.Handler = h
	e := New(opts)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() { done <- e.Serve(l) }()
	t.Cleanup(func() {
		if err := e.Close(); err != nil {
			t.Errorf("Close: %v", err)
		}
		if err := <-done; err != nil {
			t.Errorf("Serve: %v", err)
		}
	})
	return e, l.Addr().String()
}

// client is the other side, packet by packet.
type client struct {
	testing.TB
	net.Conn
	version packet.Version
	left    []byte
}

func dial(t testing.TB, addr string, v packet.Version) *client {
	t.Helper()
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	return &client{TB: t, Conn: conn, version: v}
}

func (c *client) send(p packet.Packet) {
	c.Helper()
	b, err := packet.Append(nil, c.version, p)
	if err != nil {
		c.Fatal(err)
	}
	if _, err := c.Write(b); err != nil {
		c.Fatalf("writing %T: %v", p, err)
	}
}

// read returns the next packet, or the error of the connection.
func (c *client) read() (packet.Packet, error) {
	c.Helper()
	c.SetReadDeadline(time.Now().Add(10 * time.Second))
	for {
		size, head, err := packet.Head(c.left)
		if err != nil {
			c.Fatal(err)
		}
		if size > 0 && len(c.left) >= size {
			b := c.left[:size]
			c.left = c.left[size:]
			p, err := packet.Decode(c.version, b[0], b[head:])
			if err != nil {
				c.Fatalf("the endpoint wrote %x: %v", b, err)
			}
			return p, nil
		}
		var some [1024]byte
		n, err := c.Conn.Read(some[:])
		c.left = append(c.left, some[:n]...)
		if n == 0 && err != nil {
			return nil, err
		}
	}
}

// want reads the next packet, which must be of a sort.
func want[P packet.Packet](c *client) P {
	c.Helper()
	p, err := c.read()
	got, is := p.(P)
	if !is {
		c.Fatalf("got %+v, %v; want a %T", p, err, got)
	}
	return got
}

// closed reads to the end of the connection and fails if another packet comes.
func (c *client) closed() {
	c.Helper()
	if p, err := c.read(); err == nil || errors.Is(err, context.DeadlineExceeded) {
		c.Fatalf("got %+v, %v; want the end of the connection", p, err)
	} else if ne, is := err.(net.Error); is && ne.Timeout() {
		c.Fatal("the connection was not closed")
	}
}

// join connects a client under a name.
func join(t testing.TB, addr, name string, v packet.Version) *client {
	t.Helper()
	c := dial(t, addr, v)
	c.send(&packet.Connect{Version: v, Clean: true, ClientID: name})
	if ack := want[*packet.Connack](c); ack.Code != packet.Success {
		t.Fatalf("CONNACK %+v", ack)
	}
	return c
}
