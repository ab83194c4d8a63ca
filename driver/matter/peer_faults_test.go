// SPDX-License-Identifier: Apache-2.0

package matter

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/driver"
	"github.com/sashlock/sashlock/driver/drivertest"
)

// openPeer opens a session on a running peer and waits until the lock has been
// read. Silent devices are called more often than usual.
func openPeer(t *testing.T, p *peer) (*session, *drivertest.Recorder) {
	t.Helper()
	p.must(t, "server-up", "reset", "set-code?user=3&code="+testPIN)
	rec := drivertest.NewRecorder()
	pace := usualPace()
	pace.callSilent, pace.probe, pace.Max = time.Second, 2*time.Second, time.Second
	s, err := (&Driver{pace: pace}).Open(t.Context(), configFor(p.ws), rec)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	rec.Await(t, peerPatience, 0, "how the lock stands", isLocked)
	return s.(*session), rec
}

func isLocked(r driver.Report) bool {
	return r.Address == theLock && r.State && r.Kind == sashlock.LockLocked
}

// peerOrders unlocks the lock; its own word names the order, and is true.
func peerOrders(t *testing.T, p *peer) {
	s, rec := openPeer(t, p)
	mark := rec.Mark()
	if err := s.Operate(t.Context(), driver.Order{Command: "act_1", Address: theLock, Verb: sashlock.DoUnlock}); err != nil {
		t.Fatal(err)
	}
	r := rec.Await(t, peerPatience, mark, "the lock's word", func(r driver.Report) bool { return r.Kind == sashlock.LockUnlocked })
	if r.Command != "act_1" || r.Method != sashlock.ByRemote || r.Slot != 0 || r.Boot == 0 || r.Number == 0 {
		t.Errorf("the lock's word: %+v, want that of act_1, by remote, numbered", r)
	}
	if since := time.Since(r.At); since < -time.Minute || since > time.Minute {
		t.Errorf("the lock says it was at %v", r.At)
	}
	if state, err := p.ask("state"); err != nil || !strings.Contains(state, `"bolt":"Unlocked"`) {
		t.Errorf("told that the lock is unlocked, but it is %s, %v", state, err)
	}

	// Another program's order is told, and is nobody's of ours.
	other, err := dial(t.Context(), p.ws, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	mark = rec.Mark()
	if _, err := other.do(t.Context(), lockCommand(&device{node: 1, endpoint: 1}, "LockDoor", noFields{}, time.Second)); err != nil {
		t.Fatal(err)
	}
	r = rec.Await(t, peerPatience, mark, "the other's order", func(r driver.Report) bool { return r.Kind == sashlock.LockLocked })
	if r.Command != "" || r.Method != sashlock.ByRemote {
		t.Errorf("another's order: %+v", r)
	}
}

// peerRefuses orders a jammed lock to unlock: it says no, and that it is jammed.
func peerRefuses(t *testing.T, p *peer) {
	s, rec := openPeer(t, p)
	p.must(t, "jam")
	mark := rec.Mark()
	err := s.Operate(t.Context(), driver.Order{Command: "act_no", Address: theLock, Verb: sashlock.DoUnlock})
	if !sashlock.IsKind(err, sashlock.Denied) {
		t.Errorf("a jammed lock: %v, want kind denied", err)
	}
	rec.Await(t, peerPatience, mark, "that it is jammed", func(r driver.Report) bool { return r.Kind == sashlock.LockWasJammed })
	noUnlock(t, rec, mark)
	p.must(t, "tamper", "battery?level=42", "door-open")
	for _, want := range []sashlock.EventKind{sashlock.DeviceTampered, sashlock.OpeningOpened} {
		rec.Await(t, peerPatience, mark, string(want), func(r driver.Report) bool { return r.Address == theLock && r.Kind == want })
	}
	if err := s.Read(t.Context(), theLock); err != nil {
		t.Fatal(err)
	}
	rec.Await(t, peerPatience, mark, "the battery", func(r driver.Report) bool {
		return r == driver.Report{Address: theLock, Kind: sashlock.BatteryReported, Level: 42, State: true}
	})
	var want []driver.Code
	for slot := 1; slot <= 20; slot++ {
		want = append(want, driver.Code{Slot: slot, InUse: slot == 3, Enabled: slot == 3})
	}
	if got, err := s.Codes(t.Context(), theLock); err != nil || cmp.Diff(want, got) != "" {
		t.Errorf("codes: %v\n%s", err, cmp.Diff(want, got))
	}
}

func noUnlock(t *testing.T, rec *drivertest.Recorder, since int) {
	t.Helper()
	if told := rec.Reports(since, func(r driver.Report) bool { return r.Kind == sashlock.LockUnlocked }); len(told) > 0 {
		t.Errorf("told of an unlock that was not:\n%s", rec.Text(since))
	}
}

// peerSilent takes the lock off the air and gives an order, which comes to
// nothing, also when the lock is back.
func peerSilent(t *testing.T, p *peer) {
	s, rec := openPeer(t, p)
	mark := rec.Mark()
	p.must(t, "dead")
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
	defer cancel()
	err := s.Operate(ctx, driver.Order{Command: "act_late", Address: theLock, Verb: sashlock.DoUnlock})
	if !sashlock.IsKind(err, sashlock.Unavailable) {
		t.Errorf("a silent lock: %v, want kind unavailable", err)
	}
	rec.Await(t, peerPatience, mark, "that it is off the air", func(r driver.Report) bool {
		return r == driver.Report{Address: theLock, Kind: sashlock.DeviceOffline}
	})
	mark = rec.Mark()
	p.must(t, "alive")
	rec.Await(t, peerPatience, mark, "that it is back", func(r driver.Report) bool {
		return r == driver.Report{Address: theLock, Kind: sashlock.DeviceOnline}
	})
	rec.Await(t, peerPatience, mark, "how it stands", isLocked)
	// Something done after it shows that nothing of the order was left.
	p.must(t, "wrong-code")
	rec.Await(t, peerPatience, mark, "the wrong code", func(r driver.Report) bool { return r.Kind == sashlock.CodeRefused })
	noUnlock(t, rec, mark)
	if state, err := p.ask("state"); err != nil || !strings.Contains(state, `"bolt":"Locked"`) {
		t.Errorf("an order whose time was over was carried out: %s, %v", state, err)
	}
}

// peerKilled kills the server while an order is on its way. What was done at
// the lock meanwhile is told when it is back, with who did it.
func peerKilled(t *testing.T, p *peer) {
	s, rec := openPeer(t, p)
	p.must(t, "manual-unlock", "manual-lock") // so that there is a number to go on from
	rec.Await(t, peerPatience, 0, "the last of it", func(r driver.Report) bool { return !r.State && r.Kind == sashlock.LockLocked })
	mark := rec.Mark()
	p.must(t, "dead")
	ended := make(chan error, 1)
	go func() {
		ended <- s.Operate(t.Context(), driver.Order{Command: "act_cut", Address: theLock, Verb: sashlock.DoUnlock})
	}()
	rec.Until(peerPatience, func() bool {
		s.mu.Lock()
		defer s.mu.Unlock()
		return s.nodes[1].devices[1].order != nil
	})
	p.must(t, "server-kill", "alive")
	if err := <-ended; !sashlock.IsKind(err, sashlock.Unavailable) {
		t.Errorf("an order whose server was killed: %v, want kind unavailable", err)
	}
	for _, address := range []string{theLock, theContact, theMotion} {
		rec.Await(t, peerPatience, mark, address+" going offline", func(r driver.Report) bool {
			return r == driver.Report{Address: address, Kind: sashlock.DeviceOffline}
		})
	}
	p.must(t, "keypad-unlock?user=3")
	mark = rec.Mark()
	p.must(t, "server-up")
	rec.Await(t, peerPatience, mark, "who was there meanwhile", func(r driver.Report) bool {
		return r.Kind == sashlock.LockUnlocked && r.Method == sashlock.ByKeypad && r.Slot == 3 && r.Command == ""
	})
	rec.Await(t, peerPatience, mark, "how it stands", func(r driver.Report) bool {
		return r == driver.Report{Address: theLock, Kind: sashlock.LockUnlocked, State: true}
	})
	if told := rec.Reports(mark, func(r driver.Report) bool { return r.Kind == sashlock.LockLocked }); len(told) > 0 {
		t.Errorf("what was told before was told again:\n%s", rec.Text(mark))
	}
}
