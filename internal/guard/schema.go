// SPDX-License-Identifier: Apache-2.0

package guard

import (
	"github.com/cedar-policy/cedar-go/x/exp/schema"
	"github.com/cedar-policy/cedar-go/x/exp/schema/validate"

	"github.com/sashlock/sashlock"
)

// Schema returns what a rail can speak of, as a Cedar schema with comments.
func Schema() string { return schemaText }

const schemaText = `// What a guard rail can speak of. Things are named by slug or by identifier.

// Role::"manager"
entity Role;

// Person::"anna": who asks. A scenario asks without a person.
entity Person in [Role];

// Site::"lisbon"
entity Site;

// Area::"lisbon/cash-office"
entity Area in [Site];

// Opening::"case-3": what is to be opened.
entity Opening in [Area, Site] {
  kind: String,  // "door", "case", "cage", "locker", "hatch", "vending", "kiosk"
  class: String, // "standard", "valuable", "high"
};

// Action::"open": release it once; "hold_unlocked": leave it unlocked;
// "lock_down": refuse everybody there; "release_all": release a whole site.
action "open", "hold_unlocked", "lock_down", "release_all" appliesTo {
  principal: Person,
  resource: Opening,
  context: {
    // Who asks, and how.
    level: Long,          // of the credential: 0 none, 1 code, 2 card, 3 passkey, 4 card and the person themselves
    method: String,       // "keypad", "card", "finger", "remote", …
    automatic: Bool,      // a scenario asks, no person
    second?: String,      // identifier of the first of two persons: "context has second"
    with_manager: Bool,   // a manager is there
    on_shift: Bool,
    suspended: Bool,
    trained: Set<String>, // what the person has been trained for

    // When, by the site's clock.
    hour: Long,           // 0 to 23
    minute: Long,         // 0 to 59
    weekday: String,      // "monday" to "sunday"
    date: datetime,       // datetime("2026-12-24")

    // How things stand.
    mode: String,         // of the opening: "normal", "held_unlocked", "locked_down", "blocked"
    threat: String,       // of the site: "normal", "peak", "event", "heightened", "lockdown"
    jurisdiction: String, // whose law applies: "PT", "US-CA"
    drill: Bool,          // it belongs to a drill
  },
};
`

// The names that a rail can use, for advice on misspelt ones.
var (
	entityNames   = []string{"Person", "Role", "Opening", "Area", "Site", "Action"}
	actionNames   = []string{string(Open), string(HoldUnlocked), string(LockDown), string(ReleaseAll)}
	openingNames  = []string{"kind", "class"}
	contextNames  = []string{"level", "method", "automatic", "second", "with_manager", "on_shift", "suspended", "trained", "hour", "minute", "weekday", "date", "mode", "threat", "jurisdiction", "drill"}
	functionNames = []string{"ip", "decimal", "datetime", "duration"}
	annotations   = []string{"id", "reason", "fix", "note"}
	weekdays      = [...]string{"sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday"}
)

// values are the words that an attribute can hold, where there are no others: a
// rule that compares it with another word would never forbid anything.
var values = map[string][]string{
	"kind": {
		string(sashlock.Door), string(sashlock.Case), string(sashlock.Cage), string(sashlock.Locker),
		string(sashlock.Hatch), string(sashlock.Vending), string(sashlock.Kiosk),
	},
	"class":   {string(sashlock.Standard), string(sashlock.Valuable), string(sashlock.High)},
	"weekday": weekdays[:],
	"mode":    {string(sashlock.Normal), string(sashlock.HeldUnlocked), string(sashlock.LockedDown), string(sashlock.Blocked)},
	"threat":  {"normal", "peak", "event", "heightened", "lockdown"},
}

// newValidator reads the schema. That it cannot be read would be a mistake in
// this package, which its tests would find.
func newValidator() *validate.Validator {
	var s schema.Schema
	if err := s.UnmarshalCedar([]byte(schemaText)); err != nil {
		panic("guard: the schema cannot be read: " + err.Error())
	}
	resolved, err := s.Resolve()
	if err != nil {
		panic("guard: the schema does not resolve: " + err.Error())
	}
	return validate.New(resolved)
}
