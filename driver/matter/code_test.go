// SPDX-License-Identifier: Apache-2.0

package matter

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/driver"
	"github.com/sashlock/sashlock/driver/drivertest"
)

// otherPIN is written into slots in tests and may turn up nowhere.
const otherPIN = "4711908"

func pinOf(t *testing.T, digits string) driver.PIN {
	t.Helper()
	pin, err := driver.NewPIN(digits)
	if err != nil {
		t.Fatal(err)
	}
	return pin
}

// TestSlotCommands holds what is sent for slots to the names and numbers of the
// Door Lock cluster.
func TestSlotCommands(t *testing.T) {
	const head = `{"message_id":"7","command":"device_command","args":{"node_id":1,"endpoint_id":1,"cluster_id":257,"command_name":`
	d := &device{node: 1, endpoint: 1}
	for _, test := range []struct {
		name   string
		fields any
		timed  time.Duration
		want   string
	}{
		{"GetUser", userField{4}, 0, `"GetUser","payload":{"userIndex":4},"interaction_timeout_ms":9000}}`},
		{"SetUser", setUserFields{Operation: opAdd, User: 4, Status: userEnabled, Type: new(int), Rule: new(int)}, maxTimed,
			`"SetUser","payload":{"operationType":0,"userIndex":4,"userName":null,"userUniqueId":null,"userStatus":1,"userType":0,"credentialRule":0},"timed_request_timeout_ms":5000,"interaction_timeout_ms":9000}}`},
		{"SetCredential", setCredentialFields{Operation: opModify, Credential: credentialField{credentialPIN, 4}, Data: []byte("1234"), User: 4}, maxTimed,
			`"SetCredential","payload":{"operationType":2,"credential":{"credentialType":1,"credentialIndex":4},"credentialData":"MTIzNA==","userIndex":4,"userStatus":null,"userType":null},"timed_request_timeout_ms":5000,"interaction_timeout_ms":9000}}`},
		{"ClearUser", userField{4}, maxTimed, `"ClearUser","payload":{"userIndex":4},"timed_request_timeout_ms":5000,"interaction_timeout_ms":9000}}`},
	} {
		r := slotCommand(d, test.name, test.fields, 9*time.Second, test.timed)
		r.ID = "7"
		if line, err := encode(r); err != nil || string(line) != head+test.want {
			t.Errorf("%s: %v\n%s", test.name, err, line)
		}
	}
}

// TestCodeOverAnother writes over a PIN; a lock that would not has the user made
// anew. A user of somebody else stays.
func TestCodeOverAnother(t *testing.T) {
	for _, fussy := range []bool{false, true} {
		f := newFake(t)
		f.fussy = fussy
		s, _ := open(t, f)
		if set, err := s.SetCode(t.Context(), theLock, driver.CodeSetting{Slot: 3, PIN: pinOf(t, otherPIN), Disabled: true}); err != nil || !set.Sent || set.Bounded {
			t.Errorf("fussy %t: %+v, %v", fussy, set, err)
		}
		_ = fakeWorld{f}.do(func() {
			if u := f.users[3]; u.pins[3] != otherPIN || u.status != userDisabled {
				t.Errorf("fussy %t: the lock has %+v", fussy, u)
			}
			if all := strings.Join(f.commands, " "); strings.Contains(all, "ClearUser") != fussy {
				t.Errorf("fussy %t: it was told %s", fussy, all)
			}
		})
	}
}

// TestCodeSlots tells slots that are free from those that only seem so.
func TestCodeSlots(t *testing.T) {
	f := newFake(t)
	f.users[5] = &fakeUser{status: userEnabled, creator: 2, cards: 1, pins: map[int]string{}} // a card, made by another controller
	f.users[6] = &fakeUser{status: userEnabled, creator: 2, pins: map[int]string{}}           // begun by another controller
	f.users[7] = &fakeUser{status: userEnabled, creator: 1, pins: map[int]string{}}           // begun by us
	f.users[9] = &fakeUser{status: userEnabled, creator: 2, pins: map[int]string{8: "1357"}}  // has the number of slot 8
	s, _ := open(t, f)
	list, err := s.Codes(t.Context(), theLock)
	if err != nil {
		t.Fatal(err)
	}
	var used []int
	for _, c := range list {
		if c.InUse {
			used = append(used, c.Slot)
		}
	}
	if got := fmt.Sprint(used); got != "[3 5 6 9]" {
		t.Errorf("in use: %s", got)
	}
	for slot, want := range map[int]sashlock.Kind{4: "", 5: sashlock.Conflict, 6: sashlock.Conflict, 7: "", 8: sashlock.Denied, 20: "", 21: sashlock.Limit} {
		_, err := s.SetCode(t.Context(), theLock, driver.CodeSetting{Slot: slot, PIN: pinOf(t, fmt.Sprint(4711900+slot)), Fresh: true})
		if sashlock.KindOf(err) != want {
			t.Errorf("slot %d: %v, want kind %q", slot, err, want)
		}
	}
	_ = fakeWorld{f}.do(func() {
		if f.users[8] != nil {
			t.Error("a user without a PIN was left in slot 8")
		}
		if f.users[5] == nil || f.users[6] == nil || f.users[9].pins[8] != "1357" {
			t.Error("somebody else's user was touched")
		}
	})
	// Whoever loses the slot loses the card that was added at the lock too.
	_ = fakeWorld{f}.do(func() { f.users[4].cards = 1 })
	if err := s.ClearCode(t.Context(), theLock, 4); err != nil {
		t.Error(err)
	}
	_ = fakeWorld{f}.do(func() {
		if f.users[4] != nil {
			t.Errorf("left: %+v", f.users[4])
		}
	})
}

// TestCodeFailureIsQuiet: what the server says may repeat what it was sent.
func TestCodeFailureIsQuiet(t *testing.T) {
	f := newFake(t)
	s, rec := open(t, f)
	_ = fakeWorld{f}.do(func() { f.refuses = true })
	_, err := s.SetCode(t.Context(), theLock, driver.CodeSetting{Slot: 4, PIN: pinOf(t, otherPIN)})
	if !sashlock.IsKind(err, sashlock.Denied) {
		t.Errorf("%v, want kind denied", err)
	}
	_ = fakeWorld{f}.do(func() { f.users[6] = nil; f.dead = true })
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	_, late := s.SetCode(ctx, theLock, driver.CodeSetting{Slot: 4, PIN: pinOf(t, otherPIN)})
	if !sashlock.IsKind(late, sashlock.Unavailable) {
		t.Errorf("%v, want kind unavailable", late)
	}
	said := fmt.Sprintf("%v %+v %v %+v %s", err, err, late, late, rec.Text(0))
	if strings.Contains(said, otherPIN) || strings.Contains(said, base64.StdEncoding.EncodeToString([]byte(otherPIN))) {
		t.Errorf("the PIN was told: %s", said)
	}
}

// peerWrites has the real matter.js take PINs, opens the lock with them at its
// keypad, and takes them away again.
func peerWrites(t *testing.T, p *peer) {
	s, rec := openPeer(t, p)
	typed := func(pin string, want int) {
		t.Helper()
		got, err := p.ask("type-code?code=" + pin)
		var who struct{ User int }
		if err != nil || json.Unmarshal([]byte(got), &who) != nil || who.User != want {
			t.Errorf("the PIN is that of %s, %v; want slot %d", got, err, want)
		}
	}
	set := func(c driver.CodeSetting) {
		t.Helper()
		if _, err := s.SetCode(t.Context(), theLock, c); err != nil {
			t.Fatalf("SetCode: %v", err)
		}
	}
	typed(otherPIN, 0)
	mark := rec.Mark()
	set(driver.CodeSetting{Slot: 6, PIN: pinOf(t, otherPIN), Fresh: true})
	typed(otherPIN, 6)
	rec.Await(t, peerPatience, mark, "the keypad and its slot", func(r driver.Report) bool {
		return r == driver.Report{Address: theLock, Kind: sashlock.LockUnlocked, Method: sashlock.ByKeypad, Slot: 6, Boot: r.Boot, Number: r.Number, At: r.At}
	})
	set(driver.CodeSetting{Slot: 6, PIN: pinOf(t, "24681357")}) // written over
	typed(otherPIN, 0)
	typed("24681357", 6)
	set(driver.CodeSetting{Slot: 6, PIN: pinOf(t, "24681357"), Disabled: true})
	typed("24681357", 0)
	if _, err := s.SetCode(t.Context(), theLock, driver.CodeSetting{Slot: 7, PIN: pinOf(t, testPIN), Fresh: true}); !sashlock.IsKind(err, sashlock.Denied) {
		t.Errorf("a PIN that slot 3 has: %v, want kind denied", err)
	}
	if err := s.ClearCode(t.Context(), theLock, 6); err != nil {
		t.Errorf("ClearCode: %v", err)
	}
	typed("24681357", 0)
	noPINs(t, rec, otherPIN, "24681357", testPIN)
}

// noPINs fails the test when a PIN was told.
func noPINs(t *testing.T, rec *drivertest.Recorder, pins ...string) {
	t.Helper()
	for _, pin := range pins {
		if strings.Contains(rec.Text(0), pin) {
			t.Error("a PIN was told")
		}
	}
}
