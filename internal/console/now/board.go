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
	"github.com/sashlock/sashlock/internal/console"
	"github.com/sashlock/sashlock/internal/flow"
	"github.com/sashlock/sashlock/internal/opening"
)

const (
	shownLines  = 20
	shownAlarms = 50
)

// board is a store as it stands at one moment.
type board struct {
	Site    sashlock.Site
	Zone    *time.Location
	Now     time.Time
	View    view
	Figures []figure
	Pins    []pin // in order of area and name
	Rooms   []console.Room
	Alarms  []alarm
	Lines   []console.Line
}

// figure is one number at the top of the page.
type figure struct {
	Name  string
	Count int
	Note  string // what it consists of
	Tone  console.Tone
	Shape string
}

// pin is an opening on the plan and in the list. All that changes while
// nothing happens, such as an age, is worked out from its times when it is
// rendered.
type pin struct {
	Slug, Name, Kind, Area, Place string
	X, Y                          int
	Shown                         opening.Shown // its Now is zero
	Open                          bool          // the contact says so, or last said so
	Person                        string        // to whom it is released
	Release                       time.Duration
	Nobody                        bool // open, and nobody there: the alarm stands
	Alarm                         bool
}

// alarm is a standing alarm.
type alarm struct {
	ID, Opening, Slug, What, Why string
	Level                        sashlock.Level
	Raised, Cleared              time.Time
	Seen                         time.Time
}

// look puts the board together.
func (p pages) look(ctx context.Context, v view) (*board, error) {
	book := p.Hall.Book()
	b := &board{View: v, Site: v.Site}
	b.Now = console.LocalTime(b.Site, p.Now())
	b.Zone = b.Now.Location()
	states, err := p.Store.States(ctx)
	if err != nil {
		return nil, err
	}
	b.pins(book, states)
	b.Rooms = console.Rooms(b.spots(book))
	standing, err := p.Store.Alarms(ctx, true, shownAlarms)
	if err != nil {
		return nil, err
	}
	for _, a := range standing {
		if a.Site == b.Site.ID {
			b.Alarms = append(b.Alarms, alarmOf(book, a, b.Zone))
		}
	}
	var refused int
	if b.Lines, refused, err = p.Feed.Recent(ctx, b.Site, shownLines); err != nil {
		return nil, err
	}
	b.count(refused)
	return b, nil
}

func (b *board) pins(book *flow.Book, states []sashlock.OpeningState) {
	stands := make(map[sashlock.OpeningID]sashlock.OpeningState, len(states))
	for _, s := range states {
		stands[s.Opening] = s
	}
	for id, o := range book.Openings {
		if o.Site == b.Site.ID {
			b.Pins = append(b.Pins, pinOf(book, o, stands[id], b.Now))
		}
	}
	slices.SortFunc(b.Pins, func(x, y pin) int {
		return cmp.Or(cmp.Compare(x.Area, y.Area), console.CompareNames(x.Name, y.Name), cmp.Compare(x.Slug, y.Slug))
	})
}

func pinOf(book *flow.Book, o sashlock.Opening, s sashlock.OpeningState, now time.Time) pin {
	shown := opening.Show(o, s, now)
	shown.Now = time.Time{}
	shown.Since, shown.Until = in(shown.Since, now.Location()), in(shown.Until, now.Location())
	return pin{
		Slug: o.Slug, Name: o.Name, Kind: string(o.Kind), Area: book.Areas[o.Area].Name, Place: string(o.Area),
		X: o.Plan.X, Y: o.Plan.Y,
		Shown: shown, Open: s.Position == sashlock.Open,
		Person: book.People[shown.Person].Name, Release: o.ReleaseTime,
		Nobody: s.Alarms["unattended"] != "", Alarm: len(s.Alarms) > 0,
	}
}

// in is an instant in a zone; one that is not known stays so.
func in(t time.Time, zone *time.Location) time.Time {
	if t.IsZero() {
		return t
	}
	return t.In(zone)
}

func alarmOf(book *flow.Book, a sashlock.Alarm, zone *time.Location) alarm {
	o := book.Openings[a.Opening]
	return alarm{
		ID: string(a.ID), Opening: o.Name, Slug: o.Slug, What: console.RuleWords(a.Rule), Why: a.Why, Level: a.Level,
		Raised: in(a.Raised, zone), Cleared: in(a.Cleared, zone), Seen: in(a.Acknowledged, zone),
	}
}

// spots are the places of the openings by area, from which rooms are drawn.
func (b *board) spots(book *flow.Book) []console.Spot {
	var all []console.Spot
	for _, p := range b.Pins {
		if p.Place != "" && (p.X != 0 || p.Y != 0) {
			all = append(all, console.Spot{Area: p.Place, Name: book.Areas[sashlock.AreaID(p.Place)].Name, X: p.X, Y: p.Y, Door: p.Kind == string(sashlock.Door)})
		}
	}
	return all
}

// count makes the figures at the top.
func (b *board) count(refused int) {
	var open, unlocked, held, nobody, stale, offline, act, unseen int
	for _, p := range b.Pins {
		switch {
		case p.Shown.Word == opening.LastSeen:
			stale++
		case p.Shown.Word == opening.Unknown:
			offline++
		case p.Open:
			open++
		case p.Shown.Word == opening.Unlocked:
			unlocked++
		}
		if p.Shown.Word == opening.HeldOpen {
			held++
		}
		if p.Nobody {
			nobody++
		}
	}
	for _, a := range b.Alarms {
		if a.Cleared.IsZero() {
			act++
		}
		if a.Seen.IsZero() {
			unseen++
		}
	}
	b.Figures = []figure{
		{"Open now", open, fmt.Sprintf("%d unlocked · %d in all", unlocked, len(b.Pins)), tone(open, console.Watch), "square"},
		{"Held open or unattended", max(held, nobody), fmt.Sprintf("%d held open · %d unattended", held, nobody), tone(held+nobody, console.Alert), "triangle"},
		{"Out of reach", stale + offline, fmt.Sprintf("%d last seen · %d unknown", stale, offline), tone(stale+offline, console.Doubt), "dashed-circle"},
		{"Alarms", len(b.Alarms), fmt.Sprintf("%d stand · %d unseen", act, unseen), tone(len(b.Alarms), console.Alert), "octagon"},
		{"Refused today", refused, "requests, with the reason", tone(0, console.Watch), "barred-circle"},
	}
}

func tone(n int, t console.Tone) console.Tone {
	if n == 0 {
		return console.Calm
	}
	return t
}

// Said is how it stands in words, as at now, for whoever does not see the
// drawing.
func (p pin) Said(now time.Time) string {
	s := p.Shown
	s.Now = now
	text := s.String()
	if p.Person != "" {
		text += ", for " + p.Person
	}
	if p.Nobody {
		text += ", nobody there"
	}
	return text
}

// Was is how a stale opening was, in words.
func (p pin) Was() string {
	s := p.Shown
	s.Now = s.Since
	_, was, _ := strings.Cut(s.String(), ", ")
	return was
}

// Face is how it looks.
func (p pin) Face() console.Face { return console.FaceOf(p.Shown.Word) }

// Standing reports whether the condition of the alarm is not over.
func (a alarm) Standing() bool { return a.Cleared.IsZero() }

// byArea lists the pins of each area, areas in order of name.
func (b *board) byArea() []area {
	var all []area
	for _, p := range b.Pins {
		if len(all) == 0 || all[len(all)-1].Name != p.Area {
			all = append(all, area{Name: p.Area})
		}
		last := &all[len(all)-1]
		last.Pins = append(last.Pins, p)
	}
	return all
}

type area struct {
	Name string
	Pins []pin
}

// parts are the pieces of the page that are kept up to date.
func (b *board) parts() []console.Part {
	if b == nil {
		return nil
	}
	openings := console.Part{ID: "openings", Body: plan(b), Key: fmt.Sprint("plan", b.Rooms)}
	if b.View.List {
		openings = console.Part{ID: "openings", Body: list(b), Key: "list"}
	}
	for _, p := range b.Pins {
		one := console.Part{ID: p.element(), Key: fmt.Sprintf("%+v", p), Body: drawnPin(p, b.Now)}
		if b.View.List {
			one.Body = listed(p, b.Now)
		}
		openings.Within = append(openings.Within, one)
	}
	parts := []console.Part{
		{ID: "figures", Key: fmt.Sprintf("%+v", b.Figures), Body: figures(b.Figures)},
		{ID: "alarms", Key: fmt.Sprintf("%+v", b.Alarms), Body: alarmList(b.Alarms, b.Now)},
		openings,
		{ID: "events", Key: fmt.Sprintf("%+v", b.Lines), Body: events(b.Lines, b.Zone)},
	}
	if !b.View.List {
		parts = append(parts, console.Part{ID: "notable", Key: fmt.Sprintf("%+v", b.notable()), Body: notable(b)})
	}
	return parts
}

// notable lists the openings that are not calm.
func (b *board) notable() []pin {
	return slices.DeleteFunc(slices.Clone(b.Pins), func(p pin) bool { return p.Face().Tone == console.Calm })
}

// element is the id of the element that shows it.
func (p pin) element() string { return "pin-" + p.Slug }
