// SPDX-License-Identifier: Apache-2.0

package mqtt

import (
	"context"
	"errors"
	"net"
	"sync"
	"time"

	"github.com/sashlock/sashlock/internal/mqtt/packet"
)

// Endpoint serves the clients of one listener. It is safe for concurrent use.
type Endpoint struct {
	opts     Options
	ctx      context.Context //nolint:containedctx // ends with the endpoint, not with a call
	stop     context.CancelFunc
	greeters chan struct{} // a token for each client that introduces itself
	work     sync.WaitGroup

	mu       sync.Mutex
	listener net.Listener          // guarded by mu
	sessions map[string]*Session   // guarded by mu: by name and client identifier
	greeting map[net.Conn]struct{} // guarded by mu: not yet sessions
	closed   bool                  // guarded by mu
}

// New returns an endpoint that serves nobody yet.
func New(opts Options) *Endpoint {
	opts = opts.filled()
	ctx, stop := context.WithCancel(context.Background())
	return &Endpoint{
		opts: opts, ctx: ctx, stop: stop, greeters: make(chan struct{}, opts.Greeters),
		sessions: map[string]*Session{}, greeting: map[net.Conn]struct{}{},
	}
}

// Serve takes connections until the listener fails or the endpoint is closed,
// and closes the listener. It returns the listener's error, nil after Close.
// Connections that it has taken live on when it returns.
func (e *Endpoint) Serve(l net.Listener) error {
	defer l.Close() //nolint:errcheck // it has failed or was closed
	e.mu.Lock()
	if e.closed {
		e.mu.Unlock()
		return nil
	}
	e.listener = l
	e.mu.Unlock()
	for {
		select {
		case e.greeters <- struct{}{}:
		case <-e.ctx.Done():
			return nil
		}
		conn, err := l.Accept()
		switch {
		case err == nil:
			e.admit(conn)
		case e.isClosed():
			return nil
		case !passing(err):
			<-e.greeters
			return err
		default:
			<-e.greeters
			pause(e.ctx, 10*time.Millisecond) // out of descriptors, for instance: others will close
		}
	}
}

func (e *Endpoint) isClosed() bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.closed
}

// passing reports whether accepting may work again: a client that has gone, or
// too many open files.
func passing(err error) bool {
	var t interface{ Temporary() bool }
	return errors.As(err, &t) && t.Temporary() && !errors.Is(err, net.ErrClosed)
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

// admit starts the greeting of a connection. The token it was taken with is
// given back at the end of the greeting.
func (e *Endpoint) admit(conn net.Conn) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.closed {
		conn.Close() //nolint:errcheck,gosec // nobody was served on it
		<-e.greeters
		return
	}
	e.greeting[conn] = struct{}{}
	e.work.Go(func() {
		s := e.greet(conn)
		e.mu.Lock()
		delete(e.greeting, conn)
		e.mu.Unlock()
		<-e.greeters
		if s != nil {
			// A goroutine of its own: encrypting has made this one's stack large.
			e.work.Go(s.run)
		}
	})
}

// enter makes a session the one of its name and client identifier and returns the one it
// replaces. It fails when there are too many clients or the endpoint is closed.
func (e *Endpoint) enter(s *Session) (old *Session, err error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	old = e.sessions[s.key()]
	switch {
	case e.closed:
		return nil, &Refusal{packet.ShuttingDown, "the endpoint stops"}
	case old == nil && len(e.sessions) >= e.opts.Clients:
		return nil, &Refusal{packet.ServerBusy, "there are too many clients"}
	}
	e.sessions[s.key()] = s
	return old, nil
}

// leave forgets a session unless another has taken its place.
func (e *Endpoint) leave(s *Session) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.sessions[s.key()] == s {
		delete(e.sessions, s.key())
	}
}

// Clients returns how many clients there are.
func (e *Endpoint) Clients() int {
	e.mu.Lock()
	defer e.mu.Unlock()
	return len(e.sessions)
}

// Close ends the endpoint and all connections: clients of version 5 are told,
// the listener is closed, and every call of the handler is waited for.
func (e *Endpoint) Close() error {
	e.mu.Lock()
	first := !e.closed
	e.closed = true
	l := e.listener
	var sessions []*Session
	for _, s := range e.sessions {
		sessions = append(sessions, s)
	}
	for conn := range e.greeting {
		conn.Close() //nolint:errcheck,gosec // it has not introduced itself
	}
	e.mu.Unlock()
	var err error
	if first && l != nil {
		if err = l.Close(); errors.Is(err, net.ErrClosed) {
			err = nil
		}
	}
	for _, s := range sessions {
		s.end(Stopping, packet.ShuttingDown)
	}
	e.stop()
	e.work.Wait()
	return err
}

// Drop ends the connections of all clients and keeps listening.
func (e *Endpoint) Drop(name string) {
	e.mu.Lock()
	var found []*Session
	for _, s := range e.sessions {
		if s.name == name {
			found = append(found, s)
		}
	}
	e.mu.Unlock()
	for _, s := range found {
		s.end(TurnedOut, packet.NotAuthorized)
	}
}
