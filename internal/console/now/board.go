// SPDX-License-Identifier: Apache-2.0

package now

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/internal/console"
	"github.com/sashlock/sashlock/internal/flow"
	"github.com/sashlock/sashlock/internal/opening"
	"github.com/sashlock/sashlock/internal/plans"
	"github.com/sashlock/sashlock/internal/signin"
	"github.com/sashlock/sashlock/internal/store"
)

const (
	shownLines  = 20
	shownAlarms = 50
)

// board is a store as it stands at one moment, as one operator may see it.
type board struct {
	Site    sashlock.Site
	Zone    *time.Location
	Now     time.Time
	View    view
	Figures []figure
	All     []pin // in order of area and name
	Pins    []pin // those of them that the view shows
	Areas   []sashlock.Area
	Ground  ground
	Alarms  []alarm
	Lines   []console.Line
	Runs    []routine
	Force   []console.Force

	seen map[string]bool // the openings of All by identifier
}

// pin is an opening on the plan, on the wall and in the list. All that changes
// while nothing happens, such as an age, is worked out from its times when it
// is rendered.
type pin struct {
	ID                            sashlock.OpeningID
	Slug, Name, Kind, Area, Place string
	X, Y                          int
	Shown                         opening.Shown // its Now is zero
	Open                          bool          // the contact says so, or last said so
	Person                        string        // to whom it is released
	Release                       time.Duration
	Nobody                        bool   // open, and nobody there: the alarm stands
	Alarm                         bool   // some alarm stands
	Photo                         string // address of its photo; empty: there is none
	Trial                         bool   // nothing is sent to its lock
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
	book, who := p.Hall.Book(), console.Who(ctx).Operator
	b := &board{View: v, Site: v.Site, Now: console.LocalTime(v.Site, p.Now())}
	b.Zone = b.Now.Location()
	states, err := p.Store.States(ctx)
	if err != nil {
		return nil, err
	}
	b.pins(book, states, who)
	standing, err := p.Store.Alarms(ctx, true, mostStanding)
	if err != nil {
		return nil, err
	}
	for _, a := range standing {
		if a.Site == b.Site.ID && b.tells(who, a.Rule) && who.Sees(a.Site, book.Openings[a.Opening].Area) && len(b.Alarms) < shownAlarms {
			b.Alarms = append(b.Alarms, alarmOf(book, a, b.Zone))
		}
	}
	var w work
	if b.Lines, w.Refused, err = p.Feed.Recent(ctx, b.Site, shownLines); err != nil {
		return nil, err
	}
	err = p.Store.View(ctx, func(q store.Query) error {
		plan, err := plans.Find(q, b.Site.ID)
		if err != nil {
			return err
		}
		b.lay(book, plan, b.spots(book))
		if err := b.photos(q, book); err != nil {
			return err
		}
		return cmp.Or(w.waiting(q, b), w.open(q, b, who))
	})
	if err != nil {
		return b, err
	}
	b.count(ctx, w)
	running, err := p.routines.Running(ctx, b.Site.ID, func(rule string) bool { return b.tells(who, rule) })
	b.runs(running)
	b.Force = console.InForce(running, b.Zone)
	return b, err
}

// pins lists the openings that an operator sees.
func (b *board) pins(book *flow.Book, states []sashlock.OpeningState, who signin.Operator) {
	stands := make(map[sashlock.OpeningID]sashlock.OpeningState, len(states))
	for _, s := range states {
		stands[s.Opening] = s
	}
	b.seen = map[string]bool{}
	for id, o := range book.Openings {
		if o.Site == b.Site.ID && who.Sees(o.Site, o.Area) {
			b.All = append(b.All, pinOf(book, o, stands[id], b.Now, func(rule string) bool { return b.tells(who, rule) }))
			b.seen[string(id)] = true
		}
	}
	slices.SortFunc(b.All, func(x, y pin) int {
		return cmp.Or(cmp.Compare(x.Area, y.Area), console.CompareNames(x.Name, y.Name), cmp.Compare(x.Slug, y.Slug))
	})
	for _, a := range book.Areas {
		if a.Site == b.Site.ID && who.Sees(a.Site, a.ID) {
			b.Areas = append(b.Areas, a)
		}
	}
	slices.SortFunc(b.Areas, func(x, y sashlock.Area) int {
		return cmp.Or(console.CompareNames(x.Name, y.Name), cmp.Compare(x.Slug, y.Slug))
	})
	for _, one := range b.All {
		if (b.View.Area.ID == "" || one.Place == string(b.View.Area.ID)) && one.is(b.View.Only) {
			b.Pins = append(b.Pins, one)
		}
	}
}

// tells reports whether the board shows what a rule found. A display on a wall
// shows nothing of a silent alarm, whoever has hung it up.
func (b *board) tells(who signin.Operator, rule string) bool {
	return !sashlock.Silent(rule) || b.handles(who)
}

// photos finds the photos of the openings, which the wall shows.
func (b *board) photos(q store.Query, book *flow.Book) error {
	if b.View.As != asWall {
		return nil
	}
	have, err := plans.Photos(q)
	if err != nil || len(have) == 0 {
		return err
	}
	revs := make(map[string]int64, len(have))
	for id, rev := range have {
		revs[book.Openings[id].Slug] = rev
	}
	for i, p := range b.Pins {
		if rev, has := revs[p.Slug]; has {
			b.Pins[i].Photo = photoPath(p.Slug, rev)
		}
	}
	return nil
}

func photoPath(slug string, rev int64) string {
	return fmt.Sprintf("/openings/%s/photo?v=%d", slug, rev)
}

func pinOf(book *flow.Book, o sashlock.Opening, s sashlock.OpeningState, now time.Time, tells func(rule string) bool) pin {
	alarm := false
	for rule := range s.Alarms {
		alarm = alarm || tells(rule)
	}
	shown := opening.Show(o, s, now)
	shown.Now = time.Time{}
	shown.Since, shown.Until = in(shown.Since, now.Location()), in(shown.Until, now.Location())
	return pin{
		ID: o.ID, Slug: o.Slug, Name: o.Name, Kind: string(o.Kind), Area: book.Areas[o.Area].Name, Place: string(o.Area),
		X: o.Plan.X, Y: o.Plan.Y,
		Shown: shown, Open: s.Position == sashlock.Open,
		Person: book.People[shown.Person].Name, Release: o.ReleaseTime,
		Nobody: s.Alarms["unattended"] != "", Alarm: alarm, Trial: o.Trial,
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
	for _, p := range b.All {
		if p.placed() && p.Place != "" {
			all = append(all, console.Spot{Area: p.Place, Name: book.Areas[sashlock.AreaID(p.Place)].Name, X: p.X, Y: p.Y, Door: p.Kind == string(sashlock.Door)})
		}
	}
	return all
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
	openings := console.Part{ID: "openings", Body: shownAs(b), Key: fmt.Sprint(b.View.As, b.Ground, len(b.Pins) == 0)}
	for _, p := range b.Pins {
		one := console.Part{ID: p.element(), Key: p.key()}
		switch b.View.As {
		case asList:
			one.Body = listed(p, b.Now)
		case asWall:
			one.Body = tile(p, b.Now)
		default:
			one.Body = drawnPin(b.Ground, p, b.Now)
		}
		openings.Within = append(openings.Within, one)
	}
	parts := []console.Part{{ID: "figures", Key: fmt.Sprintf("%+v", b.Figures), Body: figures(b.Figures)}, openings}
	parts = append(parts, console.Part{ID: "in-force", Key: fmt.Sprintf("%+v", b.Force), Body: console.ForceStrip(b.Force)})
	if b.View.Bare {
		return parts
	}
	parts = append(parts,
		console.Part{ID: "routines", Key: fmt.Sprintf("%+v", b.Runs), Body: routines(b.Runs)},
		console.Part{ID: "alarms", Key: fmt.Sprintf("%+v", b.Alarms), Body: alarmList(b.Alarms, b.Now)},
		console.Part{ID: "events", Key: fmt.Sprintf("%+v", b.Lines), Body: events(b.Lines, b.Zone)},
	)
	if b.View.As == asPlan {
		all := b.notable()
		parts = append(parts, console.Part{ID: "notable", Key: fmt.Sprintf("%+v", all), Body: notable(all, b.Now)})
	}
	return parts
}

// key is all that a pin shows, but for what time alone changes.
func (p pin) key() string {
	s := p.Shown
	return strings.Join([]string{
		p.Name, p.Kind, p.Area, p.Person, p.Photo, string(s.Word), string(s.Was), strconv.Itoa(p.X), strconv.Itoa(p.Y),
		strconv.FormatInt(s.Since.UnixMicro(), 36), strconv.FormatInt(s.Until.UnixMicro(), 36), strconv.FormatBool(p.Nobody), strconv.FormatBool(p.Alarm),
	}, "\x00")
}

// notable lists the openings that are not calm.
func (b *board) notable() []pin {
	return slices.DeleteFunc(slices.Clone(b.Pins), func(p pin) bool { return p.Face().Tone == console.Calm })
}

// element is the id of the element that shows it.
func (p pin) element() string { return "pin-" + p.Slug }
