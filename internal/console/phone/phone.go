// SPDX-License-Identifier: Apache-2.0

// Package phone is what an associate needs on a phone: the page of one case
// with one button, the customers who wait, and the installed app.
//
// # What
//
// /c/TAG is where the tag on a case leads: [Mount] adds it, /help/TAG for the
// customer in front of the case, /serve for whoever serves customers, and what
// a browser needs to install all that and to be told of calls.
//
// # How it fits
//
// Who goes to which customer is the business of room assistance, customers who
// open a case themselves that of room shopper; tags are that of room tags.
// Unlocking goes through Hall.Request like everything else, as the operator's
// own person.
//
// # Promises
//
// A page says "Unlocked" when the lock has said so, "Secured" when lock and
// contact have, and never before. Everything works without JavaScript, with one
// hand. The customer's page shows nothing of how the case stands, but for the
// one visit of a customer who opens it themselves, and keeps nothing of the
// customer but a random number. The installed app keeps no page with data and opens
// nothing without the store's network.
package phone

import (
	"net/http"
	"slices"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/internal/assistance"
	"github.com/sashlock/sashlock/internal/console"
	"github.com/sashlock/sashlock/internal/scenarios"
	"github.com/sashlock/sashlock/internal/shopper"
	"github.com/sashlock/sashlock/internal/signin"
	"github.com/sashlock/sashlock/internal/store"
	"github.com/sashlock/sashlock/internal/tags"
)

// pages answers for the paths of this package.
type pages struct {
	*console.Frame
	room     *assistance.Room
	shopper  *shopper.Room
	routines *scenarios.Room
	calls    *limit // of customers
	keys     *limit // of customers who begin with a passkey
	under    *ceremonies
}

// Mount adds the pages to a frame.
func Mount(f *console.Frame, room *assistance.Room, guests *shopper.Room, routines *scenarios.Room) {
	p := pages{f, room, guests, routines, newLimit(), newLimit(), &ceremonies{all: map[string]ceremony{}}}
	f.Handle("GET /c/{tag}", signin.Serve, p.showCase)
	f.Handle("GET /c/{tag}/live", signin.Serve, p.caseStream)
	f.Handle("GET /c/{tag}/photo", signin.Serve, p.photo)
	f.Handle("POST /c/{tag}/release", signin.Serve, p.release)
	f.Public("GET /help/{tag}", p.help)
	f.Public("POST /help/{tag}", p.call)
	f.Public("POST /help/{tag}/cancel", p.cancel)
	f.Public("GET /help/{tag}/self", p.self)
	f.Public("GET /help/{tag}/self/live", p.selfStream)
	f.Public("POST /help/{tag}/self/code", p.showCode)
	f.Public("POST /help/{tag}/self/key/begin", p.beginKey)
	f.Public("POST /help/{tag}/self/key", p.showKey)
	f.Public("POST /help/{tag}/self/open", p.openAlone)
	f.Handle("GET /serve", signin.Serve, p.serve)
	f.Handle("GET /serve/live", signin.Serve, p.serveStream)
	f.Handle("POST /serve/calls/{id}/take", signin.Serve, p.take)
	f.Handle("POST /serve/calls/{id}/served", signin.Serve, p.ended(assistance.Served))
	f.Handle("POST /serve/calls/{id}/gone", signin.Serve, p.ended(assistance.Gone))
	f.Handle("POST /serve/push", signin.Serve, p.subscribe)
	f.Handle("POST /serve/push/remove", signin.Serve, p.unsubscribe)
	f.Handle("POST /serve/push/test", signin.Serve, p.testPush)
	f.Public("GET /app.webmanifest", manifest)
	f.Public("GET /sw.js", worker)
	f.Public("GET /offline", p.offline)
}

// Reader is what package assistance asks of an operator. Whoever may not serve,
// or is not signed in anywhere, is told nothing: work ends with the shift.
func Reader(f *signin.Room) func(q store.Query, id sashlock.OperatorID) (assistance.Reader, bool, error) {
	return func(q store.Query, id sashlock.OperatorID) (assistance.Reader, bool, error) {
		o, err := signin.FindOperator(q, id)
		if sashlock.IsKind(err, sashlock.NotFound) {
			return assistance.Reader{Sees: func(sashlock.SiteID, sashlock.AreaID) bool { return false }}, false, nil
		}
		if err != nil {
			return assistance.Reader{}, false, err
		}
		r := assistance.Reader{Sees: o.Sees, Language: o.Language, Handles: o.May(signin.Alarms)}
		if o.May(signin.Read) {
			r.Alarms = "/alarms"
		}
		sessions, err := f.Sessions(q, id)
		return r, o.May(signin.Serve) && len(sessions) > 0, err
	}
}

// find returns the opening that a tag is on, or that has it as its slug; false
// when there is none.
func (p pages) find(r *http.Request) (sashlock.Opening, bool, error) {
	ref := r.PathValue("tag")
	var id sashlock.OpeningID
	err := p.Store.View(r.Context(), func(q store.Query) (err error) { id, err = tags.Find(q, ref); return err })
	if err != nil && !sashlock.IsKind(err, sashlock.NotFound) {
		return sashlock.Opening{}, false, err
	}
	book := p.Hall.Book()
	if o, known := book.Openings[id]; known {
		return o, true, nil
	}
	for _, o := range book.Openings {
		if o.Slug == ref {
			return o, true, nil
		}
	}
	return sashlock.Opening{}, false, nil
}

// own is [pages.find] for whoever is signed in; a foreign opening is refused
// and the attempt recorded.
func (p pages) own(r *http.Request) (sashlock.Opening, bool, error) {
	o, known, err := p.find(r)
	if err == nil && known && !console.Who(r.Context()).Operator.Sees(o.Site, o.Area) {
		return o, known, p.Refuse(r.Context(), "opening "+string(o.ID))
	}
	return o, known, err
}

// asPerson is who the operator is among the people of the store; false for
// nobody.
func (p pages) asPerson(r *http.Request) (sashlock.Person, bool) {
	person, known := p.Hall.Book().People[console.Who(r.Context()).Operator.Person]
	return person, known
}

// withStatus is a page that is shown under another status than "OK".
type withStatus struct {
	http.ResponseWriter
	status int
}

// WriteHeader writes the status of its own.
func (w withStatus) WriteHeader(int) { w.ResponseWriter.WriteHeader(w.status) }

// guarded are the kinds of opening that are not to open by a slip of the thumb.
var guarded = []sashlock.OpeningKind{sashlock.Door, sashlock.Cage}

func isGuarded(o sashlock.Opening) bool { return slices.Contains(guarded, o.Kind) }
