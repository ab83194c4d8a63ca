// SPDX-License-Identifier: Apache-2.0

package enter

import (
	"errors"
	"net/http"
	"net/url"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/internal/console"
	"github.com/sashlock/sashlock/internal/lang"
	"github.com/sashlock/sashlock/internal/logkey"
	"github.com/sashlock/sashlock/internal/signin"
)

// ssoBack is where a provider sends browsers back to.
const ssoBack = "/signin/sso/back"

func (p *pages) mountSSO() {
	p.Public("GET /signin/sso", p.toProvider)
	p.Public("GET "+ssoBack, p.fromProvider)
	p.Public("POST /signin/sso/logout", p.providerLogout)
	p.signed("GET /signin/again/sso", p.toProviderAgain)
	p.signed("GET /me/sso/join", p.fresh(to("/me/sso/join"), p.joinAccount))
	p.signed("POST /me/sso/remove", p.fresh(to("/me"), p.leaveAccount))
}

const (
	toSignIn = "sign in"
	toProve  = "again "
	toJoin   = "join "
)

func (p *pages) toProvider(w http.ResponseWriter, r *http.Request) error {
	return p.send(w, r, toSignIn, false)
}

func (p *pages) toProviderAgain(w http.ResponseWriter, r *http.Request) error {
	return p.send(w, r, toProve+console.Who(r.Context()).ID, true)
}

func (p *pages) joinAccount(w http.ResponseWriter, r *http.Request) error {
	return p.send(w, r, toJoin+string(console.Who(r.Context()).Operator.ID), true)
}

// send leads a browser to the provider.
func (p *pages) send(w http.ResponseWriter, r *http.Request, purpose string, anew bool) error {
	if p.named(w, r) {
		return nil
	}
	then := console.Local(r.URL.Query().Get("then"))
	ask, err := p.Signin.AskSSO(r.Context(), p.Address(r)+ssoBack, anew)
	if sashlock.IsKind(err, sashlock.Unavailable) {
		p.Log.Warn("provider of single sign-on did not answer", logkey.Err(err))
		return console.Back(w, r, "/signin?"+url.Values{"wrong": {"away"}, "then": {then}}.Encode())
	}
	if err != nil {
		return p.said(r, err)
	}
	p.away.begin(w, r, ceremony{purpose: purpose, started: p.Now(), ask: ask, then: then})
	http.Redirect(w, r, ask.Address, http.StatusSeeOther)
	return nil
}

// said is an error with its hint in the reader's language.
func (p *pages) said(r *http.Request, err error) error {
	var one *sashlock.Error
	if errors.As(err, &one) && one.Kind != sashlock.Internal {
		return &sashlock.Error{Kind: one.Kind, Op: one.Op, Hint: lang.T(r.Context(), one.Hint), Err: err}
	}
	return err
}

// fromProvider takes what a browser brings back from the provider.
func (p *pages) fromProvider(w http.ResponseWriter, r *http.Request) error {
	one, err := p.back(r)
	if err != nil {
		return p.turnAway(w, r, one, err)
	}
	account, err := p.Signin.Answered(r.Context(), one.ask, r.URL.Query())
	if err != nil {
		return p.turnAway(w, r, one, err)
	}
	who := console.Who(r.Context())
	switch one.purpose {
	case toProve + who.ID:
		o, err := p.Signin.Welcome(r.Context(), account)
		if err != nil {
			return p.turnAway(w, r, one, err)
		}
		if o.ID != who.Operator.ID {
			return p.Refuse(r.Context(), "proof of presence by somebody else")
		}
		who.Elsewhere = account.Session // the provider may have begun another one
		if err := p.Signin.Prove(r.Context(), who, account.Means()); err != nil {
			return err
		}
		return console.Back(w, r, one.then)
	case toJoin + string(who.Operator.ID):
		if err := p.Signin.JoinAccount(r.Context(), who.Operator.ID, account); err != nil {
			return p.said(r, err)
		}
		return console.Back(w, r, "/me")
	case toSignIn:
		o, err := p.Signin.Welcome(r.Context(), account)
		if err != nil {
			return p.turnAway(w, r, one, err)
		}
		if err := p.letInFrom(w, r, o, signin.Arrival{Means: account.Means(), Elsewhere: account.Session}); err != nil {
			return err
		}
		return console.Back(w, r, one.then)
	}
	return p.turnAway(w, r, one, &sashlock.Error{Kind: sashlock.Denied, Op: "signing in", Subject: "for somebody else", Hint: lang.Mark("the answer of the provider was not accepted; the attempt was recorded")})
}

// back takes the sign-in that a browser comes back from, once.
func (p *pages) back(r *http.Request) (ceremony, error) {
	who := console.Who(r.Context())
	cookie, err := r.Cookie(awayCookie)
	if err != nil {
		return ceremony{}, &sashlock.Error{Kind: sashlock.Denied, Op: "signing in", Subject: "another browser", Hint: lang.T(r.Context(), "this took too long or was sent twice: go back and try again")}
	}
	p.away.mu.Lock()
	purpose := p.away.all[cookie.Value].purpose
	p.away.mu.Unlock()
	if purpose != toSignIn && purpose != toProve+who.ID && purpose != toJoin+string(who.Operator.ID) {
		purpose = ""
	}
	return p.away.take(r, purpose, p.Now())
}

// turnAway records that nobody was let in, and shows the page to sign in at
// with the reason.
func (p *pages) turnAway(w http.ResponseWriter, r *http.Request, one ceremony, err error) error {
	var said *sashlock.Error
	if !errors.As(err, &said) || said.Kind != sashlock.Denied && said.Kind != sashlock.Unavailable {
		return err
	}
	p.Log.Warn("single sign-on refused", logkey.Err(err))
	if said.Kind == sashlock.Unavailable {
		return console.Back(w, r, "/signin?"+url.Values{"wrong": {"away"}, "then": {console.Local(one.then)}}.Encode())
	}
	why := "single sign-on"
	if said.Subject != "" {
		why += ": " + said.Subject
	}
	if err := p.Signin.Refuse(r.Context(), "", why); err != nil {
		return err
	}
	return p.showDoor(w, r, door{Then: console.Local(one.then), Notice: lang.T(r.Context(), said.Hint)}, http.StatusForbidden)
}

// providerLogout ends sessions when the provider says that they are over
// (OpenID Connect Back-Channel Logout 1.0, section 2.5).
func (p *pages) providerLogout(w http.ResponseWriter, r *http.Request) error {
	if err := p.Form(w, r); err != nil {
		return err
	}
	err := p.Signin.Logout(r.Context(), r.PostFormValue("logout_token"), place(r))
	if sashlock.IsKind(err, sashlock.Denied) {
		http.Error(w, "invalid_request", http.StatusBadRequest)
		return nil
	}
	if err == nil {
		w.WriteHeader(http.StatusOK)
	}
	return err
}

func (p *pages) leaveAccount(w http.ResponseWriter, r *http.Request) error {
	who := console.Who(r.Context())
	if err := p.Signin.LeaveAccount(r.Context(), who.Operator.ID, who.ID); err != nil {
		return p.said(r, err)
	}
	return console.Back(w, r, "/me")
}
