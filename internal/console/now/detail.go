// SPDX-License-Identifier: Apache-2.0

package now

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/internal/codes"
	"github.com/sashlock/sashlock/internal/console"
	"github.com/sashlock/sashlock/internal/estate"
	"github.com/sashlock/sashlock/internal/flow"
	"github.com/sashlock/sashlock/internal/grants"
	"github.com/sashlock/sashlock/internal/lang"
	"github.com/sashlock/sashlock/internal/plans"
	"github.com/sashlock/sashlock/internal/store"
)

const (
	detailLines    = 15
	detailRequests = 8
	detailEvents   = 150             // the newest events of an opening, from which most of its page is made
	chartFresh     = 5 * time.Minute // how long a chart may be shown while nothing happens
)

// detail is one opening as it stands.
type detail struct {
	Site    sashlock.Site
	Zone    *time.Location
	Now     time.Time
	Opening sashlock.Opening
	Pin     pin
	State   sashlock.OpeningState
	Alarms  []alarm
	Devices []device
	Holders []holder // who can open it now
	Others  []holder // everybody else
	Self    *holder  // whoever is signed in, if they are somebody of the store
	Asks    []string // of everybody, whatever the grant
	Asked   []asked  // the last requests
	Lines   []console.Line
	Chart   *chart
	Drawn   string // what the chart shows: changes with it
	Photo   string // its address; empty: there is none
	YAML    string
	Fresh   codes.Freshness
	Answer  *answer // to the request that the page was opened for
}

// freshWords is up to when revocations are in force, with the day when it is not
// today.
func freshWords(ctx context.Context, d *detail) string {
	at := d.Fresh.At.In(d.Zone)
	if at.Format(time.DateOnly) == d.Now.Format(time.DateOnly) {
		return at.Format(time.TimeOnly)
	}
	return console.DateTime(ctx, at)
}

// asked is a request and its answer.
type asked struct {
	ID           sashlock.DecisionID
	Slug, Person string
	Granted      bool
	Words        string
	At           time.Time
}

// device is a device fitted to the opening.
type device struct {
	ID, Name, Model, Firmware, Security, Weak, Address string
	Can                                                string
	Online, Codes                                      bool
	Battery                                            int // -1: never said
	Heard                                              time.Time
}

// holder is somebody, and why they can open it.
type holder struct {
	Slug, Name string
	By         string // the role that the grant is to; empty: it is to the person
	Grant      string // slug of the grant
}

// answer is a decision and what came of it.
type answer struct {
	ID      string
	Granted bool
	Words   string
	Person  string
	At      time.Time
	Seq     int64
	Checks  []sashlock.Check
	Steps   []step
	Trial   bool // nothing was sent to the lock
}

// step is how far a granted request got.
type step struct {
	Text  string
	At    time.Time // zero: not yet
	State string    // done, waiting, failed
}

// inspect puts together what is known of one opening.
func (p pages) inspect(ctx context.Context, slug string) (*detail, error) {
	o, err := p.Opening(ctx, slug)
	if err != nil {
		return nil, err
	}
	book := p.Hall.Book()
	d := &detail{Opening: o, Site: book.Sites[o.Site], Now: console.LocalTime(book.Sites[o.Site], p.Now())}
	d.Zone, d.Asks = d.Now.Location(), p.asksOf(ctx, o)
	if d.State, err = p.Store.State(ctx, o.ID); err != nil {
		return nil, err
	}
	d.Pin = pinOf(book, o, d.State, d.Now, console.Who(ctx).Operator.Hears)
	if d.Fresh, err = codes.FreshAt(ctx, p.Store, o.ID, p.Now()); err != nil {
		return nil, err
	}
	err = p.Store.View(ctx, func(q store.Query) error {
		photos, err := plans.Photos(q)
		if rev, has := photos[o.ID]; has {
			d.Photo = photoPath(o.Slug, rev)
		}
		return cmp.Or(err, d.holders(ctx, q, book))
	})
	return d, err
}

// examine is inspect with all that the page of an opening shows.
func (p pages) examine(ctx context.Context, slug string, decision sashlock.DecisionID, last *chartMemo) (*detail, error) {
	d, err := p.inspect(ctx, slug)
	if err != nil {
		return nil, err
	}
	book := p.Hall.Book()
	standing, err := p.Store.Alarms(ctx, true, mostStanding)
	if err != nil {
		return nil, err
	}
	for _, a := range standing {
		if a.Opening == d.Opening.ID && console.Who(ctx).Operator.Hears(a.Rule) {
			d.Alarms = append(d.Alarms, alarmOf(book, a, d.Zone))
		}
	}
	if err := p.fitted(ctx, d); err != nil {
		return nil, err
	}
	recent, err := p.recent(ctx, d.Opening.ID)
	if err != nil {
		return nil, err
	}
	d.Lines = p.Feed.LinesFrom(ctx, recent.events, detailLines)
	if err := p.requests(ctx, d, recent); err != nil {
		return nil, err
	}
	if err := p.chart(ctx, d, recent, last); err != nil {
		return nil, err
	}
	if d.YAML, err = declared(book, d.Opening); err != nil {
		return nil, err
	}
	if decision != "" {
		d.Answer, err = p.answered(ctx, d.Opening, decision, d.Zone)
	}
	return d, err
}

// recent is the newest events of an opening, newest first.
type recent struct {
	opening sashlock.OpeningID
	events  []sashlock.Event
	all     bool // there are no older ones
}

func (p pages) recent(ctx context.Context, id sashlock.OpeningID) (recent, error) {
	events, err := p.Store.Events(ctx, store.EventQuery{Opening: id, Newest: true, Limit: detailEvents})
	return recent{id, events, len(events) < detailEvents}, err
}

// of returns the newest events of some kinds that were heard before an instant,
// at any time if it is zero: from what was read if that holds enough of them.
func (r recent) of(ctx context.Context, s *store.Store, kind string, until time.Time, most int) ([]sashlock.Event, error) {
	var found []sashlock.Event
	for _, e := range r.events {
		if strings.HasPrefix(string(e.Kind), kind) && (until.IsZero() || e.Heard.Before(until)) && len(found) < most {
			found = append(found, e)
		}
	}
	if r.all || len(found) == most {
		return found, nil
	}
	return s.Events(ctx, store.EventQuery{Opening: r.opening, Kind: kind, Until: until, Newest: true, Limit: most})
}

// since returns the newest events heard at an instant or later, newest first.
func (r recent) since(ctx context.Context, s *store.Store, from time.Time) ([]sashlock.Event, error) {
	for i, e := range r.events {
		if e.Heard.Before(from) {
			return r.events[:i], nil
		}
	}
	if r.all {
		return r.events, nil
	}
	return s.Events(ctx, store.EventQuery{Opening: r.opening, Since: from, Newest: true, Limit: laneEvents})
}

// requests finds the last requests for the opening.
func (p pages) requests(ctx context.Context, d *detail, r recent) error {
	book := p.Hall.Book()
	events, err := r.of(ctx, p.Store, "access.", time.Time{}, 3*detailRequests)
	for _, e := range events {
		if e.Kind != sashlock.AccessGranted && e.Kind != sashlock.AccessDenied || len(d.Asked) == detailRequests {
			continue
		}
		who := book.People[e.Person]
		d.Asked = append(d.Asked, asked{
			ID: e.Decision, Slug: who.Slug, Person: who.Name, Granted: e.Kind == sashlock.AccessGranted, Words: e.Reason.Words(), At: in(e.Heard, d.Zone),
		})
	}
	return err
}

// chartMemo keeps a chart while nothing happens at the opening.
type chartMemo struct {
	drawn string
	chart *chart
}

// chart draws the last hours, or takes them as they were drawn when nothing has
// happened since and they are fresh enough.
func (p pages) chart(ctx context.Context, d *detail, r recent, last *chartMemo) error {
	d.Drawn = fmt.Sprintf("%d %s", d.Now.Truncate(chartFresh).Unix(), d.Pin.Shown.Word)
	if len(r.events) > 0 {
		d.Drawn += fmt.Sprint(" ", r.events[0].Seq)
	}
	if last.chart != nil && last.drawn == d.Drawn {
		d.Chart = last.chart
		return nil
	}
	from := d.Now.Add(-laneHours * time.Hour)
	newest, err := r.since(ctx, p.Store, from)
	if err != nil {
		return err
	}
	events := slices.DeleteFunc(slices.Clone(newest), func(e sashlock.Event) bool { return !console.Who(ctx).Operator.HearsOf(e) })
	slices.Reverse(events)
	cut := len(newest) == laneEvents && len(events) > 0
	if cut {
		from = in(events[0].Heard, d.Zone)
	}
	var before []sashlock.Event
	for _, kind := range []string{"lock.", "opening."} {
		one, err := r.of(ctx, p.Store, kind, from, 1)
		if err != nil {
			return err
		}
		before = append(before, one...)
	}
	made := draw(p.Hall.Book(), d.Opening, before, events, d.State, from, d.Now)
	made.Cut = cut
	last.drawn, last.chart, d.Chart = d.Drawn, &made, &made
	return nil
}

// fitted describes the devices at the opening.
func (p pages) fitted(ctx context.Context, d *detail) error {
	states, err := p.Store.DeviceStates(ctx)
	if err != nil {
		return err
	}
	for _, fit := range p.Hall.Book().Fitted(d.Opening.ID) {
		one := device{
			ID: string(fit.ID), Name: fit.Called(), Model: strings.TrimSpace(fit.Maker + " " + fit.Model), Firmware: fit.Firmware, Security: fit.Security, Weak: fit.Weak,
			Address: fit.Gateway + "/" + fit.Address, Can: abilities(ctx, fit), Battery: -1, Codes: fit.Has(sashlock.HasCodes),
		}
		for _, s := range states {
			if s.Device == fit.ID {
				one.Online, one.Battery, one.Heard = s.Online, s.Battery, in(s.Heard, d.Zone)
			}
		}
		d.Devices = append(d.Devices, one)
	}
	return nil
}

// holders says who can open it now, and by what.
func (d *detail) holders(ctx context.Context, q store.Query, book *flow.Book) error {
	holds := map[sashlock.PersonID]bool{}
	slugs := map[sashlock.GrantID]string{}
	for _, h := range book.Index.WhoCanOpen(d.Opening.ID, d.Now) {
		holds[h.Person] = true
		if _, known := slugs[h.Grant]; !known {
			g, err := grants.Find(q, string(h.Grant))
			if err != nil && !sashlock.IsKind(err, sashlock.NotFound) {
				return err
			}
			slugs[h.Grant] = g.Slug
		}
		who := book.People[h.Person]
		d.Holders = append(d.Holders, holder{Slug: who.Slug, Name: who.Name, By: book.Roles[h.Role].Name, Grant: slugs[h.Grant]})
	}
	for id, p := range book.People {
		if !holds[id] && !p.IsGuest() {
			d.Others = append(d.Others, holder{Slug: p.Slug, Name: p.Name})
		}
	}
	byName := func(a, b holder) int { return cmp.Or(cmp.Compare(a.Name, b.Name), cmp.Compare(a.Slug, b.Slug)) }
	slices.SortFunc(d.Holders, byName)
	slices.SortFunc(d.Others, byName)
	if self, is := book.People[console.Who(ctx).Operator.Person]; is {
		d.Self = &holder{Slug: self.Slug, Name: self.Name}
	}
	return nil
}

// declared is an opening as a file declares it.
func declared(book *flow.Book, o sashlock.Opening) (string, error) {
	name := func(kind estate.Kind, id string) string {
		switch kind {
		case estate.Sites:
			return book.Sites[sashlock.SiteID(id)].Slug
		case estate.Areas:
			a := book.Areas[sashlock.AreaID(id)]
			return book.Sites[a.Site].Slug + "/" + a.Slug
		}
		return id
	}
	text, err := estate.Marshal(estate.File{Openings: []estate.Opening{estate.FromOpening(o, name)}})
	return string(text), err
}

// answered reads a decision back from the ledger, and what came of it.
func (p pages) answered(ctx context.Context, o sashlock.Opening, id sashlock.DecisionID, zone *time.Location) (*answer, error) {
	e, err := p.Store.Decision(ctx, id)
	if err != nil || e.Opening != o.ID {
		return nil, err
	}
	a := &answer{
		ID: string(id), Granted: e.Kind == sashlock.AccessGranted, Words: e.Reason.Words(), Person: p.Hall.Book().People[e.Person].Name,
		At: in(e.Heard, zone), Seq: e.Seq, Checks: e.Checks,
		Trial: e.Why == string(sashlock.OnTrial),
	}
	if !a.Granted {
		return a, nil
	}
	then, err := p.Store.Events(ctx, store.EventQuery{Decision: id, Limit: 50})
	a.follow(then, zone)
	return a, err
}

// follow tells from the events after a decision how far it got.
func (a *answer) follow(events []sashlock.Event, zone *time.Location) {
	steps := []step{
		{lang.Mark("Granted"), a.At, "done"}, {lang.Mark("Sent to the lock"), time.Time{}, "waiting"},
		{lang.Mark("The lock confirmed"), time.Time{}, "waiting"}, {lang.Mark("Opened"), time.Time{}, "waiting"},
	}
	set := func(i int, e sashlock.Event, state, text string) {
		steps[i] = step{cmp.Or(text, steps[i].Text), in(e.Heard, zone), state}
	}
	for _, e := range events {
		switch e.Kind {
		case sashlock.CommandAccepted:
			set(1, e, "done", "")
		case sashlock.CommandEnded:
			if e.Reason == "" {
				if steps[1].State == "waiting" {
					set(1, e, "done", "")
				}
				set(2, e, "done", "")
				continue
			}
			set(2, e, "failed", e.Reason.Words())
			steps[3].Text, steps[3].State = lang.Mark("Not released"), "failed"
		case sashlock.AccessTaken:
			set(3, e, "done", "")
		case sashlock.AccessNotTaken:
			set(3, e, "failed", lang.Mark("Not opened in time"))
		}
	}
	if a.Steps = steps; a.Trial {
		a.Steps = []step{steps[0], {lang.Mark("On trial: nothing is sent to the lock"), a.At, "done"}, steps[3]}
	}
}

// parts are the pieces of the page that are kept up to date.
func (d *detail) parts() []console.Part {
	if d == nil {
		return nil
	}
	parts := []console.Part{
		{ID: "standing", Key: fmt.Sprintf("%+v %+v", d.Pin, d.State.Heard.Truncate(time.Minute)), Body: standing(d)},
		{ID: "lanes", Key: d.Drawn, Body: lanes(d)},
		{ID: "asked", Key: fmt.Sprintf("%+v", d.Asked), Body: askedList(d)},
		{ID: "alarms", Key: fmt.Sprintf("%+v", d.Alarms), Body: alarmList(d.Alarms, d.Now)},
		{ID: "devices", Key: fmt.Sprintf("%+v", d.Devices), Body: deviceList(d)},
		{ID: "holders", Key: fmt.Sprintf("%+v", d.Holders), Body: holderList(d)},
		{ID: "events", Key: fmt.Sprintf("%+v", d.Lines), Body: events(d.Lines, d.Zone)},
	}
	if d.Answer != nil {
		parts = append(parts, console.Part{ID: "answer", Key: fmt.Sprintf("%+v", *d.Answer), Body: answerCard(d.Answer)})
	}
	return parts
}
