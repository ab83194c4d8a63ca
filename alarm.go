// SPDX-License-Identifier: Apache-2.0

package sashlock

import (
	"slices"
	"time"
)

// Level is how soon somebody has to look.
type Level string

// The levels.
const (
	Act  Level = "act"   // now
	Look Level = "check" // this shift
	Note Level = "note"  // never notifies
)

// Alarm is a condition that wants an operator. It is raised when a rule finds
// it, cleared when the condition is over, acknowledged when somebody has seen
// it: two separate things, as in ISA-18.2. It stays in the list until both.
type Alarm struct {
	ID           AlarmID
	Rule         string
	Level        Level
	Site         SiteID
	Opening      OpeningID
	Why          string // what was seen and what was expected, in words
	Raised       time.Time
	Cleared      time.Time  // zero: the condition stands
	Acknowledged time.Time  // zero: nobody has
	By           OperatorID // who acknowledged it
	Rev          int64
}

// SilentRules lists the rules of which nothing may be seen or heard where they
// find something: whoever forces somebody may stand before the same screen, or
// hold the same phone. Only those who handle alarms learn of them.
func SilentRules() []string { return []string{"duress"} }

// Silent reports whether a rule is among [SilentRules].
func Silent(rule string) bool { return slices.Contains(SilentRules(), rule) }

// Standing reports whether the alarm still belongs in the list of alarms.
func (a Alarm) Standing() bool { return a.Cleared.IsZero() || a.Acknowledged.IsZero() }
