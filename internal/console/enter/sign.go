// SPDX-License-Identifier: Apache-2.0

package enter

import (
	"encoding/json"
	"errors"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"time"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/internal/console"
	"github.com/sashlock/sashlock/internal/lang"
	"github.com/sashlock/sashlock/internal/ledger/proof"
	"github.com/sashlock/sashlock/internal/signin"
	"github.com/sashlock/sashlock/internal/store"
)

// How somebody signed in, as sessions and the ledger have it.
const (
	byPasskey = signin.ByPasskey
	byCode    = signin.ByCode
	byLink    = signin.ByLink
)

// door is what the pages to sign in at, and again, show.
type door struct {
	Again   bool
	Then    string
	Name    string // who has to prove to be there
	Wrong   string // with a recovery code
	Refused string // with a password, or by the provider
	Notice  string // what else there is to say
	Claimed bool   // the store has an owner

	Password bool   // a password with a one-time code may do
	SSO      bool   // there is single sign-on
	Provider string // what it is called; empty: nothing in particular
	Out      string // where to sign out at the provider too
}

// path is where its forms go.
func (d door) path() string {
	if d.Again {
		return "/signin/again"
	}
	return "/signin"
}

func (p *pages) signInPage(w http.ResponseWriter, r *http.Request) error {
	if p.named(w, r) {
		return nil
	}
	then := console.Local(r.URL.Query().Get("then"))
	if console.Who(r.Context()).ID != "" {
		return console.Back(w, r, then)
	}
	d := door{Then: then}
	wrongWords(r, &d)
	if r.URL.Query().Get("out") == "sso" {
		d.Notice = lang.T(r.Context(), "You are signed out here. At the provider you may still be signed in.")
		d.Out = p.Signin.Elsewhere(r.Context(), p.Address(r)+"/signin")
	}
	return p.showDoor(w, r, d, http.StatusOK)
}

// showDoor shows the page to sign in at, with what there is to sign in with.
func (p *pages) showDoor(w http.ResponseWriter, r *http.Request, d door, status int) error {
	err := p.Store.View(r.Context(), func(q store.Query) (err error) {
		if d.Claimed, err = signin.Claimed(q); err != nil {
			return err
		}
		policy, err := signin.FindPolicy(q)
		if err != nil {
			return err
		}
		sso, err := signin.FindSSO(q)
		d.Password, d.SSO, d.Provider = !policy.NoPasswords, sso.On, sso.Button
		return err
	})
	if err != nil {
		return err
	}
	head := bare(lang.T(r.Context(), "Sign in"))
	head.Status = status
	return p.Show(w, r, head, doorPage(d))
}

func (p *pages) againPage(w http.ResponseWriter, r *http.Request) error {
	if p.named(w, r) {
		return nil
	}
	who := console.Who(r.Context())
	d := door{Again: true, Then: console.Local(r.URL.Query().Get("then")), Name: who.Operator.Name, Claimed: true}
	wrongWords(r, &d)
	if who.ID == "" {
		return console.Back(w, r, d.Then) // in a demo nobody has to prove anything
	}
	err := p.Store.View(r.Context(), func(q store.Query) error {
		_, err := signin.FindFactors(q, who.Operator.ID)
		d.Password = err == nil
		if err != nil && !sashlock.IsKind(err, sashlock.NotFound) {
			return err
		}
		sso, err := signin.FindSSO(q)
		if err != nil || !sso.On {
			return err
		}
		d.Provider = sso.Button
		d.SSO, err = signin.HasAccount(q, who.Operator.ID)
		return err
	})
	if err != nil {
		return err
	}
	return p.Show(w, r, bare(lang.T(r.Context(), "Is it still you?")), doorPage(d))
}

// bare is the head of a page without the way around.
func bare(title string) console.Head {
	return console.Head{Title: title, Bare: true, Styles: []string{"enter.css"}, Scripts: []string{"enter.js"}}
}

// wrongWords fills in what went wrong the last time, as the address says it.
func wrongWords(r *http.Request, d *door) {
	ctx, q := r.Context(), r.URL.Query()
	wait, err := time.ParseDuration(q.Get("for"))
	waits := err == nil && wait > 0 && wait < 24*time.Hour
	switch q.Get("wrong") {
	case "code":
		d.Wrong = lang.T(ctx, "This code is not right, or it was used already. The attempt was recorded.")
	case "wait":
		if waits {
			d.Wrong = lang.T(ctx, "Too many wrong codes came from here. Codes are taken again in %s; a passkey works at once.", wait.String())
		}
	case "password":
		d.Refused = lang.T(ctx, "Name, password or one-time code is not right. The attempt was recorded.")
	case "password-wait":
		if waits {
			d.Refused = lang.T(ctx, "Too many wrong attempts came from here. Passwords are taken again in %s; a passkey works at once.", wait.String())
		}
	case "away":
		d.Notice = lang.T(ctx, "The provider of single sign-on does not answer at the moment. Passkeys work all the same.")
	}
}

func (p *pages) beginSignIn(w http.ResponseWriter, r *http.Request) error {
	return p.ask(w, r, "sign in")
}

func (p *pages) signIn(w http.ResponseWriter, r *http.Request) error {
	if err := p.Form(w, r); err != nil {
		return err
	}
	o, err := p.answered(r, "sign in")
	if err != nil {
		return err
	}
	if err := p.letIn(w, r, o, byPasskey); err != nil {
		return err
	}
	return console.Back(w, r, console.Local(r.PostFormValue("then")))
}

func (p *pages) signInByCode(w http.ResponseWriter, r *http.Request) error {
	id, done, err := p.useCode(w, r, "/signin")
	if done || err != nil {
		return err
	}
	if err := p.letIn(w, r, signin.Operator{ID: id}, byCode); err != nil {
		return err
	}
	return console.Back(w, r, console.Local(r.PostFormValue("then")))
}

// useCode uses the recovery code of a form up. A wrong one leads back to the
// page it came from: done says so.
func (p *pages) useCode(w http.ResponseWriter, r *http.Request, page string) (id sashlock.OperatorID, done bool, err error) {
	if err := p.Form(w, r); err != nil {
		return "", false, err
	}
	id, err = p.Signin.UseCode(r.Context(), r.PostFormValue("code"), place(r))
	back := url.Values{"then": {console.Local(r.PostFormValue("then"))}}
	var said *sashlock.Error
	switch {
	case sashlock.IsKind(err, sashlock.Denied):
		back.Set("wrong", "code")
	case sashlock.IsKind(err, sashlock.Limit) && errors.As(err, &said):
		back.Set("wrong", "wait")
		back.Set("for", said.Hint)
	default:
		return id, false, err
	}
	return "", true, console.Back(w, r, page+"?"+back.Encode())
}

// place is where a browser is, as far as wrong codes are counted: its address,
// or the network of it where one customer has many.
func place(r *http.Request) string {
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		host = r.RemoteAddr
	}
	addr, err := netip.ParseAddr(host)
	if err == nil && addr.Is6() && !addr.Is4In6() {
		if network, err := addr.WithZone("").Prefix(64); err == nil {
			return network.String()
		}
	}
	return host
}

func (p *pages) beginAgain(w http.ResponseWriter, r *http.Request) error {
	return p.ask(w, r, "again "+console.Who(r.Context()).ID)
}

func (p *pages) again(w http.ResponseWriter, r *http.Request) error {
	if err := p.Form(w, r); err != nil {
		return err
	}
	who := console.Who(r.Context())
	o, err := p.answered(r, "again "+who.ID)
	if err != nil {
		return err
	}
	return p.proved(w, r, o.ID, byPasskey)
}

func (p *pages) againByCode(w http.ResponseWriter, r *http.Request) error {
	id, done, err := p.useCode(w, r, "/signin/again")
	if done || err != nil {
		return err
	}
	return p.proved(w, r, id, byCode)
}

// proved keeps that whoever is signed in showed to be there, unless it was
// somebody else.
func (p *pages) proved(w http.ResponseWriter, r *http.Request, id sashlock.OperatorID, means string) error {
	who := console.Who(r.Context())
	if id != who.Operator.ID {
		return p.Refuse(r.Context(), "proof of presence by somebody else")
	}
	if err := p.Signin.Prove(r.Context(), who, means); err != nil {
		return err
	}
	return console.Back(w, r, console.Local(r.PostFormValue("then")))
}

func (p *pages) signOut(w http.ResponseWriter, r *http.Request) error {
	if s := console.Who(r.Context()); s.ID != "" {
		if err := p.Signin.End(r.Context(), s.Operator.ID, s.ID); err != nil {
			return err
		}
	}
	http.SetCookie(w, &http.Cookie{Name: console.SessionCookie, Path: "/", MaxAge: -1, HttpOnly: true, SameSite: http.SameSiteLaxMode, Secure: r.TLS != nil})
	if means := console.Who(r.Context()).Means; means == signin.BySSO || means == signin.BySSOStrong {
		return console.Back(w, r, "/signin?out=sso")
	}
	return console.Back(w, r, "/signin")
}

// Made is the answer to the command line when it asks for a link.
type Made struct {
	Path        string    `json:"path"` // of the link, with its secret
	Kind        string    `json:"kind"`
	Expires     time.Time `json:"expires"`
	Fingerprint string    `json:"fingerprint"` // of the ledger's verifier key
}

// linkForCommand makes a link for whoever holds a token that may admit: the
// claim of a store without an owner, or a way back for an operator by name.
func (p *pages) linkForCommand(w http.ResponseWriter, r *http.Request) error {
	clear, _ := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	token, err := p.Signin.Check(r.Context(), clear)
	if err != nil {
		return err
	}
	if !token.May(signin.Admit) {
		return &sashlock.Error{Kind: sashlock.Denied, Op: "making a link", Hint: "this token may not: it lacks the scope admit"}
	}
	var asked struct{ For string }
	if err := json.NewDecoder(http.MaxBytesReader(w, r.Body, 4<<10)).Decode(&asked); err != nil {
		return &sashlock.Error{Kind: sashlock.Invalid, Op: "making a link", Hint: `send {"for": "name"}`, Err: err}
	}
	made, err := p.makeLink(r, asked.For)
	if err != nil {
		return err
	}
	return sendJSON(w, made)
}

func (p *pages) makeLink(r *http.Request, name string) (Made, error) {
	made := Made{Kind: string(signin.WayBack), Expires: p.Now().Add(signin.InviteLife)}
	if key, err := proof.ParseKey(p.Verifier); err == nil {
		made.Fingerprint = key.Fingerprint()
	}
	if name == "" {
		l, secret, err := p.Signin.NewClaim(r.Context())
		made.Kind, made.Expires, made.Path = string(l.Kind), l.Expires, "/claim/"+secret
		return made, err
	}
	var id sashlock.OperatorID
	err := p.Store.View(r.Context(), func(q store.Query) error {
		all, err := signin.Operators(q)
		for _, o := range all {
			if o.Name == name {
				id = o.ID
			}
		}
		return err
	})
	if err != nil {
		return made, err
	}
	if id == "" {
		return made, &sashlock.Error{Kind: sashlock.NotFound, Op: "making a link", Hint: "no operator has this name"}
	}
	secret, err := p.Signin.Return(r.Context(), signin.Operator{}, id)
	made.Path = "/invite/" + secret
	return made, err
}
