// SPDX-License-Identifier: Apache-2.0

package store

import (
	"database/sql"
	"strconv"
	"time"
)

// Micros returns a time as the tables hold it: microseconds since 1970 in UTC,
// or NULL for the zero time.
func Micros(t time.Time) any {
	if t.IsZero() {
		return nil
	}
	return t.UnixMicro()
}

// TimeOf returns the time of a column that [Micros] filled; NULL is the zero time.
func TimeOf(column sql.NullInt64) time.Time {
	if !column.Valid {
		return time.Time{}
	}
	return time.UnixMicro(column.Int64).UTC()
}

// Null returns NULL for an empty identifier, so that foreign keys hold.
func Null[T ~string](id T) any { return orNull(string(id)) }

// ID returns the identifier of a column that [Null] filled.
func ID[T ~string](column sql.NullString) T { return T(column.String) }

func formatInt(n int64) string { return strconv.FormatInt(n, 10) }
