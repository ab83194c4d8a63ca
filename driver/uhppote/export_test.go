// SPDX-License-Identifier: Apache-2.0

package uhppote

import "time"

// Quick is a driver that waits less than one at work.
func Quick() *Driver {
	p := usualPace()
	p.answer, p.tries, p.poll, p.watch, p.retry = 60*time.Millisecond, 3, 40*time.Millisecond, 10*time.Millisecond, 30*time.Millisecond
	p.look, p.decide, p.again, p.backoffMin = 50*time.Millisecond, time.Second, 5*time.Millisecond, 20*time.Millisecond
	return &Driver{pace: p}
}

// Unhurried is like Quick, but looks at a controller only when it is told to.
func Unhurried() *Driver {
	d := Quick()
	d.pace.poll = time.Hour
	return d
}
