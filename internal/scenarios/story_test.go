// SPDX-License-Identifier: Apache-2.0

package scenarios_test

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/internal/flow"
	"github.com/sashlock/sashlock/internal/guard"
	"github.com/sashlock/sashlock/internal/scenario"
	"github.com/sashlock/sashlock/internal/store"
)

var update = flag.Bool("update", false, "rewrite the expected ledgers of stories")

// A story has sections: scenarios as text, guard rails in Cedar, a timeline and
// the ledger that comes of it.
func TestStories(t *testing.T) {
	files, err := filepath.Glob("testdata/stories/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatalf("no stories: %v", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txt"), func(t *testing.T) { tell(t, file) })
	}
}

// sections splits a story at lines like "-- timeline --".
func sections(text string) (names []string, body map[string]string) {
	body = map[string]string{}
	name := "about"
	for line := range strings.Lines(text) {
		if head, ok := strings.CutPrefix(strings.TrimSpace(line), "-- "); ok && strings.HasSuffix(head, " --") {
			name = strings.TrimSuffix(head, " --")
			names = append(names, name)
			continue
		}
		body[name] += line
	}
	return names, body
}

func tell(t *testing.T, file string) {
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	names, body := sections(string(text))
	h := newHouse(t)
	var rails []guard.Rail
	for _, name := range names {
		if rail, is := strings.CutSuffix(name, ".cedar"); is {
			rails = append(rails, guard.Rail{Name: rail, Text: body[name]})
		}
	}
	if len(rails) > 0 {
		h.protect(rails...)
		h.settle()
	}
	begin := h.store.Size()
	for _, name := range names {
		if strings.HasSuffix(name, ".yaml") {
			h.save(body[name])
		}
	}
	for line := range strings.Lines(body["timeline"]) {
		if words := strings.Fields(line); len(words) > 1 {
			h.happens(words)
		}
	}
	got := h.told(begin)
	if *update {
		before, _, _ := bytes.Cut(text, []byte("-- ledger --\n"))
		h.must(os.WriteFile(file, append(before, "-- ledger --\n"+got...), 0o644))
		return
	}
	if diff := cmp.Diff(body["ledger"], got); diff != "" {
		t.Errorf("the ledger is not as told (-want +got):\n%s", diff)
	}
}

// happens is one line of the timeline.
func (h *house) happens(words []string) {
	h.t.Helper()
	at, err := time.Parse(time.TimeOnly, words[0])
	h.must(err)
	h.until(day.Add(time.Duration(at.Hour())*time.Hour + time.Duration(at.Minute())*time.Minute + time.Duration(at.Second())*time.Second))
	switch verb := words[1]; verb {
	case "sales", "footfall":
		n, err := strconv.Atoi(words[2])
		h.must(err)
		h.must(h.room.Add(h.t.Context(), h.site(), scenario.Counted(verb), n, h.now))
		h.look(nil)
	case "start", "stop", "drill":
		h.press(words[2], scenario.Press(verb))
	case "shift":
		h.shift(words[2], words[3], words[4])
	case "restart":
		h.restart()
	case "asks":
		_, err := h.hall.Request(h.t.Context(), sashlock.Request{Person: h.person(words[2]), Opening: h.opening(words[3])})
		h.must(err)
	case "opens":
		_, err := h.hall.Report(h.t.Context(), sashlock.Report{Kind: sashlock.OpeningOpened, Opening: h.opening(words[2]), Device: lockOf(h.opening(words[2])), At: h.now})
		h.must(err)
	case "closes":
		_, err := h.hall.Report(h.t.Context(), sashlock.Report{Kind: sashlock.OpeningClosed, Opening: h.opening(words[2]), Device: lockOf(h.opening(words[2])), At: h.now})
		h.must(err)
	case "locks":
		_, err := h.hall.Report(h.t.Context(), sashlock.Report{Kind: sashlock.LockLocked, Opening: h.opening(words[2]), Device: lockOf(h.opening(words[2])), At: h.now})
		h.must(err)
	case "forces": // somebody who is let in, and signals that they are forced
		_, err := h.hall.Request(h.t.Context(), sashlock.Request{Person: h.person(words[2]), Opening: h.opening(words[3]), Duress: true})
		h.must(err)
	case "tick":
	default:
		h.t.Fatalf("nothing is called %q", verb)
	}
	h.settle()
}

// shift puts somebody on shift.
func (h *house) shift(person, from, until string) {
	clock := func(text string) time.Time {
		at, err := sashlock.ParseTimeOfDay(text)
		h.must(err)
		return day.Add(time.Duration(at) * time.Minute)
	}
	s := sashlock.Shift{ID: sashlock.ShiftID("shf_" + person), Person: h.person(person), Site: h.site(), From: clock(from), Until: clock(until)}
	h.shifts = append(h.shifts, s)
	_, err := h.hall.Change(h.t.Context(), flow.Change{Make: func(*store.Tx) (flow.Edit, error) {
		return flow.Edit{Shifts: []sashlock.Shift{s}, Events: []sashlock.Event{{Kind: sashlock.ShiftSaved, Person: s.Person, Site: s.Site}}}, nil
	}})
	h.must(err)
}

// told writes the ledger from an entry on, without what devices and commands say
// of themselves.
func (h *house) told(from int64) string {
	events, err := h.store.Events(h.t.Context(), store.EventQuery{From: from, Limit: 5000})
	h.must(err)
	var b strings.Builder
	book := h.hall.Book()
	for _, e := range events {
		kind := string(e.Kind)
		if strings.HasPrefix(kind, "command.") || strings.HasPrefix(kind, "system.") || strings.HasPrefix(kind, "shift.") || kind == "scenario.saved" {
			continue
		}
		words := []string{e.Heard.Format(time.TimeOnly), kind}
		if o, known := book.Openings[e.Opening]; known {
			words = append(words, o.Slug)
		}
		switch {
		case strings.HasPrefix(kind, "grant."):
		case strings.HasPrefix(kind, "mode."), strings.HasPrefix(kind, "scenario."), strings.HasPrefix(kind, "site."):
			words = append(words, e.Subject)
		}
		words = append(words, e.Rule)
		if e.Reason != "" && e.Reason != sashlock.Permitted {
			words = append(words, string(e.Reason))
		}
		if e.Why != "" {
			words = append(words, "("+e.Why+")")
		}
		words = slices.DeleteFunc(words, func(w string) bool { return w == "" })
		fmt.Fprintln(&b, strings.Join(words, " "))
	}
	return b.String()
}
