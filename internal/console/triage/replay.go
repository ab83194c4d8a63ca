// SPDX-License-Identifier: Apache-2.0

package triage

import (
	"cmp"
	"slices"
	"time"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/internal/console"
	"github.com/sashlock/sashlock/internal/flow"
	"github.com/sashlock/sashlock/internal/lang"
)

// The rules of the replay are:
//
//   - It shows what the ledger says, at the time it was heard: the clocks of
//     devices are not compared with each other.
//   - It reaches from a minute before the first alarm to a minute after the
//     latest one.
//   - How things stood at its beginning is what was last heard before it. What
//     was not heard is unknown, never guessed.

// The reach of a replay.
const (
	margin     = time.Minute
	maxReach   = 2 * time.Hour // of one incident; what is later is in the list of events only
	maxOpening = 4             // openings with lanes of their own
)

// moment is one event of a replay.
type moment struct {
	Seq   int64
	At    time.Time
	Tone  console.Tone
	Mark  string // the sign of its tone
	Text  lang.Phrase
	Lane  string // key of the lane that it is drawn in
	First bool   // the first finding
}

// stretch is how one thing stood from one instant to another.
type stretch struct {
	From, Until time.Time
	Word        string // as [lang.Mark] has it
	Look        string // its style
}

// lane is one line of a replay.
type lane struct {
	Key       string
	Label     lang.Phrase
	Stretches []stretch // of a thing that stands in one way or another
	Moments   []moment  // of things that happen
}

// tape is all that a replay shows.
type tape struct {
	From, Until time.Time
	First       time.Time // the first finding
	Lanes       []lane
	Moments     []moment // in order
	Cut         bool     // there is more than it shows
	Running     bool     // its end has not come yet
}

// reel is what a tape is made of.
type reel struct {
	book    *flow.Book
	zone    *time.Location
	from    time.Time
	until   time.Time
	first   time.Time
	now     time.Time
	opening []sashlock.OpeningID // those with lanes, the first alarm's first
	before  []sashlock.Event     // the last words of their devices before it begins
	events  []sashlock.Event     // in order
	names   names
}

// The keys of the lanes that all openings share.
const (
	lanePeople = "people"
	laneAlarms = "alarms"
)

// wind puts a tape together.
func (r reel) wind() tape {
	t := tape{From: in(r.from, r.zone), Until: in(r.until, r.zone), First: in(r.first, r.zone), Running: r.now.Before(r.until)}
	end := r.until
	if t.Running {
		end = r.now
	}
	for _, id := range r.opening {
		t.Lanes = append(t.Lanes, r.lanesOf(id, end)...)
	}
	people, acts := lane{Key: lanePeople, Label: lang.Say("People and requests")}, lane{Key: laneAlarms, Label: lang.Say("Alarms and operators")}
	for _, e := range r.events {
		m, tell := r.moment(e)
		if !tell {
			continue
		}
		if e.Kind == sashlock.AlarmRaised && e.Heard.Equal(r.first) {
			m.First = !slices.ContainsFunc(t.Moments, func(m moment) bool { return m.First })
		}
		t.Moments = append(t.Moments, m)
		switch m.Lane {
		case lanePeople:
			people.Moments = append(people.Moments, m)
		case laneAlarms:
			acts.Moments = append(acts.Moments, m)
		}
	}
	t.Lanes = append(t.Lanes, people, acts)
	return t
}

// aspect is one thing about an opening that a lane shows.
type aspect struct {
	key    string
	label  string // takes the name of the opening
	reads  func(sashlock.Event) (word, look string)
	always bool // also when nothing was heard of it
}

func aspects() []aspect {
	return []aspect{
		{"lock", lang.Mark("%s: lock"), lockWord, true},
		{"contact", lang.Mark("%s: contact"), contactWord, true},
		{"presence", lang.Mark("%s: presence"), presenceWord, false},
	}
}

func lockWord(e sashlock.Event) (word, look string) {
	switch e.Kind {
	case sashlock.LockLocked:
		return lang.Mark("locked"), "rest"
	case sashlock.LockUnlocked, sashlock.LockUnlatched:
		return lang.Mark("unlocked"), "use"
	case sashlock.LockWasJammed:
		return lang.Mark("jammed"), "wrong"
	case sashlock.LockHalfway:
		return lang.Mark("not fully locked"), "wrong"
	case sashlock.DeviceOffline:
		return lang.Mark("out of reach"), "doubt"
	}
	return "", ""
}

func contactWord(e sashlock.Event) (word, look string) {
	switch e.Kind {
	case sashlock.OpeningOpened:
		return lang.Mark("open"), "open"
	case sashlock.OpeningForced:
		return lang.Mark("forced open"), "wrong"
	case sashlock.OpeningClosed:
		return lang.Mark("closed"), "rest"
	}
	return "", ""
}

func presenceWord(e sashlock.Event) (word, look string) {
	switch e.Kind {
	case sashlock.PresenceSeen:
		return lang.Mark("somebody there"), "use"
	case sashlock.PresenceLost:
		return lang.Mark("nobody seen"), "rest"
	}
	return "", ""
}

// lanesOf are the lanes of one opening, up to an instant.
func (r reel) lanesOf(id sashlock.OpeningID, end time.Time) []lane {
	var name any = r.book.Openings[id].Name
	if name == "" {
		name = lang.Say("an opening that no longer exists")
	}
	var all []lane
	for _, a := range aspects() {
		l := lane{Key: a.key + "-" + string(id), Label: lang.Say(a.label, name)}
		word, look := lang.Mark("unknown"), "doubt"
		heard := false
		for _, e := range r.before {
			if w, k := a.reads(e); w != "" && e.Opening == id {
				word, look, heard = w, k, true
			}
		}
		at := r.from
		for _, e := range r.events {
			w, k := a.reads(e)
			if w == "" || e.Opening != id || e.Heard.After(end) {
				continue
			}
			heard = true
			if w != word && e.Heard.After(at) {
				l.Stretches = append(l.Stretches, stretch{in(at, r.zone), in(e.Heard, r.zone), word, look})
				at = e.Heard
			}
			word, look = w, k
		}
		l.Stretches = append(l.Stretches, stretch{in(at, r.zone), in(end, r.zone), word, look})
		if heard || a.always {
			all = append(all, l)
		}
	}
	return all
}

// moment puts one event into words and a lane; false for what does not help to
// understand what happened.
func (r reel) moment(e sashlock.Event) (moment, bool) {
	m := moment{Seq: e.Seq, At: in(e.Heard, r.zone), Tone: console.Calm, Mark: "·", Lane: laneOf(e)}
	if text := r.own(e); text.Text != "" {
		m.Text = text
		return m, true
	}
	l, tell := console.Tell(r.book, e)
	if !tell {
		return m, false
	}
	m.Tone, m.Mark, m.Text = l.Tone, l.Mark(), l.Text
	return m, true
}

// own are the words for what the rest of the console does not tell, or not
// with the operator's name.
func (r reel) own(e sashlock.Event) lang.Phrase {
	var name any = r.book.Openings[e.Opening].Name
	if name == "" {
		name = lang.Say("an opening that no longer exists")
	}
	var who any = r.names[e.Operator]
	if who == "" {
		who = lang.Say("somebody who is no longer an operator")
	}
	switch e.Kind {
	case sashlock.PresenceSeen:
		return lang.Say("Somebody seen at %s", name)
	case sashlock.PresenceLost:
		return lang.Say("Nobody seen at %s any more", name)
	case sashlock.LockLocked:
		return lang.Say("%s locked", name)
	case sashlock.LockUnlocked, sashlock.LockUnlatched:
		if e.Method == "" || e.Method == sashlock.ByRemote || e.Method == sashlock.BySelf {
			return lang.Say("%s unlocked", name)
		}
	case sashlock.AlarmAcknowledged:
		return lang.Say("%s acknowledged the alarm at %s", who, name)
	case sashlock.AlarmShelved:
		return lang.Say("%s shelved the alarm at %s", who, name)
	case sashlock.AlarmUnshelved:
		return lang.Say("The shelved alarm at %s is back", name)
	case sashlock.IncidentTaken:
		return lang.Say("%s took the incident", who)
	case sashlock.IncidentNoted:
		if e.Why != "" {
			return lang.Say("%s gave an opinion", who)
		}
		return lang.Say("%s wrote a note", who)
	case sashlock.IncidentResolved:
		return lang.Say("%s resolved the incident", who)
	case sashlock.IncidentReopened:
		return lang.Say("%s reopened the incident", who)
	}
	return lang.Phrase{}
}

// laneOf is the lane in which an event is a mark; the others are the ends of
// stretches.
func laneOf(e sashlock.Event) string {
	switch e.Kind {
	case sashlock.AccessGranted, sashlock.AccessDenied, sashlock.AccessTaken, sashlock.AccessNotTaken, sashlock.CodeRefused:
		return lanePeople
	case sashlock.LockUnlocked, sashlock.LockUnlatched:
		if e.Method == sashlock.ByKeypad || e.Method == sashlock.ByCard || e.Method == sashlock.ByFinger || e.Method == sashlock.ByKey || e.Method == sashlock.ByHand {
			return lanePeople
		}
	case sashlock.AlarmRaised, sashlock.AlarmCleared, sashlock.AlarmAcknowledged, sashlock.AlarmShelved, sashlock.AlarmUnshelved,
		sashlock.IncidentTaken, sashlock.IncidentNoted, sashlock.IncidentResolved, sashlock.IncidentReopened, sashlock.DeviceTampered:
		return laneAlarms
	}
	return ""
}

// The drawing: places are in its own units.
const (
	drawWidth = 760
	drawLeft  = 168 // where the axis begins
	drawRight = 752 // and ends
	drawTop   = 26
	laneStep  = 32
	laneHigh  = 20
)

// x is where an instant is.
func (t tape) x(at time.Time) float64 {
	whole := t.Until.Sub(t.From)
	if whole <= 0 {
		return drawLeft
	}
	part := min(max(float64(at.Sub(t.From))/float64(whole), 0), 1)
	return drawLeft + part*(drawRight-drawLeft)
}

// height is how high the drawing is.
func (t tape) height() int { return drawTop + len(t.Lanes)*laneStep + 6 }

// ticks are the instants that the axis names.
func (t tape) ticks() []time.Time {
	whole := t.Until.Sub(t.From)
	steps := []time.Duration{10 * time.Second, 15 * time.Second, 30 * time.Second, time.Minute, 2 * time.Minute, 5 * time.Minute, 10 * time.Minute, 15 * time.Minute, 30 * time.Minute, time.Hour}
	step := steps[len(steps)-1]
	for _, s := range steps {
		if whole/s <= 5 {
			step = s
			break
		}
	}
	var all []time.Time
	for at := t.From.Truncate(step).Add(step); at.Before(t.Until); at = at.Add(step) {
		all = append(all, at)
	}
	return all
}

// ms is how far into the tape an instant is, in milliseconds.
func (t tape) ms(at time.Time) int64 { return at.Sub(t.From).Milliseconds() }

// sorted brings events into the order of the ledger, each once.
func sorted(events []sashlock.Event) []sashlock.Event {
	slices.SortFunc(events, func(a, b sashlock.Event) int { return cmp.Compare(a.Seq, b.Seq) })
	return slices.CompactFunc(events, func(a, b sashlock.Event) bool { return a.Seq == b.Seq })
}
