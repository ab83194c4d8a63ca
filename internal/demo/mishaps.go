// SPDX-License-Identifier: Apache-2.0

package demo

import (
	"cmp"
	"context"
	"slices"
	"time"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/internal/incidents"
	"github.com/sashlock/sashlock/internal/signin"
	"github.com/sashlock/sashlock/internal/store"
)

// mishap is something in the past that wanted an operator, and what became of
// it.
type mishap struct {
	daysAgo      int
	hour, minute int           // by the clocks of the store
	before       time.Duration // instead of those: this long before the demo began
	opening      string
	happens      func(*happening)
	seen         bool            // somebody acknowledged its alarms
	owner        signin.Role     // of the persona who took the incident; empty: nobody did
	cause        incidents.Cause // what it turned out to be; empty: that is not known yet
	note         string          // what the owner wrote
}

// mishaps are what the last fourteen days held. The older ones were worked and
// resolved, some are being looked into, and the newest waits for whoever looks
// at the demo.
func mishaps() []mishap {
	day := func(ago, hour, minute int, opening string, happens func(*happening)) mishap {
		return mishap{daysAgo: ago, hour: hour, minute: minute, opening: opening, happens: happens, seen: true, owner: signin.Protection}
	}
	resolved := func(m mishap, owner signin.Role, cause incidents.Cause, note string) mishap {
		m.owner, m.cause, m.note = owner, cause, note
		return m
	}
	noted := func(m mishap, seen bool, note string) mishap {
		m.seen, m.note = seen, note
		return m
	}
	return []mishap{
		resolved(day(13, 17, 41, "watches-2", (*happening).leftOpen), signin.Protection, incidents.Served,
			"The associate turned round for a second watch. The customer stood at the case the whole time."),
		resolved(day(12, 8, 22, "stock-door", (*happening).heldOpen), signin.Manager, incidents.Restock,
			"Delivery of fragrance. The door was propped with a trolley; the team knows now to use the loading dock."),
		resolved(day(10, 12, 55, "madrid-jewellery-3", (*happening).leftOpen), signin.Protection, incidents.Forgot,
			"Called to the till with the case open. Nothing is missing; spoken to the manager in Madrid."),
		resolved(day(9, 3, 12, "loading-dock", (*happening).forced), signin.Protection, incidents.DeviceFault,
			"The bolt did not reach its keep and the wind moved the door. The strike plate was set anew."),
		resolved(day(7, 22, 14, "porto-stock-door", (*happening).afterHours), signin.Protection, incidents.Other,
			"The cleaning firm came an hour late and used the thumb-turn. Their hours are now in the plan of the store."),
		resolved(day(5, 19, 7, "fragrance-4", (*happening).leftOpen), signin.Manager, incidents.FalseAlarm,
			"A display stand hid the customer from the sensor. The stand was moved."),
		noted(day(3, 4, 38, "watches-5", (*happening).tampered), true,
			"The cover of the lock came off at night. Nobody on camera 4; asked for the recording of the aisle."),
		noted(day(1, 9, 16, "porto-stock-door", (*happening).heldOpen), false,
			"Asked Porto who took the delivery."),
		{before: 25 * time.Minute, opening: "cage-2", happens: (*happening).forced},
	}
}

// mishap thinks of one of them.
func (c *chronicle) mishap(m mishap) {
	for _, o := range c.book.Openings {
		if o.Slug != m.opening {
			continue
		}
		at := c.until.Add(-m.before)
		if m.before == 0 {
			local := c.book.Clock(o.Site, c.until)
			y, mo, d := local.Date()
			at = time.Date(y, mo, d-m.daysAgo, m.hour, m.minute, 7, 0, local.Location())
		}
		if !c.take(o, at, 15*time.Minute) {
			return
		}
		h := c.begin(o, at)
		m.happens(h)
		h.worked(m)
	}
}

// worked is what operators did about a mishap.
func (h *happening) worked(m mishap) {
	w := &worked{mishap: m, opening: h.opening}
	h.pause(2, 4)
	h.act(h.clock, w.gathered)
	if m.seen {
		h.pause(40, 240)
		h.at(h.clock, func(p *past, at time.Time) { p.acknowledge(at, w.opening) })
	}
	if m.owner != "" {
		h.pause(20, 90)
		h.act(h.clock, w.taken)
		h.pause(600, 3000)
		h.act(h.clock, w.ended)
	}
}

// act is something that is done in the past through a room of the house, with
// the house's clock standing at its moment.
type act func(ctx context.Context, s *shop) error

// act adds something that is done through a room of the house.
func (c *chronicle) act(at time.Time, do act) {
	at = at.Truncate(time.Microsecond)
	if at.Before(c.until) {
		c.steps = append(c.steps, step{at: at, n: len(c.steps), act: do})
	}
}

// worked is a mishap on its way through the hands of operators.
type worked struct {
	mishap
	opening sashlock.Opening
	ids     []string // of its incidents
}

// gathered takes the alarms of a mishap into incidents.
func (w *worked) gathered(ctx context.Context, s *shop) error {
	raised, err := s.house.Store.Events(ctx, store.EventQuery{Kind: string(sashlock.AlarmRaised), Opening: w.opening.ID, Newest: true, Limit: 5})
	if err != nil {
		return err
	}
	now := s.house.Now()
	raised = slices.DeleteFunc(raised, func(e sashlock.Event) bool { return now.Sub(e.Heard) > time.Hour })
	slices.SortFunc(raised, func(a, b sashlock.Event) int { return cmp.Compare(a.Seq, b.Seq) })
	if err := incidents.Gather(ctx, s.house.Hall, raised); err != nil {
		return err
	}
	var ids []sashlock.AlarmID
	for _, e := range raised {
		ids = append(ids, e.Alarm)
	}
	return s.house.Store.View(ctx, func(q store.Query) error {
		in, err := incidents.Of(q, ids)
		for _, id := range ids {
			if place := in[id]; place.Incident != "" && !slices.Contains(w.ids, place.Incident) {
				w.ids = append(w.ids, place.Incident)
			}
		}
		return err
	})
}

// taken is the owner taking what was gathered.
func (w *worked) taken(ctx context.Context, s *shop) error {
	by := s.staff.as(w.owner)
	for _, id := range w.ids {
		if w.cause == "" { // who looks at the owner's list finds it seen
			if err := incidents.See(ctx, s.house.Store, by, id); err != nil {
				return err
			}
		}
		if _, err := incidents.Take(ctx, s.house.Hall, by, id, ""); err != nil {
			return err
		}
	}
	return nil
}

// ended is the owner saying what it was or, while that is not known, what was
// done so far.
func (w *worked) ended(ctx context.Context, s *shop) error {
	by := s.staff.as(w.owner)
	for _, id := range w.ids {
		if w.cause == "" {
			if _, err := incidents.Write(ctx, s.house.Hall, by, id, w.note); err != nil {
				return err
			}
			continue
		}
		var i incidents.Incident
		err := s.house.Store.View(ctx, func(q store.Query) (err error) { i, err = incidents.Find(q, id); return err })
		if err != nil {
			return err
		}
		if _, err := incidents.Resolve(ctx, s.house.Hall, by, id, i.Rev, w.cause, w.note); err != nil {
			return err
		}
	}
	return nil
}
