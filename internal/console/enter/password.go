// SPDX-License-Identifier: Apache-2.0

package enter

import (
	"cmp"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"rsc.io/qr"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/internal/console"
	"github.com/sashlock/sashlock/internal/lang"
	"github.com/sashlock/sashlock/internal/signin"
	"github.com/sashlock/sashlock/internal/store"
)

func (p *pages) mountPassword() {
	p.Public("POST /signin/password", p.signInByPassword)
	p.signed("POST /signin/again/password", p.againByPassword)
	p.signed("GET /me/password", p.fresh(to("/me/password"), p.passwordPage))
	p.signed("POST /me/password", p.fresh(to("/me/password"), p.setPassword))
	p.signed("POST /me/password/remove", p.fresh(to("/me"), p.removePassword))
}

func (p *pages) signInByPassword(w http.ResponseWriter, r *http.Request) error {
	if err := p.Form(w, r); err != nil {
		return err
	}
	id, done, err := p.usePassword(w, r, r.PostFormValue("name"), "/signin")
	if done || err != nil {
		return err
	}
	if err := p.letIn(w, r, signin.Operator{ID: id}, signin.ByPassword); err != nil {
		return err
	}
	return console.Back(w, r, console.Local(r.PostFormValue("then")))
}

func (p *pages) againByPassword(w http.ResponseWriter, r *http.Request) error {
	if err := p.Form(w, r); err != nil {
		return err
	}
	id, done, err := p.usePassword(w, r, console.Who(r.Context()).Operator.Name, "/signin/again")
	if done || err != nil {
		return err
	}
	return p.proved(w, r, id, signin.ByPassword)
}

// usePassword looks at the password and the one-time code of a form. Wrong ones
// lead back to the page they came from: done says so.
func (p *pages) usePassword(w http.ResponseWriter, r *http.Request, name, page string) (id sashlock.OperatorID, done bool, err error) {
	id, err = p.Signin.UsePassword(r.Context(), name, r.PostFormValue("password"), r.PostFormValue("code"), place(r))
	back := url.Values{"then": {console.Local(r.PostFormValue("then"))}}
	var said *sashlock.Error
	switch {
	case sashlock.IsKind(err, sashlock.Denied):
		back.Set("wrong", "password")
	case sashlock.IsKind(err, sashlock.Limit) && errors.As(err, &said):
		back.Set("wrong", "password-wait")
		back.Set("for", said.Hint)
	default:
		return id, false, err
	}
	return "", true, console.Back(w, r, page+"?"+back.Encode())
}

// setup is the page on which a password with one-time codes is set up.
type setup struct {
	Path    string // where its form goes
	Back    string
	Name    string
	Key     string // in groups, to be typed
	Address string // to be scanned, and opened on a phone
	QR      picture
	Again   bool // there is one already
	Sealed  bool // it is kept sealed
	Field   string
	Wrong   string
}

// picture is a QR code as the outline of its black squares.
type picture struct {
	Size int
	Path string
}

const quietZone = 4 // modules, ISO/IEC 18004

func drawn(text string) (picture, error) {
	squares, err := qr.Encode(text, qr.M)
	if err != nil {
		return picture{}, err
	}
	var b strings.Builder
	for y := range squares.Size {
		for x := range squares.Size {
			if squares.Black(x, y) {
				fmt.Fprintf(&b, "M%d %dh1v1h-1z", x+quietZone, y+quietZone)
			}
		}
	}
	return picture{squares.Size + 2*quietZone, b.String()}, nil
}

// groups writes a key in groups of four.
func groups(key string) string {
	var parts []string
	for len(key) > 4 {
		parts, key = append(parts, key[:4]), key[4:]
	}
	return strings.Join(append(parts, key), " ")
}

// showSetup shows the page for a key, which the form after it is about.
func (p *pages) showSetup(w http.ResponseWriter, r *http.Request, one ceremony, s setup) (err error) {
	if one.codeKey == "" {
		if one.codeKey, err = signin.NewCodeKey(); err != nil {
			return err
		}
	}
	one.started = p.Now()
	p.setUp.begin(w, r, one)
	s.Name, s.Key, s.Sealed = one.who.Name, groups(one.codeKey), p.Signin.Seals()
	s.Address = signin.CodeKeyAddress(one.codeKey, one.who.Name, r.Host)
	if s.QR, err = drawn(s.Address); err != nil {
		return err
	}
	head := bare(lang.T(r.Context(), "Password and one-time codes"))
	if s.Wrong != "" {
		head.Status = console.Refused
	}
	return p.Show(w, r, head, setupPage(s))
}

// wrongSetup shows a setup again with what is wrong with it; false: it is
// another kind of error.
func (p *pages) wrongSetup(w http.ResponseWriter, r *http.Request, one ceremony, s setup, err error) (bool, error) {
	var said *sashlock.Error
	if !errors.As(err, &said) || said.Kind != sashlock.Invalid {
		return false, err
	}
	s.Field, s.Wrong = said.Subject, lang.T(r.Context(), said.Hint)
	return true, p.showSetup(w, r, one, s)
}

// twice refuses a password that was not typed the same way twice.
func twice(r *http.Request) error {
	if r.PostFormValue("password") != r.PostFormValue("again") {
		return &sashlock.Error{Kind: sashlock.Invalid, Op: "setting password", Subject: "again", Hint: lang.Mark("these are two different passwords")}
	}
	return nil
}

func (p *pages) mySetup(r *http.Request) (ceremony, setup, error) {
	o := console.Who(r.Context()).Operator
	s := setup{Path: "/me/password", Back: "/me"}
	err := p.Store.View(r.Context(), func(q store.Query) error {
		f, err := signin.FindFactors(q, o.ID)
		s.Again = !f.Added.IsZero()
		if sashlock.IsKind(err, sashlock.NotFound) {
			return nil
		}
		return err
	})
	return ceremony{purpose: "password of " + string(o.ID), who: o}, s, err
}

func (p *pages) passwordPage(w http.ResponseWriter, r *http.Request) error {
	one, s, err := p.mySetup(r)
	if err != nil {
		return err
	}
	if one.who.Role.Privileged() {
		return &sashlock.Error{Kind: sashlock.Denied, Op: "setting password", Hint: lang.T(r.Context(), "your role needs a passkey: a password can be tricked out of anybody")}
	}
	return p.showSetup(w, r, one, s)
}

func (p *pages) setPassword(w http.ResponseWriter, r *http.Request) error {
	if err := p.Form(w, r); err != nil {
		return err
	}
	one, s, err := p.mySetup(r)
	if err != nil {
		return err
	}
	begun, err := p.setUp.take(r, one.purpose, p.Now())
	if err != nil {
		return err
	}
	err = twice(r)
	if err == nil {
		err = p.Signin.SetPassword(r.Context(), one.who.ID, r.PostFormValue("password"), begun.codeKey, r.PostFormValue("code"))
	}
	if done, err := p.wrongSetup(w, r, begun, s, err); done || err != nil {
		return err
	}
	v, err := p.mine(r)
	if err != nil {
		return err
	}
	if v.Codes > 0 {
		return console.Back(w, r, "/me")
	}
	codes, err := p.Signin.NewCodes(r.Context(), one.who.ID)
	if err != nil {
		return err
	}
	return p.showCodes(w, r, one.who, codes, true)
}

func (p *pages) removePassword(w http.ResponseWriter, r *http.Request) error {
	who := console.Who(r.Context())
	if err := p.Signin.RemovePassword(r.Context(), who.Operator.ID, who.ID); err != nil {
		return err
	}
	return console.Back(w, r, "/me")
}

// invited is the setup for somebody who opened a link.
func (p *pages) invited(r *http.Request) (ceremony, setup, error) {
	l, o, err := p.link(r)
	if err == nil && (l.Kind == signin.Claim || o.Role.Privileged()) {
		err = &sashlock.Error{Kind: sashlock.Denied, Op: "opening link", Hint: lang.T(r.Context(), "your role needs a passkey: a password can be tricked out of anybody")}
	}
	link := "/invite/" + url.PathEscape(r.PathValue("secret"))
	return ceremony{purpose: "password by " + link, who: o}, setup{Path: link + "/password", Back: link}, err
}

func (p *pages) invitePasswordPage(w http.ResponseWriter, r *http.Request) error {
	one, s, err := p.invited(r)
	if err != nil {
		return err
	}
	return p.showSetup(w, r, one, s)
}

func (p *pages) acceptByPassword(w http.ResponseWriter, r *http.Request) error {
	if err := p.Form(w, r); err != nil {
		return err
	}
	one, s, err := p.invited(r)
	if err != nil {
		return err
	}
	begun, err := p.setUp.take(r, one.purpose, p.Now())
	if err != nil {
		return err
	}
	var codes []string
	var o signin.Operator
	err = twice(r)
	if err == nil {
		o, codes, err = p.Signin.AcceptWithPassword(r.Context(), r.PathValue("secret"), r.PostFormValue("password"), begun.codeKey, r.PostFormValue("code"))
	}
	if done, err := p.wrongSetup(w, r, begun, s, err); done || err != nil {
		return err
	}
	if err := p.letIn(w, r, o, signin.ByPassword); err != nil {
		return err
	}
	return p.showCodes(w, r, o, codes, true)
}

// wrongAt is what is wrong with one field of a setup.
func (s setup) wrongAt(field string) string {
	if cmp.Or(s.Field, "password") == field {
		return s.Wrong
	}
	return ""
}
