// SPDX-License-Identifier: Apache-2.0

// Package grants keeps temporary and standing access: schedules and the grants
// that follow them.
//
// # How it fits
//
// As in package sites: listing and finding read from any store.Query, saving
// and removing run inside a flow.Change and return a flow.Edit.
//
// # Promises
//
// When a change has returned, the next request at an opening is decided by it.
// A schedule that grants or store hours refer to cannot be removed.
package grants

import (
	"database/sql"
	"encoding/json"
	"errors"
	"time"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/internal/access"
	"github.com/sashlock/sashlock/internal/estate"
	"github.com/sashlock/sashlock/internal/flow"
	"github.com/sashlock/sashlock/internal/lang"
	"github.com/sashlock/sashlock/internal/schedule"
	"github.com/sashlock/sashlock/internal/store"
)

const (
	grantColumns    = `id, slug, person, role, opening, area, site, schedule, valid_from, valid_until, uses, lasts_ms, on_shift, with_role, escort, two, level, hold_ms, rev`
	scheduleColumns = `id, slug, name, body, first, last, rev`
)

// List returns every grant in order of slug.
func List(q store.Query) ([]sashlock.Grant, error) {
	return store.Rows(q, scanGrant, `SELECT `+grantColumns+` FROM grants ORDER BY slug`)
}

// Find returns the grant that ref names by slug or identifier.
func Find(q store.Query, ref string) (sashlock.Grant, error) {
	return store.One(q, scanGrant, "grant", ref, `SELECT `+grantColumns+` FROM grants WHERE slug = ? OR id = ?`, ref, ref)
}

// ListSchedules returns every schedule in order of slug.
func ListSchedules(q store.Query) ([]sashlock.Schedule, error) {
	return store.Rows(q, scanSchedule, `SELECT `+scheduleColumns+` FROM schedules ORDER BY slug`)
}

// FindSchedule returns the schedule that ref names by slug or identifier.
func FindSchedule(q store.Query, ref string) (sashlock.Schedule, error) {
	return store.One(q, scanSchedule, "schedule", ref, `SELECT `+scheduleColumns+` FROM schedules WHERE slug = ? OR id = ?`, ref, ref)
}

func scanGrant(scan store.Scan) (g sashlock.Grant, err error) {
	var person, role, opening, area, site, sched, with, escort sql.NullString
	var lasts, hold int64
	var from, until sql.NullInt64
	err = scan(&g.ID, &g.Slug, &person, &role, &opening, &area, &site, &sched, &from, &until,
		&g.Terms.Uses, &lasts, &g.Terms.OnShift, &with, &escort, &g.Terms.Two, &g.Terms.Level, &hold, &g.Rev)
	g.Person, g.Role = sashlock.PersonID(person.String), sashlock.RoleID(role.String)
	g.Opening, g.Area, g.Site = sashlock.OpeningID(opening.String), sashlock.AreaID(area.String), sashlock.SiteID(site.String)
	g.Schedule = sashlock.ScheduleID(sched.String)
	g.From, g.Until = store.TimeOf(from), store.TimeOf(until)
	g.Terms.Lasts, g.Terms.Hold = time.Duration(lasts)*time.Millisecond, time.Duration(hold)*time.Millisecond
	g.Terms.With, g.Terms.Escort = sashlock.RoleID(with.String), sashlock.PersonID(escort.String)
	return g, err
}

// body is how the periods of a schedule are stored: as people write them.
type body struct {
	Weekly  []estate.Period     `json:"weekly,omitempty"`
	Special []estate.SpecialDay `json:"special,omitempty"`
}

func scanSchedule(scan store.Scan) (sashlock.Schedule, error) {
	var id sashlock.ScheduleID
	var d estate.Schedule
	var text string
	var rev int64
	if err := scan(&id, &d.Slug, &d.Name, &text, &d.First, &d.Last, &rev); err != nil {
		return sashlock.Schedule{}, err
	}
	var b body
	if err := json.Unmarshal([]byte(text), &b); err != nil {
		return sashlock.Schedule{}, err
	}
	d.Weekly, d.Special = b.Weekly, b.Special
	s, problems := d.Resolve(nil)
	s.ID, s.Rev = id, rev
	return s, estate.Problems("reading stored schedule", problems)
}

func keeping() flow.Keeping[sashlock.Grant, sashlock.GrantID] {
	return flow.Keeping[sashlock.Grant, sashlock.GrantID]{
		Kind: "grant", Table: "grants", Find: Find, New: sashlock.NewID[sashlock.GrantID],
		Identity: func(g *sashlock.Grant) (*sashlock.GrantID, *int64) { return &g.ID, &g.Rev },
	}
}

func keepingSchedules() flow.Keeping[sashlock.Schedule, sashlock.ScheduleID] {
	return flow.Keeping[sashlock.Schedule, sashlock.ScheduleID]{
		Kind: "schedule", Table: "schedules", Find: FindSchedule, New: sashlock.NewID[sashlock.ScheduleID],
		Identity: func(s *sashlock.Schedule) (*sashlock.ScheduleID, *int64) { return &s.ID, &s.Rev },
	}
}

// Save creates a grant or changes the one with the same slug. A rev other than
// 0 is the revision the caller saw.
func Save(tx *store.Tx, d estate.Grant, find estate.Lookup, rev int64) (flow.Edit, error) {
	g, problems := d.Resolve(find)
	problem, err := tooLong(tx, g)
	if err != nil {
		return flow.Edit{}, err
	}
	if len(problems) == 0 {
		problems = problem
	}
	old, err := Find(tx, d.Slug)
	if err != nil && !sashlock.IsKind(err, sashlock.NotFound) {
		return flow.Edit{}, err
	}
	kept, err := keeping().Renew(tx, &g, d.Slug, problems, rev)
	if err != nil {
		return flow.Edit{}, err
	}
	d.Kept = kept
	err = tx.Put("grants", "id", store.Fields{
		"id": g.ID, "slug": g.Slug, "person": store.Null(g.Person), "role": store.Null(g.Role),
		"opening": store.Null(g.Opening), "area": store.Null(g.Area), "site": store.Null(g.Site),
		"schedule": store.Null(g.Schedule), "valid_from": store.Micros(g.From), "valid_until": store.Micros(g.Until), "rev": g.Rev,
		"uses": g.Terms.Uses, "lasts_ms": g.Terms.Lasts.Milliseconds(), "on_shift": g.Terms.OnShift, "with_role": store.Null(g.Terms.With),
		"escort": store.Null(g.Terms.Escort), "two": g.Terms.Two, "level": g.Terms.Level, "hold_ms": g.Terms.Hold.Milliseconds(),
	})
	edit := flow.Edit{
		Events: []sashlock.Event{{
			Kind: sashlock.GrantSaved, Grant: g.ID, Person: g.Person, Opening: g.Opening, Subject: string(g.ID), Data: data(d, g),
		}},
		Access: access.Change{Put: access.Facts{Grants: []sashlock.Grant{g}}},
	}
	if !g.Narrower(old) {
		edit.Danger = []string{flow.GrantWidened}
	}
	return edit, err
}

// data is a grant as its ledger entry carries it: the person by identifier, and
// without the slug of a grant to one person, which is mostly made of the
// person's name.
func data(d estate.Grant, g sashlock.Grant) json.RawMessage {
	d.Escort = string(g.Terms.Escort)
	if d.Person = string(g.Person); d.Person != "" {
		d.Slug = ""
	}
	return estate.Data(d)
}

// Revoke removes a grant. The next request is decided without it.
func Revoke(tx *store.Tx, ref string, rev int64) (flow.Edit, error) {
	g, err := keeping().Remove(tx, ref, rev)
	return flow.Edit{
		Events: []sashlock.Event{{Kind: sashlock.GrantRevoked, Grant: g.ID, Person: g.Person, Opening: g.Opening, Subject: string(g.ID)}},
		Access: access.Change{Remove: access.Removal{Grants: []sashlock.GrantID{g.ID}}},
	}, err
}

// SaveSchedule creates a schedule or changes the one with the same slug.
func SaveSchedule(tx *store.Tx, d estate.Schedule, find estate.Lookup, rev int64) (flow.Edit, error) {
	s, problems := d.Resolve(find)
	if len(problems) == 0 {
		if err := schedule.Validate(s); err != nil {
			return flow.Edit{}, err
		}
	}
	kept, err := keepingSchedules().Renew(tx, &s, d.Slug, problems, rev)
	if err != nil {
		return flow.Edit{}, err
	}
	text, err := json.Marshal(body{Weekly: d.Weekly, Special: d.Special})
	if err != nil {
		return flow.Edit{}, &sashlock.Error{Kind: sashlock.Internal, Op: "writing schedule", Err: err}
	}
	err = tx.Put("schedules", "id", store.Fields{
		"id": s.ID, "slug": s.Slug, "name": s.Name, "body": string(text), "first": d.First, "last": d.Last, "rev": s.Rev,
	})
	d.Kept = kept
	return flow.Edit{
		Events: []sashlock.Event{{Kind: sashlock.ScheduleSaved, Subject: string(s.ID), Data: estate.Data(d)}},
		Access: access.Change{Put: access.Facts{Schedules: []sashlock.Schedule{s}}},
	}, err
}

// RemoveSchedule removes a schedule that nothing refers to any more.
func RemoveSchedule(tx *store.Tx, ref string, rev int64) (flow.Edit, error) {
	s, err := keepingSchedules().Remove(tx, ref, rev)
	return flow.Edit{
		Events: []sashlock.Event{{Kind: sashlock.ScheduleRemoved, Subject: string(s.ID)}},
		Access: access.Change{Remove: access.Removal{Schedules: []sashlock.ScheduleID{s.ID}}},
	}, err
}

// tooLong says when a grant to one person counts longer than its site allows.
func tooLong(tx *store.Tx, g sashlock.Grant) ([]estate.Problem, error) {
	if g.Person == "" {
		return nil, nil
	}
	var millis int64
	err := tx.QueryRow(`SELECT longest_ms FROM sites WHERE id = ? OR id IN (SELECT site FROM openings WHERE id = ?) OR id IN (SELECT site FROM areas WHERE id = ?)`,
		g.Site, g.Opening, g.Area).Scan(&millis)
	if errors.Is(err, sql.ErrNoRows) || err == nil && millis == 0 {
		return nil, nil
	}
	if err != nil {
		return nil, &sashlock.Error{Kind: sashlock.Unavailable, Op: "reading the longest grant of the site", Err: err}
	}
	longest, from := time.Duration(millis)*time.Millisecond, g.From
	if from.IsZero() {
		from = tx.Now()
	}
	if !g.Until.IsZero() && !g.Until.After(from.Add(longest)) {
		return nil, nil
	}
	return []estate.Problem{{
		Field: "until", Detail: lang.Say("a grant to one person may count for %s at most at this site", longest),
		Fix: lang.Say("let it end by %s, or give it to a role", from.Add(longest).UTC().Format(time.RFC3339)),
	}}, nil
}
