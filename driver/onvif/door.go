// SPDX-License-Identifier: Apache-2.0

package onvif

import (
	"time"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/driver"
)

// door is one door as this session knows it. Its token never changes and turn
// guards itself; all else is guarded by the session's mu.
type door struct {
	token string
	turn  chan struct{} // holds one while an order is on its way to the controller

	info     doorInfo
	found    driver.Discovery
	online   sashlock.EventKind // what was last told, "" for nothing: the same of all below
	bolt     sashlock.EventKind
	position sashlock.EventKind
	tampered bool
	changes  int // how often one of these changed: a reading that began before is out of date

	order   *pending      // the order that waits for the bolt's word
	echoes  driver.Echoes // moves of the bolt that were told when it was read: their events may follow
	granted time.Time     // when a credential was last granted at one of its access points
}

// pending is an order on its way.
type pending struct {
	command sashlock.CommandID
	kind    sashlock.EventKind // what the bolt's monitor will say if it was done
	until   time.Time          // after this its word is no longer about this order
}

func (p *pending) is(kind sashlock.EventKind) bool {
	return p != nil && p.kind == kind && time.Now().Before(p.until)
}

func (d *door) report(r driver.Report) news {
	r.Address = d.token
	return news{Report: &r}
}

func (d *door) goOffline() []news {
	d.order = nil
	if d.online == sashlock.DeviceOffline {
		return nil
	}
	state := d.online == ""
	d.online = sashlock.DeviceOffline
	return []news{d.report(driver.Report{Kind: sashlock.DeviceOffline, State: state})}
}

func (d *door) comeOnline() []news {
	state := d.online == "" || d.online == sashlock.DeviceOnline
	d.online = sashlock.DeviceOnline
	return []news{d.report(driver.Report{Kind: sashlock.DeviceOnline, State: state})}
}

// discover describes a door.
func discover(info doorInfo, about about, clear bool) driver.Discovery {
	d := driver.Discovery{
		Address: info.Token, Name: info.Name, Maker: about.Maker, Model: about.Model, Firmware: about.Firmware,
		Security: "HTTPS and digest",
	}
	if d.Maker == "" {
		d.Maker = "unknown maker"
	}
	if d.Model == "" {
		d.Model = "unknown model"
	}
	if clear {
		d.Security = "digest over clear text"
		d.Weak = "Anybody in the network between can change orders and what the controller says: use https."
	}
	add := func(c sashlock.Capability, yes bool) {
		if yes {
			d.Capabilities = append(d.Capabilities, c)
		}
	}
	can := info.Can
	add(sashlock.CanRelease, can.Access)
	add(sashlock.CanUnlock, can.Unlock)
	add(sashlock.CanLock, can.Lock)
	add(sashlock.TellsLock, can.LockMonitor)
	add(sashlock.TellsJam, can.LockMonitor)
	add(sashlock.TellsPosition, can.DoorMonitor)
	add(sashlock.TellsTamper, can.Tamper)
	add(sashlock.SecureLink, !clear)
	return d
}

// boltOf returns what a bolt's monitor says, or "" for nothing known.
func boltOf(state string) sashlock.EventKind {
	switch state {
	case "Locked":
		return sashlock.LockLocked
	case "Unlocked":
		return sashlock.LockUnlocked
	case "Fault":
		return sashlock.LockWasJammed
	}
	return ""
}

// positionOf returns what a door's monitor says, or "" for nothing known.
func positionOf(state string) sashlock.EventKind {
	switch state {
	case "Open":
		return sashlock.OpeningOpened
	case "Closed":
		return sashlock.OpeningClosed
	}
	return ""
}

// moved tells of the bolt. A change is explained by the order that waits for
// it, or by a credential that was granted just before.
func (d *door) moved(kind sashlock.EventKind, r driver.Report, explain time.Duration) []news {
	if kind == "" || !d.info.Can.LockMonitor || kind == d.bolt && !r.State && !d.order.is(kind) {
		return nil
	}
	was := d.bolt
	if was != kind {
		d.changes++
	}
	d.bolt, r.Kind = kind, kind
	switch {
	case r.State:
	case d.order.is(kind):
		r.Method, r.Command, d.order = sashlock.ByRemote, d.order.command, nil
	case kind == sashlock.LockWasJammed && d.order != nil && time.Now().Before(d.order.until):
		r.Method, r.Command, d.order = sashlock.ByRemote, d.order.command, nil
	case kind == sashlock.LockUnlocked && was == sashlock.LockLocked && time.Since(d.granted) < explain:
		r.Method, d.granted = sashlock.ByUnknown, time.Time{} // card, PIN or finger: it does not say which
	}
	return []news{d.report(r)}
}

func (d *door) opened(kind sashlock.EventKind, r driver.Report) []news {
	if kind == "" || !d.info.Can.DoorMonitor || kind == d.position && !r.State {
		return nil
	}
	if d.position != kind {
		d.changes++
	}
	d.position, r.Kind = kind, kind
	return []news{d.report(r)}
}

func (d *door) cover(state string, r driver.Report) []news {
	switch {
	case !d.info.Can.Tamper:
		return nil
	case state == "TamperDetected" && (!d.tampered || r.State):
		d.changes++
		d.tampered, r.Kind = true, sashlock.DeviceTampered
	case state == "NotInTamper" && d.tampered:
		d.changes++
		d.tampered, r.Kind = false, sashlock.TamperCleared
	default:
		return nil
	}
	return []news{d.report(r)}
}

// stands tells how a door said that it stands when it was read. The event of a
// bolt that was found moved is awaited until a moment.
func (d *door) stands(s doorState, state bool, explain time.Duration, until time.Time) []news {
	r := driver.Report{State: state}
	told := d.moved(boltOf(s.Lock), r, explain)
	if len(told) > 0 && !state {
		d.echoes.Expect(d.bolt, until)
	}
	told = append(told, d.opened(positionOf(s.Door), r)...)
	return append(told, d.cover(s.Tamper, r)...)
}
