// SPDX-License-Identifier: Apache-2.0

package triage

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"time"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/internal/alarms"
	"github.com/sashlock/sashlock/internal/console"
	"github.com/sashlock/sashlock/internal/incidents"
	"github.com/sashlock/sashlock/internal/lang"
	"github.com/sashlock/sashlock/internal/signin"
	"github.com/sashlock/sashlock/internal/store"
)

// dossier is everything about one incident.
type dossier struct {
	incidents.Incident
	Site    sashlock.Site
	Area    sashlock.Area
	Zone    *time.Location
	Now     time.Time
	Gist    gist
	May     bool // act on it
	Me      sashlock.OperatorID
	Alarms  []alarm
	Sights  []incidents.Sight
	People  []involved
	Tape    tape
	Able    []string // names of those who may act on it
	names   names
	Problem *problem // of an act that came to nothing
	Typed   typed
}

// alarm is one of the incident's alarms.
type alarm struct {
	sashlock.Alarm
	Opening, Slug string
	Shelf         alarms.Shelf // its Until is zero: it is not shelved
}

// involved is somebody who had to do with it.
type involved struct {
	Slug, Name string
	What       []string // what they did, in words, each once
}

// problem is why an act came to nothing.
type problem struct {
	Status int
	Title  string
	Text   string
	Field  string // what was wrong; empty: somebody was faster
}

// typed is what a form was sent with, to be kept when it comes to nothing.
type typed struct {
	Note   string // of the note form
	Cause  incidents.Cause
	Ending string // the note of a resolution
	Reason string // of shelving
	For    string
}

// inspect puts the page of one incident together.
func (p pages) inspect(ctx context.Context, i incidents.Incident) (*dossier, error) {
	book, who := p.Hall.Book(), console.Who(ctx).Operator
	site := book.Sites[i.Site]
	d := &dossier{
		Incident: i, Site: site, Area: book.Areas[i.Area], Zone: console.Zone(site), Now: console.LocalTime(site, p.Now()),
		May: who.May(signin.Alarms), Me: who.ID,
	}
	err := p.Store.View(ctx, func(q store.Query) error {
		in, err := incidents.AlarmsOf(q, []string{i.ID})
		if err != nil {
			return err
		}
		found, err := alarms.FindAll(q, in[i.ID])
		if err != nil {
			return err
		}
		shelves, err := alarms.Shelves(q, p.Now())
		if err != nil {
			return err
		}
		for _, a := range found {
			o := book.Openings[a.Opening]
			d.Gist.add(o, a.Rule)
			d.Alarms = append(d.Alarms, alarm{Alarm: a, Opening: o.Name, Slug: o.Slug, Shelf: shelves[a.ID]})
		}
		if d.Sights, err = incidents.Sights(q, i.ID); err != nil {
			return err
		}
		all, err := signin.Operators(q)
		d.names = namesOf(all)
		d.able(all)
		return err
	})
	return d, err
}

// able lists who may act on the incident.
func (d *dossier) able(all []signin.Operator) {
	for _, o := range all {
		if o.May(signin.Alarms) && o.Sees(d.Incident.Site, d.Incident.Area) {
			d.Able = append(d.Able, o.Name)
		}
	}
}

// mostEvents is how many events of one opening a replay takes in.
const mostEvents = 400

// play reads the ledger for the replay.
func (p pages) play(ctx context.Context, d *dossier) error {
	r := reel{
		book: p.Hall.Book(), zone: d.Zone, from: d.Opened.Add(-margin), until: d.Latest.Add(margin), first: d.Opened, now: p.Now(), names: d.names,
	}
	cut := false
	if r.until.Sub(r.from) > maxReach {
		r.until, cut = r.from.Add(maxReach), true
	}
	for _, a := range d.Alarms {
		if id := a.Alarm.Opening; !slices.Contains(r.opening, id) {
			r.opening = append(r.opening, id)
		}
	}
	if len(r.opening) > maxOpening {
		r.opening, cut = r.opening[:maxOpening], true
	}
	for _, id := range r.opening {
		events, err := p.Store.Events(ctx, store.EventQuery{Opening: id, Since: r.from, Until: r.until, Limit: mostEvents})
		if err != nil {
			return err
		}
		cut = cut || len(events) == mostEvents
		r.events = append(r.events, events...)
		if err := p.before(ctx, &r, id, events); err != nil {
			return err
		}
	}
	acts, err := p.acts(ctx, d.Incident, r.until)
	r.events = sorted(append(r.events, acts...))
	for i, e := range r.events {
		r.events[i] = p.Feed.Named(ctx, e)
	}
	d.Tape = r.wind()
	d.Tape.Cut = cut
	d.involve(r)
	return err
}

// farBack is how many entries before its beginning a replay looks for how
// things stood.
const farBack = 20_000

// before reads what was last heard of an opening before the replay begins.
func (p pages) before(ctx context.Context, r *reel, id sashlock.OpeningID, events []sashlock.Event) error {
	if len(events) == 0 || events[0].Seq == 0 {
		return nil
	}
	first := events[0].Seq
	for _, kind := range []string{"lock.", "opening.", "presence."} {
		last, err := p.Store.Events(ctx, store.EventQuery{Opening: id, Kind: kind, From: max(0, first-farBack), Before: first, Newest: true, Limit: 3})
		if err != nil {
			return err
		}
		slices.Reverse(last)
		r.before = append(r.before, last...)
	}
	return nil
}

// acts are the entries about the incident itself, up to an instant.
func (p pages) acts(ctx context.Context, i incidents.Incident, until time.Time) ([]sashlock.Event, error) {
	events, err := p.Store.Events(ctx, store.EventQuery{Kind: "incident.", Since: i.Opened, Until: until, Limit: 2000})
	return slices.DeleteFunc(events, func(e sashlock.Event) bool { return e.Subject != i.ID }), err
}

// involve lists the people who had to do with it.
func (d *dossier) involve(r reel) {
	at := map[sashlock.PersonID]int{}
	for _, e := range r.events {
		var what string
		switch e.Kind {
		case sashlock.AccessGranted:
			what = lang.Mark("asked and was let in")
		case sashlock.AccessDenied:
			what = lang.Mark("asked and was refused")
		case sashlock.AccessTaken:
			what = lang.Mark("opened")
		case sashlock.AccessNotTaken:
			what = lang.Mark("did not open in time")
		}
		person, known := r.book.People[e.Person]
		if what == "" || !known {
			continue
		}
		n, has := at[e.Person]
		if !has {
			n = len(d.People)
			at[e.Person] = n
			d.People = append(d.People, involved{Slug: person.Slug, Name: person.Name})
		}
		if !slices.Contains(d.People[n].What, what) {
			d.People[n].What = append(d.People[n].What, what)
		}
	}
}

// unacknowledged are the alarms that nobody has acknowledged.
func (d *dossier) unacknowledged() (all []alarm) {
	for _, a := range d.Alarms {
		if a.Acknowledged.IsZero() {
			all = append(all, a)
		}
	}
	return all
}

// standing are the alarms that can be shelved.
func (d *dossier) standing() (all []alarm) {
	for _, a := range d.Alarms {
		if a.Standing() {
			all = append(all, a)
		}
	}
	return all
}

// longest is for how long all of them may be shelved.
func (d *dossier) longest() time.Duration {
	longest := alarms.MaxShelf
	for _, a := range d.standing() {
		longest = min(longest, alarms.Longest(a.Alarm))
	}
	return longest
}

// goesOn reports whether a condition is not over.
func (d *dossier) goesOn() bool {
	return slices.ContainsFunc(d.Alarms, func(a alarm) bool { return a.Cleared.IsZero() })
}

// opinions counts what operators made of it.
func (d *dossier) opinions(o incidents.Opinion) (n int) {
	for _, one := range d.Opinions {
		if one == o {
			n++
		}
	}
	return n
}

// late reports whether it has waited too long for somebody.
func (d *dossier) late() bool { return d.State() == incidents.New && d.Now.Sub(d.Opened) >= late }

// parts are the pieces of the page that are kept up to date: none in which
// somebody types.
func (d *dossier) parts() []console.Part {
	if d == nil {
		return nil
	}
	var shelves []string
	for _, a := range d.Alarms {
		shelves = append(shelves, fmt.Sprintf("%d %v %v", a.Rev, a.Shelf.Until, a.Shelf.By))
	}
	return []console.Part{
		{ID: "case-head", Key: fmt.Sprintf("%d %v %v", d.Rev, d.late(), d.goesOn()), Body: caseHead(d)},
		{ID: "case-alarms", Key: fmt.Sprintf("%v", shelves), Body: caseAlarms(d)},
		{ID: "ladder", Key: fmt.Sprintf("%d %v %v", d.Rev, d.late(), d.Sights), Body: ladderCard(d)},
		{ID: "notes-list", Key: fmt.Sprintf("%d", d.Rev), Body: notesList(d)},
	}
}

func (p pages) incident(w http.ResponseWriter, r *http.Request) error {
	i, err := p.find(r.Context(), r.PathValue("id"))
	if err != nil {
		return err
	}
	if err := p.markSeen(r.Context(), i); err != nil {
		return err
	}
	return p.showIncident(w, r, i, nil, typed{})
}

// markSeen notes that whoever is signed in has seen the incident, if they are
// somebody who could act on it.
func (p pages) markSeen(ctx context.Context, i incidents.Incident) error {
	who := console.Who(ctx).Operator
	if !who.May(signin.Alarms) {
		return nil
	}
	var seen map[string]time.Time
	err := p.Store.View(ctx, func(q store.Query) (err error) {
		seen, err = incidents.SeenBy(q, who.ID, []string{i.ID})
		return err
	})
	if at, has := seen[i.ID]; err != nil || has && !at.Before(i.Latest) {
		return err
	}
	if err := incidents.See(ctx, p.Store, who.ID, i.ID); !sashlock.IsKind(err, sashlock.Unavailable) {
		return err
	}
	return nil // reading goes on while nothing can be written
}

// showIncident answers with the page of an incident. When an act came to
// nothing it says so, and keeps what was typed.
func (p pages) showIncident(w http.ResponseWriter, r *http.Request, i incidents.Incident, why *problem, kept typed) error {
	d, err := p.inspect(r.Context(), i)
	if err == nil {
		err = p.play(r.Context(), d)
	}
	if err != nil {
		return err
	}
	d.Problem, d.Typed = why, kept
	head := console.Head{
		Title: d.Gist.in(r.Context()), Section: console.InAlarms, Site: d.Site, Styles: []string{"triage.css"}, Scripts: []string{"triage.js"},
		Live: "/incidents/" + i.ID + "/live", At: console.At(d.parts()),
	}
	if why != nil {
		head.Status = why.Status
	}
	return p.Show(w, r, head, incidentPage(d))
}

func (p pages) incidentStream(w http.ResponseWriter, r *http.Request) error {
	if _, err := p.find(r.Context(), r.PathValue("id")); err != nil {
		return err
	}
	return p.Stream(w, r, func(ctx context.Context) ([]console.Part, error) {
		i, err := p.find(ctx, r.PathValue("id"))
		if err != nil {
			return nil, err
		}
		d, err := p.inspect(ctx, i)
		return d.parts(), err
	})
}

// severalOpenings is at how many openings alarms stand when it is no longer one
// opening's trouble.
const severalOpenings = 3

// grave reports whether a lockdown may be what it takes: somebody forces an
// opening or a person, or alarms stand at several openings.
func (d *dossier) grave() bool {
	at := map[sashlock.OpeningID]bool{}
	for _, a := range d.Alarms {
		if !a.Cleared.IsZero() {
			continue
		}
		if at[a.Alarm.Opening] = true; a.Rule == "forced" || sashlock.Silent(a.Rule) {
			return true
		}
	}
	return len(at) >= severalOpenings
}
