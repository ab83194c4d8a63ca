// SPDX-License-Identifier: Apache-2.0

package zwavejs

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"strconv"
	"time"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/driver"
)

// operationTimed is the operation type in which a lock locks again by itself.
const operationTimed = 2

// maxTimeout is the longest time a lock can be set to stay unlocked: 253
// minutes and 59 seconds (Door Lock command class, timed operation).
const maxTimeout = 253*60 + 59

// maxSlots is how many PIN slots of a lock are looked at.
const maxSlots = 250

// lookup finds a lock and the connection to it.
func (s *session) lookup(op, address string) (*link, *device, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	node, err := strconv.Atoi(address)
	d := s.devices[node]
	switch {
	case s.life.Err() != nil:
		return nil, nil, &sashlock.Error{Kind: sashlock.Unavailable, Op: op, Subject: address, Hint: "the session is closed"}
	case err != nil || d == nil || strconv.Itoa(node) != address:
		return nil, nil, &sashlock.Error{Kind: sashlock.NotFound, Op: op, Subject: address, Hint: "there is no lock with this address on the radio"}
	case s.link == nil:
		return nil, nil, &sashlock.Error{Kind: sashlock.Unavailable, Op: op, Subject: address, Hint: "the Z-Wave JS server cannot be reached"}
	}
	return s.link, d, nil
}

// Operate hands an order to Z-Wave JS and returns when it has been sent to the
// lock. How the bolt then stands is told by what the lock itself says; should
// it say nothing it is read, again and again, until the order's time is over.
func (s *session) Operate(ctx context.Context, o driver.Order) error {
	const op = "operating lock"
	l, d, err := s.lookup(op, o.Address)
	if err != nil {
		return err
	}
	mode, kind, err := s.modeOf(d, o)
	if err != nil {
		return err
	}
	select {
	case d.turn <- struct{}{}:
		defer func() { <-d.turn }()
	case <-ctx.Done():
		return &sashlock.Error{Kind: sashlock.Unavailable, Op: op, Subject: o.Address, Hint: "the lock is busy with other orders", Err: ctx.Err()}
	}
	if mode == modeTimed {
		if err := s.setTimeout(ctx, l, d, o.For); err != nil {
			return err
		}
	}
	p, err := s.expect(ctx, l, d, o, kind)
	if err != nil {
		return err
	}
	status, err := s.send(ctx, l, d, mode)
	if err != nil {
		s.abandon(d, p)
		return err
	}
	first := s.pace.reread
	if status == setDone {
		first /= 4 // it says that it has arrived, so it can be read
	}
	s.follow(l, d, p, first)
	return nil
}

// modeOf returns the mode an order asks for and what the lock will say.
func (s *session) modeOf(d *device, o driver.Order) (lockMode, sashlock.EventKind, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	can := sashlock.Device{Capabilities: d.found.Capabilities}
	switch {
	case o.Verb == sashlock.DoUnlock:
		return modeUnsecured, sashlock.LockUnlocked, nil
	case o.Verb == sashlock.DoLock:
		return modeSecured, sashlock.LockLocked, nil
	case o.Verb == sashlock.DoRelease && can.Has(sashlock.CanRelease) && o.For > 0:
		return modeTimed, sashlock.LockUnlocked, nil
	}
	return 0, "", &sashlock.Error{Kind: sashlock.Denied, Op: "operating lock", Subject: o.Address, Hint: "this lock cannot " + string(o.Verb)}
}

// expect notes that the lock's next words may be about this order. It refuses
// what could not be carried out now: Z-Wave JS would keep it for a sleeping
// device and carry it out when that wakes up, and an unlock delivered late is a
// break-in.
func (s *session) expect(ctx context.Context, l *link, d *device, o driver.Order, kind sashlock.EventKind) (*pending, error) {
	until := time.Now().Add(s.pace.confirm)
	if deadline, ok := ctx.Deadline(); ok && deadline.Before(until) {
		until = deadline
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.link != l:
		return nil, &sashlock.Error{Kind: sashlock.Unavailable, Op: "operating lock", Subject: o.Address, Hint: "the Z-Wave JS server cannot be reached"}
	case d.status == statusAsleep:
		return nil, &sashlock.Error{Kind: sashlock.Unavailable, Op: "operating lock", Subject: o.Address, Hint: "the lock is asleep and would act too late"}
	}
	d.order = &pending{command: o.Command, kind: kind, until: until}
	return d.order, nil
}

func (s *session) abandon(d *device, p *pending) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if d.order == p {
		d.order = nil
	}
}

// send gives the lock its mode. Nothing in the answer counts as the bolt's.
func (s *session) send(ctx context.Context, l *link, d *device, mode lockMode) (setStatus, error) {
	body, err := l.client.do(ctx, setMode(d.node, d.endpoint, mode))
	if err != nil {
		return 0, err
	}
	status, err := decodeSet(body)
	if err != nil {
		return 0, &sashlock.Error{Kind: sashlock.Unavailable, Op: "operating lock", Subject: strconv.Itoa(d.node), Err: err}
	}
	switch status {
	case setWorking, setUnsupervised, setDone:
		return status, nil
	}
	return 0, &sashlock.Error{
		Kind: sashlock.Denied, Op: "operating lock", Subject: strconv.Itoa(d.node),
		Hint: "the lock answered that it did not do it: look at the bolt", Err: fmt.Errorf("status %d", status),
	}
}

// follow reads the lock until it has confirmed the order or the order's time is
// over. A notification that confirms it ends this as well.
func (s *session) follow(l *link, d *device, p *pending, pause time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.link != l {
		return
	}
	s.group.Go(func() {
		defer s.abandon(d, p)
		ctx, cancel := context.WithDeadline(l.ctx, p.until)
		defer cancel()
		for ; ; pause *= 2 {
			wait := time.NewTimer(pause)
			select {
			case <-wait.C:
			case <-ctx.Done():
				wait.Stop()
				return
			}
			s.mu.Lock()
			done := d.order != p
			s.mu.Unlock()
			if done {
				return
			}
			// A reading that fails is made again until the time is over.
			_, _ = s.readOnce(ctx, l, d, func(r lockReport) (told []news) {
				told, done = d.settled(r, p)
				return told
			})
		}
	})
}

// doubt settles whether a lock moved, unless a notification says so first. The
// caller holds mu.
func (s *session) doubt(l *link, d *device) {
	d.doubting = true
	before := d.lock
	s.group.Go(func() {
		defer func() {
			s.mu.Lock()
			d.doubting = false
			s.mu.Unlock()
		}()
		wait := time.NewTimer(s.pace.settle)
		defer wait.Stop()
		select {
		case <-wait.C:
		case <-l.ctx.Done():
			return
		}
		s.mu.Lock()
		settled := d.lock != before
		s.mu.Unlock()
		if settled {
			return
		}
		ctx, cancel := context.WithTimeout(l.ctx, s.pace.answer)
		defer cancel()
		_ = s.read(ctx, l, d, func(r lockReport) []news {
			told, _ := d.settled(r, nil)
			return told
		})
	})
}

// read asks the lock itself how it stands, again until the answer is not out of
// date, and tells what made of it.
func (s *session) read(ctx context.Context, l *link, d *device, made func(lockReport) []news) error {
	for {
		if late, err := s.readOnce(ctx, l, d, made); err != nil || !late {
			return err
		}
	}
}

// readOnce asks the lock itself how it stands and tells what made of the answer.
// Where the lock spoke of its own accord while it was asked, or something was heard
// of it after the answer, the answer may be the older of the two: it is late, and
// nothing is told.
func (s *session) readOnce(ctx context.Context, l *link, d *device, made func(lockReport) []news) (late bool, err error) {
	s.mu.Lock()
	words := d.words
	s.mu.Unlock()
	body, err := l.client.do(ctx, invoke(d.node, d.endpoint, classDoorLock, "get"))
	if err != nil {
		return false, err
	}
	report, ok, err := decodeLock(body)
	if err != nil || !ok {
		return false, silent("reading lock", d.node, err)
	}
	older := false
	err = s.post(ctx, l, func() []news {
		if older = body.place < d.latest || words != d.words; older {
			return nil
		}
		return made(report)
	})
	return err == nil && older, err
}

func silent(op string, node int, err error) error {
	return &sashlock.Error{
		Kind: sashlock.Unavailable, Op: op, Subject: strconv.Itoa(node),
		Hint: "the lock did not answer: see whether it has power and is in reach", Err: err,
	}
}

// Read asks a lock how it stands, and how its battery does, and tells both as
// statements.
func (s *session) Read(ctx context.Context, address string) error {
	l, d, err := s.lookup("reading lock", address)
	if err != nil {
		return err
	}
	if err := s.read(ctx, l, d, func(r lockReport) []news { return d.stands(r) }); err != nil {
		return err
	}
	s.mu.Lock()
	hasBattery := sashlock.Device{Capabilities: d.found.Capabilities}.Has(sashlock.TellsBattery)
	s.mu.Unlock()
	if !hasBattery {
		return nil
	}
	body, err := l.client.do(ctx, invoke(d.node, d.endpoint, classBattery, "get"))
	if err != nil {
		return err
	}
	level, ok := decodeLevel(body)
	if !ok {
		return silent("reading battery", d.node, nil)
	}
	return s.post(ctx, l, func() []news { return d.battery(scalar{Kind: scalarNumber, Number: level}, true) })
}

// setTimeout sets how long a release lasts. The whole configuration is written
// at once, so what is not to change is read first.
func (s *session) setTimeout(ctx context.Context, l *link, d *device, lasts time.Duration) error {
	seconds := min(int(math.Ceil(lasts.Seconds())), maxTimeout)
	s.mu.Lock()
	set := d.timeout == seconds
	s.mu.Unlock()
	if set {
		return nil
	}
	body, err := l.client.do(ctx, invoke(d.node, d.endpoint, classDoorLock, "getConfiguration"))
	if err != nil {
		return err
	}
	config, err := decodeConfiguration(body)
	if err != nil {
		return silent("reading lock configuration", d.node, err)
	}
	config["operationType"], config["lockTimeoutConfiguration"] = json.RawMessage(strconv.Itoa(operationTimed)), json.RawMessage(strconv.Itoa(seconds))
	if _, err := l.client.do(ctx, invoke(d.node, d.endpoint, classDoorLock, "setConfiguration", config)); err != nil {
		return err
	}
	s.mu.Lock()
	d.timeout = seconds
	s.mu.Unlock()
	return nil
}

// decodeConfiguration opens the answer to getConfiguration, to be written back.
func decodeConfiguration(body sealed) (map[string]json.RawMessage, error) {
	var w struct {
		Response map[string]json.RawMessage `json:"response"`
	}
	if err := json.Unmarshal(body.text, &w); err != nil || w.Response == nil {
		return nil, errors.New("an answer of an unknown shape")
	}
	return w.Response, nil
}
