// SPDX-License-Identifier: Apache-2.0

package flow_test

import (
	"bufio"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/internal/access"
	"github.com/sashlock/sashlock/internal/detect"
	"github.com/sashlock/sashlock/internal/detect/afterhours"
	"github.com/sashlock/sashlock/internal/detect/downgraded"
	"github.com/sashlock/sashlock/internal/detect/duress"
	"github.com/sashlock/sashlock/internal/detect/forced"
	"github.com/sashlock/sashlock/internal/detect/heldopen"
	"github.com/sashlock/sashlock/internal/detect/jammed"
	"github.com/sashlock/sashlock/internal/detect/lateopening"
	"github.com/sashlock/sashlock/internal/detect/lowbattery"
	"github.com/sashlock/sashlock/internal/detect/revocation"
	"github.com/sashlock/sashlock/internal/detect/unattended"
	"github.com/sashlock/sashlock/internal/store"
)

var update = flag.Bool("update", false, "rewrite the expected ledgers of stories")

// The stories of a rule are told with that rule alone; those of the flow with
// all of them, and with the commands shown.
func TestStories(t *testing.T) {
	for folder, rules := range map[string][]detect.Rule{
		"../detect/afterhours":  {afterhours.Rule{}},
		"../detect/downgraded":  {downgraded.Rule{}},
		"../detect/duress":      {duress.Rule{}},
		"../detect/forced":      {forced.Rule{}},
		"../detect/heldopen":    {heldopen.Rule{}},
		"../detect/jammed":      {jammed.Rule{}},
		"../detect/lowbattery":  {lowbattery.Rule{}},
		"../detect/lateopening": {lateopening.Rule{}},
		"../detect/revocation":  {revocation.Rule{}},
		"../detect/unattended":  {unattended.Rule{}},
		"../access":             {},
		".":                     {forced.Rule{}, jammed.Rule{}, unattended.Rule{}, heldopen.Rule{}, afterhours.Rule{}, lowbattery.Rule{}},
	} {
		files, err := filepath.Glob(filepath.Join(folder, "testdata/stories/*.txt"))
		if err != nil || len(files) == 0 {
			t.Fatalf("no stories in %s (%v)", folder, err)
		}
		for _, file := range files {
			t.Run(filepath.Base(filepath.Clean(folder))+"/"+strings.TrimSuffix(filepath.Base(file), ".txt"), func(t *testing.T) {
				runStory(t, file, rules, folder == ".")
			})
		}
	}
}

const ledgerMark = "-- ledger --\n"

func runStory(t *testing.T, file string, rules []detect.Rule, whole bool) {
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	timeline, want, marked := strings.Cut(string(text), ledgerMark)
	if !marked {
		t.Fatalf("%s has no line %q", file, strings.TrimSpace(ledgerMark))
	}
	s := newStory(t, rules)
	lines := bufio.NewScanner(strings.NewReader(timeline))
	for lines.Scan() {
		if words := strings.Fields(lines.Text()); len(words) > 0 && words[0] != "#" && !strings.HasPrefix(words[0], "#") {
			s.line(words)
		}
	}
	s.begin()
	got := s.ledger(whole)
	if *update {
		if err := os.WriteFile(file, []byte(timeline+ledgerMark+got), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("the ledger is not as told (-want +got):\n%s", diff)
	}
}

// story is a store told about in a text.
type story struct {
	*house
	facts   access.Facts
	devices []sashlock.Device
	states  []sashlock.OpeningState
	begun   bool
	names   map[string]string // identifiers back to the story's words
	planned []func()          // what is done when all is declared
}

var day = time.Date(2026, 11, 23, 0, 0, 0, 0, time.UTC)

func newStory(t *testing.T, rules []detect.Rule) *story {
	s := &story{house: newHouse(t, rules), names: map[string]string{}}
	s.facts.Sites = []sashlock.Site{{ID: "site_1", Slug: "store", Name: "Store", Zone: "UTC", Rev: 1}}
	return s
}

func (s *story) line(words []string) {
	s.t.Helper()
	if at, err := time.Parse(time.TimeOnly, words[0]); err == nil {
		s.begin()
		s.until(clockTime(at))
		s.happens(words[1:])
		return
	}
	switch words[0] {
	case "grant":
		s.grant(words[1], words[2], words[3], words[4])
		s.terms(words[5:])
	case "role":
		s.role(words[1], words[2])
	case "area":
		s.area(words[1:])
	case "hours":
		s.facts.Schedules = append(s.facts.Schedules, daily("sch_hours", words[1], words[2]))
		s.facts.Sites[0].Hours = "sch_hours"
	case "shift":
		s.planShift(words[1], words[2], words[3])
	case "site":
		s.siteRule(words[1:])
	default:
		s.opening(words)
	}
}

func clockTime(at time.Time) time.Time {
	return day.Add(time.Duration(at.Hour())*time.Hour + time.Duration(at.Minute())*time.Minute + time.Duration(at.Second())*time.Second)
}

func daily(id sashlock.ScheduleID, from, until string) sashlock.Schedule {
	f, _ := sashlock.ParseTimeOfDay(from)
	u, _ := sashlock.ParseTimeOfDay(until)
	everyDay := []time.Weekday{0, 1, 2, 3, 4, 5, 6}
	return sashlock.Schedule{ID: id, Slug: string(id[4:]), Name: string(id), Weekly: []sashlock.Period{{Days: everyDay, From: f, Until: u}}}
}

func (s *story) grant(person, opening, from, until string) {
	p := s.person(person).ID
	schedule := sashlock.ScheduleID(fmt.Sprintf("sch_%d", len(s.facts.Schedules)))
	s.facts.Schedules = append(s.facts.Schedules, daily(schedule, from, until))
	s.facts.Grants = append(s.facts.Grants, sashlock.Grant{
		ID: sashlock.GrantID("grt_" + person + "_" + opening), Slug: person, Person: p, Opening: sashlock.OpeningID("opn_" + opening), Schedule: schedule,
	})
}

// opening declares an opening with one device for each thing that reports.
func (s *story) opening(words []string) {
	o := sashlock.Opening{
		ID: sashlock.OpeningID("opn_" + words[0]), Slug: words[0], Name: words[0], Site: "site_1", Kind: sashlock.Case,
		Egress: sashlock.EgressNone, OnFault: sashlock.HoldOnFault, ReleaseTime: 25 * time.Second,
	}
	s.names[string(o.ID)] = words[0]
	state := sashlock.OpeningState{Opening: o.ID, Lock: sashlock.Locked, LockAt: day, Position: sashlock.Closed, PositionAt: day, Heard: day}
	lock := []sashlock.Capability{sashlock.CanRelease, sashlock.CanUnlock, sashlock.CanLock, sashlock.TellsLock}
	for _, word := range words[1:] {
		key, value, _ := strings.Cut(word, "=")
		length, _ := time.ParseDuration(value)
		switch key {
		case "opentime":
			o.OpenTime = length
		case "unattended":
			o.Unattended = length
		case "kind":
			o.Kind = sashlock.OpeningKind(value)
		case "egress":
			o.Egress = sashlock.Egress(value)
		case "deadbolt": // a lock that has to be told to lock again
			lock = lock[1:]
		case "trial":
			o.Trial = true
		case "locked":
		case "unlocked":
			state.Lock = sashlock.Unlocked
		case "area":
			o.Area = sashlock.AreaID("area_" + value)
		case "interlock":
			o.Interlock = value
		case "level", "two", "first-in":
			s.need(&o.Needs, key, value)
		default:
			s.t.Fatalf("unknown word %q", word)
		}
	}
	s.facts.Openings = append(s.facts.Openings, o)
	s.states = append(s.states, state)
	s.fit(o.ID, "lock", lock...)
	s.fit(o.ID, "opening", sashlock.TellsPosition)
	s.fit(o.ID, "presence", sashlock.TellsPresence)
	s.fit(o.ID, "device", sashlock.TellsTamper)
}

func (s *story) fit(o sashlock.OpeningID, what string, can ...sashlock.Capability) {
	s.devices = append(s.devices, sashlock.Device{
		ID: deviceAt(o, what), Driver: "story", Gateway: "story", Address: string(o) + "/" + what, Capabilities: can, Opening: o,
	})
}

func deviceAt(o sashlock.OpeningID, what string) sashlock.DeviceID {
	return sashlock.DeviceID("dev_" + string(o) + "_" + what)
}

// begin opens the store once all is declared.
func (s *story) begin() {
	if s.begun {
		return
	}
	s.begun = true
	s.now = day
	s.start(s.facts, s.devices)
	s.do(func(tx *store.Tx) error {
		for _, state := range s.states {
			tx.SaveState(state)
		}
		return nil
	})
	for _, do := range s.planned {
		do()
	}
}

// happens is one thing on the timeline.
func (s *story) happens(words []string) {
	s.t.Helper()
	switch {
	case words[0] == "tick":
	case words[0] == "restart":
		s.restart(s.facts, s.devices)
	case len(words) > 2 && words[1] == "asks":
		s.asks("prs_"+words[0], "opn_"+words[2], words[3:]...)
	case len(words) > 2 && words[1] == "command":
		s.commandEnds("opn_"+words[0], words[2:])
	case len(words) == 2 && words[1] == "forgiven":
		s.forgive(words[0])
	case len(words) == 2 && (words[1] == "must-forget" || words[1] == "forgot"):
		s.revokes(sashlock.OpeningID("opn_"+words[0]), words[1] == "must-forget")
	case s.works(words):
	default:
		s.report(words)
	}
}

func (s *story) asks(person, opening string, how ...string) {
	s.names[person] = strings.TrimPrefix(person, "prs_")
	_, err := s.hall.Request(s.t.Context(), s.request(person, opening, how))
	s.must(err)
}

// revokes has a lock of an opening hold a code that it has to forget, or no more,
// as the room of codes tells it.
func (s *story) revokes(o sashlock.OpeningID, must bool) {
	_, err := s.store.Do(s.t.Context(), func(tx *store.Tx) error {
		since := time.Time{}
		if must {
			since = tx.Now()
		}
		return s.hall.Revoking(tx, o, since)
	})
	s.must(err)
}

// commandEnds is the driver's word on the newest command to an opening.
func (s *story) commandEnds(opening string, words []string) {
	list, err := s.store.Commands(s.t.Context(), store.CommandQuery{Opening: sashlock.OpeningID(opening), Limit: 1})
	s.must(err)
	if len(list) == 0 {
		s.t.Fatalf("no command to %s", opening)
	}
	r := sashlock.Report{Kind: sashlock.EventKind("command." + words[0]), Opening: list[0].Opening, Device: list[0].Device, Command: list[0].ID}
	if len(words) > 1 {
		r.Reason = sashlock.Reason(words[1])
	}
	_, err = s.hall.Report(s.t.Context(), r)
	s.must(err)
}

func (s *story) report(words []string) {
	o := sashlock.OpeningID("opn_" + words[0])
	what, _, _ := strings.Cut(words[1], ".")
	r := sashlock.Report{Opening: o, Device: deviceAt(o, what), Kind: sashlock.EventKind(words[1])}
	for _, word := range words[2:] {
		key, value, _ := strings.Cut(word, "=")
		switch key {
		case "by":
			r.Method = sashlock.Method(value)
		case "slot":
			r.Slot, _ = strconv.Atoi(value)
		case "n":
			r.Number, _ = strconv.ParseUint(value, 10, 64)
			r.Boot = 1
		case "at":
			at, err := time.Parse(time.TimeOnly, value)
			s.must(err)
			r.At = clockTime(at)
		case "state":
			r.State = true
		case "level":
			r.Level, _ = strconv.Atoi(value)
		case "reason":
			r.Reason = sashlock.Reason(value)
		case "from":
			r.Device = deviceAt(o, value)
		default:
			s.t.Fatalf("unknown word %q", word)
		}
	}
	_, err := s.hall.Report(s.t.Context(), r)
	s.must(err)
}

// ledger writes the ledger as stories show it.
func (s *story) ledger(whole bool) string {
	events, err := s.store.Events(s.t.Context(), store.EventQuery{Limit: 1000})
	s.must(err)
	var b strings.Builder
	n := 0
	for _, e := range events {
		if !whole && (strings.HasPrefix(string(e.Kind), "command.") || strings.HasPrefix(string(e.Kind), "system.")) {
			continue
		}
		n++
		words := []string{strconv.Itoa(n), e.Heard.Format(time.TimeOnly), string(e.Kind), s.names[string(e.Opening)]}
		if strings.HasPrefix(string(e.Kind), "access.") || e.Kind == sashlock.PersonLeft {
			words = append(words, s.names[string(e.Person)])
		}
		if e.Second != "" {
			words = append(words, "after", s.names[string(e.Second)])
		}
		if e.Rule != "" {
			words = append(words, e.Rule)
		}
		if strings.HasPrefix(string(e.Kind), "command.") {
			words = append(words, e.Why)
		}
		if e.Reason != "" && e.Reason != sashlock.Permitted {
			words = append(words, string(e.Reason))
		}
		fmt.Fprintln(&b, strings.Join(words, " "))
	}
	return b.String()
}
