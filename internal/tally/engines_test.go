// SPDX-License-Identifier: Apache-2.0

package tally_test

import (
	"testing"
	"time"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/internal/roomtest"
	"github.com/sashlock/sashlock/internal/store"
	"github.com/sashlock/sashlock/internal/tally"
)

// Both engines keep the same, row by row: some at once, then more of them, then
// what is not in the rows yet.
func TestRowsOnEachEngine(t *testing.T) {
	roomtest.OnEachEngine(t, func(t *testing.T, r roomtest.Room) {
		book := r.Hall.Book()
		var site sashlock.SiteID
		for id := range book.Sites {
			site = id
		}
		for round := 1; round <= 3; round++ {
			if _, err := r.Store.Do(t.Context(), func(tx *store.Tx) error {
				for i := range 120 { // more than one statement writes
					id := sashlock.OpeningID("opn_" + string(rune('a'+i%60)))
					tx.Append(sashlock.Event{Kind: sashlock.AccessDenied, Site: site, Opening: id, Reason: sashlock.Unauthorized})
				}
				return nil
			}); err != nil {
				t.Fatal(err)
			}
			if round < 3 {
				if err := tally.Keep(t.Context(), r.Store, book); err != nil {
					t.Fatal(err)
				}
			}
			all := tally.Day{}
			for _, only := range [][]sashlock.OpeningID{nil, {"opn_a", "opn_b"}} {
				days, err := tally.Days(t.Context(), r.Store, book, site, "2000-01-01", tally.Date(time.Now().AddDate(0, 0, 2)), only)
				if err != nil {
					t.Fatal(err)
				}
				for _, d := range days {
					all.Add(d)
				}
			}
			if want := 120*round + 4*round; all.Refused != want || all.Reasons[sashlock.Unauthorized] != want {
				t.Errorf("round %d: %d refused, want %d", round, all.Refused, want)
			}
		}
	})
}
