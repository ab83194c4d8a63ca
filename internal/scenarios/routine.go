// SPDX-License-Identifier: Apache-2.0

package scenarios

import (
	"context"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/internal/scenario"
	"github.com/sashlock/sashlock/internal/store"
)

// Routine is a scenario that runs and verifies something, with what it finds as
// the store stands now.
type Routine struct {
	Kept
	Checked []scenario.Checked
}

// Routines lists the routines of a site. Alarms of rules that do not count are
// as if they were not there. One that cannot be compiled is left out: the page
// of scenarios says what is wrong with it.
func (r *Room) Routines(ctx context.Context, site sashlock.SiteID, counts func(rule string) bool) ([]Routine, error) {
	var all []Kept
	err := r.Store.View(ctx, func(q store.Query) (err error) { all, err = List(q); return err })
	if err != nil {
		return nil, err
	}
	var running []Routine
	var alarms map[sashlock.OpeningID]int
	for _, k := range all {
		if k.At != site || !k.State.Running || len(k.Check.Items) == 0 {
			continue
		}
		plan, _, err := r.Compile(ctx, k.Scenario)
		if err != nil || plan == nil {
			continue
		}
		if alarms == nil {
			if alarms, err = r.standingAlarms(ctx, counts); err != nil {
				return nil, err
			}
		}
		book := r.Hall.Book()
		running = append(running, Routine{k, plan.Checked(func(id sashlock.OpeningID) scenario.Stand {
			return Standing(book, r.Store.StateNow(id), alarms[id])
		})})
	}
	return running, nil
}

// mostStanding is how many standing alarms are looked through.
const mostStanding = 10_000

// standingAlarms counts, for each opening, the alarms whose condition lasts.
func (r *Room) standingAlarms(ctx context.Context, counts func(rule string) bool) (map[sashlock.OpeningID]int, error) {
	standing, err := r.Store.Alarms(ctx, true, mostStanding)
	count := map[sashlock.OpeningID]int{}
	for _, a := range standing {
		if a.Cleared.IsZero() && counts(a.Rule) {
			count[a.Opening]++
		}
	}
	return count, err
}
