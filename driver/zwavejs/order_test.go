// SPDX-License-Identifier: Apache-2.0

package zwavejs

import (
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/driver"
)

// TestOrderIsConfirmedByName checks that the lock's word names the order, by a
// notification and, where there is none, by reading, and is told once.
func TestOrderIsConfirmedByName(t *testing.T) {
	f := newFake(t)
	s, rec := open(t, f)
	mark := rec.Mark()
	operate(t, s, "2", sashlock.DoUnlock, "act_1")
	want := driver.Report{Address: "2", Kind: sashlock.LockUnlocked, Method: sashlock.ByRemote, Command: "act_1"}
	if r := rec.Await(t, patience, mark, "the lock's word", func(r driver.Report) bool { return r.Kind == sashlock.LockUnlocked }); r != want {
		t.Errorf("told %+v, want %+v", r, want)
	}
	// The same order again: the bolt is where it should be.
	mark = rec.Mark()
	operate(t, s, "2", sashlock.DoUnlock, "act_2")
	want.Command = "act_2"
	if r := rec.Await(t, patience, mark, "the lock's word", func(r driver.Report) bool { return r.Kind == sashlock.LockUnlocked }); r != want {
		t.Errorf("told %+v, want %+v", r, want)
	}
	if told := rec.Reports(mark, func(r driver.Report) bool { return r.Address == "2" && r.Command == "act_1" }); len(told) > 0 {
		t.Errorf("the first order was confirmed again:\n%s", rec.Text(mark))
	}
}

// TestConfirmedByReading: a lock is read before it says so itself; its
// notification that follows is no news then, the next one is.
func TestConfirmedByReading(t *testing.T) {
	f := newFake(t)
	f.handle = func(r request) (string, bool) {
		if r.Command != "node.set_value" {
			return "", false
		}
		f.locks[r.Node].mode = modeUnsecured // and not a word about it
		return success(r, `{"result":{"status":255}}`), true
	}
	s, rec := open(t, f)
	mark := rec.Mark()
	operate(t, s, "3", sashlock.DoUnlock, "act_3")
	rec.Await(t, patience, mark, "what was read", func(r driver.Report) bool { return r.Command == "act_3" })
	f.play(note(3, typeAccess, 4, 0), note(3, typeAccess, 1, 0), note(3, typeAccess, 4, 0), note(3, typeAccess, 9, 0))
	rec.Await(t, patience, mark, "the last word", func(r driver.Report) bool { return r.Method == sashlock.BySelf })
	var told []driver.Report
	for _, r := range rec.Reports(mark, func(r driver.Report) bool { return r.Address == "3" && !r.State }) {
		told = append(told, driver.Report{Kind: r.Kind, Method: r.Method, Command: r.Command})
	}
	want := []driver.Report{
		{Kind: sashlock.LockUnlocked, Method: sashlock.ByRemote, Command: "act_3"},
		{Kind: sashlock.LockLocked, Method: sashlock.ByHand},
		{Kind: sashlock.LockUnlocked, Method: sashlock.ByRemote},
		{Kind: sashlock.LockLocked, Method: sashlock.BySelf},
	}
	if diff := cmp.Diff(want, told); diff != "" {
		t.Errorf("told (-want +got):\n%s", diff)
	}
}

// TestNotificationsAfterTheNextOrder: of several orders that were confirmed by
// reading the notifications come at the end. They are no news.
func TestNotificationsAfterTheNextOrder(t *testing.T) {
	f := newFake(t)
	f.handle = func(r request) (string, bool) {
		if r.Command != "node.set_value" {
			return "", false
		}
		l := f.locks[r.Node]
		if l.mode == modeUnsecured {
			l.mode = modeSecured
		} else {
			l.mode = modeUnsecured
		}
		return success(r, `{"result":{"status":255}}`), true // and not a word about it
	}
	s, rec := open(t, f)
	mark := rec.Mark()
	var want []driver.Report
	for i, verb := range []sashlock.Verb{sashlock.DoUnlock, sashlock.DoLock, sashlock.DoUnlock, sashlock.DoLock} {
		r := driver.Report{Kind: sashlock.LockUnlocked, Method: sashlock.ByRemote, Command: sashlock.CommandID(fmt.Sprint("act_", i))}
		if verb == sashlock.DoLock {
			r.Kind = sashlock.LockLocked
		}
		operate(t, s, "3", verb, r.Command)
		rec.Await(t, patience, mark, "what was read", func(got driver.Report) bool { return got.Command == r.Command })
		want = append(want, r)
	}
	const remotely, byKey = 4, 2 // what a notification says of an unlock
	f.play(note(3, typeAccess, remotely, 0), note(3, typeAccess, 3, 0), note(3, typeAccess, remotely, 0), note(3, typeAccess, 3, 0), note(3, typeAccess, byKey, 0))
	want = append(want, driver.Report{Kind: sashlock.LockUnlocked, Method: sashlock.ByHand})
	rec.Await(t, patience, mark, "the last word", func(r driver.Report) bool { return r.Method == sashlock.ByHand })
	var told []driver.Report
	for _, r := range rec.Reports(mark, func(r driver.Report) bool { return r.Address == "3" && !r.State }) {
		told = append(told, driver.Report{Kind: r.Kind, Method: r.Method, Command: r.Command})
	}
	if diff := cmp.Diff(want, told); diff != "" {
		t.Errorf("told (-want +got):\n%s", diff)
	}
}

// TestNotDecoded: a lock that lost step in its encryption is sent the order again,
// a few times; any other failure ends it at once.
func TestNotDecoded(t *testing.T) {
	for name, c := range map[string]struct {
		fails, code int // how often, and with which of the server's numbers
		sent        int
		good        bool
	}{"twice": {2, 1405, 3, true}, "for ever": {100, 1405, tries, false}, "another failure": {1, 204, 1, false}} {
		t.Run(name, func(t *testing.T) {
			f := newFake(t)
			sent := 0
			f.handle = func(r request) (string, bool) {
				if r.Command != "node.set_value" {
					return "", false
				}
				sent++
				return fmt.Sprintf(`{"type":"result","success":false,"messageId":%q,"errorCode":"zwave_error","zwaveErrorCode":%d,"zwaveErrorMessage":"no"}`, r.ID, c.code), sent <= c.fails
			}
			s, rec := open(t, f)
			mark := rec.Mark()
			err := s.Operate(t.Context(), driver.Order{Command: "act_1", Address: "2", Verb: sashlock.DoUnlock})
			f.mu.Lock()
			if sent != c.sent || (err == nil) != c.good {
				t.Errorf("sent %d times, %v", sent, err)
			}
			f.mu.Unlock()
			if c.good {
				rec.Await(t, patience, mark, "the unlock", func(r driver.Report) bool { return r.Command == "act_1" })
			} else if !sashlock.IsKind(err, sashlock.Unavailable) {
				t.Errorf("%v, want kind unavailable", err)
			}
		})
	}
}

// TestAnAnswerDoesNotOvertake: a lock answers that it is locked, and is unlocked by
// hand; both wait here for the sink. In whatever order they are taken up then, it
// is told to be unlocked at the end.
func TestAnAnswerDoesNotOvertake(t *testing.T) {
	f := newFake(t)
	s, rec := open(t, f)
	world := fakeWorld{f}
	byHand := func(mode lockMode, event int) { // told by a notification alone, so that nothing is read because of it
		world.with("2", func(l *fakeLock) { l.mode = mode })
		f.play(note(2, typeAccess, event, 0))
	}
	asked := func() int {
		f.mu.Lock()
		defer f.mu.Unlock()
		return f.asked["endpoint.invoke_cc_api get"]
	}
	for round := range 20 {
		mark, before := rec.Mark(), 0
		rec.Hold()
		_ = world.Battery("3", 20+round)
		if !rec.Until(patience, func() bool { return rec.Waiting() > 0 }) {
			t.Fatal("the sink was not called")
		}
		before = asked()
		read := make(chan error, 1)
		go func() { read <- s.Read(t.Context(), "2") }()
		if !rec.Until(patience, func() bool { return asked() > before }) {
			t.Fatal("the lock was not asked")
		}
		byHand(modeUnsecured, 2)
		rec.Resume()
		if err := <-read; err != nil {
			t.Fatal(err)
		}
		rec.Await(t, patience, mark, "the unlock", func(r driver.Report) bool { return r.Address == "2" && r.Kind == sashlock.LockUnlocked && !r.State })
		all := rec.Reports(mark, func(r driver.Report) bool {
			return r.Address == "2" && (r.Kind == sashlock.LockLocked || r.Kind == sashlock.LockUnlocked)
		})
		if all[len(all)-1].Kind != sashlock.LockUnlocked {
			t.Fatalf("told at the end that it is locked: %+v", all)
		}
		mark = rec.Mark()
		byHand(modeSecured, 1)
		rec.Await(t, patience, mark, "the lock", func(r driver.Report) bool { return r.Address == "2" && r.Kind == sashlock.LockLocked && !r.State })
	}
}
