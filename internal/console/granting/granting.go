// SPDX-License-Identifier: Apache-2.0

// Package granting is the part of the console about who may open what, and
// when: grants as sentences, roles and schedules.
//
// # What
//
// The list of grants is in list.go; the editor, which shows a grant as a form,
// as a sentence and as YAML, in editor.go and draft.go; what is saved, in
// save.go; grants for some minutes, in quick.go. Roles and schedules have a list and an editor each.
//
// # How it fits
//
// What a grant says and does comes from package reach. Changes go through the
// rooms of grants and of people, on behalf of whoever is signed in.
//
// # Promises
//
// The sentence is made from the grant as it would be compiled. Nothing that was
// typed is lost when it is wrong or when somebody else was faster. An operator
// of some stores sees no grant of another, and changes none.
package granting

import (
	"context"
	"crypto/rand"
	"strings"
	"time"

	"github.com/sashlock/sashlock"
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
	uses *uses
}

// Mount adds the pages to a frame.
func Mount(f *console.Frame) {
	p := pages{Frame: f, uses: &uses{}}
	f.Handle("GET /access", signin.Read, p.list)
	f.Handle("GET /access/new", signin.Access, p.fresh)
	f.Handle("GET /access/grants/{slug}", signin.Read, p.show)
	f.Handle("POST /access/draft", signin.Access, p.look)
	f.Handle("POST /access/grants", signin.Access, p.save)
	f.Handle("GET /access/grants/{slug}/revoke", signin.Access, p.askRevoke)
	f.Handle("POST /access/grants/{slug}/revoke", signin.Access, p.revoke)
	f.Handle("GET /access/quick", signin.Access, p.quickPage)
	f.Handle("POST /access/quick", signin.Access, p.quick)
	f.Handle("POST /access/grants/{slug}/extend", signin.Access, p.extend)
	f.Handle("POST /access/grants/{slug}/end", signin.Access, p.end)
	f.Handle("GET /access/roles", signin.Read, p.roles)
	f.Handle("GET /access/roles/new", signin.Access, p.freshRole)
	f.Handle("GET /access/roles/{slug}", signin.Read, p.role)
	f.Handle("POST /access/roles", signin.Access, p.saveRole)
	f.Handle("POST /access/roles/{slug}/remove", signin.Access, p.removeRole)
	f.Handle("GET /access/schedules", signin.Read, p.schedules)
	f.Handle("GET /access/schedules/new", signin.Access, p.freshSchedule)
	f.Handle("GET /access/schedules/{slug}", signin.Read, p.schedule)
	f.Handle("POST /access/schedules/draft", signin.Access, p.lookSchedule)
	f.Handle("POST /access/schedules", signin.Access, p.saveSchedule)
	f.Handle("POST /access/schedules/{slug}/remove", signin.Access, p.removeSchedule)
}

// facts are what is declared now, with all grants.
func (p pages) facts(ctx context.Context) (reach.Facts, error) {
	var all []sashlock.Grant
	book := p.Hall.Book()
	err := p.Store.View(ctx, func(q store.Query) (err error) {
		all, err = grants.List(q)
		return err
	})
	return reach.New(book, all), err
}

// sees reports whether a grant is for something that concerns whoever is signed
// in. One for nothing that is known concerns those of all sites.
func sees(ctx context.Context, f reach.Facts, g sashlock.Grant) bool {
	o := console.Who(ctx).Operator
	site, area, known := f.Place(g)
	if !known {
		return len(o.Sites) == 0
	}
	return o.Sees(site.ID, area)
}

// limited reports whether whoever is signed in is for a part of the stores only.
func limited(ctx context.Context) bool {
	o := console.Who(ctx).Operator
	return len(o.Sites)+len(o.Areas) > 0
}

// all reports whether every one of some grants concerns whoever is signed in.
func all(ctx context.Context, f reach.Facts, list []sashlock.Grant) bool {
	for _, g := range list {
		if !sees(ctx, f, g) {
			return false
		}
	}
	return true
}

// seen are those of some grants that concern whoever is signed in.
func seen(ctx context.Context, f reach.Facts, list []sashlock.Grant) []sashlock.Grant {
	var some []sashlock.Grant
	for _, g := range list {
		if sees(ctx, f, g) {
			some = append(some, g)
		}
	}
	return some
}

// zoneOf is the time zone of what a grant is for.
func zoneOf(f reach.Facts, g sashlock.Grant) *time.Location {
	site, _, _ := f.Place(g)
	return console.Zone(site)
}

// random is a piece of a slug that nobody else has.
func random() string { return strings.ToLower(rand.Text()[:8]) }

// clip keeps a search short.
func clip(s string) string { return console.Clip(s, console.MaxSearch) }

// head is that of a page of this part.
func head(ctx context.Context, title string) console.Head {
	return console.Head{
		Title: title, Section: console.InAccess, Styles: []string{"granting.css"}, Scripts: []string{"granting.js"},
		About: lang.T(ctx, "A grant lets one person, or everyone with a role, open something at some times. Whatever no grant covers is refused. Each one is told as a sentence, made from what the store would decide."),
	}
}
