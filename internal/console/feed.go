// SPDX-License-Identifier: Apache-2.0

package console

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/internal/flow"
	"github.com/sashlock/sashlock/internal/store"
)

const (
	keepLines    = 120
	firstEvents  = 600
	eventBatch   = 500
	mostRefusals = 10_000
	refusalsFor  = 26 * time.Hour // a day of civil time is at most 25 hours long
)

// Feed reads the ledger once for all pages and keeps what they show of it: the
// last lines, and how many requests were refused lately.
type Feed struct {
	store *store.Store
	hall  *flow.Hall
	now   func() time.Time

	mu       sync.Mutex
	begun    bool
	next     int64     // guarded by mu: the first event not yet read
	lines    []Line    // guarded by mu, oldest first
	refusals []refusal // guarded by mu, oldest first
}

type refusal struct {
	at      time.Time
	site    sashlock.SiteID
	opening sashlock.OpeningID
}

func newFeed(s *store.Store, h *flow.Hall, now func() time.Time) *Feed {
	return &Feed{store: s, hall: h, now: now}
}

// Recent returns the last lines about a site that concern whoever is signed in,
// newest first, and how many requests were refused there today, by the site's
// clock.
func (f *Feed) Recent(ctx context.Context, site sashlock.Site, most int) (lines []Line, refused int, err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if err := f.read(ctx); err != nil {
		return nil, 0, err
	}
	who, book := Who(ctx).Operator, f.hall.Book()
	for _, l := range slices.Backward(f.lines) {
		concerns := l.Site == "" || l.Site == site.ID && (l.Opening == "" || who.Sees(l.Site, book.Openings[l.Opening].Area))
		if concerns && len(lines) < most {
			lines = append(lines, l)
		}
	}
	y, m, d := LocalTime(site, f.now()).Date()
	midnight := time.Date(y, m, d, 0, 0, 0, 0, zoneOf(site))
	for _, r := range f.refusals {
		if r.site == site.ID && !r.at.Before(midnight) && who.Sees(r.site, book.Openings[r.opening].Area) {
			refused++
		}
	}
	return lines, refused, nil
}

// read takes in what was recorded since the last time.
func (f *Feed) read(ctx context.Context) error {
	if !f.begun {
		if err := f.begin(ctx); err != nil {
			return err
		}
	}
	for f.next < f.store.Size() {
		events, err := f.store.Events(ctx, store.EventQuery{From: f.next, Limit: eventBatch})
		if err != nil || len(events) == 0 {
			return err
		}
		book := f.hall.Book()
		for _, e := range events {
			f.take(book, e)
			f.next = e.Seq + 1
		}
	}
	return nil
}

// begin finds where to start, and today's refusals before that.
func (f *Feed) begin(ctx context.Context) error {
	next := max(0, f.store.Size()-firstEvents)
	events, err := f.store.Events(ctx, store.EventQuery{
		Kind: string(sashlock.AccessDenied), Since: f.now().Add(-refusalsFor), Before: next, Newest: true, Limit: mostRefusals,
	})
	if err != nil {
		return err
	}
	if next == 0 {
		events = nil // no limit, as the store reads it: they come again
	}
	for _, e := range slices.Backward(events) {
		f.refusals = append(f.refusals, refusal{e.Heard, e.Site, e.Opening})
	}
	f.begun, f.next = true, next
	return nil
}

func (f *Feed) take(book *flow.Book, e sashlock.Event) {
	if e.Kind == sashlock.AccessDenied {
		f.refusals = append(f.refusals, refusal{e.Heard, e.Site, e.Opening})
		old := e.Heard.Add(-refusalsFor)
		f.refusals = slices.DeleteFunc(f.refusals, func(r refusal) bool { return r.at.Before(old) })
	}
	if l, tell := Tell(book, e); tell {
		f.lines = gather(f.lines, l)
		if extra := len(f.lines) - keepLines; extra > 0 {
			f.lines = slices.Delete(f.lines, 0, extra)
		}
	}
}

// LinesOf returns the last lines about one opening, newest first.
func (f *Feed) LinesOf(ctx context.Context, id sashlock.OpeningID, most int) ([]Line, error) {
	events, err := f.store.Events(ctx, store.EventQuery{Opening: id, Newest: true, Limit: 8 * most})
	if err != nil {
		return nil, err
	}
	book := f.hall.Book()
	var lines []Line
	for _, e := range slices.Backward(events) {
		if l, tell := Tell(book, e); tell {
			lines = gather(lines, l)
		}
	}
	slices.Reverse(lines)
	return lines[:min(len(lines), most)], nil
}
