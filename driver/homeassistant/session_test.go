// SPDX-License-Identifier: Apache-2.0

package homeassistant

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/driver"
	"github.com/sashlock/sashlock/driver/drivertest"
)

// open opens a session on a hub and waits until the lock has said how it stands.
func open(t *testing.T, h *hub, config string) (*session, *drivertest.Recorder) {
	t.Helper()
	rec := drivertest.NewRecorder()
	s, err := onHub{New(), func() *hub { return h }}.Open(t.Context(), json.RawMessage(config), rec)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	rec.Await(t, patience, 0, "how the lock stands", func(r driver.Report) bool {
		return r == driver.Report{Address: lockID, Kind: sashlock.LockLocked, State: true}
	})
	return s.(*session), rec
}

// flush waits until all that was said before has been heard.
func flush(t *testing.T, h *hub, rec *drivertest.Recorder) {
	t.Helper()
	mark := rec.Mark()
	level := 10 + len(h.published())%10
	for _, n := range []int{level, level + 20} {
		h.say("shop/case1/battery", fmt.Sprint(n))
	}
	rec.Await(t, patience, mark, "the battery", func(r driver.Report) bool { return r.Level == level+20 })
}

func (h *hub) published() []string {
	h.mu.Lock()
	defer h.mu.Unlock()
	return slices.Clone(h.sent)
}

func order(verb sashlock.Verb) driver.Order {
	return driver.Order{Command: "act_1", Address: lockID, Verb: verb}
}

func bolt(rec *drivertest.Recorder, since int) []driver.Report {
	return rec.Reports(since, func(r driver.Report) bool { return r.Address == lockID && strings.HasPrefix(string(r.Kind), "lock.") })
}

// TestOrder: published once, not kept, and confirmed by the lock's own word.
func TestOrder(t *testing.T) {
	h := newHub()
	s, rec := open(t, h, hubConfig)
	mark := rec.Mark()
	if err := s.Operate(t.Context(), order(sashlock.DoUnlock)); err != nil {
		t.Fatal(err)
	}
	flush(t, h, rec)
	want := []driver.Report{{Address: lockID, Kind: sashlock.LockUnlocked, Method: sashlock.ByRemote, Command: "act_1"}}
	if diff := cmp.Diff(want, bolt(rec, mark)); diff != "" {
		t.Errorf("told (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"shop/case1/lock/set 0 UNLOCK"}, h.published()); diff != "" {
		t.Errorf("published (-want +got):\n%s", diff)
	}
}

// TestJamAnswersTheOrder, and a lock that hears nothing is not said to have moved.
func TestJamAnswersTheOrder(t *testing.T) {
	h := newHub()
	s, rec := open(t, h, hubConfig)
	h.set(true)
	mark := rec.Mark()
	if err := s.Operate(t.Context(), order(sashlock.DoUnlock)); err != nil {
		t.Fatal(err)
	}
	flush(t, h, rec)
	want := []driver.Report{{Address: lockID, Kind: sashlock.LockWasJammed, Method: sashlock.ByRemote, Command: "act_1"}}
	if diff := cmp.Diff(want, bolt(rec, mark)); diff != "" {
		t.Errorf("told (-want +got):\n%s", diff)
	}
	h.mu.Lock()
	h.deaf = true
	h.mu.Unlock()
	mark = rec.Mark()
	if err := s.Operate(t.Context(), order(sashlock.DoLock)); err != nil {
		t.Fatal(err)
	}
	flush(t, h, rec)
	if told := bolt(rec, mark); len(told) > 0 {
		t.Errorf("told of a lock that heard nothing: %+v", told)
	}
}

// TestExpiredOrder: what the lock says after an order's time is not about it.
func TestExpiredOrder(t *testing.T) {
	h := newHub()
	s, rec := open(t, h, hubConfig)
	h.mu.Lock()
	h.deaf = true
	h.mu.Unlock()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Millisecond)
	defer cancel()
	if err := s.Operate(ctx, order(sashlock.DoUnlock)); err != nil {
		t.Fatal(err)
	}
	<-ctx.Done()
	mark := rec.Mark()
	h.say("shop/case1/lock", "UNLOCKED")
	r := rec.Await(t, patience, mark, "the unlock", func(r driver.Report) bool { return r.Kind == sashlock.LockUnlocked })
	if r.Command != "" || r.State {
		t.Errorf("told as %+v", r)
	}
}

func TestReadOnly(t *testing.T) {
	h := newHub()
	s, rec := open(t, h, `{"broker":"tcp://127.0.0.1:1","read_only":true}`)
	if err := s.Operate(t.Context(), order(sashlock.DoUnlock)); !sashlock.IsKind(err, sashlock.Denied) {
		t.Errorf("an order: %v", err)
	}
	if d := (sashlock.Device{Capabilities: rec.Devices()[lockID].Capabilities}); d.Has(sashlock.CanUnlock) || d.Has(sashlock.CanLock) || !d.Has(sashlock.TellsLock) {
		t.Errorf("capabilities %v", d.Capabilities)
	}
	if sent := h.published(); len(sent) > 0 {
		t.Errorf("published %v", sent)
	}
}

// TestLockThatTellsNothing is operated and never said to be locked, whatever
// Home Assistant would assume.
func TestLockThatTellsNothing(t *testing.T) {
	h := newHub()
	h.kept["homeassistant/lock/mute/config"] = `{"unique_id":"mute","command_topic":"shop/mute/set","optimistic":true}`
	s, rec := open(t, h, hubConfig)
	if !rec.Until(patience, func() bool { _, ok := rec.Devices()["lock.mute"]; return ok }) {
		t.Fatal("it was not found")
	}
	if d := rec.Devices()["lock.mute"]; slices.Contains(d.Capabilities, sashlock.TellsLock) || !strings.Contains(d.Weak, "never said to be locked") {
		t.Errorf("found %+v", d)
	}
	if err := s.Operate(t.Context(), driver.Order{Command: "act_1", Address: "lock.mute", Verb: sashlock.DoLock}); err != nil {
		t.Fatal(err)
	}
	flush(t, h, rec)
	if told := rec.Reports(0, func(r driver.Report) bool { return r.Address == "lock.mute" && r.Kind != sashlock.DeviceOnline }); len(told) > 0 {
		t.Errorf("told: %+v", told)
	}
}

// TestAnnouncementsChange: renamed, moved to other topics, broken, taken back.
func TestAnnouncementsChange(t *testing.T) {
	h := newHub()
	s, rec := open(t, h, hubConfig)
	mark := rec.Mark()
	h.say("shop/new/lock", "UNLOCKED")
	h.say(lockAt, `{"~":"shop/new","name":"Renamed","uniq_id":"case1_lock","stat_t":"~/lock","cmd_t":"~/lock/set",`+group+`}`)
	rec.Await(t, patience, mark, "what it says at its new topic", func(r driver.Report) bool {
		return r == driver.Report{Address: lockID, Kind: sashlock.LockUnlocked, State: true}
	})
	if d := rec.Devices()[lockID]; d.Name != "Case 1 Renamed" {
		t.Errorf("found as %q", d.Name)
	}
	mark = rec.Mark()
	h.say("shop/case1/lock", "LOCKED") // nobody listens there any more
	h.say(lockAt, `{"broken`)
	flush(t, h, rec)
	if told := bolt(rec, mark); len(told) > 0 {
		t.Errorf("told: %+v", told)
	}
	h.say(lockAt, "")
	rec.Await(t, patience, mark, "that it is gone", func(r driver.Report) bool {
		return r.Address == lockID && r.Kind == sashlock.DeviceOffline
	})
	if err := s.Operate(t.Context(), order(sashlock.DoUnlock)); !sashlock.IsKind(err, sashlock.NotFound) {
		t.Errorf("an order to it: %v", err)
	}
}

// TestAnotherUnderTheSameName does not take the place of the first.
func TestAnotherUnderTheSameName(t *testing.T) {
	h := newHub()
	s, rec := open(t, h, hubConfig)
	h.say("homeassistant/lock/thief/config", `{"uniq_id":"case1_lock","stat_t":"thief/lock","cmd_t":"thief/set"}`)
	h.say("thief/lock", "UNLOCKED")
	flush(t, h, rec)
	if told := bolt(rec, 0); slices.ContainsFunc(told, func(r driver.Report) bool { return r.Kind == sashlock.LockUnlocked }) {
		t.Errorf("told: %+v", told)
	}
	if err := s.Operate(t.Context(), order(sashlock.DoUnlock)); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"shop/case1/lock/set 0 UNLOCK"}, h.published()); diff != "" {
		t.Errorf("published (-want +got):\n%s", diff)
	}
}

// TestWhatTheBrokerKeepsOfAnAbsentDevice is not told.
func TestWhatTheBrokerKeepsOfAnAbsentDevice(t *testing.T) {
	h := newHub()
	h.kept["shop/case1/status"] = "offline"
	rec := drivertest.NewRecorder()
	s, err := onHub{New(), func() *hub { return h }}.Open(t.Context(), json.RawMessage(hubConfig), rec)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	rec.Await(t, patience, 0, "that it is away", func(r driver.Report) bool {
		return r == driver.Report{Address: lockID, Kind: sashlock.DeviceOffline, State: true}
	})
	h.say("shop/bell", `{"event_type":"press"}`)
	rec.Await(t, patience, 0, "the bell", func(r driver.Report) bool { return r.Address == buttonID && r.Kind == sashlock.PresenceSeen })
	if told := bolt(rec, 0); len(told) > 0 {
		t.Errorf("told: %+v", told)
	}
	if err := s.(*session).Operate(t.Context(), order(sashlock.DoUnlock)); !sashlock.IsKind(err, sashlock.Unavailable) {
		t.Errorf("an order: %v", err)
	}
}

// TestNobodyAnnouncesItself: it is said what to look at.
func TestNobodyAnnouncesItself(t *testing.T) {
	h := newHub()
	h.kept = map[string]string{}
	rec := drivertest.NewRecorder()
	s, err := onHub{New(), func() *hub { return h }}.Open(t.Context(), json.RawMessage(hubConfig), rec)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	if !rec.Until(patience, func() bool {
		return slices.ContainsFunc(rec.All(), func(h drivertest.Heard) bool { return h.Up && strings.Contains(h.Why, "announces itself") })
	}) {
		t.Errorf("nothing was said:\n%s", rec.Text(0))
	}
}
