// SPDX-License-Identifier: Apache-2.0

package flow

import (
	"cmp"
	"time"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/internal/access"
	"github.com/sashlock/sashlock/internal/detect"
	"github.com/sashlock/sashlock/internal/schedule"
	"github.com/sashlock/sashlock/internal/store"
)

// The rules of waiting for whoever opens a store are:
//
//   - A site is watched at one of its openings: the door that asks for a first
//     person, or whose area does, before any other door; of several the one with
//     the first slug.
//   - Somebody came for a time if they were let in since the midnight before it
//     began, or in the three hours before where it begins soon after midnight.
//   - Where the site has a role that has to be the first in, only they count.
//   - Waiting begins when it is asked for: nobody is late for a time that was over
//     by then.

// comesBefore is how long before a time somebody may come for it, even on the
// day before.
const comesBefore = 3 * time.Hour

// lastInEvery is to what the moment of the last entry is kept.
const lastInEvery = 30 * time.Minute

// mostPast is how far back an alarm is followed that stands.
const mostPast = 8 * 24 * time.Hour

// waits is what a book knows of a site where somebody is waited for.
type waits struct {
	times     *schedule.Calendar
	tolerance time.Duration
	at        sashlock.OpeningID // where the site is watched; empty: nowhere
	openers   []sashlock.RoleID  // who has to come; none: anybody
}

// compileWaits finds where somebody is waited for. Times that do not compile are
// not waited for: the rule stays silent rather than wrong.
func (b *Book) compileWaits() {
	b.waits = nil
	for id, site := range b.Sites {
		times, declared := b.Schedules[site.OpenBy]
		if !declared || b.zones[id] == nil {
			continue
		}
		calendar, err := schedule.Compile(times, b.zones[id])
		if err != nil {
			continue
		}
		if b.waits == nil {
			b.waits = make(map[sashlock.SiteID]waits)
		}
		b.waits[id] = waits{times: calendar, tolerance: cmp.Or(site.OpenTolerance, sashlock.OpenTolerance)}
	}
	if b.waits == nil {
		return
	}
	for _, a := range b.Areas {
		b.addOpener(a.Site, a.Needs.FirstIn)
	}
	for _, o := range b.Openings {
		b.addOpener(o.Site, o.Needs.FirstIn)
		if w, waited := b.waits[o.Site]; waited && (w.at == "" || b.nearer(o, b.Openings[w.at])) {
			w.at = o.ID
			b.waits[o.Site] = w
		}
	}
}

func (b *Book) addOpener(site sashlock.SiteID, role sashlock.RoleID) {
	if w, waited := b.waits[site]; waited && role != "" {
		w.openers = append(w.openers, role)
		b.waits[site] = w
	}
}

// nearer reports whether one comes into a site by an opening rather than by
// another one.
func (b *Book) nearer(o, other sashlock.Opening) bool {
	rank := func(o sashlock.Opening) int {
		switch {
		case o.Kind != sashlock.Door:
			return 2
		case o.Needs.FirstIn == "" && b.Areas[o.Area].Needs.FirstIn == "":
			return 1
		}
		return 0
	}
	return cmp.Or(cmp.Compare(rank(o), rank(other)), cmp.Compare(o.Slug, other.Slug)) < 0
}

// coming is what rules may know of whoever is to open a site, at the opening
// where it is watched; nil: anywhere else.
func (b *Book) coming(o sashlock.Opening, s sashlock.OpeningState, site func() sashlock.SiteState, now time.Time) *detect.Coming {
	w, waited := b.waits[o.Site]
	if !waited || w.at != o.ID {
		return nil
	}
	var c detect.Coming
	over := now.Add(-w.tolerance)
	if next, _, found := w.times.Next(over); found {
		c.Next = next.Add(w.tolerance)
	}
	start, end, within := w.times.Window(over)
	if !within && len(s.Alarms) > 0 { // one that stands may be of an earlier day
		if past := w.times.Windows(over.Add(-mostPast), over); len(past) > 0 {
			start, end, within = past[len(past)-1].Start, past[len(past)-1].End, true
		}
	}
	if !within {
		return &c
	}
	c.Start, c.By, c.End = start, start.Add(w.tolerance), end
	state := site()
	c.Came = !c.By.After(state.AwaitedFrom) || w.came(state, b.Clock(o.Site, start))
	return &c
}

// came reports whether somebody came for a time that began at start.
func (w waits) came(s sashlock.SiteState, start time.Time) bool {
	since := time.Date(start.Year(), start.Month(), start.Day(), 0, 0, 0, 0, start.Location())
	if early := start.Add(-comesBefore); early.Before(since) {
		since = early
	}
	if len(w.openers) == 0 {
		return !s.LastIn.Before(since)
	}
	day := sashlock.DateOf(since).String()
	for _, role := range w.openers {
		if s.FirstIn[role] >= day {
			return true
		}
	}
	return false
}

// awaitFrom begins to wait at sites for which that was asked just now, and has
// every site looked at whose waiting an edit may have changed.
func (h *Hall) awaitFrom(tx *store.Tx, before *Book, c access.Change) {
	if !touchesHours(c) && !touchesPlaces(c) {
		return
	}
	for _, site := range c.Put.Sites {
		if site.OpenBy != "" && before.Sites[site.ID].OpenBy != site.OpenBy {
			s := tx.SiteState(site.ID)
			s.AwaitedFrom = tx.Now()
			tx.SaveSiteState(s)
		}
	}
	for _, b := range []*Book{before, h.working} {
		for _, w := range b.waits {
			if w.at != "" {
				tx.Wake(subjectOf(w.at), tx.Now())
			}
		}
	}
}

// noteIn keeps when somebody was let in at a site that waits for them, and has
// the site looked at.
func (h *Hall) noteIn(tx *store.Tx, site sashlock.SiteID, first bool) {
	w, waited := h.working.waits[site]
	if !waited {
		return
	}
	s, now := tx.SiteState(site), tx.Now()
	today := func(t time.Time) sashlock.Date { return sashlock.DateOf(h.working.Clock(site, t)) }
	if !first && now.Sub(s.LastIn) < lastInEvery && today(s.LastIn) == today(now) {
		return
	}
	s.LastIn = now
	tx.SaveSiteState(s)
	if w.at != "" {
		tx.Wake(subjectOf(w.at), now)
	}
}
