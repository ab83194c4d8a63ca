// SPDX-License-Identifier: Apache-2.0

package console

import (
	"fmt"
	"time"
)

// AgoWords writes an age with one unit, as "4 min".
func AgoWords(d time.Duration) string {
	switch d = max(d, 0); {
	case d < time.Minute:
		return fmt.Sprintf("%d s", int(d/time.Second))
	case d < time.Hour:
		return fmt.Sprintf("%d min", int(d/time.Minute))
	case d < 48*time.Hour:
		return fmt.Sprintf("%d h", int(d/time.Hour))
	}
	return fmt.Sprintf("%d days", int(d/(24*time.Hour)))
}

// ClockWords writes a length of time as minutes and seconds, as "1:32".
func ClockWords(d time.Duration) string {
	sec := int(max(d, 0) / time.Second)
	if sec < 3600 {
		return fmt.Sprintf("%d:%02d", sec/60, sec%60)
	}
	return fmt.Sprintf("%d:%02d:%02d", sec/3600, sec/60%60, sec%60)
}
