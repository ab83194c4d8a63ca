// SPDX-License-Identifier: Apache-2.0

package shifts

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"hash"
	"time"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/internal/flow"
	"github.com/sashlock/sashlock/internal/lang"
	"github.com/sashlock/sashlock/internal/rota"
	"github.com/sashlock/sashlock/internal/store"
)

// The rules of importing a rota are:
//
//   - First it is compared with the shifts that came from the same rota;
//     nothing changes, and the answer is a plan with a hash.
//   - Then it is applied with that hash. It is compared again, within the
//     transaction that writes: if anything came out differently nothing is done.
//   - A rota with one problem does nothing at all.
//   - What is over, and what somebody has clocked in to, stays as it is.
//   - A shift that is not in the rota any more, and lies in the days for which
//     it speaks, is called off.

// Verb is what a rota does to one shift.
type Verb string

// The verbs.
const (
	New     Verb = "new"
	Changed Verb = "changed"
	Gone    Verb = "gone"
)

// Step is what a rota does to one shift.
type Step struct {
	Verb   Verb              `json:"verb"`
	Row    int               `json:"row,omitempty"` // line of the file; 0: it is not in there
	ID     sashlock.ShiftID  `json:"id,omitempty"`
	Person sashlock.PersonID `json:"person"`
	Site   sashlock.SiteID   `json:"site"`
	Role   sashlock.RoleID   `json:"role,omitempty"`
	From   time.Time         `json:"from"`
	Until  time.Time         `json:"until"`
	Was    *Was              `json:"was,omitempty"` // what a changed shift was

	saving Shift
}

// Was is what a changed shift was.
type Was struct {
	Person sashlock.PersonID `json:"person"`
	Site   sashlock.SiteID   `json:"site"`
	Role   sashlock.RoleID   `json:"role,omitempty"`
	From   time.Time         `json:"from"`
	Until  time.Time         `json:"until"`
}

// Plan is what a rota would do, or what is wrong with it. With problems it does
// nothing.
type Plan struct {
	Steps       []Step
	New         int
	Changed     int
	Gone        int
	Same        int
	From, Until time.Time // what the rota speaks for
	Problems    []rota.Problem
	Wrong       int // problems in all; the list of them is cut
	Notes       []rota.Problem
	Noted       int
	// Hash stands for all of the steps. Whoever applies the rota gives it back,
	// so that nothing else is done than what they saw.
	Hash string
}

// Source says which rota a file is of and how it is meant.
type Source struct {
	Name  string                   // a short name: each planning program or team has its own
	Site  sashlock.Site            // whose shifts they are where the file does not say
	Sites map[sashlock.SiteID]bool // of which sites it may speak; nil: of all
	Weeks int                      // for how many weeks a calendar is spelt out; 0: eight
	Now   time.Time
}

// Rota is the name of a rota that was given none.
const Rota = "rota"

// check names what is wrong with a source.
func (s Source) check() error {
	if !sashlock.ValidSlug(s.Name) || s.Name == Allowed {
		return &sashlock.Error{Kind: sashlock.Invalid, Op: "importing rota", Subject: "source", Hint: lang.Mark("give the rota a short name of a–z, 0–9 and hyphens")}
	}
	if s.Weeks < 0 || s.Weeks > 26 {
		return &sashlock.Error{Kind: sashlock.Invalid, Op: "importing rota", Subject: "weeks", Hint: lang.Mark("choose 1 to 26 weeks")}
	}
	return nil
}

// Preview tells what a rota would do now.
func Preview(ctx context.Context, s *store.Store, content []byte, from Source) (plan Plan, err error) {
	if err := from.check(); err != nil {
		return plan, err
	}
	err = s.View(ctx, func(q store.Query) (err error) {
		plan, err = compare(q, content, from)
		return err
	})
	return plan, err
}

// Import does what a rota says, if that is still the plan with the given hash.
// Otherwise the error is of kind conflict, or invalid where the file itself is
// wrong, and the plan says how things are now.
func Import(ctx context.Context, hall *flow.Hall, by sashlock.OperatorID, content []byte, from Source, hash string) (Plan, error) {
	var plan Plan
	if err := from.check(); err != nil {
		return plan, err
	}
	_, err := hall.Change(ctx, flow.Change{Operator: by, Make: func(tx *store.Tx) (edit flow.Edit, err error) {
		if plan, err = compare(tx, content, from); err != nil {
			return edit, err
		}
		switch {
		case plan.Wrong > 0:
			return edit, &sashlock.Error{Kind: sashlock.Invalid, Op: "importing rota", Subject: "file", Hint: lang.Mark("something is wrong with the rota; nothing was changed")}
		case plan.Hash != hash:
			return edit, &sashlock.Error{Kind: sashlock.Conflict, Op: "importing rota", Hint: lang.Mark("what the rota would do is no longer what you saw; look at it again, nothing was changed"), Err: store.ErrChanged}
		}
		return plan.apply(tx, from)
	}})
	return plan, err
}

// apply carries a plan out.
func (p *Plan) apply(tx *store.Tx, from Source) (edit flow.Edit, err error) {
	for i := range p.Steps {
		step := &p.Steps[i]
		var more flow.Edit
		if step.Verb == Gone {
			more, err = step.saving.cancel(tx)
		} else {
			more, err = step.saving.put(tx)
		}
		if err != nil {
			return edit, err
		}
		step.ID = step.saving.ID
		join(&edit, more)
	}
	data, err := json.Marshal(map[string]int{"new": p.New, "changed": p.Changed, "gone": p.Gone, "same": p.Same})
	edit.Events = append(edit.Events, sashlock.Event{Kind: sashlock.RotaImported, Site: from.Site.ID, Subject: from.Name, Data: data})
	return edit, err
}

// planner compares a rota with the shifts that are there.
type planner struct {
	Plan
	from   Source
	digest hash.Hash
}

func compare(q store.Query, content []byte, from Source) (Plan, error) {
	who, err := directory(q, from)
	if err != nil {
		return Plan{}, err
	}
	zone, err := time.LoadLocation(from.Site.Zone)
	if err != nil || from.Site.Zone == "" {
		zone = time.UTC
	}
	list := rota.Read(content, rota.Options{
		Directory: who, Site: from.Site.ID, Zone: zone, Now: from.Now, Window: time.Duration(from.Weeks) * 7 * 24 * time.Hour,
	})
	p := planner{from: from, digest: sha256.New()}
	p.From, p.Until, p.Problems, p.Wrong, p.Notes, p.Noted = list.From, list.Until, list.Problems, list.Wrong, list.Notes, list.Noted
	if list.Wrong > 0 {
		return p.Plan, nil
	}
	there, err := store.Rows(q, scan, `SELECT `+columns+` FROM shifts WHERE source = ? ORDER BY begins, id`, from.Name)
	if err != nil {
		return Plan{}, err
	}
	p.steps(list, there)
	p.Hash = hex.EncodeToString(p.digest.Sum(nil)[:16])
	return p.Plan, nil
}

// steps finds what differs.
func (p *planner) steps(list rota.List, there []Shift) {
	byRef := make(map[string]Shift, len(there))
	for _, s := range there {
		byRef[s.Ref] = s
	}
	said := make(map[string]bool, len(list.Entries))
	sites := map[sashlock.SiteID]bool{p.from.Site.ID: true}
	for _, e := range list.Entries {
		said[e.Ref], sites[e.Site] = true, true
		was, known := byRef[e.Ref]
		p.entry(e, was, known)
	}
	for _, s := range there {
		within := s.From.Before(list.Until) && !s.From.Before(list.From)
		if !said[s.Ref] && s.Standing() && within && sites[s.Site] && p.mutable(s) && (p.from.Sites == nil || p.from.Sites[s.Site]) {
			p.step(Step{Verb: Gone, ID: s.ID, Person: s.Person, Site: s.Site, Role: s.Role, From: s.From, Until: s.Until, saving: s})
		}
	}
}

// mutable reports whether a rota may still change a shift.
func (p *planner) mutable(s Shift) bool { return s.In.IsZero() && s.Until.After(p.from.Now) }

func (p *planner) entry(e rota.Entry, was Shift, known bool) {
	step := Step{Verb: New, Row: e.Row, Person: e.Person, Site: e.Site, Role: e.Role, From: e.From, Until: e.Until}
	if !known {
		step.saving = Shift{Shift: sashlock.Shift{Person: e.Person, Site: e.Site, Role: e.Role, From: e.From, Until: e.Until, Source: p.from.Name, Ref: e.Ref}}
		p.step(step)
		return
	}
	s := was
	s.Site, s.Role, s.From, s.Until = e.Site, e.Role, e.From, e.Until
	if was.Planned != e.Person { // a swap stands as long as the rota says what it said
		s.Person, s.Planned = e.Person, ""
	}
	switch {
	case !was.Standing() && e.Until.After(p.from.Now):
		s.Cancelled = time.Time{}
	case s.Person == was.Person && s.Planned == was.Planned && s.Site == was.Site && s.Role == was.Role && s.From.Equal(was.From) && s.Until.Equal(was.Until):
		p.Same++
		return
	case !p.mutable(was) || p.from.Sites != nil && !p.from.Sites[was.Site]:
		if p.Noted++; len(p.Notes) < 100 {
			p.Notes = append(p.Notes, rota.Problem{Row: e.Row, Detail: lang.Say("the shift is over or they have clocked in: it stays as it was"), Fix: lang.Say("nothing, if that is meant")})
		}
		p.Same++
		return
	default:
		step.Verb, step.Was = Changed, &Was{was.Person, was.Site, was.Role, was.From, was.Until}
	}
	step.ID, step.Person, step.saving = s.ID, s.Person, s
	p.step(step)
}

func (p *planner) step(s Step) {
	switch s.Verb {
	case New:
		p.New++
	case Changed:
		p.Changed++
	case Gone:
		p.Gone++
	}
	p.Steps = append(p.Steps, s)
	text, err := json.Marshal(s)
	if err != nil {
		text = []byte(s.ID) // strings and times always marshal
	}
	fmt.Fprintf(p.digest, "%s %d\n", text, s.saving.Rev)
}

// directory is whom a rota may speak of, as it is within a transaction.
func directory(q store.Query, from Source) (d rota.Directory, err error) {
	d.People, err = store.Rows(q, func(scan store.Scan) (p rota.Somebody, err error) {
		var external, user sql.NullString
		err = scan(&p.ID, &p.Slug, &p.Name, &external, &user)
		p.External, p.User = external.String, user.String
		return p, err
	}, `SELECT p.id, p.slug, p.name, d.external_id, d.user_name FROM people p LEFT JOIN directory_people d ON d.person = p.id ORDER BY p.slug`)
	if err != nil {
		return d, err
	}
	sites, err := store.Rows(q, func(scan store.Scan) (s sashlock.Site, err error) {
		err = scan(&s.ID, &s.Slug, &s.Name, &s.Zone)
		return s, err
	}, `SELECT id, slug, name, zone FROM sites ORDER BY slug`)
	if err != nil {
		return d, err
	}
	for _, s := range sites {
		if from.Sites == nil || from.Sites[s.ID] {
			d.Sites = append(d.Sites, s)
		}
	}
	d.Roles, err = store.Rows(q, func(scan store.Scan) (r sashlock.Role, err error) {
		err = scan(&r.ID, &r.Slug, &r.Name)
		return r, err
	}, `SELECT id, slug, name FROM roles ORDER BY slug`)
	return d, err
}
