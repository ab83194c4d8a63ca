// SPDX-License-Identifier: Apache-2.0

package flow_test

import (
	"time"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/internal/flow"
	"github.com/sashlock/sashlock/internal/store"
)

// What stories tell of shifts: "shift ana 09:00 13:00" plans one, "site grace
// 15m" and "site clock-in" are rules of the store; on the timeline "ana
// clock-in", "ana clock-out", "ana swaps bob" and "ana stays 20:00", by which a
// supervisor lets her work until then.

// planShift declares a shift of the day.
func (s *story) planShift(person, from, until string) {
	f, err := time.Parse("15:04", from)
	s.must(err)
	u, err := time.Parse("15:04", until)
	s.must(err)
	one := sashlock.Shift{ID: sashlock.ShiftID("shf_" + person), Person: sashlock.PersonID("prs_" + person), Site: "site_1", From: clockTime(f), Until: clockTime(u), Rev: 1}
	s.afterwards(func() { s.shifts(sashlock.ShiftSaved, one) })
}

// afterwards does something once the story has begun.
func (s *story) afterwards(do func()) { s.planned = append(s.planned, do) }

// siteRule declares a rule of the store.
func (s *story) siteRule(words []string) {
	switch words[0] {
	case "grace":
		grace, err := time.ParseDuration(words[1])
		s.must(err)
		s.facts.Sites[0].ShiftGrace = grace
	case "clock-in":
		s.facts.Sites[0].ClockIn = true
	case "open-by":
		s.facts.Schedules = append(s.facts.Schedules, daily("sch_open", words[1], words[2]))
		s.facts.Sites[0].OpenBy = "sch_open"
	case "revoke-within":
		within, err := time.ParseDuration(words[1])
		s.must(err)
		s.facts.Sites[0].RevokeWithin = within
	default:
		s.t.Fatalf("unknown word %q", words[0])
	}
}

// shifts makes shifts what they are now, as the room of shifts does.
func (s *story) shifts(kind sashlock.EventKind, all ...sashlock.Shift) {
	s.t.Helper()
	_, err := s.hall.Change(s.t.Context(), flow.Change{Make: func(*store.Tx) (flow.Edit, error) {
		edit := flow.Edit{Shifts: all}
		for _, one := range all {
			edit.Events = append(edit.Events, sashlock.Event{Kind: kind, Person: one.Person, Site: one.Site, Subject: string(one.ID)})
		}
		return edit, nil
	}})
	s.must(err)
}

func (s *story) shiftOf(person string) sashlock.Shift {
	s.t.Helper()
	mine := s.hall.Book().Shifts[sashlock.PersonID("prs_"+person)]
	if len(mine) == 0 {
		s.t.Fatalf("%s has no shift", person)
	}
	return mine[0]
}

// works is what happens to a shift; false: it is about something else.
func (s *story) works(words []string) bool {
	if len(words) < 2 {
		return false
	}
	switch words[1] {
	case "clock-in":
		one := s.shiftOf(words[0])
		one.In = s.now
		s.shifts(sashlock.PersonClockedIn, one)
	case "clock-out":
		one := s.shiftOf(words[0])
		one.Out = s.now
		s.shifts(sashlock.PersonClockedOut, one)
	case "swaps":
		one, other := s.shiftOf(words[0]), s.shiftOf(words[2])
		one.Person, other.Person = other.Person, one.Person
		s.shifts(sashlock.ShiftSaved, one, other)
	case "stays":
		u, err := time.Parse("15:04", words[2])
		s.must(err)
		s.shifts(sashlock.ShiftSaved, sashlock.Shift{
			ID: sashlock.ShiftID("shf_stay_" + words[0]), Person: sashlock.PersonID("prs_" + words[0]), Site: "site_1", From: s.now, In: s.now, Until: clockTime(u), Source: "override", Rev: 1,
		})
	default:
		return false
	}
	return true
}
