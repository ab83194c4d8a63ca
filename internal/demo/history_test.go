// SPDX-License-Identifier: Apache-2.0

package demo

import (
	"fmt"
	"io"
	"log/slog"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/internal/app"
	"github.com/sashlock/sashlock/internal/assistance"
	"github.com/sashlock/sashlock/internal/incidents"
	"github.com/sashlock/sashlock/internal/signin"
	"github.com/sashlock/sashlock/internal/store"
)

// aSunday is when the demos of these tests are started.
var aSunday = time.Date(2026, 11, 15, 15, 4, 5, 0, time.UTC)

// furnished is a demo with its past, before anybody looks at it.
func furnished(t testing.TB, seed uint64) *shop {
	t.Helper()
	data := filepath.Join(t.TempDir(), "demo")
	if isNew, err := prepare(data); err != nil || !isNew {
		t.Fatal(isNew, err)
	}
	shown := &clock{}
	shown.set(aSunday.AddDate(0, 0, -setUpDays))
	house, err := app.NewWithClock(t.Context(), app.Config{Data: data, JournalSize: 1 << 20}, slog.New(slog.DiscardHandler), shown.now)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := house.Stop(); err != nil {
			t.Error(err)
		}
	})
	d := &demo{house: house, opts: Options{Data: data, Seed: seed, Speed: 1, Out: io.Discard}, clock: shown, start: aSunday, isNew: true}
	s, err := d.open(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// events are all events of a demo that are wanted.
func events(t *testing.T, s *shop, want func(sashlock.Event) bool) (found []sashlock.Event) {
	t.Helper()
	for from := int64(0); from < s.house.Store.Size(); {
		list, err := s.house.Store.Events(t.Context(), store.EventQuery{From: from, Limit: 10_000})
		if err != nil || len(list) == 0 {
			t.Fatal(len(list), err)
		}
		for _, e := range list {
			from = e.Seq + 1
			if want(e) {
				found = append(found, e)
			}
		}
	}
	return found
}

// told is the history in words that hold in every demo with the same seed:
// without identifiers.
func told(t *testing.T, s *shop) (lines []string) {
	t.Helper()
	book := s.house.Hall.Book()
	// Before the first minute, the devices say how they stand: in any order.
	begin := aSunday.AddDate(0, 0, -historyDays).Add(time.Second)
	for _, e := range events(t, s, func(e sashlock.Event) bool {
		return e.Opening != "" && e.Heard.After(begin) && e.Heard.Before(aSunday)
	}) {
		lines = append(lines, fmt.Sprint(e.Heard.UnixMicro(), e.Kind, book.Openings[e.Opening].Slug, book.People[e.Person].Slug, e.Reason, e.Rule, e.Method, e.Slot, e.Level, e.Why))
	}
	return lines
}

func TestHistory(t *testing.T) {
	s := furnished(t, 7)
	t.Run("looks like a shop", func(t *testing.T) { looksLikeAShop(t, s) })
	t.Run("was worked on", func(t *testing.T) { wasWorkedOn(t, s) })
	t.Run("has customers who call", func(t *testing.T) { customersCalled(t, s) })
	t.Run("has an office", func(t *testing.T) { officeWorks(t, s) })
	t.Run("has people with cards and codes", func(t *testing.T) { peopleCarry(t, s) })
	t.Run("is whole until it is edited", func(t *testing.T) { wholeUntilEdited(t, s) })
	t.Run("follows from its seed", func(t *testing.T) {
		if diff := cmp.Diff(told(t, s), told(t, furnished(t, 7))); diff != "" {
			t.Errorf("the same seed tells another history:\n%.2000s", diff)
		}
		moments := func(seed uint64) (all []time.Time) {
			for _, one := range newChronicle(s.house.Hall.Book(), s.levels, seed, aSunday.AddDate(0, 0, -historyDays), aSunday).remember() {
				all = append(all, one.at)
			}
			return all
		}
		if cmp.Equal(moments(7), moments(8)) {
			t.Error("another seed tells the same history")
		}
	})
}

func looksLikeAShop(t *testing.T, s *shop) {
	t.Helper()
	all := events(t, s, func(sashlock.Event) bool { return true })
	if n := len(all); n < 15_000 || n > 20_000 {
		t.Errorf("%d events", n)
	}
	book := s.house.Hall.Book()
	kinds, reasons, raised := map[sashlock.EventKind]int{}, map[sashlock.Reason]int{}, map[string]bool{}
	hours := [24]int{}
	begin := aSunday.AddDate(0, 0, -historyDays)
	for i, e := range all {
		kinds[e.Kind]++
		if i > 0 && e.Heard.Before(all[i-1].Heard) {
			t.Fatalf("entry %d was heard before the one before it", e.Seq)
		}
		if e.Heard.Before(begin) && (e.Decision != "" || e.Heard.Before(aSunday.AddDate(0, 0, -setUpDays))) {
			t.Fatalf("entry %d, %s, was heard at %s", e.Seq, e.Kind, e.Heard)
		}
		switch e.Kind {
		case sashlock.AccessDenied:
			reasons[e.Reason]++
		case sashlock.AlarmRaised:
			if e.Rule == "jammed" { // where and when is left to chance
				raised[e.Rule] = true
				continue
			}
			raised[book.Openings[e.Opening].Slug+" "+e.Rule] = true
		case sashlock.AccessGranted:
			hours[book.Clock(e.Site, e.Heard).Hour()]++
		}
	}
	want := map[string]bool{
		"jammed":               true,
		"watches-2 unattended": true, "stock-door heldopen": true, "madrid-jewellery-3 unattended": true, "loading-dock forced": true,
		"porto-stock-door afterhours": true, "fragrance-4 unattended": true, "watches-5 forced": true, "porto-stock-door heldopen": true, "cage-2 forced": true,
	}
	if diff := cmp.Diff(want, raised); diff != "" {
		t.Errorf("alarms (-want +got):\n%s", diff)
	}
	for _, k := range []sashlock.EventKind{sashlock.LockWasJammed, sashlock.CodeRefused, sashlock.DeviceOffline, sashlock.DeviceTampered, sashlock.OpeningForced, sashlock.AccessNotTaken, sashlock.BatteryReported, sashlock.AlarmAcknowledged} {
		if kinds[k] == 0 {
			t.Errorf("there is no %s", k)
		}
	}
	if len(reasons) < 3 {
		t.Errorf("refusals: %v", reasons)
	}
	if hours[12] < 3*hours[3] || hours[18] < 3*hours[2] {
		t.Errorf("no peaks: %v", hours)
	}
	standsAsSimulated(t, s)
	explained(t, s)
}

// wasWorkedOn looks at the incidents of the history as the page of alarms does.
func wasWorkedOn(t *testing.T, s *shop) {
	t.Helper()
	var open, closed []incidents.Incident
	if err := s.house.Store.View(t.Context(), func(q store.Query) (err error) {
		if open, err = incidents.List(q, incidents.Filter{}, 100); err != nil {
			return err
		}
		closed, err = incidents.List(q, incidents.Filter{Resolved: true}, 100)
		return err
	}); err != nil {
		t.Fatal(err)
	}
	causes := map[incidents.Cause]bool{}
	for _, i := range closed {
		causes[i.Outcome.Cause] = true
		if i.Owner == "" || i.Outcome.Note == "" || !i.Taken.After(i.Latest) || !i.Resolved.After(i.Taken) || i.Resolved.Sub(i.Latest) > 2*time.Hour || i.Resolved.After(aSunday) {
			t.Errorf("resolved: %+v", i)
		}
	}
	if len(closed) < 6 || len(causes) < 5 {
		t.Errorf("%d incidents are resolved, with the causes %v", len(closed), causes)
	}
	owned := 0
	for _, i := range open {
		if i.Owner == s.staff.as(signin.Protection) && len(i.Notes) > 0 {
			owned++
		} else if i.Owner != "" || aSunday.Sub(i.Opened) > time.Hour {
			t.Errorf("open: %+v", i)
		}
	}
	if owned != 2 || len(open) != 3 {
		t.Errorf("%d of %d open incidents are looked into", owned, len(open))
	}
}

// customersCalled looks at how long customers waited, as the reports do.
func customersCalled(t *testing.T, s *shop) {
	t.Helper()
	for site, least := range map[string]int{"lisbon": 60, "porto": 8, "madrid": 5} {
		var waits []float64
		if err := s.house.Store.View(t.Context(), func(q store.Query) (err error) {
			waits, err = assistance.Waits(q, s.site(site)[0], aSunday.AddDate(0, 0, -historyDays))
			return err
		}); err != nil {
			t.Fatal(err)
		}
		if len(waits) < least || waits[0] < 10 || waits[len(waits)/2] < 25 || waits[len(waits)/2] > 120 || waits[len(waits)-1] > 600 {
			t.Errorf("%s: %d customers waited for %.0f", site, len(waits), waits)
		}
	}
	ends, standing := map[string]int{}, map[sashlock.OpeningID]string{}
	taker := map[string]sashlock.PersonID{}
	for _, e := range events(t, s, func(e sashlock.Event) bool { return strings.HasPrefix(string(e.Kind), "call.") }) {
		switch e.Kind {
		case sashlock.CallRaised:
			if standing[e.Opening] != "" {
				t.Errorf("a second call at %s", e.Opening)
			}
			standing[e.Opening] = e.Subject
		case sashlock.CallTaken:
			taker[e.Subject] = e.Person
		case sashlock.CallEnded:
			ends[e.Why]++
			if standing[e.Opening] != e.Subject || e.Person != taker[e.Subject] || e.Why == string(assistance.Served) && e.Person == "" {
				t.Errorf("it ends: %+v", e)
			}
			delete(standing, e.Opening)
		}
	}
	if len(standing) > 0 || ends["gone"] == 0 || ends["cancelled"] == 0 || ends["lapsed"] == 0 || ends["served"] < 4*(ends["gone"]+ends["cancelled"]+ends["lapsed"]) {
		t.Errorf("calls ended as %v, %d stand", ends, len(standing))
	}
}

// standsAsSimulated compares how every opening stands with its device.
func standsAsSimulated(t *testing.T, s *shop) {
	t.Helper()
	for id, o := range s.house.Hall.Book().Openings {
		state, err := s.house.Store.State(t.Context(), id)
		if err != nil {
			t.Fatal(err)
		}
		is, err := s.world(o.Slug).State(o.Slug)
		if err != nil {
			t.Fatal(err)
		}
		if _, locks := fittedWith(s.house.Hall.Book(), id, sashlock.CanRelease); locks && (state.Lock == sashlock.Unlocked) != is.Unlocked {
			t.Errorf("%s: its lock says %s", o.Slug, state.Lock)
		}
		if state.Position == sashlock.Open || state.Release != nil || len(state.Alarms) > 0 || state.Offline || state.Tampered || state.Forced || state.Present {
			t.Errorf("%s: %+v", o.Slug, state)
		}
	}
	for address, level := range weak {
		list, err := s.house.Store.DeviceStates(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range list {
			if known := s.house.Hall.Book().Devices[d.Device]; known.Address == address && d.Battery != level {
				t.Errorf("%s: battery at %d, want %d", address, d.Battery, level)
			}
		}
	}
}

// explained looks up every refusal as the page about a decision does.
func explained(t *testing.T, s *shop) {
	t.Helper()
	for _, e := range events(t, s, func(e sashlock.Event) bool { return e.Kind == sashlock.AccessDenied }) {
		d, err := s.house.Store.Decision(t.Context(), e.Decision)
		if err != nil || d.Seq != e.Seq || len(d.Checks) < 3 || d.Person == "" {
			t.Errorf("decision %s: %+v, %v", e.Decision, d, err)
		}
	}
}

func wholeUntilEdited(t *testing.T, s *shop) {
	t.Helper()
	f := &forger{data: s.house.Config.Data, store: s.house.Store, keys: s.house.Keys.Verifier}
	least := s.house.Store.Size() // what follows the ledger may add to it meanwhile
	if v, err := f.verify(t.Context()); err != nil || v.First != -1 || v.Entries < least || v.Entries > s.house.Store.Size() {
		t.Fatalf("the history: %+v, %v", v, err)
	}
	was, err := f.edit(t.Context(), aSunday)
	if err != nil {
		t.Fatal(err)
	}
	e, err := s.house.Store.EventAt(t.Context(), was.Seq)
	if err != nil || e.Kind != sashlock.AccessGranted {
		t.Errorf("the edited entry reads %+v, %v", e, err)
	}
	if v, err := f.verify(t.Context()); err != nil || v.First != was.Seq || !strings.Contains(v.Why, fmt.Sprint("entry ", was.Seq)) {
		t.Errorf("edited: %+v, %v, want entry %d", v, err, was.Seq)
	}
	if again, err := f.edit(t.Context(), aSunday); err != nil || again.Seq != was.Seq {
		t.Errorf("edited twice: %+v, %v", again, err)
	}
	if err := f.undo(t.Context()); err != nil {
		t.Fatal(err)
	}
	entry, err := s.house.Store.Entry(t.Context(), was.Seq)
	if err != nil || string(entry.Body) != string(was.Body) {
		t.Errorf("put back: %s, %v", entry.Body, err)
	}
	if v, err := f.verify(t.Context()); err != nil || v.First != -1 {
		t.Errorf("put back: %+v, %v", v, err)
	}
	if err := f.undo(t.Context()); err != nil {
		t.Errorf("putting back what is not edited: %v", err)
	}
}

func BenchmarkReady(b *testing.B) {
	for b.Loop() {
		furnished(b, 1)
	}
}
