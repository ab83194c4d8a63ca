// SPDX-License-Identifier: Apache-2.0

// Package shopper lets customers open a display case alone, where a store wants
// them to.
//
// # What
//
// [Room.Switch] says of which openings, [Room.SaveRules] how: by a one-time
// code that the till or the loyalty system hands out ([Room.MakeCode]), or by a
// passkey. Whoever shows one of them is a [Guest] for a while ([Room.Admit],
// [Room.AdmitKey]), and may ask for one opening after the other ([Room.Ask]).
// How long they waited is what [Waits] returns.
//
// # How it fits
//
// A guest is a person without a name, and for every opening asked for there is
// a grant to that person, for that opening, for one use within a minute and
// within the hours of the store. So the index of grants, the guard rails and the
// lock decide, as for everybody, and say why. People and grants are the
// business of other rooms, which package app hands in.
//
// # Promises
//
//   - Nothing of the highest value, no door, and nothing that takes two persons
//     is opened for a guest, whatever is switched on.
//   - A guest has one case open at a time, and no more cases than the site says.
//   - A code works once. Who guesses waits longer and longer.
//   - Nothing is known of a guest but a random number and the public half of a
//     passkey; both are forgotten after the time the site says, and the ledger
//     has the number only.
package shopper

import (
	"log/slog"
	"time"

	"github.com/sashlock/sashlock/internal/estate"
	"github.com/sashlock/sashlock/internal/flow"
	"github.com/sashlock/sashlock/internal/store"
)

// Declaring are the rooms that keep people and grants.
type Declaring struct {
	SavePerson   func(tx *store.Tx, p estate.Person, find estate.Lookup, rev int64) (flow.Edit, error)
	RemovePerson func(tx *store.Tx, ref string, rev int64) (flow.Edit, error)
	SaveGrant    func(tx *store.Tx, g estate.Grant, find estate.Lookup, rev int64) (flow.Edit, error)
	RevokeGrant  func(tx *store.Tx, ref string, rev int64) (flow.Edit, error)
}

// Options are what a room is built from.
type Options struct {
	Store     *store.Store
	Hall      *flow.Hall
	Now       func() time.Time
	Log       *slog.Logger
	Key       []byte // what codes and tokens are hashed with
	Declaring Declaring
}

// Room is where guests are kept.
type Room struct {
	Options
	pace *pace
}

// New returns the room. It does nothing by itself until [Room.Run].
func New(opts Options) *Room { return &Room{Options: opts, pace: newPace()} }
