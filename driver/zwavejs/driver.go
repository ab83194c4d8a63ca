// SPDX-License-Identifier: Apache-2.0

package zwavejs

import (
	"context"
	_ "embed"
	"encoding/json"
	"net/url"
	"time"

	"github.com/sashlock/sashlock/driver"
)

//go:embed manifest.yaml
var manifest []byte

// Config is the configuration of one session: one Z-Wave JS server, which is
// one radio.
type Config struct {
	// URL is the server's address: "ws://127.0.0.1:3000", or wss for TLS. The
	// server asks for no password, so let it listen on this machine only, or
	// put a proxy with TLS in front of it.
	URL string `json:"url"`
}

// Driver reaches the locks behind a Z-Wave JS server. Make one with [New].
type Driver struct {
	pace pace
	tap  func(direction byte, line []byte)
}

// New returns the driver.
func New() *Driver { return &Driver{pace: usualPace()} }

// Name returns "zwavejs".
func (*Driver) Name() string { return "zwavejs" }

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
	c, err := readConfig(config)
	if err != nil {
		return nil, err
	}
	return start(c.URL, d.pace, d.tap, sink), nil
}

func readConfig(config json.RawMessage) (Config, error) {
	var c Config
	if err := driver.DecodeConfig(config, &c); err != nil {
		return Config{}, err
	}
	u, err := url.Parse(c.URL)
	switch {
	case c.URL == "":
		return Config{}, driver.BadConfig("url", `give the address of the Z-Wave JS server, like "ws://127.0.0.1:3000"`)
	case err != nil || u.Hostname() == "" || u.Scheme != "ws" && u.Scheme != "wss":
		return Config{}, driver.BadConfig("url", `write the address like "ws://127.0.0.1:3000"`)
	case u.User != nil || u.RawQuery != "" || u.Fragment != "":
		return Config{}, driver.BadConfig("url", "leave out user, password and anything after ? or #: the server knows nothing of them")
	}
	return c, nil
}

// pace is how long things are waited for, and how often tried.
type pace struct {
	driver.Patience

	dial      time.Duration // for a connection and the greeting
	state     time.Duration // for the state of the network
	answer    time.Duration // for a device's answer nobody else set a time for
	pingEvery time.Duration // between signs of life of the server
	ping      time.Duration // for one
	pingDead  time.Duration // between attempts to reach devices that are offline
	settle    time.Duration // for a notification to explain a change of mode
	reread    time.Duration // from an order to the first reading; doubles
	confirm   time.Duration // for the lock to confirm an order
}

func usualPace() pace {
	return pace{
		dial: 10 * time.Second, state: 30 * time.Second, answer: 15 * time.Second,
		pingEvery: 15 * time.Second, ping: 10 * time.Second, pingDead: time.Minute,
		settle: 300 * time.Millisecond, reread: 500 * time.Millisecond, confirm: 12 * time.Second,
		Patience: driver.Patience{Min: 500 * time.Millisecond, Max: 30 * time.Second, Steady: time.Minute},
	}
}
