// SPDX-License-Identifier: Apache-2.0

package zigbee2mqtt

import (
	"context"
	"encoding/json"
	"strconv"
	"strings"
	"time"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/driver"
)

// The rules of PIN slots are:
//
//  1. Zigbee2MQTT says nothing when a slot was written, and does not look at the
//     lock's own answer. So the lock is asked afterwards, and its answer counts.
//  2. What Zigbee2MQTT tells of a slot may be what it last knew: after a slot was
//     cleared it goes on saying "enabled" until it is asked again. So a slot is
//     emptied before a PIN is put into it, and only the change from empty to used
//     proves the new one.
//  3. What is published to write a slot has quality of service 0 and is not kept:
//     no broker delivers it late.

// codeTries is how often a lock is asked whether it did what it was told.
const codeTries = 3

func (s *session) hasCodes(d *device) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return d.parts.lock && d.parts.codes
}

// none reports whether there is no such slot.
func (s slotStatus) none() bool { return s == "" || strings.HasPrefix(string(s), "not_supported") }

// Codes asks a lock which of its PIN slots are in use, one after the other.
// PINs are not in the answers, unless Zigbee2MQTT was set to show them; then
// they are not taken over.
func (s *session) Codes(ctx context.Context, address string) ([]driver.Code, error) {
	const op = "listing PIN slots"
	l, d, err := s.lookup(op, address)
	if err != nil {
		return nil, err
	}
	if !s.hasCodes(d) {
		return nil, &sashlock.Error{Kind: sashlock.Denied, Op: op, Subject: address, Hint: "it has no PIN slots that can be listed"}
	}
	if err := enter(ctx, op, d.slotTurn, address); err != nil {
		return nil, err
	}
	defer func() { <-d.slotTurn }()
	var codes []driver.Code
	for slot := 1; slot <= s.config.Slots; slot++ {
		status, err := s.slot(ctx, l, d, slot)
		if err != nil {
			return nil, err
		}
		if status.none() {
			break // the lock has no more
		}
		codes = append(codes, driver.Code{Slot: slot, InUse: status != slotFree, Enabled: status == slotEnabled})
	}
	return codes, nil
}

// slot asks for one PIN slot.
func (s *session) slot(ctx context.Context, l *link, d *device, slot int) (slotStatus, error) {
	const op = "listing PIN slots"
	ctx, cancel := context.WithTimeout(ctx, s.pace.answer)
	defer cancel()
	payload, err := json.Marshal(map[string]any{"pin_code": map[string]int{"user": slot}})
	if err != nil {
		return "", err
	}
	s.mu.Lock()
	q := &listing{slot: slot, after: d.seen, ended: make(chan slotStatus, 1)}
	d.listing = q
	topic, address := s.config.Topic+"/"+d.entry.Name+"/get", d.entry.Address
	s.mu.Unlock()
	defer func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		if d.listing == q {
			d.listing = nil
		}
	}()
	if err := l.broker.Publish(ctx, topic, 0, payload); err != nil {
		return "", err
	}
	select {
	case status, ok := <-q.ended:
		if !ok {
			return "", silent(op, address, nil)
		}
		return status, nil
	case <-l.ctx.Done():
		return "", silent(op, address, l.ctx.Err())
	case <-ctx.Done():
		return "", silent(op, address, ctx.Err())
	}
}

// SetCode puts a PIN into a slot and asks the lock whether the slot is used. No
// lock behind Zigbee2MQTT can be told times.
func (s *session) SetCode(ctx context.Context, address string, c driver.CodeSetting) (driver.CodeSet, error) {
	w, err := s.writing(ctx, "writing PIN slot", address, c.Slot)
	if err != nil {
		return driver.CodeSet{}, err
	}
	defer w.leave()
	had, err := s.slot(ctx, w.l, w.d, c.Slot)
	switch {
	case err != nil:
		return driver.CodeSet{}, err
	case had.none():
		return driver.CodeSet{}, w.wrong(sashlock.Limit, "the lock has no such slot")
	case had != slotFree && c.Fresh:
		return driver.CodeSet{}, w.wrong(sashlock.Conflict, "the slot is in use")
	}
	set := driver.CodeSet{Sent: true}
	if err := w.clear(ctx, had); err != nil {
		return set, err
	}
	user := map[string]any{"user": c.Slot, "user_type": "unrestricted", "user_enabled": !c.Disabled, "pin_code": c.PIN.Reveal()}
	return set, w.write(ctx, user, func(now slotStatus) bool {
		return !now.none() && now != slotFree && (now == slotEnabled) == !c.Disabled
	})
}

// ClearCode empties a slot, and asks the lock whether it is empty.
func (s *session) ClearCode(ctx context.Context, address string, slot int) error {
	w, err := s.writing(ctx, "clearing PIN slot", address, slot)
	if err != nil {
		return err
	}
	defer w.leave()
	had, err := s.slot(ctx, w.l, w.d, slot)
	if err != nil || had.none() {
		return err
	}
	return w.clear(ctx, had)
}

// slotWriter is the work on one slot. It has the turn of the lock's slots.
type slotWriter struct {
	s    *session
	l    *link
	d    *device
	op   string
	slot int
}

// writing takes the turn of a lock's slots.
func (s *session) writing(ctx context.Context, op, address string, slot int) (*slotWriter, error) {
	l, d, err := s.lookup(op, address)
	if err != nil {
		return nil, err
	}
	w := &slotWriter{s: s, l: l, d: d, op: op, slot: slot}
	switch {
	case !s.hasCodes(d):
		return nil, w.wrong(sashlock.Denied, "this lock keeps no PINs")
	case slot < 1 || slot > s.config.Slots:
		return nil, w.wrong(sashlock.Limit, "slots are counted from 1 to "+strconv.Itoa(s.config.Slots))
	}
	s.mu.Lock()
	offline := d.online == sashlock.DeviceOffline
	s.mu.Unlock()
	if offline {
		return nil, w.wrong(sashlock.Unavailable, "the lock does not answer")
	}
	return w, enter(ctx, op, d.slotTurn, address)
}

func (w *slotWriter) leave() { <-w.d.slotTurn }

func (w *slotWriter) wrong(kind sashlock.Kind, hint string) error {
	return &sashlock.Error{Kind: kind, Op: w.op, Subject: w.d.entry.Address + ", slot " + strconv.Itoa(w.slot), Hint: hint}
}

// clear empties the slot unless it was empty.
func (w *slotWriter) clear(ctx context.Context, had slotStatus) error {
	if had == slotFree {
		return nil
	}
	return w.write(ctx, map[string]any{"user": w.slot, "pin_code": nil}, func(now slotStatus) bool { return now == slotFree })
}

// write publishes what the slot is to be, and asks the lock until it is so.
func (w *slotWriter) write(ctx context.Context, user map[string]any, good func(slotStatus) bool) error {
	payload, err := json.Marshal(map[string]any{"pin_code": user})
	if err != nil {
		return err
	}
	if ctx.Err() != nil {
		return w.wrong(sashlock.Unavailable, "its time is over")
	}
	refusal := make(chan error, 1)
	w.s.mu.Lock()
	w.d.refusal = refusal
	topic := w.s.config.Topic + "/" + w.d.entry.Name + "/set"
	w.s.mu.Unlock()
	defer func() {
		w.s.mu.Lock()
		defer w.s.mu.Unlock()
		w.d.refusal = nil
	}()
	if err := w.l.broker.Publish(ctx, topic, 0, payload); err != nil {
		return err
	}
	return w.confirm(ctx, refusal, good)
}

// confirm asks the lock until the slot is as it is to be.
func (w *slotWriter) confirm(ctx context.Context, refusal <-chan error, good func(slotStatus) bool) error {
	var err error
	for try := range codeTries {
		var now slotStatus
		if now, err = w.s.slot(ctx, w.l, w.d, w.slot); err == nil && good(now) {
			return nil
		}
		wait := time.NewTimer(w.s.pace.reread << try)
		select {
		case why := <-refusal:
			wait.Stop()
			return why
		case <-ctx.Done():
			wait.Stop()
			return w.wrong(sashlock.Unavailable, "its time is over: what became of it is not known")
		case <-wait.C:
		}
	}
	if err != nil {
		return err
	}
	return w.wrong(sashlock.Denied, "the lock did not keep it: another slot may have this PIN, or its length is not one the lock takes")
}
