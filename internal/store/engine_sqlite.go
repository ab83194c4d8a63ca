// SPDX-License-Identifier: Apache-2.0

package store

import (
	"database/sql"
	"database/sql/driver"
	"errors"
	"net/url"
	"os"

	"modernc.org/sqlite"
	sqlitecode "modernc.org/sqlite/lib"
)

// readerConns is how many SQLite connections read at the same time.
const readerConns = 4

type sqliteEngine struct{ path string }

func (e *sqliteEngine) name() string                { return "sqlite" }
func (e *sqliteEngine) begin() string               { return "BEGIN IMMEDIATE" }
func (e *sqliteEngine) readOptions() *sql.TxOptions { return &sql.TxOptions{ReadOnly: true} }
func (e *sqliteEngine) fence() string               { return "" }
func (e *sqliteEngine) unfence() string             { return "" }
func (e *sqliteEngine) rebind(query string) string  { return query }
func (e *sqliteEngine) schema(ddl string) string    { return ddl }
func (e *sqliteEngine) settle() string              { return "PRAGMA wal_checkpoint(TRUNCATE)" }
func (e *sqliteEngine) file() string                { return e.path }

// openWriter opens the database in WAL mode with an fsync for every commit.
// The file is for its owner only: it holds names and movements.
func (e *sqliteEngine) openWriter() (*sql.DB, error) {
	f, err := os.OpenFile(e.path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, err
	}
	if err := f.Close(); err != nil {
		return nil, err
	}
	db, err := sql.Open("sqlite", e.dsn("_pragma=busy_timeout(5000)&_pragma=journal_mode(WAL)&_pragma=synchronous(FULL)"+
		"&_pragma=foreign_keys(1)&_pragma=wal_autocheckpoint(16000)&_pragma=cache_size(-16000)&_txlock=immediate"))
	if err != nil {
		return nil, err
	}
	db.SetMaxOpenConns(1)
	return db, nil
}

func (e *sqliteEngine) openCarrier() (*sql.DB, error) {
	db, err := sql.Open("sqlite", e.dsn("_pragma=busy_timeout(5000)&_pragma=synchronous(FULL)"))
	if err != nil {
		return nil, err
	}
	db.SetMaxOpenConns(1)
	return db, nil
}

func (e *sqliteEngine) openReaders() (*sql.DB, error) {
	db, err := sql.Open("sqlite", e.dsn("_pragma=busy_timeout(5000)&_pragma=query_only(1)"))
	if err != nil {
		return nil, err
	}
	db.SetMaxOpenConns(readerConns)
	db.SetMaxIdleConns(readerConns)
	return db, nil
}

func (e *sqliteEngine) dsn(params string) string {
	return "file:" + (&url.URL{Path: e.path}).EscapedPath() + "?" + params
}

func (e *sqliteEngine) lock() (closer, error) { return lockFile(e.path + ".lock") }

func (e *sqliteEngine) unwritable(err error) bool {
	var failure *sqlite.Error
	if !errors.As(err, &failure) {
		return isGone(err)
	}
	switch failure.Code() & 0xff {
	case sqlitecode.SQLITE_FULL, sqlitecode.SQLITE_IOERR, sqlitecode.SQLITE_READONLY, sqlitecode.SQLITE_CANTOPEN,
		sqlitecode.SQLITE_BUSY, sqlitecode.SQLITE_LOCKED, sqlitecode.SQLITE_CORRUPT, sqlitecode.SQLITE_NOTADB,
		sqlitecode.SQLITE_PROTOCOL, sqlitecode.SQLITE_NOMEM:
		return true
	}
	return false
}

// doubtful: a full disk (and a lock) leaves what was there as it was; anything
// else that failed below SQLite may have left the page cache and the disk apart.
func (e *sqliteEngine) doubtful(err error) bool {
	var failure *sqlite.Error
	if !errors.As(err, &failure) {
		return isGone(err)
	}
	switch failure.Code() & 0xff {
	case sqlitecode.SQLITE_FULL, sqlitecode.SQLITE_BUSY, sqlitecode.SQLITE_LOCKED:
		return false
	}
	return e.unwritable(err)
}

// isGone reports whether err says that the connection itself is gone.
func isGone(err error) bool {
	return errors.Is(err, driver.ErrBadConn) || errors.Is(err, sql.ErrConnDone) || errors.Is(err, errInjected)
}

// errInjected is what tests fail steps with.
var errInjected = errors.New("injected fault")
