// SPDX-License-Identifier: Apache-2.0

package sim

import (
	"time"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/driver"
)

// This file is the world's side towards its sessions. Everything that queues
// messages is called with the world's lock held.

// open attaches a session and starts it.
func (w *World) open(sink driver.Sink) *session {
	s := newSession(w, sink)
	w.mu.Lock()
	defer w.mu.Unlock()
	w.sessions[s] = true
	if w.cut {
		w.push(s, message{gateway: true, why: cutWhy})
	} else {
		w.push(s, w.snapshot()...)
	}
	go s.run()
	return s
}

func (w *World) detach(s *session) {
	w.mu.Lock()
	defer w.mu.Unlock()
	delete(w.sessions, s)
}

// snapshot is what a session hears when the gateway comes: that it is there,
// which devices there are and how each stands.
func (w *World) snapshot() []message {
	messages := []message{{gateway: true, up: true}}
	for _, c := range w.config.Devices {
		d := w.devices[c.Address]
		found := d.discovery()
		messages = append(messages, message{found: &found})
		messages = append(messages, d.states()...)
	}
	return messages
}

// push queues messages for a session, or starts it afresh when it cannot keep
// up.
func (w *World) push(s *session, messages ...message) {
	if s.push(messages...) {
		return
	}
	s.clear()
	afresh := []message{{gateway: true, why: "the reports were not taken in time"}}
	if !w.cut {
		afresh = append(afresh, w.snapshot()...)
	}
	s.push(afresh...)
}

// send hands a report to every session.
func (w *World) send(r driver.Report) {
	for s := range w.sessions {
		w.push(s, message{report: &r})
	}
}

// operate takes an order for a lock. The bolt moves later.
func (w *World) operate(order driver.Order) error {
	const op = "operating"
	return w.with(order.Address, op, func(d *device) error {
		known := order.Verb == sashlock.DoRelease || order.Verb == sashlock.DoUnlock || order.Verb == sashlock.DoLock
		switch {
		case !d.Kind.locks():
			return refuse(sashlock.Denied, op, order.Address, "it is not a lock", nil)
		case !known || order.Verb == sashlock.DoRelease && order.For <= 0:
			return refuse(sashlock.Denied, op, order.Address, "it does not know this order", nil)
		case w.cut:
			return refuse(sashlock.Unavailable, op, order.Address, cutWhy, nil)
		case d.dead:
			return refuse(sashlock.Unavailable, op, order.Address, "the device does not answer", nil)
		}
		d.accept(order)
		return nil
	})
}

// read tells one session how a device stands.
func (w *World) read(s *session, address string) error {
	const op = "reading"
	return w.with(address, op, func(d *device) error {
		if w.cut || d.dead {
			return refuse(sashlock.Unavailable, op, address, "the device does not answer", nil)
		}
		w.push(s, d.states()...)
		return nil
	})
}

// later runs something under the world's lock after a time.
func (w *World) later(after time.Duration, do func()) {
	time.AfterFunc(after, func() {
		w.mu.Lock()
		defer w.mu.Unlock()
		do()
	})
}
