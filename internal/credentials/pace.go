// SPDX-License-Identifier: Apache-2.0

package credentials

import (
	"sync"
	"time"
)

// The rules of wrong PINs are:
//
//   - After the fifth wrong PIN at a keypad it takes none for half a minute;
//     after each further one for twice as long, up to a quarter of an hour.
//   - A wrong PIN is forgotten after half an hour, one at a time. A right one
//     forgives nothing: otherwise whoever has one could try others for ever.
//   - While the keypad rests nothing is looked up or recorded but that it rests,
//     so that a storm of tries costs next to nothing.
//   - It is the keypad that rests: cards at the same opening, other keypads and
//     other openings go on.

const (
	patience  = 5
	firstRest = 30 * time.Second
	longRest  = 15 * time.Minute
	forgetIn  = 30 * time.Minute
	mostTries = patience + 5 // the one whose rest is the longest
)

// pace is how a keypad is doing.
type pace struct {
	turn  sync.Mutex // over the rest
	wrong int        // wrong PINs that are not forgotten
	since time.Time  // from when on the next one is being forgotten
	until time.Time  // when it takes PINs again
	told  bool       // the ledger says that it rests
}

// rests returns for how long a keypad takes no PIN.
func (p *pace) rests(now time.Time) time.Duration { return max(0, p.until.Sub(now)) }

// miss counts a wrong PIN.
func (p *pace) miss(now time.Time) {
	if forgotten := int(now.Sub(p.since) / forgetIn); forgotten > 0 {
		p.wrong = max(0, p.wrong-forgotten)
		p.since = p.since.Add(time.Duration(forgotten) * forgetIn)
	}
	if p.wrong == 0 {
		p.since = now
	}
	p.wrong = min(p.wrong+1, mostTries)
	if p.wrong >= patience {
		p.until = now.Add(min(firstRest<<(p.wrong-patience), longRest))
		p.told = false
	}
}

// pace returns how a keypad is doing. Whoever tries a PIN there holds its turn
// meanwhile, so that a thousand at once are no different from one after another.
func (r *Room) pace(at reader) *pace {
	r.mu.Lock()
	defer r.mu.Unlock()
	p := r.paces[at]
	if p == nil {
		p = &pace{}
		r.paces[at] = p
	}
	return p
}
