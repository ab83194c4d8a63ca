// SPDX-License-Identifier: Apache-2.0

package now

import (
	"slices"
	"time"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/internal/console"
	"github.com/sashlock/sashlock/internal/scenarios"
)

// routine is what the store does by itself just now and verifies: opening,
// closing, a sale night.
type routine struct {
	Name, Slug string
	Since      time.Time
	Items      []verified
}

// verified is one line of its checklist.
type verified struct {
	What string // the text's key
	Not  []link // the openings where it is not so
}

// link leads to an opening.
type link struct{ Name, Slug string }

// runs takes what is verified, as far as it concerns the operator.
func (b *board) runs(running []scenarios.Running) {
	for _, one := range running {
		if len(one.Checked) == 0 {
			continue
		}
		r := routine{Name: one.Name, Slug: one.Slug, Since: one.State.Since.In(b.Zone)}
		for _, c := range one.Checked {
			r.Items = append(r.Items, verified{console.ItemWords(c.Item), b.links(c.Failed)})
		}
		b.Runs = append(b.Runs, r)
	}
}

// links are those of some openings that the operator sees, in order of name.
func (b *board) links(some []sashlock.OpeningID) []link {
	var all []link
	for _, p := range b.All {
		if slices.Contains(some, p.ID) {
			all = append(all, link{p.Name, p.Slug})
		}
	}
	return all
}

// So counts the lines that are as they should be.
func (r routine) So() int {
	n := 0
	for _, i := range r.Items {
		if len(i.Not) == 0 {
			n++
		}
	}
	return n
}
