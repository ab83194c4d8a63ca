// SPDX-License-Identifier: Apache-2.0

package asks

import (
	"cmp"
	"context"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/internal/approvals"
	"github.com/sashlock/sashlock/internal/console"
	"github.com/sashlock/sashlock/internal/lang"
	"github.com/sashlock/sashlock/internal/reach"
	"github.com/sashlock/sashlock/internal/signin"
	"github.com/sashlock/sashlock/internal/store"
)

// How many answered requests are shown.
const pastShown = 40

// choice is something that can be chosen in a form.
type choice struct {
	Value, Name string
}

// filing is the page on which somebody asks for access.
type filing struct {
	Site    sashlock.Site
	People  []choice // empty: only for oneself
	Self    bool     // whoever is signed in is somebody among the people
	Places  []choice
	Lengths []choice
	Person  string
	Place   string
	Length  string
	Words   string
	Wrong   string // the field that is wrong
	Said    string // what is wrong
	Filed   bool
	Mine    []askRow
}

// askRow is a request in a list.
type askRow struct {
	approvals.Ask
	Who, WhoPath   string
	What, WhatPath string
	For            string // how long
	Since, Ends    time.Time
	Filer          string
	High           bool
	Missing        int // approvals
	Approvers      []string
	May            bool
	Why            string // why whoever looks cannot answer
	StateWords     string
	Tone           string
	Decider        string
	At             time.Time // of the answer
}

// ruleRow is the rule of a site.
type ruleRow struct {
	approvals.Rule
	Site    sashlock.Site
	Lengths []choice
	Longest string
	People  []approver
}

// approver is an operator who may be named by a rule.
type approver struct {
	ID, Name string
	Named    bool
}

// inbox is the page with the requests.
type inbox struct {
	Waiting []askRow
	Past    []askRow
	Rules   []ruleRow
	Change  bool
	Serve   bool
	Limited bool
	At      string // the request that an answer went wrong for
	Typed   string
	Said    string
	Status  int
}

// filer describes requests for whoever looks.
type filer struct {
	facts reach.Facts
	names map[sashlock.OperatorID]signin.Operator
	rules map[sashlock.SiteID]approvals.Rule
	by    approvals.By
}

func (p pages) filer(ctx context.Context, q store.Query, f reach.Facts) (*filer, error) {
	d := &filer{facts: f, rules: map[sashlock.SiteID]approvals.Rule{}, by: by(ctx)}
	var err error
	if d.names, err = operators(q); err != nil {
		return d, err
	}
	for _, s := range p.Sites(ctx) {
		if d.rules[s.ID], err = approvals.FindRule(q, s.ID); err != nil {
			return d, err
		}
	}
	return d, nil
}

func (d *filer) row(ctx context.Context, a approvals.Ask) askRow {
	site := d.facts.Sites[a.Site]
	who := d.facts.People[a.Person]
	row := askRow{
		Ask: a, Who: who.Name, WhoPath: "/people/" + who.Slug, For: length(ctx, a.Length), High: a.High(d.facts.Book),
		Since: console.LocalTime(site, a.Filed), Ends: console.LocalTime(site, a.Filed.Add(approvals.AskLife)),
		Filer: called(ctx, d.names, a.By), Missing: a.Needs(d.facts.Book) - len(a.Approvals),
	}
	row.What, row.WhatPath = placeName(ctx, d.facts, a.Opening, a.Area)
	for _, id := range a.Approvals {
		row.Approvers = append(row.Approvers, called(ctx, d.names, id))
	}
	if !a.Answered.IsZero() {
		row.At, row.Decider = console.LocalTime(site, a.Answered), called(ctx, d.names, a.Answerer)
	}
	err := a.MayAnswer(d.by, d.rules[a.Site], d.facts.Book)
	row.May, row.Why = err == nil, said(ctx, err)
	row.StateWords, row.Tone = stateWords(a)
	row.StateWords = lang.T(ctx, row.StateWords)
	return row
}

func stateWords(a approvals.Ask) (text, tone string) {
	switch a.State {
	case approvals.Approved:
		if a.Auto {
			return lang.Mark("Granted at once, as before"), "tone-calm"
		}
		return lang.Mark("Approved"), "tone-calm"
	case approvals.Denied:
		return lang.Mark("Turned down"), "tone-watch"
	case approvals.Lapsed:
		return lang.Mark("Nobody answered in time"), "tone-doubt"
	}
	return lang.Mark("Waiting"), "tone-order"
}

func (p pages) requests(w http.ResponseWriter, r *http.Request) error {
	return p.inbox(w, r, &inbox{})
}

func (p pages) inbox(w http.ResponseWriter, r *http.Request, box *inbox) error {
	ctx := r.Context()
	o := console.Who(ctx).Operator
	box.Change, box.Serve, box.Limited = o.May(signin.Access), o.May(signin.Serve), len(o.Sites)+len(o.Areas) > 0
	f := reach.New(p.Hall.Book(), nil)
	err := p.Store.View(ctx, func(q store.Query) error {
		d, err := p.filer(ctx, q, f)
		if err != nil {
			return err
		}
		waiting, err := approvals.Standing(q)
		if err != nil {
			return err
		}
		past, err := approvals.Asks(q, 200)
		for _, a := range waiting {
			if sees(o, a.Site, a.AreaIn(f.Book)) {
				box.Waiting = append(box.Waiting, d.row(ctx, a))
			}
		}
		for _, a := range past {
			if a.State != approvals.Asked && sees(o, a.Site, a.AreaIn(f.Book)) && len(box.Past) < pastShown {
				box.Past = append(box.Past, d.row(ctx, a))
			}
		}
		if box.Change {
			box.Rules = p.rules(ctx, d)
		}
		return err
	})
	if err != nil {
		return err
	}
	h := head(ctx, lang.T(ctx, "Requests for access"), lang.T(ctx, "Somebody needs to open something that no grant of theirs covers. Whoever runs the store answers here; approving makes a grant that ends by itself."))
	h.Status = box.Status
	return p.Show(w, r, h, inboxPage(box))
}

// rules are those of the sites that whoever looks may change.
func (p pages) rules(ctx context.Context, d *filer) (all []ruleRow) {
	for _, s := range p.sitesSeen(ctx) {
		one := ruleRow{Rule: d.rules[s.ID], Site: s}
		for _, l := range (approvals.Rule{Longest: 90 * 24 * time.Hour}).Lengths(s) {
			one.Lengths = append(one.Lengths, choice{hours(l), length(ctx, l)})
		}
		one.Longest = hours(cmp.Or(one.Rule.Longest, approvals.Longest))
		for id, o := range d.names {
			if o.May(signin.Access) && o.At(s.ID) {
				one.People = append(one.People, approver{string(id), o.Name, slices.Contains(one.Approvers, id)})
			}
		}
		slices.SortFunc(one.People, func(a, b approver) int { return console.CompareNames(a.Name, b.Name) })
		all = append(all, one)
	}
	return all
}

func hours(d time.Duration) string { return strconv.Itoa(int(d / time.Hour)) }

func readHours(s string) time.Duration {
	n, err := strconv.Atoi(s)
	if err != nil || n < 0 || n > 24*400 {
		return -1
	}
	return time.Duration(n) * time.Hour
}

func (p pages) form(w http.ResponseWriter, r *http.Request) error {
	q := r.URL.Query()
	page := &filing{Place: "opening/" + q.Get("opening"), Person: q.Get("person"), Words: console.Clip(q.Get("words"), console.MaxSearch), Filed: q.Has("filed")}
	return p.showForm(w, r, page, http.StatusOK)
}

func (p pages) showForm(w http.ResponseWriter, r *http.Request, page *filing, code int) error {
	ctx := r.Context()
	o := console.Who(ctx).Operator
	f := reach.New(p.Hall.Book(), nil)
	site, err := p.Site(r)
	if err != nil {
		return err
	}
	if place, known := f.Openings[p.place(page.Place).Opening]; known && o.Sees(place.Site, place.Area) {
		site = f.Sites[place.Site]
	}
	page.Site = site
	_, page.Self = f.People[o.Person]
	for _, one := range f.Openings {
		if one.Site == site.ID && o.Sees(one.Site, one.Area) {
			page.Places = append(page.Places, choice{"opening/" + one.Slug, one.Name})
		}
	}
	for _, one := range f.Areas {
		if one.Site == site.ID && o.Sees(one.Site, one.ID) {
			page.Places = append(page.Places, choice{"area/" + string(one.ID), lang.T(ctx, "everything in %s", one.Name)})
		}
	}
	if o.May(signin.Access) {
		given, err := p.facts(ctx)
		if err != nil {
			return err
		}
		for _, one := range f.People {
			if !one.Suspended && given.Concerns(one, o.Sees) {
				page.People = append(page.People, choice{one.Slug, one.Name})
			}
		}
	}
	for _, list := range [][]choice{page.Places, page.People} {
		slices.SortFunc(list, func(a, b choice) int {
			return cmp.Or(console.CompareNames(a.Name, b.Name), cmp.Compare(a.Value, b.Value))
		})
	}
	err = p.Store.View(ctx, func(q store.Query) error {
		d, err := p.filer(ctx, q, f)
		if err != nil {
			return err
		}
		for _, l := range d.rules[site.ID].Lengths(site) {
			page.Lengths = append(page.Lengths, choice{hours(l), length(ctx, l)})
		}
		if page.Length == "" && len(page.Lengths) > 0 {
			page.Length = page.Lengths[len(page.Lengths)-1].Value
		}
		own, err := approvals.AsksOf(q, o.Person, 10)
		for _, a := range own {
			page.Mine = append(page.Mine, d.row(ctx, a))
		}
		return err
	})
	if err != nil {
		return err
	}
	h := head(ctx, lang.T(ctx, "Ask for access"), lang.T(ctx, "What you ask for goes to whoever runs the store. You can open it as soon as they approve, for as long as you asked."))
	h.Site, h.Status = site, code
	return p.Show(w, r, h, filingPage(page))
}

// place reads what was chosen: "opening/case-1" or "area/area_…".
func (p pages) place(text string) (f approvals.Filing) {
	kind, ref, _ := strings.Cut(text, "/")
	book := p.Hall.Book()
	switch kind {
	case "opening":
		for id, o := range book.Openings {
			if o.Slug == ref {
				f.Opening = id
			}
		}
	case "area":
		f.Area = book.Areas[sashlock.AreaID(ref)].ID
	}
	return f
}

func (p pages) file(w http.ResponseWriter, r *http.Request) error {
	if err := p.Form(w, r); err != nil {
		return err
	}
	ctx := r.Context()
	page := &filing{
		Place: console.Clip(r.PostForm.Get("place"), 200), Person: console.Clip(r.PostForm.Get("person"), 100),
		Length: r.PostForm.Get("length"), Words: console.Clip(r.PostForm.Get("reason"), 2000),
	}
	f := p.place(page.Place)
	f.Words, f.Length, f.Person = page.Words, readHours(page.Length), console.Who(ctx).Operator.Person
	if page.Person != "" {
		f.Person = sashlock.PersonID("?")
		for id, one := range p.Hall.Book().People {
			if one.Slug == page.Person {
				f.Person = id
			}
		}
	}
	a, err := p.room.File(ctx, by(ctx), f)
	if mine(err) {
		page.Wrong, page.Said = wrong(err), said(ctx, err)
		return p.showForm(w, r, page, status(err))
	}
	if err != nil {
		return p.refused(ctx, err)
	}
	if a.Person != console.Who(ctx).Operator.Person && console.May(ctx, signin.Read) {
		return console.Back(w, r, "/access/requests#"+a.ID)
	}
	return console.Back(w, r, "/access/ask?filed#"+a.ID)
}

// seenAsk refuses a request that does not concern whoever is signed in.
func (p pages) seenAsk(ctx context.Context, id string) error {
	var a approvals.Ask
	if err := p.Store.View(ctx, func(q store.Query) (err error) { a, err = approvals.FindAsk(q, id); return err }); err != nil {
		return err
	}
	if !sees(console.Who(ctx).Operator, a.Site, a.AreaIn(p.Hall.Book())) {
		return p.Refuse(ctx, "request "+a.ID)
	}
	return nil
}

func revOf(r *http.Request) int64 {
	rev, err := strconv.ParseInt(r.PostForm.Get("rev"), 10, 64)
	if err != nil || rev < 1 {
		return -1 // no revision is that
	}
	return rev
}

func (p pages) approve(w http.ResponseWriter, r *http.Request) error {
	return p.respond(w, r, func(ctx context.Context, id string, rev int64, _ string) error {
		_, err := p.room.Approve(ctx, by(ctx), id, rev)
		return err
	})
}

func (p pages) deny(w http.ResponseWriter, r *http.Request) error {
	return p.respond(w, r, func(ctx context.Context, id string, rev int64, why string) error {
		_, err := p.room.TurnDown(ctx, by(ctx), id, why, rev)
		return err
	})
}

func (p pages) respond(w http.ResponseWriter, r *http.Request, act func(ctx context.Context, id string, rev int64, why string) error) error {
	if err := p.Form(w, r); err != nil {
		return err
	}
	ctx, id := r.Context(), r.PathValue("id")
	if err := p.seenAsk(ctx, id); err != nil {
		return err
	}
	why := console.Clip(r.PostForm.Get("why"), 2000)
	err := act(ctx, id, revOf(r), why)
	if mine(err) {
		return p.inbox(w, r, &inbox{At: id, Typed: why, Said: said(ctx, err), Status: status(err)})
	}
	if err != nil {
		return p.refused(ctx, err)
	}
	return console.Back(w, r, "/access/requests#"+id)
}

func (p pages) saveRule(w http.ResponseWriter, r *http.Request) error {
	if err := p.Form(w, r); err != nil {
		return err
	}
	ctx := r.Context()
	rev, _ := strconv.ParseInt(r.PostForm.Get("rev"), 10, 64)
	rule := approvals.Rule{Site: sashlock.SiteID(r.PostForm.Get("site")), Auto: r.PostForm.Get("auto") != "", Longest: readHours(r.PostForm.Get("longest")), Rev: rev}
	if rule.Longest == approvals.Longest {
		rule.Longest = 0
	}
	if _, known := p.Hall.Book().Sites[rule.Site]; !known {
		return &sashlock.Error{Kind: sashlock.NotFound, Op: "saving rule", Subject: "site", Hint: lang.T(ctx, "there is no such site")}
	}
	for _, id := range r.PostForm["approver"] {
		if len(rule.Approvers) < 100 {
			rule.Approvers = append(rule.Approvers, sashlock.OperatorID(console.Clip(id, 60)))
		}
	}
	err := p.room.SaveRule(ctx, by(ctx), rule)
	if mine(err) {
		return p.inbox(w, r, &inbox{Said: said(ctx, err), Status: status(err)})
	}
	if err != nil {
		return p.refused(ctx, err)
	}
	return console.Back(w, r, "/access/requests")
}
