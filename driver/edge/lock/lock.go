// SPDX-License-Identifier: Apache-2.0

// Package lock is a device that speaks the scheme of package edge: a complete
// example in Go, to learn from and to try the house with.
//
// # What
//
// A [Lock] has a bolt, a contact, a keypad and a motion sensor that exist in
// memory only. [Enrol] gives it a certificate, [Lock.Run] connects it with an
// Eclipse client library and keeps it connected, and methods like
// [Lock.OpenDoor] do to it what people do.
//
// # How it fits
//
// "sashlock sim lock" runs one. It shares nothing with the house but the
// messages: what it believes of a command it checks by itself (check.go).
//
// # Promises
//
// Its bolt moves for a command only if the house's key signed it, for this
// device, it has not expired when the bolt moves, and it was never used. What
// happens is told in order, with the restart and a number, until it has been
// acknowledged; only switching it off forgets it.
package lock

import (
	"crypto/ed25519"
	"crypto/tls"
	"encoding/json"
	"sync"
	"time"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/driver/edge"
)

// Options are what a lock is made of.
type Options struct {
	Endpoint   string            // "store.example:8883"
	Site       string            // the site in the topics
	Address    string            // its own address
	TLS        *tls.Config       // nil: no encryption
	CommandKey ed25519.PublicKey // with which commands are checked
	Boot       uint64            // how often it was started; from 1
	Latency    time.Duration     // how long the bolt takes; 30 ms
	Name       string
	Now        func() time.Time      // nil means time.Now
	Say        func(what string)     // is told what happens, for people who watch; may be nil
	KeepAlive  time.Duration         // how often it gives a sign; 30 s
	Senses     []sashlock.Capability // what it can do; all if empty
}

// Lock is one device. It is safe for concurrent use.
type Lock struct {
	opts  Options
	check *checker

	mu       sync.Mutex
	unlocked bool
	jammed   bool // the bolt cannot move
	stuck    bool // and the lock has noticed
	open     bool
	near     bool
	tampered bool
	battery  int
	relock   bool               // it is to lock when it is closed
	motion   uint64             // grows with all that is done to the bolt; outdates timers
	moves    int                // how often the bolt was drawn by a command
	boot     uint64             //
	seq      uint64             //
	due      []sashlock.Command // accepted and waiting for the bolt, in their order
	outbox   []message          // not yet acknowledged, oldest first
	news     chan struct{}      // holds a token while the outbox has something new
	off      bool               // switched off
	drop     func()             // ends the connection; nil: there is none
	on       chan struct{}      // closed when it is switched on
}

// message is something to be said. A payload of nil is how it stands when it is
// its turn.
type message struct {
	sort    string
	payload []byte
	expires time.Time // not said after that; zero: always
}

// New returns a lock that is locked, shut and not connected.
func New(o Options) *Lock {
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Latency == 0 {
		o.Latency = 30 * time.Millisecond
	}
	if o.KeepAlive == 0 {
		o.KeepAlive = 30 * time.Second
	}
	if o.Say == nil {
		o.Say = func(string) {}
	}
	if len(o.Senses) == 0 {
		o.Senses = []sashlock.Capability{
			sashlock.CanRelease, sashlock.CanUnlock, sashlock.CanLock, sashlock.TellsLock, sashlock.TellsJam, sashlock.TellsPosition,
			sashlock.TellsWho, sashlock.TellsTamper, sashlock.TellsPresence, sashlock.TellsBattery,
		}
	}
	return &Lock{
		opts: o, check: newChecker(o.CommandKey, o.Address, o.Now), battery: 100, boot: max(o.Boot, 1),
		news: make(chan struct{}, 1),
	}
}

// Opened returns how often the bolt was drawn by a command.
func (l *Lock) Opened() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.moves
}

// Unlocked reports whether the bolt is drawn.
func (l *Lock) Unlocked() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.unlocked
}

// say queues something to be said. The caller holds mu.
func (l *Lock) say(m message) {
	l.outbox = append(l.outbox, m)
	select {
	case l.news <- struct{}{}:
	default:
	}
}

// tell numbers an event and queues it. The caller holds mu.
func (l *Lock) tell(e edge.Event) {
	l.seq++
	e.Boot, e.Seq, e.Time = l.boot, l.seq, l.opts.Now().UTC()
	payload, err := json.Marshal(e)
	if err != nil {
		return // not reached: an event has nothing that cannot be written
	}
	l.opts.Say(string(e.Kind))
	l.say(message{sort: "event", payload: payload})
}

// state is how the lock stands.
func (l *Lock) state() edge.State {
	l.mu.Lock()
	defer l.mu.Unlock()
	s := edge.State{Time: l.opts.Now().UTC()}
	tampered, near, battery := l.tampered, l.near, l.battery
	for _, c := range l.opts.Senses {
		switch c {
		case sashlock.TellsLock:
			s.Lock = "locked"
			if l.stuck {
				s.Lock = "jammed"
			} else if l.unlocked {
				s.Lock = "unlocked"
			}
		case sashlock.TellsPosition:
			s.Position = "closed"
			if l.open {
				s.Position = "open"
			}
		case sashlock.TellsTamper:
			s.Tamper = &tampered
		case sashlock.TellsPresence:
			s.Presence = &near
		case sashlock.TellsBattery:
			s.Battery = &battery
		}
	}
	return s
}

// command takes what came as a command: it is checked, answered, and carried
// out when the bolt's time has come.
func (l *Lock) command(signed []byte) {
	c, reason := l.check.take(signed)
	ack := edge.Ack{Command: c.ID, Result: edge.Accepted}
	if reason != "" {
		ack.Result, ack.Reason = edge.Refused, reason
		if reason == sashlock.CommandLate {
			ack.Result = edge.Expired
		}
		l.opts.Say("refused a command: " + reason.Words())
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if c.ID != "" { // without a good signature nothing it says is believed
		payload, err := json.Marshal(ack)
		if err != nil {
			return // not reached
		}
		l.say(message{sort: "ack", payload: payload, expires: l.opts.Now().Add(sashlock.MaxCommandLife)})
	}
	if reason != "" {
		return
	}
	boot := l.boot
	l.due = append(l.due, c)
	l.later(l.opts.Latency, func() {
		if l.boot != boot {
			return
		}
		// Timers may overtake each other, commands may not.
		next := l.due[0]
		l.due = l.due[1:]
		if l.opts.Now().Before(next.Expires) {
			l.carryOut(next)
		}
	})
}

// later runs something with mu held after a time.
func (l *Lock) later(d time.Duration, do func()) {
	time.AfterFunc(d, func() {
		l.mu.Lock()
		defer l.mu.Unlock()
		if !l.off {
			do()
		}
	})
}

func (l *Lock) carryOut(c sashlock.Command) {
	answer := edge.Event{Method: sashlock.ByRemote, Command: c.ID}
	switch {
	case c.Verb == sashlock.DoLock && l.open:
		l.motion++
		l.relock = true // the bolt would meet nothing: it is thrown on closing
	case c.Verb == sashlock.DoLock:
		l.turn(false, answer)
	case l.turn(true, answer):
		l.moves++
		if c.Verb == sashlock.DoRelease {
			l.relockAfter(c.For)
		}
	}
}

// turn moves the bolt and tells what came of it.
func (l *Lock) turn(unlocked bool, e edge.Event) bool {
	l.motion++
	l.relock = false
	switch {
	case l.jammed:
		l.stuck = true
		e.Kind = sashlock.LockWasJammed
	case unlocked:
		e.Kind = sashlock.LockUnlocked
	default:
		e.Kind = sashlock.LockLocked
	}
	if !l.jammed {
		l.unlocked = unlocked
	}
	l.tell(e)
	return !l.jammed
}

// relockAfter locks after a time, or on closing if it stands open then.
func (l *Lock) relockAfter(d time.Duration) {
	motion := l.motion
	l.later(d, func() {
		switch {
		case l.motion != motion:
		case l.open:
			l.relock = true
		default:
			l.turn(false, edge.Event{Method: sashlock.BySelf})
		}
	})
}
