// SPDX-License-Identifier: Apache-2.0

package assistance

import (
	"context"
	"time"

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

func newID(tx *store.Tx) string { return NewID(tx.Now()) }

// NewID is the identifier of a call that is raised at a moment.
func NewID(at time.Time) string {
	return "call" + string(sashlock.NewID[sashlock.OperatorID](at))[len("opr"):]
}

// Keep writes a call as it stands, at a moment of the past, and returns what the
// ledger is told of its latest step. It is for a history that is told all at
// once: while a store runs, calls are raised, taken and ended by the [Room].
func (c Call) Keep(tx *store.Tx) (sashlock.Event, error) {
	e := c.event(sashlock.CallRaised)
	switch {
	case !c.Ended.IsZero():
		e.Kind, e.Person, e.Why = sashlock.CallEnded, c.TakenBy, string(c.Outcome)
	case !c.Taken.IsZero():
		e.Kind, e.Person = sashlock.CallTaken, c.TakenBy
	}
	return e, c.put(tx)
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
	return c.Keep(tx)
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
		e, err := c.Keep(tx)
		edit.Events = []sashlock.Event{e}
		return edit, err
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
