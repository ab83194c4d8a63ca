// SPDX-License-Identifier: Apache-2.0

package phone

import (
	"context"
	"slices"

	"github.com/sashlock/sashlock/internal/console"
	"github.com/sashlock/sashlock/internal/lang"
	"github.com/sashlock/sashlock/internal/scenario"
	"github.com/sashlock/sashlock/internal/scenarios"
)

// task is what a running routine still waits for, as an opening or closing
// checklist says, for whoever looks after it.
type task struct {
	Routine string // name of the scenario
	Text    string // what is not so
	At      []row  // where
}

// tasks lists what is in force, and what the operator's person has to see to. What is done is seen by
// the devices, so that a line goes by itself and nobody ticks what is not so.
func (c *counter) tasks(ctx context.Context) error {
	running, err := c.routines.Running(ctx, c.Site.ID, console.Who(ctx).Operator.Hears)
	c.Force = console.InForce(running, c.Now.Location())
	for _, one := range running {
		if c.me.ID == "" || len(one.Checked) == 0 || !slices.Contains(scenarios.Looks(c.Hall.Book(), one.At, one.Check.Role, c.pages.Now()), c.me.ID) {
			continue
		}
		for _, item := range one.Checked {
			c.task(ctx, one.Name, item)
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
