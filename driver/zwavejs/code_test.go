// SPDX-License-Identifier: Apache-2.0

package zwavejs

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/driver"
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

// bounds gives lock 2 the class that bounds PINs in time.
func bounds(s *session) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.devices[2].schedules = true
}

func TestCodeBounded(t *testing.T) {
	f := newFake(t)
	s, _ := open(t, f)
	bounds(s)
	lisbon, err := time.LoadLocation("Europe/Lisbon")
	if err != nil {
		t.Fatal(err)
	}
	until := time.Date(2026, 7, 3, 17, 30, 59, 0, lisbon)
	set, err := s.SetCode(t.Context(), "2", driver.CodeSetting{Slot: 5, PIN: pinOf(t, otherPIN), From: time.Date(2026, 7, 1, 8, 0, 1, 0, lisbon).UTC(), Until: until})
	if err != nil || !set.Bounded {
		t.Fatalf("SetCode: %+v, %v", set, err)
	}
	want := map[int]yearDaySchedule{5: {26, 7, 1, 8, 1, 26, 7, 3, 17, 30}}
	if diff := cmp.Diff(want, f.locks[2].schedules); diff != "" {
		t.Errorf("never later than asked (-want +got):\n%s", diff)
	}
	// Without an end it is bound no more.
	if set, err = s.SetCode(t.Context(), "2", driver.CodeSetting{Slot: 5, PIN: pinOf(t, otherPIN)}); err != nil || set.Bounded {
		t.Fatalf("SetCode: %+v, %v", set, err)
	}
	if len(f.locks[2].schedules) != 0 {
		t.Errorf("a schedule stayed: %v", f.locks[2].schedules)
	}
	if f.asked["endpoint.invoke_cc_api set"] != 1 {
		t.Errorf("the PIN was written %d times, want once", f.asked["endpoint.invoke_cc_api set"])
	}
	if _, err := s.SetCode(t.Context(), "2", driver.CodeSetting{Slot: 5, PIN: pinOf(t, otherPIN), Until: until}); err != nil {
		t.Fatal(err)
	}
	if err := s.ClearCode(t.Context(), "2", 5); err != nil || len(f.locks[2].schedules) != 0 {
		t.Errorf("ClearCode: %v; schedules left %v", err, f.locks[2].schedules)
	}
}

// A lock that does not have the class, or does not keep what it was told, ends
// nothing by itself: whoever wrote the code has to know.
func TestCodeNotBounded(t *testing.T) {
	f := newFake(t)
	s, _ := open(t, f)
	until := time.Now().Add(time.Hour)
	set, err := s.SetCode(t.Context(), "2", driver.CodeSetting{Slot: 5, PIN: pinOf(t, otherPIN), Until: until})
	if err != nil || set.Bounded || f.asked["endpoint.invoke_cc_api setYearDaySchedule"] > 0 {
		t.Errorf("without the class: %+v, %v", set, err)
	}
	bounds(s)
	f.handle = func(r request) (string, bool) {
		if r.Method == "getYearDaySchedule" {
			return success(r, `{}`), true
		}
		return "", false
	}
	if set, err = s.SetCode(t.Context(), "2", driver.CodeSetting{Slot: 5, PIN: pinOf(t, otherPIN), Until: until}); err != nil || set.Bounded {
		t.Errorf("without the lock's word: %+v, %v", set, err)
	}
}

// A lock that does not say which PIN it has proves a new one by having been
// empty before.
func TestCodeHidden(t *testing.T) {
	f := newFake(t)
	f.locks[2].hides = true
	s, _ := open(t, f)
	if _, err := s.SetCode(t.Context(), "2", driver.CodeSetting{Slot: 3, PIN: pinOf(t, otherPIN)}); err != nil {
		t.Fatal(err)
	}
	if got := f.locks[2].slots[3].code; got != otherPIN {
		t.Error("the lock has another PIN")
	}
	if f.asked["endpoint.invoke_cc_api clear"] != 1 {
		t.Errorf("it was cleared %d times before, want once", f.asked["endpoint.invoke_cc_api clear"])
	}
}

// TestCodeFailureIsQuiet has the server repeat in its failures what it was sent.
func TestCodeFailureIsQuiet(t *testing.T) {
	f := newFake(t)
	s, rec := open(t, f)
	f.handle = func(r request) (string, bool) {
		if r.Class == classUserCode && r.Method != "get" {
			return fmt.Sprintf(`{"type":"result","success":false,"messageId":%q,"errorCode":"zwave_error","zwaveErrorCode":322,"zwaveErrorMessage":"user code %s is bad"}`, r.ID, otherPIN), true
		}
		return "", false
	}
	_, err := s.SetCode(t.Context(), "2", driver.CodeSetting{Slot: 5, PIN: pinOf(t, otherPIN)})
	if !sashlock.IsKind(err, sashlock.Unavailable) || !strings.Contains(err.Error(), "322") {
		t.Errorf("SetCode: %v", err)
	}
	for e := err; e != nil; {
		if strings.Contains(fmt.Sprintf("%v %+v %#v", e, e, e), otherPIN) {
			t.Error("the PIN is in the error")
		}
		u, ok := e.(interface{ Unwrap() error })
		if !ok {
			break
		}
		e = u.Unwrap()
	}
	if strings.Contains(rec.Text(0), otherPIN) {
		t.Error("the PIN was told")
	}
}

// A sleeping lock would get the code when nobody wants it there any more.
func TestCodeAsleep(t *testing.T) {
	f := newFake(t)
	s, rec := open(t, f)
	f.play(life(2, "sleep"))
	if !rec.Until(patience, func() bool { s.mu.Lock(); defer s.mu.Unlock(); return s.devices[2].status == statusAsleep }) {
		t.Fatal("it did not fall asleep")
	}
	_, err := s.SetCode(t.Context(), "2", driver.CodeSetting{Slot: 5, PIN: pinOf(t, otherPIN)})
	if !sashlock.IsKind(err, sashlock.Unavailable) || f.asked["endpoint.invoke_cc_api set"] > 0 {
		t.Errorf("SetCode: %v", err)
	}
}
