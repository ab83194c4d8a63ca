// SPDX-License-Identifier: Apache-2.0

package console

import (
	"github.com/sashlock/sashlock/internal/lang"
	"github.com/sashlock/sashlock/internal/scenario"
)

// ItemWords is an item of a checklist.
func ItemWords(i scenario.Item) string {
	switch i {
	case scenario.AllLocked:
		return lang.Mark("Every lock is locked")
	case scenario.AllClosed:
		return lang.Mark("Everything is closed")
	case scenario.CagesArmed:
		return lang.Mark("Every cage is locked, closed and within reach")
	case scenario.NoneReleased:
		return lang.Mark("Nobody's release is in force")
	case scenario.NoneHeldUnlocked:
		return lang.Mark("Nothing is held unlocked")
	case scenario.AllReachable:
		return lang.Mark("Every lock can be reached")
	case scenario.NoAlarms:
		return lang.Mark("No alarm stands")
	}
	return string(i)
}
