// SPDX-License-Identifier: Apache-2.0

// Package sim is a driver for a store that exists only in this process.
//
// # What
//
// A [Driver] keeps one [World] for each configured store. A world holds locks,
// contacts and motion sensors with bolts that take time to move, people who
// open, type and walk past, and faults: jams, dead devices, a gateway that
// goes away, reports that are lost, doubled, late or out of order, clocks that
// are wrong. Sessions are opened on a world as on any gateway.
//
// # How it fits
//
// The demo, the tests of the whole and the simulations drive a world by its
// methods and look at what Sashlock makes of it. It reaches no real lock.
//
// # Promises
//
// Every random choice follows from the seed and from what was done to that
// device before. A world outlives its sessions, as a store does. Its devices
// number their reports, and a new world begins with a higher restart counter
// than one that was made earlier.
package sim

import (
	"context"
	_ "embed" // for the manifest
	"encoding/json"
	"reflect"
	"sync"
	"time"

	"github.com/sashlock/sashlock/driver"
)

//go:embed manifest.yaml
var manifest []byte

// Driver simulates stores. It is safe for concurrent use.
type Driver struct {
	now func() time.Time

	mu     sync.Mutex
	worlds map[string]*World // guarded by mu: by the store's name
}

// New returns a driver without stores. The clock is that of the devices; nil
// means time.Now. How long things take is always measured in real time.
func New(now func() time.Time) *Driver {
	if now == nil {
		now = time.Now
	}
	return &Driver{now: now, worlds: make(map[string]*World)}
}

// Name returns "sim".
func (d *Driver) Name() string { return "sim" }

// Manifest returns what the driver says of itself.
func (d *Driver) Manifest() (driver.Manifest, error) { return driver.ReadManifest(manifest) }

// Check says what is wrong with a configuration.
func (d *Driver) Check(config json.RawMessage) error {
	_, err := readConfig(config)
	return err
}

// World returns the store of a configuration, which need not be open. A store
// whose configuration has changed is built anew: sessions that are open keep
// the old one until they are closed. The error is that of Check.
func (d *Driver) World(config json.RawMessage) (*World, error) {
	c, err := readConfig(config)
	if err != nil {
		return nil, err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	w, ok := d.worlds[c.Store]
	if !ok || !reflect.DeepEqual(w.config, c) {
		w = newWorld(c, d.now)
		d.worlds[c.Store] = w
	}
	return w, nil
}

// Open starts a session on the store of a configuration.
func (d *Driver) Open(ctx context.Context, config json.RawMessage, sink driver.Sink) (driver.Session, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	w, err := d.World(config)
	if err != nil {
		return nil, err
	}
	return w.open(sink), nil
}
