// SPDX-License-Identifier: Apache-2.0

package api

import (
	"database/sql"
	"errors"
	"strings"
	"unicode/utf8"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/internal/estate"
	"github.com/sashlock/sashlock/internal/flow"
	"github.com/sashlock/sashlock/internal/store"
)

// lookups find an identifier by slug or identifier.
var lookups = map[estate.Kind]string{
	estate.Sites:     `SELECT id FROM sites WHERE slug = ? OR id = ?`,
	estate.Areas:     `SELECT a.id FROM areas a JOIN sites s ON s.id = a.site WHERE s.slug || '/' || a.slug = ? OR a.id = ? OR s.id || '/' || a.slug = ?`,
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
		if !isText(ref) {
			return ""
		}
		args := []any{ref, ref}
		if k == estate.Areas {
			args = append(args, ref)
		}
		var id string
		err := q.QueryRow(lookups[k], args...).Scan(&id)
		if err != nil && !errors.Is(err, sql.ErrNoRows) && *fail == nil {
			*fail = &sashlock.Error{Kind: sashlock.Internal, Op: "looking up", Subject: string(k), Err: err}
		}
		return id
	}
}

// isText reports whether a database takes s as text: PostgreSQL wants UTF-8
// without the character zero.
func isText(s string) bool { return utf8.ValidString(s) && strings.IndexByte(s, 0) < 0 }

// slugs find how an object is referred to by its identifier.
var slugs = map[estate.Kind]string{
	estate.Sites:     `SELECT slug FROM sites WHERE id = ?`,
	estate.Areas:     `SELECT s.slug || '/' || a.slug FROM areas a JOIN sites s ON s.id = a.site WHERE a.id = ?`,
	estate.Openings:  `SELECT slug FROM openings WHERE id = ?`,
	estate.Roles:     `SELECT slug FROM roles WHERE id = ?`,
	estate.People:    `SELECT slug FROM people WHERE id = ?`,
	estate.Schedules: `SELECT slug FROM schedules WHERE id = ?`,
	estate.Grants:    `SELECT slug FROM grants WHERE id = ?`,
}

// namingIn says how the objects that q sees are referred to. Nearly all are in
// the book; the ones that the book does not know, because it is a commit behind
// or because this very transaction made them, are looked up.
func (a *API) namingIn(q store.Query) estate.Naming {
	inBook := naming(a.Hall.Book())
	return func(k estate.Kind, id string) string {
		slug := inBook(k, id)
		if slug == "" && id != "" {
			if err := q.QueryRow(slugs[k], id).Scan(&slug); err != nil {
				return ""
			}
		}
		return slug
	}
}

// naming says how declared objects are referred to, from the book.
func naming(b *flow.Book) estate.Naming {
	return func(k estate.Kind, id string) string {
		switch k {
		case estate.Sites:
			return b.Sites[sashlock.SiteID(id)].Slug
		case estate.Areas:
			area, known := b.Areas[sashlock.AreaID(id)]
			if !known {
				return ""
			}
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
