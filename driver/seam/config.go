// SPDX-License-Identifier: Apache-2.0

package seam

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/driver"
)

// Config is the configuration of one session: one workspace at Seam.
type Config struct {
	// URL is where Seam is; "https://connect.getseam.com" if left out. In clear
	// text only on this machine.
	URL string `json:"url,omitempty"`
	// KeyFile is a file that holds the key of the workspace, and nothing else.
	KeyFile string `json:"key_file,omitempty"`
	// KeyEnv is the environment variable that holds it, instead.
	KeyEnv string `json:"key_env,omitempty"`
	// CallsPerMinute is how often Seam is asked at most, 6 to 6000; 60 if left
	// out. Half of a short burst is kept for orders.
	CallsPerMinute int `json:"calls_per_minute,omitempty"`
	// Listen is where webhooks are received, "127.0.0.1:8099", at the path
	// /webhook. Left out, news is only asked for.
	Listen string `json:"listen,omitempty"`
	// SecretFile is a file that holds the secret webhooks are signed with.
	SecretFile string `json:"secret_file,omitempty"`
	// SecretEnv is the environment variable that holds it, instead.
	SecretEnv string `json:"secret_env,omitempty"`
	// ProgressFile is a file, made when needed, in which it is kept up to which
	// event everything was told. Left out, what happens while Sashlock is not
	// running is not told afterwards, only how things stand.
	ProgressFile string `json:"progress_file,omitempty"`
}

// usualURL is where Seam's interface is.
const usualURL = "https://connect.getseam.com"

var envName = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)

func readConfig(config json.RawMessage) (Config, error) {
	var c Config
	if err := driver.DecodeConfig(config, &c); err != nil {
		return Config{}, err
	}
	if c.URL == "" {
		c.URL = usualURL
	}
	if c.CallsPerMinute == 0 {
		c.CallsPerMinute = 60
	}
	return c, c.check()
}

func (c Config) check() error {
	if err := c.checkURL(); err != nil {
		return err
	}
	switch {
	case c.KeyFile == "" && c.KeyEnv == "":
		return driver.BadConfig("key_file", "name the file that holds the key of the workspace")
	case c.KeyFile != "" && c.KeyEnv != "":
		return driver.BadConfig("key_file", "give the key in a file or in the environment, not in both")
	case c.KeyEnv != "" && !envName.MatchString(c.KeyEnv):
		return driver.BadConfig("key_env", "give the name of an environment variable, not the key itself")
	case c.CallsPerMinute < 6 || c.CallsPerMinute > 6000:
		return driver.BadConfig("calls_per_minute", "use 6 to 6000")
	case c.ProgressFile != "" && !filepath.IsAbs(c.ProgressFile):
		return driver.BadConfig("progress_file", "give the whole path, from the root")
	}
	return c.checkWebhook()
}

func (c Config) checkURL() error {
	u, err := url.Parse(c.URL)
	switch {
	case err != nil || u.Hostname() == "" || u.Scheme != "https" && u.Scheme != "http":
		return driver.BadConfig("url", `write the address like "https://connect.getseam.com"`)
	case u.User != nil || u.RawQuery != "" || u.Fragment != "" || u.Path != "" && u.Path != "/":
		return driver.BadConfig("url", "leave out all but the host and the port")
	case u.Scheme == "http" && !isLoopback(u.Hostname()):
		return driver.BadConfig("url", "use https: in clear text everybody on the way could read the key")
	}
	return nil
}

func (c Config) checkWebhook() error {
	switch {
	case c.Listen == "" && (c.SecretFile != "" || c.SecretEnv != ""):
		return driver.BadConfig("listen", "say where webhooks are received, or leave out their secret")
	case c.Listen == "":
		return nil
	case c.SecretFile == "" && c.SecretEnv == "":
		return driver.BadConfig("secret_file", "name the file that holds the secret of the webhook: without it anybody could say that a lock was opened")
	case c.SecretFile != "" && c.SecretEnv != "":
		return driver.BadConfig("secret_file", "give the secret in a file or in the environment, not in both")
	case c.SecretEnv != "" && !envName.MatchString(c.SecretEnv):
		return driver.BadConfig("secret_env", "give the name of an environment variable, not the secret itself")
	}
	if _, port, err := net.SplitHostPort(c.Listen); err != nil || port == "" {
		return driver.BadConfig("listen", `write it like "127.0.0.1:8099"`)
	}
	return nil
}

func isLoopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// clearText reports whether the way to Seam is not encrypted; then it stays on
// this machine.
func (c Config) clearText() bool { return strings.HasPrefix(c.URL, "http:") }

// key reads the key of the workspace, anew for each call, so that it can be
// changed while the program runs.
func (c Config) key() (string, error) {
	word, err := readSecret("reading the key of Seam", c.KeyFile, c.KeyEnv)
	if err == nil && (word == "" || strings.ContainsAny(word, " \r\n\t")) {
		err = &sashlock.Error{Kind: sashlock.Unavailable, Op: "reading the key of Seam", Hint: "it is not a key: the file or variable must hold the key and nothing else"}
	}
	return word, err
}

// secret reads what webhooks are signed with: "whsec_" and Base64.
func (c Config) secret() ([]byte, error) {
	const op = "reading the secret of webhooks"
	word, err := readSecret(op, c.SecretFile, c.SecretEnv)
	if err != nil {
		return nil, err
	}
	secret, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(word, "whsec_"))
	if err != nil || len(secret) < 16 {
		// The error of the decoder says where in the secret it stumbled.
		return nil, &sashlock.Error{Kind: sashlock.Unavailable, Op: op, Hint: "it is not a secret of Seam: it begins with whsec_"}
	}
	return secret, nil
}

// maxSecret is the most bytes a file with a secret may have.
const maxSecret = 4096

func readSecret(op, file, variable string) (string, error) {
	if variable != "" {
		word, ok := os.LookupEnv(variable)
		if !ok {
			return "", &sashlock.Error{Kind: sashlock.Unavailable, Op: op, Subject: variable, Hint: "this environment variable is not set"}
		}
		return strings.TrimSpace(word), nil
	}
	text, err := os.ReadFile(file)
	if err == nil && len(text) > maxSecret {
		err = errors.New("it is longer than a secret can be")
	}
	if err != nil {
		return "", &sashlock.Error{Kind: sashlock.Unavailable, Op: op, Err: err}
	}
	return strings.TrimSpace(string(text)), nil
}
