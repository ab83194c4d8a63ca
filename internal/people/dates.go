// SPDX-License-Identifier: Apache-2.0

package people

import (
	"strconv"
	"strings"
	"time"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/internal/lang"
	"github.com/sashlock/sashlock/internal/table"
)

// slashOrder is what a date like 3/4/2026 means in a list: the columns show it
// as soon as one of their dates can be read in one way only.
type slashOrder struct{ dayFirst, monthFirst bool }

var dateFix = lang.Mark(`write a day like "2026-11-30", or an instant like "2026-11-30T18:00:00+01:00"`)

// readDate understands a day or an instant. A day alone begins at midnight by
// the clocks of the store; as an end, the whole day still counts.
func (r *listReader) readDate(rec table.Record, c column, at int) time.Time {
	text := r.cell(rec, c)
	if text == "" {
		return time.Time{}
	}
	if first, second, is := slashed(text); is {
		r.slash.dayFirst = r.slash.dayFirst || first > 12
		r.slash.monthFirst = r.slash.monthFirst || second > 12
		r.late = append(r.late, lateDate{at, c, text})
		return time.Time{}
	}
	t, wholeDay, ok := parseDate(text, r.zone)
	if !ok {
		r.Problem(rec.Line, r.head[c], lang.Say("%q is not a date", sashlock.Clip(text)), lang.Say(dateFix))
		return time.Time{}
	}
	return endOf(t, c == untilColumn && wholeDay)
}

// endOf is the instant after which a day is over.
func endOf(t time.Time, wholeDay bool) time.Time {
	if wholeDay {
		t = time.Date(t.Year(), t.Month(), t.Day()+1, 0, 0, 0, 0, t.Location())
	}
	return t.UTC().Truncate(time.Microsecond)
}

// layouts are the ways to write a date that can be read in one way only.
var layouts = []struct {
	layout   string
	wholeDay bool
}{
	{"2006-01-02", true}, {"2006-1-2", true}, {"2.1.2006", true}, {"20060102", true}, {"2006/1/2", true},
	{"2 Jan 2006", true}, {"2 January 2006", true}, {"2-Jan-2006", true},
	{"2006-01-02T15:04", false}, {"2006-01-02 15:04", false}, {"2006-01-02 15:04:05", false}, {"2006-01-02T15:04:05", false}, {"2.1.2006 15:04", false},
}

func parseDate(text string, zone *time.Location) (t time.Time, wholeDay, ok bool) {
	if t, err := time.Parse(time.RFC3339, text); err == nil {
		return t, false, inRange(t)
	}
	for _, l := range layouts {
		if t, err := time.ParseInLocation(l.layout, text, zone); err == nil {
			return t, l.wholeDay, inRange(t)
		}
	}
	return time.Time{}, false, false
}

func inRange(t time.Time) bool { return t.Year() >= 1970 && t.Year() <= 2200 }

// slashed takes a date like 3/4/2026 apart.
func slashed(text string) (first, second int, is bool) {
	parts := strings.Split(text, "/")
	if len(parts) != 3 || len(parts[2]) != 4 || len(parts[0]) > 2 || len(parts[1]) > 2 {
		return 0, 0, false
	}
	first, err := strconv.Atoi(parts[0])
	second, other := strconv.Atoi(parts[1])
	return first, second, err == nil && other == nil
}

// explainSlashes reads the dates with slashes, once it is known what they mean.
func (r *listReader) explainSlashes() {
	for _, d := range r.late {
		p := &r.rows[d.at]
		layout := "2/1/2006"
		switch {
		case r.slash.dayFirst == r.slash.monthFirst:
			r.Problem(p.row, r.head[d.col], lang.Say("%q can be read in two ways", d.text), lang.Say(`write the day as "2026-11-30"`))
			continue
		case r.slash.monthFirst:
			layout = "1/2/2006"
		}
		t, err := time.ParseInLocation(layout, d.text, r.zone)
		if err != nil || !inRange(t) {
			r.Problem(p.row, r.head[d.col], lang.Say("%q is not a date", sashlock.Clip(d.text)), lang.Say(dateFix))
			continue
		}
		if d.col == fromColumn {
			p.from = endOf(t, false)
		} else {
			p.until = endOf(t, true)
		}
		r.inOrder(d.at)
	}
}
