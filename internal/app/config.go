// SPDX-License-Identifier: Apache-2.0

package app

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"net"
	"net/netip"
	"net/url"
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
	// Listen is the address to answer on; 127.0.0.1:7117 when not given. An
	// address that other machines reach needs tls.
	Listen string `yaml:"listen,omitempty"`
	// Names are the host names and addresses by which browsers call this store
	// node, without ports, the one to use first. Requests that name another
	// are refused. This machine's own names need not be given.
	Names []string `yaml:"names,omitempty"`
	// Origin is how browsers reach this store node when that is not by its own
	// name and port, "https://store.example": behind a reverse proxy. Links are
	// made with it.
	Origin string `yaml:"origin,omitempty"`
	// TLS says how the connection is encrypted.
	TLS TLS `yaml:"tls,omitempty"`
	// Proxies are the addresses or networks of reverse proxies, "10.0.0.5" or
	// "10.0.0.0/24". What they say about where a request came from
	// (X-Forwarded-For, -Proto and -Host) is believed; anybody else is not.
	Proxies []string `yaml:"proxies,omitempty"`
	// Database is the address of a PostgreSQL database, "postgres://…". When
	// not given, an SQLite database in the data folder is used.
	Database string `yaml:"database,omitempty"`
	// JournalSize is how many bytes are set aside for the emergency journal,
	// which stands in while the disk is full; 64 MiB when not given.
	JournalSize int64 `yaml:"journal_size,omitempty"`
	// Gateways are the radios, brokers, buses and clouds to connect to.
	Gateways []Gateway `yaml:"gateways,omitempty"`
}

// TLS is where the certificate of a store node comes from.
type TLS struct {
	// From is "own" for a certificate authority of the store's own, which every
	// phone has to trust once, or "acme" for one that browsers trust already.
	// Without it nothing is encrypted, and only this machine is answered.
	From string `yaml:"from,omitempty"`
	// Plain is an address that answers without encryption, "0.0.0.0:7118": with
	// the page that helps a phone to trust the store's authority, or with the
	// proofs that an ACME authority asks for on port 80. Everything else is
	// sent to the encrypted address. Without it there is none.
	Plain string `yaml:"plain,omitempty"`
	// Directory is the address of the ACME directory; that of Let's Encrypt
	// when not given.
	Directory string `yaml:"directory,omitempty"`
	// Root is a file with the certificate that the ACME directory's own
	// address shows, for one inside a company.
	Root string `yaml:"root,omitempty"`
	// Email is where the ACME authority writes to when something is wrong.
	Email string `yaml:"email,omitempty"`
}

// Gateway is one connection of a driver.
type Gateway struct {
	// Name tells gateways apart; devices are known under it, so it must not
	// change.
	Name string `yaml:"name"`
	// Driver is the driver to use: edge, matter, modbus, onvif, osdp, seam, uhppote,
	// zigbee2mqtt or zwavejs.
	Driver string `yaml:"driver"`
	// Config is the driver's own configuration; the reference of gateways lists the
	// keys of each.
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
	if !isLoopback(host) && c.TLS.From == "" {
		return bad("listen", "other machines are answered with TLS only: add tls, or use 127.0.0.1 behind a reverse proxy; docs/guide/tls.md shows both")
	}
	if err := c.checkNetwork(bad); err != nil {
		return err
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

// checkNetwork checks by which names and how the store node is reached.
func (c Config) checkNetwork(bad func(field, hint string) error) error {
	hosts := 0
	for i, n := range c.Names {
		ip := net.ParseIP(n)
		if ip == nil && !validHost(n) {
			return bad(fmt.Sprintf("names[%d]", i), `write a host name like "store.lan" or an address like "192.168.1.20", in lower case and without a port`)
		}
		if ip == nil {
			hosts++
		}
	}
	if u, err := url.Parse(c.Origin); c.Origin != "" && (err != nil || u.Scheme != "https" && u.Scheme != "http" || !validHost(u.Hostname()) || u.Path != "" || u.RawQuery != "" || u.User != nil) {
		return bad("origin", `write how browsers reach it, without a path: "https://store.example"`)
	}
	for i, p := range c.Proxies {
		if _, err := network(p); err != nil {
			return bad(fmt.Sprintf("proxies[%d]", i), `write an address like "10.0.0.5" or a network like "10.0.0.0/24"`)
		}
	}
	switch c.TLS.From {
	case "":
		if c.TLS != (TLS{}) {
			return bad("tls.from", "choose own or acme")
		}
	case "own", "acme":
		if hosts == 0 {
			return bad("names", "TLS is for a name: give the host name by which browsers call this store node; passkeys work at no number")
		}
	default:
		return bad("tls.from", "choose own or acme")
	}
	if _, _, err := net.SplitHostPort(c.TLS.Plain); c.TLS.Plain != "" && err != nil {
		return bad("tls.plain", `write an address and a port, like "0.0.0.0:7118"`)
	}
	return nil
}

// validHost reports whether a text is a host name in lower case (RFC 1123).
func validHost(name string) bool {
	if len(name) > 253 {
		return false
	}
	for label := range strings.SplitSeq(name, ".") {
		if !sashlock.ValidSlug(label) {
			return false
		}
	}
	return true
}

// network reads an address or a network.
func network(text string) (netip.Prefix, error) {
	if addr, err := netip.ParseAddr(text); err == nil {
		return addr.Prefix(addr.BitLen())
	}
	p, err := netip.ParsePrefix(text)
	return p.Masked(), err
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
