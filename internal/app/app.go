// SPDX-License-Identifier: Apache-2.0

// Package app builds a house: it joins store, hall, rooms, drivers and the API
// into one running store node.
//
// # How it fits
//
// This is where everything meets, and the only place where configuration is
// read and interfaces are filled. The wiring is long and plain on purpose.
// drivers.go, rules.go and pages.go list what there is; adding one is a line.
//
// # Promises
//
// New opens nothing to the network and moves nothing. Start first ends what an
// earlier life left under way, then opens the gateways, then answers. Stop ends
// all of it and loses nothing that was acknowledged.
package app

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"sync"
	"time"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/internal/access"
	"github.com/sashlock/sashlock/internal/alarms"
	"github.com/sashlock/sashlock/internal/announce"
	"github.com/sashlock/sashlock/internal/api"
	"github.com/sashlock/sashlock/internal/approvals"
	"github.com/sashlock/sashlock/internal/assistance"
	"github.com/sashlock/sashlock/internal/codes"
	"github.com/sashlock/sashlock/internal/console"
	"github.com/sashlock/sashlock/internal/console/phone"
	"github.com/sashlock/sashlock/internal/credentials"
	"github.com/sashlock/sashlock/internal/cutover"
	"github.com/sashlock/sashlock/internal/devices"
	"github.com/sashlock/sashlock/internal/flow"
	"github.com/sashlock/sashlock/internal/gateways"
	"github.com/sashlock/sashlock/internal/grants"
	"github.com/sashlock/sashlock/internal/guard"
	"github.com/sashlock/sashlock/internal/incidents"
	"github.com/sashlock/sashlock/internal/logkey"
	"github.com/sashlock/sashlock/internal/people"
	"github.com/sashlock/sashlock/internal/rails"
	"github.com/sashlock/sashlock/internal/scenarios"
	"github.com/sashlock/sashlock/internal/shifts"
	"github.com/sashlock/sashlock/internal/shopper"
	"github.com/sashlock/sashlock/internal/signin"
	"github.com/sashlock/sashlock/internal/sites"
	"github.com/sashlock/sashlock/internal/store"
	"github.com/sashlock/sashlock/internal/tally"
)

// House is a running store node.
type House struct {
	Config      Config
	Keys        Keys
	Store       *store.Store
	Hall        *flow.Hall
	Devices     *devices.Room
	Gateways    *gateways.Room
	Signin      *signin.Room
	Assistance  *assistance.Room
	Scenarios   *scenarios.Room
	Credentials *credentials.Room
	Codes       *codes.Room
	Cards       cutover.Records
	Approvals   *approvals.Room
	Shopper     *shopper.Room
	API         *api.API
	Log         *slog.Logger
	Now         func() time.Time

	demo   sashlock.OperatorID    // who acts on the console of a demo; empty: this is no demo
	mounts []func(*console.Frame) // pages that are no part of every store
	stop   context.CancelFunc
	done   sync.WaitGroup
}

// New opens the store of a data folder that [Init] made and builds the house
// over it.
func New(ctx context.Context, c Config, log *slog.Logger) (*House, error) {
	return NewWithClock(ctx, c, log, time.Now)
}

// NewWithClock is [New] with another clock than the machine's, for tests that
// step it or take it away.
func NewWithClock(ctx context.Context, c Config, log *slog.Logger, now func() time.Time) (*House, error) {
	keys, err := ReadKeys(c.Data)
	if err != nil {
		return nil, err
	}
	h := &House{Config: c, Keys: keys, Log: log, Now: now}
	h.Store, err = store.Open(ctx, store.Options{
		URL: c.DatabaseURL(), Now: h.Now, Origin: keys.Ledger.Name(), Signer: keys.Ledger,
		Journal: c.journal(), JournalSize: c.JournalSize, Version: Version(), Log: log,
	})
	if err != nil {
		return nil, err
	}
	if err := h.build(ctx); err != nil {
		return nil, errors.Join(err, h.Store.Close())
	}
	return h, nil
}

func (h *House) build(ctx context.Context) error {
	book, err := load(ctx, h.Store, h.Now())
	if err != nil {
		return err
	}
	epoch, err := h.begin(ctx)
	if err != nil {
		return err
	}
	h.Hall = flow.New(flow.Options{
		Store: h.Store, Rules: Rules(), Now: h.Now, Epoch: epoch,
		Dispatch: func(c sashlock.Command) { h.Devices.Dispatch(c) },
		Hold: func(tx *store.Tx, next *flow.Book, by sashlock.OperatorID, e flow.Edit) ([]sashlock.Event, error) {
			return h.Approvals.Hold(tx, next, by, e)
		},
	}, book)
	h.Devices, err = devices.New(ctx, devices.Options{
		Store: h.Store, Hall: h.Hall, Key: h.Keys.Command, Epoch: epoch, Now: h.Now, Log: h.Log, Present: h.present,
	})
	if err != nil {
		return err
	}
	h.Gateways = h.newGateways()
	if err := h.openSignin(); err != nil {
		return err
	}
	h.Assistance = assistance.New(assistance.Options{Store: h.Store, Hall: h.Hall, Now: h.Now, Log: h.Log, Reader: phone.Reader(h.Signin)})
	h.Scenarios = scenarios.New(scenarios.Options{
		Store: h.Store, Hall: h.Hall, Now: h.Now, Log: h.Log,
		Granting: scenarios.Granting{List: grants.List, Find: grants.Find, Save: grants.Save, Revoke: grants.Revoke},
	})
	h.Approvals = h.approvals()
	if h.Credentials, err = h.newCredentials(); err != nil {
		return err
	}
	h.Codes = h.newCodes()
	h.Cards = h.newCards()
	if h.Shopper, err = h.newShopper(); err != nil {
		return err
	}
	h.API = api.New(api.Deps{
		Store: h.Store, Hall: h.Hall, Devices: h.Devices, Signin: h.Signin, Now: h.Now, Log: h.Log,
		Version: Version(), VerifierKey: h.Keys.Verifier, Scenarios: h.Scenarios, Credentials: h.Credentials, Codes: h.Codes, Gateways: h.Gateways, Cards: h.Cards, Approvals: h.Approvals, Shopper: h.Shopper,
	})
	return nil
}

// begin records that the store node started, and returns the epoch of this
// life: the instant of its beginning in microseconds, which the store never
// lets run backwards.
func (h *House) begin(ctx context.Context) (epoch int64, err error) {
	_, err = h.Store.DoVital(ctx, func(tx *store.Tx) error {
		epoch = tx.Now().UnixMicro()
		tx.Append(sashlock.Event{Kind: sashlock.SystemStarted, Why: Version()})
		return nil
	})
	return epoch, err
}

// load compiles what has been declared.
func load(ctx context.Context, s *store.Store, now time.Time) (*flow.Book, error) {
	var planned []sashlock.Shift
	var facts access.Facts
	var fitted []sashlock.Device
	var guards *guard.Set
	err := s.View(ctx, func(q store.Query) (err error) {
		read := func(step func() error) {
			if err == nil {
				err = step()
			}
		}
		read(func() (err error) { facts.Sites, err = sites.ListSites(q); return err })
		read(func() (err error) { facts.Areas, err = sites.ListAreas(q); return err })
		read(func() (err error) { facts.Openings, err = sites.ListOpenings(q); return err })
		read(func() (err error) { facts.People, err = people.List(q); return err })
		read(func() (err error) { facts.Roles, err = people.ListRoles(q); return err })
		read(func() (err error) { facts.Schedules, err = grants.ListSchedules(q); return err })
		read(func() (err error) { facts.Grants, err = grants.List(q); return err })
		read(func() (err error) { fitted, err = devices.List(q); return err })
		read(func() (err error) { guards, err = rails.Load(q); return err })
		read(func() (err error) { planned, err = shifts.Load(q, now); return err })
		return err
	})
	if err != nil {
		return nil, err
	}
	book, err := flow.NewBook(facts, fitted)
	if err != nil {
		return nil, err
	}
	book.Shifts = shifts.ByPerson(planned)
	return book.Guarded(guards), nil
}

// Start sets the house to work until [House.Stop].
func (h *House) Start(ctx context.Context) error {
	if err := h.Hall.Resume(ctx); err != nil {
		return err
	}
	running, stop := context.WithCancel(context.WithoutCancel(ctx))
	h.stop = stop
	h.done.Go(func() {
		h.Hall.RunTicks(running, func(err error) { h.Log.Warn("tick failed", logkey.Err(err)) })
	})
	h.done.Go(func() {
		incidents.Run(running, h.Store, h.Hall, func(err error) { h.Log.Warn("alarms not gathered", logkey.Err(err)) })
	})
	h.done.Go(func() {
		alarms.RunReturns(running, h.Store, h.Hall, h.Now, func(err error) { h.Log.Warn("shelved alarms not returned", logkey.Err(err)) })
	})
	h.done.Go(func() {
		shifts.Run(running, h.Store, h.Hall, h.Now, func(err error) { h.Log.Warn("shifts not closed", logkey.Err(err)) })
	})
	h.done.Go(func() {
		credentials.Run(running, h.Store, h.Hall, h.Now, func(err error) { h.Log.Warn("overdue keys not recorded", logkey.Err(err)) })
	})
	h.done.Go(func() { h.Codes.Run(running) })
	h.done.Go(func() { h.Assistance.Run(running) })
	h.done.Go(func() { h.Shopper.Run(running) })
	h.done.Go(func() {
		h.Signin.RunElevations(running, func(err error) { h.Log.Warn("higher roles not ended", logkey.Err(err)) })
	})
	h.done.Go(func() { h.Scenarios.Run(running) })
	h.done.Go(func() {
		h.Approvals.Run(running, func(err error) { h.Log.Warn("uses of grants not counted", logkey.Err(err)) })
	})
	h.done.Go(func() {
		tally.Run(running, h.Store, h.Hall, func(err error) { h.Log.Warn("day counts not kept", logkey.Err(err)) })
	})
	h.done.Go(func() {
		if err := people.Finish(running, h.Store, h.Hall); err != nil && running.Err() == nil {
			h.Log.Warn("list of people not finished", logkey.Err(err))
		}
	})
	if h.Config.Announce.Broker != "" {
		room := announce.Room{Config: h.Config.Announce, Book: h.Hall.Book, States: h.Store.States, News: h.Store.Subscribe, Log: h.Log}
		h.done.Go(func() { room.Run(running) })
	}
	for _, g := range h.Config.Gateways {
		if err := h.open(ctx, g); err != nil {
			return err
		}
	}
	return h.Gateways.Start(ctx)
}

func (h *House) open(ctx context.Context, g Gateway) error {
	d, known := h.drivers()[g.Driver]
	if !known {
		return &sashlock.Error{Kind: sashlock.Invalid, Op: "opening gateway", Subject: "gateways: " + g.Name, Hint: "there is no driver " + g.Driver}
	}
	config, err := g.json()
	if err != nil {
		return err
	}
	return h.Devices.Open(ctx, g.Name, d, config)
}

// Handler serves the API and the console.
func (h *House) Handler() http.Handler { return loopbackOnly(h.paths()) }

// Stop ends all work: gateways first, then ticks, then the store.
func (h *House) Stop() error {
	err := h.Devices.Close()
	if h.stop != nil {
		h.stop()
	}
	h.done.Wait()
	return errors.Join(err, h.Store.Close())
}
