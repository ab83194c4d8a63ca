// SPDX-License-Identifier: Apache-2.0

package conformance

import (
	"context"
	"encoding/json"
	"errors"
	"regexp"
	"time"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/driver"
)

// sampleTime is the time in identifiers that the suite makes up.
var sampleTime = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)

var driverName = regexp.MustCompile(`^[a-z][a-z0-9]*$`)

// openingChecks are about configurations, opening, discovery and closing.
func openingChecks() []check {
	return []check{
		{"names itself and takes its configuration", need{}, checkName},
		{"refuses a bad configuration and names the field", need{}, checkBadConfigs},
		{"finds the devices with their capabilities", need{}, checkDiscovery},
		{"gives a device the same address every time", need{}, checkStableAddresses},
		{"tells how everything stands after opening", need{}, checkSnapshot},
		{"answers an unknown address with not_found", need{}, checkUnknownAddress},
		{"reads how a lock stands", need{}, checkRead},
		{"lists PIN slots without PINs", need{lock: []sashlock.Capability{sashlock.HasCodes}, stage: "slot"}, checkCodes},
		{"can be closed twice and is then silent", need{}, checkClose},
		{"can be closed while the sink is busy", need{}, checkCloseWhileHeld},
		{"can be closed at once after opening", need{}, checkCloseAtOnce},
		{"leaves no goroutine behind", need{}, checkNoLeak},
	}
}

func checkName(b *bench) {
	if name := b.h.Driver.Name(); !driverName.MatchString(name) {
		b.Errorf("Name is %q, want lower-case letters and digits", name)
	}
	if err := b.h.Driver.Check(b.stage.Config); err != nil {
		b.Errorf("Check of a good configuration: %v", err)
	}
	described, ok := b.h.Driver.(driver.Described)
	if !ok {
		return
	}
	m, err := described.Manifest()
	if err != nil {
		b.Errorf("manifest: %v", err)
	} else if m.Name != b.h.Driver.Name() {
		b.Errorf("the manifest calls it %q, the driver %q", m.Name, b.h.Driver.Name())
	}
}

func checkBadConfigs(b *bench) {
	bad := append([]BadConfig{
		{"not JSON", json.RawMessage("url: x"), ""},
		{"nothing", nil, ""},
		{"a list", json.RawMessage("[]"), ""},
		{"null", json.RawMessage("null"), ""},
		{"cut short", b.stage.Config[:len(b.stage.Config)-1], ""},
		{"an unknown setting", withKey(b, "no_such_setting"), "no_such_setting"},
	}, b.h.Bad...)
	for _, test := range bad {
		b.wantInvalid("Check: "+test.Name, b.h.Driver.Check(test.Config), test.Field)
		session, err := b.h.Driver.Open(b.Context(), test.Config, b.rec)
		if err == nil {
			b.Errorf("Open took a configuration with %s", test.Name)
			b.close(session)
			continue
		}
		b.wantInvalid("Open: "+test.Name, err, test.Field)
	}
	if n := b.rec.Mark(); n != 0 {
		b.Errorf("the sink was called for a bad configuration:\n%s", b.rec.Text(0))
	}
}

// wantInvalid fails the check when an error is not of kind invalid about a
// field. Where no field can be named, any subject will do.
func (b *bench) wantInvalid(what string, err error, field string) {
	b.Helper()
	b.wantKind(what, err, sashlock.Invalid)
	var e *sashlock.Error
	if errors.As(err, &e) && (field != "" && e.Subject != field || e.Hint == "" && e.Err == nil) {
		b.Errorf("%s: %v names %q, want %q and what is wrong with it", what, err, e.Subject, field)
	}
}

// withKey returns the good configuration with one more key.
func withKey(b *bench, key string) json.RawMessage {
	var all map[string]json.RawMessage
	if err := json.Unmarshal(b.stage.Config, &all); err != nil {
		b.Fatalf("the stage's configuration is not a JSON object: %v", err)
	}
	all[key] = json.RawMessage("1")
	text, err := json.Marshal(all)
	if err != nil {
		b.Fatal(err)
	}
	return text
}

func checkDiscovery(b *bench) {
	b.open()
	b.awaitUp(0)
	b.awaitExpected()
	for address, d := range b.rec.Devices() {
		if address == "" {
			b.Errorf("a device was found without an address: %+v", d)
		}
	}
}

// awaitExpected waits until every expected device was found with its
// capabilities.
func (b *bench) awaitExpected() {
	b.Helper()
	missing := ""
	if b.rec.Until(b.h.Patience, func() bool { missing = b.missing(); return missing == "" }) {
		return
	}
	b.Fatalf("not found within %v: %s\nheard:\n%s", b.h.Patience, missing, b.rec.Text(0))
}

func (b *bench) missing() string {
	devices := b.rec.Devices()
	for _, e := range b.stage.Expected {
		d, ok := devices[e.Address]
		if !ok {
			return "device " + e.Address
		}
		for _, c := range e.Capabilities {
			if !(sashlock.Device{Capabilities: d.Capabilities}).Has(c) {
				return "capability " + string(c) + " of device " + e.Address
			}
		}
	}
	return ""
}

func checkStableAddresses(b *bench) {
	b.open()
	b.awaitExpected()
	first := b.rec.Devices()
	b.close(b.session)
	b.rec = NewRecorder()
	b.open()
	b.awaitExpected()
	for address, d := range b.rec.Devices() {
		if was, ok := first[address]; ok && (was.Model != d.Model || was.Maker != d.Maker) {
			b.Errorf("address %s was a %s %s and is now a %s %s", address, was.Maker, was.Model, d.Maker, d.Model)
		}
	}
}

func checkSnapshot(b *bench) {
	b.openReady()
	b.await(0, "that the lock is locked", func(r driver.Report) bool {
		return r.State && r.Address == b.stage.Lock && r.Kind == sashlock.LockLocked
	})
	if b.stage.Contact != "" {
		b.await(0, "that the opening is closed", func(r driver.Report) bool {
			return r.State && r.Address == b.stage.Contact && r.Kind == sashlock.OpeningClosed
		})
	}
	// Nobody has done anything yet: how things stand is no happening.
	if told := b.rec.Reports(0, func(r driver.Report) bool { return !r.State && (isLockState(r.Kind) || isPosition(r.Kind)) }); len(told) > 0 {
		b.Errorf("how it stands was told as something that happened: %+v", told)
	}
}

func isPosition(k sashlock.EventKind) bool {
	return k == sashlock.OpeningOpened || k == sashlock.OpeningClosed
}

func checkUnknownAddress(b *bench) {
	b.openReady()
	for _, address := range []string{"no-such-device-9999", "", "../../etc"} {
		order := b.newOrder(sashlock.DoUnlock)
		order.Address = address
		b.wantKind("Operate "+address, b.operate(b.Context(), order), sashlock.NotFound)
		if reader, ok := b.session.(driver.Reader); ok {
			b.wantKind("Read "+address, reader.Read(b.Context(), address), sashlock.NotFound)
		}
		if lister, ok := b.session.(driver.CodeLister); ok {
			_, err := lister.Codes(b.Context(), address)
			b.wantKind("Codes "+address, err, sashlock.NotFound)
		}
	}
}

func checkRead(b *bench) {
	b.openReady()
	reader, ok := b.session.(driver.Reader)
	if !ok {
		b.Skip("the session is no Reader")
	}
	mark := b.rec.Mark()
	if err := b.note(reader.Read(b.Context(), b.stage.Lock)); err != nil {
		b.Fatalf("Read: %v", err)
	}
	b.await(mark, "how the lock stands", func(r driver.Report) bool {
		return r.State && r.Address == b.stage.Lock && r.Kind == sashlock.LockLocked
	})
}

func checkCodes(b *bench) {
	b.openReady()
	lister, ok := b.session.(driver.CodeLister)
	if !ok {
		b.Skip("the session is no CodeLister")
	}
	codes, err := lister.Codes(b.Context(), b.stage.Lock)
	if b.note(err) != nil {
		b.Fatalf("Codes: %v", err)
	}
	for _, c := range codes {
		if c.Slot == b.stage.Slot && c.InUse {
			return
		}
	}
	b.Errorf("slot %d is not listed as in use: %+v", b.stage.Slot, codes)
}

func checkClose(b *bench) {
	b.openReady()
	b.close(b.session)
	b.rec.End()
	b.close(b.session)
	if err := b.operate(b.Context(), b.newOrder(sashlock.DoUnlock)); err == nil {
		b.Error("an order was taken after Close")
	}
	if w, ok := b.stage.World.(HandOperator); ok {
		b.must(w.OperateByHand(b.stage.Lock, sashlock.DoUnlock))
	}
	b.awaitNoGoroutines()
	if late := b.rec.Late(); len(late) > 0 {
		b.Errorf("the sink was called %d times after Close, first with %+v", len(late), late[0])
	}
}

func checkCloseWhileHeld(b *bench) {
	b.rec.Hold()
	b.open()
	if !b.rec.Until(b.h.Patience, func() bool { return b.rec.Waiting() > 0 }) {
		b.Fatalf("the sink was not called within %v", b.h.Patience)
	}
	b.close(b.session)
	if n := b.rec.Waiting(); n != 0 {
		b.Errorf("%d calls of the sink are still under way after Close", n)
	}
	b.awaitNoGoroutines()
}

func checkCloseAtOnce(b *bench) {
	b.open()
	b.close(b.session)
	b.rec.End()
	b.awaitNoGoroutines()
	if late := b.rec.Late(); len(late) > 0 {
		b.Errorf("the sink was called after Close, first with %+v", late[0])
	}
}

// checkNoLeak opens and closes many times: whatever one session leaves behind,
// also in libraries, shows in the count.
func checkNoLeak(b *bench) {
	const sessions, slack = 12, 6
	cycle := func() {
		rec := NewRecorder()
		session, err := b.h.Driver.Open(context.Background(), b.stage.Config, rec)
		if err != nil {
			b.Fatalf("opening: %v", err)
		}
		if !rec.Until(b.h.Patience, func() bool { return rec.Mark() > 0 }) {
			b.Errorf("the sink was not called within %v", b.h.Patience)
		}
		b.close(session)
	}
	cycle() // what is started once stays
	before := b.goroutines("")
	for range sessions {
		cycle()
	}
	if !b.rec.Until(b.h.Patience, func() bool { return b.goroutines("") < before+slack }) {
		b.Errorf("%d goroutines after %d sessions, %d before:\n%s", b.goroutines(""), sessions, before, allStacks())
	}
}
