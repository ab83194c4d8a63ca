// SPDX-License-Identifier: Apache-2.0

package scenarios

import (
	"cmp"
	"context"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/internal/console"
	"github.com/sashlock/sashlock/internal/lang"
	"github.com/sashlock/sashlock/internal/scenario"
)

// kindWords is what a kind is called.
func kindWords(k scenario.Kind) string {
	switch k {
	case scenario.PeakHour:
		return lang.Mark("Peak hour")
	case scenario.Opening:
		return lang.Mark("Opening the store")
	case scenario.Closing:
		return lang.Mark("Closing the store")
	case scenario.Special:
		return lang.Mark("Special event")
	case scenario.Lockdown:
		return lang.Mark("Lockdown")
	}
	return lang.Mark("Something else")
}

// countWords is what is counted.
func countWords(c scenario.Counted) string {
	switch c {
	case scenario.Footfall:
		return lang.Mark("people who come in")
	case scenario.Calls:
		return lang.Mark("customers who call")
	}
	return lang.Mark("sales")
}

// eventWords is a kind of event that may begin a scenario.
func eventWords(kind sashlock.EventKind) string {
	switch kind {
	case sashlock.AlarmRaised:
		return lang.Mark("an alarm is raised")
	case sashlock.AlarmCleared:
		return lang.Mark("an alarm is over")
	case sashlock.OpeningForced:
		return lang.Mark("an opening is forced")
	case sashlock.OpeningOpened:
		return lang.Mark("an opening is opened")
	case sashlock.OpeningClosed:
		return lang.Mark("an opening is closed")
	case sashlock.LockWasJammed:
		return lang.Mark("a bolt is jammed")
	case sashlock.LockHalfway:
		return lang.Mark("a lock is not fully locked")
	case sashlock.LockUnlocked:
		return lang.Mark("a lock is unlocked")
	case sashlock.CodeRefused:
		return lang.Mark("a wrong code is typed")
	case sashlock.AccessDenied:
		return lang.Mark("somebody is refused")
	case sashlock.AccessTaken:
		return lang.Mark("somebody opens something")
	case sashlock.DuressSignalled:
		return lang.Mark("somebody is being forced")
	case sashlock.DeviceTampered:
		return lang.Mark("a device is tampered with")
	case sashlock.DeviceOffline:
		return lang.Mark("a device cannot be reached")
	case sashlock.CallRaised:
		return lang.Mark("a customer calls")
	case sashlock.PersonClockedIn:
		return lang.Mark("somebody clocks in")
	case sashlock.ThreatChanged:
		return lang.Mark("the standing of the store changes")
	case sashlock.ModeOrdered:
		return lang.Mark("an order for an opening is given")
	case sashlock.ModeWithdrawn:
		return lang.Mark("an order for an opening ends")
	case sashlock.ScenarioBegan:
		return lang.Mark("a scenario begins")
	case sashlock.ScenarioEnded:
		return lang.Mark("a scenario ends")
	}
	return string(kind)
}

// railName is what keeps a scenario from an opening.
func railName(ctx context.Context, rail string) string {
	switch rail {
	case scenario.HighValue:
		return lang.T(ctx, "it is of high value")
	case "guard.never":
		return lang.T(ctx, "the scenario leaves it out")
	case "no lock":
		return lang.T(ctx, "no lock that can be held unlocked is fitted")
	}
	return lang.T(ctx, "guard rail %s", rail)
}

// clockWords says a time of the store's clocks, as scenarios have it, as people
// do; what is no such time is left as it is.
func clockWords(ctx context.Context, written string) string {
	at, err := time.Parse(scenario.LocalTime, strings.Replace(written, "T", " ", 1))
	if err != nil {
		return written
	}
	return console.Day(ctx, at) + at.Format(" 2006, 15:04")
}

// begins says what begins a scenario.
func begins(ctx context.Context, s scenario.Scenario) string {
	t := s.Trigger
	var says []string
	switch {
	case t.Schedule != "":
		says = append(says, lang.T(ctx, "by the schedule %s", t.Schedule))
	case t.Dates != nil:
		says = append(says, lang.T(ctx, "once, from %s to %s", clockWords(ctx, t.Dates.From), clockWords(ctx, t.Dates.Until)))
	case t.Rate != nil:
		says = append(says, lang.T(ctx, "when %d %s are counted in %s, until there are no more than %d", t.Rate.Rise, lang.T(ctx, countWords(t.Rate.Of)), orUsual(t.Rate.Over, "15m"), t.Rate.Fall))
	case t.Event != nil:
		says = append(says, lang.T(ctx, "when %s", lang.T(ctx, eventWords(sashlock.EventKind(t.Event.Kind)))))
	}
	if t.Button {
		says = append(says, lang.T(ctx, "by hand"))
	}
	return strings.Join(says, ", ")
}

func orUsual(text, usual string) string {
	if text == "" {
		return usual
	}
	return text
}

// does says what a scenario does while it runs.
func (p pages) does(ctx context.Context, s scenario.Scenario) []string {
	var says []string
	a := s.Actions
	names := p.names(s.Site)
	for _, h := range a.Hold {
		text := lang.T(ctx, "holds unlocked: %s", whereWords(ctx, names, h.Where))
		switch {
		case h.PerAssociate > 0:
			text += lang.T(ctx, ", %d for each person on shift", h.PerAssociate)
		case h.Most > 0:
			text += lang.T(ctx, ", %d at most", h.Most)
		}
		says = append(says, text)
	}
	for _, w := range a.Lock {
		says = append(says, lang.T(ctx, "locks down: %s", whereWords(ctx, names, w)))
	}
	if a.Threat != "" {
		says = append(says, lang.T(ctx, "the store stands at: %s", lang.T(ctx, console.ThreatWords(a.Threat))))
	}
	if a.Alarm != nil {
		says = append(says, lang.T(ctx, "raises an alarm: %s", a.Alarm.Text))
	}
	if a.Notify != "" {
		says = append(says, a.Notify)
	}
	if n := len(a.Grants); n > 0 {
		says = append(says, lang.N(ctx, n, "gives %d grant while it runs", "gives %d grants while it runs"))
	}
	return says
}

// names is what the areas and openings of a site are called, by how people
// wrote them.
func (p pages) names(site string) map[string]string {
	book, all := p.Hall.Book(), map[string]string{}
	for _, a := range book.Areas {
		if s := book.Sites[a.Site].Slug; s == site {
			all[s+"/"+a.Slug] = a.Name
		}
	}
	for _, o := range book.Openings {
		if book.Sites[o.Site].Slug == site {
			all[o.Slug] = o.Name
		}
	}
	return all
}

// whereWords names openings.
func whereWords(ctx context.Context, names map[string]string, w scenario.Where) string {
	var all []string
	if w.All {
		all = append(all, lang.T(ctx, "every opening of the store"))
	}
	for _, one := range append(slices.Clone(w.Areas), w.Openings...) {
		all = append(all, cmp.Or(names[one], one)) // what is gone has no name
	}
	text := strings.Join(all, ", ")
	if len(w.Kinds) > 0 {
		var kinds []string
		for _, k := range w.Kinds {
			kinds = append(kinds, lang.T(ctx, openingKind(k)))
		}
		text += " (" + strings.Join(kinds, ", ") + ")"
	}
	return text
}

// ofEntry is how a scenario records the entry that began it.
var ofEntry = regexp.MustCompile(`^entry (\d+): (\S+)$`)

// recorded are the reasons that are recorded in English with values in them.
var recorded = []struct {
	pattern *regexp.Regexp
	say     func(ctx context.Context, v []string) string
}{
	{regexp.MustCompile(`^(sales|footfall|calls): (\S+) in (\S+), from (\S+) on$`), func(ctx context.Context, v []string) string {
		return lang.T(ctx, "%s %s in %s, from %s on", v[2], lang.T(ctx, countWords(scenario.Counted(v[1]))), v[3], v[4])
	}},
	{regexp.MustCompile(`^schedule (\S+)$`), func(ctx context.Context, v []string) string { return lang.T(ctx, "by the schedule %s", v[1]) }},
	{regexp.MustCompile(`^its time, (.+) to (.+)$`), func(ctx context.Context, v []string) string {
		return lang.T(ctx, "once, from %s to %s", clockWords(ctx, v[1]), clockWords(ctx, v[2]))
	}},
}

// because says a recorded reason in the reader's language. Of an entry that began
// a scenario it says what a rule found; who does not learn of that, because the
// rule stays silent, is told so and no more.
func (p pages) because(ctx context.Context, why string) string {
	if v := ofEntry.FindStringSubmatch(why); v != nil {
		seq, _ := strconv.ParseInt(v[1], 10, 64)
		e, err := p.Store.EventAt(ctx, seq)
		switch {
		case err != nil:
			e = sashlock.Event{Kind: sashlock.EventKind(v[2])}
		case e.Rule != "" && console.Who(ctx).Operator.HearsOf(e):
			return lang.T(ctx, "entry %s: %s (%s)", v[1], lang.T(ctx, eventWords(e.Kind)), lang.T(ctx, console.RuleWords(e.Rule)))
		}
		if e.Kind == scenario.Unsaid || !console.Who(ctx).Operator.HearsOf(e) {
			return lang.T(ctx, "a rule that stays silent found something: those who handle alarms see what")
		}
		return lang.T(ctx, "entry %s: %s", v[1], lang.T(ctx, eventWords(e.Kind)))
	}
	for _, r := range recorded {
		if v := r.pattern.FindStringSubmatch(why); v != nil {
			return r.say(ctx, v)
		}
	}
	return lang.T(ctx, why)
}

// number reads a number that may be missing.
func number(text string) int {
	n, err := strconv.Atoi(strings.TrimSpace(text))
	if err != nil {
		return 0 // what is checked later says what is wrong
	}
	return n
}

// openingKind is a kind of opening.
func openingKind(k string) string {
	switch sashlock.OpeningKind(k) {
	case sashlock.Door:
		return lang.Mark("Doors")
	case sashlock.Case:
		return lang.Mark("Cases")
	case sashlock.Cage:
		return lang.Mark("Cages")
	case sashlock.Locker:
		return lang.Mark("Lockers")
	case sashlock.Hatch:
		return lang.Mark("Hatches")
	case sashlock.Vending:
		return lang.Mark("Vending machines")
	case sashlock.Kiosk:
		return lang.Mark("Kiosks")
	}
	return k
}

func joined(all []string) string { return strings.Join(all, ", ") }
