// SPDX-License-Identifier: Apache-2.0

// Package enter is the part of the console about signing in: the claim of a new
// store, invitations, passkeys, recovery codes, sessions, and who may sign in.
//
// # How it fits
//
// Whether a passkey is genuine is verified here, by the rules in ceremony.go;
// what is kept of it is kept by package signin. Each page is a file.
//
// # Promises
//
// There is no password without a one-time code beside it, and none for a role
// that can change something. A link, a challenge, a code and an answer of a
// provider of single sign-on work once.
// Nobody is led to another site by an address that was tampered with. What an
// operator may not give they cannot give, however the form was made.
package enter

import (
	"context"
	"encoding/json"
	"errors"
	"net"
	"net/http"
	"net/url"
	"strings"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/internal/console"
	"github.com/sashlock/sashlock/internal/lang"
	"github.com/sashlock/sashlock/internal/logkey"
	"github.com/sashlock/sashlock/internal/signin"
	"github.com/sashlock/sashlock/internal/store"
)

// pages answers for the paths of this package.
type pages struct {
	*console.Frame
	under ceremonies // passkeys
	setUp ceremonies // passwords that are being set up
	away  ceremonies // sign-ins at a provider
}

// Mount adds the pages to a frame.
func Mount(f *console.Frame) {
	p := &pages{
		Frame: f,
		under: ceremonies{cookie: ceremonyCookie, from: http.SameSiteStrictMode, life: ceremonyLife},
		setUp: ceremonies{cookie: setUpCookie, from: http.SameSiteStrictMode, life: setUpLife},
		away:  ceremonies{cookie: awayCookie, from: http.SameSiteLaxMode, life: awayLife},
	}
	f.Public("GET /signin", p.signInPage)
	f.Public("POST /signin/begin", fetched(p.beginSignIn))
	f.Public("POST /signin", p.signIn)
	f.Public("POST /signin/code", p.signInByCode)
	f.Public("POST /signin/link", fetched(p.linkForCommand))
	f.Public("POST /signout", p.signOut)
	p.signed("GET /signin/again", p.againPage)
	p.signed("POST /signin/again/begin", fetched(p.beginAgain))
	p.signed("POST /signin/again", p.again)
	p.signed("POST /signin/again/code", p.againByCode)
	for _, kind := range []string{"claim", "invite"} {
		f.Public("GET /"+kind+"/{secret}", p.linkPage)
		f.Public("POST /"+kind+"/{secret}/begin", fetched(p.beginAccept))
		f.Public("POST /"+kind+"/{secret}", p.accept)
	}
	f.Public("GET /invite/{secret}/password", p.invitePasswordPage)
	f.Public("POST /invite/{secret}/password", p.acceptByPassword)
	p.mountMe()
	p.mountPassword()
	p.mountSSO()
	p.mountElevation()
	p.mountOperators()
}

// signed adds a page for everybody who is signed in, whatever they may do.
func (p *pages) signed(pattern string, page console.Page) {
	p.Public(pattern, func(w http.ResponseWriter, r *http.Request) error {
		if console.Who(r.Context()).Operator.ID != "" {
			return page(w, r)
		}
		if r.Method == http.MethodGet {
			return console.Back(w, r, "/signin?then="+url.QueryEscape(r.URL.RequestURI()))
		}
		return &sashlock.Error{Kind: sashlock.Denied, Op: "reading session", Hint: lang.T(r.Context(), "you are not signed in, or no longer: sign in and do it again")}
	})
}

// fresh is a page that asks for a proof of presence first, and comes back to
// an address afterwards.
func (p *pages) fresh(back func(*http.Request) string, page console.Page) console.Page {
	return func(w http.ResponseWriter, r *http.Request) error {
		if !console.Who(r.Context()).Fresh(p.Now()) {
			return console.Back(w, r, "/signin/again?then="+url.QueryEscape(back(r)))
		}
		return page(w, r)
	}
}

// to is an address that does not depend on the request.
func to(path string) func(*http.Request) string { return func(*http.Request) string { return path } }

// fetched is a page that our script or the command line asks for: it says what
// is wrong as a problem document (RFC 9457), like the API.
func fetched(page console.Page) console.Page {
	return func(w http.ResponseWriter, r *http.Request) error {
		err := page(w, r)
		var said *sashlock.Error
		if !errors.As(err, &said) || said.Kind == sashlock.Internal {
			return err
		}
		w.Header().Set("Content-Type", "application/problem+json")
		w.WriteHeader(statusOf(said.Kind))
		text := console.Capital(lang.T(r.Context(), said.Hint))
		return json.NewEncoder(w).Encode(map[string]string{"type": "/docs/errors/" + string(said.Kind), "code": string(said.Kind), "title": text, "detail": text})
	}
}

func statusOf(kind sashlock.Kind) int {
	switch kind {
	case sashlock.Denied:
		return http.StatusForbidden
	case sashlock.Conflict:
		return http.StatusConflict
	case sashlock.NotFound:
		return http.StatusNotFound
	case sashlock.Limit:
		return http.StatusTooManyRequests
	case sashlock.Unavailable:
		return http.StatusServiceUnavailable
	}
	return http.StatusBadRequest
}

func sendJSON(w http.ResponseWriter, v any) error {
	w.Header().Set("Content-Type", "application/json")
	return json.NewEncoder(w).Encode(v)
}

// named leads a browser that asks by a number of this machine to its name:
// passkeys do not work at numbers. It reports whether it did.
func (p *pages) named(w http.ResponseWriter, r *http.Request) bool {
	host, port, err := net.SplitHostPort(r.Host)
	if err != nil {
		host, port = r.Host, ""
	}
	ip := net.ParseIP(strings.Trim(host, "[]"))
	if p.Origin != "" || ip == nil || !ip.IsLoopback() {
		return false
	}
	there := url.URL{Scheme: "http", Host: "localhost", Path: r.URL.Path, RawQuery: r.URL.RawQuery}
	if r.TLS != nil {
		there.Scheme = "https"
	}
	if port != "" {
		there.Host = net.JoinHostPort("localhost", port)
	}
	http.Redirect(w, r, there.String(), http.StatusSeeOther)
	return true
}

// holder reads an operator and those of their passkeys that work at a name.
func (p *pages) holder(ctx context.Context, id sashlock.OperatorID, at string) (h holder, err error) {
	err = p.Store.View(ctx, func(q store.Query) error {
		o, err := signin.FindOperator(q, id)
		if err != nil {
			return err
		}
		keys, err := signin.Passkeys(q, id)
		if err != nil {
			return err
		}
		h, err = holderOf(o, keys, at)
		return err
	})
	return h, err
}

// letIn begins a session and gives the browser its secret.
func (p *pages) letIn(w http.ResponseWriter, r *http.Request, o signin.Operator, means string) error {
	return p.letInFrom(w, r, o, signin.Arrival{Means: means})
}

func (p *pages) letInFrom(w http.ResponseWriter, r *http.Request, o signin.Operator, a signin.Arrival) error {
	a.Device, a.Network = r.UserAgent(), place(r)
	_, secret, err := p.Signin.Arrive(r.Context(), o.ID, a)
	if sashlock.IsKind(err, sashlock.Denied) {
		why, hint := "suspended operator", lang.T(r.Context(), "you are suspended: whoever let you in can change that")
		if signin.Weak(a.Means) && o.Role.Privileged() {
			why, hint = "a role that needs a passkey", lang.T(r.Context(), "your role needs a passkey: sign in with your passkey")
		}
		if recorded := p.Signin.Refuse(r.Context(), o.ID, why); recorded != nil {
			p.Log.Error("refusal not recorded", logkey.Err(recorded))
		}
		return &sashlock.Error{Kind: sashlock.Denied, Op: "signing in", Hint: hint}
	}
	if err != nil {
		return err
	}
	p.forget(r)
	http.SetCookie(w, &http.Cookie{
		Name: console.SessionCookie, Value: secret, Path: "/", MaxAge: int(signin.SessionLife.Seconds()),
		// Lax, not strict: a tag on a case is opened from outside and has to
		// find who is signed in. Nothing changes by GET.
		HttpOnly: true, SameSite: http.SameSiteLaxMode, Secure: r.TLS != nil,
	})
	return nil
}

// forget ends the session that a browser had before it got another one.
func (p *pages) forget(r *http.Request) {
	if s := console.Who(r.Context()); s.ID != "" {
		if err := p.Signin.End(r.Context(), s.Operator.ID, s.ID); err != nil {
			p.Log.Warn("session not ended", logkey.Err(err))
		}
	}
}
