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
		Seq: e.Seq, At: e.Heard, Site: e.Site, Opening: e.Opening, Slug: b.Openings[e.Opening].Slug, Tone: Calm, Count: 1, kind: e.Kind,
	}}
	switch e.Kind {
	case sashlock.AccessGranted, sashlock.AccessDenied, sashlock.AccessTaken, sashlock.AccessNotTaken:
		t.line.Decision = e.Decision
	}
	for _, tell := range []func() bool{t.request, t.movement, t.device, t.alarm, t.change} {
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
		return t.say(Active, "%s asked for %s: granted", t.person(), t.opening())
	case sashlock.AccessDenied:
		return t.say(Watch, "%s asked for %s: refused. %s", t.person(), t.opening(), lang.Say(e.Reason.Words()))
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
	}
	return rule
}

// changes are the kinds of change with what one and several of them are called.
func changeWords(k sashlock.EventKind) (one, many string) {
	switch k {
	case sashlock.SiteSaved:
		return lang.Mark("A site was set up"), lang.Mark("%d sites were set up")
	case sashlock.AreaSaved:
		return lang.Mark("An area was set up"), lang.Mark("%d areas were set up")
	case sashlock.OpeningSaved:
		return lang.Mark("An opening was set up"), lang.Mark("%d openings were set up")
	case sashlock.PersonSaved:
		return lang.Mark("A person was added or changed"), lang.Mark("%d people were added or changed")
	case sashlock.RoleSaved:
		return lang.Mark("A role was added or changed"), lang.Mark("%d roles were added or changed")
	case sashlock.ScheduleSaved:
		return lang.Mark("A schedule was added or changed"), lang.Mark("%d schedules were added or changed")
	case sashlock.GrantSaved:
		return lang.Mark("A grant was given or changed"), lang.Mark("%d grants were given or changed")
	case sashlock.GrantRevoked:
		return lang.Mark("A grant was revoked"), lang.Mark("%d grants were revoked")
	case sashlock.DeviceDiscovered:
		return lang.Mark("A device was found"), lang.Mark("%d devices were found")
	case sashlock.DeviceAdopted:
		return lang.Mark("A device was fitted"), lang.Mark("%d devices were fitted to their openings")
	case sashlock.DeviceReleased:
		return lang.Mark("A device was taken away"), lang.Mark("%d devices were taken away")
	case sashlock.TokenIssued:
		return lang.Mark("A token was issued"), lang.Mark("%d tokens were issued")
	case sashlock.TokenRevoked:
		return lang.Mark("A token was revoked"), lang.Mark("%d tokens were revoked")
	case sashlock.OperatorSaved:
		return lang.Mark("An operator was added or changed"), lang.Mark("%d operators were added or changed")
	case sashlock.OperatorSignedIn:
		return lang.Mark("An operator signed in"), lang.Mark("%d operators signed in")
	case sashlock.TagIssued:
		return lang.Mark("A tag was issued"), lang.Mark("%d tags were issued")
	case sashlock.DeviceTested:
		return lang.Mark("A device was tested"), lang.Mark("%d devices were tested")
	case sashlock.PlanSaved, sashlock.PictureSaved:
		return lang.Mark("A floor plan was changed"), lang.Mark("%d floor plans were changed")
	case sashlock.SiteRemoved, sashlock.AreaRemoved, sashlock.OpeningRemoved, sashlock.PersonRemoved,
		sashlock.RoleRemoved, sashlock.ScheduleRemoved:
		return lang.Mark("Something was removed"), lang.Mark("%d things were removed")
	}
	return "", ""
}

func (t *teller) change() bool {
	switch t.e.Kind {
	case sashlock.OperatorRefused:
		return t.say(Watch, "Somebody tried what they may not in the console")
	case sashlock.EvidenceExported:
		return t.say(Order, "Evidence was exported")
	case sashlock.SystemStarted:
		return t.say(Calm, "Sashlock started")
	case sashlock.JournalReplayed:
		return t.say(Watch, "The ledger can be written again; what was kept meanwhile was added")
	}
	one, many := changeWords(t.e.Kind)
	t.line.many = many
	return one != "" && t.say(Calm, one)
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
