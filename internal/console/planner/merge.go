// SPDX-License-Identifier: Apache-2.0

package planner

import (
	"encoding/json"
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/internal/lang"
	"github.com/sashlock/sashlock/internal/plans"
)

// The rules when two people edit one plan are:
//
//   - Each outline, camera, sensor and place of an opening is compared three
//     ways: as the form began, as it is stored now, and as the form has it.
//   - What only one of them changed is as that one made it.
//   - What both changed differently is listed, and nothing is saved until the
//     second one has chosen.

// merge joins a form with what is stored. The editor then has both, and what
// the next form begins with is what is stored.
type merge struct {
	e      *editor
	stored editor
	form   url.Values
	same   bool     // nobody saved anything since the form began
	theirs []string // fields of which the sender chose what is stored
}

func newMerge(e *editor, stored editor, form url.Values) *merge {
	rev, err := strconv.ParseInt(first(form, "rev"), 10, 64)
	return &merge{e: e, stored: stored, form: form, same: err == nil && rev == stored.Rev, theirs: form["theirs"]}
}

// pick decides about one thing. The base is nil when it is not known what the
// form began with: then whatever differs was changed by both.
func (m *merge) pick(key, what string, base *string, theirs, mine string) (keepsMine bool) {
	switch {
	case mine == theirs, base != nil && mine == *base:
		return false
	case base != nil && theirs == *base:
		return !slices.Contains(m.theirs, key)
	}
	m.e.Both = append(m.e.Both, both{Key: key, What: what, Theirs: theirs, Mine: mine})
	return true
}

// begun is what a form says that it began with; what is stored, when it says
// nothing and nobody saved meanwhile.
func (m *merge) begun(field, stored string) *string {
	switch {
	case m.form.Has(field):
		base := first(m.form, field)
		return &base
	case m.same:
		return &stored
	}
	return nil
}

func (m *merge) outlines() {
	for i := range m.e.Areas {
		a, theirs := &m.e.Areas[i], m.stored.Areas[i].Points
		if points, ok := parsePoints(a.Points); ok {
			a.Points = pointsText(points)
		}
		if !m.pick("a."+a.Slug, a.Name, m.begun("a."+a.Slug+".was", theirs), theirs, a.Points) {
			a.Points = theirs
		}
		a.Was = theirs
	}
}

// places joins the cameras and sensors by their short names.
func (m *merge) places() {
	base, known := m.basePlaces()
	m.nameNew(base)
	find := func(rows []placeRow, id string) (row placeRow, text string) {
		if i := slices.IndexFunc(rows, func(row placeRow) bool { return row.ID == id }); i >= 0 {
			return rows[i], rows[i].text()
		}
		return row, ""
	}
	var joined []placeRow
	seen := map[string]bool{}
	for _, row := range slices.Concat(m.e.Places, m.stored.Places) {
		if seen[row.ID] {
			continue
		}
		seen[row.ID] = true
		theirs, theirText := find(m.stored.Places, row.ID)
		mine, myText := find(m.e.Places, row.ID)
		_, baseText := find(base, row.ID)
		from := &baseText
		if !known {
			from = nil
		}
		if !m.pick("p."+row.ID, row.Name, from, theirText, myText) {
			mine = theirs
		}
		if mine.ID != "" {
			joined = append(joined, mine)
		}
	}
	// Two rows of one short name are forged: what is wrong is said of both.
	if len(seen) < len(m.e.Places) {
		joined = m.e.Places
	}
	m.e.Places, m.e.Was = joined, m.stored.Was
}

// basePlaces are the cameras and sensors that a form began with.
func (m *merge) basePlaces() (rows []placeRow, known bool) {
	text := m.begun("places.was", m.stored.Was)
	if text == nil || json.Unmarshal([]byte(*text), &rows) != nil || len(rows) > plans.MaxPlaces {
		return nil, false
	}
	for i := range rows {
		rows[i] = rows[i].tidy()
	}
	return rows, true
}

// nameNew gives new cameras and sensors a short name that nobody's has. One
// that stands there just so since the form began was sent twice: it is the
// same one.
func (m *merge) nameNew(base []placeRow) {
	taken := map[string]bool{}
	for _, row := range slices.Concat(m.e.Places, m.stored.Places, base) {
		taken[row.ID] = true
	}
	for _, row := range m.stored.Places {
		fresh := !slices.ContainsFunc(base, func(old placeRow) bool { return old.ID == row.ID })
		at := slices.IndexFunc(m.e.Places, func(mine placeRow) bool { return mine.ID == "" && mine.text() == row.text() })
		if fresh && at >= 0 {
			m.e.Places[at].ID = row.ID
		}
	}
	for i := range m.e.Places {
		row := &m.e.Places[i]
		for n := 1; row.ID == ""; n++ {
			if id := fmt.Sprintf("%s-%d", row.Kind, n); !taken[id] {
				row.ID, taken[id] = id, true
			}
		}
	}
}

// openings lists those that the form has elsewhere than the store.
func (m *merge) openings() (moved []openingRow) {
	for i := range m.e.Openings {
		o, stored := &m.e.Openings[i], m.stored.Openings[i]
		if o.X == "" && o.Y == "" {
			o.X, o.Y = "0", "0"
		}
		x, y, ok := numbers(o.X, o.Y)
		if !ok { // it is compared once it can be
			m.e.Wrong["o."+o.Slug] = lang.Mark("a place is two numbers from 0 to 1000")
			continue
		}
		base := o.Was
		o.Was = stored.Was
		to := placeText(sashlock.Place{X: x, Y: y})
		if to == "" {
			o.X, o.Y = "", ""
		}
		if m.pick("o."+o.Slug, o.Name, &base, stored.Was, to) {
			moved = append(moved, *o)
		} else {
			o.X, o.Y = stored.X, stored.Y
		}
	}
	return moved
}

// text says where a camera or a sensor is and what it is called.
func (row placeRow) text() string {
	return fmt.Sprintf("%s · %s · %s,%s · %s°", row.Kind, row.Name, row.X, row.Y, row.Direction)
}

// tidy writes numbers as they are stored, where they are some.
func (row placeRow) tidy() placeRow {
	row.Name = strings.TrimSpace(row.Name)
	for _, field := range []*string{&row.X, &row.Y, &row.Direction} {
		*field = strings.TrimSpace(*field)
		if n, err := strconv.Atoi(*field); err == nil {
			*field = strconv.Itoa(n)
		}
	}
	if row.Direction == "" {
		row.Direction = "0"
	}
	return row
}

// placesText is what a form keeps of the cameras and sensors it began with.
func placesText(rows []placeRow) (string, error) {
	text, err := json.Marshal(rows)
	return string(text), err
}
