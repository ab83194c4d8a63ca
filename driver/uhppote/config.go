// SPDX-License-Identifier: Apache-2.0

package uhppote

import (
	"context"
	_ "embed"
	"encoding/json"
	"fmt"
	"net/netip"
	"reflect"
	"slices"
	"strconv"
	"time"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/driver"
)

//go:embed manifest.yaml
var manifest []byte

// Config is the configuration of one session: the controllers of one network.
type Config struct {
	// Controllers are those that are known by address.
	Controllers []Controller `json:"controllers,omitempty"`
	// Broadcast is where controllers are looked for: "192.168.1.255:60000". Left
	// out, only those named above are used.
	Broadcast string `json:"broadcast,omitempty"`
	// Listen is our address, as the controllers reach it, to which they are told
	// to send word of events at once: "192.168.1.10:60001". They have room for
	// one such address. Left out, they are asked once a second and theirs stays.
	Listen string `json:"listen,omitempty"`
	// Zone is the time zone in which their clocks are set: "Europe/Lisbon".
	Zone string `json:"zone"`
	// SetClock sets the clock of a controller that is off by more than ten
	// seconds.
	SetClock bool `json:"set_clock,omitempty"`
	// Cards is "wiegand26" or "wiegand34" to have the store node decide about
	// cards that a controller refuses; left out, the controllers decide alone.
	Cards string `json:"cards,omitempty"`
}

// Controller is one controller that is known by address.
type Controller struct {
	// Serial is the number on its label.
	Serial uint32 `json:"serial"`
	// Address is where it is: "192.168.1.100:60000".
	Address string `json:"address"`
	// Contacts are its doors that have a door contact: [1, 2].
	Contacts Doors `json:"contacts,omitempty"`

	at netip.AddrPort
}

// Driver reaches controllers. Make one with [New].
type Driver struct{ pace pace }

// New returns the driver.
func New() *Driver { return &Driver{pace: usualPace()} }

// Name returns "uhppote".
func (*Driver) Name() string { return "uhppote" }

// Manifest returns what manifest.yaml says.
func (*Driver) Manifest() (driver.Manifest, error) { return driver.ReadManifest(manifest) }

// Check says what is wrong with a configuration.
func (*Driver) Check(config json.RawMessage) error {
	_, err := readConfig(config)
	return err
}

// Open starts a session, which implements [driver.Operator], [driver.Reader] and
// [driver.CodeLister] as well.
func (d *Driver) Open(_ context.Context, config json.RawMessage, sink driver.Sink) (driver.Session, error) {
	c, err := readConfig(config)
	if err != nil {
		return nil, err
	}
	return start(c, d.pace, sink), nil
}

// settings are a configuration as it is worked with.
type settings struct {
	Config
	zone      *time.Location
	broadcast netip.AddrPort
	listen    netip.AddrPort
}

// Doors are doors of a controller by number, from 1. A form writes them as
// texts.
type Doors []int

// UnmarshalJSON reads numbers, written as such or as texts.
func (d *Doors) UnmarshalJSON(text []byte) error {
	var all []json.Number
	if err := json.Unmarshal(text, &all); err != nil {
		return &json.UnmarshalTypeError{Value: "value", Type: reflect.TypeFor[Doors](), Field: "contacts"}
	}
	for _, one := range all {
		n, err := strconv.Atoi(one.String())
		if err != nil {
			return &json.UnmarshalTypeError{Value: "number", Type: reflect.TypeFor[Doors](), Field: "contacts"}
		}
		*d = append(*d, n)
	}
	return nil
}

func readConfig(config json.RawMessage) (c settings, err error) {
	if err := driver.DecodeConfig(config, &c.Config); err != nil {
		return c, err
	}
	if c.zone, err = time.LoadLocation(c.Zone); err != nil || c.Zone == "" || c.Zone == "Local" {
		return c, driver.BadConfig("zone", `give the time zone of the controllers' clocks, like "Europe/Lisbon"`)
	}
	if len(c.Controllers) == 0 && c.Broadcast == "" {
		return c, driver.BadConfig("controllers", "name a controller, or give the address under which they are looked for as broadcast")
	}
	for _, part := range []struct {
		field, text string
		into        *netip.AddrPort
	}{{"broadcast", c.Broadcast, &c.broadcast}, {"listen", c.Listen, &c.listen}} {
		if part.text == "" {
			continue
		}
		if *part.into, err = netip.ParseAddrPort(part.text); err != nil || !part.into.Addr().Is4() || part.into.Port() == 0 {
			return c, driver.BadConfig(part.field, "give an IPv4 address and a port")
		}
	}
	if c.listen.IsValid() && c.listen.Addr().IsUnspecified() {
		return c, driver.BadConfig("listen", "give the address under which the controllers reach this machine")
	}
	if c.Cards != "" && c.Cards != "wiegand26" && c.Cards != "wiegand34" {
		return c, driver.BadConfig("cards", `use "wiegand26" or "wiegand34", or leave it out`)
	}
	return c, c.checkControllers()
}

func (c *settings) checkControllers() error {
	seen := map[uint32]bool{}
	for i := range c.Controllers {
		one := &c.Controllers[i]
		bad := func(field, hint string) error {
			return driver.BadConfig(fmt.Sprintf("controllers[%d].%s", i, field), hint)
		}
		if one.Serial == 0 || seen[one.Serial] {
			return bad("serial", "give the number on its label, each once")
		}
		seen[one.Serial] = true
		var err error
		if one.at, err = netip.ParseAddrPort(one.Address); err != nil || !one.at.Addr().Is4() || one.at.Port() == 0 {
			return bad("address", `give an IPv4 address and a port, like "192.168.1.100:60000"`)
		}
		for _, door := range one.Contacts {
			if door < 1 || door > doorsOf(one.Serial) {
				return bad("contacts", "name doors of this controller, from 1")
			}
		}
	}
	return nil
}

// doorsOf is how many doors a controller has: its number begins with it.
func doorsOf(serial uint32) int {
	switch strconv.FormatUint(uint64(serial), 10)[0] {
	case '1':
		return 1
	case '2':
		return 2
	}
	return 4
}

// address is a door's address.
func address(serial uint32, door int) string { return fmt.Sprintf("%d/%d", serial, door) }

// discovery is a door as its controller describes it.
func (c *controller) discovery(door int) driver.Discovery {
	d := driver.Discovery{
		Address: address(c.serial, door), Name: fmt.Sprintf("Door %d of %d", door, c.serial), Maker: "UHPPOTE",
		Model: fmt.Sprintf("UT0311-L0%d", doorsOf(c.serial)), Firmware: c.firmware, Security: "none",
		Weak: "Its protocol has no protection: whoever is in the network of the controllers can open the doors and read the cards.",
		Capabilities: []sashlock.Capability{
			sashlock.CanRelease, sashlock.CanUnlock, sashlock.CanLock, sashlock.TellsLock, sashlock.TellsWho, sashlock.HasCodes,
		},
	}
	if slices.Contains(c.contacts, door) {
		d.Capabilities = append(d.Capabilities, sashlock.TellsPosition)
	}
	return d
}

// pace is how long things are waited for, and how often tried.
type pace struct {
	answer     time.Duration // for a controller's answer
	tries      int           // how often a question is asked
	poll       time.Duration // between looks at a controller
	watch      time.Duration // the same while a door is unlocked or an order is to be confirmed
	retry      time.Duration // between attempts to reach a controller that is offline
	look       time.Duration // between calls for controllers
	fresh      time.Duration // a card that was presented longer ago is not decided about
	decide     time.Duration // for a decision
	again      time.Duration // before the sink is told again what it did not take; doubles
	clockOff   time.Duration // how far a clock may be off before it is set
	backoffMin time.Duration // before the second attempt to open the socket; doubles
	backoffMax time.Duration
}

func usualPace() pace {
	return pace{
		answer: 500 * time.Millisecond, tries: 3, poll: time.Second, watch: 150 * time.Millisecond, retry: 2 * time.Second,
		look: 30 * time.Second, fresh: 8 * time.Second, decide: 5 * time.Second, again: 100 * time.Millisecond,
		clockOff: 10 * time.Second, backoffMin: 500 * time.Millisecond, backoffMax: 15 * time.Second,
	}
}
