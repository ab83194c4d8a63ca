// SPDX-License-Identifier: Apache-2.0

package scenario

import (
	"cmp"
	"slices"

	"github.com/sashlock/sashlock"
)

// Stand is how one opening stands, for a checklist.
type Stand struct {
	State  sashlock.OpeningState
	Lock   bool // a lock is fitted that can be told to
	Tells  bool // a contact is fitted
	Alarms int  // that stand there
}

// Checked is one item of a checklist with what is not as it should be.
type Checked struct {
	Item   Item
	Looked int // how many openings it is about
	Failed []sashlock.OpeningID
}

// Checked verifies the checklist of a scenario from how the openings of its
// site stand. An opening about which nothing is known is not as it should be.
func (p *Plan) Checked(stand func(sashlock.OpeningID) Stand) []Checked {
	var site []place
	for _, o := range p.openings {
		site = append(site, o)
	}
	slices.SortFunc(site, func(a, b place) int { return cmp.Compare(a.Slug, b.Slug) })
	all := make([]Checked, 0, len(p.Form.Check.Items))
	for _, item := range p.Form.Check.Items {
		one := Checked{Item: item}
		for _, o := range site {
			s := stand(o.ID)
			if about, ok := item.holds(o.Opening, s, p.Form.Source()); about {
				one.Looked++
				if !ok {
					one.Failed = append(one.Failed, o.ID)
				}
			}
		}
		all = append(all, one)
	}
	return all
}

// holds reports whether an item is about an opening, and whether it is so there.
func (i Item) holds(o sashlock.Opening, s Stand, own string) (about, ok bool) {
	locked := s.State.Lock == sashlock.Locked && !s.State.Offline
	closed := s.State.Position == sashlock.Closed || s.State.Position == "" && !s.Tells
	switch i {
	case AllLocked:
		return s.Lock, locked
	case AllClosed:
		return s.Tells, s.State.Position == sashlock.Closed
	case CagesArmed:
		return o.Kind == sashlock.Cage, s.Lock && locked && closed && !s.State.Tampered
	case NoneReleased:
		return s.Lock, s.State.Release == nil
	case NoneHeldUnlocked:
		return s.Lock, !slices.ContainsFunc(s.State.Orders, func(r sashlock.Order) bool {
			return r.Mode == sashlock.HeldUnlocked && r.Source != own
		})
	case AllReachable:
		return s.Lock, !s.State.Offline
	case NoAlarms:
		return true, s.Alarms == 0
	}
	return false, true
}

// Tally counts what was looked at and what is not as it should be.
func Tally(all []Checked) (looked, failed int) {
	for _, one := range all {
		looked += one.Looked
		failed += len(one.Failed)
	}
	return looked, failed
}
