// SPDX-License-Identifier: Apache-2.0

package seam

import (
	"crypto/sha256"
	"encoding/binary"
	"reflect"
	"slices"
	"time"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/driver"
)

// The rules of what is told of a bolt are:
//
//  1. An event says what happened, when, and by which method: it is told.
//  2. The event of an order of ours is not: it makes that the device is read,
//     and what the device's own state says then is told, under the order's
//     name.
//  3. An order that the next one overtook is no longer to be seen in the device's
//     state. Its event is told, under the order's name.
//  4. A state that differs from what was told last, with no event to explain
//     it, is told when two lists in a row say so, with a question for events
//     between them.
//  5. What the cloud remembers of a device that it cannot reach is not told.

// device is one lock as this session knows it. turn guards itself, all else is
// guarded by the session's mu.
type device struct {
	turn chan struct{} // holds one while an order is on its way

	entry  deviceEntry
	found  driver.Discovery
	missed int // lists in a row without it

	online sashlock.EventKind // what was last told, "" for nothing: the same of all below
	lock   sashlock.EventKind
	door   sashlock.EventKind
	level  int // -1: nothing

	lockAt time.Time          // when the newest event about the bolt happened, by the cloud's clock
	heard  time.Time          // when such an event was asked for or came, by ours
	doubt  sashlock.EventKind // what a list says of the bolt that nothing explains

	order  *pending       // the order that waits for the device's word
	echoes []*pending     // those that wait no more, eldest first: their events may follow
	slots  map[int]string // which access code goes by which number
}

// pending is an order on its way.
type pending struct {
	command sashlock.CommandID
	kind    sashlock.EventKind // how the lock stands if it was done
	attempt string             // what the cloud calls it; empty: it has not said
	until   time.Time          // after this the device's word is no longer about this order
	said    time.Time          // when its event happened; zero: none came
	kick    chan struct{}      // holds one when it did

	overtaken time.Time // when the next order came first, by our clock: its event is told; zero: it was confirmed
}

// names reports whether an event says that it is the order's.
func (p *pending) names(e event) bool { return e.Attempt != "" && e.Attempt == p.attempt }

// owns reports whether an event may be that of the order.
func (p *pending) owns(e event, kind sashlock.EventKind) bool {
	if p.kind != kind || time.Now().After(p.until) {
		return false
	}
	if e.Attempt != "" && p.attempt != "" {
		return p.names(e)
	}
	return e.Code == "" && (e.Method == "" || e.Method == "seamapi" || e.Method == "unknown")
}

// owner finds the order whose event this may be, nil if none's: one that it
// names, or the one that waits, or the eldest confirmed one whose event has not
// come.
func (d *device) owner(e event, kind sashlock.EventKind) *pending {
	all := d.echoes
	if d.order != nil {
		all = append([]*pending{d.order}, all...)
	}
	if i := slices.IndexFunc(all, func(p *pending) bool { return p.names(e) && p.owns(e, kind) }); i >= 0 {
		return all[i]
	}
	if i := slices.IndexFunc(all, func(p *pending) bool { return p.overtaken.IsZero() && p.owns(e, kind) }); i >= 0 {
		return all[i]
	}
	return nil
}

// expects notes that the event of an order may follow that waits no more, and
// forgets those that did not come in time.
func (d *device) expects(p *pending, echo time.Duration) {
	now := time.Now()
	p.until = now.Add(echo)
	d.echoes = append(slices.DeleteFunc(d.echoes, func(o *pending) bool { return now.After(o.until) }), p)
}

// overtake has the next order wait for the device's word. What the cloud said of
// the one before it, and the device had no time to confirm, is news.
func (d *device) overtake(next *pending, echo time.Duration) []news {
	was := d.order
	d.order = next
	if was == nil {
		return nil
	}
	was.overtaken = time.Now()
	if was.said.IsZero() {
		d.expects(was, echo)
		return nil
	}
	return d.belated(was, was.said)
}

// belated tells the event of an order that was overtaken.
func (d *device) belated(p *pending, happened time.Time) []news {
	if !d.heard.After(p.overtaken) { // otherwise the device spoke since
		d.lock, d.lockAt, d.doubt = p.kind, later(d.lockAt, happened), ""
	}
	return []news{d.report(driver.Report{Kind: p.kind, Method: sashlock.ByRemote, Command: p.command, At: happened})}
}

func newDevice() *device {
	return &device{turn: make(chan struct{}, 1), level: -1, slots: make(map[int]string)}
}

func (d *device) report(r driver.Report) news {
	r.Address = d.entry.ID
	return news{Report: &r}
}

// describe takes over what a list says of the device and tells it if it is new,
// or anew if asked to.
func (d *device) describe(e deviceEntry, clear, anew bool) []news {
	d.entry = e
	found := discover(e, clear)
	if !anew && reflect.DeepEqual(found, d.found) {
		return nil
	}
	d.found = found
	return []news{{Device: &found}}
}

// discover describes a device.
func discover(e deviceEntry, clear bool) driver.Discovery {
	d := driver.Discovery{
		Address: e.ID, Name: e.Name, Maker: e.Maker, Model: e.Model,
		Security: "TLS to Seam's cloud, then as its maker has it",
	}
	if clear {
		d.Security = "none, on this machine"
	}
	add := func(c sashlock.Capability, yes bool) {
		if yes {
			d.Capabilities = append(d.Capabilities, c)
		}
	}
	add(sashlock.CanUnlock, e.CanUnlock)
	add(sashlock.CanLock, e.CanLock)
	add(sashlock.TellsLock, e.Locked != notSaid)
	add(sashlock.TellsPosition, e.Open != notSaid)
	add(sashlock.TellsWho, e.Locked != notSaid)
	add(sashlock.TellsBattery, e.Level >= 0)
	add(sashlock.HasCodes, e.HasCodes)
	add(sashlock.SecureLink, true)
	return d
}

// reach tells whether the device can be reached.
func (d *device) reach(online, anew bool) []news {
	kind := sashlock.DeviceOnline
	if !online {
		kind = sashlock.DeviceOffline
		d.doubt = ""
	}
	if d.online == kind && !(anew && online) {
		return nil
	}
	state := d.online == "" || d.online == kind
	d.online = kind
	return []news{d.report(driver.Report{Kind: kind, State: state})}
}

// stands makes news of how the device stands. Statements are told in any case,
// changes only if they are some; doubt is whether the bolt's needs explaining.
func (d *device) stands(e deviceEntry, asked time.Time, statement bool) (told []news, doubt bool) {
	back := d.online == sashlock.DeviceOffline
	told = d.reach(e.Online, statement)
	if !e.Online {
		return told, false
	}
	statement = statement || back
	if e.Level >= 0 && (statement || e.Level != d.level) {
		told = append(told, d.report(driver.Report{Kind: sashlock.BatteryReported, Level: e.Level, State: statement || d.level < 0}))
		d.level = e.Level
	}
	if door := pick(e.Open, sashlock.OpeningOpened, sashlock.OpeningClosed); door != "" && (statement || door != d.door) {
		told = append(told, d.report(driver.Report{Kind: door, State: statement || d.door == ""}))
		d.door = door
	}
	kind := pick(e.Locked, sashlock.LockLocked, sashlock.LockUnlocked)
	switch {
	case kind == "" || d.heard.After(asked):
		return told, false // nothing is said, or something newer was heard
	case statement:
		d.lock, d.doubt = kind, ""
		told = append(told, d.report(driver.Report{Kind: kind, State: true}))
	case kind == d.lock || d.order != nil:
		d.doubt = "" // an order reads it by itself
	case d.lock == "":
		d.lock = kind
		told = append(told, d.report(driver.Report{Kind: kind, State: true}))
	case d.doubt != kind:
		d.doubt, doubt = kind, true
	default:
		d.lock, d.doubt = kind, ""
		told = append(told, d.report(driver.Report{Kind: kind}))
	}
	return told, doubt
}

func pick(k known, yes, no sashlock.EventKind) sashlock.EventKind {
	switch k {
	case isTrue:
		return yes
	case isFalse:
		return no
	}
	return ""
}

// hear makes news of an event that was asked for or came at a moment. look is
// whether the list of devices must be asked for.
func (d *device) hear(e event, at time.Time) (told []news, look bool) {
	switch e.Type {
	case "lock.locked":
		return d.moved(e, sashlock.LockLocked, at), false
	case "lock.unlocked":
		return d.moved(e, sashlock.LockUnlocked, at), false
	case "lock.access_denied":
		return []news{d.report(driver.Report{Kind: sashlock.CodeRefused, Method: sashlock.ByKeypad, Slot: d.slot(e.Code), At: e.Occurred})}, false
	case "device.tampered":
		return []news{d.report(driver.Report{Kind: sashlock.DeviceTampered, At: e.Occurred})}, false
	case "device.low_battery", "device.battery_status_changed":
		if e.Level < 0 || e.Level == d.level {
			return nil, false
		}
		d.level = e.Level
		return []news{d.report(driver.Report{Kind: sashlock.BatteryReported, Level: e.Level, At: e.Occurred})}, false
	case "device.connected", "device.disconnected", "device.removed", "device.deleted", "device.converted_to_unmanaged":
		return nil, true // the list says how it is now
	}
	return nil, false
}

// moved tells what happened to the bolt.
func (d *device) moved(e event, kind sashlock.EventKind, at time.Time) []news {
	switch p := d.owner(e, kind); {
	case p == nil:
	case p == d.order:
		p.said = e.Occurred
		select {
		case p.kick <- struct{}{}:
		default:
		}
		return nil
	default:
		d.echoes = slices.DeleteFunc(d.echoes, func(o *pending) bool { return o == p })
		if !p.overtaken.IsZero() {
			return d.belated(p, e.Occurred)
		}
		return nil
	}
	if !e.Occurred.Before(d.lockAt) {
		d.lock, d.lockAt, d.doubt = kind, e.Occurred, ""
		d.heard = later(d.heard, at)
	}
	r := driver.Report{Kind: kind, Method: methodOf(e.Method), At: e.Occurred}
	if r.Method == sashlock.ByKeypad {
		r.Slot = d.slot(e.Code)
	}
	return []news{d.report(r)}
}

func methodOf(word string) sashlock.Method {
	switch word {
	case "keycode":
		return sashlock.ByKeypad
	case "manual":
		return sashlock.ByHand
	case "automatic":
		return sashlock.BySelf
	case "seamapi":
		return sashlock.ByRemote
	case "":
		return ""
	}
	return sashlock.ByUnknown
}

// confirmed takes over how the device stood when it was read for an order, and
// reports whether that settles it.
func (d *device) confirmed(e deviceEntry, p *pending, echo time.Duration) (told []news, done bool) {
	if d.order != p || !e.Online || pick(e.Locked, sashlock.LockLocked, sashlock.LockUnlocked) != p.kind {
		return nil, d.order != p
	}
	d.order, d.lock, d.doubt = nil, p.kind, ""
	d.heard = time.Now()
	if p.said.IsZero() {
		d.expects(p, echo)
	} else {
		d.lockAt = later(d.lockAt, p.said)
	}
	return []news{d.report(driver.Report{Kind: p.kind, Method: sashlock.ByRemote, Command: p.command})}, true
}

// unconfirmed ends an order that the device did not confirm in time. That the
// cloud says it was unlocked is told all the same, as nobody's: better one look
// too many.
func (d *device) unconfirmed(p *pending) []news {
	if d.order != p {
		return nil
	}
	d.order = nil
	if p.said.IsZero() || p.kind != sashlock.LockUnlocked {
		return nil
	}
	d.lock, d.lockAt = p.kind, later(d.lockAt, p.said)
	return []news{d.report(driver.Report{Kind: p.kind, Method: sashlock.ByUnknown, At: p.said})}
}

// slot is the number under which an access code is known here: Seam has none,
// so it is made of the identifier and the same in every session. Should two
// codes of a lock come to the same number, neither is told from then on.
func (d *device) slot(code string) int {
	if code == "" {
		return 0
	}
	slot := slotOf(code)
	if was, taken := d.slots[slot]; taken && was != code {
		d.slots[slot] = " " // no code goes by this
		return 0
	}
	d.slots[slot] = code
	return slot
}

// slotOf makes a number from 1 to 65,535 of an access code's identifier.
func slotOf(code string) int {
	sum := sha256.Sum256([]byte(code))
	return 1 + int(binary.BigEndian.Uint32(sum[:4])%65535)
}
