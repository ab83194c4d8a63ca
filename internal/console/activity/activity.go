// SPDX-License-Identifier: Apache-2.0

// Package activity is the part of the console about what happened: every event,
// searched, counted, kept as a view and taken out, and new ones as they come.
//
// # How it fits
//
// Package search reads the ledger; this package shows what it found. The tail
// is a stream of rows with their numbers in the ledger, so one that was cut
// goes on without a gap or a double.
//
// # Promises
//
// An operator sees the events of their sites and areas alone. Taking events out
// is recorded.
package activity

import (
	"cmp"
	"context"
	"encoding/csv"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/internal/console"
	"github.com/sashlock/sashlock/internal/flow"
	"github.com/sashlock/sashlock/internal/lang"
	"github.com/sashlock/sashlock/internal/logkey"
	"github.com/sashlock/sashlock/internal/search"
	"github.com/sashlock/sashlock/internal/signin"
	"github.com/sashlock/sashlock/internal/store"
	"github.com/sashlock/sashlock/internal/table"
)

const (
	perPage   = 60
	mostTaken = 10_000 // events in one file
)

// pages answers for the paths of this package.
type pages struct{ *console.Frame }

// Mount adds the pages to a frame.
func Mount(f *console.Frame) {
	p := pages{f}
	f.Handle("GET /activity", signin.Read, p.list)
	f.Handle("GET /activity/live", signin.Read, p.tail)
	f.Handle("GET /activity.csv", signin.Read, p.file)
	f.Handle("POST /activity/views", signin.Read, p.keep)
	f.Handle("POST /activity/views/{id}/remove", signin.Read, p.forget)
}

// asked is what a request asks to see.
type asked struct {
	Text   string // the search, as it was typed
	All    bool   // also what only matters to engineers
	Before int64  // the place in the ledger to begin before; 0: its end

	search *search.Search
	site   sashlock.Site
}

func (p pages) asked(r *http.Request) (asked, error) {
	q := r.URL.Query()
	a := asked{Text: q.Get("q"), All: q.Get("all") == "1"}
	site, err := p.Site(r)
	if err != nil {
		return a, err
	}
	a.site = site
	if s := q.Get("before"); s != "" {
		if a.Before, err = strconv.ParseInt(s, 10, 64); err != nil || a.Before < 1 {
			return a, &sashlock.Error{Kind: sashlock.Invalid, Op: "reading page", Subject: "before", Hint: lang.T(r.Context(), "take the address from the link to older events")}
		}
	}
	a.search, err = search.Compile(a.Text, p.Hall.Book(), p.Now(), console.Zone(site))
	return a, err
}

// address is the page of a search.
func (a asked) address(path, text string, before int64) string {
	q := url.Values{}
	if text != "" {
		q.Set("q", text)
	}
	if a.All {
		q.Set("all", "1")
	}
	if before > 0 {
		q.Set("before", strconv.FormatInt(before, 10))
	}
	if len(q) == 0 {
		return path
	}
	return path + "?" + q.Encode()
}

// row is an event as it is shown.
type row struct {
	Event  sashlock.Event
	Line   console.Line
	Told   bool
	At     time.Time // as the clocks of its site show it
	Site   string
	Slug   string // of the opening
	Person string // slug
}

// sees is whether whoever is signed in may see an event, and wants to.
func (p pages) sees(ctx context.Context, book *flow.Book, all bool) func(*sashlock.Event) bool {
	o := console.Who(ctx).Operator
	return func(e *sashlock.Event) bool {
		if !o.HearsOf(*e) {
			return false
		}
		if !all {
			if _, told := console.Tell(book, *e); !told {
				return false
			}
		}
		if e.Site == "" && e.Opening == "" {
			return len(o.Sites) == 0 && len(o.Areas) == 0
		}
		site := cmp.Or(e.Site, book.Openings[e.Opening].Site)
		return o.Sees(site, book.Openings[e.Opening].Area)
	}
}

func rowOf(book *flow.Book, e sashlock.Event, home sashlock.Site) row {
	r := row{Event: e, Slug: book.Openings[e.Opening].Slug, Person: book.People[e.Person].Slug}
	r.Line, r.Told = console.Tell(book, e)
	site, known := book.Sites[e.Site]
	if !known {
		site = home
	}
	r.Site, r.At = site.Name, book.Clock(site.ID, e.Heard) // not console.LocalTime, which reads the zone from a file for every row
	return r
}

// Text is what the row says.
func (r row) Text(ctx context.Context) string {
	if r.Told {
		return r.Line.Text.In(lang.Of(ctx))
	}
	return string(r.Event.Kind)
}

// desk is all that the page shows.
type desk struct {
	asked
	Rows   []row
	Next   int64
	Newest int64 // where the tail begins
	Counts []count
	Views  []view
	Wrong  string // what is wrong with the search, in words
	Many   bool   // more than one site: each row names its own
	Zone   *time.Location
}

func (p pages) list(w http.ResponseWriter, r *http.Request) error {
	ctx := r.Context()
	d := &desk{Newest: p.Store.Size(), Many: len(p.Sites(ctx)) > 1}
	var err error
	d.asked, err = p.asked(r)
	d.Zone = console.Zone(d.site)
	switch {
	case sashlock.IsKind(err, sashlock.Invalid):
		d.Wrong = console.Sentence(err)
	case err != nil:
		return err
	default:
		if err := p.fill(ctx, d); err != nil {
			return err
		}
	}
	if err := p.Store.View(ctx, func(q store.Query) (err error) {
		d.Views, err = views(q, console.Who(ctx).Operator.ID)
		return err
	}); err != nil {
		return err
	}
	head := console.Head{
		Title: lang.T(ctx, "Activity"), Section: console.InActivity, Styles: []string{"activity.css"}, Scripts: []string{"activity.js"},
		About: lang.T(ctx, "Everything that happened, as the ledger has it. Type what you look for, or press what stands beside the list. New events come in at the top; while you read further down they wait."),
	}
	return p.Show(w, r, head, listPage(d))
}

func (p pages) fill(ctx context.Context, d *desk) error {
	book := p.Hall.Book()
	found, next, err := d.search.Page(ctx, p.Store, d.Before, perPage, p.sees(ctx, book, d.All))
	if err != nil {
		return err
	}
	d.Next = next
	for _, e := range found {
		d.Rows = append(d.Rows, rowOf(book, p.Feed.Named(ctx, e), d.site))
	}
	d.Counts = counts(ctx, d.Rows, d.search.Terms)
	return nil
}

// file hands out what a search finds as a table for a spreadsheet.
func (p pages) file(w http.ResponseWriter, r *http.Request) error {
	ctx := r.Context()
	a, err := p.asked(r)
	if err != nil {
		return err
	}
	who := console.Who(ctx).Operator.ID
	if _, err := p.Hall.Change(ctx, flow.Change{Operator: who, Make: func(*store.Tx) (flow.Edit, error) {
		return flow.Edit{Events: []sashlock.Event{{Kind: sashlock.EvidenceExported, Subject: "activity.csv"}}}, nil
	}}); err != nil {
		return err
	}
	w.Header().Set("Content-Type", "text/csv; charset=utf-8")
	w.Header().Set("Content-Disposition", `attachment; filename="activity.csv"`)
	out := csv.NewWriter(w)
	if err := p.write(ctx, out, a); err != nil {
		p.Log.Warn("table not completed", logkey.Err(err))
	}
	out.Flush()
	return nil
}

func (p pages) write(ctx context.Context, out *csv.Writer, a asked) error {
	if err := out.Write([]string{"number", "time", "site", "kind", "opening", "person", "result", "reason", "text"}); err != nil {
		return err
	}
	book := p.Hall.Book()
	sees := p.sees(ctx, book, a.All)
	for written, before := 0, a.Before; ; {
		found, next, err := a.search.Page(ctx, p.Store, before, perPage, sees)
		if err != nil {
			return err
		}
		for _, e := range found {
			r := rowOf(book, p.Feed.Named(ctx, e), a.site)
			if err := out.Write([]string{
				strconv.FormatInt(e.Seq, 10), r.At.Format(time.RFC3339), table.Tame(r.Site), string(e.Kind), r.Slug, r.Person, result(e), string(e.Reason), table.Tame(r.Text(ctx)),
			}); err != nil {
				return err
			}
			written++
		}
		if before = next; next == 0 || written >= mostTaken {
			return nil
		}
	}
}

func result(e sashlock.Event) string {
	switch e.Kind {
	case sashlock.AccessGranted:
		return "granted"
	case sashlock.AccessDenied:
		return "denied"
	}
	return ""
}

// link is where a row leads: the decision, the opening, or the entry itself.
func (r row) link() string {
	switch {
	case r.Event.Decision != "":
		return "/decisions/" + url.PathEscape(string(r.Event.Decision))
	case r.Slug != "":
		return "/openings/" + url.PathEscape(r.Slug)
	}
	return r.proof()
}

func (r row) proof() string { return fmt.Sprintf("/proof/entries/%d", r.Event.Seq) }
