// SPDX-License-Identifier: Apache-2.0

package now

import (
	"context"
	"net/http"
	"net/url"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/internal/console"
	"github.com/sashlock/sashlock/internal/lang"
)

const panelLines = 3

func (p pages) opening(w http.ResponseWriter, r *http.Request) error {
	slug, decision := r.PathValue("slug"), sashlock.DecisionID(r.URL.Query().Get("decision"))
	d, err := p.examine(r.Context(), slug, decision, new(chartMemo))
	if err != nil {
		return err
	}
	live := "/openings/" + url.PathEscape(slug) + "/live"
	if decision != "" {
		live += "?decision=" + url.QueryEscape(string(decision))
	}
	return p.Show(w, r, console.Head{
		Title: d.Opening.Name, Section: console.InNow, Site: d.Site, Live: live, At: console.At(d.parts()),
		About:  lang.T(r.Context(), "How one opening stands, what happened there, who can open it and what is fitted to it."),
		Styles: []string{"now.css"}, Scripts: []string{"now.js"},
	}, openingPage(d))
}

func (p pages) openingStream(w http.ResponseWriter, r *http.Request) error {
	slug, decision := r.PathValue("slug"), sashlock.DecisionID(r.URL.Query().Get("decision"))
	if _, err := p.Opening(r.Context(), slug); err != nil {
		return err
	}
	last := new(chartMemo)
	return p.StreamShared(w, r, func(ctx context.Context) ([]console.Part, error) {
		d, err := p.examine(ctx, slug, decision, last)
		return d.parts(), err
	})
}

// panel is an opening in short, beside the plan: a piece of a page.
func (p pages) panel(w http.ResponseWriter, r *http.Request) error {
	ctx := r.Context()
	d, err := p.inspect(ctx, r.PathValue("slug"))
	if err != nil {
		return err
	}
	if d.Lines, err = p.Feed.LinesOf(ctx, d.Opening.ID, panelLines); err != nil {
		return err
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	return panelBody(d).Render(ctx, w)
}

// release asks for an opening on behalf of a person, and shows the answer.
func (p pages) release(w http.ResponseWriter, r *http.Request) error {
	o, err := p.Opening(r.Context(), r.PathValue("slug"))
	if err != nil {
		return err
	}
	if err := p.Form(w, r); err != nil {
		return err
	}
	who := r.FormValue("person")
	q := sashlock.Request{Opening: o.ID, Operator: console.Who(r.Context()).Operator.ID, Method: sashlock.ByRemote, Level: console.Who(r.Context()).Assurance(p.Now())}
	for id, person := range p.Hall.Book().People {
		if person.Slug == who {
			q.Person = id
		}
	}
	if q.Person == "" {
		return &sashlock.Error{Kind: sashlock.Invalid, Op: "unlocking", Subject: "person", Hint: lang.T(r.Context(), "choose somebody from the list")}
	}
	a, err := p.Hall.Request(r.Context(), q)
	if err != nil {
		return err
	}
	return console.Back(w, r, "/openings/"+url.PathEscape(o.Slug)+"?decision="+url.QueryEscape(string(a.Decision.ID))+"#answer")
}

// held reports whether its button is to be held down for a moment: where an
// unlock by accident would matter.
func (d *detail) held() bool {
	return d.Opening.Kind == sashlock.Door || d.Opening.Kind == sashlock.Cage
}

// personField is the id of the field that says for whom: a page may have the
// one of the panel and its own.
func personField(page bool) string {
	if page {
		return "person"
	}
	return "panel-person"
}
