// SPDX-License-Identifier: Apache-2.0

package phone

import (
	"net/http"
	"net/url"
	"time"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/internal/assistance"
	"github.com/sashlock/sashlock/internal/console"
	"github.com/sashlock/sashlock/internal/lang"
	"github.com/sashlock/sashlock/internal/store"
	"github.com/sashlock/sashlock/internal/tags"
)

const (
	callCookie  = "sashlock_call"  // which call the customer may cancel; nothing about the customer
	comesAgain  = "10"             // seconds after which the page is loaded again while somebody waits
	servedStays = 90 * time.Second // how long the page says that somebody was there
	justNow     = 10 * time.Second // until then nobody counts the seconds
)

// helpView is the page of the customer in front of a case. It says nothing of
// how the case stands.
type helpView struct {
	Ref, Name, Site string
	Now             time.Time
	Called          time.Time // zero: nobody was called
	Comes           bool      // somebody is on the way
	There           bool      // somebody was there a moment ago
	Mine            bool      // this browser called
	Alone           bool      // customers may open it themselves
}

func (v helpView) path(rest string) string { return "/help/" + url.PathEscape(v.Ref) + rest }

// public finds the opening of a tag for whoever is not signed in: by its tag
// alone, so that nobody walks through the openings by their names.
func (p pages) public(r *http.Request) (sashlock.Opening, bool, error) {
	var id sashlock.OpeningID
	err := p.Store.View(r.Context(), func(q store.Query) (err error) { id, err = tags.Find(q, r.PathValue("tag")); return err })
	if sashlock.IsKind(err, sashlock.NotFound) {
		return sashlock.Opening{}, false, nil
	}
	o, known := p.Hall.Book().Openings[id]
	return o, known, err
}

func (p pages) help(w http.ResponseWriter, r *http.Request) error {
	o, known, err := p.public(r)
	if err != nil {
		return err
	}
	ctx := r.Context()
	head := console.Head{Title: lang.T(ctx, "Help"), Bare: true, Styles: []string{"phone.css"}}
	if !known {
		return p.Show(withStatus{w, http.StatusNotFound}, r, head, noHelp())
	}
	book := p.Hall.Book()
	v := helpView{Ref: r.PathValue("tag"), Name: o.Name, Site: book.Sites[o.Site].Name, Now: p.Now()}
	err = p.Store.View(ctx, func(q store.Query) error {
		c, any, err := assistance.LatestAt(q, o.ID)
		if err != nil || !any {
			return err
		}
		if c.Standing(v.Now) {
			v.Called, v.Comes = c.Asked, c.TakenBy != ""
			cookie, missing := r.Cookie(callCookie)
			v.Mine = missing == nil && cookie.Value == c.ID
		}
		v.There = c.Outcome == assistance.Served && v.Now.Sub(c.Ended) < servedStays
		return nil
	})
	if err != nil {
		return err
	}
	if _, v.Alone, err = p.shopper.Offered(ctx, o); err != nil {
		return err
	}
	if !v.Called.IsZero() {
		w.Header().Set("Refresh", comesAgain)
	}
	return p.Show(w, r, head, helpPage(v))
}

// call raises a call from the customer's side.
func (p pages) call(w http.ResponseWriter, r *http.Request) error {
	o, known, err := p.public(r)
	if err != nil {
		return err
	}
	to := "/help/" + url.PathEscape(r.PathValue("tag"))
	if !known {
		return console.Back(w, r, to)
	}
	if !p.calls.take(p.Now(), string(o.ID), addressOf(r)) {
		return &sashlock.Error{Kind: sashlock.Limit, Op: "calling", Hint: lang.T(r.Context(), "somebody was called from here several times just now: please speak to anybody of the staff")}
	}
	c, fresh, err := p.room.Raise(r.Context(), o)
	if err != nil {
		return err
	}
	if fresh {
		http.SetCookie(w, &http.Cookie{Name: callCookie, Value: c.ID, Path: "/help/", MaxAge: int(assistance.Patience / time.Second), HttpOnly: true, SameSite: http.SameSiteLaxMode, Secure: r.TLS != nil})
	}
	return console.Back(w, r, to)
}

// cancel ends the call that this browser raised.
func (p pages) cancel(w http.ResponseWriter, r *http.Request) error {
	to := "/help/" + url.PathEscape(r.PathValue("tag"))
	cookie, missing := r.Cookie(callCookie)
	if missing != nil {
		return console.Back(w, r, to)
	}
	_, err := p.room.End(r.Context(), "", cookie.Value, assistance.Cancelled)
	if err != nil && !sashlock.IsKind(err, sashlock.NotFound) {
		return err
	}
	http.SetCookie(w, &http.Cookie{Name: callCookie, Path: "/help/", MaxAge: -1, HttpOnly: true, SameSite: http.SameSiteLaxMode, Secure: r.TLS != nil})
	return console.Back(w, r, to)
}
