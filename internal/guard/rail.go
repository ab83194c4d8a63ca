// SPDX-License-Identifier: Apache-2.0

package guard

import (
	"fmt"
	"strings"
	"time"

	"github.com/sashlock/sashlock"
)

// Rail is one guard rail as people write it: one or several forbid rules.
type Rail struct {
	Name   string          // unique within a set, at most 80 characters
	Text   string          // Cedar, at most 64 KiB
	Site   sashlock.SiteID // where it holds; empty: everywhere
	Shadow bool            // recorded, not enforced
}

// Action is what is asked for.
type Action string

// The actions.
const (
	Open         Action = "open"          // release an opening once
	HoldUnlocked Action = "hold_unlocked" // leave it unlocked
	LockDown     Action = "lock_down"     // refuse everybody there
	ReleaseAll   Action = "release_all"   // release the openings of a site together
)

// bit returns the action's bit, or 0 for one that no rail can name.
func (a Action) bit() uint8 {
	switch a {
	case "", Open:
		return 1
	case HoldUnlocked:
		return 2
	case LockDown:
		return 4
	case ReleaseAll:
		return 8
	}
	return 0
}

// Facts are everything that a rail may speak of. What is left empty is not
// known: no rail about it matches, except that an empty Mode or Threat is
// "normal" and an empty Action is [Open].
type Facts struct {
	Person     sashlock.PersonID // empty: nobody, a scenario or an operator asks
	PersonSlug string
	Roles      []string // slugs; identifiers may stand beside them
	Trained    []string // what the person has been trained for
	OnShift    bool
	Suspended  bool

	Opening      sashlock.OpeningID
	OpeningSlug  string
	Kind         string // a sashlock.OpeningKind
	Class        string // a sashlock.Class
	Area         string // identifier
	AreaSlug     string // its own slug; "site/area" is understood as well
	Site         string // identifier
	SiteSlug     string
	Jurisdiction string // "PT", "US-CA"

	Action      Action
	Automatic   bool   // a scenario asks, no person
	Level       int    // a sashlock.Assurance
	Method      string // how the person asked: a sashlock.Method
	Mode        string // a sashlock.Mode
	Threat      string // normal, peak, event, heightened, lockdown
	Drill       bool   // the request belongs to a drill
	At          time.Time
	Second      sashlock.PersonID // of two persons, the one who asked first
	WithManager bool              // somebody with the role of a manager is there
}

// Hit is a rail that forbids a request.
type Hit struct {
	Rail   string
	Line   int    // of its text, where the rule begins
	Why    string // from @reason, else the rail's name; for a rule that could not be worked out, that and why
	Fix    string // from @fix; may be empty
	Shadow bool   // it is recorded only
}

// Problem is something wrong with a rail.
type Problem struct {
	Rail   string
	Line   int // from 1; 0: the rail as a whole
	Column int // in characters, from 1
	What   string
	Fix    string // may be empty
}

// String returns the problem in one line: "cash-office:3:8: what; fix".
func (p Problem) String() string {
	text := p.Rail
	if p.Line > 0 {
		text += fmt.Sprintf(":%d:%d", p.Line, p.Column)
	}
	text += ": " + p.What
	if p.Fix != "" {
		text += "; " + p.Fix
	}
	return text
}

// Problems are all that is wrong with a set of rails, in the order of the rails.
type Problems []Problem

// Error returns all problems, one a line.
func (p Problems) Error() string {
	lines := make([]string, len(p))
	for i, one := range p {
		lines[i] = one.String()
	}
	return strings.Join(lines, "\n")
}
