// SPDX-License-Identifier: Apache-2.0

package tally

import (
	"context"
	"encoding/json"
	"strings"
	"time"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/internal/flow"
	"github.com/sashlock/sashlock/internal/store"
)

const (
	readBatch  = 5000
	mostBehind = 20_000 // events that are added to the rows; when more are missing, the days are counted from the ledger
	idsAtOnce  = 500
)

// Days counts the days of a site from the first to the last, dates as [Date]
// has them, and returns those on which something happened, by date: of all that
// happened at the site, or at some openings alone.
func Days(ctx context.Context, s *store.Store, b *flow.Book, site sashlock.SiteID, first, last string, only []sashlock.OpeningID) (map[string]Day, error) {
	wanted := []sashlock.OpeningID{whole}
	if only != nil {
		wanted = only
	}
	found, _, err := read(ctx, s, b, site, first, last, wanted)
	if err != nil {
		return nil, err
	}
	days := map[string]Day{}
	for k, one := range found {
		d := days[k.date]
		d.Add(*one)
		days[k.date] = d
	}
	return days, nil
}

// Openings counts one day of a site by opening. Next is the number of the first
// event that is not counted.
func Openings(ctx context.Context, s *store.Store, b *flow.Book, site sashlock.SiteID, date string) (all map[sashlock.OpeningID]Day, next int64, err error) {
	found, next, err := read(ctx, s, b, site, date, date, nil)
	all = map[sashlock.OpeningID]Day{}
	for k, d := range found {
		if k.opening != whole {
			all[k.opening] = *d
		}
	}
	return all, next, err
}

// read reads the counts of some openings, of all with nil.
func read(ctx context.Context, s *store.Store, b *flow.Book, site sashlock.SiteID, first, last string, openings []sashlock.OpeningID) (counts, int64, error) {
	var at place
	found := counts{}
	if err := s.View(ctx, func(q store.Query) error {
		if err := at.read(q, b); err != nil || at.afresh {
			return err
		}
		return found.load(q, site, first, last, openings)
	}); err != nil {
		return nil, 0, err
	}
	wanted := func(k key) bool { return k.site == site && k.date >= first && k.date <= last }
	if openings != nil {
		among := map[sashlock.OpeningID]bool{}
		for _, id := range openings {
			among[id] = true
		}
		in := wanted
		wanted = func(k key) bool { return among[k.opening] && in(k) }
	}
	if at.size-at.next <= mostBehind {
		return found, at.size, found.ledger(ctx, s, b, store.EventQuery{From: at.next, Before: at.size}, wanted)
	}
	clear(found)
	query := store.EventQuery{Before: at.size, Since: dayOf(b, site, first, -1), Until: dayOf(b, site, last, 2)}
	for _, kind := range kinds() {
		query.Kind = string(kind)
		if err := found.ledger(ctx, s, b, query, wanted); err != nil {
			return nil, 0, err
		}
	}
	return found, at.size, nil
}

// dayOf is the midnight some days after a date begins.
func dayOf(b *flow.Book, site sashlock.SiteID, date string, days int) time.Time {
	zone := b.Clock(site, time.Time{}).Location()
	at, err := time.ParseInLocation(time.DateOnly, date, zone)
	if err != nil {
		return time.Time{} // no limit
	}
	return at.AddDate(0, 0, days)
}

// load reads rows.
func (c counts) load(q store.Query, site sashlock.SiteID, first, last string, openings []sashlock.OpeningID) error {
	if openings == nil {
		return c.rows(q, `opening <> ?`, site, first, last, []any{whole})
	}
	for len(openings) > 0 {
		some := openings[:min(len(openings), idsAtOnce)]
		openings = openings[len(some):]
		args := make([]any, len(some))
		for i, id := range some {
			args[i] = id
		}
		if err := c.rows(q, `opening IN (?`+strings.Repeat(`, ?`, len(some)-1)+`)`, site, first, last, args); err != nil {
			return err
		}
	}
	return nil
}

func (c counts) rows(q store.Query, condition string, site sashlock.SiteID, first, last string, args []any) error {
	type row struct {
		key
		body string
	}
	all, err := store.Rows(q, func(scan store.Scan) (r row, err error) {
		r.site = site
		return r, scan(&r.opening, &r.date, &r.body)
	}, `SELECT opening, day, body FROM day_counts WHERE site = ? AND day >= ? AND day <= ? AND `+condition, append([]any{site, first, last}, args...)...)
	if err != nil {
		return err
	}
	for _, r := range all {
		var d Day
		if err := json.Unmarshal([]byte(r.body), &d); err != nil {
			return err
		}
		c[r.key] = &d
	}
	return nil
}

// ledger adds the events of a query that are wanted.
func (c counts) ledger(ctx context.Context, s *store.Store, b *flow.Book, query store.EventQuery, wanted func(key) bool) error {
	if query.From >= query.Before {
		return nil
	}
	query.Limit = readBatch
	for {
		events, err := s.Events(ctx, query)
		if err != nil {
			return err
		}
		for i := range events {
			c.take(b, &events[i], wanted)
		}
		if len(events) < readBatch {
			return nil
		}
		query.From = events[len(events)-1].Seq + 1
	}
}
