// SPDX-License-Identifier: Apache-2.0

package opening

import (
	"fmt"
	"time"

	"github.com/sashlock/sashlock"
)

// StaleAfter is how long an opening may be silent before what it last said is
// no longer shown as how it stands: a daily sign of life, and two hours more.
const StaleAfter = 26 * time.Hour

// Word says in one word how an opening stands.
type Word string

// The words, from the one that matters most. Held open is a state that went on
// too long; held unlocked is a standing order: they are never mixed up.
const (
	Forced       Word = "forced"           // opened while locked, or tampered with
	LastSeen     Word = "last_seen"        // silent too long or out of reach; Shown.Was says how it was
	HeldOpen     Word = "held_open"        // open for longer than it may be
	Jammed       Word = "jammed"           // the bolt did not move
	Halfway      Word = "not_fully_locked" // the bolt stands between locked and unlocked
	Open         Word = "open"             // open
	HeldUnlocked Word = "held_unlocked"    // unlocked by standing order
	Unlocked     Word = "unlocked"         // unlocked, and not known to be open
	Ajar         Word = "ajar"             // not open, and not latched either
	Lockdown     Word = "lockdown"         // secured, and locked down
	BlockedOff   Word = "blocked"          // secured, and nobody may pass
	Secured      Word = "secured"          // known to be locked and closed
	LockedOnly   Word = "locked"           // locked, with no contact to say whether it is closed
	ClosedOnly   Word = "closed"           // closed, with no lock that says whether it is locked
	Unknown      Word = "unknown"          // nobody knows
)

// words are the words on screen.
func (w Word) words() string {
	switch w {
	case Forced:
		return "Forced"
	case LastSeen:
		return "Last seen"
	case HeldOpen:
		return "Held open"
	case Jammed:
		return "Jammed"
	case Halfway:
		return "Not fully locked"
	case Open:
		return "Open"
	case HeldUnlocked:
		return "Held unlocked"
	case Unlocked:
		return "Unlocked"
	case Ajar:
		return "Ajar"
	case Lockdown:
		return "Lockdown"
	case BlockedOff:
		return "Blocked"
	case Secured:
		return "Secured"
	case LockedOnly:
		return "Locked"
	case ClosedOnly:
		return "Closed"
	}
	return "Unknown"
}

// Shown is how an opening is shown to people at one moment.
type Shown struct {
	Word   Word
	Was    Word              // for LastSeen: how it was when it was last heard from
	Since  time.Time         // since when it is so; for LastSeen, when it was last heard from; zero: not known
	Until  time.Time         // for Unlocked: when the release ends; zero: none is in force
	Person sashlock.PersonID // for Unlocked: for whom it was released
	Now    time.Time         // the moment of showing
}

// Show says how an opening stands. An opening that has been silent for
// [StaleAfter], or whose lock is out of reach, is never shown as secured. That
// it was forced is shown however old it is. A standing order is shown only
// where the opening obeys it: a locked-down opening that stands open is Open.
func Show(o sashlock.Opening, s sashlock.OpeningState, now time.Time) Shown {
	w, since := standing(o, s, now)
	shown := Shown{Word: w, Since: since, Now: now}
	switch {
	case w == Forced:
	case w != Unknown && silent(s, now):
		shown.Word, shown.Was, shown.Since = LastSeen, w, s.Heard
	case w == Unlocked && s.Release != nil && now.Before(s.Release.Until):
		shown.Until, shown.Person = s.Release.Until, s.Release.Person
	}
	return shown
}

// silent reports whether what was last heard is too old to rely on. A time of
// hearing after now means that our own clock was wrong: its age is not known.
func silent(s sashlock.OpeningState, now time.Time) bool {
	age := now.Sub(s.Heard)
	return s.Offline || age >= StaleAfter || age < -MaxAhead
}

// standing finds the word as if everything had been heard just now.
func standing(o sashlock.Opening, s sashlock.OpeningState, now time.Time) (Word, time.Time) {
	switch {
	case s.Forced:
		return Forced, s.PositionAt
	case s.Tampered:
		return Forced, time.Time{}
	case s.Position == sashlock.Open && o.OpenTime > 0 && now.Sub(s.PositionAt) >= o.OpenTime:
		return HeldOpen, s.PositionAt
	case s.Lock == sashlock.Jammed:
		return Jammed, s.LockAt
	case s.Lock == sashlock.Halfway && s.Position != sashlock.Open:
		return Halfway, s.LockAt
	case s.Position == sashlock.Open:
		return Open, s.PositionAt
	}
	switch s.Lock {
	case sashlock.Unlocked:
		if s.Mode == sashlock.HeldUnlocked {
			return HeldUnlocked, s.LockAt
		}
		return Unlocked, s.LockAt
	case sashlock.Unlatched:
		return Ajar, s.LockAt
	}
	return shut(s)
}

// shut finds the word for an opening that is neither open nor unlocked as far
// as anybody knows.
func shut(s sashlock.OpeningState) (Word, time.Time) {
	switch {
	case s.Lock == sashlock.Locked && s.Position == sashlock.Closed:
		since := s.LockAt
		if s.PositionAt.After(since) {
			since = s.PositionAt
		}
		switch s.Mode {
		case sashlock.LockedDown:
			return Lockdown, since
		case sashlock.Blocked:
			return BlockedOff, since
		}
		return Secured, since
	case s.Lock == sashlock.Locked && s.Position == "":
		return LockedOnly, s.LockAt
	case s.Lock == "" && s.Position == sashlock.Closed:
		return ClosedOnly, s.PositionAt
	}
	return Unknown, time.Time{}
}

// String returns what stands on the screen: "Secured", "Unlocked · 0:18" with
// the time that is left, "Held open 1:32", "Last seen 4 min ago, then open". Whose
// release it is, is for the caller to add.
func (s Shown) String() string {
	switch {
	case s.Word == Unlocked && !s.Until.IsZero():
		return s.Word.words() + " · " + clock(s.Until.Sub(s.Now))
	case s.Word == HeldOpen:
		return s.Word.words() + " " + clock(s.Now.Sub(s.Since))
	case s.Word == LastSeen && (s.Since.IsZero() || s.Since.After(s.Now)):
		return "Last seen at an unknown time, " + was(s.Was)
	case s.Word == LastSeen:
		return "Last seen " + ago(s.Now.Sub(s.Since)) + " ago, " + was(s.Was)
	}
	return s.Word.words()
}

// was says how a stale opening was. Secured is not repeated: it would be read
// as if it still were.
func was(w Word) string {
	switch w {
	case Secured, Lockdown, BlockedOff, LockedOnly:
		return "then locked"
	case HeldOpen, Open:
		return "then open"
	case HeldUnlocked, Unlocked:
		return "then unlocked"
	case Ajar:
		return "then ajar"
	case Jammed:
		return "then jammed"
	case Halfway:
		return "then not fully locked"
	case ClosedOnly:
		return "then closed"
	}
	return "then unknown"
}

// clock writes a duration as minutes and seconds, or with hours in front.
func clock(d time.Duration) string {
	sec := int(max(d, 0) / time.Second)
	if sec < 3600 {
		return fmt.Sprintf("%d:%02d", sec/60, sec%60)
	}
	return fmt.Sprintf("%d:%02d:%02d", sec/3600, sec/60%60, sec%60)
}

// ago writes an age with one unit.
func ago(d time.Duration) string {
	switch {
	case d < time.Minute:
		return fmt.Sprintf("%d s", int(d/time.Second))
	case d < time.Hour:
		return fmt.Sprintf("%d min", int(d/time.Minute))
	case d < 48*time.Hour:
		return fmt.Sprintf("%d h", int(d/time.Hour))
	}
	return fmt.Sprintf("%d days", int(d/(24*time.Hour)))
}
