// SPDX-License-Identifier: Apache-2.0

package scenario

import (
	"fmt"
	"slices"
	"time"

	"github.com/sashlock/sashlock/internal/estate"
	"github.com/sashlock/sashlock/internal/guard"
	"github.com/sashlock/sashlock/internal/lang"
)

// The rules of what a scenario can reach are:
//
//   - Class high and what the scenario itself never opens are guarded always.
//   - A guard rail is asked for every half hour of a week from now on, as far as
//     the scenario's own schedules let it run then, at every standing of the
//     store in which it may begin and in the one that it sets. One refusal is
//     enough: it could have opened a guarded opening.
//   - A lockdown is no such standing, unless the scenario asks for it: that a
//     rail stops everything then is as it should be.

// sampled is how far ahead rails are asked, and how often.
const (
	sampledFor   = 7 * 24 * time.Hour
	sampledEvery = 30 * time.Minute
)

// Reaches lists the guarded openings that the scenario could open: those that
// something keeps it from at a time at which it may run, one entry each. Nobody
// should save a scenario of which it names any.
func (p *Plan) Reaches(now time.Time, rails *guard.Set) []Back {
	var found []Back
	moments := p.moments(now)
	for _, id := range p.Holds() {
		if back, guarded := p.reach(p.openings[id], moments, rails); guarded {
			found = append(found, back)
		}
	}
	return found
}

func (p *Plan) reach(o place, moments []time.Time, rails *guard.Set) (Back, bool) {
	if back, kept := p.keptFrom(o.ID, p.until, "", nil); kept { // no rail is asked: of those the time does not matter
		return back, back.Rail == HighValue
	}
	about := p.facts(o, time.Time{}, "")
	if !rails.InScope(&about) {
		return Back{}, false
	}
	for _, threat := range p.standings() {
		for _, at := range moments {
			if back, kept := p.keptFrom(o.ID, at, threat, rails); kept {
				return back, true
			}
		}
	}
	return Back{}, false
}

// standings are how the store may stand while it runs.
func (p *Plan) standings() []string {
	all := slices.Clone(p.Form.Condition.Threat)
	if len(all) == 0 {
		all = []string{"normal"}
	}
	if t := p.Form.Actions.Threat; t != "" {
		all = append(all, t)
	}
	return all
}

// moments are when it may run, to be asked about.
func (p *Plan) moments(now time.Time) []time.Time {
	from, until := now.Truncate(sampledEvery), now.Add(sampledFor)
	if !p.until.IsZero() && p.until.After(now) {
		from, until = p.from, p.until
	}
	every := sampledEvery
	for until.Sub(from)/every > 700 {
		every *= 2
	}
	var all []time.Time
	for at := from; at.Before(until); at = at.Add(every) {
		free := p.Form.Trigger.Button && !p.Form.Revert.WithSchedule
		if free || (p.begins == nil || p.begins.Covers(at.Unix())) && (p.during == nil || p.during.Covers(at.Unix())) {
			all = append(all, at)
		}
	}
	return all
}

// Refused says of guarded openings that a scenario could open what is wrong
// with it. Name gives the display name of an opening.
func (p *Plan) Refused(found []Back) []estate.Problem {
	var all []estate.Problem
	for _, b := range found {
		o := p.openings[b.Opening]
		at := b.Rail
		if b.Line > 0 {
			at = fmt.Sprintf("%s, line %d", b.Rail, b.Line)
		}
		all = append(all, estate.Problem{
			Field:  p.fieldOf(b),
			Detail: lang.Say("it could open %s, which is guarded by the rail %s (%s)", o.Slug, at, b.Why),
			Fix:    lang.Say("leave this opening out, or write it under guard: never"),
		})
	}
	return all
}

// fieldOf is where a scenario names an opening.
func (p *Plan) fieldOf(b Back) string {
	for i, h := range p.holds {
		if !slices.Contains(h.openings, b.Opening) {
			continue
		}
		where := p.Form.Actions.Hold[i]
		o := p.openings[b.Opening]
		if n := slices.Index(where.Openings, o.Slug); n >= 0 {
			return fmt.Sprintf("actions.hold_unlocked[%d].openings[%d]", i, n)
		}
		if n := slices.Index(where.Areas, p.Site.Slug+"/"+o.area); n >= 0 {
			return fmt.Sprintf("actions.hold_unlocked[%d].areas[%d]", i, n)
		}
		return fmt.Sprintf("actions.hold_unlocked[%d]", i)
	}
	return "actions.hold_unlocked"
}
