// SPDX-License-Identifier: Apache-2.0

package scenarios

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/internal/flow"
	"github.com/sashlock/sashlock/internal/lang"
	"github.com/sashlock/sashlock/internal/scenario"
	"github.com/sashlock/sashlock/internal/store"
)

// facts are what a scenario goes by at the moment of the meeting.
func (m *meeting) facts(k *member) scenario.Facts {
	f := scenario.Facts{
		Now: m.tx.Now(), Threat: m.tx.SiteState(m.site).Threat, Staff: m.onShift,
		Running: func(slug string) bool {
			return slices.ContainsFunc(m.all, func(other *member) bool { return other.Slug == slug && other.State.Running })
		},
		Mode: func(id sashlock.OpeningID) sashlock.Mode {
			s, err := m.tx.State(id)
			if err != nil {
				return sashlock.Blocked // doubt holds it back
			}
			return s.Mode
		},
	}
	if m.wish.slug == k.Slug {
		f.Press, f.By = m.wish.press, m.wish.by
	}
	if k.plan == nil {
		return f
	}
	if of, over, counts := k.plan.Counts(); counts {
		f.Count, f.Counted = Count(m.tx, m.site, of, m.tx.Now(), over)
	}
	if len(k.Check.Items) > 0 && k.State.Running {
		f.Checked, f.Unmet = scenario.Tally(k.plan.Checked(m.stand))
	}
	return f
}

// standing counts the alarms that stand, by opening.
func standing(s *store.Store, _ store.Query) map[sashlock.OpeningID]int {
	n := map[sashlock.OpeningID]int{}
	all, err := s.Alarms(context.Background(), true, 1000)
	if err != nil {
		return n
	}
	for _, a := range all {
		if a.Cleared.IsZero() {
			n[a.Opening]++
		}
	}
	return n
}

// quiet is after how long without a word a counter counts as silent.
const quiet = 30 * time.Minute

// Count adds up what was counted at a site in a stretch of time before a moment;
// false when whoever counts has said nothing for a while.
func Count(q store.Query, site sashlock.SiteID, of scenario.Counted, now time.Time, over time.Duration) (n float64, counted bool) {
	minute := now.Unix() / 60
	heard := minute - int64(max(over, quiet)/time.Minute)
	var sum, said int64
	err := q.QueryRow(`SELECT COALESCE(SUM(CASE WHEN minute > ? THEN n ELSE 0 END), 0), COUNT(*) FROM counts WHERE site = ? AND kind = ? AND minute >= ? AND minute <= ?`,
		minute-int64(over/time.Minute), site, string(of), heard, minute).Scan(&sum, &said)
	return float64(sum), err == nil && said > 0
}

// keepCounts is how long counts are kept.
const keepCounts = 400 * 24 * time.Hour

// Limits of what a counter says at once.
const (
	maxCount = 1_000_000
	tooLate  = 24 * time.Hour
	tooEarly = 2 * time.Minute
)

// Add takes what a till or a counter at the door counted. A count of 0 says that
// somebody counts and nobody came.
func (r *Room) Add(ctx context.Context, site sashlock.SiteID, of scenario.Counted, n int, at time.Time) error {
	bad := func(field, hint string) error {
		return &sashlock.Error{Kind: sashlock.Invalid, Op: "counting", Subject: field, Hint: hint}
	}
	now := r.Now()
	if at.IsZero() {
		at = now
	}
	switch {
	case of != scenario.Sales && of != scenario.Footfall:
		return bad("kind", lang.Mark("choose sales or footfall"))
	case n < 0 || n > maxCount:
		return bad("n", lang.Mark("count from 0 to 1,000,000"))
	case at.Before(now.Add(-tooLate)) || at.After(now.Add(tooEarly)):
		return bad("at", lang.Mark("give a moment of the last day, by the right clock"))
	}
	if _, err := r.Store.Do(ctx, func(tx *store.Tx) error {
		return r.count(tx, site, of, n, at)
	}); err != nil {
		return err
	}
	r.soon()
	return nil
}

// count adds to the bucket of a minute.
func (r *Room) count(tx *store.Tx, site sashlock.SiteID, of scenario.Counted, n int, at time.Time) error {
	minute := at.Unix() / 60
	if _, err := tx.Exec(`INSERT INTO counts (site, kind, minute, n) VALUES (?, ?, ?, ?) ON CONFLICT (site, kind, minute) DO UPDATE SET n = counts.n + excluded.n`,
		site, string(of), minute, n); err != nil {
		return err
	}
	if minute%60 != 0 {
		return nil
	}
	_, err := tx.Exec(`DELETE FROM counts WHERE site = ? AND minute < ?`, site, at.Add(-keepCounts).Unix()/60)
	return err
}

// buckets are what was counted at a site from a moment on.
func buckets(q store.Query, site sashlock.SiteID, of scenario.Counted, since time.Time) ([]scenario.Bucket, error) {
	read := func(scan store.Scan) (b scenario.Bucket, err error) {
		var minute, n int64
		err = scan(&minute, &n)
		b.At, b.N = time.Unix(minute*60, 0).UTC(), float64(n)
		return b, err
	}
	return store.Rows(q, read, `SELECT minute, n FROM counts WHERE site = ? AND kind = ? AND minute >= ? ORDER BY minute`, site, string(of), since.Unix()/60)
}

// book is what is declared now.
func (r *Room) book() *flow.Book { return r.Hall.Book() }

// maxImport is how many minutes are taken over at once.
const maxImport = 50_000

// Import takes over what was counted in the past, minute by minute, in place of
// what is known of these minutes.
func (r *Room) Import(ctx context.Context, site sashlock.SiteID, of scenario.Counted, past []scenario.Bucket) error {
	if len(past) > maxImport {
		return &sashlock.Error{Kind: sashlock.Limit, Op: "importing counts", Subject: "counts", Hint: lang.Mark("take over 50,000 minutes at once at most")}
	}
	_, err := r.Store.Do(ctx, func(tx *store.Tx) error {
		for some := range slices.Chunk(past, 200) {
			args := make([]any, 0, 4*len(some))
			for _, b := range some {
				args = append(args, site, string(of), b.At.Unix()/60, int64(b.N))
			}
			if _, err := tx.Exec(`INSERT INTO counts (site, kind, minute, n) VALUES (?, ?, ?, ?)`+strings.Repeat(`, (?, ?, ?, ?)`, len(some)-1)+
				` ON CONFLICT (site, kind, minute) DO UPDATE SET n = excluded.n`, args...); err != nil {
				return err
			}
		}
		return nil
	})
	return err
}
