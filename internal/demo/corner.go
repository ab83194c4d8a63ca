// SPDX-License-Identifier: Apache-2.0

package demo

import (
	"cmp"
	"context"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/a-h/templ"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/internal/console"
	"github.com/sashlock/sashlock/internal/estate"
	"github.com/sashlock/sashlock/internal/lang"
	"github.com/sashlock/sashlock/internal/signin"
)

// The rules of the corner are:
//
//   - It stands on every page of the demo, and only there. Whoever reaches the
//     demo may use all of it, whatever identity they have taken on: it is the
//     stage machinery, not part of the store.
//   - Everything in it is a form that works without JavaScript. With it the
//     corner is sent alone and put in place.
//   - What is broken here is really broken, and is mended here too.

// corner is the card at the edge of every page.
type corner struct {
	*shop
	frame  *console.Frame
	pace   *pace
	tour   *tour
	forger *forger
	walkIn func(slug string) // somebody goes through an opening that was released; nil: nobody

	mu     sync.Mutex
	proved *verdict        // guarded by mu: what the last verification found
	typed  *typed          // guarded by mu: what came of the last PIN
	given  *guestCode      // guarded by mu: the last code for a customer
	mine   map[broken]bool // guarded by mu: what was broken from here
	who    sync.Mutex      // held while an identity is looked up and renewed
}

// personaMeans is how a persona's session says that it began.
const personaMeans = signin.ByDemo

const (
	foldCookie = "sashlock_demo"      // "open" or "folded"
	tourCookie = "sashlock_demo_tour" // "done" when the list was put away
)

// mountCorner puts the corner on the pages of a house.
func mountCorner(s *shop, p *pace, f *forger, walkIn func(slug string)) {
	c := &corner{shop: s, pace: p, forger: f, walkIn: walkIn, tour: newTour(s), mine: map[broken]bool{}}
	s.house.MountPages(func(frame *console.Frame) {
		c.frame = frame
		frame.Extend(c.part)
		frame.Public("GET /demo/corner", c.alone)
		frame.Public("POST /demo/persona", c.persona)
		frame.Public("POST /demo/pace", c.changePace)
		frame.Public("POST /demo/break", c.breaks)
		frame.Public("POST /demo/keypad", c.press)
		frame.Public("POST /demo/code", c.code)
		frame.Public("POST /demo/tour", c.putAway)
		frame.Public("GET /demo/store.yaml", c.keep)
		frame.Public("GET /demo/phone", c.phone)
	})
}

// part is the corner at the end of a page.
func (c *corner) part(r *http.Request) templ.Component {
	c.tour.watch(r)
	return cornerCard(c.view(r))
}

// view is all that the corner shows.
type view struct {
	Folded   bool
	Here     string // the page it stands on
	Stops    [tourLength]stop
	Done     [tourLength]bool
	Ticked   int
	Tour     bool // the list is shown
	Personas []persona
	Who      sashlock.OperatorID
	Visitor  sashlock.OperatorID
	Name     string
	Speed    float64
	Gateways []string // that can be cut
	Locks    []lockGroup
	Broken   []broken
	Forged   int64 // the entry that is edited; -1: none
	Proved   *verdict
	Keypads  []keypadChoice
	PINs     []pinLine
	Typed    *typed // what came of the last PIN; nil: none was typed
	Given    *guestCode
	Alone    string // the case that customers open themselves
}

// lockGroup are the locks of one store.
type lockGroup struct {
	Site  string
	Locks []lockChoice
}

type lockChoice struct{ Slug, Name string }

// broken is something that was broken from the corner.
type broken struct {
	Mend   string // what mends it: mend, revive, unjam
	Name   string // of the field that says which one
	Value  string
	Called string
}

func (c *corner) view(r *http.Request) view {
	ctx := r.Context()
	speed, _ := c.pace.get()
	signed := console.Who(ctx).Operator
	v := view{
		Here: r.URL.RequestURI(), Stops: stops(), Done: c.tour.ticks(ctx), Tour: true, Who: signed.ID, Name: signed.Name,
		Visitor: c.operator, Speed: speed, Forged: -1, Folded: strings.Contains(r.UserAgent(), "Mobi") || r.URL.Path != "/",
	}
	if r.Method != http.MethodGet || strings.HasPrefix(r.URL.Path, "/demo/") {
		v.Here = console.Local(r.FormValue("then"))
	}
	for i := range v.Done {
		if v.Done[i] {
			v.Ticked++
		}
	}
	if cookie, err := r.Cookie(foldCookie); err == nil {
		v.Folded = cookie.Value != "open"
	}
	if cookie, err := r.Cookie(tourCookie); err == nil {
		v.Tour = cookie.Value != "done"
	}
	c.who.Lock()
	v.Personas = slices.Clone(c.staff.personas)
	c.who.Unlock()
	c.mu.Lock()
	v.Proved, v.Typed, v.Given = c.proved, c.typed, c.given
	c.mu.Unlock()
	if was, edited, err := c.forger.standing(); err == nil && edited {
		v.Forged = was.Seq
	}
	v.Alone = c.openingCalled(aloneAt).Name
	v.Keypads, v.PINs = c.keypads()
	c.damage(&v)
	return v
}

// damage lists what can be broken and what is.
func (c *corner) damage(v *view) {
	for _, name := range slices.Sorted(maps.Keys(c.worlds)) {
		if !c.worlds[name].Cut() {
			v.Gateways = append(v.Gateways, name)
		}
	}
	book := c.house.Hall.Book()
	groups := map[string]*lockGroup{}
	for id, o := range book.Openings {
		if _, locks := fittedWith(book, id, sashlock.CanRelease); !locks || c.gateway[o.Slug] == "" {
			continue
		}
		site := book.Sites[o.Site].Name
		if groups[site] == nil {
			groups[site] = &lockGroup{Site: site}
		}
		groups[site].Locks = append(groups[site].Locks, lockChoice{o.Slug, o.Name})
	}
	for _, site := range slices.Sorted(maps.Keys(groups)) {
		g := groups[site]
		slices.SortFunc(g.Locks, func(a, b lockChoice) int { return cmp.Compare(a.Name, b.Name) })
		v.Locks = append(v.Locks, *g)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	maps.DeleteFunc(c.mine, func(b broken, _ bool) bool { return !c.still(b) })
	v.Broken = slices.SortedFunc(maps.Keys(c.mine), func(a, b broken) int { return cmp.Or(cmp.Compare(a.Called, b.Called), cmp.Compare(a.Mend, b.Mend)) })
}

// still reports whether something is as broken as it was left.
func (c *corner) still(b broken) bool {
	if b.Name == "gateway" {
		return c.worlds[b.Value].Cut()
	}
	state, err := c.world(b.Value).State(b.Value)
	return err == nil && (b.Mend == "revive" && state.Dead || b.Mend == "unjam" && state.Jammed)
}

// broke remembers that something was broken from here.
func (c *corner) broke(mend, field, value, called string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.mine[broken{mend, field, value, called}] = true
}

// paceWords is a speed as people read it.
func paceWords(ctx context.Context, speed float64) string {
	if speed == 0 {
		return lang.T(ctx, "Pause")
	}
	return strconv.FormatFloat(speed, 'g', 4, 64) + "×"
}

// within is the page that one is on, with one part of the corner unfolded: a
// browser unfolds what the fragment of an address lies in, with no script.
func (v view) within(part string) string { return v.Here + "#" + part + "-inside" }

// words says what is broken.
func (b broken) words(ctx context.Context) string {
	switch b.Mend {
	case "mend":
		return lang.T(ctx, "Network of %s is cut", b.Called)
	case "revive":
		return lang.T(ctx, "%s: the lock is dead", b.Called)
	}
	return lang.T(ctx, "%s: the bolt is jammed", b.Called)
}

// alone answers with the corner and nothing else.
func (c *corner) alone(w http.ResponseWriter, r *http.Request) error {
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	return cornerCard(c.view(r)).Render(r.Context(), w)
}

// back answers after something was done: with the corner for a script that
// asked, with the page for a browser without one.
func (c *corner) back(w http.ResponseWriter, r *http.Request) error {
	if r.Header.Get("X-Corner") != "" {
		return c.alone(w, r)
	}
	http.SetCookie(w, &http.Cookie{Name: foldCookie, Value: "open", Path: "/", SameSite: http.SameSiteLaxMode})
	return console.Back(w, r, console.Local(r.FormValue("then")))
}

// form reads a small form.
func form(w http.ResponseWriter, r *http.Request) { r.Body = http.MaxBytesReader(w, r.Body, 16<<10) }

// persona makes the visitor somebody else, by a session like any other.
func (c *corner) persona(w http.ResponseWriter, r *http.Request) error {
	form(w, r)
	p, home, err := c.find(r.Context(), r.FormValue("who"))
	if err != nil {
		return err
	}
	return c.become(w, r, p, home)
}

func (c *corner) become(w http.ResponseWriter, r *http.Request, id sashlock.OperatorID, home string) error {
	if s := console.Who(r.Context()); s.ID != "" {
		if err := c.house.Signin.End(r.Context(), s.Operator.ID, s.ID); err != nil {
			return err
		}
	}
	_, secret, err := c.house.Signin.Begin(r.Context(), id, personaMeans, r.UserAgent())
	if err != nil {
		return err
	}
	http.SetCookie(w, &http.Cookie{
		Name: console.SessionCookie, Value: secret, Path: "/", HttpOnly: true, SameSite: http.SameSiteLaxMode,
		MaxAge: int(signin.SessionLife.Seconds()),
	})
	return console.Back(w, r, home)
}

// phone is where the link for a phone leads: to the page of an associate.
func (c *corner) phone(w http.ResponseWriter, r *http.Request) error {
	id, home, err := c.find(r.Context(), "associate")
	if err != nil {
		return err
	}
	return c.become(w, r, id, home)
}

// find returns the operator of a persona and the page on which they land.
func (c *corner) find(ctx context.Context, key string) (sashlock.OperatorID, string, error) {
	if key == visitorKey {
		return c.operator, "/", nil
	}
	c.who.Lock()
	defer c.who.Unlock()
	for i := range c.staff.personas {
		if p := &c.staff.personas[i]; p.key == key {
			return p.operator.ID, p.home, c.refresh(ctx, p)
		}
	}
	return "", "", &sashlock.Error{Kind: sashlock.Invalid, Op: "taking on an identity", Subject: "who", Hint: "choose one from the list"}
}

// speeds are those that can be chosen; 0 is a pause.
var speeds = []float64{0, 1, 10, 60}

func (c *corner) changePace(w http.ResponseWriter, r *http.Request) error {
	form(w, r)
	speed, err := strconv.ParseFloat(r.FormValue("speed"), 64)
	if err != nil || !slices.Contains(speeds, speed) {
		return &sashlock.Error{Kind: sashlock.Invalid, Op: "changing the pace", Subject: "speed", Hint: "choose 0, 1, 10 or 60"}
	}
	c.pace.set(speed)
	return c.back(w, r)
}

// breaks breaks something, mends it again, or looks whether the ledger is whole.
func (c *corner) breaks(w http.ResponseWriter, r *http.Request) error {
	form(w, r)
	if err := c.carryOut(r); err != nil {
		return err
	}
	return c.back(w, r)
}

func (c *corner) carryOut(r *http.Request) error {
	bad := func(field string) error {
		return &sashlock.Error{Kind: sashlock.Invalid, Op: "breaking something", Subject: field, Hint: "choose one from the list"}
	}
	switch what := r.FormValue("what"); what {
	case "edit", "undo", "verify":
		return c.ledger(r.Context(), what)
	case "cut", "mend":
		name := r.FormValue("gateway")
		w := c.worlds[name]
		switch {
		case w == nil:
			return bad("gateway")
		case what == "mend":
			w.MendGateway()
			return nil
		}
		w.CutGateway()
		c.broke("mend", "gateway", name, name)
		return nil
	case "kill", "revive", "jam", "unjam":
		return c.breakLock(what, r.FormValue("opening"))
	}
	return bad("what")
}

// breakLock breaks the lock of an opening, or mends it.
func (c *corner) breakLock(what, slug string) error {
	w := c.world(slug)
	if w == nil {
		return &sashlock.Error{Kind: sashlock.Invalid, Op: "breaking something", Subject: "opening", Hint: "choose one from the list"}
	}
	act := map[string]func(string) error{"kill": w.Kill, "revive": w.Revive, "jam": w.Jam, "unjam": w.Unjam}[what]
	if err := act(slug); err != nil {
		return err
	}
	if mend, breaks := map[string]string{"kill": "revive", "jam": "unjam"}[what]; breaks {
		called := slug
		for _, o := range c.house.Hall.Book().Openings {
			if o.Slug == slug {
				called = o.Name + ", " + c.house.Hall.Book().Sites[o.Site].Name
			}
		}
		c.broke(mend, "opening", slug, called)
	}
	return nil
}

// ledger edits an entry, puts it back, or verifies all of them.
func (c *corner) ledger(ctx context.Context, what string) (err error) {
	switch what {
	case "edit":
		_, err = c.forger.edit(ctx, c.start)
	case "undo":
		err = c.forger.undo(ctx)
	default:
		c.tour.tick(didVerify)
	}
	if err != nil {
		return err
	}
	v, err := c.forger.verify(ctx)
	c.mu.Lock()
	defer c.mu.Unlock()
	c.proved = &v
	return err
}

// putAway puts the list of things to try away, or brings it back.
func (c *corner) putAway(w http.ResponseWriter, r *http.Request) error {
	form(w, r)
	value := "done"
	if r.FormValue("show") != "" {
		value = "shown"
	}
	http.SetCookie(w, &http.Cookie{Name: tourCookie, Value: value, Path: "/", SameSite: http.SameSiteLaxMode, HttpOnly: true})
	r.Header.Del("Cookie")
	r.AddCookie(&http.Cookie{Name: tourCookie, Value: value})
	r.AddCookie(&http.Cookie{Name: foldCookie, Value: "open"})
	return c.back(w, r)
}

// keep is the way out: what the demo has declared, as a file that sashlock
// apply takes into a store of one's own.
func (c *corner) keep(w http.ResponseWriter, r *http.Request) error {
	f, err := c.house.API.Estate(r.Context())
	if err != nil {
		return err
	}
	if err := unhurried(&f, c.speed); err != nil {
		return err
	}
	text, err := estate.Marshal(f)
	if err != nil {
		return err
	}
	w.Header().Set("Content-Type", "application/yaml; charset=utf-8")
	w.Header().Set("Content-Disposition", `attachment; filename="store.yaml"`)
	_, err = w.Write(text)
	return err
}
