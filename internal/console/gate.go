// SPDX-License-Identifier: Apache-2.0

package console

import (
	"cmp"
	"context"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/internal/lang"
	"github.com/sashlock/sashlock/internal/logkey"
	"github.com/sashlock/sashlock/internal/signin"
)

// The rules of the gate are:
//
//   - An address is public or needs a scope. There is no third way to add one.
//   - Who is not signed in is sent to sign in and comes back afterwards; what
//     is no page is refused.
//   - Who lacks the scope, or asks for a site or an area that is not theirs, is
//     refused, and the ledger says so.
//   - A dangerous act asks for a proof of presence that is a few minutes old at
//     most.

// The cookies of the console.
const (
	SessionCookie  = "sashlock_session"
	languageCookie = "sashlock_language"
	siteCookie     = "sashlock_site"
)

type sessionKey struct{}

// Who is signed in. On a public page nobody may be: the session has then no
// operator.
func Who(ctx context.Context) signin.Session {
	s, _ := ctx.Value(sessionKey{}).(signin.Session)
	return s
}

// May reports whether whoever is signed in has a scope.
func May(ctx context.Context, s signin.Scope) bool { return Who(ctx).Operator.May(s) }

// Public adds a page for everybody under a pattern of http.ServeMux.
func (f *Frame) Public(pattern string, page Page) {
	f.patterns = append(f.patterns, pattern)
	f.mux.HandleFunc(pattern, func(w http.ResponseWriter, r *http.Request) {
		secure(w.Header())
		r, err := f.recognise(r)
		if err == nil {
			err = page(w, r)
		}
		if err != nil {
			f.trouble(w, r, err)
		}
	})
}

// Handle adds a page, under a pattern of http.ServeMux, for those who have a
// scope.
func (f *Frame) Handle(pattern string, need signin.Scope, page Page) {
	f.Public(pattern, func(w http.ResponseWriter, r *http.Request) error {
		s := Who(r.Context())
		switch {
		case s.Operator.ID == "":
			return f.askToSignIn(w, r)
		case !s.Operator.May(need):
			return f.Refuse(r.Context(), "scope "+string(need)+" for "+r.Method+" "+r.URL.Path)
		}
		f.keepSite(w, r)
		return page(w, r)
	})
}

// Dangerous is [Frame.Handle] for an act that asks for a proof of presence
// first. It answers to POST only.
func (f *Frame) Dangerous(pattern string, need signin.Scope, page Page) {
	f.Handle(pattern, need, func(w http.ResponseWriter, r *http.Request) error {
		if !Who(r.Context()).Fresh(f.Now()) {
			from := "/"
			if u, err := url.Parse(r.Referer()); err == nil && u.Path != "" {
				from = u.Path
			}
			return Again(w, r, from)
		}
		return page(w, r)
	})
}

// Again asks for a proof of presence and comes back to an address of ours. It
// is for acts that are dangerous only in some cases; the others are added by
// [Frame.Dangerous].
func Again(w http.ResponseWriter, r *http.Request, then string) error {
	return Back(w, r, "/signin/again?then="+url.QueryEscape(then))
}

// recognise finds out who is asking and in which language to answer.
func (f *Frame) recognise(r *http.Request) (*http.Request, error) {
	s, err := f.session(r)
	ctx := r.Context()
	language := s.Operator.Language
	if c, missing := r.Cookie(languageCookie); missing == nil && slices.Contains(lang.All(), lang.Language(c.Value)) {
		language = lang.Language(c.Value)
	}
	ctx = lang.With(ctx, cmp.Or(language, lang.Match(r.Header.Get("Accept-Language"))))
	ctx = context.WithValue(ctx, waitingKey{}, f.waits)
	return r.WithContext(context.WithValue(ctx, sessionKey{}, s)), err
}

// session is that of the browser's cookie; in the demo, that of its first
// identity when there is none.
func (f *Frame) session(r *http.Request) (signin.Session, error) {
	if c, err := r.Cookie(SessionCookie); err == nil {
		s, err := f.Signin.Session(r.Context(), c.Value)
		if err == nil || !sashlock.IsKind(err, sashlock.Denied) {
			return s, err
		}
	}
	if f.Demo == "" {
		return signin.Session{}, nil
	}
	return f.Signin.Stand(r.Context(), f.Demo)
}

// Alive reports whether the session of a request still stands. Who answers for
// long asks it from time to time.
func (f *Frame) Alive(r *http.Request) bool {
	was := Who(r.Context())
	now, err := f.session(r)
	return err == nil && now.Operator.ID == was.Operator.ID && now.Operator.Rev == was.Operator.Rev
}

func (f *Frame) askToSignIn(w http.ResponseWriter, r *http.Request) error {
	page := r.Method == http.MethodGet && !strings.HasSuffix(r.URL.Path, "/live")
	if !page {
		return &sashlock.Error{Kind: sashlock.Denied, Op: "reading session", Hint: lang.T(r.Context(), "you are not signed in, or no longer: sign in and do it again")}
	}
	return Back(w, r, "/signin?then="+url.QueryEscape(r.URL.RequestURI()))
}

// Refuse records that whoever is signed in tried what they may not, and
// returns the error to answer with.
func (f *Frame) Refuse(ctx context.Context, what string) error {
	if err := f.Signin.Refuse(ctx, Who(ctx).Operator.ID, what); err != nil {
		f.Log.Error("refusal not recorded", logkey.Err(err))
	}
	return &sashlock.Error{Kind: sashlock.Denied, Op: "opening page", Hint: lang.T(ctx, "you may not see or do this; the attempt was recorded. Ask the owner of the store if you need it")}
}

// Sites lists the sites of whoever is signed in, in order of name.
func (f *Frame) Sites(ctx context.Context) []sashlock.Site {
	var all []sashlock.Site
	for _, s := range f.Hall.Book().Sites {
		if Who(ctx).Operator.At(s.ID) {
			all = append(all, s)
		}
	}
	slices.SortFunc(all, func(a, b sashlock.Site) int { return cmp.Or(cmp.Compare(a.Name, b.Name), cmp.Compare(a.Slug, b.Slug)) })
	return all
}

// Site is the site that a page is about: the one of its address, or the one
// that was looked at last, or the first. A site that is not the operator's is
// refused. A store without any site has an empty one.
func (f *Frame) Site(r *http.Request) (sashlock.Site, error) {
	sites := f.Sites(r.Context())
	if slug := r.URL.Query().Get("site"); slug != "" {
		if i := slices.IndexFunc(sites, func(s sashlock.Site) bool { return s.Slug == slug }); i >= 0 {
			return sites[i], nil
		}
		for _, s := range f.Hall.Book().Sites {
			if s.Slug == slug {
				return sashlock.Site{}, f.Refuse(r.Context(), "site "+string(s.ID))
			}
		}
		return sashlock.Site{}, &sashlock.Error{Kind: sashlock.NotFound, Op: "showing site", Subject: "site", Hint: "there is no such site"}
	}
	if c, err := r.Cookie(siteCookie); err == nil {
		for _, s := range sites {
			if s.Slug == c.Value {
				return s, nil
			}
		}
	}
	if len(sites) == 0 {
		return sashlock.Site{}, nil
	}
	return sites[0], nil
}

// keepSite remembers the site of an address, so that the next page is about it
// too.
func (f *Frame) keepSite(w http.ResponseWriter, r *http.Request) {
	if slug := r.URL.Query().Get("site"); sashlock.ValidSlug(slug) {
		http.SetCookie(w, &http.Cookie{Name: siteCookie, Value: slug, Path: "/", HttpOnly: true, SameSite: http.SameSiteLaxMode, Secure: r.TLS != nil})
	}
}

// Opening finds an opening by its slug, if it concerns whoever is signed in.
func (f *Frame) Opening(ctx context.Context, slug string) (sashlock.Opening, error) {
	for _, o := range f.Hall.Book().Openings {
		if o.Slug != slug {
			continue
		}
		if !Who(ctx).Operator.Sees(o.Site, o.Area) {
			return sashlock.Opening{}, f.Refuse(ctx, "opening "+string(o.ID))
		}
		return o, nil
	}
	return sashlock.Opening{}, &sashlock.Error{Kind: sashlock.NotFound, Op: "showing opening", Subject: slug, Hint: "there is no opening of that name"}
}

// chooseLanguage keeps the language that a reader chose.
func (f *Frame) chooseLanguage(w http.ResponseWriter, r *http.Request) error {
	if err := f.Form(w, r); err != nil {
		return err
	}
	l := lang.Language(r.FormValue("language"))
	if !slices.Contains(lang.All(), l) {
		return &sashlock.Error{Kind: sashlock.Invalid, Op: "choosing language", Subject: "language", Hint: "choose one from the list"}
	}
	http.SetCookie(w, &http.Cookie{Name: languageCookie, Value: string(l), Path: "/", MaxAge: 400 * 86400, HttpOnly: true, SameSite: http.SameSiteLaxMode, Secure: r.TLS != nil})
	return Back(w, r, Local(r.FormValue("then")))
}

// Address is where browsers and programs reach this store node, without a
// slash at the end: as it is configured, or as the request calls it.
func (f *Frame) Address(r *http.Request) string {
	switch {
	case f.Origin != "":
		return strings.TrimSuffix(f.Origin, "/")
	case r.TLS != nil:
		return "https://" + r.Host
	}
	return "http://" + r.Host
}

// Local makes an address that came from outside one of ours: whoever made it up
// leads nobody elsewhere.
func Local(then string) string {
	u, err := url.Parse(then)
	if err != nil || u.IsAbs() || u.Host != "" || !strings.HasPrefix(then, "/") || strings.HasPrefix(then, "//") || strings.ContainsAny(then, "\\\r\n") {
		return "/"
	}
	return then
}
