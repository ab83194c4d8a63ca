// SPDX-License-Identifier: Apache-2.0

package matter

import (
	"context"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/driver"
	"github.com/sashlock/sashlock/driver/drivertest"
)

const patience = 20 * time.Second

// quick is a driver that does not let a test wait.
func quick() *Driver {
	p := usualPace()
	p.settle, p.settleJam, p.reread, p.confirm = 20*time.Millisecond, 20*time.Millisecond, 20*time.Millisecond, 2*time.Second
	p.probe, p.callSilent = 200*time.Millisecond, 20*time.Millisecond
	p.Min, p.Max = 5*time.Millisecond, 20*time.Millisecond
	return &Driver{pace: p}
}

// TestConformance runs the suite of every driver against the fake.
func TestConformance(t *testing.T) {
	drivertest.Run(t, drivertest.Harness{
		Driver: quick(),
		New: func(t *testing.T) drivertest.Stage {
			f := newFake(t)
			return drivertest.Stage{
				Config: configFor(f.url()), World: fakeWorld{f}, Lock: theLock, Contact: theContact, Motion: theMotion, Slot: 3,
				PINs: []string{testPIN}, Expected: peerDevices(),
			}
		},
		Bad: badConfigs(), Patience: patience, Burst: 200,
	})
}

// open opens a session on a fake and waits until the lock has been read.
func open(t *testing.T, f *fake) (*session, *drivertest.Recorder) {
	t.Helper()
	rec := drivertest.NewRecorder()
	s, err := quick().Open(t.Context(), configFor(f.url()), rec)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	rec.Await(t, patience, 0, "how the lock stands", isLocked)
	return s.(*session), rec
}

// changes returns what was told of the lock since, but for statements.
func changes(rec *drivertest.Recorder, since int) []driver.Report {
	return rec.Reports(since, func(r driver.Report) bool { return !r.State && r.Address == theLock })
}

// awaitChanges waits until the lock said this and nothing else.
func awaitChanges(t *testing.T, rec *drivertest.Recorder, since int, want ...driver.Report) {
	t.Helper()
	ignore := cmpopts.IgnoreFields(driver.Report{}, "Address", "Boot", "Number", "At")
	if !rec.Until(patience, func() bool { return len(changes(rec, since)) >= len(want) }) {
		t.Fatalf("heard only:\n%s", rec.Text(since))
	}
	if diff := cmp.Diff(want, changes(rec, since), ignore); diff != "" {
		t.Errorf("what was told (-want +got):\n%s", diff)
	}
}

func locked(r driver.Report) driver.Report   { r.Kind = sashlock.LockLocked; return r }
func unlocked(r driver.Report) driver.Report { r.Kind = sashlock.LockUnlocked; return r }

// TestWhatExplainsABolt plays states and events in every order.
func TestWhatExplainsABolt(t *testing.T) {
	keypad := `{"lockOperationType":1,"operationSource":3,"userIndex":3,"fabricIndex":null}`
	for _, test := range []struct {
		name string
		play func(f *fake)
		want []driver.Report
	}{
		{"the state, then the event", func(f *fake) { f.set("1/257/0", 2); f.note(noteOperation, keypad) },
			[]driver.Report{unlocked(driver.Report{Method: sashlock.ByKeypad, Slot: 3})}},
		{"the event, then the state", func(f *fake) { f.note(noteOperation, keypad); f.set("1/257/0", 2) },
			[]driver.Report{unlocked(driver.Report{Method: sashlock.ByKeypad, Slot: 3})}},
		{"the state alone", func(f *fake) { f.set("1/257/0", 2) }, []driver.Report{unlocked(driver.Report{})}},
		{"half way, and it stays", func(f *fake) { f.set("1/257/0", 0) }, []driver.Report{{Kind: sashlock.LockHalfway}}},
		{"there and back without events", func(f *fake) { f.set("1/257/0", 2); f.set("1/257/0", 1) },
			[]driver.Report{unlocked(driver.Report{}), locked(driver.Report{})}},
		{"an unknown state", func(f *fake) { f.set("1/257/0", nil); f.set("1/257/0", 9); f.set("1/257/0", 2) }, []driver.Report{unlocked(driver.Report{})}},
		{"the latch too", func(f *fake) {
			f.note(noteOperation, `{"lockOperationType":4,"operationSource":9,"userIndex":2}`)
			f.set("1/257/0", 3)
		}, []driver.Report{{Kind: sashlock.LockUnlatched, Method: sashlock.ByFinger, Slot: 2}}},
		{"an event without data", func(f *fake) { f.note(noteOperation, `null`); f.set("1/257/0", 2) }, []driver.Report{unlocked(driver.Report{})}},
		{"the cover", func(f *fake) { f.note(noteAlarm, `{"alarmCode":5}`) }, []driver.Report{{Kind: sashlock.DeviceTampered}}},
		{"too many wrong codes", func(f *fake) { f.note(noteAlarm, `{"alarmCode":4}`) }, []driver.Report{{Kind: sashlock.CodeRefused, Method: sashlock.ByKeypad}}},
		{"a card out of hours", func(f *fake) {
			f.note(noteRefused, `{"lockOperationType":1,"operationSource":8,"operationError":3,"userIndex":4}`)
		}, []driver.Report{{Kind: sashlock.CodeRefused, Method: sashlock.ByCard, Slot: 4}}},
	} {
		t.Run(test.name, func(t *testing.T) {
			f := newFake(t)
			_, rec := open(t, f)
			mark := rec.Mark()
			_ = fakeWorld{f}.do(func() { test.play(f) })
			awaitChanges(t, rec, mark, test.want...)
		})
	}
}

// TestEventsAreToldOnce repeats events, as a new subscription does, and starts
// the server anew in between.
func TestEventsAreToldOnce(t *testing.T) {
	f := newFake(t)
	_ = fakeWorld{f}.do(func() { f.note(noteAlarm, `{"alarmCode":5}`) }) // before we knew the lock
	_, rec := open(t, f)
	mark := rec.Mark()
	if err := (fakeWorld{f}).KeypadUnlock("", 3); err != nil {
		t.Fatal(err)
	}
	keypad := unlocked(driver.Report{Method: sashlock.ByKeypad, Slot: 3})
	awaitChanges(t, rec, mark, keypad)
	_ = fakeWorld{f}.do(func() {
		for _, text := range f.history {
			f.tell(`{"event":"node_event","data":` + text + `}`)
		}
	})
	if err := f.down(); err != nil {
		t.Fatal(err)
	}
	if err := (fakeWorld{f}).OperateByHand("", sashlock.DoLock); err != nil { // nobody hears it
		t.Fatal(err)
	}
	if err := f.up(); err != nil {
		t.Fatal(err)
	}
	awaitChanges(t, rec, mark, keypad, driver.Report{Kind: sashlock.DeviceOffline}, driver.Report{Kind: sashlock.DeviceOnline},
		locked(driver.Report{Method: sashlock.ByHand}))
	numbers := changes(rec, mark)
	if numbers[0].Boot != 2 || numbers[0].Number == 0 || numbers[3].Number <= numbers[0].Number || numbers[0].At.IsZero() {
		t.Errorf("numbers %d, %d of boot %d at %v", numbers[0].Number, numbers[3].Number, numbers[0].Boot, numbers[0].At)
	}
}

// TestHistoryIsNotNews: while no event of a lock was heard, nobody can say which
// of those that a new subscription repeats are new.
func TestHistoryIsNotNews(t *testing.T) {
	f := newFake(t)
	_, rec := open(t, f)
	mark := rec.Mark()
	if err := f.down(); err != nil {
		t.Fatal(err)
	}
	_ = fakeWorld{f}.do(func() { f.note(noteAlarm, `{"alarmCode":5}`) })
	if err := f.up(); err != nil {
		t.Fatal(err)
	}
	rec.Await(t, patience, mark, "how the lock stands", isLocked)
	if err := (fakeWorld{f}).KeypadUnlock("", 3); err != nil {
		t.Fatal(err)
	}
	awaitChanges(t, rec, mark, driver.Report{Kind: sashlock.DeviceOffline}, driver.Report{Kind: sashlock.DeviceOnline},
		unlocked(driver.Report{Method: sashlock.ByKeypad, Slot: 3}))
}

// TestAnotherFabricsOrder is not taken for the order that waits.
func TestAnotherFabricsOrder(t *testing.T) {
	f := newFake(t)
	s, rec := open(t, f)
	mark := rec.Mark()
	_ = fakeWorld{f}.do(func() { f.stuck = true })
	s.pace.reread = time.Minute // no reading comes between
	if err := s.Operate(t.Context(), driver.Order{Command: "act_1", Address: theLock, Verb: sashlock.DoUnlock}); err != nil {
		t.Fatal(err)
	}
	_ = fakeWorld{f}.do(func() {
		f.note(noteOperation, `{"lockOperationType":1,"operationSource":7,"fabricIndex":2}`)
		f.note(noteOperation, `{"lockOperationType":0,"operationSource":1}`)
		f.note(noteOperation, `{"lockOperationType":1,"operationSource":7,"fabricIndex":1}`)
	})
	awaitChanges(t, rec, mark, unlocked(driver.Report{Method: sashlock.ByRemote}), locked(driver.Report{Method: sashlock.ByHand}),
		unlocked(driver.Report{Method: sashlock.ByRemote, Command: "act_1"}))
}

// TestEchoIsNotNews: orders that were confirmed by reading are not told again when
// their events come late, even after the next order.
func TestEchoIsNotNews(t *testing.T) {
	f := newFake(t)
	s, rec := open(t, f)
	mark := rec.Mark()
	_ = fakeWorld{f}.do(func() { f.quiet = true })
	var want []driver.Report
	for _, o := range []driver.Order{
		{Command: "act_1", Address: theLock, Verb: sashlock.DoUnlock}, {Command: "act_2", Address: theLock, Verb: sashlock.DoLock},
	} {
		if err := s.Operate(t.Context(), o); err != nil {
			t.Fatal(err)
		}
		r := driver.Report{Method: sashlock.ByRemote, Command: o.Command}
		if o.Verb == sashlock.DoLock {
			want = append(want, locked(r))
		} else {
			want = append(want, unlocked(r))
		}
		awaitChanges(t, rec, mark, want...)
	}
	_ = fakeWorld{f}.do(func() {
		f.note(noteOperation, `{"lockOperationType":1,"operationSource":7,"fabricIndex":1}`)
		f.note(noteOperation, `{"lockOperationType":0,"operationSource":7,"fabricIndex":1}`)
		f.note(noteAlarm, `{"alarmCode":5}`)
	})
	awaitChanges(t, rec, mark, append(want, driver.Report{Kind: sashlock.DeviceTampered})...)
}

// TestAnAnswerDoesNotOvertake: a contact answers that it is closed, and opens; both
// wait here for the sink. In whatever order they are taken up then, it is told
// to be open at the end.
func TestAnAnswerDoesNotOvertake(t *testing.T) {
	f := newFake(t)
	s, rec := open(t, f)
	world := fakeWorld{f}
	doors := func(since int) []driver.Report {
		return rec.Reports(since, func(r driver.Report) bool { return r.Address == theContact && r.Kind != sashlock.DeviceOnline })
	}
	for range 20 {
		mark := rec.Mark()
		rec.Hold()
		var before int
		_ = world.do(func() { before = f.reads; f.note(noteAlarm, `{"alarmCode":5}`) })
		if !rec.Until(patience, func() bool { return rec.Waiting() > 0 }) {
			t.Fatal("the sink was not called")
		}
		read := make(chan error, 1)
		go func() { read <- s.Read(t.Context(), theContact) }()
		answered := func() (yes bool) { _ = world.do(func() { yes = f.reads > before }); return yes }
		if !rec.Until(patience, answered) {
			t.Fatal("the contact was not asked")
		}
		_ = world.OpenDoor(theContact)
		rec.Resume()
		if err := <-read; err != nil {
			t.Fatal(err)
		}
		rec.Await(t, patience, mark, "that it opened", func(r driver.Report) bool { return r.Kind == sashlock.OpeningOpened })
		if all := doors(mark); all[len(all)-1].Kind != sashlock.OpeningOpened {
			t.Fatalf("told at the end that it is closed: %+v", all)
		}
		mark = rec.Mark()
		_ = world.CloseDoor(theContact)
		rec.Await(t, patience, mark, "that it closed", func(r driver.Report) bool { return r.Kind == sashlock.OpeningClosed })
	}
}

// TestNoOrderIsKept: a server that keeps orders for a lock that is away gets
// none for one that does not answer.
func TestNoOrderIsKept(t *testing.T) {
	f := newFake(t)
	f.sdk, f.keeps = "matter-server/1.3.3", true
	s, rec := open(t, f)
	mark := rec.Mark()
	_ = fakeWorld{f}.do(func() { f.dead = true }) // the server has not noticed yet
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	err := s.Operate(ctx, driver.Order{Command: "act_1", Address: theLock, Verb: sashlock.DoUnlock})
	if !sashlock.IsKind(err, sashlock.Unavailable) {
		t.Errorf("a lock that does not answer: %v, want kind unavailable", err)
	}
	rec.Await(t, patience, mark, "that it is off the air", func(r driver.Report) bool {
		return r == driver.Report{Address: theLock, Kind: sashlock.DeviceOffline}
	})
	_ = fakeWorld{f}.do(func() {
		f.dead = false
		if f.kept != nil {
			t.Error("the order was sent, and is kept")
		}
	})
	rec.Await(t, patience, mark, "that it is back", func(r driver.Report) bool {
		return r == driver.Report{Address: theLock, Kind: sashlock.DeviceOnline}
	})
	noUnlock(t, rec, mark)
}

// TestRelease releases locks that lock again by themselves in one way or the
// other, and none that does not.
func TestRelease(t *testing.T) {
	for _, test := range []struct {
		name     string
		commands []any // AcceptedCommandList
		relock   float64
		want     []string
	}{
		{"with a time", []any{0.0, 1.0, 3.0}, 0, []string{"UnlockWithTimeout"}},
		{"set to lock again", []any{0.0, 1.0}, 30, []string{"write 1/257/35=2", "UnlockDoor"}},
		{"set to lock again in just that time", []any{0.0, 1.0}, 2, []string{"UnlockDoor"}},
		{"not by itself", []any{0.0, 1.0}, 0, nil},
	} {
		t.Run(test.name, func(t *testing.T) {
			f := newFake(t)
			all := f.node["attributes"].(map[string]any)
			all["1/257/65529"], all["1/257/35"] = test.commands, test.relock
			s, _ := open(t, f)
			err := s.Operate(t.Context(), driver.Order{Command: "act_1", Address: theLock, Verb: sashlock.DoRelease, For: 1500 * time.Millisecond})
			if (err == nil) != (test.want != nil) || err != nil && !sashlock.IsKind(err, sashlock.Denied) {
				t.Errorf("release: %v", err)
			}
			_ = fakeWorld{f}.do(func() {
				if !slices.Equal(f.commands, test.want) {
					t.Errorf("the lock was told %q, want %q", f.commands, test.want)
				}
			})
		})
	}
}

// TestBridgedLock is named by its bridge, powered by a battery elsewhere, and
// offline when the bridge says so. A lock that wants a PIN is not moved.
func TestBridgedLock(t *testing.T) {
	f := newFake(t)
	all := f.node["attributes"].(map[string]any)
	for at, now := range map[string]any{
		"1/57/1": "Aqara", "1/57/3": "U200", "1/57/5": "Back door", "1/57/10": "4.2", "1/57/17": true, "1/257/51": true,
		"4/47/12": 120.0, "4/47/31": []any{1.0},
	} {
		all[at] = now
	}
	delete(all, "1/47/12")
	s, rec := open(t, f)
	want := driver.Discovery{
		Address: theLock, Name: "Back door", Maker: "Aqara", Model: "U200", Firmware: "4.2", Security: "Matter, with certificates",
		Capabilities: []sashlock.Capability{
			sashlock.TellsLock, sashlock.TellsJam, sashlock.TellsPosition, sashlock.TellsWho, sashlock.TellsTamper, sashlock.TellsBattery,
			sashlock.HasCodes, sashlock.SecureLink,
		},
	}
	if diff := cmp.Diff(want, rec.Devices()[theLock]); diff != "" {
		t.Errorf("discovery (-want +got):\n%s", diff)
	}
	err := s.Operate(t.Context(), driver.Order{Command: "act_1", Address: theLock, Verb: sashlock.DoUnlock})
	if !sashlock.IsKind(err, sashlock.Denied) {
		t.Errorf("a lock that wants a PIN: %v, want kind denied", err)
	}
	rec.Await(t, patience, 0, "the battery", func(r driver.Report) bool {
		return r == driver.Report{Address: theLock, Kind: sashlock.BatteryReported, Level: 60, State: true}
	})
	mark := rec.Mark()
	_ = fakeWorld{f}.do(func() { f.set("1/57/17", false) })
	awaitChanges(t, rec, mark, driver.Report{Kind: sashlock.DeviceOffline})
	if err := s.Read(t.Context(), theLock); !sashlock.IsKind(err, sashlock.Unavailable) {
		t.Errorf("reading what the bridge cannot reach: %v", err)
	}
	_ = fakeWorld{f}.do(func() { f.set("1/57/17", true) })
	awaitChanges(t, rec, mark, driver.Report{Kind: sashlock.DeviceOffline}, driver.Report{Kind: sashlock.DeviceOnline})
}

// TestNodesComeAndGo removes the node and adds it again.
func TestNodesComeAndGo(t *testing.T) {
	f := newFake(t)
	s, rec := open(t, f)
	mark := rec.Mark()
	_ = fakeWorld{f}.do(func() { f.tell(`{"event":"node_removed","data":1}`) })
	rec.Await(t, patience, mark, "its going", func(r driver.Report) bool { return r == driver.Report{Address: theLock, Kind: sashlock.DeviceOffline} })
	if err := s.Read(t.Context(), theLock); !sashlock.IsKind(err, sashlock.NotFound) {
		t.Errorf("reading a lock that was removed: %v", err)
	}
	mark = rec.Mark()
	_ = fakeWorld{f}.do(f.update)
	rec.Await(t, patience, mark, "how it stands", isLocked)
}
