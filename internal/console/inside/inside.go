// SPDX-License-Identifier: Apache-2.0

// Package inside is the page of who is in a store or in one of its areas, as far
// as is known: to be looked at, and to be printed for a muster.
//
// # How it fits
//
// Package flow keeps who was let in where, and sets it right when an operator
// says so: then anti-passback lets somebody in again who left without being
// seen.
//
// # Promises
//
// It says when each was last let in, because that is all that is known: nobody
// is counted as safe or as gone. An operator sees nobody of another store or
// area.
package inside

import (
	"cmp"
	"context"
	"net/http"
	"net/url"
	"slices"
	"time"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/internal/console"
	"github.com/sashlock/sashlock/internal/flow"
	"github.com/sashlock/sashlock/internal/lang"
	"github.com/sashlock/sashlock/internal/signin"
	"github.com/sashlock/sashlock/internal/store"
)

// pages answers for the paths of this package.
type pages struct{ *console.Frame }

// Mount adds the pages to a frame.
func Mount(f *console.Frame) {
	p := pages{f}
	f.Handle("GET /inside", signin.Read, p.list)
	f.Dangerous("POST /inside/forgive", signin.Access, p.forgive)
}

// row is somebody who counts as being there.
type row struct {
	Name, Slug string
	Opening    sashlock.Opening // the last one they were let in by
	Last       time.Time
	ClockedIn  bool
	Stale      bool // so long ago that they may be gone
}

// place is an area, or what lies in none.
type place struct {
	Slug, Name string
	Most       int // people who may be in it at once; 0: any number
	Passback   sashlock.Passback
	Rows       []row
}

// Full reports whether no more may come in.
func (p place) Full() bool { return p.Most > 0 && len(p.Rows) >= p.Most }

// muster is the page.
type muster struct {
	Site   sashlock.Site
	Now    time.Time
	Areas  []place // to choose from
	Area   string  // slug of the one that is chosen; empty: all
	Places []place
	Total  int
	Change bool
}

func (p pages) list(w http.ResponseWriter, r *http.Request) error {
	site, err := p.Site(r)
	if err != nil {
		return err
	}
	ctx := r.Context()
	m := p.look(ctx, site, r.URL.Query().Get("area"))
	return p.Show(w, r, console.Head{
		Title: lang.T(ctx, "Who is inside"), Section: console.InPeople, Site: site, Styles: []string{"granting.css", "inside.css"},
		About: lang.T(ctx, "Everybody who was let in and is not known to have left. Somebody may have left unseen, or come in behind somebody else: for a muster, count people, not lines."),
	}, insidePage(m))
}

// look gathers who is where.
func (p pages) look(ctx context.Context, site sashlock.Site, area string) *muster {
	book, who := p.Hall.Book(), console.Who(ctx).Operator
	m := &muster{Site: site, Now: console.LocalTime(site, p.Now()), Area: area, Change: console.May(ctx, signin.Access)}
	there := map[sashlock.AreaID][]row{}
	for _, s := range p.Store.Standings().People {
		one, known := book.People[s.Person]
		if !known || one.IsGuest() || !s.At(site.ID, p.Now()) || !who.Sees(site.ID, s.Area) {
			continue
		}
		there[s.Area] = append(there[s.Area], row{
			Name: one.Name, Slug: one.Slug, Opening: book.Openings[s.Opening], Last: s.Last.In(m.Now.Location()),
			ClockedIn: s.ClockIn, Stale: !s.ClockIn && p.Now().Sub(s.Last) > sashlock.HereFor/2,
		})
	}
	for _, a := range book.Areas {
		if a.Site == site.ID && who.Sees(a.Site, a.ID) {
			m.Areas = append(m.Areas, place{Slug: a.Slug, Name: a.Name, Most: a.Occupancy, Passback: a.Passback, Rows: there[a.ID]})
		}
	}
	slices.SortFunc(m.Areas, func(a, b place) int { return cmp.Or(console.CompareNames(a.Name, b.Name), cmp.Compare(a.Slug, b.Slug)) })
	for _, one := range m.Areas {
		if area == one.Slug || area == "" && len(one.Rows) > 0 {
			m.Places = append(m.Places, one)
		}
	}
	if rest := there[""]; area == "" && len(rest) > 0 {
		m.Places = append(m.Places, place{Name: lang.T(ctx, "Elsewhere in the store"), Rows: rest})
	}
	for i := range m.Places {
		slices.SortFunc(m.Places[i].Rows, func(a, b row) int { return cmp.Or(console.CompareNames(a.Name, b.Name), cmp.Compare(a.Slug, b.Slug)) })
		m.Total += len(m.Places[i].Rows)
	}
	return m
}

// forgive sets somebody's whereabouts right, so that they are let in again.
func (p pages) forgive(w http.ResponseWriter, r *http.Request) error {
	if err := p.Form(w, r); err != nil {
		return err
	}
	ctx, slug := r.Context(), r.PostFormValue("person")
	var one sashlock.Person
	for _, each := range p.Hall.Book().People {
		if each.Slug == slug {
			one = each
		}
	}
	state := p.Store.PersonState(one.ID)
	if one.ID == "" || state.Site == "" {
		return &sashlock.Error{Kind: sashlock.Invalid, Op: "setting whereabouts right", Subject: "person", Hint: lang.T(ctx, "choose somebody from the list")}
	}
	who := console.Who(ctx).Operator
	if !who.Sees(state.Site, state.Area) {
		return p.Refuse(ctx, "whereabouts of "+string(one.ID))
	}
	_, err := p.Hall.Change(ctx, flow.Change{Operator: who.ID, Make: func(tx *store.Tx) (flow.Edit, error) { return flow.Forgive(tx, one.ID), nil }})
	if err != nil {
		return err
	}
	return console.Back(w, r, "/inside?"+url.Values{"site": {p.Hall.Book().Sites[state.Site].Slug}}.Encode())
}
