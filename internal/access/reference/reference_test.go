// SPDX-License-Identifier: Apache-2.0

package reference_test

import (
	"testing"
	"time"
	_ "time/tzdata"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/internal/access/reference"
)

func at(t *testing.T, rfc3339 string) time.Time {
	t.Helper()
	moment, err := time.Parse(time.RFC3339, rfc3339)
	if err != nil {
		t.Fatal(err)
	}
	return moment
}

func clock(t *testing.T, s string) sashlock.TimeOfDay {
	t.Helper()
	tod, err := sashlock.ParseTimeOfDay(s)
	if err != nil {
		t.Fatal(err)
	}
	return tod
}

// TestWithinAtClockChanges has the examples of package schedule's rules: for a
// daily span, the first instant it covers and the first it no longer does.
func TestWithinAtClockChanges(t *testing.T) {
	for _, c := range []struct {
		name, zone, from, until, starts, ends string
	}{
		{"plain day", "Europe/Lisbon", "09:00", "17:00", "2026-11-23T09:00:00Z", "2026-11-23T17:00:00Z"},
		{"night", "Europe/Lisbon", "22:00", "06:00", "2026-11-23T22:00:00Z", "2026-11-24T06:00:00Z"},
		{"start in a gap", "America/New_York", "02:30", "04:00", "2027-03-14T03:00:00-04:00", "2027-03-14T04:00:00-04:00"},
		{"end in a gap", "America/New_York", "01:00", "02:30", "2027-03-14T01:00:00-05:00", "2027-03-14T02:00:00-05:00"},
		{"start that happens twice", "America/New_York", "01:30", "02:00", "2027-11-07T01:30:00-04:00", "2027-11-07T02:00:00-05:00"},
		{"end that happens twice", "America/New_York", "00:00", "01:00", "2027-11-07T00:00:00-04:00", "2027-11-07T01:00:00-05:00"},
		{"end within the repeated hour", "America/New_York", "00:00", "01:30", "2027-11-07T00:00:00-04:00", "2027-11-07T01:30:00-05:00"},
		{"half an hour in Lord Howe", "Australia/Lord_Howe", "01:45", "03:00", "2027-04-04T01:45:00+11:00", "2027-04-04T03:00:00+10:30"},
	} {
		t.Run(c.name, func(t *testing.T) {
			zone, err := time.LoadLocation(c.zone)
			if err != nil {
				t.Fatal(err)
			}
			s := &sashlock.Schedule{Weekly: []sashlock.Period{{
				Days: []time.Weekday{0, 1, 2, 3, 4, 5, 6}, From: clock(t, c.from), Until: clock(t, c.until),
			}}}
			starts, ends := at(t, c.starts), at(t, c.ends)
			for _, probe := range []struct {
				at   time.Time
				want bool
			}{
				{starts.Add(-1), false}, {starts, true}, {starts.Add(ends.Sub(starts) / 2), true}, {ends.Add(-1), true}, {ends, false},
			} {
				if got := reference.Within(s, zone, probe.at); got != probe.want {
					t.Errorf("at %s: got %v, want %v", probe.at.In(zone), got, probe.want)
				}
			}
		})
	}
}

func TestGapSwallowsSpan(t *testing.T) {
	zone, err := time.LoadLocation("America/New_York")
	if err != nil {
		t.Fatal(err)
	}
	s := &sashlock.Schedule{Weekly: []sashlock.Period{{Days: []time.Weekday{time.Sunday}, From: 2*60 + 10, Until: 2*60 + 50}}}
	change := at(t, "2027-03-14T03:00:00-04:00")
	for minute := -180; minute < 180; minute++ {
		if probe := change.Add(time.Duration(minute) * time.Minute); reference.Within(s, zone, probe) {
			t.Errorf("covered at %s", probe.In(zone))
		}
	}
}

func TestWithinSpecialDaysAndDates(t *testing.T) {
	friday := sashlock.Date{Year: 2026, Month: 12, Day: 25}
	night := sashlock.Schedule{
		Weekly:  []sashlock.Period{{Days: []time.Weekday{0, 1, 2, 3, 4, 5, 6}, From: 22 * 60, Until: 6 * 60}},
		Special: []sashlock.SpecialDay{{First: friday, Last: friday}},
	}
	party := night
	party.Special = []sashlock.SpecialDay{{First: friday, Last: friday, Spans: []sashlock.Span{{From: 20 * 60, Until: 2 * 60}}}}
	short := night
	short.Special, short.First, short.Last = nil, friday.AddDays(-1), friday.AddDays(-1)
	for _, c := range []struct {
		name string
		s    sashlock.Schedule
		at   string
		want bool
	}{
		{"the eve", night, "2026-12-24T23:59:59Z", true},
		{"cut at midnight", night, "2026-12-25T00:00:00Z", false},
		{"closed at night", night, "2026-12-25T23:00:00Z", false},
		{"closed until the next night", night, "2026-12-26T05:00:00Z", false},
		{"the next night", night, "2026-12-26T22:00:00Z", true},
		{"own span", party, "2026-12-25T20:00:00Z", true},
		{"own span after midnight", party, "2026-12-26T01:59:59Z", true},
		{"own span is over", party, "2026-12-26T02:00:00Z", false},
		{"before the first date", short, "2026-12-24T05:00:00Z", false},
		{"last date reaches into the next", short, "2026-12-25T05:00:00Z", true},
		{"after the last date", short, "2026-12-25T22:00:00Z", false},
	} {
		if got := reference.Within(&c.s, time.UTC, at(t, c.at)); got != c.want {
			t.Errorf("%s: got %v, want %v", c.name, got, c.want)
		}
	}
}

// TestDecide tries the order of the conditions once through; package access
// compares the rest.
func TestDecide(t *testing.T) {
	now := at(t, "2026-11-23T10:00:00Z")
	f := &reference.Facts{
		Sites:    []sashlock.Site{{ID: "s", Zone: "UTC"}},
		Openings: []sashlock.Opening{{ID: "o", Site: "s"}, {ID: "lost"}},
		People:   []sashlock.Person{{ID: "p", Roles: []sashlock.RoleID{"r"}}, {ID: "q", Suspended: true}},
		Roles:    []sashlock.Role{{ID: "r"}},
		Grants: []sashlock.Grant{
			{ID: "2", Role: "r", Opening: "o"},
			{ID: "1", Person: "p", Site: "s", Until: now},
		},
		Zones: map[string]*time.Location{"UTC": time.UTC},
	}
	for _, c := range []struct {
		person  sashlock.PersonID
		opening sashlock.OpeningID
		mode    sashlock.Mode
		at      time.Time
		reason  sashlock.Reason
		grant   sashlock.GrantID
	}{
		{"p", "o", "", now, sashlock.Permitted, "2"},
		{"p", "o", "", now.Add(-1), sashlock.Permitted, "1"},
		{"p", "lost", "", now, sashlock.UnknownOpening, ""},
		{"x", "o", "", now, sashlock.UnknownPerson, ""},
		{"q", "o", sashlock.Blocked, now, sashlock.PersonSuspended, ""},
		{"p", "o", sashlock.Blocked, now, sashlock.OpeningBlocked, ""},
		{"p", "o", sashlock.LockedDown, now, sashlock.OpeningLockedDown, ""},
	} {
		granted, reason, grant := reference.Decide(f, sashlock.Request{Person: c.person, Opening: c.opening, At: c.at}, c.mode)
		if reason != c.reason || grant != c.grant || granted != (c.reason == sashlock.Permitted) {
			t.Errorf("%s at %s in mode %q: got %v %s %q, want %s %q", c.person, c.opening, c.mode, granted, reason, grant, c.reason, c.grant)
		}
	}
}
