// SPDX-License-Identifier: Apache-2.0

package whatif

import (
	"cmp"
	"context"
	"net/http"
	"net/url"
	"slices"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/internal/console"
	"github.com/sashlock/sashlock/internal/grants"
	"github.com/sashlock/sashlock/internal/lang"
	effect "github.com/sashlock/sashlock/internal/reach"
	"github.com/sashlock/sashlock/internal/store"
)

// The questions, as an address has them.
const (
	askCan   = "can"   // can this person open this then?
	askWho   = "who"   // who can open this then?
	askWhat  = "what"  // what can this person open then?
	askToday = "today" // who can open what on that day?
)

// question is what was asked, as far as it could be read.
type question struct {
	Ask     string
	Site    sashlock.Site
	Person  sashlock.Person
	Opening sashlock.Opening
	Area    sashlock.Area
	When    instant
	// What is wrong with what was typed, in the reader's language; empty: nothing.
	WrongPerson, WrongOpening, WrongTime string

	People   []sashlock.Person
	Openings []group // of the site
	Areas    []sashlock.Area
}

// group is the openings of an area that the operator sees.
type group struct {
	Area     string // name; empty: none
	Openings []sashlock.Opening
}

// byOpening says that a question is about one opening, byPerson about somebody.
func (a *question) byOpening() bool { return a.Ask == askCan || a.Ask == askWho }
func (a *question) byPerson() bool  { return a.Ask == askCan || a.Ask == askWhat }

// asked says that everything the question needs is there.
func (a *question) asked() bool {
	return a.WrongPerson+a.WrongOpening+a.WrongTime == "" && (a.Person.ID != "" || !a.byPerson()) && (a.Opening.ID != "" || !a.byOpening())
}

// read reads the question of an address.
func (p pages) read(r *http.Request) (*question, error) {
	ctx, q := r.Context(), r.URL.Query()
	a := &question{Ask: q.Get("ask")}
	if !slices.Contains([]string{askCan, askWho, askWhat, askToday}, a.Ask) {
		a.Ask = askCan
	}
	var err error
	if a.Site, err = p.Site(r); err != nil {
		return nil, err
	}
	if err := p.readOpening(ctx, a, q); err != nil {
		return nil, err
	}
	if err := p.lists(ctx, a); err != nil {
		return nil, err
	}
	if slug := q.Get("person"); slug != "" {
		i := slices.IndexFunc(a.People, func(x sashlock.Person) bool { return x.Slug == slug })
		if i >= 0 {
			a.Person = a.People[i]
		} else if a.byPerson() {
			a.WrongPerson = lang.T(ctx, "Nobody by that name is known here: choose somebody from the list.")
		}
	}
	a.readTime(ctx, q, p)
	if i := slices.IndexFunc(a.Areas, func(x sashlock.Area) bool { return x.Slug == q.Get("area") }); i >= 0 {
		a.Area = a.Areas[i]
	} else if len(a.Areas) > 0 {
		a.Area = a.Areas[0]
	}
	return a, nil
}

// readOpening reads which opening is meant. It brings its site with it.
func (p pages) readOpening(ctx context.Context, a *question, q url.Values) (err error) {
	slug := q.Get("opening")
	if slug == "" {
		return nil
	}
	a.Opening, err = p.Opening(ctx, slug)
	switch {
	case sashlock.IsKind(err, sashlock.NotFound):
		if a.byOpening() {
			a.WrongOpening = lang.T(ctx, "There is no such opening: choose one from the list.")
		}
		return nil
	case err != nil:
		return err
	case !q.Has("site"):
		a.Site = p.Hall.Book().Sites[a.Opening.Site]
	case a.Opening.Site != a.Site.ID: // another site was chosen meanwhile
		a.Opening = sashlock.Opening{}
	}
	return nil
}

// readTime reads the time, which is now when none was typed.
func (a *question) readTime(ctx context.Context, q url.Values, p pages) {
	now := console.LocalTime(a.Site, p.Now())
	typed := q.Get("at")
	if typed == "" {
		a.When = instant{At: now, Typed: now.Format(written)}
		return
	}
	var err error
	if a.When, err = resolve(now.Location(), typed, q.Get("clock") == "second"); err != nil {
		a.WrongTime = lang.T(ctx, "This is no day and time: choose one, like 2026-11-22T14:00.")
		a.When.At = now
	}
}

// lists gathers what can be chosen: of people those who have to do with the
// stores of whoever asks.
func (p pages) lists(ctx context.Context, a *question) error {
	book, who := p.Hall.Book(), console.Who(ctx).Operator
	var given []sashlock.Grant
	if err := p.Store.View(ctx, func(q store.Query) (err error) { given, err = grants.List(q); return err }); err != nil {
		return err
	}
	facts := effect.New(book, given)
	for _, x := range book.People {
		if facts.Concerns(x, who.Sees) && !x.IsGuest() {
			a.People = append(a.People, x)
		}
	}
	slices.SortFunc(a.People, func(x, y sashlock.Person) int {
		return cmp.Or(console.CompareNames(x.Name, y.Name), cmp.Compare(x.Slug, y.Slug))
	})
	byArea := map[sashlock.AreaID][]sashlock.Opening{}
	for _, o := range book.Openings {
		if o.Site == a.Site.ID && who.Sees(o.Site, o.Area) {
			byArea[o.Area] = append(byArea[o.Area], o)
		}
	}
	for id, list := range byArea {
		slices.SortFunc(list, func(x, y sashlock.Opening) int {
			return cmp.Or(console.CompareNames(x.Name, y.Name), cmp.Compare(x.Slug, y.Slug))
		})
		a.Openings = append(a.Openings, group{book.Areas[id].Name, list})
		if id != "" {
			a.Areas = append(a.Areas, book.Areas[id])
		}
	}
	slices.SortFunc(a.Openings, func(x, y group) int {
		return cmp.Or(console.CompareNames(x.Area, y.Area), cmp.Compare(x.Openings[0].Slug, y.Openings[0].Slug))
	})
	slices.SortFunc(a.Areas, func(x, y sashlock.Area) int {
		return cmp.Or(console.CompareNames(x.Name, y.Name), cmp.Compare(x.Slug, y.Slug))
	})
	return nil
}

// address is the question as an address, with one thing changed.
func (a *question) address(key, value string) string {
	q := url.Values{"ask": {a.Ask}, "site": {a.Site.Slug}, "at": {a.When.Typed}}
	if a.Person.Slug != "" {
		q.Set("person", a.Person.Slug)
	}
	if a.Opening.Slug != "" {
		q.Set("opening", a.Opening.Slug)
	}
	if a.Ask == askToday && a.Area.Slug != "" {
		q.Set("area", a.Area.Slug)
	}
	if a.When.Second {
		q.Set("clock", "second")
	}
	q.Set(key, value)
	return "/what-if?" + q.Encode()
}

// ask answers a question, or shows the form for it.
func (p pages) ask(w http.ResponseWriter, r *http.Request) error {
	ctx := r.Context()
	a, err := p.read(r)
	if err != nil {
		return err
	}
	head := console.Head{
		Title: lang.T(ctx, "What if"), Section: console.InWhatIf, Site: a.Site, Styles: []string{"whatif.css"}, Scripts: []string{"whatif.js"},
		About: lang.T(ctx, "Asks what the store would decide, at any time, without opening anything and without recording anything. The answer holds for the grants, schedules and modes as they are now. The address of an answer can be handed on."),
	}
	var said answer
	if a.asked() {
		if said, err = p.answer(ctx, a); err != nil {
			return err
		}
	}
	return p.Show(w, r, head, askPage(a, said))
}
