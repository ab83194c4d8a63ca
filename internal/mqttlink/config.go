// SPDX-License-Identifier: Apache-2.0

package mqttlink

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net"
	"net/url"
	"os"
	"regexp"
	"strings"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/internal/lang"
)

// Config says which broker to use and how to sign in to it. Secrets are never
// in it, only where they are kept.
type Config struct {
	Broker       string // "tcp://127.0.0.1:1883", or tls, ws, wss
	User         string // empty: nobody signs in
	PasswordFile string // a file that holds the password and nothing else
	PasswordEnv  string // or the environment variable that does
	CAFile       string // whom to trust, in PEM; empty: whom the system trusts
	ClientID     string // under it the broker keeps what was not acknowledged
	Clean        bool   // nothing is kept: what this connection leaves behind is gone with it
}

// ports are the schemes that are spoken, with the port each has by custom.
var ports = map[string]string{"tcp": "1883", "tls": "8883", "ws": "80", "wss": "443"}

// maxSecret is the most bytes a password may have (MQTT 3.1.1, section 1.5.3).
const maxSecret = 65535

var (
	clientID = regexp.MustCompile(`^[A-Za-z0-9_-]{1,64}$`)
	envName  = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)
)

// Check says what is wrong, as a sashlock.Error of kind invalid whose subject
// is the setting: broker, user, password_file, password_env, ca_file or
// client_id. It reads no file and no environment.
func (c Config) Check() error {
	u, err := url.Parse(c.Broker)
	switch {
	case c.Broker == "":
		return wrong("broker", lang.Mark(`give the address of the broker, like "tcp://127.0.0.1:1883"`))
	case err != nil || u.Hostname() == "" || ports[u.Scheme] == "":
		return wrong("broker", lang.Mark(`write the address like "tcp://127.0.0.1:1883", with tcp, tls, ws or wss in front`))
	case u.User != nil:
		return wrong("broker", lang.Mark("leave out user and password: they have settings of their own"))
	case u.Fragment != "" || u.RawQuery != "" || u.Path != "" && !strings.HasPrefix(u.Scheme, "ws"):
		return wrong("broker", lang.Mark("leave out what follows the port"))
	case strings.ContainsRune(c.User, 0):
		return wrong("user", lang.Mark("a name has no zero bytes"))
	case c.User == "" && (c.PasswordFile != "" || c.PasswordEnv != ""):
		return wrong("user", lang.Mark("a password needs a user"))
	case c.PasswordFile != "" && c.PasswordEnv != "":
		return wrong("password_file", lang.Mark("give the password in a file or in the environment, not in both"))
	case c.PasswordEnv != "" && !envName.MatchString(c.PasswordEnv):
		return wrong("password_env", lang.Mark("give the name of an environment variable, not the password itself"))
	case c.CAFile != "" && !secret(u):
		return wrong("ca_file", lang.Mark("it is of use with tls and wss only"))
	case !clientID.MatchString(c.ClientID):
		return wrong("client_id", lang.Mark("use 1 to 64 letters, digits, hyphens and underscores"))
	}
	return nil
}

func wrong(field, hint string) error {
	return &sashlock.Error{Kind: sashlock.Invalid, Op: "reading driver configuration", Subject: field, Hint: hint}
}

func secret(u *url.URL) bool { return u.Scheme == "tls" || u.Scheme == "wss" }

// ClearText reports whether what goes to and from the broker can be read and
// changed on the way: it is neither encrypted nor does it stay on this machine.
func (c Config) ClearText() bool {
	u, err := url.Parse(c.Broker)
	if err != nil || secret(u) {
		return false
	}
	if ip := net.ParseIP(u.Hostname()); ip != nil {
		return !ip.IsLoopback()
	}
	return u.Hostname() != "localhost"
}

// address returns what the MQTT library is told to connect to.
func (c Config) address() *url.URL {
	u, err := url.Parse(c.Broker)
	if err != nil {
		return &url.URL{} // Check has seen to it
	}
	if u.Port() == "" {
		u.Host = net.JoinHostPort(u.Hostname(), ports[u.Scheme])
	}
	return u
}

// password reads the password from where it is kept, anew for each connection,
// so that it can be changed while the program runs.
func (c Config) password() (string, error) {
	switch {
	case c.PasswordEnv != "":
		word, ok := os.LookupEnv(c.PasswordEnv)
		if !ok {
			return "", &sashlock.Error{Kind: sashlock.Unavailable, Op: "reading the password of the broker", Subject: c.PasswordEnv, Hint: "this environment variable is not set"}
		}
		return word, nil
	case c.PasswordFile != "":
		text, err := os.ReadFile(c.PasswordFile)
		if err == nil && len(text) > maxSecret {
			err = errors.New("it is longer than a password can be")
		}
		if err != nil {
			return "", &sashlock.Error{Kind: sashlock.Unavailable, Op: "reading the password of the broker", Err: err}
		}
		return strings.TrimRight(string(text), "\r\n"), nil
	}
	return "", nil
}

// trust returns whom a connection with TLS trusts.
func (c Config) trust() (*tls.Config, error) {
	t := &tls.Config{MinVersion: tls.VersionTLS12}
	if c.CAFile == "" {
		return t, nil
	}
	text, err := os.ReadFile(c.CAFile)
	if err != nil {
		return nil, &sashlock.Error{Kind: sashlock.Unavailable, Op: "reading the certificate of the broker's authority", Err: err}
	}
	t.RootCAs = x509.NewCertPool()
	if !t.RootCAs.AppendCertsFromPEM(text) {
		return nil, &sashlock.Error{Kind: sashlock.Unavailable, Op: "reading the certificate of the broker's authority", Subject: c.CAFile, Hint: "there is no certificate in PEM in it"}
	}
	return t, nil
}
