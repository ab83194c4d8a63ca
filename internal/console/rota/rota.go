// SPDX-License-Identifier: Apache-2.0

// Package rota is the part of the console about who works when: the week of a
// store, who is here now, swapping shifts, letting somebody stay, reading a rota
// in, and on a phone one's own shifts with the button to clock in.
//
// # How it fits
//
// Shifts are kept by the room of shifts; what a shift opens comes from the index
// of package access. Changes go through the hall on behalf of whoever is signed
// in.
//
// # Promises
//
// An operator of some stores sees and changes the shifts of these alone. A swap
// shows what it opens to whom before it is made. A rota does what was shown or
// nothing. Who only serves customers sees their own shifts and clocks only
// themselves in.
package rota

import (
	"cmp"
	"context"
	"net/http"
	"slices"
	"time"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/internal/console"
	"github.com/sashlock/sashlock/internal/flow"
	"github.com/sashlock/sashlock/internal/lang"
	"github.com/sashlock/sashlock/internal/shifts"
	"github.com/sashlock/sashlock/internal/signin"
	"github.com/sashlock/sashlock/internal/store"
)

// pages answers for the paths of this package.
type pages struct {
	*console.Frame
	files *waitingRoom
}

// Mount adds the pages to a frame.
func Mount(f *console.Frame) {
	p := pages{f, &waitingRoom{}}
	f.Handle("GET /rota", signin.Read, p.week)
	f.Handle("GET /rota/shifts/{id}", signin.Read, p.shift)
	f.Handle("POST /rota/shifts", signin.Access, p.add)
	f.Handle("POST /rota/shifts/{id}/swap", signin.Access, p.swap)
	f.Handle("POST /rota/shifts/{id}/times", signin.Access, p.times)
	f.Handle("POST /rota/shifts/{id}/cancel", signin.Access, p.cancel)
	f.Handle("POST /rota/shifts/{id}/clock-in", signin.Access, p.clockIn)
	f.Handle("POST /rota/shifts/{id}/clock-out", signin.Access, p.clockOut)
	f.Dangerous("POST /rota/allow", signin.Access, p.allow)
	f.Handle("GET /rota/import", signin.Access, p.ask)
	f.Handle("POST /rota/import", signin.Access, p.look)
	f.Dangerous("POST /rota/import/apply", signin.Access, p.apply)
	f.Handle("GET /rota/mine", signin.Serve, p.mine)
	f.Handle("POST /rota/mine/clock-in", signin.Serve, p.come)
	f.Handle("POST /rota/mine/clock-out", signin.Serve, p.leave)
}

// change carries out a change on behalf of whoever is signed in.
func (p pages) change(ctx context.Context, edit func(tx *store.Tx) (flow.Edit, error)) error {
	_, err := p.Hall.Change(ctx, flow.Change{Operator: console.Who(ctx).Operator.ID, Make: edit})
	return err
}

// head is that of a page of this part.
func (p pages) head(ctx context.Context, title string, site sashlock.Site) console.Head {
	return console.Head{
		Title: title, Section: console.InPeople, Site: site, Styles: []string{"rota.css"},
		About: lang.T(ctx, "Who works when. Grants that count only on shift follow it: outside their shift, nobody gets in by them."),
	}
}

// one finds the shift of an address, if it is of a store of whoever is signed
// in.
func (p pages) one(r *http.Request) (s shifts.Shift, site sashlock.Site, err error) {
	ctx := r.Context()
	err = p.Store.View(ctx, func(q store.Query) (err error) {
		s, err = shifts.Find(q, sashlock.ShiftID(r.PathValue("id")))
		return err
	})
	if err != nil {
		return s, site, err
	}
	if !console.Who(ctx).Operator.At(s.Site) {
		return s, site, p.Refuse(ctx, "shift "+string(s.ID))
	}
	return s, p.Hall.Book().Sites[s.Site], nil
}

// list reads shifts.
func (p pages) list(ctx context.Context, f shifts.Filter) (all []shifts.Shift, err error) {
	err = p.Store.View(ctx, func(q store.Query) (err error) { all, err = shifts.List(q, f); return err })
	return all, err
}

// state is how a shift stands, as people see it.
type state struct {
	Text  string
	Tone  console.Tone
	Shape string
}

// standing puts into a word or two how a shift stands.
func standing(ctx context.Context, s shifts.Shift, site sashlock.Site, now time.Time) state {
	clock := func(at time.Time) string { return console.LocalTime(site, at).Format("15:04") }
	switch {
	case !s.Standing():
		return state{lang.T(ctx, "Called off"), console.Doubt, "barred-circle"}
	case s.Forgot:
		return state{lang.T(ctx, "Nobody clocked out"), console.Watch, "half-circle"}
	case !s.Out.IsZero():
		return state{lang.T(ctx, "Gone at %s", clock(s.Out)), console.Calm, "circle"}
	case !s.In.IsZero():
		return state{lang.T(ctx, "Here since %s", clock(s.In)), console.Active, "circle"}
	case !s.Until.After(now):
		return state{lang.T(ctx, "Over"), console.Calm, "circle"}
	case s.From.After(now):
		return state{lang.T(ctx, "From %s", clock(s.From)), console.Calm, "outlined-circle"}
	case site.ClockIn:
		return state{lang.T(ctx, "Not clocked in"), console.Watch, "half-circle"}
	}
	return state{lang.T(ctx, "On shift"), console.Active, "outlined-circle"}
}

// span writes from when until when a shift is, by the clocks of the store.
func span(site sashlock.Site, s sashlock.Shift) string {
	return console.LocalTime(site, s.From).Format("15:04") + "–" + console.LocalTime(site, s.Until).Format("15:04")
}

// opens are the openings of a site that somebody can open at an instant only
// because they are on shift.
func opens(b *flow.Book, person sashlock.PersonID, site sashlock.SiteID, at time.Time) (all []sashlock.Opening) {
	for _, r := range b.Index.WhatCanOpen(person, at) {
		if o := b.Openings[r.Opening]; r.Terms.OnShift && o.Site == site {
			all = append(all, o)
		}
	}
	slices.SortFunc(all, func(a, b sashlock.Opening) int {
		return cmp.Or(console.CompareNames(a.Name, b.Name), cmp.Compare(a.ID, b.ID))
	})
	return all
}

// middle is an instant in a shift.
func middle(s sashlock.Shift) time.Time { return s.From.Add(s.Until.Sub(s.From) / 2) }
