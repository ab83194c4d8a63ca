// SPDX-License-Identifier: Apache-2.0

package modbus

import (
	"context"
	_ "embed"
	"encoding/json"
	"fmt"
	"net"
	"time"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/driver"
)

//go:embed manifest.yaml
var manifest []byte

// Config is the configuration of one session: one line.
type Config struct {
	// TCP is the address of a board or of a serial server that speaks Modbus
	// TCP, host and port.
	TCP string `json:"tcp,omitempty"`
	// Port is a serial port instead: "/dev/ttyUSB0".
	Port string `json:"port,omitempty"`
	// Baud is its speed; 9600 if left out.
	Baud int `json:"baud,omitempty"`
	// Parity is "none", "even" or "odd"; "none" if left out.
	Parity string `json:"parity,omitempty"`
	// PollMS is how often everything is looked at, in milliseconds; 200 if left
	// out.
	PollMS int `json:"poll_ms,omitempty"`
	// Openings are what the boards release and watch.
	Openings []Opening `json:"openings"`
}

// Opening is what of the boards belongs to one opening.
type Opening struct {
	// Address is the device's address: any short word, which must not change.
	Address string `json:"address"`
	// Name is what people call it.
	Name string `json:"name,omitempty"`
	// Unit is the number of the board, 1 to 247; 1 if left out.
	Unit int `json:"unit,omitempty"`
	// Relay is the coil that releases the opening.
	Relay *int `json:"relay,omitempty"`
	// Inverted says that the coil is on while the opening is locked, as with a
	// magnet that holds it shut.
	Inverted bool `json:"inverted,omitempty"`
	// Pulse is how the board switches the relay back by itself; left out, it does
	// not, and the opening is unlocked and locked by two orders.
	Pulse
	// Contact is the discrete input of the door contact.
	Contact *int `json:"contact,omitempty"`
	// ContactInverted says that the input is on while the opening is closed.
	ContactInverted bool `json:"contact_inverted,omitempty"`
	// Bolt is the discrete input that is on while the bolt is locked. Left out,
	// the relay's own state counts.
	Bolt *int `json:"bolt,omitempty"`
}

// Pulse is how a board switches a relay on for a time.
type Pulse struct {
	// Flash is added to the relay's number, for boards that take a time as the
	// value of a write to such a coil (512 for Waveshare's).
	Flash int `json:"pulse_flash,omitempty"`
	// Register is the holding register that takes a time, instead.
	Register int `json:"pulse_register,omitempty"`
	// UnitMS is what the time counts in, in milliseconds.
	UnitMS int `json:"pulse_unit_ms,omitempty"`
	// FixedMS is the time that the board is set to, for boards that switch every
	// relay back after it, instead.
	FixedMS int `json:"pulse_fixed_ms,omitempty"`
}

// Driver reaches boards over Modbus. Make one with [New].
type Driver struct{ pace pace }

// New returns the driver.
func New() *Driver { return &Driver{pace: usualPace()} }

// Name returns "modbus".
func (*Driver) Name() string { return "modbus" }

// Manifest returns what manifest.yaml says.
func (*Driver) Manifest() (driver.Manifest, error) { return driver.ReadManifest(manifest) }

// Check says what is wrong with a configuration.
func (*Driver) Check(config json.RawMessage) error {
	_, err := readConfig(config)
	return err
}

// Open starts a session, which implements [driver.Operator] and [driver.Reader]
// as well.
func (d *Driver) Open(_ context.Context, config json.RawMessage, sink driver.Sink) (driver.Session, error) {
	c, err := readConfig(config)
	if err != nil {
		return nil, err
	}
	return start(c, d.pace, sink), nil
}

func readConfig(config json.RawMessage) (Config, error) {
	var c Config
	if err := driver.DecodeConfig(config, &c); err != nil {
		return Config{}, err
	}
	if c.Baud == 0 {
		c.Baud = 9600
	}
	if c.PollMS == 0 {
		c.PollMS = 200
	}
	if c.Parity == "" {
		c.Parity = "none"
	}
	switch {
	case (c.Port == "") == (c.TCP == ""):
		return Config{}, driver.BadConfig("tcp", "give the address of a board, or a serial port under port: one of the two")
	case c.Baud < 1200 || c.Baud > 921600:
		return Config{}, driver.BadConfig("baud", "use the speed that the boards are set to")
	case c.Parity != "none" && c.Parity != "even" && c.Parity != "odd":
		return Config{}, driver.BadConfig("parity", "use none, even or odd")
	case c.PollMS < 10 || c.PollMS > 10_000:
		return Config{}, driver.BadConfig("poll_ms", "use 10 to 10000")
	case len(c.Openings) == 0:
		return Config{}, driver.BadConfig("openings", "say what of the boards belongs to which opening")
	}
	if _, port, err := net.SplitHostPort(c.TCP); c.TCP != "" && (err != nil || port == "") {
		return Config{}, driver.BadConfig("tcp", `give host and port, like "192.168.1.60:502"`)
	}
	return c, c.checkOpenings()
}

func (c Config) checkOpenings() error {
	seen := map[string]bool{}
	for i := range c.Openings {
		o := &c.Openings[i]
		if o.Unit == 0 {
			o.Unit = 1
		}
		field, hint := o.wrong()
		if field == "" && seen[o.Address] {
			field, hint = "address", "there is one already with this address: each needs its own"
		}
		if field != "" {
			return driver.BadConfig(fmt.Sprintf("openings[%d].%s", i, field), hint)
		}
		seen[o.Address] = true
	}
	return nil
}

// wrong names the first field of an opening that is not right.
func (o Opening) wrong() (field, hint string) {
	in := func(n *int) bool { return n == nil || *n >= 0 && *n <= 0xffff }
	switch {
	case !sashlock.ValidSlug(o.Address):
		return "address", "use 1 to 40 of a-z, 0-9 and the hyphen"
	case o.Unit < 1 || o.Unit > 247:
		return "unit", "use 1 to 247"
	case !in(o.Relay):
		return "relay", "use the number of a coil, from 0"
	case !in(o.Contact):
		return "contact", "use the number of a discrete input, from 0"
	case !in(o.Bolt):
		return "bolt", "use the number of a discrete input, from 0"
	case o.Relay == nil && o.Contact == nil:
		return "relay", "name a relay, a contact or both"
	case o.Relay == nil && (o.Bolt != nil || o.pulses()):
		return "relay", "a bolt and a pulse need a relay"
	case o.pulses():
		return o.Pulse.wrong(o)
	}
	return "", ""
}

// pulses reports whether the board switches the relay back by itself.
func (p Pulse) pulses() bool { return p != Pulse{} }

// wrong names what is not right about how a relay is switched back.
func (p Pulse) wrong(o Opening) (field, hint string) {
	ways := 0
	for _, n := range []int{p.Flash, p.Register, p.FixedMS} {
		if n != 0 {
			ways++
		}
	}
	switch {
	case ways != 1:
		return "pulse_flash", "say one of pulse_flash, pulse_register and pulse_fixed_ms"
	case p.Flash < 0 || p.Register < 0 || p.FixedMS < 0 || p.Register > 0xffff || p.Flash+*o.Relay > 0xffff:
		return "pulse_flash", "use numbers from 0 to 65535"
	case p.FixedMS == 0 && (p.UnitMS < 1 || p.UnitMS > 60_000):
		return "pulse_unit_ms", "say what the board's times count in, in milliseconds"
	case o.Inverted && p.FixedMS == 0:
		return "pulse_flash", "a relay that is on while locked cannot be switched on for a time to release"
	}
	return "", ""
}

func (o Opening) discovery() driver.Discovery {
	d := driver.Discovery{
		Address: o.Address, Name: o.Name, Maker: "Modbus", Model: "relay and contact", Security: "none",
		Weak: "Modbus has no protection: whoever reaches its line or its network can switch the relays.",
	}
	if d.Name == "" {
		d.Name = o.Address
	}
	if o.pulses() {
		d.Capabilities = append(d.Capabilities, sashlock.CanRelease)
	}
	if o.Relay != nil {
		d.Capabilities = append(d.Capabilities, sashlock.CanUnlock, sashlock.CanLock, sashlock.TellsLock)
	}
	if o.Contact != nil {
		d.Capabilities = append(d.Capabilities, sashlock.TellsPosition)
	}
	return d
}

// pace is how long things are waited for, and how often tried.
type pace struct {
	dial       time.Duration // for a connection
	answer     time.Duration // for a board's answer
	tries      int           // how often a question is asked
	watch      time.Duration // between looks while an order is to be confirmed
	retry      time.Duration // between looks at a board that does not answer
	again      time.Duration // before the sink is told again what it did not take; doubles
	backoffMin time.Duration // before the second attempt to open the line; doubles
	backoffMax time.Duration
}

func usualPace() pace {
	return pace{
		dial: 10 * time.Second, answer: 300 * time.Millisecond, tries: 3, watch: 50 * time.Millisecond, retry: 2 * time.Second,
		again: 100 * time.Millisecond, backoffMin: 500 * time.Millisecond, backoffMax: 15 * time.Second,
	}
}
