// SPDX-License-Identifier: Apache-2.0

// Package driver is the contract of a lock and sensor ecosystem.
//
// # What
//
// A [Driver] opens a [Session] to one gateway: a radio, a broker, a bus, a
// cloud account. The session tells its [Sink] which devices it found and what
// they report, and offers what it can do as small interfaces: [Operator],
// [Reader], [CodeLister], [CodeWriter]. What a single device can do is data, not a type: its
// capabilities are part of the discovery and are stored when it is adopted.
//
// # How it fits
//
// Each ecosystem is a folder below this one that owns everything about itself:
// configuration, wire format, models, README, transcripts. The list of drivers
// is in package app. Commands reach a session only through a [Gate], which
// checks signature, audience, expiry and that each is used once.
//
// # Promises
//
// A session never says that a lock is locked or unlocked because it was told
// to be: only the device's own report counts. It never hands on a PIN. It
// reconnects by itself, says when devices go offline and come back, and after
// each reconnect reports how every device stands. What an order brought about is
// told once, however often and however late the device speaks of it.
package driver

import (
	"context"
	"encoding/json"
	"time"

	"github.com/sashlock/sashlock"
)

// Driver knows one ecosystem.
type Driver interface {
	// Name is the driver's folder: "zwavejs".
	Name() string
	// Check says what is wrong with a configuration, as a sashlock.Error of
	// kind invalid that names the field, or returns nil. Unknown keys are wrong.
	Check(config json.RawMessage) error
	// Open starts a session and returns at once; a gateway that is away is
	// tried again until the session is closed. The context bounds the opening
	// only.
	Open(ctx context.Context, config json.RawMessage, sink Sink) (Session, error)
}

// Session is a driver at work on one gateway. It tells the sink when it first
// reaches the gateway, and each time that changes. It has further abilities
// when it also implements [Operator], [Reader], [CodeLister] or
// [CodeWriter].
type Session interface {
	// Close ends the session: calls of the sink under way get a cancelled
	// context, and after it returns the sink is not called again.
	Close() error
}

// Sink takes what a session hears. Its methods may be called from any
// goroutine; they block until what they were told is durable, which is how a
// transport with acknowledgements knows when to give them. After an error of
// kind invalid, denied, not_found or conflict the same report would fail again,
// so it is dropped; after any other it is told again until it is taken.
type Sink interface {
	// Found tells of a device, again whenever what is known of it changes.
	Found(ctx context.Context, d Discovery) error
	// Heard tells of one report.
	Heard(ctx context.Context, r Report) error
	// Gateway tells that the gateway itself came or went.
	Gateway(ctx context.Context, up bool, why string)
}

// Discovery is a device as its ecosystem describes it.
type Discovery struct {
	Address      string // the ecosystem's own address: "2", "0x000d6f…"
	Name         string // what the ecosystem calls it; may be empty
	Maker        string
	Model        string
	Firmware     string
	Security     string // how the link is protected: "S2 access control", "none"
	Weak         string // why the link is weak, in a sentence; empty: it is not
	Capabilities []sashlock.Capability
	Asleep       bool // it listens only from time to time
}

// Report is one message from a device, decoded. The fields mean what those of
// [sashlock.Report] mean.
type Report struct {
	Address string
	Kind    sashlock.EventKind
	Boot    uint64
	Number  uint64
	At      time.Time
	Method  sashlock.Method
	Slot    int
	Level   int
	State   bool
	Command sashlock.CommandID
	Reason  sashlock.Reason
}

// Operator is a session that can move locks.
type Operator interface {
	// Operate carries out an order. It returns when the ecosystem has taken
	// it, which says nothing about the bolt: the device's own report does. Once
	// the context has ended nothing may move any more. A device that cannot lock
	// again by itself does not have the capability release, so no session ever
	// sends a lock command that nobody ordered. It
	// returns a sashlock.Error of kind unavailable when the device cannot be
	// reached and of kind denied when it would not.
	Operate(ctx context.Context, order Order) error
}

// Order is what a checked command asks of a device.
type Order struct {
	Command sashlock.CommandID
	Address string
	Verb    sashlock.Verb
	For     time.Duration // how long a release lasts
	Signed  []byte        // the command as its site signed it, for a device that checks it itself
}

// Reader is a session that can ask a device how it stands. The answer comes as
// reports with State set.
type Reader interface {
	Read(ctx context.Context, address string) error
}
