// SPDX-License-Identifier: Apache-2.0

package reports

import (
	"cmp"
	"context"
	"net/http"
	"slices"
	"time"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/internal/console"
	"github.com/sashlock/sashlock/internal/flow"
	"github.com/sashlock/sashlock/internal/grants"
	"github.com/sashlock/sashlock/internal/lang"
	"github.com/sashlock/sashlock/internal/store"
)

// unusedAfter is how long a way in may go unused before a review asks why it
// is there.
const unusedAfter = 90 * 24 * time.Hour

// lookedAt is how many of an opening's newest requests a review looks at.
const lookedAt = 400

// reviewed is one opening with everybody who may open it.
type reviewed struct {
	Opening sashlock.Opening
	Area    string
	Who     []holder
	From    time.Time // uses before this were not looked at; zero: all were
}

// holder is somebody who may open it at some time.
type holder struct {
	Name, Slug, By string
	Last           time.Time // the last granted request that was looked at; zero: none
	Now            bool      // could open it at this moment
}

// review shows who may open what is most valuable, and whether they do.
func (p pages) review(w http.ResponseWriter, r *http.Request) error {
	ctx := r.Context()
	site, err := p.Site(r)
	if err != nil {
		return err
	}
	book := p.Hall.Book()
	o := console.Who(ctx).Operator
	var given []sashlock.Grant
	if err := p.Store.View(ctx, func(q store.Query) (err error) { given, err = grants.List(q); return err }); err != nil {
		return err
	}
	var all []reviewed
	for _, one := range book.Openings {
		if one.Site != site.ID || one.Class != sashlock.High || !o.Sees(one.Site, one.Area) {
			continue
		}
		x, err := p.reviewOne(ctx, book, given, site, one)
		if err != nil {
			return err
		}
		all = append(all, x)
	}
	slices.SortFunc(all, func(a, b reviewed) int {
		return cmp.Or(cmp.Compare(a.Area, b.Area), console.CompareNames(a.Opening.Name, b.Opening.Name))
	})
	head := console.Head{Title: lang.T(ctx, "Access review"), Section: console.InReports, Site: site, Styles: []string{"reports.css"},
		About: lang.T(ctx, "Everybody who may open what is most valuable here, by which grant, and when they last did. Take away what nobody uses.")}
	return p.Show(w, r, head, reviewPage(all, console.LocalTime(site, p.Now())))
}

func (p pages) reviewOne(ctx context.Context, book *flow.Book, given []sashlock.Grant, site sashlock.Site, o sashlock.Opening) (reviewed, error) {
	x := reviewed{Opening: o, Area: book.Areas[o.Area].Name}
	last := map[sashlock.PersonID]time.Time{}
	events, err := p.Store.Events(ctx, store.EventQuery{Opening: o.ID, Kind: string(sashlock.AccessGranted), Newest: true, Limit: lookedAt})
	if err != nil {
		return x, err
	}
	for _, e := range events {
		if last[e.Person].IsZero() {
			last[e.Person] = console.LocalTime(site, e.Heard)
		}
	}
	if len(events) == lookedAt {
		x.From = console.LocalTime(site, events[lookedAt-1].Heard)
	}
	now := map[sashlock.PersonID]bool{}
	for _, h := range book.Index.WhoCanOpen(o.ID, p.Now()) {
		now[h.Person] = true
	}
	by := ways(ctx, book, given, o)
	for id, how := range by {
		person := book.People[id]
		x.Who = append(x.Who, holder{Name: person.Name, Slug: person.Slug, By: how, Last: last[id], Now: now[id]})
	}
	slices.SortFunc(x.Who, func(a, b holder) int { return cmp.Or(cmp.Compare(a.Name, b.Name), cmp.Compare(a.Slug, b.Slug)) })
	return x, nil
}

// ways says for everybody whom a grant lets open an opening at some time how it
// does.
func ways(ctx context.Context, book *flow.Book, all []sashlock.Grant, o sashlock.Opening) map[sashlock.PersonID]string {
	by := map[sashlock.PersonID]string{}
	for _, g := range all {
		if g.Opening != o.ID && (g.Area == "" || g.Area != o.Area) && g.Site != o.Site {
			continue
		}
		if g.Person != "" {
			by[g.Person] = lang.T(ctx, "by name")
			continue
		}
		for id, person := range book.People {
			if slices.Contains(person.Roles, g.Role) && by[id] == "" {
				by[id] = book.Roles[g.Role].Name
			}
		}
	}
	return by
}

// Unused reports whether a way in has not been used for long.
func (h holder) Unused(now time.Time) bool { return h.Last.IsZero() || now.Sub(h.Last) > unusedAfter }
