// SPDX-License-Identifier: Apache-2.0

package scenario_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/internal/estate"
	"github.com/sashlock/sashlock/internal/guard"
	"github.com/sashlock/sashlock/internal/lang"
	"github.com/sashlock/sashlock/internal/scenario"
)

func TestTextAndFormAreOne(t *testing.T) {
	want := parse(t, peak)
	want.Actions.Grants = []estate.Grant{{Slug: "ana", Person: "ana", Site: "store"}}
	want.Actions.Alarm = &scenario.Warning{Opening: "door", Text: "Look: it's \"busy\"\n# not a comment"}
	text, err := scenario.Marshal(want)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, parse(t, string(text))); diff != "" {
		t.Errorf("text and form differ:\n%s\n%s", diff, text)
	}
}

func TestWhatIsWrongNamesItsLine(t *testing.T) {
	for _, one := range []struct{ old, new, field, line string }{
		{"slug: peak\n", "slug: Peak!\n", "slug", "1"},
		{"site: store", "site: nowhere", "site", "3"},
		{"fall: 20", "fall: 40", "trigger.rate.fall", "6"},
		{"during: open", "during: never", "condition.during", "8"},
		{"case-2", "case-9", "actions.hold_unlocked[0].openings[1]", "11"},
		{"role: associate", "role: nobody", "actions.hold_unlocked[0].role", "13"},
		{"longest: 3h", "longest: soon", "guard.longest", "15"},
		{"revert: {with_trigger: true}", "revert: {}", "revert", "16"},
		{"kind: peak_hour", "kind: lockdown", "actions.hold_unlocked", "11"},
	} {
		text := strings.Replace(peak, one.old, one.new, 1)
		p, problems := scenario.Compile(parse(t, text), world())
		if p != nil || len(problems) == 0 || problems[0].Field != one.field || problems[0].Fix.Text == "" {
			t.Errorf("%s: %v", one.new, problems)
			continue
		}
		if line := scenario.Line([]byte(text), problems[0].Field); one.line != "" && line != atoi(one.line) {
			t.Errorf("%s: line %d instead of %s", one.field, line, one.line)
		}
	}
	_, err := scenario.Parse([]byte(strings.Replace(peak, "threat: peak", "thread: peak", 1)))
	if err == nil || !strings.Contains(err.Error(), "line 14") {
		t.Errorf("an unknown key gives %v", err)
	}
}

func atoi(s string) (n int) {
	for _, c := range s {
		n = n*10 + int(c-'0')
	}
	return n
}

// The rate goes up and down around its thresholds; the scenario begins and ends
// once.
func TestHysteresis(t *testing.T) {
	p := plan(t, peak)
	var s scenario.State
	var told []string
	for minute, count := range []float64{
		10, 30, 41, 39, 42, 45, 44, 43, 42, 41, // above from minute 4 on, for five minutes at minute 9
		35, 25, 21, 30, 19, 25, 20, 18, 15, 12, // at the lower one or below from minute 16 on
		10, 10, 10, 10, 10, 10, 10, 10, 39, 39, // ten minutes later, at minute 26, it falls
	} {
		now := noon.Add(time.Duration(minute) * time.Minute)
		var out scenario.Outcome
		s, out = p.Step(s, scenario.Facts{Now: now, Count: count, Counted: true})
		if out.Began {
			told = append(told, now.Format("15:04")+" began: "+out.Why)
		}
		if out.Ended {
			told = append(told, now.Format("15:04")+" ended: "+out.Why)
		}
	}
	want := []string{"12:09 began: sales: 41 in 15m, from 40 on", "12:26 ended: its trigger fell"}
	if diff := cmp.Diff(want, told); diff != "" {
		t.Error(diff)
	}
}

// Associates come and go; so does the number of cases held unlocked.
func TestCapPerAssociate(t *testing.T) {
	p := plan(t, peak)
	s := scenario.State{Running: true, Since: noon}
	for staff, want := range []int{0, 2, 4, 4} {
		w := p.Wants(s, scenario.Facts{Now: noon, Staff: func(role string) int {
			if role != "associate" {
				t.Errorf("asked for %q", role)
			}
			return staff
		}}, nil)
		if len(w.Hold) != want {
			t.Errorf("%d on shift: %d held unlocked instead of %d", staff, len(w.Hold), want)
		}
	}
	if w := p.Wants(scenario.State{Running: true, Drill: true}, scenario.Facts{Now: noon, Staff: func(string) int { return 9 }}, nil); len(w.Hold) > 0 {
		t.Error("a drill moves something")
	}
}

func TestEnds(t *testing.T) {
	long := func(text, revert string) string { return strings.Replace(text, "{with_trigger: true}", revert, 1) }
	byHours := strings.Replace(peak, "rate: {of: sales, over: 15m, rise: 40, rise_hold: 5m, fall: 20, fall_hold: 10m}", "schedule: lunch", 1)
	for _, one := range []struct {
		name, text string
		press      scenario.Press
		at         time.Time
		why        string
	}{
		{"after", long(byHours, "{after: 30m}"), "", noon.Add(30 * time.Minute), "its time was up"},
		{"with its schedule", long(byHours, "{with_schedule: true}"), "", noon.Add(2 * time.Hour), "its schedule was over"},
		{"with its trigger", byHours, "", noon.Add(2 * time.Hour), "its trigger fell"},
		{"by hand", peak, scenario.StartPress, noon.Add(3 * time.Hour), "it had run as long as it may"},
	} {
		p := plan(t, one.text)
		s, out := p.Step(scenario.State{}, scenario.Facts{Now: noon, Press: one.press})
		if !out.Began {
			t.Errorf("%s: it does not begin", one.name)
			continue
		}
		for range 10 {
			at := out.LookAgain
			if s, out = p.Step(s, scenario.Facts{Now: at}); out.Ended {
				if !at.Equal(one.at) || out.Why != one.why {
					t.Errorf("%s: it ended at %s: %s", one.name, at, out.Why)
				}
				break
			}
		}
		if s.Running {
			t.Errorf("%s: it runs on", one.name)
		}
	}
}

// Somebody ends a scenario while its schedule covers the moment: it does not
// begin again before the next day.
func TestEndedByHandItWaits(t *testing.T) {
	p := plan(t, strings.Replace(peak, "rate: {of: sales, over: 15m, rise: 40, rise_hold: 5m, fall: 20, fall_hold: 10m}", "schedule: lunch", 1))
	s, _ := p.Step(scenario.State{}, scenario.Facts{Now: noon})
	s, out := p.Step(s, scenario.Facts{Now: noon.Add(time.Minute), Press: scenario.StopPress})
	if !out.Ended {
		t.Fatal("it did not end")
	}
	if s, out = p.Step(s, scenario.Facts{Now: noon.Add(time.Hour)}); out.Began {
		t.Error("it began again although somebody had ended it")
	}
	s, _ = p.Step(s, scenario.Facts{Now: noon.Add(3 * time.Hour)})
	if _, out = p.Step(s, scenario.Facts{Now: noon.Add(24 * time.Hour)}); !out.Began {
		t.Error("it does not begin on the next day")
	}
}

const onForced = `slug: forced
name: Forced
site: store
kind: other
trigger: {event: {kind: opening.forced, area: store/back}}
actions: {lock_down: [{areas: [store/back]}]}
revert: {after: 1m}
`

func TestOneEventBeginsItOnce(t *testing.T) {
	p := plan(t, onForced)
	forced := func(seq int64, opening sashlock.OpeningID) *sashlock.Event {
		return &sashlock.Event{Seq: seq, Kind: sashlock.OpeningForced, Site: "site_1", Opening: opening}
	}
	var s scenario.State
	began, cut := 0, 0
	at := noon
	for seq := range int64(20) {
		for range 2 { // each one is shown twice
			var out scenario.Outcome
			s, out = p.Step(s, scenario.Facts{Now: at, Event: forced(seq, "opn_cage")})
			if out.Began {
				began++
			}
			if out.Cut {
				cut++
			}
			s, _ = p.Step(s, scenario.Facts{Now: at.Add(time.Minute)})
		}
		at = at.Add(2 * time.Minute)
	}
	if began != scenario.MaxStarts || cut != 1 {
		t.Errorf("it began %d times and was cut %d times", began, cut)
	}
	if _, out := p.Step(scenario.State{}, scenario.Facts{Now: noon, Event: forced(1, "opn_case-1")}); out.Began {
		t.Error("it began by an event elsewhere")
	}
}

func TestCirclesAreRefused(t *testing.T) {
	of := func(slug, trigger, actions string) scenario.Scenario {
		return parse(t, "slug: "+slug+"\nname: "+slug+"\nsite: store\nkind: other\ntrigger: {event: "+trigger+"}\nactions: "+actions+"\nrevert: {after: 1m}\n")
	}
	a := of("a", "{kind: site.threat_changed}", "{hold_unlocked: [{openings: [case-1]}]}")
	b := of("b", "{kind: mode.ordered, opening: case-1}", "{alarm: {opening: door, text: look}}")
	c := of("c", "{kind: alarm.raised, rule: scenario}", "{threat: heightened}")
	w := world()
	w.Others = []scenario.Scenario{a, b}
	_, problems := scenario.Compile(c, w)
	if len(problems) != 1 || !strings.Contains(problems[0].Detail.In(lang.English), "c → a → b → c") {
		t.Errorf("a circle of three gives %v", problems)
	}
	w.Others = []scenario.Scenario{b}
	if _, problems = scenario.Compile(c, w); len(problems) > 0 {
		t.Errorf("without a circle: %v", problems)
	}
	w.Others = nil
	if _, problems = scenario.Compile(of("self", "{kind: scenario.ended}", "{threat: heightened}"), w); len(problems) != 1 {
		t.Errorf("its own end gives %v", problems)
	}
}

func TestGuardedOpeningsAreRefused(t *testing.T) {
	rails, err := guard.Compile([]guard.Rail{{Name: "cage-at-night", Text: `@reason("not at night")
forbid (principal, action == Action::"hold_unlocked", resource) when { resource.kind == "cage" && context.automatic && context.hour >= 19 };`}})
	if err != nil {
		t.Fatal(err)
	}
	const text = "slug: s\nname: S\nsite: store\nkind: other\ntrigger: {schedule: HOURS}\nactions:\n  hold_unlocked:\n    - openings: [case-1, OPENING]\nrevert: {with_schedule: true}\n"
	for _, one := range []struct{ hours, opening, rail string }{
		{"lunch", "case-5", scenario.HighValue},
		{"lunch", "cage", ""},
		{"open", "cage", "cage-at-night"},
		{"open", "case-2", ""},
	} {
		p := plan(t, strings.NewReplacer("HOURS", one.hours, "OPENING", one.opening).Replace(text))
		found := p.Reaches(noon, rails)
		switch {
		case one.rail == "" && len(found) > 0:
			t.Errorf("%s at %s: %v", one.opening, one.hours, found)
		case one.rail != "" && (len(found) != 1 || found[0].Rail != one.rail):
			t.Errorf("%s at %s: %v instead of %s", one.opening, one.hours, found, one.rail)
		case one.rail != "":
			refused := p.Refused(found)
			if refused[0].Field != "actions.hold_unlocked[0].openings[1]" || !strings.Contains(refused[0].Detail.In(lang.English), one.opening) || !strings.Contains(refused[0].Detail.In(lang.English), one.rail) {
				t.Errorf("refused with %v", refused)
			}
		}
	}
}

// What a replay tells of the past is what would have happened.
func TestReplay(t *testing.T) {
	p := plan(t, peak)
	past := scenario.Past{From: noon.Add(-30 * time.Minute), Until: noon.AddDate(0, 0, 3)}
	for day := range 3 {
		for minute := range 60 { // five sales a minute for an hour
			past.Buckets = append(past.Buckets, scenario.Bucket{At: noon.AddDate(0, 0, day).Add(time.Duration(minute) * time.Minute), N: 5})
		}
	}
	last := 0.0
	runs, cuts := scenario.Replay(p, past, func(done float64) bool {
		if done < last {
			t.Errorf("progress goes back from %f to %f", last, done)
		}
		last = done
		return true
	})
	if len(runs) != 3 || cuts != 0 || last != 1 {
		t.Fatalf("%d runs, %d cuts, %v", len(runs), cuts, runs)
	}
	// 40 are reached with the eighth minute, held for five; 20 are left when eleven minutes of fifteen are empty, held for ten.
	if got, want := runs[0].Began, noon.Add(12*time.Minute); !got.Equal(want) {
		t.Errorf("it began at %s instead of %s", got, want)
	}
	if got, want := runs[0].Ended, noon.Add(80*time.Minute); !got.Equal(want) {
		t.Errorf("it ended at %s instead of %s", got, want)
	}
	forced := scenario.Past{From: noon, Until: noon.Add(time.Hour)}
	for i := range 3 {
		forced.Events = append(forced.Events, sashlock.Event{Seq: int64(i), Heard: noon.Add(time.Duration(i) * 10 * time.Minute), Kind: sashlock.OpeningForced, Site: "site_1", Opening: "opn_cage"})
	}
	if runs, _ = scenario.Replay(plan(t, onForced), forced, nil); len(runs) != 3 {
		t.Errorf("three events give %v", runs)
	}
}

func TestChecklist(t *testing.T) {
	p := plan(t, "slug: close\nname: Close\nsite: store\nkind: closing\ntrigger: {button: true}\ncheck: {items: [all_locked, cages_armed, none_released], role: associate}\n")
	stand := map[sashlock.OpeningID]scenario.Stand{}
	for id := range world().Openings {
		stand[id] = scenario.Stand{Lock: true, Tells: true, State: sashlock.OpeningState{Opening: id, Lock: sashlock.Locked, Position: sashlock.Closed}}
	}
	of := func(id sashlock.OpeningID) scenario.Stand { return stand[id] }
	if looked, failed := scenario.Tally(p.Checked(of)); looked != 15 || failed != 0 {
		t.Errorf("%d looked at, %d not so", looked, failed)
	}
	stand["opn_cage"] = scenario.Stand{Lock: true, Tells: true, State: sashlock.OpeningState{Lock: sashlock.Locked, Position: sashlock.Open}}
	stand["opn_door"] = scenario.Stand{Lock: true, State: sashlock.OpeningState{Lock: sashlock.Unlocked, Release: &sashlock.Release{}}}
	all := p.Checked(of)
	want := [][]sashlock.OpeningID{{"opn_door"}, {"opn_cage"}, {"opn_door"}}
	for i, one := range all {
		if diff := cmp.Diff(want[i], one.Failed); diff != "" {
			t.Errorf("%s: %s", one.Item, diff)
		}
	}
	s, _ := p.Step(scenario.State{}, scenario.Facts{Now: noon, Press: scenario.StartPress})
	if s, _ = p.Step(s, scenario.Facts{Now: noon, Checked: 15, Unmet: 3}); !s.Running {
		t.Error("it ended although something is not so")
	}
	if s, _ = p.Step(s, scenario.Facts{Now: noon, Checked: 15}); s.Running {
		t.Error("it runs on although all is so")
	}
}
