// SPDX-License-Identifier: Apache-2.0

package matter

import (
	"context"
	"errors"
	"strconv"
	"time"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/driver"
)

// The rules of PIN slots are:
//
//  1. A slot is a user of the lock. The PIN of a user we make has the user's
//     number too, so that the lock's events name the slot.
//  2. A user of any kind takes the slot, also one with a card or a finger only.
//     The one exception is a user without anything that we made ourselves: we
//     were stopped in between.
//  3. A PIN can be written and never be read. What counts is the lock's answer
//     to the writing, and that the user is there afterwards as it is to be.
//  4. Whoever loses the slot loses all of it: the user is cleared with every
//     credential and schedule it got meanwhile, in whatever way.
//  5. The numbers that mean all users or all credentials are never sent.
//  6. A failure is told without the server's words, which may repeat what it
//     was sent.

// maxSlots is how many users of a lock are looked at.
const maxSlots = 250

// noAnswer is what can be said of a lock that says nothing.
const noAnswer = "the lock did not answer: see whether it has power and is in reach"

// Codes asks a lock for its users, one question each. The slot is the user's
// number, which is also what the lock names in its events. No PIN can be read
// from a Matter lock.
func (s *session) Codes(ctx context.Context, at string) ([]driver.Code, error) {
	w, err := s.writing(ctx, "listing PIN slots", at, 1)
	if err != nil {
		return nil, err
	}
	defer w.leave()
	codes := make([]driver.Code, w.count)
	for i := range codes {
		codes[i].Slot = i + 1
	}
	for w.slot = 1; w.slot <= w.count; {
		u, err := w.user(ctx)
		if err != nil {
			return nil, err
		}
		taken := w.taken(u)
		codes[w.slot-1].InUse, codes[w.slot-1].Enabled = taken, taken && u.Enabled
		if u.Next <= w.slot {
			break
		}
		w.slot = u.Next
	}
	return codes, nil
}

// SetCode gives a user of the lock a PIN, and makes the user where there is none.
// The lock is not told when the PIN ends: whoever wrote it clears it in time.
func (s *session) SetCode(ctx context.Context, at string, c driver.CodeSetting) (driver.CodeSet, error) {
	w, err := s.writing(ctx, "writing PIN slot", at, c.Slot)
	if err != nil {
		return driver.CodeSet{}, err
	}
	defer w.leave()
	had, err := w.user(ctx)
	switch {
	case err != nil:
		return driver.CodeSet{}, err
	case c.Fresh && w.taken(had):
		return driver.CodeSet{}, w.wrong(sashlock.Conflict, "the slot is in use")
	}
	status := userEnabled
	if c.Disabled {
		status = userDisabled
	}
	set := driver.CodeSet{Sent: true}
	if err := w.write(ctx, had, status, c.PIN); err != nil {
		return set, err
	}
	now, err := w.user(ctx)
	if err == nil && (!now.Used || len(now.Codes) == 0 || now.Enabled == c.Disabled) {
		err = w.wrong(sashlock.Denied, "the lock said that it has the PIN, and then that it does not")
	}
	return set, err
}

// write leaves the slot with the PIN in it, or without any.
func (w *slotWriter) write(ctx context.Context, had user, status int, pin driver.PIN) error {
	if len(had.Codes) == 1 {
		// Written over, nobody is locked out meanwhile. Locks differ in what they
		// take for the same PIN twice, and who may change what another made.
		kept, err := w.credential(ctx, opModify, had.Codes[0], pin)
		if err != nil {
			return err
		}
		if kept && had.Enabled == (status == userEnabled) {
			return nil
		}
		if kept {
			return w.tell(ctx, "SetUser", setUserFields{Operation: opModify, User: w.slot, Status: status})
		}
	}
	operation := opAdd
	switch {
	case had.Used && !w.taken(had):
		operation = opModify // made by us, and then we were stopped
	case had.Used:
		if err := w.clear(ctx); err != nil {
			return err
		}
	}
	if err := w.tell(ctx, "SetUser", setUserFields{Operation: operation, User: w.slot, Status: status, Type: new(int), Rule: new(int)}); err != nil {
		return err
	}
	kept, err := w.credential(ctx, opAdd, w.slot, pin)
	if err != nil || kept {
		return err
	}
	if err := w.clear(ctx); err != nil { // a user with nothing takes up a slot
		return err
	}
	return w.wrong(sashlock.Denied, "the lock did not take it: another slot may have this PIN or its number, or its length is not one the lock takes")
}

// ClearCode removes the user of a slot, with all it can open with, and asks the
// lock whether it is gone.
func (s *session) ClearCode(ctx context.Context, at string, slot int) error {
	w, err := s.writing(ctx, "clearing PIN slot", at, slot)
	if err != nil {
		return err
	}
	defer w.leave()
	had, err := w.user(ctx)
	if err != nil || !had.Used {
		return err
	}
	return w.clear(ctx)
}

// clear removes the slot's user and asks whether it is gone.
func (w *slotWriter) clear(ctx context.Context) error {
	if err := w.tell(ctx, "ClearUser", userField{w.slot}); err != nil {
		return err
	}
	now, err := w.user(ctx)
	if err == nil && now.Used {
		err = w.wrong(sashlock.Denied, "the lock did not empty it: empty it at the lock")
	}
	return err
}

// slotWriter is the work on one slot. It has the turn of the lock's slots, which
// is not that of orders: nobody waits at a door for a slot to be written.
type slotWriter struct {
	s     *session
	l     *link
	n     *node
	d     *device
	op    string
	slot  int
	count int // the slots of the lock
	ours  int // our fabric's number at this node
}

// writing takes the turn of a lock's slots.
func (s *session) writing(ctx context.Context, op, at string, slot int) (*slotWriter, error) {
	l, n, d, err := s.lookup(op, at)
	if err != nil {
		return nil, err
	}
	w := &slotWriter{s: s, l: l, n: n, d: d, op: op, slot: slot}
	s.mu.Lock()
	has := sashlock.Device{Capabilities: d.found.Capabilities}.Has(sashlock.HasCodes)
	users, _ := n.state.number(d.endpoint, clusterDoorLock, attrUsers)
	pins, known := n.state.number(d.endpoint, clusterDoorLock, attrPINs)
	w.ours, _ = n.state.number(0, clusterCredentials, attrFabric)
	s.mu.Unlock()
	w.count = min(max(users, 0), maxSlots)
	if known {
		w.count = min(w.count, max(pins, 0))
	}
	switch {
	case !has:
		return nil, w.wrong(sashlock.Denied, "this device has no PIN slots")
	case slot < 1:
		return nil, w.wrong(sashlock.Limit, "slots are counted from 1")
	case slot > w.count:
		return nil, w.wrong(sashlock.Limit, "the lock has no such slot")
	case ctx.Err() != nil:
		return nil, w.wrong(sashlock.Unavailable, "its time is over")
	}
	select {
	case d.slots <- struct{}{}:
		return w, nil
	case <-ctx.Done():
		return nil, w.wrong(sashlock.Unavailable, "other slots of the lock are being written")
	}
}

func (w *slotWriter) leave() { <-w.d.slots }

func (w *slotWriter) wrong(kind sashlock.Kind, hint string) error {
	return &sashlock.Error{Kind: kind, Op: w.op, Subject: w.d.found.Address + ", slot " + strconv.Itoa(w.slot), Hint: hint}
}

// taken reports whether the slot is somebody's.
func (w *slotWriter) taken(u user) bool {
	return u.Used && (u.Holds > 0 || u.Creator != w.ours)
}

// user asks the lock for the user of the slot.
func (w *slotWriter) user(ctx context.Context) (user, error) {
	body, err := w.ask(ctx, "GetUser", userField{w.slot}, 0)
	if err != nil {
		return user{}, err
	}
	u, err := decodeUser(body)
	if err != nil {
		w.l.client.Garbled.Add(1)
		return user{}, w.wrong(sashlock.Unavailable, noAnswer)
	}
	return u, nil
}

// credential has the lock keep a PIN, and reports whether it says it does.
func (w *slotWriter) credential(ctx context.Context, operation, index int, pin driver.PIN) (kept bool, err error) {
	body, err := w.ask(ctx, "SetCredential", setCredentialFields{
		Operation: operation, Credential: credentialField{credentialPIN, index}, Data: []byte(pin.Reveal()), User: w.slot,
	}, maxTimed)
	if sashlock.IsKind(err, sashlock.Denied) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	status, err := decodeCredentialStatus(body)
	if err != nil {
		w.l.client.Garbled.Add(1)
		return false, w.wrong(sashlock.Unavailable, noAnswer)
	}
	return status == 0, nil
}

func (w *slotWriter) tell(ctx context.Context, command string, fields any) error {
	_, err := w.ask(ctx, command, fields, maxTimed)
	return err
}

// ask has the lock do something and waits for its answer. Each is sent only to a
// lock that has just answered, or to a server that ends it with its time.
func (w *slotWriter) ask(ctx context.Context, command string, fields any, timed time.Duration) (sealed, error) {
	if ctx.Err() != nil {
		return sealed{}, w.wrong(sashlock.Unavailable, "its time is over")
	}
	asking, cancel := context.WithTimeout(ctx, w.s.pace.answer)
	defer cancel()
	began := time.Now()
	body, err := w.l.client.do(asking, slotCommand(w.d, command, fields, left(asking), timed))
	if err == nil {
		return body, nil
	}
	// Who was meant, why and what the server calls it is known; its words are not
	// told.
	failed := w.s.judge(w.l, w.n, w.d, err, time.Since(began))
	if !sashlock.IsKind(failed, sashlock.Denied) {
		return sealed{}, w.wrong(sashlock.Unavailable, noAnswer)
	}
	hint := "the lock answered that it did not do it"
	var said *serverError
	if errors.As(err, &said) {
		hint += " (" + strconv.Itoa(int(said.Code)) + ")"
	}
	return sealed{}, w.wrong(sashlock.Denied, hint)
}
