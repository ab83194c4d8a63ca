// SPDX-License-Identifier: Apache-2.0

package zigbee2mqtt

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

// maxSlot is the highest PIN slot that is listed.
const maxSlot = 250

// Config is the configuration of one session: one Zigbee2MQTT, which is one
// radio, at one broker.
type Config struct {
	// Broker is its address: "tcp://127.0.0.1:1883", or tls, ws or wss. In clear
	// text only on this machine.
	Broker string `json:"broker"`
	// Topic is the base topic of Zigbee2MQTT; "zigbee2mqtt" if left out.
	Topic string `json:"topic,omitempty"`
	// User is the name to sign in with.
	User string `json:"user,omitempty"`
	// PasswordFile is a file that holds the password, and nothing else.
	PasswordFile string `json:"password_file,omitempty"`
	// PasswordEnv is the environment variable that holds it, instead.
	PasswordEnv string `json:"password_env,omitempty"`
	// CAFile holds the certificate of the broker's authority, in PEM, where the
	// system does not know it.
	CAFile string `json:"ca_file,omitempty"`
	// ClientID is the name under which the broker keeps what was not taken
	// yet: each store node needs its own. Left out, nothing outlives a session.
	ClientID string `json:"client_id,omitempty"`
	// Slots is how many PIN slots of a lock are listed; 30 if left out.
	Slots int `json:"slots,omitempty"`
}

// Driver reaches the devices behind Zigbee2MQTT. Make one with [New].
type Driver struct{ pace pace }

// New returns the driver.
func New() *Driver { return &Driver{pace: usualPace()} }

// Name returns "zigbee2mqtt".
func (*Driver) Name() string { return "zigbee2mqtt" }

// Manifest returns what manifest.yaml says.
func (*Driver) Manifest() (driver.Manifest, error) { return driver.ReadManifest(manifest) }

// Check says what is wrong with a configuration.
func (*Driver) Check(config json.RawMessage) error {
	_, err := readConfig(config)
	return err
}

// Open starts a session, which implements [driver.Operator], [driver.Reader]
// and [driver.CodeLister] as well.
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
	if c.Topic == "" {
		c.Topic = "zigbee2mqtt"
	}
	if c.ClientID == "" {
		c.ClientID = "sashlock-" + rand.Text()[:12]
	}
	if c.Slots == 0 {
		c.Slots = 30
	}
	if err := c.link().Check(); err != nil {
		var e *sashlock.Error
		if errors.As(err, &e) {
			return Config{}, driver.BadConfig(e.Subject, e.Hint)
		}
		return Config{}, err
	}
	switch {
	case len(c.Topic) > maxText || strings.ContainsAny(c.Topic, "+#\x00") || strings.HasPrefix(c.Topic, "/") || strings.HasSuffix(c.Topic, "/") || strings.HasPrefix(c.Topic, "$"):
		return Config{}, driver.BadConfig("topic", `give the base topic of Zigbee2MQTT, like "zigbee2mqtt", without wildcards`)
	case c.Slots < 1 || c.Slots > maxSlot:
		return Config{}, driver.BadConfig("slots", "use 1 to 250")
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

	dial     time.Duration // for a connection
	broker   time.Duration // for what is asked of the broker
	bridge   time.Duration // for the first word of Zigbee2MQTT
	answer   time.Duration // for a device's answer nobody else set a time for
	taken    time.Duration // for an order to be refused
	settle   time.Duration // for an action to explain a bolt's change
	reread   time.Duration // from an order to the first question; doubles
	confirm  time.Duration // for the lock to confirm an order
	ask      time.Duration // between questions to locks that have not said how they stand
	callDead time.Duration // between questions to locks that do not answer
}

func usualPace() pace {
	return pace{
		dial: 10 * time.Second, broker: 10 * time.Second, bridge: 5 * time.Second, answer: 15 * time.Second,
		taken: 1500 * time.Millisecond, settle: 300 * time.Millisecond, reread: 700 * time.Millisecond,
		confirm: 12 * time.Second, ask: 3 * time.Second, callDead: 30 * time.Second,
		Patience: driver.Patience{Min: 500 * time.Millisecond, Max: 30 * time.Second, Steady: time.Minute},
	}
}
