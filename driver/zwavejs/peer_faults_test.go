// SPDX-License-Identifier: Apache-2.0

package zwavejs

import (
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

// TestPeerTruth orders, jams and meddles on the real Z-Wave JS and checks each
// time that only the lock's own word is told.
func TestPeerTruth(t *testing.T) {
	p := startPeer(t, "0", "0")
	s, rec := openPeer(t, p)
	must := func(act string) {
		t.Helper()
		if err := p.act(act); err != nil {
			t.Fatal(err)
		}
	}
	want := func(since int, want driver.Report) {
		t.Helper()
		rec.Await(t, peerPatience, since, want.Address+" "+string(want.Kind), func(r driver.Report) bool { return r == want })
	}

	for i, address := range []string{"2", "3", "4"} {
		id := sashlock.CommandID("act_" + strconv.Itoa(i))
		mark := rec.Mark()
		operate(t, s, address, sashlock.DoUnlock, id)
		want(mark, driver.Report{Address: address, Kind: sashlock.LockUnlocked, Method: sashlock.ByRemote, Command: id})
		if state, err := p.ask("state?node=" + address); err != nil || !strings.Contains(state, `"bolt":"unlocked"`) {
			t.Errorf("told that %s is unlocked, but it is %s, %v", address, state, err)
		}
	}

	// Somebody locks 2 through another program.
	other, err := dial(t.Context(), p.ws, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer other.close()
	mark := rec.Mark()
	if _, err := other.do(t.Context(), setMode(2, 0, modeSecured)); err != nil {
		t.Fatal(err)
	}
	want(mark, driver.Report{Address: "2", Kind: sashlock.LockLocked, Method: sashlock.ByRemote})

	// It tries 4 as well, but that is jammed: Z-Wave JS says that it is locked.
	must("jam?node=4")
	mark = rec.Mark()
	if _, err := other.do(t.Context(), setMode(4, 0, modeSecured)); err != nil {
		t.Fatal(err)
	}
	want(mark, driver.Report{Address: "4", Kind: sashlock.LockWasJammed})
	if err := s.Read(t.Context(), "4"); err != nil {
		t.Fatal(err)
	}
	want(mark, driver.Report{Address: "4", Kind: sashlock.LockUnlocked, State: true})
	if told := rec.Reports(mark, func(r driver.Report) bool { return r.Address == "4" && r.Kind == sashlock.LockLocked }); len(told) > 0 {
		t.Errorf("told of a lock that did not lock:\n%s", rec.Text(mark))
	}

	// We try too, with the one that is supervised and the one that is not.
	must("jam?node=3")
	mark = rec.Mark()
	operate(t, s, "4", sashlock.DoLock, "act_jam")
	want(mark, driver.Report{Address: "4", Kind: sashlock.LockWasJammed, Method: sashlock.ByRemote, Command: "act_jam"})
	if err := s.Operate(t.Context(), driver.Order{Command: "act_no", Address: "3", Verb: sashlock.DoLock}); !sashlock.IsKind(err, sashlock.Denied) {
		t.Errorf("a jammed lock with Supervision: %v, want kind denied", err)
	}

	// A code is entered at the keypad.
	must("set-code?node=2&user=7&code=" + testPIN)
	codes, err := s.Codes(t.Context(), "2")
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

// TestPeerKilled kills Z-Wave JS, turns a bolt while it is away, and starts it
// again on the same port.
func TestPeerKilled(t *testing.T) {
	p := startPeer(t, "0", "0")
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
