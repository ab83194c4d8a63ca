// SPDX-License-Identifier: Apache-2.0

package moving

import (
	"context"
	"crypto/rand"
	"errors"
	"io"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/internal/approvals"
	"github.com/sashlock/sashlock/internal/console"
	"github.com/sashlock/sashlock/internal/cutover"
	"github.com/sashlock/sashlock/internal/lang"
	"github.com/sashlock/sashlock/internal/people"
	"github.com/sashlock/sashlock/internal/signin"
	"github.com/sashlock/sashlock/internal/store"
	"github.com/sashlock/sashlock/internal/wiegand"
)

// How many lists wait to be applied, and how long; and how many steps are named.
const (
	maxWaiting = 4
	waitFor    = 30 * time.Minute
	shownSteps = 500
)

// waiting is a list that somebody looked at: in memory, and nowhere else.
type waiting struct {
	key     string
	by      sashlock.OperatorID
	content []byte
	opts    cutover.CardOptions
	at      time.Time
}

// waitingRoom holds the lists that somebody looked at.
type waitingRoom struct {
	mu  sync.Mutex
	all []waiting // guarded by mu; the oldest first
}

func (w *waitingRoom) add(one waiting) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.all = append(w.all, one)
	w.all = w.all[max(0, len(w.all)-maxWaiting):]
}

func (w *waitingRoom) find(key string, by sashlock.OperatorID, now time.Time) (waiting, bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, one := range w.all {
		if one.key == key && one.by == by && now.Sub(one.at) < waitFor {
			return one, true
		}
	}
	return waiting{}, false
}

func (w *waitingRoom) drop(key string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.all = slices.DeleteFunc(w.all, func(one waiting) bool { return one.key == key })
}

// bringing is a list of cards as its page shows it.
type bringing struct {
	Plan   *cutover.Plan // nil: nothing was sent yet
	Key    string
	Format string
	As     wiegand.Notation
	Doors  string
	Wrong  string
	Stale  bool
	Done   bool
}

// cards are the pages of bringing cards over.
type cards struct {
	pages
	records cutover.Records
	room    *waitingRoom
}

func mountCards(p pages, records cutover.Records) {
	c := cards{p, records, &waitingRoom{}}
	p.Handle("GET /people/cards", signin.Access, c.ask)
	p.Handle("POST /people/cards", signin.Access, c.look)
	p.Dangerous("POST /people/cards/apply", signin.Access, c.apply)
}

// allowed refuses who is for a part of the stores only: a list of people
// concerns everybody.
func (c cards) allowed(ctx context.Context) error {
	if o := console.Who(ctx).Operator; len(o.Sites)+len(o.Areas) > 0 {
		return c.Refuse(ctx, "a list of cards")
	}
	return nil
}

func (c cards) show(w http.ResponseWriter, r *http.Request, b *bringing) error {
	ctx := r.Context()
	h := console.Head{
		Title: lang.T(ctx, "Cards of an older system"), Section: console.InPeople, Styles: []string{"persons.css"},
		About: lang.T(ctx, "Brings people and their cards over from the list of an older system, all or nothing. What would be done is shown first. Of a card only a mark is kept, from which nobody can make the card; PINs are never read."),
	}
	switch {
	case b.Stale:
		h.Status = console.Outrun
	case b.Wrong != "" || b.Plan != nil && b.Plan.Wrong > 0:
		h.Status = console.Refused
	}
	return c.Show(w, r, h, cardsPage(b))
}

func (c cards) ask(w http.ResponseWriter, r *http.Request) error {
	if err := c.allowed(r.Context()); err != nil {
		return err
	}
	return c.show(w, r, &bringing{})
}

// look tells what a list would do.
func (c cards) look(w http.ResponseWriter, r *http.Request) error {
	ctx := r.Context()
	if err := c.allowed(ctx); err != nil {
		return err
	}
	b := &bringing{}
	content, err := b.received(w, r)
	if err != nil {
		b.Wrong = console.Sentence(err)
		return c.show(w, r, b)
	}
	doors, wrong := cutover.ReadDoors(b.Doors)
	if len(wrong) > 0 {
		b.Wrong = lang.T(ctx, "“%s” names no door: write a line for each, like “Front door = entrance”.", wrong[0])
		return c.show(w, r, b)
	}
	opts := cutover.CardOptions{Zone: people.ZoneOf(c.Hall.Book()), Format: b.Format, As: b.As, Doors: doors}
	plan, err := c.records.Preview(ctx, content, opts)
	if err != nil {
		return err
	}
	if b.Plan = &plan; plan.Wrong == 0 && len(plan.Steps) > 0 {
		b.Key = rand.Text()
		c.room.add(waiting{b.Key, console.Who(ctx).Operator.ID, content, opts, c.Now()})
	}
	return c.show(w, r, b)
}

// received reads the form.
func (b *bringing) received(w http.ResponseWriter, r *http.Request) (content []byte, err error) {
	ctx := r.Context()
	missing := &sashlock.Error{Kind: sashlock.Invalid, Op: "reading list", Hint: lang.T(ctx, "choose a file first")}
	r.Body = http.MaxBytesReader(w, r.Body, cutover.MaxCards+console.MaxForm)
	parts, err := r.MultipartReader()
	if err != nil {
		return nil, missing
	}
	for range 8 { // the form has four fields
		part, err := parts.NextPart()
		if errors.Is(err, io.EOF) {
			break
		}
		var value []byte
		if err == nil {
			value, err = io.ReadAll(io.LimitReader(part, cutover.MaxCards+1))
		}
		if err != nil {
			return nil, unread(ctx, err, cutover.MaxCards)
		}
		switch part.FormName() {
		case "list":
			content = value
		case "format":
			b.Format = console.Clip(string(value), 40)
		case "as":
			b.As = wiegand.Notation(console.Clip(string(value), 20))
		case "doors":
			b.Doors = console.Clip(string(value), console.MaxForm/4)
		}
	}
	if len(content) == 0 {
		return nil, missing
	}
	return content, nil
}

// apply does what a list was seen to do.
func (c cards) apply(w http.ResponseWriter, r *http.Request) error {
	if err := c.Form(w, r); err != nil {
		return err
	}
	ctx := r.Context()
	if err := c.allowed(ctx); err != nil {
		return err
	}
	who := console.Who(ctx).Operator.ID
	list, there := c.room.find(r.PostFormValue("key"), who, c.Now())
	if !there {
		return c.show(w, r, &bringing{Wrong: lang.T(ctx, "The list is no longer at hand, or was applied already. Choose it again to see what it would do.")})
	}
	plan, err := c.records.Bring(ctx, who, list.content, list.opts, r.PostFormValue("plan"))
	b := &bringing{Plan: &plan, Key: list.key, Format: list.opts.Format, As: list.opts.As}
	switch {
	case err == nil:
		c.room.drop(list.key)
		b.Done, b.Key = true, ""
	case plan.Wrong > 0: // something of the list is gone
		b.Key = ""
	case errors.Is(err, approvals.ErrHeld):
		b.Wrong = lang.T(ctx, "A grant of this list waits for a second operator, so nothing was done. Leave its door out of the list, and give the grant on its own page.")
	case errors.Is(err, store.ErrChanged):
		b.Stale = true
	default:
		return err
	}
	return c.show(w, r, b)
}

// stepsOf are the steps of one sort, up to a bound.
func stepsOf(plan *cutover.Plan, what string) (some []cutover.Step) {
	for _, s := range plan.Steps {
		if s.What == what && len(some) < shownSteps {
			some = append(some, s)
		}
	}
	return some
}

// notationWords says how numbers are written.
func notationWords(n wiegand.Notation) string {
	switch n {
	case wiegand.SideBySide:
		return lang.Mark("facility code and five digits, side by side (UHPPOTE)")
	case wiegand.Printed:
		return lang.Mark("as printed on many cards, one number of ten digits")
	case wiegand.Whole:
		return lang.Mark("all bits of the card as one number")
	}
	return lang.Mark("the number of a format without facility codes")
}
