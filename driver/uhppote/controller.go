// SPDX-License-Identifier: Apache-2.0

package uhppote

import (
	"context"
	"fmt"
	"net/netip"
	"slices"
	"time"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/driver"
)

// controller is one controller. What is not said to be guarded is its own
// goroutine's, which makes every call of the sink about it.
type controller struct {
	serial   uint32
	named    bool // the configuration has it
	contacts []int

	turn  chan struct{}   // held by whoever orders something
	poke  chan struct{}   // look at once
	asked chan chan error // look, and tell all of it anew

	met      bool
	firmware string
	found    bool
	online   sashlock.EventKind // what the sink was last told; empty: nothing
	next     uint32             // the number of the first event that was not told
	clockOff time.Duration      // what has to be added to its times
	state    [4]doorState
	judging  chan struct{} // held while a card is decided about

	at      netip.AddrPort // guarded by session.mu, with all that follows
	ready   bool
	pending [4]pending
}

// doorState is what was last told of a door; unknown before.
type doorState struct{ unlocked, open trit }

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

// door is how a door is set.
type door struct {
	mode  byte
	delay byte // seconds
}

// How a door can be set.
const (
	staysOpen   = 1
	staysLocked = 2
	controlled  = 3
)

// pending is an order that the controller has been given and the relay has not
// confirmed.
type pending struct {
	command sashlock.CommandID
	kind    sashlock.EventKind
	until   time.Time
}

func (c *controller) nudge() {
	select {
	case c.poke <- struct{}{}:
	default:
	}
}

func (c *controller) count() int { return doorsOf(c.serial) }

// ask puts a question to a controller.
func (s *session) ask(ctx context.Context, c *controller, m *message, tries int) (*message, error) {
	s.mu.Lock()
	l, at := s.link, c.at
	s.mu.Unlock()
	return l.ask(ctx, at, m, s.pace.answer, tries)
}

// watch keeps an eye on a controller until the session ends.
func (s *session) watch(c *controller) {
	c.judging = make(chan struct{}, 1)
	var wanted chan error
	for s.life.Err() == nil {
		wait, err := s.visit(c, wanted != nil)
		if wanted != nil {
			wanted <- err
			wanted = nil
		}
		next := time.NewTimer(wait)
		select {
		case <-next.C:
		case <-c.poke:
		case wanted = <-c.asked:
		case <-s.life.Done():
		}
		next.Stop()
	}
}

// visit looks at a controller and tells what is new, or all of it anew. It
// returns when to look again.
func (s *session) visit(c *controller, anew bool) (time.Duration, error) {
	if !c.met {
		if err := s.greet(c); err != nil {
			s.miss(c)
			return s.pace.retry, err
		}
		anew = true
	}
	m, err := s.ask(s.life, c, ask(getStatus, c.serial), s.pace.tries)
	if err != nil {
		s.miss(c)
		return s.pace.retry, err
	}
	now := m.status(s.config.zone)
	if !c.met {
		if err := s.catchUp(c, now.last); err != nil {
			s.miss(c)
			return s.pace.retry, err
		}
		s.meet(c)
	}
	s.setClock(c, now.clock)
	if err := s.takeEvents(c, now); err != nil {
		s.miss(c)
		return s.pace.retry, err
	}
	busy := false
	for i := range c.count() {
		busy = s.takeDoor(c, i, now, anew) || busy
	}
	if busy {
		return s.pace.watch, nil
	}
	return s.pace.poll, nil
}

// greet asks a controller what it is, and has it tell what it can.
func (s *session) greet(c *controller) error {
	m, err := s.ask(s.life, c, ask(getDevice, c.serial), s.pace.tries)
	if err != nil {
		return err
	}
	c.firmware = fmt.Sprintf("%x.%02x", m[26], m[27])
	if len(c.contacts) > 0 {
		if _, err := s.ask(s.life, c, ask(recordSpecial, c.serial).put(8, 1), s.pace.tries); err != nil {
			return err
		}
	}
	return s.listenTo(c)
}

// listenTo has a controller send word of events to us.
func (s *session) listenTo(c *controller) error {
	if !s.config.listen.IsValid() {
		return nil
	}
	ip, port := s.config.listen.Addr().As4(), s.config.listen.Port()
	want := append(ip[:], byte(port), byte(port>>8))
	m, err := s.ask(s.life, c, ask(getListener, c.serial), s.pace.tries)
	if err != nil || slices.Equal(m[8:14], want) {
		return err
	}
	_, err = s.ask(s.life, c, ask(setListener, c.serial).put(8, want...), s.pace.tries)
	return err
}

// meet tells of a controller's doors that they are here.
func (s *session) meet(c *controller) {
	c.met = true
	s.mu.Lock()
	c.ready = true
	s.mu.Unlock()
	s.tellGateway(isUp, "")
	for i := range c.count() {
		d := c.discovery(i + 1)
		if !c.found {
			s.hear(func() error { return s.sink.Found(s.life, d) })
		}
		if c.online != sashlock.DeviceOnline {
			s.report(driver.Report{Address: d.Address, Kind: sashlock.DeviceOnline, State: c.online == ""})
		}
	}
	c.found, c.online = true, sashlock.DeviceOnline
}

// miss tells of a controller's doors that they are away.
func (s *session) miss(c *controller) {
	if s.life.Err() != nil {
		return
	}
	c.met = false
	s.mu.Lock()
	c.ready, c.pending = false, [4]pending{}
	s.mu.Unlock()
	if c.online != sashlock.DeviceOffline {
		for i := range c.count() {
			s.report(driver.Report{Address: address(c.serial, i+1), Kind: sashlock.DeviceOffline, State: c.online == ""})
		}
		c.online = sashlock.DeviceOffline
	}
	if !s.anyReady() {
		s.tellGateway(isDown, "no controller answers: see whether they have power and whether the network lets UDP through")
	}
}

// setClock notes how far a controller's clock is off, and sets it where that is
// wanted.
func (s *session) setClock(c *controller, clock time.Time) {
	c.clockOff = 0
	if clock.IsZero() {
		return
	}
	now := time.Now()
	off := now.Sub(clock)
	if off.Abs() < 2*time.Second { // it tells whole seconds
		return
	}
	c.clockOff = off
	if s.config.SetClock && off.Abs() > s.pace.clockOff {
		// Times of events that lie before it were told by the clock as it was: they
		// are asked for in this visit. Without an answer it is tried again.
		_, _ = s.ask(s.life, c, ask(setTime, c.serial).putTime(8, now.In(s.config.zone)), 1)
	}
}

// takeDoor tells how a door stands, and reports whether it wants watching.
func (s *session) takeDoor(c *controller, i int, now status, anew bool) bool {
	unlocked := now.relay>>i&1 == 1
	kind := sashlock.LockLocked
	if unlocked {
		kind = sashlock.LockUnlocked
	}
	s.mu.Lock()
	order := c.pending[i]
	done := order.kind == kind
	if done || time.Now().After(order.until) {
		c.pending[i] = pending{}
	}
	waits := c.pending[i].kind != ""
	s.mu.Unlock()
	was := &c.state[i]
	base := driver.Report{Address: address(c.serial, i+1), Kind: kind}
	switch {
	case done:
		base.Method, base.Command = sashlock.ByRemote, order.command
		s.report(base)
	case anew || was.unlocked != tritOf(unlocked):
		base.State = anew || was.unlocked == unknown
		s.report(base)
	}
	was.unlocked = tritOf(unlocked)
	if slices.Contains(c.contacts, i+1) && (anew || was.open != tritOf(now.open[i])) {
		s.report(position(c, i+1, now.open[i], anew || was.open == unknown))
		was.open = tritOf(now.open[i])
	}
	return waits || unlocked
}

func position(c *controller, door int, open, state bool) driver.Report {
	r := driver.Report{Address: address(c.serial, door), Kind: sashlock.OpeningClosed, State: state}
	if open {
		r.Kind = sashlock.OpeningOpened
	}
	return r
}
