// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"database/sql"
	"errors"
	"net/url"
	"path/filepath"

	_ "modernc.org/sqlite" // the driver that Sashlock uses

	"github.com/sashlock/sashlock/internal/store"
)

// row waits to be inserted.
type row struct {
	body []byte
	done chan error
}

// sqliteTable is group commit of single rows, and nothing else.
type sqliteTable struct {
	db    *sql.DB
	conn  *sql.Conn
	queue chan row
	ended chan struct{}
}

func openSQLite(dir string, _ int) (ledger, error) {
	path := (&url.URL{Path: filepath.ToSlash(filepath.Join(dir, "plain.db"))}).EscapedPath()
	db, err := sql.Open("sqlite", "file:"+path+"?_pragma=journal_mode(WAL)&_pragma=synchronous(FULL)")
	if err != nil {
		return nil, err
	}
	ctx := context.Background()
	conn, err := db.Conn(ctx)
	if err != nil {
		return nil, errors.Join(err, db.Close())
	}
	t := &sqliteTable{db: db, conn: conn, queue: make(chan row, store.DefaultMaxBatch), ended: make(chan struct{})}
	if _, err := conn.ExecContext(ctx, "CREATE TABLE plain (seq INTEGER PRIMARY KEY, body BLOB NOT NULL) STRICT"); err != nil {
		return nil, errors.Join(err, conn.Close(), db.Close())
	}
	insert, err := conn.PrepareContext(ctx, "INSERT INTO plain (body) VALUES (?)")
	if err != nil {
		return nil, errors.Join(err, conn.Close(), db.Close())
	}
	go t.run(insert)
	return t, nil
}

func (t *sqliteTable) append(_ int64, body []byte) error {
	done := make(chan error, 1)
	t.queue <- row{body, done}
	return <-done
}

func (t *sqliteTable) size() (n int64, err error) {
	return n, t.conn.QueryRowContext(context.Background(), "SELECT COUNT(*) FROM plain").Scan(&n)
}

func (t *sqliteTable) close() error {
	close(t.queue)
	<-t.ended
	return errors.Join(t.conn.Close(), t.db.Close())
}

// run commits what waits, all of it at once.
func (t *sqliteTable) run(insert *sql.Stmt) {
	defer close(t.ended)
	defer insert.Close() //nolint:errcheck // closed with its connection in any case
	var waiting []row
	for first := range t.queue {
		waiting = append(waiting[:0], first)
		for more := true; more && len(waiting) < store.DefaultMaxBatch; {
			select {
			case next, open := <-t.queue:
				if more = open; open {
					waiting = append(waiting, next)
				}
			default:
				more = false
			}
		}
		err := t.commit(insert, waiting)
		for _, r := range waiting {
			r.done <- err
		}
	}
}

func (t *sqliteTable) commit(insert *sql.Stmt, rows []row) error {
	ctx := context.Background()
	if _, err := t.conn.ExecContext(ctx, "BEGIN IMMEDIATE"); err != nil {
		return err
	}
	for _, r := range rows {
		if _, err := insert.ExecContext(ctx, r.body); err != nil {
			return err
		}
	}
	_, err := t.conn.ExecContext(ctx, "COMMIT")
	return err
}
