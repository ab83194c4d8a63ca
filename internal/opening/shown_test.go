// SPDX-License-Identifier: Apache-2.0

package opening

import (
	"testing"
	"time"

	"github.com/sashlock/sashlock"
	"pgregory.net/rapid"
)

func TestShow(t *testing.T) {
	with := func(change func(*sashlock.OpeningState)) sashlock.OpeningState {
		s := locked()
		s.Heard = start
		change(&s)
		return s
	}
	type state = *sashlock.OpeningState
	for name, c := range map[string]struct {
		state sashlock.OpeningState
		now   float64
		word  Word
		text  string
	}{
		"locked and closed":           {with(func(state) {}), 5, Secured, "Secured"},
		"an empty mode is normal":     {with(func(s state) { s.Mode = sashlock.Normal }), 5, Secured, "Secured"},
		"locked down":                 {with(func(s state) { s.Mode = sashlock.LockedDown }), 5, Lockdown, "Lockdown"},
		"blocked":                     {with(func(s state) { s.Mode = sashlock.Blocked }), 5, BlockedOff, "Blocked"},
		"locked down but unlocked":    {with(func(s state) { s.Mode, s.Lock = sashlock.LockedDown, sashlock.Unlocked }), 5, Unlocked, "Unlocked"},
		"locked down but open":        {with(func(s state) { s.Mode, s.Position, s.PositionAt = sashlock.LockedDown, sashlock.Open, start }), 5, Open, "Open"},
		"unlocked":                    {with(func(s state) { s.Lock = sashlock.Unlocked }), 5, Unlocked, "Unlocked"},
		"unlocked for somebody":       {with(func(s state) { s.Lock, s.Release = sashlock.Unlocked, &sashlock.Release{Until: after(23)} }), 5, Unlocked, "Unlocked · 0:18"},
		"unlocked, the release over":  {with(func(s state) { s.Lock, s.Release = sashlock.Unlocked, &sashlock.Release{Until: after(5)} }), 5, Unlocked, "Unlocked"},
		"held unlocked":               {with(func(s state) { s.Lock, s.Mode = sashlock.Unlocked, sashlock.HeldUnlocked }), 5, HeldUnlocked, "Held unlocked"},
		"held unlocked but locked":    {with(func(s state) { s.Mode = sashlock.HeldUnlocked }), 5, Secured, "Secured"},
		"open":                        {with(func(s state) { s.Lock, s.Position, s.PositionAt = sashlock.Unlocked, sashlock.Open, start }), 119, Open, "Open"},
		"open with the bolt thrown":   {with(func(s state) { s.Position, s.PositionAt = sashlock.Open, start }), 5, Open, "Open"},
		"held open":                   {with(func(s state) { s.Position, s.PositionAt = sashlock.Open, start }), 120, HeldOpen, "Held open 2:00"},
		"held open for hours":         {with(func(s state) { s.Position, s.PositionAt = sashlock.Open, after(-7200) }), 3, HeldOpen, "Held open 2:00:03"},
		"unlatched":                   {with(func(s state) { s.Lock = sashlock.Unlatched }), 5, Ajar, "Ajar"},
		"jammed":                      {with(func(s state) { s.Lock = sashlock.Jammed }), 5, Jammed, "Jammed"},
		"not fully locked":            {with(func(s state) { s.Lock = sashlock.Halfway }), 5, Halfway, "Not fully locked"},
		"not fully locked and open":   {with(func(s state) { s.Lock, s.Position, s.PositionAt = sashlock.Halfway, sashlock.Open, start }), 5, Open, "Open"},
		"jammed and open":             {with(func(s state) { s.Lock, s.Position, s.PositionAt = sashlock.Jammed, sashlock.Open, start }), 5, Jammed, "Jammed"},
		"forced":                      {with(func(s state) { s.Forced, s.Position = true, sashlock.Open }), 5, Forced, "Forced"},
		"tampered":                    {with(func(s state) { s.Tampered = true }), 5, Forced, "Forced"},
		"forced long ago":             {with(func(s state) { s.Forced, s.Offline = true, true }), 9e5, Forced, "Forced"},
		"no contact":                  {with(func(s state) { s.Position = "" }), 5, LockedOnly, "Locked"},
		"no lock":                     {with(func(s state) { s.Lock = "" }), 5, ClosedOnly, "Closed"},
		"contact fails":               {with(func(s state) { s.Position = sashlock.PositionFault }), 5, Unknown, "Unknown"},
		"lock does not know":          {with(func(s state) { s.Lock = sashlock.LockUnknown }), 5, Unknown, "Unknown"},
		"never heard":                 {sashlock.OpeningState{}, 5, Unknown, "Unknown"},
		"silent for nearly 26 hours":  {with(func(state) {}), 26*3600 - 1, Secured, "Secured"},
		"silent for 26 hours":         {with(func(state) {}), 26 * 3600, LastSeen, "Last seen 26 h ago, then locked"},
		"silent for days":             {with(func(state) {}), 72 * 3600, LastSeen, "Last seen 3 days ago, then locked"},
		"out of reach":                {with(func(s state) { s.Offline = true }), 250, LastSeen, "Last seen 4 min ago, then locked"},
		"out of reach and open":       {with(func(s state) { s.Offline, s.Position, s.PositionAt = true, sashlock.Open, start }), 30, LastSeen, "Last seen 30 s ago, then open"},
		"heard in our clock's future": {with(func(s state) { s.Heard = after(1000) }), 5, LastSeen, "Last seen at an unknown time, then locked"},
	} {
		t.Run(name, func(t *testing.T) {
			got := Show(case3, c.state, after(c.now))
			if got.Word != c.word {
				t.Errorf("word %q, want %q", got.Word, c.word)
			}
			if got.String() != c.text {
				t.Errorf("text %q, want %q", got, c.text)
			}
		})
	}
}

// TestSecuredIsKnown: whatever the state, secured is shown only for an opening
// that itself said, recently, that it is locked and closed.
func TestSecuredIsKnown(t *testing.T) {
	locks := rapid.SampledFrom([]sashlock.LockState{"", sashlock.Locked, sashlock.Unlocked, sashlock.Unlatched, sashlock.Jammed, sashlock.Halfway, sashlock.LockUnknown})
	positions := rapid.SampledFrom([]sashlock.Position{"", sashlock.Open, sashlock.Closed, sashlock.PositionUnknown, sashlock.PositionFault})
	modes := rapid.SampledFrom([]sashlock.Mode{"", sashlock.Normal, sashlock.HeldUnlocked, sashlock.LockedDown, sashlock.Blocked})
	rapid.Check(t, func(t *rapid.T) {
		s := sashlock.OpeningState{
			Lock: locks.Draw(t, "lock"), Position: positions.Draw(t, "position"), Mode: modes.Draw(t, "mode"),
			Heard:   after(rapid.Float64Range(-60*3600, 10*3600).Draw(t, "heard")),
			Offline: rapid.Bool().Draw(t, "offline"), Tampered: rapid.Bool().Draw(t, "tampered"), Forced: rapid.Bool().Draw(t, "forced"),
		}
		safe := s.Lock == sashlock.Locked && s.Position == sashlock.Closed &&
			!s.Offline && !s.Tampered && !s.Forced && start.Sub(s.Heard) < StaleAfter
		switch got := Show(case3, s, start).Word; got {
		case Secured, Lockdown, BlockedOff:
			if !safe {
				t.Fatalf("%+v is shown as %q", s, got)
			}
		default:
			if safe && s.Heard.Before(start.Add(MaxAhead)) {
				t.Fatalf("%+v is shown as %q", s, got)
			}
		}
	})
}

func TestShowNamesTheRelease(t *testing.T) {
	s := released()
	s.Lock, s.Heard = sashlock.Unlocked, start
	got := Show(case3, s, after(2))
	if got.Person != "prs_1" || !got.Until.Equal(after(20)) {
		t.Errorf("shown for %q until %v", got.Person, got.Until)
	}
	if late := Show(case3, s, after(20)); late.Person != "" || !late.Until.Equal(time.Time{}) {
		t.Errorf("after the release it is shown for %q until %v", late.Person, late.Until)
	}
}
