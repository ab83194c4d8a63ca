// SPDX-License-Identifier: Apache-2.0

// Package drivertest is the suite that every driver passes.
//
// # What
//
// [Run] takes a [Harness] (a driver and a way to set up the devices it talks
// to) and checks everything the contract of package driver promises, one
// subtest for each promise. [Settings] holds its manifest to its configuration.
//
// # How it fits
//
// A driver's own tests say what bytes it reads and writes; this suite says that
// it behaves as every other driver does. The checks themselves are in package
// internal/conformance, with which "sashlock conformance" runs them outside of
// tests; here they become tests of Go.
//
// # Promises
//
// A check whose needs are not met is skipped with the reason, and a table at the
// end shows which were run.
package drivertest

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/sashlock/sashlock/driver"
	"github.com/sashlock/sashlock/internal/conformance"
)

// Harness is a driver under test.
type Harness struct {
	// Driver is the driver.
	Driver driver.Driver
	// New sets up the devices anew for one check: the lock locked, the opening
	// closed, everything reachable. What it starts it ends by t.Cleanup.
	New func(t *testing.T) Stage
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

// What a stage is made of, and what its world can do.
type (
	// BadConfig is a configuration that must be refused.
	BadConfig = conformance.BadConfig
	// Stage is what one check finds set up.
	Stage = conformance.Stage
	// Expected is a device that must be found.
	Expected = conformance.Expected
	// World does things to devices that people and accidents do.
	World = conformance.World
	// HandOperator turns a lock by hand from the inside.
	HandOperator = conformance.HandOperator
	// DoorMover opens and closes what a contact watches.
	DoorMover = conformance.DoorMover
	// Jammer blocks a bolt.
	Jammer = conformance.Jammer
	// KeypadUser types the right PIN of a slot.
	KeypadUser = conformance.KeypadUser
	// WrongCodeTyper types a PIN that is none.
	WrongCodeTyper = conformance.WrongCodeTyper
	// GatewaySwitch takes the gateway away and brings it back.
	GatewaySwitch = conformance.GatewaySwitch
	// BatteryChanger sets a battery's level in percent.
	BatteryChanger = conformance.BatteryChanger
	// Tamperer opens a device's cover, and closes it again.
	Tamperer = conformance.Tamperer
	// DeviceSwitch makes one device unreachable and reachable again.
	DeviceSwitch = conformance.DeviceSwitch
	// Passer steps in front of a motion sensor and away again.
	Passer = conformance.Passer
	// ClockSetter puts a device's clock wrong by so much; 0 puts it right.
	ClockSetter = conformance.ClockSetter
	// CodeRefuser makes a lock keep no new PIN, and keep them again.
	CodeRefuser = conformance.CodeRefuser
	// Recorder is a sink that keeps all it is told.
	Recorder = conformance.Recorder
	// Heard is one call of a sink.
	Heard = conformance.Heard
)

// ErrFull is what a [Recorder] answers after it was told to fail.
var ErrFull = conformance.ErrFull

// NewRecorder returns an empty recorder.
func NewRecorder() *Recorder { return conformance.NewRecorder() }

// Run checks the driver of a harness, one subtest for each promise, and logs a
// table of what was checked and what was skipped.
func Run(t *testing.T, h Harness) {
	t.Helper()
	suite := conformance.Suite{Driver: h.Driver, Bad: h.Bad, Patience: h.Patience, Burst: h.Burst, ReleaseFor: h.ReleaseFor}
	var table []string
	for _, c := range conformance.Checks() {
		outcome := "passed"
		t.Run(strings.ReplaceAll(c.Name(), " ", "_"), func(t *testing.T) {
			defer func() {
				switch {
				case t.Failed():
					outcome = "FAILED"
				case t.Skipped() && outcome == "passed":
					outcome = "skipped"
				}
			}()
			noted := &noting{T: t}
			defer func() {
				if noted.why != "" {
					outcome = "skipped: " + noted.why
				}
			}()
			c.Run(noted, suite, h.New(t))
		})
		table = append(table, fmt.Sprintf("%-58s %s", c.Name(), outcome))
	}
	t.Logf("driver %s against the contract:\n%s", h.Driver.Name(), strings.Join(table, "\n"))
}

// noting is a test that remembers why it was skipped.
type noting struct {
	*testing.T
	why string
}

// Skip notes why, and skips.
func (n *noting) Skip(args ...any) {
	n.Helper()
	n.why = fmt.Sprint(args...)
	n.T.Skip(args...)
}
