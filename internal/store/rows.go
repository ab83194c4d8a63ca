// SPDX-License-Identifier: Apache-2.0

package store

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/sashlock/sashlock"
)

// Scan reads the columns of one row into dest, like sql.Rows.Scan.
type Scan func(dest ...any) error

// Rows reads every row that a query returns.
func Rows[T any](q Query, read func(Scan) (T, error), query string, args ...any) ([]T, error) {
	var all []T
	rows, err := q.Query(query, args...)
	err = each(rows, err, func(scan func(...any) error) error {
		v, err := read(scan)
		all = append(all, v)
		return err
	})
	if err != nil {
		return nil, unavailable("reading", err)
	}
	return all, nil
}

// One reads the one row that a query returns. Without any, the error is of kind
// not_found and names what kind of thing was looked for, and by which
// reference.
func One[T any](q Query, read func(Scan) (T, error), kind, ref, query string, args ...any) (T, error) {
	var all []T
	var err error
	if utf8.ValidString(ref) && strings.IndexByte(ref, 0) < 0 { // PostgreSQL takes nothing else as text
		all, err = Rows(q, read, query, args...)
	}
	if err == nil && len(all) == 0 {
		err = &sashlock.Error{Kind: sashlock.NotFound, Op: "finding " + kind, Subject: short(ref), Hint: "there is no such " + kind}
	}
	if err != nil {
		var none T
		return none, err
	}
	return all[0], nil
}

// short keeps long input out of error messages.
func short(s string) string {
	if len(s) > 60 {
		return strings.ToValidUTF8(s[:60], "") + "…"
	}
	return s
}

// ErrChanged is in the chain of every error about a revision that is not the
// stored one any more.
var ErrChanged = errors.New("changed meanwhile")

// CheckRev refuses a change that was made to another revision than the one that
// is stored. A want of 0 takes any.
//
// The error wraps [ErrChanged].
func CheckRev(kind, ref string, have, want int64) error {
	if want == 0 || want == have {
		return nil
	}
	return &sashlock.Error{
		Kind: sashlock.Conflict, Op: "saving " + kind, Subject: ref,
		Hint: fmt.Sprintf("somebody changed it meanwhile: it is at revision %d, you saw %d; look at it again", have, want),
		Err:  ErrChanged,
	}
}

// Fields are the columns of a row.
type Fields map[string]any

// Put inserts a row or changes the one with the same key. Table and columns are
// names in our own code, never input.
func (tx *Tx) Put(table, key string, f Fields) error {
	columns := slices.Sorted(maps.Keys(f))
	args := make([]any, len(columns))
	var updates []string
	for i, c := range columns {
		args[i] = f[c]
		if c != key {
			updates = append(updates, c+" = excluded."+c)
		}
	}
	query := "INSERT INTO " + table + " (" + strings.Join(columns, ", ") + ") VALUES (?" + strings.Repeat(", ?", len(columns)-1) +
		") ON CONFLICT (" + key + ") DO UPDATE SET " + strings.Join(updates, ", ")
	if _, err := tx.Exec(query, args...); err != nil {
		return tx.refused("saving", table, err, "it refers to something that is not there, or its name is taken")
	}
	return nil
}

// Remove deletes the row with an identifier. While something refers to it, the
// error is of kind conflict.
func (tx *Tx) Remove(table, kind, ref, id string) error {
	if _, err := tx.Exec("DELETE FROM "+table+" WHERE id = ?", id); err != nil {
		return tx.refused("removing "+kind, ref, err, "something still refers to it: remove that first")
	}
	return nil
}

// refused tells a broken constraint, which the caller can mend, from a failure
// of the database.
func (tx *Tx) refused(op, subject string, err error, hint string) error {
	if !isConstraint(err) {
		return unavailable(op, err)
	}
	return &sashlock.Error{Kind: sashlock.Conflict, Op: op, Subject: subject, Hint: hint, Err: err}
}
