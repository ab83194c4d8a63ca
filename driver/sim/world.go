// SPDX-License-Identifier: Apache-2.0

package sim

import (
	"sync"
	"time"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/driver"
)

// World is a simulated store: its devices, its gateway, its people and its
// accidents. Its methods return a sashlock.Error of kind not_found for an
// address that no device has, and of kind invalid for something that the
// device cannot do. They are safe for concurrent use and return at once; what
// a driver session hears of it, it hears a little later.
type World struct {
	config Config
	now    func() time.Time

	mu       sync.Mutex
	devices  map[string]*device // filled at creation; the devices are guarded by mu
	cut      bool               // guarded by mu: the gateway is away
	sessions map[*session]bool  // guarded by mu
}

const cutWhy = "the simulated gateway is away"

func newWorld(c Config, now func() time.Time) *World {
	w := &World{config: c, now: now, devices: make(map[string]*device), sessions: make(map[*session]bool)}
	// A world made later must not repeat the numbers of an earlier one.
	boot := uint64(max(now().UnixMilli(), 1))
	for _, d := range c.Devices {
		w.devices[d.Address] = newDevice(w, d, c, boot)
	}
	return w
}

// Addresses returns the addresses of all devices, in the configured order.
func (w *World) Addresses() []string {
	all := make([]string, 0, len(w.config.Devices))
	for _, d := range w.config.Devices {
		all = append(all, d.Address)
	}
	return all
}

// State is how a device really is, whatever anybody has heard of it.
type State struct {
	Kind     Kind
	Unlocked bool // the bolt is drawn
	Jammed   bool // the bolt cannot move
	Open     bool // what the contact watches is open
	Near     bool // somebody is near
	Dead     bool
	Tampered bool
	Battery  int // percent
}

// State returns how a device really is.
func (w *World) State(address string) (State, error) {
	var s State
	err := w.with(address, "looking at", func(d *device) error {
		s = State{d.Kind, d.unlocked, d.jammed, d.open, d.near, d.dead, d.tampered, d.battery}
		return nil
	})
	return s, err
}

// with runs something on a device under the world's lock.
func (w *World) with(address, op string, do func(*device) error) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	d, ok := w.devices[address]
	if !ok {
		return refuse(sashlock.NotFound, op, address, "the simulated store has no such device", nil)
	}
	return do(d)
}

// withLock is with for something that only a lock can do.
func (w *World) withLock(address, op string, do func(*device)) error {
	return w.with(address, op, func(d *device) error {
		if !d.Kind.locks() {
			return refuse(sashlock.Invalid, op, address, "it is not a lock", nil)
		}
		do(d)
		return nil
	})
}

// Open opens what a contact watches, also when it is locked: then it is
// forced.
func (w *World) Open(address string) error { return w.move(address, true) }

// Close closes what a contact watches. A lock whose release is over locks.
func (w *World) Close(address string) error { return w.move(address, false) }

func (w *World) move(address string, open bool) error {
	return w.with(address, "moving", func(d *device) error {
		if d.Kind == Motion {
			return refuse(sashlock.Invalid, "moving", address, "a motion sensor does not open", nil)
		}
		d.move(open)
		return nil
	})
}

// OperateByHand turns a lock from the inside: DoUnlock or DoLock.
func (w *World) OperateByHand(address string, verb sashlock.Verb) error {
	return w.withLock(address, "turning by hand", func(d *device) {
		d.turn(verb != sashlock.DoLock, driver.Report{Method: sashlock.ByHand})
	})
}

// KeypadUnlock types the right PIN of a slot. The lock locks again by itself
// after a while. A slot that is not in use is refused by the lock.
func (w *World) KeypadUnlock(address string, slot int) error {
	return w.withLock(address, "typing at", func(d *device) { d.typeCode(slot) })
}

// WrongCode types a PIN that is none.
func (w *World) WrongCode(address string) error {
	return w.withLock(address, "typing at", func(d *device) { d.typeCode(0) })
}

// PersonNear steps in front of a motion sensor.
func (w *World) PersonNear(address string) error { return w.pass(address, true) }

// PersonGone steps away from a motion sensor.
func (w *World) PersonGone(address string) error { return w.pass(address, false) }

func (w *World) pass(address string, near bool) error {
	return w.with(address, "passing", func(d *device) error {
		if d.Kind != Motion {
			return refuse(sashlock.Invalid, "passing", address, "it is not a motion sensor", nil)
		}
		d.pass(near)
		return nil
	})
}

// Battery sets a battery's level in percent, 0 to 100.
func (w *World) Battery(address string, percent int) error {
	return w.with(address, "setting the battery of", func(d *device) error {
		if percent < 0 || percent > 100 {
			return refuse(sashlock.Invalid, "setting the battery of", address, "give 0 to 100 percent", nil)
		}
		d.battery = percent
		d.emit(driver.Report{Kind: sashlock.BatteryReported, Level: percent})
		return nil
	})
}

// Tamper opens a device's cover, or closes it again.
func (w *World) Tamper(address string, on bool) error {
	return w.with(address, "tampering with", func(d *device) error {
		if d.tampered != on {
			d.tampered = on
			d.emit(driver.Report{Kind: d.tamperKind()})
		}
		return nil
	})
}

// Jam blocks a bolt where it is.
func (w *World) Jam(address string) error {
	return w.withLock(address, "jamming", func(d *device) { d.jammed = true })
}

// Unjam frees a bolt. If the lock had noticed, it says how it stands.
func (w *World) Unjam(address string) error {
	return w.withLock(address, "freeing", func(d *device) { d.unjam() })
}

// Kill makes a device unreachable, as an empty battery does. What happens to
// it is not reported, unless it remembers.
func (w *World) Kill(address string) error {
	return w.with(address, "killing", func(d *device) error { d.kill(); return nil })
}

// Revive brings a dead device back: it has restarted and counts its reports
// from 1.
func (w *World) Revive(address string) error {
	return w.with(address, "reviving", func(d *device) error { d.revive(); return nil })
}

// LoseNext loses the device's next n reports on the way.
func (w *World) LoseNext(address string, n int) error {
	return w.with(address, "losing reports of", func(d *device) error { d.lose = n; return nil })
}

// DuplicateNext delivers each of the device's next n reports twice.
func (w *World) DuplicateNext(address string, n int) error {
	return w.with(address, "doubling reports of", func(d *device) error { d.duplicate = n; return nil })
}

// DelayNext delivers the device's next report late by a time.
func (w *World) DelayNext(address string, by time.Duration) error {
	return w.with(address, "delaying a report of", func(d *device) error { d.delay = by; return nil })
}

// Reorder lets the device's next report change places with the one after it.
// If none follows within two seconds it is delivered all the same.
func (w *World) Reorder(address string) error {
	return w.with(address, "swapping reports of", func(d *device) error { d.swap = true; return nil })
}

// ClockOff puts a device's clock ahead of the true time, or behind it when
// negative.
func (w *World) ClockOff(address string, by time.Duration) error {
	return w.with(address, "setting the clock of", func(d *device) error { d.clockOff = by; return nil })
}

// Cut reports whether the gateway is away.
func (w *World) Cut() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.cut
}

// CutGateway takes the gateway away: nothing is heard and no order arrives.
func (w *World) CutGateway() {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.cut {
		return
	}
	w.cut = true
	for s := range w.sessions {
		w.push(s, message{gateway: true, why: cutWhy})
	}
}

// MendGateway brings the gateway back. Sessions hear how everything stands,
// and then what the devices remember.
func (w *World) MendGateway() {
	w.mu.Lock()
	defer w.mu.Unlock()
	if !w.cut {
		return
	}
	w.cut = false
	for s := range w.sessions {
		w.push(s, w.snapshot()...)
	}
	for _, c := range w.config.Devices {
		w.devices[c.Address].recall()
	}
}
