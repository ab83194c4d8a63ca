// SPDX-License-Identifier: Apache-2.0

package scenarios

import (
	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/internal/console"
	"github.com/sashlock/sashlock/internal/scenario"
	room "github.com/sashlock/sashlock/internal/scenarios"
	"github.com/sashlock/sashlock/internal/store"
)

// history lists the versions of a scenario, each with what it changed.
func (p pages) history(q store.Query, d *draft, site sashlock.Site, names map[sashlock.OperatorID]string) error {
	all, err := room.Versions(q, d.Slug)
	for i, v := range all {
		one := version{Rev: v.Rev, At: console.LocalTime(site, v.At), By: names[v.Operator], Why: v.Why, Gone: v.Removed, Now: i == 0}
		if i+1 < len(all) && !v.Removed && !all[i+1].Removed {
			one.Diff = console.Difference(textOf(all[i+1].Form), textOf(v.Form))
		}
		d.Versions = append(d.Versions, one)
	}
	return err
}

// textOf is a version as text; empty where it cannot be written.
func textOf(s scenario.Scenario) string {
	text, err := scenario.Marshal(s)
	if err != nil {
		return ""
	}
	return string(text)
}
