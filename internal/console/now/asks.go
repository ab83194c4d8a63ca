// SPDX-License-Identifier: Apache-2.0

package now

import (
	"context"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/internal/lang"
	"github.com/sashlock/sashlock/internal/reach"
)

// asksOf says what an opening and its area ask of everybody, whatever the grant.
func (p pages) asksOf(ctx context.Context, o sashlock.Opening) []string {
	book := p.Hall.Book()
	area, l := book.Areas[o.Area], lang.Of(ctx)
	var all []string
	if level := max(o.Needs.Level, area.Needs.Level); level > sashlock.AssuranceNone {
		all = append(all, reach.Level(level).In(l))
	}
	if o.Needs.Two || area.Needs.Two {
		all = append(all, lang.T(ctx, "two persons who may both open it"))
	}
	for i, role := range []sashlock.RoleID{o.Needs.FirstIn, area.Needs.FirstIn} {
		if role != "" && (i == 0 || role != o.Needs.FirstIn) {
			all = append(all, lang.T(ctx, "somebody in %s as the first in each day", book.Roles[role].Name))
		}
	}
	if o.Interlock != "" {
		all = append(all, lang.T(ctx, "every other opening of the interlock %s shut", o.Interlock))
	}
	if area.Occupancy > 0 {
		all = append(all, lang.N(ctx, area.Occupancy, "no more than %d person in its area", "no more than %d people in its area"))
	}
	if area.Passback == sashlock.PassbackHard || area.Passback == sashlock.PassbackTimed {
		all = append(all, lang.T(ctx, "that nobody enters twice without having left"))
	}
	return all
}
