// SPDX-License-Identifier: Apache-2.0

package scenario

import (
	"slices"
	"time"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/internal/schedule"
)

// World is what is declared, as far as scenarios are about it.
type World struct {
	Sites     map[sashlock.SiteID]sashlock.Site
	Areas     map[sashlock.AreaID]sashlock.Area
	Openings  map[sashlock.OpeningID]sashlock.Opening
	Schedules map[sashlock.ScheduleID]sashlock.Schedule
	Roles     map[sashlock.RoleID]sashlock.Role
	Others    []Scenario // the other scenarios of all sites
}

// The usual lengths of time, where a scenario does not say.
const (
	UsualLongest = 12 * time.Hour
	UsualOver    = 15 * time.Minute
)

// MaxLength is the longest that anything in a scenario may last.
const MaxLength = 31 * 24 * time.Hour

// MaxStarts is how often a scenario begins by itself within an hour at most.
const MaxStarts = 6

// Plan is a scenario as it is carried out. It never changes.
type Plan struct {
	Form Scenario
	Site sashlock.Site

	zone     *time.Location
	begins   *schedule.Calendar // of the trigger
	during   *schedule.Calendar // of the condition
	from     time.Time          // of dates
	until    time.Time
	rate     *rate
	event    *filter
	holds    []hold
	locks    []sashlock.OpeningID
	alarmAt  sashlock.OpeningID
	after    time.Duration
	longest  time.Duration // 0: no limit
	never    map[sashlock.OpeningID]string
	openings map[sashlock.OpeningID]place // every opening of the site
}

// place is an opening with the names of where it is.
type place struct {
	sashlock.Opening
	area string // slug
}

// rate is a [Rate] as it is worked with.
type rate struct {
	of             Counted
	over           time.Duration
	rise, fall     float64
	riseFor, falls time.Duration
}

// filter is an [Occasion] as it is worked with.
type filter struct {
	kind, rule, subject string
	site                sashlock.SiteID
	openings            map[sashlock.OpeningID]bool // nil: any
}

// hold is a [Hold] as it is worked with.
type hold struct {
	openings []sashlock.OpeningID // in the order in which they are unlocked
	most     int
	per      int
	role     string
}

// Counts says what the trigger counts, and over how long; false when it counts
// nothing.
func (p *Plan) Counts() (of Counted, over time.Duration, counts bool) {
	if p.rate == nil {
		return "", 0, false
	}
	return p.rate.of, p.rate.over, true
}

// Listens returns the kind of event that begins the scenario; empty: none does.
func (p *Plan) Listens() sashlock.EventKind {
	if p.event == nil {
		return ""
	}
	return sashlock.EventKind(p.event.kind)
}

// Hears reports whether an event is one that begins the scenario.
func (p *Plan) Hears(e *sashlock.Event) bool {
	f := p.event
	if f == nil || string(e.Kind) != f.kind || f.rule != "" && f.rule != e.Rule || f.subject != "" && f.subject != e.Subject {
		return false
	}
	if f.openings != nil {
		return f.openings[e.Opening]
	}
	return e.Site == "" && e.Opening == "" || e.Site == f.site || e.Site == "" && p.openings[e.Opening].ID != ""
}

// Holds lists every opening that the scenario may hold unlocked, in order.
func (p *Plan) Holds() []sashlock.OpeningID {
	var all []sashlock.OpeningID
	for _, h := range p.holds {
		all = append(all, h.openings...)
	}
	return unique(all)
}

// Locks lists every opening that the scenario locks down, in order.
func (p *Plan) Locks() []sashlock.OpeningID { return p.locks }

// AlarmAt is where its alarm is raised; empty: where the event was.
func (p *Plan) AlarmAt() sashlock.OpeningID { return p.alarmAt }

// Longest is how long it runs at most; 0: without limit.
func (p *Plan) Longest() time.Duration {
	if p.after > 0 && (p.longest == 0 || p.after < p.longest) {
		return p.after
	}
	return p.longest
}

// Zone is the time zone of its site.
func (p *Plan) Zone() *time.Location { return p.zone }

// Next lists the next stretches of time in which its schedule or its dates
// begin it, at most n. Other triggers cannot be foreseen.
func (p *Plan) Next(now time.Time, n int) []schedule.Window {
	if !p.until.IsZero() {
		if p.until.After(now) && n > 0 {
			return []schedule.Window{{Start: p.from, End: p.until}}
		}
		return nil
	}
	if p.begins == nil {
		return nil
	}
	var all []schedule.Window
	if start, end, in := p.begins.Window(now); in && n > 0 {
		all = append(all, schedule.Window{Start: start, End: end})
		now = end
	}
	for len(all) < n {
		start, end, ok := p.begins.Next(now)
		if !ok {
			break
		}
		all = append(all, schedule.Window{Start: start, End: end})
		now = end
	}
	return all
}

// unique drops what is named twice, keeping the order.
func unique(all []sashlock.OpeningID) []sashlock.OpeningID {
	seen := make(map[sashlock.OpeningID]bool, len(all))
	return slices.DeleteFunc(all, func(id sashlock.OpeningID) bool {
		if seen[id] {
			return true
		}
		seen[id] = true
		return false
	})
}
