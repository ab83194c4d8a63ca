// SPDX-License-Identifier: Apache-2.0

package alarms_test

import (
	"context"
	"crypto/rand"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/mod/sumdb/note"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/internal/access"
	"github.com/sashlock/sashlock/internal/alarms"
	"github.com/sashlock/sashlock/internal/flow"
	"github.com/sashlock/sashlock/internal/store"
)

var day = time.Date(2026, 11, 23, 9, 0, 0, 0, time.UTC)

// house is a hall over a real store with a clock of its own.
type house struct {
	t     *testing.T
	now   time.Time
	open  func() *store.Store
	store *store.Store
	hall  *flow.Hall
}

func newHouse(t *testing.T) *house {
	t.Helper()
	h := &house{t: t, now: day}
	skey, _, err := note.GenerateKey(rand.Reader, "sashlock.example/test")
	h.must(err)
	signer, err := note.NewSigner(skey)
	h.must(err)
	url := "sqlite://" + filepath.ToSlash(filepath.Join(t.TempDir(), "store.db"))
	h.open = func() *store.Store {
		s, err := store.Open(context.Background(), store.Options{URL: url, Now: func() time.Time { return h.now }, Signer: signer})
		h.must(err)
		return s
	}
	h.start()
	t.Cleanup(func() { h.must(h.store.Close()) })
	return h
}

func (h *house) must(err error) {
	h.t.Helper()
	if err != nil {
		h.t.Fatal(err)
	}
}

func (h *house) start() {
	h.t.Helper()
	h.store = h.open()
	book, err := flow.NewBook(access.Facts{}, nil)
	h.must(err)
	h.hall = flow.New(flow.Options{Store: h.store, Now: func() time.Time { return h.now }}, book)
}

func (h *house) raise(rule string) (id sashlock.AlarmID) {
	h.t.Helper()
	_, err := h.store.Do(h.t.Context(), func(tx *store.Tx) error {
		id = sashlock.NewID[sashlock.AlarmID](tx.Now())
		tx.SaveAlarm(sashlock.Alarm{ID: id, Rule: rule, Level: sashlock.Act, Site: "site_1", Opening: "opn_1", Raised: tx.Now(), Rev: 1})
		return nil
	})
	h.must(err)
	return id
}

func (h *house) shelved() (all map[sashlock.AlarmID]alarms.Shelf) {
	h.t.Helper()
	h.must(h.store.View(h.t.Context(), func(q store.Query) (err error) { all, err = alarms.Shelves(q, h.now); return err }))
	return all
}

func (h *house) told(kind sashlock.EventKind) []sashlock.Event {
	h.t.Helper()
	events, err := h.store.Events(h.t.Context(), store.EventQuery{Kind: string(kind)})
	h.must(err)
	return events
}

func TestShelvedUntilItsTime(t *testing.T) {
	h := newHouse(t)
	id := h.raise("heldopen")
	s, err := alarms.Shelve(t.Context(), h.hall, "opr_a", id, time.Hour, " Glazier ")
	h.must(err)
	if !s.Until.Equal(day.Add(time.Hour)) || s.Reason != "Glazier" || h.shelved()[id] != s {
		t.Errorf("shelved %+v", s)
	}
	told := h.told(sashlock.AlarmShelved)
	if len(told) != 1 || told[0].Operator != "opr_a" || told[0].Why != "Glazier" || told[0].Alarm != id || !strings.Contains(string(told[0].Data), "2026-11-23T10:00:00Z") {
		t.Errorf("the ledger says %+v", told)
	}
	h.now = day.Add(time.Hour - time.Microsecond)
	h.must(alarms.Return(t.Context(), h.store, h.hall, h.now))
	if len(h.shelved()) != 1 || len(h.told(sashlock.AlarmUnshelved)) != 0 {
		t.Error("it is back too early")
	}
	h.now = day.Add(time.Hour)
	if len(h.shelved()) != 0 {
		t.Error("it is not back at its time, unless somebody clears it away")
	}
	h.must(h.store.Close()) // and a restart forgets nothing
	h.start()
	for range 2 {
		h.must(alarms.Return(t.Context(), h.store, h.hall, h.now))
	}
	if back := h.told(sashlock.AlarmUnshelved); len(back) != 1 || back[0].Alarm != id || back[0].Rule != "heldopen" || back[0].Site != "site_1" {
		t.Errorf("the ledger says %+v", back)
	}
}

func TestShelvingAgainSetsTheTimeAnew(t *testing.T) {
	h := newHouse(t)
	id := h.raise("heldopen")
	for _, c := range []struct {
		by     sashlock.OperatorID
		length time.Duration
		told   int
	}{{"opr_a", time.Hour, 1}, {"opr_a", time.Hour, 1}, {"opr_b", time.Hour, 2}, {"opr_b", 10 * time.Minute, 3}} {
		h.now = h.now.Add(time.Second)
		_, err := alarms.Shelve(t.Context(), h.hall, c.by, id, c.length, "x")
		h.must(err)
		if got := len(h.told(sashlock.AlarmShelved)); got != c.told {
			t.Errorf("by %s for %s: %d entries, want %d", c.by, c.length, got, c.told)
		}
	}
	if s := h.shelved()[id]; s.By != "opr_b" || !s.Until.Equal(h.now.Add(10*time.Minute)) {
		t.Errorf("%+v", s)
	}
}

func TestForceIsNotShelvedForLong(t *testing.T) {
	h := newHouse(t)
	forced, held := h.raise("forced"), h.raise("heldopen")
	for name, c := range map[string]struct {
		id     sashlock.AlarmID
		length time.Duration
		reason string
		want   sashlock.Kind
	}{
		"force for an hour":        {forced, time.Hour, "x", ""},
		"force for longer":         {forced, time.Hour + 1, "x", sashlock.Invalid},
		"held open for a week":     {held, 7 * 24 * time.Hour, "x", ""},
		"held open for longer":     {held, 7*24*time.Hour + 1, "x", sashlock.Invalid},
		"for no time":              {held, 0, "x", sashlock.Invalid},
		"backwards":                {held, -time.Hour, "x", sashlock.Invalid},
		"without a reason":         {held, time.Hour, " ", sashlock.Invalid},
		"with a very long one":     {held, time.Hour, strings.Repeat("x", 10_000), sashlock.Invalid},
		"with a reversed one":      {held, time.Hour, "a\u202Eb", sashlock.Invalid},
		"something that is none":   {"alm_none", time.Hour, "x", sashlock.NotFound},
		"something else than that": {"' OR 1=1 --", time.Hour, "x", sashlock.NotFound},
	} {
		if _, err := alarms.Shelve(t.Context(), h.hall, "opr_a", c.id, c.length, c.reason); sashlock.KindOf(err) != c.want {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestWhatIsOverIsNotShelved(t *testing.T) {
	h := newHouse(t)
	id := h.raise("heldopen")
	_, err := h.store.Do(t.Context(), func(tx *store.Tx) error {
		a, err := tx.Alarm(id)
		a.Cleared = tx.Now()
		tx.SaveAlarm(a)
		return err
	})
	h.must(err)
	_, err = alarms.Acknowledge(t.Context(), h.hall, "opr_a", id)
	h.must(err)
	if _, err := alarms.Shelve(t.Context(), h.hall, "opr_a", id, time.Hour, "x"); !sashlock.IsKind(err, sashlock.Conflict) {
		t.Errorf("error %v", err)
	}
	h.must(h.store.View(t.Context(), func(q store.Query) error {
		some, err := alarms.FindAll(q, []sashlock.AlarmID{"alm_none", id})
		none, _ := alarms.FindAll(q, nil)
		if len(some) != 1 || some[0].ID != id || len(none) != 0 {
			t.Errorf("found %+v and %+v", some, none)
		}
		return err
	}))
}

// The clearing away goes on by itself and ends with its context. What it cannot
// do is reported, a second apart.
func TestReturnsRunUntilTheEnd(t *testing.T) {
	h := newHouse(t)
	id := h.raise("heldopen")
	_, err := alarms.Shelve(t.Context(), h.hall, "opr_a", id, time.Minute, "x")
	h.must(err)
	h.now = day.Add(time.Minute)
	ctx, stop := context.WithCancel(t.Context())
	news, end := h.store.Subscribe()
	defer end()
	done := make(chan struct{})
	go func() {
		defer close(done)
		alarms.RunReturns(ctx, h.store, h.hall, func() time.Time { return day.Add(time.Minute) }, func(err error) { t.Error(err) })
	}()
	for len(h.told(sashlock.AlarmUnshelved)) == 0 {
		<-news
	}
	stop()
	<-done
}

func TestReturnsAreTriedAgain(t *testing.T) {
	h := newHouse(t)
	h.must(h.store.Close()) // a closed store answers nothing
	synctest.Test(t, func(t *testing.T) {
		ctx, stop := context.WithCancel(context.Background())
		tried := 0
		done := make(chan struct{})
		go func() {
			defer close(done)
			alarms.RunReturns(ctx, h.store, h.hall, time.Now, func(error) {
				if tried++; tried == 3 {
					stop()
				}
			})
		}()
		<-done
		if tried != 3 {
			t.Errorf("tried %d times", tried)
		}
	})
	h.start()
}
