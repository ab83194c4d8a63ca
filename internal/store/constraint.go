// SPDX-License-Identifier: Apache-2.0

package store

import (
	"errors"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"
	"modernc.org/sqlite"
)

// isConstraint reports whether an engine refused a statement because it broke a
// constraint: SQLite's result code SQLITE_CONSTRAINT, PostgreSQL's class 23.
func isConstraint(err error) bool {
	const sqliteConstraint = 19 // https://sqlite.org/rescode.html#constraint; the low byte of the extended codes
	var lite *sqlite.Error
	if errors.As(err, &lite) {
		return lite.Code()&0xff == sqliteConstraint
	}
	var pg *pgconn.PgError
	return errors.As(err, &pg) && strings.HasPrefix(pg.Code, "23")
}
