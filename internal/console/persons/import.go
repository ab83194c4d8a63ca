// SPDX-License-Identifier: Apache-2.0

package persons

import (
	"context"
	"crypto/rand"
	"errors"
	"io"
	"net/http"
	"sync"
	"time"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/internal/approvals"
	"github.com/sashlock/sashlock/internal/console"
	"github.com/sashlock/sashlock/internal/lang"
	"github.com/sashlock/sashlock/internal/people"
	"github.com/sashlock/sashlock/internal/signin"
	"github.com/sashlock/sashlock/internal/store"
)

// The rules of importing a list of people are:
//
//   - The list is looked at first. It is kept in memory for those who are
//     going to apply it, for half an hour, and nowhere else.
//   - What is applied is the same list with the plan that was shown: package
//     people refuses anything else.
//   - It is for those who are for all stores: a list of everybody concerns
//     everybody.

// How many lists wait to be applied, and how long.
const (
	maxWaiting = 4
	waitFor    = 30 * time.Minute
)

// shownSteps is how many people of each kind the page names.
const shownSteps = 200

// waiting is a list that somebody looked at.
type waiting struct {
	key      string
	by       sashlock.OperatorID
	content  []byte
	everyone bool
	at       time.Time
}

// waitingRoom holds the lists that somebody looked at.
type waitingRoom struct {
	mu  sync.Mutex
	all []waiting // held by mu; the oldest first
}

func (w *waitingRoom) add(one waiting) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.all = append(w.all, one)
	if len(w.all) > maxWaiting {
		w.all = w.all[1:]
	}
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
	for i, one := range w.all {
		if one.key == key {
			w.all = append(w.all[:i:i], w.all[i+1:]...)
			return
		}
	}
}

// importing is a list as its page shows it.
type importing struct {
	Plan     *people.Plan // nil: nothing was sent yet
	Key      string
	Everyone bool
	Wrong    string // why nothing was looked at
	Stale    bool   // the list would do something else than what was seen
	Done     bool
	Most     int
}

// lists are the pages of importing.
type lists struct {
	pages
	room *waitingRoom
}

// mountImport adds the pages of importing.
func mountImport(p pages) {
	l := lists{p, &waitingRoom{}}
	p.Handle("GET /people/import", signin.Access, l.ask)
	p.Handle("POST /people/import", signin.Access, l.look)
	p.Dangerous("POST /people/import/apply", signin.Access, l.apply)
}

// allowed refuses who is for a part of the stores only.
func (l lists) allowed(ctx context.Context) error {
	if limited(ctx) {
		return l.Refuse(ctx, "a list of people")
	}
	return nil
}

func (l lists) show(w http.ResponseWriter, r *http.Request, i *importing) error {
	i.Most = shownSteps
	h := head(r.Context(), lang.T(r.Context(), "Import a list"))
	switch {
	case i.Stale:
		h.Status = console.Outrun
	case i.Wrong != "" || i.Plan != nil && i.Plan.Wrong > 0:
		h.Status = console.Refused
	}
	return l.Show(w, r, h, importPage(i))
}

func (l lists) ask(w http.ResponseWriter, r *http.Request) error {
	if err := l.allowed(r.Context()); err != nil {
		return err
	}
	return l.show(w, r, &importing{})
}

// look tells what a list would do.
func (l lists) look(w http.ResponseWriter, r *http.Request) error {
	ctx := r.Context()
	if err := l.allowed(ctx); err != nil {
		return err
	}
	content, everyone, err := l.received(w, r)
	if err != nil {
		return l.show(w, r, &importing{Everyone: everyone, Wrong: console.Sentence(err)})
	}
	waits, err := people.RolesThatWait(ctx, l.Hall, console.Who(ctx).Operator.ID)
	if err != nil {
		return err
	}
	plan, err := people.Preview(ctx, l.Store, content, people.Options{Everyone: everyone, Zone: people.ZoneOf(l.Hall.Book()), Waits: waits})
	if err != nil {
		return err
	}
	i := &importing{Plan: &plan, Everyone: everyone}
	if plan.Wrong == 0 && len(plan.Steps)+len(plan.Waiting) > 0 {
		i.Key = rand.Text()
		l.room.add(waiting{i.Key, console.Who(ctx).Operator.ID, content, everyone, l.Now()})
	}
	return l.show(w, r, i)
}

// received reads the form: the file, and whether it is everybody.
func (l lists) received(w http.ResponseWriter, r *http.Request) (content []byte, everyone bool, err error) {
	ctx := r.Context()
	missing := &sashlock.Error{Kind: sashlock.Invalid, Op: "reading list", Hint: lang.T(ctx, "choose a file first")}
	r.Body = http.MaxBytesReader(w, r.Body, people.MaxList+console.MaxForm)
	parts, err := r.MultipartReader()
	if err != nil {
		return nil, false, missing
	}
	for range 8 { // the form has two fields
		part, err := parts.NextPart()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, everyone, unread(ctx, err)
		}
		value, err := io.ReadAll(io.LimitReader(part, people.MaxList+1))
		if err != nil {
			return nil, everyone, unread(ctx, err)
		}
		switch part.FormName() {
		case "everyone":
			everyone = len(value) > 0
		case "list":
			content = value
		}
	}
	if len(content) == 0 {
		return nil, everyone, missing
	}
	return content, everyone, nil
}

func unread(ctx context.Context, err error) error {
	var large *http.MaxBytesError
	if errors.As(err, &large) {
		return &sashlock.Error{Kind: sashlock.Limit, Op: "reading list", Hint: lang.T(ctx, "the file is too large: 32 MB at most"), Err: err}
	}
	return &sashlock.Error{Kind: sashlock.Invalid, Op: "reading list", Hint: lang.T(ctx, "the file did not arrive whole: send it again"), Err: err}
}

// apply does what a list was seen to do.
func (l lists) apply(w http.ResponseWriter, r *http.Request) error {
	if err := l.Form(w, r); err != nil {
		return err
	}
	ctx := r.Context()
	if err := l.allowed(ctx); err != nil {
		return err
	}
	who := console.Who(ctx).Operator.ID
	list, there := l.room.find(r.PostFormValue("key"), who, l.Now())
	if !there {
		return l.show(w, r, &importing{Wrong: lang.T(ctx, "The list is no longer at hand, or was applied already. Choose it again to see what it would do.")})
	}
	opts := people.Options{Everyone: list.everyone, Zone: people.ZoneOf(l.Hall.Book())}
	plan, err := people.Import(ctx, l.Store, l.Hall, who, list.content, opts, r.PostFormValue("plan"))
	i := &importing{Plan: &plan, Everyone: list.everyone, Key: list.key}
	switch {
	case err == nil:
		l.room.drop(list.key)
		i.Done, i.Key = true, ""
		if err := l.letWait(ctx, plan.Waiting); err != nil {
			return err
		}
	case plan.Wrong > 0: // a role of the list is gone
	case errors.Is(err, store.ErrChanged):
		i.Stale = true
	default:
		return err
	}
	return l.show(w, r, i)
}

// letWait lets the roles wait that a list gives and that a second operator has
// to confirm: one change for all of them.
func (l lists) letWait(ctx context.Context, joins []people.Joining) error {
	if len(joins) == 0 {
		return nil
	}
	var form approvals.Change
	for _, j := range joins {
		form.Joins = append(form.Joins, approvals.Join{Person: j.Slug, Roles: j.Roles})
	}
	_, err := l.Propose(ctx, approvals.AccessKind, form, 0, lang.T(ctx, "A list of people says so"))
	return err
}

// stepsOf are the people of a plan to whom one thing happens, up to a bound.
func stepsOf(plan *people.Plan, verb people.Verb) (some []people.Step) {
	for _, s := range plan.Steps {
		if s.Verb == verb && len(some) < shownSteps {
			some = append(some, s)
		}
	}
	return some
}

// fieldWords is what a field of a person is called.
func fieldWords(name string) string {
	switch name {
	case "name":
		return lang.Mark("Name")
	case "external_id":
		return lang.Mark("Number in the personnel system")
	case "roles":
		return lang.Mark("Roles")
	case "from":
		return lang.Mark("Admitted from")
	case "until":
		return lang.Mark("Admitted until")
	case "suspended":
		return lang.Mark("Suspended")
	case "left":
		return lang.Mark("Left")
	}
	return name
}

// valueWords is a value of a field as people read it.
func valueWords(value string) string {
	switch value {
	case "":
		return lang.Mark("nothing")
	case "yes":
		return lang.Mark("yes")
	case "no":
		return lang.Mark("no")
	}
	return value
}
