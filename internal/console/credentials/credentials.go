// SPDX-License-Identifier: Apache-2.0

// Package credentials is the part of the console about what people present:
// their PINs, cards and QR codes, what is due to be replaced, and the register
// of mechanical keys.
//
// # How it fits
//
// The room of credentials makes and ends them; this package shows them and asks
// it to, on behalf of whoever is signed in.
//
// # Promises
//
// A secret is on the page that answers its making, and on no other: no address
// shows it again. An operator of some stores sees the openings of those, and
// ends credentials only of people who have nothing elsewhere.
package credentials

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"time"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/internal/console"
	"github.com/sashlock/sashlock/internal/credentials"
	"github.com/sashlock/sashlock/internal/estate"
	"github.com/sashlock/sashlock/internal/flow"
	"github.com/sashlock/sashlock/internal/grants"
	"github.com/sashlock/sashlock/internal/lang"
	"github.com/sashlock/sashlock/internal/reach"
	"github.com/sashlock/sashlock/internal/signin"
	"github.com/sashlock/sashlock/internal/store"
)

// pages answers for the paths of this package.
type pages struct {
	*console.Frame
	room *credentials.Room
}

// Mount adds the pages to a frame.
func Mount(f *console.Frame, room *credentials.Room) {
	p := pages{f, room}
	f.Handle("GET /people/{slug}/credentials", signin.Access, p.show)
	f.Dangerous("POST /people/{slug}/credentials", signin.Access, p.give)
	f.Handle("POST /people/{slug}/credentials/lost", signin.Access, p.lose)
	f.Handle("POST /people/{slug}/credentials/{id}/remove", signin.Access, p.remove)
	f.Handle("POST /people/{slug}/credentials/{id}/ask-lock", signin.Access, p.askLock)
	f.Dangerous("POST /people/{slug}/credentials/{id}/forgotten", signin.Access, p.forgotten)
	f.Handle("GET /credentials", signin.Access, p.rotations)
	f.Handle("GET /keys", signin.Access, p.keys)
	f.Handle("POST /keys", signin.Access, p.saveKey)
	f.Handle("POST /keys/{slug}/out", signin.Access, p.handOut)
	f.Handle("POST /keys/{slug}/retire", signin.Access, p.retire)
	f.Handle("POST /keys/loans/{id}/back", signin.Access, p.takeBack)
	f.Handle("POST /keys/loans/{id}/lost", signin.Access, p.loseCopy)
}

func (p pages) change(ctx context.Context, edit func(tx *store.Tx) (flow.Edit, error)) error {
	_, err := p.Hall.Change(ctx, flow.Change{Operator: console.Who(ctx).Operator.ID, Make: edit})
	return err
}

// limited reports whether whoever is signed in is for a part of the stores only.
func limited(ctx context.Context) bool {
	o := console.Who(ctx).Operator
	return len(o.Sites)+len(o.Areas) > 0
}

// concern tells of whom whoever is signed in may see something, and of whom they
// may change everything.
type concern struct {
	facts reach.Facts
	ctx   context.Context
}

func (p pages) concern(ctx context.Context) (concern, error) {
	var all []sashlock.Grant
	book := p.Hall.Book()
	err := p.Store.View(ctx, func(q store.Query) (err error) { all, err = grants.List(q); return err })
	return concern{reach.New(book, all), ctx}, err
}

func (c concern) about(one sashlock.Person) (sees, alone bool) {
	if !limited(c.ctx) {
		return true, true
	}
	byName, byRole := c.facts.Of(one)
	here, all := 0, 0
	for _, g := range slices.Concat(byName, byRole) {
		all++
		if site, area, known := c.facts.Place(g); known && console.Who(c.ctx).Operator.Sees(site.ID, area) {
			here++
		}
	}
	return all == 0 || here > 0, here == all
}

// person finds the person of an address, whom whoever is signed in may see, or
// change.
func (p pages) person(r *http.Request, change bool) (sashlock.Person, error) {
	ctx := r.Context()
	c, err := p.concern(ctx)
	if err != nil {
		return sashlock.Person{}, err
	}
	one, known := c.facts.People[sashlock.PersonID(c.facts.Find(estate.People, r.PathValue("slug")))]
	if !known {
		return one, &sashlock.Error{Kind: sashlock.NotFound, Op: "showing person", Hint: "there is no such person"}
	}
	if sees, alone := c.about(one); !sees || change && !alone {
		return one, p.Refuse(ctx, "credentials of person "+string(one.ID))
	}
	return one, nil
}

// openings are those of whoever is signed in, in order of site and name.
func (p pages) openings(ctx context.Context) []place {
	book := p.Hall.Book()
	var all []place
	for _, o := range book.Openings {
		if console.Who(ctx).Operator.Sees(o.Site, o.Area) {
			all = append(all, place{Opening: o, Site: book.Sites[o.Site]})
		}
	}
	slices.SortFunc(all, func(a, b place) int {
		if by := console.CompareNames(a.Site.Name, b.Site.Name); by != 0 {
			return by
		}
		return console.CompareNames(a.Opening.Name, b.Opening.Name)
	})
	return all
}

// place is an opening to choose.
type place struct {
	Opening sashlock.Opening
	Site    sashlock.Site
	On      bool
}

// marked says which places are chosen: those of a form, by slug.
func marked(all []place, slugs []string) []place {
	for i := range all {
		all[i].On = slices.Contains(slugs, all[i].Opening.Slug)
	}
	return all
}

func chosen(all []place) (ids []sashlock.OpeningID) {
	for _, one := range all {
		if one.On {
			ids = append(ids, one.Opening.ID)
		}
	}
	return ids
}

// zone is the time zone in which times are typed and shown.
func (p pages) zone(r *http.Request) (*time.Location, error) {
	site, err := p.Site(r)
	return console.Zone(site), err
}

// typed reads a time as a form has it; the zero time where nothing was typed.
func typed(text string, zone *time.Location) (time.Time, bool) {
	if text == "" {
		return time.Time{}, true
	}
	at, err := time.ParseInLocation("2006-01-02T15:04", console.Clip(text, 40), zone)
	return at, err == nil
}

// wrong sorts an error of the room to its field; false: it is no such error.
func wrong(ctx context.Context, err error) (map[string]string, bool) {
	var e *sashlock.Error
	if !errors.As(err, &e) || e.Hint == "" {
		return nil, false
	}
	switch e.Kind {
	case sashlock.Invalid, sashlock.Limit, sashlock.Conflict:
		return map[string]string{e.Subject: lang.T(ctx, e.Hint)}, true
	}
	return nil, false
}

// kindWords are what kinds of credential are called.
func kindWords(k sashlock.CredentialKind) string {
	switch k {
	case sashlock.PIN:
		return lang.Mark("PIN")
	case sashlock.Card:
		return lang.Mark("Card")
	case sashlock.QR:
		return lang.Mark("QR code")
	case sashlock.Finger:
		return lang.Mark("Fingerprint in a lock")
	}
	return lang.Mark("Credential")
}

// standingWords say whether a credential is taken, and in which tone.
func standingWords(r sashlock.Reason) (words, tone string) {
	switch r {
	case sashlock.Permitted:
		return lang.Mark("Good"), "calm"
	case sashlock.CredentialNotYetValid:
		return lang.Mark("Not yet valid"), "watch"
	case sashlock.CredentialExpired:
		return lang.Mark("No longer valid"), "doubt"
	}
	return lang.Mark("Ended"), "doubt"
}

// causeWords are why credentials end.
func causeWords(cause string) string {
	switch cause {
	case credentials.WasStolen:
		return lang.Mark("Stolen")
	case credentials.WasReturned:
		return lang.Mark("Given back")
	case credentials.WasCopied:
		return lang.Mark("Copied by somebody")
	}
	return lang.Mark("Lost")
}

func head(ctx context.Context, title string) console.Head {
	return console.Head{
		Title: title, Section: console.InPeople, Styles: []string{"persons.css", "credentials.css"},
		About: lang.T(ctx, "A credential is what somebody presents at an opening: a PIN, a card, a QR code. Secrets are shown once, when they are made; nobody can look them up later."),
	}
}
