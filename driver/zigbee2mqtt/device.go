// SPDX-License-Identifier: Apache-2.0

package zigbee2mqtt

import (
	"time"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/driver"
)

// The rules of what is told are:
//
//  1. Every payload repeats all that Zigbee2MQTT last knew. So a bolt's state is
//     news only when it differs from that of the payload before, and an action,
//     which is never repeated, is the better word.
//  2. A lock's state waits pace.settle for the action that says who did it.
//  3. What the broker kept is a statement, and says nothing about bolts: how
//     those stand is asked of the lock itself.
//  4. A payload whose last_seen lies before one heard already is a replay.

// device is one device as this session knows it. The turns guard themselves, all
// else is guarded by the session's mu.
type device struct {
	turn     chan struct{} // holds one while an order is on its way
	slotTurn chan struct{} // holds one while PIN slots are listed or written

	entry deviceEntry
	parts parts
	clear bool
	found driver.Discovery

	away   bool      // its availability says that it cannot be reached
	seen   time.Time // newest last_seen
	relock int       // seconds after which it locks again by itself; -1: not known
	fresh  bool      // it has said how its bolt stands since it was last away
	asks   int       // questions about that since, without an answer

	online   sashlock.EventKind // what was last told, "" for nothing: the same of all below
	lock     sashlock.EventKind
	level    int // -1: nothing
	tampered bool

	said  string             // lock_state of the payload before
	door  sashlock.EventKind // contact and presence of the payload before
	near  sashlock.EventKind
	acted acted // the last action heard

	order   *pending      // the order that waits for the lock's word
	echoes  driver.Echoes // those that were confirmed otherwise: their actions may follow
	doubt   *doubt
	readers []*reader
	listing *listing
	refusal chan error // takes one: why a PIN slot was not written; nil: none is being written
}

// acted is an action, to know a repeat of it.
type acted struct {
	seen   time.Time
	action string
	user   int
}

// pending is an order on its way.
type pending struct {
	command sashlock.CommandID
	kind    sashlock.EventKind // what the lock will say if it did it
	until   time.Time          // after this the lock's word is no longer about this order
	asked   bool               // the lock was asked since how it stands
	after   time.Time          // an answer is newer than this
	ended   chan error         // takes one: confirmed, or why not
}

func (p *pending) is(kind sashlock.EventKind) bool {
	return p != nil && p.kind == kind && time.Now().Before(p.until)
}

// doubt is a bolt's change of which it is not known yet who made it.
type doubt struct {
	kind sashlock.EventKind
	done []func() // messages to acknowledge when it is told
}

// reader waits for the lock to say how it stands.
type reader struct {
	after time.Time
	ended chan error // takes one
}

// listing waits for the state of one PIN slot.
type listing struct {
	slot  int
	after time.Time
	ended chan slotStatus // takes one; empty: there is no such slot
}

func newDevice() *device {
	return &device{turn: make(chan struct{}, 1), slotTurn: make(chan struct{}, 1), relock: -1, level: -1}
}

func (d *device) report(r driver.Report) news {
	r.Address = d.entry.Address
	return news{Report: &r}
}

// describe takes over what the list says of the device and tells it if it is
// new, or anew if asked to.
func (d *device) describe(e deviceEntry, clear, anew bool) []news {
	d.entry, d.parts, d.clear = e, partsOf(e.Features), clear
	found := discover(e, d.parts, d.relock > 0, clear)
	if !anew && same(found, d.found) {
		return nil
	}
	d.found = found
	return []news{{Device: &found}}
}

// forget drops what belonged to a connection, or to a device that was there.
func (d *device) forget() []news {
	var told []news
	if d.doubt != nil {
		told = d.settle()
	}
	gone := &sashlock.Error{Kind: sashlock.Unavailable, Op: "asking device", Subject: d.entry.Address, Hint: "it cannot be reached any more"}
	d.fail(gone)
	for _, r := range d.readers {
		r.ended <- gone
	}
	d.readers, d.fresh, d.asks = nil, false, 0
	d.echoes.Forget()
	return told
}

// fail ends the order under way without the lock's word.
func (d *device) fail(why error) {
	if d.order != nil {
		d.order.ended <- why
		d.order = nil
	}
}

func (d *device) offline() []news {
	told := d.forget()
	if d.online == sashlock.DeviceOffline {
		return told
	}
	state := d.online == ""
	d.online = sashlock.DeviceOffline
	return append(told, d.report(driver.Report{Kind: sashlock.DeviceOffline, State: state}))
}

func (d *device) comeOnline(anew bool) []news {
	if d.away || d.online == sashlock.DeviceOnline && !anew {
		return nil
	}
	state := d.online != sashlock.DeviceOffline
	d.online = sashlock.DeviceOnline
	return []news{d.report(driver.Report{Kind: sashlock.DeviceOnline, State: state})}
}

// newer reports whether a payload of last_seen a came after one of b. Where the
// payload does not say, or only to the second, it is believed.
func newer(a, b time.Time) bool {
	return a.IsZero() || a.After(b) || a.Equal(b) && a.Nanosecond() == 0
}

// A payload is told as fresh the first time only if it is not older than this:
// Zigbee2MQTT publishes what it remembers when it starts.
const maxAge = 30 * time.Second

// A last_seen further ahead than this is no help: it would hide all that follows.
const maxAhead = time.Minute

// keptState makes news of what the broker kept: statements, and none of bolts.
func (d *device) keptState(s state) []news {
	if !s.Seen.IsZero() && s.Seen.Before(d.seen) {
		return nil
	}
	d.note(s)
	told := d.rest(s, true)
	for _, n := range told {
		if n.Report != nil {
			n.Report.At = s.Seen
		}
	}
	return told
}

// note remembers what decides about later payloads.
func (d *device) note(s state) {
	if s.Seen.After(d.seen) && s.Seen.Before(time.Now().Add(maxAhead)) {
		d.seen = s.Seen
	}
}

// hear makes news of a payload. done acknowledges it.
func (d *device) hear(s state, done func()) (told []news, doubting bool) {
	if !s.Seen.IsZero() && s.Seen.Before(d.seen) {
		return []news{{Done: done}}, false
	}
	first := d.seen.IsZero()
	old := first && !s.Seen.IsZero() && time.Since(s.Seen) > maxAge
	before := d.seen
	fresh := !old && newer(s.Seen, before)
	d.note(s)
	if fresh {
		told = append(told, d.comeOnline(false)...)
	}
	op, slot, acts := d.action(s)
	if acts {
		told = append(told, d.operated(op, slot)...)
	}
	bolt, _ := s.word(d.parts.lockState)
	changed := bolt != "" && bolt != d.said
	if bolt != "" {
		d.said = bolt
	}
	kind := kindOf(bolt)
	moved := acts && op.kind != sashlock.CodeRefused
	if kind != "" && !moved {
		more, hold := d.bolt(kind, changed, fresh)
		told = append(told, more...)
		if hold {
			d.doubt.done = append(d.doubt.done, done)
			done, doubting = nil, true
		}
	}
	if kind != "" && fresh && !moved {
		told = append(told, d.answer(kind, s.Seen)...)
	}
	told = append(told, d.rest(s, false)...)
	d.slots(s)
	return append(told, news{Done: done}), doubting
}

// action returns what the payload says was done to the lock, once.
func (d *device) action(s state) (op operation, slot int, ok bool) {
	action, has := s.word(d.parts.action)
	source, _ := s.word(d.parts.source)
	op, ok = operationOf(action, source)
	if !has || !ok || !d.parts.lock {
		return operation{}, 0, false
	}
	user, has := s.number(d.parts.user)
	if !has || user < 1 || user > maxSlot {
		user = 0
	}
	this := acted{seen: s.Seen, action: action + " " + source, user: user}
	if !s.Seen.IsZero() && this == d.acted {
		return operation{}, 0, false // it was heard before
	}
	d.acted = this
	return op, user, true
}

// operated tells what was done to the lock, and by whom.
func (d *device) operated(op operation, slot int) []news {
	if op.kind == sashlock.CodeRefused {
		if op.method == sashlock.ByUnknown {
			op.method = sashlock.ByKeypad
		}
		return []news{d.report(driver.Report{Kind: op.kind, Method: op.method, Slot: slot})}
	}
	var told []news
	var acks []news
	if d.doubt != nil && d.doubt.kind == op.kind {
		acks, d.doubt = acknowledge(d.doubt), nil
	} else if d.doubt != nil {
		told = d.settle()
	}
	if op.method == sashlock.ByRemote && d.echoes.Heard(op.kind) {
		return append(told, acks...) // told before
	}
	d.echoes.Forget() // they should have come before this
	r := driver.Report{Kind: op.kind, Method: op.method}
	switch {
	case op.method == sashlock.ByRemote && d.order.is(op.kind):
		r.Command = d.confirm()
	case op.method != sashlock.ByRemote && op.method != sashlock.ByHand && op.method != sashlock.BySelf:
		r.Slot = slot
	}
	d.lock = op.kind
	return append(append(told, d.report(r)), acks...)
}

// confirm ends the order under way well and returns its name.
func (d *device) confirm() sashlock.CommandID {
	p := d.order
	d.order = nil
	p.ended <- nil
	return p.command
}

// bolt makes news of what the payload says about the bolt. hold is whether the
// payload waits for d.doubt to be settled.
func (d *device) bolt(kind sashlock.EventKind, changed, fresh bool) (told []news, hold bool) {
	if !changed || !d.fresh || !fresh || kind == d.lock {
		return nil, false
	}
	if kind == sashlock.LockHalfway {
		if d.doubt != nil {
			told = d.settle()
		}
		return append(told, d.stoppedShort()), false
	}
	if d.doubt != nil && d.doubt.kind != kind {
		told = d.settle()
	}
	if d.doubt == nil {
		d.doubt = &doubt{kind: kind}
	}
	if d.parts.action == "" {
		return append(told, d.settle()...), false
	}
	return told, true
}

// stoppedShort makes news of a bolt that came to stand between its two ends.
func (d *device) stoppedShort() news {
	r := driver.Report{Kind: sashlock.LockHalfway}
	if d.order != nil && time.Now().Before(d.order.until) {
		r.Method, r.Command = sashlock.ByRemote, d.confirm()
	}
	d.lock = sashlock.LockHalfway
	return d.report(r)
}

// settle tells the change in doubt, without a word of who made it unless an
// order waits for it.
func (d *device) settle() []news {
	q := d.doubt
	d.doubt = nil
	r := driver.Report{Kind: q.kind}
	if p := d.order; p.is(q.kind) {
		r.Method, r.Command = sashlock.ByRemote, d.confirm()
		d.echoes.Expect(p.kind, p.until)
	}
	d.lock = q.kind
	return append([]news{d.report(r)}, acknowledge(q)...)
}

func acknowledge(q *doubt) []news {
	var acks []news
	for _, done := range q.done {
		acks = append(acks, news{Done: done})
	}
	return acks
}

// answer makes news of how the bolt stands for those who asked.
func (d *device) answer(kind sashlock.EventKind, seen time.Time) []news {
	var told []news
	if p := d.order; p != nil && p.asked && newer(seen, p.after) && d.doubt == nil && time.Now().Before(p.until) {
		switch kind {
		case sashlock.LockHalfway:
			told = append(told, d.stoppedShort())
		case p.kind:
			d.lock = kind
			d.echoes.Expect(kind, p.until)
			told = append(told, d.report(driver.Report{Kind: kind, Method: sashlock.ByRemote, Command: d.confirm()}))
		}
	}
	waiting := d.readers[:0:0]
	answered := !d.fresh
	for _, r := range d.readers {
		if !newer(seen, r.after) {
			waiting = append(waiting, r)
			continue
		}
		r.ended <- nil
		answered = true
	}
	d.readers = waiting
	if !answered {
		return told
	}
	d.fresh, d.asks = true, 0
	if d.doubt == nil {
		d.lock = kind
	}
	return append(told, d.report(driver.Report{Kind: kind, State: true}))
}

// rest makes news of all but the bolt.
func (d *device) rest(s state, kept bool) []news {
	var told []news
	tell := func(kind sashlock.EventKind, last *sashlock.EventKind) {
		if kept || *last != kind {
			// What is heard for the first time may have been so for long.
			told = append(told, d.report(driver.Report{Kind: kind, State: kept || *last == ""}))
		}
		*last = kind
	}
	if shut, ok := s.flag(d.parts.contact); ok {
		tell(pick(shut, sashlock.OpeningClosed, sashlock.OpeningOpened), &d.door)
	}
	if near, ok := s.flag(d.parts.presence); ok {
		tell(pick(near, sashlock.PresenceSeen, sashlock.PresenceLost), &d.near)
	}
	if bad, ok := s.flag(d.parts.tamper); ok && bad != d.tampered {
		d.tampered = bad
		told = append(told, d.report(driver.Report{Kind: pick(bad, sashlock.DeviceTampered, sashlock.TamperCleared), State: kept}))
	}
	if level, ok := s.number(d.parts.battery); ok && level >= 0 && level <= 100 && (kept || level != d.level) {
		told = append(told, d.report(driver.Report{Kind: sashlock.BatteryReported, Level: level, State: kept || d.level < 0}))
		d.level = level
	}
	if after, ok := s.number(d.parts.relock); ok && after >= 0 && !kept && after != d.relock {
		d.relock = after
		told = append(told, d.describe(d.entry, d.clear, false)...)
	}
	return told
}

func pick(yes bool, a, b sashlock.EventKind) sashlock.EventKind {
	if yes {
		return a
	}
	return b
}

// slots gives whoever lists PIN slots the state of the one asked for.
func (d *device) slots(s state) {
	q := d.listing
	if q == nil || !newer(s.Seen, q.after) {
		return
	}
	if status, ok := s.slots()[q.slot]; ok {
		d.listing = nil
		q.ended <- status
	}
}

// complained takes over that something asked of the device came to nothing.
func (d *device) complained(c complaint) []news {
	why := &sashlock.Error{
		Kind: sashlock.Denied, Op: "operating lock", Subject: d.entry.Address,
		Hint: "the lock answered that it did not do it: look at the bolt",
	}
	if c.Silent {
		why.Kind, why.Hint = sashlock.Unavailable, "the lock did not answer: see whether it has power and is in reach"
	}
	switch {
	case c.Key == "pin_code" && d.listing != nil && !c.Set:
		q := d.listing
		d.listing = nil
		if !c.Silent {
			q.ended <- ""
		} else {
			close(q.ended)
		}
	case c.Key == "pin_code" && d.refusal != nil && c.Set:
		why.Op, why.Hint = "writing PIN slot", "the lock answered that it would not"
		if c.Silent {
			why.Hint = "the lock did not answer: see whether it has power and is in reach"
		}
		d.refusal <- why
		d.refusal = nil
	case c.Set && c.Key == "state":
		d.fail(why)
	}
	if !c.Silent || !d.parts.lock {
		return nil
	}
	return d.offline()
}
