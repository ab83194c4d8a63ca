// SPDX-License-Identifier: Apache-2.0

package flow

import (
	"context"
	"time"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/internal/opening"
	"github.com/sashlock/sashlock/internal/store"
)

// The rules of commands are:
//
//   - A command is recorded before it leaves, and lives at most
//     sashlock.MaxCommandLife.
//   - What ends it is the device's own report, a driver's word that it could
//     not, or its expiry. That it was sent proves nothing.
//   - After a restart nothing is sent again: what was under way ends as
//     "restarted", and drivers read the devices back.
//   - No lock command goes to an opening that people leave through.
//   - No command at all is made for an opening on trial, see trial.go.

// queue records a command and hands it over once its transaction is committed.
// For an opening on trial there is none, and its number is empty.
func (h *Hall) queue(tx *store.Tx, o sashlock.Opening, c sashlock.CommandRecord) sashlock.CommandID {
	if o.Trial {
		return ""
	}
	c.ID = sashlock.NewID[sashlock.CommandID](tx.Now())
	c.Site, c.Opening, c.Epoch = o.Site, o.ID, h.epoch
	c.Issued, c.Expires = tx.Now(), tx.Now().Add(sashlock.MaxCommandLife)
	c.State = sashlock.CommandPending
	tx.SaveCommand(c)
	tx.Append(sashlock.Event{
		Kind: sashlock.CommandQueued, Site: o.Site, Opening: o.ID, Device: c.Device, Person: c.Person,
		Decision: c.Decision, Command: c.ID, Why: string(c.Verb),
	})
	command := c.Command
	tx.OnCommit(func() { h.dispatch(command) })
	return c.ID
}

// isAboutCommand tells a driver's word about a command from a device's word
// about itself.
func isAboutCommand(r sashlock.Report) bool {
	return r.Kind == sashlock.CommandAccepted || r.Kind == sashlock.CommandEnded
}

// endCommand records that a driver took a command, or could not carry it out.
// What is said of an unknown or ended command is recorded and changes nothing.
func (h *Hall) endCommand(tx *store.Tx, r sashlock.Report) error {
	c, known, err := tx.Command(r.Command)
	if err != nil {
		return err
	}
	if !known {
		r.Reason = sashlock.UnknownCommand
		h.refuse(tx, r)
		return nil
	}
	if c.State.Final() {
		return nil
	}
	if r.Kind == sashlock.CommandAccepted {
		c.State = sashlock.CommandSent
		tx.SaveCommand(c)
		tx.Append(commandEvent(sashlock.CommandAccepted, c))
		return nil
	}
	end(tx, c, outcomeOf(r.Reason), r.Reason)
	return h.withdraw(tx, c)
}

// outcomeOf tells a refusal by our own executor from a failure of the device.
func outcomeOf(r sashlock.Reason) sashlock.CommandState {
	switch r {
	case sashlock.CommandLate, sashlock.CommandReplayed, sashlock.WrongAudience, sashlock.BadSignature,
		sashlock.WrongEpoch, sashlock.EgressNeverLocked, sashlock.OnTrial, sashlock.Restarted:
		return sashlock.CommandRefused
	default:
		return sashlock.CommandFailed
	}
}

// withdraw takes back the release of a command that came to nothing, so that an
// opening forced open in that time is not taken for a served customer.
func (h *Hall) withdraw(tx *store.Tx, c sashlock.CommandRecord) error {
	o, known := h.working.Openings[c.Opening]
	if !known {
		return nil
	}
	s, err := tx.State(o.ID)
	if err != nil {
		return err
	}
	if s.Release != nil && s.Release.Command == c.ID && s.Release.Taken.IsZero() {
		s.Release = nil
	}
	return h.settle(tx, o, s)
}

// answerCommands ends the commands that a device's report answers.
func (h *Hall) answerCommands(tx *store.Tx, r sashlock.Report, out opening.Outcome) error {
	if out.Late {
		return nil
	}
	open, err := tx.OpenCommands(r.Opening)
	if err != nil {
		return err
	}
	for _, c := range open {
		if c.Device != r.Device || r.Command != "" && r.Command != c.ID {
			continue
		}
		switch {
		case r.Kind == sashlock.LockWasJammed:
			end(tx, c, sashlock.CommandFailed, sashlock.LockJammed)
		case r.Kind == sashlock.LockHalfway:
			end(tx, c, sashlock.CommandFailed, sashlock.BoltHalfway)
		case answers(r.Kind, c.Verb):
			end(tx, c, sashlock.CommandSucceeded, "")
		}
	}
	return nil
}

func answers(k sashlock.EventKind, v sashlock.Verb) bool {
	switch v {
	case sashlock.DoLock:
		return k == sashlock.LockLocked
	default:
		return k == sashlock.LockUnlocked || k == sashlock.LockUnlatched
	}
}

// expireCommands ends the commands of an opening that nobody confirmed in time,
// and says when the next one expires.
func (h *Hall) expireCommands(tx *store.Tx, o sashlock.Opening, now time.Time) (next time.Time, err error) {
	open, err := tx.OpenCommands(o.ID)
	if err != nil {
		return next, err
	}
	for _, c := range open {
		if now.Before(c.Expires) {
			next = earlier(next, c.Expires)
			continue
		}
		end(tx, c, sashlock.CommandExpired, sashlock.NotConfirmed)
	}
	return next, nil
}

// A lock that was told to lock, and did not say that it had, is left for a while
// before it is told again. The pauses double between these bounds, so that a
// bolt that is stuck does not run its battery down.
const (
	relockSoonest = 30 * time.Second
	relockLatest  = 15 * time.Minute
)

// relock tells a lock that does not lock by itself to lock again once the
// release is over and the opening is shut, and keeps telling it until it says
// that it did.
func (h *Hall) relock(tx *store.Tx, o sashlock.Opening, s sashlock.OpeningState) (sashlock.OpeningState, error) {
	lock, fitted := h.working.lock(o.ID)
	if s.Relock.IsZero() || !fitted || o.Trial || o.Egress != sashlock.EgressNone || s.Mode == sashlock.HeldUnlocked {
		return owed(s, time.Time{}), nil
	}
	if tx.Now().Before(s.Relock) {
		return s, nil
	}
	if s.Lock == sashlock.Locked { // it never opened, or has locked since
		return owed(s, time.Time{}), nil
	}
	s.Relock = tx.Now().Add(min(relockSoonest<<min(s.Retold, 10), relockLatest))
	s.Retold++
	if s.Position == sashlock.Open || s.Offline {
		return s, nil
	}
	open, err := tx.OpenCommands(o.ID)
	if err != nil || len(open) > 0 {
		return s, err
	}
	h.queue(tx, o, sashlock.CommandRecord{Command: sashlock.Command{Device: lock.ID, Verb: sashlock.DoLock}})
	return s, nil
}

// owed is a state in which a lock is to be told to lock at a moment; zero: it is
// not to be told.
func owed(s sashlock.OpeningState, at time.Time) sashlock.OpeningState {
	s.Relock, s.Retold = at, 0
	return s
}

// Resume ends the commands that were under way when the last process stopped,
// and has those sites looked at where somebody was to come meanwhile.
// Call it once, before anything else enters.
func (h *Hall) Resume(ctx context.Context) error {
	_, err := h.store.DoVital(ctx, func(tx *store.Tx) error {
		for id := range h.working.Openings {
			open, err := tx.OpenCommands(id)
			if err != nil {
				return err
			}
			for _, c := range open {
				end(tx, c, sashlock.CommandExpired, sashlock.Restarted)
			}
		}
		for _, w := range h.working.waits {
			if w.at != "" {
				tx.Wake(subjectOf(w.at), tx.Now())
			}
		}
		return nil
	})
	return err
}

func end(tx *store.Tx, c sashlock.CommandRecord, state sashlock.CommandState, why sashlock.Reason) {
	c.State, c.Reason, c.Ended = state, why, tx.Now()
	tx.SaveCommand(c)
	tx.Append(commandEvent(sashlock.CommandEnded, c))
}

func commandEvent(kind sashlock.EventKind, c sashlock.CommandRecord) sashlock.Event {
	return sashlock.Event{
		Kind: kind, Site: c.Site, Opening: c.Opening, Device: c.Device, Person: c.Person,
		Decision: c.Decision, Command: c.ID, Reason: c.Reason, Why: string(c.State),
	}
}
