// SPDX-License-Identifier: Apache-2.0

package reports

import (
	"context"
	"database/sql"
	"time"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/internal/console"
	"github.com/sashlock/sashlock/internal/signin"
	"github.com/sashlock/sashlock/internal/store"
	"github.com/sashlock/sashlock/internal/tally"
)

// day is one day of a site in figures.
type day struct {
	Start   time.Time // midnight, as the clocks of the site show it
	Opens   [24]int   // openings that opened, by the hour on the clock
	Opened  int
	Granted int
	Refused int
	Alarms  int
	Reasons map[sashlock.Reason]int // why requests were refused
}

func (d *day) add(other day) {
	d.Opened += other.Opened
	d.Granted += other.Granted
	d.Refused += other.Refused
	d.Alarms += other.Alarms
}

// days counts the last days of a site, oldest first, as whoever is signed in may
// see them.
func (p pages) days(ctx context.Context, site sashlock.Site, span int) ([]day, error) {
	o, book := console.Who(ctx).Operator, p.Hall.Book()
	var only []sashlock.OpeningID // nil: all
	if len(o.Areas) > 0 {
		only = []sashlock.OpeningID{}
		for id, one := range book.Openings {
			if o.Sees(site.ID, one.Area) {
				only = append(only, id)
			}
		}
	}
	now := console.LocalTime(site, p.Now())
	all := make([]day, span)
	date := func(i int) string { // by the calendar alone: midnight need not come
		return tally.Date(time.Date(now.Year(), now.Month(), now.Day()-span+1+i, 0, 0, 0, 0, time.UTC))
	}
	counted, err := tally.Days(ctx, p.Store, book, site.ID, date(0), date(span-1), only)
	for i := range all {
		d, c := &all[i], counted[date(i)]
		d.Start = time.Date(now.Year(), now.Month(), now.Day()-span+1+i, 0, 0, 0, 0, now.Location())
		d.Opens, d.Opened, d.Granted, d.Refused, d.Alarms, d.Reasons = c.Opens, c.Opened(), c.Granted, c.Refused, c.Alarms, c.Reasons
	}
	if err != nil || o.May(signin.Alarms) {
		return all, err
	}
	silent, err := p.silent(ctx, site, all[0].Start)
	for i := range all {
		all[i].Alarms = max(0, all[i].Alarms-silent[date(i)])
	}
	return all, err
}

// silent counts the alarms by day that whoever is signed in is not to learn of.
func (p pages) silent(ctx context.Context, site sashlock.Site, since time.Time) (map[string]int, error) {
	o, book, n := console.Who(ctx).Operator, p.Hall.Book(), map[string]int{}
	err := p.Store.View(ctx, func(q store.Query) error {
		all, err := raised(q, site.ID, since)
		for _, a := range all {
			if !o.Hears(a.Rule) && o.Sees(a.Site, book.Openings[a.Opening].Area) {
				n[tally.Date(console.LocalTime(site, a.Raised))]++
			}
		}
		return err
	})
	return n, err
}

// raised lists the alarms of a site since a time.
func raised(q store.Query, site sashlock.SiteID, since time.Time) ([]sashlock.Alarm, error) {
	return store.Rows(q, func(scan store.Scan) (a sashlock.Alarm, err error) {
		var raised, cleared sql.NullInt64
		err = scan(&a.ID, &a.Rule, &a.Site, &a.Opening, &raised, &cleared)
		a.Raised, a.Cleared = store.TimeOf(raised), store.TimeOf(cleared)
		return a, err
	}, `SELECT id, rule, site, opening, raised, cleared FROM alarms WHERE site = ? AND raised >= ? ORDER BY raised`, site, store.Micros(since))
}
