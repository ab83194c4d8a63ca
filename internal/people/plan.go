// SPDX-License-Identifier: Apache-2.0

package people

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"hash"
	"slices"
	"strings"
	"time"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/internal/lang"
)

// Verb is what a list does to one person.
type Verb string

// The verbs.
const (
	Join   Verb = "new"     // somebody who was not here
	Alter  Verb = "changed" // the fields that differ
	Leave  Verb = "leaving" // not in the list of everybody: suspended from every opening
	Return Verb = "back"    // had left, and is in the list again
)

// Field is one thing that a list changes about a person.
type Field struct {
	Name string `json:"field"`
	From string `json:"from"`
	To   string `json:"to"`
}

// Step is what a list does to one person.
type Step struct {
	Verb   Verb              `json:"verb"`
	Row    int               `json:"row,omitempty"` // line of the file; 0: it is not in there
	Person sashlock.PersonID `json:"person,omitempty"`
	Slug   string            `json:"slug"`
	Name   string            `json:"name"`
	Fields []Field           `json:"fields,omitempty"`
}

// Plan is what a list would do, or what is wrong with it. With problems it does
// nothing.
type Plan struct {
	Steps    []Step    `json:"steps"`
	New      int       `json:"new"`
	Changed  int       `json:"changed"`
	Leaving  int       `json:"leaving"`
	Back     int       `json:"back"`
	Same     int       `json:"same"`
	Problems []Problem `json:"problems,omitempty"`
	Wrong    int       `json:"wrong"` // problems in all; the list of them is cut
	Notes    []Problem `json:"notes,omitempty"`
	Noted    int       `json:"noted"`
	// Waiting are roles that the list gives and that a second operator has to
	// confirm. Whoever applies it proposes them.
	Waiting []Joining `json:"waiting,omitempty"`
	// Hash stands for all of the steps. Whoever applies the list gives it back,
	// so that nothing else is done than what they saw.
	Hash string `json:"plan"`

	saving Saving
}

// Options say how a list is meant.
type Options struct {
	Everyone bool           // whoever is not in it has left
	Zone     *time.Location // whose midnight the days begin at
	// Waits are the roles that nobody gets by a list, see [RolesThatWait].
	Waits map[sashlock.RoleID]bool
}

// planner compares a list with who is there.
type planner struct {
	plan     Plan
	list     *list
	taken    map[string]bool // short names, also those of this list
	roles    map[sashlock.RoleID]string
	zone     *time.Location
	digest   hash.Hash
	seen     map[sashlock.PersonID]int // row by which somebody was found
	bySlug   map[string]int
	byNumber map[string]int
	staff    Staff
	waits    map[sashlock.RoleID]bool
	joining  map[sashlock.RoleID]int // how many are to have a role that waits
}

// Compare tells what a list of people would do. It changes nothing.
func Compare(content []byte, staff Staff, opts Options) Plan {
	if opts.Zone == nil {
		opts.Zone = time.UTC
	}
	l := readList(content, staff.Roles, opts.Zone)
	p := &planner{
		list: &l, staff: staff, zone: opts.Zone, digest: sha256.New(),
		taken: make(map[string]bool, len(staff.Entries)), roles: make(map[sashlock.RoleID]string, len(staff.Roles)),
		waits: opts.Waits, joining: map[sashlock.RoleID]int{},
		seen: make(map[sashlock.PersonID]int, len(l.rows)), bySlug: make(map[string]int, len(staff.Entries)), byNumber: map[string]int{},
	}
	p.plan.saving = Saving{Was: map[sashlock.PersonID]Entry{}, Roles: staff.Roles}
	p.index()
	if l.Wrong == 0 {
		for i := range l.rows {
			p.row(&l.rows[i])
		}
	}
	if opts.Everyone && l.Wrong == 0 {
		p.leavers()
	}
	p.tellWaiting()
	p.plan.Problems, p.plan.Wrong, p.plan.Notes, p.plan.Noted = l.Problems, l.Wrong, l.Notes, l.Noted
	if l.Wrong > 0 {
		p.plan = Plan{Problems: l.Problems, Wrong: l.Wrong, Notes: l.Notes, Noted: l.Noted}
	}
	if p.plan.Steps == nil {
		p.plan.Steps = []Step{}
	}
	p.plan.Hash = hex.EncodeToString(p.digest.Sum(nil)[:16])
	return p.plan
}

func (p *planner) index() {
	for _, r := range p.staff.Roles {
		p.roles[r.ID] = r.Slug
	}
	for i, e := range p.staff.Entries {
		p.taken[e.Slug], p.bySlug[e.Slug] = true, i
		if e.External != "" {
			p.byNumber[e.External] = i
		}
	}
	for _, row := range p.list.rows {
		p.taken[row.slug] = true
	}
}

// find finds the person that a row is about: by the number of the personnel
// system, or else by short name.
func (p *planner) find(row *listed) (Entry, bool) {
	i, known := p.byNumber[row.external]
	if known && row.external != "" {
		e := p.staff.Entries[i]
		if row.slug != "" && row.slug != e.Slug {
			p.list.Problem(row.row, p.list.head[slugColumn], lang.Say("%q is known here as %q, not %q", sashlock.Clip(row.external), e.Slug, sashlock.Clip(row.slug)), lang.Say("write the short name that is known: it stays as it is"))
		}
		return e, true
	}
	if i, known = p.bySlug[row.slug]; !known {
		return Entry{}, false
	}
	e := p.staff.Entries[i]
	if row.external != "" && e.External != "" {
		p.list.Problem(row.row, p.list.head[externalColumn], lang.Say("%q has the number %q here, not %q", e.Slug, sashlock.Clip(e.External), sashlock.Clip(row.external)), lang.Say("give somebody new another short name, or correct the number"))
	}
	return e, true
}

func (p *planner) row(row *listed) {
	was, known := p.find(row)
	if known {
		if first, twice := p.seen[was.ID]; twice {
			p.list.Problem(row.row, "", lang.Say("it is about the same person as row %d", first), lang.Say("keep one row for each person"))
		}
		p.seen[was.ID] = row.row
	}
	want := was
	want.Roles = slices.Clone(was.Roles)
	p.apply(row, &want)
	aside := p.setAside(was.Roles, &want)
	if !known {
		want.Slug = row.slug
		if want.Slug == "" {
			want.Slug = Free(SlugOf(want.Name), "person", func(s string) bool { return p.taken[s] })
			p.taken[want.Slug] = true
		}
		p.await(want.Slug, aside)
		p.step(Step{Verb: Join, Row: row.row, Slug: want.Slug, Name: want.Name, Fields: p.fields(Entry{}, want)}, want)
		return
	}
	p.await(want.Slug, aside)
	fields := p.fields(was, want)
	switch {
	case len(fields) == 0:
		p.plan.Same++
		return
	case was.Told && !want.Suspended:
		p.step(Step{Verb: Return, Row: row.row, Person: was.ID, Slug: want.Slug, Name: want.Name, Fields: fields}, want)
	case was.Left.IsZero() && !want.Left.IsZero():
		p.step(Step{Verb: Leave, Row: row.row, Person: was.ID, Slug: want.Slug, Name: want.Name, Fields: fields}, want)
	default:
		p.step(Step{Verb: Alter, Row: row.row, Person: was.ID, Slug: want.Slug, Name: want.Name, Fields: fields}, want)
	}
	p.plan.saving.Was[was.ID] = was
}

// leftNow stands for the moment at which a list is applied.
var leftNow = time.Unix(0, 0).UTC()

// apply writes what a row says over what is there. A list without a column
// leaves what it would be about as it is. Who was suspended on the word of the
// personnel system is back when that no longer says so; what an operator
// suspended, only a column about suspension lifts.
func (p *planner) apply(row *listed, e *Entry) {
	has := p.list.has
	e.Name = row.name
	if row.external != "" {
		e.External = row.external
	}
	if has[rolesColumn] {
		e.Roles = slices.Clone(row.roles)
		slices.Sort(e.Roles)
	}
	if has[fromColumn] {
		e.From = row.from
	}
	if has[untilColumn] {
		e.Until = row.until
	}
	switch {
	case has[suspendedColumn]:
		e.Suspended = row.suspended
	case row.suspended:
		e.Suspended, e.Told = true, true
	case e.Told:
		e.Suspended = false
	}
	if row.left && e.Left.IsZero() {
		e.Left, e.Told = leftNow, true
	}
	if !e.Suspended {
		e.Left, e.Told, e.Gone = time.Time{}, false, false
	}
	if !e.From.IsZero() && !e.Until.IsZero() && !e.From.Before(e.Until) && !(has[fromColumn] && has[untilColumn]) {
		p.list.Problem(row.row, p.list.head[max(fromColumn, untilColumn)], lang.Say("together with what is known it ends before it starts"), lang.Say("give the list both columns"))
	}
}

// leavers are all who are not in the list, and not away already.
func (p *planner) leavers() {
	for _, was := range p.staff.Entries {
		if _, in := p.seen[was.ID]; in || !was.Left.IsZero() {
			continue
		}
		want := was
		want.Suspended, want.Left, want.Told = true, leftNow, true
		p.plan.saving.Was[was.ID] = was
		p.step(Step{Verb: Leave, Person: was.ID, Slug: was.Slug, Name: was.Name, Fields: p.fields(was, want)}, want)
	}
}

func (p *planner) step(s Step, want Entry) {
	switch s.Verb {
	case Join:
		p.plan.New++
	case Alter:
		p.plan.Changed++
	case Leave:
		p.plan.Leaving++
	case Return:
		p.plan.Back++
	}
	p.plan.Steps = append(p.plan.Steps, s)
	p.plan.saving.Entries = append(p.plan.saving.Entries, want)
	text, err := json.Marshal(s)
	if err != nil {
		text = []byte(s.Slug) // strings and numbers always marshal
	}
	p.digest.Write(append(text, '\n'))
}

// fields are what differs, as people read it.
func (p *planner) fields(was, want Entry) []Field {
	var out []Field
	differ := func(name, from, to string) {
		if from != to {
			out = append(out, Field{name, from, to})
		}
	}
	differ("name", was.Name, want.Name)
	differ("external_id", was.External, want.External)
	differ("roles", p.rolesOf(was), p.rolesOf(want))
	differ("from", p.clock(was.From), p.clock(want.From))
	differ("until", p.clock(was.Until), p.clock(want.Until))
	differ("suspended", yes(was.Suspended), yes(want.Suspended))
	differ("left", yes(!was.Left.IsZero()), yes(!want.Left.IsZero()))
	return out
}

func (p *planner) rolesOf(e Entry) string {
	names := make([]string, len(e.Roles))
	for i, id := range e.Roles {
		names[i] = p.roles[id]
	}
	slices.Sort(names)
	return strings.Join(names, ", ")
}

func (p *planner) clock(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.In(p.zone).Format("2006-01-02T15:04:05.999999Z07:00")
}

func yes(b bool) string {
	if b {
		return "yes"
	}
	return "no"
}
