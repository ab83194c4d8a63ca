// SPDX-License-Identifier: Apache-2.0

// Package selfservice is the page on which a store lets customers open display
// cases themselves, or no more.
//
// # How it fits
//
// What may be switched on, and what a customer has to show, is the business of
// room shopper; what customers see is in package phone.
//
// # Promises
//
// Every change asks for a proof of presence. What can never be switched on is
// listed too, with what is against it.
package selfservice

import (
	"cmp"
	"context"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"time"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/internal/console"
	"github.com/sashlock/sashlock/internal/estate"
	"github.com/sashlock/sashlock/internal/lang"
	"github.com/sashlock/sashlock/internal/shopper"
	"github.com/sashlock/sashlock/internal/signin"
	"github.com/sashlock/sashlock/internal/store"
)

const (
	address  = "/settings/self-service"
	lookBack = 7 * 24 * time.Hour // how far back waits are shown
)

// pages answers for the paths of this package.
type pages struct {
	*console.Frame
	room *shopper.Room
}

// Mount adds the pages to a frame.
func Mount(f *console.Frame, room *shopper.Room) {
	p := pages{f, room}
	f.Handle("GET "+address, signin.Read, p.show)
	f.Dangerous("POST "+address, signin.Access, p.save)
	f.Dangerous("POST "+address+"/openings/{slug}", signin.Access, p.turn)
}

// row is one opening of the list.
type row struct {
	Opening sashlock.Opening
	Area    string
	On      bool
	Barred  string // what is against it for good; empty: nothing
}

// view is all that the page shows.
type view struct {
	Site   sashlock.Site
	Rules  shopper.Rules
	Rows   []row
	On     int
	Hours  string
	Whole  bool // whoever looks may change it for the whole site
	Waits  []float64
	Wrong  map[string]string
	Saved  bool
	Status int
}

func (p pages) view(ctx context.Context, site sashlock.Site) (*view, error) {
	who, book := console.Who(ctx).Operator, p.Hall.Book()
	v := &view{Site: site, Hours: book.Schedules[site.Hours].Name, Whole: len(who.Areas) == 0 && console.May(ctx, signin.Access), Wrong: map[string]string{}}
	var on map[sashlock.OpeningID]bool
	err := p.Store.View(ctx, func(q store.Query) (err error) {
		if on, err = shopper.Switched(q); err != nil {
			return err
		}
		if v.Rules, err = shopper.RulesOf(q, site.ID); err != nil {
			return err
		}
		v.Waits, err = shopper.Waits(q, site.ID, p.Now().Add(-lookBack))
		return err
	})
	if err != nil {
		return nil, err
	}
	for _, o := range book.Openings {
		if o.Site != site.ID || !who.Sees(o.Site, o.Area) || o.Kind != sashlock.Case && o.Kind != sashlock.Locker {
			continue
		}
		v.Rows = append(v.Rows, row{o, book.Areas[o.Area].Name, on[o.ID], shopper.Barred(book, o, p.Now())})
		if on[o.ID] {
			v.On++
		}
	}
	slices.SortFunc(v.Rows, func(a, b row) int {
		return cmp.Or(a.rank()-b.rank(), console.CompareNames(a.Area, b.Area), console.CompareNames(a.Opening.Name, b.Opening.Name), cmp.Compare(a.Opening.Slug, b.Opening.Slug))
	})
	return v, nil
}

func (p pages) show(w http.ResponseWriter, r *http.Request) error {
	site, err := p.Site(r)
	if err != nil {
		return err
	}
	v, err := p.view(r.Context(), site)
	if err != nil {
		return err
	}
	v.Saved = r.URL.Query().Has("saved")
	return p.page(w, r, v)
}

func (p pages) page(w http.ResponseWriter, r *http.Request, v *view) error {
	ctx := r.Context()
	return p.Show(w, r, console.Head{
		Title: lang.T(ctx, "Customers who open a case themselves"), Section: console.InSettings, Site: v.Site, Status: v.Status,
		Styles: []string{"settings.css", "selfservice.css"},
		About:  lang.T(ctx, "A customer scans the code on a case, shows a one-time code or a passkey, and opens that one case. Everything else about access stays as it is: the store's hours, guard rails and alarms hold for them as for everybody."),
	}, selfServicePage(v))
}

// number reads a number that was chosen from a list.
func number(r *http.Request, field string) int {
	n, err := strconv.Atoi(r.PostFormValue(field))
	if err != nil {
		return 0 // which no list has
	}
	return n
}

func (p pages) save(w http.ResponseWriter, r *http.Request) error {
	ctx := r.Context()
	site, err := p.Site(r)
	if err != nil {
		return err
	}
	if err := p.Form(w, r); err != nil {
		return err
	}
	v, err := p.view(ctx, site)
	if err != nil {
		return err
	}
	if !v.Whole {
		return p.Refuse(ctx, "site "+string(site.ID))
	}
	rev, _ := strconv.ParseInt(r.PostFormValue("rev"), 10, 64)
	v.Rules = shopper.Rules{
		Site: site.ID, Codes: r.PostFormValue("codes") != "", Passkeys: r.PostFormValue("passkeys") != "", OnShift: r.PostFormValue("on_shift") != "",
		Openings: number(r, "openings"), Minutes: number(r, "minutes"), AtCase: number(r, "at_case"), AtSite: number(r, "at_site"), Keep: number(r, "keep"), Rev: rev,
	}
	switch err := p.room.SaveRules(ctx, console.Who(ctx).Operator.ID, v.Rules); {
	case sashlock.IsKind(err, sashlock.Conflict):
		now, err := p.view(ctx, site)
		if err != nil {
			return err
		}
		v.Rules.Rev, v.Status = now.Rules.Rev, console.Outrun
		v.Wrong[""] = lang.T(ctx, "Somebody else changed this meanwhile. Below is what you chose; save again to replace it.")
		return p.page(w, r, v)
	case sashlock.IsKind(err, sashlock.Invalid):
		for _, one := range estate.ListOf(err) {
			v.Wrong[one.Field] = one.In(lang.Of(ctx))
		}
		v.Status = console.Refused
		return p.page(w, r, v)
	case err != nil:
		return err
	}
	return console.Back(w, r, address+"?saved&site="+url.QueryEscape(site.Slug))
}

// turn switches one opening on or off.
func (p pages) turn(w http.ResponseWriter, r *http.Request) error {
	ctx := r.Context()
	o, err := p.Opening(ctx, r.PathValue("slug"))
	if err != nil {
		return err
	}
	if err := p.Form(w, r); err != nil {
		return err
	}
	site := p.Hall.Book().Sites[o.Site]
	err = p.room.Switch(ctx, console.Who(ctx).Operator.ID, o, r.PostFormValue("on") != "")
	if sashlock.IsKind(err, sashlock.Conflict) {
		v, viewErr := p.view(ctx, site)
		if viewErr != nil {
			return viewErr
		}
		v.Wrong[""], v.Status = o.Name+": "+lang.T(ctx, console.Sentence(err)), console.Outrun
		return p.page(w, r, v)
	}
	if err != nil {
		return err
	}
	return console.Back(w, r, address+"?saved&site="+url.QueryEscape(site.Slug)+"#"+o.Slug)
}

// median is the wait in the middle, in seconds; the waits are in order.
func (v *view) median() int { return int(v.Waits[len(v.Waits)/2] + 0.5) }

// rank puts first what customers open, and last what they never can.
func (r row) rank() int {
	switch {
	case r.On:
		return 0
	case r.Barred == "":
		return 1
	}
	return 2
}
