// SPDX-License-Identifier: Apache-2.0

package triage

import (
	"cmp"
	"context"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"time"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/internal/alarms"
	"github.com/sashlock/sashlock/internal/console"
	"github.com/sashlock/sashlock/internal/flow"
	"github.com/sashlock/sashlock/internal/incidents"
	"github.com/sashlock/sashlock/internal/lang"
	"github.com/sashlock/sashlock/internal/signin"
	"github.com/sashlock/sashlock/internal/store"
)

const (
	mostOpen    = 200 // incidents that are shown at once
	mostAlarms  = 500 // standing alarms that are looked at
	historyPage = 50
)

// ask is what the inbox was asked to show.
type ask struct {
	Site    sashlock.Site // empty: all of the operator's
	Area    sashlock.Area
	Level   sashlock.Level // empty: every level
	State   string         // "", "new", "taken" or "shelved"
	Mine    bool
	History bool
	Before  string // in the history: only older ones
}

func (p pages) askOf(r *http.Request) (ask, error) {
	q := r.URL.Query()
	a := ask{
		Level: sashlock.Level(q.Get("level")), State: q.Get("state"), Mine: q.Get("mine") != "",
		History: q.Get("tab") == "history", Before: q.Get("before"),
	}
	if q.Get("site") != "" {
		site, err := p.Site(r)
		if err != nil {
			return a, err
		}
		a.Site = site
	}
	if a.Level != "" && !slices.Contains(levels(), a.Level) {
		return a, &sashlock.Error{Kind: sashlock.Invalid, Op: "listing alarms", Subject: "level", Hint: lang.Mark("choose act, check or note")}
	}
	if !slices.Contains([]string{"", "new", "taken", "shelved"}, a.State) {
		return a, &sashlock.Error{Kind: sashlock.Invalid, Op: "listing alarms", Subject: "state", Hint: lang.Mark("choose new, taken or shelved")}
	}
	if id := q.Get("area"); id != "" {
		return a, p.areaOf(r.Context(), &a, sashlock.AreaID(id))
	}
	return a, nil
}

// areaOf sets the area of an ask, if it concerns whoever is signed in.
func (p pages) areaOf(ctx context.Context, a *ask, id sashlock.AreaID) error {
	area, known := p.Hall.Book().Areas[id]
	switch {
	case !known:
		return &sashlock.Error{Kind: sashlock.NotFound, Op: "listing alarms", Subject: "area", Hint: "there is no such area"}
	case !console.Who(ctx).Operator.Sees(area.Site, area.ID):
		return p.Refuse(ctx, "area "+string(area.ID))
	}
	a.Area = area
	return nil
}

// query is an ask as an address has it, with some changes: pairs of name and
// value.
func (a ask) query(changes ...string) string {
	q := url.Values{}
	set := func(name, value string) {
		if q.Del(name); value != "" {
			q.Set(name, value)
		}
	}
	set("site", a.Site.Slug)
	set("area", string(a.Area.ID))
	set("level", string(a.Level))
	set("state", a.State)
	if a.Mine {
		set("mine", "1")
	}
	if a.History {
		set("tab", "history")
	}
	for i := 0; i+1 < len(changes); i += 2 {
		set(changes[i], changes[i+1])
	}
	if len(q) == 0 {
		return ""
	}
	return "?" + q.Encode()
}

// tab is one way to look at the inbox.
type tab struct {
	Text       string
	Path       string
	Current    bool
	All        int
	Unreviewed int
	History    bool
}

// inbox is what wants somebody, or what was resolved.
type inbox struct {
	Ask     ask
	Now     time.Time
	May     bool // act on it
	Sites   []sashlock.Site
	Areas   []sashlock.Area
	Tabs    []tab
	Rows    []row
	Shelved int    // that are put aside, and so not among the rows
	Older   string // address of the next page of the history
	More    int    // that did not fit
}

// scope is what whoever is signed in may see, as package incidents takes it.
func scope(o signin.Operator) incidents.Scope {
	return incidents.Scope{Sites: o.Sites, Areas: o.Areas, Loud: !o.May(signin.Alarms)}
}

func (a ask) filter(o signin.Operator) incidents.Filter {
	f := incidents.Filter{Scope: scope(o), Site: a.Site.ID, Area: a.Area.ID, Resolved: a.History}
	if a.Mine {
		f.Owner = o.ID
	}
	if a.State != "shelved" {
		f.State = incidents.State(a.State)
	}
	return f
}

// material is what the rows of the inbox are made of.
type material struct {
	list    []incidents.Incident
	counts  []incidents.Count
	gathers map[string][]sashlock.AlarmID
	alarms  map[sashlock.AlarmID]sashlock.Alarm
	shelves map[sashlock.AlarmID]alarms.Shelf
	seen    map[string]time.Time
	in      map[sashlock.AlarmID]incidents.Place // of the standing alarms
	names   names
}

func (p pages) gather(ctx context.Context, a ask, standing []sashlock.Alarm) (*material, error) {
	who := console.Who(ctx).Operator
	m := &material{alarms: map[sashlock.AlarmID]sashlock.Alarm{}}
	err := p.Store.View(ctx, func(q store.Query) (err error) {
		read := func(step func() error) {
			if err == nil {
				err = step()
			}
		}
		every := a.filter(who)
		one, limit := every, mostOpen
		one.Level = a.Level
		if a.History {
			one.Before, limit = a.Before, historyPage+1
		}
		var ids []string
		read(func() (err error) { m.list, err = incidents.List(q, one, limit); return err })
		for _, i := range m.list {
			ids = append(ids, i.ID)
		}
		every.Resolved = false
		read(func() (err error) { m.counts, err = incidents.Counts(q, every, who.ID); return err })
		read(func() (err error) { m.gathers, err = incidents.AlarmsOf(q, ids); return err })
		read(func() (err error) { m.shelves, err = alarms.Shelves(q, p.Now()); return err })
		read(func() (err error) { m.seen, err = incidents.SeenBy(q, who.ID, ids); return err })
		read(func() (err error) { m.in, err = incidents.Of(q, idsOf(standing)); return err })
		read(func() error { return m.readAlarms(q) })
		read(func() error {
			all, err := signin.Operators(q)
			m.names = namesOf(all)
			return err
		})
		return err
	})
	return m, err
}

func idsOf(all []sashlock.Alarm) []sashlock.AlarmID {
	ids := make([]sashlock.AlarmID, len(all))
	for i, a := range all {
		ids[i] = a.ID
	}
	return ids
}

func (m *material) readAlarms(q store.Query) error {
	var ids []sashlock.AlarmID
	for _, some := range m.gathers {
		ids = append(ids, some...)
	}
	found, err := alarms.FindAll(q, ids)
	for _, a := range found {
		m.alarms[a.ID] = a
	}
	return err
}

// look puts the inbox together.
func (p pages) look(ctx context.Context, a ask) (*inbox, error) {
	book, who := p.Hall.Book(), console.Who(ctx).Operator
	b := &inbox{Ask: a, Now: p.Now(), May: who.May(signin.Alarms), Sites: p.Sites(ctx)}
	standing, err := p.Store.Alarms(ctx, true, mostAlarms)
	if err != nil {
		return nil, err
	}
	standing = slices.DeleteFunc(slices.Clone(standing), func(one sashlock.Alarm) bool { return !p.concerns(ctx, a, one) })
	m, err := p.gather(ctx, a, standing)
	if err != nil {
		return nil, err
	}
	b.areas(book, who)
	for _, i := range m.list {
		b.add(m.row(book, who, i, b.Now))
	}
	if a.History {
		b.page()
	} else {
		b.alone(book, m, standing)
	}
	b.tabs(m.counts)
	b.More = max(0, b.More-len(m.list))
	return b, nil
}

// concerns reports whether a standing alarm is one to show by itself, should
// it be in no incident.
func (p pages) concerns(ctx context.Context, a ask, one sashlock.Alarm) bool {
	area := p.Hall.Book().Openings[one.Opening].Area
	return p.sees(ctx, one) && (a.Site.ID == "" || a.Site.ID == one.Site) && (a.Area.ID == "" || a.Area.ID == area)
}

func (b *inbox) areas(book *flow.Book, who signin.Operator) {
	for _, area := range book.Areas {
		if who.Sees(area.Site, area.ID) && (b.Ask.Site.ID == "" || area.Site == b.Ask.Site.ID) {
			b.Areas = append(b.Areas, area)
		}
	}
	slices.SortFunc(b.Areas, func(x, y sashlock.Area) int { return cmp.Or(cmp.Compare(x.Name, y.Name), cmp.Compare(x.ID, y.ID)) })
}

// tabs lists the ways to look at the inbox.
func (b *inbox) tabs(counts []incidents.Count) {
	all := tab{Text: lang.Mark("All"), Path: "/alarms" + b.Ask.query("level", "", "tab", ""), Current: !b.Ask.History && b.Ask.Level == ""}
	b.Tabs = []tab{all}
	for _, l := range levels() {
		one := tab{Text: levelWords(l), Path: "/alarms" + b.Ask.query("level", string(l), "tab", ""), Current: !b.Ask.History && b.Ask.Level == l}
		for _, c := range counts {
			if c.Level == l {
				one.All, one.Unreviewed = c.All, c.Unreviewed
			}
		}
		b.Tabs = append(b.Tabs, one)
		b.Tabs[0].All += one.All
		b.Tabs[0].Unreviewed += one.Unreviewed
		if !b.Ask.History && (b.Ask.Level == "" || b.Ask.Level == l) {
			b.More += one.All
		}
	}
	b.Tabs = append(b.Tabs, tab{Text: lang.Mark("History"), Path: "/alarms" + b.Ask.query("level", "", "state", "", "tab", "history"), Current: b.Ask.History, History: true})
}

// parts are the pieces of the page that are kept up to date.
func (b *inbox) parts() []console.Part {
	if b == nil {
		return nil
	}
	list := console.Part{ID: "inbox", Key: fmt.Sprintf("%v %d %d %s %d", len(b.Rows) == 0, b.Shelved, b.More, b.Older, len(b.Tabs)), Body: inboxList(b)}
	for _, r := range b.Rows {
		list.Within = append(list.Within, console.Part{ID: r.ID, Key: fmt.Sprintf("%+v", r), Body: inboxRow(r, b)})
	}
	return []console.Part{{ID: "tabs", Key: fmt.Sprintf("%+v", b.Tabs), Body: inboxTabs(b)}, list}
}

func (p pages) inbox(w http.ResponseWriter, r *http.Request) error {
	a, err := p.askOf(r)
	if err != nil {
		return err
	}
	b, err := p.look(r.Context(), a)
	if err != nil {
		return err
	}
	head := console.Head{
		Title: lang.T(r.Context(), "Alarms"), Section: console.InAlarms, Site: a.Site, Styles: []string{"triage.css"},
		About: lang.T(r.Context(), "Alarms of one area that follow each other within 90 seconds are one incident. Take it, see what happened, and say in the end what it was. Nothing is ever deleted."),
		Live:  "/alarms/live" + a.query("before", a.Before), At: console.At(b.parts()),
	}
	return p.Show(w, r, head, inboxPage(b))
}

func (p pages) inboxStream(w http.ResponseWriter, r *http.Request) error {
	a, err := p.askOf(r)
	if err != nil {
		return err
	}
	return p.Stream(w, r, func(ctx context.Context) ([]console.Part, error) {
		b, err := p.look(ctx, a)
		return b.parts(), err
	})
}
