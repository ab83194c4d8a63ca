// SPDX-License-Identifier: Apache-2.0

package demo

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/internal/flow"
	"github.com/sashlock/sashlock/internal/incidents"
	"github.com/sashlock/sashlock/internal/signin"
)

// happening is an episode of the past at one opening: what its devices say.
type happening struct {
	*chronicle
	opening sashlock.Opening
	lock    sashlock.DeviceID // empty: none
	contact sashlock.DeviceID
	motion  sashlock.DeviceID
	clock   time.Time // where the episode has got to
	granted bool      // set when it is played
}

func (c *chronicle) begin(o sashlock.Opening, at time.Time) *happening {
	h := &happening{chronicle: c, opening: o, clock: at}
	if d, has := fittedWith(c.book, o.ID, sashlock.CanRelease); has {
		h.lock = d.ID
	}
	if d, has := fittedWith(c.book, o.ID, sashlock.TellsPosition); has {
		h.contact = d.ID
	}
	if d, has := fittedWith(c.book, o.ID, sashlock.TellsPresence); has {
		h.motion = d.ID
	}
	return h
}

// pause lets some seconds pass.
func (h *happening) pause(from, until float64) *happening {
	h.clock = h.clock.Add(h.between(from, until))
	return h
}

// says is a device reporting, if it is fitted. What follows from a grant
// happens only when it was given.
func (h *happening) says(device sashlock.DeviceID, kind sashlock.EventKind, more func(*sashlock.Report)) {
	if device == "" {
		return
	}
	r := sashlock.Report{Device: device, Opening: h.opening.ID, Kind: kind}
	if more != nil {
		more(&r)
	}
	h.at(h.clock, func(p *past, at time.Time) {
		if h.granted {
			p.report(at, r)
		}
	})
}

// always makes what is said not depend on a grant.
func (h *happening) always() *happening {
	h.granted = true
	return h
}

func method(m sashlock.Method) func(*sashlock.Report) {
	return func(r *sashlock.Report) { r.Method = m }
}

// asks is somebody asking who may: whether it is granted is for the grants.
func (h *happening) asks(fits func(sashlock.Decision) bool) {
	pick := h.random.IntN(len(h.people))
	h.at(h.clock, func(p *past, at time.Time) {
		if who, found := h.fitting(p, at, pick, fits); found {
			h.granted = p.request(at, h.opening, who, sashlock.ByCard)
		}
	})
}

// fitting is somebody with business at the store whom the opening would now
// answer in a certain way, looked for from one of the people on.
func (h *happening) fitting(p *past, at time.Time, from int, fits func(sashlock.Decision) bool) (sashlock.PersonID, bool) {
	for i := range h.people {
		who := h.people[(from+i)%len(h.people)]
		if !worksAt(p.book, who, h.opening.Site) {
			continue
		}
		v := p.book.Index.Could(sashlock.Request{Person: who.ID, Opening: h.opening.ID, At: at}, sashlock.Normal)
		if fits(sashlock.Decision{Granted: v.Granted, Reason: v.Reason}) {
			return who.ID, true
		}
	}
	return "", false
}

// worksAt reports whether somebody has any business at a store: those of the
// smaller stores have their roles named after them, couriers come everywhere.
func worksAt(book *flow.Book, who sashlock.Person, site sashlock.SiteID) bool {
	at := book.Sites[site].Slug
	for _, id := range who.Roles {
		role := book.Roles[id].Slug
		town, _, _ := strings.Cut(role, "-")
		switch {
		case role == "courier", town == at:
			return true
		case town == "porto", town == "madrid":
		case at == "lisbon":
			return true
		}
	}
	return false
}

// near and gone are somebody coming and going, which is seen whoever it is.
func (h *happening) near() { h.seen(sashlock.PresenceSeen) }
func (h *happening) gone() { h.seen(sashlock.PresenceLost) }

func (h *happening) seen(kind sashlock.EventKind) {
	if h.motion == "" {
		return
	}
	r := sashlock.Report{Device: h.motion, Opening: h.opening.ID, Kind: kind}
	h.at(h.clock, func(p *past, at time.Time) {
		if h.granted || kind == sashlock.PresenceSeen || p.states[h.opening.ID].Present {
			p.report(at, r)
		}
	})
}

// released is somebody asking, being let in and the lock doing it. It returns
// when the release is over.
func (h *happening) released() (over time.Time) {
	h.near()
	h.pause(.6, 1.8).asks(granted)
	return h.unlocks()
}

// unlocks is the lock doing what was just granted. It returns when the release
// is over.
func (h *happening) unlocks() (over time.Time) {
	over = h.clock.Add(h.opening.ReleaseTime)
	h.pause(.03, .06)
	h.at(h.clock, func(p *past, at time.Time) {
		if h.granted {
			p.accepted(at, h.opening)
		}
	})
	h.pause(.1, .34).says(h.lock, sashlock.LockUnlocked, method(sashlock.ByRemote))
	return over
}

// shut is the opening being closed and the lock locking behind it.
func (h *happening) shut(over time.Time) {
	h.says(h.contact, sashlock.OpeningClosed, nil)
	if h.pause(.15, .4); h.clock.Before(over) {
		h.clock = over
	}
	h.says(h.lock, sashlock.LockLocked, method(sashlock.BySelf))
	h.pause(.4, 2).gone()
}

// visit is somebody opening something and closing it again.
func (c *chronicle) visit(o sashlock.Opening, at time.Time) {
	h := c.begin(o, at)
	over := h.released()
	h.pause(.4, 1.6).says(h.contact, sashlock.OpeningOpened, nil)
	h.pause(4, 22).shut(over)
}

// changedMind is somebody let in who does not open.
func (c *chronicle) changedMind(o sashlock.Opening, at time.Time) {
	h := c.begin(o, at)
	h.clock = h.released()
	h.says(h.lock, sashlock.LockLocked, method(sashlock.BySelf))
	h.pause(1, 3).gone()
}

// walk is a customer at a door that has only a contact, while the store is open.
func (c *chronicle) walk(o sashlock.Opening, at time.Time) {
	if hours, known := c.hours[o.Site]; known && !hours.Covers(at.Unix()) {
		return
	}
	h := c.begin(o, at).always()
	h.says(h.contact, sashlock.OpeningOpened, nil)
	h.pause(2, 6).says(h.contact, sashlock.OpeningClosed, nil)
}

// keypad is a member of staff with a PIN.
func (c *chronicle) keypad(o sashlock.Opening, at time.Time) {
	h := c.begin(o, at).always()
	slot := 1 + c.random.IntN(3)
	h.says(h.lock, sashlock.LockUnlocked, func(r *sashlock.Report) { r.Method, r.Slot = sashlock.ByKeypad, slot })
	over := h.clock.Add(5 * time.Second)
	h.pause(.5, 1.5).says(h.contact, sashlock.OpeningOpened, nil)
	h.pause(1.5, 4).shut(over)
}

// refusal is somebody asking who may not.
func (c *chronicle) refusal(o sashlock.Opening, at time.Time) {
	h := c.begin(o, at)
	h.near()
	want := sashlock.NotPermittedAtThisTime
	if n := c.random.IntN(10); n < 3 {
		want = sashlock.Unauthorized
	} else if n < 5 {
		want = sashlock.PersonSuspended
	}
	h.pause(.6, 1.5).asks(func(d sashlock.Decision) bool { return d.Reason == want })
	h.pause(1, 4).gone()
}

// wrongCode is somebody trying a PIN.
func (c *chronicle) wrongCode(o sashlock.Opening, at time.Time) {
	h := c.begin(o, at).always()
	for range 1 + c.random.IntN(3) {
		h.says(h.lock, sashlock.CodeRefused, method(sashlock.ByKeypad))
		h.pause(2, 5)
	}
}

// jam is a bolt that does not move when it is told to, and is freed.
func (c *chronicle) jam(o sashlock.Opening, at time.Time) {
	h := c.begin(o, at)
	h.near()
	h.pause(.6, 1.8).asks(granted)
	h.pause(.25, .5).says(h.lock, sashlock.LockWasJammed, method(sashlock.ByRemote))
	h.pause(20, 60).gone()
	h.pause(60, 200).says(h.lock, sashlock.LockLocked, method(sashlock.ByHand))
	h.worked(mishap{
		seen: true, owner: signin.Manager, cause: incidents.DeviceFault,
		note: "Goods stood against the door and the bolt could not move. They were pushed back, and it was locked by hand.",
	})
}

// outOfReach is a lock that cannot be heard for a while.
func (c *chronicle) outOfReach(o sashlock.Opening, at time.Time) {
	h := c.begin(o, at).always()
	h.says(h.lock, sashlock.DeviceOffline, nil)
	h.pause(180, 1300).says(h.lock, sashlock.DeviceOnline, nil)
}

// batteries is every battery telling its level now and then, so that it comes
// to what the simulated device says today.
func (c *chronicle) batteries() {
	var all []sashlock.Device
	for _, d := range c.book.Devices {
		if d.Has(sashlock.TellsBattery) {
			all = append(all, d)
		}
	}
	slices.SortFunc(all, func(a, b sashlock.Device) int { return cmp.Compare(a.Address, b.Address) })
	for n, d := range all {
		level := c.levels[d.Address]
		tenths := 2 + n*7%13 // of a percent a day: some openings see more of a day than others
		for back := 13; back > 0; back -= 3 {
			r := sashlock.Report{Device: d.ID, Opening: d.Opening, Kind: sashlock.BatteryReported, Level: min(100, level+(back-1)*tenths/10)}
			at := c.until.Add(-time.Duration(back)*24*time.Hour + c.between(0, 3600))
			c.at(at, func(p *past, at time.Time) { p.report(at, r) })
		}
	}
}

// leftOpen is a case that somebody walks away from.
func (h *happening) leftOpen() {
	over := h.released()
	h.pause(.5, 1).says(h.contact, sashlock.OpeningOpened, nil)
	h.pause(4, 7).gone()
	h.pause(55, 85).near()
	h.pause(1, 3).shut(over)
}

// heldOpen is a door that somebody keeps open while carrying boxes.
func (h *happening) heldOpen() {
	over := h.released()
	h.pause(.5, 1).says(h.contact, sashlock.OpeningOpened, nil)
	h.clock = h.clock.Add(h.opening.OpenTime)
	h.pause(45, 120).shut(over)
}

// forced is an opening that opens although its lock holds.
func (h *happening) forced() {
	h.always().says(h.contact, sashlock.OpeningOpened, nil)
	h.pause(70, 110).says(h.contact, sashlock.OpeningClosed, nil)
}

// afterHours is a door turned by hand when nobody should be there.
func (h *happening) afterHours() {
	h.always().says(h.lock, sashlock.LockUnlocked, method(sashlock.ByHand))
	h.pause(1, 2).says(h.contact, sashlock.OpeningOpened, nil)
	h.pause(25, 45).says(h.contact, sashlock.OpeningClosed, nil)
	h.pause(2, 6).says(h.lock, sashlock.LockLocked, method(sashlock.ByHand))
}

// tampered is a cover that is taken off and put back.
func (h *happening) tampered() {
	h.always().says(h.lock, sashlock.DeviceTampered, nil)
	h.pause(90, 200).says(h.lock, sashlock.TamperCleared, nil)
}
