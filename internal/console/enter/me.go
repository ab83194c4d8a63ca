// SPDX-License-Identifier: Apache-2.0

package enter

import (
	"context"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/internal/console"
	"github.com/sashlock/sashlock/internal/lang"
	"github.com/sashlock/sashlock/internal/signin"
	"github.com/sashlock/sashlock/internal/store"
)

// mine is what somebody sees of themselves.
type mine struct {
	Who      signin.Session
	Keys     []signin.Passkey
	Codes    int
	Sessions []signin.Session
	Where    []string
	Host     string // the name the console is open at
	Now      time.Time
	Zone     *time.Location
	Fresh    bool
	NoKeys   string // why no passkey can be made here

	Password  signin.Factors // not added: there is none
	Passwords bool           // they may have one
	SSO       signin.SSO
	Account   bool // they have an account at its provider
	Elevation signin.Elevation
}

func (p *pages) mountMe() {
	p.signed("GET /me", p.mePage)
	p.signed("GET /me/passkeys/new", p.fresh(to("/me/passkeys/new"), p.addPage))
	p.signed("POST /me/passkeys/begin", fetched(p.beginAdd))
	p.signed("POST /me/passkeys", p.fresh(to("/me/passkeys/new"), p.add))
	p.signed("POST /me/passkeys/{id}/name", p.rename)
	p.signed("POST /me/passkeys/{id}/remove", p.fresh(to("/me"), p.remove))
	p.signed("GET /me/codes", p.fresh(to("/me/codes"), p.codesPage))
	p.signed("POST /me/codes", p.fresh(to("/me/codes"), p.newCodes))
	p.signed("POST /me/sessions/{id}/end", p.endSession)
	p.signed("POST /me/sessions/end", p.endOthers)
	p.signed("POST /me/language", p.language)
}

func (p *pages) head(title, about string) console.Head {
	return console.Head{Title: title, Section: console.InMe, About: about, Styles: []string{"enter.css"}, Scripts: []string{"enter.js"}}
}

func (p *pages) mePage(w http.ResponseWriter, r *http.Request) error {
	// In the demo somebody who chose an identity would lose it on the way.
	if p.Demo == "" && p.named(w, r) {
		return nil
	}
	v, err := p.mine(r)
	if err != nil {
		return err
	}
	ctx := r.Context()
	return p.Show(w, r, p.head(lang.T(ctx, "Me"), lang.T(ctx, "What you sign in with, where you are signed in, and the language you read. Nobody else can change this; whoever let you in can end your sessions.")), mePage(v))
}

func (p *pages) mine(r *http.Request) (mine, error) {
	who := console.Who(r.Context())
	v := mine{Who: who, Where: p.where(who.Operator), Now: p.Now(), Fresh: who.Fresh(p.Now()), Zone: time.UTC}
	if site, err := p.Site(r); err == nil {
		v.Zone = console.Zone(site)
	}
	if party, _, err := p.party(r); err == nil {
		v.Host = party.Config.RPID
	} else {
		v.NoKeys = hintOf(err)
	}
	err := p.Store.View(r.Context(), func(q store.Query) (err error) {
		if v.Keys, err = signin.Passkeys(q, who.Operator.ID); err != nil {
			return err
		}
		if v.Codes, err = signin.CodesLeft(q, who.Operator.ID); err != nil {
			return err
		}
		if v.Sessions, err = p.Signin.Sessions(q, who.Operator.ID); err != nil {
			return err
		}
		return v.others(q)
	})
	slices.SortStableFunc(v.Keys, func(a, b signin.Passkey) int { return a.Added.Compare(b.Added) })
	return v, err
}

// others reads what somebody has to sign in with beside passkeys.
func (v *mine) others(q store.Query) (err error) {
	id := v.Who.Operator.ID
	policy, err := signin.FindPolicy(q)
	if err != nil {
		return err
	}
	v.Passwords = !policy.NoPasswords && !v.Who.Operator.Role.Privileged()
	if v.Password, err = signin.FindFactors(q, id); err != nil && !sashlock.IsKind(err, sashlock.NotFound) {
		return err
	}
	if v.SSO, err = signin.FindSSO(q); err != nil {
		return err
	}
	if v.Account, err = signin.HasAccount(q, id); err != nil {
		return err
	}
	all, err := signin.Elevations(q, 50)
	for _, e := range all {
		if e.Operator == id && v.Elevation.ID == "" && (e.State == signin.Asked && v.Now.Sub(e.At) < signin.AskLife || e.State == signin.Standing && v.Now.Before(e.Ends)) {
			v.Elevation = e
		}
	}
	return err
}

func (p *pages) addPage(w http.ResponseWriter, r *http.Request) error {
	if p.named(w, r) {
		return nil
	}
	v, err := p.mine(r)
	if err != nil {
		return err
	}
	return p.Show(w, r, p.head(lang.T(r.Context(), "Add a passkey"), ""), addPage(v, deviceWords(r.Context(), r.UserAgent())))
}

func (p *pages) beginAdd(w http.ResponseWriter, r *http.Request) error {
	who := console.Who(r.Context())
	if !who.Fresh(p.Now()) {
		return &sashlock.Error{Kind: sashlock.Denied, Op: "adding passkey", Hint: lang.T(r.Context(), "show once more that it is you: load this page again")}
	}
	v, err := p.mine(r)
	if err != nil {
		return err
	}
	return p.enrol(w, r, "add for "+string(who.Operator.ID), who.Operator, v.Keys)
}

func (p *pages) add(w http.ResponseWriter, r *http.Request) error {
	if err := p.Form(w, r); err != nil {
		return err
	}
	who := console.Who(r.Context())
	_, key, err := p.enrolled(r, "add for "+string(who.Operator.ID))
	if err != nil {
		return err
	}
	if err := p.Signin.AddPasskey(r.Context(), key); err != nil {
		return err
	}
	return console.Back(w, r, "/me")
}

func (p *pages) rename(w http.ResponseWriter, r *http.Request) error {
	if err := p.Form(w, r); err != nil {
		return err
	}
	name := strings.TrimSpace(r.PostFormValue("name"))
	if err := p.Signin.RenamePasskey(r.Context(), console.Who(r.Context()).Operator.ID, r.PathValue("id"), name); err != nil {
		return err
	}
	return console.Back(w, r, "/me")
}

func (p *pages) remove(w http.ResponseWriter, r *http.Request) error {
	if err := p.Signin.RemovePasskey(r.Context(), console.Who(r.Context()).Operator.ID, r.PathValue("id")); err != nil {
		return err
	}
	return console.Back(w, r, "/me")
}

func (p *pages) codesPage(w http.ResponseWriter, r *http.Request) error {
	v, err := p.mine(r)
	if err != nil {
		return err
	}
	return p.Show(w, r, p.head(lang.T(r.Context(), "New recovery codes"), ""), codesPage(v))
}

func (p *pages) newCodes(w http.ResponseWriter, r *http.Request) error {
	o := console.Who(r.Context()).Operator
	codes, err := p.Signin.NewCodes(r.Context(), o.ID)
	if err != nil {
		return err
	}
	return p.showCodes(w, r, o, codes, false)
}

func (p *pages) endSession(w http.ResponseWriter, r *http.Request) error {
	v, err := p.mine(r)
	if err != nil {
		return err
	}
	id := r.PathValue("id")
	if !slices.ContainsFunc(v.Sessions, func(s signin.Session) bool { return s.ID == id }) {
		return &sashlock.Error{Kind: sashlock.NotFound, Op: "ending session", Hint: lang.Mark("you have no such session")}
	}
	if err := p.Signin.End(r.Context(), v.Who.Operator.ID, id); err != nil {
		return err
	}
	return console.Back(w, r, "/me")
}

func (p *pages) endOthers(w http.ResponseWriter, r *http.Request) error {
	who := console.Who(r.Context())
	if err := p.Signin.EndAll(r.Context(), who.Operator.ID, who.Operator.ID, who.ID); err != nil {
		return err
	}
	return console.Back(w, r, "/me")
}

// language keeps in which language an operator reads, wherever they sign in.
// The choice in the head of each page is that of one browser and goes before.
func (p *pages) language(w http.ResponseWriter, r *http.Request) error {
	if err := p.Form(w, r); err != nil {
		return err
	}
	l := lang.Language(r.PostFormValue("language"))
	if !slices.Contains(lang.All(), l) {
		return &sashlock.Error{Kind: sashlock.Invalid, Op: "choosing language", Subject: "language", Hint: lang.T(r.Context(), "choose one from the list")}
	}
	if err := p.Signin.SetLanguage(r.Context(), console.Who(r.Context()).Operator.ID, l); err != nil {
		return err
	}
	http.SetCookie(w, &http.Cookie{Name: languageCookie, Path: "/", MaxAge: -1, HttpOnly: true, SameSite: http.SameSiteLaxMode, Secure: r.TLS != nil})
	return console.Back(w, r, "/me")
}

// languageCookie is the frame's cookie for a browser's own choice.
const languageCookie = "sashlock_language"

// deviceWords is what a browser says of itself, in words: enough to tell one's
// own devices apart.
func deviceWords(ctx context.Context, agent string) string {
	browser := first(agent, "Firefox", "Edg/", "Edge", "OPR/", "Opera", "Chrome/", "Chrome", "Safari/", "Safari")
	system := first(agent, "iPhone", "iPad", "Android", "CrOS", "ChromeOS", "Windows", "Mac OS", "Macintosh", "Linux")
	system = strings.NewReplacer("CrOS", "ChromeOS", "Mac OS", "Mac", "Macintosh", "Mac").Replace(system)
	browser = strings.NewReplacer("Edg/", "Edge", "OPR/", "Opera", "/", "").Replace(browser)
	switch {
	case browser != "" && system != "":
		return lang.T(ctx, "%s on %s", browser, system)
	case browser+system != "":
		return browser + system
	}
	return lang.T(ctx, "Unknown browser")
}

// first returns the first of some words that a text has.
func first(text string, words ...string) string {
	for _, w := range words {
		if strings.Contains(text, w) {
			return w
		}
	}
	return ""
}

// meansWords is how somebody signed in, in words.
func meansWords(means string) string {
	switch means {
	case byPasskey:
		return lang.Mark("with a passkey")
	case byCode:
		return lang.Mark("with a recovery code")
	case byLink:
		return lang.Mark("with a link and a new passkey")
	case signin.ByPassword:
		return lang.Mark("with a password and a one-time code")
	case signin.BySSO:
		return lang.Mark("by single sign-on")
	case signin.BySSOStrong:
		return lang.Mark("by single sign-on with a passkey")
	}
	return means
}
