// SPDX-License-Identifier: Apache-2.0

package api

import (
	"database/sql"
	"errors"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/internal/estate"
	"github.com/sashlock/sashlock/internal/flow"
	"github.com/sashlock/sashlock/internal/store"
)

// lookups find an identifier by slug or identifier.
var lookups = map[estate.Kind]string{
	estate.Sites:     `SELECT id FROM sites WHERE slug = ? OR id = ?`,
	estate.Areas:     `SELECT a.id FROM areas a JOIN sites s ON s.id = a.site WHERE s.slug || '/' || a.slug = ? OR a.id = ?`,
	estate.Openings:  `SELECT id FROM openings WHERE slug = ? OR id = ?`,
	estate.Roles:     `SELECT id FROM roles WHERE slug = ? OR id = ?`,
	estate.People:    `SELECT id FROM people WHERE slug = ? OR id = ?`,
	estate.Schedules: `SELECT id FROM schedules WHERE slug = ? OR id = ?`,
	estate.Grants:    `SELECT id FROM grants WHERE slug = ? OR id = ?`,
}

// lookup finds declared objects within a transaction, so that one change may
// refer to what it has just created. An error of the database is kept in fail.
func lookup(q store.Query, fail *error) estate.Lookup {
	return func(k estate.Kind, ref string) string {
		var id string
		err := q.QueryRow(lookups[k], ref, ref).Scan(&id)
		if err != nil && !errors.Is(err, sql.ErrNoRows) && *fail == nil {
			*fail = &sashlock.Error{Kind: sashlock.Internal, Op: "looking up", Subject: string(k), Err: err}
		}
		return id
	}
}

// naming says how declared objects are referred to, from the book.
func naming(b *flow.Book) estate.Naming {
	return func(k estate.Kind, id string) string {
		switch k {
		case estate.Sites:
			return b.Sites[sashlock.SiteID(id)].Slug
		case estate.Areas:
			area := b.Areas[sashlock.AreaID(id)]
			return b.Sites[area.Site].Slug + "/" + area.Slug
		case estate.Openings:
			return b.Openings[sashlock.OpeningID(id)].Slug
		case estate.Roles:
			return b.Roles[sashlock.RoleID(id)].Slug
		case estate.People:
			return b.People[sashlock.PersonID(id)].Slug
		case estate.Schedules:
			return b.Schedules[sashlock.ScheduleID(id)].Slug
		}
		return id
	}
}
