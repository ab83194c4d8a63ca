// SPDX-License-Identifier: Apache-2.0

package zigbee2mqtt

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/driver"
)

// TestWho has one word for each operation, with who and how, and none twice.
func TestWho(t *testing.T) {
	_, b, rec, c := openFake(t)
	mark := rec.Mark()
	hear(b, c, `"lock_state":"unlocked"`)
	hear(b, c, `"lock_state":"unlocked","action":"unlock","action_source_name":"keypad","action_user":3`)
	hear(b, c, `"lock_state":"unlocked","action":"auto_lock","action_source_name":"manual","action_user":null`)
	hear(b, c, `"lock_state":"locked"`)
	hear(b, c, `"lock_state":"locked","action":"unlock_failure_invalid_pin_or_id","action_source_name":"keypad","action_user":65535`)
	hear(b, c, `"lock_state":"locked","action":"unlock","action_source_name":"rfid","action_user":2`)
	flush(t, b, rec, c, 61)
	want := []driver.Report{
		{Address: address, Kind: sashlock.LockUnlocked, Method: sashlock.ByKeypad, Slot: 3},
		{Address: address, Kind: sashlock.LockLocked, Method: sashlock.BySelf},
		{Address: address, Kind: sashlock.CodeRefused, Method: sashlock.ByKeypad},
		{Address: address, Kind: sashlock.LockUnlocked, Method: sashlock.ByCard, Slot: 2},
	}
	got := rec.Reports(mark, func(r driver.Report) bool { return r.Kind != sashlock.BatteryReported })
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("reports (-want +got):\n%s", diff)
	}
}

// TestWhatWaited: what a broker kept for us while we were away comes before the
// list of devices. It is told, and answers nothing that we ask now.
func TestWhatWaited(t *testing.T) {
	_, b, rec, c := startFake(t)
	hear(b, c, `"lock_state":"locked"`)
	hear(b, c, `"lock_state":"unlocked","action":"unlock","action_source_name":"keypad","action_user":3`)
	bridgeUp(t, b, rec)
	hear(b, c, `"lock_state":"unlocked"`)
	rec.Await(t, patient, 0, "how it stands now", func(r driver.Report) bool {
		return r == driver.Report{Address: address, Kind: sashlock.LockUnlocked, State: true}
	})
	want := []driver.Report{
		{Address: address, Kind: sashlock.LockLocked, State: true},
		{Address: address, Kind: sashlock.LockUnlocked, Method: sashlock.ByKeypad, Slot: 3},
		{Address: address, Kind: sashlock.LockUnlocked, State: true},
	}
	got := rec.Reports(0, func(r driver.Report) bool { return r.Kind == sashlock.LockLocked || r.Kind == sashlock.LockUnlocked })
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("reports (-want +got):\n%s", diff)
	}
}

// TestUnexplained tells a bolt that moved although nobody said who moved it.
func TestUnexplained(t *testing.T) {
	_, b, rec, c := openFake(t)
	mark := rec.Mark()
	hear(b, c, `"lock_state":"unlocked"`)
	rec.Await(t, patient, mark, "the move", func(r driver.Report) bool {
		return r == driver.Report{Address: address, Kind: sashlock.LockUnlocked}
	})
}

// TestReplays shows that nothing old is told as new: kept by the broker, heard
// before, or with nulls.
func TestReplays(t *testing.T) {
	_, b, rec, c := openFake(t)
	old := c.seen()
	hear(b, c, `"battery":50`)
	mark := rec.Mark()
	for range 10_000 {
		b.say(name, `{"action":"unlock","action_source_name":"keypad","action_user":3,"lock_state":"unlocked","last_seen":"`+old+`"}`, false)
	}
	b.say(name, `{"action":"unlock","action_source_name":"keypad","lock_state":"unlocked","last_seen":"`+c.seen()+`"}`, true)
	b.say(name, `{"state":null,"lock_state":null,"battery":null,"action":null}`, false)
	b.say(name, ``, true)
	b.say(name, `not JSON 739184`, false)
	b.say("bridge/devices", `{"not":"a list"}`, false)
	b.say("shop/case 9", `{"action":"unlock"}`, false)
	flush(t, b, rec, c, 62)
	if told := rec.Reports(mark, func(r driver.Report) bool { return r.Kind == sashlock.LockUnlocked }); len(told) != 0 {
		t.Errorf("%d replays were told, first %+v", len(told), told[0])
	}
}

// TestRepeatedAction tells an action once, however often it is delivered.
func TestRepeatedAction(t *testing.T) {
	_, b, rec, c := openFake(t)
	mark := rec.Mark()
	again := `{"action":"unlock","action_source_name":"keypad","action_user":3,"last_seen":"` + c.seen() + `"}`
	for range 100 {
		b.say(name, again, false)
	}
	flush(t, b, rec, c, 63)
	if told := rec.Reports(mark, func(r driver.Report) bool { return r.Kind == sashlock.LockUnlocked }); len(told) != 1 {
		t.Errorf("an action delivered 100 times was told %d times", len(told))
	}
}

// TestOrder gives an order, which the lock confirms, refuses or leaves.
func TestOrder(t *testing.T) {
	s, b, rec, c := openFake(t)
	order := driver.Order{Command: "act_1", Address: address, Verb: sashlock.DoUnlock}
	mark := rec.Mark()
	if err := s.Operate(t.Context(), order); err != nil {
		t.Fatal(err)
	}
	if n := b.sent(`zigbee2mqtt/shop/case 1/set 0 {"state":"UNLOCK"}`); n != 1 {
		t.Fatalf("the order was published %d times", n)
	}
	if told := rec.Reports(mark, func(driver.Report) bool { return true }); len(told) != 0 {
		t.Errorf("told before the lock said anything: %+v", told)
	}
	hear(b, c, `"lock_state":"unlocked"`)
	hear(b, c, `"lock_state":"unlocked","action":"unlock","action_source_name":"rf","action_user":null`)
	rec.Await(t, patient, mark, "the lock's word", func(r driver.Report) bool {
		return r == driver.Report{Address: address, Kind: sashlock.LockUnlocked, Method: sashlock.ByRemote, Command: "act_1"}
	})
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	order.Verb = sashlock.DoLock
	if err := s.Operate(ended, order); err == nil || b.sent(`"LOCK"`) != 0 {
		t.Errorf("an order whose time was over: %v, published %d times", err, b.sent(`"LOCK"`))
	}
	order.Verb, order.For = sashlock.DoRelease, time.Second
	if err := s.Operate(t.Context(), order); !sashlock.IsKind(err, sashlock.Denied) {
		t.Errorf("a release without automatic locking: %v, want kind denied", err)
	}
}

// TestComplaints ends orders by what Zigbee2MQTT writes in its log, and repeats
// nothing of it.
func TestComplaints(t *testing.T) {
	for why, kind := range map[string]sashlock.Kind{
		"ZCL command lockDoor 739184 failed (Delivery failed for 'x' (no ACK))": sashlock.Unavailable,
		"ZCL command lockDoor 739184 failed (Status 'FAILURE')":                 sashlock.Denied,
	} {
		s, b, rec, _ := openFake(t)
		s.pace.taken = patient
		ended := make(chan error, 1)
		go func() {
			ended <- s.Operate(t.Context(), driver.Order{Command: "act_1", Address: address, Verb: sashlock.DoLock})
		}()
		if !rec.Until(patient, func() bool { return b.sent("/set") > 0 }) {
			t.Fatal("the order was not published")
		}
		b.say("bridge/logging", `{"level":"error","message":"z2m: Publish 'set' 'state' to '`+name+`' failed: 'Error: `+why+`'"}`, false)
		err := <-ended
		if !sashlock.IsKind(err, kind) || strings.Contains(fmt.Sprint(err), "739184") {
			t.Errorf("%s: %v, want kind %s", why, err, kind)
		}
	}
}

// TestJam names the order that came to nothing.
func TestJam(t *testing.T) {
	s, b, rec, c := openFake(t)
	mark := rec.Mark()
	if err := s.Operate(t.Context(), driver.Order{Command: "act_1", Address: address, Verb: sashlock.DoUnlock}); err != nil {
		t.Fatal(err)
	}
	hear(b, c, `"lock_state":"not_fully_locked","state":"UNLOCK"`)
	rec.Await(t, patient, mark, "the jam", func(r driver.Report) bool {
		return r == driver.Report{Address: address, Kind: sashlock.LockHalfway, Method: sashlock.ByRemote, Command: "act_1"}
	})
	flush(t, b, rec, c, 64)
	if told := rec.Reports(mark, func(r driver.Report) bool { return r.Kind == sashlock.LockUnlocked }); len(told) != 0 {
		t.Errorf("told of an unlock: %+v", told)
	}
}

// TestGone takes away the device, Zigbee2MQTT and the broker.
func TestGone(t *testing.T) {
	s, b, rec, _ := openFake(t)
	offline := func(r driver.Report) bool { return r.Kind == sashlock.DeviceOffline }
	mark := rec.Mark()
	b.say(name+"/availability", `{"state":"offline"}`, false)
	rec.Await(t, patient, mark, "offline", offline)
	order := driver.Order{Command: "act_1", Address: address, Verb: sashlock.DoUnlock}
	if err := s.Operate(t.Context(), order); !sashlock.IsKind(err, sashlock.Unavailable) || b.sent("/set") != 0 {
		t.Errorf("an order to a lock that is away: %v, published %d times", err, b.sent("/set"))
	}
	b.say(name+"/availability", `online`, false)
	rec.Await(t, patient, mark, "online", func(r driver.Report) bool { return r.Kind == sashlock.DeviceOnline })
	mark = rec.Mark()
	b.say("bridge/state", `{"state":"offline"}`, false)
	rec.Await(t, patient, mark, "offline", offline)
	if err := s.Operate(t.Context(), order); !sashlock.IsKind(err, sashlock.Unavailable) {
		t.Errorf("an order without Zigbee2MQTT: %v, want kind unavailable", err)
	}
	b.say("bridge/state", `{"state":"online"}`, false)
	rec.Await(t, patient, mark, "online", func(r driver.Report) bool { return r.Kind == sashlock.DeviceOnline })
	mark = rec.Mark()
	b.say("bridge/devices", `[]`, false)
	rec.Await(t, patient, mark, "offline", offline)
	if err := s.Operate(t.Context(), order); !sashlock.IsKind(err, sashlock.NotFound) {
		t.Errorf("an order to a device that was removed: %v, want kind not_found", err)
	}
	close(b.done)
	if !rec.Until(patient, func() bool { return strings.Contains(rec.Text(mark), "up=false") }) {
		t.Error("the broker went and the gateway stayed up")
	}
}

// TestClearText marks what comes over a network without encryption.
func TestClearText(t *testing.T) {
	for broker, weak := range map[string]bool{
		"tcp://127.0.0.1": false, "tcp://localhost:1883": false, "tcp://10.0.0.5": true, "ws://broker.example": true, "tls://broker.example": false,
	} {
		list, err := decodeDevices([]byte(listOf(name)))
		if err != nil || len(list) != 1 {
			t.Fatalf("%d devices, %v", len(list), err)
		}
		d := discover(list[0], partsOf(list[0].Features), false, Config{Broker: broker}.link().ClearText())
		can := sashlock.Device{Capabilities: d.Capabilities}
		if (d.Weak != "") != weak || can.Has(sashlock.SecureLink) == weak {
			t.Errorf("%s: weak %q, capabilities %v", broker, d.Weak, d.Capabilities)
		}
	}
}
