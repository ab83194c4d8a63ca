// SPDX-License-Identifier: Apache-2.0

// Package assistance keeps the calls of customers who wait, and tells the
// phones of those who serve them.
//
// # What
//
// A customer calls from a case; a [Call] stands until the case is opened for
// it, until somebody says that the customer was served or is gone, until the
// customer says that nobody is needed any more, or until [Patience] is over.
// One associate at a time goes. How long customers waited is what [Waits]
// returns. Associates may have their phones told of calls and of alarms that
// want somebody at once: a [Subscription] is one phone.
//
// # How it fits
//
// [Room.Run] follows the ledger: it ends a call when its opening is opened
// under a release, and tells the phones. Everything else is a Change of package
// flow. Who may be told what is asked of [Options.Reader], because operators
// are the business of another room.
//
// # Promises
//
// One call stands at an opening at a time, however often somebody presses the
// button. Of two who take a call at once, the second is told who goes. A call
// holds nothing about the customer. What goes to a phone names nobody and
// nothing, and travels sealed to that phone. Nothing is sent to an address
// within our own network, and what cannot be sent holds up nothing.
package assistance

import (
	"database/sql"
	"encoding/json"
	"errors"
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/internal/flow"
	"github.com/sashlock/sashlock/internal/lang"
	"github.com/sashlock/sashlock/internal/store"
)

// Patience is how long a call stands at most. Nobody waits longer at a case.
const Patience = 30 * time.Minute

// Outcome is how a call ended.
type Outcome string

// The outcomes.
const (
	Served    Outcome = "served"    // the opening was opened, or somebody says so
	Gone      Outcome = "gone"      // whoever went found nobody
	Cancelled Outcome = "cancelled" // the customer needs nobody any more
	Lapsed    Outcome = "lapsed"    // nobody did anything for too long
)

// ErrTaken is in the chain of the error for whoever takes a call second.
var ErrTaken = errors.New("somebody else goes")

// Call is a customer who waits at an opening.
type Call struct {
	ID      string
	Opening sashlock.OpeningID
	Site    sashlock.SiteID
	Asked   time.Time
	Taken   time.Time         // zero: nobody goes yet
	TakenBy sashlock.PersonID // who goes
	Served  time.Time         // when the opening was opened for it; zero: it was not
	Ended   time.Time         // zero: the customer waits
	Outcome Outcome           // of a call that ended
}

// Reader is what is to be known of an operator before a phone of theirs is
// told something.
type Reader struct {
	Sees     func(sashlock.SiteID, sashlock.AreaID) bool // what concerns them
	Language lang.Language
	Alarms   string // the address of their page about alarms, as a path
	Handles  bool   // they handle alarms, and so are told of silent ones
}

// Options are what a room is built from.
type Options struct {
	Store *store.Store
	Hall  *flow.Hall
	Now   func() time.Time
	Log   *slog.Logger
	// Reader finds an operator; false for one who is not to be told anything
	// now. Nil: nobody is told anything.
	Reader func(q store.Query, id sashlock.OperatorID) (Reader, bool, error)
}

// Room is where calls and subscriptions are kept.
type Room struct {
	Options
	inside atomic.Pointer[services] // push services of our own network
	worth  chan sashlock.Event      // what phones are to be told of
}

// backlog is of how many events phones are told late rather than not at all.
const backlog = 64

// New returns the room. It does nothing by itself until [Room.Run].
func New(opts Options) *Room { return &Room{Options: opts, worth: make(chan sashlock.Event, backlog)} }

// body is what is kept of a call as JSON.
type body struct {
	Outcome Outcome `json:"outcome,omitempty"`
}

const columns = `id, opening, site, asked, taken, taken_by, served, ended, body`

func scan(read store.Scan) (c Call, err error) {
	var asked, taken, served, ended sql.NullInt64
	var by sql.NullString
	var text string
	if err = read(&c.ID, &c.Opening, &c.Site, &asked, &taken, &by, &served, &ended, &text); err != nil {
		return c, err
	}
	c.Asked, c.Taken, c.Served, c.Ended = store.TimeOf(asked), store.TimeOf(taken), store.TimeOf(served), store.TimeOf(ended)
	c.TakenBy = store.ID[sashlock.PersonID](by)
	var b body
	err = json.Unmarshal([]byte(text), &b)
	c.Outcome = b.Outcome
	return c, err
}

func (c Call) put(tx *store.Tx) error {
	text, err := json.Marshal(body{c.Outcome})
	if err != nil {
		return err
	}
	return tx.Put("calls", "id", store.Fields{
		"id": c.ID, "opening": c.Opening, "site": c.Site, "asked": store.Micros(c.Asked), "taken": store.Micros(c.Taken),
		"taken_by": store.Null(c.TakenBy), "served": store.Micros(c.Served), "ended": store.Micros(c.Ended), "body": string(text),
	})
}

// Standing reports whether the customer waits at a moment.
func (c Call) Standing(now time.Time) bool { return c.Ended.IsZero() && now.Sub(c.Asked) < Patience }

// Find returns one call, or NotFound.
func Find(q store.Query, id string) (Call, error) {
	return store.One(q, scan, "call", id, `SELECT `+columns+` FROM calls WHERE id = ?`, id)
}

// Waiting returns the calls that stand at a moment, the longest wait first.
func Waiting(q store.Query, now time.Time) ([]Call, error) {
	return store.Rows(q, scan, `SELECT `+columns+` FROM calls WHERE ended IS NULL AND asked > ? ORDER BY asked, id LIMIT 500`, store.Micros(now.Add(-Patience)))
}

// LatestAt returns the last call at an opening, over or not; false when there
// was none.
func LatestAt(q store.Query, o sashlock.OpeningID) (Call, bool, error) {
	all, err := store.Rows(q, scan, `SELECT `+columns+` FROM calls WHERE opening = ? ORDER BY asked DESC, id DESC LIMIT 1`, o)
	if err != nil || len(all) == 0 {
		return Call{}, false, err
	}
	return all[0], true, nil
}

// Waits returns how long customers waited at a site until the opening was
// opened for them, in seconds, the shortest wait first. Only calls of that time
// or later count that ended with somebody being served.
func Waits(q store.Query, site sashlock.SiteID, since time.Time) ([]float64, error) {
	read := func(scan store.Scan) (float64, error) {
		var micros int64
		err := scan(&micros)
		return max(0, float64(micros)/1e6), err
	}
	return store.Rows(q, read, `SELECT served - asked FROM calls WHERE site = ? AND asked >= ? AND served IS NOT NULL ORDER BY 1`, site, store.Micros(since))
}
