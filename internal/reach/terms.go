// SPDX-License-Identifier: Apache-2.0

package reach

import (
	"time"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/internal/estate"
	"github.com/sashlock/sashlock/internal/lang"
)

// terms says what a grant asks for beyond the right person, opening and time.
func (f Facts) terms(s *Sentence, t sashlock.Terms) []any {
	var parts []any
	if t.OnShift {
		parts = append(parts, lang.Say("only on shift there"))
	}
	if r, known := f.Roles[t.With]; known {
		parts = append(parts, lang.Say("with somebody in %s present", s.name(estate.Roles, r.Slug, r.Name)))
	} else if t.With != "" {
		parts = append(parts, lang.Say("with somebody present whose role is no longer known"))
	}
	if p, known := f.People[t.Escort]; known {
		parts = append(parts, lang.Say("with %s there as the host", s.name(estate.People, p.Slug, p.Name)))
	} else if t.Escort != "" {
		parts = append(parts, lang.Say("with a host there who is no longer known"))
	}
	if t.Two {
		parts = append(parts, lang.Say("together with a second person who may open it"))
	}
	if t.Level > sashlock.AssuranceNone {
		parts = append(parts, lang.Say("by %s", Level(t.Level)))
	}
	switch {
	case t.Uses == 1:
		parts = append(parts, lang.Say("once"))
	case t.Uses > 1:
		parts = append(parts, lang.Say("%d times in all", t.Uses))
	}
	if t.Lasts > 0 {
		parts = append(parts, lang.Say("for %s from the first use", Length(t.Lasts)))
	}
	if t.Hold > 0 {
		parts = append(parts, lang.Say("and asking twice in a row holds it unlocked for %s", Length(t.Hold)))
	}
	return parts
}

// Conditions says in a language, one by one, what a grant asks for at the moment
// of a request. None of it is known of a draft, so previews take it as met.
func (f Facts) Conditions(t sashlock.Terms, l lang.Language) []string {
	var all []string
	var s Sentence
	for _, p := range f.terms(&s, t) {
		one, _ := p.(lang.Phrase)
		all = append(all, Sentence{phrase: one, names: s.names}.In(l))
	}
	return all
}

// Level says what a credential of a level is.
func Level(a sashlock.Assurance) lang.Phrase {
	switch a {
	case sashlock.AssuranceCode:
		return lang.Say("a PIN or code or better")
	case sashlock.AssuranceCard:
		return lang.Say("a card, tag or phone code or better")
	case sashlock.AssurancePasskey:
		return lang.Say("a passkey on the person's own phone or better")
	case sashlock.AssuranceBoth:
		return lang.Say("a card together with a fingerprint or face")
	}
	return lang.Say("any credential")
}

// Length says a length of time in the largest unit that it is whole in: "90
// minutes", "2 hours", "3 days".
func Length(d time.Duration) lang.Phrase {
	const day = 24 * time.Hour
	switch {
	case d >= day && d%day == 0:
		return lang.Phrase{Text: lang.Mark("%d day"), Many: "%d days", Count: int(d / day)}
	case d >= time.Hour && d%time.Hour == 0:
		return lang.Phrase{Text: lang.Mark("%d hour"), Many: "%d hours", Count: int(d / time.Hour)}
	case d%time.Minute == 0:
		return lang.Phrase{Text: lang.Mark("%d minute"), Many: "%d minutes", Count: int(d / time.Minute)}
	}
	return lang.Phrase{Text: "%s", Args: []any{d.Round(time.Second).String()}}
}
