// SPDX-License-Identifier: Apache-2.0

// Package gateways keeps the gateways that were set up on the console: to which
// radio, broker, bus or cloud, by which driver, with which settings.
//
// # What
//
// A [Room] saves and removes them, and starts and ends their sessions as it
// does: nothing has to be started again. [Room.Try] opens a gateway for a few
// seconds and tells what it found, without anything being kept.
//
// # How it fits
//
// The sessions themselves are those of package devices, which package app hands
// in as [Sessions]. Gateways of config.yaml belong to the file: this room knows
// their names, so that none is given twice, and changes nothing about them.
// docs/decisions/0031-gateways-on-the-console.md says why there are both.
//
// # Promises
//
//   - What was saved passed the driver's own Check.
//   - No secret is kept here, and none reaches the ledger: settings name files
//     in one folder of the store node, and variables with one prefix, and
//     nothing else on the machine can be named.
//   - A gateway that is changed or removed is told to be gone: its devices are
//     offline until the new session says how they stand.
package gateways

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"maps"
	"reflect"
	"slices"
	"strings"
	"sync"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/driver"
	"github.com/sashlock/sashlock/internal/flow"
	"github.com/sashlock/sashlock/internal/lang"
	"github.com/sashlock/sashlock/internal/logkey"
	"github.com/sashlock/sashlock/internal/store"
)

// Most is how many gateways can be set up.
const Most = 64

// Gateway is one that was set up on the console.
type Gateway struct {
	Name   string
	Driver string
	// Config are the settings by key, as the driver's manifest has them. A file
	// is its name in the folder of secrets.
	Config map[string]any
	Rev    int64
}

// Sessions opens and ends the sessions of gateways.
type Sessions interface {
	Open(ctx context.Context, name string, d driver.Driver, config json.RawMessage) error
	Shut(ctx context.Context, name string) error
	Has(name string) bool // a session of that name is open
}

// Options are what a room is built from.
type Options struct {
	Store    *store.Store
	Hall     *flow.Hall
	Sessions Sessions
	Drivers  map[string]driver.Driver // by name
	Secrets  string                   // the folder of secrets
	Kept     string                   // the folder of what drivers keep
	OfFile   []string                 // names of the gateways in config.yaml
	Log      *slog.Logger
}

// Room keeps the gateways.
type Room struct {
	Options

	work    sync.Mutex        // held while a gateway is saved or removed and its session follows
	trying  sync.Mutex        // held while a configuration is tried
	mu      sync.Mutex        // guards what follows
	trouble map[string]string // why a gateway has no session, by name
}

// New returns a room.
func New(o Options) *Room { return &Room{Options: o, trouble: map[string]string{}} }

func scan(read store.Scan) (g Gateway, err error) {
	var config string
	if err = read(&g.Name, &g.Driver, &config, &g.Rev); err != nil {
		return g, err
	}
	return g, json.Unmarshal([]byte(config), &g.Config)
}

// List returns every gateway that was set up on the console, in order of name.
func List(q store.Query) ([]Gateway, error) {
	return store.Rows(q, scan, `SELECT name, driver, config, rev FROM gateways ORDER BY name`)
}

// Find returns the gateway of a name.
func Find(q store.Query, name string) (Gateway, error) {
	return store.One(q, scan, "gateway", name, `SELECT name, driver, config, rev FROM gateways WHERE name = ?`, name)
}

// Described lists the drivers that can be set up by their manifests, in order
// of title.
func (r *Room) Described() []driver.Manifest {
	var all []driver.Manifest
	for _, d := range r.Drivers {
		if m, err := manifestOf(d); err == nil && len(m.Config) > 0 {
			all = append(all, m)
		}
	}
	slices.SortFunc(all, func(a, b driver.Manifest) int { return strings.Compare(a.Title, b.Title) })
	return all
}

// Describe returns the manifest of a driver that can be set up.
func (r *Room) Describe(name string) (driver.Manifest, error) {
	if m, err := manifestOf(r.Drivers[name]); err == nil && len(m.Config) > 0 {
		return m, nil
	}
	return driver.Manifest{}, &sashlock.Error{Kind: sashlock.NotFound, Op: "finding driver", Subject: name, Hint: lang.Mark("there is no such driver")}
}

func manifestOf(d driver.Driver) (driver.Manifest, error) {
	described, is := d.(driver.Described)
	if !is {
		return driver.Manifest{}, errors.New("the driver has no manifest")
	}
	return described.Manifest()
}

// Save sets a gateway up, or changes the settings of one that is there, and
// starts its session anew. Rev is the revision that the caller saw; 0 is for a
// new one, whose name must be free. The error is of kind invalid with the
// setting or "name" as its subject, or of kind conflict.
func (r *Room) Save(ctx context.Context, by sashlock.OperatorID, g Gateway, rev int64) error {
	r.work.Lock()
	defer r.work.Unlock()
	if err := r.checkName(g.Name, rev == 0); err != nil {
		return err
	}
	if _, err := r.Check(g); err != nil {
		return err
	}
	_, err := r.Hall.Change(ctx, flow.Change{Operator: by, Make: func(tx *store.Tx) (flow.Edit, error) {
		all, err := List(tx)
		if err != nil {
			return flow.Edit{}, err
		}
		old := Gateway{Name: g.Name}
		if i := slices.IndexFunc(all, func(one Gateway) bool { return one.Name == g.Name }); i >= 0 {
			old = all[i]
		}
		switch {
		case rev == 0 && old.Rev > 0:
			return flow.Edit{}, taken()
		case rev == 0 && len(all) >= Most:
			return flow.Edit{}, &sashlock.Error{Kind: sashlock.Limit, Op: "saving gateway", Subject: "name", Hint: lang.Mark("there are as many gateways as there can be: remove one first")}
		case old.Rev > 0 && old.Driver != g.Driver:
			return flow.Edit{}, &sashlock.Error{Kind: sashlock.Conflict, Op: "saving gateway", Subject: g.Name, Hint: lang.Mark("it has another driver: remove it and set up a new one")}
		}
		if err := store.CheckRev("gateway", g.Name, old.Rev, rev); err != nil {
			return flow.Edit{}, err
		}
		if old.Rev > 0 && reflect.DeepEqual(plain(old.Config), plain(g.Config)) {
			return flow.Edit{}, nil
		}
		return flow.Edit{Events: []sashlock.Event{saved(old, g)}}, put(tx, g, old.Rev+1)
	}})
	if err != nil {
		return err
	}
	if err := r.Sessions.Shut(ctx, g.Name); err != nil {
		r.Log.Warn("session not ended in order", logkey.Gateway(g.Name), logkey.Err(err))
	}
	r.open(ctx, g)
	return nil
}

// checkName refuses names that cannot be, and those that are taken elsewhere.
func (r *Room) checkName(name string, isNew bool) error {
	switch {
	case !sashlock.ValidSlug(name):
		return &sashlock.Error{Kind: sashlock.Invalid, Op: "saving gateway", Subject: "name", Hint: lang.Mark("use 1 to 40 of a-z, 0-9 and hyphens")}
	case slices.Contains(r.OfFile, name):
		return &sashlock.Error{Kind: sashlock.Conflict, Op: "saving gateway", Subject: "name", Hint: lang.Mark("the gateway of this name belongs to config.yaml: change it there")}
	case isNew && r.Sessions.Has(name):
		return taken()
	}
	return nil
}

func taken() error {
	return &sashlock.Error{Kind: sashlock.Conflict, Op: "saving gateway", Subject: "name", Hint: lang.Mark("another gateway has this name: devices are known by it, so each has its own")}
}

func put(tx *store.Tx, g Gateway, rev int64) error {
	config, err := json.Marshal(g.Config)
	if err != nil {
		return err
	}
	return tx.Put("gateways", "name", store.Fields{"name": g.Name, "driver": g.Driver, "config": string(config), "rev": rev})
}

// saved is what the ledger says of a change: which settings it changed, and not
// to what. A secret that somebody typed into the wrong field would stay there
// for ever.
func saved(old, g Gateway) sashlock.Event {
	was, is := plain(old.Config), plain(g.Config)
	var changed []string
	for key := range is {
		if !reflect.DeepEqual(was[key], is[key]) {
			changed = append(changed, key)
		}
	}
	for key := range was {
		if _, kept := is[key]; !kept {
			changed = append(changed, key)
		}
	}
	slices.Sort(changed)
	data, err := json.Marshal(map[string]any{"driver": g.Driver, "changed": changed})
	if err != nil {
		data = nil
	}
	return sashlock.Event{Kind: sashlock.GatewaySaved, Subject: g.Name, Data: data}
}

// plain is a configuration as JSON reads it back, for comparing.
func plain(config map[string]any) map[string]any {
	text, err := json.Marshal(config)
	if err != nil {
		return config
	}
	var out map[string]any
	if json.Unmarshal(text, &out) != nil {
		return config
	}
	return out
}

// Remove takes a gateway away and ends its session. Its devices stay in the
// list, out of reach.
func (r *Room) Remove(ctx context.Context, by sashlock.OperatorID, name string, rev int64) error {
	r.work.Lock()
	defer r.work.Unlock()
	_, err := r.Hall.Change(ctx, flow.Change{Operator: by, Make: func(tx *store.Tx) (flow.Edit, error) {
		old, err := Find(tx, name)
		if err != nil {
			return flow.Edit{}, err
		}
		if err := store.CheckRev("gateway", name, old.Rev, rev); err != nil {
			return flow.Edit{}, err
		}
		_, err = tx.Exec(`DELETE FROM gateways WHERE name = ?`, name)
		return flow.Edit{Events: []sashlock.Event{{Kind: sashlock.GatewayRemoved, Subject: name}}}, err
	}})
	if err != nil {
		return err
	}
	r.note(name, "")
	return r.Sessions.Shut(ctx, name)
}

// Start opens a session to every gateway that was set up. One that cannot be
// opened is noted and logged: it does not keep the store from working.
func (r *Room) Start(ctx context.Context) error {
	var all []Gateway
	err := r.Store.View(ctx, func(q store.Query) (err error) { all, err = List(q); return err })
	for _, g := range all {
		r.open(ctx, g)
	}
	return err
}

// open opens the session of a gateway.
func (r *Room) open(ctx context.Context, g Gateway) {
	err := r.checkName(g.Name, false)
	var config json.RawMessage
	if err == nil {
		config, err = r.Check(g)
	}
	if err == nil {
		err = r.prepare(g)
	}
	if err == nil {
		err = r.Sessions.Open(ctx, g.Name, r.Drivers[g.Driver], config)
	}
	why := ""
	if err != nil {
		why = "not started: " + err.Error()
		r.Log.Warn("gateway not opened", logkey.Gateway(g.Name), logkey.Driver(g.Driver), logkey.Err(err))
	}
	r.note(g.Name, why)
}

func (r *Room) note(name, why string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.trouble[name] = why; why == "" {
		delete(r.trouble, name)
	}
}

// Trouble says why gateways that were set up have no session, by name.
func (r *Room) Trouble() map[string]string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return maps.Clone(r.trouble)
}
