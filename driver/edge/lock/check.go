// SPDX-License-Identifier: Apache-2.0

package lock

import (
	"crypto/ed25519"
	"sync"
	"time"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/driver"
)

// The rules are:
//
//  1. The signature first: without it nothing a message says is believed, and
//     nothing is answered.
//  2. The command names this device by its address.
//  3. It was issued in this life of the device, lives ten seconds at most, and
//     has not expired by the device's own clock.
//  4. It was never used. The table of used commands forgets one when it has
//     long expired, and then takes nothing that expires no later, so that a
//     clock that is put back revives nothing.

const (
	clockSlack  = 2 * time.Second
	forgetAfter = time.Minute
)

// checker decides which commands are good.
type checker struct {
	key     ed25519.PublicKey
	address string
	now     func() time.Time

	mu      sync.Mutex
	started time.Time                        // guarded by mu
	epoch   int64                            // guarded by mu: the highest seen
	used    map[sashlock.CommandID]time.Time // guarded by mu: when they expire
	forgot  time.Time                        // guarded by mu: the latest expiry among forgotten ones
}

func newChecker(key ed25519.PublicKey, address string, now func() time.Time) *checker {
	return &checker{key: key, address: address, now: now, started: now(), used: map[sashlock.CommandID]time.Time{}}
}

// restarted begins a new life: what was signed before it is refused.
func (k *checker) restarted() {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.started = k.now()
}

// take uses a command up and returns it, or the reason why not. The command is
// the zero one when its signature is not good.
func (k *checker) take(signed []byte) (sashlock.Command, sashlock.Reason) {
	c, err := driver.OpenCommand(k.key, signed)
	if err != nil {
		return sashlock.Command{}, sashlock.BadSignature
	}
	if c.Address != k.address {
		return c, sashlock.WrongAudience
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	now := k.now()
	for id, expires := range k.used {
		if now.Sub(expires) > forgetAfter {
			delete(k.used, id)
			if expires.After(k.forgot) {
				k.forgot = expires
			}
		}
	}
	if _, before := k.used[c.ID]; before {
		return c, sashlock.CommandReplayed
	}
	if c.Epoch < k.epoch {
		return c, sashlock.WrongEpoch
	}
	k.epoch = c.Epoch
	switch {
	case c.Issued.Before(k.started.Add(-clockSlack)):
		return c, sashlock.Restarted
	case !c.Expires.After(now), !c.Expires.After(k.forgot), c.Issued.After(now.Add(clockSlack)),
		!c.Expires.After(c.Issued), c.Expires.Sub(c.Issued) > sashlock.MaxCommandLife:
		return c, sashlock.CommandLate
	}
	k.used[c.ID] = c.Expires
	return c, ""
}
