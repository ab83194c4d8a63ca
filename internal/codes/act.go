// SPDX-License-Identifier: Apache-2.0

package codes

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/driver"
	"github.com/sashlock/sashlock/internal/flow"
	"github.com/sashlock/sashlock/internal/slots"
	"github.com/sashlock/sashlock/internal/store"
)

// act does one thing to a lock. An error says that it failed and may be tried
// again; what a lock would not do is no error.
func (r *Room) act(ctx context.Context, d sashlock.Device, a slots.Act, all []want) error {
	if a.Clear {
		return r.clear(ctx, d, a)
	}
	i := slices.IndexFunc(all, func(w want) bool { return w.Code == a.Code })
	if i < 0 {
		return nil
	}
	if !r.mayWrite(d.ID) {
		return errors.Join(r.excuse(ctx, d, whyOften), &sashlock.Error{Kind: sashlock.Limit, Op: "writing code", Subject: string(d.ID), Hint: whyOften})
	}
	return r.write(ctx, d, a, all[i])
}

// clear has a lock forget a code.
func (r *Room) clear(ctx context.Context, d sashlock.Device, a slots.Act) error {
	limit, cancel := context.WithTimeout(ctx, r.Pace.Act)
	err := r.Locks.ClearCode(limit, d, a.Slot)
	cancel()
	if err != nil && !sashlock.IsKind(err, sashlock.Limit) { // there is no such slot: nothing is in it
		return err
	}
	_, err = r.edit(ctx, "", d, func(_ *store.Tx, l *Lock) ([]sashlock.Event, error) {
		s, there := l.slot(a.Slot)
		if !there {
			return nil, nil
		}
		l.drop(a.Slot)
		return []sashlock.Event{s.event(sashlock.CodeCleared, "")}, nil
	})
	if err != nil || a.Code == "" {
		return err
	}
	// A code that was found and adopted ends with this; others go on elsewhere.
	if err := r.Credentials.Forgotten(ctx, a.Code); err != nil && !sashlock.IsKind(err, sashlock.NotFound) {
		return err
	}
	return nil
}

// write puts a code into a slot.
func (r *Room) write(ctx context.Context, d sashlock.Device, a slots.Act, w want) error {
	var pin driver.PIN
	err := r.Store.View(ctx, func(q store.Query) (err error) { pin, err = r.Credentials.PIN(q, w.Code); return err })
	if sashlock.IsKind(err, sashlock.NotFound) || sashlock.IsKind(err, sashlock.Invalid) {
		return r.refused(ctx, d, a, w, whyNoPIN)
	}
	if err != nil {
		return err
	}
	_, err = r.edit(ctx, "", d, func(tx *store.Tx, l *Lock) ([]sashlock.Event, error) {
		s, there := l.slot(a.Slot)
		if !there {
			s = Slot{Since: tx.Now(), Person: w.person}
		}
		s.Slot = slots.Slot{Number: a.Slot, Ours: true, Code: w.Code, Mark: w.Mark}
		s.Ends = w.until
		l.put(s)
		return nil, nil
	})
	if err != nil {
		return err
	}
	limit, cancel := context.WithTimeout(ctx, r.Pace.Act)
	defer cancel()
	set, err := r.Locks.SetCode(limit, d, driver.CodeSetting{Slot: a.Slot, PIN: pin, Fresh: a.Fresh, Until: inZone(r.Hall.Book(), d.Opening, w.until)})
	return r.written(ctx, d, a, w, set, err)
}

// inZone returns a time as the clocks at an opening show it.
func inZone(book *flow.Book, o sashlock.OpeningID, at time.Time) time.Time {
	if at.IsZero() {
		return at
	}
	return book.Clock(book.Openings[o].Site, at)
}

// written notes what became of a code that was to be written.
func (r *Room) written(ctx context.Context, d sashlock.Device, a slots.Act, w want, set driver.CodeSet, failed error) error {
	switch sashlock.KindOf(failed) {
	case "":
		_, err := r.edit(ctx, "", d, func(tx *store.Tx, l *Lock) ([]sashlock.Event, error) {
			s, there := l.slot(a.Slot)
			if !there {
				return nil, nil
			}
			s.Sure, s.Bounded, s.Since = true, set.Bounded, tx.Now()
			l.put(s)
			l.Waits = slices.DeleteFunc(l.Waits, func(x Wait) bool { return x.Code == w.Code })
			return []sashlock.Event{s.event(sashlock.CodeWritten, "")}, nil
		})
		return err
	case sashlock.Conflict: // somebody else's after all
		_, err := r.edit(ctx, "", d, func(tx *store.Tx, l *Lock) ([]sashlock.Event, error) {
			l.put(Slot{Slot: slots.Slot{Number: a.Slot}, Since: tx.Now()})
			return []sashlock.Event{{Kind: sashlock.CodeFound, Slot: a.Slot}}, nil
		})
		return err
	case sashlock.Limit: // there is no such slot
		_, err := r.edit(ctx, "", d, func(_ *store.Tx, l *Lock) ([]sashlock.Event, error) {
			l.drop(a.Slot)
			l.Count = a.Slot - 1
			return nil, nil
		})
		return err
	case sashlock.Denied, sashlock.Invalid:
		return r.refused(ctx, d, a, w, hintOf(failed))
	}
	_, err := r.edit(context.WithoutCancel(ctx), "", d, func(_ *store.Tx, l *Lock) ([]sashlock.Event, error) {
		if a.Fresh && !set.Sent {
			l.drop(a.Slot) // the lock was told nothing
		}
		for i := range l.Waits {
			if l.Waits[i].Code == w.Code {
				l.Waits[i].Why = hintOf(failed)
			}
		}
		return nil, nil
	})
	return errors.Join(failed, err)
}

// refused notes that a code cannot be put into a lock as it is.
func (r *Room) refused(ctx context.Context, d sashlock.Device, a slots.Act, w want, why string) error {
	_, err := r.edit(ctx, "", d, func(tx *store.Tx, l *Lock) ([]sashlock.Event, error) {
		if a.Fresh {
			l.drop(a.Slot)
		}
		if _, had := l.wait(w.Code); !had {
			l.Waits = append(l.Waits, Wait{Code: w.Code, Person: w.person, Since: tx.Now()})
		}
		for i := range l.Waits {
			if l.Waits[i].Code == w.Code {
				l.Waits[i].Why, l.Waits[i].refused = why, w.Mark
			}
		}
		return []sashlock.Event{{Kind: sashlock.CodeNotTaken, Person: w.person, Slot: a.Slot, Subject: string(w.Code), Why: why}}, nil
	})
	return err
}

func hintOf(err error) string {
	var e *sashlock.Error
	if errors.As(err, &e) {
		return e.Hint
	}
	return whyOffline
}

// mayWrite reports whether one more code may be written into a lock in this hour.
func (r *Room) mayWrite(id sashlock.DeviceID) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	w, now := r.works[id], r.Now()
	w.written = slices.DeleteFunc(w.written, func(at time.Time) bool { return now.Sub(at) >= time.Hour })
	if len(w.written) >= r.Pace.Hourly {
		return false
	}
	w.written = append(w.written, now)
	return true
}

func (l *Lock) drop(slot int) {
	l.Slots = slices.DeleteFunc(l.Slots, func(s Slot) bool { return s.Number == slot })
}

func (l *Lock) put(s Slot) {
	l.drop(s.Number)
	l.Slots = append(l.Slots, s)
	slices.SortFunc(l.Slots, func(a, b Slot) int { return a.Number - b.Number })
}

// Condemn has a code removed from a lock that was found there.
func (r *Room) Condemn(ctx context.Context, by sashlock.OperatorID, d sashlock.Device, slot int) error {
	_, err := r.edit(ctx, by, d, func(tx *store.Tx, l *Lock) ([]sashlock.Event, error) {
		s, there := l.slot(slot)
		if !there || s.Ours {
			return nil, noCode("removing code", d)
		}
		s.Slot = slots.Slot{Number: slot, Ours: true, Sure: true}
		s.Going = tx.Now()
		l.put(s)
		return []sashlock.Event{s.event(sashlock.CodeCondemned, "")}, nil
	})
	if err == nil {
		r.stir(d.ID, false)
	}
	return err
}

// Gone takes an operator's word that a lock is no longer there: nothing is waited
// for from it. Should it come back, what it holds counts as found.
func (r *Room) Gone(ctx context.Context, by sashlock.OperatorID, d sashlock.Device) error {
	_, err := r.edit(ctx, by, d, func(_ *store.Tx, l *Lock) (events []sashlock.Event, err error) {
		for _, s := range l.Slots {
			if s.Ours {
				events = append(events, s.event(sashlock.CodeCleared, "an operator says that the lock is no longer there"))
			}
		}
		l.Slots, l.Listed = nil, time.Time{}
		return events, nil
	})
	if err == nil {
		r.stir(d.ID, true)
	}
	return err
}

func noCode(op string, d sashlock.Device) error {
	return &sashlock.Error{Kind: sashlock.Conflict, Op: op, Subject: string(d.ID), Hint: markNoCode}
}
