// SPDX-License-Identifier: Apache-2.0

package persons

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/internal/approvals"
	"github.com/sashlock/sashlock/internal/console"
	"github.com/sashlock/sashlock/internal/estate"
	"github.com/sashlock/sashlock/internal/flow"
	"github.com/sashlock/sashlock/internal/grants"
	"github.com/sashlock/sashlock/internal/lang"
	"github.com/sashlock/sashlock/internal/people"
	"github.com/sashlock/sashlock/internal/reach"
	"github.com/sashlock/sashlock/internal/store"
)

// errDone says that a form was sent twice, errTaken that a short name is in use.
var (
	errDone  = errors.New("it is there already")
	errTaken = errors.New("the short name is taken")
)

// reason is why somebody is suspended. The choices are few because they stay in
// the ledger: what is typed there might be about a human being for ever.
type reason struct{ Value, Text string }

// whyLeft is the reason that makes a suspension a departure.
var whyLeft = lang.Mark("Left the company")

func reasons() []reason {
	return []reason{
		{"leave", lang.Mark("Away for a time")}, {"left", whyLeft},
		{"lost", lang.Mark("Lost what they identify themselves with")}, {"other", lang.Mark("Another reason")},
	}
}

// draft is a person while they are being edited.
type draft struct {
	New         bool
	Slug, Name  string
	From, Until string
	Roles       []choice
	Kept        []sashlock.Role // that whoever is signed in may not take away
	Rev         int64
	Prove       bool // saving asks for a proof of presence first
	Wrong       map[string]string
	Notes       []string
	Clocks      string
	Theirs      string // what somebody else made of it, as YAML
}

type choice struct {
	Slug, Name string
	On         bool
}

func (p pages) fresh(w http.ResponseWriter, r *http.Request) error {
	f, err := p.facts(r.Context())
	if err != nil {
		return err
	}
	return p.showDraft(w, r, f, &draft{New: true}, nil)
}

func (p pages) edit(w http.ResponseWriter, r *http.Request) error {
	f, one, err := p.changeable(r)
	if err != nil {
		return err
	}
	site, err := p.Site(r)
	if err != nil {
		return err
	}
	zone := console.Zone(site)
	d := &draft{Slug: one.Slug, Name: one.Name, Rev: one.Rev, From: local(one.From, zone), Until: local(one.Until, zone)}
	return p.showDraft(w, r, f, d, one.Roles)
}

// changeable finds the person of an address whom whoever is signed in may
// change.
func (p pages) changeable(r *http.Request) (reach.Facts, sashlock.Person, error) {
	f, one, err := p.person(r)
	if err != nil {
		return f, one, err
	}
	if _, alone := ours(r.Context(), f, one); !alone {
		return f, one, p.Refuse(r.Context(), "person "+string(one.ID))
	}
	return f, one, nil
}

func local(at time.Time, zone *time.Location) string {
	if at.IsZero() {
		return ""
	}
	return at.In(zone).Format("2006-01-02T15:04")
}

func (p pages) showDraft(w http.ResponseWriter, r *http.Request, f reach.Facts, d *draft, has []sashlock.RoleID) error {
	ctx := r.Context()
	site, err := p.Site(r)
	if err != nil {
		return err
	}
	d.Clocks = console.Zone(site).String()
	d.Roles = nil
	for _, role := range rolesOurs(ctx, f) {
		d.Roles = append(d.Roles, choice{role.Slug, role.Name, slices.Contains(has, role.ID)})
	}
	title := lang.T(ctx, "New person")
	if !d.New {
		title = d.Name
	}
	head := head(ctx, title)
	switch {
	case d.Prove:
		head.Status = http.StatusForbidden
	case d.Theirs != "":
		head.Status = console.Outrun
	case len(d.Wrong) > 0:
		head.Status = console.Refused
	}
	return p.Show(w, r, head, draftPage(d))
}

// save adds a person or changes one.
func (p pages) save(w http.ResponseWriter, r *http.Request) error {
	if err := p.Form(w, r); err != nil {
		return err
	}
	ctx := r.Context()
	d := &draft{Name: strings.TrimSpace(r.PostFormValue("name")), Slug: strings.TrimSpace(r.PostFormValue("slug")), From: r.PostFormValue("from"), Until: r.PostFormValue("until"), Wrong: map[string]string{}}
	d.Rev, _ = strconv.ParseInt(r.PostFormValue("rev"), 10, 64)
	was := r.PostFormValue("was")
	d.New = was == ""
	f, err := p.facts(ctx)
	if err != nil {
		return err
	}
	var one sashlock.Person
	if !d.New {
		r.SetPathValue("slug", was)
		if f, one, err = p.changeable(r); err != nil {
			return err
		}
		d.Slug = one.Slug
	}
	has, err := p.chosen(ctx, f, r.PostForm["role"])
	if err != nil {
		return err
	}
	wanted := estate.Person{Slug: d.Slug, Name: d.Name, Suspended: one.Suspended}
	for _, id := range has {
		wanted.Roles = append(wanted.Roles, f.Roles[id].Slug)
	}
	site, err := p.Site(r)
	if err != nil {
		return err
	}
	wanted.From = d.instant(ctx, "from", d.From, one.From, console.Zone(site))
	wanted.Until = d.instant(ctx, "until", d.Until, one.Until, console.Zone(site))
	_, problems := wanted.Resolve(f.Find)
	d.wrong(ctx, problems)
	if len(d.Wrong) == 0 && !p.proved(ctx, f, sashlock.Person{ID: one.ID, Roles: has}) {
		d.Prove = true
		return p.showDraft(w, r, f, d, has)
	}
	if len(d.Wrong) == 0 {
		err = p.put(ctx, f, wanted, d)
		switch {
		case err == nil || errors.Is(err, errDone):
			return console.Back(w, r, "/people/"+d.Slug)
		case errors.Is(err, approvals.ErrHeld):
			return p.ProposeChange(w, r, approvals.AccessKind, approvals.Change{File: estate.File{People: []estate.Person{wanted}}}, d.Rev)
		case errors.Is(err, errTaken):
			d.Wrong["slug"] = lang.T(ctx, "Somebody else has this short name.")
		case errors.Is(err, store.ErrChanged):
			d.disagree(ctx, p.Hall.Book(), f)
		default:
			return err
		}
	}
	return p.showDraft(w, r, f, d, has)
}

// chosen are the roles of a form. One that whoever is signed in may not give is
// refused.
func (p pages) chosen(ctx context.Context, f reach.Facts, slugs []string) ([]sashlock.RoleID, error) {
	may := rolesOurs(ctx, f)
	var has []sashlock.RoleID
	for _, slug := range slugs {
		id := sashlock.RoleID(f.Find(estate.Roles, slug))
		if id == "" {
			return nil, &sashlock.Error{Kind: sashlock.Invalid, Op: "saving person", Subject: "role", Hint: lang.T(ctx, "choose roles from the list")}
		}
		if !slices.ContainsFunc(may, func(r sashlock.Role) bool { return r.ID == id }) {
			return nil, p.Refuse(ctx, "role "+string(id))
		}
		if !slices.Contains(has, id) {
			has = append(has, id)
		}
	}
	return has, nil
}

// instant understands a time by the clocks of the store. One that still says
// what it said stays exactly as it was.
func (d *draft) instant(ctx context.Context, field, typed string, was time.Time, zone *time.Location) string {
	text := func(at time.Time) string { return at.UTC().Format(time.RFC3339Nano) }
	switch {
	case typed == "":
		return ""
	case !was.IsZero() && typed == local(was, zone):
		return text(was)
	}
	at, gap, again, err := reach.Read(typed, zone)
	if err != nil {
		d.Wrong[field] = lang.T(ctx, "This is not a day and a time.")
		return ""
	}
	if gap || again {
		d.Notes = append(d.Notes, lang.T(ctx, "Clocks change at that time; %s is meant.", at.Format("15:04")))
	}
	return text(at)
}

// wrong says what is wrong, by field.
func (d *draft) wrong(ctx context.Context, problems []estate.Problem) {
	for _, one := range problems {
		switch one.Field {
		case "name":
			d.Wrong["name"] = lang.T(ctx, "Give it a name of 1 to 80 characters, without marks that change the direction of writing.")
		case "slug":
			d.Wrong["slug"] = lang.T(ctx, "Use 1 to 40 of a–z, 0–9 and hyphens, a letter or digit first.")
		case "until":
			d.Wrong["until"] = lang.T(ctx, "It would end before it starts.")
		default:
			d.Wrong[one.Field] = one.Detail.In(lang.Of(ctx))
		}
	}
}

// disagree takes the revision of what somebody else saved, and shows it.
func (d *draft) disagree(ctx context.Context, now *flow.Book, f reach.Facts) {
	f.Book = now
	d.Rev, d.Theirs = 0, lang.T(ctx, "It is no longer there.")
	for _, one := range now.People {
		if one.Slug == d.Slug {
			d.Rev = one.Rev
			if text, err := estate.Marshal(estate.File{People: []estate.Person{estate.FromPerson(one, f.Ref)}}); err == nil {
				d.Theirs = string(text)
			}
		}
	}
}

// put saves a person.
func (p pages) put(ctx context.Context, f reach.Facts, wanted estate.Person, d *draft) error {
	return p.change(ctx, func(tx *store.Tx) (flow.Edit, error) {
		if there, err := people.Find(tx, wanted.Slug); d.New && err == nil {
			if there.Name == wanted.Name && there.Rev == 1 {
				return flow.Edit{}, errDone
			}
			return flow.Edit{}, errTaken
		}
		return people.Save(tx, wanted, f.Find, d.Rev)
	})
}

// suspend refuses somebody everywhere from the next request on.
func (p pages) suspend(w http.ResponseWriter, r *http.Request) error {
	if err := p.Form(w, r); err != nil {
		return err
	}
	f, one, err := p.person(r)
	if err != nil {
		return err
	}
	why := ""
	for _, known := range reasons() {
		if r.PostFormValue("reason") == known.Value {
			why = known.Text
		}
	}
	return p.stand(w, r, f, one, true, why)
}

// lift ends a suspension.
func (p pages) lift(w http.ResponseWriter, r *http.Request) error {
	ctx := r.Context()
	if err := p.Form(w, r); err != nil {
		return err
	}
	f, one, err := p.changeable(r)
	if err != nil {
		return err
	}
	if !p.proved(ctx, f, one) {
		return console.Again(w, r, "/people/"+one.Slug)
	}
	return p.stand(w, r, f, one, false, "")
}

// proved reports whether somebody may be let in, as far as that asks for a
// proof of presence: it does where they then may open what is worth most.
func (p pages) proved(ctx context.Context, f reach.Facts, one sashlock.Person) bool {
	byName, byRole := f.Of(one)
	if one.ID == "" {
		byName = nil
	}
	return console.Who(ctx).Fresh(p.Now()) || !slices.ContainsFunc(slices.Concat(byName, byRole), f.High)
}

func (p pages) stand(w http.ResponseWriter, r *http.Request, f reach.Facts, one sashlock.Person, suspended bool, why string) error {
	ctx := r.Context()
	err := p.change(ctx, func(tx *store.Tx) (flow.Edit, error) {
		now, err := people.Find(tx, string(one.ID))
		if err != nil {
			return flow.Edit{}, err
		}
		if now.Suspended == suspended {
			return flow.Edit{}, errDone // pressed twice
		}
		now.Suspended = suspended
		edit, err := people.Save(tx, estate.FromPerson(now, f.Ref), f.Find, now.Rev)
		for i := range edit.Events {
			edit.Events[i].Why = why
		}
		if err == nil && suspended && why == whyLeft {
			err = people.Depart(tx, one.ID)
		}
		return edit, err
	})
	if err != nil && !errors.Is(err, errDone) {
		return err
	}
	return console.Back(w, r, "/people/"+one.Slug)
}

// farewell asks before everything that somebody has by name is taken away.
type farewell struct {
	Person sashlock.Person
	ByName []given
	ByRole []sashlock.Role
	Loses  int // openings
	Else   bool
}

func (p pages) askRevokeAll(w http.ResponseWriter, r *http.Request) error {
	ctx := r.Context()
	f, one, err := p.person(r)
	if err != nil {
		return err
	}
	s := &sheet{}
	s.grants(ctx, f, one)
	byName, _ := f.Of(one)
	mine := seen(ctx, f, byName)
	e, err := f.Effect(nil, mine, p.Now())
	if err != nil {
		return err
	}
	bye := &farewell{Person: one, ByName: s.ByName, Loses: reach.Openings(e.Loss), Else: len(mine) < len(byName)}
	for _, id := range one.Roles {
		bye.ByRole = append(bye.ByRole, f.Roles[id])
	}
	return p.Show(w, r, head(ctx, lang.T(ctx, "Revoke all grants")), revokePage(bye))
}

// revokeAll revokes the grants that somebody has by name, as far as they
// concern whoever is signed in. What a role gives stays.
func (p pages) revokeAll(w http.ResponseWriter, r *http.Request) error {
	ctx := r.Context()
	f, one, err := p.person(r)
	if err != nil {
		return err
	}
	err = p.change(ctx, func(tx *store.Tx) (flow.Edit, error) {
		all, err := grants.List(tx)
		if err != nil {
			return flow.Edit{}, err
		}
		var whole flow.Edit
		for _, g := range all {
			if g.Person != one.ID || !sees(ctx, f, g) {
				continue
			}
			edit, err := grants.Revoke(tx, g.Slug, g.Rev)
			if err != nil {
				return flow.Edit{}, err
			}
			whole.Events = append(whole.Events, edit.Events...)
			whole.Access.Remove.Grants = append(whole.Access.Remove.Grants, edit.Access.Remove.Grants...)
		}
		return whole, nil
	})
	if err != nil {
		return err
	}
	return console.Back(w, r, "/people/"+one.Slug)
}
