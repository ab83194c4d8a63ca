// SPDX-License-Identifier: Apache-2.0

package rota

import (
	"context"
	"crypto/rand"
	"errors"
	"io"
	"mime/multipart"
	"net/http"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/internal/console"
	"github.com/sashlock/sashlock/internal/lang"
	"github.com/sashlock/sashlock/internal/rota"
	"github.com/sashlock/sashlock/internal/shifts"
)

// The rules of reading a rota in are:
//
//   - It is looked at first. It is kept in memory for whoever is going to apply
//     it, for half an hour, and nowhere else.
//   - What is applied is the same file with the plan that was shown: package
//     shifts refuses anything else.

// How many files wait to be applied, and how long.
const (
	maxWaiting = 4
	waitFor    = 30 * time.Minute
)

// mostSteps is how many shifts of each kind the page names.
const mostSteps = 150

// waiting is a file that somebody looked at.
type waiting struct {
	key     string
	by      sashlock.OperatorID
	site    sashlock.SiteID
	name    string
	content []byte
	at      time.Time
}

// waitingRoom holds the files that somebody looked at.
type waitingRoom struct {
	mu  sync.Mutex
	all []waiting // held by mu; the oldest first
}

func (w *waitingRoom) add(one waiting) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.all = append(w.all, one); len(w.all) > maxWaiting {
		w.all = slices.Delete(w.all, 0, 1)
	}
}

func (w *waitingRoom) find(key string, by sashlock.OperatorID, now time.Time) (waiting, bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	i := slices.IndexFunc(w.all, func(one waiting) bool { return one.key == key && one.by == by && now.Sub(one.at) < waitFor })
	if i < 0 {
		return waiting{}, false
	}
	return w.all[i], true
}

func (w *waitingRoom) drop(key string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.all = slices.DeleteFunc(w.all, func(one waiting) bool { return one.key == key })
}

// taking is a rota as its page shows it.
type taking struct {
	Site  sashlock.Site
	Name  string
	Plan  *shifts.Plan // nil: nothing was sent yet
	Key   string
	Wrong string
	Stale bool
	Done  bool
	Kinds []kindOf
}

// kindOf are the shifts to which the same happens.
type kindOf struct {
	Title string
	Verb  shifts.Verb
	Steps []stepRow
	More  int
}

// stepRow is what happens to one shift.
type stepRow struct {
	shifts.Step
	Who, Day, Span string
	Was            string // what differs, as it was
}

func (p pages) ask(w http.ResponseWriter, r *http.Request) error {
	site, err := p.Site(r)
	if err != nil {
		return err
	}
	return p.showTaking(w, r, &taking{Site: site, Name: shifts.Rota})
}

func (p pages) showTaking(w http.ResponseWriter, r *http.Request, t *taking) error {
	ctx := r.Context()
	h := p.head(ctx, lang.T(ctx, "Import a rota"), t.Site)
	switch {
	case t.Stale:
		h.Status = console.Outrun
	case t.Wrong != "" || t.Plan != nil && t.Plan.Wrong > 0:
		h.Status = console.Refused
	}
	if t.Plan != nil {
		t.Kinds = p.kinds(ctx, t)
	}
	return p.Show(w, r, h, takePage(t))
}

// kinds sorts the steps of a plan.
func (p pages) kinds(ctx context.Context, t *taking) []kindOf {
	book := p.Hall.Book()
	all := []kindOf{
		{Title: lang.N(ctx, t.Plan.New, "%d new shift", "%d new shifts"), Verb: shifts.New},
		{Title: lang.N(ctx, t.Plan.Changed, "%d changed shift", "%d changed shifts"), Verb: shifts.Changed},
		{Title: lang.N(ctx, t.Plan.Gone, "%d shift called off", "%d shifts called off"), Verb: shifts.Gone},
	}
	for _, s := range t.Plan.Steps {
		i := slices.IndexFunc(all, func(k kindOf) bool { return k.Verb == s.Verb })
		if len(all[i].Steps) == mostSteps {
			all[i].More++
			continue
		}
		site := book.Sites[s.Site]
		one := stepRow{Step: s, Who: book.People[s.Person].Name, Day: console.Day(ctx, console.LocalTime(site, s.From)), Span: span(site, sashlock.Shift{From: s.From, Until: s.Until})}
		if was := s.Was; was != nil {
			one.Was = console.Day(ctx, console.LocalTime(site, was.From)) + " " + span(site, sashlock.Shift{From: was.From, Until: was.Until})
			if was.Person != s.Person {
				one.Was = book.People[was.Person].Name + ", " + one.Was
			}
		}
		all[i].Steps = append(all[i].Steps, one)
	}
	return slices.DeleteFunc(all, func(k kindOf) bool { return len(k.Steps) == 0 })
}

// source is how a file of a form is meant.
func (p pages) source(ctx context.Context, site sashlock.Site, name string) shifts.Source {
	from := shifts.Source{Name: name, Site: site, Now: p.Now(), Sites: map[sashlock.SiteID]bool{}}
	for _, s := range p.Sites(ctx) {
		from.Sites[s.ID] = true
	}
	return from
}

// look tells what a rota would do.
func (p pages) look(w http.ResponseWriter, r *http.Request) error {
	ctx := r.Context()
	site, err := p.Site(r)
	if err != nil {
		return err
	}
	content, name, err := p.received(w, r)
	if name == "" {
		name = shifts.Rota
	}
	t := &taking{Site: site, Name: name}
	if err != nil {
		t.Wrong = sentence(ctx, err)
		return p.showTaking(w, r, t)
	}
	plan, err := shifts.Preview(ctx, p.Store, content, p.source(ctx, site, name))
	if sashlock.IsKind(err, sashlock.Invalid) {
		t.Wrong = sentence(ctx, err)
		return p.showTaking(w, r, t)
	}
	if err != nil {
		return err
	}
	t.Plan = &plan
	if plan.Wrong == 0 {
		t.Key = rand.Text()
		p.files.add(waiting{t.Key, console.Who(ctx).Operator.ID, site.ID, name, content, p.Now()})
	}
	return p.showTaking(w, r, t)
}

// apply does what was shown.
func (p pages) apply(w http.ResponseWriter, r *http.Request) error {
	if err := p.Form(w, r); err != nil {
		return err
	}
	ctx, who := r.Context(), console.Who(r.Context()).Operator
	key := r.PostFormValue("key")
	one, known := p.files.find(key, who.ID, p.Now())
	site := p.Hall.Book().Sites[one.site]
	if !known || !who.At(site.ID) {
		site, err := p.Site(r)
		if err != nil {
			return err
		}
		return p.showTaking(w, r, &taking{Site: site, Name: shifts.Rota, Wrong: lang.T(ctx, "It was applied already, or is no longer at hand: choose the file again.")})
	}
	plan, err := shifts.Import(ctx, p.Hall, who.ID, one.content, p.source(ctx, site, one.name), r.PostFormValue("plan"))
	t := &taking{Site: site, Name: one.name, Plan: &plan, Key: key}
	switch {
	case sashlock.IsKind(err, sashlock.Conflict):
		t.Stale = true
	case sashlock.IsKind(err, sashlock.Invalid):
		t.Wrong = sentence(ctx, err)
	case err != nil:
		return err
	default:
		t.Done = true
		p.files.drop(key)
	}
	return p.showTaking(w, r, t)
}

// received reads the file of a form and the name of the rota. The file is never
// written to disk.
func (p pages) received(w http.ResponseWriter, r *http.Request) (content []byte, name string, err error) {
	ctx := r.Context()
	r.Body = http.MaxBytesReader(w, r.Body, rota.MaxFile+console.MaxForm)
	fail := func(err error) error {
		var large *http.MaxBytesError
		if errors.As(err, &large) {
			return &sashlock.Error{Kind: sashlock.Limit, Op: "reading rota", Subject: "file", Hint: lang.T(ctx, "the file is too large: %d MB at most", rota.MaxFile>>20), Err: err}
		}
		return &sashlock.Error{Kind: sashlock.Invalid, Op: "reading rota", Subject: "file", Hint: lang.T(ctx, "it did not arrive whole: send it again from its page"), Err: err}
	}
	parts, err := r.MultipartReader()
	if err != nil {
		return nil, "", fail(err)
	}
	for range 8 { // a form of ours has fewer fields
		part, err := parts.NextPart()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, name, fail(err)
		}
		switch part.FormName() {
		case "file":
			content, err = io.ReadAll(part)
		case "name":
			name, err = field(part)
		}
		if err != nil {
			return nil, name, fail(err)
		}
	}
	if len(content) == 0 {
		return nil, name, &sashlock.Error{Kind: sashlock.Invalid, Op: "reading rota", Subject: "file", Hint: lang.T(ctx, "choose a file first")}
	}
	return content, name, nil
}

// field reads a short field of a form.
func field(part *multipart.Part) (string, error) {
	text, err := io.ReadAll(io.LimitReader(part, 100))
	return console.Clip(string(text), 60), err
}

// places tells where in a file something is, in the reader's language.
func places(ctx context.Context, one rota.Problem) string {
	switch {
	case one.Row == 0:
		return lang.T(ctx, "The file")
	case one.Column == "":
		return lang.T(ctx, "Row %s", strconv.Itoa(one.Row))
	}
	return lang.T(ctx, "Row %s, %s", strconv.Itoa(one.Row), one.Column)
}
