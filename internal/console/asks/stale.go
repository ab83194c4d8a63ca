// SPDX-License-Identifier: Apache-2.0

package asks

import (
	"context"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/internal/approvals"
	"github.com/sashlock/sashlock/internal/console"
	"github.com/sashlock/sashlock/internal/grants"
	"github.com/sashlock/sashlock/internal/lang"
	"github.com/sashlock/sashlock/internal/reach"
	"github.com/sashlock/sashlock/internal/signin"
	"github.com/sashlock/sashlock/internal/store"
)

// staleShown is how many stale grants a page lists.
const staleShown = 200

// staleRow is a grant that is likely not needed any more.
type staleRow struct {
	approvals.StaleGrant
	Pieces  []reach.Piece
	Name    string
	Why     []string
	Used    string
	Twin    string // path of the grant that gives the same
	Shorten bool
	found   string
}

// Path is the page of the grant.
func (r staleRow) Path() string { return "/access/grants/" + r.Slug }

// tidying is the list of stale grants.
type tidying struct {
	Rows    []staleRow
	Total   int
	Kept    int // that somebody keeps
	Days    int
	Show    string
	Counts  []staleCount
	Change  bool
	Limited bool
	At      string
	Typed   string
	Said    string
	Status  int
}

// staleCount is how many grants have a finding.
type staleCount struct {
	Finding string
	Text    string
	N       int
}

func findingWords(f approvals.Finding) string {
	switch f {
	case approvals.Over:
		return lang.Mark("Its end has come")
	case approvals.Away:
		return lang.Mark("The person is suspended or gone")
	case approvals.Nowhere:
		return lang.Mark("There is no opening there")
	case approvals.Unused:
		return lang.Mark("Not used for long")
	case approvals.Duplicate:
		return lang.Mark("Another grant gives the same")
	case approvals.Conflict:
		return lang.Mark("Gives access, and holds it for high value")
	case approvals.Endless:
		return lang.Mark("It has no end")
	}
	return lang.Mark("It ends in more than a year")
}

func (p pages) stale(w http.ResponseWriter, r *http.Request) error {
	return p.tidying(w, r, &tidying{Show: r.URL.Query().Get("show")})
}

func (p pages) tidying(w http.ResponseWriter, r *http.Request, page *tidying) error {
	ctx := r.Context()
	o := console.Who(ctx).Operator
	page.Change, page.Limited = o.May(signin.Access), len(o.Sites)+len(o.Areas) > 0
	page.Days = days(r.FormValue("days"))
	l := approvals.Look{Now: p.Now(), Idle: time.Duration(page.Days) * 24 * time.Hour, Long: approvals.LongAhead, Deciders: map[sashlock.PersonID]bool{}}
	var all []sashlock.Grant
	book := p.Hall.Book()
	err := p.Store.View(ctx, func(q store.Query) error {
		names, err := operators(q)
		for _, one := range names {
			l.Deciders[one.Person] = one.May(signin.Access)
		}
		delete(l.Deciders, "")
		if err == nil {
			all, err = grants.List(q)
		}
		if err == nil {
			l.Uses, err = approvals.Uses(q)
		}
		if err == nil {
			l.Keeps, err = approvals.Keeps(q)
		}
		return err
	})
	if err != nil {
		return err
	}
	f := reach.New(book, all)
	page.fill(ctx, f, approvals.Stale(book, all, l), l)
	h := head(ctx, lang.T(ctx, "Stale grants"), lang.T(ctx, "Grants that are likely not needed any more, with the reason. End one, let it end in 30 days, or say why it stays: then it is not shown again for 90 days."))
	h.Status = page.Status
	return p.Show(w, r, h, stalePage(page))
}

// days reads after how many days without use a grant is stale.
func days(text string) int {
	n, err := strconv.Atoi(text)
	if err != nil || !slices.Contains([]int{30, 90, 180, 365}, n) {
		return 90
	}
	return n
}

func (t *tidying) fill(ctx context.Context, f reach.Facts, all []approvals.StaleGrant, l approvals.Look) {
	o := console.Who(ctx).Operator
	counts := map[approvals.Finding]int{}
	slugs := map[sashlock.GrantID]sashlock.Grant{}
	for _, g := range f.Grants {
		slugs[g.ID] = g
	}
	for _, one := range all {
		site, area, _ := f.Place(one.Grant)
		if !sees(o, site.ID, area) {
			continue
		}
		t.Total++
		for _, finding := range one.Findings {
			counts[finding]++
		}
		if t.Show != "" && !slices.Contains(one.Findings, approvals.Finding(t.Show)) || len(t.Rows) >= staleShown {
			continue
		}
		s := f.Sentence(one.Grant)
		row := staleRow{StaleGrant: one, Pieces: s.Pieces(lang.Of(ctx)), Name: s.In(lang.Of(ctx))}
		for _, finding := range one.Findings {
			row.Why = append(row.Why, lang.T(ctx, findingWords(finding)))
			row.found += string(finding) + " "
		}
		row.Used = lang.T(ctx, "never used")
		if !one.Use.Last.IsZero() {
			row.Used = lang.N(ctx, one.Use.Uses, "used %d time, last on %s", "used %d times, last on %s", day(ctx, one.Use.Last, console.Zone(site)))
		}
		if twin, there := slugs[one.Covered]; there {
			twinSite, twinArea, _ := f.Place(twin)
			if sees(o, twinSite.ID, twinArea) {
				row.Twin = "/access/grants/" + twin.Slug
			}
		}
		row.Shorten = !slices.Contains(one.Findings, approvals.Over) && (one.Until.IsZero() || one.Until.After(l.Now.Add(approvals.ShortenTo)))
		t.Rows = append(t.Rows, row)
	}
	for id, k := range l.Keeps {
		site, area, _ := f.Place(slugs[id])
		if l.Now.Before(k.Until) && sees(o, site.ID, area) {
			t.Kept++
		}
	}
	for _, finding := range approvals.Findings() {
		if n := counts[finding]; n > 0 {
			t.Counts = append(t.Counts, staleCount{string(finding), lang.T(ctx, findingWords(finding)), n})
		}
	}
}

// address is that of the list with another choice.
func (t *tidying) address(show string) string {
	return "/access/stale?days=" + strconv.Itoa(t.Days) + "&show=" + show
}

func (p pages) tidy(w http.ResponseWriter, r *http.Request) error {
	if err := p.Form(w, r); err != nil {
		return err
	}
	ctx, slug, rev := r.Context(), r.PathValue("slug"), revOf(r)
	why := console.Clip(r.PostForm.Get("why"), 2000)
	if err := p.seenGrant(ctx, slug); err != nil {
		return err
	}
	var err error
	switch r.PostForm.Get("act") {
	case "end":
		err = p.room.End(ctx, by(ctx), slug, rev)
	case "shorten":
		err = p.room.Shorten(ctx, by(ctx), slug, rev)
	case "keep":
		var found []approvals.Finding
		for word := range strings.FieldsSeq(r.PostForm.Get("found")) {
			found = append(found, approvals.Finding(word))
		}
		err = p.room.Keep(ctx, by(ctx), slug, rev, found, why)
	default:
		return &sashlock.Error{Kind: sashlock.Invalid, Op: "tidying", Subject: "act", Hint: lang.T(ctx, "choose end, shorten or keep")}
	}
	page := &tidying{At: slug, Typed: why, Show: console.Clip(r.PostForm.Get("show"), 20)}
	if mine(err) {
		page.Said, page.Status = said(ctx, err), status(err)
		return p.tidying(w, r, page)
	}
	if err != nil {
		return p.refused(ctx, err)
	}
	page.Days = days(r.PostForm.Get("days"))
	return console.Back(w, r, page.address(page.Show))
}

// seenGrant refuses a grant that does not concern whoever is signed in.
func (p pages) seenGrant(ctx context.Context, slug string) error {
	var g sashlock.Grant
	if err := p.Store.View(ctx, func(q store.Query) (err error) { g, err = grants.Find(q, slug); return err }); err != nil {
		return err
	}
	site, area, _ := approvals.Place(p.Hall.Book(), g)
	if !sees(console.Who(ctx).Operator, site, area) {
		return p.Refuse(ctx, "grant "+string(g.ID))
	}
	return nil
}
