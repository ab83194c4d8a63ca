// SPDX-License-Identifier: Apache-2.0

package zigbee2mqtt

import (
	"context"
	"encoding/json"
	"math"
	"time"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/driver"
)

// maxRelock is the longest time after which a lock is set to lock again.
const maxRelock = time.Hour

// maxAsks is how many questions may stay without an answer before a lock is
// said to be offline.
const maxAsks = 5

// lookup finds a device and the connection to it.
func (s *session) lookup(op, address string) (*link, *device, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	d := s.devices[address]
	hint := ""
	kind := sashlock.Unavailable
	switch {
	case s.life.Err() != nil:
		hint = "the session is closed"
	case d == nil:
		kind, hint = sashlock.NotFound, "there is no such device on the radio"
	case s.link == nil:
		hint = "the broker cannot be reached"
	case !s.link.up:
		hint = "Zigbee2MQTT is not there"
	case d.away:
		hint = "Zigbee2MQTT cannot reach it"
	default:
		return s.link, d, nil
	}
	return nil, nil, &sashlock.Error{Kind: kind, Op: op, Subject: address, Hint: hint}
}

// enter waits for one of the device's turns.
func enter(ctx context.Context, op string, turn chan struct{}, address string) error {
	if ctx.Err() == nil {
		select {
		case turn <- struct{}{}:
			return nil
		case <-ctx.Done():
		}
	}
	return &sashlock.Error{Kind: sashlock.Unavailable, Op: op, Subject: address, Hint: "its time is over, or the lock is busy", Err: ctx.Err()}
}

// Operate hands an order to Zigbee2MQTT. It returns when the lock has confirmed
// it, when Zigbee2MQTT says that it came to nothing, or after a moment without
// either; then the lock is asked until it confirms it or the order's time is
// over.
//
// Orders are published with quality of service 0: no broker keeps such a
// message for a Zigbee2MQTT that is away and delivers it late.
func (s *session) Operate(ctx context.Context, o driver.Order) error {
	const op = "operating lock"
	l, d, err := s.lookup(op, o.Address)
	if err != nil {
		return err
	}
	if err := enter(ctx, op, d.turn, o.Address); err != nil {
		return err
	}
	defer func() { <-d.turn }()
	payload, p, topic, err := s.expect(ctx, d, o)
	if err != nil {
		return err
	}
	if err := l.broker.Publish(ctx, topic, 0, payload); err != nil {
		s.abandon(d, p)
		return err
	}
	s.confirm(l, d, p)
	taken := time.NewTimer(s.pace.taken)
	defer taken.Stop()
	select {
	case err := <-p.ended:
		return err
	case <-taken.C:
	case <-ctx.Done():
	}
	return nil
}

// expect says what to publish for an order, and notes that the lock's next
// words may be about it.
func (s *session) expect(ctx context.Context, d *device, o driver.Order) ([]byte, *pending, string, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	can := sashlock.Device{Capabilities: d.found.Capabilities}
	ask := map[string]any{}
	kind := sashlock.LockUnlocked
	switch {
	case o.Verb == sashlock.DoUnlock && can.Has(sashlock.CanUnlock):
		ask["state"] = "UNLOCK"
	case o.Verb == sashlock.DoLock && can.Has(sashlock.CanLock):
		ask["state"], kind = "LOCK", sashlock.LockLocked
	case o.Verb == sashlock.DoRelease && can.Has(sashlock.CanRelease) && o.For > 0:
		ask["state"] = "UNLOCK"
		// In one message, the time first: the keys are sorted.
		if after := int(math.Ceil(min(o.For, maxRelock).Seconds())); after != d.relock {
			ask[d.parts.relock] = after
		}
	default:
		return nil, nil, "", &sashlock.Error{Kind: sashlock.Denied, Op: "operating lock", Subject: o.Address, Hint: "this lock cannot " + string(o.Verb)}
	}
	if d.parts.state != "state" {
		ask[d.parts.state] = ask["state"]
		delete(ask, "state")
	}
	payload, err := json.Marshal(ask)
	if err != nil {
		return nil, nil, "", err
	}
	until := time.Now().Add(s.pace.confirm)
	if deadline, ok := ctx.Deadline(); ok && deadline.Before(until) {
		until = deadline
	}
	d.fail(&sashlock.Error{Kind: sashlock.Unavailable, Op: "operating lock", Subject: o.Address, Hint: "another order came before the lock answered"})
	d.order = &pending{command: o.Command, kind: kind, until: until, ended: make(chan error, 1)}
	return payload, d.order, s.config.Topic + "/" + d.entry.Name + "/set", nil
}

func (s *session) abandon(d *device, p *pending) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if d.order == p {
		d.order = nil
	}
}

// confirm asks the lock how it stands until it has confirmed the order or the
// order's time is over.
func (s *session) confirm(l *link, d *device, p *pending) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.link != l {
		return
	}
	s.group.Go(func() {
		defer s.abandon(d, p)
		ctx, cancel := context.WithDeadline(l.ctx, p.until)
		defer cancel()
		for pause := s.pace.reread; ; pause *= 2 {
			wait := time.NewTimer(pause)
			select {
			case <-wait.C:
			case <-ctx.Done():
				wait.Stop()
				return
			}
			s.mu.Lock()
			if d.order != p {
				s.mu.Unlock()
				return
			}
			p.asked, p.after = true, d.seen
			topic, question := s.question(d)
			s.mu.Unlock()
			// What cannot be asked now is asked again.
			_ = l.broker.Publish(ctx, topic, 0, question)
		}
	})
}

// question returns what is published to ask a lock how it stands. The caller
// holds mu.
func (s *session) question(d *device) (topic string, payload []byte) {
	ask := map[string]string{d.parts.state: ""}
	if d.parts.relock != "" && d.relock < 0 {
		ask[d.parts.relock] = ""
	}
	payload, err := json.Marshal(ask)
	if err != nil {
		payload = []byte(`{"state":""}`) // no map of strings comes here
	}
	return s.config.Topic + "/" + d.entry.Name + "/get", payload
}

// look asks a lock how it stands. The caller holds mu.
func (s *session) look(l *link, d *device) {
	if d.parts.lockState == "" || d.parts.state == "" {
		return
	}
	d.asks++
	topic, question := s.question(d)
	s.group.Go(func() {
		// Without an answer it is asked again.
		_ = s.ask(l, func(ctx context.Context) error { return l.broker.Publish(ctx, topic, 0, question) })
	})
}

// askAgain asks locks that have not said how they stand: those that are offline
// or all others.
func (s *session) askAgain(l *link, offline bool) {
	var told []news
	s.mu.Lock()
	for _, address := range s.addresses() {
		d := s.devices[address]
		if !l.up || d.fresh || d.away || offline != (d.online == sashlock.DeviceOffline) || d.parts.lockState == "" {
			continue
		}
		if !offline && d.asks >= maxAsks {
			told = append(told, d.offline()...)
			continue
		}
		s.look(l, d)
	}
	s.mu.Unlock()
	s.tell(told)
}

// Read asks a lock how it stands and tells its answer as a statement. A sensor
// cannot be asked: it speaks when something changes.
func (s *session) Read(ctx context.Context, address string) error {
	const op = "reading lock"
	l, d, err := s.lookup(op, address)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, s.pace.answer)
	defer cancel()
	s.mu.Lock()
	if d.parts.lockState == "" || d.parts.state == "" {
		s.mu.Unlock()
		return &sashlock.Error{Kind: sashlock.Denied, Op: op, Subject: address, Hint: "it cannot be asked: it speaks when something changes"}
	}
	r := &reader{after: d.seen, ended: make(chan error, 1)}
	d.readers = append(d.readers, r)
	topic, question := s.question(d)
	s.mu.Unlock()
	defer s.leave(d, r)
	if err := l.broker.Publish(ctx, topic, 0, question); err != nil {
		return err
	}
	select {
	case err = <-r.ended:
	case <-l.ctx.Done():
		return silent(op, address, l.ctx.Err())
	case <-ctx.Done():
		return silent(op, address, ctx.Err())
	}
	if err != nil {
		return err
	}
	// The sink has taken the answer when work behind it is done.
	return s.post(ctx, l, func() []news { return nil })
}

func (s *session) leave(d *device, r *reader) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for i, other := range d.readers {
		if other == r {
			d.readers = append(d.readers[:i:i], d.readers[i+1:]...)
			return
		}
	}
}

func silent(op, address string, err error) error {
	return &sashlock.Error{
		Kind: sashlock.Unavailable, Op: op, Subject: address,
		Hint: "the lock did not answer: see whether it has power and is in reach", Err: err,
	}
}
