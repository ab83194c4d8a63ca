// SPDX-License-Identifier: Apache-2.0

// Package detect is the contract of a detection rule: what it is shown and
// what it may answer.
//
// # What
//
// A [Rule] looks at one opening as it stands, at one moment, and says whether
// there is something an operator should know. Silence is a fact too: "open and
// nobody came" is the absence of a message, so a rule may ask to look again
// later.
//
// # How it fits
//
// Each rule is a folder below this one, with its stories in testdata/stories.
// Package flow shows every rule the opening after each report and at each
// wake-up, in the same transaction that records the change; it raises an alarm
// when a rule finds something new and clears it when the rule no longer does.
// The list of rules is in package app.
//
// # Promises
//
// Rules are pure: the same facts give the same finding, on a live store, in a
// story and in a replay of last year.
package detect

import (
	"time"

	"github.com/sashlock/sashlock"
)

// Rule looks at an opening.
type Rule interface {
	// Name is the rule's folder: "unattended".
	Name() string
	// Level is how soon somebody has to look at what it finds.
	Level() sashlock.Level
	// Look says what it sees. It must not keep or change what it is shown.
	Look(Facts) Finding
}

// Facts are what a rule may know.
type Facts struct {
	Opening sashlock.Opening
	State   sashlock.OpeningState
	Now     time.Time     // in the site's zone
	Staffed Staffed       // whether the site's store hours say that somebody is at work
	Within  time.Duration // how soon a lock here has to confirm that it forgot a code
	Coming  *Coming       // at the opening where a site is watched that somebody is to open; nil: anywhere else
}

// Coming is what is known of whoever is to come first to a site.
type Coming struct {
	By    time.Time // when they were last to have come, the tolerance over; zero: never yet
	Start time.Time // what was planned: By without the tolerance
	End   time.Time // until when the site is to be open then
	Came  bool      // they came for it
	Next  time.Time // when they are next to have come; zero: no such time is in sight
}

// Clock writes a time as the clock on the wall of the site shows it, with the
// day when it is not today.
func (f Facts) Clock(at time.Time) string {
	at = at.In(f.Now.Location())
	if at.Format(time.DateOnly) == f.Now.Format(time.DateOnly) {
		return at.Format(time.TimeOnly)
	}
	return at.Format("2 January 2006, 15:04:05")
}

// Staffed is whether the store is staffed at a moment.
type Staffed int

// Whether the store is staffed; HoursUnknown when the site has no store hours.
const (
	HoursUnknown Staffed = iota
	InHours
	OutOfHours
)

// Finding is a rule's answer.
type Finding struct {
	Found     bool
	Why       string    // what was seen and what was expected, one plain sentence, without names of people
	LookAgain time.Time // look again no later than this, even if nothing is heard; zero: no need
}
