// SPDX-License-Identifier: Apache-2.0

package demo

import (
	"time"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/internal/assistance"
	"github.com/sashlock/sashlock/internal/store"
)

// The rules of customers who call are:
//
//   - They call only where somebody may open for them at that moment.
//   - Most are served within a minute or two. Some have gone by the time that
//     somebody comes, some need nobody any more, and a few are forgotten.
//   - Today, one customer at a time waits for a good while, so that whoever
//     looks at the demo can be the one who goes. Whoever they are then, nobody
//     else goes in their name.

// called is a customer who calls, and somebody who comes.
func (c *chronicle) called(o sashlock.Opening, at time.Time) {
	h := c.begin(o, at)
	w := &waiting{happening: h, pick: h.random.IntN(len(h.people))}
	h.at(h.clock, w.calls)
	h.pause(8, 40)
	if h.random.IntN(4) == 0 { // everybody is busy
		h.pause(20, 100)
	}
	if h.random.IntN(14) == 0 {
		h.at(h.clock, w.ends(assistance.Cancelled))
		return
	}
	h.at(h.clock, w.goes)
	h.pause(10, 55)
	if h.random.IntN(16) == 0 {
		h.at(h.clock, w.ends(assistance.Gone))
		return
	}
	h.near()
	h.pause(.6, 1.8)
	h.at(h.clock, func(p *past, at time.Time) {
		h.granted = w.who != "" && p.request(at, h.opening, w.who, sashlock.ByCard)
	})
	over := h.unlocks()
	h.pause(.4, 1.6).says(h.contact, sashlock.OpeningOpened, nil)
	h.at(h.clock, func(p *past, at time.Time) {
		how := assistance.Served
		if !h.granted { // their shift ended on the way
			how = assistance.Gone
		}
		w.ends(how)(p, at)
	})
	h.pause(6, 30).shut(over)
}

// calledInVain is a customer to whom nobody comes.
func (c *chronicle) calledInVain(o sashlock.Opening, at time.Time) {
	h := c.begin(o, at)
	w := &waiting{happening: h, pick: h.random.IntN(len(h.people))}
	h.at(h.clock, w.calls)
	how := assistance.Lapsed
	h.clock = h.clock.Add(assistance.Patience)
	if h.random.IntN(2) == 0 {
		how = assistance.Cancelled
		h.clock = at
		h.pause(180, 600)
	}
	h.at(h.clock, w.ends(how))
}

// waiting is a customer of the past.
type waiting struct {
	*happening
	pick int             // where the search for somebody begins
	call assistance.Call // no identifier: nobody would have been there to come
	who  sashlock.PersonID
}

func (w *waiting) calls(p *past, at time.Time) {
	if _, found := w.fitting(p, at, w.pick, granted); found {
		w.call = assistance.Call{ID: assistance.NewID(at), Opening: w.opening.ID, Site: w.opening.Site, Asked: at}
		p.keepCall(at, w.call)
	}
}

func (w *waiting) goes(p *past, at time.Time) {
	var found bool
	if w.who, found = w.fitting(p, at, w.pick, granted); found && w.call.ID != "" {
		w.call.Taken, w.call.TakenBy = at, w.who
		p.keepCall(at, w.call)
	}
}

func (w *waiting) ends(how assistance.Outcome) func(*past, time.Time) {
	return func(p *past, at time.Time) {
		if w.call.ID == "" {
			return
		}
		w.call.Ended, w.call.Outcome = at, how
		if how == assistance.Served {
			w.call.Served = at
		}
		p.keepCall(at, w.call)
	}
}

// keepCall writes a call of the past, and what the ledger is told of it.
func (p *past) keepCall(at time.Time, c assistance.Call) {
	if e, err := c.Keep(p.tx); err == nil { // an error stays with the transaction, which then fails
		p.append(at, e)
	}
}

// called is a customer who calls today, and an associate who comes.
func (s *scene) called() { s.calls(12, 70) }

// waits is a customer who waits long enough for whoever looks at the demo.
func (s *scene) waits() { s.calls(170, 210) }

// calls lets a customer call and wait. When nobody has gone by then, an
// associate does.
func (s *scene) calls(from, until float64) {
	who, found := s.free()
	if !found {
		return
	}
	s.near()
	defer s.gone()
	c, _, err := s.house.Assistance.Raise(s.ctx, s.opening)
	if err != nil || s.isServed(c.ID, s.between(from, until)) {
		return
	}
	taken, err := s.house.Assistance.Take(s.ctx, "", who, c.ID)
	if err != nil { // whoever looks at the demo is on the way
		if taken.Standing(s.house.Now()) && !s.isServed(c.ID, s.between(100, 140)) {
			_, _ = s.house.Assistance.End(s.ctx, "", c.ID, assistance.Cancelled)
		}
		return
	}
	if s.isServed(c.ID, s.between(8, 30)) {
		return
	}
	a, err := s.house.Hall.Request(s.ctx, sashlock.Request{Person: who, Opening: s.opening.ID, Method: sashlock.ByCard, Level: sashlock.AssuranceCard})
	if err != nil || !a.Decision.Granted || !s.until(patience, unlocked) || !s.pause(.4, 1.2) {
		return
	}
	s.visit(5, 14)
}

// between chooses a length of the story's time for a scene.
func (s *scene) between(from, until float64) time.Duration {
	return time.Duration((from + s.random.Float64()*(until-from)) * float64(time.Second))
}

// free is somebody who may open the opening now and whom nobody plays.
func (s *scene) free() (sashlock.PersonID, bool) {
	played := map[sashlock.PersonID]bool{}
	for _, p := range s.staff.personas {
		played[p.operator.Person] = true
	}
	for range len(s.people) {
		who, found := s.person(granted)
		if !found || !played[who] {
			return who, found
		}
	}
	return "", false
}

// isServed lets the customer wait. It returns true when that is over: the call
// ended, the opening was unlocked for them by somebody else and they were shown
// what they wanted, or the story ended.
func (s *scene) isServed(id string, longest time.Duration) bool {
	const look = time.Second
	for ; longest > 0; longest -= look {
		if !s.wait(s.ctx, min(look, longest)) {
			return true
		}
		var c assistance.Call
		err := s.house.Store.View(s.ctx, func(q store.Query) (err error) { c, err = assistance.Find(q, id); return err })
		if err != nil || !c.Standing(s.house.Now()) {
			return true
		}
		if state, err := s.house.Store.State(s.ctx, s.opening.ID); err == nil && unlocked(state) {
			if s.pause(.8, 2) {
				s.visit(5, 14)
			}
			return true
		}
	}
	return false
}
