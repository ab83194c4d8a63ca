// SPDX-License-Identifier: Apache-2.0

package sashlock

import "time"

// OpeningKind is what sort of thing an opening is.
type OpeningKind string

// The kinds of opening.
const (
	Door    OpeningKind = "door"
	Case    OpeningKind = "case"
	Cage    OpeningKind = "cage"
	Locker  OpeningKind = "locker"
	Hatch   OpeningKind = "hatch"
	Vending OpeningKind = "vending"
	Kiosk   OpeningKind = "kiosk"
)

// Class is the value of what an opening protects.
type Class string

// The classes of value.
const (
	Standard Class = "standard"
	Valuable Class = "valuable"
	High     Class = "high"
)

// Egress says whether people leave through an opening.
type Egress string

// How people get out. Sashlock is never the thing that lets people out: an
// opening on a way out needs hardware that opens from the inside by itself
// (EN 13637, NFPA 101), and Sashlock sends no lock command to it.
const (
	EgressNone     Egress = "none"
	EgressHardware Egress = "hardware"
)

// OnFault says what an opening does when neither the ledger nor the emergency
// journal can be written.
type OnFault string

// What happens on a fault: HoldOnFault releases nothing that cannot be
// recorded.
const (
	HoldOnFault    OnFault = "hold"
	ReleaseOnFault OnFault = "release"
)

// Opening is anything that opens and is guarded: a door, display case, cage,
// locker, hatch or vending machine.
type Opening struct {
	ID          OpeningID
	Slug        string
	Name        string
	Kind        OpeningKind
	Class       Class
	Site        SiteID
	Area        AreaID // empty: none
	Egress      Egress
	OnFault     OnFault
	ReleaseTime time.Duration // how long a release leaves it unlocked; at least 3 s
	OpenTime    time.Duration // how long it may stand open before it counts as held open; 0: for ever
	Unattended  time.Duration // how long it may stand open with nobody there; 0: not watched
	Plan        Place         // where it is on the site's floor plan
	Needs       Needs         // what it asks of everybody
	Trial       bool          // beside an older system: requests are decided and recorded, nothing is ever sent to its lock
	Interlock   string        // openings of a site with the same word are never released while another of them is open; empty: none
	Rev         int64
}

// Place is a point on the floor plan in thousandths of its width and height.
type Place struct{ X, Y int }

// LockState is what the lock last said about itself.
type LockState string

// The states of a lock; the empty string means it never said.
const (
	Locked      LockState = "locked"
	Unlocked    LockState = "unlocked"
	Unlatched   LockState = "unlatched"
	Jammed      LockState = "jammed"
	Halfway     LockState = "not_fully_locked" // the bolt stands between locked and unlocked
	LockUnknown LockState = "unknown"
)

// Loose reports whether a lock said something that does not hold its opening
// shut for certain.
func (l LockState) Loose() bool {
	switch l {
	case Unlocked, Unlatched, Jammed, Halfway:
		return true
	}
	return false
}

// Position is what the contact last said.
type Position string

// The positions; the empty string means there is no contact or it never said.
const (
	Open            Position = "open"
	Closed          Position = "closed"
	PositionUnknown Position = "unknown"
	PositionFault   Position = "fault"
)

// Mode is the standing order for an opening.
type Mode string

// The modes. The empty string counts as Normal.
const (
	Normal       Mode = "normal"
	HeldUnlocked Mode = "held_unlocked"
	LockedDown   Mode = "locked_down"
	Blocked      Mode = "blocked"
)

// OpeningState is an opening as it stands now. Package opening changes it,
// rules read it, the store keeps it.
type OpeningState struct {
	Opening    OpeningID              `json:"opening"`
	Lock       LockState              `json:"lock,omitempty"`
	LockAt     time.Time              `json:"lock_at,omitzero"` // when the lock says it came to be so
	Position   Position               `json:"position,omitempty"`
	PositionAt time.Time              `json:"position_at,omitzero"`
	Mode       Mode                   `json:"mode,omitempty"`
	Heard      time.Time              `json:"heard,omitzero"`    // when we last heard from any of its devices
	Offline    bool                   `json:"offline,omitempty"` // its lock cannot be reached
	Tampered   bool                   `json:"tampered,omitempty"`
	Forced     bool                   `json:"forced,omitempty"`      // it was opened while locked, and has not been closed since
	Presence   time.Time              `json:"presence,omitzero"`     // when somebody was last seen there
	Present    bool                   `json:"present,omitempty"`     // somebody is there now, by the last presence report
	Release    *Release               `json:"release,omitempty"`     // the release in force, or the last one while it stands open
	Orders     []Order                `json:"orders,omitempty"`      // standing orders, the one in force first; Mode is its mode
	Waiting    *Waiting               `json:"waiting,omitempty"`     // the first of two persons
	Duress     time.Time              `json:"duress,omitzero"`       // when somebody was last let in under duress
	Relock     time.Time              `json:"relock,omitzero"`       // when a lock that does not lock by itself is to be told to; zero: nothing is owed
	Retold     int                    `json:"retold,omitempty"`      // how often the moment of Relock came, and it did not lock
	Revoking   time.Time              `json:"revoking,omitzero"`     // since when a lock here holds a code that it was to forget; zero: none does
	Downgraded map[DeviceID]time.Time `json:"downgraded,omitempty"`  // since when devices here answer with less protection than they have to have, and are not believed
	LowBattery map[DeviceID]int       `json:"low_battery,omitempty"` // how full the batteries here are, in percent, that are nearly empty
	Alarms     map[string]AlarmID     `json:"alarms,omitempty"`      // standing alarms by rule
	Numbers    map[DeviceID]Numbers   `json:"numbers,omitempty"`     // which reports of each device were seen
}

// Release is a granted release of an opening and how far it got.
type Release struct {
	Decision DecisionID `json:"decision"`
	Command  CommandID  `json:"command,omitempty"`
	Person   PersonID   `json:"person,omitempty"`
	Until    time.Time  `json:"until"`          // when it is to be locked again
	Taken    time.Time  `json:"taken,omitzero"` // when the opening was opened under it
	Grant    GrantID    `json:"grant,omitempty"`
	Side     Side       `json:"side,omitempty"` // in which direction the person passes
}

// Order is a standing order for an opening: a scenario, a lockdown or an
// operator wants it in a mode. Of several the one with the highest rank is in
// force, and the newest among equals; when it goes, the next one counts again.
type Order struct {
	Source string    `json:"source"` // who gave it: "scenario:peak", "lockdown:area", "operator"; one order each
	Rank   int       `json:"rank"`
	Mode   Mode      `json:"mode"`
	Since  time.Time `json:"since"`
	Until  time.Time `json:"until,omitzero"` // when it ends by itself; zero: when it is taken back
}

// Waiting is the first of two persons, who has asked and waits for the second.
type Waiting struct {
	Person   PersonID   `json:"person"`
	Level    Assurance  `json:"level,omitempty"`
	Decision DecisionID `json:"decision"`
	Grant    GrantID    `json:"grant,omitempty"`
	Until    time.Time  `json:"until"` // the second must have asked before this
}

// Numbers remembers which numbered reports of a device were seen: the highest
// and a window of the 256 before it (the anti-replay window of RFC 4303
// §3.4.3).
type Numbers struct {
	Boot   uint64    `json:"boot,omitempty"` // the device's restart counter
	High   uint64    `json:"high"`
	Window [4]uint64 `json:"window"`
}
