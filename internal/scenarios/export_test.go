// SPDX-License-Identifier: Apache-2.0

package scenarios

import "time"

// Next is when scenarios are looked at again; zero: when something happens.
func (r *Room) Next() time.Time {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.next
}

// Pace sets how long it is between two looks while something runs.
func (r *Room) Pace(d time.Duration) { r.pace = d }
