// SPDX-License-Identifier: Apache-2.0

package phone

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/internal/assistance"
	"github.com/sashlock/sashlock/internal/console"
	"github.com/sashlock/sashlock/internal/lang"
	"github.com/sashlock/sashlock/internal/opening"
	"github.com/sashlock/sashlock/internal/shifts"
	"github.com/sashlock/sashlock/internal/signin"
	"github.com/sashlock/sashlock/internal/store"
	"github.com/sashlock/sashlock/internal/tags"
)

const (
	shownCases  = 24 // without a search
	foundCases  = 100
	shownRecent = 5
	recentDays  = 7
	recentMost  = 300 // openings of a week that are counted
)

// wait is a customer who waits.
type wait struct {
	ID, Name, Area, Path string
	Asked                time.Time
	Taker                string // who goes; empty: nobody yet
	Mine                 bool
}

// row is a case in a list.
type row struct {
	Slug, Name, Area, Path string
	Shown                  opening.Shown // its Now is zero
	At                     time.Time     // of what was opened
}

// Face is how the case looks.
func (r row) Face() console.Face { return console.FaceOf(r.Shown.Word) }

// serveView is the page of whoever serves customers.
type serveView struct {
	Site     sashlock.Site
	Now      time.Time
	Person   string // empty: the operator is nobody here
	Waiting  []wait
	Force    []console.Force
	Tasks    []task
	Standing []row // that stand as they should not
	Cases    []row // that the operator's person can open now
	More     int   // that are not shown
	Recent   []row
	Today    int
	Search   string
	Told     string // what became of the last button
	Shift    work
	Phones   []assistance.Subscription
	Key      string // of our messages, for the browser
}

// work is the shift that the operator's person is in, or can clock in to.
type work struct {
	Known  bool   // there is one
	Here   bool   // they are clocked in
	Span   string // from when until when
	Counts bool   // what they open may depend on it
}

// counter is what is looked up once for the whole page.
type counter struct {
	*serveView
	pages
	me   sashlock.Person
	tags map[sashlock.OpeningID]string
	mine []sashlock.Opening // those that concern the operator, in order of name
}

func (p pages) look(ctx context.Context, site sashlock.Site, search string) (*serveView, error) {
	v := &serveView{Site: site, Search: search, Now: console.LocalTime(site, p.Now())}
	c := &counter{serveView: v, pages: p}
	book, who := p.Hall.Book(), console.Who(ctx).Operator
	c.me = book.People[who.Person]
	v.Person = c.me.Name
	for _, o := range book.Openings {
		if o.Site == site.ID && who.Sees(o.Site, o.Area) {
			c.mine = append(c.mine, o)
		}
	}
	slices.SortFunc(c.mine, func(a, b sashlock.Opening) int {
		return cmp.Or(console.CompareNames(a.Name, b.Name), cmp.Compare(a.Slug, b.Slug))
	})
	err := p.Store.View(ctx, func(q store.Query) (err error) {
		if c.tags, err = tags.List(q); err != nil {
			return err
		}
		calls, err := assistance.Waiting(q, p.Now())
		c.waits(calls, who)
		if err != nil || c.me.ID == "" {
			return err
		}
		return c.works(q)
	})
	if err != nil {
		return nil, err
	}
	if err := c.cases(ctx); err != nil {
		return nil, err
	}
	if err := c.tasks(ctx); err != nil {
		return nil, err
	}
	return v, c.past(ctx)
}

// works looks up the shift to clock in to, or out of.
func (c *counter) works(q store.Query) error {
	s, known, err := shifts.Current(q, c.me.ID, c.Site, c.Now)
	if known {
		from, until := console.LocalTime(c.Site, s.From), console.LocalTime(c.Site, s.Until)
		c.Shift = work{Known: true, Here: !s.In.IsZero(), Span: from.Format("15:04") + "–" + until.Format("15:04"), Counts: c.Site.ClockIn}
	}
	return err
}

// waits lists the customers who wait where the operator may go.
func (c *counter) waits(calls []assistance.Call, who signin.Operator) {
	book := c.Hall.Book()
	for _, one := range calls {
		o, known := book.Openings[one.Opening]
		if !known || one.Site != c.Site.ID || !who.Sees(one.Site, o.Area) {
			continue
		}
		c.Waiting = append(c.Waiting, wait{
			ID: one.ID, Name: o.Name, Area: book.Areas[o.Area].Name, Path: c.pathOf(o), Asked: one.Asked,
			Taker: book.People[one.TakenBy].Name, Mine: one.TakenBy == c.me.ID && c.me.ID != "",
		})
	}
}

func (c *counter) pathOf(o sashlock.Opening) string {
	return "/c/" + url.PathEscape(cmp.Or(c.tags[o.ID], o.Slug))
}

func (c *counter) row(o sashlock.Opening, s sashlock.OpeningState) row {
	shown := opening.Show(o, s, c.Now)
	shown.Now = time.Time{}
	return row{Slug: o.Slug, Name: o.Name, Area: c.Hall.Book().Areas[o.Area].Name, Path: c.pathOf(o), Shown: shown}
}

// cases lists what the operator's person can open now, and what stands as it
// should not.
func (c *counter) cases(ctx context.Context) error {
	states, err := c.Store.States(ctx)
	if err != nil {
		return err
	}
	stands := make(map[sashlock.OpeningID]sashlock.OpeningState, len(states))
	for _, s := range states {
		stands[s.Opening] = s
	}
	book, most := c.Hall.Book(), shownCases
	if c.Search != "" {
		most = foundCases
	}
	for _, o := range c.mine {
		s := stands[o.ID]
		if w := opening.Show(o, s, c.Now).Word; w == opening.HeldOpen || w == opening.Forced || w == opening.Jammed || w == opening.Halfway {
			c.Standing = append(c.Standing, c.row(o, s))
		}
		if !c.found(o) || c.me.ID == "" || !book.Index.Could(sashlock.Request{Person: c.me.ID, Opening: o.ID, At: c.pages.Now()}, s.Mode).Granted {
			continue
		}
		if len(c.Cases) == most {
			c.More++
			continue
		}
		c.Cases = append(c.Cases, c.row(o, s))
	}
	return nil
}

// found reports whether a case is searched for: by a part of its name, by its
// number or by its tag.
func (c *counter) found(o sashlock.Opening) bool {
	if c.Search == "" {
		return true
	}
	q := strings.ToLower(c.Search)
	return strings.Contains(strings.ToLower(o.Name), q) || strings.Contains(o.Slug, q) || c.tags[o.ID] != "" && c.tags[o.ID] == tags.Normal(c.Search)
}

// past lists what the operator's person opened last, and counts today.
func (c *counter) past(ctx context.Context) error {
	if c.me.ID == "" {
		return nil
	}
	y, m, d := c.Now.Date()
	midnight := time.Date(y, m, d, 0, 0, 0, 0, c.Now.Location())
	events, err := c.Store.Events(ctx, store.EventQuery{
		Person: c.me.ID, Kind: string(sashlock.AccessTaken), Since: midnight.AddDate(0, 0, 1-recentDays), Newest: true, Limit: recentMost,
	})
	if err != nil {
		return err
	}
	book := c.Hall.Book()
	for _, e := range events {
		if !e.Heard.Before(midnight) {
			c.Today++
		}
		if o, known := book.Openings[e.Opening]; known && len(c.Recent) < shownRecent && o.Site == c.Site.ID {
			r := c.row(o, sashlock.OpeningState{})
			r.Shown, r.At = opening.Shown{}, e.Heard.In(c.Now.Location())
			c.Recent = append(c.Recent, r)
		}
	}
	return nil
}

// parts are the pieces of the page that are kept up to date.
func (v *serveView) parts() []console.Part {
	if v == nil {
		return nil
	}
	list := console.Part{ID: "cases", Body: caseList(v)}
	for _, r := range v.Cases {
		list.Key += r.Slug + " "
		list.Within = append(list.Within, console.Part{ID: r.element(), Key: fmt.Sprintf("%+v", r), Body: caseRow(r, v.Now)})
	}
	return []console.Part{
		{ID: "in-force", Key: fmt.Sprintf("%+v", v.Force), Body: console.ForceStrip(v.Force)},
		{ID: "shift", Key: fmt.Sprintf("%+v %s", v.Shift, v.Person), Body: shiftLine(v)},
		{ID: "waiting", Key: fmt.Sprintf("%+v %s", v.Waiting, v.Person), Body: waitList(v)},
		{ID: "tasks", Key: fmt.Sprintf("%+v", v.Tasks), Body: taskList(v)},
		{ID: "standing", Key: fmt.Sprintf("%+v", v.Standing), Body: standList(v)},
		list,
		{ID: "recent", Key: fmt.Sprintf("%+v %d", v.Recent, v.Today), Body: recentList(v)},
	}
}

// element is the id of the element that shows it.
func (r row) element() string { return "row-" + r.Slug }

func searchOf(r *http.Request) string {
	q := strings.TrimSpace(strings.ToValidUTF8(r.URL.Query().Get("q"), ""))
	return q[:min(len(q), 60)]
}

func (p pages) serve(w http.ResponseWriter, r *http.Request) error {
	site, err := p.Site(r)
	if err != nil {
		return err
	}
	ctx := r.Context()
	v, err := p.look(ctx, site, searchOf(r))
	if err != nil {
		return err
	}
	err = p.Store.View(ctx, func(q store.Query) (err error) {
		if v.Told, err = p.told(ctx, q, r.URL.Query().Get("second")); err != nil {
			return err
		}
		v.Phones, err = assistance.Subscriptions(q, console.Who(ctx).Operator.ID)
		return err
	})
	if err != nil {
		return err
	}
	if v.Key, err = p.room.PublicKey(ctx); err != nil {
		return err
	}
	live := url.Values{}
	if site.Slug != "" {
		live.Set("site", site.Slug)
	}
	if v.Search != "" {
		live.Set("q", v.Search)
	}
	head := console.Head{
		Title: lang.T(ctx, "Serve"), Section: console.InServe, Site: site, Live: "/serve/live?" + live.Encode(), At: console.At(v.parts()),
		About:  lang.T(ctx, "Customers who pressed for help, the longest wait first, and the cases that you can open now. Press “I'm going” so that nobody else does."),
		Styles: []string{"phone.css"}, Scripts: []string{"phone.js"},
	}
	return p.Show(w, r, head, servePage(v))
}

// told is who goes to a customer whom the operator wanted to go to as well.
func (p pages) told(ctx context.Context, q store.Query, id string) (string, error) {
	if id == "" {
		return "", nil
	}
	c, err := assistance.Find(q, id)
	if sashlock.IsKind(err, sashlock.NotFound) {
		return "", nil
	}
	book := p.Hall.Book()
	o := book.Openings[c.Opening]
	who := console.Who(ctx).Operator
	if err != nil || !who.Sees(c.Site, o.Area) || c.TakenBy == who.Person {
		return "", err
	}
	if c.TakenBy == "" || !c.Standing(p.Now()) {
		return lang.T(ctx, "The customer at %s no longer waits.", o.Name), nil
	}
	return lang.T(ctx, "%s is going to %s already. Thank you all the same.", book.People[c.TakenBy].Name, o.Name), nil
}

func (p pages) serveStream(w http.ResponseWriter, r *http.Request) error {
	site, err := p.Site(r)
	if err != nil {
		return err
	}
	search := searchOf(r)
	return p.Stream(w, r, func(ctx context.Context) ([]console.Part, error) {
		v, err := p.look(ctx, site, search)
		return v.parts(), err
	})
}

// callOf finds the call of an address, if it concerns whoever is signed in.
func (p pages) callOf(r *http.Request) (c assistance.Call, err error) {
	err = p.Store.View(r.Context(), func(q store.Query) (err error) { c, err = assistance.Find(q, r.PathValue("id")); return err })
	if err != nil {
		return c, err
	}
	if !console.Who(r.Context()).Operator.Sees(c.Site, p.Hall.Book().Openings[c.Opening].Area) {
		return c, p.Refuse(r.Context(), "call "+c.ID)
	}
	return c, nil
}

// take records that whoever is signed in goes to a customer. Who comes second
// is told who goes.
func (p pages) take(w http.ResponseWriter, r *http.Request) error {
	c, err := p.callOf(r)
	if err != nil {
		return err
	}
	me, known := p.asPerson(r)
	if !known {
		return &sashlock.Error{Kind: sashlock.Invalid, Op: "taking call", Hint: lang.T(r.Context(), "nobody would know who goes: ask the owner to say which person you are")}
	}
	if err := p.Form(w, r); err != nil {
		return err
	}
	_, err = p.room.Take(r.Context(), console.Who(r.Context()).Operator.ID, me.ID, c.ID)
	if errors.Is(err, assistance.ErrTaken) || sashlock.IsKind(err, sashlock.Conflict) {
		return console.Back(w, r, "/serve?second="+url.QueryEscape(c.ID))
	}
	if err != nil {
		return err
	}
	if then := r.FormValue("then"); strings.HasPrefix(then, "/c/") {
		return console.Back(w, r, then)
	}
	return console.Back(w, r, "/serve")
}

// ended records how a call ended.
func (p pages) ended(how assistance.Outcome) console.Page {
	return func(w http.ResponseWriter, r *http.Request) error {
		c, err := p.callOf(r)
		if err != nil {
			return err
		}
		if _, err := p.room.End(r.Context(), console.Who(r.Context()).Operator.ID, c.ID, how); err != nil {
			return err
		}
		return console.Back(w, r, "/serve")
	}
}
