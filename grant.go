// SPDX-License-Identifier: Apache-2.0

package sashlock

import "time"

// Grant says: this person, or everyone with this role, may open this opening,
// every opening of this area, or every opening of this site, when the schedule
// says so and within the limits of validity.
//
// Exactly one of Person and Role is set, and exactly one of Opening, Area and
// Site.
type Grant struct {
	ID       GrantID
	Slug     string
	Person   PersonID
	Role     RoleID
	Opening  OpeningID
	Area     AreaID
	Site     SiteID
	Schedule ScheduleID // empty: at any time
	From     time.Time  // first instant at which it counts; zero: no limit
	Until    time.Time  // first instant at which it no longer counts; zero: no limit
	Rev      int64
}
