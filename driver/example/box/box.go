// SPDX-License-Identifier: Apache-2.0

// Package box is the other side of the example driver: a made-up box with made-up
// locks behind it.
//
// # How it fits
//
// Package example says what the box speaks. Its tests, and "sashlock conformance
// example", do to a [Box] what people and accidents do to a real one.
//
// # Promises
//
// An order moves a bolt only when the answer that it is taken could be sent: one
// whose connection was cut meanwhile moves nothing.
package box

import (
	"bufio"
	"errors"
	"fmt"
	"net"
	"slices"
	"strings"
	"sync"

	"github.com/sashlock/sashlock"
)

// Box is the made-up box. What people and accidents do to it are its methods,
// by the names that package drivertest knows. It is safe for concurrent use.
type Box struct {
	mu      sync.Mutex
	address string
	locks   map[string]*bolt      // guarded by mu
	conns   map[net.Conn]struct{} // guarded by mu
	listen  net.Listener          // guarded by mu: nil while it is switched off
	work    sync.WaitGroup
}

// bolt is one lock of a box.
type bolt struct {
	stands string // "locked", "unlocked", "jammed"
	held   bool   // it cannot move
	gone   bool   // the box cannot reach it
}

var errNoLock = errors.New("there is no such lock")

// New returns a box with locks that are locked, switched on at a free port
// of this machine.
func New(addresses ...string) (*Box, error) {
	b := &Box{address: "127.0.0.1:0", locks: map[string]*bolt{}, conns: map[net.Conn]struct{}{}}
	for _, a := range addresses {
		b.locks[a] = &bolt{stands: "locked"}
	}
	return b, b.RestartGateway()
}

// Address is where it listens.
func (b *Box) Address() string { return b.address }

// RestartGateway switches the box on.
func (b *Box) RestartGateway() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	l, err := net.Listen("tcp", b.address) //nolint:noctx // it does not wait
	if err != nil {
		return err
	}
	b.address, b.listen = l.Addr().String(), l
	b.work.Go(func() { b.serve(l) })
	return nil
}

// KillGateway switches the box off.
func (b *Box) KillGateway() error {
	b.mu.Lock()
	if b.listen != nil {
		_ = b.listen.Close()
	}
	b.listen = nil
	for c := range b.conns {
		_ = c.Close()
	}
	clear(b.conns)
	b.mu.Unlock()
	b.work.Wait()
	return nil
}

func (b *Box) serve(l net.Listener) {
	for {
		c, err := l.Accept()
		if err != nil {
			return
		}
		b.greet(c)
		b.work.Go(func() { b.obey(c) })
	}
}

// greet tells a new connection what there is and how it stands.
func (b *Box) greet(c net.Conn) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.listen == nil {
		_ = c.Close()
		return
	}
	b.conns[c] = struct{}{}
	var all []string
	for a := range b.locks {
		all = append(all, a)
	}
	slices.Sort(all)
	for _, a := range all {
		fmt.Fprintf(c, "have %s M1\n", a) //nolint:errcheck // whoever is gone hears nothing
	}
	fmt.Fprint(c, "ready\n") //nolint:errcheck // as above
	for _, a := range all {
		if l := b.locks[a]; l.gone {
			fmt.Fprintf(c, "gone %s\n", a) //nolint:errcheck // as above
		} else {
			fmt.Fprintf(c, "is %s %s\n", a, l.stands) //nolint:errcheck // as above
		}
	}
}

// obey carries out what one connection says.
func (b *Box) obey(c net.Conn) {
	lines := bufio.NewScanner(c)
	for lines.Scan() {
		words := strings.Fields(lines.Text())
		b.mu.Lock()
		switch {
		case len(words) == 2 && words[0] == "ask" && b.locks[words[1]] != nil:
			fmt.Fprintf(c, "is %s %s\n", words[1], b.locks[words[1]].stands) //nolint:errcheck // as above
		case len(words) == 4 && words[0] == "do" && b.locks[words[3]] != nil && !b.locks[words[3]].gone:
			if _, err := fmt.Fprintf(c, "took %s\n", words[1]); err == nil {
				b.move(words[3], words[2] == "unlock", words[1])
			}
		case len(words) == 4 && words[0] == "do":
			fmt.Fprintf(c, "wont %s\n", words[1]) //nolint:errcheck // as above
		}
		b.mu.Unlock()
	}
	b.mu.Lock()
	delete(b.conns, c)
	b.mu.Unlock()
	_ = c.Close()
}

// Busy has the box do something else until the function that is returned is
// called: it listens, and does not answer.
func (b *Box) Busy() (ready func()) {
	b.mu.Lock()
	return b.mu.Unlock
}

// move moves a bolt, if it can move, and says so. It is called with mu held.
func (b *Box) move(address string, unlock bool, by string) {
	l := b.locks[address]
	switch {
	case l.held:
		l.stands = "jammed"
	case unlock:
		l.stands = "unlocked"
	default:
		l.stands = "locked"
	}
	b.say("did %s %s %s\n", address, l.stands, by)
}

// say tells everybody who is connected. It is called with mu held.
func (b *Box) say(format string, args ...any) {
	for c := range b.conns {
		fmt.Fprintf(c, format, args...) //nolint:errcheck // whoever is gone hears nothing
	}
}

func (b *Box) with(address string, do func(*bolt)) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	l := b.locks[address]
	if l == nil {
		return errNoLock
	}
	do(l)
	return nil
}

// OperateByHand turns a lock by hand.
func (b *Box) OperateByHand(address string, verb sashlock.Verb) error {
	return b.with(address, func(*bolt) { b.move(address, verb != sashlock.DoLock, "hand") })
}

// Jam holds a bolt so that it cannot move.
func (b *Box) Jam(address string) error {
	return b.with(address, func(l *bolt) { l.held = true })
}

// Unjam lets it go; it is locked then.
func (b *Box) Unjam(address string) error {
	return b.with(address, func(l *bolt) {
		l.held = false
		b.move(address, false, "self")
	})
}

// Dead takes a lock out of the box's reach.
func (b *Box) Dead(address string) error {
	return b.with(address, func(l *bolt) {
		l.gone = true
		b.say("gone %s\n", address)
	})
}

// Alive brings it back.
func (b *Box) Alive(address string) error {
	return b.with(address, func(l *bolt) {
		l.gone = false
		b.say("back %s\nis %s %s\n", address, address, l.stands)
	})
}
