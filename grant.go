// SPDX-License-Identifier: Apache-2.0

package sashlock

import "time"

// Grant says: this person, or everyone with this role, may open this opening,
// every opening of this area, or every opening of this site, when the schedule
// says so and within the limits of validity.
//
// Exactly one of Person and Role is set, and exactly one of Opening, Area and
// Site.
type Grant struct {
	ID       GrantID
	Slug     string
	Person   PersonID
	Role     RoleID
	Opening  OpeningID
	Area     AreaID
	Site     SiteID
	Schedule ScheduleID // empty: at any time
	From     time.Time  // first instant at which it counts; zero: no limit
	Until    time.Time  // first instant at which it no longer counts; zero: no limit
	Terms    Terms
	Rev      int64
}

// Terms are what a grant asks for beyond the right person, opening and time.
// The zero value asks for nothing.
type Terms struct {
	Uses    int           // how often it may be used in all; 0: without limit
	Lasts   time.Duration // how long it counts from its first use; 0: until its end
	OnShift bool          // only while the person is on shift at the opening's site
	With    RoleID        // only while somebody else with this role is there: "with a manager present"
	Escort  PersonID      // only while this person, the host, is there
	Two     bool          // only together with a second person who may open it as well
	Level   Assurance     // the least level of credential; 0: whatever the opening asks for
	Hold    time.Duration // asked for twice in a row, the opening is held unlocked for so long; 0: it is not
}

// GrantState is what has been made of a grant so far. It is kept only for
// grants whose terms need it.
type GrantState struct {
	Grant GrantID   `json:"grant"`
	Uses  int       `json:"uses"`
	First time.Time `json:"first"` // when it was first used
	Last  time.Time `json:"last"`
}

// Assurance says how surely a credential shows who presents it.
type Assurance int

// The levels, from the weakest.
const (
	AssuranceNone    Assurance = iota // nothing was presented, or nobody knows what
	AssuranceCode                     // something known: a PIN, a code read from paper
	AssuranceCard                     // something held: a card, a tag, a QR code on a phone
	AssurancePasskey                  // the person's own device, unlocked by them: a passkey on a phone
	AssuranceBoth                     // something held and the person themselves: card and finger
)

// Words is what a credential of the level is.
func (a Assurance) Words() string {
	switch a {
	case AssuranceCode:
		return "a PIN or code"
	case AssuranceCard:
		return "a card, tag or phone code"
	case AssurancePasskey:
		return "a passkey on the person's own phone"
	case AssuranceBoth:
		return "a card together with a fingerprint or face"
	}
	return "no credential"
}

// Side is the direction in which somebody passes an opening.
type Side string

// The sides. The empty string counts as Entering: most openings have only one
// reader, outside.
const (
	Entering Side = "in"
	Leaving  Side = "out"
)

// Passback says what an area does about people who enter twice without having
// left, which is how credentials are handed back over a turnstile.
type Passback string

// The kinds of anti-passback; the empty string is none.
const (
	PassbackSoft  Passback = "soft"  // let in, with an event
	PassbackHard  Passback = "hard"  // refused until they have left
	PassbackTimed Passback = "timed" // refused until a time has passed since they entered
)

// Needs are what an opening or an area asks of everybody, whatever the grant.
// Where both ask, both have to be met.
type Needs struct {
	Level   Assurance // the least level of credential
	Two     bool      // two persons who may both open it
	FirstIn RoleID    // nobody before somebody with this role has been let in at the site that day
}

// IsZero reports whether nothing is asked.
func (n Needs) IsZero() bool { return n == Needs{} }

// Narrower reports whether the grant lets nobody in whom another one would not:
// it says the same, for no longer. None lets nobody in.
func (g Grant) Narrower(than Grant) bool {
	earlier := g.From.Before(than.From)
	longer := !than.Until.IsZero() && (g.Until.IsZero() || g.Until.After(than.Until))
	g.ID, g.Slug, g.Rev, g.From, g.Until = than.ID, than.Slug, than.Rev, than.From, than.Until
	return than.ID != "" && !earlier && !longer && g == than
}
