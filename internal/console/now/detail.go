// SPDX-License-Identifier: Apache-2.0

package now

import (
	"cmp"
	"context"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/internal/console"
	"github.com/sashlock/sashlock/internal/flow"
	"github.com/sashlock/sashlock/internal/store"
)

const detailLines = 15

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
	Lines   []console.Line
	Answer  *answer // to the request that the page was opened for
}

// device is a device fitted to the opening.
type device struct {
	Name, Model, Firmware, Security, Weak, Address string
	Can                                            string
	Online                                         bool
	Battery                                        int // -1: never said
	Heard                                          time.Time
}

// holder is somebody, and why they can open it.
type holder struct {
	Slug, Name, By string
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
}

// step is how far a granted request got.
type step struct {
	Text  string
	At    time.Time // zero: not yet
	State string    // done, waiting, failed
}

// inspect puts the page of one opening together.
func (p pages) inspect(ctx context.Context, slug string, decision sashlock.DecisionID) (*detail, error) {
	o, err := p.Opening(ctx, slug)
	if err != nil {
		return nil, err
	}
	book := p.Hall.Book()
	d := &detail{Opening: o, Site: book.Sites[o.Site], Now: console.LocalTime(book.Sites[o.Site], p.Now())}
	d.Zone = d.Now.Location()
	if d.State, err = p.Store.State(ctx, o.ID); err != nil {
		return nil, err
	}
	d.Pin = pinOf(book, o, d.State, d.Now)
	standing, err := p.Store.Alarms(ctx, true, shownAlarms)
	if err != nil {
		return nil, err
	}
	for _, a := range standing {
		if a.Opening == o.ID {
			d.Alarms = append(d.Alarms, alarmOf(book, a, d.Zone))
		}
	}
	d.holders(book)
	if err := p.fitted(ctx, d); err != nil {
		return nil, err
	}
	if d.Lines, err = p.Feed.LinesOf(ctx, o.ID, detailLines); err != nil {
		return nil, err
	}
	if decision != "" {
		d.Answer, err = p.answered(ctx, o, decision, d.Zone)
	}
	return d, err
}

// fitted describes the devices at the opening.
func (p pages) fitted(ctx context.Context, d *detail) error {
	states, err := p.Store.DeviceStates(ctx)
	if err != nil {
		return err
	}
	for _, fit := range p.Hall.Book().Fitted(d.Opening.ID) {
		one := device{
			Name: fit.Name, Model: fit.Maker + " " + fit.Model, Firmware: fit.Firmware, Security: fit.Security, Weak: fit.Weak,
			Address: fit.Gateway + "/" + fit.Address, Can: abilities(fit), Battery: -1,
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

// abilities says in words what matters about a device.
func abilities(d sashlock.Device) string {
	var can []string
	for _, c := range []struct {
		has   sashlock.Capability
		words string
	}{
		{sashlock.CanRelease, "releases and relocks by itself"}, {sashlock.TellsPosition, "tells open from closed"},
		{sashlock.TellsPresence, "sees somebody near"}, {sashlock.TellsJam, "notices a jam"}, {sashlock.HasCodes, "keeps PIN codes"},
	} {
		if d.Has(c.has) {
			can = append(can, c.words)
		}
	}
	return strings.Join(can, ", ")
}

// holders says who can open it now, and by what.
func (d *detail) holders(book *flow.Book) {
	holds := map[sashlock.PersonID]bool{}
	for _, h := range book.Index.WhoCanOpen(d.Opening.ID, d.Now) {
		holds[h.Person] = true
		by := "by name"
		if h.Role != "" {
			by = book.Roles[h.Role].Name
		}
		d.Holders = append(d.Holders, holder{book.People[h.Person].Slug, book.People[h.Person].Name, by})
	}
	for id, p := range book.People {
		if !holds[id] {
			d.Others = append(d.Others, holder{p.Slug, p.Name, ""})
		}
	}
	byName := func(a, b holder) int { return cmp.Or(cmp.Compare(a.Name, b.Name), cmp.Compare(a.Slug, b.Slug)) }
	slices.SortFunc(d.Holders, byName)
	slices.SortFunc(d.Others, byName)
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
		{"Granted", a.At, "done"}, {"Sent to the lock", time.Time{}, "waiting"},
		{"The lock confirmed", time.Time{}, "waiting"}, {"Opened", time.Time{}, "waiting"},
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
			steps[3].Text, steps[3].State = "Not released", "failed"
		case sashlock.AccessTaken:
			set(3, e, "done", "")
		case sashlock.AccessNotTaken:
			set(3, e, "failed", "Not opened in time")
		}
	}
	a.Steps = steps
}

// parts are the pieces of the page that are kept up to date.
func (d *detail) parts() []console.Part {
	if d == nil {
		return nil
	}
	parts := []console.Part{
		{ID: "standing", Key: fmt.Sprintf("%+v %+v", d.Pin, d.State.Heard.Truncate(time.Minute)), Body: standing(d)},
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

func (p pages) opening(w http.ResponseWriter, r *http.Request) error {
	slug, decision := r.PathValue("slug"), sashlock.DecisionID(r.URL.Query().Get("decision"))
	d, err := p.inspect(r.Context(), slug, decision)
	if err != nil {
		return err
	}
	live := "/openings/" + url.PathEscape(slug) + "/live"
	if decision != "" {
		live += "?decision=" + url.QueryEscape(string(decision))
	}
	return p.Show(w, r, console.Head{Title: d.Opening.Name, Section: console.InNow, Site: d.Site, Live: live, At: console.At(d.parts())}, openingPage(d))
}

func (p pages) openingStream(w http.ResponseWriter, r *http.Request) error {
	slug, decision := r.PathValue("slug"), sashlock.DecisionID(r.URL.Query().Get("decision"))
	if _, err := p.Opening(r.Context(), slug); err != nil {
		return err
	}
	return p.StreamShared(w, r, func(ctx context.Context) ([]console.Part, error) {
		d, err := p.inspect(ctx, slug, decision)
		return d.parts(), err
	})
}

// release asks for an opening on behalf of a person, and shows the answer.
func (p pages) release(w http.ResponseWriter, r *http.Request) error {
	o, err := p.Opening(r.Context(), r.PathValue("slug"))
	if err != nil {
		return err
	}
	r.Body = http.MaxBytesReader(w, r.Body, 4<<10)
	who := r.FormValue("person")
	q := sashlock.Request{Opening: o.ID, Operator: console.Who(r.Context()).Operator.ID, Method: sashlock.ByRemote}
	for id, person := range p.Hall.Book().People {
		if person.Slug == who {
			q.Person = id
		}
	}
	if q.Person == "" {
		return &sashlock.Error{Kind: sashlock.Invalid, Op: "unlocking", Subject: "person", Hint: "choose somebody from the list"}
	}
	a, err := p.Hall.Request(r.Context(), q)
	if err != nil {
		return err
	}
	return console.Back(w, r, "/openings/"+url.PathEscape(o.Slug)+"?decision="+url.QueryEscape(string(a.Decision.ID))+"#answer")
}
