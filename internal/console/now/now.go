// SPDX-License-Identifier: Apache-2.0

// Package now is the page that shows a store as it stands: the floor plan, the
// wall or the list of all openings, what stands out, the alarms and the last
// events; and the page of one opening.
//
// # How it fits
//
// [Mount] adds the pages to the frame of package console. What they show is
// put together in board.go and detail.go from the store and the book of
// package flow; what a button does goes through the doors, on behalf of the
// operator who is signed in.
//
// # Promises
//
// What is stale is never shown as secured. The plan, the wall and the list show
// the same openings with the same words. No button does anything by a GET
// request.
package now

import (
	"context"
	"net/http"
	"net/url"
	"slices"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/internal/alarms"
	"github.com/sashlock/sashlock/internal/console"
	"github.com/sashlock/sashlock/internal/lang"
	"github.com/sashlock/sashlock/internal/scenarios"
	"github.com/sashlock/sashlock/internal/signin"
)

// pages answers for the paths of this package.
type pages struct {
	*console.Frame
	routines *scenarios.Room
}

// Mount adds the pages to a frame.
func Mount(f *console.Frame, routines *scenarios.Room) {
	p := pages{f, routines}
	f.Handle("GET /{$}", signin.Read, p.board)
	f.Handle("GET /live", signin.Read, p.boardStream)
	f.Handle("GET /openings/{slug}", signin.Read, p.opening)
	f.Handle("GET /openings/{slug}/live", signin.Read, p.openingStream)
	f.Handle("GET /openings/{slug}/panel", signin.Read, p.panel)
	f.Dangerous("POST /openings/{slug}/release", signin.Release, p.release)
	f.Handle("POST /alarms/{id}/acknowledge", signin.Alarms, p.acknowledge)
}

// The ways to show the openings.
const (
	asPlan = "plan"
	asWall = "wall"
	asList = "list"
)

// The openings that one may want to see alone.
const (
	onlyOpen = "open" // open or unlocked
	onlyHeld = "held" // held open, or open with nobody there
	onlyAway = "away" // last seen, or unknown
)

// viewCookie remembers how an operator's browser shows the openings.
const viewCookie = "sashlock_view"

// view is what a page was asked to show.
type view struct {
	Site sashlock.Site
	As   string        // asPlan, asWall or asList
	Area sashlock.Area // empty: all of them
	Only string        // onlyOpen and so on; empty: all
	Bare bool          // for a display on a wall: nothing but the openings
}

func (p pages) viewOf(r *http.Request) (view, error) {
	site, err := p.Site(r)
	if err != nil {
		return view{}, err
	}
	q := r.URL.Query()
	v := view{Site: site, As: q.Get("view"), Only: q.Get("only"), Bare: q.Has("bare")}
	if c, missing := r.Cookie(viewCookie); v.As == "" && missing == nil {
		v.As = c.Value
	}
	if !slices.Contains([]string{asPlan, asWall, asList}, v.As) {
		v.As = asPlan
	}
	if !slices.Contains([]string{onlyOpen, onlyHeld, onlyAway}, v.Only) {
		v.Only = ""
	}
	if slug := q.Get("area"); slug != "" {
		v.Area, err = p.areaOf(r.Context(), site, slug)
	}
	return v, err
}

// areaOf finds an area of a site, if it concerns whoever is signed in.
func (p pages) areaOf(ctx context.Context, site sashlock.Site, slug string) (sashlock.Area, error) {
	for _, a := range p.Hall.Book().Areas {
		if a.Site != site.ID || a.Slug != slug {
			continue
		}
		if !console.Who(ctx).Operator.Sees(site.ID, a.ID) {
			return sashlock.Area{}, p.Refuse(ctx, "area "+string(a.ID))
		}
		return a, nil
	}
	return sashlock.Area{}, &sashlock.Error{Kind: sashlock.NotFound, Op: "showing area", Subject: slug, Hint: "there is no area of that name"}
}

// as is the view shown in another way.
func (v view) as(how string) view {
	v.As = how
	return v
}

// in is the view of one area; of all with noArea.
func (v view) in(a sashlock.Area) view {
	v.Area = a
	return v
}

// only is the view of some openings of all areas, as a list.
func (v view) only(which string) view {
	return view{Site: v.Site, As: asList, Only: which}
}

// query is the view as an address has it. It names everything, so that nothing
// depends on what a browser remembers.
func (v view) query() string {
	q := url.Values{"view": {v.As}}
	if v.Site.Slug != "" {
		q.Set("site", v.Site.Slug)
	}
	if v.Area.Slug != "" {
		q.Set("area", v.Area.Slug)
	}
	if v.Only != "" {
		q.Set("only", v.Only)
	}
	if v.Bare {
		q.Set("bare", "1")
	}
	return "?" + q.Encode()
}

func (p pages) board(w http.ResponseWriter, r *http.Request) error {
	v, err := p.viewOf(r)
	if err != nil {
		return err
	}
	if r.URL.Query().Get("view") == v.As && v.Only == "" && !v.Bare {
		http.SetCookie(w, &http.Cookie{Name: viewCookie, Value: v.As, Path: "/", MaxAge: 400 * 86400, HttpOnly: true, SameSite: http.SameSiteLaxMode, Secure: r.TLS != nil})
	}
	ctx := r.Context()
	b, err := p.look(ctx, v)
	if err != nil {
		return err
	}
	head := console.Head{
		Title: lang.T(ctx, "Now"), Section: console.InNow, Site: b.Site, Bare: v.Bare,
		Live: "/live" + v.query(), At: console.At(b.parts()), Styles: []string{"now.css"}, Scripts: []string{"now.js"},
	}
	if !v.Bare {
		head.About = lang.T(ctx, "How every opening of the store stands at this moment. Choose one to see who opened it, and to unlock it.")
	}
	return p.Show(w, r, head, boardPage(b))
}

func (p pages) boardStream(w http.ResponseWriter, r *http.Request) error {
	v, err := p.viewOf(r)
	if err != nil {
		return err
	}
	return p.StreamShared(w, r, func(ctx context.Context) ([]console.Part, error) {
		b, err := p.look(ctx, v)
		return b.parts(), err
	})
}

// mostStanding is how many standing alarms are looked through.
const mostStanding = 10_000

// acknowledge records that whoever looks at the page has seen an alarm.
func (p pages) acknowledge(w http.ResponseWriter, r *http.Request) error {
	ctx, id := r.Context(), sashlock.AlarmID(r.PathValue("id"))
	who := console.Who(ctx).Operator
	standing, err := p.Store.Alarms(ctx, true, mostStanding)
	if err != nil {
		return err
	}
	for _, a := range standing {
		if a.ID == id && !who.Sees(a.Site, p.Hall.Book().Openings[a.Opening].Area) {
			return p.Refuse(ctx, "alarm "+string(id))
		}
	}
	if _, err := alarms.Acknowledge(ctx, p.Hall, who.ID, id); err != nil {
		return err
	}
	back := "/"
	if from, err := url.Parse(r.Referer()); err == nil && from.Path != "" {
		back = console.Local(from.Path)
	}
	return console.Back(w, r, back+"#alarms")
}
