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
	"github.com/sashlock/sashlock/internal/lang"
	"github.com/sashlock/sashlock/internal/logkey"
	"github.com/sashlock/sashlock/internal/slots"
	"github.com/sashlock/sashlock/internal/store"
)

// The rules of the work on a lock are:
//
//  1. One thing at a time, and what is wanted is worked out anew before each: who
//     loses a code while others are written does not wait for those.
//  2. That a slot is going to be written is in the tables before the lock is told.
//     If the process dies in between, the slot counts as ours and is written again
//     or cleared.
//  3. A slot that was to be free and was not is somebody else's.
//  4. A lock that is offline is left alone until it is back; one on trial is only
//     asked which slots are in use.

// Why a code is not in a lock yet, and what an operator cannot do about it.
var (
	whyOffline = lang.Mark("the lock cannot be reached")
	whyTrial   = lang.Mark("the opening is on trial: nothing is written into its lock")
	whyFull    = lang.Mark("all slots of the lock are taken")
	whyOften   = lang.Mark("many codes were written into this lock lately: it goes on a little later")
	whyNoPIN   = lang.Mark("the PIN is not known any more: make it anew")

	markNoGrant = lang.Mark("this person may not open this opening now with a PIN alone: give them a grant first")
	markNoCode  = lang.Mark("there is no code that was found in this slot: look again")
)

// pass works on a lock until it is as it is to be, or something fails.
func (r *Room) pass(ctx context.Context, d sashlock.Device, online bool) {
	key, err := r.reconcile(ctx, d, online)
	if err != nil && ctx.Err() == nil {
		r.Log.Info("codes of a lock not reconciled", logkey.Device(d.ID), logkey.Err(err))
	}
	r.ended(d.ID, key+onlineKey(online), err)
}

func (r *Room) reconcile(ctx context.Context, d sashlock.Device, online bool) (key string, err error) {
	if online {
		if err := r.list(ctx, d); err != nil {
			return "", errors.Join(err, r.excuse(ctx, d, whyOffline))
		}
	}
	for ctx.Err() == nil {
		holdings, err := r.holdings(ctx, r.Now())
		if err != nil {
			return "", err
		}
		want := wantsOf(r.Hall.Book(), d, holdings, r.Now())
		l, err := r.note(ctx, d, want)
		if err != nil {
			return "", err
		}
		if !online {
			return keyOf(d, want), r.excuse(ctx, d, whyOffline)
		}
		if r.onTrial(d) {
			return keyOf(d, want) + onTrialKey, r.excuse(ctx, d, whyTrial)
		}
		p := slots.Next(r.bare(l, want), l.bare(), l.Count)
		if len(p.Acts) == 0 {
			return keyOf(d, want), r.leaveOut(ctx, d, p.LeftOut)
		}
		if err := r.act(ctx, d, p.Acts[0], want); err != nil {
			return "", err
		}
		pause(ctx, r.Pace.Between)
	}
	return "", ctx.Err()
}

// bare is what is wanted, without what the lock would not take.
func (r *Room) bare(l Lock, want []want) []slots.Want {
	all := make([]slots.Want, len(want))
	for i, w := range want {
		all[i] = w.Want
		waits, is := l.wait(w.Code)
		all[i].Hold = is && waits.refused != "" && waits.refused == w.Mark
	}
	return all
}

// edit changes what is known of a lock, in one transaction with what is recorded
// of it, and has the opening know since when a code should be gone.
func (r *Room) edit(ctx context.Context, by sashlock.OperatorID, d sashlock.Device, change func(tx *store.Tx, l *Lock) ([]sashlock.Event, error)) (now Lock, err error) {
	_, err = r.Hall.Change(ctx, flow.Change{Operator: by, Make: func(tx *store.Tx) (flow.Edit, error) {
		was, err := Find(tx, d.ID)
		if err != nil {
			return flow.Edit{}, err
		}
		now = was
		now.Slots, now.Waits = slices.Clone(was.Slots), slices.Clone(was.Waits)
		if d.Opening != "" {
			now.At = d.Opening
		}
		events, err := change(tx, &now)
		if err != nil {
			return flow.Edit{}, err
		}
		if err := save(tx, was, now); err != nil {
			return flow.Edit{}, err
		}
		for _, o := range []sashlock.OpeningID{was.At, now.At} {
			if err := r.tellOpening(tx, o); err != nil {
				return flow.Edit{}, err
			}
		}
		for i := range events {
			events[i].Device, events[i].Opening, events[i].Site = d.ID, now.At, r.Hall.Book().Openings[now.At].Site
		}
		return flow.Edit{Events: events}, nil
	}})
	return now, err
}

// tellOpening notes at an opening since when a lock there should have forgotten a
// code.
func (r *Room) tellOpening(tx *store.Tx, o sashlock.OpeningID) error {
	if o == "" {
		return nil
	}
	all, err := store.Rows(tx, scanSlot, `SELECT `+slotColumns+` FROM code_slots WHERE going IS NOT NULL AND device IN (SELECT device FROM code_locks WHERE opening = ?)`, o)
	if err != nil {
		return err
	}
	since, _ := Lock{Slots: all}.Revoking()
	return r.Hall.Revoking(tx, o, since)
}

// event is what the ledger keeps of a slot.
func (s Slot) event(kind sashlock.EventKind, why string) sashlock.Event {
	return sashlock.Event{Kind: kind, Person: s.Person, Slot: s.Number, Subject: string(s.Code), Why: why}
}

// note writes down what has to go and what is waited for.
func (r *Room) note(ctx context.Context, d sashlock.Device, all []want) (l Lock, err error) {
	err = r.Store.View(ctx, func(q store.Query) (err error) { l, err = Find(q, d.ID); return err })
	if err != nil || !differs(l, d, all, r.Now()) {
		return l, err
	}
	return r.edit(ctx, "", d, func(tx *store.Tx, l *Lock) (events []sashlock.Event, err error) {
		l.Waits, events = noted(l, all, tx.Now())
		return events, nil
	})
}

// differs reports whether [noted] would change anything.
func differs(l Lock, d sashlock.Device, all []want, now time.Time) bool {
	was := slices.Clone(l.Slots)
	next := Lock{Slots: slices.Clone(l.Slots), Waits: l.Waits}
	waits, _ := noted(&next, all, now)
	return !slices.Equal(was, next.Slots) || !slices.Equal(waits, l.Waits) || d.Opening != "" && d.Opening != l.At
}

// noted marks the slots that have to be emptied, in place, and returns what is
// waited for.
func noted(l *Lock, all []want, now time.Time) (waits []Wait, events []sashlock.Event) {
	for i, s := range l.Slots {
		w, wanted := wanted(all, s)
		switch {
		case !s.Ours || wanted && s.Going.IsZero():
		case wanted:
			l.Slots[i].Going = time.Time{}
		case s.Going.IsZero():
			l.Slots[i].Going = now
			if !s.Ends.IsZero() && s.Ends.Before(now) {
				l.Slots[i].Going = s.Ends // nobody looked at that moment
			}
			if s.Code != "" {
				events = append(events, s.event(sashlock.CodeRevoked, ""))
			}
		}
		if wanted && s.Ours && w.Slot != 0 {
			l.Slots[i].Sure = true
		}
	}
	for i, s := range l.Slots { // a code that was found and is somebody's by now
		if w, is := adopted(all, s); is && !s.Ours {
			l.Slots[i] = Slot{Slot: slots.Slot{Number: s.Number, Ours: true, Code: w.Code, Sure: true}, Person: w.person, Ends: w.until, Since: s.Since}
			events = append(events, l.Slots[i].event(sashlock.CodeAdopted, ""))
		}
	}
	for _, w := range all {
		if stands(*l, w) || w.Slot != 0 {
			continue
		}
		wait, had := l.wait(w.Code)
		if !had {
			wait = Wait{Code: w.Code, Person: w.person, Since: now}
		}
		if wait.refused != w.Mark {
			wait.refused = ""
		}
		waits = append(waits, wait)
	}
	slices.SortFunc(waits, func(a, b Wait) int { return compare(string(a.Code), string(b.Code)) })
	return waits, events
}

func compare(a, b string) int {
	switch {
	case a < b:
		return -1
	case a > b:
		return 1
	}
	return 0
}

// wanted returns the want that a slot of ours fills.
func wanted(all []want, s Slot) (want, bool) {
	i := slices.IndexFunc(all, func(w want) bool { return s.Code != "" && w.Code == s.Code && (w.Slot == 0 || w.Slot == s.Number) })
	if i < 0 {
		return want{}, false
	}
	return all[i], true
}

// adopted returns the want for a code that was found in a slot.
func adopted(all []want, s Slot) (want, bool) {
	i := slices.IndexFunc(all, func(w want) bool { return w.Slot == s.Number })
	if i < 0 {
		return want{}, false
	}
	return all[i], true
}

// stands reports whether a code is in the lock as it is wanted, by the lock's own
// word.
func stands(l Lock, w want) bool {
	return slices.ContainsFunc(l.Slots, func(s Slot) bool { return s.Ours && s.Sure && s.Code == w.Code && s.Mark == w.Mark })
}

// excuse says of all that is waited for why it is not there.
func (r *Room) excuse(ctx context.Context, d sashlock.Device, why string) error {
	return r.blame(ctx, d, func(w Wait) (string, bool) { return why, !w.Refused() })
}

// leaveOut says which codes found no slot.
func (r *Room) leaveOut(ctx context.Context, d sashlock.Device, out []sashlock.CredentialID) error {
	return r.blame(ctx, d, func(w Wait) (string, bool) { return whyFull, slices.Contains(out, w.Code) })
}

// blame writes down why codes are waited for, where that is news.
func (r *Room) blame(ctx context.Context, d sashlock.Device, why func(Wait) (string, bool)) error {
	var l Lock
	err := r.Store.View(ctx, func(q store.Query) (err error) { l, err = Find(q, d.ID); return err })
	news := slices.ContainsFunc(l.Waits, func(w Wait) bool { text, is := why(w); return is && text != w.Why })
	if err != nil || !news {
		return err
	}
	_, err = r.edit(ctx, "", d, func(_ *store.Tx, l *Lock) ([]sashlock.Event, error) {
		for i, w := range l.Waits {
			if text, is := why(w); is {
				l.Waits[i].Why = text
			}
		}
		return nil, nil
	})
	return err
}

// list asks a lock which of its slots are in use, when it is time to.
func (r *Room) list(ctx context.Context, d sashlock.Device) error {
	r.mu.Lock()
	due := !r.Now().Before(r.works[d.ID].list)
	r.mu.Unlock()
	if !due {
		return nil
	}
	limit, cancel := context.WithTimeout(ctx, 10*r.Pace.Act)
	listed, err := r.Locks.Codes(limit, d)
	cancel()
	blind := sashlock.IsKind(err, sashlock.Denied) || sashlock.IsKind(err, sashlock.Invalid)
	if err != nil && !blind {
		return err
	}
	_, err = r.edit(ctx, "", d, func(tx *store.Tx, l *Lock) ([]sashlock.Event, error) {
		if l.Blind = blind; blind {
			return nil, nil
		}
		l.Listed, l.Count = tx.Now(), len(listed)
		return l.seen(listed, tx.Now()), nil
	})
	if err == nil {
		r.mu.Lock()
		r.works[d.ID].list = r.Now().Add(r.Pace.Listing)
		r.mu.Unlock()
	}
	return err
}

// seen takes over what a lock says of its slots.
func (l *Lock) seen(listed []driver.Code, now time.Time) (events []sashlock.Event) {
	said := make([]slots.Listed, len(listed))
	for i, c := range listed {
		said[i] = slots.Listed{Number: c.Slot, InUse: c.InUse, Enabled: c.Enabled}
	}
	bare, news := slots.Seen(l.bare(), said)
	for _, n := range news {
		was, _ := l.slot(n.Slot.Number)
		switch n.What {
		case slots.Found:
			events = append(events, sashlock.Event{Kind: sashlock.CodeFound, Slot: n.Slot.Number})
		case slots.Gone:
			events = append(events, was.event(sashlock.CodeVanished, "nobody knows whose it was"))
		case slots.Vanished:
			if !was.Going.IsZero() {
				continue // it was to go: it is told below that it has
			}
			events = append(events, was.event(sashlock.CodeVanished, ""))
		case slots.SwitchedOff:
			events = append(events, was.event(sashlock.CodeVanished, "it was switched off"))
		}
	}
	var next []Slot
	for _, b := range bare {
		s, known := l.slot(b.Number)
		if !known {
			s.Since = now
		}
		s.Slot = b
		next = append(next, s)
	}
	for _, s := range l.Slots {
		if _, still := (Lock{Slots: next}).slot(s.Number); !still && !s.Going.IsZero() {
			events = append(events, s.event(sashlock.CodeCleared, ""))
		}
	}
	l.Slots = next
	return events
}
