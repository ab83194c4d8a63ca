// SPDX-License-Identifier: Apache-2.0

// Package example is the driver that docs/guide/writing-a-driver.md builds, for
// a made-up box on the network with a few locks behind it.
//
// # What
//
// The box speaks lines of words over TCP; wire.go lists them. A session is one
// connection to one box, made again whenever it ends.
//
// # How it fits
//
// It is a pattern to copy, and is not among the drivers of a store. [Box] is
// the made-up box, for the tests and for "sashlock conformance example".
//
// # Promises
//
// Those of every driver: see package driver. An order that the box did not
// answer in time is taken back by cutting the connection.
package example

import (
	"context"
	_ "embed" // for the manifest
	"encoding/json"
	"net"

	"github.com/sashlock/sashlock/driver"
)

//go:embed manifest.yaml
var manifest []byte

// Config is the configuration of one session: one box.
type Config struct {
	// Box is its address and port: "192.168.1.40:7300".
	Box string `json:"box"`
}

// Driver reaches the locks behind a box. Make one with [New].
type Driver struct{}

// New returns the driver.
func New() *Driver { return &Driver{} }

// Name returns "example".
func (*Driver) Name() string { return "example" }

// Manifest returns what manifest.yaml says.
func (*Driver) Manifest() (driver.Manifest, error) { return driver.ReadManifest(manifest) }

// Check says what is wrong with a configuration.
func (*Driver) Check(config json.RawMessage) error {
	_, err := readConfig(config)
	return err
}

func readConfig(config json.RawMessage) (Config, error) {
	var c Config
	if err := driver.DecodeConfig(config, &c); err != nil {
		return c, err
	}
	if host, port, err := net.SplitHostPort(c.Box); err != nil || host == "" || port == "" {
		return c, driver.BadConfig("box", `write the address and port of the box, like "192.168.1.40:7300"`)
	}
	return c, nil
}

// Open starts a session, which implements [driver.Operator] and
// [driver.Reader] as well.
func (*Driver) Open(_ context.Context, config json.RawMessage, sink driver.Sink) (driver.Session, error) {
	c, err := readConfig(config)
	if err != nil {
		return nil, err
	}
	return start(c.Box, sink), nil
}
