// SPDX-License-Identifier: Apache-2.0

package demo

import (
	"cmp"
	"maps"
	"slices"
	"time"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/internal/app"
	"github.com/sashlock/sashlock/internal/detect"
	"github.com/sashlock/sashlock/internal/flow"
	"github.com/sashlock/sashlock/internal/opening"
	"github.com/sashlock/sashlock/internal/schedule"
	"github.com/sashlock/sashlock/internal/store"
)

// past plays what happened before the demo began. It asks the same pure
// deciders as the hall does and records what they say in the same way, but many
// thousand doors' work in a transaction, each at its own moment: a fortnight of
// a chain of stores has to be there in the blink of an eye.
type past struct {
	tx      *store.Tx // of the chunk that is being played
	book    *flow.Book
	rules   []detect.Rule
	hours   map[sashlock.SiteID]*schedule.Calendar
	desk    sashlock.OperatorID // who acknowledges alarms
	cards   map[sashlock.PersonID]sashlock.CredentialID
	epoch   int64
	states  map[sashlock.OpeningID]sashlock.OpeningState
	looks   map[sashlock.OpeningID]time.Time // when to look again
	command map[sashlock.OpeningID]sashlock.CommandRecord
	alarms  map[sashlock.AlarmID]sashlock.Alarm
	devices map[sashlock.DeviceID]sashlock.DeviceState
	moved   map[sashlock.OpeningID]bool // not written yet
	noted   map[sashlock.DeviceID]bool  // not written yet
}

func newPast(book *flow.Book, desk sashlock.OperatorID, cards map[sashlock.PersonID]sashlock.CredentialID) *past {
	p := &past{
		book: book, rules: app.Rules(), desk: desk, cards: cards, hours: storeHours(book),
		states: map[sashlock.OpeningID]sashlock.OpeningState{}, looks: map[sashlock.OpeningID]time.Time{},
		command: map[sashlock.OpeningID]sashlock.CommandRecord{}, alarms: map[sashlock.AlarmID]sashlock.Alarm{},
		devices: map[sashlock.DeviceID]sashlock.DeviceState{}, moved: map[sashlock.OpeningID]bool{}, noted: map[sashlock.DeviceID]bool{},
	}
	return p
}

// storeHours are when the stores are open, as far as somebody said so.
func storeHours(book *flow.Book) map[sashlock.SiteID]*schedule.Calendar {
	all := map[sashlock.SiteID]*schedule.Calendar{}
	for id, s := range book.Sites {
		zone, err := schedule.LoadZone(s.Zone)
		if err != nil {
			continue
		}
		if c, err := schedule.Compile(book.Schedules[s.Hours], zone); err == nil {
			all[id] = c
		}
	}
	return all
}

// enter makes the past read and write through a transaction.
func (p *past) enter(tx *store.Tx) error {
	p.tx = tx
	if p.epoch != 0 {
		return nil
	}
	p.epoch = tx.Now().UnixMicro()
	for id := range p.book.Openings {
		s, err := tx.State(id)
		if err != nil {
			return err
		}
		p.states[id] = s
	}
	for id := range p.book.Devices {
		d, err := tx.DeviceState(id)
		if err != nil {
			return err
		}
		p.devices[id] = d
	}
	return nil
}

// leave writes down how everything stands at the end of a transaction that
// moved in it.
func (p *past) leave() {
	for id := range p.moved {
		s := p.states[id]
		s.Alarms, s.Numbers = maps.Clone(s.Alarms), maps.Clone(s.Numbers) // the store owns what it is given
		p.tx.SaveState(s)
	}
	for id := range p.noted {
		p.tx.SaveDeviceState(p.devices[id])
	}
	clear(p.moved)
	clear(p.noted)
	p.tx = nil
}

func (p *past) append(at time.Time, events ...sashlock.Event) {
	for _, e := range events {
		e.Heard = at
		p.tx.Append(e)
	}
}

// until lets time pass up to a moment: whatever is due before it is looked at,
// in order.
func (p *past) until(to time.Time) {
	for {
		var next sashlock.OpeningID
		for id, at := range p.looks {
			if !at.IsZero() && !at.After(to) && (next == "" || at.Before(p.looks[next]) || at.Equal(p.looks[next]) && id < next) {
				next = id
			}
		}
		if next == "" {
			return
		}
		at := p.looks[next]
		p.settle(at, p.book.Openings[next], p.states[next])
	}
}

// report is a device saying something.
func (p *past) report(at time.Time, r sashlock.Report) {
	o := p.book.Openings[r.Opening]
	s := p.states[o.ID]
	r.At = at.Add(-30 * time.Millisecond)
	out := opening.Apply(o, s, r, at)
	if d := p.book.Devices[r.Device]; !d.Has(sashlock.CanRelease) {
		out.State.Offline = s.Offline // the loss of a sensor does not put the lock out of reach
	}
	p.note(at, r)
	p.append(at, out.Events...)
	if c, open := p.command[o.ID]; open && c.Device == r.Device {
		switch r.Kind {
		case sashlock.LockWasJammed:
			p.end(at, c, sashlock.CommandFailed, sashlock.LockJammed)
		case sashlock.LockUnlocked:
			p.end(at, c, sashlock.CommandSucceeded, "")
		}
	}
	p.settle(at, o, out.State)
}

// note keeps what a report says of the device itself.
func (p *past) note(at time.Time, r sashlock.Report) {
	d := p.devices[r.Device]
	d.Device, d.Online = r.Device, r.Kind != sashlock.DeviceOffline
	if d.Online {
		d.Heard = at
	}
	if r.Kind == sashlock.BatteryReported {
		d.Battery = r.Level
	}
	p.devices[r.Device], p.noted[r.Device] = d, true
}

// request is somebody asking for an opening.
func (p *past) request(at time.Time, o sashlock.Opening, who sashlock.PersonID, by sashlock.Method) bool {
	q := sashlock.Request{Person: who, Opening: o.ID, At: at, Method: by, Level: sashlock.AssuranceCard}
	s := p.states[o.ID]
	d := p.book.Decide(q, s, nil)
	d.ID = sashlock.NewID[sashlock.DecisionID](at)
	e := sashlock.Event{
		Kind: sashlock.AccessDenied, Site: o.Site, Opening: d.Opening, Person: d.Person, Method: by,
		Grant: d.Grant, Decision: d.ID, Reason: d.Reason, Checks: d.Checks,
	}
	if by == sashlock.ByCard {
		e.Credential = p.cards[who]
	}
	if !d.Granted {
		p.append(at, e)
		return false
	}
	e.Kind = sashlock.AccessGranted
	lock, _ := p.lock(o.ID)
	c := sashlock.CommandRecord{Command: sashlock.Command{
		ID: sashlock.NewID[sashlock.CommandID](at), Site: o.Site, Opening: o.ID, Device: lock.ID, Verb: sashlock.DoRelease, For: o.ReleaseTime,
		Decision: d.ID, Epoch: p.epoch, Issued: at, Expires: at.Add(sashlock.MaxCommandLife),
	}, State: sashlock.CommandPending, Person: who}
	p.command[o.ID] = c
	queued := commandEvent(sashlock.CommandQueued, c)
	queued.Why = string(c.Verb)
	p.append(at, e, queued)
	out := opening.Release(o, s, sashlock.Release{Decision: d.ID, Command: c.ID, Person: who, Until: at.Add(o.ReleaseTime)}, at)
	p.append(at, out.Events...)
	p.settle(at, o, out.State)
	return true
}

// accepted is a driver taking the command that is under way.
func (p *past) accepted(at time.Time, o sashlock.Opening) {
	if c, open := p.command[o.ID]; open {
		c.State = sashlock.CommandSent
		p.command[o.ID] = c
		p.append(at, commandEvent(sashlock.CommandAccepted, c))
	}
}

func (p *past) end(at time.Time, c sashlock.CommandRecord, state sashlock.CommandState, why sashlock.Reason) {
	c.State, c.Reason, c.Ended = state, why, at
	delete(p.command, c.Opening)
	p.tx.SaveCommand(c)
	p.append(at, commandEvent(sashlock.CommandEnded, c))
}

func commandEvent(kind sashlock.EventKind, c sashlock.CommandRecord) sashlock.Event {
	return sashlock.Event{
		Kind: kind, Site: c.Site, Opening: c.Opening, Device: c.Device, Person: c.Person,
		Decision: c.Decision, Command: c.ID, Reason: c.Reason, Why: string(c.State),
	}
}

// lock is the device that releases an opening.
func (p *past) lock(id sashlock.OpeningID) (sashlock.Device, bool) {
	return fittedWith(p.book, id, sashlock.CanRelease)
}

// fittedWith finds the device at an opening that has a capability.
func fittedWith(book *flow.Book, id sashlock.OpeningID, want sashlock.Capability) (sashlock.Device, bool) {
	for _, d := range book.Fitted(id) {
		if d.Has(want) {
			return d, true
		}
	}
	return sashlock.Device{}, false
}

// settle ends every step at an opening: what time does to its release, what
// the rules see, and when to look again.
func (p *past) settle(at time.Time, o sashlock.Opening, s sashlock.OpeningState) {
	lapsed := opening.Lapse(o, s, at)
	p.append(at, lapsed.Events...)
	s = lapsed.State
	look := lapsed.LookAgain
	facts := detect.Facts{Opening: o, State: s, Now: p.book.Clock(o.Site, at)}
	if c, known := p.hours[o.Site]; known {
		facts.Staffed = detect.OutOfHours
		if c.Covers(at.Unix()) {
			facts.Staffed = detect.InHours
		}
	}
	for _, rule := range p.rules {
		found := rule.Look(facts)
		standing, raised := s.Alarms[rule.Name()]
		switch {
		case found.Found && !raised:
			s = p.raise(at, o, s, rule, found.Why)
		case !found.Found && raised:
			s = p.clear(at, o, s, rule, standing)
		}
		if !found.LookAgain.IsZero() && (look.IsZero() || found.LookAgain.Before(look)) {
			look = found.LookAgain
		}
	}
	p.states[o.ID], p.moved[o.ID] = s, true
	p.looks[o.ID] = look
}

func (p *past) raise(at time.Time, o sashlock.Opening, s sashlock.OpeningState, rule detect.Rule, why string) sashlock.OpeningState {
	a := sashlock.Alarm{
		ID: sashlock.NewID[sashlock.AlarmID](at), Rule: rule.Name(), Level: rule.Level(),
		Site: o.Site, Opening: o.ID, Why: why, Raised: at, Rev: 1,
	}
	p.keep(a)
	p.append(at, sashlock.Event{Kind: sashlock.AlarmRaised, Site: o.Site, Opening: o.ID, Alarm: a.ID, Rule: a.Rule, Why: a.Why})
	alarms := map[string]sashlock.AlarmID{rule.Name(): a.ID}
	maps.Copy(alarms, s.Alarms)
	s.Alarms = alarms
	return s
}

func (p *past) clear(at time.Time, o sashlock.Opening, s sashlock.OpeningState, rule detect.Rule, id sashlock.AlarmID) sashlock.OpeningState {
	a := p.alarms[id]
	a.Cleared = at
	a.Rev++
	p.keep(a)
	p.append(at, sashlock.Event{Kind: sashlock.AlarmCleared, Site: o.Site, Opening: o.ID, Alarm: id, Rule: rule.Name()})
	s.Alarms = maps.Clone(s.Alarms)
	delete(s.Alarms, rule.Name())
	if len(s.Alarms) == 0 {
		s.Alarms = nil
	}
	return s
}

func (p *past) keep(a sashlock.Alarm) {
	p.alarms[a.ID] = a
	p.tx.SaveAlarm(a)
}

// acknowledge is the control room seeing every alarm at an opening.
func (p *past) acknowledge(at time.Time, o sashlock.Opening) {
	open := slices.DeleteFunc(slices.Collect(maps.Values(p.alarms)), func(a sashlock.Alarm) bool {
		return a.Opening != o.ID || !a.Acknowledged.IsZero()
	})
	slices.SortFunc(open, func(a, b sashlock.Alarm) int { return cmp.Or(a.Raised.Compare(b.Raised), cmp.Compare(a.Rule, b.Rule)) })
	for _, a := range open {
		a.Acknowledged, a.By = at, p.desk
		a.Rev++
		p.keep(a)
		p.append(at, sashlock.Event{Kind: sashlock.AlarmAcknowledged, Site: a.Site, Opening: a.Opening, Alarm: a.ID, Rule: a.Rule, Operator: p.desk})
	}
}
