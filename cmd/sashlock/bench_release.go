// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/driver/sim"
	"github.com/sashlock/sashlock/internal/api"
	"github.com/sashlock/sashlock/internal/app"
	"github.com/sashlock/sashlock/internal/devices"
	"github.com/sashlock/sashlock/internal/estate"
	"github.com/sashlock/sashlock/internal/store"
)

const (
	simLocks     = 500 // so many that each is locked again before its next turn
	releasesPace = 10 * time.Millisecond
)

// simulatedHouse is a whole store node with locks that exist in memory only.
type simulatedHouse struct {
	house    *app.House
	unlocked func(n int) (bool, error) // whether the bolt of a lock is drawn
	person   sashlock.PersonID
	openings []sashlock.OpeningID
}

// fleet is what locks a simulated house has.
type fleet struct {
	count int
	// open opens the gateway "bench", at which the locks have the addresses of
	// [address].
	open func(ctx context.Context, house *app.House, count int) (unlocked func(n int) (bool, error), err error)
}

// simulated are locks of the simulated store, whose bolts take a millisecond.
func simulated() fleet { return fleet{simLocks, openSimulator} }

func openSimulator(ctx context.Context, house *app.House, count int) (func(int) (bool, error), error) {
	config := sim.Config{Store: "bench", Seed: 1, LatencyMS: 1}
	for n := range count {
		config.Devices = append(config.Devices, sim.Device{Address: address(n), Kind: sim.Lock})
	}
	text, err := json.Marshal(config)
	if err != nil {
		return nil, err
	}
	simulator := sim.New(nil)
	world, err := simulator.World(text)
	if err != nil {
		return nil, err
	}
	return func(n int) (bool, error) {
		state, err := world.State(address(n))
		return state.Unlocked, err
	}, house.Devices.Open(ctx, "bench", simulator, text)
}

// releases measures requests at a steady pace, whatever the answers take.
func (b *bench) releases() error {
	h, err := openSimulatedHouse(b.desk.ctx, filepath.Join(b.dir, "house"), simulated())
	if err != nil {
		return err
	}
	laps, err := b.pace(h)
	if err = errors.Join(err, h.house.Stop()); err != nil {
		return err
	}
	b.note("releases at 100 a second", float64(len(laps.confirmed)), "")
	b.note("request to durable decision, median", milliseconds(percentile(laps.decided, 0.5)), "ms")
	b.note("request to durable decision, p99", milliseconds(percentile(laps.decided, 0.99)), "ms")
	b.note("request to simulated bolt, median", milliseconds(percentile(laps.moved, 0.5)), "ms")
	b.below("request to simulated bolt, p99", milliseconds(percentile(laps.moved, 0.99)), "ms", 20)
	b.note("request to the lock's durable word, median", milliseconds(percentile(laps.confirmed, 0.5)), "ms")
	b.note("request to the lock's durable word, p99", milliseconds(percentile(laps.confirmed, 0.99)), "ms")
	return nil
}

// lapTimes are how long after the request something was reached.
type lapTimes struct {
	mu                        sync.Mutex
	decided, moved, confirmed []time.Duration
	failed                    error
}

// pace makes requests at a steady pace and returns how long they took, the
// quickest first.
func (b *bench) pace(h *simulatedHouse) (*lapTimes, error) {
	var laps lapTimes
	var wg sync.WaitGroup
	tick := time.NewTicker(releasesPace)
	defer tick.Stop()
	for n := range int(b.command.For / releasesPace) {
		select {
		case <-b.desk.ctx.Done():
			return nil, b.desk.ctx.Err()
		case <-tick.C:
		}
		wg.Go(func() { laps.run(b.desk.ctx, h, n%len(h.openings)) })
	}
	wg.Wait()
	for _, times := range [][]time.Duration{laps.decided, laps.moved, laps.confirmed} {
		slices.Sort(times)
	}
	return &laps, laps.failed
}

// run makes one request and follows it to its end.
func (l *lapTimes) run(ctx context.Context, h *simulatedHouse, n int) {
	decided, moved, confirmed, err := h.release(ctx, n)
	l.mu.Lock()
	defer l.mu.Unlock()
	if err != nil {
		l.failed = errors.Join(l.failed, err)
		return
	}
	l.decided, l.moved, l.confirmed = append(l.decided, decided), append(l.moved, moved), append(l.confirmed, confirmed)
}

func (h *simulatedHouse) release(ctx context.Context, n int) (decided, moved, confirmed time.Duration, err error) {
	news, stop := h.house.Store.Subscribe()
	defer stop()
	look := time.NewTicker(200 * time.Microsecond)
	defer look.Stop()
	began := time.Now()
	answer, err := h.house.Hall.Request(ctx, sashlock.Request{Person: h.person, Opening: h.openings[n], Method: sashlock.ByRemote})
	decided = time.Since(began)
	if err != nil {
		return 0, 0, 0, err
	}
	if !answer.Decision.Granted {
		return 0, 0, 0, fmt.Errorf("a release was refused: %s", answer.Decision.Reason.Words())
	}
	for {
		if unlocked, err := h.unlocked(n); err != nil {
			return 0, 0, 0, err
		} else if unlocked && moved == 0 {
			moved = time.Since(began)
		}
		c, err := h.house.Store.Command(ctx, answer.Command)
		switch {
		case err != nil:
			return 0, 0, 0, err
		case c.State == sashlock.CommandSucceeded:
			confirmed = time.Since(began)
			if moved == 0 {
				moved = confirmed
			}
			return decided, moved, confirmed, nil
		case c.State.Final():
			return 0, 0, 0, fmt.Errorf("a release ended as %s: %s", c.State, c.Reason.Words())
		}
		select {
		case <-ctx.Done():
			return 0, 0, 0, ctx.Err()
		case <-news:
		case <-look.C:
		}
	}
}

func address(n int) string { return fmt.Sprintf("lock-%d", n) }

func openSimulatedHouse(ctx context.Context, dir string, locks fleet) (*simulatedHouse, error) {
	if _, err := app.Init(dir); err != nil {
		return nil, err
	}
	house, err := app.New(ctx, app.Config{Data: dir, JournalSize: 1 << 20}, slog.New(slog.DiscardHandler))
	if err != nil {
		return nil, err
	}
	h := &simulatedHouse{house: house}
	if err := h.furnish(ctx, locks); err != nil {
		return nil, errors.Join(err, house.Stop())
	}
	return h, nil
}

// furnish declares the openings, opens the gateway and adopts its locks.
func (h *simulatedHouse) furnish(ctx context.Context, locks fleet) error {
	if err := h.house.Start(ctx); err != nil {
		return err
	}
	file := estate.File{
		Sites:  []estate.Site{{Slug: "bench", Name: "Bench", Zone: "UTC"}},
		People: []estate.Person{{Slug: "ana", Name: "Ana"}},
		Grants: []estate.Grant{{Slug: "all", Person: "ana", Site: "bench"}},
	}
	for n := range locks.count {
		file.Openings = append(file.Openings, estate.Opening{Slug: address(n), Name: address(n), Kind: "case", Site: "bench", ReleaseTime: "3s"})
	}
	_, err := h.house.Hall.Change(ctx, api.Apply("", estate.Diff(estate.File{}, file, false)))
	if err != nil {
		return err
	}
	if h.unlocked, err = locks.open(ctx, h.house, locks.count); err != nil {
		return err
	}
	return h.adopt(ctx, locks.count)
}

func (h *simulatedHouse) adopt(ctx context.Context, count int) error {
	discovered := func(ctx context.Context) (bool, error) { n, err := h.discovered(ctx); return n == count, err }
	if err := h.until(ctx, discovered); err != nil {
		return err
	}
	book := h.house.Hall.Book()
	bySlug := map[string]sashlock.OpeningID{}
	for id, o := range book.Openings {
		bySlug[o.Slug] = id
	}
	for id := range book.People {
		h.person = id
	}
	for n := range count {
		id := bySlug[address(n)]
		if _, err := h.house.Devices.Adopt(ctx, "", "bench/"+address(n), id); err != nil {
			return err
		}
		h.openings = append(h.openings, id)
	}
	return h.until(ctx, func(ctx context.Context) (bool, error) { n, err := h.heard(ctx); return n == count, err })
}

// discovered counts the locks that were found.
func (h *simulatedHouse) discovered(ctx context.Context) (int, error) {
	var found []sashlock.Device
	err := h.house.Store.View(ctx, func(q store.Query) (err error) { found, err = devices.List(q); return err })
	return len(found), err
}

// heard counts the locks that have said how they stand: until all have, a lock's
// word on a release would wait behind that of the others.
func (h *simulatedHouse) heard(ctx context.Context) (int, error) {
	states, err := h.house.Store.States(ctx)
	said := 0
	for _, s := range states {
		if s.Lock != "" {
			said++
		}
	}
	return said, err
}

// until waits for a condition.
func (h *simulatedHouse) until(ctx context.Context, met func(context.Context) (bool, error)) error {
	look := time.NewTicker(10 * time.Millisecond)
	defer look.Stop()
	for {
		if ok, err := met(ctx); ok || err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-look.C:
		}
	}
}
