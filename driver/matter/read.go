// SPDX-License-Identifier: Apache-2.0

package matter

import (
	"context"
	"errors"
	"strconv"
	"strings"
	"time"

	"github.com/sashlock/sashlock"
)

// lookup finds a device, its node and the connection to it.
func (s *session) lookup(op, at string) (*link, *node, *device, error) {
	wrong := func(kind sashlock.Kind, hint string) error {
		return &sashlock.Error{Kind: kind, Op: op, Subject: at, Hint: hint}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.life.Err() != nil {
		return nil, nil, nil, wrong(sashlock.Unavailable, "the session is closed")
	}
	var d *device
	left, right, _ := strings.Cut(at, "-")
	id, _ := strconv.Atoi(left)
	endpoint, _ := strconv.Atoi(right)
	n := s.nodes[id]
	if n != nil {
		d = n.devices[endpoint]
	}
	switch {
	case d == nil || address(id, endpoint) != at:
		return nil, nil, nil, wrong(sashlock.NotFound, "there is no device with this address in the fabric")
	case s.link == nil:
		return nil, nil, nil, wrong(sashlock.Unavailable, "the Matter server cannot be reached")
	case !n.state.Available:
		return nil, nil, nil, wrong(sashlock.Unavailable, "the device cannot be reached: see whether it has power")
	case !n.state.reachable(endpoint):
		return nil, nil, nil, wrong(sashlock.Unavailable, "its bridge cannot reach the device: see whether it has power")
	}
	return s.link, n, d, nil
}

// ask asks a node for attributes. A node that leaves it without an answer is
// said to be offline.
func (s *session) ask(ctx context.Context, l *link, n *node, paths []path) (map[path]value, error) {
	ctx, cancel := context.WithTimeout(ctx, s.pace.answer)
	defer cancel()
	s.mu.Lock()
	id := n.state.Node
	s.mu.Unlock()
	began := time.Now()
	body, err := l.client.do(ctx, readAttributes(id, paths, left(ctx)))
	if err != nil {
		var said *serverError
		if errors.As(err, &said) || time.Since(began) >= s.pace.probe {
			s.muted(l, n)
		}
		return nil, err
	}
	values, err := decodeAttributes(body)
	if err != nil {
		l.client.Garbled.Add(1)
		return nil, unreachable("reading device", err)
	}
	return values, nil
}

// left is how long a context lives still, at least a millisecond.
func left(ctx context.Context) time.Duration {
	deadline, ok := ctx.Deadline()
	if !ok {
		return time.Minute
	}
	return max(time.Until(deadline), time.Millisecond)
}

// muted tells that a node left something without an answer.
func (s *session) muted(l *link, n *node) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.link != l {
		return
	}
	s.group.Go(func() {
		_ = s.post(l.ctx, l, func() (told []news) {
			n.mute = true
			for _, d := range s.devicesOf(n) {
				told = append(told, d.goOffline()...)
			}
			return told
		})
	})
}

// look asks a device how it stands and tells it as a statement. The caller
// holds mu.
func (s *session) look(l *link, n *node, d *device) {
	paths := d.reads(n.state)
	s.group.Go(func() {
		// What cannot be read now is read when the device says it is there.
		_ = s.read(l.ctx, l, n, d, paths)
	})
}

func (s *session) read(ctx context.Context, l *link, n *node, d *device, paths []path) error {
	for {
		s.mu.Lock()
		words := d.words
		s.mu.Unlock()
		said, err := s.ask(ctx, l, n, paths)
		if err != nil {
			return err
		}
		late := false
		err = s.post(ctx, l, func() []news {
			n.known = true
			told := s.heardFrom(l, n)
			if late = words != d.words; late {
				return told
			}
			return append(told, d.stands(paths, said)...)
		})
		if err != nil || !late {
			return err
		}
	}
}

// callMute tries nodes that left something without an answer.
func (s *session) callMute(l *link) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, n := range s.nodes {
		if n.mute && n.state.Available {
			for _, d := range s.devicesOf(n) {
				s.look(l, n, d)
			}
		}
	}
}

// Read asks a device how it stands, and how its battery does, and tells both as
// statements.
func (s *session) Read(ctx context.Context, at string) error {
	l, n, d, err := s.lookup("reading device", at)
	if err != nil {
		return err
	}
	s.mu.Lock()
	paths := d.reads(n.state)
	s.mu.Unlock()
	return s.read(ctx, l, n, d, paths)
}
