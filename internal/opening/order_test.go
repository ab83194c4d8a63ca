// SPDX-License-Identifier: Apache-2.0

package opening

import (
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/sashlock/sashlock"
	"pgregory.net/rapid"
)

// history draws what the devices of one opening went through, in true order:
// distinct times, right clocks, running numbers per device. Lock and contact
// change in turn, as they do.
func history(t *rapid.T) []heardReport {
	n := rapid.IntRange(1, 40).Draw(t, "length")
	numbers := map[sashlock.DeviceID]uint64{}
	isLocked, isOpen, isSeen := true, false, false
	var at float64
	var all []heardReport
	for range n {
		at += rapid.SampledFrom([]float64{0.2, 0.9, 2.5, 4, 30}).Draw(t, "pause")
		r := sashlock.Report{Opening: case3.ID, Boot: 1, At: after(at)}
		switch rapid.IntRange(0, 5).Draw(t, "what") {
		case 0, 1:
			r.Device, r.Kind = lockDevice, sashlock.LockLocked
			if isLocked {
				r.Kind = rapid.SampledFrom([]sashlock.EventKind{sashlock.LockUnlocked, sashlock.LockUnlatched, sashlock.LockWasJammed, sashlock.LockHalfway}).Draw(t, "to")
			}
			isLocked = !isLocked
		case 2, 3:
			r.Device, r.Kind = contactDevice, sashlock.OpeningOpened
			if isOpen {
				r.Kind = sashlock.OpeningClosed
			}
			isOpen = !isOpen
		case 4:
			r.Device, r.Kind = "dev_motion", sashlock.PresenceSeen
			if isSeen {
				r.Kind = sashlock.PresenceLost
			}
			isSeen = !isSeen
		case 5:
			r.Device = rapid.SampledFrom([]sashlock.DeviceID{lockDevice, contactDevice}).Draw(t, "device")
			r.Kind = rapid.SampledFrom([]sashlock.EventKind{sashlock.DeviceTampered, sashlock.BatteryReported, sashlock.CodeRefused}).Draw(t, "other")
		}
		numbers[r.Device]++
		r.Number = numbers[r.Device]
		all = append(all, heardReport{r, r.At})
	}
	return all
}

// delivered draws how a history reaches us: each report delayed, some of them
// more than once. Without shuffling, the reports of one device stay in order.
func delivered(t *rapid.T, all []heardReport, shuffled bool) []heardReport {
	seed := rapid.Uint64().Draw(t, "delays")
	rnd := rand.New(rand.NewPCG(seed, 1))
	longest := rapid.SampledFrom([]float64{0.1, 3, 60, 2000}).Draw(t, "longest delay")
	lastOf := map[sashlock.DeviceID]time.Time{}
	var got []heardReport
	for _, r := range all {
		r.heard = r.At.Add(time.Duration(rnd.Float64() * longest * float64(time.Second)))
		if last := lastOf[r.Device]; !shuffled && r.heard.Before(last) {
			r.heard = last
		}
		lastOf[r.Device] = r.heard
		got = append(got, r)
		for rnd.IntN(4) == 0 {
			again := r
			again.heard = r.heard.Add(time.Duration(rnd.Float64() * longest * float64(time.Second)))
			got = append(got, again)
		}
	}
	slices.SortStableFunc(got, func(a, b heardReport) int { return a.heard.Compare(b.heard) })
	return got
}

// lasting leaves of a state what does not depend on the order of hearing.
func lasting(s sashlock.OpeningState) sashlock.OpeningState {
	s.Heard, s.Forced = time.Time{}, false
	return s
}

// TestAnyOrder: reports that come late, twice and in another order leave the
// opening as the true order would.
func TestAnyOrder(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		all := history(t)
		want, _ := apply(locked(), all...)
		got, events := apply(locked(), delivered(t, all, true)...)
		if diff := cmp.Diff(lasting(want), lasting(got)); diff != "" {
			t.Fatal(diff)
		}
		if reports := slices.DeleteFunc(events, func(e sashlock.Event) bool { return e.Number == 0 }); len(reports) != len(all) {
			t.Fatalf("%d reports gave %d events of their own", len(all), len(reports))
		}
	})
}

// TestForcedIsNotInvented: while each device keeps its own order, no delay
// between devices makes an opening forced that was not.
func TestForcedIsNotInvented(t *testing.T) {
	var forced int
	rapid.Check(t, func(t *rapid.T) {
		all := history(t)
		want, _ := apply(locked(), all...)
		got, _ := apply(locked(), delivered(t, all, false)...)
		if got.Forced && !want.Forced {
			t.Fatalf("forced, but in true order it is not")
		}
		if want.Forced {
			forced++
		}
	})
	if forced == 0 {
		t.Error("no history had a forced opening in it: the test tests nothing")
	}
}

// TestNeverBackwards: no report moves an aspect to an earlier time, whatever
// it claims and however often and late it comes.
func TestNeverBackwards(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := locked()
		for _, r := range delivered(t, history(t), true) {
			switch rapid.IntRange(0, 5).Draw(t, "clock") {
			case 0:
				r.At = time.Time{}
			case 1:
				r.At = r.At.Add(time.Duration(rapid.Int64Range(-1e17, 1e17).Draw(t, "off")))
			case 2:
				r.State = true
			}
			out := Apply(case3, s, r.Report, r.heard)
			for what, times := range map[string][2]time.Time{
				"lock":     {s.LockAt, out.State.LockAt},
				"position": {s.PositionAt, out.State.PositionAt},
				"presence": {s.Presence, out.State.Presence},
				"heard":    {s.Heard, out.State.Heard},
			} {
				if times[1].Before(times[0]) {
					t.Fatalf("%s went back from %v to %v with %+v", what, times[0], times[1], r)
				}
				if times[1].After(r.heard) {
					t.Fatalf("%s is at %v, after it was heard with %+v", what, times[1], r)
				}
			}
			s = out.State
		}
	})
}

// TestTwiceIsOnce: hearing everything again changes nothing and records
// nothing.
func TestTwiceIsOnce(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		all := delivered(t, history(t), true)
		once, _ := apply(locked(), all...)
		twice, events := apply(once, all...)
		if diff := cmp.Diff(once, twice); diff != "" || len(events) > 0 {
			t.Fatalf("heard again, it gave %q and %s", kinds(events), diff)
		}
	})
}

// TestReplay: the events that were recorded rebuild the state, with releases,
// wrong clocks, statements and a stumbling clock of our own in between.
func TestReplay(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := sashlock.OpeningState{Opening: case3.ID}
		var ledger []sashlock.Event
		for _, r := range delivered(t, history(t), true) {
			switch rapid.IntRange(0, 7).Draw(t, "disturbance") {
			case 0:
				r.At, r.Number = time.Time{}, 0
			case 1:
				r.At = r.At.Add(time.Duration(rapid.Int64Range(-1e18, 1e18).Draw(t, "off")))
			case 2:
				r.State = true
			case 3:
				r.heard = r.heard.Add(-time.Hour)
			case 4:
				s = Release(case3, s, sashlock.Release{Until: r.heard.Add(5 * time.Second)}, r.heard).State
			case 5:
				s.Offline = !s.Offline
			}
			out := Apply(case3, s, r.Report, r.heard)
			s, ledger = out.State, append(ledger, out.Events...)
			lapse := Lapse(case3, s, r.heard)
			s, ledger = lapse.State, append(ledger, lapse.Events...)
		}
		want := sashlock.OpeningState{
			Opening: s.Opening, Lock: s.Lock, LockAt: s.LockAt, Position: s.Position, PositionAt: s.PositionAt,
			Tampered: s.Tampered, Forced: s.Forced,
		}
		if diff := cmp.Diff(want, Replay(case3.ID, ledger)); diff != "" {
			t.Fatal(diff)
		}
		if other := Replay("opn_other", ledger); other.Lock != "" || other.Position != "" {
			t.Fatalf("events of another opening gave %+v", other)
		}
	})
}

func BenchmarkApply(b *testing.B) {
	var numbers map[sashlock.DeviceID]sashlock.Numbers
	for _, d := range []sashlock.DeviceID{lockDevice, contactDevice, "dev_motion"} {
		numbers = noted(numbers, sashlock.Report{Device: d, Boot: 1, Number: 5})
	}
	plain, numbered := says(sashlock.LockUnlocked, 5), claims(sashlock.LockUnlocked, 4, 5).numbered(6)
	for name, c := range map[string]struct {
		numbers map[sashlock.DeviceID]sashlock.Numbers
		r       heardReport
	}{
		"plain": {nil, plain}, "numbered": {numbers, numbered}, "statement": {nil, says(sashlock.LockLocked, 5).state()},
		"repeat": {numbers, claims(sashlock.LockUnlocked, 4, 5).numbered(5)},
	} {
		b.Run(name, func(b *testing.B) {
			s := locked()
			s.Numbers = c.numbers
			b.ReportAllocs()
			for b.Loop() {
				Apply(case3, s, c.r.Report, c.r.heard)
			}
		})
	}
}
