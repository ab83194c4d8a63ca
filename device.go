// SPDX-License-Identifier: Apache-2.0

package sashlock

import (
	"cmp"
	"strings"
	"time"
)

// Capability is one thing a device was seen to be able to do. The set is read
// and tested when the device is adopted and stored with it.
type Capability string

// The capabilities.
const (
	CanRelease    Capability = "release"     // unlock for a while and lock again by itself
	CanUnlock     Capability = "unlock"      // unlock until told otherwise
	CanLock       Capability = "lock"        // lock
	TellsLock     Capability = "lock_state"  // reports locked and unlocked
	TellsJam      Capability = "jam"         // reports a bolt that did not move
	TellsPosition Capability = "position"    // reports open and closed
	TellsWho      Capability = "who"         // reports by which method and user slot it was operated
	TellsTamper   Capability = "tamper"      // reports an opened cover
	TellsPresence Capability = "presence"    // reports somebody near
	TellsBattery  Capability = "battery"     // reports its battery level
	HasCodes      Capability = "codes"       // holds PIN codes in numbered slots
	Supervised    Capability = "supervised"  // confirms commands end to end
	SecureLink    Capability = "secure_link" // its link is encrypted and authenticated
)

// Device is one thing with an address: a lock, contact, motion sensor or
// gateway, reached through a driver.
type Device struct {
	ID           DeviceID
	Driver       string // name of the driver's folder: "zwavejs"
	Gateway      string // which configured instance of the driver: "radio-1"
	Address      string // the driver's own address for it: "2"
	Name         string
	Maker        string
	Model        string
	Firmware     string
	Security     string // how the link is protected, in the ecosystem's words: "S2 access control"
	Weak         string // why the link is weak, in a sentence; empty: it is not
	Capabilities []Capability
	Opening      OpeningID // empty: found but not adopted
	Rev          int64
}

// Called is what people call the device: its name, or else its make and model,
// or else where it is.
func (d Device) Called() string {
	return cmp.Or(d.Name, strings.TrimSpace(d.Maker+" "+d.Model), d.Gateway+"/"+d.Address)
}

// Has reports whether the device has a capability.
func (d Device) Has(c Capability) bool {
	for _, have := range d.Capabilities {
		if have == c {
			return true
		}
	}
	return false
}

// DeviceState is what a device last said about itself.
type DeviceState struct {
	Device  DeviceID  `json:"device"`
	Online  bool      `json:"online"`
	Battery int       `json:"battery"` // percent; -1: never said
	Heard   time.Time `json:"heard,omitzero"`
}

// Report is one message from an adopted device, decoded by its driver and
// placed at an opening.
type Report struct {
	Device  DeviceID
	Opening OpeningID
	Kind    EventKind // what it says happened or is so
	Boot    uint64    // the device's restart counter; 0: it has none
	Number  uint64    // the device's own running number within Boot, from 1; 0: it has none
	At      time.Time // when the device says it happened; zero: it has no clock
	Method  Method    // how a lock was operated, if it says so
	Slot    int       // user slot of a code or fingerprint, from 1; 0: none
	Level   int       // battery percent for battery reports
	State   bool      // a statement of how things are, not of a change: repeats are not news
	Command CommandID // the command it answers, where the device or its driver can tell
	Reason  Reason    // why, for reports on commands that came to nothing
}

// Method is how a lock was operated.
type Method string

// The methods; the empty string means the device did not say.
const (
	ByKeypad  Method = "keypad"
	ByCard    Method = "card"
	ByFinger  Method = "finger"
	ByHand    Method = "manual"
	ByRemote  Method = "remote"
	BySelf    Method = "auto"
	ByKey     Method = "key"
	ByUnknown Method = "unknown"
)
