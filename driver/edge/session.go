// SPDX-License-Identifier: Apache-2.0

package edge

import (
	"context"
	"crypto/tls"
	"sync"
	"time"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/driver"
	"github.com/sashlock/sashlock/internal/devicekeys"
	"github.com/sashlock/sashlock/internal/mqtt"
)

const (
	// firstRetry and lastRetry are the pauses before something is tried again.
	firstRetry = 5 * time.Millisecond
	lastRetry  = time.Second
	// grace is how long devices have to come back after a start before those
	// that did not are called offline.
	grace = 20 * time.Second
	// askPatience is how long a question to a device lives.
	askPatience = 5 * time.Second
)

// session is the driver at work on one listener.
type session struct {
	driver *Driver
	config Config
	sink   driver.Sink
	keys   *devicekeys.Authority // nil: no encryption
	ctx    context.Context       //nolint:containedctx // ends at Close
	end    context.CancelFunc
	work   sync.WaitGroup

	mu      sync.Mutex
	devices map[string]*device   // guarded by mu: by address
	secrets map[string][16]byte  // guarded by mu: of those who enrol, by name
	refused map[string]*refusals // guarded by mu: by address
	served  *mqtt.Endpoint       // guarded by mu: the one at work last
	news    chan struct{}        // holds a token while something was refused
}

// device is one device that was seen.
type device struct {
	link    *mqtt.Session                     // guarded by session.mu: nil while it is away
	found   bool                              // guarded by session.mu: it has said what it is
	online  bool                              // guarded by session.mu: the sink was told
	before  bool                              // guarded by session.mu: and that not for the first time
	waiting map[sashlock.CommandID][]chan Ack // guarded by session.mu: who waits for its word
}

func openSession(d *Driver, c Config, sink driver.Sink) (*session, error) {
	s := &session{
		driver: d, config: c, sink: sink, devices: map[string]*device{}, secrets: map[string][16]byte{},
		refused: map[string]*refusals{}, news: make(chan struct{}, 1),
	}
	if !c.Clear {
		if d.house.Folder == "" {
			return nil, &sashlock.Error{Kind: sashlock.Internal, Op: "opening gateway", Hint: "there is no folder for the certificates of devices"}
		}
		var err error
		if s.keys, err = devicekeys.Open(d.house.Folder, d.house.Now); err != nil {
			return nil, err
		}
	}
	s.ctx, s.end = context.WithCancel(context.Background())
	s.work.Go(s.run)
	s.work.Go(s.record)
	return s, nil
}

// Close ends the session.
func (s *session) Close() error {
	s.end()
	s.work.Wait()
	return nil
}

// run listens until the session is closed, and begins again when listening
// fails.
func (s *session) run() {
	wait := firstRetry
	why := ""
	for s.ctx.Err() == nil {
		err := s.serve(func() { wait, why = firstRetry, "" })
		if s.ctx.Err() != nil {
			return
		}
		if err != nil && err.Error() != why {
			why = err.Error()
			s.sink.Gateway(s.ctx, false, "not listening: "+why)
		}
		if !sleep(s.ctx, wait) {
			return
		}
		wait = min(2*wait, lastRetry)
	}
}

// serve listens once. It returns when that has failed, or the session is
// closed; nobody is connected then.
func (s *session) serve(up func()) error {
	l, err := s.driver.listen(s.ctx, s.config.Listen)
	if err != nil {
		return err
	}
	up()
	s.sink.Gateway(s.ctx, true, "")
	if s.keys != nil {
		l = tls.NewListener(l, s.keys.Config(s.config.Names))
	}
	endpoint := mqtt.New(mqtt.Options{Handler: (*handler)(s), Rate: s.driver.rate, Burst: 2 * s.driver.rate})
	s.mu.Lock()
	s.served = endpoint
	s.mu.Unlock()
	stop := context.AfterFunc(s.ctx, func() { endpoint.Close() }) //nolint:errcheck,gosec // it is closed again below
	defer stop()
	err = endpoint.Serve(l)
	// Whoever is connected cannot be reached by others' means either: all begin
	// anew, so that what is shown is what was said after it.
	endpoint.Close() //nolint:errcheck,gosec // the listener has failed already
	return err
}

// sleep waits, or returns false when the context ends.
func sleep(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// tell tells the sink something until it takes it. What it will never take is
// dropped. The error is that of the context.
func tell(ctx context.Context, say func(context.Context) error) error {
	for wait := firstRetry; ; wait = min(2*wait, lastRetry) {
		if err := ctx.Err(); err != nil {
			return err
		}
		err := say(ctx)
		switch sashlock.KindOf(err) {
		case "", sashlock.Invalid, sashlock.Denied, sashlock.NotFound, sashlock.Conflict:
			return nil
		}
		if !sleep(ctx, wait) {
			return ctx.Err()
		}
	}
}

func (s *session) hear(ctx context.Context, r driver.Report) error {
	return tell(ctx, func(ctx context.Context) error { return s.sink.Heard(ctx, r) })
}

// at returns the device of an address, which it makes if told to. It is called
// with mu held.
func (s *session) at(address string, make bool) *device {
	d := s.devices[address]
	if d == nil && make {
		d = &device{}
		s.devices[address] = d
	}
	return d
}

// link returns the connection of a device, or an error that says why there is
// none.
func (s *session) link(ctx context.Context, op, address string) (*mqtt.Session, error) {
	switch {
	case s.ctx.Err() != nil:
		return nil, refuse(sashlock.Unavailable, op, address, "the session is closed", nil)
	case ctx.Err() != nil:
		return nil, refuse(sashlock.Unavailable, op, address, "there was no time left", ctx.Err())
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	d := s.at(address, false)
	switch {
	case d == nil && (s.keys == nil || !s.keys.Known(address)):
		return nil, refuse(sashlock.NotFound, op, address, "no such device was ever here", nil)
	case d == nil || d.link == nil:
		return nil, refuse(sashlock.Unavailable, op, address, "the device is not connected", nil)
	}
	return d.link, nil
}

func refuse(kind sashlock.Kind, op, address, hint string, cause error) error {
	return &sashlock.Error{Kind: kind, Op: op, Subject: address, Hint: hint, Err: cause}
}
