// SPDX-License-Identifier: Apache-2.0

package uhppote

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"sync"
	"time"
)

var errSilent = errors.New("the controller does not answer")

// link is the socket to the controllers.
type link struct {
	socket *net.UDPConn

	mu      sync.Mutex
	waiting map[question]chan *message // guarded by mu
	found   func(m *message, from netip.AddrPort)
}

// question is what an answer is recognised by: who answers, and to what.
type question struct {
	from     netip.AddrPort
	serial   uint32
	function byte
}

func newLink(socket *net.UDPConn, found func(*message, netip.AddrPort)) *link {
	return &link{socket: socket, waiting: map[question]chan *message{}, found: found}
}

// listen hands answers to those who wait for them, until the socket is closed.
func (l *link) listen() {
	buf := make([]byte, 2*size)
	for {
		n, from, err := l.socket.ReadFromUDPAddrPort(buf)
		if errors.Is(err, net.ErrClosed) {
			return
		}
		if err != nil {
			continue // an earlier datagram met a closed port
		}
		m, err := read(buf[:n])
		if err != nil {
			continue
		}
		from = netip.AddrPortFrom(from.Addr().Unmap(), from.Port())
		l.mu.Lock()
		ear := l.waiting[question{from, m.serial(), m.function()}]
		l.mu.Unlock()
		switch {
		case ear != nil:
			select {
			case ear <- m:
			default: // it was answered before
			}
		case m.function() == getDevice:
			l.found(m, from)
		}
	}
}

// ask sends a request and waits for its answer, again as often as said. Only one
// question of a kind to one controller may be under way.
func (l *link) ask(ctx context.Context, to netip.AddrPort, m *message, patience time.Duration, tries int) (*message, error) {
	ear := make(chan *message, 1)
	q := question{to, m.serial(), m.function()}
	l.mu.Lock()
	l.waiting[q] = ear
	l.mu.Unlock()
	defer func() {
		l.mu.Lock()
		defer l.mu.Unlock()
		delete(l.waiting, q)
	}()
	for range tries {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		if _, err := l.socket.WriteToUDPAddrPort(m[:], to); err != nil {
			return nil, errors.Join(errSilent, err)
		}
		late := time.NewTimer(patience)
		select {
		case answer := <-ear:
			late.Stop()
			return answer, nil
		case <-late.C:
		case <-ctx.Done():
			late.Stop()
			return nil, ctx.Err()
		}
	}
	return nil, errSilent
}
