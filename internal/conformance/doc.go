// SPDX-License-Identifier: Apache-2.0

// Package conformance holds drivers to the contract of package driver.
//
// # What
//
// [Checks] are the promises, one by one: discovery, how things stand after
// opening and after a reconnect, orders and the device's own answer to them,
// commands that are late, copied or forged, jams, who and by which method,
// clocks that are wrong, slow and failing sinks, ends without leaks, bad
// configurations, and that no PIN is ever handed on. [Run] does them all and
// tells how each came out.
//
// # How it fits
//
// Package drivertest is the same as tests of Go, and what a driver's own tests
// use. This package knows nothing of package testing, so that the program can
// run the checks for people who have a lock in their hands.
//
// What has to be done to the physical world is asked of a [World], which
// implements as many of the small interfaces of this package as its devices,
// simulator or test bench allow. A check whose needs are not met is skipped
// with the reason.
//
// # Promises
//
// Nothing here waits for a fixed time: each expectation has a condition and a
// deadline. Whatever a driver may do in time, or in another order, is accepted.
package conformance

import (
	"context"
	"encoding/json"
	"time"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/driver"
)

// T is what a check says its outcome through. A *testing.T is one.
type T interface {
	Helper()
	Context() context.Context
	Cleanup(f func())
	Error(args ...any)
	Errorf(format string, args ...any)
	Fatal(args ...any)
	Fatalf(format string, args ...any)
	Skip(args ...any)
}

// Suite is a driver under test, and how patiently.
type Suite struct {
	// Driver is the driver.
	Driver driver.Driver
	// Bad are configurations that must be refused, beside those that are wrong
	// for every driver.
	Bad []BadConfig
	// Patience is the deadline of each expectation; 0 means 10 s.
	Patience time.Duration
	// Burst is how many reports are sent to a slow sink; 0 means 40.
	Burst int
	// ReleaseFor is how long a release lasts; 0 means one second.
	ReleaseFor time.Duration
}

// BadConfig is a configuration that must be refused.
type BadConfig struct {
	Name   string
	Config json.RawMessage
	Field  string // the subject the error must name
}

// Stage is what one check finds set up.
type Stage struct {
	// Config is the configuration to open the driver with.
	Config json.RawMessage
	// World does things to the devices.
	World World
	// Expected are devices that must be found, with at least the capabilities
	// given.
	Expected []Expected
	// Lock is the address of the lock that is operated. It is among Expected.
	Lock string
	// Contact is the address of a device that reports its position, Motion of
	// one that reports presence; empty: there is none.
	Contact, Motion string
	// Slot is a PIN slot of Lock that is in use, and the next one is free; 0:
	// there is none, and the first is free.
	Slot int
	// Free is a PIN slot of Lock that nobody uses and that may be written; 0: the
	// one after Slot; negative: there is none.
	Free int
	// PINs are all PINs that exist in this world, to look for where none may
	// be. Choose ones that stand for nothing else.
	PINs []string
}

// Expected is a device that must be found.
type Expected struct {
	Address      string
	Capabilities []sashlock.Capability
}

// World does things to devices that people and accidents do. It implements
// any of the interfaces below. A method returns when the thing is done, not
// when the driver has heard of it, and an error when it could not be done.
type World any

// HandOperator turns a lock by hand from the inside.
type HandOperator interface {
	OperateByHand(address string, verb sashlock.Verb) error
}

// DoorMover opens and closes what a contact watches.
type DoorMover interface {
	OpenDoor(address string) error
	CloseDoor(address string) error
}

// Jammer blocks a bolt.
type Jammer interface {
	Jam(address string) error
	Unjam(address string) error
}

// KeypadUser types the right PIN of a slot.
type KeypadUser interface {
	KeypadUnlock(address string, slot int) error
}

// WrongCodeTyper types a PIN that is none.
type WrongCodeTyper interface {
	WrongCode(address string) error
}

// GatewaySwitch takes the gateway away and brings it back.
type GatewaySwitch interface {
	KillGateway() error
	RestartGateway() error
}

// BatteryChanger sets a battery's level in percent.
type BatteryChanger interface {
	Battery(address string, percent int) error
}

// Tamperer opens a device's cover, and closes it again.
type Tamperer interface {
	Tamper(address string, on bool) error
}

// DeviceSwitch makes one device unreachable and reachable again.
type DeviceSwitch interface {
	Dead(address string) error
	Alive(address string) error
}

// Passer steps in front of a motion sensor and away again.
type Passer interface {
	PersonNear(address string) error
	PersonGone(address string) error
}

// ClockSetter puts a device's clock wrong by so much; 0 puts it right.
type ClockSetter interface {
	ClockOff(address string, by time.Duration) error
}
