// SPDX-License-Identifier: Apache-2.0

package now

import (
	"fmt"
	"slices"
	"time"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/internal/console"
	"github.com/sashlock/sashlock/internal/flow"
	"github.com/sashlock/sashlock/internal/lang"
	"github.com/sashlock/sashlock/internal/opening"
)

// The lanes show the last hours of one opening on one axis of time. The first
// is the ribbon: the word that stood on the screen. The axis is real time, so a
// day on which the clocks change is drawn as long as it was, and its ticks are
// where the clocks of the store struck the hour.

const (
	laneHours  = 24
	laneEvents = 1000 // at most, of the newest
	tickHours  = 3
)

// chart is the last hours of an opening.
type chart struct {
	From, To time.Time // in the store's zone
	Lanes    []lane
	Ticks    []time.Time
	Cut      bool // not all events are drawn
}

// lane is one row of the chart.
type lane struct {
	Name  string
	Thick bool // the ribbon
	Spans []span
	Marks []mark
}

// span is a time during which something was so.
type span struct {
	From, To time.Time
	Kind     string // how it is drawn: rest, busy, alert, away
	Tone     console.Tone
	Text     lang.Phrase
}

// mark is something that happened at an instant.
type mark struct {
	At       time.Time
	Shape    string
	Tone     console.Tone
	Text     lang.Phrase
	Decision sashlock.DecisionID
}

// going is a span that has not ended: where it is.
type going struct {
	lane *lane
	at   int
}

// drawing collects what a chart shows.
type drawing struct {
	book    *flow.Book
	opening sashlock.Opening
	from    time.Time
	to      time.Time

	lock, contact, people, alarms, devices lane
	runs                                   map[string]going // what goes on, by what ends it
	state                                  sashlock.OpeningState
	ribbon                                 lane
	since                                  time.Time // since when the ribbon's word stands
	word                                   opening.Word
}

// draw makes the chart of an opening from its events, oldest first: those of
// the time that is shown, after the last ones about its lock and its contact
// before it.
func draw(book *flow.Book, o sashlock.Opening, before, events []sashlock.Event, now sashlock.OpeningState, from, to time.Time) chart {
	d := &drawing{
		book: book, opening: o, from: from, to: to, runs: map[string]going{}, since: from,
		ribbon: lane{Name: lang.Mark("As shown"), Thick: true},
		lock:   lane{Name: lang.Mark("Lock")}, contact: lane{Name: lang.Mark("Contact")}, people: lane{Name: lang.Mark("People")},
		alarms: lane{Name: lang.Mark("Alarms")}, devices: lane{Name: lang.Mark("Devices")},
	}
	d.state.Opening = o.ID
	for _, e := range before {
		e.Heard = from
		d.take(e)
	}
	d.word = d.wordAt(from)
	for _, e := range events {
		d.ribbonUntil(e.Heard)
		d.take(e)
		d.change(e.Heard, d.wordAt(e.Heard))
	}
	d.ribbonUntil(to)
	d.end(now)
	return chart{From: from, To: to, Ticks: ticks(from, to), Lanes: []lane{d.ribbon, d.lock, d.contact, d.people, d.alarms, d.devices}}
}

// take moves the lanes and the state on by one event.
func (d *drawing) take(e sashlock.Event) {
	d.state.Heard = e.Heard
	switch e.Kind {
	case sashlock.LockLocked:
		d.state.Lock, d.state.LockAt = sashlock.Locked, e.Heard
		d.run(&d.lock, "lock", e.Heard, span{Kind: "rest", Tone: console.Calm, Text: lang.Say("Locked")})
	case sashlock.LockUnlocked, sashlock.LockUnlatched:
		d.state.Lock, d.state.LockAt = sashlock.Unlocked, e.Heard
		d.run(&d.lock, "lock", e.Heard, span{Kind: "busy", Tone: console.Active, Text: lang.Say("Unlocked")})
	case sashlock.LockWasJammed:
		d.state.Lock, d.state.LockAt = sashlock.Jammed, e.Heard
		d.run(&d.lock, "lock", e.Heard, span{Kind: "alert", Tone: console.Alert, Text: lang.Say("Jammed")})
	case sashlock.LockHalfway:
		d.state.Lock, d.state.LockAt = sashlock.Halfway, e.Heard
		d.run(&d.lock, "lock", e.Heard, span{Kind: "alert", Tone: console.Watch, Text: lang.Say("Not fully locked")})
	case sashlock.OpeningOpened:
		d.state.Position, d.state.PositionAt = sashlock.Open, e.Heard
		d.run(&d.contact, "contact", e.Heard, span{Kind: "busy", Tone: console.Watch, Text: lang.Say("Open")})
	case sashlock.OpeningClosed:
		d.state.Position, d.state.PositionAt, d.state.Forced = sashlock.Closed, e.Heard, false
		d.run(&d.contact, "contact", e.Heard, span{Kind: "rest", Tone: console.Calm, Text: lang.Say("Closed")})
	case sashlock.OpeningForced:
		d.state.Forced = true
		d.contact.Marks = append(d.contact.Marks, mark{At: e.Heard, Shape: "octagon", Tone: console.Alert, Text: lang.Say("Forced")})
	default:
		d.others(e)
	}
}

// others takes the events of people, alarms and devices.
func (d *drawing) others(e sashlock.Event) {
	switch e.Kind {
	case sashlock.AccessGranted:
		d.ask(e, "ring", console.Active)
	case sashlock.AccessDenied:
		d.ask(e, "barred-circle", console.Watch)
	case sashlock.PresenceSeen:
		d.run(&d.people, "presence", e.Heard, span{Kind: "rest", Tone: console.Active, Text: lang.Say("Somebody was near")})
	case sashlock.PresenceLost:
		d.stop("presence", e.Heard)
	case sashlock.AlarmRaised:
		d.run(&d.alarms, "alarm "+string(e.Alarm), e.Heard, span{Kind: "alert", Tone: console.Alert, Text: lang.Say(console.RuleWords(e.Rule))})
	case sashlock.AlarmCleared:
		d.stop("alarm "+string(e.Alarm), e.Heard)
	case sashlock.DeviceOffline:
		d.state.Offline = d.state.Offline || d.isLock(e.Device)
		d.run(&d.devices, "device "+string(e.Device), e.Heard, span{Kind: "away", Tone: console.Doubt, Text: lang.Say("Out of reach")})
	case sashlock.DeviceOnline:
		d.state.Offline = d.state.Offline && !d.isLock(e.Device)
		d.stop("device "+string(e.Device), e.Heard)
	case sashlock.DeviceTampered:
		d.devices.Marks = append(d.devices.Marks, mark{At: e.Heard, Shape: "octagon", Tone: console.Alert, Text: lang.Say("Cover opened")})
	case sashlock.BatteryReported:
		d.battery(e)
	}
}

// weakBattery is the level, in percent, below which a battery wants to be
// looked at.
const weakBattery = 20

func (d *drawing) battery(e sashlock.Event) {
	m := mark{At: e.Heard, Shape: "outlined-circle", Tone: console.Calm, Text: lang.Say("Battery %d %%", e.Level)}
	if e.Level < weakBattery {
		m.Shape, m.Tone = "triangle", console.Watch
	}
	d.devices.Marks = append(d.devices.Marks, m)
}

func (d *drawing) isLock(id sashlock.DeviceID) bool {
	one, known := d.book.Devices[id]
	return !known || one.Has(sashlock.CanRelease)
}

func (d *drawing) ask(e sashlock.Event, shape string, tone console.Tone) {
	var who any = lang.Say("Somebody")
	if p, known := d.book.People[e.Person]; known {
		who = p.Name
	}
	text := lang.Say("%s: granted", who)
	if e.Kind == sashlock.AccessDenied {
		text = lang.Say("%s: refused", who)
	}
	d.people.Marks = append(d.people.Marks, mark{At: e.Heard, Shape: shape, Tone: tone, Text: text, Decision: e.Decision})
}

// run ends what goes on under a key and begins the next, unless the same is
// only said again.
func (d *drawing) run(l *lane, key string, at time.Time, s span) {
	if old, is := d.runs[key]; is && old.lane.Spans[old.at].Text.Text == s.Text.Text {
		return
	}
	d.stop(key, at)
	s.From = at
	l.Spans = append(l.Spans, s)
	d.runs[key] = going{l, len(l.Spans) - 1}
}

func (d *drawing) stop(key string, at time.Time) {
	if old, is := d.runs[key]; is {
		old.lane.Spans[old.at].To = at
		delete(d.runs, key)
	}
}

// wordAt is the word that stood on the screen at an instant.
func (d *drawing) wordAt(at time.Time) opening.Word { return opening.Show(d.opening, d.state, at).Word }

// ribbonUntil draws the ribbon up to an instant before which nothing happened:
// what stood open became held open meanwhile.
func (d *drawing) ribbonUntil(at time.Time) {
	if d.word == opening.Open && d.opening.OpenTime > 0 {
		if late := d.state.PositionAt.Add(d.opening.OpenTime); late.Before(at) {
			d.change(late, opening.HeldOpen)
		}
	}
	d.change(at, d.wordAt(at))
}

// change ends the ribbon's word at an instant, if another one follows.
func (d *drawing) change(at time.Time, word opening.Word) {
	if word == d.word {
		return
	}
	d.fill(at)
	d.since, d.word = at, word
}

func (d *drawing) fill(until time.Time) {
	if !until.After(d.since) {
		return
	}
	face := console.FaceOf(d.word)
	d.ribbon.Spans = append(d.ribbon.Spans, span{From: d.since, To: until, Kind: kindOf(face), Tone: face.Tone, Text: lang.Say(face.Text)})
}

// kindOf is how a face is drawn on a lane.
func kindOf(f console.Face) string {
	switch f.Tone {
	case console.Alert:
		return "alert"
	case console.Doubt:
		return "away"
	case console.Calm:
		return "rest"
	}
	return "busy"
}

// end ends what still goes on. What is known now counts more than what was
// recorded: signs of life are not events.
func (d *drawing) end(now sashlock.OpeningState) {
	shown := opening.Show(d.opening, now, d.to)
	if shown.Word == opening.LastSeen && d.word != opening.LastSeen {
		gone := shown.Since
		if !now.Offline {
			gone = gone.Add(opening.StaleAfter)
		}
		if gone.Before(d.since) {
			gone = d.since
		}
		d.change(gone, opening.LastSeen)
	} else {
		d.word = shown.Word
	}
	d.fill(d.to)
	for _, g := range d.runs {
		g.lane.Spans[g.at].To = d.to
	}
}

// ticks are the instants at which the clocks of the store show a full hour that
// is drawn, whatever they did in between.
func ticks(from, to time.Time) []time.Time {
	var all []time.Time
	for at := from; at.Before(to); at = at.Add(time.Hour) {
		_, m, s := at.Clock()
		at = at.Add(-time.Duration(m)*time.Minute - time.Duration(s)*time.Second - time.Duration(at.Nanosecond()))
		if at.Hour()%tickHours == 0 && !at.Before(from) {
			all = append(all, at)
		}
	}
	return all
}

// place is where an instant is on the axis, from 0 to 100 %.
func (c chart) place(at time.Time) string { return percent(c.part(at)) }

// width is how long a span is on the axis; what is shorter than a line can show
// is still drawn.
func (c chart) width(s span) string {
	return percent(max(c.part(s.To)-c.part(s.From), 0.0018))
}

func (c chart) part(at time.Time) float64 {
	return min(1, max(0, float64(at.Sub(c.From))/float64(c.To.Sub(c.From))))
}

func percent(part float64) string { return fmt.Sprintf("%.2f%%", 100*part) }

// row is one line of the chart's table.
type row struct {
	From, To time.Time // To is zero for an instant
	Lane     string
	Text     lang.Phrase
	Decision sashlock.DecisionID
}

// rows is what the chart shows, in words, newest first.
func (c chart) rows() []row {
	var all []row
	for _, l := range c.Lanes {
		for _, s := range l.Spans {
			all = append(all, row{From: s.From, To: s.To, Lane: l.Name, Text: s.Text})
		}
		for _, m := range l.Marks {
			all = append(all, row{From: m.At, Lane: l.Name, Text: m.Text, Decision: m.Decision})
		}
	}
	slices.SortStableFunc(all, func(a, b row) int { return b.From.Compare(a.From) })
	return all
}
