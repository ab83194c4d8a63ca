// SPDX-License-Identifier: Apache-2.0

package now

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/internal/flow"
	"github.com/sashlock/sashlock/internal/lang"
	"github.com/sashlock/sashlock/internal/opening"
)

func testBook(t *testing.T) *flow.Book {
	t.Helper()
	book, _, err := stand()
	if err != nil {
		t.Fatal(err)
	}
	return book
}

// told is a lane as text: "Open 08:58:28-09:59:28, Held open …".
func told(l lane) string {
	var all []string
	for _, s := range l.Spans {
		all = append(all, s.Text.In(lang.English)+" "+s.From.In(ten.Location()).Format("15:04:05")+"-"+s.To.In(ten.Location()).Format("15:04:05"))
	}
	for _, m := range l.Marks {
		all = append(all, m.Text.In(lang.English)+" "+m.At.In(ten.Location()).Format("15:04:05"))
	}
	return strings.Join(all, ", ")
}

func TestLanesTellTheDay(t *testing.T) {
	book := testBook(t)
	o := book.Openings["opn_3"] // may stand open for a minute
	e := func(kind sashlock.EventKind, seconds int) sashlock.Event {
		return sashlock.Event{Kind: kind, Heard: ago(seconds), Person: "prs_1", Alarm: "alm_1", Rule: "unattended"}
	}
	before := []sashlock.Event{e(sashlock.LockLocked, 200_000), e(sashlock.OpeningClosed, 200_000)}
	now := sashlock.OpeningState{Lock: sashlock.Locked, LockAt: ago(60), Position: sashlock.Closed, PositionAt: ago(60), Heard: ago(10)}
	c := draw(book, o, before, []sashlock.Event{
		e(sashlock.AccessGranted, 3600), e(sashlock.LockUnlocked, 3595), e(sashlock.OpeningOpened, 3590), e(sashlock.AlarmRaised, 3500),
		e(sashlock.LockLocked, 65), e(sashlock.OpeningClosed, 60), e(sashlock.AlarmCleared, 60), e(sashlock.AccessDenied, 30),
	}, now, ten.Add(-laneHours*time.Hour), ten)
	got := map[string]string{}
	for _, l := range c.Lanes {
		got[l.Name] = told(l)
	}
	want := map[string]string{
		"As shown": "Secured 10:00:00-09:00:05, Unlocked 09:00:05-09:00:10, Open 09:00:10-09:01:10, Held open 09:01:10-09:59:00, Secured 09:59:00-10:00:00",
		"Lock":     "Locked 10:00:00-09:00:05, Unlocked 09:00:05-09:58:55, Locked 09:58:55-10:00:00",
		"Contact":  "Closed 10:00:00-09:00:10, Open 09:00:10-09:59:00, Closed 09:59:00-10:00:00",
		"People":   "Ana <Costa>: granted 09:00:00, Ana <Costa>: refused 09:59:30",
		"Alarms":   "Unattended 09:01:40-09:59:00",
		"Devices":  "",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if rows := c.rows(); len(rows) != 14 || rows[0].Text.In(lang.English) != "Ana <Costa>: refused" {
		t.Errorf("the table has %d rows, not what the chart shows: %+v", len(rows), rows)
	}
}

func TestSilenceIsDrawnAsSilence(t *testing.T) {
	book := testBook(t)
	o := book.Openings["opn_4"]
	heard := ten.Add(-opening.StaleAfter - 3*time.Hour)
	now := sashlock.OpeningState{Lock: sashlock.Locked, LockAt: heard, Position: sashlock.Closed, PositionAt: heard, Heard: heard}
	before := []sashlock.Event{{Kind: sashlock.LockLocked}, {Kind: sashlock.OpeningClosed}}
	c := draw(book, o, before, nil, now, ten.Add(-laneHours*time.Hour), ten)
	if got := told(c.Lanes[0]); got != "Secured 10:00:00-07:00:00, Last seen 07:00:00-10:00:00" {
		t.Errorf("three hours of too long a silence are drawn as %s", got)
	}
}

// TestRibbonHasNoGap holds, whatever happened, that the ribbon covers the whole
// time, in order, and that it never says secured of what is out of reach.
func TestRibbonHasNoGap(t *testing.T) {
	book := testBook(t)
	from := ten.Add(-laneHours * time.Hour)
	kinds := []sashlock.EventKind{
		sashlock.LockLocked, sashlock.LockUnlocked, sashlock.LockWasJammed, sashlock.LockHalfway, sashlock.OpeningOpened, sashlock.OpeningClosed,
		sashlock.OpeningForced, sashlock.DeviceOffline, sashlock.DeviceOnline, sashlock.AlarmRaised, sashlock.AlarmCleared, sashlock.PresenceSeen,
	}
	rapid.Check(t, func(t *rapid.T) {
		at := from
		var events []sashlock.Event
		for range rapid.IntRange(0, 30).Draw(t, "events") {
			at = at.Add(time.Duration(rapid.IntRange(0, 4000).Draw(t, "seconds")) * time.Second)
			if at.Before(ten) {
				events = append(events, sashlock.Event{Kind: rapid.SampledFrom(kinds).Draw(t, "kind"), Heard: at, Alarm: "alm_1", Device: "dev_1"})
			}
		}
		now := sashlock.OpeningState{Lock: sashlock.Locked, Position: sashlock.Closed, Offline: rapid.Bool().Draw(t, "offline"), Heard: ago(5)}
		c := draw(book, book.Openings["opn_3"], nil, events, now, from, ten)
		last := from
		for _, s := range c.Lanes[0].Spans {
			if !s.From.Equal(last) || !s.To.After(s.From) {
				t.Fatalf("after %v comes %v to %v", last, s.From, s.To)
			}
			last = s.To
		}
		if !last.Equal(ten) {
			t.Fatalf("the ribbon ends at %v", last)
		}
		if end := c.Lanes[0].Spans[len(c.Lanes[0].Spans)-1].Text.Text; now.Offline && end == "Secured" {
			t.Fatal("what is out of reach is drawn as secured")
		}
		for _, l := range c.Lanes {
			for _, s := range l.Spans {
				if s.To.Before(s.From) || s.To.IsZero() {
					t.Fatalf("%s: %v to %v", l.Name, s.From, s.To)
				}
			}
		}
	})
}

// TestTicksFollowTheClocks looks at days on which the clocks of the store
// change.
func TestTicksFollowTheClocks(t *testing.T) {
	for name, c := range map[string]struct {
		to, want string
	}{
		"an ordinary day":   {"2026-07-20T10:30:00+01:00", "12:00 15:00 18:00 21:00 00:00 03:00 06:00 09:00"},
		"an hour is missed": {"2026-03-29T12:30:00+01:00", "12:00 15:00 18:00 21:00 00:00 03:00 06:00 09:00 12:00"},
		"an hour is double": {"2026-10-25T12:30:00+00:00", "15:00 18:00 21:00 00:00 03:00 06:00 09:00 12:00"},
	} {
		at, err := time.Parse(time.RFC3339, c.to)
		if err != nil {
			t.Fatal(err)
		}
		to := at.In(ten.Location())
		var got []string
		all := ticks(to.Add(-laneHours*time.Hour), to)
		for _, tick := range all {
			got = append(got, tick.Format("15:04"))
		}
		if strings.Join(got, " ") != c.want {
			t.Errorf("%s: %v, want %s", name, got, c.want)
		}
		for i := range all[1:] {
			step := all[i+1].Sub(all[i])
			if changes := all[i].Hour() == 0 && name != "an ordinary day"; !changes && step != tickHours*time.Hour {
				t.Errorf("%s: from %s to the next tick it is %v", name, all[i].Format("15:04"), step)
			}
		}
	}
}
