// SPDX-License-Identifier: Apache-2.0

package modbus_test

import (
	"context"
	"encoding/json"
	"testing"
	"time"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/driver"
	"github.com/sashlock/sashlock/driver/drivertest"
	"github.com/sashlock/sashlock/driver/modbus"
)

const patience = 10 * time.Second

func number(n int) *int { return &n }

func cage() modbus.Opening {
	return modbus.Opening{Address: "cage-2", Name: "Cage 2", Relay: number(1), Pulse: modbus.Pulse{Flash: 512, UnitMS: 100}, Contact: number(0)}
}

func (b *board) conf(openings ...modbus.Opening) json.RawMessage {
	text, err := json.Marshal(modbus.Config{TCP: b.address, PollMS: 10, Openings: openings})
	if err != nil {
		b.t.Fatal(err)
	}
	return text
}

func open(t *testing.T, config json.RawMessage) (*drivertest.Recorder, driver.Session) {
	t.Helper()
	sink := drivertest.NewRecorder()
	s, err := modbus.Quick().Open(t.Context(), config, sink)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return sink, s
}

func is(kind sashlock.EventKind) func(driver.Report) bool {
	return func(r driver.Report) bool { return r.Kind == kind }
}

func order(verb sashlock.Verb, during time.Duration) driver.Order {
	return driver.Order{Command: "act_1", Address: "cage-2", Verb: verb, For: during}
}

func TestConformance(t *testing.T) {
	t.Parallel()
	bad := func(opening string) json.RawMessage {
		return json.RawMessage(`{"tcp":"a:1","openings":[` + opening + `]}`)
	}
	drivertest.Run(t, drivertest.Harness{
		Driver: modbus.Quick(),
		New: func(t *testing.T) drivertest.Stage {
			b := newBoard(t)
			return drivertest.Stage{
				Config: b.conf(cage()), World: b, Lock: "cage-2", Contact: "cage-2",
				Expected: []drivertest.Expected{{Address: "cage-2", Capabilities: []sashlock.Capability{
					sashlock.CanRelease, sashlock.CanUnlock, sashlock.CanLock, sashlock.TellsLock, sashlock.TellsPosition,
				}}},
			}
		},
		Bad: []drivertest.BadConfig{
			{Name: "no line", Config: json.RawMessage(`{"openings":[{"address":"a","relay":0}]}`), Field: "tcp"},
			{Name: "two lines", Config: json.RawMessage(`{"tcp":"a:1","port":"/dev/x","openings":[{"address":"a","relay":0}]}`), Field: "tcp"},
			{Name: "no port", Config: json.RawMessage(`{"tcp":"a","openings":[{"address":"a","relay":0}]}`), Field: "tcp"},
			{Name: "a wrong speed", Config: json.RawMessage(`{"port":"/dev/x","baud":7,"openings":[{"address":"a","relay":0}]}`), Field: "baud"},
			{Name: "a wrong parity", Config: json.RawMessage(`{"port":"/dev/x","parity":"mark","openings":[{"address":"a","relay":0}]}`), Field: "parity"},
			{Name: "too fast", Config: json.RawMessage(`{"tcp":"a:1","poll_ms":1,"openings":[{"address":"a","relay":0}]}`), Field: "poll_ms"},
			{Name: "no openings", Config: json.RawMessage(`{"tcp":"a:1"}`), Field: "openings"},
			{Name: "no address", Config: bad(`{"relay":0}`), Field: "openings[0].address"},
			{Name: "an address twice", Config: bad(`{"address":"a","relay":0},{"address":"a","relay":1}`), Field: "openings[1].address"},
			{Name: "a wrong unit", Config: bad(`{"address":"a","unit":248,"relay":0}`), Field: "openings[0].unit"},
			{Name: "nothing at all", Config: bad(`{"address":"a"}`), Field: "openings[0].relay"},
			{Name: "a bolt alone", Config: bad(`{"address":"a","bolt":1,"contact":1}`), Field: "openings[0].relay"},
			{Name: "a wrong relay", Config: bad(`{"address":"a","relay":-1}`), Field: "openings[0].relay"},
			{Name: "a wrong contact", Config: bad(`{"address":"a","contact":70000}`), Field: "openings[0].contact"},
			{Name: "a pulse of no sort", Config: bad(`{"address":"a","relay":1,"pulse_unit_ms":100}`), Field: "openings[0].pulse_flash"},
			{Name: "a pulse of two sorts", Config: bad(`{"address":"a","relay":1,"pulse_flash":512,"pulse_fixed_ms":5}`), Field: "openings[0].pulse_flash"},
			{Name: "a pulse without a unit", Config: bad(`{"address":"a","relay":1,"pulse_flash":512}`), Field: "openings[0].pulse_unit_ms"},
			{Name: "a pulse that locks", Config: bad(`{"address":"a","relay":1,"inverted":true,"pulse_flash":512,"pulse_unit_ms":100}`), Field: "openings[0].pulse_flash"},
		},
	})
}

// The board ends a release by itself, with the line gone.
func TestReleaseEndsAtTheBoard(t *testing.T) {
	t.Parallel()
	b := newBoard(t)
	sink, s := open(t, b.conf(cage()))
	sink.Await(t, patience, 0, "locked", is(sashlock.LockLocked))
	mark := sink.Mark()
	if err := s.(driver.Operator).Operate(t.Context(), order(sashlock.DoRelease, 250*time.Millisecond)); err != nil {
		t.Fatal(err)
	}
	if got := sink.Await(t, patience, mark, "unlocked", is(sashlock.LockUnlocked)); got.Command != "act_1" || got.State {
		t.Errorf("unlocked: %+v", got)
	}
	if err := b.KillGateway(); err != nil {
		t.Fatal(err)
	}
	if !sink.Until(patience, func() bool { on := true; b.do(func() { on = b.coils[1] }); return !on }) {
		t.Fatal("the relay stayed on")
	}
	if err := b.RestartGateway(); err != nil {
		t.Fatal(err)
	}
	sink.Await(t, patience, mark, "locked, after the line came back", func(r driver.Report) bool { return r.Kind == sashlock.LockLocked && r.State })
}

// The ways in which boards take a time, and a board that takes none.
func TestWaysToPulse(t *testing.T) {
	t.Parallel()
	for name, pulse := range map[string]modbus.Pulse{
		"a register": {Register: 41, UnitMS: 1000}, "set at the board": {FixedMS: 5000}, "none": {},
	} {
		b := newBoard(t)
		config := cage()
		config.Pulse = pulse
		sink, s := open(t, b.conf(config))
		sink.Await(t, patience, 0, "locked", is(sashlock.LockLocked))
		can := sashlock.Device{Capabilities: sink.Devices()["cage-2"].Capabilities}.Has(sashlock.CanRelease)
		err := s.(driver.Operator).Operate(t.Context(), order(sashlock.DoRelease, time.Second))
		if pulse == (modbus.Pulse{}) {
			if can || !sashlock.IsKind(err, sashlock.Denied) || b.writes != 0 {
				t.Errorf("%s: it can %v, %v, %d writes", name, can, err, b.writes)
			}
			continue
		}
		if err != nil || !can {
			t.Errorf("%s: %v, it can %v", name, err, can)
		}
		sink.Await(t, patience, 0, "unlocked", is(sashlock.LockUnlocked))
	}
}

// A relay that is on while locked, a bolt switch, an inverted contact.
func TestOtherWirings(t *testing.T) {
	t.Parallel()
	b := newBoard(t)
	b.do(func() { b.coils[1], b.inputs[0], b.inputs[2] = true, true, true })
	magnet := cage()
	magnet.Pulse, magnet.Inverted, magnet.ContactInverted, magnet.Bolt = modbus.Pulse{}, true, true, number(2)
	sink, s := open(t, b.conf(magnet))
	sink.Await(t, patience, 0, "locked", is(sashlock.LockLocked))
	sink.Await(t, patience, 0, "closed", is(sashlock.OpeningClosed))
	mark := sink.Mark()
	if err := s.(driver.Operator).Operate(t.Context(), order(sashlock.DoUnlock, 0)); err != nil {
		t.Fatal(err)
	}
	if err := s.(driver.Reader).Read(t.Context(), "cage-2"); err != nil {
		t.Fatal(err)
	}
	b.do(func() {
		if b.coils[1] {
			t.Error("the magnet still holds")
		}
	})
	if said := sink.Reports(mark, is(sashlock.LockUnlocked)); len(said) > 0 {
		t.Error("unlocked was claimed by the relay")
	}
	b.input(2, false)
	sink.Await(t, patience, mark, "unlocked by the bolt", is(sashlock.LockUnlocked))
	b.input(0, false)
	sink.Await(t, patience, mark, "opened", is(sashlock.OpeningOpened))
}

// Silence, refusals and answers that come late: a switch is ordered once.
func TestOrders(t *testing.T) {
	t.Parallel()
	b := newBoard(t)
	other := modbus.Opening{Address: "none", Relay: number(9)}
	sink, s := open(t, b.conf(cage(), other))
	sink.Await(t, patience, 0, "locked", is(sashlock.LockLocked))
	operate := s.(driver.Operator).Operate
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	if err := operate(gone, order(sashlock.DoUnlock, 0)); !sashlock.IsKind(err, sashlock.Unavailable) {
		t.Errorf("an order whose time is over: %v", err)
	}
	if err := operate(t.Context(), driver.Order{Address: "none", Verb: sashlock.DoUnlock}); !sashlock.IsKind(err, sashlock.Unavailable) {
		t.Errorf("a relay that there is not: %v", err)
	}
	b.do(func() {
		if b.writes != 0 {
			t.Errorf("%d writes", b.writes)
		}
		// An answer to a question of before, ahead of the next.
		b.early = []byte{0, 0, 0, 0, 0, 4, 1, 1, 1, 1}
	})
	mark := sink.Mark()
	if err := operate(t.Context(), order(sashlock.DoRelease, time.Second)); err != nil {
		t.Fatal(err)
	}
	sink.Await(t, patience, mark, "unlocked", is(sashlock.LockUnlocked))
	b.do(func() {
		if b.writes != 1 || b.switched[1] != 1 {
			t.Errorf("%d writes, switched on %d times", b.writes, b.switched[1])
		}
	})
}

func TestAFailingSink(t *testing.T) {
	t.Parallel()
	b := newBoard(t)
	sink, _ := open(t, b.conf(cage()))
	sink.Await(t, patience, 0, "closed", is(sashlock.OpeningClosed))
	mark := sink.Mark()
	sink.FailNext(3)
	b.input(0, true)
	sink.Await(t, patience, mark, "opened, at last", is(sashlock.OpeningOpened))
	if n := len(sink.Failed()); n != 3 {
		t.Errorf("%d calls failed", n)
	}
}
