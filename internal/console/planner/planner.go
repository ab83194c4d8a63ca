// SPDX-License-Identifier: Apache-2.0

// Package planner is the part of the console about the floor plan: its picture,
// the outlines of its areas, and where everything is; and the photos of
// openings.
//
// # How it fits
//
// [Mount] adds the pages to the frame of package console. The editor is one
// form: its tables hold every place as numbers, and its script draws them and
// changes them by pointer and keyboard. What is sent is the form, with or
// without the script. Package plans keeps outlines, cameras and pictures;
// package sites keeps where the openings are.
//
// # Promises
//
// Two people who edit one plan lose nothing: whoever saves second sees both and
// chooses. A picture is served only as a picture, in a sandbox of its own.
package planner

import (
	"bytes"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/internal/console"
	"github.com/sashlock/sashlock/internal/flow"
	"github.com/sashlock/sashlock/internal/lang"
	"github.com/sashlock/sashlock/internal/plans"
	"github.com/sashlock/sashlock/internal/signin"
	"github.com/sashlock/sashlock/internal/store"
)

// pages answers for the paths of this package.
type pages struct {
	*console.Frame
	turn chan struct{} // pictures are decoded one at a time: a large one takes memory
}

// Mount adds the pages to a frame.
func Mount(f *console.Frame) {
	p := pages{f, make(chan struct{}, 1)}
	f.Handle("GET /plan", signin.Setup, p.edit)
	f.Handle("POST /plan", signin.Setup, p.save)
	f.Handle("POST /plan/picture", signin.Setup, p.upload)
	f.Handle("POST /plan/picture/remove", signin.Setup, p.removePicture)
	f.Handle("POST /openings/{slug}/photo", signin.Setup, p.uploadPhoto)
	f.Handle("POST /openings/{slug}/photo/remove", signin.Setup, p.removePhoto)
	f.Public("GET /pictures/{id}", p.picture)
	f.Public("GET /openings/{slug}/photo", p.photo)
}

// site is the site whose plan is edited. A plan is one whole: who may see only
// some areas of the site may not change it.
func (p pages) site(r *http.Request) (sashlock.Site, error) {
	site, err := p.Site(r)
	if err == nil && len(console.Who(r.Context()).Operator.Areas) > 0 {
		err = p.Refuse(r.Context(), "plan of site "+string(site.ID))
	}
	return site, err
}

func (p pages) edit(w http.ResponseWriter, r *http.Request) error {
	site, err := p.site(r)
	if err != nil {
		return err
	}
	var e *editor
	if err := p.Store.View(r.Context(), func(q store.Query) (err error) { e, err = p.read(q, site); return err }); err != nil {
		return err
	}
	e.Saved = r.URL.Query().Get("saved") == "yes"
	if left := r.URL.Query().Get("left"); len(left) < 400 && strings.Trim(left, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ,") == "" {
		e.Left = strings.ReplaceAll(left, ",", ", ")
	}
	return p.show(w, r, e)
}

func (p pages) show(w http.ResponseWriter, r *http.Request, e *editor) error {
	status := 0
	switch {
	case len(e.Wrong) > 0:
		status = console.Refused
	case len(e.Both) > 0:
		status = console.Outrun
	}
	return p.Show(w, r, console.Head{
		Status: status, Title: lang.T(r.Context(), "Floor plan"), Section: console.InDevices, Site: e.Site, Styles: []string{"planner.css"}, Scripts: []string{"planner.js"},
		About: lang.T(r.Context(), "Where everything is. Areas, openings, cameras and sensors are placed here, by pointer, by keyboard or as numbers; the page Now shows the same plan with how things stand."),
	}, editorPage(e))
}

// save takes the form. Either all of it is kept or nothing.
func (p pages) save(w http.ResponseWriter, r *http.Request) error {
	site, err := p.site(r)
	if err != nil {
		return err
	}
	if err := p.Form(w, r); err != nil {
		return err
	}
	var e *editor
	_, err = p.Hall.Change(r.Context(), flow.Change{Operator: console.Who(r.Context()).Operator.ID, Make: func(tx *store.Tx) (flow.Edit, error) {
		var err error
		if e, err = p.read(tx, site); err != nil {
			return flow.Edit{}, err
		}
		return e.take(tx, r.PostForm)
	}})
	if err == nil {
		return console.Back(w, r, address(site, url.Values{"saved": {"yes"}}))
	}
	if e == nil || len(e.Wrong) == 0 && len(e.Both) == 0 {
		return err
	}
	return p.show(w, r, e)
}

func address(site sashlock.Site, more url.Values) string {
	more.Set("site", site.Slug)
	return "/plan?" + more.Encode()
}

// upload takes the picture under the plan.
func (p pages) upload(w http.ResponseWriter, r *http.Request) error {
	site, err := p.site(r)
	if err != nil {
		return err
	}
	picture, err := p.received(w, r, plans.Clean)
	if err != nil {
		return err
	}
	err = p.change(r, func(tx *store.Tx) (flow.Edit, error) { return plans.SavePicture(tx, site.ID, picture) })
	if err != nil {
		return err
	}
	more := url.Values{}
	if len(picture.Left) > 0 {
		more.Set("left", strings.Join(picture.Left, ","))
	}
	return console.Back(w, r, address(site, more))
}

func (p pages) removePicture(w http.ResponseWriter, r *http.Request) error {
	site, err := p.site(r)
	if err != nil {
		return err
	}
	if err := p.change(r, func(tx *store.Tx) (flow.Edit, error) { return plans.RemovePicture(tx, site.ID, "") }); err != nil {
		return err
	}
	return console.Back(w, r, address(site, url.Values{}))
}

// uploadPhoto takes the photo of an opening.
func (p pages) uploadPhoto(w http.ResponseWriter, r *http.Request) error {
	o, err := p.Opening(r.Context(), r.PathValue("slug"))
	if err != nil {
		return err
	}
	picture, err := p.received(w, r, plans.CleanPhoto)
	if err != nil {
		return err
	}
	if err := p.change(r, func(tx *store.Tx) (flow.Edit, error) { return plans.SavePhoto(tx, o, picture) }); err != nil {
		return err
	}
	return console.Back(w, r, p.afterPhoto(r, o))
}

func (p pages) removePhoto(w http.ResponseWriter, r *http.Request) error {
	o, err := p.Opening(r.Context(), r.PathValue("slug"))
	if err != nil {
		return err
	}
	if err := p.change(r, func(tx *store.Tx) (flow.Edit, error) { return plans.RemovePicture(tx, o.Site, o.ID) }); err != nil {
		return err
	}
	return console.Back(w, r, p.afterPhoto(r, o))
}

// afterPhoto is where to go on: the page that the form was on.
func (p pages) afterPhoto(r *http.Request, o sashlock.Opening) string {
	if then := r.URL.Query().Get("then"); then != "" {
		return console.Local(then)
	}
	return address(p.Hall.Book().Sites[o.Site], url.Values{}) + "#photos"
}

func (p pages) change(r *http.Request, do func(tx *store.Tx) (flow.Edit, error)) error {
	_, err := p.Hall.Change(r.Context(), flow.Change{Operator: console.Who(r.Context()).Operator.ID, Make: do})
	return err
}

// picture serves the picture of a plan or of an opening, by the identifier of
// the site or the opening, to those whom it concerns.
func (p pages) picture(w http.ResponseWriter, r *http.Request) error {
	book, id := p.Hall.Book(), r.PathValue("id")
	site, area := sashlock.SiteID(id), sashlock.AreaID("")
	o, opening := book.Openings[sashlock.OpeningID(id)]
	if opening {
		site, area = o.Site, o.Area
	}
	who := console.Who(r.Context()).Operator
	switch {
	case who.ID == "":
		return &sashlock.Error{Kind: sashlock.Denied, Op: "showing picture", Hint: lang.T(r.Context(), "sign in to see this picture")}
	case opening && !who.Sees(site, area), !who.At(site), !who.May(signin.Read) && !who.May(signin.Serve):
		return p.Refuse(r.Context(), "picture "+id[:min(len(id), 60)])
	}
	var picture plans.Picture
	if err := p.Store.View(r.Context(), func(q store.Query) (err error) { picture, err = plans.PictureOf(q, id); return err }); err != nil {
		return err
	}
	serve(w, r, picture)
	return nil
}

// photo serves the photo of an opening by the opening's name.
func (p pages) photo(w http.ResponseWriter, r *http.Request) error {
	for id, o := range p.Hall.Book().Openings {
		if o.Slug == r.PathValue("slug") {
			r.SetPathValue("id", string(id))
			return p.picture(w, r)
		}
	}
	return &sashlock.Error{Kind: sashlock.NotFound, Op: "showing photo", Hint: "there is no opening of that name"}
}

// serve answers with a picture that can be nothing else: opened by itself it
// stands in a sandbox without scripts, styles from elsewhere, or an origin.
func serve(w http.ResponseWriter, r *http.Request, picture plans.Picture) {
	h := w.Header()
	h.Set("Content-Type", picture.Kind)
	h.Set("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'; sandbox")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	h.Set("Cache-Control", "private, no-cache")
	if r.URL.Query().Get("v") == strconv.FormatInt(picture.Rev, 10) {
		h.Set("Cache-Control", "private, max-age=31536000, immutable")
	}
	h.Set("ETag", `"`+strconv.FormatInt(picture.Rev, 10)+`"`)
	http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(picture.Content))
}
