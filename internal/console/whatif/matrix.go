// SPDX-License-Identifier: Apache-2.0

package whatif

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"time"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/internal/console"
	"github.com/sashlock/sashlock/internal/flow"
	"github.com/sashlock/sashlock/internal/grants"
	"github.com/sashlock/sashlock/internal/store"
)

// The matrix says for every person and every opening of an area during which
// hours of a day the one can open the other. Nothing about that changes but
// when a schedule begins or ends a stretch, or a person's or a grant's time
// begins or ends. So it is decided once for each stretch between two of these
// moments, and that is exact. Where there are too many grants to look at the
// limits of each, it is decided every quarter of an hour as well.

const (
	widest   = 24      // openings in one matrix
	deepest  = 200     // people in one matrix
	atMost   = 300_000 // decisions for one page
	readable = 2_000   // grants whose limits are looked at
)

// matrix is who can open what on one day.
type matrix struct {
	Openings []sashlock.Opening
	Left     int // openings of the area that did not fit in
	People   []matrixRow
	More     int  // people who did not fit in
	Others   int  // people who can open none of it on that day
	Rough    bool // hours are to the quarter of an hour
}

// matrixRow is one person.
type matrixRow struct {
	Slug, Name string
	Cells      []string // for each opening: "", "all", or hours as "09:00–17:00"
}

// all is what a cell says of the whole day.
const all = "all"

// stretch is a time during which somebody can open something.
type stretch struct{ from, until time.Time }

// today decides who can open what in the question's area, on its day.
func (p pages) today(ctx context.Context, a *question) (*matrix, error) {
	b, m := p.Hall.Book(), &matrix{}
	for _, g := range a.Openings {
		for _, o := range g.Openings {
			if o.Area == a.Area.ID {
				m.Openings = append(m.Openings, o)
			}
		}
	}
	day := midnight(a.When.At)
	end := midnight(day.Add(36 * time.Hour))
	limits, err := p.limits(ctx, day, end)
	if err != nil {
		return nil, err
	}
	m.Rough = b.Index.GrantCount() > readable
	moments := turns(b, limits, day, end)
	fit := max(1, min(widest, atMost/max(1, len(moments)*len(b.People))))
	if len(m.Openings) > fit {
		m.Left, m.Openings = len(m.Openings)-fit, m.Openings[:fit]
	}
	m.rows(b, m.decide(b, moments, end), day, end)
	return m, nil
}

// decide finds for each person and opening the stretches between the moments
// in which the one can open the other.
func (m *matrix) decide(b *flow.Book, moments []time.Time, end time.Time) map[sashlock.PersonID][][]stretch {
	can := map[sashlock.PersonID][][]stretch{}
	for column, o := range m.Openings {
		for i, from := range moments {
			until := end
			if i+1 < len(moments) {
				until = moments[i+1]
			}
			for _, h := range b.Index.WhoCanOpen(o.ID, from) {
				if can[h.Person] == nil {
					can[h.Person] = make([][]stretch, len(m.Openings))
				}
				can[h.Person][column] = joined(can[h.Person][column], stretch{from, until})
			}
		}
	}
	return can
}

// limits lists the moments at which grants begin and end, or those of a grid
// where there are too many grants.
func (p pages) limits(ctx context.Context, day, end time.Time) (list []time.Time, err error) {
	if p.Hall.Book().Index.GrantCount() > readable {
		for at := day; at.Before(end); at = at.Add(15 * time.Minute) {
			list = append(list, at)
		}
		return list, nil
	}
	err = p.Store.View(ctx, func(q store.Query) error {
		every, err := grants.List(q)
		for _, g := range every {
			list = append(list, g.From, g.Until)
		}
		return err
	})
	return list, err
}

// rows lists the people of the matrix by name.
func (m *matrix) rows(b *flow.Book, can map[sashlock.PersonID][][]stretch, day, end time.Time) {
	for id, cells := range can {
		row := matrixRow{Slug: b.People[id].Slug, Name: b.People[id].Name}
		for _, s := range cells {
			row.Cells = append(row.Cells, hours(s, day, end))
		}
		m.People = append(m.People, row)
	}
	m.Others = len(b.People) - len(m.People)
	slices.SortFunc(m.People, func(x, y matrixRow) int {
		return cmp.Or(console.CompareNames(x.Name, y.Name), cmp.Compare(x.Slug, y.Slug))
	})
	if len(m.People) > deepest {
		m.More, m.People = len(m.People)-deepest, m.People[:deepest]
	}
}

// joined adds a stretch behind others.
func joined(list []stretch, s stretch) []stretch {
	if n := len(list); n > 0 && list[n-1].until.Equal(s.from) {
		list[n-1].until = s.until
		return list
	}
	return append(list, s)
}

// hours says stretches as the clocks show them.
func hours(list []stretch, day, end time.Time) string {
	if len(list) == 1 && list[0].from.Equal(day) && list[0].until.Equal(end) {
		return all
	}
	said := make([]string, len(list))
	for i, s := range list {
		until := s.until.Format("15:04")
		if s.until.Equal(end) {
			until = "24:00"
		}
		said[i] = s.from.Format("15:04") + "–" + until
	}
	return strings.Join(said, ", ")
}

// turns lists the moments of a day at which an answer may change, in order,
// the first of them its beginning.
func turns(b *flow.Book, limits []time.Time, day, end time.Time) []time.Time {
	list := append([]time.Time{day}, limits...)
	clock := func(t sashlock.TimeOfDay) {
		for _, second := range []bool{false, true} {
			if i, err := resolve(day.Location(), day.Format(time.DateOnly)+"T"+(t%(24*60)).String(), second); err == nil {
				list = append(list, i.At)
			}
		}
	}
	for _, s := range b.Schedules {
		for _, w := range s.Weekly {
			clock(w.From)
			clock(w.Until)
		}
		for _, d := range s.Special {
			for _, w := range d.Spans {
				clock(w.From)
				clock(w.Until)
			}
		}
	}
	for _, p := range b.People {
		list = append(list, p.From, p.Until)
	}
	_, changed := day.ZoneBounds() // when the clocks are changed next
	list = append(list, changed)
	list = slices.DeleteFunc(list, func(t time.Time) bool { return t.Before(day) || !t.Before(end) })
	slices.SortFunc(list, time.Time.Compare)
	list = slices.CompactFunc(list, time.Time.Equal)
	for i := range list {
		list[i] = list[i].In(day.Location())
	}
	return list
}
