// SPDX-License-Identifier: Apache-2.0

package conformance

import (
	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/driver"
)

// faultChecks are about gateways and devices that go away, and about sinks
// that are slow or fail.
func faultChecks() []check {
	tells := []sashlock.Capability{sashlock.TellsLock}
	return []check{
		{"tells when a device goes and comes back", need{lock: tells, world: killDevice}, checkDeadDevice},
		{"tells when the gateway goes and how things stand after", need{lock: tells, world: cutGateway}, checkGateway},
		{"keeps trying a gateway that is away at first", need{lock: tells, world: cutGateway}, checkGatewayAwayAtFirst},
		{"can be closed while the gateway is away", need{world: cutGateway}, checkCloseWithoutGateway},
		{"loses no report to a slow sink, and keeps their order", need{lock: tells, world: byHand}, checkSlowSink},
		{"does not forget what a failing sink refused", need{lock: tells, world: byHand}, checkFailingSink},
		{"finds devices although the sink fails at first", need{}, checkFailingSinkAtFirst},
	}
}

func checkDeadDevice(b *bench) {
	world := b.stage.World.(DeviceSwitch)
	b.openReady()
	mark := b.rec.Mark()
	b.must(world.Dead(b.stage.Lock))
	b.awaitKind(mark, b.stage.Lock, sashlock.DeviceOffline)
	b.wantKind("an order to a device that is offline", b.operate(b.Context(), b.newOrder(sashlock.DoUnlock)), sashlock.Unavailable)
	b.none(mark, sashlock.LockUnlocked, "the device was offline")
	mark = b.rec.Mark()
	b.must(world.Alive(b.stage.Lock))
	b.awaitKind(mark, b.stage.Lock, sashlock.DeviceOnline)
	b.await(mark, "how the lock stands after it came back", func(r driver.Report) bool {
		return r.State && r.Address == b.stage.Lock && isLockState(r.Kind)
	})
}

func checkGateway(b *bench) {
	world := b.stage.World.(GatewaySwitch)
	b.openReady()
	for range 2 {
		mark := b.rec.Mark()
		b.must(world.KillGateway())
		b.awaitDown(mark)
		b.wantKind("an order while the gateway is away", b.operate(b.Context(), b.newOrder(sashlock.DoUnlock)), sashlock.Unavailable)
		mark = b.rec.Mark()
		b.must(world.RestartGateway())
		b.awaitUp(mark)
		b.await(mark, "how the lock stands after the gateway came back", func(r driver.Report) bool {
			return r.State && r.Address == b.stage.Lock && isLockState(r.Kind)
		})
	}
	mark := b.rec.Mark()
	b.order(sashlock.DoUnlock)
	b.awaitKind(mark, b.stage.Lock, sashlock.LockUnlocked)
}

func checkGatewayAwayAtFirst(b *bench) {
	world := b.stage.World.(GatewaySwitch)
	b.must(world.KillGateway())
	b.open()
	b.must(world.RestartGateway())
	b.awaitUp(0)
	b.awaitExpected()
	b.await(0, "how the lock stands", func(r driver.Report) bool {
		return r.State && r.Address == b.stage.Lock && isLockState(r.Kind)
	})
}

func checkCloseWithoutGateway(b *bench) {
	world := b.stage.World.(GatewaySwitch)
	b.openReady()
	mark := b.rec.Mark()
	b.must(world.KillGateway())
	b.awaitDown(mark)
	b.close(b.session)
	b.rec.End()
	b.must(world.RestartGateway())
	b.awaitNoGoroutines()
	if late := b.rec.Late(); len(late) > 0 {
		b.Errorf("the sink was called after Close, first with %+v", late[0])
	}
}

func checkSlowSink(b *bench) {
	world := b.stage.World.(HandOperator)
	b.openReady()
	mark := b.rec.Mark()
	b.rec.Hold()
	verbs := []sashlock.Verb{sashlock.DoUnlock, sashlock.DoLock}
	kinds := []sashlock.EventKind{sashlock.LockUnlocked, sashlock.LockLocked}
	for i := range b.h.Burst {
		b.must(world.OperateByHand(b.stage.Lock, verbs[i%2]))
	}
	if !b.rec.Until(b.h.Patience, func() bool { return b.rec.Waiting() > 0 }) {
		b.Fatalf("the sink was not called within %v", b.h.Patience)
	}
	b.rec.Resume()
	changes := func() []driver.Report {
		return b.rec.Reports(mark, func(r driver.Report) bool {
			return !r.State && r.Address == b.stage.Lock && isLockState(r.Kind)
		})
	}
	// One that belongs to what was before the burst may come first.
	inOrder := func() int { return alternating(changes(), kinds) }
	if !b.rec.Until(b.h.Patience, func() bool { return inOrder() >= b.h.Burst }) {
		b.Errorf("of %d reports %d arrived in their order within %v:\n%s", b.h.Burst, inOrder(), b.h.Patience, b.rec.Text(mark))
	}
	var last driver.Report
	for _, r := range changes() {
		if r.Number != 0 && r.Boot == last.Boot && r.Number < last.Number {
			b.Errorf("report %d came after report %d", r.Number, last.Number)
		}
		last = r
	}
}

// alternating counts reports that have the kinds in turn, leaving out others: a
// lock may say the same thing twice, in two ways.
func alternating(reports []driver.Report, kinds []sashlock.EventKind) int {
	n := 0
	for _, r := range reports {
		if r.Kind == kinds[n%len(kinds)] {
			n++
		}
	}
	return n
}

// checkFailingSink: a report that the sink refused comes again, or the driver
// owns up by saying that the gateway went, after which everything is read anew.
func checkFailingSink(b *bench) {
	world := b.stage.World.(HandOperator)
	b.openReady()
	mark := b.rec.Mark()
	b.rec.FailNext(3)
	b.must(world.OperateByHand(b.stage.Lock, sashlock.DoUnlock))
	if !b.rec.Until(b.h.Patience, func() bool { return len(b.rec.Failed()) > 0 }) {
		b.Fatalf("the sink was not called within %v", b.h.Patience)
	}
	b.awaitKind(mark, b.stage.Lock, sashlock.LockUnlocked)
	mark = b.rec.Mark()
	b.rec.FailNext(0)
	b.must(world.OperateByHand(b.stage.Lock, sashlock.DoLock))
	b.awaitKind(mark, b.stage.Lock, sashlock.LockLocked)
}

func checkFailingSinkAtFirst(b *bench) {
	b.rec.FailNext(2)
	b.openReady()
	b.awaitExpected()
	if n := len(b.rec.Failed()); n != 2 {
		b.Errorf("the sink refused %d calls, want 2", n)
	}
}
