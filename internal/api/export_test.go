// SPDX-License-Identifier: Apache-2.0

package api

import "time"

// SetHeartbeat makes quiet streams show that they are alive more often.
func (a *API) SetHeartbeat(every time.Duration) { a.heartbeat = every }
