// SPDX-License-Identifier: Apache-2.0

package sashlock

import (
	"strings"
	"time"
)

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

// GuestSlug begins the slug of every person who stands for a customer of whom
// nothing is known; see [Person.IsGuest].
const GuestSlug = "shopper-"

// IsGuest reports whether the person stands for a customer who opens a case
// alone. Guests are not staff: no list of people has them.
func (p Person) IsGuest() bool {
	return len(p.Slug) > len(GuestSlug) && strings.HasPrefix(p.Slug, GuestSlug)
}

// PersonState is where somebody was last let in, as far as is known.
type PersonState struct {
	Person  PersonID  `json:"person"`
	Site    SiteID    `json:"site,omitempty"` // empty: nowhere, or they have left
	Area    AreaID    `json:"area,omitempty"` // the area they are in; empty: the site in general
	Opening OpeningID `json:"opening,omitempty"`
	Since   time.Time `json:"since,omitzero"`     // when they came into Area
	Last    time.Time `json:"last,omitzero"`      // when they were last let in anywhere
	ClockIn bool      `json:"clock_in,omitempty"` // they are clocked in at Site
}

// HereFor is how long somebody counts as being at a site after they were last
// let in anywhere there, when neither a clock-in nor their leaving tells more.
const HereFor = 2 * time.Hour

// At reports whether the person counts as being at a site.
func (p PersonState) At(site SiteID, now time.Time) bool {
	return p.Site == site && (p.ClockIn || now.Sub(p.Last) < HereFor)
}

// Shift is a planned stretch of work of one person at one site.
type Shift struct {
	ID     ShiftID
	Person PersonID
	Site   SiteID
	Role   RoleID // what they work as; empty: as ever
	From   time.Time
	Until  time.Time
	In     time.Time // when they clocked in; zero: not yet
	Out    time.Time // when they clocked out; zero: not yet
	Ref    string    // what the rota it came from calls it; empty: it was made here
	Source string    // which rota it came from
	Rev    int64
}

// Covers reports whether the person is on shift at an instant, by the rules of
// the site: within the planned time and its grace, not after the clock-out, and
// where the site goes by the clock, not before the clock-in. Who clocked in
// stays on shift until they clock out or the grace after the shift is over.
func (s Shift) Covers(at time.Time, site Site) bool {
	if !s.Out.IsZero() && !at.Before(s.Out) {
		return false
	}
	if site.ClockIn && (s.In.IsZero() || at.Before(s.In)) {
		return false
	}
	return !at.Before(s.From.Add(-site.ShiftGrace)) && at.Before(s.Until.Add(site.ShiftGrace))
}

// CredentialKind is what sort of thing a credential is.
type CredentialKind string

// The kinds of credential.
const (
	PIN     CredentialKind = "pin"
	Card    CredentialKind = "card"
	QR      CredentialKind = "qr"
	Passkey CredentialKind = "passkey"
	Finger  CredentialKind = "finger" // a slot of a device that holds the template; we never do
	Key     CredentialKind = "key"    // a mechanical key
)

// Level is what a credential of the kind shows by itself.
func (k CredentialKind) Level() Assurance {
	switch k {
	case PIN:
		return AssuranceCode
	case Card, QR, Key:
		return AssuranceCard
	case Passkey, Finger:
		return AssurancePasskey
	}
	return AssuranceNone
}

// Credential is what a person presents.
type Credential struct {
	ID     CredentialID
	Person PersonID
	Kind   CredentialKind
	Label  string    // what people call it: "blue card", "locker PIN"
	From   time.Time // not accepted before; zero: no limit
	Until  time.Time // not accepted at this instant or later; zero: no limit
	Lost   time.Time // when it was lost, stolen or given back; zero: it is good
	Duress bool      // whoever presents it is being forced: it opens, and raises a silent alarm
	Rev    int64
}

// Role is a named set of people to whom grants are given: "associate",
// "watch specialist".
type Role struct {
	ID   RoleID
	Slug string
	Name string
	Rev  int64
}
