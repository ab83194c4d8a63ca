// SPDX-License-Identifier: Apache-2.0

package sashlock

import "time"

// Site is one store or building. All its schedules are read in its own civil
// time.
type Site struct {
	ID    SiteID
	Slug  string
	Name  string
	Zone  string     // IANA time zone, "Europe/Lisbon"
	Hours ScheduleID // when the store is staffed; empty means no one has said

	Jurisdiction string        // whose law applies, "PT", "US-CA"; empty: nobody has said
	ShiftGrace   time.Duration // how long before and after a shift access already and still follows it
	ClockIn      bool          // access follows the clock: no shift counts before its clock-in
	LongestGrant time.Duration // how long a grant to one person may count at most; 0: no limit

	OpenBy        ScheduleID    // when the first person is to have come in: at the start of each of its times; empty: nobody is waited for
	OpenTolerance time.Duration // how much later they may come; 0: [OpenTolerance]

	RevokeWithin time.Duration // how soon a lock has to confirm that it forgot a code; 0: [RevokeWithin]

	Rev int64 // grows with every change
}

// RevokeWithin is how soon a lock has to confirm that it forgot a code where
// nobody said otherwise.
const RevokeWithin = 15 * time.Minute

// OpenTolerance is how much later than planned a store may be opened where
// nobody said otherwise.
const OpenTolerance = 15 * time.Minute

// Area is a space behind openings: the sales floor, the stock room, the cash
// office.
type Area struct {
	ID   AreaID
	Slug string
	Name string
	Site SiteID

	Needs       Needs         // what each of its openings asks of everybody
	Passback    Passback      // what it does about people who enter twice
	PassbackFor time.Duration // how long, for timed anti-passback
	Occupancy   int           // how many people may be in it at once; 0: no limit

	Rev int64
}

// SiteState is what stands at a site beside its openings.
type SiteState struct {
	Site    SiteID            `json:"site"`
	Threat  string            `json:"threat,omitempty"`   // how the store stands: "peak", "event", "heightened", "lockdown"; empty: normal
	FirstIn map[RoleID]string `json:"first_in,omitempty"` // the last local day on which somebody with a role was let in, by role
	LastIn  time.Time         `json:"last_in,omitzero"`   // when somebody was last let in; kept where somebody is waited for, to half an hour

	AwaitedFrom time.Time `json:"awaited_from,omitzero"` // since when somebody is waited for by Site.OpenBy
}
