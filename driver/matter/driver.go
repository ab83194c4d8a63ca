// SPDX-License-Identifier: Apache-2.0

package matter

import (
	"context"
	_ "embed"
	"encoding/json"
	"net"
	"net/url"
	"time"

	"github.com/sashlock/sashlock/driver"
)

//go:embed manifest.yaml
var manifest []byte

// Config is the configuration of one session: one Matter server, which is one
// fabric.
type Config struct {
	// URL is the server's address: "ws://127.0.0.1:5580/ws", or wss for TLS. The
	// server asks for no password, so let it listen on this machine only, or
	// put a proxy with TLS in front of it.
	URL string `json:"url"`
}

// Driver reaches the locks of a Matter fabric. Make one with [New].
type Driver struct {
	pace pace
	tap  func(direction byte, line []byte)
}

// New returns the driver.
func New() *Driver { return &Driver{pace: usualPace()} }

// Name returns "matter".
func (*Driver) Name() string { return "matter" }

// Manifest returns what manifest.yaml says.
func (*Driver) Manifest() (driver.Manifest, error) { return driver.ReadManifest(manifest) }

// Check says what is wrong with a configuration.
func (*Driver) Check(config json.RawMessage) error {
	_, err := readConfig(config)
	return err
}

// Open starts a session, which implements [driver.Operator], [driver.Reader],
// [driver.CodeLister] and [driver.CodeWriter] as well.
func (d *Driver) Open(_ context.Context, config json.RawMessage, sink driver.Sink) (driver.Session, error) {
	u, err := readConfig(config)
	if err != nil {
		return nil, err
	}
	return start(u, d.pace, d.tap, sink), nil
}

func readConfig(config json.RawMessage) (*url.URL, error) {
	var c Config
	if err := driver.DecodeConfig(config, &c); err != nil {
		return nil, err
	}
	u, err := url.Parse(c.URL)
	switch {
	case c.URL == "":
		return nil, driver.BadConfig("url", `give the address of the Matter server, like "ws://127.0.0.1:5580/ws"`)
	case err != nil || u.Hostname() == "" || u.Scheme != "ws" && u.Scheme != "wss":
		return nil, driver.BadConfig("url", `write the address like "ws://127.0.0.1:5580/ws"`)
	case u.User != nil || u.RawQuery != "" || u.Fragment != "":
		return nil, driver.BadConfig("url", "leave out user, password and anything after ? or #: the server knows nothing of them")
	}
	if u.Path == "" {
		u.Path = "/ws"
	}
	return u, nil
}

// exposed reports whether anybody in the network can listen to the server and
// speak in our name.
func exposed(u *url.URL) bool {
	if u.Scheme == "wss" || u.Hostname() == "localhost" {
		return false
	}
	address := net.ParseIP(u.Hostname())
	return address == nil || !address.IsLoopback()
}

// pace is how long things are waited for, and how often tried.
type pace struct {
	driver.Patience

	dial       time.Duration // for a connection and the greeting
	state      time.Duration // for the state of the fabric
	answer     time.Duration // for a device's answer nobody else set a time for
	probe      time.Duration // for a lock's sign of life before an order
	pingEvery  time.Duration // between signs of life of the server
	ping       time.Duration // for one
	callSilent time.Duration // between attempts to reach devices that did not answer
	settle     time.Duration // for an event to explain a bolt's new state
	settleJam  time.Duration // for a bolt that is half way to arrive
	reread     time.Duration // from an order to the first reading; doubles
	confirm    time.Duration // for the lock to confirm an order
}

func usualPace() pace {
	return pace{
		dial: 10 * time.Second, state: 30 * time.Second, answer: 15 * time.Second, probe: 3 * time.Second,
		pingEvery: 15 * time.Second, ping: 10 * time.Second, callSilent: 30 * time.Second,
		settle: 300 * time.Millisecond, settleJam: 2 * time.Second, reread: 500 * time.Millisecond, confirm: 12 * time.Second,
		Patience: driver.Patience{Min: 500 * time.Millisecond, Max: 30 * time.Second, Steady: time.Minute},
	}
}
