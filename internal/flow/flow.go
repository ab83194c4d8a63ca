// SPDX-License-Identifier: Apache-2.0

// Package flow is the one route that all data takes.
//
// # What
//
// Everything enters by one of four doors: [Hall.Report] (a device says),
// [Hall.Request] (someone asks), [Hall.Change] (an operator edits) and
// [Hall.Tick] (time passed). Each loads what it needs, lets pure functions
// decide, and records the outcome in one transaction: the state, the ledger
// entries, the commands to devices and the next moment to look again. After
// the commit, followers read the ledger by its numbers.
//
// # How it fits
//
// The deciders are opening.Apply, access.Index and the rules of detect; none of
// them knows of a database or a clock. Package store commits many doors' work
// together. Commands leave through the dispatcher that package app hands in.
//
// # Promises
//
// Nothing is acknowledged before it is on disk and in the ledger. No command
// leaves before the decision that caused it is. A refusal is an answer, not an
// error. A wake-up outlives the process.
package flow

import (
	"context"
	"time"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/internal/detect"
	"github.com/sashlock/sashlock/internal/opening"
	"github.com/sashlock/sashlock/internal/store"
)

// Report records what a device said and what follows from it. A repeat of an
// earlier report changes nothing and is no error: whoever sent it may forget it.
func (h *Hall) Report(ctx context.Context, r sashlock.Report) (store.Receipt, error) {
	return h.store.DoVital(ctx, func(tx *store.Tx) error {
		if isAboutCommand(r) {
			return h.endCommand(tx, r)
		}
		o, known := h.working.Openings[r.Opening]
		if !known || r.Device == "" {
			h.refuse(tx, r)
			return nil
		}
		s, err := tx.State(o.ID)
		if err != nil {
			return err
		}
		out := opening.Apply(o, s, r, tx.Now())
		if out.Repeated {
			return nil
		}
		if !h.working.isLock(r.Device) {
			out.State.Offline = s.Offline // the loss of a contact does not put the lock out of reach
		}
		if err := h.noteDevice(tx, r); err != nil {
			return err
		}
		appendAll(tx, out.Events)
		h.noteTaken(tx, o, s, out.Events)
		if err := h.answerCommands(tx, r, out); err != nil {
			return err
		}
		return h.settle(tx, o, closedNow(r, out, tx.Now()))
	})
}

// closedNow makes the lock that was owed a lock command get it at once when its
// opening has been closed: a release is for one opening and closing.
func closedNow(r sashlock.Report, out opening.Outcome, now time.Time) sashlock.OpeningState {
	s := out.State
	if r.Kind == sashlock.OpeningClosed && !out.Late && !s.Relock.IsZero() {
		s = owed(s, now)
	}
	return s
}

// Answer is what a [sashlock.Request] got.
type Answer struct {
	Decision sashlock.Decision
	Command  sashlock.CommandID // what to follow for the physical result; empty when refused
	Receipt  store.Receipt
}

// Request decides whether somebody may open something and, if so, releases it.
func (h *Hall) Request(ctx context.Context, q sashlock.Request) (Answer, error) {
	var a Answer
	do := h.store.DoVital // a credential at the opening is decided even when only the emergency journal can be written
	if q.Operator != "" {
		do = h.store.Do
	}
	receipt, err := do(ctx, func(tx *store.Tx) error {
		a = Answer{}
		q.At = tx.Now()
		s, err := tx.State(q.Opening)
		if err != nil {
			return err
		}
		a.Decision = h.decide(tx, q, s)
		h.record(tx, q, a.Decision)
		if !a.Decision.Granted {
			h.await(tx, q, s, a.Decision)
			return nil
		}
		o := h.working.Openings[q.Opening]
		if s, err = h.holdAtDoor(tx, q, o, s, a.Decision); err != nil {
			return err
		}
		a.Command, err = h.release(tx, q, o, s, a.Decision)
		return err
	})
	if err != nil {
		return h.requestOnFault(ctx, q, err)
	}
	a.Receipt = receipt
	return a, nil
}

// Change records what an operator edited and lets every later decision see it.
type Change struct {
	Operator sashlock.OperatorID
	// Make edits the rooms' tables within the transaction and returns what
	// changed. It may be called again after a failed commit, so it must not
	// keep anything of an earlier call.
	Make func(tx *store.Tx) (Edit, error)
}

// Change carries out c. When it returns without an error the next request is
// decided by it.
func (h *Hall) Change(ctx context.Context, c Change) (store.Receipt, error) {
	return h.store.Do(ctx, func(tx *store.Tx) error {
		edit, err := c.Make(tx)
		if err != nil {
			return err
		}
		return h.ChangeIn(tx, c.Operator, edit)
	})
}

// Tick looks again at every opening whose moment has come. It returns when the
// next one comes; zero means that nothing is waiting.
func (h *Hall) Tick(ctx context.Context) (next time.Time, err error) {
	if err := h.recordLater(ctx); err != nil {
		return h.now().Add(time.Second), err
	}
	for _, subject := range h.store.DueWakeups(h.now()) {
		if err := h.wake(ctx, subject); err != nil {
			return h.now().Add(time.Second), err
		}
	}
	return h.store.NextWakeup(), nil
}

func (h *Hall) wake(ctx context.Context, subject string) error {
	_, err := h.store.DoVital(ctx, func(tx *store.Tx) error {
		o, known := h.working.Openings[openingOf(subject)]
		if !known {
			tx.Wake(subject, time.Time{})
			return nil
		}
		s, err := tx.State(o.ID)
		if err != nil {
			return err
		}
		return h.settle(tx, o, s)
	})
	return err
}

// settle ends every door's work on an opening: what the passing of time does to
// its release and its commands, what the rules see, its state, and when to look
// again.
func (h *Hall) settle(tx *store.Tx, o sashlock.Opening, s sashlock.OpeningState) error {
	now := tx.Now()
	lapsed := opening.Lapse(o, s, now)
	appendAll(tx, lapsed.Events)
	h.noteTaken(tx, o, s, lapsed.Events)
	s, look := h.lapseOrders(tx, o, h.working.forgetGone(lapsed.State))
	look = earlier(look, lapsed.LookAgain)

	s, err := h.relock(tx, o, s)
	if err != nil {
		return err
	}
	due, err := h.expireCommands(tx, o, now)
	if err != nil {
		return err
	}
	look = earlier(earlier(look, due), s.Relock)

	facts := detect.Facts{Opening: o, State: s, Now: h.working.Clock(o.Site, now), Staffed: h.working.staffed(o.Site, now)}
	facts.Within = h.working.Sites[o.Site].RevokeWithin
	facts.Coming = h.working.coming(o, s, func() sashlock.SiteState { return tx.SiteState(o.Site) }, now)
	for _, rule := range h.rules {
		found := rule.Look(facts)
		if s, err = h.alarm(tx, o, s, rule, found); err != nil {
			return err
		}
		look = earlier(look, found.LookAgain)
	}
	tx.SaveState(s)
	tx.Wake(subjectOf(o.ID), look)
	return nil
}

func appendAll(tx *store.Tx, events []sashlock.Event) {
	for _, e := range events {
		tx.Append(e)
	}
}

// earlier returns the earlier of two times, where zero means never.
func earlier(a, b time.Time) time.Time {
	if a.IsZero() || !b.IsZero() && b.Before(a) {
		return b
	}
	return a
}
