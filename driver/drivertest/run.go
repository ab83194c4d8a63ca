// SPDX-License-Identifier: Apache-2.0

package drivertest

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sashlock/sashlock"
)

// check is one promise of the contract.
type check struct {
	name string
	need need
	run  func(b *bench)
}

// need is what a check cannot do without.
type need struct {
	lock  []sashlock.Capability // of the lock under test
	world string                // a World interface, by what it does; see canDo
	stage string                // "contact", "motion" or "slot"
}

// Run checks the driver of a harness, one subtest for each promise, and logs a
// table of what was checked and what was skipped.
func Run(t *testing.T, h Harness) {
	t.Helper()
	if h.Patience == 0 {
		h.Patience = 10 * time.Second
	}
	if h.Burst == 0 {
		h.Burst = 40
	}
	if h.ReleaseFor == 0 {
		h.ReleaseFor = time.Second
	}
	var table []string
	for _, c := range allChecks() {
		outcome := "passed"
		t.Run(strings.ReplaceAll(c.name, " ", "_"), func(t *testing.T) {
			defer func() {
				switch {
				case t.Failed():
					outcome = "FAILED"
				case t.Skipped() && strings.HasPrefix(outcome, "passed"):
					outcome = "skipped"
				}
			}()
			b := &bench{T: t, h: h, stage: h.New(t), rec: NewRecorder()}
			if why := b.lacks(c.need); why != "" {
				outcome = "skipped: " + why
				t.Skip(why)
			}
			t.Cleanup(b.noPINs)
			c.run(b)
		})
		table = append(table, fmt.Sprintf("%-58s %s", c.name, outcome))
	}
	t.Logf("driver %s against the contract:\n%s", h.Driver.Name(), strings.Join(table, "\n"))
}

// lacks says what a need lacks, or "".
func (b *bench) lacks(n need) string {
	if n.world != "" && !canDo(b.stage.World, n.world) {
		return "this world cannot " + n.world
	}
	if n.stage == "contact" && b.stage.Contact == "" || n.stage == "motion" && b.stage.Motion == "" ||
		n.stage == "slot" && b.stage.Slot == 0 {
		return "this stage has no " + n.stage
	}
	for _, e := range b.stage.Expected {
		if e.Address != b.stage.Lock {
			continue
		}
		for _, c := range n.lock {
			if !(sashlock.Device{Capabilities: e.Capabilities}).Has(c) {
				return fmt.Sprintf("the lock does not have %q", c)
			}
		}
		return ""
	}
	return "no lock is expected"
}

// canDo reports whether a world implements the interface that does something.
func canDo(w World, what string) bool {
	var ok bool
	switch what {
	case byHand:
		_, ok = w.(HandOperator)
	case moveDoor:
		_, ok = w.(DoorMover)
	case jam:
		_, ok = w.(Jammer)
	case useKeypad:
		_, ok = w.(KeypadUser)
	case typeWrong:
		_, ok = w.(WrongCodeTyper)
	case cutGateway:
		_, ok = w.(GatewaySwitch)
	case setBattery:
		_, ok = w.(BatteryChanger)
	case tamper:
		_, ok = w.(Tamperer)
	case killDevice:
		_, ok = w.(DeviceSwitch)
	case pass:
		_, ok = w.(Passer)
	case refuseCodes:
		_, ok = w.(CodeRefuser)
	}
	return ok
}

// What a world can do, in the words of a skipped check.
const (
	byHand     = "operate a lock by hand"
	moveDoor   = "open and close a door"
	jam        = "jam a bolt"
	useKeypad  = "use a keypad"
	typeWrong  = "type a wrong PIN"
	cutGateway = "take the gateway away"
	setBattery = "set a battery's level"
	tamper     = "tamper with a device"
	killDevice = "make a device unreachable"
	pass       = "step in front of a sensor"

	refuseCodes = "make a lock refuse PINs"
)

func allChecks() []check {
	return slices.Concat(openingChecks(), lockChecks(), codeChecks(), sensorChecks(), faultChecks())
}
