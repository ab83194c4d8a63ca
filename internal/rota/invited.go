// SPDX-License-Identifier: Apache-2.0

package rota

import (
	"slices"
	"strings"
	"time"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/internal/lang"
)

// maxInvited is how many people one event may be a shift of.
const maxInvited = 200

// concerns finds who works in an event, where and as what. Events that cannot
// lie in the window are not asked: their people may have left long ago.
func (r *reader) concerns(e *event) bool {
	if e.rule == nil && len(e.extra) == 0 {
		from := begin(e.first, e.zone)
		if from.After(r.list.Until) || from.Add(MaxShift).Before(r.list.From) {
			return false
		}
	}
	if e.rule != nil && e.rule.hasUntil && len(e.extra) == 0 {
		over := e.rule.utc
		if over.IsZero() {
			over = end(e.rule.until, e.zone)
		}
		if over.Add(MaxShift).Before(r.list.From) {
			return false
		}
	}
	place, ok := r.place(e)
	e.site = place
	return r.whoWorks(e) && ok
}

// place is the store of an event: the one that its location names, or the one
// that the file is for. A category that is a role here says what as.
func (r *reader) place(e *event) (sashlock.SiteID, bool) {
	if p, has := e.find("CATEGORIES"); has {
		for one := range strings.SplitSeq(p.value, ",") {
			if found := r.names.roles[plainWords(unescaped(one))]; len(found) == 1 {
				e.role = found[0]
			}
		}
	}
	if p, has := e.find("X-SASHLOCK-SITE"); has {
		return r.site(p.row, p.name, unescaped(p.value))
	}
	if p, has := e.find("LOCATION"); has {
		if found := r.names.sites[plainWords(unescaped(p.value))]; len(found) == 1 {
			return found[0], true
		}
	}
	return r.site(e.row, "LOCATION", "")
}

// whoWorks finds the people of an event.
func (r *reader) whoWorks(e *event) bool {
	invited := 0
	for _, p := range e.props {
		switch p.name {
		case "X-SASHLOCK-PERSON", "X-PERSON", "X-EMPLOYEE", "X-EMPLOYEE-ID":
			e.sayer = p
			id, ok := r.person(p.row, p.name, unescaped(p.value))
			e.people = []sashlock.PersonID{id}
			return ok
		case "ATTENDEE":
			if invited++; invited > maxInvited {
				r.problem(p.row, p.name, lang.Say("the event has too many properties"), lang.Say("export the calendar again"))
				return false
			}
			if !r.invited(e, p) {
				return false
			}
		}
	}
	if len(e.people) > 0 {
		return true
	}
	title, has := e.find("SUMMARY")
	e.sayer = title
	if !has {
		r.problem(e.row, "SUMMARY", lang.Say("it does not say who works"), lang.Say("invite the person, or write their name as the title"))
		return false
	}
	return r.titled(e, title)
}

// invited adds who was invited: by the address, or else by the name in front of
// it. Rooms and who declined do not work.
func (r *reader) invited(e *event, p property) bool {
	if kind := p.params["CUTYPE"]; strings.EqualFold(kind, "ROOM") || strings.EqualFold(kind, "RESOURCE") || strings.EqualFold(p.params["PARTSTAT"], "DECLINED") {
		return true
	}
	e.sayer = p
	address := p.value
	if len(address) >= 7 && strings.EqualFold(address[:7], "mailto:") {
		address = address[7:]
	}
	name := p.params["CN"]
	found := r.names.person(address)
	if len(found) == 0 && name != "" {
		found = r.names.person(name)
		address = name
	}
	if len(found) != 1 {
		_, ok := r.person(p.row, p.name, address)
		return ok
	}
	if !slices.Contains(e.people, found[0]) {
		e.people = append(e.people, found[0])
	}
	return true
}

// titled finds the person in the title of an event: all of it, or what stands
// before or after a sign, as in "Ana Costa (early)".
func (r *reader) titled(e *event, p property) bool {
	title := unescaped(p.value)
	tries := append([]string{title}, strings.FieldsFunc(title, func(c rune) bool { return strings.ContainsRune("():–—|/,;[]", c) })...)
	for piece := range strings.SplitSeq(title, " - ") {
		tries = append(tries, piece)
	}
	for _, one := range tries {
		if found := r.names.person(one); len(found) == 1 {
			e.people = found
			return true
		}
	}
	_, ok := r.person(p.row, p.name, title)
	return ok
}

// zone is [zoneNamed] for the many times of a file that name few zones.
func (r *reader) zone(name string) *time.Location {
	zone, known := r.zones[name]
	if !known && len(r.zones) < 100 {
		zone = zoneNamed(name)
		r.zones[name] = zone
	}
	return zone
}

// zoneNamed finds a time zone by its IANA name, alone or behind somebody's
// prefix, or by the name that Windows has for it; nil: nobody knows it.
func zoneNamed(name string) *time.Location {
	name = strings.Trim(name, `" /`)
	if iana := windowsZones()[name]; iana != "" {
		name = iana
	}
	parts := strings.Split(name, "/")
	for n := min(3, len(parts)); n > 0; n-- {
		try := strings.Join(parts[len(parts)-n:], "/")
		if try == "" || try == "Local" || len(try) > 60 || strings.ContainsAny(try, `.\ `) || try[0] < 'A' || try[0] > 'Z' {
			continue
		}
		if zone, err := time.LoadLocation(try); err == nil {
			return zone
		}
	}
	return nil
}

// windowsZones are what Outlook and Exchange call the commoner zones (Unicode
// CLDR, windowsZones.xml).
func windowsZones() map[string]string {
	return map[string]string{
		"UTC": "UTC", "GMT Standard Time": "Europe/London", "Greenwich Standard Time": "Atlantic/Reykjavik",
		"W. Europe Standard Time": "Europe/Berlin", "Central Europe Standard Time": "Europe/Budapest",
		"Romance Standard Time": "Europe/Paris", "Central European Standard Time": "Europe/Warsaw",
		"E. Europe Standard Time": "Europe/Chisinau", "FLE Standard Time": "Europe/Kiev", "GTB Standard Time": "Europe/Bucharest",
		"Turkey Standard Time": "Europe/Istanbul", "Russian Standard Time": "Europe/Moscow",
		"Eastern Standard Time": "America/New_York", "Central Standard Time": "America/Chicago",
		"Mountain Standard Time": "America/Denver", "US Mountain Standard Time": "America/Phoenix",
		"Pacific Standard Time": "America/Los_Angeles", "Alaskan Standard Time": "America/Anchorage",
		"Hawaiian Standard Time": "Pacific/Honolulu", "Atlantic Standard Time": "America/Halifax",
		"E. South America Standard Time": "America/Sao_Paulo", "Argentina Standard Time": "America/Buenos_Aires",
		"Pacific SA Standard Time": "America/Santiago", "SA Pacific Standard Time": "America/Bogota",
		"Central Standard Time (Mexico)": "America/Mexico_City", "India Standard Time": "Asia/Calcutta",
		"China Standard Time": "Asia/Shanghai", "Tokyo Standard Time": "Asia/Tokyo", "Singapore Standard Time": "Asia/Singapore",
		"Arabian Standard Time": "Asia/Dubai", "Israel Standard Time": "Asia/Jerusalem", "South Africa Standard Time": "Africa/Johannesburg",
		"AUS Eastern Standard Time": "Australia/Sydney", "E. Australia Standard Time": "Australia/Brisbane",
		"Cen. Australia Standard Time": "Australia/Adelaide", "W. Australia Standard Time": "Australia/Perth",
		"New Zealand Standard Time": "Pacific/Auckland",
	}
}
