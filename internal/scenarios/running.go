// SPDX-License-Identifier: Apache-2.0

package scenarios

import (
	"context"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/internal/scenario"
	"github.com/sashlock/sashlock/internal/store"
)

// Running is a scenario that runs, with what its checklist finds as the store
// stands now.
type Running struct {
	Kept
	Checked []scenario.Checked // empty: it verifies nothing
}

// Running lists what runs at a site, in order of slug. Alarms of rules that do
// not count are as if they were not there. A checklist that cannot be compiled
// is left out: the page of scenarios says what is wrong with it.
func (r *Room) Running(ctx context.Context, site sashlock.SiteID, counts func(rule string) bool) ([]Running, error) {
	var all []Kept
	err := r.Store.View(ctx, func(q store.Query) (err error) { all, err = List(q); return err })
	if err != nil {
		return nil, err
	}
	var running []Running
	var alarms map[sashlock.OpeningID]int
	for _, k := range all {
		if k.At != site || !k.State.Running {
			continue
		}
		if alarms == nil && len(k.Check.Items) > 0 {
			if alarms, err = r.standingAlarms(ctx, counts); err != nil {
				return nil, err
			}
		}
		running = append(running, Running{k, r.checked(ctx, k, alarms)})
	}
	return running, nil
}

func (r *Room) checked(ctx context.Context, k Kept, alarms map[sashlock.OpeningID]int) []scenario.Checked {
	if len(k.Check.Items) == 0 {
		return nil
	}
	plan, _, err := r.Compile(ctx, k.Scenario)
	if err != nil || plan == nil {
		return nil
	}
	book := r.Hall.Book()
	return plan.Checked(func(id sashlock.OpeningID) scenario.Stand {
		return Standing(book, r.Store.StateNow(id), alarms[id])
	})
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
