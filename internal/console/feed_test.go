// SPDX-License-Identifier: Apache-2.0

package console

import (
	"testing"
	"time"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/internal/store"
)

// The refusals of today end with the day, and those of each site are its own.
func TestRefusalsOfToday(t *testing.T) {
	d := newDesk(t, true)
	later := time.Duration(0)
	f := newFeed(d.frame.Store, d.frame.Hall, func() time.Time { return time.Now().Add(later) })
	refuse := func(site sashlock.SiteID, times int) {
		t.Helper()
		for range times {
			if _, err := d.frame.Store.Do(t.Context(), func(tx *store.Tx) error {
				tx.Append(sashlock.Event{Kind: sashlock.AccessDenied, Site: site, Opening: "opn_1", Reason: sashlock.Unauthorized})
				return nil
			}); err != nil {
				t.Fatal(err)
			}
		}
	}
	want := func(site sashlock.SiteID, want int) {
		t.Helper()
		if _, refused, err := f.Recent(t.Context(), sashlock.Site{ID: site, Zone: "UTC"}, 3); err != nil || refused != want {
			t.Errorf("%s: %d refused, want %d, %v", site, refused, want, err)
		}
	}
	refuse("site_1", 2)
	want("site_1", 2)
	refuse("site_1", 1)
	refuse("site_2", 4)
	want("site_1", 3)
	want("site_2", 4)
	later = 25 * time.Hour
	want("site_1", 0)
	refuse("site_1", 1) // still yesterday's, as the feed sees it
	want("site_1", 0)
	later = 0
	want("site_1", 4)
}
