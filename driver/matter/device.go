// SPDX-License-Identifier: Apache-2.0

package matter

import (
	"time"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/driver"
)

// The rules of what is told about a bolt are:
//
//  1. A lock says what happened in two ways, in any order: by an event, with
//     how and by whom, and by its state. The event is told at once. A state
//     that no event explains within pace.settle is told by itself.
//  2. Events are numbered, also over restarts of the node. One that was heard
//     before is dropped; so are those from before the node was first known,
//     which a new subscription repeats.
//  3. What a server remembered of a bolt is not told. It is read.

// node is a Matter node as this session knows it.
type node struct {
	state   nodeState
	devices map[int]*device // by endpoint
	known   bool            // it has answered in this session, so its events are news
	last    uint64          // the highest number of an event so far
	mute    bool            // it left a question or an order without an answer
}

// device is one endpoint as this session knows it. Its place never changes, turn
// and slots guard themselves; all else is guarded by the session's mu.
type device struct {
	node, endpoint int
	sort           sort
	turn           chan struct{} // holds one while an order is on its way to the lock
	slots          chan struct{} // holds one while PIN slots are read or written

	found  driver.Discovery
	online sashlock.EventKind // what was last told, "" for nothing: the same of all below
	bolt   sashlock.EventKind
	door   sashlock.EventKind
	motion sashlock.EventKind
	level  int // -1: nothing

	words int                // how often something was heard of it: an answer that was on its way meanwhile may be out of date
	doubt sashlock.EventKind // a state that waits for its event, "" for none
	order *pending           // the order that waits for the lock's word

	echoes driver.Echoes // those that were confirmed without an event: theirs may follow
}

// pending is an order on its way.
type pending struct {
	command sashlock.CommandID
	kind    sashlock.EventKind // what the lock will say if it did it
	until   time.Time          // after this the lock's word is no longer about this order
}

// is reports whether an order waits for a lock to say this.
func (p *pending) is(kind sashlock.EventKind) bool {
	if p == nil || !time.Now().Before(p.until) {
		return false
	}
	return p.kind == ordered(kind)
}

// ordered returns what an order was for that ended like this: nobody orders the
// latch to be drawn, and some locks draw it as they unlock.
func ordered(kind sashlock.EventKind) sashlock.EventKind {
	if kind == sashlock.LockUnlatched {
		return sashlock.LockUnlocked
	}
	return kind
}

// forget drops what belonged to a connection.
func (d *device) forget() {
	d.order, d.doubt = nil, ""
	d.echoes.Forget()
}

func (d *device) report(r driver.Report) news {
	r.Address = d.found.Address
	return news{Report: &r}
}

func (d *device) goOffline() []news {
	d.forget()
	if d.online == sashlock.DeviceOffline {
		return nil
	}
	state := d.online == ""
	d.online = sashlock.DeviceOffline
	return []news{d.report(driver.Report{Kind: sashlock.DeviceOffline, State: state})}
}

func (d *device) comeOnline(repeat bool) []news {
	if d.online == sashlock.DeviceOnline && !repeat {
		return nil
	}
	state := d.online == "" || d.online == sashlock.DeviceOnline
	d.online = sashlock.DeviceOnline
	return []news{d.report(driver.Report{Kind: sashlock.DeviceOnline, State: state})}
}

// say tells of one of the lasting states, unless it is what was told last.
func (d *device) say(last *sashlock.EventKind, now sashlock.EventKind, state bool) []news {
	if now == "" || now == *last && !state {
		return nil
	}
	*last = now
	return []news{d.report(driver.Report{Kind: now, State: state})}
}

// sensed makes news of an attribute of a sensor, of the lock's contact or of
// the battery.
func (d *device) sensed(p path, v value, state bool) []news {
	switch {
	case p.Cluster == clusterPower && p.Attribute == attrBattery:
		half, ok := v.number()
		if !ok || half < 0 || half > 200 || half/2 == d.level && !state {
			return nil
		}
		d.level = half / 2
		return []news{d.report(driver.Report{Kind: sashlock.BatteryReported, Level: d.level, State: state})}
	case p.Endpoint != d.endpoint:
		return nil
	case p.Cluster == clusterDoorLock && p.Attribute == attrDoorState:
		return d.say(&d.door, doorOf(v), state)
	case p.Cluster == clusterBoolean && d.sort&isContact != 0:
		return d.say(&d.door, contactOf(v), state)
	case p.Cluster == clusterOccupancy && d.sort&isMotion != 0:
		return d.say(&d.motion, presenceOf(v), state)
	}
	return nil
}

// reads returns the attributes that say how a device stands.
func (d *device) reads(n nodeState) []path {
	var paths []path
	add := func(endpoint, cluster, attribute int, yes bool) {
		if yes {
			paths = append(paths, path{endpoint, cluster, attribute})
		}
	}
	source, battery := n.battery(d.endpoint)
	add(d.endpoint, clusterDoorLock, attrLockState, d.sort&isLock != 0)
	add(d.endpoint, clusterDoorLock, attrDoorState, d.sort&isLock != 0 && n.lockHasContact(d.endpoint))
	add(d.endpoint, clusterBoolean, attrState, d.sort&isContact != 0)
	add(d.endpoint, clusterOccupancy, attrState, d.sort&isMotion != 0)
	add(source, clusterPower, attrBattery, battery)
	return paths
}

// stands tells what a device answered when it was asked how it stands.
func (d *device) stands(asked []path, answer map[path]value) []news {
	told := d.comeOnline(false)
	for _, p := range asked {
		v := answer[p]
		if p == d.lockState() {
			d.doubt = ""
			told = append(told, d.say(&d.bolt, boltOf(v), true)...)
			continue
		}
		told = append(told, d.sensed(p, v, true)...)
	}
	return told
}

func (d *device) lockState() path { return path{d.endpoint, clusterDoorLock, attrLockState} }

// moved takes over a new state of the bolt. wait is whether it is to be told
// unless an event explains it. A state that was still waiting is told first.
func (d *device) moved(kind sashlock.EventKind) (told []news, wait bool) {
	if kind == "" || kind == d.doubt {
		return nil, false
	}
	told = d.settle(d.doubt)
	d.doubt = ""
	if kind == d.bolt {
		return told, false
	}
	d.doubt = kind
	return told, true
}

// settle tells a state that no event explained.
func (d *device) settle(kind sashlock.EventKind) []news {
	if kind == "" || kind != d.doubt {
		return nil
	}
	d.doubt, d.bolt = "", kind
	r := driver.Report{Kind: kind}
	if d.order.is(kind) {
		r.Method, r.Command = sashlock.ByRemote, d.order.command
		d.told(d.order)
	}
	return []news{d.report(r)}
}

// told ends an order that was told before its event came.
func (d *device) told(order *pending) {
	d.order = nil
	d.echoes.Expect(order.kind, order.until)
}

// settled tells what a reading that was made because of an order brought to
// light. done is whether the order needs no further reading.
func (d *device) settled(kind sashlock.EventKind, order *pending) (told []news, done bool) {
	switch {
	case kind == "":
	case d.order == order && order.is(kind):
		d.doubt, d.bolt = "", kind
		d.told(order)
		told = append(told, d.report(driver.Report{Kind: kind, Method: sashlock.ByRemote, Command: order.command}))
	case kind != d.bolt && kind != d.doubt && kind != sashlock.LockHalfway: // a bolt on its way is read again
		d.doubt, d.bolt = "", kind
		told = append(told, d.report(driver.Report{Kind: kind}))
	}
	return told, d.order != order
}

// noted makes news of an event of the lock. ours is our fabric's number on the
// node, 0 if that is not known.
func (d *device) noted(n note, boot uint64, ours int) []news {
	r := driver.Report{Boot: boot, Number: n.Number, At: at(n)}
	switch {
	case n.Event == noteOperation:
		return d.operated(n, r, ours)
	case n.Event == noteRefused && methodOf(n.Source) != sashlock.ByRemote && n.Error >= 1 && n.Error <= 3:
		// 1: not known, 2: disabled, 3: not now. Others are no fault of the code.
		r.Kind, r.Method, r.Slot = sashlock.CodeRefused, methodOf(n.Source), n.User
	case n.Event == noteAlarm && n.Alarm == alarmJam:
		r.Kind = sashlock.LockWasJammed
		if d.order != nil && time.Now().Before(d.order.until) {
			r.Command, r.Method = d.order.command, sashlock.ByRemote
		}
		d.order = nil
	case n.Event == noteAlarm && n.Alarm == alarmWrongCodes:
		r.Kind, r.Method = sashlock.CodeRefused, sashlock.ByKeypad
	case n.Event == noteAlarm && n.Alarm == alarmCover:
		r.Kind = sashlock.DeviceTampered
	default:
		return nil
	}
	return []news{d.report(r)}
}

// operated makes news of the event that the bolt was moved.
func (d *device) operated(n note, r driver.Report, ours int) []news {
	r.Kind, r.Method, r.Slot = operatedTo(n.Type), methodOf(n.Source), n.User
	if r.Kind == "" {
		return nil
	}
	if r.Method == sashlock.ByRemote {
		r.Slot = 0 // an order has no code
	}
	mine := r.Method == sashlock.ByRemote && (n.Fabric == 0 || ours == 0 || n.Fabric == ours)
	if mine && d.echoes.Heard(ordered(r.Kind)) {
		return nil // told when it was read
	}
	d.echoes.Forget() // they should have come before this
	d.bolt = r.Kind
	if d.doubt == r.Kind {
		d.doubt = ""
	}
	if mine && d.order.is(r.Kind) {
		r.Command, d.order = d.order.command, nil
	}
	return []news{d.report(r)}
}

// at returns when a node says that something happened; zero if its clock is
// plainly wrong.
func at(n note) time.Time {
	const from, to = 1577836800000, 4102444800000 // 2020 and 2100
	if n.Posix < from || n.Posix > to {
		return time.Time{}
	}
	return time.UnixMilli(n.Posix).UTC()
}
