// SPDX-License-Identifier: Apache-2.0

package seam

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/driver"
)

// lookup finds a device that can be spoken to.
func (s *session) lookup(op, address string) (*device, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	d := s.devices[address]
	hint := ""
	kind := sashlock.Unavailable
	switch {
	case s.closed:
		hint = "the session is closed"
	case d == nil:
		kind, hint = sashlock.NotFound, "there is no such lock in this workspace of Seam"
	case !s.up:
		hint = "Seam's cloud cannot be reached"
	case d.online == sashlock.DeviceOffline:
		hint = "Seam says that it cannot reach the lock" + because(d.entry.Trouble)
	default:
		return d, nil
	}
	return nil, &sashlock.Error{Kind: kind, Op: op, Subject: address, Hint: hint}
}

// because says in words why a lock cannot be reached.
func because(trouble string) string {
	switch trouble {
	case "account_disconnected", "august_lock_not_authorized", "missing_device_credentials":
		return ": connect the account of its maker again"
	case "hub_disconnected", "august_lock_missing_bridge", "lockly_missing_wifi_bridge", "ttlock_lock_not_paired_to_gateway":
		return ": see whether its bridge has power and network"
	case "subscription_required":
		return ": its maker wants a subscription for that"
	case "device_removed":
		return ": it was taken out of its maker's account"
	}
	return ""
}

// Operate hands an order to Seam, once, and waits until Seam says that it
// succeeded or failed, or until the order's time is over. Then the device is
// read until it stands as ordered, or until that time. Nothing Seam says about
// the order itself counts as the bolt's word.
//
// Where it is not known whether Seam took the order, because the answer was lost
// or cut off, it is not sent again: the device is read as well.
func (s *session) Operate(ctx context.Context, o driver.Order) error {
	const op = "operating lock"
	d, err := s.lookup(op, o.Address)
	if err != nil {
		return err
	}
	if err := enter(ctx, d, o.Address); err != nil {
		return err
	}
	defer func() { <-d.turn }()
	route, p, told, err := s.expect(ctx, d, o)
	if err != nil {
		return err
	}
	if told != nil {
		// It fails only when the session ends, and then so does what follows.
		_ = s.post(s.life, func() []news { return told })
	}
	a, err := s.client.ask(ctx, forOrder, route, map[string]string{"device_id": o.Address})
	if err != nil {
		var f *failure
		if errors.As(err, &f) && f.unsure {
			s.follow(d, p)
			return nil
		}
		s.abandon(d, p)
		return notTaken(o.Address, err)
	}
	at, err := decodeAttempt(a.body)
	if err == nil {
		at, err = s.await(ctx, d, p, at)
	} else {
		err = nil // it may have been taken, so the device is read
	}
	if err == nil && at.Status == attemptError {
		s.abandon(d, p)
		return &sashlock.Error{Kind: sashlock.Denied, Op: op, Subject: o.Address, Hint: refusal(at.Why)}
	}
	s.follow(d, p)
	return nil
}

// notTaken is the error of an order that was not taken.
func notTaken(address string, err error) error {
	out := &sashlock.Error{Kind: sashlock.Unavailable, Op: "operating lock", Subject: address, Hint: "its time is over", Err: err}
	var known *sashlock.Error
	var f *failure
	switch {
	case errors.As(err, &f):
		out.Hint = f.why
		switch {
		case f.code == "device_not_found" || f.status == http.StatusNotFound:
			out.Kind, out.Hint = sashlock.NotFound, "Seam does not know this lock any more"
		case f.status == http.StatusBadRequest || f.status == http.StatusUnprocessableEntity:
			out.Kind, out.Hint = sashlock.Denied, "Seam does not take this order for this lock"
		}
	case errors.As(err, &known):
		return err
	}
	return out
}

// refusal says in words why an order failed.
func refusal(code string) string {
	switch code {
	case "action_attempt_expired":
		return "the lock did not answer Seam in time: see whether it has power and network, and look at the bolt"
	case "device_offline", "device_disconnected", "hub_disconnected":
		return "Seam could not reach the lock: see whether it has power and network"
	case "jammed", "lock_jammed":
		return "the bolt is jammed: look at it"
	}
	return "Seam says that it was not done: look at the bolt"
}

// enter waits for the device's turn.
func enter(ctx context.Context, d *device, address string) error {
	if ctx.Err() == nil {
		select {
		case d.turn <- struct{}{}:
			return nil
		case <-ctx.Done():
		}
	}
	return &sashlock.Error{
		Kind: sashlock.Unavailable, Op: "operating lock", Subject: address,
		Hint: "its time is over, or the lock is busy", Err: ctx.Err(),
	}
}

// expect says what to ask for an order, and notes that the device's next words
// may be about it. What is known of the order before it is to be told.
func (s *session) expect(ctx context.Context, d *device, o driver.Order) (route string, p *pending, told []news, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	can := sashlock.Device{Capabilities: d.found.Capabilities}
	kind := sashlock.LockUnlocked
	switch {
	case o.Verb == sashlock.DoUnlock && can.Has(sashlock.CanUnlock):
		route = "/locks/unlock_door"
	case o.Verb == sashlock.DoLock && can.Has(sashlock.CanLock):
		route, kind = "/locks/lock_door", sashlock.LockLocked
	default:
		return "", nil, nil, &sashlock.Error{Kind: sashlock.Denied, Op: "operating lock", Subject: o.Address, Hint: "this lock cannot " + string(o.Verb)}
	}
	until := time.Now().Add(s.pace.confirm)
	if deadline, ok := ctx.Deadline(); ok && deadline.Before(until) {
		until = deadline
	}
	p = &pending{command: o.Command, kind: kind, until: until, kick: make(chan struct{}, 1)}
	return route, p, d.overtake(p, s.pace.echo), nil
}

func (s *session) abandon(d *device, p *pending) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if d.order == p {
		d.order = nil
	}
}

// await asks after an action attempt until it has ended, its event has come, or
// the order's time is over.
func (s *session) await(ctx context.Context, d *device, p *pending, at attempt) (attempt, error) {
	s.mu.Lock()
	p.attempt = at.ID
	s.mu.Unlock()
	ctx, cancel := context.WithDeadline(ctx, p.until)
	defer cancel()
	for pause := s.pace.attempt; at.Status == attemptPending; pause = min(2*pause, s.pace.reread) {
		wait := time.NewTimer(pause)
		select {
		case <-wait.C:
		case <-p.kick:
			wait.Stop()
			return at, nil
		case <-ctx.Done():
			wait.Stop()
			return at, nil
		}
		a, err := s.client.ask(ctx, forOrder, "/action_attempts/get", map[string]string{"action_attempt_id": at.ID})
		if err != nil {
			continue // it is asked again until the time is over
		}
		if now, err := decodeAttempt(a.body); err == nil && now.ID == at.ID {
			at = now
		}
	}
	return at, nil
}

// follow reads the device until it stands as ordered or the order's time is
// over.
func (s *session) follow(d *device, p *pending) {
	s.spawn(func() {
		ctx, cancel := context.WithDeadline(s.life, p.until)
		defer cancel()
		for pause := s.pace.attempt; ; pause = min(2*pause, s.pace.reread) {
			if s.confirm(ctx, d, p) {
				return
			}
			wait := time.NewTimer(pause)
			select {
			case <-wait.C:
			case <-p.kick:
				wait.Stop()
			case <-ctx.Done():
				wait.Stop()
				_ = s.post(s.life, func() []news { return d.unconfirmed(p) })
				return
			}
		}
	})
}

// confirm reads the device once and reports whether the order needs no further
// reading.
func (s *session) confirm(ctx context.Context, d *device, p *pending) (done bool) {
	s.mu.Lock()
	done, id := d.order != p, d.entry.ID
	s.mu.Unlock()
	if done {
		return true
	}
	e, err := s.client.device(ctx, forOrder, id)
	if err != nil {
		return false // it is read again until the time is over
	}
	// It fails only when the session ends.
	_ = s.post(s.life, func() (told []news) {
		told, done = d.confirmed(e, p, s.pace.echo)
		return told
	})
	return done
}

// Read asks Seam how a device stands and tells the answer as statements. It is
// what Seam last heard of the device: Seam has no question to the lock itself.
func (s *session) Read(ctx context.Context, address string) error {
	const op = "reading lock"
	d, err := s.lookup(op, address)
	if err != nil {
		return err
	}
	asked := time.Now()
	e, err := s.client.device(ctx, forOrder, address)
	if err != nil {
		return &sashlock.Error{Kind: sashlock.Unavailable, Op: op, Subject: address, Hint: reason(err), Err: err}
	}
	err = s.post(ctx, func() []news {
		told := d.describe(e, s.config.clearText(), false)
		more, _ := d.stands(e, asked, true)
		return append(told, more...)
	})
	if err == nil && !e.Online {
		return &sashlock.Error{Kind: sashlock.Unavailable, Op: op, Subject: address, Hint: "Seam says that it cannot reach the lock" + because(e.Trouble)}
	}
	return err
}

// Codes lists the access codes of a lock, those that Seam keeps and those that
// were there before. Each goes by a number made of its identifier.
func (s *session) Codes(ctx context.Context, address string) ([]driver.Code, error) {
	const op = "listing access codes"
	d, err := s.lookup(op, address)
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	can := d.entry.HasCodes
	s.mu.Unlock()
	if !can {
		return nil, &sashlock.Error{Kind: sashlock.Denied, Op: op, Subject: address, Hint: "Seam cannot list the codes of this lock"}
	}
	all, err := s.client.codes(ctx, address)
	if err != nil {
		return nil, &sashlock.Error{Kind: sashlock.Unavailable, Op: op, Subject: address, Hint: reason(err), Err: err}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, c := range all {
		d.slot(c.ID) // so that two of one number are known before one is used
	}
	var codes []driver.Code
	for _, c := range all {
		if slot := d.slot(c.ID); slot != 0 {
			codes = append(codes, driver.Code{Slot: slot, InUse: true, Enabled: c.Set})
		}
	}
	return codes, nil
}
