// SPDX-License-Identifier: Apache-2.0

// Package rails is the part of the console about guard rails: what no grant and
// no scenario can beat.
//
// # What
//
// The list tells of each rail what it forbids, where, whether it is enforced,
// and how often it forbade something lately. The editor shows what is wrong at
// its line, and what the rail would have forbidden of what was granted in the
// last 30 days, before it is saved.
//
// # How it fits
//
// The texts are kept by the room of the same name, which compiles them; what
// can be said in them stands in package internal/guard.
//
// # Promises
//
// Nothing is saved without a proof of presence, and nothing that was typed is
// lost when there is none, when it is wrong or when somebody else was faster.
// Who is for some stores changes the rails of those stores only.
package rails

import (
	"cmp"
	"context"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/internal/console"
	"github.com/sashlock/sashlock/internal/lang"
	"github.com/sashlock/sashlock/internal/rails"
	"github.com/sashlock/sashlock/internal/signin"
	"github.com/sashlock/sashlock/internal/store"
	"github.com/sashlock/sashlock/policies"
)

// lately is how far back it is counted and replayed.
const lately = 30 * 24 * time.Hour

// pages answers for the paths of this package.
type pages struct{ *console.Frame }

// Mount adds the pages to a frame.
func Mount(f *console.Frame) {
	p := pages{f}
	f.Handle("GET /access/rails", signin.Read, p.list)
	f.Handle("GET /access/rails/new", signin.Access, p.fresh)
	f.Handle("GET /access/rails/{slug}", signin.Read, p.show)
	f.Handle("POST /access/rails/draft", signin.Access, p.look)
	f.Handle("POST /access/rails", signin.Access, p.save) // asks for a proof of presence itself, to keep what was typed
	f.Dangerous("POST /access/rails/{slug}/remove", signin.Access, p.remove)
}

// row is a rail in the list.
type row struct {
	rails.Rail
	Reasons []string
	Place   string // the site's name; empty: everywhere
	Tally   rails.Tally
}

// overview is the list.
type overview struct {
	Rows    []row
	Whole   bool // everything lately was counted
	Change  bool
	Removed []string // shipped ones that were taken away here
}

var reasonMark = regexp.MustCompile(`@reason\(("(?:[^"\\]|\\.)*")\)`)

// reasonsOf are the reasons that a rail gives in its text.
func reasonsOf(text string) []string {
	var all []string
	for _, m := range reasonMark.FindAllStringSubmatch(text, 20) {
		if said, err := strconv.Unquote(m[1]); err == nil && !slices.Contains(all, said) {
			all = append(all, said)
		}
	}
	return all
}

// sees reports whether a rail holds where whoever is signed in is.
func sees(ctx context.Context, r rails.Rail) bool {
	return r.Site == "" || console.Who(ctx).Operator.At(r.Site)
}

// mayChange reports whether whoever is signed in may change the rails of a
// site; of every site with "".
func mayChange(ctx context.Context, site sashlock.SiteID) bool {
	o := console.Who(ctx).Operator
	return o.May(signin.Access) && len(o.Areas) == 0 && (len(o.Sites) == 0 || site != "" && o.At(site))
}

// concerns reports whether an entry is about something of whoever is signed in.
func (p pages) concerns(ctx context.Context) func(*sashlock.Event) bool {
	o, book := console.Who(ctx).Operator, p.Hall.Book()
	return func(e *sashlock.Event) bool {
		at, known := book.Openings[e.Opening]
		if !known {
			return o.At(e.Site)
		}
		return o.Sees(at.Site, at.Area)
	}
}

func head(ctx context.Context, title string) console.Head {
	return console.Head{
		Title: title, Section: console.InAccess, Styles: []string{"granting.css", "rails.css"},
		About: lang.T(ctx, "A guard rail forbids, whatever is granted: nobody and no scenario gets past it. One that only watches records what it would have forbidden, so that you can look before you enforce it."),
	}
}

func (p pages) list(w http.ResponseWriter, r *http.Request) error {
	ctx, book := r.Context(), p.Hall.Book()
	var all []rails.Rail
	if err := p.Store.View(ctx, func(q store.Query) (err error) { all, err = rails.List(q); return err }); err != nil {
		return err
	}
	tallies, whole, err := rails.Tallies(ctx, p.Store, p.Now().Add(-lately), p.concerns(ctx))
	if err != nil {
		return err
	}
	o := &overview{Whole: whole, Change: console.May(ctx, signin.Access)}
	for _, one := range all {
		if sees(ctx, one) {
			o.Rows = append(o.Rows, row{one, reasonsOf(one.Text), book.Sites[one.Site].Name, tallies[one.Slug]})
		}
	}
	for _, shipped := range policies.Default() {
		if !slices.ContainsFunc(all, func(one rails.Rail) bool { return one.Slug == shipped.Name }) {
			o.Removed = append(o.Removed, shipped.Name)
		}
	}
	slices.SortStableFunc(o.Rows, func(a, b row) int { return cmp.Compare(shade(a.Shadow), shade(b.Shadow)) })
	return p.Show(w, r, head(ctx, lang.T(ctx, "Guard rails")), listPage(o))
}

func shade(watches bool) int {
	if watches {
		return 1
	}
	return 0
}

// find reads the rail of an address, if it concerns whoever is signed in.
func (p pages) find(r *http.Request, slug string) (one rails.Rail, err error) {
	err = p.Store.View(r.Context(), func(q store.Query) (err error) { one, err = rails.Find(q, slug); return err })
	if err == nil && !sees(r.Context(), one) {
		return one, p.Refuse(r.Context(), "guard rail "+slug)
	}
	return one, err
}

func (p pages) fresh(w http.ResponseWriter, r *http.Request) error {
	d := &draft{New: true, Shadow: true, Text: pattern, Wrong: map[string]string{}}
	for _, one := range policies.Default() { // a shipped one that was removed comes back as it was
		if one.Name == r.URL.Query().Get("shipped") {
			d.Slug, d.Text, d.Shadow = one.Name, one.Text, one.Shadow
		}
	}
	return p.edit(w, r, d)
}

func (p pages) show(w http.ResponseWriter, r *http.Request) error {
	one, err := p.find(r, r.PathValue("slug"))
	if err != nil {
		return err
	}
	d := p.draftOf(one)
	d.Saved = r.URL.Query().Has("saved")
	return p.edit(w, r, d)
}

// draftOf is the draft that changes a rail.
func (p pages) draftOf(one rails.Rail) *draft {
	return &draft{Slug: one.Slug, Text: one.Text, Site: p.Hall.Book().Sites[one.Site].Slug, Shadow: one.Shadow, Rev: one.Rev, Kept: one, Wrong: map[string]string{}}
}

// pattern is what a new rail starts as.
const pattern = `// What it is for, in a sentence.
@reason("Why it is forbidden, for whoever is refused.")
@fix("What they can do instead.")
forbid (principal, action == Action::"open", resource)
when { resource.class == "high" && context.hour >= 22 };
`

// storiesOf are the stories of a shipped rail, a paragraph each.
func storiesOf(slug string) []story {
	var all []story
	for _, one := range policies.Default() {
		if one.Name != slug {
			continue
		}
		for part := range strings.SplitSeq(strings.TrimSpace(one.Stories), "\n\n") {
			var s story
			for line := range strings.SplitSeq(part, "\n") {
				switch {
				case strings.HasPrefix(line, "# "):
					s.Title = strings.TrimSpace(s.Title + " " + line[2:])
				case strings.HasPrefix(line, "=> "):
					s.Answers = append(s.Answers, line[3:])
				default:
					s.Facts = append(s.Facts, line)
				}
			}
			all = append(all, s)
		}
	}
	return all
}

// story is what somebody wants, and what the rails say about it.
type story struct {
	Title   string
	Facts   []string
	Answers []string
}

// Passes reports whether nothing forbids it.
func (s story) Passes() bool { return len(s.Answers) == 1 && s.Answers[0] == "passes" }
