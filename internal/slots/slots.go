// SPDX-License-Identifier: Apache-2.0

// Package slots works out what has to be done to the PIN slots of a lock.
//
// # What
//
// [Next] compares what is wanted with what is believed of each slot, and returns
// what to clear and what to write. [Seen] takes over what a lock says of its
// slots, and tells what came and went behind our back.
//
// # How it fits
//
// Pure functions. Room codes keeps the slots, carries out what is planned, and
// asks again with the outcome until nothing is left to do.
//
// # Promises
//
// A lock keeps no note of who wrote a slot, so the mark is kept here: a code is
// ours only if we put it there, or were told that it is. A code that is not ours
// is never cleared and never written over. Whatever is to be gone goes before
// anything is written. The same wants and slots give the same plan; when it is
// carried out, the next one is empty.
package slots

import (
	"slices"

	"github.com/sashlock/sashlock"
)

// Slot is what is believed of a PIN slot. A slot that is not listed is free.
type Slot struct {
	Number int
	Ours   bool                  // we put the code there, or were told that it is ours to remove
	Code   sashlock.CredentialID // whose it is, of ours; empty: nobody's, it is to go
	Mark   string                // what was written, of ours
	Sure   bool                  // the lock said that it is so
}

// Want is a code that has to be in the lock.
type Want struct {
	Code sashlock.CredentialID
	Mark string // what has to be written; another one is written anew
	Slot int    // where it is: a code that is not known in clear can only be kept; 0: anywhere
	Hold bool   // it is not to be tried now, because the lock would not take it
}

// Act is one thing to do.
type Act struct {
	Clear bool // otherwise: write
	Slot  int
	Code  sashlock.CredentialID
	Fresh bool // to be written only if the slot is free
}

// Plan is what there is to do.
type Plan struct {
	Acts    []Act                   // in this order
	LeftOut []sashlock.CredentialID // wanted, and all slots are taken
}

// Next plans what has to be done to a lock. Where several codes are wanted and
// the slots do not suffice, the first ones get them. A count of 0 says that
// nobody knows how many slots there are.
func Next(want []Want, have []Slot, count int) Plan {
	var p Plan
	taken := make(map[int]bool, len(have))
	placed := make(map[sashlock.CredentialID]bool, len(want))
	for _, s := range sorted(have) {
		taken[s.Number] = true
		if !s.Ours {
			continue
		}
		w, wanted := find(want, s.Code)
		switch {
		case !wanted || placed[s.Code] || w.Slot != 0 && w.Slot != s.Number:
			p.Acts = append(p.Acts, Act{Clear: true, Slot: s.Number, Code: s.Code})
			continue
		case w.Slot == 0 && !w.Hold && (!s.Sure || s.Mark != w.Mark):
			p.Acts = append(p.Acts, Act{Slot: s.Number, Code: s.Code})
		}
		placed[s.Code] = true
	}
	going := 0
	for _, a := range p.Acts {
		if a.Clear {
			going++
		}
	}
	for _, w := range want {
		if placed[w.Code] || w.Slot != 0 || w.Hold {
			continue
		}
		placed[w.Code] = true
		slot := lowestFree(taken)
		switch {
		case count == 0 || slot <= count:
			taken[slot] = true
			p.Acts = append(p.Acts, Act{Slot: slot, Code: w.Code, Fresh: true})
		case going > 0:
			going-- // it gets a slot that is about to be free
		default:
			p.LeftOut = append(p.LeftOut, w.Code)
		}
	}
	slices.SortStableFunc(p.Acts, func(a, b Act) int { return rank(a) - rank(b) })
	return p
}

// rank orders what is to be done: what goes, what is there in another form, what
// is new.
func rank(a Act) int {
	switch {
	case a.Clear:
		return 0
	case !a.Fresh:
		return 1
	}
	return 2
}

func lowestFree(taken map[int]bool) int {
	slot := 1
	for taken[slot] {
		slot++
	}
	return slot
}

func find(want []Want, code sashlock.CredentialID) (Want, bool) {
	i := slices.IndexFunc(want, func(w Want) bool { return w.Code == code && code != "" })
	if i < 0 {
		return Want{}, false
	}
	return want[i], true
}

func sorted(have []Slot) []Slot {
	return slices.SortedFunc(slices.Values(have), func(a, b Slot) int { return a.Number - b.Number })
}

// Listed is what a lock says of one of its slots.
type Listed struct {
	Number  int
	InUse   bool
	Enabled bool
}

// News is what a lock says and we did not expect.
type News struct {
	Slot Slot // as it was; of a code that was found, as it is now
	What Surprise
}

// Surprise is a way in which a lock differs from what was believed.
type Surprise string

// The surprises. SwitchedOff is a code of ours that is there and opens nothing.
const (
	Found       Surprise = "found"        // a code is there that we did not write
	Gone        Surprise = "gone"         // one that we did not write is there no more
	Vanished    Surprise = "vanished"     // a code of ours is there no more
	SwitchedOff Surprise = "switched_off" // a code of ours was switched off
)

// Seen takes over what a lock says of its slots. Of slots that it says nothing
// about, nothing is learned.
func Seen(have []Slot, listed []Listed) (next []Slot, news []News) {
	said := make(map[int]Listed, len(listed))
	for _, l := range listed {
		said[l.Number] = l
	}
	known := make(map[int]bool, len(have))
	for _, s := range sorted(have) {
		known[s.Number] = true
		l, asked := said[s.Number]
		switch {
		case !asked:
		case !l.InUse && !s.Ours:
			news = append(news, News{s, Gone})
			continue
		case !l.InUse:
			if s.Sure && s.Code != "" { // one that was to go is gone, and one not confirmed was never there
				news = append(news, News{s, Vanished})
			}
			continue
		case s.Ours && s.Sure && s.Code != "" && !l.Enabled:
			news = append(news, News{s, SwitchedOff})
			s.Sure = false
		}
		next = append(next, s)
	}
	for _, l := range listed {
		if l.InUse && !known[l.Number] {
			known[l.Number] = true
			s := Slot{Number: l.Number}
			news = append(news, News{s, Found})
			next = append(next, s)
		}
	}
	return sorted(next), news
}
