// SPDX-License-Identifier: Apache-2.0

package demo

import (
	"sync/atomic"
	"time"
)

// clock is the clock of a demo. While the past is being set up it stands where
// it is put; from then on it is the machine's.
type clock struct{ at atomic.Pointer[time.Time] }

// now returns the time it shows.
func (c *clock) now() time.Time {
	if at := c.at.Load(); at != nil {
		return *at
	}
	return time.Now()
}

// set puts it somewhere and stops it.
func (c *clock) set(at time.Time) { c.at.Store(&at) }

// run lets it be the machine's clock.
func (c *clock) run() { c.at.Store(nil) }
