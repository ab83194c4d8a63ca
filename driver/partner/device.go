// SPDX-License-Identifier: Apache-2.0

package partner

import (
	"reflect"
	"slices"
	"time"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/driver"
)

// lock is one lock as this session knows it. turn and slots guard themselves; all
// else is guarded by the session's mu.
type lock struct {
	id    string
	turn  chan struct{} // holds one while an order is on its way
	slots chan struct{} // holds one while PIN slots are written

	found  driver.Discovery
	count  int                // of PIN slots
	online sashlock.EventKind // what was last told; "": nothing
	now    standing           // what was last told
	heard  int                // how many events: a reading that began before the last may be out of date

	order  *pending // the order that waits for the lock's word
	echoes []echo   // of the last that were confirmed by a reading: their events may follow
}

// echo is the event of an order that was told already.
type echo struct {
	order sashlock.CommandID
	kind  sashlock.EventKind
}

// mostEchoes is for how many orders of a lock an event is awaited that was told
// already.
const mostEchoes = 16

// pending is an order on its way.
type pending struct {
	command sashlock.CommandID
	kind    sashlock.EventKind
	until   time.Time
}

// news is one thing to tell the sink.
type news = driver.News

func (l *lock) report(r driver.Report) news {
	r.Address = l.id
	return news{Report: &r}
}

// describe makes news of what an adapter says a lock is, if it is news.
func (l *lock) describe(e lockEntry) []news {
	d := driver.Discovery{
		Address: e.ID, Name: e.Name, Maker: e.Maker, Model: e.Model, Firmware: e.Firmware,
		Security: "the adapter's own", Capabilities: e.Abilities,
	}
	if d.Maker == "" {
		d.Maker = "unknown maker"
	}
	if d.Model == "" {
		d.Model = "unknown model"
	}
	l.count = e.Slots
	if reflect.DeepEqual(d, l.found) {
		return nil
	}
	l.found = d
	return []news{{Device: &d}}
}

// comeOnline makes news of a lock that can be reached, goOffline of one that can
// not, if that is news.
func (l *lock) comeOnline() (told []news) {
	if l.online == sashlock.DeviceOffline {
		told = append(told, l.report(driver.Report{Kind: sashlock.DeviceOnline}))
	}
	l.online = sashlock.DeviceOnline
	return told
}

func (l *lock) goOffline() (told []news) {
	if l.online != sashlock.DeviceOffline {
		told = append(told, l.report(driver.Report{Kind: sashlock.DeviceOffline}))
	}
	l.online = sashlock.DeviceOffline
	return told
}

// stands makes statements of how a lock stands.
func (l *lock) stands(s standing) (told []news) {
	for _, kind := range []sashlock.EventKind{s.Bolt, s.Door} {
		if kind != "" {
			told = append(told, l.report(driver.Report{Kind: kind, State: true}))
		}
	}
	if s.Level >= 0 {
		told = append(told, l.report(driver.Report{Kind: sashlock.BatteryReported, Level: s.Level, State: true}))
	}
	l.now = s
	return told
}

// happened makes news of an event. again is whether the lock is to be read.
func (l *lock) happened(e event, run uint64) (told []news, again bool) {
	switch e.Kind {
	case sashlock.DeviceOnline:
		return l.comeOnline(), true
	case sashlock.DeviceOffline:
		return l.goOffline(), false
	}
	l.heard++
	told = l.comeOnline() // it spoke
	r := driver.Report{Kind: e.Kind, Boot: run, Number: e.Number, At: e.At, Method: e.Method, Slot: e.Slot}
	switch e.Kind {
	case sashlock.BatteryReported:
		r.Level, l.now.Level = e.Level, e.Level
	case sashlock.OpeningOpened, sashlock.OpeningClosed:
		l.now.Door = e.Kind
	case sashlock.LockLocked, sashlock.LockUnlocked, sashlock.LockWasJammed, sashlock.LockHalfway:
		if i := slices.Index(l.echoes, echo{e.Order, e.Kind}); i >= 0 {
			l.echoes = slices.Delete(l.echoes, i, i+1)
			return told, false // told when it was read
		}
		l.now.Bolt = e.Kind
		if p := l.order; p != nil && e.Order == p.command && (e.Kind == p.kind || e.Kind.Stuck()) {
			r.Command, l.order = p.command, nil
		}
	}
	return append(told, l.report(r)), false
}

// confirmed makes news of a reading that may confirm an order. done says that
// there is nothing more to wait for.
func (l *lock) confirmed(s standing, p *pending) (told []news, done bool) {
	if l.order != p {
		return nil, true
	}
	if s.Bolt != p.kind && !s.Bolt.Stuck() {
		return nil, false
	}
	l.order, l.now.Bolt = nil, s.Bolt
	l.echoes = append(l.echoes[max(0, len(l.echoes)-mostEchoes+1):], echo{p.command, s.Bolt})
	return []news{l.report(driver.Report{Kind: s.Bolt, Method: sashlock.ByRemote, Command: p.command})}, true
}
