// SPDX-License-Identifier: Apache-2.0

// Package incidents gathers alarms into cases that people work on.
//
// # What
//
// One thing that happens in a store raises several alarms: a case is forced,
// stands open, and nobody is there. An [Incident] is all of them: the alarms
// of one area that followed each other within [Window]. Operators see it, one
// of them takes it, notes are added, and in the end somebody says what the
// [Cause] was. It can be reopened.
//
// # How it fits
//
// [Run] follows the ledger and gathers each alarm when it has been raised, with
// a cursor that outlives the process. Everything else is a Change of package
// flow on behalf of an operator. Alarms themselves, and who has acknowledged
// them, are the business of package alarms.
//
// # Promises
//
// Every alarm is in exactly one incident, however often the ledger is read.
// An incident is never deleted, and what was said about it is never replaced:
// who comes second is told so, with what the first one did. Nobody resolves
// what they have not seen: an alarm that joined meanwhile is a conflict.
package incidents

import (
	"database/sql"
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/internal/lang"
	"github.com/sashlock/sashlock/internal/store"
)

// Incident is a case that people work on.
type Incident struct {
	ID       string
	Site     sashlock.SiteID
	Area     sashlock.AreaID     // empty: of openings of the site without an area
	Level    sashlock.Level      // the worst of its alarms
	Opened   time.Time           // when its first alarm was raised
	Latest   time.Time           // when its latest alarm was raised
	Resolved time.Time           // zero: it is not
	Owner    sashlock.OperatorID // who has taken it; empty: nobody
	Alarms   int                 // how many it gathers
	Rev      int64
	body
}

// body is what is kept of an incident as JSON.
type body struct {
	Taken    time.Time                       `json:"taken,omitzero"` // since when it has its owner
	Outcome  Outcome                         `json:"outcome,omitzero"`
	Notes    []Note                          `json:"notes,omitempty"`    // in the order they were written
	Opinions map[sashlock.OperatorID]Opinion `json:"opinions,omitempty"` // by operator
	Past     []Outcome                       `json:"past,omitempty"`     // of earlier times, when it was reopened

	// Silent is the silent rule whose alarms it gathers; empty: none. Who does
	// not handle alarms does not learn that it is there.
	Silent string `json:"silent,omitempty"`
}

// Outcome is how an incident was resolved.
type Outcome struct {
	Cause Cause               `json:"cause"`
	Note  string              `json:"note,omitempty"`
	By    sashlock.OperatorID `json:"by"`
	At    time.Time           `json:"at"`
}

// Note is what an operator wrote about an incident.
type Note struct {
	Text string              `json:"text"`
	By   sashlock.OperatorID `json:"by"`
	At   time.Time           `json:"at"`
}

// Opinion is whether it was good to be told of an incident.
type Opinion string

// The opinions.
const (
	Useful Opinion = "useful"
	Noise  Opinion = "noise"
)

// Cause is what an incident turned out to be.
type Cause string

// The causes.
const (
	Served      Cause = "customer_served"
	Forgot      Cause = "staff_forgot"
	Restock     Cause = "restock"
	DeviceFault Cause = "device_fault"
	FalseAlarm  Cause = "false_alarm"
	Theft       Cause = "theft"
	Drill       Cause = "drill"
	Other       Cause = "other" // the note says what
)

// Causes lists every cause, in the order in which people are offered them.
func Causes() []Cause {
	return []Cause{Served, Forgot, Restock, DeviceFault, FalseAlarm, Theft, Drill, Other}
}

// Words is what a cause is called.
func (c Cause) Words() string {
	switch c {
	case Served:
		return lang.Mark("Customer served")
	case Forgot:
		return lang.Mark("Staff forgot")
	case Restock:
		return lang.Mark("Restock")
	case DeviceFault:
		return lang.Mark("Device fault")
	case FalseAlarm:
		return lang.Mark("False alarm")
	case Theft:
		return lang.Mark("Theft or attempt")
	case Drill:
		return lang.Mark("Drill")
	case Other:
		return lang.Mark("Something else")
	}
	return string(c)
}

// State is how far an incident has come.
type State string

// The states. Seen is not one of them: it is each operator's own.
const (
	New      State = "new"
	Taken    State = "taken"
	Resolved State = "resolved"
)

// State is how far the incident has come.
func (i Incident) State() State {
	switch {
	case !i.Resolved.IsZero():
		return Resolved
	case i.Owner != "":
		return Taken
	}
	return New
}

const columns = `i.id, i.site, i.area, i.level, i.opened, i.latest, i.resolved, i.owner, i.alarms, i.body, i.rev`

func scan(read store.Scan) (i Incident, err error) {
	var opened, latest, resolved sql.NullInt64
	var text string
	if err = read(&i.ID, &i.Site, &i.Area, &i.Level, &opened, &latest, &resolved, &i.Owner, &i.Alarms, &text, &i.Rev); err != nil {
		return i, err
	}
	i.Opened, i.Latest, i.Resolved = store.TimeOf(opened), store.TimeOf(latest), store.TimeOf(resolved)
	return i, json.Unmarshal([]byte(text), &i.body)
}

// put writes an incident as its next revision.
func (i *Incident) put(tx *store.Tx) error {
	i.Rev++
	text, err := json.Marshal(i.body)
	if err != nil {
		return err
	}
	return tx.Put("incidents", "id", store.Fields{
		"id": i.ID, "site": i.Site, "area": i.Area, "level": i.Level, "opened": store.Micros(i.Opened), "latest": store.Micros(i.Latest),
		"resolved": store.Micros(i.Resolved), "owner": i.Owner, "alarms": i.Alarms, "body": string(text), "rev": i.Rev,
	})
}

// clone copies what an incident refers to, so that a change of the copy leaves
// the original alone.
func (i Incident) clone() Incident {
	i.Notes, i.Past, i.Opinions = slices.Clone(i.Notes), slices.Clone(i.Past), maps.Clone(i.Opinions)
	return i
}

// Find returns one incident, or NotFound.
func Find(q store.Query, id string) (Incident, error) {
	return store.One(q, scan, "incident", id, `SELECT `+columns+` FROM incidents i WHERE i.id = ?`, id)
}

// Scope is what an operator may see. Empty lists do not restrict.
type Scope struct {
	Sites []sashlock.SiteID
	Areas []sashlock.AreaID
	Loud  bool // none of silent alarms: see sashlock.SilentRules
}

// Filter says which incidents to list. Zero fields do not restrict.
type Filter struct {
	Scope    Scope
	Site     sashlock.SiteID
	Area     sashlock.AreaID
	Level    sashlock.Level
	Resolved bool                // those that are resolved; otherwise those that are not
	State    State               // New or Taken
	Owner    sashlock.OperatorID // whose they are
	Before   string              // only older ones than this one
}

// where is the filter as a condition.
func (f Filter) where() (string, []any) {
	text, args := "i.resolved IS NULL", []any(nil)
	if f.Resolved {
		text = "i.resolved IS NOT NULL"
	}
	add := func(condition string, values ...any) {
		text += " AND " + condition
		args = append(args, values...)
	}
	if n := len(f.Scope.Sites); n > 0 {
		add("i.site IN (?"+strings.Repeat(", ?", n-1)+")", anys(f.Scope.Sites)...)
	}
	if n := len(f.Scope.Areas); n > 0 {
		add("i.area IN (?"+strings.Repeat(", ?", n-1)+")", anys(f.Scope.Areas)...)
	}
	if f.Scope.Loud {
		condition, rules := silently()
		add("NOT "+condition, rules...)
	}
	for _, c := range []struct{ column, value string }{
		{"site", string(f.Site)}, {"area", string(f.Area)}, {"level", string(f.Level)}, {"owner", string(f.Owner)},
	} {
		if c.value != "" {
			add("i."+c.column+" = ?", c.value)
		}
	}
	switch f.State {
	case New:
		add("i.owner = ''")
	case Taken:
		add("i.owner <> ''")
	}
	if f.Before != "" {
		add("i.id < ?", f.Before)
	}
	return text, args
}

// silently is the condition that an incident i is of silent alarms.
func silently() (string, []any) {
	rules := anys(sashlock.SilentRules())
	return "EXISTS (SELECT 1 FROM incident_alarms g JOIN alarms a ON a.id = g.alarm WHERE g.incident = i.id AND a.rule IN (?" +
		strings.Repeat(", ?", len(rules)-1) + "))", rules
}

func anys[T any](list []T) []any {
	all := make([]any, len(list))
	for i, v := range list {
		all[i] = v
	}
	return all
}

// List returns incidents: those that are not resolved with the worst and then
// the latest first, those that are with the newest first.
func List(q store.Query, f Filter, limit int) ([]Incident, error) {
	where, args := f.where()
	order := " ORDER BY CASE i.level WHEN 'act' THEN 0 WHEN 'check' THEN 1 ELSE 2 END, i.latest DESC, i.id DESC"
	if f.Resolved {
		order = " ORDER BY i.id DESC" // identifiers follow the time of opening
	}
	return store.Rows(q, scan, `SELECT `+columns+` FROM incidents i WHERE `+where+order+` LIMIT ?`, append(args, limit)...)
}

// Count is how many incidents of a level are not resolved.
type Count struct {
	Level      sashlock.Level
	All        int
	Unreviewed int // the operator has not seen them, or not their latest alarm
}

// Counts counts the incidents of a filter by level, as one operator has seen
// them.
func Counts(q store.Query, f Filter, who sashlock.OperatorID) ([]Count, error) {
	where, args := f.where()
	return store.Rows(q, func(read store.Scan) (c Count, err error) {
		err = read(&c.Level, &c.All, &c.Unreviewed)
		return c, err
	}, `SELECT i.level, COUNT(*), SUM(CASE WHEN s.at IS NULL OR s.at < i.latest THEN 1 ELSE 0 END)
		FROM incidents i LEFT JOIN incident_seen s ON s.incident = i.id AND s.operator = ?
		WHERE `+where+` GROUP BY i.level`, append([]any{who}, args...)...)
}

// AlarmsOf returns the identifiers of the alarms of incidents, by incident, in
// the order they were raised.
func AlarmsOf(q store.Query, ids []string) (map[string][]sashlock.AlarmID, error) {
	all := map[string][]sashlock.AlarmID{}
	if len(ids) == 0 {
		return all, nil
	}
	found, err := places(q, "p.incident IN (?"+strings.Repeat(", ?", len(ids)-1)+")", anys(ids))
	for _, p := range found {
		all[p.Incident] = append(all[p.Incident], p.Alarm)
	}
	return all, err
}

// Place is where an alarm is.
type Place struct {
	Alarm    sashlock.AlarmID
	Incident string
	Resolved bool // the incident is
}

// Of returns where some alarms are. Those that were raised this moment may be
// missing.
func Of(q store.Query, alarms []sashlock.AlarmID) (map[sashlock.AlarmID]Place, error) {
	all := map[sashlock.AlarmID]Place{}
	if len(alarms) == 0 {
		return all, nil
	}
	found, err := places(q, "p.alarm IN (?"+strings.Repeat(", ?", len(alarms)-1)+")", anys(alarms))
	for _, p := range found {
		all[p.Alarm] = p
	}
	return all, err
}

func places(q store.Query, where string, args []any) ([]Place, error) {
	return store.Rows(q, func(read store.Scan) (p Place, err error) {
		var resolved int
		err = read(&p.Alarm, &p.Incident, &resolved)
		p.Resolved = resolved == 1
		return p, err
	}, `SELECT p.alarm, p.incident, CASE WHEN i.resolved IS NULL THEN 0 ELSE 1 END
		FROM incident_alarms p JOIN incidents i ON i.id = p.incident WHERE `+where+` ORDER BY p.alarm`, args...)
}
