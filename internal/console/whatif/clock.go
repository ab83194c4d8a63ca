// SPDX-License-Identifier: Apache-2.0

package whatif

import (
	"strings"
	"time"

	"github.com/sashlock/sashlock"
)

// written is how a date and a time of day are written in an address, and by
// the field of a form.
const written = "2006-01-02T15:04"

// instant is a time as the clocks of a site show it, and what is special about
// it on the days when the clocks are changed.
type instant struct {
	At     time.Time // in the zone of the site
	Typed  string    // as it was asked for
	Gap    bool      // the clocks never show what was typed: At is as much later as they jump
	Fold   bool      // the clocks show it twice
	Second bool      // At is the second time
}

// resolve finds the instant at which the clocks of a zone show what was typed.
// When they show it twice, second chooses which is meant.
func resolve(zone *time.Location, typed string, second bool) (instant, error) {
	naive, err := time.Parse(written, typed)
	if err != nil {
		naive, err = time.Parse("2006-01-02T15:04:05", strings.TrimSpace(typed))
	}
	if err != nil || naive.Year() < 1970 || naive.Year() > 2199 {
		return instant{Typed: typed}, &sashlock.Error{Kind: sashlock.Invalid, Op: "reading time", Subject: "at", Hint: "choose a day and a time, like 2026-11-22T14:00"}
	}
	_, before := naive.AddDate(0, 0, -1).In(zone).Zone()
	_, after := naive.AddDate(0, 0, 1).In(zone).Zone()
	first := naive.Add(-time.Duration(before) * time.Second).In(zone)
	last := naive.Add(-time.Duration(after) * time.Second).In(zone)
	shows := func(t time.Time) bool { return t.Format(time.DateTime) == naive.Format(time.DateTime) }
	i := instant{At: first, Typed: naive.Format(written)}
	switch {
	case shows(first) && shows(last) && !first.Equal(last):
		i.Fold, i.Second = true, second
		if second {
			i.At = last
		}
	case shows(first):
	case shows(last):
		i.At = last
	default:
		i.Gap = true
	}
	return i, nil
}
