// SPDX-License-Identifier: Apache-2.0

package app

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"net"
	"os"
	"path/filepath"
	"runtime/debug"
	"slices"
	"strings"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/internal/yamlfile"
)

// DefaultListen is where the store node answers when nothing else is said: on
// this machine only.
const DefaultListen = "127.0.0.1:7117"

// ConfigFile is the name of the configuration in the data folder.
const ConfigFile = "config.yaml"

// Config is what a store node is told. It is read from config.yaml in the data
// folder; unknown keys are errors.
type Config struct {
	// Data is the data folder. It is not part of the file.
	Data string `yaml:"-"`
	// Listen is the address to answer on. Only addresses of this machine are
	// accepted; 127.0.0.1:7117 when not given.
	Listen string `yaml:"listen,omitempty"`
	// Database is the address of a PostgreSQL database, "postgres://…". When
	// not given, an SQLite database in the data folder is used.
	Database string `yaml:"database,omitempty"`
	// JournalSize is how many bytes are set aside for the emergency journal,
	// which stands in while the disk is full; 64 MiB when not given.
	JournalSize int64 `yaml:"journal_size,omitempty"`
	// Gateways are the radios, brokers, buses and clouds to connect to.
	Gateways []Gateway `yaml:"gateways,omitempty"`
}

// Gateway is one connection of a driver.
type Gateway struct {
	// Name tells gateways apart; devices are known under it, so it must not
	// change.
	Name string `yaml:"name"`
	// Driver is the driver to use: zwavejs.
	Driver string `yaml:"driver"`
	// Config is the driver's own configuration; its README explains it.
	Config map[string]any `yaml:"config,omitempty"`
}

func (g Gateway) json() (json.RawMessage, error) {
	if g.Config == nil {
		return json.RawMessage("{}"), nil
	}
	return json.Marshal(g.Config)
}

// ReadConfig reads the configuration of a data folder. A folder without one
// has the defaults.
func ReadConfig(data string) (Config, error) {
	c := Config{Listen: DefaultListen}
	text, err := os.ReadFile(filepath.Join(data, ConfigFile))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return c, err
	}
	if err := yamlfile.Decode(text, &c); err != nil {
		return c, &sashlock.Error{Kind: sashlock.Invalid, Op: "reading configuration", Subject: ConfigFile, Hint: err.Error()}
	}
	c.Data = data
	return c, c.check()
}

func (c Config) check() error {
	bad := func(field, hint string) error {
		return &sashlock.Error{Kind: sashlock.Invalid, Op: "reading configuration", Subject: field, Hint: hint}
	}
	host, _, err := net.SplitHostPort(c.Listen)
	if err != nil {
		return bad("listen", `write an address and a port, like "127.0.0.1:7117"`)
	}
	if !isLoopback(host) {
		return bad("listen", "only this machine is served yet: use 127.0.0.1 and, for other machines, a reverse proxy with TLS")
	}
	if c.Database != "" && !strings.HasPrefix(c.Database, "postgres://") && !strings.HasPrefix(c.Database, "postgresql://") {
		return bad("database", `write the address of a PostgreSQL database, like "postgres://user@host/name", or leave it out for SQLite in the data folder`)
	}
	if c.JournalSize < 0 {
		return bad("journal_size", "write a number of bytes, like 67108864")
	}
	seen := map[string]bool{}
	for i, g := range c.Gateways {
		field := fmt.Sprintf("gateways[%d].", i)
		if !sashlock.ValidSlug(g.Name) {
			return bad(field+"name", "use 1 to 40 of a-z, 0-9 and hyphens")
		}
		if seen[g.Name] {
			return bad(field+"name", "another gateway has this name")
		}
		seen[g.Name] = true
		if _, known := Drivers()[g.Driver]; !known {
			return bad(field+"driver", fmt.Sprintf("there is no driver %q: choose one of %s", g.Driver, strings.Join(slices.Sorted(maps.Keys(Drivers())), ", ")))
		}
	}
	return nil
}

func isLoopback(host string) bool {
	if strings.EqualFold(host, "localhost") {
		return true
	}
	ip := net.ParseIP(host)
	return ip != nil && ip.IsLoopback()
}

// DatabaseURL is the address of the database in use.
func (c Config) DatabaseURL() string {
	if c.Database != "" {
		return c.Database
	}
	return "sqlite://" + filepath.ToSlash(filepath.Join(c.Data, "store.db"))
}

func (c Config) journal() string { return filepath.Join(c.Data, "emergency.journal") }

// firstConfig is what [Init] writes.
const firstConfig = `# Sashlock store node. Every key is explained in docs/reference/config.md.
listen: %s

# Gateways to radios, brokers and buses. An example:
# gateways:
#   - name: radio-1
#     driver: zwavejs
#     config:
#       url: ws://127.0.0.1:3000
`

// Init sets up a data folder: keys of its own and a first configuration. It
// refuses a folder that was set up before.
func Init(data string) (Keys, error) {
	if _, err := os.Stat(keyFolder(data)); err == nil {
		return Keys{}, &sashlock.Error{Kind: sashlock.Conflict, Op: "setting up", Subject: data, Hint: "this folder is set up already: choose another, or start it with sashlock serve"}
	}
	origin, err := newOrigin()
	if err != nil {
		return Keys{}, err
	}
	if err := os.MkdirAll(data, 0o700); err != nil {
		return Keys{}, err
	}
	if err := makeKeys(data, origin); err != nil {
		return Keys{}, err
	}
	path := filepath.Join(data, ConfigFile)
	if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
		if err := writeNew(path, fmt.Appendf(nil, firstConfig, DefaultListen)); err != nil {
			return Keys{}, err
		}
	}
	return ReadKeys(data)
}

// Version is the version of this program as its build knows it.
func Version() string {
	info, ok := debug.ReadBuildInfo()
	if !ok || info.Main.Version == "" || info.Main.Version == "(devel)" {
		return "dev"
	}
	return info.Main.Version
}
