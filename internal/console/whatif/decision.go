// SPDX-License-Identifier: Apache-2.0

package whatif

import (
	"context"
	"net/http"
	"net/url"
	"time"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/internal/console"
	"github.com/sashlock/sashlock/internal/flow"
	"github.com/sashlock/sashlock/internal/lang"
	"github.com/sashlock/sashlock/internal/signin"
	"github.com/sashlock/sashlock/internal/store"
)

// afterwards is how many events after a decision are looked at.
const afterwards = 50

// card is a decision as people read it.
type card struct {
	Trial   bool // nothing was sent to the lock
	ID      string
	Code    string
	Granted bool
	Reason  string
	Site    sashlock.Site
	Area    string
	Opening sashlock.Opening
	Person  sashlock.Person
	By      lang.Phrase // who asked on the person's behalf; empty: the person
	Method  string
	Reader  string // what it was presented at; empty: no reader that a driver reaches
	At      time.Time
	Seq     int64
	table
	Steps []step
	Again string // the same question for now
	Ask   string // where access is asked for; empty: whoever looks cannot, or need not
}

// table is what was looked at to decide.
type table struct {
	Checks   []sashlock.Check
	Grants   map[sashlock.GrantID]sentence
	Deciding *sentence // the grant that decided, or came nearest
	Fixes    []fix
}

// fix is a change that would satisfy a condition, and who may make it.
type fix struct {
	Text  string
	Roles []signin.Role
	Go    string // where it is made; empty: nowhere in particular
}

// step is how far a granted request got.
type step struct {
	Text  string
	At    time.Time // zero: not yet
	State string    // done, waiting, failed
}

// tabulate gathers what the conditions of a decision refer to.
func (p pages) tabulate(ctx context.Context, d sashlock.Decision, o sashlock.Opening, person sashlock.Person) (table, error) {
	ids := []sashlock.GrantID{d.Grant}
	for _, c := range d.Checks {
		ids = append(ids, c.Grant)
	}
	said, err := p.sentences(ctx, ids)
	t := table{Checks: d.Checks, Grants: said}
	if s, is := said[d.Grant]; is {
		t.Deciding = &s
	}
	for _, c := range d.Checks {
		if !c.OK && c.Fix != "" {
			t.Fixes = append(t.Fixes, fix{c.Fix, mayMend(c), placeOf(c, said[c.Grant], o, person)})
		}
	}
	return t, err
}

// placeOf is where an operator changes what a condition is about.
func placeOf(c sashlock.Check, grant sentence, o sashlock.Opening, person sashlock.Person) string {
	switch {
	case grant.Slug != "":
		return "/access/grants/" + url.PathEscape(grant.Slug)
	case c.What == "grant":
		return "/access"
	case c.What == "person" && person.Slug != "":
		return "/people/" + url.PathEscape(person.Slug)
	case c.What == "lock":
		return "/devices"
	case o.Slug != "":
		return "/openings/" + url.PathEscape(o.Slug)
	}
	return ""
}

// decision is the page of one decision.
func (p pages) decision(w http.ResponseWriter, r *http.Request) error {
	ctx := r.Context()
	e, err := p.Store.Decision(ctx, sashlock.DecisionID(r.PathValue("id")))
	if err != nil {
		return err
	}
	if !console.Who(ctx).Operator.Sees(e.Site, p.Hall.Book().Openings[e.Opening].Area) {
		return p.Refuse(ctx, "decision "+string(e.Decision))
	}
	c, err := p.card(ctx, e)
	if err != nil {
		return err
	}
	title := lang.T(ctx, "Refused")
	if c.Granted {
		title = lang.T(ctx, "Granted")
	}
	return p.Show(w, r, console.Head{
		Title: title + " · " + c.Code, Section: console.InWhatIf, Site: c.Site, Styles: []string{"whatif.css"},
		About: lang.T(ctx, "One request and its answer: every condition that was looked at, the grant that decided, and what would have to change. It is kept in the ledger as it was decided and cannot be edited."),
	}, decisionPage(c))
}

func (p pages) card(ctx context.Context, e sashlock.Event) (*card, error) {
	book := p.Hall.Book()
	site := book.Sites[e.Site]
	c := &card{
		ID: string(e.Decision), Code: console.DecisionCode(e.Seq), Granted: e.Kind == sashlock.AccessGranted, Reason: e.Reason.Words(),
		Site: site, Opening: book.Openings[e.Opening], Person: book.People[e.Person], At: console.LocalTime(site, e.Heard), Seq: e.Seq,
		Method: methodWords(e.Method), Reader: readerOf(book, e.Device), Trial: e.Why == string(sashlock.OnTrial),
	}
	c.Area = book.Areas[c.Opening.Area].Name
	var err error
	if c.By, err = p.operator(ctx, e.Operator); err != nil {
		return nil, err
	}
	if c.table, err = p.tabulate(ctx, sashlock.Decision{Checks: e.Checks, Grant: e.Grant}, c.Opening, c.Person); err != nil {
		return nil, err
	}
	c.Ask = askFor(ctx, c, e)
	if c.Opening.Slug != "" && c.Person.Slug != "" {
		c.Again = "/what-if?" + url.Values{"ask": {askCan}, "person": {c.Person.Slug}, "opening": {c.Opening.Slug}}.Encode()
	}
	if c.Granted {
		then, err := p.Store.Events(ctx, store.EventQuery{Decision: e.Decision, From: e.Seq + 1, Limit: afterwards})
		if err != nil {
			return nil, err
		}
		c.follow(then)
	}
	return c, nil
}

// operator says who somebody signed in is.
func (p pages) operator(ctx context.Context, id sashlock.OperatorID) (said lang.Phrase, err error) {
	if id == "" {
		return lang.Phrase{}, nil
	}
	err = p.Store.View(ctx, func(q store.Query) error {
		o, err := signin.FindOperator(q, id)
		switch {
		case sashlock.IsKind(err, sashlock.NotFound):
			said = lang.Say("a program, with a token")
			return nil
		case err == nil:
			said = lang.Say("%s (%s)", o.Name, lang.Phrase{Text: o.Role.Words()})
		}
		return err
	})
	return said, err
}

// readerOf is the reader that something was presented at; empty: none that is
// known.
func readerOf(book *flow.Book, id sashlock.DeviceID) string {
	if d, known := book.Devices[id]; known {
		return d.Called()
	}
	return ""
}

func methodWords(m sashlock.Method) string {
	switch m {
	case sashlock.ByRemote:
		return lang.Mark("from a screen")
	case sashlock.ByKeypad:
		return lang.Mark("with a code")
	case sashlock.ByCard:
		return lang.Mark("with a card")
	case sashlock.ByFinger:
		return lang.Mark("with a finger")
	}
	return ""
}

// follow tells from the events after a decision how far it got.
func (c *card) follow(events []sashlock.Event) {
	waiting := func(text string) step { return step{Text: text, State: "waiting"} }
	sent, confirmed, opened := waiting(lang.Mark("Sent to the lock")), waiting(lang.Mark("The lock confirmed")), waiting(lang.Mark("Opened"))
	for _, e := range events {
		at := e.Heard.In(c.At.Location())
		switch e.Kind {
		case sashlock.CommandAccepted:
			sent.At, sent.State = at, "done"
		case sashlock.CommandEnded:
			if e.Reason != "" {
				confirmed = step{e.Reason.Words(), at, "failed"}
				opened = step{Text: lang.Mark("Not released"), State: "failed"}
				continue
			}
			if sent.State == "waiting" {
				sent.At, sent.State = at, "done"
			}
			confirmed.At, confirmed.State = at, "done"
		case sashlock.AccessTaken:
			opened.At, opened.State = at, "done"
		case sashlock.AccessNotTaken:
			opened = step{lang.Mark("Not opened in time"), at, "failed"}
		}
	}
	c.Steps = []step{{lang.Mark("Granted"), c.At, "done"}, sent, confirmed, opened}
	if c.Trial {
		c.Steps = []step{c.Steps[0], {lang.Mark("On trial: nothing is sent to the lock"), c.At, "done"}, opened}
	}
}

// find leads from the short code that somebody quotes to the decision.
func (p pages) find(w http.ResponseWriter, r *http.Request) error {
	ctx := r.Context()
	typed := r.URL.Query().Get("code")
	if seq, is := console.ReadDecisionCode(typed); is {
		e, err := p.Store.EventAt(ctx, seq)
		decided := e.Kind == sashlock.AccessGranted || e.Kind == sashlock.AccessDenied || e.Kind == sashlock.AccessDeferred
		if err == nil && decided && console.Who(ctx).Operator.Sees(e.Site, p.Hall.Book().Openings[e.Opening].Area) { // of another store nothing is told, not even that it is there
			return console.Back(w, r, "/decisions/"+url.PathEscape(string(e.Decision)))
		}
		if err != nil && !sashlock.IsKind(err, sashlock.NotFound) {
			return err
		}
	}
	site, err := p.Site(r)
	if err != nil {
		return err
	}
	return p.Show(w, r, console.Head{Title: lang.T(ctx, "Find a decision"), Section: console.InWhatIf, Site: site, Styles: []string{"whatif.css"}}, findPage(typed, typed != ""))
}

// askFor is where access that was refused is asked for, filled in.
func askFor(ctx context.Context, c *card, e sashlock.Event) string {
	if e.Kind != sashlock.AccessDenied || c.Opening.Slug == "" || !console.May(ctx, signin.Serve) {
		return ""
	}
	q := url.Values{"opening": {c.Opening.Slug}, "words": {lang.T(ctx, "Refused, code %s:", c.Code) + " " + lang.T(ctx, c.Reason)}}
	if console.May(ctx, signin.Access) && c.Person.Slug != "" {
		q.Set("person", c.Person.Slug)
	}
	return "/access/ask?" + q.Encode()
}
