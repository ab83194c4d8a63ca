// SPDX-License-Identifier: Apache-2.0

package flow

import (
	"slices"
	"time"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/internal/access"
)

// The rules of what guards an opening of the highest class less are:
//
//   - It is no longer of that class, or is removed, by which it could be declared
//     anew with less.
//   - It comes to an area or site that is given as a whole; it, its area or its
//     next area asks for less, counts people less strictly, or lets more in at
//     once; an enforced guard rail was about it and no longer is.
//   - It is no longer on trial beside another system, so that what is granted
//     moves its lock.
//   - It opens by itself when nothing can be recorded, counts as a way out to
//     which no lock command goes, stays unlocked longer, or may stand open longer
//     before anybody is told.
//   - It leaves an interlock, or another opening of the same interlock does.
//   - A device is taken from it, or another one of its sort is fitted beside it:
//     a lock that was taken away could be fitted where more people may, and a
//     contact of somebody's choosing could say closed. What is fitted first is
//     no such thing. The same goes for the other openings of its interlock.
//   - The clocks, the shifts or the law of its site are read more generously.

// places finds what is worth most and is guarded less by itself, its area or its
// site.
func (b *Book) places(after *Book, put access.Facts, now time.Time) (all []Wider) {
	areas, sites := b.weakened(put.Areas), b.loosened(put.Sites)
	if len(areas)+len(sites) > 0 {
		for _, o := range after.Openings {
			if o.Class == sashlock.High && (slices.Contains(sites, o.Site) || o.Area != "" && slices.Contains(areas, o.Area)) {
				all = append(all, weaker(o))
			}
		}
	}
	for _, is := range put.Openings {
		was := b.Openings[is.ID]
		if was.Class == sashlock.High && (shownLess(was, is) || b.lessGuarded(after, was, is, now)) {
			all = append(all, weaker(was))
		}
	}
	return all
}

func weaker(o sashlock.Opening) Wider { return Wider{PlaceWeakened, o.Site, o.Area} }

// weakened lists the areas that ask for less than they did.
func (b *Book) weakened(all []sashlock.Area) (less []sashlock.AreaID) {
	for _, a := range all {
		was, known := b.Areas[a.ID]
		if known && (asksLess(a.Needs, was.Needs) || countsLess(a, was)) {
			less = append(less, a.ID)
		}
	}
	return less
}

// loosened lists the sites whose clocks show another time than they did, where
// another law applies, or where a shift counts for longer.
func (b *Book) loosened(all []sashlock.Site) (less []sashlock.SiteID) {
	for _, s := range all {
		was, known := b.Sites[s.ID]
		if known && (s.Zone != was.Zone || s.Jurisdiction != was.Jurisdiction || s.ShiftGrace > was.ShiftGrace || was.ClockIn && !s.ClockIn) {
			less = append(less, s.ID)
		}
	}
	return less
}

// shownLess reports whether what an opening says of itself guards it less.
func shownLess(was, is sashlock.Opening) bool {
	longer := func(is, was time.Duration) bool { return was > 0 && (is == 0 || is > was) } // 0: for ever
	return is.Class != sashlock.High ||
		was.Trial && !is.Trial ||
		was.OnFault == sashlock.HoldOnFault && is.OnFault != sashlock.HoldOnFault ||
		was.Egress == sashlock.EgressNone && is.Egress != sashlock.EgressNone ||
		is.ReleaseTime > was.ReleaseTime || longer(is.OpenTime, was.OpenTime) || longer(is.Unattended, was.Unattended)
}

// lessGuarded reports whether an opening of the highest class is opened by more
// people than before, or with less, because of where it is or what it asks.
func (b *Book) lessGuarded(after *Book, was, is sashlock.Opening, now time.Time) bool {
	if is.Area != was.Area && is.Area != "" && after.Index.GivenAsWhole(is.Area, "", now) {
		return true
	}
	if is.Site != was.Site && after.Index.GivenAsWhole("", is.Site, now) {
		return true
	}
	before, since := b.GuardOpening(was, now), after.GuardOpening(is, now)
	if lacks(b.rails.RulesAt(&since), b.rails.RulesAt(&before)) {
		return true
	}
	asks, then := after.asked(is), b.asked(was)
	return asks.level < then.level || then.two && !asks.two || lacks(asks.firsts, then.firsts) ||
		is.Area != was.Area && countsLess(after.Areas[is.Area], b.Areas[was.Area])
}

// asked is what an opening and its area ask of everybody together.
type asked struct {
	level  sashlock.Assurance
	two    bool
	firsts []sashlock.RoleID // who has to be the first in
}

func (b *Book) asked(o sashlock.Opening) asked {
	area := b.Areas[o.Area].Needs
	all := asked{level: max(o.Needs.Level, area.Level), two: o.Needs.Two || area.Two}
	for _, first := range []sashlock.RoleID{o.Needs.FirstIn, area.FirstIn} {
		if first != "" {
			all.firsts = append(all.firsts, first)
		}
	}
	return all
}

// asksLess reports whether needs ask for less than others in any respect.
func asksLess(is, was sashlock.Needs) bool {
	return is.Level < was.Level || was.Two && !is.Two || was.FirstIn != "" && is.FirstIn != was.FirstIn
}

// countsLess reports whether an area is less strict than another about people
// who enter twice, or about how many there are at once.
func countsLess(is, was sashlock.Area) bool {
	strict := []sashlock.Passback{"", sashlock.PassbackSoft, sashlock.PassbackTimed, sashlock.PassbackHard}
	if slices.Index(strict, is.Passback) < slices.Index(strict, was.Passback) {
		return true
	}
	sooner := is.Passback == sashlock.PassbackTimed && was.Passback == is.Passback && is.PassbackFor < was.PassbackFor
	return sooner || was.Occupancy > 0 && (is.Occupancy == 0 || is.Occupancy > was.Occupancy)
}

// goes finds what is worth most and is removed.
func (b *Book) goes(openings []sashlock.OpeningID) (all []Wider) {
	for _, id := range openings {
		if o := b.Openings[id]; o.Class == sashlock.High {
			all = append(all, weaker(o))
		}
	}
	return all
}

// unlinked finds what is worth most and whose interlock an opening leaves.
func (b *Book) unlinked(put []sashlock.Opening, gone []sashlock.OpeningID) (all []Wider) {
	for _, is := range put {
		if was := b.Openings[is.ID]; is.Interlock != was.Interlock || is.Site != was.Site {
			all = append(all, b.linked(was)...)
		}
	}
	for _, id := range gone {
		all = append(all, b.linked(b.Openings[id])...)
	}
	return all
}

// linked finds what is worth most and is of the same interlock as an opening,
// that one included.
func (b *Book) linked(to sashlock.Opening) (all []Wider) {
	if to.Interlock == "" {
		return nil
	}
	for _, o := range b.Openings {
		if o.Class == sashlock.High && o.Interlock == to.Interlock && o.Site == to.Site {
			all = append(all, weaker(o))
		}
	}
	return all
}

// refitted finds what is worth most and whose devices are no longer all there,
// or have another of their sort beside them.
func (b *Book) refitted(devices []sashlock.Device) (all []Wider) {
	for _, d := range devices {
		was := b.Devices[d.ID].Opening
		if d.Opening == was {
			continue
		}
		all = append(all, b.guards(was)...)
		if slices.ContainsFunc(b.fitted[d.Opening], func(there sashlock.Device) bool { return sameSort(there, d) }) {
			all = append(all, b.guards(d.Opening)...)
		}
	}
	return all
}

// guards finds what is worth most at an opening or in its interlock.
func (b *Book) guards(id sashlock.OpeningID) []Wider {
	o := b.Openings[id]
	all := b.linked(o)
	if o.Class == sashlock.High {
		all = append(all, weaker(o))
	}
	return all
}

// sameSort reports whether two devices both move the bolt, or tell the same.
func sameSort(a, b sashlock.Device) bool {
	moves := func(d sashlock.Device) bool { return d.Has(sashlock.CanRelease) || d.Has(sashlock.CanUnlock) }
	both := func(c sashlock.Capability) bool { return a.Has(c) && b.Has(c) }
	return moves(a) && moves(b) || both(sashlock.TellsPosition) || both(sashlock.TellsLock) || both(sashlock.TellsPresence)
}
