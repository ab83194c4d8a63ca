// SPDX-License-Identifier: Apache-2.0

// Package sites keeps what stands still: sites, their areas and their openings.
//
// # How it fits
//
// The functions that list and find read from any store.Query. The ones that
// save and remove run inside a flow.Change and return a flow.Edit, which tells
// the ledger and the access index what changed. References between objects
// come in as an estate.Lookup, because some of them belong to other rooms.
//
// # Promises
//
// Something that is still referred to cannot be removed; the error says so. A
// revision other than the one the caller saw is a conflict and changes nothing.
package sites

import (
	"database/sql"
	"time"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/internal/store"
)

const (
	siteColumns    = `id, slug, name, zone, hours, jurisdiction, shift_grace_ms, clock_in, longest_ms, open_by, open_tolerance_ms, revoke_within_ms, rev`
	areaColumns    = `a.id, a.slug, a.name, a.site, a.level, a.two, a.first_in, a.passback, a.passback_ms, a.occupancy, a.rev`
	openingColumns = `id, slug, name, kind, class, site, area, egress, on_fault, release_ms, open_ms, unattended_ms, level, two, first_in, interlock, trial, plan_x, plan_y, rev`
)

// ListSites returns every site in order of slug.
func ListSites(q store.Query) ([]sashlock.Site, error) {
	return store.Rows(q, scanSite, `SELECT `+siteColumns+` FROM sites ORDER BY slug`)
}

// FindSite returns the site that ref names by slug or identifier.
func FindSite(q store.Query, ref string) (sashlock.Site, error) {
	return store.One(q, scanSite, "site", ref, `SELECT `+siteColumns+` FROM sites WHERE slug = ? OR id = ?`, ref, ref)
}

// ListAreas returns every area in order of site and slug.
func ListAreas(q store.Query) ([]sashlock.Area, error) {
	return store.Rows(q, scanArea, `SELECT `+areaColumns+` FROM areas a ORDER BY a.site, a.slug`)
}

// FindArea returns the area that ref names as "site/area" or by identifier; the
// site too may be an identifier.
func FindArea(q store.Query, ref string) (sashlock.Area, error) {
	return store.One(q, scanArea, "area", ref, `SELECT `+areaColumns+`
		FROM areas a JOIN sites s ON s.id = a.site WHERE a.id = ? OR s.slug || '/' || a.slug = ? OR s.id || '/' || a.slug = ?`, ref, ref, ref)
}

// ListOpenings returns every opening in order of slug.
func ListOpenings(q store.Query) ([]sashlock.Opening, error) {
	return store.Rows(q, scanOpening, `SELECT `+openingColumns+` FROM openings ORDER BY slug`)
}

// FindOpening returns the opening that ref names by slug or identifier.
func FindOpening(q store.Query, ref string) (sashlock.Opening, error) {
	return store.One(q, scanOpening, "opening", ref, `SELECT `+openingColumns+` FROM openings WHERE slug = ? OR id = ?`, ref, ref)
}

func scanSite(scan store.Scan) (s sashlock.Site, err error) {
	var hours, openBy sql.NullString
	var grace, longest, tolerance, within int64
	err = scan(&s.ID, &s.Slug, &s.Name, &s.Zone, &hours, &s.Jurisdiction, &grace, &s.ClockIn, &longest, &openBy, &tolerance, &within, &s.Rev)
	s.Hours, s.OpenBy = sashlock.ScheduleID(hours.String), sashlock.ScheduleID(openBy.String)
	s.OpenTolerance, s.RevokeWithin = time.Duration(tolerance)*time.Millisecond, time.Duration(within)*time.Millisecond
	s.ShiftGrace, s.LongestGrant = time.Duration(grace)*time.Millisecond, time.Duration(longest)*time.Millisecond
	return s, err
}

func scanArea(scan store.Scan) (a sashlock.Area, err error) {
	var first sql.NullString
	var passback int64
	err = scan(&a.ID, &a.Slug, &a.Name, &a.Site, &a.Needs.Level, &a.Needs.Two, &first, &a.Passback, &passback, &a.Occupancy, &a.Rev)
	a.Needs.FirstIn = sashlock.RoleID(first.String)
	a.PassbackFor = time.Duration(passback) * time.Millisecond
	return a, err
}

func scanOpening(scan store.Scan) (o sashlock.Opening, err error) {
	var area, first sql.NullString
	var release, open, unattended int64
	err = scan(&o.ID, &o.Slug, &o.Name, &o.Kind, &o.Class, &o.Site, &area, &o.Egress, &o.OnFault,
		&release, &open, &unattended, &o.Needs.Level, &o.Needs.Two, &first, &o.Interlock, &o.Trial, &o.Plan.X, &o.Plan.Y, &o.Rev)
	o.Area, o.Needs.FirstIn = sashlock.AreaID(area.String), sashlock.RoleID(first.String)
	o.ReleaseTime = time.Duration(release) * time.Millisecond
	o.OpenTime = time.Duration(open) * time.Millisecond
	o.Unattended = time.Duration(unattended) * time.Millisecond
	return o, err
}
