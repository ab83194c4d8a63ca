// SPDX-License-Identifier: Apache-2.0

package flow_test

import (
	"testing"
	"time"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/internal/access"
	"github.com/sashlock/sashlock/internal/detect"
	"github.com/sashlock/sashlock/internal/detect/lateopening"
	"github.com/sashlock/sashlock/internal/flow"
	"github.com/sashlock/sashlock/internal/store"
)

// raisedLate lists when alarms about a late opening were raised.
func raisedLate(h *house) (all []string) {
	h.t.Helper()
	events, err := h.store.Events(h.t.Context(), store.EventQuery{Kind: string(sashlock.AlarmRaised), Limit: 100})
	h.must(err)
	for _, e := range events {
		all = append(all, e.Heard.UTC().Format(time.RFC3339)+" "+e.Why)
	}
	return all
}

// aStore has one door and is to open at a time of every day.
func aStore(zone, from, until string, special ...sashlock.SpecialDay) access.Facts {
	times := daily("sch_open", from, until)
	times.Special = special
	return access.Facts{
		Sites:     []sashlock.Site{{ID: "site_1", Slug: "store", Name: "Store", Zone: zone, OpenBy: "sch_open", Rev: 1}},
		Openings:  []sashlock.Opening{{ID: "opn_front", Slug: "front", Name: "Front", Site: "site_1", Kind: sashlock.Door, Egress: sashlock.EgressNone, OnFault: sashlock.HoldOnFault, ReleaseTime: 10 * time.Second}},
		People:    []sashlock.Person{{ID: "prs_ana", Slug: "ana", Name: "Ana"}},
		Schedules: []sashlock.Schedule{times},
		Grants:    []sashlock.Grant{{ID: "grt_1", Slug: "ana", Person: "prs_ana", Opening: "opn_front"}},
	}
}

func aLock() []sashlock.Device {
	return []sashlock.Device{{ID: "dev_1", Driver: "x", Gateway: "x", Address: "1", Capabilities: []sashlock.Capability{sashlock.CanRelease, sashlock.TellsLock}, Opening: "opn_front"}}
}

func TestLateOnTheClocksOfTheSite(t *testing.T) {
	for name, c := range map[string]struct {
		zone, from, until string
		special           []sashlock.SpecialDay
		start, end        string
		comes             []string // when Ana does
		want              []string
	}{
		"the day the clocks go forward": {
			zone: "Europe/Lisbon", from: "09:00", until: "21:00", start: "2027-03-27T06:00:00Z", end: "2027-03-28T12:00:00Z",
			comes: []string{"2027-03-27T08:00:00Z"},
			want:  []string{"2027-03-28T08:15:00Z Nobody had come in by 09:15:00; the store was to open at 09:00:00."},
		},
		"the day they go back": {
			zone: "Europe/Lisbon", from: "09:00", until: "21:00", start: "2026-10-24T06:00:00Z", end: "2026-10-25T12:00:00Z",
			comes: []string{"2026-10-24T08:00:00Z"},
			want:  []string{"2026-10-25T09:15:00Z Nobody had come in by 09:15:00; the store was to open at 09:00:00."},
		},
		"closed on a special day": {
			zone: "UTC", from: "09:00", until: "21:00", start: "2026-12-24T06:00:00Z", end: "2026-12-26T09:14:59Z",
			special: []sashlock.SpecialDay{{Name: "Christmas", First: sashlock.Date{Year: 2026, Month: 12, Day: 25}, Last: sashlock.Date{Year: 2026, Month: 12, Day: 25}}},
			comes:   []string{"2026-12-24T08:00:00Z"},
		},
		"just after midnight, come just before": {
			zone: "UTC", from: "00:10", until: "08:00", start: "2026-11-23T12:00:00Z", end: "2026-11-24T02:00:00Z",
			comes: []string{"2026-11-23T23:50:00Z"},
		},
		"just after midnight, come the day before": {
			zone: "UTC", from: "00:10", until: "08:00", start: "2026-11-23T12:00:00Z", end: "2026-11-24T02:00:00Z",
			comes: []string{"2026-11-23T12:00:00Z"},
			want:  []string{"2026-11-24T00:25:00Z Nobody had come in by 00:25:00; the store was to open at 00:10:00."},
		},
		"two days in a row without anybody": {
			zone: "UTC", from: "09:00", until: "21:00", start: "2026-11-23T06:00:00Z", end: "2026-11-26T12:00:00Z",
			comes: []string{"2026-11-23T08:00:00Z"},
			want:  []string{"2026-11-24T09:15:00Z Nobody had come in by 09:15:00; the store was to open at 09:00:00."},
		},
	} {
		t.Run(name, func(t *testing.T) {
			at := func(text string) time.Time {
				when, err := time.Parse(time.RFC3339, text)
				if err != nil {
					t.Fatal(err)
				}
				return when
			}
			h := newHouse(t, []detect.Rule{lateopening.Rule{}})
			h.now = at(c.start)
			h.start(aStore(c.zone, c.from, c.until, c.special...), aLock())
			for _, comes := range c.comes {
				h.until(at(comes))
				if a, err := h.hall.Request(t.Context(), sashlock.Request{Person: "prs_ana", Opening: "opn_front"}); err != nil || !a.Decision.Granted {
					t.Fatalf("not let in: %+v, %v", a, err)
				}
			}
			h.until(at(c.end))
			if got := raisedLate(h); !equal(got, c.want) {
				t.Errorf("raised:\n%q\nwant\n%q", got, c.want)
			}
		})
	}
}

func equal(a, b []string) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if a[i] != b[i] {
			return false
		}
	}
	return true
}

// Whoever says at noon that a store is to open at nine is not told at once that
// it opened late; the next morning it counts.
func TestWaitingBeginsWhenItIsAskedFor(t *testing.T) {
	h := newHouse(t, []detect.Rule{lateopening.Rule{}})
	facts := aStore("UTC", "09:00", "21:00")
	site := facts.Sites[0]
	facts.Sites[0].OpenBy = ""
	h.now = day.Add(12 * time.Hour)
	h.start(facts, aLock())
	_, err := h.hall.Change(t.Context(), flow.Change{Make: func(*store.Tx) (flow.Edit, error) {
		return flow.Edit{Access: access.Change{Put: access.Facts{Sites: []sashlock.Site{site}}}}, nil
	}})
	h.must(err)
	h.until(day.Add(20 * time.Hour))
	if got := raisedLate(h); len(got) > 0 {
		t.Errorf("raised on the first day: %q", got)
	}
	h.until(day.Add(34 * time.Hour))
	if got := raisedLate(h); len(got) != 1 {
		t.Errorf("raised by the next day: %q, want one", got)
	}
}
