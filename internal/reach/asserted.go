// SPDX-License-Identifier: Apache-2.0

package reach

import (
	"fmt"
	"slices"
	"time"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/internal/access"
	"github.com/sashlock/sashlock/internal/estate"
)

// Assertion is a decision that somebody expects, as a file says it. Persons,
// openings and roles are named by slug.
type Assertion struct {
	Name    string   `yaml:"name,omitempty" json:"name,omitempty"` // what it is about; free text
	Person  string   `yaml:"person" json:"person"`
	Opening string   `yaml:"opening" json:"opening"`
	At      string   `yaml:"at" json:"at"`                                 // "2026-11-24T10:00" on the clocks of the opening's site, or RFC 3339
	Expect  string   `yaml:"expect" json:"expect"`                         // granted, refused, or the reason of a refusal
	Level   *int     `yaml:"level,omitempty" json:"level,omitempty"`       // of the credential, 0 to 4; the highest when not given
	OnShift bool     `yaml:"on_shift,omitempty" json:"on_shift,omitempty"` // the person is on shift
	Here    []string `yaml:"here,omitempty" json:"here,omitempty"`         // who else is at the site, and was let in there today
	Second  string   `yaml:"second,omitempty" json:"second,omitempty"`     // who asked first and waits for a second person
	Uses    int      `yaml:"uses,omitempty" json:"uses,omitempty"`         // how often every grant was used already
	Mode    string   `yaml:"mode,omitempty" json:"mode,omitempty"`         // of the opening; normal when not given
	Leaving bool     `yaml:"leaving,omitempty" json:"leaving,omitempty"`   // asked for from inside
}

// What an assertion may expect besides reasons.
const (
	ExpectGranted = "granted"
	ExpectRefused = "refused"
)

// Outcome is what became of an assertion.
type Outcome struct {
	Assertion Assertion         `json:"assertion"`
	OK        bool              `json:"ok"`
	Got       string            `json:"got,omitempty"`     // granted, or the reason of the refusal
	Problem   string            `json:"problem,omitempty"` // why it could not be asked; else empty
	Decision  sashlock.Decision `json:"-"`
}

// Assert decides what is asserted, by the grants and by what openings and areas
// ask for. Guard rails and locks are not looked at: a file does not declare them.
func (f Facts) Assert(tests []Assertion) []Outcome {
	out := make([]Outcome, len(tests))
	for i, t := range tests {
		out[i] = f.assert(t)
	}
	return out
}

func (f Facts) assert(t Assertion) Outcome {
	out := Outcome{Assertion: t}
	req, now, problem := f.ask(t)
	if problem != "" {
		out.Problem = problem
		return out
	}
	out.Decision = f.Index.Explain(req, sashlock.Mode(t.Mode), now)
	out.Got = string(out.Decision.Reason)
	if out.Decision.Granted {
		out.Got = ExpectGranted
	}
	out.OK = out.Got == t.Expect || t.Expect == ExpectRefused && !out.Decision.Granted
	return out
}

var modes = []sashlock.Mode{"", sashlock.Normal, sashlock.HeldUnlocked, sashlock.LockedDown, sashlock.Blocked}

// ask turns an assertion into a request and a situation, or says what is wrong
// with it. Who or what is not declared may be asked about: that is refused.
func (f Facts) ask(t Assertion) (req sashlock.Request, now *assumed, problem string) {
	req = sashlock.Request{Person: "unknown:" + sashlock.PersonID(t.Person), Opening: "unknown:" + sashlock.OpeningID(t.Opening), Level: highest}
	if id := f.Find(estate.People, t.Person); id != "" {
		req.Person = sashlock.PersonID(id)
	}
	if id := f.Find(estate.Openings, t.Opening); id != "" {
		req.Opening = sashlock.OpeningID(id)
	}
	switch {
	case t.Person == "" || t.Opening == "":
		return req, nil, "name a person and an opening"
	case t.Level != nil && (*t.Level < 0 || *t.Level > int(highest)):
		return req, nil, "level: write 0 to 4"
	case !slices.Contains(modes, sashlock.Mode(t.Mode)):
		return req, nil, fmt.Sprintf("mode: there is no mode %q", t.Mode)
	case t.Expect != ExpectGranted && t.Expect != ExpectRefused && !slices.Contains(sashlock.Reasons(), sashlock.Reason(t.Expect)):
		return req, nil, fmt.Sprintf("expect: write granted, refused or the code of a reason; %q is none", t.Expect)
	}
	if t.Level != nil {
		req.Level = sashlock.Assurance(*t.Level)
	}
	if t.Leaving {
		req.Side = sashlock.Leaving
	}
	o := f.Openings[req.Opening]
	zone := f.zone(sashlock.Grant{Site: o.Site})
	var err error
	if req.At, err = time.Parse(time.RFC3339, t.At); err != nil {
		if req.At, _, _, err = Read(t.At, zone); err != nil {
			return req, nil, `at: write a day and a time like "2026-11-30T18:00"`
		}
	}
	now, problem = f.assume(t, req, o, zone)
	return req, now, problem
}

func (f Facts) assume(t Assertion, req sashlock.Request, o sashlock.Opening, zone *time.Location) (*assumed, string) {
	now := &assumed{site: o.Site, at: req.At, day: req.At.In(zone).Format(time.DateOnly), uses: t.Uses}
	if t.OnShift {
		now.onShift = req.Person
	}
	for _, slug := range t.Here {
		id := sashlock.PersonID(f.Find(estate.People, slug))
		if id == "" {
			return nil, fmt.Sprintf("here: there is no person %q", slug)
		}
		now.here, now.roles = append(now.here, id), append(now.roles, f.People[id].Roles...)
	}
	if t.Second != "" {
		id := sashlock.PersonID(f.Find(estate.People, t.Second))
		if id == "" {
			return nil, fmt.Sprintf("second: there is no person %q", t.Second)
		}
		now.waiting = &sashlock.Waiting{Person: id, Level: req.Level, Until: req.At.Add(time.Minute)}
	}
	return now, ""
}

// assumed is the situation that an assertion supposes.
type assumed struct {
	site    sashlock.SiteID
	at      time.Time
	day     string
	uses    int
	onShift sashlock.PersonID
	here    []sashlock.PersonID
	roles   []sashlock.RoleID // of those who are here
	waiting *sashlock.Waiting
}

var _ access.Situation = (*assumed)(nil)

func (a *assumed) Grant(id sashlock.GrantID) sashlock.GrantState {
	return sashlock.GrantState{Grant: id, Uses: a.uses, First: a.at}
}

func (a *assumed) Person(id sashlock.PersonID) sashlock.PersonState {
	if !slices.Contains(a.here, id) {
		return sashlock.PersonState{Person: id}
	}
	return sashlock.PersonState{Person: id, Site: a.site, Last: a.at}
}

func (a *assumed) Here(site sashlock.SiteID, each func(sashlock.PersonState) bool) {
	for _, id := range a.here {
		if site != a.site || !each(a.Person(id)) {
			return
		}
	}
}

func (a *assumed) OnShift(id sashlock.PersonID, site sashlock.SiteID, _ time.Time) bool {
	return id == a.onShift && site == a.site
}

func (a *assumed) Opening(id sashlock.OpeningID) sashlock.OpeningState {
	return sashlock.OpeningState{Opening: id, Waiting: a.waiting}
}

func (a *assumed) FirstIn(site sashlock.SiteID, role sashlock.RoleID) string {
	if site == a.site && slices.Contains(a.roles, role) {
		return a.day
	}
	return ""
}
