// SPDX-License-Identifier: Apache-2.0

package edge

import (
	"context"
	"encoding/json"
	"slices"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/driver"
)

// Operate sends a signed command and waits until the device has said what it
// makes of it: see [driver.Operator].
func (s *session) Operate(ctx context.Context, order driver.Order) error {
	const op = "operating"
	link, err := s.link(ctx, op, order.Address)
	if err != nil {
		return err
	}
	known := order.Verb == sashlock.DoRelease || order.Verb == sashlock.DoUnlock || order.Verb == sashlock.DoLock
	switch {
	case !known || order.Verb == sashlock.DoRelease && order.For <= 0:
		return refuse(sashlock.Denied, op, order.Address, "it does not know this order", nil)
	case len(order.Signed) == 0 || order.Command == "":
		return refuse(sashlock.Denied, op, order.Address, "the device takes signed commands only", nil)
	}
	word := s.await(order.Address, order.Command)
	defer s.forget(order.Address, order.Command, word)
	if err := link.Publish(ctx, Topic(s.config.Site, order.Address, "cmd"), order.Signed); err != nil {
		return refuse(sashlock.Unavailable, op, order.Address, "the command could not be sent", err)
	}
	select {
	case ack := <-word:
		return s.outcome(order, ack)
	case <-link.Done():
		return refuse(sashlock.Unavailable, op, order.Address, "the device went away before it answered", nil)
	case <-ctx.Done():
		return refuse(sashlock.Unavailable, op, order.Address, "the device did not answer in time", ctx.Err())
	case <-s.ctx.Done():
		return refuse(sashlock.Unavailable, op, order.Address, "the session is closed", nil)
	}
}

// outcome is a device's word on a command as the contract has it.
func (s *session) outcome(order driver.Order, ack Ack) error {
	switch {
	case ack.Result == Accepted || ack.Result == Done:
		return nil
	case ack.Result == Expired && ack.Reason == "":
		ack.Reason = sashlock.CommandLate
	}
	switch ack.Reason {
	case sashlock.CommandLate, sashlock.CommandReplayed, sashlock.WrongAudience, sashlock.BadSignature, sashlock.WrongEpoch, sashlock.Restarted, sashlock.LockJammed:
		return &driver.Refusal{Command: order.Command, Reason: ack.Reason}
	}
	return refuse(sashlock.Denied, "operating", order.Address, "the device would not", nil)
}

// await returns what a device's word on a command will come through.
func (s *session) await(address string, id sashlock.CommandID) chan Ack {
	s.mu.Lock()
	defer s.mu.Unlock()
	d := s.at(address, true)
	word := make(chan Ack, 1)
	if d.waiting == nil {
		d.waiting = map[sashlock.CommandID][]chan Ack{}
	}
	d.waiting[id] = append(d.waiting[id], word)
	return word
}

// forget ends the wait.
func (s *session) forget(address string, id sashlock.CommandID, word chan Ack) {
	s.mu.Lock()
	defer s.mu.Unlock()
	d := s.at(address, true)
	d.waiting[id] = slices.DeleteFunc(d.waiting[id], func(c chan Ack) bool { return c == word })
	if len(d.waiting[id]) == 0 {
		delete(d.waiting, id)
	}
}

// acknowledged hands a device's word to whoever waits for it. One that nobody
// waits for is late and says nothing.
func (s *session) acknowledged(address string, ack Ack) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, word := range s.at(address, true).waiting[ack.Command] {
		select {
		case word <- ack:
		default: // it was answered before
		}
	}
}

// Read asks a device how it stands: see [driver.Reader].
func (s *session) Read(ctx context.Context, address string) error {
	const op = "reading"
	link, err := s.link(ctx, op, address)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, askPatience)
	defer cancel()
	question, err := json.Marshal(Ask{Ask: "state"})
	if err == nil {
		err = link.Publish(ctx, Topic(s.config.Site, address, "ask"), question)
	}
	if err != nil {
		return refuse(sashlock.Unavailable, op, address, "the question could not be sent", err)
	}
	return nil
}
