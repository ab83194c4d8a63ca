// SPDX-License-Identifier: Apache-2.0

package assistance

import (
	"context"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/internal/flow"
	"github.com/sashlock/sashlock/internal/lang"
	"github.com/sashlock/sashlock/internal/store"
)

// Raise records that a customer waits at an opening. While a call stands there
// it is returned instead, and fresh is false.
func (r *Room) Raise(ctx context.Context, o sashlock.Opening) (c Call, fresh bool, err error) {
	_, err = r.Hall.Change(ctx, flow.Change{Make: func(tx *store.Tx) (flow.Edit, error) {
		var edit flow.Edit
		last, known, err := LatestAt(tx, o.ID)
		if err != nil {
			return edit, err
		}
		c, fresh = last, false
		if known && last.Standing(tx.Now()) {
			return edit, nil
		}
		if known && last.Ended.IsZero() {
			over, err := last.end(tx, Lapsed)
			if err != nil {
				return edit, err
			}
			edit.Events = append(edit.Events, over)
		}
		c, fresh = Call{ID: newID(tx), Opening: o.ID, Site: o.Site, Asked: tx.Now()}, true
		edit.Events = append(edit.Events, c.event(sashlock.CallRaised))
		return edit, c.put(tx)
	}})
	return c, fresh, err
}

func newID(tx *store.Tx) string {
	return "call" + string(sashlock.NewID[sashlock.OperatorID](tx.Now()))[len("opr"):]
}

func (c Call) event(k sashlock.EventKind) sashlock.Event {
	return sashlock.Event{Kind: k, Site: c.Site, Opening: c.Opening, Subject: c.ID}
}

// end ends a call in the transaction and returns what the ledger is told.
func (c *Call) end(tx *store.Tx, how Outcome) (sashlock.Event, error) {
	c.Ended, c.Outcome = tx.Now(), how
	if how == Served && c.Served.IsZero() {
		c.Served = c.Ended
	}
	e := c.event(sashlock.CallEnded)
	e.Person, e.Why = c.TakenBy, string(how)
	return e, c.put(tx)
}

// Take records that a person goes. Taking it again changes nothing; when
// somebody else goes, the call says who, and the error is a conflict that wraps
// [ErrTaken].
func (r *Room) Take(ctx context.Context, by sashlock.OperatorID, person sashlock.PersonID, id string) (Call, error) {
	var c Call
	_, err := r.Hall.Change(ctx, flow.Change{Operator: by, Make: func(tx *store.Tx) (edit flow.Edit, err error) {
		if c, err = Find(tx, id); err != nil {
			return edit, err
		}
		switch {
		case !c.Standing(tx.Now()):
			return edit, &sashlock.Error{Kind: sashlock.Conflict, Op: "taking call", Subject: id, Hint: lang.Mark("this customer no longer waits")}
		case c.TakenBy == person:
			return edit, nil
		case c.TakenBy != "":
			return edit, &sashlock.Error{Kind: sashlock.Conflict, Op: "taking call", Subject: id, Hint: lang.Mark("somebody else goes already"), Err: ErrTaken}
		}
		c.Taken, c.TakenBy = tx.Now(), person
		e := c.event(sashlock.CallTaken)
		e.Person = person
		edit.Events = []sashlock.Event{e}
		return edit, c.put(tx)
	}})
	return c, err
}

// End records how a call ended. One that has ended already stays as it is.
func (r *Room) End(ctx context.Context, by sashlock.OperatorID, id string, how Outcome) (Call, error) {
	var c Call
	_, err := r.Hall.Change(ctx, flow.Change{Operator: by, Make: func(tx *store.Tx) (edit flow.Edit, err error) {
		if c, err = Find(tx, id); err != nil || !c.Ended.IsZero() {
			return edit, err
		}
		if !c.Standing(tx.Now()) {
			how = Lapsed
		}
		e, err := c.end(tx, how)
		edit.Events = []sashlock.Event{e}
		return edit, err
	}})
	return c, err
}
