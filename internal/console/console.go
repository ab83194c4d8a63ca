// SPDX-License-Identifier: Apache-2.0

// Package console is the frame that every page stands in: the head and the
// banner, the icons and words of how openings stand, the events in plain
// words, and the stream that keeps a page up to date.
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
// app. Pages read the store and the book of package flow; what they change
// goes through the doors like everything else.
//
// # Promises
//
// A page works without JavaScript. It loads nothing from elsewhere and runs no
// script and no style that is not a file of ours. How an opening stands is
// never told by colour alone. Without sign-in a real store shows nothing.
package console

import (
	"context"
	"log/slog"
	"net/http"
	"sync/atomic"
	"time"

	"github.com/a-h/templ"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/internal/devices"
	"github.com/sashlock/sashlock/internal/flow"
	"github.com/sashlock/sashlock/internal/logkey"
	"github.com/sashlock/sashlock/internal/store"
)

// Options are what a frame is built from.
type Options struct {
	Store   *store.Store
	Hall    *flow.Hall
	Devices *devices.Room
	Now     func() time.Time
	Log     *slog.Logger
	Version string
	// Demo says that nothing here opens a real lock. Pages are then shown to
	// whoever reaches them.
	Demo bool
	// Operator is who acts when something is done on a page of the demo.
	Operator sashlock.OperatorID
}

// Frame is what the pages have in common.
type Frame struct {
	Options
	Feed *Feed

	mux     *http.ServeMux
	streams atomic.Int64 // open streams
}

// New returns a frame without pages.
func New(opts Options) *Frame {
	f := &Frame{Options: opts, mux: http.NewServeMux()}
	f.Feed = newFeed(opts.Store, opts.Hall, opts.Now)
	f.mux.Handle("GET /static/{name}", http.HandlerFunc(serveStatic))
	f.Handle("GET /", func(w http.ResponseWriter, r *http.Request) error {
		return &sashlock.Error{Kind: sashlock.NotFound, Op: "finding page", Subject: r.URL.Path, Hint: "there is no such page"}
	})
	return f
}

// Handler serves the pages.
func (f *Frame) Handler() http.Handler { return f.mux }

// Handle adds a page under a pattern of http.ServeMux. An error that it returns
// before it has written anything is shown as a page.
func (f *Frame) Handle(pattern string, page func(w http.ResponseWriter, r *http.Request) error) {
	f.mux.HandleFunc(pattern, func(w http.ResponseWriter, r *http.Request) {
		secure(w.Header())
		if !f.Demo {
			f.show(w, r, http.StatusUnauthorized, closed(f.layout("Sign-in")))
			return
		}
		if err := page(w, r); err != nil {
			f.trouble(w, r, err)
		}
	})
}

// secure sets what the browser may do with a page: load its own files, talk to
// us, nothing else.
func secure(h http.Header) {
	h.Set("Content-Security-Policy", "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "+
		"connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
	h.Set("Cache-Control", "no-store")
}

// Show answers with a page.
func (f *Frame) Show(w http.ResponseWriter, r *http.Request, page templ.Component) error {
	f.show(w, r, http.StatusOK, page)
	return nil
}

func (f *Frame) show(w http.ResponseWriter, r *http.Request, status int, page templ.Component) {
	text, err := render(r.Context(), page)
	if err != nil {
		f.Log.Error("page not rendered", logkey.Err(err))
		http.Error(w, "Something went wrong on our side; the details are in the log.", http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(status)
	if _, err := w.Write(text); err != nil {
		f.Log.Debug("page not delivered", logkey.Err(err))
	}
}

// trouble shows what went wrong. Causes of internal errors stay in the log.
func (f *Frame) trouble(w http.ResponseWriter, r *http.Request, err error) {
	status, title, text := http.StatusInternalServerError, "Something went wrong on our side", "The details are in the log."
	kind := sashlock.KindOf(err)
	switch kind {
	case sashlock.NotFound:
		status, title, text = http.StatusNotFound, "There is nothing here", "What you asked for does not exist, or no longer does."
	case sashlock.Unavailable:
		status, title, text = http.StatusServiceUnavailable, "Not possible at the moment", err.Error()
	case sashlock.Invalid, sashlock.Conflict, sashlock.Denied, sashlock.Limit:
		status, title, text = http.StatusBadRequest, "That cannot be done", err.Error()
	default:
		f.Log.Error("page failed", logkey.Err(err))
	}
	f.show(w, r, status, message(f.layout(title), title, text))
}

// layout is the head of a page under a title.
func (f *Frame) layout(title string) Layout {
	return Layout{Title: title, Version: f.Version, Demo: f.Demo}
}

// Layout is what the frame around a page needs to know.
type Layout struct {
	Title   string
	Site    string // display name; empty: none in particular
	Now     time.Time
	Version string
	Demo    bool
	Live    string // address of the page's stream; empty: it has none
	At      string // what the page shows: where its stream goes on
}

// Layout is the frame around a page about a site.
func (f *Frame) Layout(title string, site sashlock.Site, now time.Time, live, at string) Layout {
	l := f.layout(title)
	l.Site, l.Now, l.Live, l.At = site.Name, now, live, at
	return l
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

func render(ctx context.Context, c templ.Component) ([]byte, error) {
	buffer := templ.GetBuffer()
	defer templ.ReleaseBuffer(buffer)
	if err := c.Render(ctx, buffer); err != nil {
		return nil, err
	}
	return append([]byte(nil), buffer.Bytes()...), nil
}
