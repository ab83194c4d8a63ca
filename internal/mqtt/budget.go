// SPDX-License-Identifier: Apache-2.0

package mqtt

import "time"

// budget lets a client say so much in a second. The zero value is full.
type budget struct {
	spent float64   // packets that are not yet paid off
	at    time.Time // when that was so
}

// take pays for a packet and returns how long to wait before it is looked at.
func (b *budget) take(now time.Time, rate, burst int) time.Duration {
	if past := now.Sub(b.at); past > 0 {
		b.spent = max(0, b.spent-past.Seconds()*float64(rate))
	}
	b.at = now
	b.spent++
	if over := b.spent - float64(burst); over > 0 {
		return time.Duration(over / float64(rate) * float64(time.Second))
	}
	return 0
}
