// SPDX-License-Identifier: Apache-2.0

package lock

import (
	"time"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/driver/edge"
)

// keypadRelease is how long the lock stays unlocked after a good PIN.
const keypadRelease = 5 * time.Second

func (l *Lock) do(what func()) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.off {
		what()
	}
}

// OpenDoor opens what the contact watches.
func (l *Lock) OpenDoor() { l.do(func() { l.move(true) }) }

// CloseDoor closes it.
func (l *Lock) CloseDoor() { l.do(func() { l.move(false) }) }

func (l *Lock) move(open bool) {
	if l.open == open {
		return
	}
	l.open = open
	if open {
		l.tell(edge.Event{Kind: sashlock.OpeningOpened})
		return
	}
	l.tell(edge.Event{Kind: sashlock.OpeningClosed})
	if l.relock {
		l.turn(false, edge.Event{Method: sashlock.BySelf})
	}
}

// Turn turns the bolt by hand from the inside.
func (l *Lock) Turn(unlocked bool) {
	l.do(func() { l.turn(unlocked, edge.Event{Method: sashlock.ByHand}) })
}

// Type types the PIN of a slot; slot 0 is a wrong one.
func (l *Lock) Type(slot int) {
	l.do(func() {
		switch {
		case slot == 0:
			l.tell(edge.Event{Kind: sashlock.CodeRefused, Method: sashlock.ByKeypad})
		case l.turn(true, edge.Event{Method: sashlock.ByKeypad, Slot: slot}):
			l.relockAfter(keypadRelease)
		}
	})
}

// Jam blocks the bolt, or frees it.
func (l *Lock) Jam(jammed bool) {
	l.do(func() {
		l.jammed = jammed
		if !jammed && l.stuck {
			l.stuck = false
			kind := sashlock.LockLocked
			if l.unlocked {
				kind = sashlock.LockUnlocked
			}
			l.tell(edge.Event{Kind: kind})
		}
	})
}

// Pass steps in front of the sensor, or away.
func (l *Lock) Pass(near bool) {
	l.do(func() {
		l.near = near
		kind := sashlock.PresenceLost
		if near {
			kind = sashlock.PresenceSeen
		}
		l.tell(edge.Event{Kind: kind})
	})
}

// Tamper opens the cover, or closes it.
func (l *Lock) Tamper(on bool) {
	l.do(func() {
		l.tampered = on
		kind := sashlock.TamperCleared
		if on {
			kind = sashlock.DeviceTampered
		}
		l.tell(edge.Event{Kind: kind})
	})
}

// Drain sets the battery's level in percent.
func (l *Lock) Drain(percent int) {
	l.do(func() {
		l.battery = percent
		l.tell(edge.Event{Kind: sashlock.BatteryReported, Level: &percent})
	})
}

// SwitchOff takes its power away: it forgets what it has not told.
func (l *Lock) SwitchOff() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.off {
		return
	}
	l.off, l.outbox, l.on = true, nil, make(chan struct{})
	if l.drop != nil {
		l.drop()
	}
}

// SwitchOn gives it back.
func (l *Lock) SwitchOn() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.off {
		return
	}
	l.off = false
	l.boot, l.seq, l.due = l.boot+1, 0, nil
	l.check.restarted()
	close(l.on)
}
