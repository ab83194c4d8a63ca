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
// operator who is signed in.
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
	"github.com/sashlock/sashlock/internal/lang"
	"github.com/sashlock/sashlock/internal/signin"
)

// pages answers for the paths of this package.
type pages struct{ *console.Frame }

// Mount adds the pages to a frame.
func Mount(f *console.Frame) {
	p := pages{f}
	f.Handle("GET /{$}", signin.Read, p.board)
	f.Handle("GET /live", signin.Read, p.boardStream)
	f.Handle("GET /openings/{slug}", signin.Read, p.opening)
	f.Handle("GET /openings/{slug}/live", signin.Read, p.openingStream)
	f.Dangerous("POST /openings/{slug}/release", signin.Release, p.release)
	f.Handle("POST /alarms/{id}/acknowledge", signin.Alarms, p.acknowledge)
}

// view is what a page was asked to show.
type view struct {
	Site sashlock.Site
	List bool // as a list, not as a plan
}

func (p pages) viewOf(r *http.Request) (view, error) {
	site, err := p.Site(r)
	return view{Site: site, List: r.URL.Query().Get("view") == "list"}, err
}

// query is the view as an address has it.
func (v view) query(list bool) string {
	q := url.Values{}
	if v.Site.Slug != "" {
		q.Set("site", v.Site.Slug)
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
	v, err := p.viewOf(r)
	if err != nil {
		return err
	}
	b, err := p.look(r.Context(), v)
	if err != nil {
		return err
	}
	head := console.Head{
		Title: lang.T(r.Context(), "Now"), Section: console.InNow, Site: b.Site,
		Live: "/live" + v.query(v.List), At: console.At(b.parts()),
	}
	return p.Show(w, r, head, boardPage(b))
}

func (p pages) boardStream(w http.ResponseWriter, r *http.Request) error {
	v, err := p.viewOf(r)
	if err != nil {
		return err
	}
	return p.StreamShared(w, r, func(ctx context.Context) ([]console.Part, error) {
		b, err := p.look(ctx, v)
		return b.parts(), err
	})
}

// acknowledge records that whoever looks at the page has seen an alarm.
func (p pages) acknowledge(w http.ResponseWriter, r *http.Request) error {
	if _, err := alarms.Acknowledge(r.Context(), p.Hall, console.Who(r.Context()).Operator.ID, sashlock.AlarmID(r.PathValue("id"))); err != nil {
		return err
	}
	return console.Back(w, r, "/#alarms")
}
