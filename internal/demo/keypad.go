// SPDX-License-Identifier: Apache-2.0

package demo

import (
	"cmp"
	"context"
	"math/rand/v2"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/internal/credentials"
	"github.com/sashlock/sashlock/internal/lang"
)

// typed is what came of a PIN that was typed at the demo's keypad.
type typed struct {
	Opening  string // display name
	Slug     string
	Right    bool // the PIN is somebody's who may use it there
	Granted  bool
	Name     string // whose it is
	Decision sashlock.DecisionID
	Rest     time.Duration // for how long the keypad takes no PIN
}

// keypadChoice is an opening with a keypad.
type keypadChoice struct{ Slug, Name string }

// pinLine is a PIN as the corner gives it away.
type pinLine struct {
	Name, PIN, Forced string
	At                string // names of the openings
}

// keypads are the openings at which somebody's PIN is taken, and the PINs.
func (c *corner) keypads() (places []keypadChoice, lines []pinLine) {
	book := c.house.Hall.Book()
	for _, p := range c.pins {
		line := pinLine{Name: book.People[c.person(p.Person)].Name, PIN: p.PIN, Forced: p.Forced}
		var at []string
		for _, slug := range p.At {
			o := c.openingCalled(slug)
			at = append(at, o.Name)
			if one := (keypadChoice{slug, o.Name}); o.ID != "" && !slices.Contains(places, one) {
				places = append(places, one)
			}
		}
		if line.At = strings.Join(at, ", "); line.Name != "" {
			lines = append(lines, line)
		}
	}
	slices.SortFunc(lines, func(a, b pinLine) int { return cmp.Compare(a.Name, b.Name) })
	return places, lines
}

// words says what came of a PIN.
func (t typed) words(ctx context.Context) string {
	switch {
	case t.Granted:
		return lang.T(ctx, "%s opens for %s.", t.Opening, t.Name)
	case t.Right:
		return lang.T(ctx, "The PIN is right, but %s may not open this now.", t.Name)
	case t.Rest > 0:
		seconds := int((t.Rest + time.Second - 1) / time.Second)
		return lang.N(ctx, seconds, "Not taken. The keypad rests for %d second.", "Not taken. The keypad rests for %d seconds.")
	}
	return lang.T(ctx, "Not taken: nobody has this PIN here.")
}

// press is a visitor typing a PIN at an opening, as somebody standing there
// does: whoever the visitor is in the console makes no difference. When it
// opens, somebody walks through.
func (c *corner) press(w http.ResponseWriter, r *http.Request) error {
	form(w, r)
	o := c.openingCalled(r.FormValue("keypad"))
	places, _ := c.keypads()
	if !slices.Contains(places, keypadChoice{o.Slug, o.Name}) {
		return &sashlock.Error{Kind: sashlock.Invalid, Op: "typing a PIN", Subject: "keypad", Hint: "choose one from the list"}
	}
	out, err := c.house.Credentials.Present(r.Context(), credentials.Presented{
		Opening: o.ID, Shown: []credentials.Shown{{Kind: sashlock.PIN, PIN: strings.TrimSpace(r.FormValue("pin"))}},
	})
	if err != nil {
		return err
	}
	t := typed{
		Opening: o.Name, Slug: o.Slug, Right: out.Refused == "", Granted: out.Decision.Granted,
		Name: c.house.Hall.Book().People[out.Decision.Person].Name, Decision: out.Decision.ID, Rest: out.Rest,
	}
	if t.Granted && c.walkIn != nil {
		c.walkIn(o.Slug)
	}
	c.mu.Lock()
	c.typed = &t
	c.mu.Unlock()
	return c.back(w, r)
}

// walkIn lets somebody through an opening that was released, unless a scene of
// the story is at it.
func (t *story) walkIn(ctx context.Context, slug string) {
	n := slices.IndexFunc(t.cast, func(o sashlock.Opening) bool { return o.Slug == slug })
	t.mu.Lock()
	defer t.mu.Unlock()
	if n < 0 || t.busy[slug] || t.over {
		return
	}
	t.busy[slug] = true
	s := &scene{story: t, ctx: ctx, opening: t.cast[n], world: t.world(slug), random: rand.New(rand.NewPCG(uint64(n), 2))}
	t.group.Go(func() {
		if s.until(patience, unlocked) && s.pause(0.8, 1.4) {
			s.visit(1.5, 3)
		}
		t.mu.Lock()
		defer t.mu.Unlock()
		delete(t.busy, slug)
	})
}
