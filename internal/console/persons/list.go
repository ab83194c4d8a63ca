// SPDX-License-Identifier: Apache-2.0

package persons

import (
	"cmp"
	"context"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/internal/console"
	"github.com/sashlock/sashlock/internal/lang"
	"github.com/sashlock/sashlock/internal/people"
	"github.com/sashlock/sashlock/internal/reach"
	"github.com/sashlock/sashlock/internal/signin"
	"github.com/sashlock/sashlock/internal/store"
)

// pageSize is how many people one page lists.
const pageSize = 60

// row is a person in the list.
type row struct {
	sashlock.Person
	Roles    []sashlock.Role
	Standing string // in words
	Tone     console.Tone
	Shape    string
	Open     int       // how many openings they can open now
	Left     time.Time // when they left; zero: they have not
}

// overview is the list of people.
type overview struct {
	Search string
	Role   string
	Show   string
	Site   sashlock.Site // empty: all of them
	Sites  []sashlock.Site
	Roles  []sashlock.Role
	Rows   []row
	Page   int
	Pages  int
	Total  int

	Change, Limited bool
}

// The choices of people.
const (
	showAll       = ""
	showValid     = "valid"
	showSuspended = "suspended"
	showOutside   = "outside"
)

// query is the address of the list with other choices.
func (o overview) query(show string, page int) string {
	q := url.Values{}
	for k, v := range map[string]string{"q": o.Search, "role": o.Role, "show": show, "site": o.Site.Slug} {
		if v != "" {
			q.Set(k, v)
		}
	}
	if page > 1 {
		q.Set("page", strconv.Itoa(page))
	}
	if len(q) == 0 {
		return "/people"
	}
	return "/people?" + q.Encode()
}

func clip(s string) string { return console.Clip(s, console.MaxSearch) }

func (p pages) list(w http.ResponseWriter, r *http.Request) error {
	ctx, q := r.Context(), r.URL.Query()
	o := &overview{
		Search: clip(q.Get("q")), Role: clip(q.Get("role")), Show: clip(q.Get("show")), Sites: p.Sites(ctx),
		Change: console.May(ctx, signin.Access), Limited: limited(ctx),
	}
	if q.Get("site") != "" {
		site, err := p.Site(r)
		if err != nil {
			return err
		}
		o.Site = site
	}
	f, err := p.facts(ctx)
	if err != nil {
		return err
	}
	now := p.Now()
	var found []sashlock.Person
	used := map[sashlock.RoleID]bool{}
	for _, one := range f.People {
		if concerns, _ := ours(ctx, f, one); !concerns || one.IsGuest() {
			continue
		}
		for _, id := range one.Roles {
			used[id] = true
		}
		if o.takes(f, one, now) {
			found = append(found, one)
		}
	}
	for id := range used {
		if role, known := f.Roles[id]; known {
			o.Roles = append(o.Roles, role)
		}
	}
	slices.SortFunc(o.Roles, func(a, b sashlock.Role) int { return console.CompareNames(a.Name, b.Name) })
	slices.SortFunc(found, func(a, b sashlock.Person) int {
		return cmp.Or(console.CompareNames(a.Name, b.Name), cmp.Compare(a.Slug, b.Slug))
	})
	o.Total, o.Pages = len(found), (len(found)+pageSize-1)/pageSize
	o.Page, _ = strconv.Atoi(q.Get("page"))
	o.Page = max(1, min(o.Page, o.Pages))
	first := (o.Page - 1) * pageSize
	page := found[min(first, len(found)):min(first+pageSize, len(found))]
	left, err := p.departures(ctx, page)
	if err != nil {
		return err
	}
	for _, one := range page {
		made := p.rowOf(r, f, one, now)
		if at, gone := left[one.ID]; gone {
			made.Left, made.Standing = console.LocalTime(o.Site, at), lang.T(ctx, "Left")
		}
		o.Rows = append(o.Rows, made)
	}
	h := head(ctx, lang.T(ctx, "People"))
	h.Site = o.Site
	return p.Show(w, r, h, listPage(o))
}

// departures are when those of some people left who did.
func (p pages) departures(ctx context.Context, page []sashlock.Person) (left map[sashlock.PersonID]time.Time, err error) {
	if !slices.ContainsFunc(page, func(one sashlock.Person) bool { return one.Suspended }) {
		return nil, nil
	}
	err = p.Store.View(ctx, func(q store.Query) (err error) {
		left, err = people.Departures(q)
		return err
	})
	return left, err
}

// takes reports whether the list shows a person.
func (o *overview) takes(f reach.Facts, one sashlock.Person, now time.Time) bool {
	text := strings.ToLower(one.Name + " " + one.Slug)
	inRole := o.Role == ""
	for _, id := range one.Roles {
		role := f.Roles[id]
		text += " " + strings.ToLower(role.Name)
		inRole = inRole || role.Slug == o.Role
	}
	if !inRole || o.Site.ID != "" && !hasAt(f, one, o.Site.ID) {
		return false
	}
	for word := range strings.FieldsSeq(strings.ToLower(o.Search)) {
		if !strings.Contains(text, word) {
			return false
		}
	}
	outside := early(one, now) || over(one, now)
	switch o.Show {
	case showSuspended:
		return one.Suspended
	case showOutside:
		return outside
	case showValid:
		return !one.Suspended && !outside
	}
	return true
}

// hasAt reports whether somebody has a grant for something at a site.
func hasAt(f reach.Facts, one sashlock.Person, site sashlock.SiteID) bool {
	byName, byRole := f.Of(one)
	return slices.ContainsFunc(slices.Concat(byName, byRole), func(g sashlock.Grant) bool {
		at, _, _ := f.Place(g)
		return at.ID == site
	})
}

func early(one sashlock.Person, now time.Time) bool { return one.From.After(now) }

func over(one sashlock.Person, now time.Time) bool {
	return !one.Until.IsZero() && !one.Until.After(now)
}

func (p pages) rowOf(r *http.Request, f reach.Facts, one sashlock.Person, now time.Time) row {
	ctx := r.Context()
	made := row{Person: one, Tone: console.Calm, Shape: "circle", Standing: lang.T(ctx, "Valid")}
	switch {
	case one.Suspended:
		made.Tone, made.Shape, made.Standing = console.Alert, "barred-circle", lang.T(ctx, "Suspended")
	case early(one, now):
		made.Tone, made.Shape, made.Standing = console.Doubt, "half-circle", lang.T(ctx, "Not yet admitted")
	case over(one, now):
		made.Tone, made.Shape, made.Standing = console.Doubt, "half-circle", lang.T(ctx, "No longer admitted")
	}
	for _, id := range one.Roles {
		if role, known := f.Roles[id]; known {
			made.Roles = append(made.Roles, role)
		}
	}
	o := console.Who(ctx).Operator
	for _, reached := range f.Index.WhatCanOpen(one.ID, now) {
		at := f.Openings[reached.Opening]
		if o.Sees(at.Site, at.Area) {
			made.Open++
		}
	}
	return made
}
