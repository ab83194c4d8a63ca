// SPDX-License-Identifier: Apache-2.0

package demo

import (
	"context"
	"math/rand/v2"
	"time"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/driver/sim"
)

// scene is one thing that happens at one opening. What it does to the world it
// does with its hands; what comes of it, it reads in the store like anybody.
// A scene whose story ends stops where it is.
type scene struct {
	*story
	ctx     context.Context //nolint:containedctx // a scene is one call
	opening sashlock.Opening
	world   *sim.World // in which the opening is
	random  *rand.Rand
}

// patience is how long a scene waits for a lock, in real time.
const patience = 30 * time.Second

// pause lets between from and until seconds of the story pass.
func (s *scene) pause(from, until float64) bool {
	return s.wait(s.ctx, time.Duration((from+s.random.Float64()*(until-from))*float64(time.Second)))
}

// until waits until the store says that the opening stands in a certain way.
func (s *scene) until(longest time.Duration, so func(sashlock.OpeningState) bool) bool {
	news, stop := s.house.Store.Subscribe()
	defer stop()
	held := false
	err := await(s.ctx, news, longest, func() (bool, error) {
		state, err := s.house.Store.State(s.ctx, s.opening.ID)
		held = err == nil && so(state)
		return held, err
	})
	return held && err == nil
}

func locked(o sashlock.OpeningState) bool   { return o.Lock == sashlock.Locked && o.Release == nil }
func unlocked(o sashlock.OpeningState) bool { return o.Lock == sashlock.Unlocked }
func jammed(o sashlock.OpeningState) bool   { return o.Lock == sashlock.Jammed }

// person chooses somebody to whom the opening would now answer in a certain
// way.
func (s *scene) person(fits func(sashlock.Decision) bool) (sashlock.PersonID, bool) {
	book, now := s.house.Hall.Book(), s.house.Now()
	state, err := s.house.Store.State(s.ctx, s.opening.ID)
	if err != nil {
		return "", false
	}
	var all []sashlock.PersonID
	for _, p := range s.people {
		if worksAt(book, p, s.opening.Site) && fits(s.house.Hall.Decide(sashlock.Request{Person: p.ID, Opening: s.opening.ID, At: now}, state)) {
			all = append(all, p.ID)
		}
	}
	if len(all) == 0 {
		return "", false
	}
	return all[s.random.IntN(len(all))], true
}

func granted(d sashlock.Decision) bool { return d.Granted }

// ask lets somebody who may ask for the opening; false when nobody may, or it
// came to nothing.
func (s *scene) ask(fits func(sashlock.Decision) bool) bool {
	who, found := s.person(fits)
	if !found {
		return false
	}
	a, err := s.house.Hall.Request(s.ctx, sashlock.Request{Person: who, Opening: s.opening.ID, Method: sashlock.ByCard, Level: sashlock.AssuranceCard, Credential: s.cards[who]})
	return err == nil && a.Decision.Granted
}

// near and gone move somebody in front of the opening, where that is noticed.
func (s *scene) near() { s.moved(s.world.PersonNear) }
func (s *scene) gone() { s.moved(s.world.PersonGone) }

func (s *scene) moved(to func(string) error) {
	if address := motionAddress(s.opening.Slug); s.sensors[address] {
		s.sure(to(address))
	}
}

// sure is for what the simulated world can always do: an error is a mistake in
// the story, which the log of the house would not show and a test does.
func (s *scene) sure(err error) {
	if err != nil {
		panic("demo: " + err.Error())
	}
}

// visit opens the opening and closes it again, and waits until it is locked.
func (s *scene) visit(from, until float64) {
	s.sure(s.world.Open(s.opening.Slug))
	if !s.pause(from, until) {
		return
	}
	s.sure(s.world.Close(s.opening.Slug))
	if s.pause(0.5, 2) {
		s.gone()
		s.until(patience, locked)
	}
}

// serve is the commonest scene: a customer is shown something.
func (s *scene) serve() {
	s.near()
	if !s.pause(0.6, 1.6) {
		return
	}
	if !s.ask(granted) || !s.until(patience, unlocked) || !s.pause(0.4, 1.2) {
		s.gone()
		return
	}
	s.visit(4, 11)
}

// fetch is somebody putting something away or getting it out.
func (s *scene) fetch() {
	if s.ask(granted) && s.until(patience, unlocked) && s.pause(0.4, 1.5) {
		s.visit(5, 14)
	}
}

// keypad is a member of staff at a door: with a PIN, where it takes one.
func (s *scene) keypad() {
	if s.opening.Slug != "staff-entrance" {
		s.fetch()
		return
	}
	s.sure(s.world.KeypadUnlock(s.opening.Slug, 1+s.random.IntN(3)))
	if s.until(patience, unlocked) && s.pause(0.3, 0.8) {
		s.visit(1.5, 3)
	}
}

// walkThrough is a customer at a door that has only a contact.
func (s *scene) walkThrough() {
	if _, locks := fittedWith(s.house.Hall.Book(), s.opening.ID, sashlock.CanRelease); locks {
		s.keypad()
		return
	}
	s.sure(s.world.Open(s.opening.Slug))
	if s.pause(2, 5) {
		s.sure(s.world.Close(s.opening.Slug))
	}
}

// refused is somebody asking outside their shift, or without a grant.
func (s *scene) refused() {
	s.near()
	defer s.gone()
	offShift := func(d sashlock.Decision) bool { return d.Reason == sashlock.NotPermittedAtThisTime }
	if _, found := s.person(offShift); !found {
		offShift = func(d sashlock.Decision) bool { return !d.Granted }
	}
	if s.pause(0.5, 1) {
		s.ask(offShift)
		s.pause(1, 2)
	}
}

// leftOpen is a case that somebody walks away from.
func (s *scene) leftOpen() {
	s.near()
	if !s.pause(0.5, 1) || !s.ask(granted) || !s.until(patience, unlocked) || !s.pause(0.5, 1) {
		return
	}
	s.sure(s.world.Open(s.opening.Slug))
	if !s.pause(3, 5) {
		return
	}
	s.gone()
	if s.untilAlarm("unattended") && s.pause(25, 35) {
		s.near()
		s.visitEnds()
	}
}

// heldOpen is a door that somebody keeps open while carrying boxes.
func (s *scene) heldOpen() {
	if !s.ask(granted) || !s.until(patience, unlocked) || !s.pause(0.5, 1) {
		return
	}
	s.sure(s.world.Open(s.opening.Slug))
	if s.untilAlarm("heldopen") && s.pause(20, 30) {
		s.visitEnds()
	}
}

// forced is a door that opens although its lock holds.
func (s *scene) forced() {
	if !s.until(patience, locked) {
		return
	}
	s.sure(s.world.Open(s.opening.Slug))
	if s.untilAlarm("forced") && s.pause(30, 40) {
		s.visitEnds()
	}
}

// visitEnds closes what stands open.
func (s *scene) visitEnds() {
	if s.pause(1, 2) {
		s.sure(s.world.Close(s.opening.Slug))
		if s.pause(1, 2) {
			s.gone()
			s.until(patience, locked)
		}
	}
}

// untilAlarm waits for the alarm of a rule at the opening.
func (s *scene) untilAlarm(rule string) bool {
	return s.until(5*time.Minute, func(o sashlock.OpeningState) bool { return o.Alarms[rule] != "" })
}

// jammed is a bolt that does not move when it is told to.
func (s *scene) jammed() {
	s.sure(s.world.Jam(s.opening.Slug))
	s.near()
	if s.pause(0.5, 1) && s.ask(granted) && s.until(patience, jammed) {
		s.pause(18, 25)
	}
	s.sure(s.world.Unjam(s.opening.Slug))
	s.gone()
	s.until(patience, locked)
}

// outOfReach is a lock whose battery gives up and is changed.
func (s *scene) outOfReach() {
	s.sure(s.world.Battery(s.opening.Slug, 4))
	if !s.pause(2, 4) {
		return
	}
	s.sure(s.world.Kill(s.opening.Slug))
	if s.pause(25, 40) {
		s.sure(s.world.Revive(s.opening.Slug))
		s.sure(s.world.Battery(s.opening.Slug, 100))
		s.until(patience, func(o sashlock.OpeningState) bool { return !o.Offline })
	}
}

// cutOff is the gateway of a department that loses its network for a while, and
// somebody who asks meanwhile.
func (s *scene) cutOff() {
	if s.world.Cut() {
		return // it is away already, by the hand of whoever looks
	}
	s.world.CutGateway()
	s.near()
	if s.pause(4, 6) && s.ask(granted) {
		s.pause(14, 20)
	}
	s.world.MendGateway()
	s.gone()
	s.until(patience, locked)
}

// wrongCode is somebody trying a PIN.
func (s *scene) wrongCode() {
	s.sure(s.world.WrongCode(s.opening.Slug))
	if s.pause(1.5, 3) {
		s.sure(s.world.WrongCode(s.opening.Slug))
		s.pause(1, 2)
	}
}
