// SPDX-License-Identifier: Apache-2.0

package uhppote

import (
	"context"
	"net"
	"net/netip"
	"sync"
	"time"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/driver"
)

// session keeps an eye on the controllers of a network.
type session struct {
	config settings
	pace   pace
	sink   driver.Sink
	judge  driver.Presenter // nil: nobody decides about cards

	life  context.Context // ends with the session
	stop  context.CancelFunc
	group sync.WaitGroup

	gate  sync.Mutex // held while the sink is told of the gateway
	wasUp gateway    // guarded by gate: what it was told last

	mu          sync.Mutex
	link        *link                  // guarded by mu: nil until the socket is open
	controllers map[uint32]*controller // guarded by mu, with what they say is
}

type gateway int

const (
	nothingYet gateway = iota
	isUp
	isDown
)

func start(c settings, p pace, sink driver.Sink) *session {
	life, stop := context.WithCancel(context.Background())
	s := &session{config: c, pace: p, sink: sink, life: life, stop: stop, controllers: map[uint32]*controller{}}
	s.judge, _ = sink.(driver.Presenter)
	s.group.Go(s.run)
	return s
}

// Close ends the session.
func (s *session) Close() error {
	s.stop()
	s.group.Wait()
	return nil
}

// run opens the sockets, tries again with growing pauses, and works until the
// session ends.
func (s *session) run() {
	for wait := s.pace.backoffMin; s.life.Err() == nil; wait = min(2*wait, s.pace.backoffMax) {
		socket, ear, err := s.open()
		if err == nil {
			s.serve(socket, ear)
			return
		}
		s.tellGateway(isDown, "the socket cannot be opened: see whether the address under listen is this machine's and free")
		sleep(s.life, wait)
	}
}

// open opens the socket for questions and, where the configuration has one, that
// for events.
func (s *session) open() (socket, ear *net.UDPConn, err error) {
	if s.config.listen.IsValid() {
		if ear, err = net.ListenUDP("udp4", net.UDPAddrFromAddrPort(s.config.listen)); err != nil {
			return nil, nil, err
		}
	}
	if socket, err = net.ListenUDP("udp4", nil); err != nil && ear != nil {
		_ = ear.Close()
	}
	return socket, ear, err
}

func (s *session) serve(socket, ear *net.UDPConn) {
	var ears sync.WaitGroup
	l := newLink(socket, s.found)
	s.mu.Lock()
	s.link = l
	s.mu.Unlock()
	ears.Go(l.listen)
	if ear != nil {
		ears.Go(func() { s.overhear(ear) })
	}
	for _, c := range s.config.Controllers {
		s.add(&controller{serial: c.Serial, at: c.at, named: true, contacts: c.Contacts})
	}
	for s.life.Err() == nil {
		if s.config.broadcast.IsValid() {
			_, _ = socket.WriteToUDPAddrPort(ask(getDevice, 0)[:], s.config.broadcast) // it is tried again
		}
		sleep(s.life, s.pace.look)
	}
	_ = socket.Close()
	if ear != nil {
		_ = ear.Close()
	}
	ears.Wait()
}

// found takes a controller that answered a call.
func (s *session) found(m *message, from netip.AddrPort) {
	s.mu.Lock()
	known := s.controllers[m.serial()]
	if known != nil && !known.named && !known.ready {
		known.at = from // it has moved
	}
	s.mu.Unlock()
	if known == nil && m.serial() != 0 && s.life.Err() == nil {
		s.add(&controller{serial: m.serial(), at: from})
	}
}

// add begins to keep an eye on a controller. It is called by goroutines of the
// group only.
func (s *session) add(c *controller) {
	c.turn, c.poke, c.asked = make(chan struct{}, 1), make(chan struct{}, 1), make(chan chan error)
	s.mu.Lock()
	s.controllers[c.serial] = c
	s.mu.Unlock()
	s.group.Go(func() { s.watch(c) })
}

// overhear has controllers looked at that send word of an event. What the word
// itself says is not believed: anybody could have sent it.
func (s *session) overhear(ear *net.UDPConn) {
	buf := make([]byte, 2*size)
	for {
		n, _, err := ear.ReadFromUDPAddrPort(buf)
		if err != nil {
			if s.life.Err() != nil {
				return
			}
			continue
		}
		m, err := read(buf[:n])
		if err != nil || m.function() != getStatus {
			continue
		}
		s.mu.Lock()
		c := s.controllers[m.serial()]
		s.mu.Unlock()
		if c != nil {
			c.nudge()
		}
	}
}

// tellGateway tells that controllers can be reached, or none any more.
func (s *session) tellGateway(now gateway, why string) {
	s.gate.Lock()
	defer s.gate.Unlock()
	if s.wasUp == now {
		return
	}
	s.wasUp = now
	s.sink.Gateway(s.life, now == isUp, why)
}

// anyReady reports whether a controller can be reached.
func (s *session) anyReady() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, c := range s.controllers {
		if c.ready {
			return true
		}
	}
	return false
}

// hear tells the sink until it takes it, or says that it never will.
func (s *session) hear(tell func() error) {
	for wait := s.pace.again; s.life.Err() == nil; wait = min(2*wait, 50*s.pace.again) {
		switch sashlock.KindOf(tell()) {
		case "", sashlock.Invalid, sashlock.Denied, sashlock.NotFound, sashlock.Conflict:
			return
		}
		sleep(s.life, wait)
	}
}

func (s *session) report(r driver.Report) {
	s.hear(func() error { return s.sink.Heard(s.life, r) })
}

func sleep(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-ctx.Done():
	}
}
