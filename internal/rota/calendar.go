// SPDX-License-Identifier: Apache-2.0

package rota

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/internal/lang"
)

// The rules of calendars are:
//
//   - An event is a shift of everybody who is invited to it; of whom a property
//     of ours names; or else of whom its title names.
//   - It is spelt out by whole days, from yesterday to the end of the window.
//   - A repeated shift begins and ends by the clocks. One that was declared by
//     its length (DURATION) lasts as long on every night.
//   - A changed repetition (RECURRENCE-ID) takes the place of the one it
//     changes, a cancelled one leaves none.

// maxLooked is how many days are looked at for all repetitions of a file: that
// keeps any of them under a second.
const maxLooked = 2_000_000

// event is what a component says.
type event struct {
	component
	uid       string
	first     wall
	zone      *time.Location
	allDay    bool
	last      wall          // when the first one ends, by the clocks
	lasts     time.Duration // its length, where that is what was declared; 0: it was not
	rule      *rule
	extra     []time.Time // RDATE
	skipped   map[int64]bool
	skipDays  map[int]bool
	changes   time.Time // the repetition that it changes; zero: none
	cancelled bool
	sayer     property // the property by which people were found
	site      sashlock.SiteID
	role      sashlock.RoleID
	people    []sashlock.PersonID
}

// readCalendar reads a calendar.
func (r *reader) readCalendar(text []byte) {
	today := wallOf(r.Now.In(r.Zone)).day()
	r.list.From, r.list.Until = begin(on(today-1, 0), r.Zone), begin(on(today+1+int(r.Window/(24*time.Hour)), 0), r.Zone)
	var all []event
	changed := map[string]map[int64]bool{} // by event, the repetitions that others take the place of
	r.events(text, func(c component) {
		e := event{component: c, skipped: map[int64]bool{}, skipDays: map[int]bool{}}
		if !r.understand(&e) {
			return
		}
		if !e.changes.IsZero() {
			if changed[e.uid] == nil {
				changed[e.uid] = map[int64]bool{}
			}
			changed[e.uid][e.changes.Unix()] = true
		}
		all = append(all, e)
	})
	if len(all) == 0 && r.list.Wrong == 0 {
		r.problem(0, "", lang.Say("the calendar has no events"), lang.Say("export the calendar again"))
	}
	looked := 0
	for i := range all {
		if r.full || r.list.Wrong >= maxProblems {
			return
		}
		e := &all[i]
		if e.cancelled || !r.concerns(e) {
			continue
		}
		if looked += r.spell(e, changed[e.uid]); looked > maxLooked {
			r.problem(e.row, "RRULE", lang.Say("the repetitions of this file are too many to be spelt out"), lang.Say("begin repeated events in this year, or import a CSV list"))
			return
		}
	}
}

// understand reads the properties of an event.
func (r *reader) understand(e *event) bool {
	wrong := r.list.Wrong
	start, has := e.find("DTSTART")
	if !has {
		r.problem(e.row, "DTSTART", lang.Say("the event does not say when it begins"), lang.Say("export the calendar again"))
		return false
	}
	if uid, has := e.find("UID"); has {
		e.uid = uid.value
	} else {
		e.uid = "row " + strconv.Itoa(e.row)
	}
	at, ok := r.moment(start)
	if !ok {
		return false
	}
	e.first, e.zone, e.allDay = at.wall, at.zone, at.allDay
	r.findEnd(e)
	for _, p := range e.props {
		switch p.name {
		case "RRULE":
			made, unclear := parseRule(p.value, e.first)
			if unclear.Text != "" {
				r.problem(p.row, "RRULE", unclear, lang.Say("repeat it by days, weeks, months or years, or write its days one by one"))
			}
			e.rule = &made
		case "EXRULE":
			r.problem(p.row, "EXRULE", lang.Say("repetition by %s is not understood", "EXRULE"), lang.Say("repeat it by days, weeks, months or years, or write its days one by one"))
		case "EXDATE", "RDATE":
			r.dates(e, p)
		case "RECURRENCE-ID":
			if m, ok := r.moment(p); ok {
				e.changes = begin(m.wall, m.zone)
			}
		case "STATUS":
			e.cancelled = strings.EqualFold(p.value, "CANCELLED")
		}
	}
	return r.list.Wrong == wrong
}

func (c component) find(name string) (property, bool) {
	i := slices.IndexFunc(c.props, func(p property) bool { return p.name == name })
	if i < 0 {
		return property{}, false
	}
	return c.props[i], true
}

// moment is a time as a calendar writes it.
type moment struct {
	wall   wall
	zone   *time.Location
	allDay bool
}

// moment understands a date or a time, with the zone it is meant in.
func (r *reader) moment(p property) (m moment, ok bool) {
	m.zone = r.Zone
	value := strings.ToUpper(p.value)
	if t, err := time.Parse("20060102", value); err == nil && inRange(t) {
		m.wall, m.allDay = wallOf(t), true
		return m, true
	}
	plain, utc := strings.CutSuffix(value, "Z")
	t, err := time.Parse("20060102T150405", plain)
	if err != nil || !inRange(t) {
		r.problem(p.row, p.name, lang.Say("%s is not a day and a time", strconv.Quote(sashlock.Clip(p.value))), lang.Say("export the calendar again"))
		return m, false
	}
	m.wall = wallOf(t)
	if name := p.params["TZID"]; utc {
		m.zone = time.UTC
	} else if name != "" {
		if m.zone = r.zone(name); m.zone == nil {
			r.problem(p.row, p.name, lang.Say("nobody knows the time zone %s", strconv.Quote(sashlock.Clip(name))), lang.Say(`write a zone like "Europe/Lisbon"`))
			return m, false
		}
	}
	return m, true
}

// findEnd finds when an event ends: by DTEND, by DURATION, or after the day.
func (r *reader) findEnd(e *event) {
	if p, has := e.find("DTEND"); has {
		m, ok := r.moment(p)
		if !ok {
			return
		}
		if e.last = m.wall; m.zone.String() != e.zone.String() { // what counts is how long it is
			e.lasts = end(m.wall, m.zone).Sub(begin(e.first, e.zone))
		}
		if e.lasts < 0 || e.last <= e.first && e.lasts == 0 {
			r.problem(p.row, p.name, lang.Say("it ends before it begins"), lang.Say("correct the times"))
		}
		return
	}
	if p, has := e.find("DURATION"); has {
		d, ok := parseDuration(p.value)
		if e.lasts = d; !ok {
			r.problem(p.row, p.name, lang.Say("%s is no length of time", strconv.Quote(sashlock.Clip(p.value))), lang.Say("write a length like PT8H"))
		}
		return
	}
	if e.last = e.first + daySeconds; !e.allDay {
		r.problem(e.row, "DTEND", lang.Say("the event does not say when it ends"), lang.Say("give it an end"))
	}
}

// parseDuration understands a length (RFC 5545, section 3.3.6) of up to a few
// days: anything longer is no shift.
func parseDuration(text string) (d time.Duration, ok bool) {
	rest, is := strings.CutPrefix(strings.TrimPrefix(strings.ToUpper(text), "+"), "P")
	units := map[byte]time.Duration{'W': 7 * 24 * time.Hour, 'D': 24 * time.Hour, 'H': time.Hour, 'M': time.Minute, 'S': time.Second}
	for is && rest != "" {
		rest = strings.TrimPrefix(rest, "T")
		i := strings.IndexFunc(rest, func(c rune) bool { return c < '0' || c > '9' })
		if i < 1 || i > 6 {
			return 0, false
		}
		n, err := strconv.Atoi(rest[:i])
		unit := units[rest[i]]
		if err != nil || unit == 0 {
			return 0, false
		}
		d, rest = d+time.Duration(n)*unit, rest[i+1:]
	}
	return d, is && d > 0 && d < 400*24*time.Hour
}

// dates reads the repetitions that are left out or added one by one.
func (r *reader) dates(e *event, p property) {
	for one := range strings.SplitSeq(p.value, ",") {
		if len(e.skipped)+len(e.skipDays)+len(e.extra) > 5000 {
			r.problem(p.row, p.name, lang.Say("the event has too many properties"), lang.Say("export the calendar again"))
			return
		}
		one, _, _ = strings.Cut(one, "/") // of a period, its beginning
		q := p
		q.value = strings.TrimSpace(one)
		m, ok := r.moment(q)
		switch {
		case !ok:
			return
		case p.name == "EXDATE" && m.allDay:
			e.skipDays[m.wall.day()] = true
		case p.name == "EXDATE":
			e.skipped[begin(m.wall, m.zone).Unix()] = true
		case m.allDay:
			e.extra = append(e.extra, begin(on(m.wall.day(), e.first.second()), e.zone))
		default:
			e.extra = append(e.extra, begin(m.wall, m.zone))
		}
	}
}

// spell writes an event out within the window, and returns how many days it
// looked at.
func (r *reader) spell(e *event, replaced map[int64]bool) (looked int) {
	add := func(from time.Time) {
		if e.changes.IsZero() && (e.skipped[from.Unix()] || replaced[from.Unix()] || e.skipDays[wallOf(from.In(e.zone)).day()]) {
			return
		}
		r.addEvent(e, from)
	}
	if e.rule == nil || !e.changes.IsZero() {
		add(begin(e.first, e.zone))
		looked = 1
	} else {
		low, high := wallOf(r.list.From.In(e.zone)).day()-1, wallOf(r.list.Until.In(e.zone)).day()+1
		looked = e.rule.between(e.first, e.zone, low, high, func(day int) { add(begin(on(day, e.first.second()), e.zone)) })
	}
	for _, from := range e.extra {
		if e.rule != nil && e.rule.names(dateOf(e.first.day()), dateOf(wallOf(from.In(e.zone)).day())) && wallOf(from.In(e.zone)).second() == e.first.second() {
			continue // the rule has it already
		}
		add(from)
	}
	return looked
}

// addEvent adds one repetition of an event, if it lies within the window.
func (r *reader) addEvent(e *event, from time.Time) {
	until := from.Add(e.lasts)
	if e.lasts == 0 {
		until = end(wallOf(from.In(e.zone))+(e.last-e.first), e.zone)
	}
	if !until.After(r.list.From) || !from.Before(r.list.Until) {
		return
	}
	which := from
	if !e.changes.IsZero() {
		which = e.changes
	}
	for _, person := range e.people {
		ref := e.uid + "/" + which.UTC().Format("20060102T150405Z")
		if len(e.people) > 1 {
			ref += "/" + string(person)
		}
		r.add(Entry{Row: e.row, Ref: short(ref), Person: person, Site: e.site, Role: e.role, From: from, Until: until}, e.sayer.name)
	}
}
