// SPDX-License-Identifier: Apache-2.0

// Package gateways is the part of the console about the connections to radios,
// brokers, buses and clouds: how each stands, and a form to set one up.
//
// # How it fits
//
// [Mount] adds the pages to the frame of package console. The form is made from
// the manifest of the driver, and what is typed is kept by the room of package
// internal/gateways, which also tries it.
//
// # Promises
//
// A gateway serves every store of the house, so only those who see all of them
// see these pages. Setting one up, trying one and removing one ask for a proof
// of presence. What was typed stays on the page whatever is wrong with it.
package gateways

import (
	"cmp"
	"context"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/driver"
	"github.com/sashlock/sashlock/internal/console"
	"github.com/sashlock/sashlock/internal/devices"
	"github.com/sashlock/sashlock/internal/gateways"
	"github.com/sashlock/sashlock/internal/lang"
	"github.com/sashlock/sashlock/internal/signin"
	"github.com/sashlock/sashlock/internal/store"
)

// home is the page of all gateways.
const home = "/gateways"

// pages answers for the paths of this package.
type pages struct {
	*console.Frame
	room *gateways.Room
}

// Mount adds the pages to a frame.
func Mount(f *console.Frame, room *gateways.Room) {
	p := pages{f, room}
	f.Handle("GET "+home, signin.Read, p.whole(p.list))
	f.Handle("GET "+home+"/new", signin.Setup, p.whole(p.begin))
	f.Handle("GET "+home+"/{name}", signin.Setup, p.whole(p.change))
	f.Handle("POST "+home+"/save", signin.Setup, p.whole(p.save))
	f.Handle("POST "+home+"/try", signin.Setup, p.whole(p.try))
	f.Dangerous("POST "+home+"/{name}/remove", signin.Setup, p.whole(p.remove))
}

// whole refuses operators of some stores only.
func (p pages) whole(page console.Page) console.Page {
	return func(w http.ResponseWriter, r *http.Request) error {
		if o := console.Who(r.Context()).Operator; len(o.Sites)+len(o.Areas) > 0 {
			return p.Refuse(r.Context(), "gateways, which serve every store")
		}
		return page(w, r)
	}
}

// owner is whose a gateway is.
type owner string

const (
	ofConsole owner = "console"
	ofFile    owner = "file"
	ofProgram owner = "program"
)

// row is a gateway as the list shows it.
type row struct {
	devices.GatewayStatus
	Owner   owner
	Title   string // of its driver
	Devices int    // found behind it
	Fitted  int    // of those, at openings
}

// overview is what the list shows.
type overview struct {
	Now      time.Time
	Rows     []row
	MaySetUp bool
	Saved    string // the one that was just saved
}

func (p pages) list(w http.ResponseWriter, r *http.Request) error {
	ctx := r.Context()
	site, err := p.Site(r)
	if err != nil {
		return err
	}
	o := &overview{Now: console.LocalTime(site, p.Now()), MaySetUp: console.May(ctx, signin.Setup)}
	if o.Rows, err = p.rows(ctx); err != nil {
		return err
	}
	if saved := r.URL.Query().Get("saved"); slices.ContainsFunc(o.Rows, func(one row) bool { return one.Name == saved }) {
		o.Saved = saved
	}
	h := p.head(ctx, lang.T(ctx, "Gateways"))
	h.About = lang.T(ctx, "A gateway is one connection: to a radio, a broker, a bus or a cloud. Devices behind it appear in the list of devices by themselves. Those of the configuration file belong to whoever runs the machine and are changed there.")
	return p.Show(w, r, h, listPage(o))
}

func (p pages) head(_ context.Context, title string) console.Head {
	return console.Head{Title: title, Section: console.InDevices, Styles: []string{"gateways.css"}}
}

// rows puts together who set a gateway up, how it stands, and what is behind it.
func (p pages) rows(ctx context.Context) ([]row, error) {
	var kept []gateways.Gateway
	var found []sashlock.Device
	err := p.Store.View(ctx, func(q store.Query) (err error) {
		if kept, err = gateways.List(q); err != nil {
			return err
		}
		found, err = devices.List(q)
		return err
	})
	if err != nil {
		return nil, err
	}
	titles, trouble := p.titles(), p.room.Trouble()
	var all []row
	for _, s := range p.Devices.Gateways() {
		one := row{GatewayStatus: s, Owner: ofProgram}
		if slices.Contains(p.room.OfFile, s.Name) {
			one.Owner = ofFile
		}
		all = append(all, one)
	}
	for _, g := range kept {
		i := slices.IndexFunc(all, func(one row) bool { return one.Name == g.Name })
		switch {
		case i >= 0 && all[i].Owner == ofProgram:
			all[i].Owner = ofConsole
		case i < 0:
			all = append(all, row{GatewayStatus: devices.GatewayStatus{Name: g.Name, Driver: g.Driver, Why: trouble[g.Name]}, Owner: ofConsole})
		}
	}
	for i := range all {
		one := &all[i]
		one.Title = cmp.Or(titles[one.Driver], one.Driver)
		for _, d := range found {
			if d.Gateway != one.Name {
				continue
			}
			if one.Devices++; d.Opening != "" {
				one.Fitted++
			}
		}
	}
	slices.SortFunc(all, func(a, b row) int { return strings.Compare(a.Name, b.Name) })
	return all, nil
}

// titles are what people call the drivers.
func (p pages) titles() map[string]string {
	all := map[string]string{}
	for _, m := range p.room.Described() {
		all[m.Name] = m.Title
	}
	return all
}

// begin offers the drivers, or the empty form of one.
func (p pages) begin(w http.ResponseWriter, r *http.Request) error {
	ctx := r.Context()
	name := r.URL.Query().Get("driver")
	if name == "" {
		return p.Show(w, r, p.head(ctx, lang.T(ctx, "New gateway")), choicePage(p.room.Described(), ""))
	}
	m, err := p.room.Describe(name)
	if err != nil {
		return err
	}
	return p.edit(w, r, newDraft(m))
}

// change shows the form of a gateway that is there.
func (p pages) change(w http.ResponseWriter, r *http.Request) error {
	g, m, err := p.find(r.Context(), r.PathValue("name"))
	if err != nil {
		return err
	}
	return p.edit(w, r, draftOf(m, g))
}

func (p pages) find(ctx context.Context, name string) (g gateways.Gateway, m driver.Manifest, err error) {
	err = p.Store.View(ctx, func(q store.Query) (err error) { g, err = gateways.Find(q, name); return err })
	if err != nil {
		return g, m, err
	}
	m, err = p.room.Describe(g.Driver)
	return g, m, err
}

func (p pages) edit(w http.ResponseWriter, r *http.Request, d *draft) error {
	ctx := r.Context()
	title := lang.T(ctx, "New gateway")
	if !d.New {
		title = d.Name
		d.YAML = p.room.YAML(d.gateway())
	}
	d.Files = p.room.Files()
	h := p.head(ctx, title)
	h.Status = d.Status
	return p.Show(w, r, h, editorPage(d))
}

// remove takes a gateway away.
func (p pages) remove(w http.ResponseWriter, r *http.Request) error {
	if err := p.Form(w, r); err != nil {
		return err
	}
	if err := p.room.Remove(r.Context(), console.Who(r.Context()).Operator.ID, r.PathValue("name"), revOf(r)); err != nil {
		return err
	}
	return console.Back(w, r, home)
}
