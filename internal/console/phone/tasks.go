// SPDX-License-Identifier: Apache-2.0

package phone

import (
	"context"
	"slices"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/internal/console"
	"github.com/sashlock/sashlock/internal/lang"
	"github.com/sashlock/sashlock/internal/scenario"
	"github.com/sashlock/sashlock/internal/scenarios"
	"github.com/sashlock/sashlock/internal/store"
)

// task is what a running routine still waits for, as an opening or closing
// checklist says, for whoever looks after it.
type task struct {
	Routine string // name of the scenario
	Text    string // what is not so
	At      []row  // where
}

// tasks lists what the operator's person has to see to. What is done is seen by
// the devices, so that a line goes by itself and nobody ticks what is not so.
func (c *counter) tasks(ctx context.Context) error {
	var all []scenarios.Kept
	err := c.Store.View(ctx, func(q store.Query) (err error) { all, err = scenarios.List(q); return err })
	if err != nil || c.me.ID == "" {
		return err
	}
	alarms := map[sashlock.OpeningID]int{}
	standing, err := c.Store.Alarms(ctx, true, 1000)
	for _, a := range standing {
		if a.Cleared.IsZero() && console.Who(ctx).Operator.Hears(a.Rule) {
			alarms[a.Opening]++
		}
	}
	book := c.Hall.Book()
	for _, k := range all {
		mine := k.At == c.Site.ID && k.State.Running && len(k.Check.Items) > 0 && slices.Contains(scenarios.Looks(book, k.At, k.Check.Role, c.pages.Now()), c.me.ID)
		if !mine || err != nil {
			continue
		}
		var plan *scenario.Plan
		if plan, _, err = c.routines.Compile(ctx, k.Scenario); err != nil || plan == nil {
			continue // the page of scenarios says what is wrong with it
		}
		for _, item := range plan.Checked(func(id sashlock.OpeningID) scenario.Stand {
			return scenarios.Standing(book, c.Store.StateNow(id), alarms[id])
		}) {
			c.task(ctx, k.Name, item)
		}
	}
	return err
}

// task adds one line, where it is about openings that concern the operator.
func (c *counter) task(ctx context.Context, routine string, item scenario.Checked) {
	one := task{Routine: routine, Text: lang.T(ctx, console.ItemWords(item.Item))}
	for _, o := range c.mine {
		if slices.Contains(item.Failed, o.ID) {
			one.At = append(one.At, c.row(o, c.Store.StateNow(o.ID)))
		}
	}
	if len(one.At) > 0 {
		c.Tasks = append(c.Tasks, one)
	}
}
