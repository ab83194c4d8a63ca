// SPDX-License-Identifier: Apache-2.0

// Package console is the frame that every page stands in: who is asking and
// what they may see, the head and the way around, the icons and words of how
// openings stand, the events in plain words, and the stream that keeps a page
// up to date.
//
// # What
//
// Pages are rendered here, on the server, by templ. A page is made of [Part]s;
// each has one function that renders it, for the whole page and for the
// stream. [Frame.Stream] sends a part again when what it shows has changed, at
// most ten a second to one browser tab.
//
// # How it fits
//
// Each page is a package below this one and is mounted by one line in package
// app. It says for each address which scope it needs, and asks the frame for
// the site it is about. Pages read the store and the book of package flow; what
// they change goes through the doors like everything else, on behalf of
// whoever is signed in: [Who].
//
// # Promises
//
// Without sign-in a real store shows nothing, and an operator sees and does
// nothing outside their scopes, sites and areas: such an attempt is recorded. A
// page works without JavaScript. It loads nothing from elsewhere and runs no
// script and no style that is not a file of ours. How an opening stands is
// never told by colour alone. Every text can be said in every language.
package console

import (
	"cmp"
	"compress/gzip"
	"context"
	"errors"
	"log/slog"
	"net/http"
	"slices"
	"sync/atomic"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/a-h/templ"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/internal/approvals"
	"github.com/sashlock/sashlock/internal/devices"
	"github.com/sashlock/sashlock/internal/estate"
	"github.com/sashlock/sashlock/internal/flow"
	"github.com/sashlock/sashlock/internal/lang"
	"github.com/sashlock/sashlock/internal/logkey"
	"github.com/sashlock/sashlock/internal/signin"
	"github.com/sashlock/sashlock/internal/store"
)

// Options are what a frame is built from.
type Options struct {
	Store   *store.Store
	Hall    *flow.Hall
	Devices *devices.Room
	Signin  *signin.Room
	// Approvals is where changes wait for a second operator. Nil: none does.
	Approvals *approvals.Room
	Now       func() time.Time
	Log       *slog.Logger
	Version   string
	Verifier  string // the public key of the ledger, as sashlock-verify takes it
	Origin    string // how browsers reach this console, "https://store.example"; empty: as they ask
	// Estate returns everything that is declared, as the file has it.
	Estate func(context.Context) (estate.File, error)
	// Demo says that nothing here opens a real lock. Whoever reaches the
	// console is then this operator until they choose to be another one.
	Demo sashlock.OperatorID
}

// Frame is what the pages have in common.
type Frame struct {
	Options
	Feed *Feed

	mux      *http.ServeMux
	patterns []string     // in the order in which they were added
	streams  atomic.Int64 // open streams
	watches  watches
	extra    []func(*http.Request) templ.Component
}

// New returns a frame without pages.
func New(opts Options) *Frame {
	f := &Frame{Options: opts, mux: http.NewServeMux(), watches: watches{byKey: map[string]*watch{}}}
	f.Feed = newFeed(opts.Store, opts.Hall, opts.Now)
	f.mux.Handle("GET /static/{name...}", http.HandlerFunc(serveStatic))
	f.Public("POST /language", f.chooseLanguage)
	f.Public("GET /", func(w http.ResponseWriter, r *http.Request) error {
		return &sashlock.Error{Kind: sashlock.NotFound, Op: "finding page", Subject: r.URL.Path, Hint: "there is no such page"}
	})
	return f
}

// Handler serves the pages.
func (f *Frame) Handler() http.Handler { return f.mux }

// Patterns lists the patterns of all pages and acts that were added, as
// http.ServeMux has them: "POST /people/{slug}/lift".
func (f *Frame) Patterns() []string { return slices.Clone(f.patterns) }

// Page answers for one address. An error that it returns before it has written
// anything is shown as a page.
type Page func(w http.ResponseWriter, r *http.Request) error

// Extend adds something to the end of every page: the demo's corner.
func (f *Frame) Extend(part func(*http.Request) templ.Component) { f.extra = append(f.extra, part) }

// secure sets what the browser may do with a page: load its own files, talk to
// us, nothing else.
func secure(h http.Header) {
	h.Set("Content-Security-Policy", "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; "+
		"connect-src 'self'; form-action 'self'; manifest-src 'self'; worker-src 'self'; base-uri 'none'; frame-ancestors 'none'")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Referrer-Policy", "same-origin") // to come back after a proof of presence
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
	h.Set("Permissions-Policy", "camera=(), microphone=(), geolocation=(), payment=()")
	h.Set("Cache-Control", "no-store")
}

// Show answers with a page: its body within the frame.
func (f *Frame) Show(w http.ResponseWriter, r *http.Request, head Head, body templ.Component) error {
	f.show(w, r, head, body)
	return nil
}

func (f *Frame) show(w http.ResponseWriter, r *http.Request, head Head, body templ.Component) {
	ctx := templ.WithChildren(r.Context(), body)
	text, err := render(ctx, page(f.layout(r, head)))
	if err != nil {
		f.Log.Error("page not rendered", logkey.Err(err))
		http.Error(w, "Something went wrong on our side; the details are in the log.", http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Vary", "Accept-Encoding, Cookie")
	if takesGzip(r) {
		w.Header().Set("Content-Encoding", "gzip")
		text = squeeze(text, gzip.BestSpeed)
	}
	w.WriteHeader(cmp.Or(head.Status, http.StatusOK))
	if _, err := w.Write(text); err != nil {
		f.Log.Debug("page not delivered", logkey.Err(err))
	}
}

// trouble shows what went wrong. Causes of internal errors stay in the log.
func (f *Frame) trouble(w http.ResponseWriter, r *http.Request, err error) {
	status, title, text := http.StatusInternalServerError, lang.Mark("Something went wrong on our side"), lang.Mark("The details are in the log.")
	kind := sashlock.KindOf(err)
	switch kind {
	case sashlock.NotFound:
		status, title, text = http.StatusNotFound, lang.Mark("There is nothing here"), lang.Mark("What you asked for does not exist, or no longer does.")
	case sashlock.Unavailable:
		status, title, text = http.StatusServiceUnavailable, lang.Mark("Not possible at the moment"), Sentence(err)
	case sashlock.Denied:
		status, title, text = http.StatusForbidden, lang.Mark("This is not for you"), Sentence(err)
	case sashlock.Conflict:
		status, title, text = http.StatusConflict, lang.Mark("Somebody was faster"), Sentence(err)
	case sashlock.Limit:
		status, title, text = http.StatusTooManyRequests, lang.Mark("Too much at once"), Sentence(err)
	case sashlock.Invalid:
		status, title, text = http.StatusBadRequest, lang.Mark("That cannot be done"), Sentence(err)
	default:
		f.Log.Error("page failed", logkey.Err(err))
	}
	text = lang.T(r.Context(), text)
	if !namesField(err) {
		text = Capital(text)
	}
	f.show(w, r, Head{Title: lang.T(r.Context(), title), Status: status}, message(lang.T(r.Context(), title), text))
}

// Capital is a text with a capital at its beginning.
func Capital(text string) string {
	first, size := utf8.DecodeRuneInString(text)
	return string(unicode.ToUpper(first)) + text[size:]
}

// Sentence is what people are told of an error: the fix if there is one, and
// which field it is about.
func Sentence(err error) string {
	var p *sashlock.Error
	if errors.As(err, &p) && p.Hint != "" {
		if namesField(err) {
			return p.Subject + ": " + p.Hint
		}
		return p.Hint
	}
	return err.Error()
}

// namesField reports whether the sentence of an error begins with a field.
func namesField(err error) bool {
	var p *sashlock.Error
	return errors.As(err, &p) && p.Hint != "" && p.Subject != "" && p.Kind == sashlock.Invalid
}

// Back sends the browser to another page after something was done, so that
// loading that one again does not do it again.
func Back(w http.ResponseWriter, r *http.Request, to string) error {
	http.Redirect(w, r, to, http.StatusSeeOther)
	return nil
}

// zoneOf is the time zone in which a site's times are shown.
func zoneOf(s sashlock.Site) *time.Location {
	if zone, err := time.LoadLocation(s.Zone); err == nil && s.Zone != "" {
		return zone
	}
	return time.UTC
}

// LocalTime is an instant as the clocks of a site show it.
func LocalTime(s sashlock.Site, at time.Time) time.Time { return at.In(zoneOf(s)) }

// Zone is the time zone of a site.
func Zone(s sashlock.Site) *time.Location { return zoneOf(s) }

func render(ctx context.Context, c templ.Component) ([]byte, error) {
	buffer := templ.GetBuffer()
	defer templ.ReleaseBuffer(buffer)
	if err := c.Render(ctx, buffer); err != nil {
		return nil, err
	}
	return append([]byte(nil), buffer.Bytes()...), nil
}
