// SPDX-License-Identifier: Apache-2.0

// Package devices keeps what has an address: which devices drivers have found,
// which of them were adopted and for which opening, and the running sessions to
// their gateways.
//
// # What
//
// A [Room] takes what drivers hear. A device heard of for the first time goes
// into the inbox; only when an operator adopts it for an opening do its reports
// change anything. In the other direction it takes commands that were
// committed, signs them, and hands each to the gate in front of its driver.
//
// # How it fits
//
// It stands between package driver and the Report door of package flow, and is
// what package app hands to the hall as its dispatcher.
//
// # Promises
//
// A driver's sink returns only when what it was told is durable. A command is
// handed over once, while it lives; whatever becomes of it comes back through
// the Report door.
package devices

import (
	"context"
	"crypto/ed25519"
	"database/sql"
	"encoding/json"
	"log/slog"
	"sync"
	"time"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/driver"
	"github.com/sashlock/sashlock/internal/flow"
	"github.com/sashlock/sashlock/internal/store"
)

// Options are what a room is built from.
type Options struct {
	Store *store.Store
	Hall  *flow.Hall
	Key   ed25519.PrivateKey // signs commands
	Epoch int64
	Now   func() time.Time
	Log   *slog.Logger
	// Present decides about what somebody presents at a reader that is fitted to
	// an opening. Nil: whatever is presented at a reader is refused.
	Present func(ctx context.Context, at sashlock.Device, p driver.Presentation) (driver.Verdict, error)
}

// Room keeps the devices.
type Room struct {
	store *store.Store
	hall  *flow.Hall
	key   ed25519.PrivateKey
	epoch int64
	now   func() time.Time
	log   *slog.Logger
	judge func(ctx context.Context, at sashlock.Device, p driver.Presentation) (driver.Verdict, error)

	mu       sync.Mutex
	known    map[place]sashlock.Device      // guarded by mu
	refused  map[place]time.Time            // guarded by mu: when a stranger's report was last recorded
	gateways map[string]*gateway            // guarded by mu
	ears     map[place][]chan driver.Report // guarded by mu: who waits for a word of a device
	closed   bool                           // guarded by mu: nothing is opened or dispatched any more
	strays   sync.WaitGroup                 // commands that have no gateway to go to; added to under mu
}

// place is where a device is found: a gateway's name and the address there.
type place struct{ gateway, address string }

// New returns a room that knows the devices in the store.
func New(ctx context.Context, opts Options) (*Room, error) {
	r := &Room{
		store: opts.Store, hall: opts.Hall, key: opts.Key, epoch: opts.Epoch, now: opts.Now, log: opts.Log, judge: opts.Present,
		known:   map[place]sashlock.Device{},
		refused: map[place]time.Time{}, gateways: map[string]*gateway{},
	}
	return r, r.store.View(ctx, func(q store.Query) error {
		all, err := List(q)
		for _, d := range all {
			r.known[place{d.Gateway, d.Address}] = d
		}
		return err
	})
}

const columns = `id, driver, gateway, address, name, maker, model, firmware, security, weak, capabilities, opening, rev`

// List returns every device that was ever found, in order of gateway and
// address.
func List(q store.Query) ([]sashlock.Device, error) {
	return store.Rows(q, scan, `SELECT `+columns+` FROM devices ORDER BY gateway, address`)
}

// Find returns the device that ref names by identifier or as "gateway/address".
func Find(q store.Query, ref string) (sashlock.Device, error) {
	return store.One(q, scan, "device", ref, `SELECT `+columns+` FROM devices WHERE id = ? OR gateway || '/' || address = ?`, ref, ref)
}

// findAt returns the device at a gateway's address; the zero device when none
// was ever found there.
func findAt(q store.Query, gateway, address string) (sashlock.Device, error) {
	found, err := store.Rows(q, scan, `SELECT `+columns+` FROM devices WHERE gateway = ? AND address = ?`, gateway, address)
	if err != nil || len(found) == 0 {
		return sashlock.Device{}, err
	}
	return found[0], nil
}

func scan(read store.Scan) (d sashlock.Device, err error) {
	var opening sql.NullString
	var capabilities string
	err = read(&d.ID, &d.Driver, &d.Gateway, &d.Address, &d.Name, &d.Maker, &d.Model, &d.Firmware, &d.Security, &d.Weak, &capabilities, &opening, &d.Rev)
	if err != nil {
		return d, err
	}
	d.Opening = sashlock.OpeningID(opening.String)
	return d, json.Unmarshal([]byte(capabilities), &d.Capabilities)
}

func save(tx *store.Tx, d sashlock.Device) error {
	capabilities, err := json.Marshal(d.Capabilities)
	if err != nil {
		return err
	}
	return tx.Put("devices", "id", store.Fields{
		"id": d.ID, "driver": d.Driver, "gateway": d.Gateway, "address": d.Address, "name": d.Name,
		"maker": d.Maker, "model": d.Model, "firmware": d.Firmware, "security": d.Security, "weak": d.Weak,
		"capabilities": string(capabilities), "opening": store.Null(d.Opening), "rev": d.Rev,
	})
}

// keep saves a device and, once that is committed, keeps it where the sinks
// look it up. Commits come one after another, so the newest one is what stays.
func (r *Room) keep(tx *store.Tx, d sashlock.Device) error {
	tx.OnCommit(func() {
		r.mu.Lock()
		defer r.mu.Unlock()
		r.known[place{d.Gateway, d.Address}] = d
	})
	return save(tx, d)
}

func (r *Room) at(p place) (sashlock.Device, bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	d, ok := r.known[p]
	return d, ok
}

// data is a device as its ledger entries carry it.
func data(d sashlock.Device) json.RawMessage {
	out, err := json.Marshal(map[string]any{
		"driver": d.Driver, "gateway": d.Gateway, "address": d.Address, "maker": d.Maker, "model": d.Model,
		"firmware": d.Firmware, "security": d.Security, "capabilities": d.Capabilities,
	})
	if err != nil {
		return nil
	}
	return out
}

var (
	_ driver.Sink      = (*sink)(nil)
	_ driver.Presenter = (*sink)(nil)
)
