// SPDX-License-Identifier: Apache-2.0

package homeassistant

import (
	"math"
	"slices"
	"strconv"
	"time"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/driver"
)

// The rules of what is told are:
//
//  1. What the broker kept is a statement: the last word of the device, of
//     unknown age. What comes live is a change if it differs from the word
//     before; a device may repeat itself as often as it likes.
//  2. A device that says whether it can be reached tells nothing while it cannot
//     be. When it comes back the broker is asked again for what it keeps.
//  3. While an order waits for a lock, any live word of the lock that agrees
//     confirms it, repeated or not: it was said after the order was sent.

// device is one lock, contact, motion sensor or button as this session knows
// it. It is guarded by the session's mu.
type device struct {
	entity entity
	found  driver.Discovery

	reached map[int]bool // what each of its availabilities said last
	last    int          // which of them spoke last; -1: none
	kept    [][]byte     // what it said before it was known whether it can be reached
	again   bool         // the broker is to say again what it keeps of the state

	online sashlock.EventKind // what was last told, "" for nothing: the same of all below
	state  sashlock.EventKind // of the bolt, the contact or the presence
	level  int                // -1: nothing
	bad    bool               // tampered with
	until  time.Time          // when what was seen is over by itself; zero: it is not

	order *pending
}

// pending is an order on its way.
type pending struct {
	command sashlock.CommandID
	kind    sashlock.EventKind // what the lock will say if it did it
	until   time.Time          // after this the lock's word is no longer about this order
	ended   chan struct{}      // closed when the lock has answered
}

func newDevice() *device { return &device{reached: make(map[int]bool), last: -1, level: -1} }

func (d *device) report(r driver.Report) news {
	r.Address = d.entity.Address
	return news{Report: &r}
}

// clearText is why a link is weak whose broker is reached without TLS.
const clearText = "The way to the broker is clear text: whoever is in that network can read it, and open this lock; use tls."

// discover describes a device. charge and tamper are whether such sensors were
// announced beside it.
func discover(e entity, charge, tamper, clear, readOnly bool) driver.Discovery {
	d := driver.Discovery{
		Address: e.Address, Name: e.Name, Maker: e.Maker, Model: e.Model, Firmware: e.Firmware,
		Security: "protected to the broker, unknown behind it",
	}
	if clear {
		d.Security, d.Weak = "none to the broker, unknown behind it", clearText
	}
	add := func(c sashlock.Capability, yes bool) {
		if yes {
			d.Capabilities = append(d.Capabilities, c)
		}
	}
	lock := e.Role == isLock
	add(sashlock.CanUnlock, lock && e.Command != "" && !readOnly)
	add(sashlock.CanLock, lock && e.Command != "" && !readOnly)
	add(sashlock.TellsLock, lock && e.State != "")
	add(sashlock.TellsJam, lock && e.State != "")
	add(sashlock.TellsPosition, e.Role == isDoor && e.State != "")
	add(sashlock.TellsPresence, (e.Role == isMotion || e.Role == isPress) && e.State != "")
	add(sashlock.TellsTamper, tamper)
	add(sashlock.TellsBattery, charge)
	add(sashlock.SecureLink, !clear)
	switch {
	case e.Strange != "":
		d.Weak = "Its announcement is not understood: " + e.Strange + "."
	case lock && e.State == "":
		d.Weak = "It does not tell how it stands: it can be ordered about, and is never said to be locked."
	case len(e.Presence) == 0 && d.Weak == "":
		d.Weak = "It does not say whether it can be reached: what it said last may be old."
	}
	return d
}

// reachable reports whether the device says that it can be reached.
func (d *device) reachable() bool {
	n := 0
	for i := range d.entity.Presence {
		if d.reached[i] {
			n++
		}
	}
	switch {
	case len(d.entity.Presence) == 0:
		return true
	case d.entity.Mode == "all":
		return n == len(d.entity.Presence)
	case d.entity.Mode == "any":
		return n > 0
	}
	return d.last >= 0 && d.reached[d.last]
}

// present takes over what an availability says.
func (d *device) present(i int, payload []byte) []news {
	a := d.entity.Presence[i]
	text, ok := a.Value.of(payload)
	if !ok || text != a.Yes && text != a.No {
		return nil
	}
	d.reached[i], d.last = text == a.Yes, i
	return d.reach(false)
}

// reach tells whether the device can be reached, and what waited for that.
func (d *device) reach(anew bool) []news {
	switch {
	case len(d.entity.Presence) > 0 && d.last < 0:
		return nil // it has not said anything yet
	case !d.reachable():
		return d.offline()
	}
	if d.online == sashlock.DeviceOnline && !anew {
		return nil
	}
	state := d.online != sashlock.DeviceOffline
	d.online = sashlock.DeviceOnline
	told := []news{d.report(driver.Report{Kind: sashlock.DeviceOnline, State: state})}
	kept := d.kept
	d.kept, d.again = nil, true
	for _, payload := range kept {
		told = append(told, d.hear(payload, false)...)
	}
	return told
}

// maxKept is how much a device may say before it says that it can be reached.
const maxKept = 100

func (d *device) offline() []news {
	// Its first word afterwards says how it stands, not that anything changed.
	d.kept, d.until, d.state = nil, time.Time{}, ""
	d.fail()
	if d.online == sashlock.DeviceOffline {
		return nil
	}
	state := d.online == ""
	d.online = sashlock.DeviceOffline
	return []news{d.report(driver.Report{Kind: sashlock.DeviceOffline, State: state})}
}

// fail gives up on the order under way.
func (d *device) fail() {
	if d.order != nil {
		close(d.order.ended)
		d.order = nil
	}
}

// hear makes news of what the device says.
func (d *device) hear(payload []byte, retained bool) []news {
	if !d.reachable() {
		if d.last < 0 && !retained && len(d.kept) < maxKept {
			d.kept = append(d.kept, payload) // it may turn out that it could be reached
		}
		return nil
	}
	if d.entity.Role == isPress {
		return d.pressed(payload, retained)
	}
	text, ok := d.entity.Value.of(payload)
	kind := d.kindOf(text)
	if !ok || kind == "" {
		return nil
	}
	if d.entity.Role == isMotion && d.entity.Lasts > 0 && kind == sashlock.PresenceSeen {
		d.until = time.Now().Add(d.entity.Lasts)
	}
	r := driver.Report{Kind: kind, State: retained || d.state == ""}
	if p := d.order; p != nil && !retained && (kind == p.kind || kind.Stuck()) && time.Now().Before(p.until) {
		r.State, r.Method, r.Command = false, sashlock.ByRemote, p.command
		d.fail()
	} else if kind == d.state && !retained {
		return nil
	}
	d.state = kind
	return []news{d.report(r)}
}

// kindOf says what a word of the device means; "" for nothing known.
func (d *device) kindOf(text string) sashlock.EventKind {
	w := d.entity.Words
	on, off := text == w.On, text == w.Off
	switch d.entity.Role {
	case isLock:
		switch text {
		case "":
			return ""
		case w.Locked:
			return sashlock.LockLocked
		case w.Unlocked:
			return sashlock.LockUnlocked
		case w.Jammed:
			return sashlock.LockWasJammed
		case w.Halfway:
			return sashlock.LockHalfway
		}
	case isDoor:
		return pick(on, off, sashlock.OpeningOpened, sashlock.OpeningClosed)
	case isMotion:
		return pick(on, off, sashlock.PresenceSeen, sashlock.PresenceLost)
	}
	return ""
}

func pick(on, off bool, yes, no sashlock.EventKind) sashlock.EventKind {
	switch {
	case on:
		return yes
	case off:
		return no
	}
	return ""
}

// pressed makes news of a button. A press says that somebody is there, for a
// while; what the broker kept of one says nothing.
func (d *device) pressed(payload []byte, retained bool) []news {
	text, ok := d.entity.Value.of(payload)
	if !ok || retained || text == "" {
		return nil
	}
	if o, is := readObject(payload); is && len(d.entity.Value.path) == 0 && o.text("event_type") != "" {
		text = o.text("event_type")
	}
	if len(d.entity.Words.Presses) > 0 && !slices.Contains(d.entity.Words.Presses, text) {
		return nil
	}
	d.until = time.Now().Add(d.entity.Lasts)
	if d.state == sashlock.PresenceSeen {
		return nil
	}
	d.state = sashlock.PresenceSeen
	return []news{d.report(driver.Report{Kind: sashlock.PresenceSeen, Method: sashlock.ByHand})}
}

// fade tells that what was seen is over by itself.
func (d *device) fade(now time.Time) []news {
	if d.until.IsZero() || now.Before(d.until) {
		return nil
	}
	d.until = time.Time{}
	if d.state != sashlock.PresenceSeen {
		return nil
	}
	d.state = sashlock.PresenceLost
	return []news{d.report(driver.Report{Kind: sashlock.PresenceLost})}
}

// beside makes news of what a sensor says that belongs to the device.
func (d *device) beside(e entity, payload []byte, retained bool) []news {
	text, ok := e.Value.of(payload)
	if !ok || !d.reachable() {
		return nil
	}
	if e.Role == isTamper {
		on, off := text == e.Words.On, text == e.Words.Off
		if !on && !off || on == d.bad {
			return nil
		}
		d.bad = on
		return []news{d.report(driver.Report{Kind: pick(on, off, sashlock.DeviceTampered, sashlock.TamperCleared), State: retained})}
	}
	number, err := strconv.ParseFloat(text, 64)
	if err != nil || !(number >= 0 && number <= 100) {
		return nil
	}
	level := int(math.Round(number))
	if level == d.level && !retained {
		return nil
	}
	state := retained || d.level < 0
	d.level = level
	return []news{d.report(driver.Report{Kind: sashlock.BatteryReported, Level: level, State: state})}
}
