// SPDX-License-Identifier: Apache-2.0

package sashlock

import "time"

// Person is somebody who may pass an opening: staff, courier, guest,
// technician. Name and slug are personal data and stay out of logs and ledger
// entries, which speak of the ID.
type Person struct {
	ID        PersonID
	Slug      string
	Name      string
	Roles     []RoleID
	Suspended bool      // refused everywhere until lifted
	From      time.Time // not admitted before; zero: no limit
	Until     time.Time // not admitted at this instant or later; zero: no limit
	Rev       int64
}

// Role is a named set of people to whom grants are given: "associate",
// "watch specialist".
type Role struct {
	ID   RoleID
	Slug string
	Name string
	Rev  int64
}
