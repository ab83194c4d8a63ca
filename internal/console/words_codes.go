// SPDX-License-Identifier: Apache-2.0

package console

import "github.com/sashlock/sashlock"

// codes tells of the PINs in locks.
func (t *teller) codes() bool {
	switch e := t.e; e.Kind {
	case sashlock.CodeWritten:
		return t.say(Calm, "The lock of %s takes the PIN of %s by itself, in slot %d", t.opening(), t.person(), e.Slot)
	case sashlock.CodeCleared:
		return t.say(Calm, "The lock of %s has forgotten the code in slot %d", t.opening(), e.Slot)
	case sashlock.CodeRevoked:
		return t.say(Order, "The lock of %s has to forget the PIN of %s", t.opening(), t.person())
	case sashlock.CodeNotTaken:
		return t.say(Watch, "The lock of %s would not take the PIN of %s", t.opening(), t.person())
	case sashlock.CodeFound:
		return t.say(Watch, "A code that nobody of ours put there is in the lock of %s, in slot %d", t.opening(), e.Slot)
	case sashlock.CodeVanished:
		return t.say(Watch, "The code in slot %d of the lock of %s is gone, and nobody told it to forget it", e.Slot, t.opening())
	case sashlock.CodeAdopted:
		return t.say(Order, "The code in slot %d of the lock of %s is %s's", e.Slot, t.opening(), t.person())
	case sashlock.CodeCondemned:
		return t.say(Order, "An operator wants the code in slot %d of the lock of %s removed", e.Slot, t.opening())
	}
	return false
}
