// SPDX-License-Identifier: Apache-2.0

package partner

import (
	"context"
	"errors"
	"net/http"
	"strconv"
	"time"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/driver"
)

// codeBody is a PIN slot as the contract has it.
type codeBody struct {
	PIN     string     `json:"pin"`
	Enabled bool       `json:"enabled"`
	Fresh   bool       `json:"fresh,omitempty"` // the slot has to be free
	From    *time.Time `json:"from,omitempty"`
	Until   *time.Time `json:"until,omitempty"`
}

// Codes lists the PIN slots of a lock.
func (s *session) Codes(ctx context.Context, address string) ([]driver.Code, error) {
	const op = "listing PIN slots"
	l, err := s.enter(ctx, op, address, 1)
	if err != nil {
		return nil, err
	}
	defer func() { <-l.slots }()
	body, err := s.asking(ctx, http.MethodGet, "/v1/locks/"+l.id+"/codes", nil)
	if err != nil {
		return nil, wrong(op, address, err)
	}
	used, err := decodeSlots(body)
	if err != nil {
		return nil, wrong(op, address, err)
	}
	s.mu.Lock()
	count := l.count
	s.mu.Unlock()
	codes := make([]driver.Code, count)
	for i := range codes {
		codes[i].Slot = i + 1
	}
	for _, u := range used {
		if u.Slot >= 1 && u.Slot <= count {
			codes[u.Slot-1] = driver.Code{Slot: u.Slot, InUse: true, Enabled: u.Enabled}
		}
	}
	return codes, nil
}

// SetCode has the adapter put a PIN into a slot. By the contract it answers when
// the lock confirmed it.
func (s *session) SetCode(ctx context.Context, address string, c driver.CodeSetting) (driver.CodeSet, error) {
	const op = "writing PIN slot"
	l, err := s.enter(ctx, op, address, c.Slot)
	if err != nil {
		return driver.CodeSet{}, err
	}
	defer func() { <-l.slots }()
	question := codeBody{PIN: c.PIN.Reveal(), Enabled: !c.Disabled, Fresh: c.Fresh, From: moment(c.From), Until: moment(c.Until)}
	body, err := s.asking(ctx, http.MethodPut, slotPath(l, c.Slot), question)
	if err != nil {
		var f *failure
		sent := !errors.As(err, &f) || f.unsure || f.fault == unreached || f.fault == notKept
		return driver.CodeSet{Sent: sent}, wrong(op, slotName(address, c.Slot), err)
	}
	bounded, err := decodeBounded(body)
	if err != nil {
		return driver.CodeSet{Sent: true}, wrong(op, slotName(address, c.Slot), err)
	}
	return driver.CodeSet{Sent: true, Bounded: bounded && !(c.From.IsZero() && c.Until.IsZero())}, nil
}

// ClearCode has the adapter empty a slot. By the contract it answers when the lock
// confirmed it.
func (s *session) ClearCode(ctx context.Context, address string, slot int) error {
	const op = "clearing PIN slot"
	l, err := s.enter(ctx, op, address, slot)
	if err != nil {
		return err
	}
	defer func() { <-l.slots }()
	if _, err := s.asking(ctx, http.MethodDelete, slotPath(l, slot), nil); err != nil {
		return wrong(op, slotName(address, slot), err)
	}
	return nil
}

// asking bounds what is asked about slots.
func (s *session) asking(ctx context.Context, method, path string, question any) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, s.pace.slots)
	defer cancel()
	return s.client.ask(ctx, method, path, question)
}

// enter takes the turn of a lock's slots.
func (s *session) enter(ctx context.Context, op, address string, slot int) (*lock, error) {
	_, l, err := s.lookup(op, address)
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	has, count := sashlock.Device{Capabilities: l.found.Capabilities}.Has(sashlock.HasCodes), l.count
	s.mu.Unlock()
	wrong := func(kind sashlock.Kind, hint string) error {
		return &sashlock.Error{Kind: kind, Op: op, Subject: slotName(address, slot), Hint: hint}
	}
	switch {
	case !has || count == 0:
		return nil, wrong(sashlock.Denied, "this lock keeps no PINs")
	case slot < 1 || slot > count:
		return nil, wrong(sashlock.Limit, "the lock has no such slot")
	case ctx.Err() != nil:
		return nil, wrong(sashlock.Unavailable, "its time is over")
	}
	select {
	case l.slots <- struct{}{}:
		return l, nil
	case <-ctx.Done():
		return nil, wrong(sashlock.Unavailable, "other slots of the lock are being written")
	}
}

func slotPath(l *lock, slot int) string { return "/v1/locks/" + l.id + "/codes/" + strconv.Itoa(slot) }

func slotName(address string, slot int) string { return address + ", slot " + strconv.Itoa(slot) }

// moment is a bound as it is written, or nothing.
func moment(at time.Time) *time.Time {
	if at.IsZero() {
		return nil
	}
	return &at
}
