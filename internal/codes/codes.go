// SPDX-License-Identifier: Apache-2.0

// Package codes keeps the PINs in locks as they are to be.
//
// # What
//
// Some locks hold PINs and open with them by themselves, also while the store
// node is off. [Room.Run] compares, for every such lock, whose PINs have to be in
// it now with what is known of its slots, and writes and clears until they agree.
// [Room.Lock] and [Room.Places] tell how that stands. [Room.Condemn],
// [Room.Adopt] and [Room.Look] are what an operator can do about it.
//
// # How it fits
//
// A room. What is to be done is worked out by package slots; locks, credentials
// and their PINs are reached through small interfaces that package app fills.
// Since when a lock should have forgotten a code is told to package flow, where
// the rule detect/revocation looks at it.
//
// # Promises
//
// A PIN is in a lock only while its owner may open it now with a PIN alone. What
// has to go goes first. Nothing is in force, or gone, before the lock said so. A
// code that we did not write is shown and left alone. What is begun is noted
// before the lock is told, so that a restart forgets nothing. No PIN is in the
// ledger, in a log or in an error.
package codes

import (
	"database/sql"
	"time"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/internal/slots"
	"github.com/sashlock/sashlock/internal/store"
)

// Slot is what is known of one slot of a lock that is in use.
type Slot struct {
	slots.Slot
	Person  sashlock.PersonID // whose the code is, of ours
	Bounded bool              // the lock itself ends it
	Ends    time.Time         // when it ends; zero: it is not known to end
	Since   time.Time         // in force since; of a code that was found: since when it is known
	Going   time.Time         // since when it has to be gone and is not; zero: it may stay
}

// Wait is a code that is wanted in a lock and is not there.
type Wait struct {
	Code    sashlock.CredentialID
	Since   time.Time
	Why     string // why it is not there yet; empty: it is on its way
	refused string // the mark that the lock would not take
}

// Refused reports whether the lock would not take it.
func (w Wait) Refused() bool { return w.refused != "" }

// Lock is how the codes of a lock stand.
type Lock struct {
	Device sashlock.DeviceID
	At     sashlock.OpeningID // where it is fitted, or was until it was removed
	Count  int                // how many slots it has; 0: nobody knows
	Listed time.Time          // when it last said which are in use; zero: never
	Blind  bool               // it cannot say it: what counts is what it confirmed when it was written
	Slots  []Slot             // in use, by number
	Waits  []Wait             // in the order in which they were made
}

// Revoking returns since when the oldest code is still there that has to be gone;
// zero: there is none.
func (l Lock) Revoking() (since time.Time, count int) {
	for _, s := range l.Slots {
		if s.Going.IsZero() {
			continue
		}
		count++
		if since.IsZero() || s.Going.Before(since) {
			since = s.Going
		}
	}
	return since, count
}

// Drifted reports whether a code is in the lock that we did not put there.
func (l Lock) Drifted() bool {
	for _, s := range l.Slots {
		if !s.Ours {
			return true
		}
	}
	return false
}

func (l Lock) bare() []slots.Slot {
	all := make([]slots.Slot, len(l.Slots))
	for i, s := range l.Slots {
		all[i] = s.Slot
	}
	return all
}

func (l Lock) slot(number int) (Slot, bool) {
	for _, s := range l.Slots {
		if s.Number == number {
			return s, true
		}
	}
	return Slot{}, false
}

func (l Lock) wait(code sashlock.CredentialID) (Wait, bool) {
	for _, w := range l.Waits {
		if w.Code == code {
			return w, true
		}
	}
	return Wait{}, false
}

// find reads all that is known of a lock.
func find(q store.Query, id sashlock.DeviceID) (Lock, error) {
	l := Lock{Device: id}
	var listed sql.NullInt64
	known, err := store.Rows(q, func(read store.Scan) (l Lock, err error) { return l, read(&l.At, &l.Count, &listed, &l.Blind) },
		`SELECT COALESCE(opening, ''), slots, listed, blind FROM code_locks WHERE device = ?`, id)
	if err != nil {
		return l, err
	}
	if len(known) > 0 {
		l.At, l.Count, l.Blind, l.Listed = known[0].At, known[0].Count, known[0].Blind, store.TimeOf(listed)
	}
	if l.Slots, err = store.Rows(q, scanSlot, `SELECT `+slotColumns+` FROM code_slots WHERE device = ? ORDER BY slot`, id); err != nil {
		return l, err
	}
	l.Waits, err = store.Rows(q, scanWait, `SELECT credential, since, why, refused FROM code_waits WHERE device = ? ORDER BY credential`, id)
	return l, err
}

const slotColumns = `slot, ours, credential, person, mark, sure, bounded, ends, since, going`

func scanSlot(read store.Scan) (s Slot, err error) {
	var code, person sql.NullString
	var ends, since, going sql.NullInt64
	err = read(&s.Number, &s.Ours, &code, &person, &s.Mark, &s.Sure, &s.Bounded, &ends, &since, &going)
	s.Code, s.Person = store.ID[sashlock.CredentialID](code), store.ID[sashlock.PersonID](person)
	s.Ends, s.Since, s.Going = store.TimeOf(ends), store.TimeOf(since), store.TimeOf(going)
	return s, err
}

func scanWait(read store.Scan) (w Wait, err error) {
	var since sql.NullInt64
	err = read(&w.Code, &since, &w.Why, &w.refused)
	w.Since = store.TimeOf(since)
	return w, err
}

// save writes what changed of a lock.
func save(tx *store.Tx, was, now Lock) error {
	if was.At != now.At || was.Count != now.Count || was.Blind != now.Blind || !was.Listed.Equal(now.Listed) {
		err := tx.Put("code_locks", "device", store.Fields{"device": now.Device, "opening": store.Null(now.At), "slots": now.Count, "listed": store.Micros(now.Listed), "blind": number(now.Blind)})
		if err != nil {
			return err
		}
	}
	for _, s := range was.Slots {
		if _, still := now.slot(s.Number); !still {
			if _, err := tx.Exec(`DELETE FROM code_slots WHERE device = ? AND slot = ?`, now.Device, s.Number); err != nil {
				return err
			}
		}
	}
	for _, s := range now.Slots {
		if old, had := was.slot(s.Number); had && old == s {
			continue
		}
		err := tx.Put("code_slots", "device, slot", store.Fields{
			"device": now.Device, "slot": s.Number, "ours": number(s.Ours), "credential": store.Null(s.Code), "person": store.Null(s.Person),
			"mark": s.Mark, "sure": number(s.Sure), "bounded": number(s.Bounded), "ends": store.Micros(s.Ends), "since": store.Micros(s.Since), "going": store.Micros(s.Going),
		})
		if err != nil {
			return err
		}
	}
	return saveWaits(tx, was, now)
}

func saveWaits(tx *store.Tx, was, now Lock) error {
	for _, w := range was.Waits {
		if _, still := now.wait(w.Code); !still {
			if _, err := tx.Exec(`DELETE FROM code_waits WHERE device = ? AND credential = ?`, now.Device, w.Code); err != nil {
				return err
			}
		}
	}
	for _, w := range now.Waits {
		if old, had := was.wait(w.Code); had && old == w {
			continue
		}
		err := tx.Put("code_waits", "device, credential", store.Fields{
			"device": now.Device, "credential": w.Code, "since": store.Micros(w.Since), "why": w.Why, "refused": w.refused,
		})
		if err != nil {
			return err
		}
	}
	return nil
}

func number(on bool) int {
	if on {
		return 1
	}
	return 0
}

// Standing is one lock that holds a PIN, or is to.
type Standing struct {
	Device sashlock.DeviceID
	Slot   Slot // in use by it; Number 0: it is not there yet
	Wait   Wait // why not
}

// Places tells in which locks the PIN of a credential stands, and in which it is
// still to be written.
func Places(q store.Query, id sashlock.CredentialID) (all []Standing, err error) {
	all, err = store.Rows(q, func(read store.Scan) (s Standing, err error) {
		s.Slot, err = scanSlot(func(dest ...any) error { return read(append([]any{&s.Device}, dest...)...) })
		return s, err
	}, `SELECT device, `+slotColumns+` FROM code_slots WHERE credential = ? ORDER BY device, slot`, id)
	if err != nil {
		return nil, err
	}
	waits, err := store.Rows(q, func(read store.Scan) (s Standing, err error) {
		s.Wait, err = scanWait(func(dest ...any) error { return read(append([]any{&s.Device}, dest...)...) })
		return s, err
	}, `SELECT device, credential, since, why, refused FROM code_waits WHERE credential = ? ORDER BY device`, id)
	return append(all, waits...), err
}

// Whose returns whose code stands in a slot of a lock; empty: nobody's that is
// known.
func Whose(q store.Query, device sashlock.DeviceID, slot int) (sashlock.PersonID, error) {
	all, err := store.Rows(q, scanSlot, `SELECT `+slotColumns+` FROM code_slots WHERE device = ? AND slot = ?`, device, slot)
	if err != nil || len(all) == 0 {
		return "", err
	}
	return all[0].Person, nil
}
