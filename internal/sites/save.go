// SPDX-License-Identifier: Apache-2.0

package sites

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/internal/access"
	"github.com/sashlock/sashlock/internal/estate"
	"github.com/sashlock/sashlock/internal/flow"
	"github.com/sashlock/sashlock/internal/lang"
	"github.com/sashlock/sashlock/internal/schedule"
	"github.com/sashlock/sashlock/internal/store"
)

func keepingSites() flow.Keeping[sashlock.Site, sashlock.SiteID] {
	return flow.Keeping[sashlock.Site, sashlock.SiteID]{
		Kind: "site", Table: "sites", Find: FindSite, New: sashlock.NewID[sashlock.SiteID],
		Identity: func(s *sashlock.Site) (*sashlock.SiteID, *int64) { return &s.ID, &s.Rev },
	}
}

func keepingAreas() flow.Keeping[sashlock.Area, sashlock.AreaID] {
	return flow.Keeping[sashlock.Area, sashlock.AreaID]{
		Kind: "area", Table: "areas", Find: FindArea, New: sashlock.NewID[sashlock.AreaID],
		Identity: func(a *sashlock.Area) (*sashlock.AreaID, *int64) { return &a.ID, &a.Rev },
	}
}

func keepingOpenings() flow.Keeping[sashlock.Opening, sashlock.OpeningID] {
	return flow.Keeping[sashlock.Opening, sashlock.OpeningID]{
		Kind: "opening", Table: "openings", Find: FindOpening, New: sashlock.NewID[sashlock.OpeningID],
		Identity: func(o *sashlock.Opening) (*sashlock.OpeningID, *int64) { return &o.ID, &o.Rev },
	}
}

// SaveSite creates a site or changes the one with the same slug. A rev other
// than 0 is the revision the caller saw.
func SaveSite(tx *store.Tx, d estate.Site, find estate.Lookup, rev int64) (flow.Edit, error) {
	s, problems := d.Resolve(find)
	if len(problems) == 0 {
		_, err := schedule.LoadZone(d.Zone)
		var e *sashlock.Error
		if errors.As(err, &e) { // it knows which zone was probably meant
			problems = []estate.Problem{{Field: e.Subject, Detail: lang.Say("this is not a time zone of a site"), Fix: lang.Say(e.Hint)}}
		}
	}
	kept, err := keepingSites().Renew(tx, &s, d.Slug, problems, rev)
	if err != nil {
		return flow.Edit{}, err
	}
	err = tx.Put("sites", "id", store.Fields{
		"id": s.ID, "slug": s.Slug, "name": s.Name, "zone": s.Zone, "hours": store.Null(s.Hours), "rev": s.Rev,
		"jurisdiction": s.Jurisdiction, "shift_grace_ms": s.ShiftGrace.Milliseconds(), "clock_in": s.ClockIn, "longest_ms": s.LongestGrant.Milliseconds(),
		"open_by": store.Null(s.OpenBy), "open_tolerance_ms": s.OpenTolerance.Milliseconds(),
		"revoke_within_ms": s.RevokeWithin.Milliseconds(),
	})
	d.Kept = kept
	return flow.Edit{
		Events: []sashlock.Event{{Kind: sashlock.SiteSaved, Site: s.ID, Subject: string(s.ID), Data: estate.Data(d)}},
		Access: access.Change{Put: access.Facts{Sites: []sashlock.Site{s}}},
	}, err
}

// RemoveSite removes a site that nothing refers to any more.
func RemoveSite(tx *store.Tx, ref string, rev int64) (flow.Edit, error) {
	s, err := keepingSites().Remove(tx, ref, rev)
	return flow.Edit{
		Events: []sashlock.Event{{Kind: sashlock.SiteRemoved, Site: s.ID, Subject: string(s.ID)}},
		Access: access.Change{Remove: access.Removal{Sites: []sashlock.SiteID{s.ID}}},
	}, err
}

// SaveArea creates an area or changes the one with the same site and slug.
func SaveArea(tx *store.Tx, d estate.Area, find estate.Lookup, rev int64) (flow.Edit, error) {
	a, problems := d.Resolve(find)
	kept, err := keepingAreas().Renew(tx, &a, d.Ref(), problems, rev)
	if err != nil {
		return flow.Edit{}, err
	}
	err = tx.Put("areas", "id", store.Fields{
		"id": a.ID, "slug": a.Slug, "name": a.Name, "site": a.Site, "rev": a.Rev,
		"level": a.Needs.Level, "two": a.Needs.Two, "first_in": store.Null(a.Needs.FirstIn),
		"passback": a.Passback, "passback_ms": a.PassbackFor.Milliseconds(), "occupancy": a.Occupancy,
	})
	d.Kept = kept
	return flow.Edit{
		Events: []sashlock.Event{{Kind: sashlock.AreaSaved, Site: a.Site, Subject: string(a.ID), Data: estate.Data(d)}},
		Access: access.Change{Put: access.Facts{Areas: []sashlock.Area{a}}},
	}, err
}

// mostNamed is how many of what stands in the way an error names.
const mostNamed = 5

// standsIn refuses to remove an area that has openings: they would no longer ask
// for what it asks of everybody. The error names them.
func standsIn(tx *store.Tx, a sashlock.Area) error {
	slugs, err := store.Rows(tx, func(scan store.Scan) (slug string, err error) { return slug, scan(&slug) }, `SELECT slug FROM openings WHERE area = ? ORDER BY slug`, a.ID)
	if err != nil || len(slugs) == 0 {
		return err
	}
	named := strings.Join(slugs[:min(len(slugs), mostNamed)], ", ")
	if more := len(slugs) - mostNamed; more > 0 {
		named += fmt.Sprintf(" and %d more", more)
	}
	return &sashlock.Error{
		Kind: sashlock.Conflict, Op: "removing area", Subject: a.Slug,
		Hint: "an opening still refers to it, and would no longer ask for what it asks of everybody: move it to another area first (" + named + ")",
	}
}

// RemoveArea removes an area that nothing refers to any more.
func RemoveArea(tx *store.Tx, ref string, rev int64) (flow.Edit, error) {
	a, err := FindArea(tx, ref)
	if err == nil {
		err = store.CheckRev("area", ref, a.Rev, rev)
	}
	if err == nil {
		err = standsIn(tx, a)
	}
	if err != nil {
		return flow.Edit{}, err
	}
	a, err = keepingAreas().Remove(tx, ref, rev)
	return flow.Edit{
		Events: []sashlock.Event{{Kind: sashlock.AreaRemoved, Site: a.Site, Subject: string(a.ID)}},
		Access: access.Change{Remove: access.Removal{Areas: []sashlock.AreaID{a.ID}}},
	}, err
}

// SaveOpening creates an opening or changes the one with the same slug.
func SaveOpening(tx *store.Tx, d estate.Opening, find estate.Lookup, rev int64) (flow.Edit, error) {
	o, problems := d.Resolve(find)
	kept, err := keepingOpenings().Renew(tx, &o, d.Slug, problems, rev)
	if err != nil {
		return flow.Edit{}, err
	}
	err = tx.Put("openings", "id", store.Fields{
		"id": o.ID, "slug": o.Slug, "name": o.Name, "kind": o.Kind, "class": o.Class, "site": o.Site,
		"area": store.Null(o.Area), "egress": o.Egress, "on_fault": o.OnFault,
		"release_ms": o.ReleaseTime.Milliseconds(), "open_ms": o.OpenTime.Milliseconds(),
		"unattended_ms": o.Unattended.Milliseconds(), "plan_x": o.Plan.X, "plan_y": o.Plan.Y, "rev": o.Rev,
		"level": o.Needs.Level, "two": o.Needs.Two, "first_in": store.Null(o.Needs.FirstIn), "interlock": o.Interlock, "trial": o.Trial,
	})
	d.Kept = kept
	return flow.Edit{
		Events: []sashlock.Event{{Kind: sashlock.OpeningSaved, Site: o.Site, Opening: o.ID, Subject: string(o.ID), Data: estate.Data(d)}},
		Access: access.Change{Put: access.Facts{Openings: []sashlock.Opening{o}}},
	}, err
}

// RemoveOpening removes an opening that nothing refers to any more.
func RemoveOpening(tx *store.Tx, ref string, rev int64) (flow.Edit, error) {
	o, err := keepingOpenings().Remove(tx, ref, rev)
	if err != nil {
		return flow.Edit{}, err
	}
	over, err := windUp(tx, o)
	return flow.Edit{
		Events: append(over, sashlock.Event{Kind: sashlock.OpeningRemoved, Site: o.Site, Opening: o.ID, Subject: string(o.ID)}),
		Access: access.Change{Remove: access.Removal{Openings: []sashlock.OpeningID{o.ID}}},
	}, err
}

// windUp clears the alarms of an opening that goes, because nothing will look
// at it again. One that is moving goes later.
func windUp(tx *store.Tx, o sashlock.Opening) ([]sashlock.Event, error) {
	moving, err := tx.OpenCommands(o.ID)
	if err != nil {
		return nil, err
	}
	if len(moving) > 0 {
		return nil, &sashlock.Error{Kind: sashlock.Conflict, Op: "removing opening", Subject: o.Slug, Hint: "its lock is moving: try again in ten seconds"}
	}
	s, err := tx.State(o.ID)
	if err != nil {
		return nil, err
	}
	var events []sashlock.Event
	for _, rule := range slices.Sorted(maps.Keys(s.Alarms)) {
		a, err := tx.Alarm(s.Alarms[rule])
		if err != nil {
			return nil, err
		}
		a.Cleared = tx.Now()
		a.Rev++
		tx.SaveAlarm(a)
		events = append(events, sashlock.Event{Kind: sashlock.AlarmCleared, Site: o.Site, Opening: o.ID, Alarm: a.ID, Rule: rule})
	}
	s.Alarms = nil
	tx.SaveState(s)
	return events, nil
}
