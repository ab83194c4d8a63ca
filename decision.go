// SPDX-License-Identifier: Apache-2.0

package sashlock

import (
	"time"
)

// Request is somebody asking to open something.
type Request struct {
	Person   PersonID
	Opening  OpeningID
	At       time.Time
	Operator OperatorID // who asked on the person's behalf; empty: the person
	Method   Method     // how the person asked

	Credential CredentialID // what they presented; empty: nobody knows
	Reader     DeviceID     // where they presented it; empty: at no reader that a driver reaches
	Level      Assurance    // how surely that shows who it is
	Side       Side
	Duress     bool // what they presented says that they are being forced
}

// Decision is the answer to a [Request]. A refusal is an ordinary answer, not
// an error.
type Decision struct {
	ID      DecisionID `json:"id"`
	Granted bool       `json:"granted"`
	Reason  Reason     `json:"reason"`
	Person  PersonID   `json:"person"`
	Opening OpeningID  `json:"opening"`
	Grant   GrantID    `json:"grant,omitempty"` // the grant that decided, or came nearest
	At      time.Time  `json:"at"`
	Checks  []Check    `json:"checks"` // every condition looked at, in order

	Trial      bool `json:"trial,omitempty"`       // the opening is on trial: whatever was decided, nothing was sent to its lock
	PassedBack bool `json:"passed_back,omitempty"` // granted, though the person was inside already

	Second   PersonID  `json:"second,omitempty"`   // of two persons, the one who asked first
	Level    Assurance `json:"level,omitempty"`    // the level that is needed, where a better credential would do
	Rail     string    `json:"rail,omitempty"`     // the guard rail that forbade it
	Watching []string  `json:"watching,omitempty"` // guard rails that only watch and would have forbidden it
}

// Deferred reports whether a decision that was not granted is not refused
// either: something is still to come, a second person or a better credential.
func (d Decision) Deferred() bool {
	return !d.Granted && (d.Reason == SecondPersonNeeded || d.Reason == NeedsStepUp)
}

// Check is one condition of a decision: what was needed, what was the case.
type Check struct {
	What   string  `json:"what"` // "person", "opening", "mode", "grant", "validity", "schedule", "uses", "shift", "company", "level", "second_person", "first_in", "interlock", "passback", "occupancy", "guard_rail", "lock"
	OK     bool    `json:"ok"`
	Needed string  `json:"needed"`
	Actual string  `json:"actual"`
	Grant  GrantID `json:"grant,omitempty"` // the grant this condition belongs to
	Fix    string  `json:"fix,omitempty"`   // the nearest change that would satisfy it
}
