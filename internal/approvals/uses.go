// SPDX-License-Identifier: Apache-2.0

package approvals

import (
	"context"
	"database/sql"
	"strings"
	"time"

	"github.com/oklog/ulid/v2"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/internal/flow"
	"github.com/sashlock/sashlock/internal/store"
)

// The rules of counting uses are those of package tally: rows and cursor are
// written in one transaction, a commit every few seconds at most, and none when
// nothing was used.

const (
	usesCursor = "grant uses"
	batch      = 2000
	pace       = 5 * time.Second
	idleGap    = 20_000 // entries without any use, after which the cursor is moved all the same
)

// Use is how a grant was used, and by whom it was given.
type Use struct {
	Uses  int
	Last  time.Time           // zero: never
	Giver sashlock.OperatorID // empty: not known
	Given time.Time           // zero: not known
}

// Idle reports whether a grant was not used for a length of time. One that was
// given less long ago is not idle.
func (u Use) Idle(now time.Time, d time.Duration) bool {
	since := u.Last
	if since.IsZero() {
		since = u.Given
	}
	return now.Sub(since) >= d
}

// useOf is how a grant was used. One that was not counted yet was given when its
// identifier was made.
func useOf(all map[sashlock.GrantID]Use, id sashlock.GrantID) Use {
	u := all[id]
	if u.Given.IsZero() {
		_, text, _ := strings.Cut(string(id), "_")
		if made, err := ulid.Parse(text); err == nil {
			u.Given = ulid.Time(made.Time()).UTC()
		}
	}
	return u
}

// Uses returns how grants were used, as counted some seconds ago.
func Uses(q store.Query) (map[sashlock.GrantID]Use, error) {
	type row struct {
		id  sashlock.GrantID
		use Use
	}
	rows, err := store.Rows(q, func(scan store.Scan) (r row, err error) {
		var last, given sql.NullInt64
		var giver sql.NullString
		err = scan(&r.id, &r.use.Uses, &last, &giver, &given)
		r.use.Last, r.use.Given, r.use.Giver = store.TimeOf(last), store.TimeOf(given), store.ID[sashlock.OperatorID](giver)
		return r, err
	}, `SELECT grant_id, uses, last, giver, given FROM grant_uses`)
	all := make(map[sashlock.GrantID]Use, len(rows))
	for _, r := range rows {
		all[r.id] = r.use
	}
	return all, err
}

// Run counts uses and lets lapse what nobody answered, until the context ends.
// What goes wrong is reported and tried again.
func (r *Room) Run(ctx context.Context, report func(error)) {
	k := &counter{store: r.Store}
	tick := time.NewTicker(pace)
	defer tick.Stop()
	for {
		more, err := k.advance(ctx)
		if err == nil {
			err = r.Lapse(ctx)
		}
		if err != nil && ctx.Err() == nil {
			report(err)
		}
		if more && err == nil {
			continue
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// Count counts all uses that there are: what [Room.Run] does from time to time.
func (r *Room) Count(ctx context.Context) error {
	k := &counter{store: r.Store}
	for {
		if more, err := k.advance(ctx); err != nil || !more {
			return err
		}
	}
}

// counter counts from where it was.
type counter struct {
	store *store.Store
	next  int64 // the first entry that was not looked at
}

// advance counts the next entries and reports whether there are more.
func (k *counter) advance(ctx context.Context) (more bool, err error) {
	stored, err := k.store.Cursor(ctx, usesCursor)
	if err != nil {
		return false, err
	}
	from, size := max(k.next, stored), k.store.Size()
	if from > size { // the ledger is another one: count afresh
		from = 0
	}
	if from == size {
		return false, nil
	}
	rows := map[sashlock.GrantID]Use{}
	upTo := size
	for _, kind := range []sashlock.EventKind{sashlock.AccessGranted, sashlock.GrantSaved} {
		events, err := k.store.Events(ctx, store.EventQuery{From: from, Before: upTo, Kind: string(kind), Limit: batch})
		if err != nil {
			return false, err
		}
		if len(events) == batch && upTo > events[batch-1].Seq+1 {
			// The other kind may have been read further: begin again with less.
			upTo = events[batch-1].Seq + 1
			if kind == sashlock.GrantSaved {
				clear(rows)
				again, err := k.store.Events(ctx, store.EventQuery{From: from, Before: upTo, Kind: string(sashlock.AccessGranted), Limit: batch})
				if err != nil {
					return false, err
				}
				take(rows, again)
			}
		}
		take(rows, events)
	}
	if len(rows) > 0 || upTo-stored > idleGap {
		if _, err := k.store.Do(ctx, func(tx *store.Tx) error { return write(tx, stored, upTo, rows) }); err != nil {
			return false, err
		}
	}
	k.next = upTo
	return upTo < size, nil
}

func take(rows map[sashlock.GrantID]Use, events []sashlock.Event) {
	for _, e := range events {
		if e.Grant == "" {
			continue
		}
		u := rows[e.Grant]
		if e.Kind == sashlock.AccessGranted {
			u.Uses++
			u.Last = e.Heard
		} else if u.Given.IsZero() {
			u.Given, u.Giver = e.Heard, e.Operator
		}
		rows[e.Grant] = u
	}
}

func write(tx *store.Tx, stored, next int64, rows map[sashlock.GrantID]Use) error {
	var there int64
	if err := tx.QueryRow(`SELECT COALESCE((SELECT next FROM cursors WHERE name = ?), 0)`, usesCursor).Scan(&there); err != nil {
		return err
	}
	if there != stored {
		return conflict("counting uses", "somebody else counts too")
	}
	for id, u := range rows {
		_, err := tx.Exec(`INSERT INTO grant_uses (grant_id, uses, last, giver, given) VALUES (?, ?, ?, ?, ?)
			ON CONFLICT (grant_id) DO UPDATE SET uses = grant_uses.uses + excluded.uses, last = COALESCE(excluded.last, grant_uses.last),
			giver = COALESCE(grant_uses.giver, excluded.giver), given = COALESCE(grant_uses.given, excluded.given)`,
			id, u.Uses, store.Micros(u.Last), store.Null(u.Giver), store.Micros(u.Given))
		if err != nil {
			return err
		}
	}
	return tx.Put("cursors", "name", store.Fields{"name": usesCursor, "next": next})
}

// Lapse ends the asks and proposals that nobody answered in time.
func (r *Room) Lapse(ctx context.Context) error {
	var asks, proposals int
	now := r.Now()
	err := r.Store.View(ctx, func(q store.Query) error {
		return q.QueryRow(`SELECT (SELECT COUNT(*) FROM asks WHERE state = 'asked' AND filed <= ?), (SELECT COUNT(*) FROM proposals WHERE state = 'waiting' AND filed <= ?)`,
			store.Micros(now.Add(-AskLife)), store.Micros(now.Add(-ProposalLife))).Scan(&asks, &proposals)
	})
	if err != nil || asks+proposals == 0 {
		return err
	}
	return r.change(ctx, "", func(tx *store.Tx) (edit flow.Edit, err error) {
		late, err := store.Rows(tx, scanAsk, `SELECT `+askColumns+` FROM asks WHERE state = 'asked' AND filed <= ? LIMIT 200`, store.Micros(tx.Now().Add(-AskLife)))
		for _, a := range late {
			a.State, a.Answered = Lapsed, tx.Now()
			edit.Events = append(edit.Events, sashlock.Event{Kind: sashlock.AskAnswered, Person: a.Person, Site: a.Site, Opening: a.Opening, Subject: a.ID, Why: "lapsed"})
			if err == nil {
				err = a.put(tx)
			}
		}
		if err != nil {
			return edit, err
		}
		old, err := store.Rows(tx, scanProposal, `SELECT `+proposalColumns+` FROM proposals WHERE state = 'waiting' AND filed <= ? LIMIT 200`, store.Micros(tx.Now().Add(-ProposalLife)))
		for _, p := range old {
			p.State, p.Answered = Lapsed, tx.Now()
			edit.Events = append(edit.Events, sashlock.Event{Kind: sashlock.ChangeTurnedDown, Site: p.Site, Subject: p.ID, Why: "lapsed"})
			if err == nil {
				err = p.put(tx)
			}
		}
		return edit, err
	})
}
