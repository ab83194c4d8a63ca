// SPDX-License-Identifier: Apache-2.0

package sashlock

// Site is one store or building. All its schedules are read in its own civil
// time.
type Site struct {
	ID    SiteID
	Slug  string
	Name  string
	Zone  string     // IANA time zone, "Europe/Lisbon"
	Hours ScheduleID // when the store is staffed; empty means no one has said
	Rev   int64      // grows with every change
}

// Area is a space behind openings: the sales floor, the stock room, the cash
// office.
type Area struct {
	ID   AreaID
	Slug string
	Name string
	Site SiteID
	Rev  int64
}
