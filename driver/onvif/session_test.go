// SPDX-License-Identifier: Apache-2.0

package onvif

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
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
	p.reread, p.confirm = 20*time.Millisecond, 2*time.Second
	p.Min, p.Max = 5*time.Millisecond, 20*time.Millisecond
	return &Driver{pace: p}
}

func configFor(url string) json.RawMessage {
	text, _ := json.Marshal(Config{URL: url, User: testUser, PasswordEnv: "SASHLOCK_TEST_ONVIF"})
	return text
}

// TestConformance runs the suite of every driver against the emulated
// controller, signed in by either digest.
func TestConformance(t *testing.T) {
	for _, realm := range []string{"", "doors"} {
		t.Run("realm "+realm, func(t *testing.T) {
			drivertest.Run(t, drivertest.Harness{
				Driver: quick(),
				New: func(t *testing.T) drivertest.Stage {
					f := newFake(t)
					f.realm = realm
					return drivertest.Stage{
						Config: configFor(f.url()), World: fakeWorld{f}, Lock: "d1", Contact: "d1", PINs: []string{testPassword},
						Expected: []drivertest.Expected{
							{Address: "d1", Capabilities: []sashlock.Capability{
								sashlock.CanRelease, sashlock.CanUnlock, sashlock.CanLock, sashlock.TellsLock, sashlock.TellsJam,
								sashlock.TellsPosition, sashlock.TellsTamper,
							}},
							{Address: "d2", Capabilities: []sashlock.Capability{sashlock.CanRelease}},
						},
					}
				},
				Bad: badConfigs(), Patience: patience, Burst: 200,
			})
		})
	}
}

func badConfigs() []drivertest.BadConfig {
	bad := func(name, field, config string) drivertest.BadConfig {
		return drivertest.BadConfig{Name: name, Field: field, Config: json.RawMessage(config)}
	}
	return []drivertest.BadConfig{
		bad("no address", "url", `{}`), bad("another scheme", "url", `{"url":"rtsp://10.0.0.1"}`), bad("no host", "url", `{"url":"http://"}`),
		bad("a password in it", "url", `{"url":"http://me:secret@10.0.0.1"}`), bad("a number", "url", `{"url":80}`),
		bad("a password of nobody", "user", `{"url":"http://10.0.0.1","password_env":"X"}`),
		bad("two passwords", "password_env", `{"url":"http://10.0.0.1","user":"a","password_env":"X","password_file":"/x"}`),
		bad("a file somewhere", "password_file", `{"url":"http://10.0.0.1","user":"a","password_file":"x"}`),
		bad("an authority without TLS", "ca_file", `{"url":"http://10.0.0.1","ca_file":"/x"}`),
	}
}

// open opens a session on a fake and waits until the door has been read.
func open(t *testing.T, f *fake) (*session, *drivertest.Recorder) {
	t.Helper()
	rec := drivertest.NewRecorder()
	s, err := quick().Open(t.Context(), configFor(f.url()), rec)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	rec.Await(t, patience, 0, "how the bolt stands", func(r driver.Report) bool {
		return r.Address == "d1" && r.State && r.Kind == sashlock.LockLocked
	})
	return s.(*session), rec
}

// awaitChanges waits until this was told and nothing else, but for statements.
func awaitChanges(t *testing.T, rec *drivertest.Recorder, since int, want ...driver.Report) {
	t.Helper()
	changes := func() []driver.Report { return rec.Reports(since, func(r driver.Report) bool { return !r.State }) }
	if !rec.Until(patience, func() bool { return len(changes()) >= len(want) }) {
		t.Fatalf("heard only:\n%s", rec.Text(since))
	}
	if diff := cmp.Diff(want, changes(), cmpopts.IgnoreFields(driver.Report{}, "At")); diff != "" {
		t.Errorf("what was told (-want +got):\n%s", diff)
	}
}

// TestDiscovery compares all that is said about the doors.
func TestDiscovery(t *testing.T) {
	_, rec := open(t, newFake(t))
	const weak = "Anybody in the network between can change orders and what the controller says: use https."
	want := map[string]driver.Discovery{
		"d1": {Address: "d1", Name: "Cage", Maker: "Emulated", Model: "AC-2", Firmware: "1.4", Security: "digest over clear text", Weak: weak,
			Capabilities: []sashlock.Capability{sashlock.CanRelease, sashlock.CanUnlock, sashlock.CanLock, sashlock.TellsLock, sashlock.TellsJam, sashlock.TellsPosition, sashlock.TellsTamper}},
		"d2": {Address: "d2", Name: "Gate", Maker: "Emulated", Model: "AC-2", Firmware: "1.4", Security: "digest over clear text", Weak: weak,
			Capabilities: []sashlock.Capability{sashlock.CanRelease}},
	}
	if diff := cmp.Diff(want, rec.Devices()); diff != "" {
		t.Errorf("discovery (-want +got):\n%s", diff)
	}
}

// TestOrdersAreConfirmed by the bolt's monitor: by its event, or by reading
// where that is lost.
func TestOrdersAreConfirmed(t *testing.T) {
	for _, mute := range []bool{false, true} {
		f := newFake(t)
		s, rec := open(t, f)
		mark := rec.Mark()
		_ = fakeWorld{f}.do(func() { f.mute = mute })
		if err := s.Operate(t.Context(), driver.Order{Command: "act_1", Address: "d1", Verb: sashlock.DoUnlock}); err != nil {
			t.Fatal(err)
		}
		awaitChanges(t, rec, mark, driver.Report{Address: "d1", Kind: sashlock.LockUnlocked, Method: sashlock.ByRemote, Command: "act_1"})
	}
}

// TestEventsAfterTheNextOrder: of orders that were confirmed by reading the events
// come at the end. They are no news.
func TestEventsAfterTheNextOrder(t *testing.T) {
	f := newFake(t)
	s, rec := open(t, f)
	mark := rec.Mark()
	_ = fakeWorld{f}.do(func() { f.mute = true })
	var want []driver.Report
	for i, verb := range []sashlock.Verb{sashlock.DoUnlock, sashlock.DoLock, sashlock.DoUnlock, sashlock.DoLock} {
		r := driver.Report{Address: "d1", Kind: sashlock.LockUnlocked, Method: sashlock.ByRemote, Command: sashlock.CommandID(fmt.Sprint("act_", i))}
		if verb == sashlock.DoLock {
			r.Kind = sashlock.LockLocked
		}
		if err := s.Operate(t.Context(), driver.Order{Command: r.Command, Address: "d1", Verb: verb}); err != nil {
			t.Fatal(err)
		}
		want = append(want, r)
		awaitChanges(t, rec, mark, want...)
	}
	_ = fakeWorld{f}.do(func() {
		f.mute = false
		for _, state := range []string{"Unlocked", "Locked", "Unlocked", "Locked"} {
			f.turn(state)
		}
		f.tell("Door/State/DoorPhysicalState", `Name="DoorToken" Value="d1"`, `Name="State" Value="Open"`, "Changed")
	})
	awaitChanges(t, rec, mark, append(want, driver.Report{Address: "d1", Kind: sashlock.OpeningOpened})...)
}

// TestModeIsNotTheBolt: a controller says that the door's mode is unlocked, and
// the bolt has not moved. A door without a monitor says nothing of its bolt.
func TestModeIsNotTheBolt(t *testing.T) {
	f := newFake(t)
	s, rec := open(t, f)
	mark := rec.Mark()
	_ = fakeWorld{f}.do(func() { f.stuck = true })
	for _, o := range []driver.Order{
		{Command: "act_1", Address: "d1", Verb: sashlock.DoUnlock},
		{Command: "act_2", Address: "d2", Verb: sashlock.DoRelease, For: time.Second},
	} {
		if err := s.Operate(t.Context(), o); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.Operate(t.Context(), driver.Order{Address: "d2", Verb: sashlock.DoUnlock}); !sashlock.IsKind(err, sashlock.Denied) {
		t.Errorf("what the door cannot: %v, want kind denied", err)
	}
	before := f.said("GetDoorState")
	rec.Until(patience, func() bool { return f.said("GetDoorState") > before+2 })
	if err := s.Read(t.Context(), "d1"); err != nil {
		t.Fatal(err)
	}
	awaitChanges(t, rec, mark)
}

// TestWhoWasThere: a credential that was granted explains the bolt, one that was
// denied is told, and nobody's name is.
func TestWhoWasThere(t *testing.T) {
	f := newFake(t)
	_, rec := open(t, f)
	mark := rec.Mark()
	_ = fakeWorld{f}.do(func() {
		f.turn("Unlocked") // in the same answer, before what explains it
		f.tell("AccessControl/AccessGranted/Credential", `Name="AccessPointToken" Value="ap1"`, `Name="CredentialToken" Value="c1"`, "Changed")
	})
	granted := driver.Report{Address: "d1", Kind: sashlock.LockUnlocked, Method: sashlock.ByUnknown}
	awaitChanges(t, rec, mark, granted)
	_ = fakeWorld{f}.do(func() {
		f.turn("Locked")
		f.tell("AccessControl/Denied/CredentialNotFound/Card", `Name="AccessPointToken" Value="ap1"`, `Name="Card" Value="12345"`, "Changed")
		f.tell("AccessControl/Denied/Credential", `Name="AccessPointToken" Value="elsewhere"`, `Name="Reason" Value="x"`, "Changed")
		f.tell("Device/HardwareFailure", `Name="Token" Value="d1"`, `Name="Failed" Value="true"`, "Changed")
	})
	awaitChanges(t, rec, mark, granted, driver.Report{Address: "d1", Kind: sashlock.LockLocked},
		driver.Report{Address: "d1", Kind: sashlock.CodeRefused, Method: sashlock.ByUnknown})
	for _, secret := range []string{"Ana", "12345", testPassword} {
		if strings.Contains(rec.Text(0), secret) {
			t.Errorf("%q was told:\n%s", secret, rec.Text(0))
		}
	}
}

// TestOddControllers have another clock, no filter for events, and call
// themselves by a name that leads elsewhere.
func TestOddControllers(t *testing.T) {
	for name, odd := range map[string]func(f *fake){
		"clock":  func(f *fake) { f.ahead = -40 * 24 * time.Hour },
		"filter": func(f *fake) { f.noFilter = true },
		"name":   func(f *fake) { f.host = "collector.example:8080" },
	} {
		t.Run(name, func(t *testing.T) {
			f := newFake(t)
			odd(f)
			_, rec := open(t, f)
			mark := rec.Mark()
			if err := (fakeWorld{f}).OperateByHand("d1", sashlock.DoUnlock); err != nil {
				t.Fatal(err)
			}
			awaitChanges(t, rec, mark, driver.Report{Address: "d1", Kind: sashlock.LockUnlocked})
		})
	}
}

// TestWrongPassword is said, and nothing of the password.
func TestWrongPassword(t *testing.T) {
	f := newFake(t)
	t.Setenv("SASHLOCK_TEST_ONVIF", "another-secret")
	rec := drivertest.NewRecorder()
	s, err := quick().Open(t.Context(), configFor(f.url()), rec)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = s.Close() }()
	if !rec.Until(patience, func() bool { return strings.Contains(rec.Text(0), "password are right") }) {
		t.Fatalf("heard:\n%s", rec.Text(0))
	}
	if strings.Contains(rec.Text(0), "another-secret") || len(rec.Devices()) > 0 {
		t.Errorf("heard:\n%s", rec.Text(0))
	}
}

// TestNothingIsSentLate: an order whose time was over before it was sent does
// not reach the controller.
func TestNothingIsSentLate(t *testing.T) {
	f := newFake(t)
	s, _ := open(t, f)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	err := s.Operate(ctx, driver.Order{Command: "act_1", Address: "d1", Verb: sashlock.DoUnlock})
	if !sashlock.IsKind(err, sashlock.Unavailable) || f.said("UnlockDoor") != 0 {
		t.Errorf("%v, and the controller was told %d times", err, f.said("UnlockDoor"))
	}
}
