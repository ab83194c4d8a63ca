// SPDX-License-Identifier: Apache-2.0

package fleet

import (
	"cmp"
	"context"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/internal/battery"
	"github.com/sashlock/sashlock/internal/console"
	"github.com/sashlock/sashlock/internal/devices"
	"github.com/sashlock/sashlock/internal/lang"
	"github.com/sashlock/sashlock/internal/signin"
)

// row is a device as lists show it.
type row struct {
	sashlock.Device
	sashlock.DeviceState
	At       sashlock.Opening // where it is fitted; empty: nowhere
	AreaName string
}

func (r row) low() bool  { return r.Battery >= 0 && r.Battery <= battery.Due }
func (r row) weak() bool { return r.Weak != "" || !r.Has(sashlock.SecureLink) }

// path is the address of its page.
func (r row) path() string { return pathOf(r.Device) }

// show is which devices a list shows.
type show string

const (
	showAll  show = ""
	showAway show = "away"
	showLow  show = "battery"
	showWeak show = "weak"
)

// words is what a choice of devices is called.
func (s show) words() string {
	switch s {
	case showAway:
		return lang.Mark("Out of reach")
	case showLow:
		return lang.Mark("Battery low")
	case showWeak:
		return lang.Mark("Weak link")
	}
	return lang.Mark("All")
}

func (s show) takes(r row) bool {
	switch s {
	case showAway:
		return !r.Online
	case showLow:
		return r.low()
	case showWeak:
		return r.weak()
	}
	return true
}

// choice is a filter with how many devices it shows.
type choice struct {
	Show  show
	Count int
	Path  string
	On    bool
}

// group is the devices of an area.
type group struct {
	Area string
	Rows []row
}

// overview is what the page of all devices shows.
type overview struct {
	Site     sashlock.Site
	Now      time.Time
	Search   string
	Show     show
	Found    []row // in the inbox
	Places   []places
	Gateways []devices.GatewayStatus
	Choices  []choice
	Groups   []group
	Fitted   int // at the site, whatever is shown
	MaySetUp bool
	Whole    bool // whoever is signed in sees every store
}

// places are the openings of an area that a device may be fitted to.
type places struct {
	Area     string
	Openings []place
}

type place struct {
	Slug, Name string
	Locked     bool // it has a lock already
}

func (p pages) list(w http.ResponseWriter, r *http.Request) error {
	site, err := p.Site(r)
	if err != nil {
		return err
	}
	o := &overview{Site: site, Now: console.LocalTime(site, p.Now()), Show: show(r.URL.Query().Get("show")), MaySetUp: console.May(r.Context(), signin.Setup)}
	o.Search = console.Clip(r.URL.Query().Get("q"), console.MaxSearch)
	if err := p.fill(r.Context(), o); err != nil {
		return err
	}
	return p.Show(w, r, console.Head{
		Title: lang.T(r.Context(), "Devices"), Section: console.InDevices, Site: site, Styles: []string{"fleet.css"},
		About: lang.T(r.Context(), "Everything with an address: locks, contacts, sensors, and the gateways that reach them. What was found but not adopted waits at the top; nothing that it says changes anything until it is fitted to an opening."),
	}, listPage(o))
}

// rows puts devices together with what they last said.
func (p pages) rows(ctx context.Context) ([]row, error) {
	all, err := p.all(ctx)
	if err != nil {
		return nil, err
	}
	states, err := p.Store.DeviceStates(ctx)
	if err != nil {
		return nil, err
	}
	said := make(map[sashlock.DeviceID]sashlock.DeviceState, len(states))
	for _, s := range states {
		said[s.Device] = s
	}
	book := p.Hall.Book()
	rows := make([]row, 0, len(all))
	for _, d := range all {
		s, heard := said[d.ID]
		if !heard {
			s.Battery = -1
		}
		at := book.Openings[d.Opening]
		rows = append(rows, row{Device: d, DeviceState: s, At: at, AreaName: book.Areas[at.Area].Name})
	}
	return rows, nil
}

// fill sorts the devices into inbox and areas.
func (p pages) fill(ctx context.Context, o *overview) error {
	rows, err := p.rows(ctx)
	if err != nil {
		return err
	}
	who, concerns := console.Who(ctx).Operator, p.concerns(ctx)
	o.Whole = len(who.Sites)+len(who.Areas) == 0
	var fitted []row
	for _, r := range rows {
		switch {
		case r.Opening == "" && concerns(r.Gateway):
			o.Found = append(o.Found, r)
		case r.Opening != "" && r.At.Site == o.Site.ID && who.Sees(r.At.Site, r.At.Area):
			fitted = append(fitted, r)
		}
	}
	o.Fitted = len(fitted)
	o.choose(fitted)
	o.group(slices.DeleteFunc(fitted, func(r row) bool { return !o.Show.takes(r) || !o.matches(r) }))
	for _, g := range p.Devices.Gateways() {
		if concerns(g.Name) {
			o.Gateways = append(o.Gateways, g)
		}
	}
	o.Places = p.places(ctx, o.Site.ID)
	return nil
}

func (o *overview) matches(r row) bool {
	if o.Search == "" {
		return true
	}
	for _, text := range []string{r.Name, r.At.Name, r.AreaName, r.Maker, r.Model, r.Firmware, r.Gateway, r.Address, string(r.Device.ID)} {
		if strings.Contains(strings.ToLower(text), strings.ToLower(o.Search)) {
			return true
		}
	}
	return false
}

// choose makes the filters. One that would show nothing is left out, unless it
// is the one that was chosen.
func (o *overview) choose(fitted []row) {
	for _, s := range []show{showAll, showAway, showLow, showWeak} {
		n := 0
		for _, r := range fitted {
			if s.takes(r) {
				n++
			}
		}
		if n == 0 && s != showAll && s != o.Show {
			continue
		}
		q := url.Values{}
		for k, v := range map[string]string{"show": string(s), "q": o.Search, "site": o.Site.Slug} {
			if v != "" {
				q.Set(k, v)
			}
		}
		o.Choices = append(o.Choices, choice{Show: s, Count: n, Path: "/devices?" + q.Encode(), On: s == o.Show})
	}
}

func (o *overview) group(fitted []row) {
	slices.SortFunc(fitted, func(a, b row) int {
		return cmp.Or(cmp.Compare(a.AreaName, b.AreaName), console.CompareNames(a.At.Name, b.At.Name), console.CompareNames(a.Called(), b.Called()), cmp.Compare(a.Device.ID, b.Device.ID))
	})
	for _, r := range fitted {
		if n := len(o.Groups); n == 0 || o.Groups[n-1].Area != r.AreaName {
			o.Groups = append(o.Groups, group{Area: r.AreaName})
		}
		last := &o.Groups[len(o.Groups)-1]
		last.Rows = append(last.Rows, r)
	}
}

// places lists the openings of a site that concern whoever is signed in, by
// area, those without a lock first.
func (p pages) places(ctx context.Context, site sashlock.SiteID) []places {
	who, book := console.Who(ctx).Operator, p.Hall.Book()
	byArea := map[string][]place{}
	for id, o := range book.Openings {
		if o.Site != site || !who.Sees(o.Site, o.Area) {
			continue
		}
		area := book.Areas[o.Area].Name
		byArea[area] = append(byArea[area], place{Slug: o.Slug, Name: o.Name, Locked: slices.ContainsFunc(book.Fitted(id), isLock)})
	}
	var all []places
	for area, list := range byArea {
		slices.SortFunc(list, func(a, b place) int {
			return cmp.Or(cmp.Compare(order(a.Locked), order(b.Locked)), console.CompareNames(a.Name, b.Name), cmp.Compare(a.Slug, b.Slug))
		})
		all = append(all, places{area, list})
	}
	slices.SortFunc(all, func(a, b places) int { return cmp.Compare(a.Area, b.Area) })
	return all
}

func order(later bool) int {
	if later {
		return 1
	}
	return 0
}
