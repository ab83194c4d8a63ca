// SPDX-License-Identifier: Apache-2.0

package granting

import (
	"cmp"
	"context"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/internal/console"
	"github.com/sashlock/sashlock/internal/lang"
	"github.com/sashlock/sashlock/internal/reach"
	"github.com/sashlock/sashlock/internal/signin"
)

// What the list can be narrowed to.
const (
	showAll      = ""
	showExpiring = "expiring"
	showEndless  = "endless"
	showUnused   = "unused"
)

const (
	soon      = 14 * 24 * time.Hour
	longIdle  = 90 * 24 * time.Hour
	mostShown = 300
)

// row is a grant in a list.
type row struct {
	sashlock.Grant
	Pieces []reach.Piece
	Text   string // the sentence, for searching
	Warn   []string
	Used   string
	State  string // what has been made of it, where its terms count that
	idle   bool
	place  string
	who    string
}

// Path is the page of the grant.
func (r row) Path() string { return "/access/grants/" + r.Slug }

// group is the grants that have something in common.
type group struct {
	Name string
	Rows []row
}

// overview is the list of grants.
type overview struct {
	Site    sashlock.Site // empty: all of them
	Search  string
	Show    string
	By      string // place or who
	Groups  []group
	Total   int
	Shown   int
	Counts  map[string]int
	Change  bool // whoever looks may change them
	Limited bool
}

// query is the address of the list with other choices.
func (o overview) query(show, by string) string {
	q := url.Values{}
	if o.Search != "" {
		q.Set("q", o.Search)
	}
	if show != "" {
		q.Set("show", show)
	}
	if by != "" && by != "place" {
		q.Set("by", by)
	}
	if len(q) == 0 {
		return "/access"
	}
	return "/access?" + q.Encode()
}

func (p pages) list(w http.ResponseWriter, r *http.Request) error {
	ctx, q := r.Context(), r.URL.Query()
	o := &overview{Search: clip(q.Get("q")), Show: q.Get("show"), By: "place", Counts: map[string]int{}, Change: console.May(ctx, signin.Access), Limited: limited(ctx)}
	if q.Get("by") == "who" {
		o.By = "who"
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
	used, err := p.uses.read(ctx, p.Store)
	if err != nil {
		return err
	}
	o.fill(ctx, p, f, used)
	h := head(ctx, lang.T(ctx, "Access"))
	h.Site = o.Site
	return p.Show(w, r, h, listPage(o))
}

// fill puts the rows together.
func (o *overview) fill(ctx context.Context, p pages, f reach.Facts, used func(sashlock.GrantID) use) {
	var rows []row
	now := p.Now()
	for _, g := range f.Grants {
		site, _, _ := f.Place(g)
		if !sees(ctx, f, g) || o.Site.ID != "" && site.ID != o.Site.ID {
			continue
		}
		one := describe(ctx, f, g, now)
		one.State = p.progress(ctx, f, g)
		u := used(g.ID)
		one.idle, one.Used = u.idle(now, longIdle), useWords(ctx, u, console.Zone(site))
		o.Total++
		for _, show := range []string{showAll, showExpiring, showEndless, showUnused} {
			if one.in(show, now) {
				o.Counts[show]++
			}
		}
		if one.in(o.Show, now) && one.has(o.Search) {
			rows = append(rows, one)
		}
	}
	key := func(r row) string { return r.place }
	if o.By == "who" {
		key = func(r row) string { return r.who }
	}
	slices.SortStableFunc(rows, func(a, b row) int {
		return cmp.Or(cmp.Compare(key(a), key(b)), console.CompareNames(a.Text, b.Text), cmp.Compare(a.Slug, b.Slug))
	})
	o.Shown = len(rows)
	for _, r := range rows[:min(len(rows), mostShown)] {
		if len(o.Groups) == 0 || o.Groups[len(o.Groups)-1].Name != key(r) {
			o.Groups = append(o.Groups, group{Name: key(r)})
		}
		last := &o.Groups[len(o.Groups)-1]
		last.Rows = append(last.Rows, r)
	}
}

// describe puts a grant into words.
func describe(ctx context.Context, f reach.Facts, g sashlock.Grant, now time.Time) row {
	s := f.Sentence(g)
	one := row{Grant: g, Pieces: s.Pieces(lang.Of(ctx)), Text: s.In(lang.Of(ctx)), Warn: warnings(ctx, f, g, now)}
	site, area, _ := f.Place(g)
	one.place = site.Name
	if a := f.Areas[area].Name; a != "" {
		one.place += " · " + a
	}
	one.who = cmp.Or(f.People[g.Person].Name, f.Roles[g.Role].Name)
	return one
}

// in reports whether a choice shows the grant.
func (r row) in(show string, now time.Time) bool {
	switch show {
	case showExpiring:
		return r.Until.After(now) && r.Until.Sub(now) <= soon
	case showEndless:
		return r.Until.IsZero()
	case showUnused:
		return r.idle
	}
	return true
}

func (r row) has(search string) bool {
	text := strings.ToLower(r.Text + " " + r.Slug + " " + r.place)
	for _, word := range strings.Fields(strings.ToLower(search)) {
		if !strings.Contains(text, word) {
			return false
		}
	}
	return true
}

// useWords says when a grant was used last.
func useWords(ctx context.Context, u use, zone *time.Location) string {
	switch {
	case !u.At.IsZero():
		return lang.T(ctx, "last used %s", reach.Date(u.At.In(zone)))
	case u.Since.IsZero():
		return lang.T(ctx, "never used")
	}
	return lang.T(ctx, "last use not known: not since %s", reach.Date(u.Since.In(zone)))
}

// warnings say what somebody should know about a grant.
func warnings(ctx context.Context, f reach.Facts, g sashlock.Grant, now time.Time) []string {
	var all []string
	add := func(is bool, text string) {
		if is {
			all = append(all, lang.T(ctx, text))
		}
	}
	ended := !g.Until.IsZero() && !g.Until.After(now)
	add(ended, lang.Mark("It has ended"))
	add(!ended && f.Spent(g, now), lang.Mark("Its schedule has no time left"))
	add(f.People[g.Person].Suspended, lang.Mark("The person is suspended"))
	add(g.Role != "" && len(f.Holders(g)) == 0, lang.Mark("Nobody has this role"))
	add(len(f.Targets(g)) == 0, lang.Mark("There is no opening there"))
	if f.High(g) {
		add(g.Until.IsZero() && g.Schedule == "", lang.Mark("High value, and neither an end nor a schedule"))
		add(g.Until.IsZero() && g.Schedule != "", lang.Mark("High value, and no end"))
	}
	return all
}
