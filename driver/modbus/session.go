// SPDX-License-Identifier: Apache-2.0

package modbus

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/driver"
)

// session owns one line. One goroutine, run, looks at everything and makes every
// call of the sink.
type session struct {
	config Config
	pace   pace
	sink   driver.Sink

	life  context.Context // ends with the session
	stop  context.CancelFunc
	group sync.WaitGroup

	doors []*door     // never changes
	poke  chan *door  // look at one at once
	asked chan asking // look at one, and tell all of it anew

	mu   sync.Mutex
	line *line // guarded by mu: nil while it is lost
}

// door is one opening. What is not said to be guarded is run's own.
type door struct {
	config   Opening
	due      time.Time
	found    bool
	online   sashlock.EventKind // what the sink was last told; empty: nothing
	unlocked trit
	open     trit

	ready   bool    // guarded by session.mu, with what follows: orders are taken
	pending pending // an order that is not confirmed
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

type pending struct {
	command sashlock.CommandID
	kind    sashlock.EventKind
	until   time.Time
}

// asking is somebody who wants to know how an opening stands.
type asking struct {
	door *door
	done chan error
}

func start(c Config, p pace, sink driver.Sink) *session {
	life, stop := context.WithCancel(context.Background())
	s := &session{config: c, pace: p, sink: sink, life: life, stop: stop, poke: make(chan *door, 1), asked: make(chan asking)}
	for _, o := range c.Openings {
		s.doors = append(s.doors, &door{config: o})
	}
	s.group.Go(s.run)
	return s
}

// Close ends the session.
func (s *session) Close() error {
	s.stop()
	s.group.Wait()
	return nil
}

// run opens the line, and opens it again with growing pauses, until the session
// ends.
func (s *session) run() {
	said := ""
	for wait := s.pace.backoffMin; ; wait = min(2*wait, s.pace.backoffMax) {
		began := time.Now()
		l, err := openLine(s.life, s.config, s.pace)
		why := "the line cannot be opened: see whether the board has power and the adapter is plugged in"
		if err == nil {
			s.sink.Gateway(s.life, true, "")
			s.serve(l)
			said, why = "", errEnded.Error()
		}
		if s.life.Err() != nil {
			return
		}
		if why != said {
			s.sink.Gateway(s.life, false, why)
			said = why
		}
		for _, d := range s.doors {
			s.lose(d)
		}
		if time.Since(began) > s.pace.backoffMax {
			wait = s.pace.backoffMin
		}
		s.refuseFor(wait)
		if s.life.Err() != nil {
			return
		}
	}
}

// refuseFor waits, and refuses what is asked meanwhile.
func (s *session) refuseFor(d time.Duration) {
	over := time.NewTimer(d)
	defer over.Stop()
	for {
		select {
		case a := <-s.asked:
			a.done <- errEnded
		case <-s.poke:
		case <-over.C:
			return
		case <-s.life.Done():
			return
		}
	}
}

// serve looks at everything until the line or the session ends.
func (s *session) serve(l *line) {
	s.setLine(l)
	defer func() {
		s.setLine(nil)
		_ = l.port.Close() // a line that was lost cannot be closed better
	}()
	defer context.AfterFunc(s.life, func() { _ = l.port.Close() })() // ends a read
	for _, d := range s.doors {
		d.due = time.Time{}
	}
	for s.life.Err() == nil {
		next := time.Now().Add(s.pace.retry)
		for _, d := range s.doors {
			if !time.Now().Before(d.due) && errors.Is(s.look(l, d, false), errEnded) {
				return
			}
			if d.due.Before(next) {
				next = d.due
			}
		}
		idle := time.NewTimer(time.Until(next))
		select {
		case <-idle.C:
		case <-l.ended:
		case d := <-s.poke:
			d.due = time.Time{}
		case a := <-s.asked:
			a.done <- s.look(l, a.door, true)
		case <-s.life.Done():
		}
		idle.Stop()
		select {
		case <-l.ended:
			return
		default:
		}
	}
}

func (s *session) setLine(l *line) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.line = l
}

// look looks at an opening and tells what is new, or all of it anew.
func (s *session) look(l *line, d *door, anew bool) error {
	d.due = time.Now().Add(time.Duration(s.config.PollMS) * time.Millisecond)
	unlocked, open, err := s.read(l, d.config)
	if s.life.Err() != nil {
		return s.life.Err()
	}
	if err != nil {
		d.due = time.Now().Add(s.pace.retry)
		s.lose(d)
		return err
	}
	if d.online != sashlock.DeviceOnline {
		s.come(d)
		anew = true
	}
	if d.config.Relay != nil {
		s.tellLock(d, unlocked, anew)
	}
	if d.config.Contact != nil && (anew || d.open != tritOf(open)) {
		kind := sashlock.OpeningClosed
		if open {
			kind = sashlock.OpeningOpened
		}
		s.report(driver.Report{Address: d.config.Address, Kind: kind, State: anew})
		d.open = tritOf(open)
	}
	return nil
}

// read asks for the inputs and outputs of an opening.
func (s *session) read(l *line, o Opening) (unlocked, open bool, err error) {
	one := func(function byte, n *int) (on bool) {
		if err != nil || n == nil {
			return false
		}
		var answer []byte
		if answer, err = l.ask(s.life, byte(o.Unit), question(function, uint16(*n), 1), s.pace.tries); err != nil {
			return false
		}
		return bit(answer)
	}
	if o.Bolt != nil {
		unlocked = !one(readInputs, o.Bolt)
	} else {
		unlocked = one(readCoils, o.Relay) != o.Inverted
	}
	open = one(readInputs, o.Contact) != o.ContactInverted
	return unlocked, open, err
}

// tellLock tells how a lock stands, where that is news or answers an order.
func (s *session) tellLock(d *door, unlocked, anew bool) {
	r := driver.Report{Address: d.config.Address, Kind: sashlock.LockLocked, State: anew}
	if unlocked {
		r.Kind = sashlock.LockUnlocked
	}
	s.mu.Lock()
	order := d.pending
	done := order.kind == r.Kind
	if done || time.Now().After(order.until) {
		d.pending = pending{}
	}
	if d.pending.kind != "" {
		d.due = time.Now().Add(s.pace.watch)
	}
	s.mu.Unlock()
	switch {
	case done:
		r.State, r.Method, r.Command = false, sashlock.ByRemote, order.command
		s.report(r)
	case anew || d.unlocked != tritOf(unlocked):
		s.report(r)
	}
	d.unlocked = tritOf(unlocked)
}

// come tells that an opening's board is here.
func (s *session) come(d *door) {
	if !d.found {
		s.hear(func() error { return s.sink.Found(s.life, d.config.discovery()) })
		d.found = true
	}
	s.mu.Lock()
	d.ready = true
	s.mu.Unlock()
	s.report(driver.Report{Address: d.config.Address, Kind: sashlock.DeviceOnline, State: d.online == ""})
	d.online = sashlock.DeviceOnline
}

// lose tells that an opening's board is away.
func (s *session) lose(d *door) {
	s.mu.Lock()
	d.ready, d.pending = false, pending{}
	s.mu.Unlock()
	if d.online == sashlock.DeviceOffline {
		return
	}
	s.report(driver.Report{Address: d.config.Address, Kind: sashlock.DeviceOffline, State: d.online == ""})
	d.online = sashlock.DeviceOffline
}

func (s *session) report(r driver.Report) {
	s.hear(func() error { return s.sink.Heard(s.life, r) })
}

// hear tells the sink until it takes it, or says that it never will.
func (s *session) hear(tell func() error) {
	for wait := s.pace.again; s.life.Err() == nil; wait = min(2*wait, 50*s.pace.again) {
		switch sashlock.KindOf(tell()) {
		case "", sashlock.Invalid, sashlock.Denied, sashlock.NotFound, sashlock.Conflict:
			return
		}
		t := time.NewTimer(wait)
		select {
		case <-t.C:
		case <-s.life.Done():
		}
		t.Stop()
	}
}
