// SPDX-License-Identifier: Apache-2.0

package osdp

import "time"

// Quick is a driver that waits less than one at work.
func Quick() *Driver {
	p := usualPace()
	p.reply, p.offline, p.retry, p.distrust = 60*time.Millisecond, 250*time.Millisecond, 60*time.Millisecond, 80*time.Millisecond
	p.busy, p.look, p.watch, p.again = 5*time.Millisecond, 300*time.Millisecond, 30*time.Millisecond, 5*time.Millisecond
	p.backoffMin, p.backoffMax, p.decide = 20*time.Millisecond, 100*time.Millisecond, 500*time.Millisecond
	return &Driver{pace: p}
}
