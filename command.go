// SPDX-License-Identifier: Apache-2.0

package sashlock

import "time"

// MaxCommandLife is how long a command may live: an unlock delivered late is a
// break-in.
const MaxCommandLife = 10 * time.Second

// Verb is what a command tells a device to do.
type Verb string

// The verbs.
const (
	DoRelease Verb = "release" // unlock for Command.For, then lock
	DoUnlock  Verb = "unlock"
	DoLock    Verb = "lock"
)

// Command is one instruction to one device. It is signed by the site, lives at
// most [MaxCommandLife], is executed at most once and ends with what the
// device itself reports.
type Command struct {
	ID       CommandID     `json:"id"`
	Site     SiteID        `json:"site"`
	Opening  OpeningID     `json:"opening"`
	Device   DeviceID      `json:"device"`
	Address  string        `json:"address,omitempty"` // what the driver calls the device, for one that checks its commands itself
	Verb     Verb          `json:"verb"`
	For      time.Duration `json:"for,omitempty"` // nanoseconds; how long a release lasts
	Decision DecisionID    `json:"decision,omitempty"`
	Epoch    int64         `json:"epoch"` // which life of the issuing store node; executors refuse an older one
	Issued   time.Time     `json:"issued"`
	Expires  time.Time     `json:"expires"`
}

// CommandState is how far a command got.
type CommandState string

// The states of a command. The last four are final.
const (
	CommandPending   CommandState = "pending"   // recorded, not yet handed to a driver
	CommandSent      CommandState = "accepted"  // handed to the driver or accepted by the device
	CommandSucceeded CommandState = "succeeded" // the device reported that it did it
	CommandFailed    CommandState = "failed"    // the device or driver said it could not
	CommandExpired   CommandState = "expired"   // no word from the device in time; what it did is read back, not assumed
	CommandRefused   CommandState = "refused"   // the executor would not: late, replayed, not meant for it or badly signed
)

// Final reports whether nothing more can happen to the command.
func (s CommandState) Final() bool { return s != CommandPending && s != CommandSent }

// CommandRecord is a command and what became of it.
type CommandRecord struct {
	Command
	State  CommandState `json:"state"`
	Reason Reason       `json:"reason,omitempty"` // why it failed, expired or was refused
	Ended  time.Time    `json:"ended,omitzero"`
	Person PersonID     `json:"person,omitempty"` // for whom
}
