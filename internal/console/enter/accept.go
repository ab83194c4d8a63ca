// SPDX-License-Identifier: Apache-2.0

package enter

import (
	"errors"
	"net"
	"net/http"
	"strings"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/internal/lang"
	"github.com/sashlock/sashlock/internal/ledger/proof"
	"github.com/sashlock/sashlock/internal/logkey"
	"github.com/sashlock/sashlock/internal/signin"
	"github.com/sashlock/sashlock/internal/store"
)

// welcome is what somebody sees who opens a link.
type welcome struct {
	Path        string
	Kind        signin.LinkKind
	Operator    signin.Operator
	Where       []string // the sites they are for; none: all
	Fingerprint string   // of the ledger's verifier key, to compare with what the terminal says
	NoKeys      string   // why no passkey can be made here
	Passwords   bool     // a password with one-time codes may do
}

// secretLength is how long the secret of a link is.
const secretLength = 43

// link finds the link of an address. One that does not work is recorded, if
// anybody could have had it: it is as long as a link is.
func (p *pages) link(r *http.Request) (signin.Link, signin.Operator, error) {
	secret := r.PathValue("secret")
	l, o, err := p.Signin.FindLink(r.Context(), secret)
	if err == nil && (l.Kind == signin.Claim) != strings.HasPrefix(r.URL.Path, "/claim/") {
		err = &sashlock.Error{Kind: sashlock.Denied, Op: "opening link", Hint: "this is no link of ours"}
	}
	if err == nil && o.Suspended {
		err = &sashlock.Error{Kind: sashlock.Denied, Op: "opening link", Hint: "suspended"}
	}
	if err == nil && l.Kind == signin.Claim && !p.near(r) {
		err = &sashlock.Error{Kind: sashlock.Denied, Op: "opening link", Hint: "not from here"}
	}
	if sashlock.IsKind(err, sashlock.Denied) {
		if len(secret) == secretLength {
			if recorded := p.Signin.Refuse(r.Context(), o.ID, "link used before, late or made up"); recorded != nil {
				p.Log.Error("refusal not recorded", logkey.Err(recorded))
			}
		}
		err = &sashlock.Error{Kind: sashlock.Denied, Op: "opening link", Hint: lang.T(r.Context(), "This link was used already, or its time is up. Ask whoever gave it to you for a new one; for a new store, run sashlock signin link.")}
	}
	return l, o, err
}

// near reports whether a claim may come from where it comes from: over TLS from
// anywhere, else from this machine only.
func (p *pages) near(r *http.Request) bool {
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	ip := net.ParseIP(host)
	return r.TLS != nil || err == nil && ip != nil && ip.IsLoopback()
}

func (p *pages) linkPage(w http.ResponseWriter, r *http.Request) error {
	if p.named(w, r) {
		return nil
	}
	l, o, err := p.link(r)
	if err != nil {
		return err
	}
	v := welcome{Path: r.URL.Path, Kind: l.Kind, Operator: o, Where: p.where(o)}
	if key, err := proof.ParseKey(p.Verifier); err == nil && l.Kind == signin.Claim {
		v.Fingerprint = key.Fingerprint()
	}
	if _, _, err := p.party(r); err != nil {
		v.NoKeys = hintOf(err)
	}
	if l.Kind != signin.Claim && !o.Role.Privileged() {
		err := p.Store.View(r.Context(), func(q store.Query) error {
			policy, err := signin.FindPolicy(q)
			v.Passwords = !policy.NoPasswords
			return err
		})
		if err != nil {
			return err
		}
	}
	title := lang.T(r.Context(), "You are invited")
	if l.Kind == signin.Claim {
		title = lang.T(r.Context(), "Make this store yours")
	}
	return p.Show(w, r, bare(title), welcomePage(v))
}

// where names the sites of an operator.
func (p *pages) where(o signin.Operator) (names []string) {
	book := p.Hall.Book()
	for _, id := range o.Sites {
		names = append(names, book.Sites[id].Name)
	}
	return names
}

// beginAccept asks the browser of somebody who opened a link for a passkey.
func (p *pages) beginAccept(w http.ResponseWriter, r *http.Request) error {
	if err := p.Form(w, r); err != nil {
		return err
	}
	l, o, err := p.link(r)
	if err != nil {
		return err
	}
	if l.Kind == signin.Claim {
		o = signin.Operator{ID: p.Signin.NewOperatorID(), Name: strings.TrimSpace(r.PostFormValue("name"))}
		if fix := sashlock.CheckName(o.Name); fix != "" {
			return &sashlock.Error{Kind: sashlock.Invalid, Op: "claiming store", Subject: "name", Hint: lang.T(r.Context(), "Your name: %s", fix)}
		}
	}
	return p.enrol(w, r, r.URL.Path, o, nil)
}

// accept lets somebody in who opened a link and enrolled a passkey, and shows
// them their recovery codes.
func (p *pages) accept(w http.ResponseWriter, r *http.Request) error {
	if err := p.Form(w, r); err != nil {
		return err
	}
	if _, _, err := p.link(r); err != nil {
		return err
	}
	o, key, err := p.enrolled(r, r.URL.Path+"/begin")
	if err != nil {
		return err
	}
	o, codes, err := p.Signin.Accept(r.Context(), r.PathValue("secret"), o, key)
	if err != nil {
		return err
	}
	if err := p.letIn(w, r, o, byLink); err != nil {
		return err
	}
	return p.showCodes(w, r, o, codes, true)
}

// slip is a page with recovery codes: there is only one look at it.
type slip struct {
	Name  string
	Host  string
	Codes []string
	First bool // whoever reads it has just come in
}

func (p *pages) showCodes(w http.ResponseWriter, r *http.Request, o signin.Operator, codes []string, first bool) error {
	return p.Show(w, r, bare(lang.T(r.Context(), "Recovery codes")), slipPage(slip{Name: o.Name, Host: r.Host, Codes: codes, First: first}))
}

// hintOf is what people are told of an error.
func hintOf(err error) string {
	var said *sashlock.Error
	if errors.As(err, &said) {
		return said.Hint
	}
	return err.Error()
}
