// SPDX-License-Identifier: Apache-2.0

package conformance

import (
	"fmt"
	"runtime/pprof"
	"slices"
	"time"

	"github.com/sashlock/sashlock"
)

// Check is one promise of the contract.
type Check struct{ check }

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
	case setClock:
		_, ok = w.(ClockSetter)
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
	setClock   = "put a device's clock wrong"

	refuseCodes = "make a lock refuse PINs"
)

// Checks lists all promises.
func Checks() []Check {
	var all []Check
	for _, c := range allChecks() {
		all = append(all, Check{c})
	}
	return all
}

// Name says what is promised, in a few words that follow "the driver".
func (c Check) Name() string { return c.name }

// Run holds a driver to the promise on a stage that was set up for it alone. It
// skips when the stage does not have what the check cannot do without.
func (c Check) Run(t T, s Suite, stage Stage) {
	t.Helper()
	b := &bench{T: t, h: s.complete(), stage: stage, rec: NewRecorder()}
	if why := b.lacks(c.need); why != "" {
		t.Skip(why)
	}
	t.Cleanup(b.noPINs)
	pprof.SetGoroutineLabels(pprof.WithLabels(t.Context(), pprof.Labels(labelKey, b.label())))
	defer pprof.SetGoroutineLabels(t.Context())
	c.run(b)
}

// complete fills in what was left out.
func (s Suite) complete() Suite {
	if s.Patience == 0 {
		s.Patience = 10 * time.Second
	}
	if s.Burst == 0 {
		s.Burst = 40
	}
	if s.ReleaseFor == 0 {
		s.ReleaseFor = time.Second
	}
	return s
}

func allChecks() []check {
	return slices.Concat(openingChecks(), lockChecks(), gateChecks(), codeChecks(), sensorChecks(), faultChecks())
}
