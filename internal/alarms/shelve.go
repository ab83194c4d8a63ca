// SPDX-License-Identifier: Apache-2.0

package alarms

import (
	"context"
	"database/sql"
	"encoding/json"
	"strings"
	"time"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/internal/flow"
	"github.com/sashlock/sashlock/internal/lang"
	"github.com/sashlock/sashlock/internal/store"
)

// The rules of shelving are:
//
//   - Whoever puts an alarm aside says until when and why. It always ends.
//   - It is back at its time whether anything runs then or not: a shelf whose
//     time has come counts for nothing, and is cleared away when somebody next
//     looks.
//   - Force and tampering are not put aside for long.
//   - A shelved alarm is raised, cleared and acknowledged like any other.

// MaxShelf is the longest for which an alarm is shelved, MaxShelfForced the
// longest for one about force or tampering.
const (
	MaxShelf       = 7 * 24 * time.Hour
	MaxShelfForced = time.Hour
)

// forcedRule is the name of the rule that finds force and tampering.
const forcedRule = "forced"

// sameShelf is how far apart two shelvings end that are one sent twice.
const sameShelf = time.Minute

// Shelf is that an alarm is put aside for a time.
type Shelf struct {
	Alarm  sashlock.AlarmID
	Until  time.Time
	By     sashlock.OperatorID
	Reason string
}

// Longest is for how long an alarm may be shelved.
func Longest(a sashlock.Alarm) time.Duration {
	if a.Rule == forcedRule {
		return MaxShelfForced
	}
	return MaxShelf
}

const shelfColumns = `alarm, until, operator, reason`

func scanShelf(read store.Scan) (s Shelf, err error) {
	var until sql.NullInt64
	err = read(&s.Alarm, &until, &s.By, &s.Reason)
	s.Until = store.TimeOf(until)
	return s, err
}

// Shelves returns the alarms that are shelved at a moment.
func Shelves(q store.Query, now time.Time) (map[sashlock.AlarmID]Shelf, error) {
	found, err := store.Rows(q, scanShelf, `SELECT `+shelfColumns+` FROM shelves WHERE until > ?`, store.Micros(now))
	all := make(map[sashlock.AlarmID]Shelf, len(found))
	for _, s := range found {
		all[s.Alarm] = s
	}
	return all, err
}

// Shelve puts an alarm aside for a time. Doing it again sets the time anew.
func Shelve(ctx context.Context, h *flow.Hall, by sashlock.OperatorID, id sashlock.AlarmID, length time.Duration, reason string) (Shelf, error) {
	reason = strings.TrimSpace(reason)
	if err := checkShelf(length, reason); err != nil {
		return Shelf{}, err
	}
	var s Shelf
	_, err := h.Change(ctx, flow.Change{Operator: by, Make: func(tx *store.Tx) (flow.Edit, error) {
		a, err := tx.Alarm(id)
		if err != nil {
			return flow.Edit{}, err
		}
		if !a.Standing() {
			return flow.Edit{}, &sashlock.Error{Kind: sashlock.Conflict, Op: "shelving alarm", Subject: string(id), Hint: lang.Mark("this alarm is over and acknowledged: there is nothing to shelve")}
		}
		if longest := Longest(a); length > longest {
			return flow.Edit{}, wrongLength(longest)
		}
		was, err := store.Rows(tx, scanShelf, `SELECT `+shelfColumns+` FROM shelves WHERE alarm = ?`, id)
		if err != nil {
			return flow.Edit{}, err
		}
		s = Shelf{Alarm: id, Until: tx.Now().Add(length), By: by, Reason: reason}
		if len(was) == 1 && was[0].By == by && was[0].Reason == reason && s.Until.Sub(was[0].Until) < sameShelf && s.Until.After(was[0].Until) {
			s = was[0] // sent twice
			return flow.Edit{}, nil
		}
		return s.put(tx, a)
	}})
	return s, err
}

// put writes a shelf.
func (s Shelf) put(tx *store.Tx, a sashlock.Alarm) (flow.Edit, error) {
	data, err := json.Marshal(map[string]time.Time{"until": s.Until})
	if err != nil {
		return flow.Edit{}, err
	}
	return flow.Edit{Events: []sashlock.Event{{
			Kind: sashlock.AlarmShelved, Site: a.Site, Opening: a.Opening, Alarm: a.ID, Rule: a.Rule, Why: s.Reason, Data: data,
		}}}, tx.Put("shelves", "alarm", store.Fields{
			"alarm": s.Alarm, "until": store.Micros(s.Until), "operator": s.By, "reason": s.Reason,
		})
}

func checkShelf(length time.Duration, reason string) error {
	const op = "shelving alarm"
	if reason == "" {
		return &sashlock.Error{Kind: sashlock.Invalid, Op: op, Subject: "reason", Hint: lang.Mark("say why it is put aside")}
	}
	if fix := sashlock.CheckName(reason); fix != "" {
		return &sashlock.Error{Kind: sashlock.Invalid, Op: op, Subject: "reason", Hint: fix}
	}
	if length <= 0 || length > MaxShelf {
		return wrongLength(MaxShelf)
	}
	return nil
}

func wrongLength(longest time.Duration) error {
	hint := lang.Mark("choose a time within the next seven days")
	if longest == MaxShelfForced {
		hint = lang.Mark("an alarm about force or tampering is put aside for one hour at most")
	}
	return &sashlock.Error{Kind: sashlock.Invalid, Op: "shelving alarm", Subject: "for", Hint: hint}
}

// Return clears away the shelves whose time has come, and tells the ledger
// that their alarms are back.
func Return(ctx context.Context, s *store.Store, h *flow.Hall, now time.Time) error {
	var due []Shelf
	err := s.View(ctx, func(q store.Query) (err error) { due, err = overdue(q, now); return err })
	if err != nil || len(due) == 0 {
		return err
	}
	_, err = h.Change(ctx, flow.Change{Make: func(tx *store.Tx) (flow.Edit, error) {
		due, err := overdue(tx, tx.Now())
		if err != nil {
			return flow.Edit{}, err
		}
		var edit flow.Edit
		for _, one := range due {
			if _, err := tx.Exec(`DELETE FROM shelves WHERE alarm = ?`, one.Alarm); err != nil {
				return flow.Edit{}, err
			}
			a, err := tx.Alarm(one.Alarm)
			if err != nil && !sashlock.IsKind(err, sashlock.NotFound) {
				return flow.Edit{}, err
			}
			edit.Events = append(edit.Events, sashlock.Event{
				Kind: sashlock.AlarmUnshelved, Site: a.Site, Opening: a.Opening, Alarm: one.Alarm, Rule: a.Rule,
			})
		}
		return edit, nil
	}})
	return err
}

func overdue(q store.Query, now time.Time) ([]Shelf, error) {
	return store.Rows(q, scanShelf, `SELECT `+shelfColumns+` FROM shelves WHERE until <= ? ORDER BY until LIMIT 500`, store.Micros(now))
}

// RunReturns calls [Return] once a second until the context ends. The clock is
// read each time, because the machine's may be set. What goes wrong is reported
// and tried again.
func RunReturns(ctx context.Context, s *store.Store, h *flow.Hall, now func() time.Time, report func(error)) {
	look := time.NewTicker(time.Second)
	defer look.Stop()
	for ctx.Err() == nil {
		if err := Return(ctx, s, h, now()); err != nil && ctx.Err() == nil {
			report(err)
		}
		select {
		case <-ctx.Done():
		case <-look.C:
		}
	}
}
