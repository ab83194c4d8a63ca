// SPDX-License-Identifier: Apache-2.0

package seam

import (
	"context"
	"fmt"
	"net/http"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/driver"
	"github.com/sashlock/sashlock/driver/drivertest"
)

func unlock(t *testing.T, s *session, id sashlock.CommandID) error {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 500*time.Millisecond)
	defer cancel()
	return s.Operate(ctx, driver.Order{Command: id, Address: "yale_1", Verb: sashlock.DoUnlock})
}

// changes returns what was told of the bolt of yale_1 as changes.
func changes(rec *drivertest.Recorder, since int) []driver.Report {
	return rec.Reports(since, func(r driver.Report) bool {
		return r.Address == "yale_1" && !r.State && (r.Kind == sashlock.LockLocked || r.Kind == sashlock.LockUnlocked)
	})
}

// later waits until the fake was asked for its devices twice more: whatever it
// had to say has been heard.
func (f *fake) later(rec *drivertest.Recorder) {
	f.t.Helper()
	f.mu.Lock()
	want := f.asked["/devices/list"] + 3
	f.mu.Unlock()
	if !rec.Until(patience, func() bool {
		f.mu.Lock()
		defer f.mu.Unlock()
		return f.asked["/devices/list"] >= want
	}) {
		f.t.Fatal("the devices are not asked for any more")
	}
}

func (f *fake) count(route string) int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.asked[route]
}

// answers makes one route answer something else, so many times.
func (f *fake) answers(route string, times int, with func(http.ResponseWriter)) {
	f.change(func() {
		f.wrong = func(asked string, w http.ResponseWriter) bool {
			f.mu.Lock()
			wrong := asked == route && times > 0
			if wrong {
				times--
			}
			f.mu.Unlock()
			if wrong {
				with(w)
			}
			return wrong
		}
	})
}

func status(code int, headers ...string) func(http.ResponseWriter) {
	return func(w http.ResponseWriter) {
		for i := 0; i+1 < len(headers); i += 2 {
			w.Header().Set(headers[i], headers[i+1])
		}
		w.WriteHeader(code)
	}
}

// cut sends half an answer and hangs up.
func cut(w http.ResponseWriter) {
	w.Header().Set("Content-Length", "1000")
	fmt.Fprint(w, `{"action_attempt":{"action_attempt_id":"att`)
	w.(http.Flusher).Flush()
	panic(http.ErrAbortHandler)
}

// TestWhyItIsDown: each way the cloud fails is said in words, nothing is made
// up of it, and it is got over.
func TestWhyItIsDown(t *testing.T) {
	for name, test := range map[string]struct {
		with func(http.ResponseWriter)
		why  string
	}{
		"out of service": {status(http.StatusServiceUnavailable), "out of service"},
		"broken":         {status(http.StatusInternalServerError), "answers with an error (500)"},
		"wrong key":      {status(http.StatusUnauthorized), "refuses the key"},
		"cut off":        {cut, "cut off"},
		"a lie":          {func(w http.ResponseWriter) { fmt.Fprint(w, `{"devices":null,"ok":true}`) }, "unknown shape"},
		"not JSON":       {func(w http.ResponseWriter) { fmt.Fprint(w, `<html>`) }, "unknown shape"},
		"endless": {func(w http.ResponseWriter) {
			for range maxAnswer/1024 + 2 {
				fmt.Fprint(w, strings.Repeat(" ", 1024))
			}
		}, "cut off"},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFake(t)
			s, rec := open(t, f)
			mark := rec.Mark()
			f.answers("/devices/list", 3, test.with)
			down := func() (why string, ok bool) {
				for _, h := range rec.All()[mark:] {
					if h.Device == nil && h.Report == nil && !h.Up {
						return h.Why, true
					}
				}
				return "", false
			}
			if !rec.Until(patience, func() bool { _, ok := down(); return ok }) {
				t.Fatal("it was not said that the cloud is gone")
			}
			if why, _ := down(); !strings.Contains(why, test.why) || strings.Contains(why, testKey) {
				t.Errorf("said: %q, want something with %q", why, test.why)
			}
			rec.Await(t, patience, mark, "how it stands afterwards", func(r driver.Report) bool {
				return r.Address == "yale_1" && r.Kind == sashlock.LockLocked && r.State
			})
			if told := changes(rec, mark); len(told) > 0 {
				t.Errorf("told: %+v", told)
			}
			if err := unlock(t, s, "act_1"); err != nil {
				t.Errorf("afterwards: %v", err)
			}
		})
	}
}

// TestOneFailureIsBorne: a single failed question is asked again, and nobody
// hears of it.
func TestOneFailureIsBorne(t *testing.T) {
	f := newFake(t)
	_, rec := open(t, f)
	mark := rec.Mark()
	f.answers("/events/list", 1, status(http.StatusBadGateway))
	f.later(rec)
	for _, h := range rec.All()[mark:] {
		if h.Device == nil && h.Report == nil {
			t.Errorf("told that the cloud is up=%t, %q", h.Up, h.Why)
		}
	}
}

// TestThrottled: Seam asks for fewer questions. That is said, orders go on, and
// no question comes before its time.
func TestThrottled(t *testing.T) {
	f := newFake(t)
	s, rec := open(t, f)
	mark := rec.Mark()
	f.answers("/events/list", 1, status(http.StatusTooManyRequests, "Retry-After", "1"))
	if !rec.Until(patience, func() bool {
		for _, h := range rec.All()[mark:] {
			if h.Up && strings.Contains(h.Why, "fewer calls") {
				return true
			}
		}
		return false
	}) {
		t.Fatalf("nothing was said:\n%s", rec.Text(mark))
	}
	at, before := time.Now(), f.count("/events/list")
	if err := unlock(t, s, "act_1"); err != nil {
		t.Errorf("an order meanwhile: %v", err)
	}
	if !rec.Until(patience, func() bool { return f.count("/events/list") > before }) {
		t.Fatal("it never asked again")
	}
	if took := time.Since(at); took < 700*time.Millisecond {
		t.Errorf("it asked again after %v, want a second", took)
	}
	if !rec.Until(patience, func() bool { all := rec.All(); return len(gateways(all[mark:])) > 1 }) {
		t.Fatal("it was not said that all is well again")
	}
	if all := gateways(rec.All()[mark:]); !all[1].Up || all[1].Why != "" {
		t.Errorf("said afterwards: %+v", all[1])
	}
}

func gateways(all []drivertest.Heard) (of []drivertest.Heard) {
	for _, h := range all {
		if h.Device == nil && h.Report == nil {
			of = append(of, h)
		}
	}
	return of
}

// TestChangeWithoutEvent: the list shows another state and no event explains it.
func TestChangeWithoutEvent(t *testing.T) {
	f := newFake(t)
	_, rec := open(t, f)
	mark := rec.Mark()
	f.change(func() { f.lock("yale_1").Locked = false })
	rec.Await(t, patience, mark, "the change", func(r driver.Report) bool {
		return r == driver.Report{Address: "yale_1", Kind: sashlock.LockUnlocked}
	})
}

// TestOneLyingList is not believed: the next one says otherwise.
func TestOneLyingList(t *testing.T) {
	f := newFake(t)
	_, rec := open(t, f)
	mark := rec.Mark()
	lies := 1
	f.change(func() {
		f.mend = func(route string, answer object) object {
			if route == "/devices/list" && lies > 0 {
				lies--
				return object{"devices": []object{{
					"device_id": "yale_1", "device_type": "yale_lock", "can_remotely_unlock": true, "can_remotely_lock": true,
					"can_program_online_access_codes": true,
					"properties":                      object{"name": "Lock of the test", "online": true, "locked": false, "battery": object{"level": 0.87}, "model": object{"manufacturer_display_name": "Yale"}},
				}}}
			}
			return answer
		}
	})
	f.later(rec)
	if told := rec.Reports(mark, func(driver.Report) bool { return true }); len(told) > 0 {
		t.Errorf("one list was believed:\n%s", rec.Text(mark))
	}
}

// TestEventsInAnyOrder: twice, out of order, and more than fit into one answer.
func TestEventsInAnyOrder(t *testing.T) {
	f := newFake(t)
	_, rec := open(t, f)
	mark := rec.Mark()
	const n = 1200
	base := time.Now().UTC().Truncate(time.Millisecond)
	f.change(func() {
		f.mend = func(route string, answer object) object {
			if all, ok := answer["events"].([]object); ok && route == "/events/list" {
				var back []object // newest first, cut like Seam does
				for i := len(all) - 1; i >= 0 && len(back) < fullPage; i-- {
					back = append(back, all[i])
				}
				answer["events"] = back
			}
			return answer
		}
		for i := range n {
			at := base.Add(time.Duration(i+1) * time.Millisecond).Format(time.RFC3339Nano)
			f.events = append(f.events, object{
				"event_id": fmt.Sprintf("many%d", i), "event_type": "lock.access_denied", "device_id": "yale_1", "created_at": at, "occurred_at": at,
			})
		}
	})
	refused := func() []driver.Report {
		return rec.Reports(mark, func(r driver.Report) bool { return r.Kind == sashlock.CodeRefused })
	}
	rec.Until(patience, func() bool { return len(refused()) >= n })
	f.later(rec)
	told := refused()
	if len(told) != n {
		t.Fatalf("%d of %d events were told", len(told), n)
	}
	for i, r := range told {
		if want := base.Add(time.Duration(i+1) * time.Millisecond); !r.At.Equal(want) {
			t.Fatalf("event %d happened at %v, want %v", i, r.At, want)
		}
	}
}

// TestGone: a device that one list lacks is still there; one that two lack is
// gone, and comes back as it was.
func TestGone(t *testing.T) {
	f := newFake(t)
	s, rec := open(t, f)
	mark := rec.Mark()
	var was *fakeLock
	f.change(func() { was, f.locks = f.locks[0], f.locks[1:] })
	rec.Await(t, patience, mark, "that it is gone", func(r driver.Report) bool {
		return r.Address == "yale_1" && r.Kind == sashlock.DeviceOffline
	})
	if err := unlock(t, s, "act_1"); !sashlock.IsKind(err, sashlock.NotFound) {
		t.Errorf("an order to it: %v", err)
	}
	mark = rec.Mark()
	f.change(func() { f.locks = append(f.locks, was) })
	rec.Await(t, patience, mark, "how it stands again", func(r driver.Report) bool {
		return r.Address == "yale_1" && r.Kind == sashlock.LockLocked && r.State
	})
}

// TestRestart: with a progress file, what happened meanwhile is told, once.
func TestRestart(t *testing.T) {
	for _, kept := range []bool{true, false} {
		t.Run(fmt.Sprint("kept=", kept), func(t *testing.T) {
			f := newFake(t)
			file := func(*Config) {}
			if kept {
				path := filepath.Join(t.TempDir(), "progress")
				file = func(c *Config) { c.ProgressFile = path }
			}
			s, rec := open(t, f, file)
			mark := rec.Mark()
			f.moves("yale_1", false, object{"method": "manual"})
			rec.Await(t, patience, mark, "the first", func(r driver.Report) bool { return r.Method == sashlock.ByHand })
			f.later(rec)
			_ = s.Close()
			f.moves("yale_1", true, object{"method": "automatic"})
			f.moves("yale_1", false, object{"method": "keycode", "access_code_id": "code1"})
			_, rec = open(t, f, file)
			f.later(rec)
			var told []sashlock.Method
			for _, r := range changes(rec, 0) {
				told = append(told, r.Method)
			}
			var want []sashlock.Method
			if kept {
				want = []sashlock.Method{sashlock.BySelf, sashlock.ByKeypad}
			}
			if diff := cmp.Diff(want, told); diff != "" {
				t.Errorf("told after the restart (-want +got):\n%s", diff)
			}
		})
	}
}

// TestProgressCannotBeKept: it goes on, and says so.
func TestProgressCannotBeKept(t *testing.T) {
	f := newFake(t)
	_, rec := open(t, f, func(c *Config) { c.ProgressFile = filepath.Join(t.TempDir(), "no", "such", "folder") })
	if !rec.Until(patience, func() bool {
		for _, h := range gateways(rec.All()) {
			if h.Up && strings.Contains(h.Why, "progress_file") {
				return true
			}
		}
		return false
	}) {
		t.Errorf("nothing was said:\n%s", rec.Text(0))
	}
}

// TestMissingKey: it is said which file, and the session goes on trying.
func TestMissingKey(t *testing.T) {
	f := newFake(t)
	rec := drivertest.NewRecorder()
	s, err := quick().Open(t.Context(), f.config(func(c *Config) { c.KeyFile = "/no/such/key" }), rec)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	if !rec.Until(patience, func() bool { return len(gateways(rec.All())) > 0 }) {
		t.Fatal("nothing was said")
	}
	if g := gateways(rec.All())[0]; g.Up || !strings.Contains(g.Why, "/no/such/key") {
		t.Errorf("said %+v", g)
	}
	if n := f.count("/events/list"); n != 0 {
		t.Errorf("asked %d times without a key", n)
	}
}

// TestTwoCodesOfOneNumber: neither is told, since nobody could say which.
func TestTwoCodesOfOneNumber(t *testing.T) {
	d := newDevice()
	one, other := "code_0", ""
	for i := 1; other == ""; i++ {
		if code := fmt.Sprintf("code_%d", i); slotOf(code) == slotOf(one) {
			other = code
		}
	}
	if got := d.slot(one); got != slotOf(one) {
		t.Errorf("alone it is %d, want %d", got, slotOf(one))
	}
	for _, code := range []string{other, one, other} {
		if got := d.slot(code); got != 0 {
			t.Errorf("%s of two is %d, want 0", code, got)
		}
	}
}
