// SPDX-License-Identifier: Apache-2.0

// Package latency is the book of how quick locks are, for each driver, model
// and firmware, as the ledger has it.
//
// # What
//
// [Read] takes the latest orders from the ledger and measures three times of
// each: until the driver's ecosystem had taken it (sent), until the order came
// to a good end (confirmed), and until the lock itself said that its bolt had
// moved (sensed).
//
// # How it fits
//
// The page of devices in the console shows it. What counts is when the store
// node heard of a thing: the clocks of devices say nothing here.
//
// # Promises
//
// It reads a bounded number of entries through the index, however long the
// ledger is. An order that came to nothing is counted, and is in no time.
package latency

import (
	"cmp"
	"context"
	"slices"
	"time"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/internal/store"
)

// LookBack is how far back people look at orders.
const LookBack = 30 * 24 * time.Hour

// most is how many entries of each sort are read: as many as a page has time for.
const most = 2000

// Times are the middle and the slow end of how long a thing took.
type Times struct {
	N        int           // how often it was measured
	P50, P99 time.Duration // half, and 99 of 100, took no longer
}

// Line is one sort of lock.
type Line struct {
	Driver, Maker, Model, Firmware string
	Orders                         int // that came to an end
	Failed                         int // of them, those that came to nothing
	Sent, Confirmed, Sensed        Times
}

// order is one command and what became of it.
type order struct {
	device                          sashlock.DeviceID
	verb                            sashlock.Verb
	queued, sent, confirmed, sensed time.Time
	ended, failed                   bool
}

// Read reads the latest orders since an instant and tells of the sorts of lock
// that they were for, in order of driver, maker and model. Devices are all that
// are known; of others nothing is told.
func Read(ctx context.Context, s *store.Store, devices []sashlock.Device, since time.Time) ([]Line, error) {
	commands, err := s.Events(ctx, store.EventQuery{Kind: "command.", Since: since, Newest: true, Limit: most})
	if err != nil || len(commands) == 0 {
		return nil, err
	}
	first := commands[len(commands)-1].Heard
	moves, err := s.Events(ctx, store.EventQuery{Kind: "lock.", Since: first, Newest: true, Limit: most})
	if err != nil {
		return nil, err
	}
	return lines(orders(commands, moves), devices), nil
}

// orders puts together what belongs to each command. Both lists are newest
// first.
func orders(commands, moves []sashlock.Event) []*order {
	all := map[sashlock.CommandID]*order{}
	byDevice := map[sashlock.DeviceID][]*order{}
	for _, e := range slices.Backward(commands) {
		o := all[e.Command]
		if o == nil {
			if e.Kind != sashlock.CommandQueued {
				continue // it began before what was read
			}
			o = &order{device: e.Device, verb: sashlock.Verb(e.Why), queued: e.Heard}
			all[e.Command] = o
			byDevice[e.Device] = append(byDevice[e.Device], o)
			continue
		}
		switch e.Kind {
		case sashlock.CommandAccepted:
			o.sent = e.Heard
		case sashlock.CommandEnded:
			o.ended, o.failed = true, e.Reason != ""
			if !o.failed {
				o.confirmed = e.Heard
			}
		}
	}
	for _, e := range slices.Backward(moves) {
		for _, o := range byDevice[e.Device] {
			if o.answeredBy(e) && (e.Command == "" || all[e.Command] == o) {
				o.sensed = e.Heard
				break
			}
		}
	}
	var done []*order
	for _, list := range byDevice {
		for _, o := range list {
			if o.ended {
				done = append(done, o)
			}
		}
	}
	return done
}

// answeredBy reports whether what a lock said is the first word that an order
// waits for.
func (o *order) answeredBy(e sashlock.Event) bool {
	want := e.Kind == sashlock.LockUnlocked || e.Kind == sashlock.LockUnlatched
	if o.verb == sashlock.DoLock {
		want = e.Kind == sashlock.LockLocked
	}
	return want && o.sensed.IsZero() && !o.failed && !e.Heard.Before(o.queued) && e.Heard.Sub(o.queued) <= sashlock.MaxCommandLife
}

// lines gathers orders by the sort of lock that they were for.
func lines(all []*order, devices []sashlock.Device) []Line {
	known := make(map[sashlock.DeviceID]sashlock.Device, len(devices))
	for _, d := range devices {
		known[d.ID] = d
	}
	type sort struct{ driver, maker, model, firmware string }
	bySort := map[sort][]*order{}
	for _, o := range all {
		if d, is := known[o.device]; is {
			k := sort{d.Driver, d.Maker, d.Model, d.Firmware}
			bySort[k] = append(bySort[k], o)
		}
	}
	var out []Line
	for k, list := range bySort {
		l := Line{Driver: k.driver, Maker: k.maker, Model: k.model, Firmware: k.firmware, Orders: len(list)}
		for _, o := range list {
			if o.failed {
				l.Failed++
			}
		}
		l.Sent = times(list, func(o *order) time.Time { return o.sent })
		l.Confirmed = times(list, func(o *order) time.Time { return o.confirmed })
		l.Sensed = times(list, func(o *order) time.Time { return o.sensed })
		out = append(out, l)
	}
	slices.SortFunc(out, func(a, b Line) int {
		return cmp.Or(cmp.Compare(a.Driver, b.Driver), cmp.Compare(a.Maker, b.Maker), cmp.Compare(a.Model, b.Model), cmp.Compare(a.Firmware, b.Firmware))
	})
	return out
}

// times measures how long after it was given an order came so far.
func times(list []*order, until func(*order) time.Time) Times {
	var took []time.Duration
	for _, o := range list {
		if at := until(o); !at.IsZero() {
			took = append(took, at.Sub(o.queued))
		}
	}
	if len(took) == 0 {
		return Times{}
	}
	slices.Sort(took)
	rank := func(percent int) time.Duration { return took[(len(took)*percent+99)/100-1] }
	return Times{N: len(took), P50: rank(50), P99: rank(99)}
}
