// SPDX-License-Identifier: Apache-2.0

package announce

import (
	"errors"
	"strings"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/internal/mqttlink"
)

// Config says where the openings are shown.
type Config struct {
	// Broker is its address: "tcp://127.0.0.1:1883", or tls, ws or wss.
	Broker string `yaml:"broker"`
	// Prefix is the topic of the announcements; "homeassistant" when not given.
	Prefix string `yaml:"prefix,omitempty"`
	// Topic is the topic below which the openings are; "sashlock" when not
	// given. Each store at a broker needs its own.
	Topic string `yaml:"topic,omitempty"`
	// User is the name to sign in with.
	User string `yaml:"user,omitempty"`
	// PasswordFile is a file that holds the password, and nothing else.
	PasswordFile string `yaml:"password_file,omitempty"`
	// PasswordEnv is the environment variable that holds it, instead.
	PasswordEnv string `yaml:"password_env,omitempty"`
	// CAFile holds the certificate of the broker's authority, in PEM, where the
	// system does not know it.
	CAFile string `yaml:"ca_file,omitempty"`
}

// whole returns the configuration with what counts when it is not given.
func (c Config) whole() Config {
	if c.Prefix == "" {
		c.Prefix = "homeassistant"
	}
	if c.Topic == "" {
		c.Topic = "sashlock"
	}
	return c
}

// Check says what is wrong: the setting and a hint, both empty when nothing is.
// A way that anybody may listen on is refused: that an opening stands unlocked
// is nobody else's business.
func (c Config) Check() (field, hint string) {
	c = c.whole()
	var e *sashlock.Error
	if err := c.link().Check(); errors.As(err, &e) {
		return e.Subject, e.Hint
	}
	if c.link().ClearText() {
		return "broker", "use tls or wss: in clear text everybody in the network could read which opening is unlocked"
	}
	for field, topic := range map[string]string{"prefix": c.Prefix, "topic": c.Topic} {
		if len(topic) > 100 || strings.ContainsAny(topic, "+#\x00 ") || strings.HasPrefix(topic, "/") || strings.HasSuffix(topic, "/") || strings.HasPrefix(topic, "$") {
			return field, "write a topic like \"sashlock/store-1\", without wildcards and spaces"
		}
	}
	return "", ""
}

// link is the client that publishes. Its name follows from the topic, so that
// two that would write over each other cannot be connected at once.
func (c Config) link() mqttlink.Config {
	name := strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '-' || r == '_' {
			return r
		}
		return '-'
	}, "announce-"+c.Topic)
	return mqttlink.Config{
		Broker: c.Broker, User: c.User, PasswordFile: c.PasswordFile, PasswordEnv: c.PasswordEnv, CAFile: c.CAFile,
		ClientID: name[:min(len(name), 64)],
	}
}
