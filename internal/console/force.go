// SPDX-License-Identifier: Apache-2.0

package console

import (
	"time"

	"github.com/sashlock/sashlock/internal/scenario"
	"github.com/sashlock/sashlock/internal/scenarios"
)

// Force is a scenario in force, as people in the store are told of it.
type Force struct {
	Name, Slug string
	Since      time.Time // by the clocks of the store
	Says       string    // what people are to be told; may be empty
	Lockdown   bool
	Drill      bool
	Locked     int // how many openings it locks down
	Held       int // and holds unlocked
}

// InForce takes from what runs what people in the store have to know: lockdowns
// first. One that neither says nor moves anything is left out.
func InForce(running []scenarios.Running, zone *time.Location) []Force {
	var first, rest []Force
	for _, r := range running {
		f := Force{
			Name: r.Name, Slug: r.Slug, Since: r.State.Since.In(zone), Says: r.Actions.Notify, Lockdown: r.Kind == scenario.Lockdown,
			Drill: r.State.Drill, Locked: len(r.State.Locked), Held: len(r.State.Held),
		}
		switch {
		case f.Lockdown:
			first = append(first, f)
		case f.Says != "" || f.Locked+f.Held > 0:
			rest = append(rest, f)
		}
	}
	return append(first, rest...)
}

// tone is how loud it is said.
func (f Force) tone() Tone {
	if f.Lockdown && !f.Drill {
		return Alert
	}
	return Watch
}
