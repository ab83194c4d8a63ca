// SPDX-License-Identifier: Apache-2.0

package access_test

import (
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/internal/access"
)

func contains(list []access.Stretch, at time.Time) (in, terms bool) {
	for _, s := range list {
		if !at.Before(s.From) && at.Before(s.Until) {
			return true, s.Terms
		}
	}
	return false, false
}

// TestMatrixAgreesWithCould asks about instants of the day, and about those
// right at the ends of every stretch.
func TestMatrixAgreesWithCould(t *testing.T) {
	var open, shut, terms int
	rapid.Check(t, func(t *rapid.T) {
		w, ix, _ := drawn(t)
		f := w.facts
		f.Grants = slices.DeleteFunc(slices.Clone(f.Grants), func(g sashlock.Grant) bool { return g.Terms != (sashlock.Terms{}) })
		free, err := access.New(f)
		if err != nil {
			t.Fatal(err)
		}
		day := sashlock.DateOf(w.instant())
		var people []sashlock.PersonID
		for i := range somePeople {
			people = append(people, id[sashlock.PersonID]("prs", i))
		}
		var openings []sashlock.OpeningID
		for i := range someOpenings {
			openings = append(openings, id[sashlock.OpeningID]("opn", i))
		}
		m := ix.Matrix(openings, people, day)
		for i, p := range people {
			for j, o := range openings {
				cell, today := m.Cells[i][j], m.Days[j]
				for _, at := range askedAt(w, cell, today.Start, today.End) {
					req := sashlock.Request{Person: p, Opening: o, At: at}
					in, asks := contains(cell, at)
					could, without := ix.Could(req, "").Granted, free.Could(req, "").Granted
					if in != could || in && asks == without {
						t.Fatalf("%s at %s on %v: can open %v, without terms %v; the matrix says %v of %v", p, o, at, could, without, cell, today)
					}
					switch {
					case asks:
						terms++
					case in:
						open++
					default:
						shut++
					}
				}
			}
		}
	})
	if open == 0 || shut == 0 || terms == 0 {
		t.Errorf("asked %d times while open, %d while open by terms, %d while shut: the test needs all three", open, terms, shut)
	}
}

// askedAt are instants of a day: its ends, those of the stretches and some more.
func askedAt(w *world, cell []access.Stretch, start, end time.Time) []time.Time {
	if !start.Before(end) {
		return nil
	}
	all := []time.Time{start, end.Add(-1)}
	for range 4 {
		all = append(all, start.Add(time.Duration(w.Int64N(int64(end.Sub(start))))))
	}
	for _, s := range cell {
		all = append(all, s.From.Add(-1), s.From, s.Until.Add(-1), s.Until)
	}
	return slices.DeleteFunc(all, func(at time.Time) bool { return at.Before(start) || !at.Before(end) })
}

// TestMatrixStretchesAreJoined checks that what touches is told as one, in
// order.
func TestMatrixStretchesAreJoined(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w, ix, _ := drawn(t)
		people, openings := []sashlock.PersonID{"prs_0", "prs_1", "nobody"}, []sashlock.OpeningID{"opn_0", "opn_1", "nothing"}
		for _, row := range ix.Matrix(openings, people, sashlock.DateOf(w.instant())).Cells {
			for _, cell := range row {
				for i, s := range cell {
					if !s.From.Before(s.Until) || i > 0 && (s.From.Before(cell[i-1].Until) || s.From.Equal(cell[i-1].Until) && s.Terms == cell[i-1].Terms) {
						t.Fatalf("stretches %v", cell)
					}
				}
			}
		}
	})
}

// TestMatrixOfDaysOfTheirOwn has a day of 25 hours, one without a midnight and
// one that a zone left out.
func TestMatrixOfDaysOfTheirOwn(t *testing.T) {
	tests := []struct {
		zone  string
		day   sashlock.Date
		start string
		hours float64
	}{
		{"Europe/Lisbon", sashlock.Date{Year: 2026, Month: 10, Day: 25}, "2026-10-25T00:00:00+01:00", 25},
		{"America/Havana", sashlock.Date{Year: 2026, Month: 3, Day: 8}, "2026-03-08T01:00:00-04:00", 23},
		{"Pacific/Apia", sashlock.Date{Year: 2011, Month: 12, Day: 30}, "", 0},
	}
	for _, test := range tests {
		ix := mustNew(t, access.Facts{
			Sites:    []sashlock.Site{{ID: "site_1", Zone: test.zone}},
			Openings: []sashlock.Opening{{ID: "opn_1", Site: "site_1"}},
			People:   []sashlock.Person{{ID: "prs_1"}},
			Grants:   []sashlock.Grant{{ID: "grt_1", Person: "prs_1", Opening: "opn_1"}},
		})
		m := ix.Matrix([]sashlock.OpeningID{"opn_1"}, []sashlock.PersonID{"prs_1"}, test.day)
		cell := m.Cells[0][0]
		if test.hours == 0 {
			if len(cell) != 0 {
				t.Errorf("%s has no %v, and yet %v", test.zone, test.day, cell)
			}
			continue
		}
		if len(cell) != 1 || cell[0].From.Format(time.RFC3339) != test.start || cell[0].Until.Sub(cell[0].From).Hours() != test.hours {
			t.Errorf("%v in %s: %v, want %v hours from %s", test.day, test.zone, cell, test.hours, test.start)
		}
	}
}
