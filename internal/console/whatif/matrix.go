// SPDX-License-Identifier: Apache-2.0

package whatif

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"time"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/internal/access"
	"github.com/sashlock/sashlock/internal/console"
	"github.com/sashlock/sashlock/internal/lang"
)

// The matrix says for every person and every opening of an area during which
// hours of a day the one can open the other, exactly, as access.Index.Matrix
// works it out.

const (
	widest  = 24  // openings in one matrix
	deepest = 200 // people in one matrix
)

// matrix is who can open what on one day.
type matrix struct {
	Openings []sashlock.Opening
	Left     int // openings of the area that did not fit in
	People   []matrixRow
	More     int  // people who did not fit in
	Others   int  // people who can open none of it on that day
	Asks     bool // some of it only if what a grant asks for is met
}

// matrixRow is one person.
type matrixRow struct {
	Slug, Name string
	Cells      []cell // for each opening
}

// cell is one person at one opening.
type cell struct {
	Hours string // "", "all", or hours as "09:00–17:00"
	Asks  bool   // only by grants that ask for more than the right time, at least at some hours
	Bars  []bar
}

// bar is a stretch of the day as it is drawn, in thousandths of the day.
type bar struct {
	X, Width int
	Asks     bool
}

// all is what a cell says of the whole day.
const all = "all"

// today finds who can open what in the question's area, on its day.
func (p pages) today(_ context.Context, a *question) (*matrix, error) {
	b, m := p.Hall.Book(), &matrix{}
	for _, g := range a.Openings {
		for _, o := range g.Openings {
			if o.Area == a.Area.ID {
				m.Openings = append(m.Openings, o)
			}
		}
	}
	if len(m.Openings) > widest {
		m.Left, m.Openings = len(m.Openings)-widest, m.Openings[:widest]
	}
	var openings []sashlock.OpeningID
	for _, o := range m.Openings {
		openings = append(openings, o.ID)
	}
	var people []sashlock.PersonID
	for id := range b.People {
		people = append(people, id)
	}
	day := b.Index.Matrix(openings, people, sashlock.DateOf(a.When.At))
	for i, id := range people {
		if slices.ContainsFunc(day.Cells[i], func(c []access.Stretch) bool { return len(c) > 0 }) {
			m.People = append(m.People, rowOf(b.People[id], day, i))
		}
	}
	m.Others = len(b.People) - len(m.People)
	slices.SortFunc(m.People, func(x, y matrixRow) int {
		return cmp.Or(console.CompareNames(x.Name, y.Name), cmp.Compare(x.Slug, y.Slug))
	})
	if len(m.People) > deepest {
		m.More, m.People = len(m.People)-deepest, m.People[:deepest]
	}
	m.Asks = slices.ContainsFunc(m.People, func(r matrixRow) bool { return slices.ContainsFunc(r.Cells, func(c cell) bool { return c.Asks }) })
	return m, nil
}

func rowOf(p sashlock.Person, day *access.Matrix, i int) matrixRow {
	row := matrixRow{Slug: p.Slug, Name: p.Name}
	for column, list := range day.Cells[i] {
		start, end := day.Days[column].Start, day.Days[column].End
		c := cell{Hours: hours(list, start, end)}
		length := max(1, end.Sub(start))
		for _, s := range list {
			from, until := s.From.Sub(start)*1000/length, s.Until.Sub(start)*1000/length
			c.Bars = append(c.Bars, bar{int(from), max(4, int(until-from)), s.Terms})
			c.Asks = c.Asks || s.Terms
		}
		row.Cells = append(row.Cells, c)
	}
	return row
}

// hours says stretches as the clocks show them. Two that touch, of which only one
// asks for more, are said as one.
func hours(list []access.Stretch, day, end time.Time) string {
	var joined []access.Stretch
	for _, s := range list {
		if n := len(joined); n > 0 && joined[n-1].Until.Equal(s.From) {
			joined[n-1].Until = s.Until
			continue
		}
		joined = append(joined, s)
	}
	if len(joined) == 1 && joined[0].From.Equal(day) && joined[0].Until.Equal(end) {
		return all
	}
	said := make([]string, len(joined))
	for i, s := range joined {
		until := s.Until.Format("15:04")
		if s.Until.Equal(end) {
			until = "24:00"
		}
		said[i] = s.From.Format("15:04") + "–" + until
	}
	return strings.Join(said, ", ")
}

// say is a cell in words, for whoever points at it or hears it.
func (c cell) say(ctx context.Context, person, opening string) string {
	when := c.Hours
	switch when {
	case "":
		when = lang.T(ctx, "never")
	case all:
		when = lang.T(ctx, "all day")
	}
	text := person + ", " + opening + ": " + when
	if c.Asks {
		text += " (" + lang.T(ctx, "some of it only if what the grant asks for is met") + ")"
	}
	return text
}
