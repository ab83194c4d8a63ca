// SPDX-License-Identifier: Apache-2.0

package zwavejs

import (
	"context"
	"encoding/json"
	"errors"
	"strconv"
	"strings"
	"time"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/driver"
)

// The rules of PIN slots are:
//
//  1. Slot 0 means every slot to Z-Wave and is never sent.
//  2. What counts is what the lock says when it is asked afterwards. That a
//     message was sent, or taken over into the cache of Z-Wave JS, proves nothing.
//  3. What the lock says of a PIN is compared and dropped. A failure is told
//     without the server's words, which may repeat what it was sent.
//  4. A schedule bounds a PIN that may be used now. So the PIN is written first:
//     a lock may refuse the schedule of a slot that nobody has.

// classSchedule is the Schedule Entry Lock command class.
const classSchedule = 78

// noAnswer is what can be said of a lock that says nothing.
const noAnswer = "the lock did not answer: see whether it has power and is in reach"

// codeTries is how often a lock is asked whether it did what it was told.
const codeTries = 3

// Codes asks a lock which of its PIN slots are in use, one after the other.
// That takes many seconds for a lock of many slots. No PIN is taken over from the
// answers.
func (s *session) Codes(ctx context.Context, address string) ([]driver.Code, error) {
	w, err := s.writing(ctx, "listing PIN slots", address, 1)
	if err != nil {
		return nil, err
	}
	defer w.leave()
	count, err := w.count(ctx)
	if err != nil {
		return nil, err
	}
	var codes []driver.Code
	for w.slot = 1; w.slot <= count; w.slot++ {
		h, err := w.ask(ctx, driver.PIN{})
		if err != nil {
			return nil, err
		}
		if h.status == slotNone {
			break
		}
		codes = append(codes, driver.Code{Slot: w.slot, InUse: h.status != slotFree, Enabled: h.status == slotEnabled})
	}
	return codes, nil
}

// SetCode puts a PIN into a slot and asks the lock whether it has it.
func (s *session) SetCode(ctx context.Context, address string, c driver.CodeSetting) (driver.CodeSet, error) {
	w, err := s.writing(ctx, "writing PIN slot", address, c.Slot)
	if err != nil {
		return driver.CodeSet{}, err
	}
	defer w.leave()
	had, err := w.ask(ctx, c.PIN)
	switch {
	case err != nil:
		return driver.CodeSet{}, err
	case had.status == slotNone:
		return driver.CodeSet{}, w.wrong(sashlock.Limit, "the lock has no such slot")
	case had.status != slotFree && c.Fresh:
		return driver.CodeSet{}, w.wrong(sashlock.Conflict, "the slot is in use")
	}
	status := slotEnabled
	if c.Disabled {
		status = slotDisabled
	}
	set := driver.CodeSet{Sent: true}
	if had.status != status || !had.same {
		// Emptied first: where a lock hides its PINs, only the change from empty
		// to used shows that it took the new one.
		if err := w.clear(ctx, had); err != nil {
			return set, err
		}
		if err := w.send(ctx, classUserCode, "set", c.Slot, int(status), c.PIN.Reveal()); err != nil {
			return set, err
		}
		if err := w.confirm(ctx, c.PIN, func(now held) bool { return now.status == status && (now.same || now.masked) }); err != nil {
			return set, err
		}
	}
	set.Bounded = w.bound(ctx, c.From, c.Until)
	return set, nil
}

// ClearCode empties a slot, and asks the lock whether it is empty.
func (s *session) ClearCode(ctx context.Context, address string, slot int) error {
	w, err := s.writing(ctx, "clearing PIN slot", address, slot)
	if err != nil {
		return err
	}
	defer w.leave()
	had, err := w.ask(ctx, driver.PIN{})
	if err != nil || had.status == slotFree || had.status == slotNone {
		return err
	}
	if err := w.clear(ctx, had); err != nil {
		return err
	}
	w.bound(ctx, time.Time{}, time.Time{}) // whoever has the slot next is not bound by it
	return nil
}

// clear empties the slot unless it was empty.
func (w *slotWriter) clear(ctx context.Context, had held) error {
	if had.status == slotFree {
		return nil
	}
	if err := w.send(ctx, classUserCode, "clear", w.slot); err != nil {
		return err
	}
	return w.confirm(ctx, driver.PIN{}, func(now held) bool { return now.status == slotFree })
}

// slotWriter is the work on one slot. It has the turn of the lock's slots, which
// is not that of orders: nobody waits at a door for a slot to be written.
type slotWriter struct {
	s         *session
	l         *link
	d         *device
	op        string
	slot      int
	schedules bool
}

// writing takes the turn of a lock's slots.
func (s *session) writing(ctx context.Context, op, address string, slot int) (*slotWriter, error) {
	l, d, err := s.lookup(op, address)
	if err != nil {
		return nil, err
	}
	w := &slotWriter{s: s, l: l, d: d, op: op, slot: slot}
	s.mu.Lock()
	asleep := d.status == statusAsleep
	has := sashlock.Device{Capabilities: d.found.Capabilities}.Has(sashlock.HasCodes)
	w.schedules = d.schedules
	s.mu.Unlock()
	switch {
	case !has:
		return nil, w.wrong(sashlock.Denied, "this lock keeps no PINs")
	case slot < 1:
		return nil, w.wrong(sashlock.Limit, "slots are counted from 1")
	case asleep: // Z-Wave JS would keep it until the lock wakes up
		return nil, w.wrong(sashlock.Unavailable, "the lock is asleep")
	case ctx.Err() != nil:
		return nil, w.wrong(sashlock.Unavailable, "its time is over")
	}
	select {
	case d.slots <- struct{}{}:
	case <-ctx.Done():
		return nil, w.wrong(sashlock.Unavailable, "other slots of the lock are being written")
	}
	// A question for a slot far beyond the last drives some locks mad.
	count, err := w.count(ctx)
	if err == nil && slot > count {
		err = w.wrong(sashlock.Limit, "the lock has "+strconv.Itoa(count)+" slots")
	}
	if err != nil {
		w.leave()
		return nil, err
	}
	return w, nil
}

// count returns how many slots the lock has. It is asked once.
func (w *slotWriter) count(ctx context.Context) (int, error) {
	w.s.mu.Lock()
	count := w.d.slotCount
	w.s.mu.Unlock()
	if count > 0 {
		return count, nil
	}
	body, err := w.s.answer(ctx, w.l, invoke(w.d.node, w.d.endpoint, classUserCode, "getUsersCount"))
	if err != nil {
		return 0, w.quiet(err)
	}
	count, ok := decodeNumber(body)
	if !ok {
		return 0, w.wrong(sashlock.Unavailable, noAnswer)
	}
	count = min(count, maxSlots)
	w.s.mu.Lock()
	w.d.slotCount = count
	w.s.mu.Unlock()
	return count, nil
}

func (w *slotWriter) leave() { <-w.d.slots }

func (w *slotWriter) wrong(kind sashlock.Kind, hint string) error {
	return &sashlock.Error{Kind: kind, Op: w.op, Subject: strconv.Itoa(w.d.node) + ", slot " + strconv.Itoa(w.slot), Hint: hint}
}

// send tells the lock something.
func (w *slotWriter) send(ctx context.Context, class int, method string, args ...any) error {
	if ctx.Err() != nil {
		return w.wrong(sashlock.Unavailable, "its time is over")
	}
	_, err := w.s.answer(ctx, w.l, invoke(w.d.node, w.d.endpoint, class, method, args...))
	return w.quiet(err)
}

// answer asks for something within the time that an answer may take.
func (s *session) answer(ctx context.Context, l *link, r request) (sealed, error) {
	ctx, cancel := context.WithTimeout(ctx, s.pace.answer)
	defer cancel()
	return l.client.do(ctx, r)
}

// quiet keeps the kind of a failure and drops the words of the server.
func (w *slotWriter) quiet(err error) error {
	if err == nil {
		return nil
	}
	hint := noAnswer
	var told *serverError
	if errors.As(err, &told) {
		hint = "Z-Wave JS could not do it (" + told.Code + " " + strconv.Itoa(told.ZWave) + "): see whether the lock has power and is in reach"
	}
	return w.wrong(sashlock.Unavailable, hint)
}

// ask asks the lock what is in the slot.
func (w *slotWriter) ask(ctx context.Context, pin driver.PIN) (held, error) {
	body, err := w.s.answer(ctx, w.l, invoke(w.d.node, w.d.endpoint, classUserCode, "get", w.slot))
	if err != nil {
		return held{}, w.quiet(err)
	}
	h, ok, err := decodeHeld(body, pin)
	if err != nil || !ok {
		return held{}, w.wrong(sashlock.Unavailable, noAnswer)
	}
	return h, nil
}

// confirm asks the lock until the slot is as it is to be. A lock needs a moment
// to write its memory.
func (w *slotWriter) confirm(ctx context.Context, pin driver.PIN, good func(held) bool) error {
	var err error
	for try := range codeTries {
		if try > 0 {
			wait := time.NewTimer(w.s.pace.reread << (try - 1))
			select {
			case <-wait.C:
			case <-ctx.Done():
				wait.Stop()
				return w.wrong(sashlock.Unavailable, "its time is over: what became of it is not known")
			}
		}
		var now held
		if now, err = w.ask(ctx, pin); err == nil && good(now) {
			return nil
		}
	}
	if err != nil {
		return err
	}
	return w.wrong(sashlock.Denied, "the lock did not keep it: another slot may have this PIN, or its length is not one the lock takes")
}

// bound gives the slot the times in which its PIN works, or takes them away, and
// reports whether the lock confirmed that it keeps them.
func (w *slotWriter) bound(ctx context.Context, from, until time.Time) bool {
	if !w.schedules {
		return false
	}
	at := map[string]int{"userId": w.slot, "slotId": 1}
	if from.IsZero() && until.IsZero() {
		// The lock may never have had one: a failure means nothing.
		_ = w.send(ctx, classSchedule, "setYearDaySchedule", at)
		return false
	}
	want := yearDay(from, until)
	if w.send(ctx, classSchedule, "setYearDaySchedule", at, want) != nil {
		return false
	}
	body, err := w.s.answer(ctx, w.l, invoke(w.d.node, w.d.endpoint, classSchedule, "getYearDaySchedule", at))
	if err != nil {
		return false
	}
	got, ok := decodeYearDay(body)
	return ok && got == want
}

// yearDaySchedule is the span in which a slot opens, by the lock's own clock.
type yearDaySchedule struct {
	StartYear   int `json:"startYear"` // since 2000
	StartMonth  int `json:"startMonth"`
	StartDay    int `json:"startDay"`
	StartHour   int `json:"startHour"`
	StartMinute int `json:"startMinute"`
	StopYear    int `json:"stopYear"`
	StopMonth   int `json:"stopMonth"`
	StopDay     int `json:"stopDay"`
	StopHour    int `json:"stopHour"`
	StopMinute  int `json:"stopMinute"`
}

// yearDay puts times into whole minutes: what is open on one side is bounded by
// the first or the last day that a lock knows.
func yearDay(from, until time.Time) yearDaySchedule {
	zone := until.Location()
	if until.IsZero() {
		zone = from.Location()
		until = time.Date(2099, 12, 31, 23, 59, 0, 0, zone)
	}
	first := time.Date(2000, 1, 1, 0, 0, 0, 0, zone)
	if from.Before(first) {
		from = first
	}
	if whole := from.Truncate(time.Minute); !whole.Equal(from) {
		from = whole.Add(time.Minute)
	}
	from = from.In(zone)
	return yearDaySchedule{
		from.Year() % 100, int(from.Month()), from.Day(), from.Hour(), from.Minute(),
		until.Year() % 100, int(until.Month()), until.Day(), until.Hour(), until.Minute(),
	}
}

func decodeYearDay(body sealed) (yearDaySchedule, bool) {
	var w struct {
		Response *yearDaySchedule `json:"response"`
	}
	if json.Unmarshal(body.text, &w) != nil || w.Response == nil {
		return yearDaySchedule{}, false
	}
	return *w.Response, true
}

// held is what a lock says of a slot.
type held struct {
	status slotStatus
	same   bool // it has the PIN that was asked about
	masked bool // it does not say which PIN it has
}

// decodeHeld opens the answer to a get of the user code class and compares the
// PIN in it, which goes no further.
func decodeHeld(body sealed, pin driver.PIN) (h held, ok bool, err error) {
	status, ok, err := decodeSlot(body)
	if err != nil || !ok {
		return held{}, false, err
	}
	var w struct {
		Response struct {
			Code json.RawMessage `json:"userCode"`
		} `json:"response"`
	}
	h.status = status
	if json.Unmarshal(body.text, &w) != nil {
		return held{}, false, errors.New("an answer of an unknown shape")
	}
	var code string
	h.masked = json.Unmarshal(w.Response.Code, &code) != nil || strings.Trim(code, "*") == ""
	h.same = !h.masked && pin.Is(code)
	return h, true, nil
}
