// SPDX-License-Identifier: Apache-2.0

package reports

import (
	"context"
	"database/sql"
	"fmt"
	"sync"
	"time"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/internal/console"
	"github.com/sashlock/sashlock/internal/signin"
	"github.com/sashlock/sashlock/internal/store"
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

// counter counts days and keeps those that are over.
type counter struct {
	store *store.Store

	mu   sync.Mutex
	kept map[string]day // guarded by mu
}

// mostKept is how many days are kept; with more, all are counted again.
const mostKept = 4000

func newCounter(s *store.Store) *counter { return &counter{store: s, kept: map[string]day{}} }

// day counts the day that began so many midnights ago, for an operator.
func (c *counter) day(ctx context.Context, site sashlock.Site, now time.Time, ago int, sees func(sashlock.OpeningID) bool, o signin.Operator) (day, error) {
	start := time.Date(now.Year(), now.Month(), now.Day()-ago, 0, 0, 0, 0, now.Location())
	end := time.Date(now.Year(), now.Month(), now.Day()-ago+1, 0, 0, 0, 0, now.Location())
	key := fmt.Sprintf("%s %s %v", site.ID, start.Format("2006-01-02"), o.Areas)
	c.mu.Lock()
	d, known := c.kept[key]
	c.mu.Unlock()
	if known {
		return d, nil
	}
	d, err := c.count(ctx, site, start, end, sees)
	if err == nil && ago > 0 {
		c.mu.Lock()
		defer c.mu.Unlock()
		if len(c.kept) >= mostKept {
			clear(c.kept)
		}
		c.kept[key] = d
	}
	return d, err
}

// countBatch is how many events are read at once.
const countBatch = 5000

func (c *counter) count(ctx context.Context, site sashlock.Site, start, end time.Time, sees func(sashlock.OpeningID) bool) (day, error) {
	d := day{Start: start, Reasons: map[sashlock.Reason]int{}}
	for _, kind := range []string{"access.", string(sashlock.OpeningOpened), string(sashlock.AlarmRaised)} {
		for from := int64(0); ; {
			events, err := c.store.Events(ctx, store.EventQuery{Kind: kind, Since: start, Until: end, From: from, Limit: countBatch})
			if err != nil {
				return d, err
			}
			for i := range events {
				if e := &events[i]; e.Site == site.ID && sees(e.Opening) {
					d.take(e, console.LocalTime(site, e.Heard).Hour())
				}
			}
			if len(events) < countBatch {
				break
			}
			from = events[len(events)-1].Seq + 1
		}
	}
	return d, nil
}

func (d *day) take(e *sashlock.Event, hour int) {
	switch e.Kind {
	case sashlock.OpeningOpened:
		d.Opens[hour]++
		d.Opened++
	case sashlock.AccessGranted:
		d.Granted++
	case sashlock.AccessDenied:
		d.Refused++
		d.Reasons[e.Reason]++
	case sashlock.AlarmRaised:
		d.Alarms++
	}
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
