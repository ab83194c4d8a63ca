// SPDX-License-Identifier: Apache-2.0

// Package edge is the driver for our own devices: locks that speak MQTT to an
// endpoint in this process, under the scheme of wire.go.
//
// # What
//
// A [Driver] listens. A device shows a certificate of the house's own authority
// and is from then on its address; it announces itself, tells how it stands and
// what happens, and takes commands that the site has signed. A device without a
// certificate can do one thing: enrol with a code.
//
// # How it fits
//
// Package mqtt has the protocol, package devicekeys the certificates. The folder
// lock below is the other side: a device in Go that checks what it is sent.
//
// # Promises
//
//   - A device speaks about itself only. What it says of others is refused,
//     counted, and recorded once a minute.
//   - A report is acknowledged after it is durable.
//   - A command is sent once, with the time it has left, and never again. It is
//     taken when the device says so; what the bolt does is the device's report.
//   - A device that is not connected is offline, and nothing waits for it.
package edge

import (
	"context"
	"crypto/ed25519"
	_ "embed" // for the manifest
	"encoding/json"
	"fmt"
	"net"
	"net/netip"
	"time"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/driver"
)

//go:embed manifest.yaml
var manifest []byte

// House is what a driver has to know of the house it is in.
type House struct {
	Folder     string            // where the certificates of devices are kept
	CommandKey ed25519.PublicKey // with which devices check commands
	Now        func() time.Time  // nil means time.Now
}

// Driver listens for devices. It is safe for concurrent use.
type Driver struct {
	house  House
	rate   int // packets a second of each device; 0: the endpoint's own
	listen func(ctx context.Context, address string) (net.Listener, error)
}

// New returns a driver. One for a house without a folder can check
// configurations and no more.
func New(h House) *Driver {
	if h.Now == nil {
		h.Now = time.Now
	}
	return &Driver{house: h, listen: func(ctx context.Context, address string) (net.Listener, error) {
		return (&net.ListenConfig{}).Listen(ctx, "tcp", address)
	}}
}

// Config is the driver's configuration.
type Config struct {
	// Listen is the address to listen on: "0.0.0.0:8883".
	Listen string `json:"listen"`
	// Site is the word for the site in the topics; "store" when not given.
	Site string `json:"site"`
	// Names are the host names and addresses by which devices call it.
	Names []string `json:"names"`
	// Clear listens without encryption, on this machine only, for trying out: a
	// device is then whatever it calls itself.
	Clear bool `json:"clear"`
}

// Name returns "edge".
func (d *Driver) Name() string { return "edge" }

// Manifest returns what the driver says of itself.
func (d *Driver) Manifest() (driver.Manifest, error) { return driver.ReadManifest(manifest) }

// Check says what is wrong with a configuration.
func (d *Driver) Check(config json.RawMessage) error {
	_, err := ReadConfig(config)
	return err
}

// ReadConfig reads a configuration and fills in what is left out.
func ReadConfig(config json.RawMessage) (Config, error) {
	c := Config{Site: "store"}
	if err := driver.DecodeConfig(config, &c); err != nil {
		return c, err
	}
	host, port, err := net.SplitHostPort(c.Listen)
	if err != nil || port == "" {
		return c, driver.BadConfig("listen", `write an address and a port, like "0.0.0.0:8883"`)
	}
	if !sashlock.ValidSlug(c.Site) {
		return c, driver.BadConfig("site", "use 1 to 40 of a-z, 0-9 and hyphens")
	}
	for i, n := range c.Names {
		if n == "" || len(n) > 253 {
			return c, driver.BadConfig(fmt.Sprintf("names[%d]", i), "write a host name or an address")
		}
	}
	if ip, err := netip.ParseAddr(host); c.Clear && (err != nil || !ip.IsLoopback()) {
		return c, driver.BadConfig("clear", "without encryption only 127.0.0.1 is listened on: leave it out and enrol the devices")
	}
	return c, nil
}

// Open starts to listen.
func (d *Driver) Open(ctx context.Context, config json.RawMessage, sink driver.Sink) (driver.Session, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	c, err := ReadConfig(config)
	if err != nil {
		return nil, err
	}
	return openSession(d, c, sink)
}
