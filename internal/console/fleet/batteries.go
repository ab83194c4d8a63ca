// SPDX-License-Identifier: Apache-2.0

package fleet

import (
	"cmp"
	"context"
	"net/http"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/internal/battery"
	"github.com/sashlock/sashlock/internal/console"
	"github.com/sashlock/sashlock/internal/lang"
	"github.com/sashlock/sashlock/internal/store"
)

const (
	chargesFrom = 180 * 24 * time.Hour // how far back the ledger is read
	mostCharges = 400                  // readings that are kept of one device
	chargePage  = 10_000               // entries that are read at once
)

// charges keeps what batteries said, as far as the ledger has been read, so that
// a page reads only what is new.
type charges struct {
	mu   sync.Mutex
	next int64 // the first entry that was not read
	by   map[sashlock.DeviceID][]battery.Reading
}

// forecasts says how long the batteries of some devices last.
func (c *charges) forecasts(ctx context.Context, s *store.Store, some []row, now time.Time) (map[sashlock.DeviceID]battery.Forecast, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if err := c.read(ctx, s, now); err != nil {
		return nil, err
	}
	all := make(map[sashlock.DeviceID]battery.Forecast, len(some))
	for _, r := range some {
		all[r.Device.ID] = battery.Predict(c.by[r.Device.ID], now)
	}
	return all, nil
}

// read takes what the ledger has that was not read yet: the first time the
// newest, so that a long ledger is not read from its beginning.
func (c *charges) read(ctx context.Context, s *store.Store, now time.Time) error {
	q := store.EventQuery{Kind: string(sashlock.BatteryReported), From: c.next, Limit: chargePage}
	first := c.by == nil
	if first {
		c.by = map[sashlock.DeviceID][]battery.Reading{}
		q.Newest, q.Since = true, now.Add(-chargesFrom)
	}
	for {
		end := s.Size()
		events, err := s.Events(ctx, q)
		if err != nil {
			return err
		}
		if first {
			slices.Reverse(events)
		}
		for _, e := range events {
			c.take(e)
		}
		if first || len(events) < chargePage {
			c.next = max(c.next, end)
			return nil
		}
		q.From = c.next
	}
}

func (c *charges) take(e sashlock.Event) {
	c.next = max(c.next, e.Seq+1)
	list := append(c.by[e.Device], battery.Reading{At: e.Heard, Level: e.Level})
	c.by[e.Device] = list[max(0, len(list)-mostCharges):]
}

// span is which batteries the list shows.
type span int

// The spans, in days; dueNow is those that are due.
const (
	dueNow  span = 0
	usual   span = 30
	longest span = 90
	allOf   span = -1
)

func spans() []span { return []span{dueNow, usual, longest, allOf} }

func spanOf(text string) span {
	if n, err := strconv.Atoi(text); err == nil && slices.Contains(spans(), span(n)) {
		return span(n)
	}
	return usual
}

func (s span) takes(f battery.Forecast) bool { return s == allOf || f.Days >= 0 && f.Days <= int(s) }

func (s span) path() string { return "/devices/batteries?days=" + strconv.Itoa(int(s)) }

// cell is a device with what can be said of its battery.
type cell struct {
	row
	Forecast battery.Forecast
	On       time.Time // about when it is due; zero: it is due, or that cannot be said
}

// round is the list to walk along.
type round struct {
	Site   sashlock.Site
	Now    time.Time
	Span   span
	Cells  []cell // in the order of the walk
	Counts map[span]int
}

func (p pages) batteries(w http.ResponseWriter, r *http.Request) error {
	ctx := r.Context()
	site, err := p.Site(r)
	if err != nil {
		return err
	}
	list := &round{Site: site, Now: console.LocalTime(site, p.Now()), Span: spanOf(r.URL.Query().Get("days")), Counts: map[span]int{}}
	if err := p.cells(ctx, list); err != nil {
		return err
	}
	return p.Show(w, r, console.Head{
		Title: lang.T(ctx, "Batteries"), Section: console.InDevices, Site: site, Styles: []string{"fleet.css"},
		About: lang.T(ctx, "Which batteries to change, in the order in which one walks past them on the floor plan. What is foretold follows from what each device has said since its battery was last changed. A battery is due at %d %%: many locks fall steeply after that.", battery.Due),
	}, batteryPage(list))
}

// cells takes the devices of the site that tell their battery and concern
// whoever is signed in.
func (p pages) cells(ctx context.Context, list *round) error {
	rows, err := p.rows(ctx)
	if err != nil {
		return err
	}
	who := console.Who(ctx).Operator
	rows = slices.DeleteFunc(rows, func(r row) bool {
		return r.Opening == "" || !r.Has(sashlock.TellsBattery) || r.At.Site != list.Site.ID || !who.Sees(r.At.Site, r.At.Area)
	})
	all, err := p.foretell(ctx, rows, list.Now)
	if err != nil {
		return err
	}
	for _, one := range all {
		for _, s := range spans() {
			if s.takes(one.Forecast) {
				list.Counts[s]++
			}
		}
	}
	list.Cells = walk(slices.DeleteFunc(all, func(c cell) bool { return !list.Span.takes(c.Forecast) }))
	return nil
}

// foretell says of devices how long their batteries last. The zone of now is
// that in which days are told.
func (p pages) foretell(ctx context.Context, rows []row, now time.Time) ([]cell, error) {
	foretold, err := p.charges.forecasts(ctx, p.Store, rows, now)
	all := make([]cell, 0, len(rows))
	for _, r := range rows {
		one := cell{row: r, Forecast: foretold[r.Device.ID]}
		if one.Forecast.Days > 0 {
			one.On = now.AddDate(0, 0, one.Forecast.Days)
		}
		all = append(all, one)
	}
	return all, err
}

// walk puts devices in the order in which one walks past them: from the one
// nearest to the top left corner of the plan always to the nearest that is left.
// What has no place on the plan comes last, by area and name.
func walk(all []cell) []cell {
	slices.SortFunc(all, func(a, b cell) int {
		return cmp.Or(cmp.Compare(a.AreaName, b.AreaName), console.CompareNames(a.At.Name, b.At.Name), cmp.Compare(a.Device.ID, b.Device.ID))
	})
	placed := slices.DeleteFunc(slices.Clone(all), func(c cell) bool { return !c.placed() })
	rest := slices.DeleteFunc(slices.Clone(all), cell.placed)
	order := make([]cell, 0, len(all))
	x, y := 0, 0
	for len(placed) > 0 {
		next := 0
		for i, c := range placed {
			if c.far(x, y) < placed[next].far(x, y) {
				next = i
			}
		}
		x, y = placed[next].At.Plan.X, placed[next].At.Plan.Y
		order = append(order, placed[next])
		placed = slices.Delete(placed, next, next+1)
	}
	return append(order, rest...)
}

func (c cell) placed() bool { return c.At.Plan.X != 0 || c.At.Plan.Y != 0 }

// far is the square of the distance on the plan.
func (c cell) far(x, y int) int {
	dx, dy := c.At.Plan.X-x, c.At.Plan.Y-y
	return dx*dx + dy*dy
}
