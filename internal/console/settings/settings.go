// SPDX-License-Identifier: Apache-2.0

// Package settings is the part of the console about what a store node is set
// to, and how to write it down.
//
// # How it fits
//
// Sites are changed here; areas and places on the floor plan, people and grants
// on their own pages. Everything that is declared can be taken as YAML, which
// the command line applies.
package settings

import (
	"cmp"
	"context"
	"errors"
	"net/http"
	"slices"
	"strconv"
	"time"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/internal/approvals"
	"github.com/sashlock/sashlock/internal/console"
	"github.com/sashlock/sashlock/internal/estate"
	"github.com/sashlock/sashlock/internal/flow"
	"github.com/sashlock/sashlock/internal/lang"
	"github.com/sashlock/sashlock/internal/signin"
	"github.com/sashlock/sashlock/internal/sites"
	"github.com/sashlock/sashlock/internal/store"
)

// pages answers for the paths of this package.
type pages struct{ *console.Frame }

// Mount adds the pages to a frame.
func Mount(f *console.Frame) {
	p := pages{f}
	f.Handle("GET /settings", signin.Read, p.overview)
	f.Handle("GET /settings/sites/{slug}", signin.Read, p.site)
	f.Dangerous("POST /settings/sites/{slug}", signin.Setup, p.save)
	f.Handle("GET /settings/estate.yaml", signin.Setup, p.file)
	p.mountSignIn()
	p.mountAsks()
	p.mountFiles()
}

// siteCard is a site in short.
type siteCard struct {
	Site     sashlock.Site
	Now      time.Time
	Openings int
	Areas    int
	Hours    string
}

// node is how the store node itself is.
type node struct {
	Entries int64
	Health  store.Health
}

func (p pages) overview(w http.ResponseWriter, r *http.Request) error {
	ctx := r.Context()
	book := p.Hall.Book()
	var cards []siteCard
	for _, s := range p.Sites(ctx) {
		c := siteCard{Site: s, Now: console.LocalTime(s, p.Now()), Hours: book.Schedules[s.Hours].Name}
		for _, o := range book.Openings {
			if o.Site == s.ID {
				c.Openings++
			}
		}
		for _, a := range book.Areas {
			if a.Site == s.ID {
				c.Areas++
			}
		}
		cards = append(cards, c)
	}
	head := console.Head{Title: lang.T(ctx, "Settings"), Section: console.InSettings, Styles: []string{"settings.css"},
		About: lang.T(ctx, "What this store node is set to. Everything that is declared here can be written down as YAML and applied elsewhere.")}
	return p.Show(w, r, head, overviewPage(p, cards, node{p.Store.Size(), p.Store.Health()}))
}

// draft is a site as it is typed, with what is wrong with it.
type draft struct {
	Slug, Name, Zone, Hours, Rev string
	Jurisdiction                 string
	ShiftGrace, LongestGrant     string // lengths of time
	OpenBy, OpenTolerance        string // a schedule and a length of time
	RevokeWithin                 string // a length of time
	ClockIn                      bool
	Wrong                        map[string]string // by field; "" is for the whole
	Status                       int               // why it is shown again, as HTTP says it
}

func (p pages) find(ctx context.Context, slug string) (sashlock.Site, error) {
	for _, s := range p.Hall.Book().Sites {
		if s.Slug != slug {
			continue
		}
		if !console.Who(ctx).Operator.At(s.ID) {
			return s, p.Refuse(ctx, "site "+string(s.ID))
		}
		return s, nil
	}
	return sashlock.Site{}, &sashlock.Error{Kind: sashlock.NotFound, Op: "showing site", Subject: slug, Hint: "there is no such site"}
}

func (p pages) site(w http.ResponseWriter, r *http.Request) error {
	s, err := p.find(r.Context(), r.PathValue("slug"))
	if err != nil {
		return err
	}
	e := estate.FromSite(s, p.refs())
	return p.form(w, r, s, draft{
		Slug: s.Slug, Name: s.Name, Zone: s.Zone, Hours: e.Hours, Rev: strconv.FormatInt(s.Rev, 10),
		Jurisdiction: e.Jurisdiction, ShiftGrace: e.ShiftGrace, LongestGrant: e.LongestGrant, ClockIn: e.ClockIn,
		OpenBy: e.OpenBy, OpenTolerance: e.OpenTolerance, RevokeWithin: e.RevokeWithin,
	})
}

func (p pages) form(w http.ResponseWriter, r *http.Request, s sashlock.Site, d draft) error {
	schedules := []sashlock.Schedule{}
	for _, one := range p.Hall.Book().Schedules {
		schedules = append(schedules, one)
	}
	slices.SortFunc(schedules, func(a, b sashlock.Schedule) int { return cmp.Compare(a.Name, b.Name) })
	return p.Show(w, r, console.Head{Status: d.Status, Title: s.Name, Section: console.InSettings, Site: s, Styles: []string{"settings.css"}}, sitePage(s, d, schedules, p.areasOf(r.Context(), s), p.yaml(s)))
}

// areasOf are the areas of a site that concern whoever is signed in.
func (p pages) areasOf(ctx context.Context, s sashlock.Site) []sashlock.Area {
	var all []sashlock.Area
	for _, a := range p.Hall.Book().Areas {
		if a.Site == s.ID && console.Who(ctx).Operator.Sees(a.Site, a.ID) {
			all = append(all, a)
		}
	}
	slices.SortFunc(all, func(a, b sashlock.Area) int {
		return cmp.Or(console.CompareNames(a.Name, b.Name), cmp.Compare(a.Slug, b.Slug))
	})
	return all
}

// yaml is a site as the declared file has it.
func (p pages) yaml(s sashlock.Site) string {
	book := p.Hall.Book()
	text, err := estate.Marshal(estate.File{Sites: []estate.Site{estate.FromSite(s, func(_ estate.Kind, id string) string { return book.Schedules[sashlock.ScheduleID(id)].Slug })}})
	if err != nil {
		return ""
	}
	return string(text)
}

func (p pages) save(w http.ResponseWriter, r *http.Request) error {
	ctx := r.Context()
	s, err := p.find(ctx, r.PathValue("slug"))
	if err != nil {
		return err
	}
	if err := p.Form(w, r); err != nil {
		return err
	}
	d := draft{
		Slug: s.Slug, Name: r.FormValue("name"), Zone: r.FormValue("zone"), Hours: r.FormValue("hours"), Rev: r.FormValue("rev"), Wrong: map[string]string{},
		Jurisdiction: console.Clip(r.FormValue("jurisdiction"), 40), ShiftGrace: r.FormValue("shift_grace"), LongestGrant: r.FormValue("longest_grant"),
		ClockIn: r.FormValue("clock_in") != "", OpenBy: r.FormValue("open_by"), OpenTolerance: r.FormValue("open_tolerance"), RevokeWithin: r.FormValue("revoke_within"),
	}
	rev, err := strconv.ParseInt(d.Rev, 10, 64)
	if err != nil || rev < 1 {
		return &sashlock.Error{Kind: sashlock.Invalid, Op: "saving site", Subject: "rev", Hint: lang.T(ctx, "open the page again: this form is not complete")}
	}
	want := estate.FromSite(s, p.refs()) // what the form does not ask for stays as it is
	want.Name, want.Zone, want.Hours, want.Jurisdiction = d.Name, d.Zone, d.Hours, d.Jurisdiction
	want.ShiftGrace, want.LongestGrant, want.ClockIn, want.RevokeWithin = d.ShiftGrace, d.LongestGrant, d.ClockIn, d.RevokeWithin
	if want.OpenBy, want.OpenTolerance = d.OpenBy, d.OpenTolerance; d.OpenBy == "" {
		want.OpenTolerance = "" // the form always has one
	}
	_, err = p.Hall.Change(ctx, flow.Change{Operator: console.Who(ctx).Operator.ID, Make: func(tx *store.Tx) (flow.Edit, error) {
		return sites.SaveSite(tx, want, p.lookup(), rev)
	}})
	switch kind := sashlock.KindOf(err); {
	case err == nil:
		return console.Back(w, r, "/settings/sites/"+s.Slug+"?saved=1")
	case errors.Is(err, approvals.ErrHeld):
		return p.ProposeChange(w, r, approvals.PlaceKind, approvals.Change{File: estate.File{Sites: []estate.Site{want}}}, rev)
	case kind == sashlock.Conflict:
		d.Wrong[""] = lang.T(ctx, "Somebody else changed this site meanwhile. Below is what you typed; beside it, what is kept now. Save again to replace it.")
		now, findErr := p.find(ctx, s.Slug)
		if findErr != nil {
			return findErr
		}
		d.Rev, d.Status = strconv.FormatInt(now.Rev, 10), console.Outrun
		return p.form(w, r, now, d)
	case kind == sashlock.Invalid:
		for _, one := range estate.ListOf(err) {
			d.Wrong[one.Field] = one.In(lang.Of(ctx))
		}
		if len(d.Wrong) == 0 {
			d.Wrong[""] = console.Sentence(err)
		}
		d.Status = console.Refused
		return p.form(w, r, s, d)
	}
	return err
}

// file hands out everything that is declared. It is for those who may see all
// of it.
func (p pages) file(w http.ResponseWriter, r *http.Request) error {
	ctx := r.Context()
	if o := console.Who(ctx).Operator; len(o.Sites)+len(o.Areas) > 0 {
		return p.Refuse(ctx, "the whole estate")
	}
	f, err := p.Estate(ctx)
	if err != nil {
		return err
	}
	text, err := estate.Marshal(f)
	if err != nil {
		return err
	}
	w.Header().Set("Content-Type", "application/yaml; charset=utf-8")
	w.Header().Set("Content-Disposition", `attachment; filename="store.yaml"`)
	_, err = w.Write(text)
	return err
}
