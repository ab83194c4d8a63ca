// SPDX-License-Identifier: Apache-2.0

package flow

import (
	"strings"
	"sync/atomic"
	"time"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/internal/detect"
	"github.com/sashlock/sashlock/internal/store"
)

// Options are what a hall is built from.
type Options struct {
	Store *store.Store
	Rules []detect.Rule
	Now   func() time.Time // the clock by which wake-ups fall due
	Epoch int64            // which life of this store node: goes into every command
	// Hold is asked about every change with a danger in it, before it is made,
	// with the book as it would be. It returns what is to be recorded besides,
	// or the error with which the change is refused. Nil: nothing is held back.
	Hold func(tx *store.Tx, next *Book, by sashlock.OperatorID, e Edit) ([]sashlock.Event, error)
	// Dispatch takes a command whose transaction has been committed and sees
	// that it reaches its device. It is called from the one writer and must
	// not block. Nil: commands stay pending until they expire.
	Dispatch func(sashlock.Command)
}

// Hall is where the four doors lead. Its methods may be called from any
// goroutine; their transactions run one after another.
type Hall struct {
	store    *store.Store
	rules    []detect.Rule
	now      func() time.Time
	epoch    int64
	dispatch func(sashlock.Command)
	hold     func(tx *store.Tx, next *Book, by sashlock.OperatorID, e Edit) ([]sashlock.Event, error)

	working   *Book                // as the running transaction sees it; the writer's own
	published atomic.Pointer[Book] // as last committed; anybody may read it

	later unrecorded // releases whose record is owed
}

// New builds a hall over what the owner has declared.
func New(opts Options, book *Book) *Hall {
	h := &Hall{
		store: opts.Store, rules: opts.Rules, now: opts.Now, epoch: opts.Epoch,
		dispatch: opts.Dispatch, hold: opts.Hold, working: book,
	}
	if h.dispatch == nil {
		h.dispatch = func(sashlock.Command) {}
	}
	h.published.Store(book)
	return h
}

// Book returns what is declared, as last committed. It never changes.
func (h *Hall) Book() *Book { return h.published.Load() }

// adopt makes next what the rest of the batch decides by, and everybody else
// once it is committed.
func (h *Hall) adopt(tx *store.Tx, next *Book) {
	before := h.working
	h.working = next
	tx.OnCommit(func() { h.published.Store(next) })
	tx.OnRollback(func() { h.working = before })
}

const openingSubject = "opening:"

func subjectOf(id sashlock.OpeningID) string { return openingSubject + string(id) }

func openingOf(subject string) sashlock.OpeningID {
	return sashlock.OpeningID(strings.TrimPrefix(subject, openingSubject))
}
