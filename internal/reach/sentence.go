// SPDX-License-Identifier: Apache-2.0

package reach

import (
	"slices"
	"strings"
	"time"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/internal/estate"
	"github.com/sashlock/sashlock/internal/lang"
)

// Name is something that a sentence speaks of.
type Name struct {
	Kind estate.Kind // empty: nothing with a page of its own
	Ref  string      // its slug
	Text string
}

// Piece is a stretch of a sentence.
type Piece struct {
	Text string
	Of   Name // what it names; without a kind: plain words
}

// Sentence is what a grant says. The names in it can be told from the words
// around them, whatever is in a name.
type Sentence struct {
	phrase lang.Phrase
	names  []Name
}

// firstMark stands for the first name while the sentence is put together: a
// character for private use, of which the words themselves have none.
const firstMark = rune(0xF0000)

// name adds a name and returns what stands for it.
func (s *Sentence) name(k estate.Kind, ref, text string) string {
	s.names = append(s.names, Name{k, ref, text})
	return string(firstMark + rune(len(s.names)-1))
}

// Pieces is the sentence in a language, in order.
func (s Sentence) Pieces(l lang.Language) []Piece {
	var all []Piece
	var plain strings.Builder
	flush := func() {
		if plain.Len() > 0 {
			all = append(all, Piece{Text: plain.String()})
			plain.Reset()
		}
	}
	for _, r := range s.phrase.In(l) {
		if n := int(r - firstMark); n >= 0 && n < len(s.names) {
			flush()
			all = append(all, Piece{Text: s.names[n].Text, Of: s.names[n]})
			continue
		}
		plain.WriteRune(r)
	}
	flush()
	return all
}

// In is the sentence in a language, as one text.
func (s Sentence) In(l lang.Language) string {
	var b strings.Builder
	for _, p := range s.Pieces(l) {
		b.WriteString(p.Text)
	}
	return b.String()
}

// Sentence says what a grant gives, to whom, when and on which terms.
func (f Facts) Sentence(g sashlock.Grant) Sentence {
	var s Sentence
	who, what := f.who(&s, g), f.what(&s, g)
	parts := append(f.when(&s, g), f.terms(&s, g.Terms)...)
	when := parts[0]
	for _, p := range parts[1:] {
		when = lang.Phrase{Text: "%s, %s", Args: []any{when, p}}
	}
	s.phrase = lang.Say("%s may open %s, %s", who, what, when)
	return s
}

func (f Facts) who(s *Sentence, g sashlock.Grant) lang.Phrase {
	if r, known := f.Roles[g.Role]; known {
		return lang.Say("Everyone in %s", s.name(estate.Roles, r.Slug, r.Name))
	}
	if p, known := f.People[g.Person]; known {
		return lang.Phrase{Text: "%s", Args: []any{s.name(estate.People, p.Slug, p.Name)}}
	}
	return lang.Say("Nobody")
}

func (f Facts) what(s *Sentence, g sashlock.Grant) lang.Phrase {
	if o, known := f.Openings[g.Opening]; known {
		return lang.Phrase{Text: "%s", Args: []any{s.name(estate.Openings, o.Slug, o.Name)}}
	}
	if a, known := f.Areas[g.Area]; known {
		return lang.Say("everything in %s", s.name(estate.Areas, f.Ref(estate.Areas, string(a.ID)), a.Name))
	}
	if site, known := f.Sites[g.Site]; known {
		return lang.Say("everything at %s", s.name(estate.Sites, site.Slug, site.Name))
	}
	return lang.Say("nothing")
}

// when says at which times: by the schedule, and between which instants.
func (f Facts) when(s *Sentence, g sashlock.Grant) []any {
	var parts []any
	zone := f.zone(g)
	switch sched, known := f.Schedules[g.Schedule]; {
	case g.Schedule == "":
		parts = append(parts, lang.Say("at any time"))
	case !known:
		parts = append(parts, lang.Say("never"))
	default:
		parts = append(parts, f.scheduled(s, sched, zone))
	}
	if !g.From.IsZero() {
		parts = append(parts, lang.Say("from %s", moment(g.From.In(zone), false)))
	}
	if !g.Until.IsZero() {
		parts = append(parts, lang.Say("until %s", moment(g.Until.In(zone), true)))
	}
	return parts
}

// shortWeek is how many periods of a week are written out; with more, the name
// of the schedule says it better.
const shortWeek = 2

func (f Facts) scheduled(s *Sentence, sched sashlock.Schedule, zone *time.Location) lang.Phrase {
	in := s.name("", "", zone.String())
	name := s.name(estate.Schedules, sched.Slug, sched.Name)
	if len(sched.Weekly) == 0 || len(sched.Weekly) > shortWeek {
		return lang.Say("at the times of %s (%s)", name, in)
	}
	week := lang.Phrase{Text: "%s", Args: []any{Period(sched.Weekly[0])}}
	for _, p := range sched.Weekly[1:] {
		week = lang.Say("%s and %s", week, Period(p))
	}
	if len(sched.Special) > 0 || !sched.First.IsZero() || !sched.Last.IsZero() {
		return lang.Say("%s with the special days of %s (%s)", week, name, in)
	}
	return lang.Say("%s by %s (%s)", week, name, in)
}

// Period says one stretch of the week: "Mon–Fri 09:00–17:00".
func Period(p sashlock.Period) lang.Phrase {
	return lang.Phrase{Text: "%s %s–%s", Args: []any{days(p.Days), p.From.String(), p.Until.String()}}
}

// days names days of the week, three and more in a row as a range, from Monday
// on.
func days(list []time.Weekday) lang.Phrase {
	var has [8]bool // from Monday; the last one ends every range
	for _, d := range list {
		has[(d+6)%7] = true
	}
	if !slices.Contains(has[:7], false) {
		return lang.Say("every day")
	}
	short := func(i int) lang.Phrase { return lang.Say(time.Weekday((i + 1) % 7).String()[:3]) }
	var all lang.Phrase
	add := func(p lang.Phrase) {
		if all.Text == "" {
			all = p
			return
		}
		all = lang.Phrase{Text: "%s, %s", Args: []any{all, p}}
	}
	for i := 0; i < 7; i++ {
		if !has[i] {
			continue
		}
		last := i
		for has[last+1] {
			last++
		}
		if last-i < 2 {
			add(short(i))
			continue
		}
		add(lang.Phrase{Text: "%s–%s", Args: []any{short(i), short(last)}})
		i = last
	}
	return all
}

// Date says a day of the calendar: "30 Nov 2026".
func Date(at time.Time) lang.Phrase {
	return lang.Phrase{Text: "%d %s %d", Args: []any{at.Day(), lang.Say(at.Month().String()[:3]), at.Year()}}
}

// moment says an instant as exactly as it is. An end at midnight is the end of
// the day before.
func moment(at time.Time, end bool) lang.Phrase {
	clock := "15:04"
	switch h, m, sec := at.Clock(); {
	case at.Nanosecond() != 0:
		clock = "15:04:05.999999"
	case sec != 0:
		clock = "15:04:05"
	case h+m == 0 && end:
		return lang.Say("the end of %s", Date(at.AddDate(0, 0, -1)))
	case h+m == 0:
		return lang.Phrase{Text: "%s", Args: []any{Date(at)}}
	}
	words := lang.Phrase{Text: "%s, %s", Args: []any{Date(at), at.Format(clock)}}
	if twice(at) {
		return lang.Say("%s, when clocks show it for the %s time", words, which(at))
	}
	return words
}

// twice reports whether the clocks show this time twice on that day.
func twice(at time.Time) bool { return at.Format(time.DateTime) == other(at).Format(time.DateTime) }

// other is the instant that clocks may show like this one.
func other(at time.Time) time.Time {
	_, now := at.Zone()
	for _, around := range []time.Duration{-3 * time.Hour, 3 * time.Hour} {
		if _, then := at.Add(around).Zone(); then != now {
			return at.Add(time.Duration(now-then) * time.Second)
		}
	}
	return at.Add(time.Second)
}

func which(at time.Time) lang.Phrase {
	if other(at).After(at) {
		return lang.Say("first")
	}
	return lang.Say("second")
}
