// SPDX-License-Identifier: Apache-2.0

package settings

import (
	"cmp"
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
	"github.com/sashlock/sashlock/internal/lang"
	"github.com/sashlock/sashlock/internal/reach"
	"github.com/sashlock/sashlock/internal/signin"
	"github.com/sashlock/sashlock/internal/sites"
	"github.com/sashlock/sashlock/internal/store"
)

// What openings and areas ask of everybody, whatever the grant: a page for each.

// choice is one entry of a list to choose from.
type choice struct{ Value, Name string }

// asks is what an opening or an area asks of everybody, as typed.
type asks struct {
	Name, Back string // of what it is, and the way back
	Area       bool   // it is an area
	Site       sashlock.Site
	Rev        string

	Level, FirstIn, Interlock string
	Passback, PassbackFor     string
	Occupancy                 string
	Two                       bool

	Roles  []choice
	Wrong  map[string]string
	Saved  bool
	Status int
}

func (p pages) mountAsks() {
	p.Handle("GET /settings/openings/{slug}", signin.Read, func(w http.ResponseWriter, r *http.Request) error { return p.asks(w, r, p.opening) })
	p.Dangerous("POST /settings/openings/{slug}", signin.Setup, func(w http.ResponseWriter, r *http.Request) error { return p.saveAsks(w, r, p.opening) })
	p.Handle("GET /settings/areas/{site}/{slug}", signin.Read, func(w http.ResponseWriter, r *http.Request) error { return p.asks(w, r, p.area) })
	p.Dangerous("POST /settings/areas/{site}/{slug}", signin.Setup, func(w http.ResponseWriter, r *http.Request) error { return p.saveAsks(w, r, p.area) })
}

// saving is how what was typed is saved, and what it makes of the declared form.
type saving struct {
	save    func(tx *store.Tx, a *asks, rev int64) (flow.Edit, error)
	objects func(a *asks) estate.File
}

// asking finds what an address names, and returns how it is saved.
type asking func(r *http.Request) (*asks, saving, error)

func (p pages) opening(r *http.Request) (*asks, saving, error) {
	o, err := p.Opening(r.Context(), r.PathValue("slug"))
	if err != nil {
		return nil, saving{}, err
	}
	d := estate.FromOpening(o, p.refs())
	a := &asks{
		Name: o.Name, Back: "/openings/" + o.Slug, Site: p.Hall.Book().Sites[o.Site], Rev: strconv.FormatInt(o.Rev, 10),
		Level: strconv.Itoa(d.Level), FirstIn: d.FirstIn, Interlock: d.Interlock, Two: d.Two,
	}
	with := func(a *asks) estate.Opening {
		d.Level, _ = strconv.Atoi(a.Level)
		d.FirstIn, d.Interlock, d.Two = a.FirstIn, strings.TrimSpace(a.Interlock), a.Two
		return d
	}
	return a, saving{
		func(tx *store.Tx, a *asks, rev int64) (flow.Edit, error) {
			return sites.SaveOpening(tx, with(a), p.lookup(), rev)
		},
		func(a *asks) estate.File { return estate.File{Openings: []estate.Opening{with(a)}} },
	}, nil
}

func (p pages) area(r *http.Request) (*asks, saving, error) {
	book := p.Hall.Book()
	for _, one := range book.Areas {
		site := book.Sites[one.Site]
		if one.Slug != r.PathValue("slug") || site.Slug != r.PathValue("site") {
			continue
		}
		if !console.Who(r.Context()).Operator.Sees(one.Site, one.ID) {
			return nil, saving{}, p.Refuse(r.Context(), "area "+string(one.ID))
		}
		d := estate.FromArea(one, p.refs())
		a := &asks{
			Name: one.Name, Back: "/settings/sites/" + site.Slug, Area: true, Site: site, Rev: strconv.FormatInt(one.Rev, 10),
			Level: strconv.Itoa(d.Level), FirstIn: d.FirstIn, Two: d.Two, Passback: d.Passback, PassbackFor: d.PassbackFor,
		}
		if d.Occupancy > 0 {
			a.Occupancy = strconv.Itoa(d.Occupancy)
		}
		with := func(a *asks) estate.Area {
			d.Level, _ = strconv.Atoi(a.Level)
			d.Occupancy, _ = strconv.Atoi(a.Occupancy)
			d.FirstIn, d.Two, d.Passback, d.PassbackFor = a.FirstIn, a.Two, a.Passback, a.PassbackFor
			if d.Passback != string(sashlock.PassbackTimed) {
				d.PassbackFor = ""
			}
			return d
		}
		return a, saving{
			func(tx *store.Tx, a *asks, rev int64) (flow.Edit, error) {
				return sites.SaveArea(tx, with(a), p.lookup(), rev)
			},
			func(a *asks) estate.File { return estate.File{Areas: []estate.Area{with(a)}} },
		}, nil
	}
	return nil, saving{}, &sashlock.Error{Kind: sashlock.NotFound, Op: "showing area", Subject: "slug", Hint: "there is no such area"}
}

// refs is how declared forms refer to things: by slug.
func (p pages) refs() estate.Naming {
	f := reach.New(p.Hall.Book(), nil)
	return f.Ref
}

// lookup finds what declared forms refer to.
func (p pages) lookup() estate.Lookup {
	f := reach.New(p.Hall.Book(), nil)
	return f.Find
}

// roles are the roles to choose from.
func (p pages) roles() []choice {
	var all []choice
	for _, r := range p.Hall.Book().Roles {
		all = append(all, choice{r.Slug, r.Name})
	}
	slices.SortFunc(all, func(a, b choice) int {
		return cmp.Or(console.CompareNames(a.Name, b.Name), cmp.Compare(a.Value, b.Value))
	})
	return all
}

func (p pages) asks(w http.ResponseWriter, r *http.Request, find asking) error {
	a, _, err := find(r)
	if err != nil {
		return err
	}
	a.Saved = r.URL.Query().Has("saved")
	return p.showAsks(w, r, a)
}

func (p pages) showAsks(w http.ResponseWriter, r *http.Request, a *asks) error {
	ctx := r.Context()
	a.Roles = p.roles()
	return p.Show(w, r, console.Head{
		Status: a.Status, Title: lang.T(ctx, "What %s asks of everybody", a.Name), Section: console.InSettings, Site: a.Site, Styles: []string{"settings.css"},
		About: lang.T(ctx, "A grant says who may open it. This says what everybody has to bring along, whoever they are."),
	}, asksPage(a))
}

func (p pages) saveAsks(w http.ResponseWriter, r *http.Request, find asking) error {
	if err := p.Form(w, r); err != nil {
		return err
	}
	a, how, err := find(r)
	if err != nil {
		return err
	}
	ctx := r.Context()
	rev, err := strconv.ParseInt(r.PostFormValue("rev"), 10, 64)
	if err != nil || rev < 1 {
		return &sashlock.Error{Kind: sashlock.Invalid, Op: "saving", Subject: "rev", Hint: lang.T(ctx, "open the page again: this form is not complete")}
	}
	now := a.Rev
	a.take(ctx, r)
	if len(a.Wrong) > 0 {
		a.Rev, a.Status = strconv.FormatInt(rev, 10), console.Refused
		return p.showAsks(w, r, a)
	}
	_, err = p.Hall.Change(ctx, flow.Change{Operator: console.Who(ctx).Operator.ID, Make: func(tx *store.Tx) (flow.Edit, error) { return how.save(tx, a, rev) }})
	switch kind := sashlock.KindOf(err); {
	case err == nil:
		return console.Back(w, r, r.URL.Path+"?saved")
	case errors.Is(err, approvals.ErrHeld):
		return p.ProposeChange(w, r, approvals.PlaceKind, approvals.Change{File: how.objects(a)}, rev)
	case kind == sashlock.Conflict:
		a.Wrong[""] = lang.T(ctx, "Somebody else changed this meanwhile. Below is what you typed: save again to replace what they did.")
		a.Rev, a.Status = now, console.Outrun
	case kind == sashlock.Invalid:
		for _, one := range estate.ListOf(err) {
			a.Wrong[one.Field] = one.In(lang.Of(ctx))
		}
		if len(a.Wrong) == 0 {
			a.Wrong[""] = console.Sentence(err)
		}
		a.Rev, a.Status = strconv.FormatInt(rev, 10), console.Refused
	default:
		return err
	}
	return p.showAsks(w, r, a)
}

// take reads what was typed.
func (a *asks) take(ctx context.Context, r *http.Request) {
	of := func(field string) string { return console.Clip(r.PostFormValue(field), 80) }
	a.Level, a.FirstIn, a.Interlock, a.Two = of("level"), of("first_in"), of("interlock"), of("two") != ""
	a.Passback, a.PassbackFor, a.Occupancy = of("passback"), of("passback_for"), of("occupancy")
	a.Wrong = map[string]string{}
	if n, err := strconv.Atoi(cmp.Or(a.Level, "0")); err != nil || n < 0 || n > int(sashlock.AssuranceBoth) {
		a.Wrong["level"] = lang.T(ctx, "Choose one from the list.")
	}
	if n, err := strconv.Atoi(cmp.Or(a.Occupancy, "0")); err != nil || n < 0 {
		a.Wrong["occupancy"] = lang.T(ctx, "Write a number from 1 on, or leave it empty.")
	}
}

// levels are the levels of credentials to choose from.
func levels(ctx context.Context) []choice {
	all := []choice{{"0", lang.T(ctx, "Nothing in particular")}}
	for a := sashlock.AssuranceCode; a <= sashlock.AssuranceBoth; a++ {
		all = append(all, choice{strconv.Itoa(int(a)), reach.Level(a).In(lang.Of(ctx))})
	}
	return all
}

// lengths are lengths of time to choose from, with the one that is set.
func lengths(ctx context.Context, set string, all ...time.Duration) []choice {
	if d, err := time.ParseDuration(set); err == nil && !slices.Contains(all, d) {
		all = append(all, d)
	}
	slices.Sort(all)
	var some []choice
	for _, d := range all {
		value := d.String()
		if same, err := time.ParseDuration(set); err == nil && same == d {
			value = set
		}
		some = append(some, choice{value, reach.Length(d).In(lang.Of(ctx))})
	}
	return some
}
