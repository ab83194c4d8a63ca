// SPDX-License-Identifier: Apache-2.0

package scim

import (
	"sync"
	"time"

	"github.com/sashlock/sashlock"
)

// How fast one token may ask. A directory that brings ten thousand people
// sends them one after another; this is faster than that.
const (
	perSecond = 100
	atOnce    = 400
)

// pace holds back tokens that ask too fast. It forgets those that are quiet.
type pace struct {
	now func() time.Time

	mu     sync.Mutex
	tokens map[sashlock.OperatorID]bucket // held by mu
}

// bucket is how much a token may still ask, and when that was so.
type bucket struct {
	left float64
	at   time.Time
}

func newPace(now func() time.Time) *pace {
	return &pace{now: now, tokens: map[sashlock.OperatorID]bucket{}}
}

// take returns how long to wait; 0: go on.
func (p *pace) take(id sashlock.OperatorID) time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	now := p.now()
	b, known := p.tokens[id]
	if !known {
		for other, old := range p.tokens {
			if now.Sub(old.at) > time.Minute {
				delete(p.tokens, other)
			}
		}
		b = bucket{atOnce, now}
	}
	if passed := now.Sub(b.at); passed > 0 {
		b = bucket{min(atOnce, b.left+passed.Seconds()*perSecond), now}
	}
	if b.left < 1 {
		p.tokens[id] = b
		return time.Duration((1 - b.left) / perSecond * float64(time.Second))
	}
	b.left--
	p.tokens[id] = b
	return 0
}
