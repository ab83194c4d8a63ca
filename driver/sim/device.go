// SPDX-License-Identifier: Apache-2.0

package sim

import (
	"hash/fnv"
	"math/rand/v2"
	"time"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/driver"
)

const (
	// maxMemory is how many reports a device that remembers keeps.
	maxMemory = 256
	// swapPatience is how long a report waits for the one it changes places
	// with.
	swapPatience = 2 * time.Second
	// maxLate is the longest an accidentally late report takes.
	maxLate = 5 * time.Second
)

// device is one simulated device: what is true of it, and what is wrong with
// it. All of it is guarded by the world's lock.
type device struct {
	Device
	world  *World
	random *rand.Rand
	jitter time.Duration

	unlocked  bool // the bolt is drawn
	jammed    bool // it cannot move
	jamTold   bool // and the lock has noticed
	open      bool
	near      bool
	dead      bool
	tampered  bool
	refusing  bool // it keeps no new PIN
	battery   int
	lockAt    time.Time // when the bolt last moved, by the true clock
	openAt    time.Time
	nearAt    time.Time
	clockOff  time.Duration
	relocking bool   // it is to lock when it is closed
	motion    uint64 // grows with everything done to the bolt; outdates timers

	pending []driver.Order     // taken, not yet carried out
	last    sashlock.CommandID // the command taken last

	boot, number uint64
	memory       []driver.Report // not yet heard, if it remembers
	lose         int
	duplicate    int
	delay        time.Duration
	swap         bool
	waiting      []driver.Report // the report that changes places with the next
}

func newDevice(w *World, d Device, c Config, boot uint64) *device {
	name := fnv.New64a()
	name.Write([]byte(d.Address))
	now := w.now()
	return &device{
		Device: d, world: w, random: rand.New(rand.NewPCG(c.Seed, name.Sum64())), jitter: milliseconds(c.JitterMS),
		jammed: d.Faults.Jam, dead: d.Faults.Dead, battery: d.Battery,
		lockAt: now, openAt: now, nearAt: now,
		clockOff: time.Duration(d.Faults.ClockOffSeconds) * time.Second, boot: boot,
	}
}

func (d *device) discovery() driver.Discovery {
	return driver.Discovery{
		Address: d.Address, Name: d.Name, Maker: "Sashlock", Model: d.Model, Firmware: "1",
		Security: "in process", Capabilities: d.Kind.capabilities(),
	}
}

// states are the reports that say how the device stands. They carry no number:
// they are no news.
func (d *device) states() []message {
	if d.dead {
		return []message{{report: &driver.Report{Address: d.Address, Kind: sashlock.DeviceOffline, State: true}}}
	}
	reports := []driver.Report{{Kind: sashlock.DeviceOnline}}
	if d.Kind.locks() {
		reports = append(reports, driver.Report{Kind: d.lockKind(), At: d.stamp(d.lockAt)})
	}
	if d.Kind.tellsPosition() {
		reports = append(reports, driver.Report{Kind: positionKind(d.open), At: d.stamp(d.openAt)})
	}
	if d.Kind == Motion {
		reports = append(reports, driver.Report{Kind: presenceKind(d.near), At: d.stamp(d.nearAt)})
	}
	reports = append(reports,
		driver.Report{Kind: sashlock.BatteryReported, Level: d.battery}, driver.Report{Kind: d.tamperKind()})
	messages := make([]message, len(reports))
	for i := range reports {
		reports[i].Address, reports[i].State = d.Address, true
		messages[i] = message{report: &reports[i]}
	}
	return messages
}

// stamp returns a true time as the device's clock shows it.
func (d *device) stamp(at time.Time) time.Time { return at.Add(d.clockOff).UTC() }

func (d *device) lockKind() sashlock.EventKind {
	switch {
	case d.jamTold:
		return sashlock.LockWasJammed
	case d.unlocked:
		return sashlock.LockUnlocked
	default:
		return sashlock.LockLocked
	}
}

func (d *device) tamperKind() sashlock.EventKind {
	if d.tampered {
		return sashlock.DeviceTampered
	}
	return sashlock.TamperCleared
}

func positionKind(open bool) sashlock.EventKind {
	if open {
		return sashlock.OpeningOpened
	}
	return sashlock.OpeningClosed
}

func presenceKind(near bool) sashlock.EventKind {
	if near {
		return sashlock.PresenceSeen
	}
	return sashlock.PresenceLost
}

// accept takes an order and carries it out after the bolt's latency, never
// before one that was taken earlier. The same command is carried out once.
func (d *device) accept(order driver.Order) {
	if order.Command != "" && order.Command == d.last {
		return
	}
	d.last = order.Command
	takes := milliseconds(d.LatencyMS)
	if d.jitter > 0 {
		takes += time.Duration(d.random.Int64N(int64(2*d.jitter)+1)) - d.jitter
	}
	d.pending = append(d.pending, order)
	boot := d.boot
	d.world.later(max(takes, 0), func() {
		// The oldest order is next, and a device that went dead has forgotten all.
		if d.boot == boot && len(d.pending) > 0 {
			order := d.pending[0]
			d.pending = d.pending[1:]
			d.carryOut(order)
		}
	})
}

func (d *device) carryOut(order driver.Order) {
	answer := driver.Report{Method: sashlock.ByRemote, Command: order.Command}
	switch {
	case order.Verb == sashlock.DoRelease:
		if d.turn(true, answer) {
			d.relockAfter(order.For)
		}
	case order.Verb == sashlock.DoLock && d.open:
		// The bolt would meet nothing: it is thrown on closing.
		d.motion++
		d.relocking = true
	default:
		d.turn(order.Verb == sashlock.DoUnlock, answer)
	}
}

// turn moves the bolt, says so in the report given, and reports whether it
// moved. A jammed bolt stays, and the lock says that.
func (d *device) turn(unlocked bool, r driver.Report) bool {
	d.motion++
	d.relocking = false
	if d.jammed {
		d.jamTold = true
		r.Kind = sashlock.LockWasJammed
		d.emit(r)
		return false
	}
	if d.unlocked != unlocked {
		d.lockAt = d.world.now()
	}
	d.unlocked = unlocked
	r.Kind = d.lockKind()
	d.emit(r)
	return true
}

// relockAfter locks after a time, or on closing if it stands open then.
// Anything done to the bolt meanwhile calls it off.
func (d *device) relockAfter(after time.Duration) {
	motion := d.motion
	d.world.later(after, func() {
		switch {
		case d.motion != motion:
		case d.open:
			d.relocking = true
		default:
			d.turn(false, driver.Report{Method: sashlock.BySelf})
		}
	})
}

func (d *device) unjam() {
	d.jammed = false
	if d.jamTold {
		d.jamTold = false
		d.emit(driver.Report{Kind: d.lockKind()})
	}
}

// typeCode types the PIN of a slot at the keypad.
func (d *device) typeCode(slot int) {
	if d.dead {
		return
	}
	for _, c := range d.Codes {
		if c.Slot == slot && !c.off {
			if d.turn(true, driver.Report{Method: sashlock.ByKeypad, Slot: slot}) {
				d.relockAfter(milliseconds(d.RelockMS))
			}
			return
		}
	}
	d.emit(driver.Report{Kind: sashlock.CodeRefused, Method: sashlock.ByKeypad})
}

// move opens or closes the opening.
func (d *device) move(open bool) {
	if d.open == open {
		return
	}
	d.open, d.openAt = open, d.world.now()
	if d.Kind.tellsPosition() {
		d.emit(driver.Report{Kind: positionKind(open)})
	}
	if !open && d.relocking {
		d.turn(false, driver.Report{Method: sashlock.BySelf})
	}
}

func (d *device) pass(near bool) {
	if d.near == near {
		return
	}
	d.near, d.nearAt = near, d.world.now()
	d.emit(driver.Report{Kind: presenceKind(near)})
}

func (d *device) kill() {
	if d.dead {
		return
	}
	d.dead, d.pending = true, nil
	if !d.world.cut {
		// It is the gateway that notices: no number, no time.
		d.world.send(driver.Report{Address: d.Address, Kind: sashlock.DeviceOffline})
	}
}

func (d *device) revive() {
	if !d.dead {
		return
	}
	d.dead = false
	d.boot, d.number = d.boot+1, 0
	if d.world.cut {
		return
	}
	d.world.send(driver.Report{Address: d.Address, Kind: sashlock.DeviceOnline})
	for s := range d.world.sessions {
		d.world.push(s, d.states()...)
	}
	d.recall()
}
