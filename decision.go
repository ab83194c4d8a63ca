// SPDX-License-Identifier: Apache-2.0

package sashlock

import "time"

// Request is somebody asking to open something.
type Request struct {
	Person   PersonID
	Opening  OpeningID
	At       time.Time
	Operator OperatorID // who asked on the person's behalf; empty: the person
	Method   Method     // how the person asked
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
}

// Check is one condition of a decision: what was needed, what was the case.
type Check struct {
	What   string  `json:"what"` // "person", "opening", "mode", "grant", "validity", "schedule", "lock"
	OK     bool    `json:"ok"`
	Needed string  `json:"needed"`
	Actual string  `json:"actual"`
	Grant  GrantID `json:"grant,omitempty"` // the grant this condition belongs to
	Fix    string  `json:"fix,omitempty"`   // the nearest change that would satisfy it
}
