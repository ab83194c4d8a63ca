// SPDX-License-Identifier: Apache-2.0

package conformance

import (
	"context"
	"sync"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/driver"
)

// lockChecks are about orders, and about what people do to a lock.
func lockChecks() []check {
	unlocks := []sashlock.Capability{sashlock.CanUnlock, sashlock.TellsLock}
	both := []sashlock.Capability{sashlock.CanUnlock, sashlock.CanLock, sashlock.TellsLock}
	return []check{
		{"unlocks, and the lock says so", need{lock: unlocks}, checkUnlock},
		{"locks, and the lock says so", need{lock: both}, checkLock},
		{"releases for a while and locks again", need{lock: []sashlock.Capability{sashlock.CanRelease, sashlock.TellsLock}}, checkRelease},
		{"claims no success when the bolt is jammed", need{lock: append(unlocks, sashlock.TellsJam), world: jam}, checkJam},
		{"tells who: keypad and slot", need{lock: []sashlock.Capability{sashlock.TellsLock, sashlock.TellsWho}, world: useKeypad, stage: "slot"}, checkKeypad},
		{"tells of a refused PIN", need{lock: []sashlock.Capability{sashlock.HasCodes}, world: typeWrong}, checkWrongCode},
		{"tells what is done by hand", need{lock: []sashlock.Capability{sashlock.TellsLock}, world: byHand}, checkByHand},
		{"tells each of several orders, and none twice", need{lock: both}, checkSeveralOrders},
		{"bears the same order twice at once", need{lock: both}, checkDuplicateOrder},
		{"bears many orders at once", need{lock: both}, checkManyOrders},
		{"does nothing when the order's time is over", need{lock: both}, checkEndedContext},
	}
}

func checkUnlock(b *bench) {
	b.openReady()
	mark := b.rec.Mark()
	b.order(sashlock.DoUnlock)
	r := b.awaitKind(mark, b.stage.Lock, sashlock.LockUnlocked)
	if r.Method != "" && r.Method != sashlock.ByRemote {
		b.Errorf("the method is %q, want remote or none", r.Method)
	}
}

func checkLock(b *bench) {
	b.openReady()
	mark := b.rec.Mark()
	b.order(sashlock.DoUnlock)
	b.awaitKind(mark, b.stage.Lock, sashlock.LockUnlocked)
	mark = b.rec.Mark()
	b.order(sashlock.DoLock)
	b.awaitKind(mark, b.stage.Lock, sashlock.LockLocked)
}

func checkRelease(b *bench) {
	b.openReady()
	mark := b.rec.Mark()
	b.order(sashlock.DoRelease)
	b.awaitKind(mark, b.stage.Lock, sashlock.LockUnlocked)
	b.await(mark, "that the lock locked again after the release", func(r driver.Report) bool {
		return r.Address == b.stage.Lock && r.Kind == sashlock.LockLocked
	})
}

func checkJam(b *bench) {
	world := b.stage.World.(Jammer)
	b.openReady()
	mark := b.rec.Mark()
	b.must(world.Jam(b.stage.Lock))
	// The driver may know already that it will not work, or not.
	_ = b.operate(b.Context(), b.newOrder(sashlock.DoUnlock))
	b.await(mark, "that the bolt did not get where it was to go", func(r driver.Report) bool {
		return r.Address == b.stage.Lock && r.Kind.Stuck()
	})
	if reader, ok := b.session.(driver.Reader); ok {
		read := b.rec.Mark()
		if b.note(reader.Read(b.Context(), b.stage.Lock)) == nil {
			b.await(read, "how the jammed lock stands", func(r driver.Report) bool {
				return r.State && r.Address == b.stage.Lock && isLockState(r.Kind)
			})
		}
	}
	b.none(mark, sashlock.LockUnlocked, "the bolt was jammed")
	b.must(world.Unjam(b.stage.Lock))
	mark = b.rec.Mark()
	b.order(sashlock.DoUnlock)
	b.awaitKind(mark, b.stage.Lock, sashlock.LockUnlocked)
}

func checkKeypad(b *bench) {
	b.openReady()
	mark := b.rec.Mark()
	b.must(b.stage.World.(KeypadUser).KeypadUnlock(b.stage.Lock, b.stage.Slot))
	b.await(mark, "that the keypad unlocked it, with the slot", func(r driver.Report) bool {
		return r.Address == b.stage.Lock && r.Kind == sashlock.LockUnlocked &&
			r.Method == sashlock.ByKeypad && r.Slot == b.stage.Slot
	})
}

func checkWrongCode(b *bench) {
	b.openReady()
	mark := b.rec.Mark()
	b.must(b.stage.World.(WrongCodeTyper).WrongCode(b.stage.Lock))
	b.awaitKind(mark, b.stage.Lock, sashlock.CodeRefused)
	b.none(mark, sashlock.LockUnlocked, "the PIN was wrong")
}

func checkByHand(b *bench) {
	world := b.stage.World.(HandOperator)
	b.openReady()
	who := sashlock.Device{Capabilities: b.rec.Devices()[b.stage.Lock].Capabilities}.Has(sashlock.TellsWho)
	for _, step := range []struct {
		verb sashlock.Verb
		kind sashlock.EventKind
	}{{sashlock.DoUnlock, sashlock.LockUnlocked}, {sashlock.DoLock, sashlock.LockLocked}} {
		mark := b.rec.Mark()
		b.must(world.OperateByHand(b.stage.Lock, step.verb))
		b.await(mark, string(step.kind)+" by hand", func(r driver.Report) bool {
			return r.Address == b.stage.Lock && r.Kind == step.kind && (!who || r.Method == sashlock.ByHand)
		})
	}
}

// checkSeveralOrders: a lock's own word of an order may come after the order was
// told and the next was carried out.
func checkSeveralOrders(b *bench) {
	b.openReady()
	b.readLocked() // behind all that the lock still had to say from before
	start := b.rec.Mark()
	for i := range 4 {
		verb, kind := sashlock.DoUnlock, sashlock.LockUnlocked
		if i%2 == 1 {
			verb, kind = sashlock.DoLock, sashlock.LockLocked
		}
		mark := b.rec.Mark()
		b.order(verb)
		b.awaitKind(mark, b.stage.Lock, kind)
	}
	b.readLocked()
	told := b.rec.Reports(start, func(r driver.Report) bool {
		return !r.State && r.Address == b.stage.Lock && isLockState(r.Kind)
	})
	if len(told) != 4 {
		b.Errorf("of 4 orders it told %d times: %+v", len(told), told)
	}
}

func checkDuplicateOrder(b *bench) {
	b.openReady()
	mark := b.rec.Mark()
	order := b.newOrder(sashlock.DoUnlock)
	var group sync.WaitGroup
	for range 2 {
		group.Go(func() {
			err := b.operate(b.Context(), order)
			if k := sashlock.KindOf(err); err != nil && k != sashlock.Conflict && k != sashlock.Denied && k != sashlock.Unavailable {
				b.Errorf("a repeated order: %v (kind %q)", err, k)
			}
		})
	}
	group.Wait()
	b.awaitKind(mark, b.stage.Lock, sashlock.LockUnlocked)
	mark = b.rec.Mark()
	b.order(sashlock.DoLock)
	b.awaitKind(mark, b.stage.Lock, sashlock.LockLocked)
}

// checkManyOrders is above all for the race detector.
func checkManyOrders(b *bench) {
	b.openReady()
	var group sync.WaitGroup
	for i := range 16 {
		group.Go(func() {
			verb := sashlock.DoUnlock
			if i%2 == 0 {
				verb = sashlock.DoLock
			}
			// Some may be refused as too many at once; none may hang or panic.
			_ = b.operate(b.Context(), b.newOrder(verb))
		})
	}
	group.Wait()
	b.order(sashlock.DoUnlock)
	b.await(0, "that it can still be unlocked", func(driver.Report) bool {
		last := b.rec.Reports(0, func(r driver.Report) bool { return r.Address == b.stage.Lock && isLockState(r.Kind) })
		return last[len(last)-1].Kind == sashlock.LockUnlocked
	})
}

// checkEndedContext: the gate ends the context when a command expires, and an
// unlock delivered late is a break-in.
func checkEndedContext(b *bench) {
	b.openReady()
	mark := b.rec.Mark()
	ctx, cancel := context.WithCancel(b.Context())
	cancel()
	if err := b.operate(ctx, b.newOrder(sashlock.DoUnlock)); err == nil {
		b.Error("an order whose context had ended was taken")
	}
	// What is read behind it shows that its turn is over.
	b.readLocked()
	b.none(mark, sashlock.LockUnlocked, "the order's time was over")
}
