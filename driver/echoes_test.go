// SPDX-License-Identifier: Apache-2.0

package driver_test

import (
	"testing"
	"time"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/driver"
)

func TestEchoes(t *testing.T) {
	const unlocked, locked, jammed = sashlock.LockUnlocked, sashlock.LockLocked, sashlock.LockWasJammed
	later := time.Now().Add(time.Hour)
	for name, test := range map[string]struct {
		told  []sashlock.EventKind // orders that were told before the lock's word
		until time.Time
		heard []sashlock.EventKind
		want  []bool
	}{
		"none":                  {nil, later, []sashlock.EventKind{unlocked}, []bool{false}},
		"one, once":             {[]sashlock.EventKind{unlocked}, later, []sashlock.EventKind{unlocked, unlocked}, []bool{true, false}},
		"of several orders":     {[]sashlock.EventKind{unlocked, locked, unlocked}, later, []sashlock.EventKind{unlocked, locked, unlocked, locked}, []bool{true, true, true, false}},
		"the first was lost":    {[]sashlock.EventKind{unlocked, locked}, later, []sashlock.EventKind{locked, unlocked}, []bool{true, false}},
		"something else":        {[]sashlock.EventKind{unlocked}, later, []sashlock.EventKind{jammed, unlocked}, []bool{false, false}},
		"its time was over":     {[]sashlock.EventKind{unlocked}, time.Now().Add(-time.Second), []sashlock.EventKind{unlocked}, []bool{false}},
		"the same order thrice": {[]sashlock.EventKind{unlocked, unlocked}, later, []sashlock.EventKind{unlocked, unlocked, unlocked}, []bool{true, true, false}},
	} {
		t.Run(name, func(t *testing.T) {
			var e driver.Echoes
			for _, kind := range test.told {
				e.Expect(kind, test.until)
			}
			for i, kind := range test.heard {
				if got := e.Heard(kind); got != test.want[i] {
					t.Errorf("word %d, %s: told already: %t, want %t", i, kind, got, test.want[i])
				}
			}
		})
	}
	var e driver.Echoes
	e.Expect(unlocked, later)
	e.Forget()
	if e.Heard(unlocked) {
		t.Error("what was forgotten is known")
	}
}
