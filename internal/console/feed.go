// SPDX-License-Identifier: Apache-2.0

package console

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/internal/codes"
	"github.com/sashlock/sashlock/internal/credentials"
	"github.com/sashlock/sashlock/internal/flow"
	"github.com/sashlock/sashlock/internal/store"
	"github.com/sashlock/sashlock/internal/tally"
)

const (
	keepLines   = 120
	firstEvents = 600
	eventBatch  = 500
)

// Feed reads the ledger once for all pages and keeps what they show of it: the
// last lines, and how many requests were refused lately.
type Feed struct {
	store *store.Store
	hall  *flow.Hall
	now   func() time.Time

	mu      sync.Mutex
	begun   bool
	next    int64                         // guarded by mu: the first event not yet read
	lines   []Line                        // guarded by mu, oldest first
	refused map[sashlock.SiteID]*refusals // guarded by mu, of the sites that were asked for
}

// refusals are the requests refused at a site on one day.
type refusals struct {
	date      string
	zone      string // by which it is that date
	from      int64  // events before it are counted already
	byOpening map[sashlock.OpeningID]int
}

func newFeed(s *store.Store, h *flow.Hall, now func() time.Time) *Feed {
	return &Feed{store: s, hall: h, now: now, refused: map[sashlock.SiteID]*refusals{}}
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
		if concerns && who.Hears(l.rule) && len(lines) < most {
			lines = append(lines, l)
		}
	}
	today, err := f.today(ctx, book, site.ID)
	for id, n := range today {
		if who.Sees(site.ID, book.Openings[id].Area) {
			refused += n
		}
	}
	return lines, refused, err
}

// today is how many requests were refused at a site today, by opening. From the
// first time on it is kept up to date by take.
func (f *Feed) today(ctx context.Context, book *flow.Book, site sashlock.SiteID) (map[sashlock.OpeningID]int, error) {
	today, zone := tally.Date(book.Clock(site, f.now())), book.Sites[site].Zone
	r := f.refused[site]
	if r != nil && r.date == today && r.zone == zone {
		return r.byOpening, nil
	}
	days, next, err := tally.Openings(ctx, f.store, book, site, today)
	if err != nil {
		return nil, err
	}
	r = &refusals{date: today, zone: zone, from: next, byOpening: map[sashlock.OpeningID]int{}}
	for id, d := range days {
		if d.Refused > 0 {
			r.byOpening[id] = d.Refused
		}
	}
	f.refused[site] = r
	return r.byOpening, nil
}

// read takes in what was recorded since the last time.
func (f *Feed) read(ctx context.Context) error {
	if !f.begun {
		f.begun, f.next = true, max(0, f.store.Size()-firstEvents)
	}
	for f.next < f.store.Size() {
		events, err := f.store.Events(ctx, store.EventQuery{From: f.next, Limit: eventBatch})
		if err != nil || len(events) == 0 {
			return err
		}
		book := f.hall.Book()
		for _, e := range events {
			f.take(book, f.Named(ctx, e))
			f.next = e.Seq + 1
		}
	}
	return nil
}

// Named is an event with whose code or fingerprint it was, where a lock has said
// only in which slot it holds it and somebody is known to have that slot.
func (f *Feed) Named(ctx context.Context, e sashlock.Event) sashlock.Event {
	if e.Slot == 0 || e.Person != "" || e.Device == "" {
		return e
	}
	err := f.store.View(ctx, func(q store.Query) error {
		holder, known, err := credentials.Holder(q, e.Device, e.Slot)
		if err != nil || known {
			e.Person = holder.Person
			return err
		}
		e.Person, err = codes.Whose(q, e.Device, e.Slot)
		return err
	})
	if err != nil {
		e.Person = "" // the slot is still told
	}
	return e
}

func (f *Feed) take(book *flow.Book, e sashlock.Event) {
	if r := f.refused[e.Site]; r != nil && e.Kind == sashlock.AccessDenied && e.Seq >= r.from {
		if tally.Date(book.Clock(e.Site, e.Heard)) == r.date {
			r.byOpening[e.Opening]++
		} else {
			delete(f.refused, e.Site) // another day has begun: it is asked for anew
		}
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
	return f.LinesFrom(ctx, events, most), err
}

// LinesFrom returns the last lines that some events make for whoever is signed
// in, newest first, as the events have to be.
func (f *Feed) LinesFrom(ctx context.Context, events []sashlock.Event, most int) []Line {
	book, who := f.hall.Book(), Who(ctx).Operator
	var lines []Line
	for _, e := range slices.Backward(events) {
		if l, tell := Tell(book, f.Named(ctx, e)); tell && who.HearsOf(e) {
			lines = gather(lines, l)
		}
	}
	slices.Reverse(lines)
	return lines[:min(len(lines), most)]
}
