// SPDX-License-Identifier: Apache-2.0

package osdp

import (
	"context"
	_ "embed"
	"encoding/json"
	"fmt"
	"net"
	"path/filepath"
	"strconv"
	"time"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/driver"
	"github.com/sashlock/sashlock/internal/osdp"
)

//go:embed manifest.yaml
var manifest []byte

// Config is the configuration of one session: one bus.
type Config struct {
	// Port is the serial port: "/dev/ttyUSB0".
	Port string `json:"port,omitempty"`
	// Baud is its speed; 9600 if left out.
	Baud int `json:"baud,omitempty"`
	// TCP is the address of a serial server, host and port, instead.
	TCP string `json:"tcp,omitempty"`
	// KeyFolder is where the keys of the readers are kept, a file for each, that
	// nobody else may read.
	KeyFolder string `json:"key_folder,omitempty"`
	// PollMS is how often each reader is asked, in milliseconds; 50 if left out.
	PollMS int `json:"poll_ms,omitempty"`
	// Readers are the readers on the bus.
	Readers []Reader `json:"readers"`
}

// Reader is one reader on the bus.
type Reader struct {
	// Address is its address, 0 to 126.
	Address int `json:"address"`
	// Name is what people call it.
	Name string `json:"name,omitempty"`
	// Side is "out" for a reader inside, by which people leave; "in" if left out.
	Side sashlock.Side `json:"side,omitempty"`
	// Relay is the number of the output that releases the opening, from 0; left
	// out, the reader only reads.
	Relay *int `json:"relay,omitempty"`
	// Contact is the number of the input of the door contact, from 0.
	Contact *int `json:"contact,omitempty"`
	// ContactInverted says that the input is active while the opening is closed.
	ContactInverted bool `json:"contact_inverted,omitempty"`
	// Bolt is the number of the input that is active while the bolt is locked,
	// from 0. Left out, the relay's own state counts.
	Bolt *int `json:"bolt,omitempty"`
	// PINLength ends a PIN after so many digits; left out, the key # ends it.
	PINLength int `json:"pin_length,omitempty"`
	// Checksum is for readers that know no CRC.
	Checksum bool `json:"checksum,omitempty"`
	// ClearText lets a reader without a key speak without protection.
	ClearText bool `json:"clear_text,omitempty"`
	// InstallUntil lets a reader that is as it left the factory be given a key,
	// until this time and within ten minutes of the start: an instant like
	// 2026-11-22T14:30:00Z.
	InstallUntil string `json:"install_until,omitempty"`

	installUntil time.Time
}

const (
	maxInput  = 63
	minPIN    = 4
	maxPIN    = 12
	minPoll   = 10
	maxPoll   = 1000
	maxReader = 126
)

// Driver reaches readers over OSDP. Make one with [New].
type Driver struct{ pace pace }

// New returns the driver.
func New() *Driver { return &Driver{pace: usualPace()} }

// Name returns "osdp".
func (*Driver) Name() string { return "osdp" }

// Manifest returns what manifest.yaml says.
func (*Driver) Manifest() (driver.Manifest, error) { return driver.ReadManifest(manifest) }

// Check says what is wrong with a configuration.
func (*Driver) Check(config json.RawMessage) error {
	_, err := readConfig(config)
	return err
}

// Open starts a session, which implements [driver.Operator] and [driver.Reader]
// as well. What people present is handed on when the sink is a
// [driver.Presenter]; otherwise the readers refuse it.
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
		c.PollMS = 50
	}
	switch {
	case (c.Port == "") == (c.TCP == ""):
		return Config{}, driver.BadConfig("port", "give a serial port, or the address of a serial server under tcp: one of the two")
	case c.Baud < 1200 || c.Baud > 921600:
		return Config{}, driver.BadConfig("baud", "use the speed that the readers are set to: 9600, 19200, 38400, 57600, 115200 or 230400")
	case c.PollMS < minPoll || c.PollMS > maxPoll:
		return Config{}, driver.BadConfig("poll_ms", "use 10 to 1000")
	case len(c.Readers) == 0:
		return Config{}, driver.BadConfig("readers", "name the readers on the bus, each with its address")
	}
	if _, port, err := net.SplitHostPort(c.TCP); c.TCP != "" && (err != nil || port == "") {
		return Config{}, driver.BadConfig("tcp", `give host and port, like "192.168.1.50:4001"`)
	}
	return c, c.checkReaders()
}

func (c Config) checkReaders() error {
	seen, installing := map[int]bool{}, 0
	for i := range c.Readers {
		r := &c.Readers[i]
		bad := func(field, hint string) error {
			return driver.BadConfig(fmt.Sprintf("readers[%d].%s", i, field), hint)
		}
		if field, hint := r.wrong(); field != "" {
			return bad(field, hint)
		}
		if seen[r.Address] {
			return bad("address", "there is one already with this address: each needs its own")
		}
		seen[r.Address] = true
		if r.InstallUntil != "" {
			at, err := time.Parse(time.RFC3339, r.InstallUntil)
			if err != nil {
				return bad("install_until", "give an instant, like 2026-11-22T14:30:00Z")
			}
			if r.installUntil, installing = at, installing+1; installing > 1 {
				return bad("install_until", "give keys to one reader at a time, so that nobody else's is taken for it")
			}
		}
		if !r.ClearText && !filepath.IsAbs(c.KeyFolder) {
			return driver.BadConfig("key_folder", "say where the keys of the readers are kept, as a full path")
		}
	}
	return nil
}

// wrong names the first field of a reader that is not right.
func (r Reader) wrong() (field, hint string) {
	in := func(n *int) bool { return n == nil || *n >= 0 && *n <= maxInput }
	switch {
	case r.Address < 0 || r.Address > maxReader:
		return "address", "use 0 to 126"
	case r.Side != "" && r.Side != sashlock.Entering && r.Side != sashlock.Leaving:
		return "side", `use "in" or "out"`
	case !in(r.Relay):
		return "relay", "use the number of an output, from 0"
	case !in(r.Contact):
		return "contact", "use the number of an input, from 0"
	case !in(r.Bolt):
		return "bolt", "use the number of an input, from 0"
	case r.Bolt != nil && r.Relay == nil:
		return "bolt", "a bolt is told of by the reader that releases it: give its relay too"
	case r.PINLength != 0 && (r.PINLength < minPIN || r.PINLength > maxPIN):
		return "pin_length", "use 4 to 12, or leave it out: then # ends a PIN"
	case r.ClearText && r.InstallUntil != "":
		return "install_until", "a reader that is given a key does not speak in clear text: take clear_text away"
	}
	return "", ""
}

func (r Reader) wire() byte      { return byte(r.Address) }
func (r Reader) address() string { return strconv.Itoa(r.Address) }

func (r Reader) capabilities(secure bool) []sashlock.Capability {
	can := []sashlock.Capability{sashlock.TellsTamper}
	if r.Relay != nil {
		can = append(can, sashlock.CanRelease, sashlock.CanUnlock, sashlock.CanLock, sashlock.TellsLock)
	}
	if r.Contact != nil {
		can = append(can, sashlock.TellsPosition)
	}
	if secure {
		can = append(can, sashlock.SecureLink)
	}
	return can
}

// discovery is a reader as it describes itself.
func (r Reader) discovery(id osdp.Identity, link protection) driver.Discovery {
	d := driver.Discovery{
		Address: r.address(), Name: r.Name, Maker: "OSDP maker " + id.Maker(), Model: fmt.Sprintf("model %d, version %d", id.Model, id.Version),
		Firmware: id.Release(), Security: "none", Capabilities: r.capabilities(link == sealed),
	}
	if d.Name == "" {
		d.Name = "Reader " + r.address()
	}
	switch link {
	case sealed:
		d.Security = "OSDP secure channel (AES-128)"
	case inClear:
		d.Weak = "It speaks in clear text: whoever reaches its cable can copy cards, read PINs and open its relay."
	case refused:
		d.Weak = "It has no key of this store and is not listened to: give it one (see install_until in the guide of the driver)."
	}
	return d
}

// protection is how the link to a reader is protected.
type protection int

const (
	refused protection = iota // not as it has to be: the reader is not listened to
	inClear
	sealed
)

// pace is how long things are waited for, and how often tried.
type pace struct {
	dial       time.Duration // for a connection
	reply      time.Duration // for a reader's answer; the standard gives it 200 ms
	repeats    int           // how often an order without an answer is repeated
	busy       time.Duration // before an order is repeated that a reader was too busy for
	busyMost   int           // how often
	offline    time.Duration // without a word: the reader is offline
	retry      time.Duration // between attempts to reach a reader that is offline
	distrust   time.Duration // between attempts with a reader that is not as protected as it has to be
	look       time.Duration // between looks at inputs and outputs, should a change not have been told
	watch      time.Duration // the same while a relay is on or an order is to be confirmed
	fresh      time.Duration // what a reader kept longer than this is nobody's any more
	decide     time.Duration // for a decision: then nobody waits at the reader
	again      time.Duration // before the sink is told again what it did not take; doubles
	backoffMin time.Duration // before the second attempt to open the bus; doubles
	backoffMax time.Duration
	install    time.Duration // how long keys are given after a start
}

func usualPace() pace {
	return pace{
		dial: 10 * time.Second, reply: 200 * time.Millisecond, repeats: 2, busy: 50 * time.Millisecond, busyMost: 20,
		offline: 1500 * time.Millisecond, retry: time.Second, distrust: 5 * time.Second,
		look: 5 * time.Second, watch: 250 * time.Millisecond, fresh: 2 * time.Second, decide: 5 * time.Second,
		again: 100 * time.Millisecond, backoffMin: 500 * time.Millisecond, backoffMax: 15 * time.Second, install: 10 * time.Minute,
	}
}
