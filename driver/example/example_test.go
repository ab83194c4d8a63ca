// SPDX-License-Identifier: Apache-2.0

package example

import (
	"context"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/driver"
	"github.com/sashlock/sashlock/driver/drivertest"
	"github.com/sashlock/sashlock/driver/example/box"
)

func TestConformance(t *testing.T) {
	drivertest.Run(t, drivertest.Harness{
		Driver: New(),
		New: func(t *testing.T) drivertest.Stage {
			there, err := box.New("1", "2")
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = there.KillGateway() })
			config, _ := json.Marshal(Config{Box: there.Address()})
			able := discovery(message{}).Capabilities
			return drivertest.Stage{
				Config: config, World: there, Lock: "1",
				Expected: []drivertest.Expected{{Address: "1", Capabilities: able}, {Address: "2", Capabilities: able}},
			}
		},
		Bad: []drivertest.BadConfig{
			{Name: "no box", Config: json.RawMessage(`{}`), Field: "box"},
			{Name: "no port", Config: json.RawMessage(`{"box":"192.168.1.40"}`), Field: "box"},
		},
	})
}

func TestManifestSaysWhatTheDriverTakes(t *testing.T) {
	drivertest.Settings(t, New(), Config{})
}

func TestDecode(t *testing.T) {
	for line, want := range map[string]message{
		"have 1 M1":           {word: "have", address: "1", model: "M1"},
		"ready":               {word: "ready"},
		"is 1 locked":         {word: "is", address: "1", kind: sashlock.LockLocked},
		"did 1 unlocked hand": {word: "did", address: "1", kind: sashlock.LockUnlocked, method: sashlock.ByHand},
		"did 1 jammed 17":     {word: "did", address: "1", kind: sashlock.LockWasJammed, method: sashlock.ByRemote, order: 17},
		"gone 1":              {word: "gone", address: "1"},
		"took 17":             {word: "took", order: 17, method: sashlock.ByRemote},
	} {
		got, err := decode(line)
		if diff := cmp.Diff(want, got, cmp.AllowUnexported(message{})); diff != "" || err != nil {
			t.Errorf("%s: %v\n%s", line, err, diff)
		}
	}
	for _, line := range []string{"", "open 1", "is 1", "is 1 ajar", "did 1 locked 0", "took hand", "took 1 2", "ready now", "have 1 " + strings.Repeat("x", maxLine)} {
		if m, err := decode(line); err == nil {
			t.Errorf("%q was taken as %+v", line, m)
		}
	}
}

func FuzzDecode(f *testing.F) {
	for _, line := range []string{"have 1 M1", "did 1 jammed 17", "took 99999999999999999999", "is \x00 locked"} {
		f.Add(line)
	}
	f.Fuzz(func(t *testing.T, line string) {
		m, err := decode(line)
		if err == nil && (m.word == "did" || m.word == "is") && (m.kind == "" || m.address == "") {
			t.Errorf("%q was taken as %+v", line, m)
		}
	})
}

// An order to a box that does not answer is taken back: it does not arrive
// when the box comes to itself again.
func TestAnOrderThatWasNotAnsweredIsTakenBack(t *testing.T) {
	there, err := box.New("1")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = there.KillGateway() })
	rec := drivertest.NewRecorder()
	config, _ := json.Marshal(Config{Box: there.Address()})
	s, err := New().Open(t.Context(), config, rec)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close() //nolint:errcheck // it returns nil
	locked := func(r driver.Report) bool { return r.State && r.Kind == sashlock.LockLocked }
	rec.Await(t, 10*time.Second, 0, "how it stands", locked)

	ready := there.Busy()
	mark := rec.Mark()
	order := driver.Order{Address: "1", Verb: sashlock.DoUnlock}
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	err = s.(driver.Operator).Operate(ctx, order)
	cancel()
	ready()
	if !sashlock.IsKind(err, sashlock.Unavailable) {
		t.Errorf("an order that nobody answered: %v", err)
	}
	rec.Await(t, 10*time.Second, mark, "how it stands after the connection was made anew", locked)
}
