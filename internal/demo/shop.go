// SPDX-License-Identifier: Apache-2.0

package demo

import (
	"context"
	_ "embed" // for the estate
	"encoding/json"
	"errors"
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

//go:embed estate.yaml
var estateText []byte

// gatewayName is the name of the one gateway there is.
const gatewayName = "sim"

// settleTime is the longest the demo waits for every device to have said how
// it stands before it shows its page; the rest follows live.
const settleTime = 10 * time.Second

// shop is the furnished store: what is declared, what is simulated.
type shop struct {
	house    *app.House
	world    *sim.World
	operator sashlock.OperatorID // the demo itself: sets up, and clears up after its own story
	sensors  map[string]bool     // addresses that have a motion sensor beside them
}

// furnish declares the store, opens the simulated gateway and fits every
// device to its opening.
func furnish(ctx context.Context, house *app.House, opts Options) (*shop, error) {
	operator, err := house.OpenDemoConsole(ctx)
	if err != nil {
		return nil, err
	}
	file, err := estate.Parse(estateText)
	if err != nil {
		return nil, err
	}
	quicken(&file, opts.Speed)
	if err := declare(ctx, house, operator, file); err != nil {
		return nil, err
	}
	config, fittings, err := equip(file, opts)
	if err != nil {
		return nil, err
	}
	simulated := sim.New(house.Now)
	world, err := simulated.World(config)
	if err != nil {
		return nil, err
	}
	if err := house.Devices.Open(ctx, gatewayName, simulated, config); err != nil {
		return nil, err
	}
	s := &shop{house: house, world: world, operator: operator, sensors: map[string]bool{}}
	for address := range fittings {
		s.sensors[address] = true
	}
	return s, s.fit(ctx, fittings)
}

// quicken shortens the lengths of time that are declared, so that a fast story
// still meets them. What the product does not allow shorter stays.
func quicken(f *estate.File, speed float64) {
	if speed <= 1 {
		return
	}
	short := func(length *string, least time.Duration) {
		if d, err := time.ParseDuration(*length); err == nil {
			*length = max(least, time.Duration(float64(d)/speed).Truncate(time.Millisecond)).String()
		}
	}
	for i := range f.Openings {
		o := &f.Openings[i]
		short(&o.ReleaseTime, estate.MinReleaseTime)
		short(&o.OpenTime, time.Second)
		short(&o.Unattended, time.Second)
	}
}

// declare brings the estate to what the file says, in one change.
func declare(ctx context.Context, house *app.House, by sashlock.OperatorID, want estate.File) error {
	have, err := house.API.Estate(ctx)
	if err != nil {
		return err
	}
	steps := estate.Diff(have, want, false)
	if len(steps) == 0 {
		return nil
	}
	_, err = house.Hall.Change(ctx, api.Apply(by, steps))
	return err
}

// motionAddress is the address of the motion sensor beside an opening.
func motionAddress(slug string) string { return slug + "-motion" }

// equip says which devices the simulated store has, and to which opening each
// belongs.
func equip(f estate.File, opts Options) (config json.RawMessage, fittings map[string]string, err error) {
	c := sim.Config{Store: "demo", Seed: opts.Seed, LatencyMS: 220, JitterMS: 120}
	if opts.Speed > 1 {
		c.LatencyMS, c.JitterMS = max(1, int(220/opts.Speed)), int(120/opts.Speed)
	}
	fittings = map[string]string{}
	add := func(d sim.Device, slug string) {
		d.Battery = 62 + len(c.Devices)*7%38
		c.Devices = append(c.Devices, d)
		fittings[d.Address] = slug
	}
	for _, o := range f.Openings {
		d := sim.Device{Address: o.Slug, Name: o.Name, Kind: sim.LockWithContact}
		switch o.Slug {
		case "main-entrance", "side-entrance":
			d.Kind = sim.Contact // customers walk through: nothing to lock
		case "kiosk-1", "kiosk-2":
			d.Kind = sim.Lock
		case "staff-entrance", "cash-office":
			d.Codes = []sim.Code{{Slot: 1, PIN: "0000"}, {Slot: 2, PIN: "1111"}, {Slot: 3, PIN: "2222"}}
		}
		add(d, o.Slug)
		if o.Kind == string(sashlock.Case) {
			add(sim.Device{Address: motionAddress(o.Slug), Name: o.Name + " motion", Kind: sim.Motion}, o.Slug)
		}
	}
	config, err = json.Marshal(c)
	return config, fittings, err
}

// fit adopts every device for its opening, as soon as the gateway has told of
// it, and waits until all have said how they stand.
func (s *shop) fit(ctx context.Context, fittings map[string]string) error {
	news, stop := s.house.Store.Subscribe()
	defer stop()
	found := func() (all []sashlock.Device, err error) {
		err = s.house.Store.View(ctx, func(q store.Query) (err error) { all, err = devices.List(q); return err })
		return all, err
	}
	if err := await(ctx, news, settleTime, func() (bool, error) {
		all, err := found()
		return len(all) >= len(fittings), err
	}); err != nil {
		return err
	}
	all, err := found()
	if err != nil {
		return err
	}
	if err := s.adopt(ctx, all, fittings); err != nil {
		return err
	}
	return await(ctx, news, settleTime, func() (bool, error) { return s.heardFromAll(ctx) })
}

// adopt adopts all devices at once, so that they share commits.
func (s *shop) adopt(ctx context.Context, all []sashlock.Device, fittings map[string]string) error {
	opening := map[string]sashlock.OpeningID{}
	for id, o := range s.house.Hall.Book().Openings {
		opening[o.Slug] = id
	}
	var group sync.WaitGroup
	errs := make([]error, len(all))
	for i, d := range all {
		to := opening[fittings[d.Address]]
		if d.Gateway != gatewayName || to == "" || d.Opening == to {
			continue
		}
		group.Go(func() { _, errs[i] = s.house.Devices.Adopt(ctx, s.operator, string(d.ID), to) })
	}
	group.Wait()
	return errors.Join(errs...)
}

func (s *shop) heardFromAll(ctx context.Context) (bool, error) {
	states, err := s.house.Store.States(ctx)
	heard := 0
	for _, state := range states {
		if !state.Heard.IsZero() && (state.Lock != "" || state.Position != "") {
			heard++
		}
	}
	return heard >= len(s.house.Hall.Book().Openings), err
}

// await waits until a condition holds, looking again after every commit. That
// it did not come in time is no error: the demo then shows what there is.
func await(ctx context.Context, news <-chan struct{}, longest time.Duration, holds func() (bool, error)) error {
	over := time.NewTimer(longest)
	defer over.Stop()
	for {
		done, err := holds()
		if done || err != nil {
			return err
		}
		select {
		case <-news:
		case <-over.C:
			return nil
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}
