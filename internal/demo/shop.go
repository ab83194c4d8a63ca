// SPDX-License-Identifier: Apache-2.0

package demo

import (
	"context"
	_ "embed" // for the estate
	"encoding/json"
	"errors"
	"maps"
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

//go:embed estate.yaml
var estateText []byte

// settleTime is the longest the demo waits for every device to have said how
// it stands before it shows its page; the rest follows live.
const settleTime = 10 * time.Second

// shop is the furnished chain of stores: what is declared, what is simulated.
type shop struct {
	house    *app.House
	operator sashlock.OperatorID                         // whoever looks at the demo, who also set it up
	staff    staff                                       // the identities one can take on
	worlds   map[string]*sim.World                       // by gateway
	gateway  map[string]string                           // by address: through which gateway it is reached
	sensors  map[string]bool                             // addresses that have a motion sensor beside them
	levels   map[string]int                              // of the batteries at the start, by address
	speed    float64                                     // with which it was started
	start    time.Time                                   // when it was started
	cards    map[sashlock.PersonID]sashlock.CredentialID // that people hold
	pins     []knownPIN                                  // that people know
}

// world is the simulated world in which a device is.
func (s *shop) world(address string) *sim.World { return s.worlds[s.gateway[address]] }

// furnish declares the stores, opens the simulated gateways and fits every
// device to its opening. A new demo has a clock for its past, which ran at the
// speed of life: the stores were declared long before their history begins. To
// others the clock is nil.
func furnish(ctx context.Context, house *app.House, opts Options, past *clock, start time.Time) (*shop, error) {
	s := &shop{
		house: house, worlds: map[string]*sim.World{}, gateway: map[string]string{},
		sensors: map[string]bool{}, levels: map[string]int{}, speed: opts.Speed, start: time.Now(),
	}
	var err error
	if s.operator, err = house.OpenDemoConsole(ctx); err != nil {
		return nil, err
	}
	file, err := estate.Parse(estateText)
	if err != nil {
		return nil, err
	}
	if past == nil {
		quicken(&file, opts.Speed)
	} else {
		file.Grants = append(file.Grants, leftovers(start)...)
	}
	if err := declare(ctx, house, s.operator, file); err != nil {
		return nil, err
	}
	if err := s.admit(ctx); err != nil {
		return nil, err
	}
	if past != nil {
		if err := s.prepareOffice(ctx, past, start); err != nil {
			return nil, err
		}
	}
	if err := s.watch(ctx); err != nil {
		return nil, err
	}
	configs, fittings := s.equip(file, opts)
	simulated := sim.New(house.Now)
	for _, name := range slices.Sorted(maps.Keys(configs)) {
		config, err := json.Marshal(configs[name])
		if err != nil {
			return nil, err
		}
		if s.worlds[name], err = simulated.World(config); err != nil {
			return nil, err
		}
		if err := house.Devices.Open(ctx, name, simulated, config); err != nil {
			return nil, err
		}
	}
	if err := s.fit(ctx, fittings); err != nil {
		return nil, err
	}
	if err := s.letCustomers(ctx); err != nil {
		return nil, err
	}
	if past != nil {
		if err := s.registerFinger(ctx); err != nil {
			return nil, err
		}
	}
	if s.cards, err = s.carried(ctx); err != nil {
		return nil, err
	}
	s.pins, err = readPINs(opts.Data)
	return s, err
}

// prepareOffice does what was done in the office between the day on which the
// stores were declared and the beginning of the history.
func (s *shop) prepareOffice(ctx context.Context, past *clock, start time.Time) error {
	if err := s.keyRegister(ctx, past, start); err != nil {
		return err
	}
	if err := s.handOutCredentials(ctx, past, start, s.house.Config.Data); err != nil {
		return err
	}
	return s.planRota(ctx)
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

// hurry makes what is declared as quick as the story.
func (s *shop) hurry(ctx context.Context) error {
	file, err := estate.Parse(estateText)
	if err != nil {
		return err
	}
	quicken(&file, s.speed)
	return declare(ctx, s.house, s.operator, file)
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

// gatewayOf is the gateway that reaches the devices of an opening: in the
// flagship each department has its own, a smaller store has one.
func gatewayOf(o estate.Opening) string {
	if o.Site == "lisbon" {
		return "radio-" + o.Area
	}
	return "radio-" + o.Site
}

// weak are the batteries that somebody should change.
var weak = map[string]int{"spirits-3": 14, "locker-4": 12, "madrid-jewellery-5": 17}

// equip says which devices the simulated stores have, by gateway, and to which
// opening each belongs.
func (s *shop) equip(f estate.File, opts Options) (configs map[string]*sim.Config, fittings map[string]string) {
	configs, fittings = map[string]*sim.Config{}, map[string]string{}
	add := func(d sim.Device, o estate.Opening) {
		gateway := gatewayOf(o)
		c := configs[gateway]
		if c == nil {
			c = &sim.Config{Store: gateway, Seed: opts.Seed, LatencyMS: 220, JitterMS: 120}
			if opts.Speed > 1 {
				c.LatencyMS, c.JitterMS = max(1, int(220/opts.Speed)), int(120/opts.Speed)
			}
			configs[gateway] = c
		}
		if d.Battery = weak[d.Address]; d.Battery == 0 {
			d.Battery = 62 + len(fittings)*7%38
		}
		c.Devices = append(c.Devices, d)
		fittings[d.Address] = o.Slug
		s.gateway[d.Address], s.levels[d.Address] = gateway, d.Battery
	}
	for _, o := range f.Openings {
		d := sim.Device{Address: o.Slug, Name: o.Name, Kind: sim.LockWithContact}
		switch o.Slug {
		case "main-entrance", "side-entrance", "porto-entrance", "madrid-entrance":
			d.Kind = sim.Contact // customers walk through: nothing to lock
		case "kiosk-1", "kiosk-2":
			d.Kind = sim.Lock
		case "staff-entrance", "cash-office":
			d.Codes = []sim.Code{{Slot: 1, PIN: "0000"}, {Slot: 2, PIN: "1111"}, {Slot: 3, PIN: "2222"}}
		}
		add(d, o)
		if o.Kind == string(sashlock.Case) {
			s.sensors[motionAddress(o.Slug)] = true
			add(sim.Device{Address: motionAddress(o.Slug), Name: o.Name + " motion", Kind: sim.Motion}, o)
		}
	}
	return configs, fittings
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
		if s.worlds[d.Gateway] == nil || to == "" || d.Opening == to {
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

// unhurried undoes quicken: what leaves the demo has the lengths of time that
// were meant. What somebody set themselves stays.
func unhurried(f *estate.File, speed float64) error {
	meant, err := estate.Parse(estateText)
	if err != nil || speed <= 1 {
		return err
	}
	quick := estate.File{Openings: slices.Clone(meant.Openings)}
	quicken(&quick, speed)
	same := func(a, b string) bool {
		x, err1 := time.ParseDuration(a)
		y, err2 := time.ParseDuration(b)
		return err1 == nil && err2 == nil && x == y
	}
	for i := range f.Openings {
		o := &f.Openings[i]
		n := slices.IndexFunc(meant.Openings, func(m estate.Opening) bool { return m.Slug == o.Slug })
		if n < 0 {
			continue
		}
		if same(o.ReleaseTime, quick.Openings[n].ReleaseTime) {
			o.ReleaseTime = meant.Openings[n].ReleaseTime
		}
		if same(o.OpenTime, quick.Openings[n].OpenTime) {
			o.OpenTime = meant.Openings[n].OpenTime
		}
		if same(o.Unattended, quick.Openings[n].Unattended) {
			o.Unattended = meant.Openings[n].Unattended
		}
	}
	return nil
}
