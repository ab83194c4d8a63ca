// SPDX-License-Identifier: Apache-2.0

// Package estate is the declared form of everything an owner sets up: sites,
// areas, openings, roles, people, schedules and grants, as people write them in
// a YAML file and as the API speaks of them.
//
// # What
//
// Objects here refer to each other by short name (slug), not by identifier, and
// hold times and lengths as text. [Parse] reads a file, [Marshal] writes one,
// [Check] finds what is wrong with it, [Diff] tells two apart in words. The
// Resolve methods turn an object into the one the deciders use, the From
// functions turn it back.
//
// # How it fits
//
// The API, the command line, the console and the ledger entries of changes all
// show these forms, so a person sees the same field under the same name
// everywhere. The rooms store the resolved ones.
//
// # Promises
//
// Reading a file that [Marshal] wrote, and comparing, shows no difference. An
// unknown key is an error with its line, never ignored.
package estate

import "github.com/sashlock/sashlock/internal/lang"

// File is a whole estate, or a part of one.
type File struct {
	Sites     []Site     `yaml:"sites,omitempty" json:"sites,omitempty"`
	Areas     []Area     `yaml:"areas,omitempty" json:"areas,omitempty"`
	Openings  []Opening  `yaml:"openings,omitempty" json:"openings,omitempty"`
	Roles     []Role     `yaml:"roles,omitempty" json:"roles,omitempty"`
	People    []Person   `yaml:"people,omitempty" json:"people,omitempty"`
	Schedules []Schedule `yaml:"schedules,omitempty" json:"schedules,omitempty"`
	Grants    []Grant    `yaml:"grants,omitempty" json:"grants,omitempty"`
}

// Kept is what the store adds to a declared object. Files leave it out.
type Kept struct {
	ID  string `json:"id,omitempty" readOnly:"true" doc:"Identifier; stays the same when the slug changes hands"`
	Rev int64  `json:"rev,omitempty" readOnly:"true" doc:"Grows with every change; also the ETag"`
}

// Site is the declared form of sashlock.Site.
type Site struct {
	Kept `yaml:"-"`

	Slug  string `yaml:"slug" json:"slug" doc:"Short name, a-z, 0-9 and hyphens" example:"lisbon"`
	Name  string `yaml:"name" json:"name" doc:"Display name" example:"Lisbon flagship"`
	Zone  string `yaml:"zone" json:"zone" doc:"IANA time zone; all schedules are read in it" example:"Europe/Lisbon"`
	Hours string `yaml:"hours,omitempty" json:"hours,omitempty" doc:"Schedule that says when the store is staffed"`

	Jurisdiction string `yaml:"jurisdiction,omitempty" json:"jurisdiction,omitempty" doc:"Whose law applies: a country, or a country and a part of it (ISO 3166)" example:"PT"`
	ShiftGrace   string `yaml:"shift_grace,omitempty" json:"shift_grace,omitempty" doc:"How long before and after a shift access follows it" example:"15m"`
	ClockIn      bool   `yaml:"clock_in,omitempty" json:"clock_in,omitempty" doc:"No shift counts before its clock-in"`
	LongestGrant string `yaml:"longest_grant,omitempty" json:"longest_grant,omitempty" doc:"How long a grant to one person may count at most; no limit when not given" example:"2160h"`

	OpenBy        string `yaml:"open_by,omitempty" json:"open_by,omitempty" doc:"Schedule at the start of whose times the first person is to have come in; if nobody has, an alarm is raised"`
	OpenTolerance string `yaml:"open_tolerance,omitempty" json:"open_tolerance,omitempty" doc:"How much later they may come; 15m when not given" example:"15m"`

	RevokeWithin string `yaml:"revoke_within,omitempty" json:"revoke_within,omitempty" doc:"How soon a lock has to confirm that it forgot a code, before an alarm is raised; 15m when not given" example:"15m"`
}

// Area is the declared form of sashlock.Area. Its slug is unique within its
// site; elsewhere it is referred to as "site/area".
type Area struct {
	Kept `yaml:"-"`

	Slug string `yaml:"slug" json:"slug" doc:"Short name within the site" example:"watches"`
	Site string `yaml:"site" json:"site" doc:"Site the area belongs to" example:"lisbon"`
	Name string `yaml:"name" json:"name" doc:"Display name" example:"Watches"`

	Level       int    `yaml:"level,omitempty" json:"level,omitempty" minimum:"0" maximum:"4" doc:"Least level of credential at its openings: 1 PIN, 2 card, 3 passkey, 4 card and finger"`
	Two         bool   `yaml:"two_persons,omitempty" json:"two_persons,omitempty" doc:"Its openings open for two persons together only"`
	FirstIn     string `yaml:"first_in,omitempty" json:"first_in,omitempty" doc:"Role of which somebody has to be the first in each day" example:"key-holder"`
	Passback    string `yaml:"passback,omitempty" json:"passback,omitempty" enum:"soft,hard,timed" doc:"What it does about people who enter twice without having left"`
	PassbackFor string `yaml:"passback_for,omitempty" json:"passback_for,omitempty" doc:"How long, for timed anti-passback" example:"10m"`
	Occupancy   int    `yaml:"occupancy,omitempty" json:"occupancy,omitempty" minimum:"0" doc:"How many people may be in it at once; no limit when not given"`
}

// Opening is the declared form of sashlock.Opening.
type Opening struct {
	Kept `yaml:"-"`

	Slug        string `yaml:"slug" json:"slug" doc:"Short name" example:"jewellery-4"`
	Name        string `yaml:"name" json:"name" doc:"Display name" example:"Jewellery case 4"`
	Kind        string `yaml:"kind" json:"kind" enum:"door,case,cage,locker,hatch,vending,kiosk" doc:"What it is"`
	Class       string `yaml:"class,omitempty" json:"class,omitempty" enum:"standard,valuable,high" doc:"Value of what it protects; standard when not given"`
	Site        string `yaml:"site" json:"site" doc:"Site it belongs to" example:"lisbon"`
	Area        string `yaml:"area,omitempty" json:"area,omitempty" doc:"Area of that site behind it" example:"watches"`
	Egress      string `yaml:"egress,omitempty" json:"egress,omitempty" enum:"none,hardware" doc:"hardware: people leave through it, by hardware that opens from the inside by itself; Sashlock then never locks it. A door must say"`
	OnFault     string `yaml:"on_fault,omitempty" json:"on_fault,omitempty" enum:"hold,release" doc:"What it does when nothing can be recorded; hold when not given"`
	ReleaseTime string `yaml:"release_time,omitempty" json:"release_time,omitempty" doc:"How long a release leaves it unlocked, at least 3s; 10s when not given" example:"25s"`
	OpenTime    string `yaml:"open_time,omitempty" json:"open_time,omitempty" doc:"How long it may stand open before it counts as held open; not watched when not given" example:"2m"`
	Unattended  string `yaml:"unattended,omitempty" json:"unattended,omitempty" doc:"How long it may stand open with nobody there; not watched when not given" example:"45s"`
	Level       int    `yaml:"level,omitempty" json:"level,omitempty" minimum:"0" maximum:"4" doc:"Least level of credential: 1 PIN, 2 card, 3 passkey, 4 card and finger"`
	Two         bool   `yaml:"two_persons,omitempty" json:"two_persons,omitempty" doc:"It opens for two persons together only"`
	FirstIn     string `yaml:"first_in,omitempty" json:"first_in,omitempty" doc:"Role of which somebody has to be the first in each day" example:"key-holder"`
	Trial       bool   `yaml:"trial,omitempty" json:"trial,omitempty" doc:"Beside an older system: requests are decided and recorded, nothing is ever sent to its lock"`
	Interlock   string `yaml:"interlock,omitempty" json:"interlock,omitempty" doc:"Openings of a site with the same word are never released while another of them is open" example:"airlock"`
	Plan        []int  `yaml:"plan,omitempty,flow" json:"plan,omitempty" maxItems:"2" doc:"Place on the floor plan, thousandths of its width and height" example:"[120,400]"`
}

// Role is the declared form of sashlock.Role.
type Role struct {
	Kept `yaml:"-"`

	Slug string `yaml:"slug" json:"slug" doc:"Short name" example:"associate"`
	Name string `yaml:"name" json:"name" doc:"Display name" example:"Associate"`
}

// Person is the declared form of sashlock.Person.
type Person struct {
	Kept `yaml:"-"`

	Slug      string   `yaml:"slug" json:"slug" doc:"Short name" example:"ana"`
	Name      string   `yaml:"name" json:"name" doc:"Display name" example:"Ana Costa"`
	Roles     []string `yaml:"roles,omitempty,flow" json:"roles,omitempty" doc:"Roles the person has"`
	Suspended bool     `yaml:"suspended,omitempty" json:"suspended,omitempty" doc:"Refused everywhere until lifted"`
	From      string   `yaml:"from,omitempty" json:"from,omitempty" doc:"Not admitted before this instant (RFC 3339)"`
	Until     string   `yaml:"until,omitempty" json:"until,omitempty" doc:"Not admitted at this instant or later (RFC 3339)"`

	Guest bool `yaml:"-" json:"-"` // a customer who opens a case alone; see sashlock.Person.IsGuest
}

// Schedule is the declared form of sashlock.Schedule.
type Schedule struct {
	Kept `yaml:"-"`

	Slug    string       `yaml:"slug" json:"slug" doc:"Short name" example:"weekday-shift"`
	Name    string       `yaml:"name" json:"name" doc:"Display name" example:"Weekday shift"`
	Weekly  []Period     `yaml:"weekly,omitempty" json:"weekly,omitempty" doc:"Periods of the week"`
	Special []SpecialDay `yaml:"special,omitempty" json:"special,omitempty" doc:"Days that replace the weekly periods"`
	First   string       `yaml:"first,omitempty" json:"first,omitempty" doc:"First date that belongs to it" example:"2026-11-01"`
	Last    string       `yaml:"last,omitempty" json:"last,omitempty" doc:"Last date that belongs to it"`
}

// Period is the declared form of sashlock.Period.
type Period struct {
	Days  []string `yaml:"days,flow" json:"days" doc:"Days of the week: mon tue wed thu fri sat sun" example:"[\"mon\",\"tue\"]"`
	From  string   `yaml:"from" json:"from" doc:"Local time it starts" example:"09:00"`
	Until string   `yaml:"until" json:"until" doc:"Local time it ends; not after from: on the next day; equal to from: 24 hours" example:"17:00"`
}

// Span is the declared form of sashlock.Span.
type Span struct {
	From  string `yaml:"from" json:"from" doc:"Local time it starts" example:"10:00"`
	Until string `yaml:"until" json:"until" doc:"Local time it ends" example:"14:00"`
}

// SpecialDay is the declared form of sashlock.SpecialDay.
type SpecialDay struct {
	Name  string `yaml:"name" json:"name" doc:"What the day is" example:"Christmas"`
	First string `yaml:"first" json:"first" doc:"First date" example:"2026-12-25"`
	Last  string `yaml:"last,omitempty" json:"last,omitempty" doc:"Last date; the first when not given"`
	Spans []Span `yaml:"spans,omitempty" json:"spans,omitempty" doc:"When it is open on that day; none: closed"`
}

// Grant is the declared form of sashlock.Grant.
type Grant struct {
	Kept `yaml:"-"`

	Slug     string `yaml:"slug" json:"slug" doc:"Short name" example:"ana-watches"`
	Person   string `yaml:"person,omitempty" json:"person,omitempty" doc:"Who: one person, or"`
	Role     string `yaml:"role,omitempty" json:"role,omitempty" doc:"everyone with this role"`
	Opening  string `yaml:"opening,omitempty" json:"opening,omitempty" doc:"What: one opening, or"`
	Area     string `yaml:"area,omitempty" json:"area,omitempty" doc:"every opening of an area, written site/area, or" example:"lisbon/watches"`
	Site     string `yaml:"site,omitempty" json:"site,omitempty" doc:"every opening of a site"`
	Schedule string `yaml:"schedule,omitempty" json:"schedule,omitempty" doc:"When; at any time when not given"`
	From     string `yaml:"from,omitempty" json:"from,omitempty" doc:"First instant at which it counts (RFC 3339)"`
	Until    string `yaml:"until,omitempty" json:"until,omitempty" doc:"First instant at which it no longer counts (RFC 3339)"`
	Uses     int    `yaml:"uses,omitempty" json:"uses,omitempty" minimum:"0" doc:"How often it may be used in all; without limit when not given"`
	Lasts    string `yaml:"lasts,omitempty" json:"lasts,omitempty" doc:"How long it counts from its first use" example:"20m"`
	OnShift  bool   `yaml:"on_shift,omitempty" json:"on_shift,omitempty" doc:"Only during a shift of the person at the site"`
	With     string `yaml:"with,omitempty" json:"with,omitempty" doc:"Only while somebody else with this role is at the site" example:"manager"`
	Escort   string `yaml:"escort,omitempty" json:"escort,omitempty" doc:"Only while this person, the host, is at the site"`
	Two      bool   `yaml:"two_persons,omitempty" json:"two_persons,omitempty" doc:"Only together with a second person who may open it as well"`
	Level    int    `yaml:"level,omitempty" json:"level,omitempty" minimum:"0" maximum:"4" doc:"Least level of credential: 1 PIN, 2 card, 3 passkey, 4 card and finger"`
	Hold     string `yaml:"hold,omitempty" json:"hold,omitempty" doc:"Who asks twice in a row holds it unlocked for so long" example:"10m"`
}

// Kind is a sort of declared object, as files and the API name it.
type Kind string

// The kinds, in the order in which they can be created.
const (
	Schedules Kind = "schedule"
	Roles     Kind = "role"
	Sites     Kind = "site"
	Areas     Kind = "area"
	Openings  Kind = "opening"
	People    Kind = "person"
	Grants    Kind = "grant"
)

// word is what a kind is called.
func (k Kind) word() lang.Phrase {
	return lang.Say(map[Kind]string{
		Schedules: lang.Mark("schedule"), Roles: lang.Mark("role"), Sites: lang.Mark("site"), Areas: lang.Mark("area"),
		Openings: lang.Mark("opening"), People: lang.Mark("person"), Grants: lang.Mark("grant"),
	}[k])
}

// Kinds lists the kinds in the order in which they can be created; removing
// goes the other way round.
func Kinds() []Kind { return []Kind{Schedules, Roles, Sites, Areas, Openings, People, Grants} }
