// SPDX-License-Identifier: Apache-2.0

// Package scenarios is the part of the console about what a store does by
// itself: peak hours, opening and closing, special events and lockdowns.
//
// # What
//
// The page of a store lists what runs and what it did, and what might run; the
// buttons for lockdowns come first. The editor shows a scenario as a form and as
// text, and beside it what it would do and what it would have done.
//
// # How it fits
//
// Everything is kept and carried out by the room of scenarios, on behalf of
// whoever is signed in. It concerns those who are for the whole store.
//
// # Promises
//
// What could open a guarded opening is not saved, and the page names opening and
// rail. Nothing that was typed is lost when it is wrong or somebody else was
// faster. A lockdown takes two taps and no script.
package scenarios

import (
	"context"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/internal/console"
	"github.com/sashlock/sashlock/internal/lang"
	"github.com/sashlock/sashlock/internal/scenario"
	room "github.com/sashlock/sashlock/internal/scenarios"
	"github.com/sashlock/sashlock/internal/signin"
	"github.com/sashlock/sashlock/internal/store"
)

// pages answers for the paths of this package.
type pages struct {
	*console.Frame
	room *room.Room
}

// Mount adds the pages to a frame.
func Mount(f *console.Frame, r *room.Room) {
	p := pages{Frame: f, room: r}
	f.Handle("GET /scenarios", signin.Read, p.list)
	f.Handle("GET /scenarios/new", signin.Access, p.fresh)
	f.Handle("GET /scenarios/{slug}", signin.Read, p.show)
	f.Handle("POST /scenarios/draft", signin.Access, p.look)
	f.Handle("POST /scenarios", signin.Access, p.save)
	f.Handle("POST /scenarios/{slug}/start", signin.Release, p.press(scenario.StartPress))
	f.Handle("POST /scenarios/{slug}/drill", signin.Release, p.press(scenario.DrillPress))
	f.Handle("POST /scenarios/{slug}/stop", signin.Release, p.press(scenario.StopPress))
	f.Dangerous("POST /scenarios/{slug}/back", signin.Access, p.goBack)
	f.Dangerous("POST /scenarios/{slug}/remove", signin.Access, p.remove)
}

// mine reports whether the scenarios of a site concern whoever is signed in:
// they are about the whole of it.
func mine(ctx context.Context, site sashlock.SiteID) bool {
	return console.Who(ctx).Operator.Sees(site, "")
}

// find finds a scenario, if it concerns whoever is signed in.
func (p pages) find(ctx context.Context, slug string) (k room.Kept, err error) {
	err = p.Store.View(ctx, func(q store.Query) error { k, err = room.Find(q, slug); return err })
	if err == nil && !mine(ctx, k.At) {
		return room.Kept{}, p.Refuse(ctx, "scenario "+k.Slug)
	}
	return k, err
}

// head is that of a page of this part.
func head(ctx context.Context, title string) console.Head {
	return console.Head{
		Title: title, Section: console.InScenarios, Styles: []string{"scenarios.css"}, Scripts: []string{"scenarios.js"},
		About: lang.T(ctx, "A scenario is what the store does by itself: it begins by a schedule, by what the tills count, by an event or by a button, and takes back all it did when it ends. It never opens what is of high value or what a guard rail protects. A lockdown comes before everything else; ways out stay open from the inside."),
	}
}

// board is what the page of a store shows.
type board struct {
	Site      sashlock.Site
	Now       time.Time
	Threat    string
	Lockdowns []row
	Running   []row
	Others    []row
	Lately    []moment
	Press     bool // whoever looks may press buttons
	Change    bool // and change scenarios
	Elsewhere bool // they are for a part of the store only, and see none
}

// row is one scenario on the page of a store.
type row struct {
	room.Kept
	Begins  string
	Does    []string
	Next    string
	Held    []name
	Locked  []name
	Back    []backed
	Grants  int
	By      string // who began it
	Why     string // why it runs
	Over    string // why it ended the last time
	Broken  string // why it cannot be carried out
	Check   []item
	Looks   []name // who looks at what is not so
	Lasting string
}

// name is something with a page.
type name struct{ Name, Path string }

// backed is an opening that something keeps a scenario from.
type backed struct {
	name
	Rail string
}

// item is one line of a checklist.
type item struct {
	Text   string
	Looked int
	Failed []name
}

// moment is when a scenario began or ended.
type moment struct {
	At    time.Time
	Seq   int64
	Name  string
	Path  string
	Began bool
	Drill bool
	Why   string
	By    string
}

func (p pages) list(w http.ResponseWriter, r *http.Request) error {
	ctx := r.Context()
	site, err := p.Site(r)
	if err != nil {
		return err
	}
	b := &board{
		Site: site, Now: console.LocalTime(site, p.Now()), Press: console.May(ctx, signin.Release), Change: console.May(ctx, signin.Access),
		Threat: p.Store.SiteState(site.ID).Threat, Elsewhere: site.ID != "" && !mine(ctx, site.ID),
	}
	if site.ID != "" && !b.Elsewhere {
		if err := p.fill(ctx, b); err != nil {
			return err
		}
	}
	h := head(ctx, lang.T(ctx, "Scenarios"))
	h.Site = site
	return p.Show(w, r, h, listPage(b))
}

// fill reads what the page shows.
func (p pages) fill(ctx context.Context, b *board) error {
	var all []room.Kept
	var operators []signin.Operator
	err := p.Store.View(ctx, func(q store.Query) (err error) {
		if all, err = room.List(q); err == nil {
			operators, err = signin.Operators(q)
		}
		return err
	})
	if err != nil {
		return err
	}
	standing, err := p.Store.Alarms(ctx, true, 1000)
	if err != nil {
		return err
	}
	alarms := map[sashlock.OpeningID]int{}
	for _, a := range standing {
		if a.Cleared.IsZero() && console.Who(ctx).Operator.Hears(a.Rule) {
			alarms[a.Opening]++
		}
	}
	names := called(operators)
	for _, k := range all {
		if k.At != b.Site.ID {
			continue
		}
		one := p.row(ctx, k, alarms, names)
		switch {
		case k.Kind == scenario.Lockdown:
			b.Lockdowns = append(b.Lockdowns, one)
		case k.State.Running:
			b.Running = append(b.Running, one)
		default:
			b.Others = append(b.Others, one)
		}
	}
	return p.lately(ctx, b, all, names)
}

// called are the operators by identifier.
func called(all []signin.Operator) map[sashlock.OperatorID]string {
	names := make(map[sashlock.OperatorID]string, len(all))
	for _, o := range all {
		names[o.ID] = o.Name
	}
	return names
}

// row describes a scenario.
func (p pages) row(ctx context.Context, k room.Kept, alarms map[sashlock.OpeningID]int, names map[sashlock.OperatorID]string) row {
	one := row{Kept: k, Begins: begins(ctx, k.Scenario), Does: p.does(ctx, k.Scenario), By: names[k.State.By], Grants: len(k.State.Grants)}
	one.Why, one.Over = p.because(ctx, k.State.Why), p.because(ctx, k.State.Over)
	plan, problems, err := p.room.Compile(ctx, k.Scenario)
	if err != nil || plan == nil {
		one.Broken = lang.T(ctx, "It cannot be carried out: something that it names is gone.")
		if len(problems) > 0 {
			one.Broken += " " + problems[0].String()
		}
		return one
	}
	now := p.Now()
	if next := plan.Next(now, 2); len(next) > 0 && !k.Off {
		at := next[0]
		if !at.Start.After(now) && len(next) > 1 {
			at = next[1]
		}
		if at.Start.After(now) {
			one.Next = console.Day(ctx, at.Start) + at.Start.Format(" 15:04")
		}
	}
	book := p.Hall.Book()
	one.Held, one.Locked = p.named(k.State.Held), p.named(k.State.Locked)
	for id, rail := range k.State.Back {
		o := book.Openings[id]
		one.Back = append(one.Back, backed{name{o.Name, "/openings/" + o.Slug}, railName(ctx, rail)})
	}
	slices.SortFunc(one.Back, func(a, b backed) int { return console.CompareNames(a.Name, b.Name) })
	if len(k.Check.Items) > 0 {
		one.Check = p.checklist(ctx, plan, alarms)
		for _, id := range room.Looks(book, k.At, k.Check.Role, now) {
			who := book.People[id]
			one.Looks = append(one.Looks, name{who.Name, "/people/" + who.Slug})
		}
	}
	if k.State.Running {
		one.Lasting = console.AgoWords(now.Sub(k.State.Since))
	}
	return one
}

// named gives openings their names.
func (p pages) named(all []sashlock.OpeningID) []name {
	var list []name
	book := p.Hall.Book()
	for _, id := range all {
		if o, known := book.Openings[id]; known {
			list = append(list, name{o.Name, "/openings/" + o.Slug})
		}
	}
	return list
}

// checklist verifies a store as it stands now.
func (p pages) checklist(ctx context.Context, plan *scenario.Plan, alarms map[sashlock.OpeningID]int) []item {
	book := p.Hall.Book()
	var all []item
	for _, c := range plan.Checked(func(id sashlock.OpeningID) scenario.Stand {
		return room.Standing(book, p.Store.StateNow(id), alarms[id])
	}) {
		all = append(all, item{lang.T(ctx, console.ItemWords(c.Item)), c.Looked, p.named(c.Failed)})
	}
	return all
}

// lately lists when scenarios began and ended.
func (p pages) lately(ctx context.Context, b *board, all []room.Kept, names map[sashlock.OperatorID]string) error {
	const most = 12
	var events []sashlock.Event
	for _, kind := range []sashlock.EventKind{sashlock.ScenarioBegan, sashlock.ScenarioEnded} {
		some, err := p.Store.Events(ctx, store.EventQuery{Kind: string(kind), Newest: true, Limit: 3 * most})
		if err != nil {
			return err
		}
		events = append(events, some...)
	}
	slices.SortFunc(events, func(a, b sashlock.Event) int { return int(b.Seq - a.Seq) })
	for _, e := range events {
		if e.Site != b.Site.ID || len(b.Lately) == most {
			continue
		}
		m := moment{At: console.LocalTime(b.Site, e.Heard), Seq: e.Seq, Name: e.Subject, Began: e.Kind == sashlock.ScenarioBegan, Why: p.because(ctx, e.Why), By: names[e.Operator], Drill: strings.Contains(string(e.Data), `"drill":true`)}
		if i := slices.IndexFunc(all, func(k room.Kept) bool { return k.Slug == e.Subject }); i >= 0 {
			m.Name, m.Path = all[i].Name, "/scenarios/"+all[i].Slug
		}
		b.Lately = append(b.Lately, m)
	}
	return nil
}

// press begins or ends a scenario.
func (p pages) press(what scenario.Press) console.Page {
	return func(w http.ResponseWriter, r *http.Request) error {
		if err := p.Form(w, r); err != nil {
			return err
		}
		ctx := r.Context()
		k, err := p.find(ctx, r.PathValue("slug"))
		if err != nil {
			return err
		}
		if what == scenario.StopPress && k.Kind == scenario.Lockdown && !k.State.Drill && !console.Who(ctx).Fresh(p.Now()) {
			return console.Again(w, r, "/scenarios") // ending a lockdown opens what it closed
		}
		if _, err := p.room.Press(ctx, console.Who(ctx).Operator.ID, k.Slug, what); err != nil {
			return err
		}
		then := console.Local(r.PostFormValue("then"))
		if then == "/" {
			then = "/scenarios?site=" + k.Site
		}
		return console.Back(w, r, then)
	}
}

func (p pages) goBack(w http.ResponseWriter, r *http.Request) error {
	if err := p.Form(w, r); err != nil {
		return err
	}
	ctx := r.Context()
	k, err := p.find(ctx, r.PathValue("slug"))
	if err != nil {
		return err
	}
	rev := number(r.PostFormValue("rev"))
	if _, err := p.room.GoBack(ctx, console.Who(ctx).Operator.ID, k.Slug, int64(rev), lang.T(ctx, "back to version %d", rev)); err != nil {
		return err
	}
	return console.Back(w, r, "/scenarios/"+k.Slug+"?saved")
}

func (p pages) remove(w http.ResponseWriter, r *http.Request) error {
	if err := p.Form(w, r); err != nil {
		return err
	}
	ctx := r.Context()
	k, err := p.find(ctx, r.PathValue("slug"))
	if sashlock.IsKind(err, sashlock.NotFound) {
		return console.Back(w, r, "/scenarios") // pressed twice
	}
	if err != nil {
		return err
	}
	if err := p.room.Remove(ctx, console.Who(ctx).Operator.ID, k.Slug); err != nil {
		return err
	}
	return console.Back(w, r, "/scenarios?site="+k.Site)
}
