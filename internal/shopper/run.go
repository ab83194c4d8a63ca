// SPDX-License-Identifier: Apache-2.0

package shopper

import (
	"context"
	"time"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/internal/flow"
	"github.com/sashlock/sashlock/internal/logkey"
	"github.com/sashlock/sashlock/internal/store"
)

const (
	lookEvery  = 2 * time.Second
	tidyEvery  = time.Minute
	atOnce     = 50                   // in one transaction
	keepsWaits = 400 * 24 * time.Hour // how long it stays known how long customers waited
)

// Run sees what becomes of the cases that guests asked for, and forgets guests,
// until the context ends.
func (r *Room) Run(ctx context.Context) {
	look, tidy := time.NewTicker(lookEvery), time.NewTicker(tidyEvery)
	defer look.Stop()
	defer tidy.Stop()
	for ctx.Err() == nil {
		var err error
		select {
		case <-ctx.Done():
			return
		case <-look.C:
			err = r.Look(ctx)
		case <-tidy.C:
			err = r.Forget(ctx)
		}
		if err != nil && ctx.Err() == nil {
			r.Log.Warn("guests not looked after", logkey.Err(err))
		}
	}
}

// Look ends askings whose case is closed again, or was never opened, and keeps
// when it was opened. [Room.Run] does so by itself.
func (r *Room) Look(ctx context.Context) error {
	var standing []Opened
	err := r.Store.View(ctx, func(q store.Query) (err error) {
		standing, err = store.Rows(q, scanOpened, `SELECT `+openedColumns+` FROM guest_opens WHERE ended IS NULL ORDER BY asked LIMIT 200`)
		return err
	})
	for i := 0; i < len(standing) && err == nil; i++ {
		err = r.lookAt(ctx, standing[i])
	}
	return err
}

func (r *Room) lookAt(ctx context.Context, one Opened) error {
	s, err := r.Store.State(ctx, one.Opening)
	if err != nil {
		return err
	}
	var then []sashlock.Event
	if one.Decision != "" {
		if then, err = r.Store.Events(ctx, store.EventQuery{Decision: one.Decision, Limit: 50}); err != nil {
			return err
		}
	}
	was := one.Served
	if one.look(s, then, r.Now()) {
		return r.end(ctx, one)
	}
	if one.Served.Equal(was) {
		return nil
	}
	_, err = r.Hall.Act(ctx, func(tx *store.Tx, _ *flow.Book) error { return one.put(tx) })
	return err
}

// Forget removes guests whose time to be known is over, with the persons that
// stood for them, and codes that nobody used. [Room.Run] does so by itself.
func (r *Room) Forget(ctx context.Context) error {
	for {
		more, err := r.forgetSome(ctx)
		if err != nil || !more {
			return err
		}
	}
}

func (r *Room) forgetSome(ctx context.Context) (more bool, err error) {
	_, err = r.Hall.Act(ctx, func(tx *store.Tx, _ *flow.Book) error {
		more = false
		now := tx.Now()
		if _, err := tx.Exec(`DELETE FROM guest_codes WHERE until <= ?`, store.Micros(now)); err != nil {
			return err
		}
		if _, err := tx.Exec(`DELETE FROM guest_opens WHERE asked < ?`, store.Micros(now.Add(-keepsWaits))); err != nil {
			return err
		}
		old, err := store.Rows(tx, scanGuest, `SELECT `+guestColumns+` FROM guests WHERE until <= ? ORDER BY until LIMIT 200`, store.Micros(now.Add(-time.Hour)))
		if err != nil {
			return err
		}
		var edit flow.Edit
		for _, g := range old {
			rules, err := RulesOf(tx, g.Site)
			if err != nil {
				return err
			}
			if now.Sub(g.Began) < time.Duration(rules.Keep)*time.Hour || len(edit.Events) >= atOnce {
				continue
			}
			gone, err := r.forget(tx, g)
			if err != nil {
				return err
			}
			edit.Events = append(edit.Events, gone.Events...)
			edit.Access.Remove.People = append(edit.Access.Remove.People, gone.Access.Remove.People...)
			edit.Access.Remove.Grants = append(edit.Access.Remove.Grants, gone.Access.Remove.Grants...)
		}
		if more = len(edit.Events) >= atOnce; len(edit.Events) == 0 {
			return nil
		}
		return r.Hall.ChangeIn(tx, "", edit)
	})
	return more, err
}

// forget takes a guest out of the tables.
func (r *Room) forget(tx *store.Tx, g Guest) (edit flow.Edit, err error) {
	left, err := store.Rows(tx, scanOpened, `SELECT `+openedColumns+` FROM guest_opens WHERE guest = ?`, string(g.ID))
	if err != nil {
		return edit, err
	}
	for _, one := range left {
		if !one.Ended.IsZero() {
			continue
		}
		gone, err := r.Declaring.RevokeGrant(tx, one.grant, 0)
		if err != nil && !sashlock.IsKind(err, sashlock.NotFound) {
			return edit, err
		}
		if err == nil {
			edit.Events = append(edit.Events, gone.Events...)
			edit.Access.Remove.Grants = append(edit.Access.Remove.Grants, gone.Access.Remove.Grants...)
		}
	}
	if _, err := tx.Exec(`UPDATE guest_opens SET guest = NULL, ended = COALESCE(ended, ?) WHERE guest = ?`, store.Micros(tx.Now()), string(g.ID)); err != nil {
		return edit, err
	}
	if _, err := tx.Exec(`DELETE FROM guests WHERE id = ?`, string(g.ID)); err != nil {
		return edit, err
	}
	gone, err := r.Declaring.RemovePerson(tx, string(g.ID), 0)
	if err != nil && !sashlock.IsKind(err, sashlock.NotFound) {
		return edit, err
	}
	if err == nil {
		edit.Events = append(edit.Events, gone.Events...)
		edit.Access.Remove.People = append(edit.Access.Remove.People, gone.Access.Remove.People...)
	}
	return edit, nil
}
