// SPDX-License-Identifier: Apache-2.0

package example

import (
	"bufio"
	"context"
	"fmt"
	"maps"
	"net"
	"slices"
	"sync"
	"time"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/driver"
)

const (
	dialFor    = 10 * time.Second
	writeFor   = 5 * time.Second
	firstRetry = 50 * time.Millisecond
	lastRetry  = 10 * time.Second
)

// session is one box, connected again whenever the connection ends.
type session struct {
	box  string
	sink driver.Sink
	ctx  context.Context //nolint:containedctx // ends at Close
	end  context.CancelFunc
	work sync.WaitGroup

	mu     sync.Mutex
	conn   *net.TCPConn     // guarded by mu: nil while the box is away
	locks  map[string]bool  // guarded by mu: by address; true: within reach
	orders map[int]*pending // guarded by mu: not answered yet, or not done yet
	last   int              // guarded by mu: number of the last order
}

// pending is an order under way.
type pending struct {
	command sashlock.CommandID
	answer  chan bool // the box took it, or would not; has room for one
}

func start(box string, sink driver.Sink) *session {
	s := &session{box: box, sink: sink, locks: map[string]bool{}, orders: map[int]*pending{}}
	s.ctx, s.end = context.WithCancel(context.Background())
	s.work.Go(s.run)
	return s
}

// Close ends the session.
func (s *session) Close() error {
	s.end()
	s.work.Wait()
	return nil
}

// run keeps the connection up until the session is closed.
func (s *session) run() {
	for wait := firstRetry; s.ctx.Err() == nil; wait = min(2*wait, lastRetry) {
		began := time.Now()
		err := s.talk()
		if s.ctx.Err() != nil {
			return
		}
		s.lost(err)
		if time.Since(began) > time.Minute {
			wait = firstRetry // it held for a while
		}
		pause(s.ctx, wait)
	}
}

// talk connects once and hands on what the box says until the connection ends.
// It reads the next line only when the sink has taken what came of the last,
// so nothing is lost or overtaken while the sink is busy.
func (s *session) talk() error {
	c, err := (&net.Dialer{Timeout: dialFor}).DialContext(s.ctx, "tcp", s.box)
	if err != nil {
		return err
	}
	conn := c.(*net.TCPConn) //nolint:errcheck,forcetypeassert // "tcp" makes one
	stop := context.AfterFunc(s.ctx, func() { conn.Close() })
	defer stop()
	defer conn.Close() //nolint:errcheck // it has ended
	lines := bufio.NewScanner(conn)
	lines.Buffer(make([]byte, maxLine), maxLine)
	for lines.Scan() {
		m, err := decode(lines.Text())
		if err != nil {
			return err
		}
		if err := s.hear(conn, m); err != nil {
			return err
		}
	}
	if lines.Err() != nil {
		return lines.Err()
	}
	return fmt.Errorf("the box closed the connection")
}

// hear tells the sink what a line means.
func (s *session) hear(conn *net.TCPConn, m message) error {
	switch m.word {
	case "have":
		was := s.reach(m.address, true)
		err := s.tell(func(ctx context.Context) error { return s.sink.Found(ctx, discovery(m)) })
		if err != nil || was != away {
			return err
		}
		return s.report(driver.Report{Address: m.address, Kind: sashlock.DeviceOnline})
	case "ready":
		s.mu.Lock()
		s.conn = conn
		s.mu.Unlock()
		s.sink.Gateway(s.ctx, true, "")
		return nil
	case "is":
		return s.report(driver.Report{Address: m.address, Kind: m.kind, State: true})
	case "did":
		return s.report(driver.Report{Address: m.address, Kind: m.kind, Method: m.method, Command: s.done(m.order)})
	case "took", "wont":
		s.answer(m.order, m.word == "took")
		return nil
	case "gone":
		s.reach(m.address, false)
		return s.report(driver.Report{Address: m.address, Kind: sashlock.DeviceOffline})
	default: // back
		s.reach(m.address, true)
		return s.report(driver.Report{Address: m.address, Kind: sashlock.DeviceOnline})
	}
}

func discovery(m message) driver.Discovery {
	return driver.Discovery{
		Address: m.address, Maker: "Nobody", Model: m.model, Security: "none",
		Weak: "the box speaks without encryption: whoever is in its network can speak in its name",
		Capabilities: []sashlock.Capability{
			sashlock.CanUnlock, sashlock.CanLock, sashlock.TellsLock, sashlock.TellsJam, sashlock.TellsWho,
		},
	}
}

func (s *session) report(r driver.Report) error {
	return s.tell(func(ctx context.Context) error { return s.sink.Heard(ctx, r) })
}

// tell tells the sink something until it takes it, or says that it never will.
func (s *session) tell(say func(context.Context) error) error {
	for wait := firstRetry; ; wait = min(2*wait, lastRetry) {
		switch sashlock.KindOf(say(s.ctx)) {
		case "", sashlock.Invalid, sashlock.Denied, sashlock.NotFound, sashlock.Conflict:
			return nil
		}
		if !pause(s.ctx, wait) {
			return s.ctx.Err()
		}
	}
}

// lost says that the box is away, and with it every lock.
func (s *session) lost(err error) {
	s.mu.Lock()
	s.conn = nil
	var gone []string
	for _, address := range slices.Sorted(maps.Keys(s.locks)) {
		if s.locks[address] {
			s.locks[address] = false
			gone = append(gone, address)
		}
	}
	clear(s.orders) // who waits for an answer waits until the order's time is over
	s.mu.Unlock()
	s.sink.Gateway(s.ctx, false, "the box cannot be reached: "+err.Error())
	for _, address := range gone {
		if s.report(driver.Report{Address: address, Kind: sashlock.DeviceOffline}) != nil {
			return // the session is closed
		}
	}
}

// What was known of a lock before it was heard of again.
const (
	stranger = iota
	away
	within
)

// reach notes whether a lock can be reached, and returns what was known before.
func (s *session) reach(address string, can bool) (was int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if could, known := s.locks[address]; known && could {
		was = within
	} else if known {
		was = away
	}
	s.locks[address] = can
	return was
}

// pause waits, or returns false when the context ends.
func pause(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}
