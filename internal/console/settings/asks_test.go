// SPDX-License-Identifier: Apache-2.0

package settings_test

import (
	"net/http"
	"net/url"
	"testing"
	"time"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/internal/consoletest"
)

func TestWhatOpeningsAreasAndSitesAskIsKept(t *testing.T) {
	c := consoletest.New(t)
	send := func(path string, want int, pairs ...string) string {
		t.Helper()
		form := url.Values{}
		for i := 0; i < len(pairs); i += 2 {
			form.Add(pairs[i], pairs[i+1])
		}
		status, _, page := c.Post(path, form)
		if status != want {
			t.Errorf("%s: %d, not %d: %s", path, status, want, consoletest.Words(page))
		}
		return page
	}
	send("/settings/openings/case-1", http.StatusSeeOther, "rev", "1", "level", "3", "two", "yes", "first_in", "sales", "interlock", "airlock")
	o := c.Hall.Book().Openings[c.Opening("case-1")]
	if o.Needs.Level != sashlock.AssurancePasskey || !o.Needs.Two || o.Needs.FirstIn == "" || o.Interlock != "airlock" || o.Plan.X != 300 {
		t.Errorf("kept: %+v", o)
	}
	_, page := c.Get("/openings/case-1")
	c.Sees(page, "a passkey on the person&#39;s own phone or better", "two persons who may both open it", "somebody in Sales as the first in each day")
	c.Sees(send("/settings/openings/case-1", http.StatusConflict, "rev", "1", "level", "1"), "Somebody else changed this meanwhile.")
	c.Sees(send("/settings/openings/case-1", http.StatusUnprocessableEntity, "rev", "2", "level", "9"), "Choose one from the list.")

	send("/settings/areas/lisbon/watches", http.StatusSeeOther, "rev", "1", "level", "0", "occupancy", "5", "passback", "timed", "passback_for", "10m")
	for _, a := range c.Hall.Book().Areas {
		if a.Slug == "watches" && (a.Occupancy != 5 || a.Passback != sashlock.PassbackTimed || a.PassbackFor != 10*time.Minute) {
			t.Errorf("kept: %+v", a)
		}
	}
	send("/settings/sites/lisbon", http.StatusSeeOther, "rev", "1", "name", "Lisbon", "zone", "Europe/Lisbon", "longest_grant", "24h", "jurisdiction", "PT", "clock_in", "yes", "shift_grace", "15m")
	s := c.Hall.Book().Sites[c.Site("lisbon")]
	if s.LongestGrant != 24*time.Hour || s.Jurisdiction != "PT" || !s.ClockIn || s.ShiftGrace != 15*time.Minute {
		t.Errorf("kept: %+v", s)
	}
}
