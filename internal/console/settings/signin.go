// SPDX-License-Identifier: Apache-2.0

package settings

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/internal/console"
	"github.com/sashlock/sashlock/internal/lang"
	"github.com/sashlock/sashlock/internal/signin"
	"github.com/sashlock/sashlock/internal/store"
)

// mountSignIn adds the page about how operators may sign in. It is an owner's.
func (p pages) mountSignIn() {
	p.Handle("GET /settings/sign-in", signin.Admit, p.signIn)
	p.Dangerous("POST /settings/sign-in", signin.Admit, p.saveSignIn)
	p.Dangerous("POST /settings/sign-in/policy", signin.Admit, p.savePolicy)
}

// spareRules is how many empty rules a form has.
const spareRules = 3

// accounts is the form about single sign-on, with what was typed.
type accounts struct {
	signin.SSO
	Policy   signin.Policy
	Sites    []sashlock.Site
	Roles    []signin.Role
	Secrets  bool   // files with secrets can be read
	Sealed   bool   // what is kept is sealed
	Redirect string // what the provider has to know of us
	Logout   string
	Field    string
	Wrong    string
	Status   int
	Saved    bool
	Findings []signin.Finding
}

// Blunt reports that there are rules for roles that need a passkey while
// nothing counts as one.
func (a accounts) Blunt() bool {
	return len(a.Proofs) == 0 && slices.ContainsFunc(a.Rules, func(r signin.SSORule) bool { return r.Value != "" && r.Role.Privileged() })
}

// owner refuses whoever could not make somebody an owner.
func (p pages) owner(r *http.Request) error {
	if console.Who(r.Context()).Operator.Covers(signin.Operator{Role: signin.Owner}) != nil {
		return p.Refuse(r.Context(), "how operators sign in")
	}
	return nil
}

func (p pages) signIn(w http.ResponseWriter, r *http.Request) error {
	if err := p.owner(r); err != nil {
		return err
	}
	a := accounts{Saved: r.URL.Query().Get("saved") == "1"}
	err := p.Store.View(r.Context(), func(q store.Query) (err error) {
		a.SSO, err = signin.FindSSO(q)
		return err
	})
	if err != nil {
		return err
	}
	return p.showSignIn(w, r, a)
}

func (p pages) showSignIn(w http.ResponseWriter, r *http.Request, a accounts) error {
	err := p.Store.View(r.Context(), func(q store.Query) (err error) {
		a.Policy, err = signin.FindPolicy(q)
		return err
	})
	if err != nil {
		return err
	}
	ctx := r.Context()
	a.Sites, a.Secrets, a.Sealed = p.Frame.Sites(ctx), p.Signin.SecretFolder() != "", p.Signin.Seals()
	a.Roles = slices.DeleteFunc(signin.Roles(), func(one signin.Role) bool { return one == signin.Owner })
	a.Redirect, a.Logout = p.Address(r)+"/signin/sso/back", p.Address(r)+"/signin/sso/logout"
	for range spareRules {
		a.Rules = append(a.Rules, signin.SSORule{})
	}
	head := console.Head{Title: lang.T(ctx, "How operators sign in"), Section: console.InSettings, Styles: []string{"settings.css"}, Status: a.Status,
		About: lang.T(ctx, "Passkeys always work. Beside them operators can sign in with the accounts that the company has elsewhere, and those who can change nothing with a password and one-time codes.")}
	return p.Show(w, r, head, signInPage(a))
}

// typedSSO reads the form about single sign-on.
func typedSSO(r *http.Request) (signin.SSO, error) {
	text := func(name string) string { return strings.TrimSpace(r.PostFormValue(name)) }
	s := signin.SSO{
		On: r.PostFormValue("on") == "yes", Issuer: text("issuer"), Client: text("client"), SecretFile: text("file"),
		Button: text("button"), Claim: text("claim"), Proofs: strings.Fields(r.PostFormValue("proofs")),
	}
	values, roles, sites := r.PostForm["value"], r.PostForm["role"], r.PostForm["site"]
	if len(values) != len(roles) || len(values) != len(sites) {
		return s, &sashlock.Error{Kind: sashlock.Invalid, Op: "reading form", Subject: "rules", Hint: lang.Mark("open the page again: this form is not complete")}
	}
	for i, value := range values {
		if value = strings.TrimSpace(value); value == "" {
			continue
		}
		one := signin.SSORule{Value: value, Role: signin.Role(roles[i])}
		if sites[i] != "" {
			one.Sites = []sashlock.SiteID{sashlock.SiteID(sites[i])}
		}
		s.Rules = append(s.Rules, one)
	}
	var err error
	s.Rev, err = strconv.ParseInt(r.PostFormValue("rev"), 10, 64)
	if err != nil || s.Rev < 0 {
		return s, &sashlock.Error{Kind: sashlock.Invalid, Op: "reading form", Subject: "", Hint: lang.Mark("open the page again: this form is not complete")}
	}
	return s, nil
}

func (p pages) saveSignIn(w http.ResponseWriter, r *http.Request) error {
	if err := p.owner(r); err != nil {
		return err
	}
	if err := p.Form(w, r); err != nil {
		return err
	}
	ctx, who := r.Context(), console.Who(r.Context()).Operator
	s, err := typedSSO(r)
	a := accounts{SSO: s}
	book := p.Hall.Book()
	for _, one := range s.Rules {
		for _, id := range one.Sites {
			if _, known := book.Sites[id]; !known && err == nil {
				err = &sashlock.Error{Kind: sashlock.Invalid, Op: "reading form", Subject: "rules", Hint: lang.Mark("choose a site from the list")}
			}
		}
	}
	secret := strings.TrimSpace(r.PostFormValue("secret"))
	switch {
	case err == nil && r.PostFormValue("act") == "try":
		a.Findings, err = p.Signin.Try(ctx, who, s, secret, p.Address(r)+"/signin/sso/back")
		if err == nil {
			return p.showSignIn(w, r, a)
		}
	case err == nil && s.Rev == 0 && p.hasSSO(r):
		err = &sashlock.Error{Kind: sashlock.Conflict, Op: "saving", Err: store.ErrChanged}
	case err == nil:
		err = p.Signin.SaveSSO(ctx, who, s, secret)
	}
	return p.savedSignIn(w, r, a, err)
}

// hasSSO reports whether something was set by now that whoever typed did not
// see.
func (p pages) hasSSO(r *http.Request) (has bool) {
	err := p.Store.View(r.Context(), func(q store.Query) error {
		s, err := signin.FindSSO(q)
		has = s.Rev > 0
		return err
	})
	return has || err != nil
}

// savedSignIn leads on, or shows what is wrong beside what was typed.
func (p pages) savedSignIn(w http.ResponseWriter, r *http.Request, a accounts, err error) error {
	var said *sashlock.Error
	switch {
	case err == nil:
		return console.Back(w, r, "/settings/sign-in?saved=1")
	case sashlock.IsKind(err, sashlock.Conflict):
		a.Wrong, a.Status = lang.T(r.Context(), "Somebody else changed this meanwhile. Below is what you typed: save again to replace it."), console.Outrun
		if findErr := p.Store.View(r.Context(), func(q store.Query) error {
			now, err := signin.FindSSO(q)
			a.Rev = now.Rev
			return err
		}); findErr != nil {
			return findErr
		}
	case errors.As(err, &said) && (said.Kind == sashlock.Invalid || said.Kind == sashlock.Unavailable):
		a.Field, a.Wrong, a.Status = said.Subject, lang.T(r.Context(), said.Hint), console.Refused
	default:
		return err
	}
	return p.showSignIn(w, r, a)
}

func (p pages) savePolicy(w http.ResponseWriter, r *http.Request) error {
	if err := p.owner(r); err != nil {
		return err
	}
	if err := p.Form(w, r); err != nil {
		return err
	}
	rev, err := strconv.ParseInt(r.PostFormValue("rev"), 10, 64)
	if err != nil {
		return &sashlock.Error{Kind: sashlock.Invalid, Op: "saving policy", Hint: lang.T(r.Context(), "open the page again: this form is not complete")}
	}
	if err := p.Signin.SavePolicy(r.Context(), console.Who(r.Context()).Operator, signin.Policy{NoPasswords: r.PostFormValue("passwords") != "yes", Rev: rev}); err != nil {
		return err
	}
	return console.Back(w, r, "/settings/sign-in?saved=1")
}

// at is the text that is wrong with a field.
func (a accounts) at(field string) string {
	if a.Field == field {
		return a.Wrong
	}
	return ""
}

// rest is what is wrong with no field in particular.
func (a accounts) rest() string {
	if slices.Contains([]string{"issuer", "client", "file", "button", "claim", "rules", "proofs"}, a.Field) {
		return ""
	}
	return a.Wrong
}

// of reports whether a rule is for a site.
func of(rule signin.SSORule, id sashlock.SiteID) bool { return slices.Contains(rule.Sites, id) }

// secretHint says what there is of a secret.
func secretHint(ctx context.Context, a accounts) string {
	switch {
	case a.HasSecret && a.Sealed:
		return lang.T(ctx, "There is one, sealed. Leave this empty to keep it.")
	case a.HasSecret:
		return lang.T(ctx, "There is one. It is not sealed: this store node has no key for that. Leave this empty to keep it.")
	case !a.Sealed:
		return lang.T(ctx, "It is kept as it is: this store node has no key to seal it with. Empty: the provider asks for none.")
	}
	return lang.T(ctx, "It is kept sealed and never shown. Empty: the provider asks for none.")
}
