// SPDX-License-Identifier: Apache-2.0

// Package opening is the state machine of one opening: a door, a display case,
// a cage, a locker.
//
// # What
//
// [Apply] takes an opening as it stands and one report of one of its devices,
// and returns the opening as it stands afterwards together with the events to
// record. [Release] notes that somebody was let in, [Lapse] what becomes of
// that when nobody comes. [Show] says how an opening stands in one word for
// people, and [Replay] rebuilds the state from the ledger.
//
// # How it fits
//
// Package flow calls these inside the transaction that records what they
// return. They are pure: same input, same output, no clock, no database.
// Whatever needs the passing of time, such as held open, belongs to the rules
// below package detect.
//
// # Promises
//
// An opening never moves back in time: a report that comes late or twice
// changes nothing that is newer. Nothing is ever locked, closed or secured by
// inference; only a device's own report makes it so. What is passed in is
// never changed, maps and pointers included.
package opening

import (
	"time"

	"github.com/sashlock/sashlock"
)

// The rules are:
//
//  1. Repeats. A device that numbers its reports is held to its numbers: a
//     number seen before gives no event and changes nothing. A higher restart
//     counter begins a new series. What is too old to be told from a repeat (a
//     lower restart counter, or a number more than 256 below the highest) is
//     recorded as late and moves nothing. A device that numbers its reports
//     must therefore count its restarts too.
//  2. Time. What the device claims is believed unless it has no clock, is more
//     than [MaxAhead] ahead of ours or [MaxBehind] behind; a wrong clock
//     is named in the event. A report older than what is known of the same
//     aspect (lock, position, presence) is recorded as late and moves nothing.
//     At the same instant the device's own numbers decide.
//  3. No time. Where there is no claim to believe, or it is ahead of ours, or
//     what is known is dated after now because our own clock was wrong, the
//     order of hearing counts and the time of hearing is taken. Tampering and
//     reach are always judged so. A report overtaken by a later number of the
//     same device is then late, unless it is the more worrying side of its
//     aspect (unlocked, jammed, not fully locked, opened, nobody there,
//     tampered, offline, a battery nearly empty): better one look too many than
//     one falsely secured.
//  4. Changes and statements. A report of a change always gives an event. A
//     statement of how things are gives one only when it changes something.
//     A change moves the time of its aspect; a statement of what is known
//     already does not, so that asking a contact how it stands does not restart
//     the time it has stood open.
//  5. Forced. An opening that opens while its lock's last word, no later than
//     the open, was locked, with no release in force, no standing order to be
//     unlocked and the lock within reach, was forced, and stays so until it is
//     closed. Radio lets reports overtake each other, and clocks differ: when
//     the lock then says that it was unlocked no later than [Overtake] after
//     the open, the verdict is taken back. The event stays in the ledger. The
//     age of the lock's word is no excuse: a case shut since last week that
//     opens by itself is forced.
//  6. Taken. The first open under a release, until [Grace] after its end, takes
//     it. A release that ends with the opening known to be closed throughout
//     was not taken. With no contact neither can be known and neither is said.
//  7. A release is for one visit: closing after it was taken ends it, and
//     locking is due. Closing also ends what was forced.
//  8. Hearing anything from a device, late or not, shows that it is alive and
//     moves Heard; being told that it went away does not, nor does a repeat.

// The tolerances of the rules.
const (
	MaxAhead  = 2 * time.Minute     // how far a device's clock may be ahead and still be believed
	MaxBehind = 90 * 24 * time.Hour // how old a report may be and still be believed: a clock that shows 1970 or two years ago is wrong, not late
	Overtake  = 3 * time.Second     // how far an open may be ahead of the unlock that allowed it
	Grace     = 10 * time.Second    // how long after its end a release still explains an open
)

// Outcome is an opening afterwards and what to record about it.
type Outcome struct {
	State     sashlock.OpeningState
	Events    []sashlock.Event // in order; the report itself first. Without numbers of their own yet
	News      bool             // there are events
	Repeated  bool             // the report had been heard before
	Late      bool             // the report came too late to move anything
	LookAgain time.Time        // when [Lapse] is to be asked; zero: no need
}

// Apply returns the opening after one report. The time heard is ours. The
// report must be about o, and s must be its state, or zero for an opening
// nobody has heard from.
func Apply(o sashlock.Opening, s sashlock.OpeningState, r sashlock.Report, heard time.Time) Outcome {
	if !reportable(r.Kind) {
		return refuse(o, s, r, heard)
	}
	p := placeOf(s.Numbers, r)
	if p == repeated {
		return Outcome{State: s, Repeated: true, LookAgain: lapseAt(s)}
	}
	m := move{s: s, r: r, site: o.Site, heard: heard, overtaken: p == overtaken}
	if m.s.Opening == "" {
		m.s.Opening = o.ID
	}
	m.at, m.timed, m.reason = when(r.At, heard)
	m.hear(p)
	if p == tooOld {
		m.late = true
	} else {
		m.run()
	}
	return m.outcome()
}

// move is one report on its way through the rules.
type move struct {
	s         sashlock.OpeningState // becomes the state afterwards
	r         sashlock.Report
	site      sashlock.SiteID
	heard     time.Time
	at        time.Time       // when it happened, as far as we believe it
	reason    sashlock.Reason // why the claim was not believed, if so
	why       string
	timed     bool // at is the device's claim
	overtaken bool // the device has sent a later report that we heard before this one
	late      bool
	changed   bool
	then      sashlock.EventKind // what follows, if anything
}

// hear notes that the device is alive and which of its reports this was.
func (m *move) hear(p place) {
	if m.r.Kind != sashlock.DeviceOffline {
		m.s.Heard = m.heard
	}
	if m.r.Number > 0 && p != tooOld {
		m.s.Numbers = noted(m.s.Numbers, m.r)
	}
}

// run moves the aspect that the report is about.
func (m *move) run() {
	switch m.r.Kind {
	case sashlock.LockLocked:
		m.lock(sashlock.Locked)
	case sashlock.LockUnlocked:
		m.lock(sashlock.Unlocked)
	case sashlock.LockUnlatched:
		m.lock(sashlock.Unlatched)
	case sashlock.LockWasJammed:
		m.lock(sashlock.Jammed)
	case sashlock.LockHalfway:
		m.lock(sashlock.Halfway)
	case sashlock.OpeningOpened:
		m.open()
	case sashlock.OpeningClosed:
		m.close()
	case sashlock.PresenceSeen:
		m.presence(true)
	case sashlock.PresenceLost:
		m.presence(false)
	case sashlock.DeviceTampered:
		m.flag(&m.s.Tampered, true)
	case sashlock.TamperCleared:
		m.flag(&m.s.Tampered, false)
	case sashlock.DeviceOffline:
		m.flag(&m.s.Offline, true)
	case sashlock.DeviceOnline:
		m.flag(&m.s.Offline, false)
		m.believe()
	case sashlock.BatteryReported:
		m.battery()
	case sashlock.CodeRefused:
		m.changed = true // it leaves no trace in the state, and yet it happened
	}
}

// older reports whether this report is older than what is known, of which
// since is the time; zero for an aspect without one.
func (m *move) older(since time.Time) bool {
	switch {
	case !m.timed, since.After(m.heard):
		return m.overtaken && !worrying(m.r.Kind)
	case m.at.Equal(since):
		return m.overtaken
	}
	return m.at.Before(since)
}

// worrying reports whether a report is the side of its aspect to err on.
func worrying(k sashlock.EventKind) bool {
	switch k {
	case sashlock.LockUnlocked, sashlock.LockUnlatched, sashlock.LockWasJammed, sashlock.LockHalfway, sashlock.OpeningOpened,
		sashlock.PresenceLost, sashlock.DeviceTampered, sashlock.DeviceOffline:
		return true
	}
	return false
}

func (m *move) lock(to sashlock.LockState) {
	if m.late = m.older(m.s.LockAt); m.late {
		return
	}
	if m.r.State && m.s.Lock == to {
		return
	}
	m.changed = true
	if setLock(&m.s, to, m.at) {
		m.why = "it was unlocked before the opening opened, which was not forced after all"
	}
}

// setLock sets the lock and reports whether that takes back a verdict of
// forced. [Replay] shares it.
func setLock(s *sashlock.OpeningState, to sashlock.LockState, at time.Time) (cleared bool) {
	s.Lock, s.LockAt = to, at
	if s.Forced && to != sashlock.Locked && !at.After(s.PositionAt.Add(Overtake)) {
		s.Forced = false
		return true
	}
	return false
}

func (m *move) open() {
	if m.late = m.older(m.s.PositionAt); m.late {
		return
	}
	before := m.s.Position
	if m.r.State && before == sashlock.Open {
		return
	}
	m.changed = true
	m.s.Position, m.s.PositionAt = sashlock.Open, m.at
	if m.r.State && before != sashlock.Closed {
		return // found open, not seen to open
	}
	switch {
	case m.explained():
		m.take()
	case m.knownLocked() && !m.s.Forced:
		m.s.Forced = true
		m.then = sashlock.OpeningForced
	}
}

// explained reports whether a release accounts for an open now.
func (m *move) explained() bool {
	return m.s.Release != nil && !m.at.After(m.s.Release.Until.Add(Grace))
}

// knownLocked reports whether the lock held when the opening opened.
func (m *move) knownLocked() bool {
	return m.s.Lock == sashlock.Locked && !m.s.LockAt.After(m.at) &&
		!m.s.Offline && m.s.Mode != sashlock.HeldUnlocked
}

func (m *move) take() {
	if !m.s.Release.Taken.IsZero() {
		return
	}
	taken := *m.s.Release // a copy: the caller keeps the old one
	taken.Taken = m.at
	m.s.Release = &taken
	m.then = sashlock.AccessTaken
}

func (m *move) close() {
	if m.late = m.older(m.s.PositionAt); m.late {
		return
	}
	if m.r.State && m.s.Position == sashlock.Closed {
		return
	}
	m.changed = true
	setClosed(&m.s, m.at)
	if rel := m.s.Release; rel != nil && (!rel.Taken.IsZero() || m.at.After(rel.Until.Add(Grace))) {
		m.s.Release = nil
	}
}

func setClosed(s *sashlock.OpeningState, at time.Time) {
	s.Position, s.PositionAt, s.Forced = sashlock.Closed, at, false
}

// presence differs from the other aspects in that a statement that somebody is
// there is worth its time even when it is no news.
func (m *move) presence(there bool) {
	if m.late = m.older(m.s.Presence); m.late {
		return
	}
	same := m.s.Present == there
	if m.r.State && same {
		if there {
			m.s.Presence = m.at
		}
		return
	}
	m.changed = true
	m.s.Present, m.s.Presence = there, m.at
}

// flag sets an aspect that has no time of its own.
func (m *move) flag(f *bool, to bool) {
	if m.late = m.overtaken && !worrying(m.r.Kind); m.late {
		return
	}
	m.changed = *f != to
	*f = to
}
