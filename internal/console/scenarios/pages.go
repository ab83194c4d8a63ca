// SPDX-License-Identifier: Apache-2.0

// Package scenarios is the part of the console about what a store does by
// itself: peak hours, opening and closing, special events and lockdowns.
//
// # What
//
// The page of a store lists what runs and what it did, and what might run; the
// buttons for lockdowns come first. The editor shows a scenario as a form and as
// text, and beside it what it would do and what it would have done.
//
// # How it fits
//
// Everything is kept and carried out by the room of scenarios, on behalf of
// whoever is signed in. It concerns those who are for the whole store.
//
// # Promises
//
// What could open a guarded opening is not saved, and the page names opening and
// rail. Nothing that was typed is lost when it is wrong or somebody else was
// faster. A lockdown takes two taps and no script.
package scenarios

import (
	"github.com/sashlock/sashlock/internal/console"
	room "github.com/sashlock/sashlock/internal/scenarios"
)

// pages answers for the paths of this package.
type pages struct {
	*console.Frame
	room *room.Room
}

// Mount adds the pages to a frame.
func Mount(f *console.Frame, r *room.Room) {
	_ = pages{Frame: f, room: r}
}
