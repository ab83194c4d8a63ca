// SPDX-License-Identifier: Apache-2.0

package store

import (
	"database/sql"
	"errors"
	"io"
	"net"
	"strings"
	"sync"

	"github.com/jackc/pgx/v5/pgconn"
	_ "github.com/jackc/pgx/v5/stdlib" // the "pgx" driver of database/sql
)

// writerLock is the key of the advisory lock that the one writer holds:
// "sashlock" in ASCII.
const writerLock = "8314053279435678571"

type postgresEngine struct {
	url   string
	known sync.Map // rebound queries
}

func (e *postgresEngine) name() string  { return "postgres" }
func (e *postgresEngine) begin() string { return "BEGIN" }
func (e *postgresEngine) readOptions() *sql.TxOptions {
	return &sql.TxOptions{ReadOnly: true, Isolation: sql.LevelRepeatableRead}
}
func (e *postgresEngine) rebind(query string) string { return numbered(query, &e.known) }
func (e *postgresEngine) settle() string             { return "" }
func (e *postgresEngine) file() string               { return "" }

// The lock lives on the writing connection itself: who loses the connection
// loses the lock with it, so a second writer cannot slip in unnoticed.
func (e *postgresEngine) lock() (closer, error) { return nil, nil }
func (e *postgresEngine) fence() string         { return "SELECT pg_try_advisory_lock(" + writerLock + ")" }
func (e *postgresEngine) unfence() string       { return "SELECT pg_advisory_unlock_all()" }

func (e *postgresEngine) openCarrier() (*sql.DB, error) { return nil, nil }

func (e *postgresEngine) openWriter() (*sql.DB, error) {
	db, err := sql.Open("pgx", e.url)
	if err != nil {
		return nil, err
	}
	db.SetMaxOpenConns(1)
	return db, nil
}

func (e *postgresEngine) openReaders() (*sql.DB, error) {
	db, err := sql.Open("pgx", e.url)
	if err != nil {
		return nil, err
	}
	db.SetMaxOpenConns(8)
	db.SetMaxIdleConns(4)
	return db, nil
}

// postgresTypes are SQLite's words for what PostgreSQL calls otherwise. Text
// sorts by its bytes in both.
var postgresTypes = strings.NewReplacer(
	" INTEGER", " BIGINT", " BLOB", " BYTEA", " TEXT", ` TEXT COLLATE "C"`,
	") STRICT, WITHOUT ROWID;", ");", ") STRICT;", ");",
)

func (e *postgresEngine) schema(ddl string) string { return postgresTypes.Replace(ddl) }

func (e *postgresEngine) unwritable(err error) bool {
	var failure *pgconn.PgError
	if !errors.As(err, &failure) {
		return isGone(err) || isCut(err)
	}
	switch failure.Code[:2] {
	case "08", "53", "57", "58", "XX":
		return true
	}
	return failure.Code == "25006" // a standby, or set to read only
}

// isCut reports whether the server gave no answer.
func isCut(err error) bool {
	var network net.Error
	return errors.As(err, &network) || errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) ||
		err != nil && strings.Contains(err.Error(), "conn closed") // pgx does not export this one
}

// doubtful: the server decides what a crash leaves, so only the connection is
// in doubt, but with it whether a commit went through.
func (e *postgresEngine) doubtful(err error) bool { return e.unwritable(err) }
