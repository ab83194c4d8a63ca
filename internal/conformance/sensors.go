// SPDX-License-Identifier: Apache-2.0

package conformance

import (
	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/driver"
)

// sensorChecks are about what devices report beside their bolts.
func sensorChecks() []check {
	return []check{
		{"tells of open and closed", need{world: moveDoor, stage: "contact"}, checkPosition},
		{"tells of somebody near", need{world: pass, stage: "motion"}, checkPresence},
		{"tells the battery's level", need{lock: []sashlock.Capability{sashlock.TellsBattery}, world: setBattery}, checkBattery},
		{"tells of tampering", need{lock: []sashlock.Capability{sashlock.TellsTamper}, world: tamper}, checkTamper},
	}
}

func checkPosition(b *bench) {
	world := b.stage.World.(DoorMover)
	b.openReady()
	mark := b.rec.Mark()
	b.must(world.OpenDoor(b.stage.Contact))
	b.awaitKind(mark, b.stage.Contact, sashlock.OpeningOpened)
	mark = b.rec.Mark()
	b.must(world.CloseDoor(b.stage.Contact))
	b.awaitKind(mark, b.stage.Contact, sashlock.OpeningClosed)
}

func checkPresence(b *bench) {
	world := b.stage.World.(Passer)
	b.openReady()
	mark := b.rec.Mark()
	b.must(world.PersonNear(b.stage.Motion))
	b.awaitKind(mark, b.stage.Motion, sashlock.PresenceSeen)
	mark = b.rec.Mark()
	b.must(world.PersonGone(b.stage.Motion))
	b.awaitKind(mark, b.stage.Motion, sashlock.PresenceLost)
}

func checkBattery(b *bench) {
	b.openReady()
	for _, level := range []int{42, 7} {
		mark := b.rec.Mark()
		b.must(b.stage.World.(BatteryChanger).Battery(b.stage.Lock, level))
		b.await(mark, "the battery's level", func(r driver.Report) bool {
			return r.Address == b.stage.Lock && r.Kind == sashlock.BatteryReported && r.Level == level
		})
	}
}

func checkTamper(b *bench) {
	world := b.stage.World.(Tamperer)
	b.openReady()
	mark := b.rec.Mark()
	b.must(world.Tamper(b.stage.Lock, true))
	b.awaitKind(mark, b.stage.Lock, sashlock.DeviceTampered)
	mark = b.rec.Mark()
	b.must(world.Tamper(b.stage.Lock, false))
	b.awaitKind(mark, b.stage.Lock, sashlock.TamperCleared)
}
