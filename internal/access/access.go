// SPDX-License-Identifier: Apache-2.0

package access

import "github.com/sashlock/sashlock"

// Facts are everything a decision rests on. They may refer to objects that are
// not there: such a reference opens nothing.
type Facts struct {
	Sites     []sashlock.Site
	Areas     []sashlock.Area
	Openings  []sashlock.Opening
	People    []sashlock.Person
	Roles     []sashlock.Role
	Schedules []sashlock.Schedule
	Grants    []sashlock.Grant
}

// Removal names objects that are to go. Removing what is not there is not an
// error.
type Removal struct {
	Sites     []sashlock.SiteID
	Areas     []sashlock.AreaID
	Openings  []sashlock.OpeningID
	People    []sashlock.PersonID
	Roles     []sashlock.RoleID
	Schedules []sashlock.ScheduleID
	Grants    []sashlock.GrantID
}

// Change is a difference between two sets of facts: first everything in Remove
// goes, then everything in Put is added or takes the place of the object with
// the same identifier. Nothing else changes with it: the grants of a removed
// person stay, open nothing, and count again if the person comes back.
type Change struct {
	Put    Facts
	Remove Removal
}

// Verdict is the short answer to a request.
type Verdict struct {
	Granted bool
	Reason  sashlock.Reason
	Grant   sashlock.GrantID // the grant that decided, or came nearest; empty: none reached the request

	PassedBack bool // granted, and the area wants it noted that the person was inside already
	Free       bool // the opening and the person are not watched, see [Index.Watching]
}
