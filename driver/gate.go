// SPDX-License-Identifier: Apache-2.0

package driver

import (
	"context"
	"crypto/ed25519"
	"crypto/sha256"
	"errors"
	"sync"
	"time"

	"github.com/sashlock/sashlock"
)

// The rules are:
//
//  1. Nothing in a message is believed before its signature is checked. Only
//     the very bytes of a message that was executed are recognised without, so
//     that a flood of copies costs no more than a hash each.
//  2. The table of used commands is asked and written in one critical section,
//     and written before the operator is called: when the operator fails or
//     the process dies, the command counts as used.
//  3. The table forgets a command some time after it has expired, and from
//     then on refuses everything that expires no later than it did. So a clock
//     that is put back cannot bring a used command to life.
//  4. A refusal is final for that message and moves nothing.

const (
	// clockSlack is how far in the future a command may have been issued.
	clockSlack = 2 * time.Second
	// forgetAfter is how long after its expiry a used command is remembered,
	// so that a late repetition is called replayed and not merely expired.
	forgetAfter = time.Minute
)

// GateConfig is what a [Gate] has to know. Key, Site, Devices and Egress are
// required.
type GateConfig struct {
	// Key is the public half of the key the site signs commands with.
	Key ed25519.PublicKey
	// Site is the only site whose commands are executed.
	Site sashlock.SiteID
	// Epoch is the current life of the store node. Commands of an older one
	// are refused; a newer one that is seen raises the bar for all.
	Epoch int64
	// Started is when this gate began its work: commands issued before were
	// meant for an earlier life of it, and after a restart nothing is re-sent.
	// The zero time sets no bound.
	Started time.Time
	// Now is the clock; nil means time.Now.
	Now func() time.Time
	// Devices tells the driver's address of a device and the opening it is
	// fitted to; ok is false for one that is not behind this gate. It must not
	// call back into the gate.
	Devices func(sashlock.DeviceID) (address string, opening sashlock.OpeningID, ok bool)
	// Egress reports whether people leave through an opening: no lock command
	// ever reaches its devices. It must not call back into the gate.
	Egress func(sashlock.OpeningID) bool
	// Trial reports whether an opening is on trial beside another system: no
	// command at all reaches its devices. It must not call back into the gate;
	// nil means that none is.
	Trial func(sashlock.OpeningID) bool
}

// Gate is the last check before a lock moves. It stands directly in front of a
// driver's [Operator] and trusts nothing on the way from the node that signed
// a command. It executes each command at most once, only while it lives, and
// only on the device and opening it was signed for. It is safe for concurrent
// use.
type Gate struct {
	config GateConfig
	op     Operator

	mu     sync.Mutex
	epoch  int64                           // guarded by mu: the highest seen
	used   map[sashlock.CommandID]struct{} // guarded by mu
	copies map[digest]sashlock.CommandID   // guarded by mu: the messages of used commands
	queue  []usedCommand                   // guarded by mu: used, in the order of use
	forgot time.Time                       // guarded by mu: the latest expiry among forgotten commands
}

// digest is the SHA-256 of a message.
type digest = [sha256.Size]byte

// usedCommand is what the table remembers of an executed command.
type usedCommand struct {
	id      sashlock.CommandID
	message digest
	expires time.Time
}

// Refusal is why a [Gate] did not execute a command. It wraps a sashlock.Error
// of kind denied.
type Refusal struct {
	// Command is the refused command; empty when its signature is bad, because
	// then nothing it says can be believed.
	Command sashlock.CommandID
	Reason  sashlock.Reason
	Err     error // what exactly was wrong, for the log; may be nil
}

// Error returns the refusal in one line.
func (r *Refusal) Error() string { return r.Unwrap().Error() }

// Unwrap returns the refusal as a sashlock.Error of kind denied.
func (r *Refusal) Unwrap() error {
	return &sashlock.Error{
		Kind: sashlock.Denied, Op: "executing command", Subject: string(r.Command),
		Hint: r.Reason.Words(), Err: r.Err,
	}
}

// RefusedFor returns the reason when err is a [Refusal] by a gate, or "" when
// it is nil or anything else.
func RefusedFor(err error) sashlock.Reason {
	var r *Refusal
	if errors.As(err, &r) {
		return r.Reason
	}
	return ""
}

// NewGate returns a gate in front of an operator. It panics when a required
// part of the configuration is missing: a gate that cannot check must not
// exist.
func NewGate(config GateConfig, op Operator) *Gate {
	if len(config.Key) != ed25519.PublicKeySize || config.Site == "" ||
		config.Devices == nil || config.Egress == nil || op == nil {
		panic("driver: a gate needs a key, a site, its devices, its egress openings and an operator")
	}
	if config.Now == nil {
		config.Now = time.Now
	}
	return &Gate{
		config: config, op: op, epoch: config.Epoch,
		used: make(map[sashlock.CommandID]struct{}), copies: make(map[digest]sashlock.CommandID),
	}
}

// Execute checks a message made by [SignCommand] and hands the order in it to
// the operator. The error is a [*Refusal] when the gate would not, in which
// case nothing moved, and otherwise what the operator returned. A nil error
// says that the driver took the order, not that the bolt moved. The operator's
// context ends when the command expires.
func (g *Gate) Execute(ctx context.Context, signed []byte) error {
	message := sha256.Sum256(signed)
	if id, ok := g.copyOf(message); ok {
		return &Refusal{Command: id, Reason: sashlock.CommandReplayed}
	}
	c, err := OpenCommand(g.config.Key, signed)
	if err != nil {
		return &Refusal{Reason: sashlock.BadSignature, Err: err}
	}
	address, reason := g.audience(c)
	if reason != "" {
		return &Refusal{Command: c.ID, Reason: reason}
	}
	left, reason := g.take(c, message)
	if reason != "" {
		return &Refusal{Command: c.ID, Reason: reason}
	}
	ctx, cancel := context.WithTimeout(ctx, left)
	defer cancel()
	return g.op.Operate(ctx, Order{Command: c.ID, Address: address, Verb: c.Verb, For: c.For, Signed: signed})
}

// audience finds the device that a command is for, or tells why it is for
// nothing behind this gate. That an opening on a way out is never locked, and
// that one on trial is never moved, is judged by the opening the device is at,
// whatever the command calls it.
func (g *Gate) audience(c sashlock.Command) (address string, refused sashlock.Reason) {
	address, opening, ok := g.config.Devices(c.Device)
	switch {
	case c.Site != g.config.Site || !ok || opening != c.Opening || c.Address != "" && c.Address != address:
		return "", sashlock.WrongAudience
	case g.config.Trial != nil && g.config.Trial(opening):
		return "", sashlock.OnTrial
	case c.Verb == sashlock.DoLock && g.config.Egress(opening):
		return "", sashlock.EgressNeverLocked
	}
	return address, ""
}

// copyOf tells which used command a message is an exact copy of.
func (g *Gate) copyOf(message digest) (sashlock.CommandID, bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.forget(g.config.Now())
	id, ok := g.copies[message]
	return id, ok
}

// take enters a command into the table of used ones and returns how long it
// still lives, or tells why it may not be used.
func (g *Gate) take(c sashlock.Command, message digest) (left time.Duration, refused sashlock.Reason) {
	g.mu.Lock()
	defer g.mu.Unlock()
	now := g.config.Now()
	g.forget(now)
	if _, ok := g.used[c.ID]; ok {
		return 0, sashlock.CommandReplayed
	}
	if c.Epoch < g.epoch {
		return 0, sashlock.WrongEpoch
	}
	// An authentic command proves that its epoch exists, even if it is late.
	g.epoch = c.Epoch
	switch {
	case c.Issued.Before(g.config.Started):
		return 0, sashlock.Restarted
	case !c.Expires.After(now), !c.Expires.After(g.forgot),
		c.Issued.After(now.Add(clockSlack)),
		!c.Expires.After(c.Issued), c.Expires.Sub(c.Issued) > sashlock.MaxCommandLife:
		return 0, sashlock.CommandLate
	}
	g.used[c.ID] = struct{}{}
	g.copies[message] = c.ID
	g.queue = append(g.queue, usedCommand{c.ID, message, c.Expires})
	return c.Expires.Sub(now), ""
}

// forget drops commands that expired long ago. Commands live seconds, so the
// order of use is near enough to that of expiry; one that outlives its
// predecessors is dropped a little later.
func (g *Gate) forget(now time.Time) {
	n := 0
	for n < len(g.queue) && now.Sub(g.queue[n].expires) > forgetAfter {
		old := g.queue[n]
		delete(g.used, old.id)
		delete(g.copies, old.message)
		if old.expires.After(g.forgot) {
			g.forgot = old.expires
		}
		n++
	}
	g.queue = g.queue[n:]
}
