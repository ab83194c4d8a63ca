// SPDX-License-Identifier: Apache-2.0

package scenarios

import (
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/sashlock/sashlock/internal/console"
	"github.com/sashlock/sashlock/internal/scenario"
)

// The rules of the form are:
//
//   - A field has the name that it has in the text: trigger.rate.rise.
//   - What the form has no field for, grants above all, travels along as text
//     and stays as it is.

// maxGroups is how many groups of openings a form has at most.
const maxGroups = 20

// readForm takes the fields of the form.
func (p pages) readForm(r *http.Request) scenario.Scenario {
	s, err := scenario.Parse([]byte(r.PostFormValue("base")))
	if err != nil {
		s = scenario.Scenario{}
	}
	get := func(field string) string { return console.Clip(r.PostFormValue(field), 2000) }
	s.Slug, s.Name, s.Site, s.Note = get("slug"), get("name"), get("site"), get("note")
	s.Kind, s.Rank, s.Off = scenario.Kind(get("kind")), number(get("rank")), get("off") != ""
	s.Trigger = readTrigger(r, get)
	s.Condition = scenario.Condition{
		During: get("condition.during"), Threat: r.PostForm["condition.threat"], Staff: number(get("condition.staff")),
		Role: get("condition.role"), Mode: get("condition.mode"), Unless: r.PostForm["condition.unless"],
	}
	s.Actions.Hold, s.Actions.Lock = nil, nil
	for i := range maxGroups {
		where, some := readWhere(r, fmt.Sprintf("actions.hold_unlocked[%d]", i))
		if some {
			field := fmt.Sprintf("actions.hold_unlocked[%d]", i)
			s.Actions.Hold = append(s.Actions.Hold, scenario.Hold{Where: where, Most: number(get(field + ".most")), PerAssociate: number(get(field + ".per_associate")), Role: get(field + ".role")})
		}
		if where, some = readWhere(r, fmt.Sprintf("actions.lock_down[%d]", i)); some {
			s.Actions.Lock = append(s.Actions.Lock, where)
		}
	}
	s.Actions.Threat, s.Actions.Notify, s.Actions.Alarm = get("actions.threat"), get("actions.notify"), nil
	if text := get("actions.alarm.text"); text != "" {
		s.Actions.Alarm = &scenario.Warning{Text: text, Opening: get("actions.alarm.opening"), Level: get("actions.alarm.level")}
	}
	s.Guard = scenario.Guard{Longest: get("guard.longest"), Never: words(get("guard.never")), Classes: r.PostForm["guard.never_classes"]}
	s.Revert = scenario.Revert{After: get("revert.after"), WithSchedule: get("revert.with_schedule") != "", WithTrigger: get("revert.with_trigger") != ""}
	s.Check = scenario.Checklist{Role: get("check.role")}
	for _, item := range r.PostForm["check.items"] {
		s.Check.Items = append(s.Check.Items, scenario.Item(item))
	}
	return s
}

func readTrigger(r *http.Request, get func(string) string) scenario.Trigger {
	t := scenario.Trigger{Button: r.PostFormValue("trigger.button") != ""}
	switch get("trigger") {
	case "schedule":
		t.Schedule = get("trigger.schedule")
	case "dates":
		t.Dates = &scenario.Dates{From: strings.Replace(get("trigger.dates.from"), "T", " ", 1), Until: strings.Replace(get("trigger.dates.until"), "T", " ", 1)}
	case "rate":
		t.Rate = &scenario.Rate{
			Of: scenario.Counted(get("trigger.rate.of")), Over: get("trigger.rate.over"), Rise: number(get("trigger.rate.rise")), RiseHold: get("trigger.rate.rise_hold"),
			Fall: number(get("trigger.rate.fall")), FallHold: get("trigger.rate.fall_hold"),
		}
	case "event":
		t.Event = &scenario.Occasion{Kind: get("trigger.event.kind"), Rule: get("trigger.event.rule"), Area: get("trigger.event.area"), Opening: get("trigger.event.opening"), Class: get("trigger.event.class"), Subject: get("trigger.event.subject")}
	}
	return t
}

// readWhere takes one group of openings; false: there is none.
func readWhere(r *http.Request, field string) (scenario.Where, bool) {
	w := scenario.Where{
		All: r.PostFormValue(field+".all") != "", Areas: r.PostForm[field+".areas"],
		Openings: words(r.PostFormValue(field + ".openings")), Kinds: r.PostForm[field+".kinds"],
	}
	return w, w.All || len(w.Areas)+len(w.Openings) > 0
}

// words splits a list that somebody typed.
func words(text string) []string {
	all := strings.FieldsFunc(text, func(c rune) bool { return c == ',' || c == ';' || c == ' ' || c == '\n' || c == '\r' || c == '\t' })
	return all[:min(len(all), 300)]
}

// trigger is which of the triggers a scenario has.
func (d *draft) trigger() string {
	switch t := d.Trigger; {
	case t.Schedule != "":
		return "schedule"
	case t.Dates != nil:
		return "dates"
	case t.Rate != nil:
		return "rate"
	case t.Event != nil:
		return "event"
	}
	return ""
}

// rate, dates, event and alarm are what the form shows, also where there is none.
func (d *draft) rate() scenario.Rate {
	if d.Trigger.Rate != nil {
		return *d.Trigger.Rate
	}
	return scenario.Rate{Of: scenario.Sales, Over: "15m", RiseHold: "5m", FallHold: "10m"}
}

func (d *draft) dates() scenario.Dates {
	if d.Trigger.Dates != nil {
		return scenario.Dates{From: strings.Replace(d.Trigger.Dates.From, " ", "T", 1), Until: strings.Replace(d.Trigger.Dates.Until, " ", "T", 1)}
	}
	return scenario.Dates{}
}

func (d *draft) event() scenario.Occasion {
	if d.Trigger.Event != nil {
		return *d.Trigger.Event
	}
	return scenario.Occasion{}
}

func (d *draft) alarm() scenario.Warning {
	if d.Actions.Alarm != nil {
		return *d.Actions.Alarm
	}
	return scenario.Warning{}
}

// holds and locks are the groups that the form shows, with an empty one at the
// end.
func (d *draft) holds() []scenario.Hold {
	return append(slices.Clone(d.Actions.Hold), scenario.Hold{})[:min(len(d.Actions.Hold)+1, maxGroups)]
}

func (d *draft) locks() []scenario.Where {
	return append(slices.Clone(d.Actions.Lock), scenario.Where{})[:min(len(d.Actions.Lock)+1, maxGroups)]
}

// field names a field of a group.
func field(group string, i int) string { return group + "[" + strconv.Itoa(i) + "]" }

// number2 writes a number.
func number2(n int) string { return strconv.Itoa(n) }

// shown writes a number that may be missing.
func shown(n int) string {
	if n == 0 {
		return ""
	}
	return strconv.Itoa(n)
}

// kindsOfOpenings are what groups may be narrowed to.
func kindsOfOpenings() []string {
	return []string{"door", "case", "cage", "locker", "hatch", "vending", "kiosk"}
}
