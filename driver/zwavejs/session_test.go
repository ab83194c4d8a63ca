// SPDX-License-Identifier: Apache-2.0

package zwavejs

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/driver"
	"github.com/sashlock/sashlock/driver/drivertest"
)

const patience = 20 * time.Second

// quick is a driver that does not let a test wait.
func quick() *Driver {
	p := usualPace()
	p.settle, p.reread, p.confirm = 20*time.Millisecond, 20*time.Millisecond, 2*time.Second
	p.Min, p.Max = 5*time.Millisecond, 20*time.Millisecond
	return &Driver{pace: p}
}

// TestConformance runs the suite of every driver against the fake, for a lock
// without encryption and for one with S2 and Supervision.
func TestConformance(t *testing.T) {
	t.Parallel()
	for _, address := range []string{"2", "3"} {
		t.Run("node"+address, func(t *testing.T) {
			drivertest.Run(t, drivertest.Harness{
				Driver: quick(),
				New: func(t *testing.T) drivertest.Stage {
					f := newFake(t)
					return drivertest.Stage{
						Config: configFor(f.url()), World: fakeWorld{f}, Lock: address, Contact: address, Slot: 3, PINs: []string{testPIN},
						Expected: []drivertest.Expected{
							{Address: "2", Capabilities: plainLock()}, {Address: "3", Capabilities: secureLock()}, {Address: "4", Capabilities: plainLock()},
						},
					}
				},
				Bad: badConfigs(), Patience: patience, Burst: 200,
			})
		})
	}
}

// open opens a session on a fake and waits until all three locks have been read.
func open(t *testing.T, f *fake) (*session, *drivertest.Recorder) {
	t.Helper()
	rec := drivertest.NewRecorder()
	s, err := quick().Open(t.Context(), configFor(f.url()), rec)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	awaitRead(t, rec, 0)
	return s.(*session), rec
}

func awaitRead(t *testing.T, rec *drivertest.Recorder, since int) {
	t.Helper()
	for _, address := range []string{"2", "3", "4"} {
		rec.Await(t, patience, since, "how "+address+" stands", func(r driver.Report) bool {
			return r.Address == address && r.State && (r.Kind == sashlock.LockLocked || r.Kind == sashlock.LockUnlocked)
		})
	}
}

// TestDiscovery compares all that is said about the recorded network.
func TestDiscovery(t *testing.T) {
	_, rec := open(t, newFake(t))
	devices := rec.Devices()
	want := map[string]driver.Discovery{
		"2": {Address: "2", Maker: "Kwikset", Model: "916", Firmware: "3.3", Security: "none",
			Weak: "Anybody in reach of the radio can forge commands to this lock: include it again with S2.", Capabilities: plainLock()},
		"3": {Address: "3", Maker: "Yale", Model: "YRD226 / YRC226 / YRC246 / YRD256 / YRC256 / YRD446", Firmware: "3.3",
			Security: "S2 access control", Capabilities: secureLock()},
		"4": {Address: "4", Maker: "Allegion", Model: "BE469", Firmware: "3.3", Security: "none",
			Weak: "Anybody in reach of the radio can forge commands to this lock: include it again with S2.", Capabilities: plainLock()},
	}
	if diff := cmp.Diff(want, devices); diff != "" {
		t.Errorf("devices (-want +got):\n%s", diff)
	}
}

// TestTranscriptsReports plays recorded events and compares what the sink is
// told.
func TestTranscriptsReports(t *testing.T) {
	for _, name := range []string{"people", "sensors", "dead"} {
		t.Run(name, func(t *testing.T) {
			f := newFake(t)
			_, rec := open(t, f)
			mark := rec.Mark()
			var b strings.Builder
			for _, l := range transcript(t, name) {
				switch {
				case l.direction == '#':
					fmt.Fprintf(&b, "# %s\n", l.text)
				case l.direction == '<' && strings.Contains(l.text, `"type":"event"`):
					f.play(l.text)
				}
			}
			f.play(note(4, typeAccess, 9, 0)) // the last word: none of the transcripts has it
			rec.Await(t, patience, mark, "the last word", func(r driver.Report) bool {
				return r.Address == "4" && r.Method == sashlock.BySelf
			})
			for _, r := range rec.Reports(mark, func(r driver.Report) bool {
				// A reading falls where it may.
				return !r.State || r.Kind != sashlock.LockLocked && r.Kind != sashlock.LockUnlocked && r.Kind != sashlock.OpeningClosed
			}) {
				fmt.Fprintf(&b, "%s %s %s slot=%d level=%d state=%t\n", r.Address, r.Kind, r.Method, r.Slot, r.Level, r.State)
			}
			golden(t, name+".reports", b.String())
		})
	}
}

// TestOptimism plays what Z-Wave JS says by itself after somebody else's order:
// the mode changes, the bolt does not. Nothing may be told of it.
func TestOptimism(t *testing.T) {
	f := newFake(t)
	_, rec := open(t, f)
	mark := rec.Mark()
	f.mu.Lock()
	before := f.asked["endpoint.invoke_cc_api get"]
	f.mu.Unlock()
	f.play(lockValue(2, "targetMode", 0), lockValue(2, "currentMode", 0))
	if !rec.Until(patience, func() bool {
		f.mu.Lock()
		defer f.mu.Unlock()
		return f.asked["endpoint.invoke_cc_api get"] > before
	}) {
		t.Fatal("the lock was not read")
	}
	f.play(note(2, typeAccess, 9, 0))
	rec.Await(t, patience, mark, "the last word", func(r driver.Report) bool { return r.Method == sashlock.BySelf })
	if told := rec.Reports(mark, func(r driver.Report) bool { return r.Kind == sashlock.LockUnlocked }); len(told) > 0 {
		t.Errorf("told of an unlock that was not:\n%s", rec.Text(mark))
	}
}

// TestSilentLock moves a lock that sends no notification: reading finds it out.
func TestSilentLock(t *testing.T) {
	f := newFake(t)
	_, rec := open(t, f)
	mark := rec.Mark()
	f.move(4, modeUnsecured, 0, 0)
	r := rec.Await(t, patience, mark, "that it was unlocked", func(r driver.Report) bool { return r.Kind == sashlock.LockUnlocked })
	if want := (driver.Report{Address: "4", Kind: sashlock.LockUnlocked}); r != want {
		t.Errorf("told %+v, want %+v", r, want)
	}
}

// TestAwayFromTheStart: it is said once that the gateway is away, however often
// it is tried, and then that it came.
func TestAwayFromTheStart(t *testing.T) {
	f := newFake(t)
	if err := f.down(); err != nil {
		t.Fatal(err)
	}
	rec := drivertest.NewRecorder()
	s, err := quick().Open(t.Context(), configFor(f.url()), rec)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if !rec.Until(patience, func() bool { f.mu.Lock(); defer f.mu.Unlock(); return f.refused >= 3 }) {
		t.Fatal("it was not tried three times")
	}
	all := rec.All()
	if len(all) != 1 || all[0].Up || all[0].Why == "" {
		t.Errorf("told while it was away:\n%s", rec.Text(0))
	}
	if err := f.up(); err != nil {
		t.Fatal(err)
	}
	awaitRead(t, rec, 0)
}

func operate(t *testing.T, s *session, address string, verb sashlock.Verb, id sashlock.CommandID) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	if err := s.Operate(ctx, driver.Order{Command: id, Address: address, Verb: verb, For: time.Second}); err != nil {
		t.Fatal(err)
	}
}

// TestSomebodyElsesOrder: another program's order is told as remote, and is
// nobody's command here.
func TestSomebodyElsesOrder(t *testing.T) {
	f := newFake(t)
	_, rec := open(t, f)
	mark := rec.Mark()
	f.move(2, modeUnsecured, 4, 0)
	r := rec.Await(t, patience, mark, "the lock's word", func(r driver.Report) bool { return r.Kind == sashlock.LockUnlocked })
	if want := (driver.Report{Address: "2", Kind: sashlock.LockUnlocked, Method: sashlock.ByRemote}); r != want {
		t.Errorf("told %+v, want %+v", r, want)
	}
}

// TestJam: the supervised lock refuses the order, the other one takes it and
// says later that it is jammed.
func TestJam(t *testing.T) {
	f := newFake(t)
	s, rec := open(t, f)
	f.mu.Lock()
	f.locks[2].jammed, f.locks[3].jammed = true, true
	f.mu.Unlock()
	mark := rec.Mark()
	operate(t, s, "2", sashlock.DoUnlock, "act_1")
	r := rec.Await(t, patience, mark, "the jam", func(r driver.Report) bool { return r.Kind == sashlock.LockWasJammed })
	if want := (driver.Report{Address: "2", Kind: sashlock.LockWasJammed, Method: sashlock.ByRemote, Command: "act_1"}); r != want {
		t.Errorf("told %+v, want %+v", r, want)
	}
	err := s.Operate(t.Context(), driver.Order{Command: "act_2", Address: "3", Verb: sashlock.DoUnlock})
	if !sashlock.IsKind(err, sashlock.Denied) {
		t.Errorf("the supervised lock: %v, want kind denied", err)
	}
	rec.Await(t, patience, mark, "the other jam", func(r driver.Report) bool { return r.Address == "3" && r.Kind == sashlock.LockWasJammed })
	if told := rec.Reports(mark, func(r driver.Report) bool { return r.Kind == sashlock.LockUnlocked }); len(told) > 0 {
		t.Errorf("told of an unlock that was not:\n%s", rec.Text(mark))
	}
}

// TestNothingIsQueuedForASleeper: Z-Wave JS would carry the order out when the
// lock wakes up.
func TestNothingIsQueuedForASleeper(t *testing.T) {
	f := newFake(t)
	s, rec := open(t, f)
	f.play(life(2, "sleep"), note(2, typeAccess, 9, 0))
	rec.Await(t, patience, 0, "the last word", func(r driver.Report) bool { return r.Method == sashlock.BySelf })
	err := s.Operate(t.Context(), driver.Order{Command: "act_1", Address: "2", Verb: sashlock.DoUnlock})
	if !sashlock.IsKind(err, sashlock.Unavailable) {
		t.Errorf("%v, want kind unavailable", err)
	}
	if f.asked["node.set_value"] > 0 {
		t.Error("the order was sent all the same")
	}
}

// TestReleaseKeepsTheConfiguration: only the time and the type of operation may
// change.
func TestReleaseKeepsTheConfiguration(t *testing.T) {
	t.Parallel()
	f := newFake(t)
	var sent []string
	f.handle = func(r request) (string, bool) {
		switch r.Method {
		case "getConfiguration":
			return success(r, `{"response":{"operationType":1,"autoRelockTime":30,"twistAssist":true}}`), true
		case "setConfiguration":
			text, _ := json.Marshal((*r.Args)[0])
			sent = append(sent, string(text))
		}
		return "", false
	}
	s, rec := open(t, f)
	for i := range 2 { // the second release needs no configuring
		mark := rec.Mark()
		operate(t, s, "2", sashlock.DoRelease, sashlock.CommandID(fmt.Sprint("act_", i)))
		rec.Await(t, patience, mark, "that it locked again", func(r driver.Report) bool {
			return r.Kind == sashlock.LockLocked && r.Method == sashlock.BySelf
		})
	}
	want := []string{`{"autoRelockTime":30,"lockTimeoutConfiguration":1,"operationType":2,"twistAssist":true}`}
	if diff := cmp.Diff(want, sent); diff != "" {
		t.Errorf("configurations (-want +sent):\n%s", diff)
	}
}

func TestCodes(t *testing.T) {
	s, _ := open(t, newFake(t))
	codes, err := s.Codes(t.Context(), "2")
	if err != nil {
		t.Fatal(err)
	}
	var want []driver.Code
	for slot := 1; slot <= 10; slot++ {
		want = append(want, driver.Code{Slot: slot, InUse: slot == 3, Enabled: slot == 3})
	}
	if diff := cmp.Diff(want, codes); diff != "" {
		t.Errorf("codes (-want +got):\n%s", diff)
	}
}

// TestGatewayGoes: each device goes offline with the gateway, comes back with
// it and is read again.
func TestGatewayGoes(t *testing.T) {
	f := newFake(t)
	_, rec := open(t, f)
	mark := rec.Mark()
	if err := f.down(); err != nil {
		t.Fatal(err)
	}
	for _, address := range []string{"2", "3", "4"} {
		r := rec.Await(t, patience, mark, address+" going offline", func(r driver.Report) bool {
			return r.Address == address && r.Kind == sashlock.DeviceOffline
		})
		if r.State {
			t.Errorf("%s went offline, and it was told as a statement", address)
		}
	}
	mark = rec.Mark()
	f.mu.Lock()
	f.locks[4].mode, f.locks[3].dead = modeUnsecured, true
	f.mu.Unlock()
	if err := f.up(); err != nil {
		t.Fatal(err)
	}
	rec.Await(t, patience, mark, "that 4 was unlocked meanwhile", func(r driver.Report) bool {
		return r.Address == "4" && r.Kind == sashlock.LockUnlocked && r.State
	})
	online := rec.Reports(mark, func(r driver.Report) bool { return r.Kind == sashlock.DeviceOnline })
	want := []driver.Report{{Address: "2", Kind: sashlock.DeviceOnline}, {Address: "4", Kind: sashlock.DeviceOnline}}
	if diff := cmp.Diff(want, online); diff != "" {
		t.Errorf("online (-want +got): 3 was dead\n%s", diff)
	}
}

// TestRestartedDriver: after Z-Wave JS has built its network anew all is read
// again.
func TestRestartedDriver(t *testing.T) {
	f := newFake(t)
	_, rec := open(t, f)
	mark := rec.Mark()
	f.play(`{"type":"event","event":{"source":"driver","event":"driver ready"}}`)
	awaitRead(t, rec, mark)
}

// TestFirstPosition: what a door lock says of its door when it is first read is no
// opening and no closing; what it says later is.
func TestFirstPosition(t *testing.T) {
	f := newFake(t)
	_, rec := open(t, f)
	if told := rec.Reports(0, func(r driver.Report) bool { return !r.State }); len(told) > 0 {
		t.Errorf("told as happenings: %+v", told)
	}
	mark := rec.Mark()
	f.play(lockValue(2, "doorStatus", "open"))
	r := rec.Await(t, patience, mark, "that the door opened", func(r driver.Report) bool { return r.Kind == sashlock.OpeningOpened })
	if r.State {
		t.Error("the door was opened, and told as one that stood open")
	}
}

// TestNewNode: a lock whose interview is complete is found, one removed goes
// offline.
func TestNewNode(t *testing.T) {
	f := newFake(t)
	s, rec := open(t, f)
	f.mu.Lock()
	f.locks[9] = newFakeLock(false)
	f.mu.Unlock()
	mark := rec.Mark()
	f.play(`{"type":"event","event":{"source":"node","event":"ready","nodeId":9,"nodeState":{"nodeId":9,"status":4,"ready":true,"isListening":true,"highestSecurityClass":7,"manufacturerId":1,"productType":2,"productId":3,"endpoints":[{"index":0,"commandClasses":[{"id":98,"version":2,"isSecure":true}]}],"values":[{"endpoint":0,"commandClass":98,"property":"doorStatus","value":"open"}]}}}`)
	rec.Await(t, patience, mark, "the new lock", func(r driver.Report) bool { return r.Address == "9" && r.Kind == sashlock.LockLocked })
	want := driver.Discovery{
		Address: "9", Maker: "maker 0x0001", Model: "product 0x0002:0x0003", Security: "S0",
		Weak:         "Its key was sent under a key that everybody knows when it was included: prefer a lock with S2.",
		Capabilities: []sashlock.Capability{sashlock.CanUnlock, sashlock.CanLock, sashlock.TellsLock},
	}
	if diff := cmp.Diff(want, rec.Devices()["9"]); diff != "" {
		t.Errorf("the new lock (-want +got):\n%s", diff)
	}
	if told := rec.Reports(mark, func(r driver.Report) bool { return r.Kind == sashlock.OpeningOpened }); len(told) > 0 {
		t.Error("a lock of version 2 was believed about its door")
	}
	f.play(`{"type":"event","event":{"source":"controller","event":"node removed","node":{"nodeId":9},"reason":0}}`)
	rec.Await(t, patience, mark, "that it is gone", func(r driver.Report) bool { return r.Address == "9" && r.Kind == sashlock.DeviceOffline })
	if err := s.Read(t.Context(), "9"); !sashlock.IsKind(err, sashlock.NotFound) {
		t.Errorf("reading it: %v, want kind not_found", err)
	}
}

func TestSecurity(t *testing.T) {
	for _, test := range []struct {
		class  securityClass
		secure bool
		name   string
		strong bool
	}{
		{s2AccessControl, true, "S2 access control", true}, {s2AccessControl, false, "S2 access control", false},
		{s2Authenticated, true, "S2 authenticated", true}, {s2Open, true, "S2 unauthenticated", false},
		{s0Legacy, true, "S0", false}, {securityNone, false, "none", false}, {securityUntold, false, "unknown", false},
	} {
		n := nodeState{Security: test.class, Classes: []class{{ID: classDoorLock, Secure: test.secure}}}
		if name, weak := security(n, 0); name != test.name || (weak == "") != test.strong {
			t.Errorf("%d, %t: %q, %q", test.class, test.secure, name, weak)
		}
	}
}

// TestClientSurvivesAndGivesUp: a strange event costs nothing, a strange message
// the connection, an old server is named as the cause.
func TestClient(t *testing.T) {
	t.Run("old server", func(t *testing.T) {
		f := newFake(t)
		f.greeting[0] = `{"type":"version","homeId":1,"driverVersion":"9","serverVersion":"1.20.0","minSchemaVersion":0,"maxSchemaVersion":20}`
		_, err := dial(t.Context(), f.url(), nil)
		var e *sashlock.Error
		if !errors.As(err, &e) || e.Kind != sashlock.Unavailable || !strings.Contains(e.Hint, "update") {
			t.Errorf("%v, want an error that says to update", err)
		}
	})
	t.Run("something else", func(t *testing.T) {
		f := newFake(t)
		f.greeting[0] = `SSH-2.0`
		if _, err := dial(t.Context(), f.url(), nil); !errors.Is(err, errSyntax) {
			t.Errorf("%v, want errSyntax", err)
		}
	})
	t.Run("an event of a wrong shape", func(t *testing.T) {
		f := newFake(t)
		s, rec := open(t, f)
		mark := rec.Mark()
		f.play(`{"type":"event","event":{"source":"node","event":"value updated","nodeId":2,"args":7}}`, `{"type":"new"}`, note(2, typeAccess, 9, 0))
		rec.Await(t, patience, mark, "the last word", func(r driver.Report) bool { return r.Method == sashlock.BySelf })
		s.mu.Lock()
		garbled, ignored := s.link.client.Garbled.Load(), s.link.client.Ignored.Load()
		s.mu.Unlock()
		if garbled != 1 || ignored != 1 {
			t.Errorf("%d garbled and %d ignored, want 1 and 1", garbled, ignored)
		}
	})
	t.Run("not JSON", func(t *testing.T) {
		f := newFake(t)
		_, rec := open(t, f)
		mark := rec.Mark()
		f.play("hello")
		awaitRead(t, rec, mark) // it has connected again
	})
	t.Run("no answer", func(t *testing.T) {
		f := newFake(t)
		s, _ := open(t, f)
		f.handle = func(r request) (string, bool) { return `{"type":"result","success":true,"messageId":"999"}`, true }
		ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
		defer cancel()
		if err := s.Operate(ctx, driver.Order{Address: "2", Verb: sashlock.DoLock}); !errors.Is(err, context.DeadlineExceeded) || !sashlock.IsKind(err, sashlock.Unavailable) {
			t.Errorf("%v, want the deadline, of kind unavailable", err)
		}
	})
}
