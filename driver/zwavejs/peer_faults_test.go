// SPDX-License-Identifier: Apache-2.0

package zwavejs

import (
	"fmt"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/driver"
	"github.com/sashlock/sashlock/driver/drivertest"
)

// peerPatience is how long the real Z-Wave JS may take.
const peerPatience = 30 * time.Second

// openPeer opens a session on a running peer and waits until all three locks
// have been read.
func openPeer(t *testing.T, p *peer) (*session, *drivertest.Recorder) {
	t.Helper()
	p.reset(t, "2", "3", "4")
	rec := drivertest.NewRecorder()
	s, err := New().Open(t.Context(), configFor(p.ws), rec)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	for _, address := range []string{"2", "3", "4"} {
		rec.Await(t, peerPatience, 0, "how "+address+" stands", func(r driver.Report) bool {
			return r.Address == address && r.State && r.Kind == sashlock.LockLocked
		})
	}
	return s.(*session), rec
}

// want waits for exactly one report.
func want(t *testing.T, rec *drivertest.Recorder, since int, want driver.Report) {
	t.Helper()
	rec.Await(t, peerPatience, since, want.Address+" "+string(want.Kind), func(r driver.Report) bool { return r == want })
}

// peerOrders unlocks every lock; its own word names the order and is true.
func peerOrders(t *testing.T, p *peer) {
	s, rec := openPeer(t, p)
	for i, address := range []string{"2", "3", "4"} {
		id := sashlock.CommandID("act_" + strconv.Itoa(i))
		mark := rec.Mark()
		operate(t, s, address, sashlock.DoUnlock, id)
		want(t, rec, mark, driver.Report{Address: address, Kind: sashlock.LockUnlocked, Method: sashlock.ByRemote, Command: id})
		if state, err := p.ask("state?node=" + address); err != nil || !strings.Contains(state, `"bolt":"unlocked"`) {
			t.Errorf("told that %s is unlocked, but it is %s, %v", address, state, err)
		}
	}
}

// peerOthers lets another program give orders. One is carried out; the other
// goes to a jammed lock, of which Z-Wave JS then says that it is unlocked.
func peerOthers(t *testing.T, p *peer) {
	s, rec := openPeer(t, p)
	other, err := dial(t.Context(), p.ws, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	mark := rec.Mark()
	if _, err := other.do(t.Context(), setMode(2, 0, modeUnsecured)); err != nil {
		t.Fatal(err)
	}
	want(t, rec, mark, driver.Report{Address: "2", Kind: sashlock.LockUnlocked, Method: sashlock.ByRemote})

	if err := p.act("jam?node=4"); err != nil {
		t.Fatal(err)
	}
	mark = rec.Mark()
	if _, err := other.do(t.Context(), setMode(4, 0, modeUnsecured)); err != nil {
		t.Fatal(err)
	}
	want(t, rec, mark, driver.Report{Address: "4", Kind: sashlock.LockWasJammed})
	if err := s.Read(t.Context(), "4"); err != nil {
		t.Fatal(err)
	}
	want(t, rec, mark, driver.Report{Address: "4", Kind: sashlock.LockLocked, State: true})
	noUnlock(t, rec, mark)
}

// peerJams orders jammed locks to unlock: the supervised one says no at once,
// the other one takes the order and is found out.
func peerJams(t *testing.T, p *peer) {
	s, rec := openPeer(t, p)
	for _, act := range []string{"jam?node=3", "jam?node=4"} {
		if err := p.act(act); err != nil {
			t.Fatal(err)
		}
	}
	mark := rec.Mark()
	operate(t, s, "4", sashlock.DoUnlock, "act_jam")
	want(t, rec, mark, driver.Report{Address: "4", Kind: sashlock.LockWasJammed, Method: sashlock.ByRemote, Command: "act_jam"})
	if err := s.Operate(t.Context(), driver.Order{Command: "act_no", Address: "3", Verb: sashlock.DoUnlock}); !sashlock.IsKind(err, sashlock.Denied) {
		t.Errorf("a jammed lock with Supervision: %v, want kind denied", err)
	}
	noUnlock(t, rec, mark)
}

func noUnlock(t *testing.T, rec *drivertest.Recorder, since int) {
	t.Helper()
	if told := rec.Reports(since, func(r driver.Report) bool { return r.Kind == sashlock.LockUnlocked }); len(told) > 0 {
		t.Errorf("told of an unlock that was not:\n%s", rec.Text(since))
	}
}

// peerCodes enters a code at the keypad and lists the slots.
func peerCodes(t *testing.T, p *peer) {
	s, rec := openPeer(t, p)
	if err := p.act("set-code?node=4&user=7&code=" + testPIN); err != nil {
		t.Fatal(err)
	}
	codes, err := s.Codes(t.Context(), "4")
	if err != nil {
		t.Fatal(err)
	}
	var slots []driver.Code
	for slot := 1; slot <= 10; slot++ {
		slots = append(slots, driver.Code{Slot: slot, InUse: slot == 7, Enabled: slot == 7})
	}
	if diff := cmp.Diff(slots, codes); diff != "" {
		t.Errorf("codes (-want +got):\n%s", diff)
	}
	if strings.Contains(rec.Text(0), testPIN) {
		t.Error("the PIN was told")
	}
}

// peerWrites has the real lock take a PIN with an end, opens it with that at the
// keypad, and takes it away again.
func peerWrites(t *testing.T, p *peer) {
	p.reset(t, "2", "4")
	s, rec := openPeer(t, p)
	typed := func(address string, want int) {
		t.Helper()
		got, err := p.ask("type-code?node=" + address + "&code=" + otherPIN)
		if err != nil || strings.TrimSpace(got) != fmt.Sprintf(`{"user":%d}`, want) {
			t.Errorf("the PIN at %s is that of %s, %v; want slot %d", address, got, err, want)
		}
	}
	for address, bounded := range map[string]bool{"4": true, "2": false} {
		typed(address, 0)
		set, err := s.SetCode(t.Context(), address, driver.CodeSetting{Slot: 6, PIN: pinOf(t, otherPIN), Fresh: true, Until: time.Now().Add(48 * time.Hour)})
		if err != nil || set.Bounded != bounded {
			t.Fatalf("SetCode at %s: %+v, %v", address, set, err)
		}
		typed(address, 6)
		if err := s.ClearCode(t.Context(), address, 6); err != nil {
			t.Errorf("ClearCode at %s: %v", address, err)
		}
		typed(address, 0)
	}
	if strings.Contains(rec.Text(0), otherPIN) {
		t.Error("the PIN was told")
	}
}

// peerKilled kills Z-Wave JS, turns a bolt while it is away, and starts it
// again on the same port.
func peerKilled(t *testing.T, p *peer) {
	s, rec := openPeer(t, p)
	mark := rec.Mark()
	operate(t, s, "2", sashlock.DoUnlock, "act_1")
	rec.Await(t, peerPatience, mark, "that 2 is unlocked", func(r driver.Report) bool { return r.Kind == sashlock.LockUnlocked })

	mark = rec.Mark()
	p.end(syscall.SIGKILL)
	for _, address := range []string{"2", "3", "4"} {
		rec.Await(t, peerPatience, mark, address+" going offline", func(r driver.Report) bool {
			return r == driver.Report{Address: address, Kind: sashlock.DeviceOffline}
		})
	}
	err := s.Operate(t.Context(), driver.Order{Command: "act_2", Address: "2", Verb: sashlock.DoLock})
	if !sashlock.IsKind(err, sashlock.Unavailable) {
		t.Errorf("an order meanwhile: %v, want kind unavailable", err)
	}

	// The new one starts with all bolts locked: as if turned by hand meanwhile.
	mark = rec.Mark()
	again := startPeer(t, port(t, p.ws), port(t, p.control))
	for _, address := range []string{"2", "3", "4"} {
		rec.Await(t, 2*peerPatience, mark, address+" coming back", func(r driver.Report) bool {
			return r == driver.Report{Address: address, Kind: sashlock.DeviceOnline}
		})
		rec.Await(t, peerPatience, mark, "how "+address+" stands", func(r driver.Report) bool {
			return r == driver.Report{Address: address, Kind: sashlock.LockLocked, State: true}
		})
	}
	mark = rec.Mark()
	if err := again.act("keypad-unlock?node=3&user=5"); err != nil {
		t.Fatal(err)
	}
	rec.Await(t, peerPatience, mark, "the keypad", func(r driver.Report) bool {
		return r == driver.Report{Address: "3", Kind: sashlock.LockUnlocked, Method: sashlock.ByKeypad, Slot: 5}
	})
}
