// SPDX-License-Identifier: Apache-2.0

// Package fleet is the part of the console about the devices: found, adopted,
// tested, replaced, and the labels on what they guard.
//
// # How it fits
//
// [Mount] adds the pages to the frame of package console. What they show is put
// together from the book of package flow and the room of package devices, which
// also does what the buttons ask for.
//
// # Promises
//
// A device at an opening is shown to those whom the opening concerns. One that
// nobody has adopted belongs to no store yet: it is shown to those who see
// something else of the same gateway, or everything. A test moves nothing.
package fleet

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"time"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/internal/approvals"
	"github.com/sashlock/sashlock/internal/console"
	"github.com/sashlock/sashlock/internal/devices"
	"github.com/sashlock/sashlock/internal/lang"
	"github.com/sashlock/sashlock/internal/signin"
	"github.com/sashlock/sashlock/internal/store"
)

// pages answers for the paths of this package.
type pages struct {
	*console.Frame
	charges *charges
}

// Mount adds the pages to a frame.
func Mount(f *console.Frame) {
	p := pages{f, &charges{}}
	f.Handle("GET /devices", signin.Read, p.list)
	f.Handle("GET /devices/models", signin.Read, p.market)
	f.Handle("GET /devices/assessment", signin.Read, p.assessment)
	f.Handle("POST /devices/assessment", signin.Read, p.assess)
	f.Handle("GET /devices/batteries", signin.Read, p.batteries)
	f.Handle("GET /devices/latency", signin.Read, p.latency)
	f.Handle("GET /devices/{id}", signin.Read, p.device)
	f.Handle("POST /devices/{id}/adopt", signin.Setup, p.adopt)
	f.Dangerous("POST /devices/{id}/test", signin.Setup, p.test)
	f.Dangerous("POST /devices/{id}/remove", signin.Setup, p.remove)
	f.Dangerous("POST /devices/{id}/replace", signin.Setup, p.replace)
	f.Handle("GET /devices/labels", signin.Read, p.labels)
	f.Handle("POST /devices/labels", signin.Setup, p.issue)
}

// all reads every device that was ever found.
func (p pages) all(ctx context.Context) (list []sashlock.Device, err error) {
	err = p.Store.View(ctx, func(q store.Query) (err error) { list, err = devices.List(q); return err })
	return list, err
}

// concerns says of which gateways whoever is signed in may see what was found.
func (p pages) concerns(ctx context.Context) func(gateway string) bool {
	o, book := console.Who(ctx).Operator, p.Hall.Book()
	serves, mine := map[string]bool{}, map[string]bool{}
	for _, d := range book.Devices {
		at := book.Openings[d.Opening]
		serves[d.Gateway] = true
		if o.Sees(at.Site, at.Area) {
			mine[d.Gateway] = true
		}
	}
	return func(gateway string) bool {
		return mine[gateway] || !serves[gateway] || len(o.Sites) == 0 && len(o.Areas) == 0
	}
}

// find finds a device by its identifier, if it concerns whoever is signed in.
func (p pages) find(ctx context.Context, id string) (sashlock.Device, error) {
	var d sashlock.Device
	err := p.Store.View(ctx, func(q store.Query) (err error) { d, err = devices.Find(q, id); return err })
	if err != nil {
		return d, err
	}
	at := p.Hall.Book().Openings[d.Opening]
	if d.Opening != "" && !console.Who(ctx).Operator.Sees(at.Site, at.Area) || d.Opening == "" && !p.concerns(ctx)(d.Gateway) {
		return sashlock.Device{}, p.Refuse(ctx, "device "+string(d.ID))
	}
	return d, nil
}

// adopt fits a found device to an opening.
func (p pages) adopt(w http.ResponseWriter, r *http.Request) error {
	if err := p.Form(w, r); err != nil {
		return err
	}
	d, err := p.find(r.Context(), r.PathValue("id"))
	if err != nil {
		return err
	}
	slug := r.FormValue("opening")
	if slug == "" {
		return &sashlock.Error{Kind: sashlock.Invalid, Op: "adopting device", Subject: "opening", Hint: lang.T(r.Context(), "choose the opening that it is fitted to")}
	}
	o, err := p.Opening(r.Context(), slug)
	if err != nil {
		return err
	}
	_, err = p.Devices.Adopt(r.Context(), console.Who(r.Context()).Operator.ID, string(d.ID), o.ID)
	return p.fitted(w, r, err, pathOf(d)+"?adopted=yes", p.fit(d, o.ID))
}

// test has a device say how it stands.
func (p pages) test(w http.ResponseWriter, r *http.Request) error {
	d, err := p.find(r.Context(), r.PathValue("id"))
	if err != nil {
		return err
	}
	if _, _, err := p.Devices.Test(r.Context(), console.Who(r.Context()).Operator.ID, string(d.ID)); err != nil {
		return err
	}
	return console.Back(w, r, pathOf(d)+"#test")
}

// remove takes a device away from its opening.
func (p pages) remove(w http.ResponseWriter, r *http.Request) error {
	d, err := p.find(r.Context(), r.PathValue("id"))
	if err != nil {
		return err
	}
	_, err = p.Devices.Remove(r.Context(), console.Who(r.Context()).Operator.ID, string(d.ID))
	return p.fitted(w, r, err, pathOf(d), p.fit(d, ""))
}

// replace fits another device in place of one.
func (p pages) replace(w http.ResponseWriter, r *http.Request) error {
	if err := p.Form(w, r); err != nil {
		return err
	}
	d, err := p.find(r.Context(), r.PathValue("id"))
	if err != nil {
		return err
	}
	if r.FormValue("with") == "" {
		return &sashlock.Error{Kind: sashlock.Invalid, Op: "replacing device", Subject: "with", Hint: lang.T(r.Context(), "choose the device that takes its place")}
	}
	other, err := p.find(r.Context(), r.FormValue("with"))
	if err != nil {
		return err
	}
	_, err = p.Devices.Replace(r.Context(), console.Who(r.Context()).Operator.ID, string(d.ID), string(other.ID))
	return p.fitted(w, r, err, pathOf(other)+"?adopted=yes", p.fit(d, ""), p.fit(other, d.Opening))
}

// fit is a device that comes to another opening than the one where it is.
func (p pages) fit(d sashlock.Device, to sashlock.OpeningID) approvals.Fit {
	openings := p.Hall.Book().Openings
	return approvals.Fit{Device: d.ID, From: openings[d.Opening].Slug, To: openings[to].Slug}
}

// fitted shows where to go on after devices were fitted: where that waits for a
// second operator, where it waits.
func (p pages) fitted(w http.ResponseWriter, r *http.Request, err error, path string, fits ...approvals.Fit) error {
	switch {
	case errors.Is(err, approvals.ErrHeld):
		return p.ProposeChange(w, r, approvals.PlaceKind, approvals.Change{Fits: fits}, 0)
	case err != nil:
		return err
	}
	return console.Back(w, r, path)
}

func pathOf(d sashlock.Device) string { return "/devices/" + url.PathEscape(string(d.ID)) }

// in is an instant in a zone; one that is not known stays so.
func in(t time.Time, zone *time.Location) time.Time {
	if t.IsZero() {
		return t
	}
	return t.In(zone)
}
