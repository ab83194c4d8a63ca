// SPDX-License-Identifier: Apache-2.0

package partner

import (
	"context"
	_ "embed"
	"encoding/json"
	"errors"
	"net"
	"net/url"
	"os"
	"regexp"
	"strings"
	"time"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/driver"
)

//go:embed manifest.yaml
var manifest []byte

// Config is the configuration of one session: one adapter.
type Config struct {
	// URL is where the adapter is: "https://locks.example.com/sashlock". In clear
	// text only on this machine.
	URL string `json:"url"`
	// KeyFile is a file that holds the key the adapter knows us by, and nothing
	// else. It is read for each call.
	KeyFile string `json:"key_file,omitempty"`
	// KeyEnv is the environment variable that holds it, instead.
	KeyEnv string `json:"key_env,omitempty"`
}

// Driver reaches locks through partners' adapters. Make one with [New].
type Driver struct{ pace pace }

// New returns the driver.
func New() *Driver { return &Driver{pace: usualPace()} }

// Name returns "partner".
func (*Driver) Name() string { return "partner" }

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
	return start(c, d.pace, sink), nil
}

// pace is how long things are waited for, and how often tried.
type pace struct {
	driver.Patience

	call    time.Duration // for an answer
	slots   time.Duration // for an answer about PIN slots, for which the lock has to be asked
	poll    time.Duration // how long the adapter may keep a question for events
	reread  time.Duration // from an order to the first reading; doubles
	confirm time.Duration // for the lock to confirm an order that has no end of its own
}

func usualPace() pace {
	return pace{
		call: 10 * time.Second, slots: 30 * time.Second, poll: 25 * time.Second, reread: time.Second, confirm: 9 * time.Second,
		Patience: driver.Patience{Min: time.Second, Max: time.Minute, Steady: time.Minute},
	}
}

var envName = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)

func readConfig(config json.RawMessage) (Config, error) {
	var c Config
	if err := driver.DecodeConfig(config, &c); err != nil {
		return Config{}, err
	}
	u, err := url.Parse(c.URL)
	switch {
	case c.URL == "":
		return c, driver.BadConfig("url", `give the address of the adapter, like "https://locks.example.com"`)
	case err != nil || u.Hostname() == "" || u.Scheme != "https" && u.Scheme != "http":
		return c, driver.BadConfig("url", `write the address like "https://locks.example.com"`)
	case u.User != nil || u.RawQuery != "" || u.Fragment != "":
		return c, driver.BadConfig("url", "leave out user, password and anything after ? or #")
	case u.Scheme == "http" && !isLoopback(u.Hostname()):
		return c, driver.BadConfig("url", "use https: in clear text everybody on the way could read the key")
	case c.KeyFile == "" && c.KeyEnv == "":
		return c, driver.BadConfig("key_file", "name the file that holds the key")
	case c.KeyFile != "" && c.KeyEnv != "":
		return c, driver.BadConfig("key_file", "give the key in a file or in the environment, not in both")
	case c.KeyEnv != "" && !envName.MatchString(c.KeyEnv):
		return c, driver.BadConfig("key_env", "give the name of an environment variable, not the key itself")
	}
	return c, nil
}

func isLoopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// maxKey is the most bytes a file with a key may have.
const maxKey = 4096

// key reads the key from where it is kept, anew for each call, so that it can be
// changed while the program runs.
func (c Config) key() (string, error) {
	const op = "reading the key of the adapter"
	word, set := os.LookupEnv(c.KeyEnv)
	if c.KeyEnv == "" {
		text, err := os.ReadFile(c.KeyFile)
		if err == nil && len(text) > maxKey {
			err = errors.New("it is longer than a key can be")
		}
		if err != nil {
			return "", &sashlock.Error{Kind: sashlock.Unavailable, Op: op, Err: err}
		}
		word, set = string(text), true
	}
	word = strings.TrimSpace(word)
	if !set || word == "" || strings.ContainsAny(word, " \r\n\t") {
		return "", &sashlock.Error{Kind: sashlock.Unavailable, Op: op, Hint: "the file or variable must hold the key and nothing else"}
	}
	return word, nil
}
