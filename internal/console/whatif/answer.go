// SPDX-License-Identifier: Apache-2.0

package whatif

import (
	"cmp"
	"context"
	"slices"
	"strconv"
	"time"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/internal/console"
	"github.com/sashlock/sashlock/internal/lang"
	"github.com/sashlock/sashlock/internal/store"
)

// lastOpenings is how far back it is looked who opened an opening.
const lastOpenings = 300

// answer is what is said to a question: one of these.
type answer struct {
	Can   *verdict
	Who   *holders
	What  *reach
	Today *matrix
}

func (p pages) answer(ctx context.Context, a *question) (out answer, err error) {
	switch a.Ask {
	case askWho:
		out.Who, err = p.who(ctx, a)
	case askWhat:
		out.What, err = p.what(ctx, a)
	case askToday:
		out.Today, err = p.today(ctx, a)
	default:
		out.Can, err = p.can(ctx, a)
	}
	return out, err
}

// verdict is what would be decided.
type verdict struct {
	Granted bool
	Reason  string
	table
}

// can decides a request at an instant, with the lock and the mode as they are.
func (p pages) can(ctx context.Context, a *question) (*verdict, error) {
	state, err := p.Store.State(ctx, a.Opening.ID)
	if err != nil {
		return nil, err
	}
	d := p.Hall.Decide(sashlock.Request{Person: a.Person.ID, Opening: a.Opening.ID, At: a.When.At}, state)
	v := &verdict{Granted: d.Granted, Reason: d.Reason.Words()}
	v.table, err = p.tabulate(ctx, d, a.Opening, a.Person)
	return v, err
}

// holders are those who can open an opening.
type holders struct {
	List   []holder
	Looked int    // how many of the last openings were looked at
	All    bool   // it was not opened more often
	Shut   string // by which order nobody can open it at the moment; empty: by none
}

// holder is somebody, by what they can open it, and when they did so last.
type holder struct {
	Slug, Name string
	Role       string // empty: by name
	Grant      sentence
	Last       time.Time // zero: not as far as was looked
}

func (p pages) who(ctx context.Context, a *question) (*holders, error) {
	book := p.Hall.Book()
	found := book.Index.WhoCanOpen(a.Opening.ID, a.When.At)
	ids := make([]sashlock.GrantID, len(found))
	for i, h := range found {
		ids[i] = h.Grant
	}
	said, err := p.sentences(ctx, ids)
	if err != nil {
		return nil, err
	}
	taken, err := p.Store.Events(ctx, store.EventQuery{Opening: a.Opening.ID, Kind: string(sashlock.AccessTaken), Newest: true, Limit: lastOpenings})
	if err != nil {
		return nil, err
	}
	last := map[sashlock.PersonID]time.Time{}
	for _, e := range slices.Backward(taken) {
		last[e.Person] = e.Heard.In(a.When.At.Location())
	}
	state, err := p.Store.State(ctx, a.Opening.ID)
	if err != nil {
		return nil, err
	}
	out := &holders{Looked: len(taken), All: len(taken) < lastOpenings, Shut: shut(state.Mode)}
	for _, h := range found {
		out.List = append(out.List, holder{
			book.People[h.Person].Slug, book.People[h.Person].Name, book.Roles[h.Role].Name, said[h.Grant], last[h.Person],
		})
	}
	slices.SortFunc(out.List, func(x, y holder) int {
		return cmp.Or(console.CompareNames(x.Name, y.Name), cmp.Compare(x.Slug, y.Slug))
	})
	return out, nil
}

// shut says by which order nobody can open an opening at the moment.
func shut(m sashlock.Mode) string {
	switch m {
	case sashlock.LockedDown:
		return lang.Mark("It is locked down at the moment: until that ends, nobody can open it.")
	case sashlock.Blocked:
		return lang.Mark("It is blocked at the moment: until that ends, nobody can open it.")
	}
	return ""
}

// reach is what somebody can open.
type reach struct {
	Areas []reached
	Can   int
	All   int
	Rooms []room
	Pins  []pin
}

// reached is the openings of one area, those that can be opened first.
type reached struct {
	Area string
	List []reachable
}

// reachable is an opening, and by what it can be opened.
type reachable struct {
	Slug, Name string
	Can        bool
	Role       string // empty: by name
	Grant      sentence
}

// room is an area on the plan.
type room struct {
	console.Room
	Can, All int // how many of its openings can be opened
}

// Shade says how much of a room can be opened.
func (r room) Shade() string {
	switch r.Can {
	case 0:
		return "shade-none"
	case r.All:
		return "shade-all"
	}
	return "shade-some"
}

// pin is an opening on the plan.
type pin struct {
	Slug, Name string
	X, Y       int
	Can        bool
}

func (p pages) what(ctx context.Context, a *question) (*reach, error) {
	book := p.Hall.Book()
	var ids []sashlock.GrantID
	found := book.Index.WhatCanOpen(a.Person.ID, a.When.At)
	for _, r := range found {
		if book.Openings[r.Opening].Site == a.Site.ID {
			ids = append(ids, r.Grant)
		}
	}
	said, err := p.sentences(ctx, ids)
	if err != nil {
		return nil, err
	}
	by := map[sashlock.OpeningID]reachable{}
	for _, r := range found {
		by[r.Opening] = reachable{Can: true, Role: book.Roles[r.Role].Name, Grant: said[r.Grant]}
	}
	out, spots, shades := &reach{}, []console.Spot{}, map[string]room{}
	for _, g := range a.Openings {
		area := reached{Area: g.Area}
		for _, o := range g.Openings {
			one := by[o.ID]
			one.Slug, one.Name = o.Slug, o.Name
			area.List = append(area.List, one)
			shade := shades[string(o.Area)]
			out.All, shade.All = out.All+1, shade.All+1
			if one.Can {
				out.Can, shade.Can = out.Can+1, shade.Can+1
			}
			shades[string(o.Area)] = shade
			if o.Plan != (sashlock.Place{}) {
				spots = append(spots, console.Spot{Area: string(o.Area), Name: g.Area, X: o.Plan.X, Y: o.Plan.Y, Door: o.Kind == sashlock.Door})
				out.Pins = append(out.Pins, pin{o.Slug, o.Name, o.Plan.X, o.Plan.Y, one.Can})
			}
		}
		out.Areas = append(out.Areas, area)
	}
	for _, r := range console.Rooms(spots) {
		out.Rooms = append(out.Rooms, room{r, shades[r.Area].Can, shades[r.Area].All})
	}
	return out, nil
}

// planRatio is the height of the plan to its width.
const planRatio = 0.62

// planY turns thousandths of the plan's height into the units of the drawing.
func planY(y int) string { return strconv.FormatFloat(float64(y)*planRatio, 'f', 1, 64) }
