// SPDX-License-Identifier: Apache-2.0

package access

import (
	"cmp"
	"math"
	"slices"
	"time"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/internal/schedule"
)

// Stretch is a time, from From until before Until, during which somebody can
// open something.
type Stretch struct {
	From, Until time.Time // in the zone of the opening's site
	Terms       bool      // only by grants that ask for more than the right time
}

// Matrix is who can open what on one day.
type Matrix struct {
	// Days is the day of each opening, from its first instant until before its
	// end, in the zone of its site. Both are zero where the opening or its zone
	// is not known, and where the day was left out, as some zones once did. An
	// opening in no known zone has no day, so nobody can open it on it.
	Days []schedule.Window
	// Cells hold, for each person and there for each opening, the stretches of
	// the day in their order.
	Cells [][][]Stretch
}

// Matrix lists for some openings and people when on a local day each of them can
// open each, exactly: at every instant of the day [Index.Could] says the same
// while the opening is in normal mode. It walks over the grants once for every
// opening, and not over the people or the hours.
func (ix *Index) Matrix(openings []sashlock.OpeningID, people []sashlock.PersonID, day sashlock.Date) *Matrix {
	d := newDiary(ix, people, day)
	m := &Matrix{Days: make([]schedule.Window, len(openings)), Cells: make([][][]Stretch, len(people))}
	cells := make([][]Stretch, len(people)*len(openings))
	for i := range people {
		m.Cells[i] = cells[i*len(openings) : (i+1)*len(openings)]
	}
	for column, id := range openings {
		o, _ := ix.openings.known(ix.seed, string(id))
		if o == nil || !d.q.aim(o) {
			continue
		}
		today := d.today()
		if today.end <= today.start {
			continue
		}
		m.Days[column] = schedule.Window{Start: today.at(today.start), End: today.at(today.end)}
		d.gather(today)
		for i := range people {
			m.Cells[i][column] = d.cell(today, &d.rows[i])
		}
	}
	return m
}

// diary gathers the matrix of one day, opening by opening.
type diary struct {
	q      query
	day    sashlock.Date
	days   []*zoneDay // by place in Index.zones; nil: not read yet
	rows   []row
	people []uint32  // slot of each person in pieces counted from 1; 0: nobody asks
	roles  []uint32  // the same of each role
	pieces [][]piece // of each slot, for the opening at hand
	mine   []piece   // of one cell
}

// row is one person of the matrix.
type row struct {
	limits limits
	slots  []uint32 // of the person and of each of their roles
}

// piece is a stretch in nanoseconds since 1970, as one grant gives it.
type piece struct {
	from, until int64
	terms       bool
}

// zoneDay is a day in one zone.
type zoneDay struct {
	place      *time.Location
	start, end int64
	whole      []piece
	windows    [][]piece // of each schedule; nil: not read yet
}

func (z *zoneDay) at(nanoseconds int64) time.Time { return time.Unix(0, nanoseconds).In(z.place) }

func newDiary(ix *Index, people []sashlock.PersonID, day sashlock.Date) *diary {
	d := &diary{
		q: ix.query(&sashlock.Request{}, nil), day: day, days: make([]*zoneDay, len(ix.zones)),
		rows: make([]row, len(people)), people: make([]uint32, ix.people.count), roles: make([]uint32, ix.roles.count),
	}
	slot := func(list []uint32, n uint32) uint32 {
		if list[n] == 0 {
			d.pieces = append(d.pieces, nil)
			list[n] = uint32(len(d.pieces))
		}
		return list[n]
	}
	for i, id := range people {
		p, number := ix.people.known(ix.seed, string(id))
		if p == nil || p.suspended {
			continue
		}
		r := row{limits: p.limits(), slots: []uint32{slot(d.people, number)}}
		first, more := p.roles()
		for _, roles := range [2][]uint32{first, more} {
			for _, role := range roles {
				if ix.roles.at(role).known {
					r.slots = append(r.slots, slot(d.roles, role))
				}
			}
		}
		d.rows[i] = r
	}
	return d
}

// everyDay covers all of every day.
var everyDay = sashlock.Period{Days: []time.Weekday{0, 1, 2, 3, 4, 5, 6}, Until: 24 * 60}

// today is the day in the zone of the opening at hand. It is read as schedules
// are read, so that both agree on where a day begins whose midnight is skipped.
func (d *diary) today() *zoneDay {
	n := d.q.ix.sites.at(d.q.o.site).is.zone
	if d.days[n] != nil {
		return d.days[n]
	}
	z := &zoneDay{windows: make([][]piece, d.q.ix.schedules.count)}
	d.days[n] = z
	if d.q.zone.clock == nil {
		return z
	}
	p, err := schedule.NewPattern(sashlock.Schedule{Weekly: []sashlock.Period{everyDay}, First: d.day, Last: d.day})
	if err != nil {
		return z
	}
	all := p.In(d.q.zone.clock)
	noon := time.Date(d.day.Year, d.day.Month, d.day.Day, 12, 0, 0, 0, time.UTC)
	z.place = d.q.zone.location()
	if w := all.Windows(noon.AddDate(0, 0, -2), noon.AddDate(0, 0, 2)); len(w) > 0 {
		z.start, z.end = nanoseconds(w[0].Start), nanoseconds(w[len(w)-1].End)
	}
	z.whole = []piece{{from: z.start, until: z.end}}
	return z
}

// windowsOf are the stretches of the day that a schedule covers.
func (d *diary) windowsOf(today *zoneDay, n uint32) []piece {
	if n == anytime {
		return today.whole
	}
	cal := d.q.calendar(n)
	if cal == nil {
		return nil
	}
	if today.windows[n] == nil {
		list := []piece{}
		for _, w := range cal.Windows(today.at(today.start), today.at(today.end)) {
			list = append(list, piece{from: nanoseconds(w.Start), until: nanoseconds(w.End)})
		}
		today.windows[n] = list
	}
	return today.windows[n]
}

// gather collects what all grants for the opening at hand give to those who are
// asked about.
func (d *diary) gather(today *zoneDay) {
	for i := range d.pieces {
		d.pieces[i] = d.pieces[i][:0]
	}
	for _, r := range d.q.runs {
		for _, c := range r.chunks() {
			for i := range c.terms {
				d.gatherOne(today, &c, i)
			}
		}
	}
}

func (d *diary) gatherOne(today *zoneDay, c *chunk, i int) {
	subject, list := subjectOf(c.terms[i].key), d.people
	if subject&roleBit != 0 {
		subject, list = subject&^roleBit, d.roles
	}
	slot := list[subject]
	if slot == 0 {
		return
	}
	l := c.limitsAt(i)
	for _, w := range d.windowsOf(today, c.terms[i].schedule) {
		p := piece{max(w.from, l.from), min(w.until, l.until), l.terms > 0}
		if p.from < p.until {
			d.pieces[slot-1] = append(d.pieces[slot-1], p)
		}
	}
}

// cell is the stretches of one person.
func (d *diary) cell(today *zoneDay, r *row) []Stretch {
	d.mine = d.mine[:0]
	for _, slot := range r.slots {
		for _, p := range d.pieces[slot-1] {
			p.from, p.until = max(p.from, r.limits.from), min(p.until, r.limits.until)
			if p.from < p.until {
				d.mine = append(d.mine, p)
			}
		}
	}
	if len(d.mine) > 1 {
		slices.SortFunc(d.mine, func(a, b piece) int { return cmp.Compare(a.from, b.from) })
	}
	return stretches(today, d.mine)
}

// stretches joins pieces that are ordered by their beginning. Where a piece
// without terms and one with overlap, that without counts.
func stretches(today *zoneDay, list []piece) []Stretch {
	var all []Stretch
	free, last := int64(math.MinInt64), int64(math.MinInt64) // up to where pieces so far reach: those without terms, and all of them
	for i := 0; i < len(list); {
		at := list[i].from
		for ; i < len(list) && list[i].from == at; i++ {
			last = max(last, list[i].until)
			if !list[i].terms {
				free = max(free, list[i].until)
			}
		}
		next := int64(math.MaxInt64)
		if i < len(list) {
			next = list[i].from
		}
		if until := min(free, next); at < until {
			all = extend(today, all, at, until, false)
			at = until
		}
		if until := min(last, next); at < until {
			all = extend(today, all, at, until, true)
		}
	}
	return all
}

// extend adds a stretch behind others.
func extend(today *zoneDay, all []Stretch, from, until int64, terms bool) []Stretch {
	end := today.at(until)
	if n := len(all); n > 0 && all[n-1].Terms == terms && all[n-1].Until.UnixNano() == from {
		all[n-1].Until = end
		return all
	}
	return append(all, Stretch{From: today.at(from), Until: end, Terms: terms})
}
