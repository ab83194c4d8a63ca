// SPDX-License-Identifier: Apache-2.0

package demo

import (
	"cmp"
	"context"
	"maps"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/internal/flow"
	"github.com/sashlock/sashlock/internal/schedule"
	"github.com/sashlock/sashlock/internal/store"
)

// The rules of the history are:
//
//   - It covers the fourteen days before the demo was first started, in the
//     civil time of each store: quiet nights, deliveries in the morning, peaks
//     at noon and in the evening.
//   - Everything in it follows from the seed and from the moment of the start.
//   - An opening is in one visit at a time, and when the history ends every
//     opening stands as its simulated device does: shut and locked.
//   - Who opens something is somebody who might at that moment. Refusals are
//     what the grants make of somebody who might not.

// historyDays is how far back the history goes.
const historyDays = 14

// step is one thing that happens in the past.
type step struct {
	at  time.Time
	n   int // in the order they were thought of: among steps at the same moment
	do  func(p *past, at time.Time)
	act act // instead: done through the house
}

// chronicle thinks of what happened.
type chronicle struct {
	random *rand.Rand
	book   *flow.Book
	people []sashlock.Person // in order of slug
	from   time.Time
	until  time.Time
	steps  []step
	taken  map[sashlock.OpeningID][]span // when it is busy
	hours  map[sashlock.SiteID]*schedule.Calendar
	levels map[string]int // of batteries today, by address
}

func newChronicle(book *flow.Book, levels map[string]int, seed uint64, from, until time.Time) *chronicle {
	c := &chronicle{
		random: rand.New(rand.NewPCG(seed, 14)), book: book, from: from, until: until,
		taken: map[sashlock.OpeningID][]span{}, levels: levels, hours: storeHours(book),
	}
	for _, p := range book.People {
		c.people = append(c.people, p)
	}
	slices.SortFunc(c.people, func(a, b sashlock.Person) int { return cmp.Compare(a.Slug, b.Slug) })
	return c
}

// remember thinks of everything that happened and returns it in order.
func (c *chronicle) remember() []step {
	for _, m := range mishaps() {
		c.mishap(m)
	}
	for _, site := range c.sites() {
		zone := c.book.Clock(site.ID, c.from).Location()
		y, m, d := c.from.In(zone).Date()
		for day := time.Date(y, m, d, 0, 0, 0, 0, zone); day.Before(c.until); day = day.AddDate(0, 0, 1) {
			c.day(site, day)
		}
	}
	c.batteries()
	c.office()
	slices.SortFunc(c.steps, func(a, b step) int { return cmp.Or(a.at.Compare(b.at), cmp.Compare(a.n, b.n)) })
	return c.steps
}

func (c *chronicle) sites() []sashlock.Site {
	var all []sashlock.Site
	for _, s := range c.book.Sites {
		all = append(all, s)
	}
	slices.SortFunc(all, func(a, b sashlock.Site) int { return cmp.Compare(a.Slug, b.Slug) })
	return all
}

// habit is something that happens so many times on an ordinary day.
type habit struct {
	kinds    []sashlock.OpeningKind
	only     []string // slugs; empty: all of these kinds
	times    float64
	busiest  []int // weight of each hour of the day; nil: as the store is visited
	happens  func(*chronicle, sashlock.Opening, time.Time)
	duration time.Duration // at the most; the opening is taken that long
}

// Weights of the 24 hours of a day.
var (
	airport  = []int{2, 1, 1, 1, 2, 5, 8, 8, 7, 7, 8, 10, 13, 13, 9, 8, 8, 10, 13, 13, 10, 7, 5, 3}
	town     = []int{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 4, 6, 9, 9, 5, 5, 6, 9, 11, 9, 0, 0, 0, 0}
	mornings = []int{0, 0, 0, 0, 0, 0, 3, 6, 8, 6, 3, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0}
	shifts   = []int{0, 0, 0, 0, 0, 9, 3, 0, 0, 1, 1, 1, 2, 6, 6, 1, 1, 1, 1, 1, 1, 7, 5, 0}
	nights   = []int{3, 4, 4, 3, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 2, 3}
)

// habits is what a store does all day.
func habits(site string) []habit {
	kinds := func(k ...sashlock.OpeningKind) []sashlock.OpeningKind { return k }
	visit, walk := (*chronicle).visit, (*chronicle).walk
	long := 3 * time.Minute
	switch site {
	case "porto":
		return []habit{
			{kinds(sashlock.Case), nil, 7, town, visit, long},
			{kinds(sashlock.Case), nil, 2, town, (*chronicle).called, 6 * time.Minute},
			{kinds(sashlock.Door), []string{"porto-staff-door"}, 4, shifts, visit, long},
			{kinds(sashlock.Door), []string{"porto-stock-door"}, 2, town, visit, long},
			{kinds(sashlock.Door), []string{"porto-entrance"}, 7, town, walk, time.Minute},
			{kinds(sashlock.Locker), nil, 1, mornings, visit, long},
			{kinds(sashlock.Cage), nil, 1, mornings, visit, long},
			{kinds(sashlock.Case, sashlock.Cage), nil, .25, town, (*chronicle).refusal, time.Minute},
		}
	case "madrid":
		return []habit{
			{kinds(sashlock.Case), nil, 5.5, town, visit, long},
			{kinds(sashlock.Case), nil, 1.5, town, (*chronicle).called, 6 * time.Minute},
			{kinds(sashlock.Door), []string{"madrid-strongroom"}, 2, town, visit, long},
			{kinds(sashlock.Door), []string{"madrid-entrance"}, 6, town, walk, time.Minute},
			{kinds(sashlock.Cage), nil, 1, mornings, visit, long},
			{kinds(sashlock.Case, sashlock.Cage), nil, .2, town, (*chronicle).refusal, time.Minute},
		}
	}
	return []habit{
		{kinds(sashlock.Case), nil, 47, airport, visit, long},
		{kinds(sashlock.Case), nil, 10, airport, (*chronicle).called, 6 * time.Minute},
		{kinds(sashlock.Case), nil, .4, airport, (*chronicle).calledInVain, 31 * time.Minute},
		{kinds(sashlock.Cage), nil, 3, mornings, visit, long},
		{kinds(sashlock.Door), []string{"loading-dock"}, 2, mornings, visit, long},
		{kinds(sashlock.Door), []string{"stock-door"}, 4, airport, visit, long},
		{kinds(sashlock.Locker), nil, 5, mornings, visit, long},
		{kinds(sashlock.Vending), nil, 1, mornings, visit, long},
		{kinds(sashlock.Door), []string{"staff-entrance"}, 17, shifts, (*chronicle).keypad, time.Minute},
		{kinds(sashlock.Door), []string{"cash-office"}, 2, airport, (*chronicle).keypad, time.Minute},
		{kinds(sashlock.Door), []string{"main-entrance", "side-entrance"}, 30, airport, walk, time.Minute},
		{kinds(sashlock.Case, sashlock.Cage, sashlock.Locker), nil, 2, airport, (*chronicle).refusal, time.Minute},
		{kinds(sashlock.Cage, sashlock.Door), []string{"cage-2", "cage-3", "cash-office"}, .4, nights, (*chronicle).refusal, time.Minute},
		{kinds(sashlock.Case), nil, .8, airport, (*chronicle).changedMind, long},
		{kinds(sashlock.Door), []string{"staff-entrance", "cash-office"}, .5, airport, (*chronicle).wrongCode, time.Minute},
		{kinds(sashlock.Case, sashlock.Locker), nil, .4, airport, (*chronicle).jam, 6 * time.Minute},
		{kinds(sashlock.Case, sashlock.Kiosk, sashlock.Vending), nil, .5, nights, (*chronicle).outOfReach, 25 * time.Minute},
	}
}

// day thinks of one day of a store. Sundays are quieter in town.
func (c *chronicle) day(site sashlock.Site, day time.Time) {
	for _, h := range habits(site.Slug) {
		times := h.times * (.85 + .3*c.random.Float64())
		if day.Weekday() == time.Sunday && site.Slug != "lisbon" {
			times *= .7
		}
		n := int(times)
		if c.random.Float64() < times-float64(n) {
			n++
		}
		openings := c.openings(site.ID, h)
		for range n {
			at := c.moment(day, h.busiest)
			which := c.random.IntN(len(openings))
			for range len(openings) { // whichever is free
				o := openings[which]
				which = (which + 1) % len(openings)
				if c.take(o, at, h.duration) {
					h.happens(c, o, at)
					break
				}
			}
		}
	}
}

// openings are those of a site that a habit is about, in order of slug.
func (c *chronicle) openings(site sashlock.SiteID, h habit) []sashlock.Opening {
	var all []sashlock.Opening
	for _, o := range c.book.Openings {
		if o.Site == site && slices.Contains(h.kinds, o.Kind) && (len(h.only) == 0 || slices.Contains(h.only, o.Slug)) {
			all = append(all, o)
		}
	}
	slices.SortFunc(all, func(a, b sashlock.Opening) int { return cmp.Compare(a.Slug, b.Slug) })
	return all
}

// moment chooses a moment of a day.
func (c *chronicle) moment(day time.Time, weights []int) time.Time {
	all := 0
	for _, w := range weights {
		all += w
	}
	at := c.random.IntN(all)
	hour := 0
	for ; at >= weights[hour]; hour++ {
		at -= weights[hour]
	}
	y, m, d := day.Date()
	start := time.Date(y, m, d, hour, 0, 0, 0, day.Location())
	return start.Add(time.Duration(c.random.Int64N(int64(time.Hour)))).Truncate(time.Microsecond)
}

// take reserves an opening, if it is free and the time is within the history.
// The days are thought of one after another but their moments are not in order,
// so what is kept is every reservation.
func (c *chronicle) take(o sashlock.Opening, at time.Time, longest time.Duration) bool {
	if at.Before(c.from.Add(time.Minute)) || at.Add(longest).After(c.until.Add(-10*time.Second)) {
		return false
	}
	for _, s := range c.taken[o.ID] {
		if at.Before(s.until) && s.from.Before(at.Add(longest)) {
			return false
		}
	}
	c.taken[o.ID] = append(c.taken[o.ID], span{at, at.Add(longest)})
	return true
}

// span is a stretch of time in which an opening is busy.
type span struct{ from, until time.Time }

// at adds something that happens.
func (c *chronicle) at(at time.Time, do func(*past, time.Time)) {
	at = at.Truncate(time.Microsecond)
	if at.Before(c.until) {
		c.steps = append(c.steps, step{at: at, n: len(c.steps), do: do})
	}
}

// between chooses a length of time, in seconds.
func (c *chronicle) between(from, until float64) time.Duration {
	return time.Duration((from + c.random.Float64()*(until-from)) * float64(time.Second))
}

// playHistory writes the history into the ledger, many steps at a time, and
// leaves the clock at the moment it ends.
func (s *shop) playHistory(ctx context.Context, seed uint64, clock *clock, now time.Time) error {
	book := s.house.Hall.Book()
	steps := newChronicle(book, s.levels, seed, clock.now(), now).remember()
	p := newPast(book, s.staff.desk, s.cards)
	for over := false; !over; {
		end := chunk(steps)
		over = end == len(steps)
		to := now
		if !over {
			to = steps[end].at
		}
		clock.set(to)
		_, err := s.house.Store.Do(ctx, func(tx *store.Tx) error {
			if err := p.enter(tx); err != nil {
				return err
			}
			for _, one := range steps[:end] {
				p.until(one.at)
				one.do(p, one.at)
			}
			p.until(to)
			if over {
				p.checkIn(now)
			}
			p.leave()
			return nil
		})
		if err != nil {
			return err
		}
		for steps = steps[end:]; len(steps) > 0 && steps[0].act != nil; steps = steps[1:] {
			clock.set(steps[0].at)
			if err := steps[0].act(ctx, s); err != nil {
				return err
			}
		}
	}
	return nil
}

// chunk is how many steps share the next transaction: those before the next act
// through the house.
func chunk(steps []step) int {
	end := min(len(steps), stepsAtOnce)
	if n := slices.IndexFunc(steps[:end], func(s step) bool { return s.act != nil }); n >= 0 {
		return n
	}
	if end == len(steps) && end > 2*lastSteps {
		end -= lastSteps
	}
	return end
}

// stepsAtOnce is how many steps share a transaction. The last is a small one, so
// that what a large one has filled is written away before the demo begins.
const (
	stepsAtOnce = 1500
	lastSteps   = 20
)

// checkIn is every device saying, a short while before the end, that it is
// there, as supervised devices do: no news, but their age.
func (p *past) checkIn(now time.Time) {
	n := 0
	for _, id := range slices.Sorted(maps.Keys(p.devices)) {
		n++
		heard := now.Add(-time.Duration(n*37%600) * time.Second)
		d := p.devices[id]
		if d.Heard.Before(heard) {
			d.Heard, d.Online = heard, true
			p.devices[id], p.noted[id] = d, true
		}
		if s := p.states[p.book.Devices[id].Opening]; s.Opening != "" && s.Heard.Before(heard) {
			s.Heard = heard
			p.states[s.Opening], p.moved[s.Opening] = s, true
		}
	}
	for id := range p.states {
		if at := p.looks[id]; !at.IsZero() {
			p.tx.Wake("opening:"+string(id), at)
		}
	}
}
