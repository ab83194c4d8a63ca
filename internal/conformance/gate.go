// SPDX-License-Identifier: Apache-2.0

package conformance

import (
	"context"
	"crypto/ed25519"
	"time"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/driver"
)

// gateChecks are about commands as a store node sends them: signed, through the
// gate, to the lock.
func gateChecks() []check {
	both := []sashlock.Capability{sashlock.CanUnlock, sashlock.CanLock, sashlock.TellsLock}
	return []check{
		{"moves for a signed command, and not again for its copy", need{lock: both}, checkCopiedCommand},
		{"does not move for a command that is too late or forged", need{lock: both}, checkLateCommand},
		{"tells what happens although a device's clock is wrong", need{lock: both, world: setClock}, checkWrongClock},
		{"tells how the lock stands after we ended in mid-order", need{lock: both}, checkEndedInMidOrder},
	}
}

const (
	gateSite    = sashlock.SiteID("site_conformance")
	gateOpening = sashlock.OpeningID("opn_conformance")
	gateDevice  = sashlock.DeviceID("dev_conformance")
)

// sender signs commands and puts them through a gate in front of the session.
type sender struct {
	b    *bench
	key  ed25519.PrivateKey
	gate *driver.Gate
}

// plainly hands orders on as the other checks give them: without the signed
// form, which is that of a key no device knows.
type plainly struct{ driver.Operator }

func (p plainly) Operate(ctx context.Context, o driver.Order) error {
	o.Signed = nil
	return p.Operator.Operate(ctx, o)
}

func (b *bench) sender() sender {
	b.Helper()
	op, is := b.session.(driver.Operator)
	if !is {
		b.Fatal("the session is no Operator, although the lock can be operated")
	}
	public, key, err := ed25519.GenerateKey(nil)
	if err != nil {
		b.Fatal(err)
	}
	return sender{b, key, driver.NewGate(driver.GateConfig{
		Key: public, Site: gateSite, Started: time.Now().Add(-time.Hour),
		Devices: func(d sashlock.DeviceID) (string, sashlock.OpeningID, bool) {
			return b.stage.Lock, gateOpening, d == gateDevice
		},
		Egress: func(sashlock.OpeningID) bool { return false },
	}, plainly{op})}
}

// command is a good one, issued some time from now.
func (s sender) command(issued time.Duration) sashlock.Command {
	now := time.Now()
	return sashlock.Command{
		ID: sashlock.NewID[sashlock.CommandID](now), Site: gateSite, Opening: gateOpening, Device: gateDevice, Address: s.b.stage.Lock,
		Verb: sashlock.DoUnlock, Issued: now.Add(issued), Expires: now.Add(issued + sashlock.MaxCommandLife),
	}
}

func (s sender) refused(what string, signed []byte, want sashlock.Reason) {
	s.b.Helper()
	if err := s.gate.Execute(s.b.Context(), signed); driver.RefusedFor(err) != want {
		s.b.Errorf("%s: %v, want it refused as %q", what, err, want)
	}
}

// still fails the check unless the lock says that it is locked, and that it was
// since a mark.
func (b *bench) still(mark int, why string) {
	b.Helper()
	b.readLocked()
	b.none(mark, sashlock.LockUnlocked, why)
}

func checkCopiedCommand(b *bench) {
	b.openReady()
	s := b.sender()
	signed := driver.SignCommand(s.key, s.command(0))
	mark := b.rec.Mark()
	if err := b.note(s.gate.Execute(b.Context(), signed)); err != nil {
		b.Fatalf("a good command: %v", err)
	}
	b.awaitKind(mark, b.stage.Lock, sashlock.LockUnlocked)
	mark = b.rec.Mark()
	b.order(sashlock.DoLock)
	b.awaitKind(mark, b.stage.Lock, sashlock.LockLocked)
	mark = b.rec.Mark()
	s.refused("a copy", signed, sashlock.CommandReplayed)
	b.still(mark, "the command was a copy")
}

func checkLateCommand(b *bench) {
	b.openReady()
	s := b.sender()
	mark := b.rec.Mark()
	s.refused("an expired command", driver.SignCommand(s.key, s.command(-time.Minute)), sashlock.CommandLate)
	s.refused("a command of a clock that is ahead", driver.SignCommand(s.key, s.command(10*time.Minute)), sashlock.CommandLate)
	_, other, err := ed25519.GenerateKey(nil)
	if err != nil {
		b.Fatal(err)
	}
	s.refused("a command of another store", driver.SignCommand(other, s.command(0)), sashlock.BadSignature)
	b.still(mark, "no command was good")
}

// checkWrongClock: what a device claims about the time may be wrong by hours,
// and never decides whether it is heard.
func checkWrongClock(b *bench) {
	world := b.stage.World.(ClockSetter)
	b.openReady()
	for _, by := range []time.Duration{26 * time.Hour, -26 * time.Hour, 0} {
		b.must(world.ClockOff(b.stage.Lock, by))
		mark := b.rec.Mark()
		b.order(sashlock.DoUnlock)
		b.awaitKind(mark, b.stage.Lock, sashlock.LockUnlocked)
		mark = b.rec.Mark()
		b.order(sashlock.DoLock)
		b.awaitKind(mark, b.stage.Lock, sashlock.LockLocked)
	}
}

// checkEndedInMidOrder: whatever became of an order that was under way, the
// next session says how the lock stands.
func checkEndedInMidOrder(b *bench) {
	b.openReady()
	op, is := b.session.(driver.Operator)
	if !is {
		b.Fatal("the session is no Operator, although the lock can be operated")
	}
	order := b.newOrder(sashlock.DoUnlock)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		ctx, cancel := context.WithTimeout(b.Context(), b.h.Patience)
		defer cancel()
		_ = b.note(op.Operate(ctx, order)) // it may have come too late, or not
	}()
	b.close(b.session)
	b.wait("the order", ended)
	b.rec.End()
	b.rec = NewRecorder()
	b.openReady()
	b.order(sashlock.DoUnlock)
	b.await(0, "that the lock is unlocked", func(r driver.Report) bool {
		return r.Address == b.stage.Lock && r.Kind == sashlock.LockUnlocked
	})
	mark := b.rec.Mark()
	b.order(sashlock.DoLock)
	b.awaitKind(mark, b.stage.Lock, sashlock.LockLocked)
}

// wait waits for a channel to be closed.
func (b *bench) wait(what string, done <-chan struct{}) {
	b.Helper()
	if !b.rec.Until(b.h.Patience, func() bool {
		select {
		case <-done:
			return true
		default:
			return false
		}
	}) {
		b.Fatalf("%s did not end within %v", what, b.h.Patience)
	}
}
