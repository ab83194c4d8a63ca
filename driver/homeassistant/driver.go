// SPDX-License-Identifier: Apache-2.0

package homeassistant

import (
	"context"
	"crypto/rand"
	_ "embed"
	"encoding/json"
	"errors"
	"strings"
	"time"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/driver"
	"github.com/sashlock/sashlock/internal/mqttlink"
)

//go:embed manifest.yaml
var manifest []byte

// Config is the configuration of one session: one broker, and what announces
// itself there.
type Config struct {
	// Broker is its address: "tcp://127.0.0.1:1883", or tls, ws or wss. In clear
	// text only on this machine.
	Broker string `json:"broker"`
	// Prefix is the topic below which devices announce themselves;
	// "homeassistant" if left out.
	Prefix string `json:"prefix,omitempty"`
	// User is the name to sign in with.
	User string `json:"user,omitempty"`
	// PasswordFile is a file that holds the password, and nothing else.
	PasswordFile string `json:"password_file,omitempty"`
	// PasswordEnv is the environment variable that holds it, instead.
	PasswordEnv string `json:"password_env,omitempty"`
	// CAFile holds the certificate of the broker's authority, in PEM, where the
	// system does not know it.
	CAFile string `json:"ca_file,omitempty"`
	// ClientID is the name under which the broker keeps what was not taken yet:
	// each store node needs its own. Left out, nothing outlives a session.
	ClientID string `json:"client_id,omitempty"`
	// ReadOnly makes that no order is ever published, whatever is announced.
	ReadOnly bool `json:"read_only,omitempty"`
}

// Driver reaches what announces itself for Home Assistant. Make one with [New].
type Driver struct{ pace pace }

// New returns the driver.
func New() *Driver { return &Driver{pace: usualPace()} }

// Name returns "homeassistant".
func (*Driver) Name() string { return "homeassistant" }

// Manifest returns what manifest.yaml says.
func (*Driver) Manifest() (driver.Manifest, error) { return driver.ReadManifest(manifest) }

// Check says what is wrong with a configuration.
func (*Driver) Check(config json.RawMessage) error {
	_, err := readConfig(config)
	return err
}

// Open starts a session, which implements [driver.Operator] as well. It is no
// [driver.Reader]: discovery knows no way to ask a device how it stands.
func (d *Driver) Open(_ context.Context, config json.RawMessage, sink driver.Sink) (driver.Session, error) {
	c, err := readConfig(config)
	if err != nil {
		return nil, err
	}
	return start(c, d.pace, dialBroker(c.link()), sink), nil
}

func readConfig(config json.RawMessage) (Config, error) {
	var c Config
	if err := driver.DecodeConfig(config, &c); err != nil {
		return Config{}, err
	}
	if c.Prefix == "" {
		c.Prefix = "homeassistant"
	}
	if c.ClientID == "" {
		c.ClientID = "sashlock-" + rand.Text()[:12]
	}
	if err := c.link().Check(); err != nil {
		var e *sashlock.Error
		if errors.As(err, &e) {
			return Config{}, driver.BadConfig(e.Subject, e.Hint)
		}
		return Config{}, err
	}
	if !isTopic(c.Prefix) || len(c.Prefix) > maxText || strings.HasPrefix(c.Prefix, "/") || strings.HasSuffix(c.Prefix, "/") {
		return Config{}, driver.BadConfig("prefix", `give the topic of the announcements, like "homeassistant", without wildcards`)
	}
	return c, nil
}

func (c Config) link() mqttlink.Config {
	return mqttlink.Config{
		Broker: c.Broker, User: c.User, PasswordFile: c.PasswordFile, PasswordEnv: c.PasswordEnv,
		CAFile: c.CAFile, ClientID: c.ClientID,
	}
}

// pace is how long things are waited for, and how often tried.
type pace struct {
	driver.Patience

	dial    time.Duration // for a connection
	broker  time.Duration // for what is asked of the broker
	gather  time.Duration // for more topics to subscribe to at once
	settle  time.Duration // for announcements, before messages of others are looked at
	quiet   time.Duration // for the first announcement
	taken   time.Duration // for an order to be confirmed at once
	confirm time.Duration // for the lock to confirm an order
	fade    time.Duration // between looks for what is over by itself
}

func usualPace() pace {
	return pace{
		dial: 10 * time.Second, broker: 10 * time.Second, gather: 10 * time.Millisecond, settle: 500 * time.Millisecond, quiet: 5 * time.Second, fade: time.Second,
		taken: 1500 * time.Millisecond, confirm: 12 * time.Second,
		Patience: driver.Patience{Min: 500 * time.Millisecond, Max: 30 * time.Second, Steady: time.Minute},
	}
}
