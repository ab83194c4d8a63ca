// SPDX-License-Identifier: Apache-2.0

package credentials

import (
	"testing"
	"time"

	"pgregory.net/rapid"
)

func TestGuessable(t *testing.T) {
	for pin, want := range map[string]bool{
		"0000": true, "7777": true, "1234": true, "4321": true, "7890": true, "1212": true, "1221": true, "1984": true, "2026": true,
		"123123": true, "121212": true, "987654": true, "55555": true, "12321": true,
		"1235": false, "8305": false, "1899": false, "2041": false, "121213": false, "19840": false,
	} {
		if got := guessable(pin); got != want {
			t.Errorf("%s: %t", pin, got)
		}
	}
}

func TestForcedPIN(t *testing.T) {
	for pin, want := range map[string]string{"8305": "8306", "8309": "8300", "8300": "8301", "12345679": "12345670"} {
		if got := forcedPIN(pin); got != want {
			t.Errorf("%s: %s", pin, got)
		}
	}
}

func TestIsPIN(t *testing.T) {
	for text, want := range map[string]bool{"1234": true, "12345678": true, "123": false, "123456789": false, "12 4": false, "12a4": false, "١٢٣٤": false, "": false} {
		if got := isPIN(text); got != want {
			t.Errorf("%q: %t", text, got)
		}
	}
}

// TestPace tries a keypad for days at random: never more than so many PINs an
// hour, and it always comes back.
func TestPace(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		now := time.Date(2026, 11, 20, 10, 0, 0, 0, time.UTC)
		p, tried := &pace{}, 0
		begin := now
		for range 200 {
			now = now.Add(time.Duration(rapid.Int64Range(0, int64(20*time.Minute)).Draw(t, "wait")))
			if p.rests(now) > 0 {
				continue
			}
			p.miss(now)
			tried++
			if rest := p.rests(now); rest > longRest {
				t.Fatalf("it rests for %s", rest)
			}
		}
		// A wrong one is forgotten every half hour; at the longest rest one is possible every quarter.
		if most := mostTries + int(now.Sub(begin)/longRest) + 1; tried > most {
			t.Fatalf("%d tries within %s", tried, now.Sub(begin))
		}
	})
}

func TestPaceDoubles(t *testing.T) {
	now := time.Date(2026, 11, 20, 10, 0, 0, 0, time.UTC)
	p := &pace{}
	for i, want := range []time.Duration{0, 0, 0, 0, 30 * time.Second, time.Minute, 2 * time.Minute, 4 * time.Minute, 8 * time.Minute, 15 * time.Minute, 15 * time.Minute} {
		p.miss(now)
		if got := p.rests(now); got != want {
			t.Errorf("after try %d it rests for %s", i+1, got)
		}
		now = now.Add(p.rests(now))
	}
	now = now.Add(6 * forgetIn)
	p.miss(now)
	if got := p.rests(now); got != 30*time.Second {
		t.Errorf("three hours later it rests for %s", got)
	}
}
