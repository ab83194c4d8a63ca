// SPDX-License-Identifier: Apache-2.0

package rota

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
	"github.com/sashlock/sashlock/internal/grants"
	"github.com/sashlock/sashlock/internal/lang"
	"github.com/sashlock/sashlock/internal/reach"
	"github.com/sashlock/sashlock/internal/shifts"
	"github.com/sashlock/sashlock/internal/signin"
	"github.com/sashlock/sashlock/internal/store"
)

// mostRows is how many people one week shows.
const mostRows = 200

// bar is a shift in a day of the week.
type bar struct {
	shifts.Shift
	Span    string
	State   state
	X, W    int // where it lies in its day, in thousandths
	Swapped bool
}

// line is somebody's week.
type line struct {
	Person sashlock.Person
	Days   [7][]bar
	Hours  float64
}

// here is somebody who is at the store now, or should be.
type here struct {
	Person sashlock.Person
	Shift  shifts.Shift // empty: they have none
	State  state
}

// overview is the week of a store.
type overview struct {
	Site       sashlock.Site
	Monday     time.Time
	Days       [7]time.Time
	Today      int // of the week; -1: it is another week
	Counts     [7]int
	Lines      []line
	More       int // people who are left out
	Here       []here
	People     []sashlock.Person // who may be planned
	Change     bool
	Own        bool // the operator is somebody here
	Allowing   *allowing
	Planning   *planning
	Prev, Next string
	Done       string
}

// mondayOf is the beginning of the week of a day.
func mondayOf(at time.Time) time.Time {
	back := (int(at.Weekday()) + 6) % 7
	return time.Date(at.Year(), at.Month(), at.Day()-back, 0, 0, 0, 0, at.Location())
}

func (p pages) week(w http.ResponseWriter, r *http.Request) error {
	return p.showWeek(w, r, nil, nil)
}

// showWeek shows the week of an address, with a form that came to nothing.
func (p pages) showWeek(w http.ResponseWriter, r *http.Request, a *allowing, n *planning) error {
	ctx := r.Context()
	site, err := p.Site(r)
	if err != nil {
		return err
	}
	h := p.head(ctx, lang.T(ctx, "Rota"), site)
	if site.ID == "" {
		return p.Show(w, r, h, noSite())
	}
	if a != nil || n != nil {
		h.Status = console.Refused
	}
	o, err := p.overview(r, site)
	if err != nil {
		return err
	}
	if o.Allowing = a; a == nil {
		until := console.LocalTime(site, p.Now()).Add(2 * time.Hour).Truncate(15 * time.Minute)
		o.Allowing = &allowing{Until: until.Format("2006-01-02T15:04")}
	}
	if o.Planning = n; n == nil {
		o.Planning = &planning{}
	}
	return p.Show(w, r, h, weekPage(o))
}

func (p pages) overview(r *http.Request, site sashlock.Site) (*overview, error) {
	ctx, zone, book := r.Context(), console.Zone(site), p.Hall.Book()
	now := p.Now().In(zone)
	day := now
	if asked, err := time.ParseInLocation("2006-01-02", r.URL.Query().Get("week"), zone); err == nil && asked.Year() > 1970 && asked.Year() < 2200 {
		day = asked
	}
	monday := mondayOf(day)
	o := &overview{Site: site, Monday: monday, Today: -1, Change: console.May(ctx, signin.Access)}
	_, o.Own = book.People[console.Who(ctx).Operator.Person]
	o.Own = o.Own && console.May(ctx, signin.Serve)
	o.Prev, o.Next = o.address(monday.AddDate(0, 0, -7)), o.address(monday.AddDate(0, 0, 7))
	for i := range o.Days {
		o.Days[i] = monday.AddDate(0, 0, i)
		if o.Days[i].Format(time.DateOnly) == now.Format(time.DateOnly) {
			o.Today = i
		}
	}
	all, err := p.list(ctx, shifts.Filter{Site: site.ID, From: monday, Until: monday.AddDate(0, 0, 7), Cancelled: true})
	if err != nil {
		return nil, err
	}
	o.fill(ctx, book, all, now)
	if o.Here, err = p.present(ctx, site, now); err != nil {
		return nil, err
	}
	if o.Change {
		o.People, err = p.planned(ctx, site.ID)
	}
	return o, err
}

// address is that of another week.
func (o *overview) address(monday time.Time) string {
	return "/rota?" + url.Values{"site": {o.Site.Slug}, "week": {monday.Format(time.DateOnly)}}.Encode()
}

// fill puts shifts into the lines of their people.
func (o *overview) fill(ctx context.Context, book *flow.Book, all []shifts.Shift, now time.Time) {
	byPerson := map[sashlock.PersonID]*line{}
	for _, s := range all {
		from := console.LocalTime(o.Site, s.From)
		i := slices.IndexFunc(o.Days[:], func(d time.Time) bool { return d.Format(time.DateOnly) == from.Format(time.DateOnly) })
		if i < 0 { // it began in the week before
			continue
		}
		one := byPerson[s.Person]
		if one == nil {
			one = &line{Person: book.People[s.Person]}
			byPerson[s.Person] = one
		}
		b := bar{Shift: s, Span: span(o.Site, s.Shift), State: standing(ctx, s, o.Site, now), Swapped: s.Planned != ""}
		length := o.Days[i].AddDate(0, 0, 1).Sub(o.Days[i])
		b.X = int(1000 * s.From.Sub(o.Days[i]) / length)
		b.W = max(20, min(1000-b.X, int(1000*s.Until.Sub(s.From)/length)))
		one.Days[i] = append(one.Days[i], b)
		if s.Standing() {
			one.Hours += s.Until.Sub(s.From).Hours()
			o.Counts[i]++
		}
	}
	for _, one := range byPerson {
		o.Lines = append(o.Lines, *one)
	}
	slices.SortFunc(o.Lines, func(a, b line) int {
		return cmp.Or(console.CompareNames(a.Person.Name, b.Person.Name), cmp.Compare(a.Person.ID, b.Person.ID))
	})
	if len(o.Lines) > mostRows {
		o.More = len(o.Lines) - mostRows
		o.Lines = o.Lines[:mostRows]
	}
}

// present finds who is at a store now, or should be: by the shifts that run, the
// clock, and who was let in of late.
func (p pages) present(ctx context.Context, site sashlock.Site, now time.Time) ([]here, error) {
	book := p.Hall.Book()
	running, err := p.list(ctx, shifts.Filter{Site: site.ID, From: now.Add(-shifts.LateAfter), Until: now.Add(time.Hour)})
	if err != nil {
		return nil, err
	}
	var all []here
	seen := map[sashlock.PersonID]bool{}
	for _, s := range running {
		in := !s.In.IsZero() && s.Out.IsZero()
		if !in && (s.Over(now) || seen[s.Person]) {
			continue
		}
		seen[s.Person] = true
		all = append(all, here{book.People[s.Person], s, standing(ctx, s, site, now)})
	}
	for id, st := range p.Store.Standings().People {
		one, known := book.People[id]
		if known && !seen[id] && st.At(site.ID, now) {
			all = append(all, here{Person: one, State: state{lang.T(ctx, "Here without a shift"), console.Doubt, "half-circle"}})
		}
	}
	rank := map[console.Tone]int{console.Watch: 0, console.Active: 1, console.Doubt: 2, console.Calm: 3}
	slices.SortFunc(all, func(a, b here) int {
		return cmp.Or(cmp.Compare(rank[a.State.Tone], rank[b.State.Tone]), console.CompareNames(a.Person.Name, b.Person.Name), cmp.Compare(a.Person.ID, b.Person.ID))
	})
	return all, nil
}

// mostPeople is how many people a form offers to choose from.
const mostPeople = 500

// planned are the people who may be planned at a store: those who have shifts
// there, and those who have a grant for something there.
func (p pages) planned(ctx context.Context, site sashlock.SiteID) (all []sashlock.Person, err error) {
	book, now := p.Hall.Book(), p.Now()
	var given []sashlock.Grant
	if err := p.Store.View(ctx, func(q store.Query) (err error) { given, err = grants.List(q); return err }); err != nil {
		return nil, err
	}
	people, roles := map[sashlock.PersonID]bool{}, map[sashlock.RoleID]bool{}
	facts := reach.New(book, given)
	for _, g := range given {
		if at, _, known := facts.Place(g); known && at.ID == site {
			people[g.Person], roles[g.Role] = true, true
		}
	}
	delete(roles, "")
	for id, one := range book.People {
		if one.Suspended || !one.Until.IsZero() && !one.Until.After(now) {
			continue
		}
		if people[id] || slices.ContainsFunc(one.Roles, func(r sashlock.RoleID) bool { return roles[r] }) ||
			slices.ContainsFunc(book.Shifts[id], func(s sashlock.Shift) bool { return s.Site == site }) {
			all = append(all, one)
		}
	}
	slices.SortFunc(all, func(a, b sashlock.Person) int {
		return cmp.Or(console.CompareNames(a.Name, b.Name), cmp.Compare(a.ID, b.ID))
	})
	return all[:min(len(all), mostPeople)], nil
}
