// SPDX-License-Identifier: Apache-2.0

package tally

import (
	"context"
	"testing"
	"time"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/internal/flow"
	"github.com/sashlock/sashlock/internal/store"
)

var noon = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)

func denied(opening sashlock.OpeningID) sashlock.Event {
	return sashlock.Event{Kind: sashlock.AccessDenied, Site: "here", Opening: opening, Reason: sashlock.Unauthorized}
}

func (h *house) exec(query string, args ...any) {
	_, err := h.store.Do(h.ctx, func(tx *store.Tx) error { _, err := tx.Exec(query, args...); return err })
	h.must(err)
}

// stored is what the rows alone say.
func (h *house) stored() (n int) {
	h.must(h.store.View(h.ctx, func(q store.Query) error {
		all, err := store.Rows(q, scanBody, `SELECT body FROM day_counts WHERE site = 'here' AND opening = '*'`)
		for _, d := range all {
			n += d.Refused
		}
		return err
	}))
	return n
}

// A second one who counts, or one who comes back after it was thought dead,
// cannot count anything twice.
func TestTwoKeepersCountOnce(t *testing.T) {
	h := newHouse(t, noon, "Europe/Lisbon")
	other := newKeeper(h.store)
	for range 3 {
		h.record(denied("opn_a"))
		h.keep()
		h.record(denied("opn_a"))
		if _, err := other.advance(h.ctx, h.book()); err != nil {
			t.Fatal(err)
		}
		h.keeper.rows = counts{} // as after a restart
	}
	if n := h.stored(); n != 6 {
		t.Errorf("%d refusals in the rows, want 6", n)
	}
	var at place
	h.must(h.store.View(h.ctx, func(q store.Query) error { return at.read(q, h.book()) }))
	h.record(denied("opn_a"))
	h.keep()
	if _, err := h.store.Do(h.ctx, func(tx *store.Tx) error { return write(tx, at, 99, counts{}, h.book()) }); !sashlock.IsKind(err, sashlock.Conflict) {
		t.Errorf("rows counted from another place were written: %v", err)
	}
}

// When the rows are missing, or count for other days than the site has now, all
// is counted again.
func TestCountedAgain(t *testing.T) {
	h := newHouse(t, noon, "Europe/Lisbon")
	for range 30 {
		h.now = h.now.Add(time.Hour)
		h.record(denied("opn_a"), sashlock.Event{Kind: sashlock.OpeningOpened, Site: "here", Opening: "opn_b"})
	}
	h.keep()
	for name, spoil := range map[string]func(){
		"tables emptied":       func() { h.exec("DELETE FROM day_counts"); h.exec("DELETE FROM day_clocks") },
		"another zone":         func() { h.zone = "Asia/Tokyo" },
		"an older ledger":      func() { h.exec("UPDATE cursors SET next = 1000 WHERE name = 'tally'") },
		"no place known":       func() { h.exec("DELETE FROM cursors WHERE name = 'tally'") },
		"with a new beginning": func() { h.restart(); h.zone = "Europe/Lisbon" },
	} {
		spoil()
		if diff := h.agree(); diff != "" {
			t.Errorf("%s, before counting: %s", name, diff)
		}
		h.record(sashlock.Event{Kind: sashlock.SystemStarted})
		h.keep()
		if diff := h.agree(); diff != "" || h.stored() != 30 {
			t.Errorf("%s: %d in the rows, %s", name, h.stored(), diff)
		}
	}
}

// Who is far behind reads the days from the ledger.
func TestDaysWithoutRows(t *testing.T) {
	h := newHouse(t, noon, "Europe/Lisbon")
	h.record(denied("opn_a"), denied("opn_b"))
	h.now = h.now.Add(24 * time.Hour)
	for range 5 {
		var many []sashlock.Event
		for range mostBehind / 5 {
			many = append(many, denied("opn_a"))
		}
		h.record(many...)
	}
	for _, kept := range []bool{false, true} {
		if kept {
			h.keep()
		}
		days := h.days("here", nil)
		if one, two := days["2026-11-22"], days["2026-11-23"]; one.Refused != 2 || two.Refused != mostBehind || len(days) != 2 {
			t.Errorf("kept %v: %d and %d on %d days, want 2 and %d on 2", kept, one.Refused, two.Refused, len(days), mostBehind)
		}
		byOpening, next, err := Openings(t.Context(), h.store, h.book(), "here", "2026-11-22")
		if err != nil || len(byOpening) != 2 || byOpening["opn_a"].Refused != 1 || next != mostBehind+2 {
			t.Errorf("kept %v: %v up to %d, %v", kept, byOpening, next, err)
		}
	}
}

// Run keeps the rows by itself, and ends.
func TestRun(t *testing.T) {
	h := newHouse(t, noon, "Europe/Lisbon")
	h.record(denied("opn_a"))
	hall := flow.New(flow.Options{Store: h.store, Now: func() time.Time { return h.now }}, h.book())
	news, unsubscribe := h.store.Subscribe()
	defer unsubscribe()
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		Run(ctx, h.store, hall, func(err error) { t.Error(err) })
	}()
	for h.stored() != 1 {
		<-news
	}
	stop()
	<-ended
	if n := h.days("here", nil)["2026-11-22"].Refused; n != 1 {
		t.Errorf("%d refused, want 1", n)
	}
}
