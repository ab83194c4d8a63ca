// SPDX-License-Identifier: Apache-2.0

package schedule

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"github.com/sashlock/sashlock"
)

// Limits of what [Validate] accepts. They are far above what a store needs and
// keep the cost of one schedule bounded.
const (
	MaxPeriods     = 200  // weekly periods of a schedule
	MaxSpecialDays = 400  // special days of a schedule
	MaxSpans       = 24   // spans of a special day
	MaxSpecialDate = 3653 // dates of one special day: ten years
)

// Validate checks everything about a schedule that says when; its name and slug
// are for whoever saves it. The error is a [sashlock.Error] of kind invalid
// whose subject is the first wrong field, written like `special[1].last`, and
// whose hint says how to mend it. Weekly periods and spans may overlap: they
// add up. Special days may not, because each replaces its dates.
func Validate(s sashlock.Schedule) error {
	switch {
	case len(s.Weekly) > MaxPeriods:
		return refuse("weekly", "keep to %d periods", MaxPeriods)
	case len(s.Special) > MaxSpecialDays:
		return refuse("special", "keep to %d special days", MaxSpecialDays)
	}
	for i, p := range s.Weekly {
		if err := checkPeriod(fmt.Sprintf("weekly[%d]", i), p); err != nil {
			return err
		}
	}
	for i, d := range s.Special {
		if err := checkSpecialDay(fmt.Sprintf("special[%d]", i), d); err != nil {
			return err
		}
	}
	if err := checkOverlaps(s.Special); err != nil {
		return err
	}
	return checkRange(s.First, s.Last)
}

func refuse(field, hint string, args ...any) error {
	return &sashlock.Error{Kind: sashlock.Invalid, Op: "checking schedule", Subject: field, Hint: fmt.Sprintf(hint, args...)}
}

func checkPeriod(field string, p sashlock.Period) error {
	if len(p.Days) == 0 {
		return refuse(field+".days", "name at least one day of the week")
	}
	var named [7]bool
	for i, d := range p.Days {
		switch path := fmt.Sprintf("%s.days[%d]", field, i); {
		case d < time.Sunday || d > time.Saturday:
			return refuse(path, "name a day of the week, from Sunday (0) to Saturday (6)")
		case named[d]:
			return refuse(path, "name %s once", d)
		}
		named[d] = true
	}
	return checkTimes(field, p.From, p.Until)
}

func checkTimes(field string, from, until sashlock.TimeOfDay) error {
	switch {
	case from == dayMinutes:
		return refuse(field+".from", `start at "00:00" of the next day instead of "24:00"`)
	case from < 0 || from > dayMinutes:
		return refuse(field+".from", `give a time of day from "00:00" to "23:59"`)
	case until < 0 || until > dayMinutes:
		return refuse(field+".until", `give a time of day from "00:00" to "24:00"`)
	}
	return nil
}

func checkSpecialDay(field string, d sashlock.SpecialDay) error {
	if d.Name != "" {
		if wrong := sashlock.CheckName(d.Name); wrong != "" {
			return refuse(field+".name", "%s", wrong)
		}
	}
	switch {
	case !exists(d.First):
		return refuse(field+".first", "give the first date, a day of the calendar")
	case d.Last.IsZero():
		return refuse(field+".last", "give the last date; for a single day it is %s again", d.First)
	case !exists(d.Last):
		return refuse(field+".last", "give the last date, a day of the calendar")
	case d.Last.Compare(d.First) < 0:
		return refuse(field+".last", "choose a last date on or after the first, %s", d.First)
	case dayNumber(d.Last)-dayNumber(d.First) >= MaxSpecialDate:
		return refuse(field+".last", "keep a special day within ten years")
	case len(d.Spans) > MaxSpans:
		return refuse(field+".spans", "keep to %d spans", MaxSpans)
	}
	for i, p := range d.Spans {
		if err := checkTimes(fmt.Sprintf("%s.spans[%d]", field, i), p.From, p.Until); err != nil {
			return err
		}
	}
	return nil
}

// exists reports whether d is a day of the calendar in the years 1 to 9999.
func exists(d sashlock.Date) bool {
	return d.Year >= 1 && d.Year <= 9999 && d.AddDays(0) == d
}

// checkOverlaps refuses two special days on one date, naming both.
func checkOverlaps(days []sashlock.SpecialDay) error {
	order := make([]int, len(days))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int { return days[a].First.Compare(days[b].First) })
	for i := 1; i < len(order); i++ {
		early, late := order[i-1], order[i]
		if days[late].First.Compare(days[early].Last) > 0 {
			continue
		}
		field := fmt.Sprintf("special[%d].first", late)
		if early > late {
			field = fmt.Sprintf("special[%d].last", early)
		}
		return refuse(field, "%s and %s both hold on %s: change the dates of one, or join them",
			title(days, min(early, late)), title(days, max(early, late)), days[late].First)
	}
	return nil
}

func title(days []sashlock.SpecialDay, i int) string {
	return cmp.Or(days[i].Name, "the special day") + fmt.Sprintf(" (special[%d])", i)
}

func checkRange(first, last sashlock.Date) error {
	switch {
	case !first.IsZero() && !exists(first):
		return refuse("first", "give a day of the calendar, or none for no limit")
	case !last.IsZero() && !exists(last):
		return refuse("last", "give a day of the calendar, or none for no limit")
	case !first.IsZero() && !last.IsZero() && last.Compare(first) < 0:
		return refuse("last", "choose a last date on or after the first, %s", first)
	}
	return nil
}
