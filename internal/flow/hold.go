// SPDX-License-Identifier: Apache-2.0

package flow

import (
	"slices"
	"strings"
	"time"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/internal/store"
)

// TwiceTime is how soon after the first request the second counts as one in a
// row.
const TwiceTime = 5 * time.Second

// DoorSource is the source of the order that somebody gives at the opening.
const DoorSource = "door"

// ScenarioSource is how the sources of the orders that scenarios give begin.
const ScenarioSource = "scenario:"

// asksTwice reports whether a granted request is the second in a row of
// somebody whose grant lets them hold the opening unlocked, and for how long.
// The state is that before the request was granted.
func (h *Hall) asksTwice(q sashlock.Request, o sashlock.Opening, before sashlock.OpeningState, d sashlock.Decision, now time.Time) (time.Duration, bool) {
	hold := h.working.Index.TermsOf(d.Grant).Hold
	r := before.Release
	if hold == 0 || r == nil || r.Person != q.Person || q.Person == "" || q.Duress || q.Side == sashlock.Leaving {
		return 0, false
	}
	first := r.Until.Add(-o.ReleaseTime)
	return hold, !now.Before(first) && now.Sub(first) <= TwiceTime
}

// holdAtDoor holds an opening unlocked on the word of somebody in front of it
// who has just been let in, or ends that. It returns how the opening stands then.
// What unlocks it is the command of the request, which is released right after:
// one command, whose outcome is that of both.
func (h *Hall) holdAtDoor(tx *store.Tx, q sashlock.Request, o sashlock.Opening, s sashlock.OpeningState, d sashlock.Decision) (sashlock.OpeningState, error) {
	hold, twice := h.asksTwice(q, o, s, d, tx.Now())
	if !twice {
		return s, nil
	}
	var err error
	if slices.ContainsFunc(s.Orders, func(o sashlock.Order) bool { return o.Source == DoorSource }) {
		err = h.WithdrawIn(tx, DoorSource, []sashlock.OpeningID{o.ID}, "")
	} else {
		_, err = h.DirectIn(tx, Directive{
			Order:    sashlock.Order{Source: DoorSource, Rank: RankDoor, Mode: sashlock.HeldUnlocked, Until: tx.Now().Add(hold)},
			Openings: []sashlock.OpeningID{o.ID}, Person: q.Person, unlocks: true,
		})
	}
	if err != nil {
		return s, err
	}
	return tx.State(o.ID)
}

// dropForbidden takes back waiting orders, the strongest first, that are about
// to come into force and that a guard rail forbids by now.
func (h *Hall) dropForbidden(tx *store.Tx, o sashlock.Opening, orders []sashlock.Order) []sashlock.Order {
	for len(orders) > 0 && orders[0].Mode == sashlock.HeldUnlocked && orders[0].Since.Before(tx.Now()) {
		first := orders[0]
		held, forbidden := h.holdsBack(tx, o, Directive{Order: first, Automatic: strings.HasPrefix(first.Source, ScenarioSource)})
		if !forbidden || held.Rail == "" {
			return orders
		}
		about := sashlock.Event{Kind: heldBackKind(first), Site: o.Site, Opening: o.ID, Subject: first.Source, Rule: held.Rail, Why: held.Why}
		tx.Append(about)
		about.Kind, about.Rule, about.Why = sashlock.ModeWithdrawn, "", "a guard rail forbids it by now"
		tx.Append(about)
		orders = orders[1:]
	}
	return orders
}
