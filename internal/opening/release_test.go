// SPDX-License-Identifier: Apache-2.0

package opening

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/sashlock/sashlock"
)

func TestLapse(t *testing.T) {
	open, taken, noContact := released(), released(), released()
	open.Position = sashlock.Open
	taken, _ = apply(taken, says(sashlock.OpeningOpened, 2))
	noContact.Position = ""

	for name, c := range map[string]struct {
		from      sashlock.OpeningState
		at        float64
		events    string
		released  bool
		lookAgain time.Time
	}{
		"no release":                {locked(), 60, "", false, time.Time{}},
		"in force":                  {released(), 19, "", true, after(30)},
		"over, but within grace":    {released(), 29.9, "", true, after(30)},
		"over":                      {released(), 30, "access.not_taken", false, time.Time{}},
		"taken and open":            {taken, 60, "", true, time.Time{}},
		"stood open all along":      {open, 60, "", true, time.Time{}},
		"no contact: nobody knows":  {noContact, 60, "", false, time.Time{}},
		"no contact, still running": {noContact, 5, "", true, after(30)},
	} {
		t.Run(name, func(t *testing.T) {
			out := Lapse(case3, c.from, after(c.at))
			if got := kinds(out.Events); got != c.events {
				t.Errorf("events %q, want %q", got, c.events)
			}
			if out.News != (c.events != "") {
				t.Errorf("News = %v with events %q", out.News, c.events)
			}
			if got := out.State.Release != nil; got != c.released {
				t.Errorf("released %v, want %v", got, c.released)
			}
			if !out.LookAgain.Equal(c.lookAgain) {
				t.Errorf("LookAgain = %v, want %v", out.LookAgain, c.lookAgain)
			}
			again := Lapse(case3, out.State, after(c.at))
			if again.News {
				t.Errorf("asked again it said %q", kinds(again.Events))
			}
		})
	}
}

func TestRelease(t *testing.T) {
	rel := sashlock.Release{Decision: "dec_2", Command: "act_2", Person: "prs_2", Until: after(25)}

	out := Release(case3, sashlock.OpeningState{}, rel, after(5))
	want := sashlock.OpeningState{Opening: case3.ID, Release: &rel}
	if diff := cmp.Diff(want, out.State); diff != "" {
		t.Error(diff)
	}
	if out.News || !out.LookAgain.Equal(after(35)) {
		t.Errorf("News, LookAgain = %v, %v", out.News, out.LookAgain)
	}

	before := released()
	out = Release(case3, before, rel, after(5))
	wantEvents := []sashlock.Event{{
		Kind: sashlock.AccessNotTaken, Heard: after(5), Site: case3.Site, Opening: case3.ID,
		Decision: "dec_1", Command: "act_1", Person: "prs_1",
	}}
	if diff := cmp.Diff(wantEvents, out.Events); diff != "" {
		t.Error(diff)
	}
	if before.Release.Decision != "dec_1" || out.State.Release.Decision != "dec_2" {
		t.Errorf("releases before and after: %v, %v", before.Release, out.State.Release)
	}

	visited, _ := apply(released(), says(sashlock.OpeningOpened, 2))
	if out = Release(case3, visited, rel, after(5)); out.News {
		t.Errorf("a release that was taken is recorded as %q", kinds(out.Events))
	}
}

// TestOneEndPerRelease follows a release from granting to its end: it is
// either taken or not taken, never both.
func TestOneEndPerRelease(t *testing.T) {
	_, events := apply(released(), says(sashlock.LockUnlocked, 1), says(sashlock.OpeningOpened, 3), says(sashlock.OpeningClosed, 8))
	s, _ := apply(released(), says(sashlock.OpeningOpened, 3), says(sashlock.OpeningClosed, 8))
	events = append(events, Lapse(case3, s, after(60)).Events...)
	if got, want := kinds(events), "lock.unlocked opening.opened access.taken opening.closed"; got != want {
		t.Errorf("events %q, want %q", got, want)
	}
}
