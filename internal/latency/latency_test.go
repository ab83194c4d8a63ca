// SPDX-License-Identifier: Apache-2.0

package latency

import (
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sashlock/sashlock"
)

var start = time.Date(2026, 11, 22, 10, 0, 0, 0, time.UTC)

// told makes the events of one order, oldest first: what happened how many
// milliseconds after it was given; a negative number: it never did.
func told(id string, device sashlock.DeviceID, at time.Duration, verb sashlock.Verb, sent, sensed, confirmed int, why sashlock.Reason) (commands, moves []sashlock.Event) {
	when := func(ms int) time.Time { return start.Add(at + time.Duration(ms)*time.Millisecond) }
	add := func(kind sashlock.EventKind, ms int, e sashlock.Event) sashlock.Event {
		e.Kind, e.Heard, e.Device, e.Command = kind, when(ms), device, sashlock.CommandID(id)
		return e
	}
	commands = append(commands, add(sashlock.CommandQueued, 0, sashlock.Event{Why: string(verb)}))
	if sent >= 0 {
		commands = append(commands, add(sashlock.CommandAccepted, sent, sashlock.Event{}))
	}
	if sensed >= 0 {
		kind := sashlock.LockUnlocked
		if verb == sashlock.DoLock {
			kind = sashlock.LockLocked
		}
		moves = append(moves, add(kind, sensed, sashlock.Event{}))
	}
	return append(commands, add(sashlock.CommandEnded, confirmed, sashlock.Event{Reason: why})), moves
}

func TestThreeTimesOfEachSortOfLock(t *testing.T) {
	var commands, moves []sashlock.Event
	give := func(id string, d sashlock.DeviceID, at time.Duration, verb sashlock.Verb, sent, sensed, confirmed int, why sashlock.Reason) {
		c, m := told(id, d, at, verb, sent, sensed, confirmed, why)
		commands, moves = append(commands, c...), append(moves, m...)
	}
	for i := range 100 {
		give("a"+string(rune('0'+i)), "dev_1", time.Duration(i)*time.Minute, sashlock.DoRelease, 5, 20+i, 30+i, "")
	}
	give("b", "dev_2", 3*time.Hour, sashlock.DoLock, 7, 400, 500, "")
	give("c", "dev_2", 4*time.Hour, sashlock.DoUnlock, -1, -1, 10_000, sashlock.LockOffline)
	give("d", "dev_9", 5*time.Hour, sashlock.DoUnlock, 1, 2, 3, "") // nobody knows this device
	// Somebody turns it by hand, long after; and an order that has not ended.
	moves = append(moves, sashlock.Event{Kind: sashlock.LockUnlocked, Device: "dev_2", Heard: start.Add(6 * time.Hour)})
	commands = append(commands, sashlock.Event{Kind: sashlock.CommandQueued, Command: "e", Device: "dev_1", Why: "unlock", Heard: start.Add(7 * time.Hour)})
	// The end of one whose beginning was not read.
	commands = append([]sashlock.Event{{Kind: sashlock.CommandEnded, Command: "z", Device: "dev_1", Heard: start}}, commands...)

	slices.Reverse(commands)
	slices.Reverse(moves)
	got := lines(orders(commands, moves), []sashlock.Device{
		{ID: "dev_1", Driver: "zwavejs", Maker: "Kwikset", Model: "916", Firmware: "1"}, {ID: "dev_2", Driver: "edge", Model: "case lock"},
	})
	ms := func(n int) time.Duration { return time.Duration(n) * time.Millisecond }
	want := []Line{
		{Driver: "edge", Model: "case lock", Orders: 2, Failed: 1, Sent: Times{1, ms(7), ms(7)}, Sensed: Times{1, ms(400), ms(400)}, Confirmed: Times{1, ms(500), ms(500)}},
		{Driver: "zwavejs", Maker: "Kwikset", Model: "916", Firmware: "1", Orders: 100, Sent: Times{100, ms(5), ms(5)}, Sensed: Times{100, ms(69), ms(118)}, Confirmed: Times{100, ms(79), ms(128)}},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}
