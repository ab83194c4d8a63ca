// SPDX-License-Identifier: Apache-2.0

// Package scenario is what a store does by itself: what begins it, on which
// conditions, what it does, what it never does and how it goes back.
//
// # What
//
// A [Scenario] is the form that people fill in; [Parse] and [Marshal] are the
// same thing as text. [Compile] turns it into a [Plan], or says everything that
// is wrong with it. [Plan.Step] is the state machine, [Plan.Wants] says which
// openings it holds unlocked or locks down at a moment, [Plan.Reaches] which
// guarded openings it could open, [Replay] when it would have begun in the past.
//
// # How it fits
//
// Package scenarios keeps them, follows the ledger and the clock, and gives the
// orders. This package knows of none of that: time, facts and guard rails are
// arguments.
//
// # Promises
//
//   - A scenario never wants an opening of class high held unlocked, nor one
//     that a guard rail forbids, nor one that it says it never opens.
//   - Each one ends: by a time, a schedule, its trigger, or, for a lockdown
//     only, by somebody.
//   - One event begins a scenario once, and nothing begins one more than
//     [MaxStarts] times in an hour.
package scenario

import (
	"github.com/sashlock/sashlock/internal/estate"
)

// Kind is what a scenario is for.
type Kind string

// The kinds.
const (
	PeakHour Kind = "peak_hour"
	Opening  Kind = "opening" // the store is opened in the morning
	Closing  Kind = "closing" // and closed at night
	Special  Kind = "special_event"
	Lockdown Kind = "lockdown"
	Other    Kind = "other"
)

// Kinds lists every kind.
func Kinds() []Kind { return []Kind{PeakHour, Opening, Closing, Special, Lockdown, Other} }

// Counted is what a till or a counter at the door counts.
type Counted string

// What is counted.
const (
	Sales    Counted = "sales"    // receipts of the tills
	Footfall Counted = "footfall" // people who came in
	Calls    Counted = "calls"    // customers who called for somebody
)

// Scenario is one, as people write it. Lengths of time are written like "90m".
type Scenario struct {
	Slug      string    `yaml:"slug" json:"slug" maxLength:"40" doc:"Short name" example:"peak"`
	Name      string    `yaml:"name" json:"name" maxLength:"200" doc:"Display name" example:"Peak hour"`
	Site      string    `yaml:"site" json:"site" maxLength:"40" doc:"Site it belongs to" example:"lisbon"`
	Kind      Kind      `yaml:"kind" json:"kind" enum:"peak_hour,opening,closing,special_event,lockdown,other" doc:"What it is for"`
	Rank      int       `yaml:"rank,omitempty" json:"rank,omitempty" minimum:"0" maximum:"99" doc:"Of two scenarios that want different things the one with the higher rank has its way; a lockdown before all others"`
	Off       bool      `yaml:"off,omitempty" json:"off,omitempty" doc:"It does not begin by itself"`
	Note      string    `yaml:"note,omitempty" json:"note,omitempty" maxLength:"2000" doc:"What it is for, for colleagues"`
	Trigger   Trigger   `yaml:"trigger,omitempty" json:"trigger,omitzero" doc:"What begins it"`
	Condition Condition `yaml:"condition,omitempty" json:"condition,omitzero" doc:"What has to be so, or it does not begin"`
	Actions   Actions   `yaml:"actions,omitempty" json:"actions,omitzero" doc:"What it does while it runs"`
	Guard     Guard     `yaml:"guard,omitempty" json:"guard,omitzero" doc:"What it never does, and how long it may run"`
	Revert    Revert    `yaml:"revert,omitempty" json:"revert,omitzero" doc:"How it ends; what it did is then taken back"`
	Check     Checklist `yaml:"check,omitempty" json:"check,omitzero" doc:"For opening and closing: what has to be so before it is done"`
}

// Trigger is what begins a scenario: one of schedule, dates, rate and event, or
// none of them, and a button besides.
type Trigger struct {
	Schedule string    `yaml:"schedule,omitempty" json:"schedule,omitempty" maxLength:"40" doc:"While this schedule covers the moment"`
	Dates    *Dates    `yaml:"dates,omitempty" json:"dates,omitempty" doc:"Once, between two instants"`
	Rate     *Rate     `yaml:"rate,omitempty" json:"rate,omitempty" doc:"While tills or counters say that many come"`
	Event    *Occasion `yaml:"event,omitempty" json:"event,omitempty" doc:"When something like this is recorded"`
	Button   bool      `yaml:"button,omitempty" json:"button,omitempty" doc:"Somebody may begin it by hand"`
}

// Dates are one stretch of time on the clocks of the store.
type Dates struct {
	From  string `yaml:"from" json:"from" maxLength:"20" doc:"When it begins, by the clocks of the store" example:"2026-11-27 18:00"`
	Until string `yaml:"until" json:"until" maxLength:"20" doc:"When it ends" example:"2026-11-27 23:00"`
}

// Rate is a number of things in a stretch of time, with two thresholds: between
// them nothing changes.
type Rate struct {
	Of       Counted `yaml:"of" json:"of" enum:"sales,footfall,calls" doc:"What is counted"`
	Over     string  `yaml:"over,omitempty" json:"over,omitempty" maxLength:"20" doc:"In how long; 15m when not given" example:"15m"`
	Rise     int     `yaml:"rise" json:"rise" minimum:"0" doc:"It begins when so many were counted" example:"40"`
	RiseHold string  `yaml:"rise_hold,omitempty" json:"rise_hold,omitempty" maxLength:"20" doc:"and that has been so for this long" example:"5m"`
	Fall     int     `yaml:"fall" json:"fall" minimum:"0" doc:"The trigger falls when no more than so many were counted; less than rise" example:"25"`
	FallHold string  `yaml:"fall_hold,omitempty" json:"fall_hold,omitempty" maxLength:"20" doc:"and that has been so for this long" example:"10m"`
}

// Occasion is a kind of event, narrowed to what it is about.
type Occasion struct {
	Kind    string `yaml:"kind" json:"kind" maxLength:"60" doc:"Kind of event" example:"opening.forced"`
	Rule    string `yaml:"rule,omitempty" json:"rule,omitempty" maxLength:"60" doc:"For alarms: of this rule only"`
	Subject string `yaml:"subject,omitempty" json:"subject,omitempty" maxLength:"60" doc:"For scenarios: of this one only"`
	Opening string `yaml:"opening,omitempty" json:"opening,omitempty" maxLength:"40" doc:"At this opening only"`
	Area    string `yaml:"area,omitempty" json:"area,omitempty" maxLength:"81" doc:"At openings of this area only, written site/area"`
	Class   string `yaml:"class,omitempty" json:"class,omitempty" enum:"standard,valuable,high" doc:"At openings of this class only"`
}

// Condition is what has to be so when a scenario begins. Who begins it by hand
// is asked for none of it.
type Condition struct {
	During string   `yaml:"during,omitempty" json:"during,omitempty" maxLength:"40" doc:"This schedule covers the moment"`
	Threat []string `yaml:"threat,omitempty,flow" json:"threat,omitempty" maxItems:"5" doc:"The store stands at one of these: normal, peak, event, heightened, lockdown"`
	Staff  int      `yaml:"staff,omitempty" json:"staff,omitempty" minimum:"0" maximum:"1000" doc:"At least so many are on shift"`
	Role   string   `yaml:"role,omitempty" json:"role,omitempty" maxLength:"40" doc:"with this role"`
	Mode   string   `yaml:"mode,omitempty" json:"mode,omitempty" enum:"normal,held_unlocked,locked_down" doc:"Every opening that it acts on stands in this mode"`
	Unless []string `yaml:"unless,omitempty,flow" json:"unless,omitempty" maxItems:"20" doc:"None of these scenarios runs"`
}

// Actions are what a scenario does while it runs. When it ends all of it is
// taken back.
type Actions struct {
	Hold   []Hold         `yaml:"hold_unlocked,omitempty" json:"hold_unlocked,omitempty" maxItems:"50" doc:"Openings that it holds unlocked"`
	Lock   []Where        `yaml:"lock_down,omitempty" json:"lock_down,omitempty" maxItems:"50" doc:"Openings that it locks down. Ways out stay open from the inside"`
	Threat string         `yaml:"threat,omitempty" json:"threat,omitempty" enum:"peak,event,heightened,lockdown" doc:"How the store stands meanwhile"`
	Alarm  *Warning       `yaml:"alarm,omitempty" json:"alarm,omitempty" doc:"An alarm that it raises"`
	Notify string         `yaml:"notify,omitempty" json:"notify,omitempty" maxLength:"500" doc:"What people are told while it runs"`
	Grants []estate.Grant `yaml:"grants,omitempty" json:"grants,omitempty" maxItems:"50" doc:"Grants that there are only while it runs"`
}

// Where names openings of the site: some, those of areas, or all; of some kinds
// only when kinds are given.
type Where struct {
	All      bool     `yaml:"all,omitempty" json:"all,omitempty" doc:"Every opening of the site"`
	Areas    []string `yaml:"areas,omitempty,flow" json:"areas,omitempty" maxItems:"50" doc:"Every opening of these areas, written site/area"`
	Openings []string `yaml:"openings,omitempty,flow" json:"openings,omitempty" maxItems:"300" doc:"These openings"`
	Kinds    []string `yaml:"kinds,omitempty,flow" json:"kinds,omitempty" maxItems:"10" doc:"Of these kinds only" example:"[\"case\"]"`
}

// Hold is openings to hold unlocked and how many of them.
type Hold struct {
	Where        `yaml:",inline"`
	Most         int    `yaml:"most,omitempty" json:"most,omitempty" minimum:"0" maximum:"1000" doc:"So many at most; no limit when not given"`
	PerAssociate int    `yaml:"per_associate,omitempty" json:"per_associate,omitempty" minimum:"0" maximum:"100" doc:"So many at most for each person on shift"`
	Role         string `yaml:"role,omitempty" json:"role,omitempty" maxLength:"40" doc:"with this role" example:"associate"`
}

// Warning is the alarm that a scenario raises when it begins.
type Warning struct {
	Opening string `yaml:"opening,omitempty" json:"opening,omitempty" maxLength:"40" doc:"At which opening; that of the event when not given"`
	Level   string `yaml:"level,omitempty" json:"level,omitempty" enum:"act,check,note" doc:"How soon somebody has to look; check when not given"`
	Text    string `yaml:"text" json:"text" maxLength:"500" doc:"What it says"`
}

// Guard is what a scenario never does.
type Guard struct {
	Longest string   `yaml:"longest,omitempty" json:"longest,omitempty" maxLength:"20" doc:"How long it runs at most; 12h when not given, for a lockdown no limit" example:"3h"`
	Never   []string `yaml:"never,omitempty,flow" json:"never,omitempty" maxItems:"300" doc:"Openings and areas that it never opens"`
	Classes []string `yaml:"never_classes,omitempty,flow" json:"never_classes,omitempty" maxItems:"3" doc:"Classes that it never opens; high is always among them"`
}

// Revert is how a scenario ends. Whatever comes first ends it.
type Revert struct {
	After        string `yaml:"after,omitempty" json:"after,omitempty" maxLength:"20" doc:"So long after it began" example:"2h"`
	WithSchedule bool   `yaml:"with_schedule,omitempty" json:"with_schedule,omitempty" doc:"When its schedule or its dates are over"`
	WithTrigger  bool   `yaml:"with_trigger,omitempty" json:"with_trigger,omitempty" doc:"When its trigger falls"`
}

// Checklist is what a store has to be like before it counts as opened or closed.
type Checklist struct {
	Items []Item `yaml:"items,omitempty,flow" json:"items,omitempty" maxItems:"10" doc:"What has to be so: all_locked, all_closed, cages_armed, none_released, none_held_unlocked, all_reachable, no_alarms"`
	Role  string `yaml:"role,omitempty" json:"role,omitempty" maxLength:"40" doc:"Whoever has this role looks at what is not so" example:"key-holder"`
}

// Item is one thing that is checked.
type Item string

// The items.
const (
	AllLocked        Item = "all_locked"         // every lock says that it is locked
	AllClosed        Item = "all_closed"         // every contact says that it is closed
	CagesArmed       Item = "cages_armed"        // every cage is locked and closed, and its lock can be reached
	NoneReleased     Item = "none_released"      // nobody's release is in force
	NoneHeldUnlocked Item = "none_held_unlocked" // no order holds anything unlocked
	AllReachable     Item = "all_reachable"      // every lock can be reached
	NoAlarms         Item = "no_alarms"          // no alarm stands
)

// Items lists every item.
func Items() []Item {
	return []Item{AllLocked, AllClosed, CagesArmed, NoneReleased, NoneHeldUnlocked, AllReachable, NoAlarms}
}

// Threats lists how a store may stand.
func Threats() []string { return []string{"normal", "peak", "event", "heightened", "lockdown"} }

// Source is the name under which a scenario gives orders.
func (s Scenario) Source() string {
	if s.Kind == Lockdown {
		return "lockdown:" + s.Slug
	}
	return "scenario:" + s.Slug
}
