// SPDX-License-Identifier: Apache-2.0

package flow

import (
	"context"
	"sync"
	"time"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/internal/store"
)

// The rules when nothing can be recorded, neither in the ledger nor in the
// emergency journal, are:
//
//   - No opening is released, but those whose owner declared on_fault: release.
//   - These are decided by the grants like any other request; only the record
//     comes later. It is the sole exception to "no release without a record".
//   - What was released is recorded, marked as such, as soon as anything can be.
//   - A request that an operator makes through the API is never an exception.

// unrecorded are the releases that could not be recorded yet.
type unrecorded struct {
	mu   sync.Mutex
	list []release // guarded by mu
}

// release is one such release.
type release struct {
	request  sashlock.Request
	decision sashlock.Decision
	command  sashlock.Command
}

// requestOnFault answers a request that could not be recorded. The failure is
// returned unless the opening's owner wants it released all the same and a
// grant allows it.
func (h *Hall) requestOnFault(ctx context.Context, q sashlock.Request, failure error) (Answer, error) {
	book := h.Book()
	o, known := book.Openings[q.Opening]
	if !known || o.Trial || o.OnFault != sashlock.ReleaseOnFault || q.Operator != "" || !sashlock.IsKind(failure, sashlock.Unavailable) {
		return Answer{}, failure
	}
	s, err := h.store.State(ctx, q.Opening)
	if err != nil {
		return Answer{}, failure
	}
	q.At = h.now()
	d := h.Decide(q, s)
	if !d.Granted {
		return Answer{}, failure
	}
	d.ID = sashlock.NewID[sashlock.DecisionID](q.At)
	command := h.unrecordedCommand(book, o, d, q.At)
	h.later.mu.Lock()
	h.later.list = append(h.later.list, release{q, d, command})
	h.later.mu.Unlock()
	h.dispatch(command)
	return Answer{Decision: d, Command: command.ID}, nil
}

func (h *Hall) unrecordedCommand(book *Book, o sashlock.Opening, d sashlock.Decision, now time.Time) sashlock.Command {
	lock, _ := book.lock(o.ID)
	verb := sashlock.DoUnlock
	if lock.Has(sashlock.CanRelease) {
		verb = sashlock.DoRelease
	}
	return sashlock.Command{
		ID: sashlock.NewID[sashlock.CommandID](now), Site: o.Site, Opening: o.ID, Device: lock.ID, Verb: verb, For: o.ReleaseTime,
		Decision: d.ID, Epoch: h.epoch, Issued: now, Expires: now.Add(sashlock.MaxCommandLife),
	}
}

// recordLater records what was released while nothing could be recorded.
func (h *Hall) recordLater(ctx context.Context) error {
	h.later.mu.Lock()
	waiting := h.later.list
	h.later.mu.Unlock()
	if len(waiting) == 0 {
		return nil
	}
	_, err := h.store.DoVital(ctx, func(tx *store.Tx) error {
		for _, r := range waiting {
			e := accessEvent(r.request, r.decision, r.command.Site)
			e.At = r.request.At
			e.Why = "released while nothing could be recorded, as its owner declared"
			tx.Append(e)
			tx.Append(sashlock.Event{
				Kind: sashlock.CommandQueued, At: r.command.Issued, Site: r.command.Site, Opening: r.command.Opening, Device: r.command.Device,
				Person: r.decision.Person, Decision: r.decision.ID, Command: r.command.ID, Why: string(r.command.Verb),
			})
		}
		return nil
	})
	if err != nil {
		return err
	}
	h.later.mu.Lock()
	h.later.list = h.later.list[len(waiting):]
	h.later.mu.Unlock()
	return nil
}

// Owed is how many releases wait to be recorded.
func (h *Hall) Owed() int {
	h.later.mu.Lock()
	defer h.later.mu.Unlock()
	return len(h.later.list)
}
