// SPDX-License-Identifier: Apache-2.0

package conformance

import (
	"context"
	"sync"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/driver"
)

// samplePIN is written into slots, and may turn up nowhere.
const samplePIN = "582093"

// codeChecks are about PIN slots, for sessions that write them.
func codeChecks() []check {
	codes := []sashlock.Capability{sashlock.HasCodes}
	return []check{
		{"writes a PIN slot, lists it and clears it", need{lock: codes}, checkWriteCode},
		{"leaves a PIN slot alone that had to be free and is not", need{lock: codes, stage: "slot"}, checkFreshCode},
		{"knows no PIN slot before the first or after the last", need{lock: codes, stage: "slot"}, checkNoSlot},
		{"tells of a PIN that the lock would not keep", need{lock: codes, world: refuseCodes}, checkRefusedCode},
		{"writes no PIN slot when the time is over", need{lock: codes}, checkLateCode},
		{"writes no PIN slot of a lock that is offline, also not later", need{lock: codes, world: killDevice}, checkOfflineCode},
		{"bears writing the same PIN slot many times at once", need{lock: codes}, checkManyCodes},
	}
}

// CodeRefuser makes a lock keep no new PIN, and keep them again.
type CodeRefuser interface {
	RefuseCodes(address string, on bool) error
}

// openWriter opens a session that writes PIN slots, or skips the check. From
// here on the sample PIN is one of those that may turn up nowhere.
func (b *bench) openWriter() driver.CodeWriter {
	b.Helper()
	if b.stage.Free < 0 {
		b.Skip("no PIN slot may be written here")
	}
	b.openReady()
	writer, can := b.session.(driver.CodeWriter)
	if !can {
		b.Skip("the session is no CodeWriter")
	}
	b.stage.PINs = append(b.stage.PINs, samplePIN)
	return writer
}

// codes lists the slots of the lock; ok is false where it cannot be asked.
func (b *bench) codes() (all map[int]driver.Code, ok bool) {
	b.Helper()
	lister, can := b.session.(driver.CodeLister)
	if !can {
		return nil, false
	}
	ctx, cancel := context.WithTimeout(b.Context(), b.h.Patience)
	defer cancel()
	list, err := lister.Codes(ctx, b.stage.Lock)
	if sashlock.IsKind(b.note(err), sashlock.Denied) {
		return nil, false
	}
	if err != nil {
		b.Fatalf("listing: %v", err)
	}
	all = make(map[int]driver.Code, len(list))
	for _, c := range list {
		all[c.Slot] = c
	}
	return all, true
}

// freeSlot returns a slot that nobody uses.
func (b *bench) freeSlot() int {
	if b.stage.Free > 0 {
		return b.stage.Free
	}
	return b.stage.Slot + 1
}

// setting is the sample PIN for a slot.
func (b *bench) setting(slot int) driver.CodeSetting {
	b.Helper()
	pin, err := driver.NewPIN(samplePIN)
	if err != nil {
		b.Fatal(err)
	}
	return driver.CodeSetting{Slot: slot, PIN: pin}
}

func (b *bench) set(w driver.CodeWriter, s driver.CodeSetting) error {
	ctx, cancel := context.WithTimeout(b.Context(), b.h.Patience)
	defer cancel()
	_, err := w.SetCode(ctx, b.stage.Lock, s)
	return b.note(err)
}

func (b *bench) clear(w driver.CodeWriter, slot int) error {
	ctx, cancel := context.WithTimeout(b.Context(), b.h.Patience)
	defer cancel()
	return b.note(w.ClearCode(ctx, b.stage.Lock, slot))
}

// wantSlot fails the check when a slot is not listed as it should be.
func (b *bench) wantSlot(what string, want driver.Code) {
	b.Helper()
	if all, ok := b.codes(); ok && all[want.Slot] != want {
		b.Errorf("%s: slot %+v, want %+v", what, all[want.Slot], want)
	}
}

func checkWriteCode(b *bench) {
	w := b.openWriter()
	before, _ := b.codes()
	slot := b.freeSlot()
	fresh := b.setting(slot)
	fresh.Fresh = true
	b.mustSet("a free slot", b.set(w, fresh))
	b.wantSlot("written", driver.Code{Slot: slot, InUse: true, Enabled: true})
	b.mustSet("the same again", b.set(w, b.setting(slot)))
	off := b.setting(slot)
	off.Disabled = true
	b.mustSet("switched off", b.set(w, off))
	b.wantSlot("switched off", driver.Code{Slot: slot, InUse: true})
	b.mustSet("clearing", b.clear(w, slot))
	b.wantSlot("cleared", driver.Code{Slot: slot})
	b.mustSet("clearing again", b.clear(w, slot))
	after, _ := b.codes()
	for n, c := range before {
		if after[n] != c {
			b.Errorf("slot %d is now %+v, was %+v", n, after[n], c)
		}
	}
}

// mustSet fails the check when a slot could not be written.
func (b *bench) mustSet(what string, err error) {
	b.Helper()
	if err != nil {
		b.Fatalf("%s: %v", what, err)
	}
}

func checkFreshCode(b *bench) {
	w := b.openWriter()
	if _, ok := b.codes(); !ok {
		b.Skip("its slots cannot be listed")
	}
	fresh := b.setting(b.stage.Slot)
	fresh.Fresh = true
	b.wantKind("a slot in use", b.set(w, fresh), sashlock.Conflict)
	b.wantSlot("the slot in use", driver.Code{Slot: b.stage.Slot, InUse: true, Enabled: true})
}

func checkNoSlot(b *bench) {
	w := b.openWriter()
	for _, slot := range []int{0, -1, 60000} {
		b.wantKind("writing", b.set(w, b.setting(slot)), sashlock.Limit)
	}
	// For some ecosystems slot 0 means all of them.
	_ = b.clear(w, 0)
	_ = b.clear(w, -1)
	b.wantSlot("the slot in use", driver.Code{Slot: b.stage.Slot, InUse: true, Enabled: true})
}

func checkRefusedCode(b *bench) {
	world := b.stage.World.(CodeRefuser)
	w := b.openWriter()
	slot := b.freeSlot()
	b.must(world.RefuseCodes(b.stage.Lock, true))
	b.wantKind("a PIN that the lock does not keep", b.set(w, b.setting(slot)), sashlock.Denied)
	b.wantSlot("refused", driver.Code{Slot: slot})
	b.must(world.RefuseCodes(b.stage.Lock, false))
	b.mustSet("a PIN that it keeps", b.set(w, b.setting(slot)))
}

func checkLateCode(b *bench) {
	w := b.openWriter()
	slot := b.freeSlot()
	ctx, cancel := context.WithCancel(b.Context())
	cancel()
	_, err := w.SetCode(ctx, b.stage.Lock, b.setting(slot))
	b.wantKind("writing when the time is over", err, sashlock.Unavailable)
	b.wantSlot("not written", driver.Code{Slot: slot})
	if b.stage.Slot > 0 {
		b.wantKind("clearing when the time is over", w.ClearCode(ctx, b.stage.Lock, b.stage.Slot), sashlock.Unavailable)
		b.wantSlot("not cleared", driver.Code{Slot: b.stage.Slot, InUse: true, Enabled: true})
	}
}

func checkOfflineCode(b *bench) {
	world := b.stage.World.(DeviceSwitch)
	w := b.openWriter()
	slot := b.freeSlot()
	mark := b.rec.Mark()
	b.must(world.Dead(b.stage.Lock))
	b.awaitKind(mark, b.stage.Lock, sashlock.DeviceOffline)
	b.wantKind("writing a slot of a lock that is offline", b.set(w, b.setting(slot)), sashlock.Unavailable)
	mark = b.rec.Mark()
	b.must(world.Alive(b.stage.Lock))
	b.awaitKind(mark, b.stage.Lock, sashlock.DeviceOnline)
	b.wantSlot("after it came back", driver.Code{Slot: slot})
}

// checkManyCodes is above all for the race detector.
func checkManyCodes(b *bench) {
	w := b.openWriter()
	slot := b.freeSlot()
	var group sync.WaitGroup
	for i := range 6 {
		group.Go(func() {
			// Some may find it busy; none may hang or panic.
			if i%2 == 0 {
				_ = b.set(w, b.setting(slot))
			} else {
				_ = b.clear(w, slot)
			}
		})
	}
	group.Wait()
	b.mustSet("clearing at the end", b.clear(w, slot))
	b.wantSlot("cleared", driver.Code{Slot: slot})
}
