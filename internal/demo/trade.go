// SPDX-License-Identifier: Apache-2.0

package demo

import (
	"context"
	"slices"
	"time"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/internal/scenario"
	"github.com/sashlock/sashlock/internal/scenarios"
	"github.com/sashlock/sashlock/internal/store"
)

// The rules of trade are:
//
//   - The tills of the flagship are busy for three minutes of every six, so that
//     a peak hour begins by itself soon after the demo does, and ends again.
//   - In the two weeks before they were busy at noon and in the early evening:
//     that is what a scenario is tried on.

// prepared are the scenarios of the flagship. A store would count over a quarter
// of an hour; the demo has less patience.
var prepared = []string{
	`slug: peak-hour
name: Peak hour
site: lisbon
kind: peak_hour
trigger:
  rate: {of: sales, over: 2m, rise: 22, rise_hold: 10s, fall: 12, fall_hold: 10s}
  button: true
actions:
  hold_unlocked:
    - openings: [spirits-1, spirits-3, spirits-4]
      most: 3
  threat: peak
  notify: The tills are busy. The spirits cases are held unlocked.
guard: {longest: 3h}
revert: {with_trigger: true}
`, `slug: lockdown
name: Lockdown of the whole store
site: lisbon
kind: lockdown
rank: 10
trigger: {button: true}
actions:
  lock_down: [{all: true}]
  threat: lockdown
`, `slug: lockdown-watches
name: Lockdown of the watches
site: lisbon
kind: lockdown
trigger: {button: true}
actions:
  lock_down: [{areas: [lisbon/watches]}]
`, `slug: closing
name: Closing the store
site: lisbon
kind: closing
trigger: {button: true}
check: {items: [all_locked, all_closed, cages_armed, none_released, none_held_unlocked]}
revert: {after: 1h}
`, `slug: opening
name: Opening the store
site: lisbon
kind: opening
trigger: {button: true}
check: {items: [all_reachable, no_alarms, all_closed], role: manager}
revert: {after: 1h}
`}

// specialEvent is the evening for which the store prepares: the coming Saturday,
// by its own clocks.
func specialEvent(now time.Time) string {
	day := now.AddDate(0, 0, (int(time.Saturday-now.Weekday())+6)%7+1)
	return `slug: whisky-evening
name: Whisky evening
site: lisbon
kind: special_event
note: Tasting at the spirits, with guests of the airline.
trigger:
  dates: {from: "` + day.Format(time.DateOnly) + ` 18:00", until: "` + day.Format(time.DateOnly) + ` 23:00"}
actions:
  hold_unlocked:
    - openings: [spirits-2, spirits-3]
  threat: event
  notify: The tasting has begun. Two spirits cases are held unlocked.
  grants:
    - {slug: whisky-evening-ana, person: ana, area: lisbon/spirits}
    - {slug: whisky-evening-beatriz, person: beatriz, area: lisbon/spirits}
revert: {with_schedule: true}
`
}

// trade prepares the scenarios and lets the tills count until the context ends;
// the function it returns waits for that.
func (s *shop) trade(ctx context.Context) (wait func()) {
	var site sashlock.SiteID
	for id, one := range s.house.Hall.Book().Sites {
		if one.Slug == "lisbon" {
			site = id
		}
	}
	s.prepareScenarios(ctx, site)
	done := make(chan struct{})
	go func() {
		defer close(done)
		s.count(ctx, site)
	}()
	return func() { <-done }
}

// prepareScenarios saves what is not there yet. Whoever looks at the demo may
// have changed or removed the rest.
func (s *shop) prepareScenarios(ctx context.Context, site sashlock.SiteID) {
	var have []scenarios.Kept
	if err := s.house.Store.View(ctx, func(q store.Query) (err error) { have, err = scenarios.List(q); return err }); err != nil || len(have) > 0 {
		return
	}
	now := s.house.Hall.Book().Clock(site, s.house.Now())
	for _, text := range append(slices.Clone(prepared), specialEvent(now)) {
		form, err := scenario.Parse([]byte(text))
		if err == nil {
			_, err = s.house.Scenarios.Save(ctx, s.operator, form, "", 0)
		}
		if err != nil && ctx.Err() == nil {
			panic("demo: " + err.Error()) // a mistake in the scenarios above, which a test shows
		}
	}
	_ = s.house.Scenarios.Import(ctx, site, scenario.Sales, pastSales(now))
}

// pastSales are those of the last two weeks.
func pastSales(now time.Time) []scenario.Bucket {
	var all []scenario.Bucket
	for at := now.AddDate(0, 0, -historyDays).Truncate(time.Minute); at.Before(now.Add(-5 * time.Minute)); at = at.Add(time.Minute) {
		n := 3.0
		switch h := at.Hour(); {
		case h < 8 || h >= 21:
			continue
		case h == 12, h == 13 && at.Minute() < 40, h == 17 && at.Minute() > 20, h == 18:
			n = 13
		}
		all = append(all, scenario.Bucket{At: at, N: n})
	}
	return all
}

// count is the tills, which tell what they sold every few seconds.
func (s *shop) count(ctx context.Context, site sashlock.SiteID) {
	const every, quiet, whole = 10 * time.Second, 60 * time.Second, 6 * time.Minute
	tick := time.NewTicker(every)
	defer tick.Stop()
	for begun := time.Now(); ; {
		n := 1
		if into := time.Since(begun) % whole; into > quiet && into < quiet+whole/2 {
			n = 3
		}
		_ = s.house.Scenarios.Add(ctx, site, scenario.Sales, n, s.house.Now()) // a store that is stopping counts nothing
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}
