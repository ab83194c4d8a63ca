// SPDX-License-Identifier: Apache-2.0

package phone

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"time"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/internal/console"
	"github.com/sashlock/sashlock/internal/lang"
	"github.com/sashlock/sashlock/internal/opening"
	"github.com/sashlock/sashlock/internal/shopper"
	"github.com/sashlock/sashlock/internal/store"
)

// A customer who opens a case alone: shows a code or a passkey, sees the case
// unlock, and is told to close it. At every step there is the button that calls
// somebody.

const (
	exampleCode = "K7MQ-3XTD"      // what a code looks like
	guestCookie = "sashlock_guest" // whom this browser shows: a random text
	afterwards  = 90 * time.Second // how long the page tells of a case that is closed again
)

// selfView is the page of a customer who opens a case themselves.
type selfView struct {
	Ref, Name, Site string
	Offer           shopper.Offer
	Admitted        bool      // they have shown something, and may ask
	Known           bool      // this browser has a passkey of ours
	Typed           string    // the code as it was typed
	Wrong           string    // why it came to nothing
	Case            *caseView // their own visit; nil: none
}

func (v *selfView) path(rest string) string { return "/help/" + url.PathEscape(v.Ref) + rest }

// guest is whom the browser of a customer shows.
func (p pages) guest(r *http.Request) (shopper.Guest, error) {
	cookie, missing := r.Cookie(guestCookie)
	if missing != nil {
		return shopper.Guest{}, nil
	}
	g, _, err := p.shopper.Guest(r.Context(), cookie.Value)
	return g, err
}

// known makes a browser show a guest from now on, for as long as we know them.
func known(w http.ResponseWriter, r *http.Request, token string, keep time.Duration) {
	http.SetCookie(w, &http.Cookie{Name: guestCookie, Value: token, Path: "/help/", MaxAge: int(keep.Seconds()), HttpOnly: true, SameSite: http.SameSiteLaxMode, Secure: r.TLS != nil})
}

// offered finds the opening of an address at which customers may help
// themselves; false where they may not, and the answer was given.
func (p pages) offered(w http.ResponseWriter, r *http.Request) (o sashlock.Opening, offer shopper.Offer, yes bool, err error) {
	o, found, err := p.public(r)
	if err != nil {
		return o, offer, false, err
	}
	if found {
		offer, yes, err = p.shopper.Offered(r.Context(), o)
	}
	if err == nil && !yes {
		err = console.Back(w, r, "/help/"+url.PathEscape(r.PathValue("tag")))
	}
	return o, offer, yes, err
}

func (p pages) self(w http.ResponseWriter, r *http.Request) error {
	o, offer, yes, err := p.offered(w, r)
	if err != nil || !yes {
		return err
	}
	return p.showSelf(w, r, o, offer, "", nil)
}

// showSelf shows the page, with what was typed and why it came to nothing.
func (p pages) showSelf(w http.ResponseWriter, r *http.Request, o sashlock.Opening, offer shopper.Offer, typed string, wrong error) error {
	ctx := r.Context()
	g, err := p.guest(r)
	if err != nil {
		return err
	}
	v := &selfView{Ref: r.PathValue("tag"), Name: o.Name, Site: p.Hall.Book().Sites[o.Site].Name, Offer: offer, Typed: typed}
	v.Admitted, v.Known = g.Standing(o.Site, p.Now()), g.Key != nil
	if _, _, unfit := p.party(r); unfit != nil || g.Key != nil && g.Key.At != hostOf(p.Address(r)) {
		v.Offer.Passkeys, v.Known = v.Offer.Passkeys && unfit == nil, false
	}
	head := console.Head{Title: o.Name, Section: console.InServe, Bare: true, Styles: []string{"phone.css"}, Scripts: []string{"phone.js", "enter.js"}}
	if wrong != nil {
		v.Wrong, head.Status = lang.T(ctx, console.Sentence(wrong)), console.Refused
		if sashlock.IsKind(wrong, sashlock.Conflict) {
			head.Status = console.Outrun
		}
	} else if v.Case, err = p.guestCase(ctx, v.Ref, o, g); err != nil {
		return err
	}
	if v.Case != nil {
		head.Live, head.At = v.path("/self/live"), console.At(v.parts())
	}
	return p.Show(w, r, head, selfPage(v))
}

// parts is the piece of the page that is kept up to date.
func (v *selfView) parts() []console.Part {
	key := *v.Case
	key.Now, key.Answer = time.Time{}, nil
	return []console.Part{{ID: "case", Key: fmt.Sprintf("%+v %+v", key, *v.Case.Answer), Body: guestCard(v)}}
}

// guestCase is the visit of a guest to a case, as far as it has come; nil when
// they have not asked for it, or are done with it.
func (p pages) guestCase(ctx context.Context, ref string, o sashlock.Opening, g shopper.Guest) (*caseView, error) {
	var last shopper.Opened
	asked := false
	if g.ID == "" {
		return nil, nil
	}
	err := p.Store.View(ctx, func(q store.Query) (err error) { last, asked, err = shopper.LatestOf(q, g.ID); return err })
	now := p.Now()
	if err != nil || !asked || last.Opening != o.ID || !last.Ended.IsZero() && now.Sub(last.Ended) > afterwards {
		return nil, err
	}
	v := &caseView{Ref: ref, Opening: o, Site: p.Hall.Book().Sites[o.Site]}
	v.Now = console.LocalTime(v.Site, now)
	s, err := p.Store.State(ctx, o.ID)
	if err != nil {
		return nil, err
	}
	v.Shown = opening.Show(o, s, v.Now)
	v.Shown.Now = time.Time{}
	v.Open, v.OpenedAt = s.Position == sashlock.Open, s.PositionAt.In(v.Now.Location())
	v.Answer = &answer{ID: last.Decision, Granted: true, At: last.Asked.In(v.Now.Location())}
	if last.Decision != "" {
		e, err := p.Store.Decision(ctx, last.Decision)
		if err != nil {
			return nil, err
		}
		v.Answer.Seq = e.Seq
		v.Answer.Granted, v.Answer.Words = e.Kind == sashlock.AccessGranted, e.Reason.Words()
		if err := p.followed(ctx, v.Answer); err != nil {
			return nil, err
		}
	}
	if v.Phase = phaseOf(v.Answer, s, v.Shown.Word, now); !last.Ended.IsZero() && v.Open {
		return nil, nil // somebody else has it open now
	}
	return v, nil
}

func (p pages) selfStream(w http.ResponseWriter, r *http.Request) error {
	o, offer, yes, err := p.offered(w, r)
	if err != nil || !yes {
		return err
	}
	g, err := p.guest(r)
	if err != nil {
		return err
	}
	ref := r.PathValue("tag")
	return p.Stream(w, r, func(ctx context.Context) ([]console.Part, error) {
		one, err := p.guestCase(ctx, ref, o, g)
		if err != nil || one == nil {
			return nil, err
		}
		return (&selfView{Ref: ref, Offer: offer, Admitted: g.Standing(o.Site, p.Now()), Case: one}).parts(), nil
	})
}

// showCode admits a customer by a code, and asks for the case at once.
func (p pages) showCode(w http.ResponseWriter, r *http.Request) error {
	o, offer, yes, err := p.offered(w, r)
	if err != nil || !yes {
		return err
	}
	if err := p.Form(w, r); err != nil {
		return err
	}
	if g, err := p.guest(r); err != nil || g.Standing(o.Site, p.Now()) {
		return p.ask(w, r, o, offer, g, err) // sent twice, or typed again for nothing: the code is not used up
	}
	typed := console.Clip(r.PostFormValue("code"), 24)
	g, token, err := p.shopper.Admit(r.Context(), o, r.PostFormValue("code"), addressOf(r))
	if turnedAway(err) {
		return p.showSelf(w, r, o, offer, typed, err)
	}
	if err == nil {
		known(w, r, token, time.Duration(offer.Keep)*time.Hour)
	}
	return p.ask(w, r, o, offer, g, err)
}

// openAlone asks for the case once more, for somebody who is admitted.
func (p pages) openAlone(w http.ResponseWriter, r *http.Request) error {
	o, offer, yes, err := p.offered(w, r)
	if err != nil || !yes {
		return err
	}
	g, err := p.guest(r)
	return p.ask(w, r, o, offer, g, err)
}

// ask asks for a case, and leads to the page that tells what came of it.
func (p pages) ask(w http.ResponseWriter, r *http.Request, o sashlock.Opening, offer shopper.Offer, g shopper.Guest, err error) error {
	if err != nil {
		return err
	}
	_, err = p.shopper.Ask(r.Context(), g, o)
	if turnedAway(err) {
		if one, lookErr := p.guestCase(r.Context(), r.PathValue("tag"), o, g); lookErr == nil && one != nil && sashlock.IsKind(err, sashlock.Conflict) {
			err = nil // pressed twice: the page tells how far it is
		} else {
			return p.showSelf(w, r, o, offer, "", err)
		}
	}
	if err != nil {
		return err
	}
	return console.Back(w, r, "/help/"+url.PathEscape(r.PathValue("tag"))+"/self")
}

// turnedAway reports whether an error is one to tell the customer, not a failure.
func turnedAway(err error) bool {
	return sashlock.IsKind(err, sashlock.Denied) || sashlock.IsKind(err, sashlock.Limit) || sashlock.IsKind(err, sashlock.Conflict)
}

// guestTitle is the word that stands largest on the page of a customer.
func (v *caseView) guestTitle(ctx context.Context) string {
	switch v.Phase {
	case refused:
		return lang.T(ctx, "Not unlocked")
	case untaken, locked:
		return lang.T(ctx, "Locked again")
	case secured:
		return lang.T(ctx, "Closed. Thank you!")
	}
	return v.title(ctx)
}

// again reports whether a visit is over, so that the customer may ask once more.
func again(f phase) bool {
	switch f {
	case secured, untaken, locked, failed:
		return true
	}
	return false
}

// keyAct is what the browser is to do with a passkey.
func keyAct(known bool) string {
	if known {
		return "get"
	}
	return "create"
}

// described names what explains the field of the code.
func described(v *selfView) string {
	if v.Wrong != "" {
		return "wrong code-hint"
	}
	return "code-hint"
}
