// SPDX-License-Identifier: Apache-2.0

package console

import (
	"slices"
	"time"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/internal/flow"
	"github.com/sashlock/sashlock/internal/lang"
)

// Line is an event, or several of a kind, as people read it.
type Line struct {
	Seq     int64 // number of the last event it tells of
	At      time.Time
	Site    sashlock.SiteID // empty: not about one site
	Opening sashlock.OpeningID
	Slug    string // of the opening, to go there
	Tone    Tone
	Text    lang.Phrase
	Count   int // of how many events it tells

	Decision sashlock.DecisionID // the request it tells of; empty: of none

	rule string // the rule of the alarm it tells of; empty: of none

	kind sashlock.EventKind
	many string // the text for more than one, where lines are gathered: a format for their number
	args []any  // what it takes besides
}

// Mark is the sign in front of a line, so that its tone is not told by colour
// alone.
func (l Line) Mark() string {
	switch l.Tone {
	case Alert:
		return "!"
	case Watch:
		return "×"
	case Active:
		return "→"
	case Order, Doubt:
		return "?"
	}
	return "·"
}

// minLevel is the battery level, in percent, from which on nobody needs to
// know.
const minLevel = 20

// Tell puts an event into plain words, with the names that people have given
// to what it is about; false for what only matters to engineers. They find
// everything in the ledger.
func Tell(b *flow.Book, e sashlock.Event) (Line, bool) {
	t := teller{b: b, e: e, line: Line{
		Seq: e.Seq, At: e.Heard, Site: e.Site, Opening: e.Opening, Slug: b.Openings[e.Opening].Slug, Tone: Calm, Count: 1, kind: e.Kind, rule: e.Rule,
	}}
	switch e.Kind {
	case sashlock.AccessGranted, sashlock.AccessDenied, sashlock.AccessDeferred, sashlock.AccessTaken, sashlock.AccessNotTaken, sashlock.PassbackSeen, sashlock.RailCrossed:
		t.line.Decision = e.Decision
	}
	for _, tell := range []func() bool{t.request, t.movement, t.device, t.alarm, t.whereabouts, t.codes, t.standing, t.change} {
		if tell() {
			return t.line, t.line.Text.Text != ""
		}
	}
	return t.line, false
}

// teller puts one event into words. Each of its methods reports whether it was
// the one to do so; a line without text is not shown.
type teller struct {
	b    *flow.Book
	e    sashlock.Event
	line Line
}

func (t *teller) say(tone Tone, format string, args ...any) bool {
	t.line.Tone, t.line.Text = tone, lang.Say(format, args...)
	return true
}

func (t *teller) opening() any {
	if o, known := t.b.Openings[t.e.Opening]; known {
		return o.Name
	}
	return lang.Say("an opening that no longer exists")
}

// reader is the opening and, where something else is fitted there too, the reader
// at which something was presented.
func (t *teller) reader() any {
	d, known := t.b.Devices[t.e.Device]
	if !known || len(t.b.Fitted(t.e.Opening)) < 2 {
		return t.opening()
	}
	return lang.Say("%s (at %s)", t.opening(), d.Called())
}

func (t *teller) person() any {
	switch p, known := t.b.People[t.e.Person]; {
	case known:
		return p.Name
	case t.e.Person == "":
		return lang.Say("Somebody")
	}
	return lang.Say("Somebody who is no longer known")
}

func (t *teller) request() bool {
	switch e := t.e; e.Kind {
	case sashlock.AccessGranted:
		if e.Why == string(sashlock.OnTrial) {
			return t.say(Active, "%s asked for %s, which is on trial: would be granted", t.person(), t.reader())
		}
		return t.say(Active, "%s asked for %s: granted", t.person(), t.reader())
	case sashlock.AccessDenied:
		if e.Why == string(sashlock.OnTrial) {
			return t.say(Watch, "%s asked for %s, which is on trial: would be refused. %s", t.person(), t.reader(), lang.Say(e.Reason.Words()))
		}
		return t.say(Watch, "%s asked for %s: refused. %s", t.person(), t.reader(), lang.Say(e.Reason.Words()))
	case sashlock.AccessDeferred:
		return t.say(Order, "%s asked for %s and waits. %s", t.person(), t.reader(), lang.Say(e.Reason.Words()))
	case sashlock.PassbackSeen:
		return t.say(Watch, "%s entered by %s without having left", t.person(), t.opening())
	case sashlock.RailCrossed:
		return t.say(Order, "A guard rail that only watches would have kept %s from %s", t.person(), t.opening())
	case sashlock.CredentialRefused:
		return t.say(Watch, "Something presented at %s was refused. %s", t.reader(), lang.Say(e.Reason.Words()))
	case sashlock.AccessTaken:
		return t.say(Active, "%s opened %s", t.person(), t.opening())
	case sashlock.AccessNotTaken:
		return t.say(Calm, "%s did not open %s in time", t.person(), t.opening())
	case sashlock.CommandEnded:
		if e.Reason == "" {
			return true
		}
		return t.say(Watch, "%s did not do as it was told. %s", t.opening(), lang.Say(e.Reason.Words()))
	case sashlock.CommandQueued, sashlock.CommandAccepted:
		return true
	}
	return false
}

func (t *teller) movement() bool {
	switch e := t.e; e.Kind {
	case sashlock.OpeningOpened:
		return t.say(Active, "%s opened", t.opening())
	case sashlock.OpeningClosed:
		return t.say(Calm, "%s closed", t.opening())
	case sashlock.OpeningForced:
		return t.say(Alert, "%s opened while its lock said locked: forced", t.opening())
	case sashlock.LockUnlocked, sashlock.LockUnlatched:
		switch by := t.person(); {
		case e.Slot > 0 && e.Person != "" && e.Method == sashlock.ByKeypad:
			return t.say(Active, "%s unlocked by %s, with the code in slot %d", t.opening(), by, e.Slot)
		case e.Slot > 0 && e.Person != "" && e.Method == sashlock.ByFinger:
			return t.say(Active, "%s unlocked by %s, with a fingerprint", t.opening(), by)
		}
		switch e.Method {
		case sashlock.ByKeypad:
			return t.say(Active, "%s unlocked with the code in slot %d", t.opening(), e.Slot)
		case sashlock.ByHand:
			return t.say(Active, "%s unlocked by hand", t.opening())
		case sashlock.ByKey:
			return t.say(Watch, "%s unlocked with a key", t.opening())
		case sashlock.ByCard, sashlock.ByFinger:
			return t.say(Active, "%s unlocked at the lock itself", t.opening())
		}
		return true
	case sashlock.LockLocked:
		if e.Method == sashlock.ByHand || e.Method == sashlock.ByKey {
			return t.say(Calm, "%s locked by hand", t.opening())
		}
		return true
	case sashlock.LockWasJammed:
		return t.say(Alert, "The bolt of %s is jammed", t.opening())
	case sashlock.LockHalfway:
		return t.say(Watch, "%s is not fully locked", t.opening())
	case sashlock.CodeRefused:
		return t.say(Watch, "A wrong code was typed at %s", t.opening())
	case sashlock.PresenceSeen, sashlock.PresenceLost:
		return true
	}
	return false
}

func (t *teller) device() bool {
	switch e := t.e; e.Kind {
	case sashlock.DeviceOffline:
		return t.say(Doubt, "%s cannot be reached", t.opening())
	case sashlock.DeviceOnline:
		return t.say(Calm, "%s can be reached again", t.opening())
	case sashlock.DeviceTampered:
		return t.say(Alert, "A cover was opened at %s", t.opening())
	case sashlock.TamperCleared:
		return t.say(Calm, "The cover is shut again at %s", t.opening())
	case sashlock.BatteryReported:
		if e.Level >= minLevel {
			return true
		}
		return t.say(Watch, "The battery at %s is down to %d %%", t.opening(), e.Level)
	case sashlock.ReportRefused:
		t.line.many, t.line.args = lang.Mark("%d reports were not acted on. %s"), []any{lang.Say(e.Reason.Words())}
		return t.say(Doubt, "A report was not acted on. %s", lang.Say(e.Reason.Words()))
	}
	return false
}

func (t *teller) alarm() bool {
	switch e := t.e; e.Kind {
	case sashlock.AlarmRaised:
		return t.say(Alert, "Alarm at %s: %s", t.opening(), lang.Say(RuleWords(e.Rule)))
	case sashlock.AlarmCleared:
		return t.say(Calm, "%s: over (%s)", t.opening(), lang.Say(RuleWords(e.Rule)))
	case sashlock.AlarmAcknowledged:
		return t.say(Calm, "An operator has seen the alarm at %s", t.opening())
	case sashlock.AlarmShelved:
		return t.say(Order, "The alarm at %s was put aside for a time", t.opening())
	case sashlock.IncidentTaken:
		return t.say(Calm, "An operator took an incident")
	case sashlock.IncidentResolved:
		return t.say(Calm, "An incident was resolved")
	case sashlock.CallRaised:
		return t.say(Watch, "A customer waits at %s", t.opening())
	case sashlock.CallTaken:
		return t.say(Active, "%s goes to the customer at %s", t.person(), t.opening())
	case sashlock.CallEnded:
		return t.say(Calm, "The customer at %s no longer waits", t.opening())
	case sashlock.GuestAdmitted:
		return t.say(Active, "A customer may open %s alone", t.opening())
	case sashlock.GuestRefused:
		return t.say(Watch, "A customer who wanted to open %s alone was turned away", t.opening())
	}
	return false
}

// RuleWords is what a rule finds, in a word or two.
func RuleWords(rule string) string {
	switch rule {
	case "unattended":
		return lang.Mark("Unattended")
	case "heldopen":
		return lang.Mark("Held open")
	case "forced":
		return lang.Mark("Forced")
	case "afterhours":
		return lang.Mark("Open after hours")
	case "jammed":
		return lang.Mark("A bolt is stuck")
	case "lowbattery":
		return lang.Mark("Battery nearly empty")
	case "downgraded":
		return lang.Mark("A reader lost its protection")
	case "revocation":
		return lang.Mark("A lock has not forgotten a code")
	case "lateopening":
		return lang.Mark("Opened late")
	case "duress":
		return lang.Mark("Somebody is being forced")
	case "scenario":
		return lang.Mark("Raised by a scenario")
	}
	return rule
}

// lookBack is how many lines back one may belong to the newest.
const lookBack = 12

// seenOpen reports whether the lines tell of an opening being open: if not, that
// it closed is how it was found.
func seenOpen(lines []Line, id sashlock.OpeningID) bool {
	for _, l := range slices.Backward(lines) {
		if l.Opening != id {
			continue
		}
		switch l.kind {
		case sashlock.OpeningOpened, sashlock.OpeningForced, sashlock.AccessTaken:
			return true
		case sashlock.OpeningClosed:
			return false
		}
	}
	return false
}

// gather adds a line behind others. Lines of a kind that say the same of many
// things become one, and an open that was explained replaces the bare one.
func gather(lines []Line, l Line) []Line {
	if l.kind == sashlock.OpeningClosed && !seenOpen(lines, l.Opening) {
		l.Text.Text, l.many = lang.Mark("%s is closed"), lang.Mark("%d openings are closed")
	}
	if len(lines) == 0 {
		return append(lines, l)
	}
	last := &lines[len(lines)-1]
	if l.many != "" && last.many == l.many && last.kind == l.kind {
		l.Count = last.Count + 1
		l.Text = lang.Say(l.many, append([]any{l.Count}, l.args...)...)
		*last = l
		return lines
	}
	return append(explained(lines, l), l)
}

// explained removes the lines that a later one tells better: that somebody
// opened it says that it was granted and that it opened.
func explained(lines []Line, by Line) []Line {
	var better []sashlock.EventKind
	switch by.kind {
	case sashlock.AccessTaken:
		better = []sashlock.EventKind{sashlock.AccessGranted, sashlock.OpeningOpened}
	case sashlock.OpeningForced:
		better = []sashlock.EventKind{sashlock.OpeningOpened}
	}
	for _, kind := range better {
		for i := len(lines) - 1; i >= max(0, len(lines)-lookBack); i-- {
			if lines[i].kind == kind && lines[i].Opening == by.Opening {
				lines = slices.Delete(lines, i, i+1)
				break
			}
		}
	}
	return lines
}
