// SPDX-License-Identifier: Apache-2.0

package scenarios

import (
	"cmp"
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/internal/approvals"
	"github.com/sashlock/sashlock/internal/console"
	"github.com/sashlock/sashlock/internal/estate"
	"github.com/sashlock/sashlock/internal/lang"
	"github.com/sashlock/sashlock/internal/scenario"
	room "github.com/sashlock/sashlock/internal/scenarios"
	"github.com/sashlock/sashlock/internal/signin"
	"github.com/sashlock/sashlock/internal/store"
)

// The views of the editor.
const (
	asForm = "form"
	asText = "text"
)

// draft is a scenario while it is being edited.
type draft struct {
	scenario.Scenario // as typed
	New               bool
	View              string
	Text              string // as it is, or as it was typed
	Rev               int64
	Reason            string // why it is changed
	Problems          []problem
	Saved, Prove      bool
	Conflict          string // what somebody else made of it
	Status            int
	Change, Press     bool
	Row               *row
	Look              *look
	Versions          []version
	Choices           choices
}

// problem is something that is wrong, and where.
type problem struct {
	Field string
	Line  int
	Text  string
}

// version is one of the history.
type version struct {
	Rev  int64
	At   time.Time
	By   string
	Why  string
	Gone bool
	Now  bool
	Diff []console.DiffLine // from the version before it
}

// choices are what there is to choose from at a site.
type choices struct {
	Sites     []sashlock.Site
	Schedules []sashlock.Schedule
	Roles     []sashlock.Role
	Areas     []string // site/area
	AreaNames map[string]string
	Others    []room.Kept
	Openings  []sashlock.Opening
}

// look is what a draft would do, and would have done.
type look struct {
	Begins    string
	Does      []string
	Next      []string
	Hold      []reached
	Lock      []name
	Guarded   int
	Conflicts []string
	Past      *tested
}

// reached is an opening that it may hold unlocked.
type reached struct {
	name
	Guard string // what keeps it from it; empty: nothing
	Now   string // what would keep it from it at this moment
}

// tested is what it would have done.
type tested struct {
	Days    int
	Times   int
	Cuts    int
	Runs    []string
	More    int
	Whole   bool
	Counted bool
	Rate    bool
	Zone    string
}

// Wrong is what is wrong with a field or with what is in it.
func (d *draft) Wrong(field string) string {
	for _, p := range d.Problems {
		if p.Field == field || strings.HasPrefix(p.Field, field+".") || strings.HasPrefix(p.Field, field+"[") {
			return p.Text
		}
	}
	return ""
}

// Only is what is wrong with a field itself.
func (d *draft) Only(field string) string {
	for _, p := range d.Problems {
		if p.Field == field {
			return p.Text
		}
	}
	return ""
}

func (p pages) fresh(w http.ResponseWriter, r *http.Request) error {
	ctx := r.Context()
	site, err := p.Site(r)
	if err != nil {
		return err
	}
	if !mine(ctx, site.ID) {
		return p.Refuse(ctx, "scenarios of site "+string(site.ID))
	}
	d := &draft{New: true, View: asForm}
	kind := scenario.Kind(r.URL.Query().Get("like"))
	for _, t := range templates() {
		if t.Kind == kind || kind == "" && t.Kind == scenario.Other {
			d.Scenario = t.make(ctx, site.Slug)
		}
	}
	if from := r.URL.Query().Get("copy"); from != "" {
		k, err := p.find(ctx, from)
		if err != nil {
			return err
		}
		d.Scenario, d.Slug, d.Name = k.Scenario, "", lang.T(ctx, "Copy of %s", k.Name)
	}
	d.Site = site.Slug
	d.Slug = p.freeSlug(ctx, string(cmp.Or(kind, "scenario")))
	return p.edit(w, r, d, 0)
}

// freeSlug finds a short name that nobody has.
func (p pages) freeSlug(ctx context.Context, like string) string {
	like = strings.ReplaceAll(like, "_", "-")
	if !sashlock.ValidSlug(like) {
		like = "scenario"
	}
	var all []room.Kept
	if err := p.Store.View(ctx, func(q store.Query) (err error) { all, err = room.List(q); return err }); err != nil {
		return like // saving says what is wrong
	}
	slug := like
	for n := 2; slices.ContainsFunc(all, func(k room.Kept) bool { return k.Slug == slug }); n++ {
		slug = like + "-" + number2(n)
	}
	return slug
}

func (p pages) show(w http.ResponseWriter, r *http.Request) error {
	k, err := p.find(r.Context(), r.PathValue("slug"))
	if err != nil {
		return err
	}
	d := &draft{View: asForm, Scenario: k.Scenario, Rev: k.Rev, Saved: r.URL.Query().Has("saved")}
	if r.URL.Query().Get("view") == asText {
		d.View = asText
	}
	return p.edit(w, r, d, min(number(r.URL.Query().Get("test")), 90))
}

// edit shows the editor, with a test over so many days.
func (p pages) edit(w http.ResponseWriter, r *http.Request, d *draft, days int) error {
	ctx := r.Context()
	d.Change, d.Press = console.May(ctx, signin.Access), console.May(ctx, signin.Release)
	if err := p.furnish(ctx, d); err != nil {
		return err
	}
	if d.View == asForm || d.Text == "" {
		text, err := scenario.Marshal(d.Scenario)
		if err != nil {
			return err
		}
		d.Text = string(text)
	}
	if err := p.foresee(ctx, d, days); err != nil {
		return err
	}
	title := d.Scenario.Name
	if d.New {
		title = lang.T(ctx, "New scenario")
	}
	h := head(ctx, cmp.Or(title, d.Slug))
	h.Status = d.Status
	for _, s := range d.Choices.Sites {
		if s.Slug == d.Site {
			h.Site = s
		}
	}
	return p.Show(w, r, h, editPage(d))
}

// furnish reads what the editor offers.
func (p pages) furnish(ctx context.Context, d *draft) error {
	book := p.Hall.Book()
	c := choices{AreaNames: map[string]string{}}
	for _, s := range p.Sites(ctx) {
		if mine(ctx, s.ID) {
			c.Sites = append(c.Sites, s)
		}
	}
	var site sashlock.Site
	for _, s := range c.Sites {
		if s.Slug == d.Site {
			site = s
		}
	}
	for _, s := range book.Schedules {
		c.Schedules = append(c.Schedules, s)
	}
	for _, s := range book.Roles {
		c.Roles = append(c.Roles, s)
	}
	for _, a := range book.Areas {
		if a.Site == site.ID {
			ref := site.Slug + "/" + a.Slug
			c.Areas, c.AreaNames[ref] = append(c.Areas, ref), a.Name
		}
	}
	for _, o := range book.Openings {
		if o.Site == site.ID {
			c.Openings = append(c.Openings, o)
		}
	}
	slices.SortFunc(c.Schedules, func(a, b sashlock.Schedule) int { return console.CompareNames(a.Name, b.Name) })
	slices.SortFunc(c.Roles, func(a, b sashlock.Role) int { return console.CompareNames(a.Name, b.Name) })
	slices.Sort(c.Areas)
	slices.SortFunc(c.Openings, func(a, b sashlock.Opening) int { return console.CompareNames(a.Name, b.Name) })
	err := p.Store.View(ctx, func(q store.Query) error {
		all, err := room.List(q)
		if err != nil {
			return err
		}
		operators, err := signin.Operators(q)
		if err != nil {
			return err
		}
		for _, k := range all {
			switch {
			case k.At == site.ID && k.Slug != d.Slug:
				c.Others = append(c.Others, k)
			case k.Slug == d.Slug && !d.New:
				one := p.row(ctx, k, nil, called(operators))
				d.Row = &one
			}
		}
		if d.New {
			return nil
		}
		return p.history(q, d, site, called(operators))
	})
	d.Choices = c
	return err
}

// foresee finds out what a draft would do, and what is wrong with it.
func (p pages) foresee(ctx context.Context, d *draft, days int) error {
	if d.View == asText && len(d.Problems) > 0 {
		return nil // it could not be read
	}
	ahead, err := p.room.Preview(ctx, d.Scenario)
	if err != nil {
		return err
	}
	if !d.New || d.Status != 0 || len(ahead.Guarded) > 0 {
		d.complain(ctx, ahead.Problems)
	}
	if ahead.Plan == nil {
		return nil
	}
	d.Look = &look{Begins: begins(ctx, d.Scenario), Does: p.does(ctx, d.Scenario), Lock: p.named(ahead.Lock), Guarded: len(ahead.Guarded)}
	for _, w := range ahead.Next {
		d.Look.Next = append(d.Look.Next, console.Day(ctx, w.Start)+w.Start.Format(" 15:04 – ")+w.End.Format("15:04"))
	}
	book := p.Hall.Book()
	for _, id := range ahead.Hold {
		o := book.Openings[id]
		one := reached{name: name{o.Name, "/openings/" + o.Slug}}
		for _, b := range ahead.Guarded {
			if b.Opening == id {
				one.Guard = railName(ctx, b.Rail)
			}
		}
		for _, b := range ahead.Kept {
			if b.Opening == id && one.Guard == "" {
				one.Now = railName(ctx, b.Rail)
			}
		}
		d.Look.Hold = append(d.Look.Hold, one)
	}
	for _, c := range ahead.Conflicts {
		d.Look.Conflicts = append(d.Look.Conflicts, c.In(lang.Of(ctx)))
	}
	if days <= 0 {
		return nil
	}
	return p.try(ctx, d, ahead.Plan, days)
}

// shownRuns is how many runs of a test are listed.
const shownRuns = 40

// try tells what the scenario would have done in the last days.
func (p pages) try(ctx context.Context, d *draft, plan *scenario.Plan, days int) error {
	t, err := p.room.Test(ctx, plan, time.Duration(days)*24*time.Hour, nil)
	if err != nil {
		return err
	}
	_, _, rate := plan.Counts()
	out := &tested{Days: days, Times: len(t.Runs), Cuts: t.Cuts, Whole: t.Whole, Counted: t.Counted, Rate: rate, Zone: plan.Zone().String()}
	for _, run := range slices.Backward(t.Runs) {
		if len(out.Runs) == shownRuns {
			out.More = len(t.Runs) - shownRuns
			break
		}
		at := run.Began.In(plan.Zone())
		text := console.Day(ctx, at) + at.Format(" 15:04")
		if !run.Ended.IsZero() {
			text += run.Ended.In(plan.Zone()).Format(" – 15:04")
		}
		out.Runs = append(out.Runs, text)
	}
	d.Look.Past = out
	return nil
}

// complain takes what is wrong, each with its line in the text.
func (d *draft) complain(ctx context.Context, all []estate.Problem) {
	for _, one := range all {
		d.Problems = append(d.Problems, problem{one.Field, scenario.Line([]byte(d.Text), one.Field), one.In(lang.Of(ctx))})
	}
}

// read takes what the editor sent.
func (p pages) read(r *http.Request) (*draft, error) {
	ctx := r.Context()
	d := &draft{View: asForm, Reason: console.Clip(r.PostFormValue("why"), 500)}
	d.Rev = int64(number(r.PostFormValue("rev")))
	was := r.PostFormValue("was")
	d.New = was == ""
	var site string
	if !d.New {
		k, err := p.find(ctx, was)
		if err != nil && !sashlock.IsKind(err, sashlock.NotFound) {
			return nil, err
		}
		site = k.Site
	}
	if r.PostFormValue("as") == asText {
		d.View, d.Text = asText, r.PostFormValue("text")
		s, err := scenario.Parse([]byte(d.Text))
		if err != nil {
			d.Problems = append(d.Problems, problem{Field: "text", Text: console.Sentence(err)})
			s = scenario.Scenario{Site: cmp.Or(site, r.PostFormValue("site"))}
		}
		d.Scenario = s
	} else {
		d.Scenario = p.readForm(r)
	}
	if !d.New {
		if d.View == asText && d.Slug != was && len(d.Problems) == 0 {
			d.Problems = append(d.Problems, problem{Field: "slug", Line: scenario.Line([]byte(d.Text), "slug"), Text: lang.T(ctx, "The short name of a scenario stays as it is: %s.", was)})
		}
		d.Slug = was
	}
	return d, p.within(ctx, d)
}

// within refuses a draft for a site that is not the operator's.
func (p pages) within(ctx context.Context, d *draft) error {
	for _, s := range p.Hall.Book().Sites {
		if s.Slug == d.Site && !mine(ctx, s.ID) {
			return p.Refuse(ctx, "scenarios of site "+string(s.ID))
		}
	}
	return nil
}

func (p pages) look(w http.ResponseWriter, r *http.Request) error {
	if err := p.Form(w, r); err != nil {
		return err
	}
	d, err := p.read(r)
	if err != nil {
		return err
	}
	days := 0
	switch do := r.PostFormValue("do"); do {
	case asForm, asText:
		if len(d.Problems) == 0 {
			d.View = do
		}
	case "test":
		days = 30
	}
	return p.edit(w, r, d, days)
}

func (p pages) save(w http.ResponseWriter, r *http.Request) error {
	if err := p.Form(w, r); err != nil {
		return err
	}
	ctx := r.Context()
	d, err := p.read(r)
	if err != nil {
		return err
	}
	if len(d.Problems) > 0 {
		d.Status = console.Refused
		return p.edit(w, r, d, 0)
	}
	if !console.Who(ctx).Fresh(p.Now()) {
		d.Prove, d.Status = true, http.StatusForbidden
		return p.edit(w, r, d, 0)
	}
	if d.New {
		err = p.Store.View(ctx, func(q store.Query) error { _, err := room.Find(q, d.Slug); return err })
		if err == nil {
			d.Problems = append(d.Problems, problem{Field: "slug", Text: lang.T(ctx, "Another scenario has this short name.")})
			d.Status = console.Refused
			return p.edit(w, r, d, 0)
		}
	}
	_, err = p.room.Save(ctx, console.Who(ctx).Operator.ID, d.Scenario, d.Reason, d.Rev)
	switch {
	case err == nil:
		return console.Back(w, r, "/scenarios/"+d.Slug+"?saved")
	case errors.Is(err, store.ErrChanged):
		return p.disagree(w, r, d)
	case errors.Is(err, approvals.ErrHeld):
		d.Problems = append(d.Problems, problem{Field: "actions.grants", Text: lang.T(ctx, "A grant in it is for what is of high value, and such grants wait for a second operator: propose it by itself, and leave it out here.")})
		d.Status = console.Refused
		return p.edit(w, r, d, 0)
	case sashlock.IsKind(err, sashlock.Invalid):
		d.Status = console.Refused
		return p.edit(w, r, d, 0)
	}
	return err
}

// disagree shows what somebody else made of a scenario beside what was typed.
// Saving once more takes what was typed.
func (p pages) disagree(w http.ResponseWriter, r *http.Request, d *draft) error {
	k, err := p.find(r.Context(), d.Slug)
	if sashlock.IsKind(err, sashlock.NotFound) {
		d.New, d.Rev, d.Status = true, 0, console.Outrun
		return p.edit(w, r, d, 0)
	}
	if err != nil {
		return err
	}
	theirs, err := scenario.Marshal(k.Scenario)
	if err != nil {
		return err
	}
	d.Conflict, d.Rev, d.Status = string(theirs), k.Rev, console.Outrun
	return p.edit(w, r, d, 0)
}
