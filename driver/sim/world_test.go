// SPDX-License-Identifier: Apache-2.0

package sim_test

import (
	"context"
	"encoding/json"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/driver"
	"github.com/sashlock/sashlock/driver/drivertest"
	"github.com/sashlock/sashlock/driver/sim"
)

const storeConfig = `{
	"store": "flagship", "seed": 11, "latency_ms": 30, "jitter_ms": %d,
	"devices": [
		{"address": "case", "kind": "lock+contact", "codes": [{"slot": 2, "pin": "4711"}]},
		{"address": "offline", "kind": "lock+contact", "remembers": true},
		{"address": "near", "kind": "motion"}
	]}`

// store is a simulated store with a session on it.
type store struct {
	*sim.World
	t       *testing.T
	rec     *drivertest.Recorder
	session driver.Session
	mark    int
}

// inStore runs a test in a bubble with its own time.
func inStore(t *testing.T, jitter int, do func(s *store)) {
	synctest.Test(t, func(t *testing.T) {
		d, config := sim.New(nil), json.RawMessage(fmt.Sprintf(storeConfig, jitter))
		w, err := d.World(config)
		if err != nil {
			t.Fatal(err)
		}
		s := &store{World: w, t: t, rec: drivertest.NewRecorder()}
		if s.session, err = d.Open(t.Context(), config, s.rec); err != nil {
			t.Fatal(err)
		}
		defer s.session.Close()
		s.news()
		do(s)
	})
}

// news returns what was heard since the last time, in short: kinds of reports
// with their method, and words about the gateway.
func (s *store) news() []string {
	synctest.Wait()
	said := []string{}
	for _, h := range s.rec.All()[s.mark:] {
		switch {
		case h.Report != nil:
			line := fmt.Sprint(h.Report.Address, " ", h.Report.Kind)
			if h.Report.Method != "" {
				line += " " + string(h.Report.Method)
			}
			if h.Report.State {
				line += " still"
			}
			said = append(said, line)
		case h.Device == nil:
			said = append(said, fmt.Sprintf("gateway %t", h.Up))
		}
	}
	s.mark = s.rec.Mark()
	return said
}

// after lets time pass and says what was heard.
func (s *store) after(d time.Duration) []string {
	<-time.After(d) // in the bubble: nobody really waits
	return s.news()
}

func (s *store) want(got []string, want ...string) {
	s.t.Helper()
	if diff := cmp.Diff(append([]string{}, want...), got); diff != "" {
		s.t.Errorf("heard (-want +got):\n%s", diff)
	}
}

func (s *store) order(address string, verb sashlock.Verb, last time.Duration) {
	s.t.Helper()
	id := sashlock.NewID[sashlock.CommandID](time.Now())
	o := driver.Order{Command: id, Address: address, Verb: verb, For: last}
	if err := s.session.(driver.Operator).Operate(s.t.Context(), o); err != nil {
		s.t.Fatalf("%s: %v", verb, err)
	}
}

func (s *store) must(err error) {
	s.t.Helper()
	if err != nil {
		s.t.Fatal(err)
	}
}

func TestReleaseRelocksByItself(t *testing.T) {
	inStore(t, 0, func(s *store) {
		s.order("case", sashlock.DoRelease, 5*time.Second)
		s.want(s.after(29 * time.Millisecond))
		s.want(s.after(time.Millisecond), "case lock.unlocked remote")
		s.want(s.after(5*time.Second - 1))
		s.want(s.after(1), "case lock.locked auto")
	})
}

func TestReleaseRelocksOnClosing(t *testing.T) {
	inStore(t, 0, func(s *store) {
		s.order("case", sashlock.DoRelease, 5*time.Second)
		s.want(s.after(time.Second), "case lock.unlocked remote")
		s.must(s.Open("case"))
		s.want(s.after(time.Minute), "case opening.opened")
		s.must(s.Close("case"))
		s.want(s.news(), "case opening.closed", "case lock.locked auto")
	})
}

func TestUnlockEndsARelease(t *testing.T) {
	inStore(t, 0, func(s *store) {
		s.order("case", sashlock.DoRelease, 5*time.Second)
		s.want(s.after(time.Second), "case lock.unlocked remote")
		s.order("case", sashlock.DoUnlock, 0)
		s.want(s.after(time.Hour), "case lock.unlocked remote")
		s.order("case", sashlock.DoLock, 0)
		s.want(s.after(time.Hour), "case lock.locked remote")
	})
}

func TestLockWhileOpenWaitsForClosing(t *testing.T) {
	inStore(t, 0, func(s *store) {
		s.must(s.OperateByHand("case", sashlock.DoUnlock))
		s.must(s.Open("case"))
		s.want(s.news(), "case lock.unlocked manual", "case opening.opened")
		s.order("case", sashlock.DoLock, 0)
		s.want(s.after(time.Hour))
		s.must(s.Close("case"))
		s.want(s.news(), "case opening.closed", "case lock.locked auto")
	})
}

func TestForcedOpening(t *testing.T) {
	inStore(t, 0, func(s *store) {
		s.must(s.Open("case"))
		s.want(s.news(), "case opening.opened")
		state, err := s.State("case")
		s.must(err)
		if !state.Open || state.Unlocked {
			t.Errorf("state %+v, want open and locked", state)
		}
	})
}

func TestKeypad(t *testing.T) {
	inStore(t, 0, func(s *store) {
		s.must(s.KeypadUnlock("case", 2))
		s.want(s.news(), "case lock.unlocked keypad")
		s.want(s.after(5*time.Second), "case lock.locked auto")
		s.must(s.KeypadUnlock("case", 9))
		s.must(s.WrongCode("case"))
		s.want(s.news(), "case lock.code_refused keypad", "case lock.code_refused keypad")
	})
}

func TestJamDuringRelease(t *testing.T) {
	inStore(t, 0, func(s *store) {
		s.order("case", sashlock.DoRelease, time.Second)
		s.want(s.after(time.Second), "case lock.unlocked remote")
		s.must(s.Jam("case"))
		s.want(s.after(time.Second), "case lock.jammed auto")
		s.must(s.Unjam("case"))
		s.want(s.news(), "case lock.unlocked")
	})
}

func TestDeadDeviceForgetsItsOrders(t *testing.T) {
	inStore(t, 0, func(s *store) {
		s.order("case", sashlock.DoUnlock, 0)
		s.must(s.Kill("case"))
		s.must(s.Kill("case"))
		s.want(s.news(), "case device.went_offline")
		s.must(s.Revive("case"))
		s.must(s.Revive("case"))
		s.want(s.after(time.Second), "case device.came_online", "case device.came_online still", "case lock.locked still",
			"case opening.closed still", "case device.battery_reported still", "case device.tamper_cleared still")
	})
}

func TestOrdersBeforeARestartDoNotDisturbThoseAfter(t *testing.T) {
	inStore(t, 0, func(s *store) {
		s.order("case", sashlock.DoUnlock, 0)
		s.after(20 * time.Millisecond)
		s.must(s.Kill("case"))
		s.must(s.Revive("case"))
		s.order("case", sashlock.DoLock, 0)
		s.news()
		s.want(s.after(29 * time.Millisecond))
		s.want(s.after(time.Minute), "case lock.locked remote")
	})
}

func TestRestartCounterAndNumbers(t *testing.T) {
	inStore(t, 0, func(s *store) {
		s.must(s.Open("case"))
		s.must(s.Close("case"))
		s.must(s.Kill("case"))
		s.must(s.Revive("case"))
		s.must(s.Open("case"))
		s.news()
		type numbers struct{ Boot, Number uint64 }
		var got []numbers
		for _, r := range s.rec.Reports(0, func(r driver.Report) bool { return r.Address == "case" && r.Number > 0 }) {
			got = append(got, numbers{r.Boot, r.Number})
		}
		boot := uint64(time.Now().UnixMilli())
		want := []numbers{{boot, 1}, {boot, 2}, {boot + 1, 1}}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("numbers (-want +got):\n%s", diff)
		}
	})
}

func TestFaultsOnTheWay(t *testing.T) {
	toggle := func(s *store) { // opened, then closed
		s.must(s.Open("case"))
		s.must(s.Close("case"))
	}
	for _, test := range []struct {
		name  string
		fault func(s *store) error
		now   []string
		later []string
	}{
		{
			"lost", func(s *store) error { return s.LoseNext("case", 1) },
			[]string{"case opening.closed"}, nil,
		}, {
			"doubled", func(s *store) error { return s.DuplicateNext("case", 2) },
			[]string{"case opening.opened", "case opening.opened", "case opening.closed", "case opening.closed"}, nil,
		}, {
			"late", func(s *store) error { return s.DelayNext("case", time.Minute) },
			[]string{"case opening.closed"}, []string{"case opening.opened"},
		}, {
			"out of order", func(s *store) error { return s.Reorder("case") },
			[]string{"case opening.closed", "case opening.opened"}, nil,
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			inStore(t, 0, func(s *store) {
				s.must(test.fault(s))
				toggle(s)
				s.want(s.news(), test.now...)
				s.want(s.after(time.Minute), test.later...)
				toggle(s)
				s.want(s.news(), "case opening.opened", "case opening.closed")
			})
		})
	}
}

func TestReorderedTwiceLosesNothing(t *testing.T) {
	inStore(t, 0, func(s *store) {
		s.must(s.Reorder("case"))
		s.must(s.Open("case"))
		s.must(s.Reorder("case"))
		s.must(s.Close("case"))
		s.want(s.after(time.Minute), "case opening.closed", "case opening.opened")
	})
}

func TestOrdersKeepTheirOrder(t *testing.T) {
	inStore(t, 30, func(s *store) {
		var want []string
		for range 20 {
			s.order("case", sashlock.DoUnlock, 0)
			s.order("case", sashlock.DoLock, 0)
			want = append(want, "case lock.unlocked remote", "case lock.locked remote")
		}
		s.want(s.after(time.Second), want...)
	})
}

func TestReorderedReportThatNothingFollows(t *testing.T) {
	inStore(t, 0, func(s *store) {
		s.must(s.Reorder("case"))
		s.must(s.Open("case"))
		s.want(s.news())
		s.want(s.after(2*time.Second), "case opening.opened")
	})
}

func TestClockOff(t *testing.T) {
	inStore(t, 0, func(s *store) {
		s.must(s.ClockOff("case", -24*time.Hour))
		s.must(s.Open("case"))
		s.news()
		opened := s.rec.Reports(0, func(r driver.Report) bool { return r.Kind == sashlock.OpeningOpened })
		if len(opened) != 1 || !opened[0].At.Equal(time.Now().Add(-24*time.Hour)) {
			t.Errorf("opened %+v, want yesterday", opened)
		}
	})
}

func TestDevicesThatRememberTellLater(t *testing.T) {
	inStore(t, 0, func(s *store) {
		s.CutGateway()
		s.CutGateway()
		s.want(s.news(), "gateway false")
		for _, address := range []string{"case", "offline"} {
			s.must(s.Open(address))
			s.must(s.Close(address))
		}
		opened := time.Now()
		s.want(s.after(time.Hour))
		s.MendGateway()
		s.MendGateway()
		all := s.news()
		s.want(all[:1], "gateway true")
		s.want(all[len(all)-2:], "offline opening.opened", "offline opening.closed")
		for _, r := range s.rec.Reports(0, func(r driver.Report) bool { return r.Kind == sashlock.OpeningOpened }) {
			if r.Address != "offline" || !r.At.Equal(opened) || r.Number != 1 {
				t.Errorf("remembered %+v, want the time and number it had", r)
			}
		}
	})
}

func TestPresence(t *testing.T) {
	inStore(t, 0, func(s *store) {
		s.must(s.PersonNear("near"))
		s.must(s.PersonNear("near"))
		s.must(s.PersonGone("near"))
		s.want(s.news(), "near presence.seen", "near presence.lost")
	})
}

func TestSessionThatCannotKeepUpStartsAfresh(t *testing.T) {
	inStore(t, 0, func(s *store) {
		s.rec.Hold()
		for range 6000 {
			s.must(s.Open("case"))
			s.must(s.Close("case"))
		}
		s.must(s.Open("case"))
		synctest.Wait()
		s.rec.Resume()
		all := s.news()
		for i, line := range all {
			if line == "gateway false" {
				if all[i+1] != "gateway true" || len(all)-i < 10 {
					t.Errorf("after the gateway went: %v", all[i:min(i+20, len(all))])
				}
				return
			}
		}
		t.Errorf("%d reports were kept and nothing was said", len(all))
	})
}

// TestSameSeedSameStore runs the same day twice and compares every report.
func TestSameSeedSameStore(t *testing.T) {
	day := func() (heard []drivertest.Heard) {
		inStore(t, 25, func(s *store) {
			for range 20 {
				s.order("case", sashlock.DoRelease, time.Second)
				s.must(s.OperateByHand("offline", sashlock.DoUnlock))
				s.after(3 * time.Second)
			}
			heard = s.rec.All()
		})
		return heard
	}
	first, second := day(), day()
	if diff := cmp.Diff(clean(first), clean(second)); diff != "" {
		t.Errorf("two runs differ:\n%s", diff)
	}
	if len(first) < 60 {
		t.Errorf("only %d calls", len(first))
	}
}

// clean leaves out the identifiers of commands, which are always new.
func clean(all []drivertest.Heard) []drivertest.Heard {
	for _, h := range all {
		if h.Report != nil {
			h.Report.Command = ""
		}
	}
	return all
}

func TestJitterMovesTheBolt(t *testing.T) {
	inStore(t, 25, func(s *store) {
		times := make(map[time.Duration]bool)
		for range 20 {
			before := time.Now()
			s.order("case", sashlock.DoUnlock, 0)
			s.after(time.Second)
			unlocked := s.rec.Reports(0, func(r driver.Report) bool { return r.Kind == sashlock.LockUnlocked && !r.State })
			took := unlocked[len(unlocked)-1].At.Sub(before)
			if took < 5*time.Millisecond || took > 55*time.Millisecond {
				t.Errorf("the bolt took %v, want 30 ms ± 25 ms", took)
			}
			times[took] = true
		}
		if len(times) < 10 {
			t.Errorf("20 moves took only %d different times", len(times))
		}
	})
}

func TestWorldRefuses(t *testing.T) {
	inStore(t, 0, func(s *store) {
		for name, test := range map[string]struct {
			err  error
			kind sashlock.Kind
		}{
			"unknown device":           {s.Open("nowhere"), sashlock.NotFound},
			"unknown lock":             {s.Jam("nowhere"), sashlock.NotFound},
			"opening a motion sensor":  {s.Open("near"), sashlock.Invalid},
			"turning a motion sensor":  {s.OperateByHand("near", sashlock.DoLock), sashlock.Invalid},
			"walking past a lock":      {s.PersonNear("case"), sashlock.Invalid},
			"a battery more than full": {s.Battery("case", 101), sashlock.Invalid},
		} {
			if !sashlock.IsKind(test.err, test.kind) {
				t.Errorf("%s: %v, want kind %s", name, test.err, test.kind)
			}
		}
	})
}

func TestSessionRefuses(t *testing.T) {
	inStore(t, 0, func(s *store) {
		op := s.session.(driver.Operator)
		for name, test := range map[string]struct {
			order driver.Order
			kind  sashlock.Kind
		}{
			"a sensor":         {driver.Order{Address: "near", Verb: sashlock.DoUnlock}, sashlock.Denied},
			"an unknown verb":  {driver.Order{Address: "case", Verb: "explode"}, sashlock.Denied},
			"an empty release": {driver.Order{Address: "case", Verb: sashlock.DoRelease}, sashlock.Denied},
		} {
			if err := op.Operate(t.Context(), test.order); !sashlock.IsKind(err, test.kind) {
				t.Errorf("%s: %v, want kind %s", name, err, test.kind)
			}
		}
		s.want(s.after(time.Second))
	})
}

func TestSameCommandOnce(t *testing.T) {
	inStore(t, 0, func(s *store) {
		o := driver.Order{Command: "act_1", Address: "case", Verb: sashlock.DoUnlock}
		for range 3 {
			s.must(s.session.(driver.Operator).Operate(t.Context(), o))
		}
		s.want(s.after(time.Second), "case lock.unlocked remote")
	})
}

func TestWorldOutlivesItsSessions(t *testing.T) {
	d, config := sim.New(nil), json.RawMessage(fmt.Sprintf(storeConfig, 0))
	first, err := d.World(config)
	if err != nil {
		t.Fatal(err)
	}
	if again, err := d.World(config); err != nil || again != first {
		t.Errorf("the same configuration gave another store (%v)", err)
	}
	if other, err := d.World(json.RawMessage(fmt.Sprintf(storeConfig, 1))); err != nil || other == first {
		t.Errorf("a changed configuration gave the same store (%v)", err)
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := d.Open(ended, config, drivertest.NewRecorder()); err == nil {
		t.Error("a session was opened in a context that had ended")
	}
	if got := first.Addresses(); !cmp.Equal(got, []string{"case", "offline", "near"}) {
		t.Errorf("addresses %v", got)
	}
}
