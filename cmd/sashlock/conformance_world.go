// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/driver/example"
	"github.com/sashlock/sashlock/driver/example/box"
	"github.com/sashlock/sashlock/driver/sim"
	"github.com/sashlock/sashlock/internal/conformance"
)

// hands is a world in which a person at the terminal does what is asked.
type hands struct {
	in  *bufio.Reader
	say func(text string)
}

// ask has the person do something. The error says that they would not.
func (h hands) ask(what string) error {
	h.say(what + ", then press Enter; s to skip: ")
	line, err := h.in.ReadString('\n')
	switch answer := strings.ToLower(strings.TrimSpace(line)); {
	case err != nil && line == "":
		return fmt.Errorf("nobody answered: %w", conformance.ErrNotDone)
	case answer != "":
		return fmt.Errorf("skipped by hand: %w", conformance.ErrNotDone)
	}
	return nil
}

func (h hands) OperateByHand(address string, verb sashlock.Verb) error {
	if verb == sashlock.DoLock {
		return h.ask("Lock " + address + " by hand now")
	}
	return h.ask("Unlock " + address + " by hand now, from the inside")
}

func (h hands) OpenDoor(string) error  { return h.ask("Open the door now") }
func (h hands) CloseDoor(string) error { return h.ask("Close the door now") }

func (h hands) Jam(address string) error {
	return h.ask("Hold something against the bolt of " + address + " so that it cannot move")
}

func (h hands) Unjam(address string) error {
	return h.ask("Let the bolt of " + address + " go, and see that it is locked")
}

func (h hands) KeypadUnlock(_ string, slot int) error {
	return h.ask(fmt.Sprintf("Type the PIN of slot %d at the keypad", slot))
}

func (h hands) WrongCode(string) error { return h.ask("Type a wrong PIN at the keypad") }
func (h hands) KillGateway() error     { return h.ask("Switch the gateway off now") }
func (h hands) RestartGateway() error {
	return h.ask("Switch the gateway on again, and wait until it is up")
}

func (h hands) Tamper(address string, on bool) error {
	if on {
		return h.ask("Open the cover of " + address)
	}
	return h.ask("Shut the cover of " + address)
}

func (h hands) Dead(address string) error {
	return h.ask("Take the battery out of " + address + ", or switch it off, and wait until its gateway has noticed")
}
func (h hands) Alive(address string) error { return h.ask("Put the battery back into " + address) }

// simStore is a simulated store in which a driver finds something of everything.
const simStore = `{"store": "conformance", "seed": 7, "latency_ms": 3, "jitter_ms": 2, "devices": [
	{"address": "case-3", "name": "Watches", "kind": "lock+contact", "codes": [{"slot": 3, "pin": "83920174"}]},
	{"address": "back-door", "kind": "contact"}, {"address": "aisle-2", "kind": "motion"}]}`

// simWorld gives a simulated store the names that the checks know.
type simWorld struct{ *sim.World }

func (w simWorld) OpenDoor(address string) error  { return w.Open(address) }
func (w simWorld) CloseDoor(address string) error { return w.Close(address) }
func (w simWorld) Dead(address string) error      { return w.Kill(address) }
func (w simWorld) Alive(address string) error     { return w.Revive(address) }
func (w simWorld) KillGateway() error             { w.CutGateway(); return nil }
func (w simWorld) RestartGateway() error          { w.MendGateway(); return nil }

// anew is a driver whose stores are new for every check.
type anew struct{ *sim.Driver }

// simulatedTrial tries the simulator on a store of its own.
func simulatedTrial(patience time.Duration) *trial {
	d := &anew{sim.New(nil)}
	capabilities := func() (all []conformance.Expected) {
		for address, able := range map[string][]sashlock.Capability{
			"case-3":    {sashlock.CanRelease, sashlock.CanUnlock, sashlock.CanLock, sashlock.TellsLock, sashlock.TellsJam, sashlock.TellsWho, sashlock.TellsPosition, sashlock.TellsTamper, sashlock.TellsBattery, sashlock.HasCodes},
			"back-door": {sashlock.TellsPosition}, "aisle-2": {sashlock.TellsPresence},
		} {
			all = append(all, conformance.Expected{Address: address, Capabilities: able})
		}
		return all
	}
	return &trial{
		suite: conformance.Suite{Driver: d, Patience: patience, ReleaseFor: 20 * time.Millisecond},
		stage: func(t conformance.T) conformance.Stage {
			d.Driver = sim.New(nil)
			w, err := d.World(json.RawMessage(simStore))
			if err != nil {
				t.Fatal(err)
			}
			return conformance.Stage{
				Config: json.RawMessage(simStore), World: simWorld{w}, Expected: capabilities(),
				Lock: "case-3", Contact: "back-door", Motion: "aisle-2", Slot: 3, PINs: []string{"83920174"},
			}
		},
	}
}

// exampleTrial tries the driver of the tutorial on its made-up box.
func exampleTrial(patience time.Duration) *trial {
	able := []sashlock.Capability{sashlock.CanUnlock, sashlock.CanLock, sashlock.TellsLock, sashlock.TellsJam, sashlock.TellsWho}
	return &trial{
		suite: conformance.Suite{Driver: example.New(), Patience: patience},
		stage: func(t conformance.T) conformance.Stage {
			there, err := box.New("1", "2")
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = there.KillGateway() })
			config, err := json.Marshal(example.Config{Box: there.Address()})
			if err != nil {
				t.Fatal(err)
			}
			return conformance.Stage{Config: config, World: there, Lock: "1", Expected: []conformance.Expected{{Address: "1", Capabilities: able}, {Address: "2", Capabilities: able}}}
		},
	}
}
