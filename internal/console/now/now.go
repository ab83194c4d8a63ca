// SPDX-License-Identifier: Apache-2.0

// Package now is the page that shows a store as it stands: the floor plan or
// the list of all openings, what stands out, the alarms and the last events;
// and the page of one opening.
//
// # How it fits
//
// [Mount] adds the pages to the frame of package console. What they show is
// put together in board.go and detail.go from the store and the book of
// package flow; what a button does goes through the doors, on behalf of the
// frame's operator.
//
// # Promises
//
// What is stale is never shown as secured. The plan and the list show the same
// openings with the same words. No button does anything by a GET request.
package now

import (
	"context"
	"net/http"
	"net/url"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/internal/alarms"
	"github.com/sashlock/sashlock/internal/console"
)

// pages answers for the paths of this package.
type pages struct{ *console.Frame }

// Mount adds the pages to a frame.
func Mount(f *console.Frame) {
	p := pages{f}
	f.Handle("GET /{$}", p.board)
	f.Handle("GET /live", p.boardStream)
	f.Handle("GET /openings/{slug}", p.opening)
	f.Handle("GET /openings/{slug}/live", p.openingStream)
	f.Handle("POST /openings/{slug}/release", p.release)
	f.Handle("POST /alarms/{id}/acknowledge", p.acknowledge)
}

// view is what a page was asked to show.
type view struct {
	Site string // slug; empty: the first
	List bool   // as a list, not as a plan
}

func viewOf(r *http.Request) view {
	q := r.URL.Query()
	return view{Site: q.Get("site"), List: q.Get("view") == "list"}
}

// query is the view as an address has it.
func (v view) query(list bool) string {
	q := url.Values{}
	if v.Site != "" {
		q.Set("site", v.Site)
	}
	if list {
		q.Set("view", "list")
	}
	if len(q) == 0 {
		return ""
	}
	return "?" + q.Encode()
}

func (p pages) board(w http.ResponseWriter, r *http.Request) error {
	v := viewOf(r)
	b, err := p.look(r.Context(), v)
	if err != nil {
		return err
	}
	layout := p.Layout("Now", b.Site, b.Now, "/live"+v.query(v.List), console.At(b.parts()))
	return p.Show(w, r, boardPage(layout, b))
}

func (p pages) boardStream(w http.ResponseWriter, r *http.Request) error {
	v := viewOf(r)
	return p.Stream(w, r, func(ctx context.Context) ([]console.Part, error) {
		b, err := p.look(ctx, v)
		return b.parts(), err
	})
}

// acknowledge records that whoever looks at the page has seen an alarm.
func (p pages) acknowledge(w http.ResponseWriter, r *http.Request) error {
	if _, err := alarms.Acknowledge(r.Context(), p.Hall, p.Operator, sashlock.AlarmID(r.PathValue("id"))); err != nil {
		return err
	}
	back(w, r, "/#alarms")
	return nil
}

// back sends the browser to another page after something was done, so that
// loading that one again does not do it again.
func back(w http.ResponseWriter, r *http.Request, to string) {
	http.Redirect(w, r, to, http.StatusSeeOther)
}
