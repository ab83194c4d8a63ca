// SPDX-License-Identifier: Apache-2.0

// Package asks is the part of the console where a second person looks: at
// access that somebody asks for, at changes that wait, at what was given long
// ago.
//
// # What
//
// Requests are in requests.go, changes that wait in changes.go, reviews in
// reviews.go, and the list of grants that are likely not needed any more in
// stale.go.
//
// # How it fits
//
// Package approvals keeps all of it and holds its rules; the pages say on whose
// behalf they ask.
//
// # Promises
//
// An operator of some stores sees and answers nothing of another. What was typed
// is not lost when it is wrong.
package asks

import (
	"context"
	"errors"
	"net/http"
	"slices"
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

// pages answers for the paths of this package.
type pages struct {
	*console.Frame
	room *approvals.Room
}

// Mount adds the pages to a frame.
func Mount(f *console.Frame, room *approvals.Room) {
	p := pages{f, room}
	f.Handle("GET /access/ask", signin.Serve, p.form)
	f.Handle("POST /access/ask", signin.Serve, p.file)
	f.Handle("GET /access/requests", signin.Read, p.requests)
	f.Dangerous("POST /access/requests/{id}/approve", signin.Access, p.approve)
	f.Handle("POST /access/requests/{id}/deny", signin.Access, p.deny)
	f.Dangerous("POST /access/requests/rule", signin.Access, p.saveRule)
	f.Handle("GET /access/changes", signin.Read, p.changes)
	f.Dangerous("POST /access/changes/{id}/confirm", signin.Read, p.confirm) // the room asks for the scope of its kind
	f.Handle("POST /access/changes/{id}/decline", signin.Read, p.decline)
	f.Dangerous("POST /access/changes/settings", signin.Admit, p.saveSettings)
	f.Handle("GET /access/reviews", signin.Read, p.reviews)
	f.Handle("POST /access/reviews", signin.Access, p.begin)
	f.Handle("GET /access/reviews/{id}", signin.Read, p.review)
	f.Handle("POST /access/reviews/{id}/lines", signin.Access, p.answer)
	f.Handle("POST /access/reviews/{id}/end", signin.Access, p.finish)
	f.Handle("GET /access/stale", signin.Read, p.stale)
	f.Handle("POST /access/stale/{slug}", signin.Access, p.tidy)
}

// by is whoever is signed in, as the room asks for them.
func by(ctx context.Context) approvals.By { return console.Behalf(ctx) }

// sees reports whether a place concerns an operator. What is at no site
// concerns those of all sites.
func sees(o signin.Operator, site sashlock.SiteID, area sashlock.AreaID) bool {
	if site == "" {
		return len(o.Sites)+len(o.Areas) == 0
	}
	return o.Sees(site, area)
}

// facts are what is declared now, with all grants.
func (p pages) facts(ctx context.Context) (reach.Facts, error) {
	var all []sashlock.Grant
	err := p.Store.View(ctx, func(q store.Query) (err error) { all, err = grants.List(q); return err })
	return reach.New(p.Hall.Book(), all), err
}

// operators are all operators by identifier, to say their names.
func operators(q store.Query) (map[sashlock.OperatorID]signin.Operator, error) {
	all, err := signin.Operators(q)
	named := make(map[sashlock.OperatorID]signin.Operator, len(all))
	for _, o := range all {
		named[o.ID] = o
	}
	return named, err
}

// called is what an operator is called.
func called(ctx context.Context, all map[sashlock.OperatorID]signin.Operator, id sashlock.OperatorID) string {
	if o, known := all[id]; known {
		return o.Name
	}
	if id == "" {
		return lang.T(ctx, "nobody in particular")
	}
	return lang.T(ctx, "a program, or somebody who is gone")
}

// placeName is what something to open is called, with the page of it.
func placeName(ctx context.Context, f reach.Facts, opening sashlock.OpeningID, area sashlock.AreaID) (name, path string) {
	if o, known := f.Openings[opening]; known {
		return o.Name, "/openings/" + o.Slug
	}
	if a, known := f.Areas[area]; known {
		return lang.T(ctx, "everything in %s", a.Name), "/?site=" + f.Sites[a.Site].Slug
	}
	return lang.T(ctx, "something that is gone"), ""
}

// length says for how long.
func length(ctx context.Context, d time.Duration) string { return reach.Length(d).In(lang.Of(ctx)) }

// day says a day, or that there is none.
func day(ctx context.Context, at time.Time, zone *time.Location) string {
	if at.IsZero() {
		return lang.T(ctx, "never")
	}
	return reach.Date(at.In(zone)).In(lang.Of(ctx))
}

// mine reports whether an error is about what was typed, so that the page is
// shown again with it.
func mine(err error) bool {
	var e *sashlock.Error
	return errors.As(err, &e) && (e.Kind == sashlock.Invalid || e.Kind == sashlock.Limit || e.Kind == sashlock.Conflict)
}

// status is what HTTP is told of such an error.
func status(err error) int {
	switch {
	case sashlock.IsKind(err, sashlock.Conflict):
		return console.Outrun
	case sashlock.IsKind(err, sashlock.Limit):
		return http.StatusTooManyRequests
	}
	return console.Refused
}

// said is what people are told of an error, in their language.
func said(ctx context.Context, err error) string {
	if err == nil {
		return ""
	}
	var e *sashlock.Error
	if errors.As(err, &e) && e.Hint != "" {
		return lang.T(ctx, e.Hint)
	}
	return console.Sentence(err)
}

// wrong is the field that an error is about.
func wrong(err error) string {
	var e *sashlock.Error
	if errors.As(err, &e) && e.Kind == sashlock.Invalid {
		return e.Subject
	}
	return ""
}

// refused turns a denial of the room into one of the frame, which is recorded.
func (p pages) refused(ctx context.Context, err error) error {
	if sashlock.IsKind(err, sashlock.Denied) {
		if refusal := p.Refuse(ctx, "answer in access"); !sashlock.IsKind(refusal, sashlock.Denied) {
			return refusal
		}
		return &sashlock.Error{Kind: sashlock.Denied, Op: "answering", Hint: said(ctx, err)}
	}
	return err
}

// head is that of a page of this part.
func head(ctx context.Context, title, about string) console.Head {
	return console.Head{Title: title, Section: console.InAccess, About: about, Styles: []string{"asks.css"}, Scripts: []string{"asks.js"}}
}

// sitesSeen are the sites of whoever is signed in, the whole of which they see.
func (p pages) sitesSeen(ctx context.Context) []sashlock.Site {
	o := console.Who(ctx).Operator
	return slices.DeleteFunc(p.Sites(ctx), func(s sashlock.Site) bool { return !o.Sees(s.ID, "") })
}
