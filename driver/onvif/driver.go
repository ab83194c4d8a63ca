// SPDX-License-Identifier: Apache-2.0

package onvif

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	_ "embed"
	"encoding/json"
	"errors"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/driver"
)

//go:embed manifest.yaml
var manifest []byte

// Config is the configuration of one session: one access controller.
type Config struct {
	// URL is the address of the controller's device service:
	// "https://10.0.0.20/onvif/device_service".
	URL string `json:"url"`
	// User is the name to sign in with. Make one of its own for Sashlock.
	User string `json:"user,omitempty"`
	// PasswordFile is a file that holds the password; it is read at each
	// connection.
	PasswordFile string `json:"password_file,omitempty"`
	// PasswordEnv is an environment variable that holds it.
	PasswordEnv string `json:"password_env,omitempty"`
	// CAFile is the certificate of the controller's authority, in PEM; without
	// it those are trusted that the system trusts.
	CAFile string `json:"ca_file,omitempty"`
}

// Driver reaches doors behind ONVIF access controllers. Make one with [New].
type Driver struct{ pace pace }

// New returns the driver.
func New() *Driver { return &Driver{pace: usualPace()} }

// Name returns "onvif".
func (*Driver) Name() string { return "onvif" }

// Manifest returns what manifest.yaml says.
func (*Driver) Manifest() (driver.Manifest, error) { return driver.ReadManifest(manifest) }

// Check says what is wrong with a configuration.
func (*Driver) Check(config json.RawMessage) error {
	_, _, err := readConfig(config)
	return err
}

// Open starts a session, which implements [driver.Operator] and [driver.Reader]
// as well.
func (d *Driver) Open(_ context.Context, config json.RawMessage, sink driver.Sink) (driver.Session, error) {
	c, u, err := readConfig(config)
	if err != nil {
		return nil, err
	}
	return start(c, u, d.pace, sink), nil
}

func readConfig(config json.RawMessage) (Config, *url.URL, error) {
	var c Config
	if err := driver.DecodeConfig(config, &c); err != nil {
		return Config{}, nil, err
	}
	u, err := url.Parse(c.URL)
	switch {
	case c.URL == "":
		return Config{}, nil, driver.BadConfig("url", `give the address of the controller, like "https://10.0.0.20/onvif/device_service"`)
	case err != nil || u.Hostname() == "" || u.Scheme != "http" && u.Scheme != "https":
		return Config{}, nil, driver.BadConfig("url", `write the address like "https://10.0.0.20/onvif/device_service"`)
	case u.User != nil || u.RawQuery != "" || u.Fragment != "":
		return Config{}, nil, driver.BadConfig("url", "leave out user, password and anything after ? or #")
	case c.PasswordFile != "" && c.PasswordEnv != "":
		return Config{}, nil, driver.BadConfig("password_env", "give a file or an environment variable, not both")
	case c.PasswordFile != "" && !filepath.IsAbs(c.PasswordFile):
		return Config{}, nil, driver.BadConfig("password_file", "give the whole path")
	case c.User == "" && (c.PasswordFile != "" || c.PasswordEnv != ""):
		return Config{}, nil, driver.BadConfig("user", "there is a password and nobody whose it is")
	case c.CAFile != "" && u.Scheme != "https":
		return Config{}, nil, driver.BadConfig("ca_file", "only an address with https has a certificate")
	case c.CAFile != "" && !filepath.IsAbs(c.CAFile):
		return Config{}, nil, driver.BadConfig("ca_file", "give the whole path")
	}
	if u.Path == "" || u.Path == "/" {
		u.Path = "/onvif/device_service"
	}
	return c, u, nil
}

// maxPassword is how many bytes a file with a password may have.
const maxPassword = 1 << 10

// password reads the password from where it is kept, anew for each connection,
// so that it can be changed while the program runs.
func (c Config) password() (string, error) {
	const op = "reading the controller's password"
	switch {
	case c.PasswordEnv != "":
		word, ok := os.LookupEnv(c.PasswordEnv)
		if !ok {
			return "", &sashlock.Error{Kind: sashlock.Unavailable, Op: op, Subject: c.PasswordEnv, Hint: "this environment variable is not set"}
		}
		return word, nil
	case c.PasswordFile != "":
		text, err := os.ReadFile(c.PasswordFile)
		if err == nil && len(text) > maxPassword {
			err = errors.New("it is longer than a password can be")
		}
		if err != nil {
			return "", &sashlock.Error{Kind: sashlock.Unavailable, Op: op, Err: err}
		}
		return strings.TrimRight(string(text), "\r\n"), nil
	}
	return "", nil
}

// trust returns whom a connection with TLS trusts.
func (c Config) trust() (*tls.Config, error) {
	const op = "reading the certificate of the controller's authority"
	t := &tls.Config{MinVersion: tls.VersionTLS12}
	if c.CAFile == "" {
		return t, nil
	}
	text, err := os.ReadFile(c.CAFile)
	if err != nil {
		return nil, &sashlock.Error{Kind: sashlock.Unavailable, Op: op, Err: err}
	}
	t.RootCAs = x509.NewCertPool()
	if !t.RootCAs.AppendCertsFromPEM(text) {
		return nil, &sashlock.Error{Kind: sashlock.Unavailable, Op: op, Subject: c.CAFile, Hint: "there is no certificate in PEM in it"}
	}
	return t, nil
}

// pace is how long things are waited for, and how often tried.
type pace struct {
	driver.Patience

	call    time.Duration // for an answer nobody else set a time for
	pull    time.Duration // how long the controller keeps a question for events
	term    time.Duration // how long a pull point lives without being renewed
	sweep   time.Duration // between readings of all doors, for events that were lost
	reread  time.Duration // from an order to the first reading; doubles
	confirm time.Duration // for the bolt to confirm an order
	explain time.Duration // for how long a granted credential explains an opening
}

func usualPace() pace {
	return pace{
		call: 10 * time.Second, pull: 10 * time.Second, term: 2 * time.Minute, sweep: 5 * time.Minute,
		reread: 500 * time.Millisecond, confirm: 12 * time.Second, explain: 5 * time.Second,
		Patience: driver.Patience{Min: 500 * time.Millisecond, Max: 30 * time.Second, Steady: time.Minute},
	}
}
