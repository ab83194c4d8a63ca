// SPDX-License-Identifier: Apache-2.0

package assistance

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/internal/flow"
	"github.com/sashlock/sashlock/internal/logkey"
	"github.com/sashlock/sashlock/internal/store"
)

// cursor is the name under which the follower's place is kept.
const cursor = "assistance"

// tellWithin is how old an event may be of which phones are told. What is older
// was found after a time out of order, and helps nobody.
const tellWithin = 2 * time.Minute

// Run ends calls when their opening is opened or their time is over, and tells
// the phones, until the context ends. What goes wrong is reported and tried
// again.
func (r *Room) Run(ctx context.Context) {
	var all sync.WaitGroup
	all.Go(func() { r.follow(ctx) })
	all.Go(func() { r.watch(ctx) })
	all.Go(func() {
		for {
			select {
			case <-ctx.Done():
				return
			case e := <-r.worth:
				r.tell(ctx, e)
			}
		}
	})
	all.Wait()
}

func (r *Room) follow(ctx context.Context) {
	for ctx.Err() == nil {
		err := r.begin(ctx)
		if err == nil {
			err = flow.Follow(ctx, r.Store, flow.Follower{Name: cursor, Handle: r.handle})
		}
		if ctx.Err() == nil {
			r.Log.Warn("calls not followed", logkey.Err(err))
			rest(ctx)
		}
	}
}

// begin makes a follower that has no place yet start at the end of the ledger:
// what happened before is nothing that a call waits for.
func (r *Room) begin(ctx context.Context) error {
	next, err := r.Store.Cursor(ctx, cursor)
	if err != nil || next > 0 {
		return err
	}
	return r.Store.SaveCursor(ctx, cursor, max(1, r.Store.Size()))
}

func (r *Room) handle(ctx context.Context, events []sashlock.Event) error {
	if err := r.serve(ctx, events); err != nil {
		if ctx.Err() == nil {
			r.Log.Warn("served calls not ended", logkey.Err(err))
		}
		return err
	}
	now := r.Now()
	for _, e := range events {
		if now.Sub(e.Heard) >= tellWithin || e.Kind != sashlock.CallRaised && e.Kind != sashlock.AlarmRaised {
			continue
		}
		select {
		case r.worth <- e: // push services may take their time, and no call waits for them
		default:
		}
	}
	return nil
}

// serve ends the calls at openings that were opened under a release.
func (r *Room) serve(ctx context.Context, events []sashlock.Event) error {
	opened := map[sashlock.OpeningID]time.Time{}
	for _, e := range events {
		if yes, err := r.opens(ctx, e); err != nil {
			return err
		} else if yes {
			opened[e.Opening] = e.Heard
		}
	}
	if len(opened) == 0 {
		return nil
	}
	var waiting []Call
	err := r.Store.View(ctx, func(q store.Query) (err error) { waiting, err = Waiting(q, r.Now()); return err })
	waiting = slices.DeleteFunc(waiting, func(c Call) bool { return !opened[c.Opening].After(c.Asked) })
	if err != nil || len(waiting) == 0 {
		return err
	}
	_, err = r.Hall.Change(ctx, flow.Change{Make: func(tx *store.Tx) (edit flow.Edit, err error) {
		for _, c := range waiting {
			c, err := Find(tx, c.ID)
			if err != nil {
				return edit, err
			}
			if !c.Ended.IsZero() {
				continue
			}
			c.Served = opened[c.Opening]
			e, err := c.end(tx, Served)
			if err != nil {
				return edit, err
			}
			edit.Events = append(edit.Events, e)
		}
		return edit, nil
	}})
	return err
}

// opens reports whether an event tells that an opening was opened for somebody:
// its contact says so or, where there is none, the lock does.
func (r *Room) opens(ctx context.Context, e sashlock.Event) (bool, error) {
	switch e.Kind {
	case sashlock.AccessTaken:
		return true, nil
	case sashlock.CommandEnded:
		if e.Reason != "" || e.Decision == "" {
			return false, nil
		}
		s, err := r.Store.State(ctx, e.Opening)
		return s.Position == "", err
	}
	return false, nil
}

// watch ends calls whose time is over.
func (r *Room) watch(ctx context.Context) {
	look := time.NewTicker(10 * time.Second)
	defer look.Stop()
	for ctx.Err() == nil {
		if err := r.Lapse(ctx); err != nil && ctx.Err() == nil {
			r.Log.Warn("old calls not ended", logkey.Err(err))
		}
		select {
		case <-ctx.Done():
		case <-look.C:
		}
	}
}

// Lapse ends the calls that have stood for too long. [Room.Run] does so by
// itself.
func (r *Room) Lapse(ctx context.Context) error {
	old := func(q store.Query) ([]Call, error) {
		return store.Rows(q, scan, `SELECT `+columns+` FROM calls WHERE ended IS NULL AND asked <= ? ORDER BY asked LIMIT 100`, store.Micros(r.Now().Add(-Patience)))
	}
	var due []Call
	err := r.Store.View(ctx, func(q store.Query) (err error) { due, err = old(q); return err })
	if err != nil || len(due) == 0 {
		return err
	}
	_, err = r.Hall.Change(ctx, flow.Change{Make: func(tx *store.Tx) (edit flow.Edit, err error) {
		due, err := old(tx)
		for i := 0; i < len(due) && err == nil; i++ {
			var e sashlock.Event
			e, err = due[i].end(tx, Lapsed)
			edit.Events = append(edit.Events, e)
		}
		return edit, err
	}})
	return err
}

// rest waits a second, or until the context ends.
func rest(ctx context.Context) {
	timer := time.NewTimer(time.Second)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}
