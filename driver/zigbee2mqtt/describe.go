// SPDX-License-Identifier: Apache-2.0

package zigbee2mqtt

import (
	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/driver"
)

// parts says under which properties a device's payload holds what is of use;
// an empty one it does not have.
type parts struct {
	lock      bool // there is a lock to give orders to
	state     string
	lockState string
	contact   string
	presence  string
	tamper    string
	battery   string
	action    string
	source    string
	user      string
	relock    string
	codes     bool
}

// partsOf finds them. Where a device has the same thing at several endpoints
// the first is used: an opening has one bolt.
func partsOf(list []feature) parts {
	var p parts
	first := func(into *string, f feature) {
		if *into == "" {
			*into = f.Property
		}
	}
	for _, f := range list {
		switch {
		case f.Lock && f.Name == "state":
			p.lock = true
			first(&p.state, f)
		case f.Lock && f.Name == "lock_state":
			first(&p.lockState, f)
		case f.Name == "pin_code":
			p.codes = true
		case f.Name == "contact":
			first(&p.contact, f)
		case f.Name == "occupancy", f.Name == "presence":
			first(&p.presence, f)
		case f.Name == "tamper":
			first(&p.tamper, f)
		case f.Name == "battery":
			first(&p.battery, f)
		case f.Name == "action":
			first(&p.action, f)
		case f.Name == "action_source_name":
			first(&p.source, f)
		case f.Name == "action_user":
			first(&p.user, f)
		case f.Name == "auto_relock_time":
			first(&p.relock, f)
		}
	}
	return p
}

// ofUse reports whether such a device is told of at all.
func (p parts) ofUse() bool { return p.lock || p.contact != "" || p.presence != "" }

// clearText is why a link is weak whose broker is reached without TLS.
const clearText = "The way to the broker is clear text: whoever is in that network can read it, and open this lock; use tls."

// discover describes a device. relocks is whether its lock is known to lock
// again by itself.
func discover(e deviceEntry, p parts, relocks, clear bool) driver.Discovery {
	d := driver.Discovery{
		Address: e.Address, Maker: e.Maker, Model: e.Model, Firmware: e.Firmware,
		Security: "Zigbee network key", Asleep: e.Battery && !p.lock,
	}
	if e.Name != e.Address { // it is called so until somebody gives it a name
		d.Name = e.Name
	}
	if clear {
		d.Security, d.Weak = "none to the broker, Zigbee network key behind it", clearText
	}
	add := func(c sashlock.Capability, yes bool) {
		if yes {
			d.Capabilities = append(d.Capabilities, c)
		}
	}
	add(sashlock.CanRelease, p.lock && relocks)
	add(sashlock.CanUnlock, p.lock)
	add(sashlock.CanLock, p.lock)
	add(sashlock.TellsLock, p.lockState != "")
	add(sashlock.TellsJam, p.lockState != "")
	add(sashlock.TellsPosition, p.contact != "")
	add(sashlock.TellsWho, p.lock && p.action != "" && p.source != "")
	add(sashlock.TellsTamper, p.tamper != "")
	add(sashlock.TellsPresence, p.presence != "")
	add(sashlock.TellsBattery, p.battery != "")
	add(sashlock.HasCodes, p.lock && p.codes)
	add(sashlock.SecureLink, !clear)
	return d
}

// operation is what an action says.
type operation struct {
	kind   sashlock.EventKind
	method sashlock.Method
}

// operationOf returns what the words of an operation event mean, as Zigbee2MQTT
// spells those of the Door Lock cluster (ZCL, 7.3.2.17.5); ok is false for
// anything else.
func operationOf(action, source string) (operation, bool) {
	by := sashlock.ByUnknown
	switch source {
	case "keypad":
		by = sashlock.ByKeypad
	case "rf":
		by = sashlock.ByRemote
	case "manual":
		by = sashlock.ByHand
	case "rfid":
		by = sashlock.ByCard
	}
	switch action {
	case "lock", "one_touch_lock":
		return operation{sashlock.LockLocked, by}, true
	case "unlock":
		return operation{sashlock.LockUnlocked, by}, true
	case "key_lock":
		return operation{sashlock.LockLocked, sashlock.ByKey}, true
	case "key_unlock":
		return operation{sashlock.LockUnlocked, sashlock.ByKey}, true
	case "auto_lock", "schedule_lock":
		return operation{sashlock.LockLocked, sashlock.BySelf}, true
	case "schedule_unlock":
		return operation{sashlock.LockUnlocked, sashlock.BySelf}, true
	case "manual_lock":
		return operation{sashlock.LockLocked, sashlock.ByHand}, true
	case "manual_unlock":
		return operation{sashlock.LockUnlocked, sashlock.ByHand}, true
	case "lock_failure_invalid_pin_or_id", "lock_failure_invalid_schedule",
		"unlock_failure_invalid_pin_or_id", "unlock_failure_invalid_schedule":
		return operation{sashlock.CodeRefused, by}, true
	}
	return operation{}, false
}

// kindOf returns what a lock_state means, "" for nothing known.
func kindOf(lockState string) sashlock.EventKind {
	switch lockState {
	case "locked":
		return sashlock.LockLocked
	case "unlocked":
		return sashlock.LockUnlocked
	case "not_fully_locked":
		return sashlock.LockHalfway
	}
	return ""
}
