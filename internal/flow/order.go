// SPDX-License-Identifier: Apache-2.0

package flow

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/internal/guard"
	"github.com/sashlock/sashlock/internal/store"
)

// The rules of standing orders are:
//
//   - An opening has at most one order of each source. The one with the highest
//     rank is in force, the newest of equals; the others wait behind it, so that
//     taking one back restores exactly what stood before.
//   - A guard rail can forbid an order that would leave an opening unlocked. It
//     is asked when the order is given, and the runner of scenarios asks again
//     as long as one runs.
//   - An order that holds unlocked is refused for an opening without a lock
//     that can unlock and lock, and for one on trial. Locking down sends no lock command to an
//     opening on a way out.
//   - One that waits behind another is asked about again when it comes into
//     force: what was allowed an hour ago may be forbidden by now.
//   - Who asks twice in a row at an opening, and whose grant has a time to hold
//     it, holds it unlocked for that long, and ends it by doing so again. This
//     order is weaker than an operator's, and a guard rail can forbid it.
//   - Coming into force moves the bolt: held unlocked unlocks it, anything else
//     after held unlocked locks it again.

// The ranks of what gives orders, from the weakest.
const (
	RankScenario = 100
	RankDoor     = 150
	RankOperator = 200
	RankLockdown = 300
)

// Directive is one order for several openings.
type Directive struct {
	Order     sashlock.Order // Since is filled in
	Openings  []sashlock.OpeningID
	Operator  sashlock.OperatorID // who gave it; empty: it came by itself
	Person    sashlock.PersonID   // who gave it at the opening
	Automatic bool                // a scenario gave it, nobody in person
	Why       string              // what triggered it

	unlocks bool // whoever gives it unlocks at once by a command of their own
}

// Directed is what became of a directive.
type Directed struct {
	Ordered  []sashlock.OpeningID
	HeldBack []HeldBack
}

// HeldBack is an opening that a directive was kept from.
type HeldBack struct {
	Opening sashlock.OpeningID
	Rail    string
	Why     string
}

// Act runs work that gives orders, carries out edits and keeps tables of its
// own, all in one transaction: the book is the one that the hall decides by in
// it. Work may be called again after a failed commit.
func (h *Hall) Act(ctx context.Context, work func(tx *store.Tx, b *Book) error) (store.Receipt, error) {
	return h.store.Do(ctx, func(tx *store.Tx) error { return work(tx, h.working) })
}

// ChangeIn carries out an edit within a transaction that does more.
func (h *Hall) ChangeIn(tx *store.Tx, by sashlock.OperatorID, edit Edit) error {
	next, err := h.working.With(edit)
	if err != nil {
		return err
	}
	also, err := h.heldBack(tx, next, by, edit)
	if err != nil {
		return err
	}
	edit.Events = append(slices.Clone(edit.Events), also...)
	for _, e := range edit.Events {
		e.Operator = by
		tx.Append(e)
	}
	for _, id := range edit.Access.Remove.Grants {
		tx.ForgetGrant(id)
	}
	for _, id := range edit.Access.Remove.People {
		tx.ForgetPerson(id)
	}
	before := h.working
	h.adopt(tx, next)
	if err := h.cutOver(tx, before, by, edit); err != nil {
		return err
	}
	return h.lookAgainAt(tx, before, edit)
}

// heldBack asks whether a change waits for a second operator.
func (h *Hall) heldBack(tx *store.Tx, next *Book, by sashlock.OperatorID, edit Edit) ([]sashlock.Event, error) {
	if h.hold == nil || edit.Seconded != "" {
		return nil, nil
	}
	if edit.Wider = nil; by != "" { // what comes by itself was looked at when it was arranged
		edit.Wider = widens(h.working, next, edit, tx.Now())
	}
	if len(edit.Danger)+len(edit.Wider) == 0 {
		return nil, nil
	}
	return h.hold(tx, next, by, edit)
}

// Foresee answers for an edit that is made later, within a transaction that
// arranges for it: whether it would wait for a second operator, as an error, and
// what is to be recorded now.
func (h *Hall) Foresee(tx *store.Tx, by sashlock.OperatorID, edit Edit) ([]sashlock.Event, error) {
	return h.heldBack(tx, h.working, by, edit)
}

// Direct gives a standing order to openings, all in one transaction. Openings
// that a guard rail forbids are left as they are, and named.
func (h *Hall) Direct(ctx context.Context, d Directive) (Directed, error) {
	var out Directed
	_, err := h.store.Do(ctx, func(tx *store.Tx) (err error) {
		out, err = h.DirectIn(tx, d)
		return err
	})
	return out, err
}

// DirectIn is Direct within a transaction that does more.
func (h *Hall) DirectIn(tx *store.Tx, d Directive) (Directed, error) {
	var out Directed
	for _, id := range d.Openings {
		o, known := h.working.Openings[id]
		if !known {
			continue
		}
		if held, forbidden := h.holdsBack(tx, o, d); forbidden {
			out.HeldBack = append(out.HeldBack, held)
			tx.Append(sashlock.Event{
				Kind: heldBackKind(d.Order), Site: o.Site, Opening: id, Operator: d.Operator, Person: d.Person,
				Subject: d.Order.Source, Rule: held.Rail, Why: held.Why,
			})
			continue
		}
		if err := h.order(tx, o, d); err != nil {
			return out, err
		}
		out.Ordered = append(out.Ordered, id)
	}
	return out, nil
}

// heldBackKind is the kind of the entry that says an opening was kept from an
// order: a scenario's have one of their own.
func heldBackKind(o sashlock.Order) sashlock.EventKind {
	if strings.HasPrefix(o.Source, ScenarioSource) {
		return sashlock.ScenarioHeldBack
	}
	return sashlock.ModeHeldBack
}

// holdsBack asks the guard rails, and the lock, about an order.
func (h *Hall) holdsBack(tx *store.Tx, o sashlock.Opening, d Directive) (HeldBack, bool) {
	if d.Order.Mode != sashlock.HeldUnlocked {
		return HeldBack{}, false
	}
	if o.Trial {
		return HeldBack{Opening: o.ID, Why: "it is on trial: nothing is sent to its lock"}, true
	}
	lock, fitted := h.working.lock(o.ID)
	if !fitted || !lock.Has(sashlock.CanUnlock) {
		return HeldBack{Opening: o.ID, Why: "no lock that can be held unlocked is fitted"}, true
	}
	facts := h.working.GuardOpening(o, tx.Now())
	facts.Action, facts.Automatic, facts.Threat = guard.HoldUnlocked, d.Automatic, threatOf(tx.SiteState(o.Site))
	for _, hit := range h.working.rails.Look(&facts) {
		if !hit.Shadow {
			return HeldBack{Opening: o.ID, Rail: hit.Rail, Why: hit.Why}, true
		}
	}
	return HeldBack{}, false
}

func (h *Hall) order(tx *store.Tx, o sashlock.Opening, d Directive) error {
	s, err := tx.State(o.ID)
	if err != nil {
		return err
	}
	next := d.Order
	next.Since = tx.Now()
	s.Orders = slices.DeleteFunc(s.Orders, func(old sashlock.Order) bool { return old.Source == next.Source })
	s.Orders = append([]sashlock.Order{next}, s.Orders...)
	tx.Append(sashlock.Event{Kind: sashlock.ModeOrdered, Site: o.Site, Opening: o.ID, Operator: d.Operator, Person: d.Person, Subject: next.Source, Why: string(next.Mode)})
	was := s.Mode
	s = h.rank(tx, o, s)
	if !d.unlocks || s.Mode != sashlock.HeldUnlocked {
		s = h.moveBolt(tx, o, was, s)
	}
	return h.settle(tx, o, s)
}

// Withdraw takes the orders of one source back from openings, all in one
// transaction; nil: from every opening that has one.
func (h *Hall) Withdraw(ctx context.Context, source string, openings []sashlock.OpeningID, by sashlock.OperatorID) error {
	_, err := h.store.Do(ctx, func(tx *store.Tx) error { return h.WithdrawIn(tx, source, openings, by) })
	return err
}

// WithdrawIn is Withdraw within a transaction that does more.
func (h *Hall) WithdrawIn(tx *store.Tx, source string, openings []sashlock.OpeningID, by sashlock.OperatorID) error {
	if openings == nil {
		for id := range h.working.Openings {
			openings = append(openings, id)
		}
		slices.Sort(openings)
	}
	for _, id := range openings {
		o, known := h.working.Openings[id]
		if !known {
			continue
		}
		s, err := tx.State(id)
		if err != nil {
			return err
		}
		if !slices.ContainsFunc(s.Orders, func(o sashlock.Order) bool { return o.Source == source }) {
			continue
		}
		s.Orders = slices.DeleteFunc(s.Orders, func(o sashlock.Order) bool { return o.Source == source })
		tx.Append(sashlock.Event{Kind: sashlock.ModeWithdrawn, Site: o.Site, Opening: id, Operator: by, Subject: source})
		if err := h.settle(tx, o, h.enforce(tx, o, s)); err != nil {
			return err
		}
	}
	return nil
}

// enforce makes the strongest order the mode of the opening and moves the bolt
// if that changes whether it is to be held unlocked.
func (h *Hall) enforce(tx *store.Tx, o sashlock.Opening, s sashlock.OpeningState) sashlock.OpeningState {
	return h.moveBolt(tx, o, s.Mode, h.rank(tx, o, s))
}

// rank makes the strongest order the mode of the opening.
func (h *Hall) rank(tx *store.Tx, o sashlock.Opening, s sashlock.OpeningState) sashlock.OpeningState {
	slices.SortStableFunc(s.Orders, func(a, b sashlock.Order) int { return b.Rank - a.Rank })
	s.Orders = h.dropForbidden(tx, o, s.Orders)
	s.Mode = sashlock.Normal
	if len(s.Orders) > 0 {
		s.Mode = s.Orders[0].Mode
	}
	return s
}

// moveBolt unlocks or locks an opening whose mode was another one before.
func (h *Hall) moveBolt(tx *store.Tx, o sashlock.Opening, was sashlock.Mode, s sashlock.OpeningState) sashlock.OpeningState {
	if was == "" {
		was = sashlock.Normal
	}
	if was == s.Mode {
		return s
	}
	lock, fitted := h.working.lock(o.ID)
	if !fitted {
		return s
	}
	switch {
	case s.Mode == sashlock.HeldUnlocked:
		h.queue(tx, o, sashlock.CommandRecord{Command: sashlock.Command{Device: lock.ID, Verb: sashlock.DoUnlock}})
	case was == sashlock.HeldUnlocked && o.Egress == sashlock.EgressNone && lock.Has(sashlock.CanLock):
		s = owed(s, tx.Now())
	case s.Mode != sashlock.Normal && s.Release != nil && s.Release.Taken.IsZero() && o.Egress == sashlock.EgressNone && lock.Has(sashlock.CanLock):
		s = owed(s, tx.Now()) // locked down in the middle of a release
	}
	return s
}

// lapseOrders ends the orders whose time is up and says when the next one's is.
func (h *Hall) lapseOrders(tx *store.Tx, o sashlock.Opening, s sashlock.OpeningState) (sashlock.OpeningState, time.Time) {
	var next time.Time
	ended := false
	s.Orders = slices.DeleteFunc(s.Orders, func(order sashlock.Order) bool {
		if order.Until.IsZero() {
			return false
		}
		if tx.Now().Before(order.Until) {
			next = earlier(next, order.Until)
			return false
		}
		tx.Append(sashlock.Event{Kind: sashlock.ModeWithdrawn, Site: o.Site, Opening: o.ID, Subject: order.Source, Why: "its time was up"})
		ended = true
		return true
	})
	if ended {
		s = h.enforce(tx, o, s)
	}
	return s, next
}

// Threaten sets how a store stands: "" for normal.
func (h *Hall) Threaten(tx *store.Tx, site sashlock.SiteID, threat, source string, by sashlock.OperatorID) {
	s := tx.SiteState(site)
	if s.Threat == threat {
		return
	}
	s.Threat = threat
	tx.SaveSiteState(s)
	tx.Append(sashlock.Event{Kind: sashlock.ThreatChanged, Site: site, Operator: by, Subject: source, Why: threatOf(s)})
}

func threatOf(s sashlock.SiteState) string {
	if s.Threat == "" {
		return "normal"
	}
	return s.Threat
}
