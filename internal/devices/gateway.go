// SPDX-License-Identifier: Apache-2.0

package devices

import (
	"context"
	"crypto/ed25519"
	"encoding/json"
	"errors"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/driver"
	"github.com/sashlock/sashlock/internal/logkey"
)

// gateway is a running session and the workers that carry its commands.
type gateway struct {
	name    string
	driver  string
	session driver.Session
	started time.Time

	up    bool // guarded by Room.mu
	why   string
	since time.Time

	gates  map[sashlock.SiteID]*driver.Gate // guarded by gateMu
	gateMu sync.Mutex

	stop context.CancelFunc
	done sync.WaitGroup
	ctx  context.Context //nolint:containedctx // ends with the session, not with a call
}

// GatewayStatus is how a gateway stands.
type GatewayStatus struct {
	Name   string
	Driver string
	Up     bool
	Why    string    // why it is down
	Since  time.Time // since when it is up or down
}

// Open starts a session to a gateway under a name of its own. It returns at
// once; a gateway that is away is tried again until the room is closed.
func (r *Room) Open(ctx context.Context, name string, d driver.Driver, config json.RawMessage) error {
	if err := d.Check(config); err != nil {
		return err
	}
	running, stop := context.WithCancel(context.WithoutCancel(ctx))
	g := &gateway{
		name: name, driver: d.Name(), started: r.now(), since: r.now(), why: "not reached yet",
		gates: map[sashlock.SiteID]*driver.Gate{}, stop: stop, ctx: running,
	}
	r.mu.Lock()
	_, taken := r.gateways[name]
	taken = taken || r.closed
	if !taken {
		r.gateways[name] = g
	}
	r.mu.Unlock()
	if taken {
		stop()
		return &sashlock.Error{Kind: sashlock.Conflict, Op: "opening gateway", Subject: name, Hint: "give each gateway a name of its own"}
	}
	session, err := d.Open(ctx, config, &sink{room: r, driver: d.Name(), gateway: name})
	if err != nil {
		stop()
		r.mu.Lock()
		delete(r.gateways, name)
		r.mu.Unlock()
		return err
	}
	r.mu.Lock()
	closed := r.gateways[name] != g
	if !closed {
		g.session = session
	}
	r.mu.Unlock()
	if closed { // the room was closed meanwhile
		return session.Close()
	}
	return nil
}

// Shut ends the session of one gateway, waits for its commands under way, and
// records that its devices at openings cannot be reached. A name that has no
// session is none to end.
func (r *Room) Shut(ctx context.Context, name string) error {
	r.mu.Lock()
	g := r.gateways[name]
	delete(r.gateways, name)
	r.mu.Unlock()
	if g == nil {
		return nil
	}
	err := g.end()
	ctx = context.WithoutCancel(ctx) // what is shown must not stay as it was
	for _, d := range r.hall.Book().Devices {
		if d.Gateway == name {
			_, gone := r.hall.Report(ctx, sashlock.Report{Kind: sashlock.DeviceOffline, Device: d.ID, Opening: d.Opening})
			err = errors.Join(err, gone)
		}
	}
	return err
}

// end ends a session that no longer gets commands, and waits for those under
// way.
func (g *gateway) end() error {
	g.stop()
	g.done.Wait()
	if g.session == nil {
		return nil // it is being opened, and closed by whoever does
	}
	return g.session.Close()
}

// Close ends every session and waits for the commands under way.
func (r *Room) Close() error {
	r.mu.Lock()
	r.closed = true
	open := slices.Collect(maps.Values(r.gateways))
	clear(r.gateways)
	r.mu.Unlock()
	var errs []error
	for _, g := range open {
		errs = append(errs, g.end())
	}
	r.strays.Wait()
	return errors.Join(errs...)
}

// Has reports whether a gateway of a name is open.
func (r *Room) Has(name string) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	_, open := r.gateways[name]
	return open
}

// Gateways tells how every gateway stands, in order of name.
func (r *Room) Gateways() []GatewayStatus {
	r.mu.Lock()
	defer r.mu.Unlock()
	out := make([]GatewayStatus, 0, len(r.gateways))
	for _, name := range slices.Sorted(maps.Keys(r.gateways)) {
		g := r.gateways[name]
		out = append(out, GatewayStatus{Name: name, Driver: g.driver, Up: g.up, Why: g.why, Since: g.since})
	}
	return out
}

// Dispatch takes a committed command on its way to its device. It does not
// block: commands live seconds, are few, and each travels by itself, so that a
// lock that does not answer holds up no other.
func (r *Room) Dispatch(c sashlock.Command) {
	r.mu.Lock()
	defer r.mu.Unlock()
	// Under the lock, so that Close waits for it or it finds the room closed.
	if r.closed {
		return // the next life ends it as restarted
	}
	d, fitted := r.hall.Book().Devices[c.Device]
	if g := r.gateways[d.Gateway]; fitted && g != nil && g.session != nil {
		g.done.Go(func() { r.tell(g.ctx, c, r.execute(g, c)) })
		return
	}
	why := sashlock.NoLock
	if fitted {
		why = sashlock.LockOffline
	}
	r.strays.Go(func() { r.tell(context.Background(), c, why) })
}

// execute signs a command and puts it through the gate; the reason is empty
// when the driver took it.
func (r *Room) execute(g *gateway, c sashlock.Command) sashlock.Reason {
	gate := r.gate(g, c.Site)
	if gate == nil {
		return sashlock.NoLock
	}
	c.Address = r.hall.Book().Devices[c.Device].Address
	err := gate.Execute(g.ctx, driver.SignCommand(r.key, c))
	if err == nil {
		return ""
	}
	r.log.Info("command not taken", logkey.Command(c.ID), logkey.Device(c.Device), logkey.Err(err))
	if reason := driver.RefusedFor(err); reason != "" {
		return reason
	}
	if sashlock.IsKind(err, sashlock.Denied) {
		return sashlock.DeviceRefused
	}
	return sashlock.LockOffline
}

// gate returns the gate for one site's commands, nil when the session cannot
// move locks.
func (r *Room) gate(g *gateway, site sashlock.SiteID) *driver.Gate {
	op, can := g.session.(driver.Operator)
	if !can {
		return nil
	}
	g.gateMu.Lock()
	defer g.gateMu.Unlock()
	if gate, made := g.gates[site]; made {
		return gate
	}
	gate := driver.NewGate(driver.GateConfig{
		Key: r.key.Public().(ed25519.PublicKey), Site: site, Epoch: r.epoch, Started: g.started, Now: r.now,
		Devices: func(id sashlock.DeviceID) (string, sashlock.OpeningID, bool) {
			d, fitted := r.hall.Book().Devices[id]
			return d.Address, d.Opening, fitted && d.Gateway == g.name
		},
		Egress: func(id sashlock.OpeningID) bool {
			return r.hall.Book().Openings[id].Egress != sashlock.EgressNone
		},
		Trial: r.onTrial,
	}, op)
	g.gates[site] = gate
	return gate
}

// onTrial reports whether an opening is on trial: nothing is sent to its devices.
func (r *Room) onTrial(id sashlock.OpeningID) bool { return r.hall.Book().Openings[id].Trial }

// tell records what a driver made of a command.
func (r *Room) tell(ctx context.Context, c sashlock.Command, why sashlock.Reason) {
	kind := sashlock.CommandAccepted
	if why != "" {
		kind = sashlock.CommandEnded
	}
	_, err := r.hall.Report(context.WithoutCancel(ctx), sashlock.Report{
		Kind: kind, Device: c.Device, Opening: c.Opening, Command: c.ID, Reason: why,
	})
	if err != nil {
		r.log.Warn("command outcome not recorded", logkey.Command(c.ID), logkey.Err(err))
	}
}
