// SPDX-License-Identifier: Apache-2.0

package tally

import (
	"context"
	"encoding/json"
	"maps"
	"strings"
	"time"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/internal/flow"
	"github.com/sashlock/sashlock/internal/store"
)

// The rules of keeping are:
//
//   - Rows and cursor are written in one transaction, which fails when the
//     cursor is not where the rows were counted from. So nothing counts twice.
//   - A commit every few seconds at most: it costs a sync of the disk, which
//     doors wait for. Who reads adds what is not written yet.
//   - Without rows, before the beginning of what they count, or after a site
//     got another clock, all is counted again from the first entry.

// cursor is the name under which the place up to which rows count is kept.
const cursor = "tally"

const (
	batch      = 2000            // events between two commits while there is much to count
	pace       = 5 * time.Second // between two commits while there is little, and after a failure
	rowsAtOnce = 50              // rows one statement writes
	mostHeld   = 4000            // rows held in memory
)

// Run keeps the counts until the context ends. What goes wrong on the way is
// reported and tried again.
func Run(ctx context.Context, s *store.Store, h *flow.Hall, report func(error)) {
	k := newKeeper(s)
	news, stop := s.Subscribe()
	defer stop()
	for {
		more, err := k.advance(ctx, h.Book())
		if err != nil && ctx.Err() == nil {
			report(err)
		}
		if more && err == nil {
			continue
		}
		if !rest(ctx) {
			return
		}
		select {
		case <-ctx.Done():
			return
		case <-news:
		}
	}
}

// rest waits between two commits; false when the context has ended.
func rest(ctx context.Context) bool {
	timer := time.NewTimer(pace)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// keeper writes the rows. There is one for a store.
type keeper struct {
	store *store.Store
	upTo  int64  // where the cursor was after we wrote last
	rows  counts // as they were then in the database, of those written lately
}

func newKeeper(s *store.Store) *keeper { return &keeper{store: s, rows: counts{}} }

// advance counts the next events and reports whether there are more.
func (k *keeper) advance(ctx context.Context, b *flow.Book) (more bool, err error) {
	var at place
	if err := k.store.View(ctx, func(q store.Query) error { return at.read(q, b) }); err != nil {
		return false, err
	}
	events, err := k.store.Events(ctx, store.EventQuery{From: at.next, Limit: batch})
	if err != nil || len(events) == 0 {
		return false, err
	}
	if at.afresh || at.stored != k.upTo {
		clear(k.rows)
	}
	rows := counts{}
	for i := range events {
		rows.take(b, &events[i], nil)
	}
	if err := k.join(ctx, rows, at.afresh); err != nil {
		return false, err
	}
	next := events[len(events)-1].Seq + 1
	if _, err := k.store.Do(ctx, func(tx *store.Tx) error { return write(tx, at, next, rows, b) }); err != nil {
		clear(k.rows) // it may have been written all the same
		return false, err
	}
	if len(k.rows) > mostHeld {
		clear(k.rows)
	}
	maps.Copy(k.rows, rows)
	k.upTo = next
	return len(events) == batch, nil
}

// join adds what rows counted before.
func (k *keeper) join(ctx context.Context, rows counts, afresh bool) error {
	return k.store.View(ctx, func(q store.Query) error {
		for key, d := range rows {
			if old := k.rows[key]; old != nil {
				d.Add(*old)
				continue
			}
			if afresh {
				continue
			}
			found, err := store.Rows(q, scanBody, `SELECT body FROM day_counts WHERE site = ? AND opening = ? AND day = ?`, key.site, key.opening, key.date)
			if err != nil {
				return err
			}
			for _, old := range found {
				d.Add(old)
			}
		}
		return nil
	})
}

func scanBody(scan store.Scan) (d Day, err error) {
	var text string
	if err = scan(&text); err != nil {
		return d, err
	}
	return d, json.Unmarshal([]byte(text), &d)
}

// place is up to where the rows count.
type place struct {
	next   int64                      // the first event that they do not count
	size   int64                      // how many events there are
	stored int64                      // what the cursor says
	afresh bool                       // the rows count for nothing: all is to be counted again
	clocks map[sashlock.SiteID]string // the time zones by which they count
}

// read finds the place.
func (p *place) read(q store.Query, b *flow.Book) error {
	err := q.QueryRow(`SELECT COALESCE((SELECT next FROM cursors WHERE name = ?), 0), (SELECT COALESCE(MAX(seq) + 1, 0) FROM entries)`, cursor).Scan(&p.stored, &p.size)
	if err != nil {
		return err
	}
	clocks, err := store.Rows(q, func(scan store.Scan) (s sashlock.Site, err error) {
		err = scan(&s.ID, &s.Zone)
		return s, err
	}, `SELECT site, zone FROM day_clocks`)
	moved := false
	p.clocks = map[sashlock.SiteID]string{}
	for _, c := range clocks {
		p.clocks[c.ID] = c.Zone
		now, stands := b.Sites[c.ID]
		moved = moved || stands && now.Zone != c.Zone
	}
	missing := len(clocks) == 0 && len(b.Sites) > 0
	p.next, p.afresh = p.stored, p.stored == 0 || missing || moved || p.stored > p.size
	if p.afresh {
		p.next, p.clocks = 0, nil
	}
	return err
}

// write replaces rows and moves the cursor.
func write(tx *store.Tx, at place, next int64, rows counts, b *flow.Book) error {
	var stored int64
	if err := tx.QueryRow(`SELECT COALESCE((SELECT next FROM cursors WHERE name = ?), 0)`, cursor).Scan(&stored); err != nil {
		return err
	}
	if stored != at.stored {
		return &sashlock.Error{Kind: sashlock.Conflict, Op: "keeping day counts", Hint: "somebody else counts too"}
	}
	if at.afresh {
		for _, table := range []string{"day_counts", "day_clocks"} {
			if _, err := tx.Exec("DELETE FROM " + table); err != nil {
				return err
			}
		}
	}
	if err := put(tx, rows); err != nil {
		return err
	}
	for id, site := range b.Sites {
		if zone, known := at.clocks[id]; known && zone == site.Zone {
			continue
		}
		if err := tx.Put("day_clocks", "site", store.Fields{"site": id, "zone": site.Zone}); err != nil {
			return err
		}
	}
	return tx.Put("cursors", "name", store.Fields{"name": cursor, "next": next})
}

// put writes rows, many with one statement.
func put(tx *store.Tx, rows counts) error {
	var args []any
	flush := func() error {
		if len(args) == 0 {
			return nil
		}
		_, err := tx.Exec(`INSERT INTO day_counts (site, opening, day, body) VALUES (?, ?, ?, ?)`+strings.Repeat(`, (?, ?, ?, ?)`, len(args)/4-1)+
			` ON CONFLICT (site, opening, day) DO UPDATE SET body = excluded.body`, args...)
		args = args[:0]
		return err
	}
	for k, d := range rows {
		body, err := json.Marshal(d)
		if err != nil {
			return err
		}
		if args = append(args, k.site, k.opening, k.date, string(body)); len(args) == 4*rowsAtOnce {
			if err := flush(); err != nil {
				return err
			}
		}
	}
	return flush()
}
