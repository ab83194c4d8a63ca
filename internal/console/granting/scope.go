// SPDX-License-Identifier: Apache-2.0

package granting

import (
	"context"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/internal/console"
	"github.com/sashlock/sashlock/internal/reach"
)

// The rules are: who is for all stores sees everything. Everybody else sees the
// people, roles and schedules that have to do with a grant for something of
// theirs, and those that nothing was given to yet; and changes them only where
// nothing elsewhere would change with them.

// personSeen reports whether a person has something where whoever is signed in
// is, or nothing anywhere.
func personSeen(ctx context.Context, f reach.Facts, one sashlock.Person) bool {
	if !limited(ctx) {
		return true
	}
	byName, byRole := f.Of(one)
	return len(byName)+len(byRole) == 0 || len(seen(ctx, f, byName))+len(seen(ctx, f, byRole)) > 0
}

// grantsTo are the grants to a role.
func grantsTo(f reach.Facts, role sashlock.RoleID) []sashlock.Grant {
	var some []sashlock.Grant
	for _, g := range f.Grants {
		if g.Role == role {
			some = append(some, g)
		}
	}
	return some
}

// roleSeen reports whether a role concerns whoever is signed in.
func roleSeen(ctx context.Context, f reach.Facts, role sashlock.RoleID) bool {
	given := grantsTo(f, role)
	return !limited(ctx) || len(given) == 0 || len(seen(ctx, f, given)) > 0
}

// grantsBy are the grants that follow a schedule, and the sites whose hours it
// is.
func grantsBy(f reach.Facts, sched sashlock.ScheduleID) (some []sashlock.Grant, hours []sashlock.Site) {
	for _, g := range f.Grants {
		if g.Schedule == sched {
			some = append(some, g)
		}
	}
	for _, s := range f.Sites {
		if s.Hours == sched {
			hours = append(hours, s)
		}
	}
	return some, hours
}

// scheduleSeen reports whether a schedule concerns whoever is signed in.
func scheduleSeen(ctx context.Context, f reach.Facts, sched sashlock.ScheduleID) bool {
	given, hours := grantsBy(f, sched)
	if !limited(ctx) || len(given)+len(hours) == 0 || len(seen(ctx, f, given)) > 0 {
		return true
	}
	for _, s := range hours {
		if console.Who(ctx).Operator.At(s.ID) {
			return true
		}
	}
	return false
}

// scheduleOurs reports whether nothing elsewhere follows a schedule.
func scheduleOurs(ctx context.Context, f reach.Facts, sched sashlock.ScheduleID) bool {
	given, hours := grantsBy(f, sched)
	for _, s := range hours {
		if !console.Who(ctx).Operator.Sees(s.ID, "") {
			return false
		}
	}
	return all(ctx, f, given)
}

// within reports whether all that a grant names concerns whoever is signed in.
func within(ctx context.Context, f reach.Facts, g sashlock.Grant) bool {
	one, known := f.People[g.Person]
	host, hosted := f.People[g.Terms.Escort]
	return sees(ctx, f, g) && (!known || personSeen(ctx, f, one)) && (!hosted || personSeen(ctx, f, host)) &&
		(g.Terms.With == "" || roleSeen(ctx, f, g.Terms.With)) &&
		(g.Role == "" || roleSeen(ctx, f, g.Role)) && (g.Schedule == "" || scheduleSeen(ctx, f, g.Schedule))
}
