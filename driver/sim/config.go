// SPDX-License-Identifier: Apache-2.0

package sim

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/driver"
)

// Config is the configuration of one simulated store.
type Config struct {
	// Store names it. Sessions with the same configuration see the same
	// devices.
	Store string `json:"store"`
	// Seed decides every random choice: jitter and accidental faults.
	Seed uint64 `json:"seed"`
	// LatencyMS is how long a bolt takes to move, in milliseconds; 0 means 30.
	LatencyMS int `json:"latency_ms"`
	// JitterMS is how much shorter or longer it may take, in milliseconds.
	JitterMS int `json:"jitter_ms"`
	// Devices are the devices in the store.
	Devices []Device `json:"devices"`
}

// Device is one simulated device.
type Device struct {
	// Address is how orders and reports name it: 1 to 64 characters, unique.
	Address string `json:"address"`
	Name    string `json:"name"`
	// Model is shown as its model; empty means that of its kind.
	Model string `json:"model"`
	Kind  Kind   `json:"kind"`
	// LatencyMS replaces the store's for this device.
	LatencyMS int `json:"latency_ms"`
	// Battery is its level in percent; 0 means 100.
	Battery int `json:"battery"`
	// Codes are the PIN slots in use, for locks.
	Codes []Code `json:"codes"`
	// RelockMS is after how long a lock locks again that was opened by its
	// keypad, in milliseconds; 0 means 5000.
	RelockMS int `json:"relock_ms"`
	// Remembers says that it keeps up to 256 reports while it cannot be heard
	// and tells them afterwards, as locks do that work without a gateway.
	Remembers bool   `json:"remembers"`
	Faults    Faults `json:"faults"`
}

// Kind is what sort of device is simulated.
type Kind string

// The kinds of device.
const (
	Lock            Kind = "lock"
	Contact         Kind = "contact"
	LockWithContact Kind = "lock+contact"
	Motion          Kind = "motion"
)

// Code is a PIN slot in use. The PIN is never told to anybody.
type Code struct {
	Slot int    `json:"slot"`
	PIN  string `json:"pin"`

	off bool // it is kept and opens nothing
}

// Faults is what is wrong with a device from the start. The percentages are
// the share of its reports to which it happens by accident.
type Faults struct {
	Jam       bool `json:"jam"`
	Dead      bool `json:"dead"`
	Lose      int  `json:"lose_percent"`
	Duplicate int  `json:"duplicate_percent"`
	Late      int  `json:"late_percent"`
	Reorder   int  `json:"reorder_percent"`
	// ClockOffSeconds is how far its clock is ahead; negative: behind.
	ClockOffSeconds int `json:"clock_off_seconds"`
}

const (
	maxDevices     = 10_000
	maxMS          = 600_000
	defaultLatency = 30
	defaultRelock  = 5000
)

// readConfig reads and checks a configuration and fills in what is left out.
func readConfig(text json.RawMessage) (Config, error) {
	var c Config
	if err := driver.DecodeConfig(text, &c); err != nil {
		return Config{}, err
	}
	switch {
	case len(c.Devices) == 0:
		return Config{}, driver.BadConfig("devices", "list at least one device")
	case len(c.Devices) > maxDevices:
		return Config{}, driver.BadConfig("devices", "list at most 10,000 devices")
	case c.LatencyMS < 0 || c.LatencyMS > maxMS:
		return Config{}, driver.BadConfig("latency_ms", "give 0 to 600000 milliseconds")
	case c.JitterMS < 0 || c.JitterMS > maxMS:
		return Config{}, driver.BadConfig("jitter_ms", "give 0 to 600000 milliseconds")
	}
	if c.LatencyMS == 0 {
		c.LatencyMS = defaultLatency
	}
	seen := make(map[string]bool)
	for i := range c.Devices {
		d := &c.Devices[i]
		field, hint := d.wrong()
		if seen[d.Address] {
			field, hint = "address", "it is taken by another device"
		}
		if field != "" {
			return Config{}, driver.BadConfig(fmt.Sprintf("devices[%d].%s", i, field), hint)
		}
		seen[d.Address] = true
		d.complete(c)
	}
	return c, nil
}

// wrong names the first field of a device that is not right.
func (d Device) wrong() (field, hint string) {
	f := d.Faults
	switch {
	case d.Address == "" || len(d.Address) > 64:
		return "address", "give 1 to 64 characters"
	case d.Kind != Lock && d.Kind != Contact && d.Kind != LockWithContact && d.Kind != Motion:
		return "kind", "say lock, contact, lock+contact or motion"
	case d.LatencyMS < 0 || d.LatencyMS > maxMS:
		return "latency_ms", "give 0 to 600000 milliseconds"
	case d.RelockMS < 0 || d.RelockMS > maxMS:
		return "relock_ms", "give 0 to 600000 milliseconds"
	case d.Battery < 0 || d.Battery > 100:
		return "battery", "give 0 to 100 percent"
	case len(d.Codes) > 0 && !d.Kind.locks():
		return "codes", "only a lock has PIN slots"
	}
	for _, percent := range []int{f.Lose, f.Duplicate, f.Late, f.Reorder} {
		if percent < 0 || percent > 100 {
			return "faults", "give 0 to 100 percent"
		}
	}
	slots := make(map[int]bool)
	for i, c := range d.Codes {
		if c.Slot < 1 || slots[c.Slot] {
			return fmt.Sprintf("codes[%d].slot", i), "number the slots from 1, each once"
		}
		slots[c.Slot] = true
		if len(c.PIN) < 4 || len(c.PIN) > 10 || strings.Trim(c.PIN, "0123456789") != "" {
			return fmt.Sprintf("codes[%d].pin", i), "give 4 to 10 digits"
		}
	}
	return "", ""
}

// complete fills in what was left out.
func (d *Device) complete(c Config) {
	if d.LatencyMS == 0 {
		d.LatencyMS = c.LatencyMS
	}
	if d.Battery == 0 {
		d.Battery = 100
	}
	if d.RelockMS == 0 {
		d.RelockMS = defaultRelock
	}
	if d.Model == "" {
		d.Model = d.Kind.model()
	}
}

func (k Kind) locks() bool { return k == Lock || k == LockWithContact }

func (k Kind) tellsPosition() bool { return k == Contact || k == LockWithContact }

func (k Kind) model() string {
	switch k {
	case Lock:
		return "simulated lock"
	case LockWithContact:
		return "simulated lock with contact"
	case Contact:
		return "simulated contact"
	default:
		return "simulated motion sensor"
	}
}

func (k Kind) capabilities() []sashlock.Capability {
	var all []sashlock.Capability
	if k.locks() {
		all = append(all, sashlock.CanRelease, sashlock.CanUnlock, sashlock.CanLock,
			sashlock.TellsLock, sashlock.TellsJam, sashlock.TellsWho)
	}
	if k.tellsPosition() {
		all = append(all, sashlock.TellsPosition)
	}
	if k == Motion {
		all = append(all, sashlock.TellsPresence)
	}
	all = append(all, sashlock.TellsTamper, sashlock.TellsBattery)
	if k.locks() {
		all = append(all, sashlock.HasCodes, sashlock.Supervised)
	}
	return append(all, sashlock.SecureLink)
}

func milliseconds(n int) time.Duration { return time.Duration(n) * time.Millisecond }
