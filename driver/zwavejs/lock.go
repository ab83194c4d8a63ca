// SPDX-License-Identifier: Apache-2.0

package zwavejs

import (
	"time"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/driver"
)

// The rules of what is told about a bolt are:
//
//  1. Z-Wave JS sets the current mode of a lock by itself when an order was
//     answered, and its event looks like any other. So an event about the
//     current mode is never told; it only raises a doubt.
//  2. Told are the two things that only the lock can have said: a notification
//     of what was done to it, and its answer to a reading.
//  3. A doubt that no notification settles in pace.settle is settled by a
//     reading.
//
// A door's position, a jam, a cover and a battery's level have no such trouble:
// Z-Wave JS never makes them up, so their events are told as they come.

// device is one lock as this session knows it. Its node and endpoint never
// change, turn and slots guard themselves; all else is guarded by the session's mu.
type device struct {
	node     int
	endpoint int
	turn     chan struct{} // holds one while an order is on its way to the lock
	slots    chan struct{} // holds one while a PIN slot is being written

	found   driver.Discovery
	status  nodeStatus
	contact bool // it tells open from closed
	reads   bool // and does so when it is read

	schedules bool // it can bound its PINs in time
	slotCount int  // how many PIN slots it has; 0: not asked yet

	online   sashlock.EventKind // what was last told, "" for nothing: the same of all below
	lock     sashlock.EventKind
	door     sashlock.EventKind
	level    int // -1: nothing
	tampered bool

	latest   int64         // the place of the last message about it: an answer from before is out of date
	words    int           // how often it spoke of its own accord: an answer that was on its way meanwhile may be out of date
	order    *pending      // the order that waits for the lock's word
	echoes   driver.Echoes // those that were confirmed by reading: their notifications may follow
	doubting bool          // a doubt is being settled
	timeout  int           // the time a release was last set to last, in seconds
}

// pending is an order on its way.
type pending struct {
	command sashlock.CommandID
	kind    sashlock.EventKind // what the lock will say if it did it
	until   time.Time          // after this the lock's word is no longer about this order
}

// forget drops what belonged to a connection.
func (d *device) forget() {
	d.order, d.doubting, d.timeout, d.latest = nil, false, 0, 0
	d.echoes.Forget()
}

func (d *device) report(r driver.Report) news {
	r.Address = d.found.Address
	return news{Report: &r}
}

// describe takes over all that is known of the node, and tells it.
func (d *device) describe(n nodeState) []news {
	d.found, d.status = discover(n, d.endpoint), n.Status
	d.contact, d.reads = hasContact(n, d.endpoint), readsContact(n, d.endpoint)
	found := d.found
	_, d.schedules = n.class(d.endpoint, classSchedule)
	told := []news{{Device: &found}}
	if d.status == statusDead {
		return append(told, d.offline()...)
	}
	told = append(told, d.comeOnline(true)...)
	// The bolt is read afresh, for the server may hold what it made up itself,
	// and so is the door where it can be.
	if level, ok := n.property(classBattery, "level", ""); ok {
		told = append(told, d.battery(level.Now, true)...)
	}
	if door, ok := n.property(classNotification, propertyAccess, keyDoor); ok && !d.reads {
		told = append(told, d.position(positionOf(door.Now), true)...)
	}
	if cover, ok := n.property(classNotification, propertySecurity, keyCover); ok {
		told = append(told, d.cover(cover.Now, true)...)
	}
	return told
}

func (d *device) offline() []news {
	d.order = nil
	d.echoes.Forget()
	state := d.online == ""
	if d.online == sashlock.DeviceOffline {
		return nil
	}
	d.online = sashlock.DeviceOffline
	return []news{d.report(driver.Report{Kind: sashlock.DeviceOffline, State: state})}
}

func (d *device) comeOnline(state bool) []news {
	if d.online == sashlock.DeviceOnline && !state {
		return nil
	}
	state = d.online == "" || d.online == sashlock.DeviceOnline
	d.online = sashlock.DeviceOnline
	return []news{d.report(driver.Report{Kind: sashlock.DeviceOnline, State: state})}
}

// property makes news of a property's event. doubt is whether the bolt must be
// read.
func (d *device) property(v value) (told []news, doubt bool) {
	switch {
	case v.Class == classDoorLock && v.Endpoint != d.endpoint:
		return nil, false
	case v.Class == classDoorLock && v.Property == "currentMode":
		kind := lockMode(v.Now.Number).kind()
		// While an order is under way the bolt is read anyway.
		doubt = v.Now.Kind == scalarNumber && kind != "" && kind != d.lock && d.order == nil && !d.doubting
		return nil, doubt
	case v.Class == classDoorLock && v.Property == "doorStatus" && d.reads:
		// The first comes of our own reading, ahead of its answer: nothing happened.
		return d.position(positionOf(v.Now), d.door == ""), false
	case v.Class == classBattery && v.Property == "level":
		return d.battery(v.Now, false), false
	case v.Class == classNotification && v.Property == propertyAccess:
		return d.access(v), false
	case v.Class == classNotification && v.Property == propertySecurity && v.Key == keyCover:
		return d.cover(v.Now, false), false
	}
	return nil, false
}

// access makes news of a lasting state of the access control notifications.
func (d *device) access(v value) []news {
	switch {
	case v.Key == keyLock && v.Now.is(lockJammed):
		return d.jammed("")
	case v.Key == keyKeypad && v.Now.is(keypadDisabled):
		return []news{d.report(driver.Report{Kind: sashlock.CodeRefused, Method: sashlock.ByKeypad})}
	case v.Key == keyDoor && d.contact:
		return d.position(positionOf(v.Now), false)
	}
	return nil
}

// positionOf reads a door's position from either of its two properties.
func positionOf(s scalar) sashlock.EventKind {
	switch {
	case s.is(doorOpen), s.is(doorOpenRegular), s.is(doorOpenTilted), s.Kind == scalarWord && s.Word == "open":
		return sashlock.OpeningOpened
	case s.is(doorClosed), s.Kind == scalarWord && s.Word == "closed":
		return sashlock.OpeningClosed
	}
	return ""
}

func (d *device) position(kind sashlock.EventKind, state bool) []news {
	if kind == "" || kind == d.door && !state {
		return nil
	}
	d.door = kind
	return []news{d.report(driver.Report{Kind: kind, State: state})}
}

func (d *device) battery(level scalar, state bool) []news {
	if level.Kind != scalarNumber || level.Number < 0 || level.Number > 100 || level.Number == d.level && !state {
		return nil
	}
	d.level = level.Number
	return []news{d.report(driver.Report{Kind: sashlock.BatteryReported, Level: level.Number, State: state})}
}

func (d *device) cover(s scalar, state bool) []news {
	switch {
	case s.is(coverRemoved) && (state || !d.tampered):
		d.tampered = true
		return []news{d.report(driver.Report{Kind: sashlock.DeviceTampered, State: state})}
	case s.is(0) && d.tampered:
		d.tampered = false
		return []news{d.report(driver.Report{Kind: sashlock.TamperCleared, State: state})}
	}
	return nil
}

// notified makes news of a notification.
func (d *device) notified(n notification) []news {
	if refusesCode(n) {
		return []news{d.report(driver.Report{Kind: sashlock.CodeRefused, Method: sashlock.ByKeypad, Slot: n.User})}
	}
	op, ok := operationOf(n.Event)
	if n.Type != typeAccess || !ok {
		return nil
	}
	if op.kind == sashlock.LockWasJammed {
		return d.jammed(op.method)
	}
	if op.method == sashlock.ByRemote && d.echoes.Heard(op.kind) {
		return nil // told when it was read
	}
	d.echoes.Forget() // they should have come before this
	d.lock = op.kind
	r := driver.Report{Kind: op.kind, Method: op.method}
	switch {
	case op.method == sashlock.ByKeypad || op.method == sashlock.ByUnknown:
		r.Slot = n.User
	case op.method == sashlock.ByRemote && d.order.is(op.kind):
		r.Command, d.order = d.order.command, nil
	}
	return []news{d.report(r)}
}

// is reports whether an order waits for a lock to say this.
func (p *pending) is(kind sashlock.EventKind) bool {
	return p != nil && p.kind == kind && time.Now().Before(p.until)
}

func (d *device) jammed(method sashlock.Method) []news {
	r := driver.Report{Kind: sashlock.LockWasJammed, Method: method}
	if d.order != nil && time.Now().Before(d.order.until) {
		r.Command, r.Method = d.order.command, sashlock.ByRemote
	}
	d.order = nil
	return []news{d.report(r)}
}

// stands tells how the lock said that it stands when it was asked.
func (d *device) stands(r lockReport) []news {
	var told []news
	if kind := r.Mode.kind(); kind != "" {
		d.lock = kind
		told = append(told, d.report(driver.Report{Kind: kind, State: true}))
	}
	if d.reads {
		told = append(told, d.position(positionOf(scalar{Kind: scalarWord, Word: r.Door}), true)...)
	}
	return told
}

// settled tells what a reading that was made because of a doubt or an order
// brought to light. done is whether the order needs no further reading.
func (d *device) settled(r lockReport, order *pending) (told []news, done bool) {
	if kind := r.Mode.kind(); kind != "" {
		switch {
		case order != nil && d.order == order && kind == order.kind:
			d.order, d.lock = nil, kind
			d.echoes.Expect(kind, order.until)
			told = append(told, d.report(driver.Report{Kind: kind, Method: sashlock.ByRemote, Command: order.command}))
		case kind != d.lock:
			d.lock = kind
			told = append(told, d.report(driver.Report{Kind: kind}))
		}
	}
	if d.reads {
		told = append(told, d.position(positionOf(scalar{Kind: scalarWord, Word: r.Door}), false)...)
	}
	return told, d.order != order
}
