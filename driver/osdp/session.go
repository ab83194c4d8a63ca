// SPDX-License-Identifier: Apache-2.0

package osdp

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/driver"
	"github.com/sashlock/sashlock/internal/osdp"
)

// session owns one bus.
type session struct {
	config Config
	pace   pace
	sink   driver.Sink
	judge  driver.Presenter // nil: nobody decides about cards and PINs
	vault  vault
	began  time.Time
	teller *teller
	jobs   chan job

	life  context.Context // ends with the session
	stop  context.CancelFunc
	group sync.WaitGroup

	peers []*peer // never changes

	mu sync.Mutex
	up bool // guarded by mu: the bus is open
}

// job is work for the bus's goroutine, on behalf of a caller who waits.
type job struct {
	ctx  context.Context //nolint:containedctx // the caller's: nothing is sent once it has ended
	peer *peer
	work func(ctx context.Context, b *bus, p *peer) error
	done chan error
}

func start(c Config, p pace, sink driver.Sink) *session {
	life, stop := context.WithCancel(context.Background())
	s := &session{
		config: c, pace: p, sink: sink, vault: vault{c.KeyFolder}, began: time.Now(),
		teller: newTeller(), jobs: make(chan job), life: life, stop: stop,
	}
	s.judge, _ = sink.(driver.Presenter)
	for _, r := range c.Readers {
		peer := &peer{config: r, shown: make(chan driver.Shown, 4), keys: make(chan []byte, 16)}
		s.peers = append(s.peers, peer)
		s.group.Go(func() { s.decide(peer) })
	}
	s.group.Go(func() { s.teller.run(life, sink, p.again) })
	s.group.Go(s.run)
	return s
}

// Close ends the session.
func (s *session) Close() error {
	s.stop()
	s.group.Wait()
	return nil
}

// run opens the bus, and opens it again with growing pauses, until the session
// ends.
func (s *session) run() {
	wait := s.pace.backoffMin
	for said := ""; s.life.Err() == nil; {
		began := time.Now()
		err := s.serve()
		if s.life.Err() != nil {
			return
		}
		why := s.away(err)
		if why != said || s.isUp() {
			said = why
			s.setUp(false)
			s.teller.tell(news{gateway: true, why: why})
		}
		for _, p := range s.peers {
			s.lose(p)
		}
		if time.Since(began) > s.pace.backoffMax {
			wait = s.pace.backoffMin
		}
		s.refuseFor(wait)
		wait = min(2*wait, s.pace.backoffMax)
	}
}

// away says why the bus is not there, without what the error of a library may
// say about this machine.
func (s *session) away(err error) string {
	switch {
	case errors.Is(err, errCollision):
		return errCollision.Error()
	case errors.Is(err, errEnded):
		return errEnded.Error()
	case s.config.TCP != "":
		return "the serial server cannot be reached: see whether it has power and takes one more connection"
	}
	return "the serial port cannot be opened: see whether the adapter is plugged in and this program may use it"
}

// refuseFor waits, and refuses what is asked meanwhile.
func (s *session) refuseFor(d time.Duration) {
	over := time.NewTimer(d)
	defer over.Stop()
	for {
		select {
		case j := <-s.jobs:
			j.done <- unreachable(j.peer)
		case <-over.C:
			return
		case <-s.life.Done():
			return
		}
	}
}

func (s *session) isUp() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.up
}

func (s *session) setUp(up bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.up = up
}

// serve opens the bus and works on it until it ends.
func (s *session) serve() error {
	line, err := openLine(s.life, s.config, s.pace)
	if err != nil {
		return err
	}
	b := newBus(line, s.pace)
	ctx, end := context.WithCancel(s.life)
	var listening sync.WaitGroup
	listening.Go(b.listen)
	closed := context.AfterFunc(ctx, func() { _ = line.Close() }) // a line that was lost cannot be closed better
	defer func() {
		end()
		if closed() {
			_ = line.Close()
		}
		listening.Wait()
	}()
	s.setUp(true)
	s.teller.tell(news{gateway: true, up: true})
	for _, p := range s.peers {
		p.forget()
		p.up, p.due, p.pending = false, time.Time{}, pending{}
	}
	return s.work(ctx, b)
}

// work asks one reader after the other, and does what callers want in between.
func (s *session) work(ctx context.Context, b *bus) error {
	for {
		next := time.Now().Add(s.pace.retry)
		for _, p := range s.peers {
			if err := s.serveJobs(ctx, b, nil); err != nil {
				return err
			}
			if !time.Now().Before(p.due) {
				if err := s.turn(ctx, b, p); err != nil {
					return err
				}
			}
			if p.due.Before(next) {
				next = p.due
			}
		}
		idle := time.NewTimer(time.Until(next))
		err := s.serveJobs(ctx, b, idle.C)
		idle.Stop()
		if err == nil {
			err = s.teller.room(ctx) // readers keep what they have to say as long as nobody takes it
		}
		if err != nil {
			return err
		}
	}
}

// serveJobs does what callers want, until a moment or until there is nothing.
func (s *session) serveJobs(ctx context.Context, b *bus, until <-chan time.Time) error {
	var none chan struct{}
	if until == nil {
		none = make(chan struct{})
		close(none)
	}
	for {
		var j job
		select { // a job that waits comes first
		case j = <-s.jobs:
		default:
			select {
			case j = <-s.jobs:
			case <-until:
				return nil
			case <-none:
				return nil
			case <-ctx.Done():
				return ctx.Err()
			}
		}
		if err := j.ctx.Err(); err != nil {
			j.done <- s.told(j.peer, err)
			continue
		}
		err := j.work(j.ctx, b, j.peer)
		j.done <- s.told(j.peer, err)
		if fatal := s.weigh(j.peer, err); fatal != nil {
			return fatal
		}
		if until != nil {
			return nil // what became of it is looked at at once
		}
	}
}

// told is what a caller is told of an error.
func (s *session) told(p *peer, err error) error {
	const op = "operating reader"
	if err == nil {
		return nil
	}
	if _, is := errors.AsType[nak](err); is {
		return &sashlock.Error{Kind: sashlock.Denied, Op: op, Subject: p.config.address(), Hint: "the reader refused: see whether it has this output"}
	}
	return &sashlock.Error{Kind: sashlock.Unavailable, Op: op, Subject: p.config.address(), Hint: "the reader did not confirm it", Err: err}
}

func unreachable(p *peer) error {
	return &sashlock.Error{
		Kind: sashlock.Unavailable, Op: "operating reader", Subject: p.config.address(), Hint: "the reader cannot be reached",
	}
}

// turn is one reader's turn on the bus. An error is one of the bus.
func (s *session) turn(ctx context.Context, b *bus, p *peer) error {
	if !p.up {
		return s.meet(ctx, b, p)
	}
	p.due = time.Now().Add(time.Duration(s.config.PollMS) * time.Millisecond)
	if !time.Now().Before(p.look) {
		p.due = time.Time{} // and then it is asked for what it has to say
		return s.weigh(p, s.lookAt(ctx, b, p, false))
	}
	if f, wanted := s.wanted(p); wanted {
		p.due = time.Time{} // the same
		_, err := s.call(ctx, b, p, f, s.pace.repeats)
		return s.weigh(p, ignoreNak(err))
	}
	answer, err := s.call(ctx, b, p, osdp.Frame{Code: osdp.POLL}, s.pace.repeats)
	if err == nil && answer.Code != osdp.ACK {
		p.due = time.Time{} // there may be more
		s.take(p, answer, false)
	}
	return s.weigh(p, ignoreNak(err))
}

// ignoreNak is for orders whose refusal changes nothing.
func ignoreNak(err error) error {
	if _, is := errors.AsType[nak](err); is {
		return nil
	}
	return err
}

// meet makes the connection to a reader and tells how it stands.
func (s *session) meet(ctx context.Context, b *bus, p *peer) error {
	err := s.greet(ctx, b, p)
	if err == nil {
		p.state = state{} // all of it is told anew
		err = s.lookAt(ctx, b, p, true)
	}
	if err == nil {
		p.up = true
		p.due = time.Now()
		return nil
	}
	p.due = time.Now().Add(s.pace.retry)
	if errors.Is(err, errInsecure) {
		p.due = time.Now().Add(s.pace.distrust)
	}
	if fatal := s.weigh(p, err); fatal != nil {
		return fatal
	}
	if time.Since(p.heard) > s.pace.offline || errors.Is(err, errInsecure) {
		s.lose(p)
	}
	return nil
}

// weigh does what an error asks for, and returns it when it is the bus's.
func (s *session) weigh(p *peer, err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, errCollision), errors.Is(err, errEnded), s.life.Err() != nil:
		return err
	case errors.Is(err, errInsecure):
		s.doubt(p)
		s.lose(p)
	}
	if _, is := errors.AsType[nak](err); is {
		return nil
	}
	// The connection is begun anew at once; only who stays away is offline.
	if p.up {
		p.up, p.due = false, time.Now()
		s.setReady(p, false)
	}
	p.forget()
	return nil
}

// doubt records, once a minute at most, that a reader is not believed.
func (s *session) doubt(p *peer) {
	if now := time.Now(); now.Sub(p.doubted) > time.Minute {
		p.doubted = now
		s.teller.tell(news{report: &driver.Report{Address: p.config.address(), Kind: sashlock.ReportRefused, Reason: sashlock.LinkDowngraded}})
	}
}

// lose calls a reader offline.
func (s *session) lose(p *peer) {
	p.up = false
	s.setReady(p, false)
	p.forget()
	if p.online == sashlock.DeviceOffline {
		return
	}
	s.teller.tell(news{report: &driver.Report{Address: p.config.address(), Kind: sashlock.DeviceOffline, State: p.online == ""}})
	p.online = sashlock.DeviceOffline
}

func (s *session) setReady(p *peer, ready bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	p.ready = ready
	if !ready {
		p.shows = nil
	}
}

// find tells of a reader, again when something about it is new.
func (s *session) find(p *peer, link protection) {
	d := p.config.discovery(p.identity, link)
	if p.found && same(d, p.told) {
		return
	}
	p.found, p.told = true, d
	s.teller.tell(news{device: &d})
}

func same(a, b driver.Discovery) bool {
	return a.Maker == b.Maker && a.Model == b.Model && a.Firmware == b.Firmware && a.Security == b.Security && a.Weak == b.Weak
}
