// SPDX-License-Identifier: Apache-2.0

package incidents_test

import (
	"cmp"
	"context"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/internal/incidents"
	"github.com/sashlock/sashlock/internal/store"
)

var update = flag.Bool("update", false, "rewrite the expected part of the stories")

func TestStories(t *testing.T) {
	paths, err := filepath.Glob("testdata/stories/*.txt")
	if err != nil || len(paths) < 5 {
		t.Fatalf("%d stories, %v", len(paths), err)
	}
	for _, path := range paths {
		t.Run(strings.TrimSuffix(filepath.Base(path), ".txt"), func(t *testing.T) {
			text, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			told, want, found := strings.Cut(string(text), "\n-- incidents --\n")
			if !found {
				t.Fatal("the story has no end")
			}
			h := newHouse(t)
			for n, line := range strings.Split(told, "\n") {
				h.tell(n+1, line)
			}
			got := h.ending()
			if *update {
				h.must(os.WriteFile(path, []byte(told+"\n-- incidents --\n"+got), 0o644))
			} else if got != want {
				t.Errorf("got\n%s\nwant\n%s", got, want)
			}
			h.everyAlarmOnce()
		})
	}
}

// tell plays one line of a story.
func (h *house) tell(n int, line string) {
	h.t.Helper()
	words := strings.Fields(line)
	switch {
	case len(words) == 0 || words[0] == "#":
	case words[0] == "alarm" && len(words) == 5:
		at, err := time.Parse(time.TimeOnly, words[1])
		h.must(err)
		h.now = day.Add(at.Sub(at.Truncate(24 * time.Hour)))
		h.raise(words[2], words[3], sashlock.Level(words[4]))
		h.gather()
	case line == "again":
		h.gather()
	case line == "restart":
		h.restart()
	case line == "resolve":
		i := h.list(incidents.Filter{})[0]
		_, err := incidents.Resolve(h.t.Context(), h.hall, "opr_a", i.ID, i.Rev, incidents.Forgot, "")
		h.must(err)
	case line == "reopen":
		i := h.list(incidents.Filter{Resolved: true})[0]
		_, err := incidents.Reopen(h.t.Context(), h.hall, "opr_a", i.ID, i.Rev)
		h.must(err)
	default:
		h.t.Fatalf("line %d: what is %q?", n, line)
	}
}

// ending lists the incidents with the times of their alarms.
func (h *house) ending() string {
	h.t.Helper()
	all := append(h.list(incidents.Filter{}), h.list(incidents.Filter{Resolved: true})...)
	slices.SortFunc(all, func(a, b incidents.Incident) int { return a.Opened.Compare(b.Opened) })
	var text strings.Builder
	h.must(h.store.View(h.t.Context(), func(q store.Query) error {
		for _, i := range all {
			in, err := incidents.AlarmsOf(q, []string{i.ID})
			if err != nil {
				return err
			}
			where := string(i.Site)
			if i.Area != "" {
				where += "/" + string(i.Area)
			}
			fmt.Fprintf(&text, "%s %s %s", i.Opened.Format(time.TimeOnly), where, i.Level)
			for _, at := range h.raised(in[i.ID]) {
				fmt.Fprintf(&text, " %s", at.Format(time.TimeOnly))
			}
			if i.Alarms != len(in[i.ID]) {
				h.t.Errorf("%s says it has %d alarms, it has %d", i.ID, i.Alarms, len(in[i.ID]))
			}
			text.WriteByte('\n')
		}
		return nil
	}))
	return text.String()
}

func (h *house) raised(ids []sashlock.AlarmID) (at []time.Time) {
	h.t.Helper()
	for _, e := range h.kinds(sashlock.AlarmRaised) {
		if slices.Contains(ids, e.Alarm) {
			at = append(at, e.Heard)
		}
	}
	return at
}

// everyAlarmOnce checks that the ledger tells of each alarm exactly once that
// it opened or joined an incident.
func (h *house) everyAlarmOnce() {
	h.t.Helper()
	told := map[sashlock.AlarmID]int{}
	for _, kind := range []sashlock.EventKind{sashlock.IncidentOpened, sashlock.IncidentJoined} {
		for _, e := range h.kinds(kind) {
			told[e.Alarm]++
			if !strings.HasPrefix(e.Subject, "inc_") || e.Site == "" {
				h.t.Errorf("the ledger does not say which incident: %+v", e)
			}
		}
	}
	for _, e := range h.kinds(sashlock.AlarmRaised) {
		if told[e.Alarm] != 1 {
			h.t.Errorf("the ledger tells %d times of alarm %s", told[e.Alarm], e.Alarm)
		}
	}
}

// The follower goes on where it was, and catches up with what it missed.
func TestFollowerCatchesUpAfterRestart(t *testing.T) {
	h := newHouse(t)
	h.raise("case-1", "forced", sashlock.Act)
	h.follow(1)
	h.restart()
	h.now = h.now.Add(time.Minute)
	h.raise("case-2", "heldopen", sashlock.Look)
	h.raise("cage-1", "forced", sashlock.Act)
	h.follow(2)
	got := h.ending()
	if want := "00:00:00 lisbon/watches act 00:00:00 00:01:00\n00:01:00 lisbon/back act 00:01:00\n"; got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	h.everyAlarmOnce()
	if cursor, err := h.store.Cursor(t.Context(), "incidents"); err != nil || cursor == 0 {
		t.Errorf("its place is %d, %v", cursor, err)
	}
}

// follow runs the room's follower until there are n incidents and its place is
// kept behind the last of their alarms.
func (h *house) follow(n int) {
	h.t.Helper()
	ctx, stop := context.WithCancel(h.t.Context())
	done := make(chan struct{})
	go func() {
		defer close(done)
		incidents.Run(ctx, h.store, h.hall, func(err error) { h.t.Error(err) })
	}()
	news, end := h.store.Subscribe()
	defer end()
	last := h.kinds(sashlock.AlarmRaised)
	for {
		place, err := h.store.Cursor(h.t.Context(), "incidents")
		h.must(err)
		if len(h.list(incidents.Filter{})) >= n && place > last[len(last)-1].Seq {
			break
		}
		<-news
	}
	stop()
	<-done
}

// A full incident takes no more alarms.
func TestFullIncident(t *testing.T) {
	h := newHouse(t)
	for range incidents.MaxAlarms + 1 {
		h.raise("case-1", "forced", sashlock.Act)
	}
	h.gather()
	all := h.list(incidents.Filter{})
	slices.SortFunc(all, func(a, b incidents.Incident) int { return cmp.Compare(a.Alarms, b.Alarms) })
	if len(all) != 2 || all[0].Alarms != 1 || all[1].Alarms != incidents.MaxAlarms {
		t.Errorf("%d incidents: %+v", len(all), all)
	}
}

// An alarm that is not kept any more neither stops the follower nor is lost.
func TestAlarmThatIsGone(t *testing.T) {
	h := newHouse(t)
	e := sashlock.Event{Kind: sashlock.AlarmRaised, Heard: h.now, Site: "lisbon", Opening: "opn_case-1", Alarm: "alm_gone", Rule: "forced"}
	h.must(incidents.Gather(t.Context(), h.hall, []sashlock.Event{e, {Kind: sashlock.AlarmRaised}, {Kind: sashlock.OpeningOpened}}))
	if all := h.list(incidents.Filter{}); len(all) != 1 || all[0].Level != sashlock.Act || all[0].ID != "inc_gone" {
		t.Errorf("%+v", all)
	}
}

func TestWorse(t *testing.T) {
	for _, c := range []struct{ a, b, want sashlock.Level }{
		{sashlock.Act, sashlock.Note, sashlock.Act}, {sashlock.Look, sashlock.Act, sashlock.Act}, {sashlock.Note, sashlock.Look, sashlock.Look},
		{sashlock.Note, sashlock.Note, sashlock.Note}, {"", sashlock.Note, sashlock.Note}, {"odd", "odder", sashlock.Act},
	} {
		if got := incidents.Worse(c.a, c.b); got != c.want {
			t.Errorf("worse of %q and %q is %q, want %q", c.a, c.b, got, c.want)
		}
	}
}
