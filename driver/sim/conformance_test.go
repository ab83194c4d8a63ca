// SPDX-License-Identifier: Apache-2.0

package sim_test

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/sashlock/sashlock/driver"
	"github.com/sashlock/sashlock/driver/drivertest"
	"github.com/sashlock/sashlock/driver/sim"
)

const conformanceConfig = `{
	"store": "conformance", "seed": 7, "latency_ms": 3, "jitter_ms": 2,
	"devices": [
		{"address": "case-3", "name": "Watches", "kind": "lock+contact", "codes": [{"slot": 3, "pin": "83920174"}]},
		{"address": "hatch", "kind": "lock"},
		{"address": "back-door", "kind": "contact"},
		{"address": "aisle-2", "kind": "motion"}
	]}`

// world gives a simulated store the names the suite knows.
type world struct{ *sim.World }

func (w world) OpenDoor(address string) error  { return w.Open(address) }
func (w world) CloseDoor(address string) error { return w.Close(address) }
func (w world) Dead(address string) error      { return w.Kill(address) }
func (w world) Alive(address string) error     { return w.Revive(address) }
func (w world) KillGateway() error             { w.CutGateway(); return nil }
func (w world) RestartGateway() error          { w.MendGateway(); return nil }

// again is a driver whose stores can be replaced by new ones between checks.
type again struct{ *sim.Driver }

func TestConformance(t *testing.T) {
	simulated := &again{}
	fresh := func() *sim.World {
		simulated.Driver = sim.New(nil)
		w, err := simulated.World(json.RawMessage(conformanceConfig))
		if err != nil {
			t.Fatal(err)
		}
		return w
	}
	fresh()
	capabilities := expected(t, simulated)
	drivertest.Run(t, drivertest.Harness{
		Driver: simulated,
		New: func(*testing.T) drivertest.Stage {
			return drivertest.Stage{
				Config: json.RawMessage(conformanceConfig), World: world{fresh()},
				Expected: capabilities, Lock: "case-3", Contact: "back-door", Motion: "aisle-2",
				Slot: 3, PINs: []string{"83920174"},
			}
		},
		Bad:        badConfigs(),
		ReleaseFor: 20 * time.Millisecond,
	})
}

// expected reads from the manifest what each device of the store must be able
// to do.
func expected(t *testing.T, d driver.Described) []drivertest.Expected {
	t.Helper()
	m, err := d.Manifest()
	if err != nil {
		t.Fatal(err)
	}
	var all []drivertest.Expected
	for address, model := range map[string]string{
		"case-3": "simulated lock with contact", "hatch": "simulated lock",
		"back-door": "simulated contact", "aisle-2": "simulated motion sensor",
	} {
		for _, known := range m.Models {
			if known.Model == model {
				all = append(all, drivertest.Expected{Address: address, Capabilities: known.Capabilities})
			}
		}
	}
	if len(all) != 4 {
		t.Fatalf("the manifest knows %d of 4 models", len(all))
	}
	return all
}

func badConfigs() []drivertest.BadConfig {
	bad := func(name, field, config string) drivertest.BadConfig {
		return drivertest.BadConfig{Name: name, Field: field, Config: json.RawMessage(config)}
	}
	return []drivertest.BadConfig{
		bad("no devices", "devices", `{}`),
		bad("negative latency", "latency_ms", `{"latency_ms":-1,"devices":[{"address":"a","kind":"lock"}]}`),
		bad("endless jitter", "jitter_ms", `{"jitter_ms":600001,"devices":[{"address":"a","kind":"lock"}]}`),
		bad("no address", "devices[0].address", `{"devices":[{"kind":"lock"}]}`),
		bad("address twice", "devices[1].address", `{"devices":[{"address":"a","kind":"lock"},{"address":"a","kind":"lock"}]}`),
		bad("unknown kind", "devices[0].kind", `{"devices":[{"address":"a","kind":"window"}]}`),
		bad("battery too full", "devices[0].battery", `{"devices":[{"address":"a","kind":"lock","battery":101}]}`),
		bad("slow device", "devices[0].latency_ms", `{"devices":[{"address":"a","kind":"lock","latency_ms":-1}]}`),
		bad("late relock", "devices[0].relock_ms", `{"devices":[{"address":"a","kind":"lock","relock_ms":-1}]}`),
		bad("codes of a contact", "devices[0].codes", `{"devices":[{"address":"a","kind":"contact","codes":[{"slot":1,"pin":"1234"}]}]}`),
		bad("slot 0", "devices[0].codes[0].slot", `{"devices":[{"address":"a","kind":"lock","codes":[{"slot":0,"pin":"1234"}]}]}`),
		bad("slot twice", "devices[0].codes[1].slot", `{"devices":[{"address":"a","kind":"lock","codes":[{"slot":1,"pin":"1234"},{"slot":1,"pin":"1234"}]}]}`),
		bad("short PIN", "devices[0].codes[0].pin", `{"devices":[{"address":"a","kind":"lock","codes":[{"slot":1,"pin":"123"}]}]}`),
		bad("PIN with letters", "devices[0].codes[0].pin", `{"devices":[{"address":"a","kind":"lock","codes":[{"slot":1,"pin":"12a4"}]}]}`),
		bad("PIN as a number", "devices.codes.pin", `{"devices":[{"address":"a","kind":"lock","codes":[{"slot":1,"pin":83920174}]}]}`),
		bad("impossible fault", "devices[0].faults", `{"devices":[{"address":"a","kind":"lock","faults":{"lose_percent":101}}]}`),
		bad("unknown fault", "explode", `{"devices":[{"address":"a","kind":"lock","faults":{"explode":true}}]}`),
	}
}
