// SPDX-License-Identifier: Apache-2.0

package partner

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/driver"
	"github.com/sashlock/sashlock/driver/drivertest"
)

const patience = 20 * time.Second

// quick is a driver that does not let a test wait.
func quick() *Driver {
	p := usualPace()
	p.reread, p.confirm, p.poll = 20*time.Millisecond, 2*time.Second, 5*time.Second
	p.Min, p.Max = 5*time.Millisecond, 20*time.Millisecond
	return &Driver{pace: p}
}

func abilityList() []sashlock.Capability {
	var all []sashlock.Capability
	for _, a := range abilities {
		all = append(all, a.can)
	}
	return all
}

func TestConformance(t *testing.T) {
	config := func(edit func(*Config)) json.RawMessage {
		c := Config{URL: "https://locks.example.com", KeyFile: "/nowhere"}
		edit(&c)
		text, _ := json.Marshal(c)
		return text
	}
	drivertest.Run(t, drivertest.Harness{
		Driver: quick(),
		New: func(t *testing.T) drivertest.Stage {
			f := newFake(t)
			return drivertest.Stage{
				Config: f.config(), World: fakeWorld{f}, Lock: "front", Contact: "front", Slot: 3, PINs: []string{testPIN, testKey},
				Expected: []drivertest.Expected{{Address: "front", Capabilities: abilityList()}, {Address: "back", Capabilities: abilityList()}},
			}
		},
		Bad: []drivertest.BadConfig{
			{Name: "no address", Config: config(func(c *Config) { c.URL = "" }), Field: "url"},
			{Name: "clear text over the network", Config: config(func(c *Config) { c.URL = "http://locks.example.com" }), Field: "url"},
			{Name: "a password", Config: config(func(c *Config) { c.URL = "https://me:secret@locks.example.com" }), Field: "url"},
			{Name: "another scheme", Config: config(func(c *Config) { c.URL = "ftp://locks.example.com" }), Field: "url"},
			{Name: "no key", Config: config(func(c *Config) { c.KeyFile = "" }), Field: "key_file"},
			{Name: "two keys", Config: config(func(c *Config) { c.KeyEnv = "KEY" }), Field: "key_file"},
			{Name: "the key itself", Config: config(func(c *Config) { c.KeyFile, c.KeyEnv = "", "4711-0815" }), Field: "key_env"},
		},
		Patience: patience, Burst: 200,
	})
}

func TestSettings(t *testing.T) { drivertest.Settings(t, New(), Config{}) }

func open(t *testing.T, f *fake) (*session, *drivertest.Recorder) {
	t.Helper()
	rec := drivertest.NewRecorder()
	s, err := quick().Open(t.Context(), f.config(), rec)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	rec.Await(t, patience, 0, "how the lock stands", func(r driver.Report) bool {
		return r.State && r.Address == "front" && r.Kind == sashlock.LockLocked
	})
	return s.(*session), rec
}

func unlock(id sashlock.CommandID) driver.Order {
	return driver.Order{Command: id, Address: "front", Verb: sashlock.DoUnlock}
}

func isUnlocked(command sashlock.CommandID) func(driver.Report) bool {
	return func(r driver.Report) bool {
		return r.Address == "front" && r.Kind == sashlock.LockUnlocked && r.Command == command
	}
}

// TestOrderNamed: the event of an order names it; where the event is missing, the
// lock's own answer does, and the event that comes late, even after the next
// order, is not news.
func TestOrderNamed(t *testing.T) {
	for _, quiet := range []bool{false, true} {
		f := newFake(t)
		f.quiet = quiet
		s, rec := open(t, f)
		mark := rec.Mark()
		if err := s.Operate(t.Context(), unlock("act_1")); err != nil {
			t.Fatal(err)
		}
		rec.Await(t, patience, mark, "the unlock", isUnlocked("act_1"))
		if err := s.Operate(t.Context(), driver.Order{Command: "act_2", Address: "front", Verb: sashlock.DoLock}); err != nil {
			t.Fatal(err)
		}
		rec.Await(t, patience, mark, "the lock", func(r driver.Report) bool { return r.Kind == sashlock.LockLocked && r.Command == "act_2" })
		if quiet {
			_ = f.do(func() {
				f.tell("front", "unlocked", map[string]any{"how": "remote", "order": "act_1"})
				f.tell("front", "locked", map[string]any{"how": "remote", "order": "act_2"})
			})
		}
		_ = f.do(func() { f.tell("front", "opened", nil) })
		rec.Await(t, patience, mark, "the door", func(r driver.Report) bool { return r.Kind == sashlock.OpeningOpened })
		if n := len(rec.Reports(mark, func(r driver.Report) bool { return r.Kind == sashlock.LockUnlocked || r.Kind == sashlock.LockLocked })); n != 2 {
			t.Errorf("quiet %t: of two orders told %d times", quiet, n)
		}
	}
}

// TestTakenIsNotDone: an adapter that takes an order, or lets its answer get lost,
// moves nothing; what was last heard of a lock confirms nothing either.
func TestTakenIsNotDone(t *testing.T) {
	f := newFake(t)
	s, rec := open(t, f)
	mark := rec.Mark()
	_ = f.do(func() { f.locks["front"].deaf = true })
	ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	if err := s.Operate(ctx, unlock("act_1")); err != nil {
		t.Fatal(err)
	}
	<-ctx.Done()
	_ = f.do(func() {
		l := f.locks["front"]
		l.deaf, l.askedNot, f.quiet = false, true, true
	})
	again, end := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer end()
	if err := s.Operate(again, unlock("act_2")); err != nil {
		t.Fatal(err)
	}
	<-again.Done()
	_ = f.do(func() { f.tell("front", "opened", nil) })
	rec.Await(t, patience, mark, "the door", func(r driver.Report) bool { return r.Kind == sashlock.OpeningOpened })
	if told := rec.Reports(mark, func(r driver.Report) bool { return r.Kind == sashlock.LockUnlocked }); len(told) > 0 {
		t.Errorf("told of an unlock nobody saw:\n%s", rec.Text(mark))
	}
}

// TestLostAnswer: an order whose answer was lost is not sent again, and confirmed
// by the lock.
func TestLostAnswer(t *testing.T) {
	f := newFake(t)
	s, rec := open(t, f)
	mark := rec.Mark()
	_ = f.do(func() { f.lost = true })
	if err := s.Operate(t.Context(), unlock("act_1")); err != nil {
		t.Fatal(err)
	}
	rec.Await(t, patience, mark, "the unlock", isUnlocked("act_1"))
	if err := s.Operate(t.Context(), unlock("act_1")); !sashlock.IsKind(err, sashlock.Conflict) {
		t.Errorf("the same order again: %v, want kind conflict", err)
	}
}

// TestCountingAnew: an adapter that lost its place is asked for everything anew.
func TestCountingAnew(t *testing.T) {
	f := newFake(t)
	_, rec := open(t, f)
	mark := rec.Mark()
	_ = f.do(func() { f.run, f.events, f.locks["front"].bolt = 2, nil, "unlocked" })
	rec.Await(t, patience, mark, "how it stands", func(r driver.Report) bool {
		return r.State && r.Address == "front" && r.Kind == sashlock.LockUnlocked
	})
	_ = f.do(func() { f.move("front", "locked", map[string]any{"how": "manual"}) })
	rec.Await(t, patience, mark, "an event of the new counting", func(r driver.Report) bool {
		return r.Kind == sashlock.LockLocked && !r.State && r.Boot == 2 && r.Number == 1
	})
}

// TestWrongKey: the sentence says what is wrong and holds no key.
func TestWrongKey(t *testing.T) {
	f := newFake(t)
	if err := os.WriteFile(f.keyFile, []byte("another-key"), 0o600); err != nil {
		t.Fatal(err)
	}
	rec := drivertest.NewRecorder()
	s, err := quick().Open(t.Context(), f.config(), rec)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if !rec.Until(patience, func() bool { return strings.Contains(rec.Text(0), "refuses the key") }) {
		t.Errorf("never told:\n%s", rec.Text(0))
	}
	if strings.Contains(rec.Text(0), "another-key") {
		t.Error("the key was told")
	}
	// It is read anew for each call.
	if err := os.WriteFile(f.keyFile, []byte(testKey), 0o600); err != nil {
		t.Fatal(err)
	}
	rec.Await(t, patience, 0, "how it stands", func(r driver.Report) bool { return r.State && r.Kind == sashlock.LockLocked })
}

// TestBoundedCode hands the bounds over and believes the lock about them.
func TestBoundedCode(t *testing.T) {
	f := newFake(t)
	s, _ := open(t, f)
	pin, err := driver.NewPIN("4711908")
	if err != nil {
		t.Fatal(err)
	}
	for _, bounded := range []bool{false, true} {
		_ = f.do(func() { f.locks["front"].bounded = bounded })
		set, err := s.SetCode(t.Context(), "front", driver.CodeSetting{Slot: 5, PIN: pin, Until: time.Now().Add(time.Hour)})
		if err != nil || set.Bounded != bounded || !set.Sent {
			t.Errorf("%+v, %v", set, err)
		}
		set, err = s.SetCode(t.Context(), "front", driver.CodeSetting{Slot: 5, PIN: pin})
		if err != nil || set.Bounded {
			t.Errorf("without an end: %+v, %v", set, err)
		}
	}
	_ = f.do(func() { f.locks["front"].offline = true })
	set, err := s.SetCode(t.Context(), "front", driver.CodeSetting{Slot: 5, PIN: pin})
	if !sashlock.IsKind(err, sashlock.Unavailable) || !set.Sent || strings.Contains(fmt.Sprintf("%+v", err), "4711908") {
		t.Errorf("nobody knows what became of it: %+v, %v", set, err)
	}
}
