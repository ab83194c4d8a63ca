// SPDX-License-Identifier: Apache-2.0

package shopper

import (
	"sync"
	"time"
)

// The rules of wrong codes are:
//
//   - After the third wrong code from one address at one case, nothing is taken
//     from there for a while, which doubles with each further one.
//   - A right code forgives nothing, and time forgives all at once.
//   - Where so many guess that their list is full, no new address is listened to
//     for a while. Customers call somebody then: the button is always there.

const (
	freeTries = 3
	firstRest = 10 * time.Second
	longRest  = 10 * time.Minute
	forgetIn  = 20 * time.Minute
	mostKept  = 1024
)

// pace counts wrong codes.
type pace struct {
	mu    sync.Mutex
	tries map[string]*tries // guarded by mu
}

type tries struct {
	wrong int
	last  time.Time
	until time.Time // nothing is taken before
}

func newPace() *pace { return &pace{tries: map[string]*tries{}} }

// rests returns for how long nothing is taken from somewhere.
func (p *pace) rests(now time.Time, from string) time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	one := p.tries[from]
	if one == nil {
		if len(p.tries) >= mostKept && !p.sweep(now) {
			return firstRest
		}
		return 0
	}
	return max(0, one.until.Sub(now))
}

// miss counts a wrong code and reports whether a rest begins with it.
func (p *pace) miss(now time.Time, from string) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	one := p.tries[from]
	if one == nil || now.Sub(one.last) >= forgetIn {
		if one == nil && len(p.tries) >= mostKept && !p.sweep(now) {
			return true
		}
		one = &tries{}
		p.tries[from] = one
	}
	one.wrong, one.last = one.wrong+1, now
	if one.wrong < freeTries {
		return false
	}
	one.until = now.Add(min(firstRest<<min(one.wrong-freeTries, 10), longRest))
	return true
}

// sweep forgets what time has forgiven and reports whether there is room.
func (p *pace) sweep(now time.Time) bool {
	for from, one := range p.tries {
		if now.Sub(one.last) >= forgetIn {
			delete(p.tries, from)
		}
	}
	return len(p.tries) < mostKept
}
