// SPDX-License-Identifier: Apache-2.0

package modbus

import "time"

// Quick is a driver that waits less than one at work.
func Quick() *Driver {
	p := usualPace()
	p.answer, p.watch, p.retry, p.again = 200*time.Millisecond, 10*time.Millisecond, 40*time.Millisecond, 5*time.Millisecond
	p.backoffMin, p.backoffMax = 20*time.Millisecond, 100*time.Millisecond
	return &Driver{pace: p}
}
