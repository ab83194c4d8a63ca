// SPDX-License-Identifier: Apache-2.0

package store

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"embed"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"strconv"
	"strings"
	"time"

	"github.com/sashlock/sashlock"
)

// The rules are:
//   - a migration is a file migrations/NNNN_name.sql, numbered from 1 without
//     gaps; once released it is never changed
//   - each runs in one transaction, together with its row in the table
//     migrations
//   - a database is refused if it has a migration that we do not have, or has
//     one of ours with other contents

//go:embed migrations/*.sql
var migrationFiles embed.FS

// migration is one step of the schema.
type migration struct {
	number   int
	name     string
	text     string
	checksum string // SHA-256 of text in hexadecimal
}

// migrations reads the embedded steps in order.
func migrations() ([]migration, error) {
	names, err := fs.Glob(migrationFiles, "migrations/*.sql") // sorted
	if err != nil {
		return nil, err
	}
	var all []migration
	for i, path := range names {
		text, err := migrationFiles.ReadFile(path)
		if err != nil {
			return nil, err
		}
		number, name, _ := strings.Cut(strings.TrimSuffix(strings.TrimPrefix(path, "migrations/"), ".sql"), "_")
		if n, err := strconv.Atoi(number); err != nil || n != i+1 {
			return nil, fmt.Errorf("migration %s is out of order", path)
		}
		sum := sha256.Sum256(text)
		all = append(all, migration{i + 1, name, string(text), hex.EncodeToString(sum[:])})
	}
	return all, nil
}

const createMigrations = `CREATE TABLE IF NOT EXISTS migrations (
    number INTEGER PRIMARY KEY,
    name TEXT NOT NULL,
    checksum TEXT NOT NULL,
    applied INTEGER NOT NULL,
    version TEXT NOT NULL
) STRICT;`

// migrate brings the schema up to date, or refuses the database.
func migrate(ctx context.Context, conn *sql.Conn, e engine, version string, now time.Time) error {
	ours, err := migrations()
	if err != nil {
		return err
	}
	if _, err := conn.ExecContext(ctx, e.schema(createMigrations)); err != nil {
		return unavailable("migrating the database", err)
	}
	done, err := compareSchema(ctx, conn, e, ours)
	if err != nil {
		return err
	}
	for _, m := range ours[done:] {
		if err := applyMigration(ctx, conn, e, m, version, now); err != nil {
			return fmt.Errorf("applying migration %04d_%s: %w", m.number, m.name, err)
		}
	}
	return nil
}

// applyMigration runs one step in one transaction.
func applyMigration(ctx context.Context, conn *sql.Conn, e engine, m migration, version string, now time.Time) error {
	tx, err := conn.BeginTx(ctx, nil)
	if err != nil {
		return unavailable("migrating the database", err)
	}
	defer tx.Rollback() //nolint:errcheck // after a commit it does nothing
	if _, err := tx.ExecContext(ctx, e.schema(m.text)); err != nil {
		return err
	}
	row := e.rebind("INSERT INTO migrations (number, name, checksum, applied, version) VALUES (?, ?, ?, ?, ?)")
	if _, err := tx.ExecContext(ctx, row, int64(m.number), m.name, m.checksum, now.UnixMicro(), version); err != nil {
		return err
	}
	return tx.Commit()
}

// checkSchema refuses a database whose schema is not exactly ours; readers
// cannot migrate it.
func checkSchema(ctx context.Context, db *sql.DB, e engine) error {
	ours, err := migrations()
	if err != nil {
		return err
	}
	done, err := compareSchema(ctx, db, e, ours)
	if err == nil && done < len(ours) {
		err = &sashlock.Error{
			Kind: sashlock.Conflict, Op: "opening the store", Subject: "schema " + strconv.Itoa(done),
			Hint: fmt.Sprintf("the database has schema version %d and this program needs %d: start sashlock serve once to bring it up to date", done, len(ours)),
		}
	}
	return err
}

// contextQueryer is a pool or a connection.
type contextQueryer interface {
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
}

// compareSchema returns how many of our migrations the database has, or says
// why it is not a database for us.
func compareSchema(ctx context.Context, q contextQueryer, e engine, ours []migration) (done int, err error) {
	rows, err := q.QueryContext(ctx, "SELECT number, name, checksum, version FROM migrations ORDER BY number")
	if err != nil {
		return 0, unavailable("reading the schema version", err)
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	for rows.Next() {
		var number int
		var name, checksum, version string
		if err := rows.Scan(&number, &name, &checksum, &version); err != nil {
			return 0, unavailable("reading the schema version", err)
		}
		switch {
		case number > len(ours):
			return 0, fromTheFuture(number, len(ours), version)
		case number != done+1 || checksum != ours[number-1].checksum:
			return 0, &sashlock.Error{
				Kind: sashlock.Conflict, Op: "opening the store", Subject: fmt.Sprintf("migration %04d_%s", number, name),
				Hint: "the database was built by another edition of this step than the one in this program; use the program that built it" + byVersion(version),
			}
		}
		done = number
	}
	return done, rows.Err()
}

func fromTheFuture(theirs, ours int, version string) error {
	return &sashlock.Error{
		Kind: sashlock.Conflict, Op: "opening the store", Subject: "schema " + strconv.Itoa(theirs),
		Hint: fmt.Sprintf("the database has schema version %d and this program knows versions up to %d: use a newer sashlock%s, or restore a backup from before the update", theirs, ours, byVersion(version)),
	}
}

func byVersion(version string) string {
	if version == "" {
		return ""
	}
	return " (it was written by version " + version + ")"
}
