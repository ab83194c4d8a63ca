// SPDX-License-Identifier: Apache-2.0

package seam

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/driver"
)

// TestOrderIsConfirmedOnce: one report, with the order's name; the event that
// the cloud makes of it is not told as well.
func TestOrderIsConfirmedOnce(t *testing.T) {
	f := newFake(t)
	s, rec := open(t, f)
	mark := rec.Mark()
	if err := unlock(t, s, "act_1"); err != nil {
		t.Fatal(err)
	}
	want := driver.Report{Address: "yale_1", Kind: sashlock.LockUnlocked, Method: sashlock.ByRemote, Command: "act_1"}
	rec.Await(t, patience, mark, "the order's name", func(r driver.Report) bool { return r == want })
	f.later(rec)
	if diff := cmp.Diff([]driver.Report{want}, changes(rec, mark)); diff != "" {
		t.Errorf("told (-want +got):\n%s", diff)
	}
	// The next hand at the lock is somebody else's.
	mark = rec.Mark()
	f.moves("yale_1", true, object{"method": "manual"})
	rec.Await(t, patience, mark, "locked by hand", func(r driver.Report) bool {
		return r.Kind == sashlock.LockLocked && r.Method == sashlock.ByHand && r.Command == ""
	})
}

// TestEventsAfterTheNextOrder: the cloud tells of orders only after the next ones
// were carried out, with or without naming them. None is told a second time.
func TestEventsAfterTheNextOrder(t *testing.T) {
	for name, nameless := range map[string]bool{"named": false, "nameless": true} {
		t.Run(name, func(t *testing.T) {
			f := newFake(t)
			s, rec := open(t, f)
			var held []object
			f.change(func() {
				f.mend = func(route string, answer object) object {
					if route == "/events/list" && held == nil {
						return object{"events": []object{}}
					}
					return answer
				}
			})
			mark := rec.Mark()
			var want []driver.Report
			for i, verb := range []sashlock.Verb{sashlock.DoUnlock, sashlock.DoLock, sashlock.DoUnlock, sashlock.DoLock} {
				r := driver.Report{Address: "yale_1", Kind: sashlock.LockUnlocked, Method: sashlock.ByRemote, Command: sashlock.CommandID(fmt.Sprint("act_", i))}
				if verb == sashlock.DoLock {
					r.Kind = sashlock.LockLocked
				}
				ctx, cancel := context.WithTimeout(t.Context(), patience)
				defer cancel()
				if err := s.Operate(ctx, driver.Order{Command: r.Command, Address: r.Address, Verb: verb}); err != nil {
					t.Fatal(err)
				}
				rec.Await(t, patience, mark, "the order's name", func(got driver.Report) bool { return got == r })
				want = append(want, r)
			}
			f.change(func() { held = f.release(nameless) })
			if len(held) != len(want) {
				t.Fatalf("%d events were held back, want %d", len(held), len(want))
			}
			f.moves("yale_1", false, object{"method": "manual"}) // told after all that came before it
			want = append(want, driver.Report{Address: "yale_1", Kind: sashlock.LockUnlocked, Method: sashlock.ByHand})
			rec.Await(t, patience, mark, "unlocked by hand", func(r driver.Report) bool { return r.Method == sashlock.ByHand })
			got := changes(rec, mark)
			for i := range got {
				got[i].At = time.Time{}
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("told (-want +got):\n%s", diff)
			}
		})
	}
}

// TestOvertakenOrder: the next order comes before the device confirmed one. What
// the cloud says of that one, before the next order or after it, is told once and
// under its name.
func TestOvertakenOrder(t *testing.T) {
	for name, test := range map[string]struct{ after, refused bool }{
		"its event came before":                       {},
		"its event came before, the next was refused": {refused: true},
		"its event comes after":                       {after: true},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFake(t)
			s, rec := open(t, f)
			held := test.after
			f.change(func() {
				f.mend = func(route string, answer object) object {
					if d, ok := answer["device"].(object); ok && route == "/devices/get" {
						d["properties"].(object)["locked"] = true
					}
					if route == "/events/list" && held {
						return object{"events": []object{}}
					}
					return answer
				}
			})
			mark := rec.Mark()
			if err := unlock(t, s, "act_1"); err != nil {
				t.Fatal(err)
			}
			if !test.after {
				if !rec.Until(patience, func() bool {
					s.mu.Lock()
					defer s.mu.Unlock()
					o := s.devices["yale_1"].order
					return o != nil && !o.said.IsZero()
				}) {
					t.Fatal("the event of the first order never came")
				}
			}
			ctx, cancel := context.WithTimeout(t.Context(), patience)
			defer cancel()
			f.change(func() { f.lock("yale_1").Refuses = test.refused })
			err := s.Operate(ctx, driver.Order{Command: "act_2", Address: "yale_1", Verb: sashlock.DoLock})
			if (err != nil) != test.refused {
				t.Fatalf("the next order: %v", err)
			}
			unlocked := driver.Report{Address: "yale_1", Kind: sashlock.LockUnlocked, Method: sashlock.ByRemote, Command: "act_1"}
			locked := driver.Report{Address: "yale_1", Kind: sashlock.LockLocked, Method: sashlock.ByRemote, Command: "act_2"}
			want := []driver.Report{unlocked}
			if !test.refused {
				want = append(want, locked)
				rec.Await(t, patience, mark, "the second order's name", func(r driver.Report) bool { return r == locked })
			}
			if test.after {
				f.change(func() { held = false; f.release(false) })
				want = []driver.Report{locked, unlocked}
			}
			r := rec.Await(t, patience, mark, "the first order's name", func(r driver.Report) bool { return r.Command == "act_1" })
			if r.At.IsZero() {
				t.Error("nobody can tell when that was")
			}
			f.later(rec)
			got := changes(rec, mark)
			for i := range got {
				got[i].At = time.Time{}
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("told (-want +got):\n%s", diff)
			}
		})
	}
}

// TestAcceptedIsNotMoved: the attempt succeeded, the bolt did not move.
func TestAcceptedIsNotMoved(t *testing.T) {
	for name, spoil := range map[string]func(*fakeLock){
		"stuck":            func(l *fakeLock) { l.Stuck = true },
		"pending for ever": func(l *fakeLock) { l.Slow = true },
	} {
		t.Run(name, func(t *testing.T) {
			f := newFake(t)
			s, rec := open(t, f)
			f.change(func() { spoil(f.lock("yale_1")) })
			mark := rec.Mark()
			began := time.Now()
			if err := unlock(t, s, "act_1"); err != nil {
				t.Errorf("it was taken, so nothing is known to be wrong: %v", err)
			}
			if took := time.Since(began); took > 2*time.Second {
				t.Errorf("it took %v, longer than the order lived", took)
			}
			f.later(rec)
			if told := changes(rec, mark); len(told) > 0 {
				t.Errorf("told that the bolt moved: %+v", told)
			}
			if n := f.count("/locks/unlock_door"); n != 1 {
				t.Errorf("the order was sent %d times", n)
			}
		})
	}
}

// TestUnlockNobodyConfirms: the cloud has an event of the unlock, the device's
// state says otherwise until the end. That is told, as nobody's.
func TestUnlockNobodyConfirms(t *testing.T) {
	f := newFake(t)
	s, rec := open(t, f)
	f.change(func() {
		f.mend = func(route string, answer object) object {
			if d, ok := answer["device"].(object); ok && route == "/devices/get" {
				d["properties"].(object)["locked"] = true
			}
			return answer
		}
	})
	mark := rec.Mark()
	if err := unlock(t, s, "act_1"); err != nil {
		t.Fatal(err)
	}
	r := rec.Await(t, patience, mark, "the unlock", func(r driver.Report) bool { return r.Kind == sashlock.LockUnlocked })
	if r.Command != "" || r.Method != sashlock.ByUnknown || r.At.IsZero() {
		t.Errorf("told as %+v", r)
	}
}

func TestRefusedOrder(t *testing.T) {
	f := newFake(t)
	s, rec := open(t, f)
	f.change(func() { f.lock("yale_1").Refuses = true })
	mark := rec.Mark()
	err := unlock(t, s, "act_1")
	if !sashlock.IsKind(err, sashlock.Denied) || !strings.Contains(err.Error(), "could not reach the lock") || strings.Contains(err.Error(), "eyes") {
		t.Errorf("refused with %v", err)
	}
	f.later(rec)
	if told := changes(rec, mark); len(told) > 0 {
		t.Errorf("told: %+v", told)
	}
}

// TestOrderIsNeverSentTwice, whatever its answer is; and where it is not known
// what became of it, the device is read.
func TestOrderIsNeverSentTwice(t *testing.T) {
	for name, test := range map[string]struct {
		with func(http.ResponseWriter)
		kind sashlock.Kind // of the error; empty: none, for nobody knows
	}{
		"out of service": {status(http.StatusServiceUnavailable), sashlock.Unavailable},
		"too many":       {status(http.StatusTooManyRequests, "Retry-After", "30"), sashlock.Unavailable},
		"wrong key":      {status(http.StatusUnauthorized), sashlock.Unavailable},
		"unknown":        {status(http.StatusNotFound), sashlock.NotFound},
		"not for it":     {status(http.StatusBadRequest), sashlock.Denied},
		"broken":         {status(http.StatusInternalServerError), ""},
		"cut off":        {cut, ""},
		"hung up":        {func(http.ResponseWriter) { panic(http.ErrAbortHandler) }, ""},
		"another's":      {func(w http.ResponseWriter) { fmt.Fprint(w, `{"ok":true}`) }, ""},
		"sent elsewhere": {status(http.StatusTemporaryRedirect, "Location", "/devices/get"), sashlock.Unavailable},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFake(t)
			s, rec := open(t, f)
			f.answers("/locks/unlock_door", 5, test.with)
			mark := rec.Mark()
			err := unlock(t, s, "act_1")
			if err == nil && test.kind != "" || err != nil && sashlock.KindOf(err) != test.kind {
				t.Errorf("ended with %v, want kind %q", err, test.kind)
			}
			f.later(rec)
			if n := f.count("/locks/unlock_door"); n != 1 {
				t.Errorf("the order was sent %d times", n)
			}
			if told := changes(rec, mark); len(told) > 0 {
				t.Errorf("told: %+v", told)
			}
			if test.kind == "" && f.count("/devices/get") == 0 {
				t.Error("nobody read the device")
			}
		})
	}
}

// TestLostAnswerIsReadBack: the order was carried out, its answer was lost.
func TestLostAnswerIsReadBack(t *testing.T) {
	f := newFake(t)
	s, rec := open(t, f)
	f.answers("/locks/unlock_door", 1, func(w http.ResponseWriter) {
		f.change(func() { f.operate(f.lock("yale_1"), false) })
		cut(w)
	})
	mark := rec.Mark()
	if err := unlock(t, s, "act_1"); err != nil {
		t.Fatal(err)
	}
	rec.Await(t, patience, mark, "the order's name", func(r driver.Report) bool {
		return r.Kind == sashlock.LockUnlocked && r.Command == "act_1"
	})
	f.later(rec)
	if told := changes(rec, mark); len(told) != 1 {
		t.Errorf("told %d times: %+v", len(told), told)
	}
}
