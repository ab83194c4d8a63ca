// SPDX-License-Identifier: Apache-2.0

package asks

import (
	"cmp"
	"context"
	"net/http"
	"slices"
	"strconv"
	"time"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/internal/approvals"
	"github.com/sashlock/sashlock/internal/console"
	"github.com/sashlock/sashlock/internal/lang"
	"github.com/sashlock/sashlock/internal/reach"
	"github.com/sashlock/sashlock/internal/signin"
	"github.com/sashlock/sashlock/internal/store"
)

// linesShown is how many lines of a review a page has: those without an answer
// first.
const linesShown = 200

// reviewRow is a review in a list.
type reviewRow struct {
	approvals.Review
	Scope    string
	Reviewer string
	Due      string
	Late     bool
}

// campaign is the page with the reviews, and the form for a new one.
type campaign struct {
	Rows      []reviewRow
	Sites     []choice
	Roles     []choice
	Reviewers []choice
	Change    bool
	Whole     bool // whoever looks is for all stores
	Typed     approvals.Review
	DueText   string
	Wrong     string
	Said      string
	Status    int
}

// lineRow is one line of a review.
type lineRow struct {
	approvals.Line
	Pieces  []reach.Piece
	Who     string
	WhoPath string
	People  int // with the role that it is given to
	Used    string
	Length  string
	Origin  string
	Name    string // what stands at a button, for those who do not see the line
	Decider string
	When    time.Time
}

// sheet is one review.
type sheet struct {
	reviewRow
	Lines  []lineRow
	Done   []lineRow
	More   int // that are not shown
	May    bool
	Why    string
	Began  time.Time
	Ended  time.Time
	Hidden bool // some lines are of other stores
	Said   string
	Words  string
	Status int
	Print  bool
}

func (p pages) reviews(w http.ResponseWriter, r *http.Request) error {
	return p.list(w, r, &campaign{DueText: p.Now().AddDate(0, 0, 14).Format(time.DateOnly), Typed: approvals.Review{Reviewer: console.Who(r.Context()).Operator.ID}})
}

func (p pages) list(w http.ResponseWriter, r *http.Request, page *campaign) error {
	ctx := r.Context()
	o := console.Who(ctx).Operator
	page.Change, page.Whole = o.May(signin.Access), len(o.Sites)+len(o.Areas) == 0
	f := reach.New(p.Hall.Book(), nil)
	err := p.Store.View(ctx, func(q store.Query) error {
		names, err := operators(q)
		if err != nil {
			return err
		}
		for id, one := range names {
			if one.May(signin.Access) && (page.Whole || slices.ContainsFunc(p.Sites(ctx), func(s sashlock.Site) bool { return one.At(s.ID) })) {
				page.Reviewers = append(page.Reviewers, choice{string(id), one.Name})
			}
		}
		all, err := approvals.Reviews(q, 100)
		for _, v := range all {
			if seesReview(ctx, v) {
				page.Rows = append(page.Rows, p.reviewRow(ctx, f, names, v))
			}
		}
		return err
	})
	if err != nil {
		return err
	}
	for _, s := range p.sitesSeen(ctx) {
		page.Sites = append(page.Sites, choice{string(s.ID), s.Name})
	}
	for id, one := range f.Roles {
		page.Roles = append(page.Roles, choice{string(id), one.Name})
	}
	for _, list := range [][]choice{page.Reviewers, page.Roles} {
		slices.SortFunc(list, func(a, b choice) int {
			return cmp.Or(console.CompareNames(a.Name, b.Name), cmp.Compare(a.Value, b.Value))
		})
	}
	h := head(ctx, lang.T(ctx, "Reviews of access"), lang.T(ctx, "A review goes through what was given, one by one: keep it or take it away. What is taken away stops at once, and the end of the review is recorded with its counts."))
	h.Status = page.Status
	return p.Show(w, r, h, reviewsPage(page))
}

// seesReview reports whether a review concerns whoever is signed in.
func seesReview(ctx context.Context, v approvals.Review) bool {
	o := console.Who(ctx).Operator
	return o.ID == v.By || o.ID == v.Reviewer || sees(o, v.Scope.Site, "")
}

func (p pages) reviewRow(ctx context.Context, f reach.Facts, names map[sashlock.OperatorID]signin.Operator, v approvals.Review) reviewRow {
	return reviewRow{
		Review: v, Scope: scopeWords(ctx, f, v.Scope), Reviewer: called(ctx, names, v.Reviewer),
		Due: day(ctx, v.Due, console.Zone(f.Sites[v.Scope.Site])), Late: v.Overdue(p.Now()),
	}
}

// scopeWords says what a review goes through.
func scopeWords(ctx context.Context, f reach.Facts, s approvals.Scope) string {
	text := lang.T(ctx, "all sites")
	if s.Site != "" {
		text = f.Sites[s.Site].Name
	}
	add := func(is bool, more string) {
		if is {
			text += " · " + more
		}
	}
	add(s.Members, lang.T(ctx, "people with the role %s", f.Roles[s.Role].Name))
	add(s.Role != "" && !s.Members, lang.T(ctx, "given to the role %s", f.Roles[s.Role].Name))
	add(s.Unused > 0, lang.N(ctx, s.Unused, "unused for %d day", "unused for %d days"))
	add(s.High, lang.T(ctx, "for what is of high value"))
	return text
}

func (p pages) begin(w http.ResponseWriter, r *http.Request) error {
	if err := p.Form(w, r); err != nil {
		return err
	}
	ctx, form := r.Context(), r.PostForm
	v := approvals.Review{
		Name: console.Clip(form.Get("name"), 2000), Reviewer: sashlock.OperatorID(console.Clip(form.Get("reviewer"), 60)),
		Scope: approvals.Scope{
			Site: sashlock.SiteID(console.Clip(form.Get("site"), 60)), Role: sashlock.RoleID(console.Clip(form.Get("role"), 60)),
			High: form.Get("high") != "", Members: form.Get("members") != "",
		},
	}
	v.Scope.Unused, _ = strconv.Atoi(form.Get("unused"))
	site := p.Hall.Book().Sites[v.Scope.Site]
	if at, err := time.ParseInLocation(time.DateOnly, form.Get("due"), console.Zone(site)); err == nil {
		v.Due = at.AddDate(0, 0, 1).Add(-time.Second).UTC() // the end of that day
	}
	if err := p.store(ctx, &v); err != nil {
		return err
	}
	begun, err := p.room.Begin(ctx, by(ctx), v)
	if mine(err) {
		return p.list(w, r, &campaign{Typed: v, DueText: console.Clip(form.Get("due"), 20), Wrong: wrong(err), Said: said(ctx, err), Status: status(err)})
	}
	if err != nil {
		return p.refused(ctx, err)
	}
	return console.Back(w, r, "/access/reviews/"+begun.ID)
}

// store checks that a reviewer is somebody who may review.
func (p pages) store(ctx context.Context, v *approvals.Review) error {
	return p.Store.View(ctx, func(q store.Query) error {
		names, err := operators(q)
		if o, known := names[v.Reviewer]; !known || !o.May(signin.Access) {
			v.Reviewer = ""
		}
		return err
	})
}

func (p pages) review(w http.ResponseWriter, r *http.Request) error {
	return p.sheet(w, r, &sheet{})
}

func (p pages) sheet(w http.ResponseWriter, r *http.Request, page *sheet) error {
	ctx := r.Context()
	f, err := p.facts(ctx)
	if err != nil {
		return err
	}
	err = p.Store.View(ctx, func(q store.Query) error {
		names, err := operators(q)
		if err != nil {
			return err
		}
		v, err := approvals.FindReview(q, r.PathValue("id"))
		if err != nil {
			return err
		}
		page.reviewRow = p.reviewRow(ctx, f, names, v)
		lines, err := approvals.Lines(q, v.ID)
		page.fill(ctx, f, names, lines)
		return err
	})
	if err != nil {
		return err
	}
	if !seesReview(ctx, page.Review) {
		return p.Refuse(ctx, "review "+page.ID)
	}
	zone := console.Zone(f.Sites[page.Review.Scope.Site])
	page.Began, page.Ended = page.Review.Began.In(zone), page.Review.Ended.In(zone)
	denial := page.MayReview(by(ctx))
	page.May, page.Why = denial == nil && page.State == approvals.Running, said(ctx, denial)
	h := head(ctx, page.Name, lang.T(ctx, "Go through the lines with j and the arrow down, keep with k, remove with x."))
	h.Status = page.Status
	return p.Show(w, r, h, sheetPage(page))
}

// fill describes the lines, those without an answer first.
func (s *sheet) fill(ctx context.Context, f reach.Facts, names map[sashlock.OperatorID]signin.Operator, lines []approvals.Line) {
	standing := make(map[sashlock.GrantID]sashlock.Grant, len(f.Grants))
	for _, g := range f.Grants {
		standing[g.ID] = g
	}
	shown := 0
	for _, l := range lines {
		switch {
		case !l.Seen(by(ctx)):
			s.Hidden = true
			continue
		case l.Answer == "" && shown >= linesShown:
			s.More++
			continue
		case l.Answer == "":
			shown++
			s.Lines = append(s.Lines, describe(ctx, f, names, l, standing))
		default:
			s.Done = append(s.Done, describe(ctx, f, names, l, standing))
		}
	}
}

// describe puts a line into words.
func describe(ctx context.Context, f reach.Facts, names map[sashlock.OperatorID]signin.Operator, l approvals.Line, standing map[sashlock.GrantID]sashlock.Grant) lineRow {
	zone := console.Zone(f.Sites[l.Site])
	row := lineRow{Line: l, Decider: called(ctx, names, l.By), When: l.At.In(zone)}
	if p, known := f.People[l.Person]; known {
		row.Who, row.WhoPath = p.Name, "/people/"+p.Slug
	}
	switch g, there := standing[l.Grant]; {
	case there:
		s := f.Sentence(g)
		row.Pieces, row.Name = s.Pieces(lang.Of(ctx)), s.In(lang.Of(ctx))
		row.People = len(f.Holders(g))
	case l.Grant != "":
		row.Pieces = []reach.Piece{{Text: lang.T(ctx, "A grant that is gone: %s", l.Slug)}}
	default:
		row.Pieces = []reach.Piece{{Text: lang.T(ctx, "%s has the role %s", cmp.Or(row.Who, lang.T(ctx, "Somebody who is gone")), f.Roles[l.Role].Name)}}
		row.Name = row.Pieces[0].Text
		return row
	}
	row.Used = lang.T(ctx, "never used")
	if !l.Last.IsZero() {
		row.Used = lang.N(ctx, l.Uses, "used %d time, last on %s", "used %d times, last on %s", day(ctx, l.Last, zone))
	}
	row.Length = lang.T(ctx, "no end")
	if !l.Until.IsZero() {
		row.Length = lang.T(ctx, "until %s", day(ctx, l.Until, zone))
	}
	if !l.Given.IsZero() {
		row.Origin = lang.T(ctx, "given by %s on %s", called(ctx, names, l.Giver), day(ctx, l.Given, zone))
	}
	return row
}

func (p pages) answer(w http.ResponseWriter, r *http.Request) error {
	if err := p.Form(w, r); err != nil {
		return err
	}
	ctx, id := r.Context(), r.PathValue("id")
	what, why := r.PostForm.Get("answer"), console.Clip(r.PostForm.Get("why"), 2000)
	numbers := r.PostForm["line"]
	if one := r.PostForm.Get("keep"); one != "" {
		what, numbers = approvals.KeepIt, []string{one}
	}
	if one := r.PostForm.Get("remove"); one != "" {
		what, numbers = approvals.RemoveIt, []string{one}
	}
	var lines []int
	for _, text := range numbers {
		if n, err := strconv.Atoi(text); err == nil {
			lines = append(lines, n)
		}
	}
	_, err := p.room.Answers(ctx, by(ctx), id, lines, what, why)
	if mine(err) {
		return p.sheet(w, r, &sheet{Said: said(ctx, err), Words: why, Status: status(err)})
	}
	if err != nil {
		return p.refused(ctx, err)
	}
	next := ""
	if len(lines) == 1 {
		next = "#next"
	}
	return console.Back(w, r, "/access/reviews/"+id+next)
}

func (p pages) finish(w http.ResponseWriter, r *http.Request) error {
	ctx, id := r.Context(), r.PathValue("id")
	if _, err := p.room.Finish(ctx, by(ctx), id); err != nil {
		return p.refused(ctx, err)
	}
	return console.Back(w, r, "/access/reviews/"+id)
}
