// SPDX-License-Identifier: Apache-2.0

package devices

import (
	"context"
	"maps"
	"slices"
	"time"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/driver"
	"github.com/sashlock/sashlock/internal/flow"
	"github.com/sashlock/sashlock/internal/logkey"
	"github.com/sashlock/sashlock/internal/store"
)

// refusedEvery is how often a report of a device that was not adopted is
// recorded: often enough to be noticed, too seldom to flood the ledger.
const refusedEvery = time.Hour

// sink takes what one gateway's session hears.
type sink struct {
	room    *Room
	driver  string
	gateway string
}

// Found puts a device into the inbox, or keeps what changed about it.
func (s *sink) Found(ctx context.Context, f driver.Discovery) error {
	if old, known := s.room.at(place{s.gateway, f.Address}); known && same(old, s.seen(old, f)) {
		return nil
	}
	_, err := s.room.hall.Change(ctx, flow.Change{Make: func(tx *store.Tx) (flow.Edit, error) {
		// Read here and not before: somebody may be adopting it just now.
		old, err := findAt(tx, s.gateway, f.Address)
		if err != nil {
			return flow.Edit{}, err
		}
		d := s.seen(old, f)
		if old.ID != "" && same(old, d) {
			return flow.Edit{}, nil
		}
		d.Rev++
		if d.ID == "" {
			d.ID = sashlock.NewID[sashlock.DeviceID](tx.Now())
		}
		edit := flow.Edit{Events: []sashlock.Event{{
			Kind: sashlock.DeviceDiscovered, Device: d.ID, Opening: d.Opening, Subject: string(d.ID), Data: data(d),
		}}}
		if d.Opening != "" {
			edit.Fitted = []sashlock.Device{d}
		}
		return edit, s.room.keep(tx, d)
	}})
	return err
}

// seen is a device as it was just found.
func (s *sink) seen(d sashlock.Device, f driver.Discovery) sashlock.Device {
	d.Driver, d.Gateway, d.Address = s.driver, s.gateway, f.Address
	d.Name, d.Maker, d.Model, d.Firmware, d.Security, d.Weak = f.Name, f.Maker, f.Model, f.Firmware, f.Security, f.Weak
	d.Capabilities = slices.Sorted(slices.Values(f.Capabilities))
	return d
}

func same(a, b sashlock.Device) bool {
	return a.Driver == b.Driver && a.Name == b.Name && a.Maker == b.Maker && a.Model == b.Model && a.Firmware == b.Firmware &&
		a.Security == b.Security && a.Weak == b.Weak && slices.Equal(a.Capabilities, b.Capabilities)
}

// Heard hands a report to the Report door once it is known which opening it is
// about. It returns when the report is durable.
func (s *sink) Heard(ctx context.Context, h driver.Report) error {
	p := place{s.gateway, h.Address}
	s.room.overheard(p, h)
	d, known := s.room.at(p)
	stranger := !known || d.Opening == ""
	if stranger && (h.State || !s.room.mayRecordRefusal(p)) {
		return nil // how a device in the inbox stands is nobody's news yet
	}
	_, err := s.room.hall.Report(ctx, sashlock.Report{
		Device: d.ID, Opening: d.Opening, Kind: h.Kind, Boot: h.Boot, Number: h.Number, At: h.At, Method: h.Method,
		Slot: h.Slot, Level: h.Level, State: h.State, Command: h.Command, Reason: h.Reason,
	})
	if stranger && err == nil {
		s.room.refusalRecorded(p)
	}
	return err
}

// Presented has it decided what becomes of something that was presented at a
// reader. At a reader that is not fitted to an opening nothing is decided, and
// nothing is kept of what was presented but that something was.
func (s *sink) Presented(ctx context.Context, p driver.Presentation) (driver.Verdict, error) {
	d, known := s.room.at(place{s.gateway, p.Address})
	if !known || d.Opening == "" {
		return driver.Verdict{}, s.Heard(ctx, driver.Report{Address: p.Address, Kind: sashlock.CredentialRefused})
	}
	if s.room.judge == nil {
		return driver.Verdict{}, nil
	}
	v, err := s.room.judge(ctx, d, p)
	if err != nil {
		s.room.log.Warn("nothing decided at a reader", logkey.Device(d.ID), logkey.Err(err))
	}
	return v, err
}

// mostStrangers is of how many places refusals are remembered: a gateway that
// invents addresses must not fill the memory or the ledger.
const mostStrangers = 4096

// mayRecordRefusal keeps a stranger's reports from filling the ledger.
func (r *Room) mayRecordRefusal(p place) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	last, before := r.refused[p]
	if !before {
		r.forgetStrangers()
		return len(r.refused) < mostStrangers
	}
	return r.now().Sub(last) >= refusedEvery
}

// forgetStrangers makes room for new ones. It is called with mu held.
func (r *Room) forgetStrangers() {
	if len(r.refused) < mostStrangers {
		return
	}
	maps.DeleteFunc(r.refused, func(_ place, last time.Time) bool { return r.now().Sub(last) >= refusedEvery })
}

// refusalRecorded notes that a stranger's report stands in the ledger.
func (r *Room) refusalRecorded(p place) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.refused[p] = r.now()
}

// Gateway keeps whether the gateway can be reached, for the devices page and
// the health check.
func (s *sink) Gateway(_ context.Context, up bool, why string) {
	s.room.mu.Lock()
	if g, open := s.room.gateways[s.gateway]; open {
		g.up, g.why, g.since = up, why, s.room.now()
	}
	s.room.mu.Unlock()
	s.room.log.Info("gateway changed", logkey.Gateway(s.gateway), logkey.Up(up), logkey.Why(why))
}
